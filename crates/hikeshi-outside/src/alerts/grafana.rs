//! Grafana: its webhook of today, which is Alertmanager's with a few more words, and that of Grafana before version 9.

use hikeshi_domain::alert::{Phase, Severity, Signal};
use serde_json::Value;

use super::Refused;
use super::given::{labels, link, text_at};
use super::prometheus::notified;

pub(super) fn read(message: &Value) -> Result<Vec<Signal>, Refused> {
    if message.get("alerts").is_none() && message.get("ruleId").is_some() {
        return legacy(message).map(|signal| vec![signal]);
    }
    // Grafana hides the labels that begin with `__`, among them the rule's id, so its own fingerprint is the better one.
    notified(message, &|alert| text_at(alert, "/fingerprint"))
}

/// One rule, whose state is that of the whole.
fn legacy(message: &Value) -> Result<Signal, Refused> {
    let rule = text_at(message, "/ruleId").ok_or_else(|| Refused::invalid("/ruleId must be a number"))?;
    let over = text_at(message, "/state").is_some_and(|state| state.eq_ignore_ascii_case("ok"));
    let title = text_at(message, "/ruleName").or_else(|| text_at(message, "/title")).unwrap_or_default();
    let mut signal = Signal::new(&format!("rule-{rule}"), if over { Phase::Resolved } else { Phase::Firing }, &title);
    signal.summary = text_at(message, "/message").unwrap_or_default();
    signal.link = link(message, &["/ruleUrl"]);
    signal.labels = labels(message.get("tags"));
    signal.severity = signal.labels.get("severity").and_then(|given| Severity::read(given));
    Ok(signal.bounded())
}

#[cfg(test)]
mod tests;
