//! Any JSON, read where the policy's [`Fields`] say that things are.

use hikeshi_domain::alert::{Phase, Severity, Signal};
use hikeshi_domain::policy::Fields;
use serde_json::Value;

use super::Refused;
use super::given::{each, labels, link, list, text_at};

pub(super) fn read(fields: &Fields, message: &Value) -> Result<Vec<Signal>, Refused> {
    match &fields.items {
        Some(items) => each(list(message, items)?, items, &|alert| one(fields, alert)),
        None => one(fields, message).map(|signal| vec![signal.bounded()]).map_err(|lack| Refused::invalid(lack.trim_start())),
    }
}

fn one(fields: &Fields, alert: &Value) -> Result<Signal, String> {
    let at = |pointer: &Option<String>| pointer.as_deref().and_then(|pointer| text_at(alert, pointer));
    let status = at(&fields.status).map(|status| status.to_lowercase());
    let over = status.is_some_and(|status| fields.resolved.iter().any(|word| word.trim().to_lowercase() == status));
    let key = text_at(alert, &fields.key).ok_or_else(|| lacks(&fields.key, "key"))?;
    let title = text_at(alert, &fields.title);
    // That it is over can be said without a title.
    if title.is_none() && !over {
        return Err(lacks(&fields.title, "title"));
    }
    let mut signal = Signal::new(&key, if over { Phase::Resolved } else { Phase::Firing }, &title.unwrap_or_default());
    signal.summary = at(&fields.summary).unwrap_or_default();
    signal.severity = at(&fields.severity).and_then(|given| Severity::read(&given));
    signal.link = fields.link.as_deref().and_then(|pointer| link(alert, &[pointer]));
    signal.labels = labels(fields.labels.as_deref().and_then(|pointer| alert.pointer(pointer)));
    Ok(signal)
}

fn lacks(pointer: &str, name: &str) -> String {
    format!("{pointer} must be a text or a number: it is the `{name}` of an alert")
}

#[cfg(test)]
mod tests;
