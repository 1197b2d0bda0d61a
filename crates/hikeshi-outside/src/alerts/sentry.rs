//! Sentry: alerts of rules (`event_alert`), issues, and alerts of measurements (`metric_alert`), as an integration's webhook tells them.
//!
//! A rule's alert never says that it is over; the issue it is about does. So both have the issue's key, and an integration that is to clear what
//! it raised subscribes to issues too. Whoever wants rules alone to raise alerts drops `resource = "issue", action = "created"` by a route.

use hikeshi_domain::alert::{Phase, Severity, Signal};
use serde_json::Value;

use super::Refused;
use super::given::{add, first_text, label, link, text_at, time_at};

/// The header that says what a message is about.
pub(super) const RESOURCE: &str = "Sentry-Hook-Resource";

/// Messages about anything else, such as the integration itself, are no alerts: they are understood, and nothing follows.
pub(super) fn read(resource: &str, message: &Value) -> Result<Vec<Signal>, Refused> {
    let kind = match resource.trim() {
        // Something on the way took the header off; what is in the message tells.
        "" => [("event", "event_alert"), ("metric_alert", "metric_alert"), ("issue", "issue")]
            .into_iter()
            .find_map(|(part, kind)| message.pointer("/data")?.get(part).map(|_| kind))
            .ok_or_else(|| Refused::invalid(&format!("neither the header {RESOURCE} nor /data says what this is about")))?,
        given => given,
    };
    let signal = match kind {
        "event_alert" => Some(event_alert(message)?),
        "issue" => issue(message)?,
        "metric_alert" => metric_alert(message)?,
        _ => None,
    };
    Ok(signal.into_iter().map(|signal| labelled(signal, kind, message).bounded()).collect())
}

fn event_alert(message: &Value) -> Result<Signal, Refused> {
    const EVENT: &str = "/data/event";
    let event = message.pointer(EVENT).unwrap_or(&Value::Null);
    let id = text_at(event, "/issue_id").or_else(|| part_after(&text_at(event, "/issue_url")?, "issues", 1));
    let id = id.ok_or_else(|| Refused::invalid(&format!("{EVENT}/issue_id is missing")))?;
    let title = first_text(event, &["/title", "/metadata/title", "/metadata/value"]).unwrap_or_default();
    let mut signal = Signal::new(&issue_key(&id), Phase::Firing, &title);
    signal.summary = first_text(event, &["/message", "/culprit", "/location"]).unwrap_or_default();
    signal.severity = text_at(event, "/level").and_then(|level| Severity::read(&level));
    signal.link = link(event, &["/web_url"]);
    signal.since = time_at(event, "/datetime");
    // The project stands as a number beside, and by its name only within an address.
    let project = text_at(event, "/url").and_then(|url| part_after(&url, "projects", 2)).or_else(|| text_at(event, "/project"));
    let own = [("project", project), ("rule", text_at(message, "/data/triggered_rule"))];
    signal.labels.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    signal.labels.extend(texts(event, &["environment", "level", "platform", "culprit"]));
    Ok(signal)
}

fn issue(message: &Value) -> Result<Option<Signal>, Refused> {
    const ISSUE: &str = "/data/issue";
    let phase = match action(message)?.as_str() {
        "created" | "unresolved" => Phase::Firing,
        // Set aside by a person until it grows, which is then told as `unresolved`.
        "resolved" | "archived" | "ignored" => Phase::Resolved,
        // Whom it is assigned to says nothing about whether it fires.
        _ => return Ok(None),
    };
    let issue = message.pointer(ISSUE).unwrap_or(&Value::Null);
    let id = text_at(issue, "/id").ok_or_else(|| Refused::invalid(&format!("{ISSUE}/id is missing")))?;
    let title = first_text(issue, &["/title", "/metadata/title", "/metadata/value"]).unwrap_or_default();
    let mut signal = Signal::new(&issue_key(&id), phase, &title);
    signal.summary = text_at(issue, "/culprit").unwrap_or_default();
    signal.severity = text_at(issue, "/level").and_then(|level| Severity::read(&level));
    signal.link = link(issue, &["/web_url", "/permalink"]);
    // What has come back began anew; when it was first seen would make it look like an old report.
    signal.since = time_at(issue, "/firstSeen").filter(|_| text_at(message, "/action").as_deref() == Some("created"));
    let own =
        [("project", first_text(issue, &["/project/slug", "/project/name", "/project/id"])), ("short_id", text_at(issue, "/shortId"))];
    signal.labels.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    signal.labels.extend(texts(issue, &["level", "platform", "culprit"]));
    Ok(Some(signal))
}

fn metric_alert(message: &Value) -> Result<Option<Signal>, Refused> {
    const ALERT: &str = "/data/metric_alert";
    let action = action(message)?;
    let phase = match action.as_str() {
        "critical" | "warning" | "open" => Phase::Firing,
        "resolved" | "closed" => Phase::Resolved,
        _ => return Ok(None),
    };
    let alert = message.pointer(ALERT).unwrap_or(&Value::Null);
    let id = text_at(alert, "/id").or_else(|| Some(format!("rule-{}", text_at(alert, "/alert_rule/id")?)));
    let id = id.ok_or_else(|| Refused::invalid(&format!("{ALERT}/id is missing")))?;
    // The alert's own title is made up of two words; the rule's name says what is measured, and stays when the state changes.
    let title = text_at(alert, "/alert_rule/name").or_else(|| text_at(message, "/data/description_title"));
    let title = title.or_else(|| text_at(alert, "/title")).unwrap_or_default();
    let mut signal = Signal::new(&format!("metric-{id}"), phase, &title);
    // Sentry writes its line breaks as two characters.
    signal.summary = text_at(message, "/data/description_text").unwrap_or_default().replace("\\n", "\n");
    signal.severity = Severity::read(&action);
    signal.link = link(message, &["/data/web_url"]);
    signal.since = time_at(alert, "/date_started");
    let projects: Vec<String> = alert.get("projects").and_then(Value::as_array).into_iter().flatten().filter_map(label).collect();
    let own = [("rule", text_at(alert, "/alert_rule/name")), ("environment", text_at(alert, "/alert_rule/environment"))];
    let own = own.into_iter().chain([("project", Some(projects.join(", ")).filter(|projects| !projects.is_empty()))]);
    signal.labels.extend(own.filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Ok(Some(signal))
}

fn labelled(mut signal: Signal, kind: &str, message: &Value) -> Signal {
    signal.labels.insert("resource".to_owned(), kind.to_owned());
    signal.labels.extend(texts(message, &["action"]));
    // The tags of an event are pairs. Whose browser it was is nobody's business here.
    let tags = message.pointer("/data/event/tags").and_then(Value::as_array).into_iter().flatten();
    let tags = tags.filter_map(|tag| Some((text_at(tag, "/0")?, text_at(tag, "/1")?)));
    add(&mut signal.labels, tags.filter(|(name, _)| name != "user" && !name.starts_with("user.")));
    signal
}

fn issue_key(id: &str) -> String {
    format!("issue-{id}")
}

fn action(message: &Value) -> Result<String, Refused> {
    text_at(message, "/action").map(|action| action.to_ascii_lowercase()).ok_or_else(|| Refused::invalid("/action is missing"))
}

fn texts<'a>(of: &'a Value, names: &'a [&'a str]) -> impl Iterator<Item = (String, String)> + 'a {
    names.iter().filter_map(|name| Some(((*name).to_owned(), super::given::text(of.get(name)?)?)))
}

/// The part of an address that stands so many parts after the one named so.
fn part_after(url: &str, name: &str, parts: usize) -> Option<String> {
    url.split('/').skip_while(|part| *part != name).nth(parts).filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
