//! PagerDuty's Events API v2, so that whatever can speak with PagerDuty can speak with us: its events and its answers.
//!
//! Whoever sends an event proves who they are by the routing key within the body, so the body is parsed before anybody is known, and the size
//! that PagerDuty allows is not exceeded.

use std::collections::BTreeMap;
use std::fmt;

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::{Phase, Severity, Signal};
use serde_json::{Value, json};

use super::Refused;
use super::given::{add, label, labels, link, parse, text_at, time_at};

/// PagerDuty says 512 KB.
const BODY_BYTES_MAX: usize = 512 * 1024;
/// Between the faults of one event, each of which is named in the answer.
const APART: &str = "; ";
const NOT_READ: &str = "JSON parse error";

/// An event, and what shows who sends it.
#[derive(Clone, PartialEq)]
pub struct PagerDuty {
    pub routing_key: String,
    pub signals: Vec<Signal>,
    /// The sender is told it, and names the alert by it from then on.
    pub dedup_key: String,
}

impl fmt::Debug for PagerDuty {
    /// The routing key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagerDuty").field("signals", &self.signals).field("dedup_key", &self.dedup_key).finish_non_exhaustive()
    }
}

/// Reads an event. A trigger that names no alert is one of its own, by the key that is made up for it.
pub fn read_pagerduty(body: &[u8], made_up_key: &str) -> Result<PagerDuty, Refused> {
    let event = object(body)?;
    let mut faults = Vec::new();
    let routing_key = wanted(&event, "routing_key", &mut faults);
    let phase = match text_at(&event, "/event_action").unwrap_or_default().to_ascii_lowercase().as_str() {
        "trigger" => Some(Phase::Firing),
        "acknowledge" => Some(Phase::Acknowledged),
        "resolve" => Some(Phase::Resolved),
        _ => None,
    };
    if phase.is_none() {
        faults.push("'event_action' must be one of 'trigger', 'acknowledge' or 'resolve'".to_owned());
    }
    let dedup_key = match phase {
        Some(Phase::Firing) | None => text_at(&event, "/dedup_key").unwrap_or_else(|| made_up_key.to_owned()),
        Some(Phase::Acknowledged | Phase::Resolved) => wanted(&event, "dedup_key", &mut faults),
    };
    if phase == Some(Phase::Firing) {
        faults.extend(["payload.summary", "payload.source"].iter().filter_map(|name| missing(&event, name)));
        faults.extend(wrong_severity(&event));
    }
    match phase {
        Some(phase) if faults.is_empty() => {
            let signals = vec![signal(&event, &dedup_key, phase).bounded()];
            Ok(PagerDuty { routing_key, signals, dedup_key })
        }
        Some(_) | None => Err(Refused::invalid(&faults.join(APART))),
    }
}

/// A change event, and what shows who sends it.
#[derive(Clone, PartialEq)]
pub struct PagerDutyChange {
    pub routing_key: String,
    pub title: String,
    pub details: String,
    pub link: Option<String>,
    pub at: Option<Timestamp>,
}

impl fmt::Debug for PagerDutyChange {
    /// The routing key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagerDutyChange").field("title", &self.title).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Reads a change event. Its `source` and `custom_details` become its details, a line each.
pub fn read_pagerduty_change(body: &[u8]) -> Result<PagerDutyChange, Refused> {
    let event = object(body)?;
    let mut faults = Vec::new();
    let routing_key = wanted(&event, "routing_key", &mut faults);
    let title = wanted(&event, "payload.summary", &mut faults);
    if !faults.is_empty() {
        return Err(Refused::invalid(&faults.join(APART)));
    }
    let mut lines: Vec<String> = text_at(&event, "/payload/source").into_iter().collect();
    match event.pointer("/payload/custom_details") {
        Some(Value::String(details)) => lines.push(details.clone()),
        Some(details @ Value::Array(_)) => lines.extend(label(details)),
        details => lines.extend(labels(details).into_iter().map(|(name, value)| format!("{name}: {value}"))),
    }
    let (link, at) = (link_of(&event), time_of_change(&event));
    Ok(PagerDutyChange { routing_key, title, details: lines.join("\n"), link, at })
}

/// Clients for Python have written `+00:00Z`. Without its time a change that is sent again could not be told from another one.
fn time_of_change(event: &Value) -> Option<Timestamp> {
    let place = "/payload/timestamp";
    time_at(event, place).or_else(|| text_at(event, place)?.trim().strip_suffix('Z')?.parse().ok())
}

/// The answer, with status 202, to a change event.
pub fn change_accepted() -> Value {
    json!({"status": "success", "message": "Change event processed"})
}

/// The answer, with status 202, to an event that was taken. Clients fail when it holds no key.
pub fn accepted(dedup_key: &str) -> Value {
    json!({"status": "success", "message": "Event processed", "dedup_key": dedup_key})
}

/// The answer to what cannot be understood, with the status of the refusal.
pub fn refused(refused: &Refused) -> Value {
    let errors: Vec<&str> = refused.why.split(APART).collect();
    if refused.why.starts_with(NOT_READ) {
        return json!({"status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": errors});
    }
    json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})
}

fn object(body: &[u8]) -> Result<Value, Refused> {
    match parse(body, BODY_BYTES_MAX) {
        Ok(event) if event.is_object() => Ok(event),
        Ok(_) => Err(Refused::invalid(&format!("{NOT_READ}: the body must be an object"))),
        Err(refused) if refused.status == 400 => Err(Refused::invalid(&format!("{NOT_READ}: {}", refused.why))),
        Err(refused) => Err(refused),
    }
}

/// The text at a place such as `payload.summary`, or nothing and a fault.
fn wanted(event: &Value, name: &str, faults: &mut Vec<String>) -> String {
    faults.extend(missing(event, name));
    text_at(event, &pointer(name)).unwrap_or_default()
}

fn missing(event: &Value, name: &str) -> Option<String> {
    text_at(event, &pointer(name)).is_none().then(|| format!("'{name}' is missing or blank"))
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('.', "/"))
}

fn severity(event: &Value) -> Option<Severity> {
    let given = text_at(event, "/payload/severity")?.to_ascii_lowercase();
    [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info].into_iter().find(|severity| severity.code() == given)
}

fn wrong_severity(event: &Value) -> Option<String> {
    severity(event).is_none().then(|| "'payload.severity' must be one of 'critical', 'error', 'warning' or 'info'".to_owned())
}

fn signal(event: &Value, dedup_key: &str, phase: Phase) -> Signal {
    let mut signal = Signal::new(dedup_key, phase, &text_at(event, "/payload/summary").unwrap_or_default());
    signal.severity = severity(event);
    signal.since = time_at(event, "/payload/timestamp");
    signal.link = link_of(event);
    let own = ["source", "component", "group", "class"];
    signal.labels = own.into_iter().filter_map(|name| Some((name.to_owned(), label(event.pointer("/payload")?.get(name)?)?))).collect();
    match event.pointer("/payload/custom_details") {
        Some(Value::String(details)) => details.clone_into(&mut signal.summary),
        Some(details @ Value::Array(_)) => {
            let whole: BTreeMap<String, String> = label(details).map(|text| ("custom_details".to_owned(), text)).into_iter().collect();
            add(&mut signal.labels, whole);
        }
        details => add(&mut signal.labels, labels(details)),
    }
    signal
}

fn link_of(event: &Value) -> Option<String> {
    let links = event.get("links").and_then(Value::as_array).into_iter().flatten();
    links.filter_map(|one| link(one, &["/href"])).next().or_else(|| link(event, &["/client_url"]))
}

#[cfg(test)]
mod tests;
