//! Datadog, whose messages look as their operator has them look: the [`TEMPLATE`] to be set, and how what comes of it is read.

use std::collections::BTreeMap;

use hikeshi_domain::alert::{Phase, Severity, Signal};
use jiff::Timestamp;
use serde_json::Value;

use super::Refused;
use super::given::{add, link, text_at};

/// The payload of a webhook in Datadog, to be set as it stands.
pub const TEMPLATE: &str = r#"{
  "schema": "hikeshi.datadog.1",
  "transition": "$ALERT_TRANSITION",
  "monitor_id": "$ALERT_ID",
  "scope": "$ALERT_SCOPE",
  "cycle_key": "$ALERT_CYCLE_KEY",
  "aggreg_key": "$AGGREG_KEY",
  "alert_type": "$ALERT_TYPE",
  "priority": "$ALERT_PRIORITY",
  "title": "$ALERT_TITLE",
  "event_title": "$EVENT_TITLE",
  "event_type": "$EVENT_TYPE",
  "text": "$TEXT_ONLY_MSG",
  "status": "$ALERT_STATUS",
  "metric": "$ALERT_METRIC",
  "hostname": "$HOSTNAME",
  "tags": "$TAGS",
  "link": "$LINK",
  "snapshot": "$SNAPSHOT",
  "date_ms": "$DATE"
}
"#;

/// What Datadog writes at the head of a title, which changes while the alert stays the same.
const STATES: &[&str] = &["triggered", "re-triggered", "warn", "re-warn", "no data", "re-no data", "recovered", "renotify"];

pub(super) fn read(message: &Value) -> Result<Vec<Signal>, Refused> {
    let said = |name: &str| said(message, name);
    let key = key(message)
        .ok_or_else(|| Refused::invalid("/monitor_id is missing: set the payload of the webhook as the documentation has it"))?;
    let transition = said("transition").unwrap_or_default().to_ascii_lowercase();
    let heading = said("title").or_else(|| said("event_title")).unwrap_or_default();
    let (state, name) = parted(&heading);
    let scope = said("scope").filter(|scope| scope != "*");
    let title = match &scope {
        Some(scope) if !name.is_empty() => format!("{name} ({scope})"),
        Some(_) | None => name.to_owned(),
    };
    let mut signal = Signal::new(&key, phase(message, &transition, &state), &title);
    signal.summary = said("text").or_else(|| said("status")).unwrap_or_default();
    signal.severity = severity(message, &transition);
    signal.link = link(message, &["/link", "/snapshot"]);
    // A reminder carries the time of the reminder.
    signal.since = date(message).filter(|_| !transition.starts_with("re"));
    let own = ["monitor_id", "scope", "hostname", "metric", "event_type", "priority"];
    signal.labels = own.into_iter().filter_map(|name| Some((name.to_owned(), said(name)?))).collect();
    add(&mut signal.labels, tags(&said("tags").unwrap_or_default()));
    Ok(vec![signal.bounded()])
}

/// A value of the template. A variable that Datadog does not know stays as it is.
fn said(message: &Value, name: &str) -> Option<String> {
    let unknown = |text: &String| text.strip_prefix('$').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    text_at(message, &format!("/{name}")).filter(|text| !unknown(text))
}

/// The monitor and what of it, which is the same whenever it fires again; an event that is no monitor's has only what Datadog groups it by.
fn key(message: &Value) -> Option<String> {
    let monitor = said(message, "monitor_id").map(|monitor| {
        let scope = said(message, "scope").unwrap_or_default();
        let mut parts: Vec<&str> = scope.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "*").collect();
        parts.sort_unstable();
        format!("{monitor} {}", parts.join(","))
    });
    monitor.or_else(|| said(message, "cycle_key")).or_else(|| said(message, "aggreg_key"))
}

fn phase(message: &Value, transition: &str, state: &str) -> Phase {
    let over = if transition.is_empty() {
        state.starts_with("recovered") || said(message, "alert_type").is_some_and(|kind| kind.eq_ignore_ascii_case("success"))
    } else {
        transition.starts_with("recovered")
    };
    if over { Phase::Resolved } else { Phase::Firing }
}

/// The priority that people gave the monitor, except that a warning is never more than one.
fn severity(message: &Value, transition: &str) -> Option<Severity> {
    let known = ["priority", "alert_type"].iter().find_map(|name| Severity::read(&said(message, name)?));
    // Critical is the least of the order.
    if transition.ends_with("warn") { Some(known.map_or(Severity::Warning, |known| known.max(Severity::Warning))) } else { known }
}

/// The state and the name in a title such as `[P1] [Triggered on {host:db1}] Disk is full`.
fn parted(heading: &str) -> (String, &str) {
    let (mut state, mut rest) = (String::new(), heading.trim());
    while let Some((head, tail)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let head = head.trim().to_ascii_lowercase();
        let changes = STATES.iter().any(|state| head.strip_prefix(state).is_some_and(|rest| rest.is_empty() || rest.starts_with(" on ")));
        let ranks = head.len() == 2 && head.starts_with('p') && head.ends_with(|c: char| c.is_ascii_digit());
        if !changes && !ranks {
            break;
        }
        if changes {
            state = head;
        }
        rest = tail.trim_start();
    }
    (state, rest)
}

/// `env:prod,host:a,host:b,urgent`
fn tags(given: &str) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for tag in given.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let all = tags.entry(name.to_owned()).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(value);
    }
    tags
}

/// Milliseconds, as a text.
fn date(message: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(said(message, "date_ms")?.parse().ok()?).ok().filter(|at| *at >= Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
