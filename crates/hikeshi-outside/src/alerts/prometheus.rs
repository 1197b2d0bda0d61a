//! Alerts that are a set of labels with annotations: Alertmanager's webhook, its API v2 as Prometheus uses it, and what Grafana has taken over.
//!
//! The key is made here, of the labels, so that an alert has the same one whichever way it comes. Alertmanager's fingerprint would do for the
//! webhook; the API has none.

use std::collections::BTreeMap;

use hikeshi_domain::alert::{Phase, Severity, Signal};
use hikeshi_domain::ids::Digest;
use serde_json::Value;

use super::Refused;
use super::given::{each, first_text, labels, link, list, text_at, time_at};

/// On every alert of a message from which the sender has left some out, which may be the resolved ones.
const LEFT_OUT: &str = "truncatedAlerts";

/// The webhook, version 4.
pub(super) fn webhook(message: &Value) -> Result<Vec<Signal>, Refused> {
    notified(message, &|_| None)
}

/// A message that holds alerts of a group; `key` may know a better name of one than its labels.
pub(super) fn notified(message: &Value, key: &dyn Fn(&Value) -> Option<String>) -> Result<Vec<Signal>, Refused> {
    // The whole is firing as soon as one alert is, so it is asked only about an alert that does not say itself.
    let whole = phase(message).unwrap_or(Phase::Firing);
    let left_out = message.get(LEFT_OUT).and_then(Value::as_u64).filter(|count| *count > 0);
    let sender = link(message, &["/externalURL"]);
    each(list(message, "/alerts")?, "/alerts", &|alert| {
        let mut signal = labelled(alert, key(alert))?;
        signal.phase = phase(alert).unwrap_or(whole);
        signal.link = signal.link.or_else(|| sender.clone());
        signal.labels.extend(left_out.map(|count| (LEFT_OUT.to_owned(), count.to_string())));
        Ok(signal)
    })
}

/// The array that `POST /api/v2/alerts` takes.
pub(super) fn posted(alerts: &Value) -> Result<Vec<Signal>, Refused> {
    each(list(alerts, "")?, "", &|alert| {
        let mut signal = labelled(alert, None)?;
        signal.lapses_at = time_at(alert, "/endsAt");
        Ok(signal)
    })
}

fn phase(of: &Value) -> Option<Phase> {
    match text_at(of, "/status")?.to_ascii_lowercase().as_str() {
        "resolved" => Some(Phase::Resolved),
        "firing" => Some(Phase::Firing),
        _ => None,
    }
}

fn labelled(alert: &Value, key: Option<String>) -> Result<Signal, String> {
    let labels = labels(alert.get("labels"));
    let key = key.or_else(|| fingerprint(&labels)).ok_or("/labels must hold at least one label with a value")?;
    let title = first_text(alert, &["/annotations/summary", "/annotations/title"]).or_else(|| name(&labels)).unwrap_or_default();
    let mut signal = Signal::new(&key, Phase::Firing, &title);
    signal.summary = first_text(alert, &["/annotations/description", "/annotations/message"]).unwrap_or_default();
    signal.severity = labels.get("severity").and_then(|given| Severity::read(given));
    signal.link = link(alert, &["/generatorURL", "/panelURL", "/dashboardURL"]);
    signal.since = time_at(alert, "/startsAt");
    signal.labels = labels;
    Ok(signal)
}

fn name(labels: &BTreeMap<String, String>) -> Option<String> {
    let alert = labels.get("alertname")?;
    Some(labels.get("instance").map_or_else(|| alert.clone(), |instance| format!("{alert} ({instance})")))
}

/// The same labels, whatever their order, give the same; annotations change with every measurement and are no part of it.
///
/// Each length stands before its text, so that no two sets read alike. Alerts that fire are known by this: it may never change.
fn fingerprint(labels: &BTreeMap<String, String>) -> Option<String> {
    let whole: String = labels.iter().map(|(name, value)| format!("{}:{name}{}:{value}", name.len(), value.len())).collect();
    (!labels.is_empty()).then(|| Digest::of(whole.as_bytes()).to_string().chars().take(16).collect())
}

#[cfg(test)]
mod tests;
