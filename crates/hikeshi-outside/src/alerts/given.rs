//! What the formats have in common: texts, labels, times, links and lists, read leniently. Nothing here knows a sender.

use std::collections::BTreeMap;

use hikeshi_domain::alert::{LABELS_MAX, LINK_CHARS_MAX, Signal};
use jiff::Timestamp;
use serde_json::Value;

use super::{Refused, SIGNALS_IN_BODY_MAX};

/// Reads JSON. How deep it may be nested is bounded by serde_json: 128 levels.
pub(super) fn parse(body: &[u8], bytes_max: usize) -> Result<Value, Refused> {
    if body.len() > bytes_max {
        return Err(Refused::too_large(&format!("the body is larger than {bytes_max} bytes")));
    }
    // The parser's errors say what was expected and where, and repeat nothing of the body.
    serde_json::from_slice(body).map_err(|error| Refused::invalid(&format!("the body is not JSON: {error}")))
}

/// A text, number or truth value as text; `None` for one that is blank.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn text_at(value: &Value, pointer: &str) -> Option<String> {
    text(value.pointer(pointer)?)
}

/// The first of several places that holds a text.
pub(super) fn first_text(value: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| text_at(value, pointer))
}

/// The entries of an object that have a value, each as text; what is nested, as compact JSON.
///
/// Texts stay exactly as they are, for a fingerprint may be made of them. An empty label is the same as none, as it is for Prometheus.
pub(super) fn labels(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), label(value)?))).collect()
}

pub(super) fn label(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Adds labels of less weight to those that matter: none takes another's place, and none too many.
pub(super) fn add(labels: &mut BTreeMap<String, String>, others: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in others {
        if labels.len() >= LABELS_MAX {
            return;
        }
        labels.entry(name).or_insert(value);
    }
}

/// A point in time. What Go writes for none, the year 1, is none; so is whatever cannot be read.
pub(super) fn time_at(value: &Value, pointer: &str) -> Option<Timestamp> {
    let given: Timestamp = value.pointer(pointer)?.as_str()?.trim().parse().ok()?;
    Some(given).filter(|at| *at >= Timestamp::UNIX_EPOCH)
}

/// The first that leads somewhere: an address of the web that need not be cut. Addresses of Prometheus hold a whole query.
pub(super) fn link(value: &Value, pointers: &[&str]) -> Option<String> {
    let leads = |link: &String| (link.starts_with("https://") || link.starts_with("http://")) && link.chars().count() <= LINK_CHARS_MAX;
    pointers.iter().filter_map(|pointer| text_at(value, pointer)).find(leads)
}

/// The list of alerts at a place.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a [Value], Refused> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map(Vec::as_slice).ok_or_else(|| Refused::invalid(&format!("{} must be an array of alerts", place(pointer))))
}

/// A JSON pointer for people: that of the whole is empty.
pub(super) fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// Reads every alert of a list, in its order. One that cannot be read keeps none of the others away; what it lacks begins with a pointer into it.
pub(super) fn each(alerts: &[Value], at: &str, read: &dyn Fn(&Value) -> Result<Signal, String>) -> Result<Vec<Signal>, Refused> {
    if alerts.len() > SIGNALS_IN_BODY_MAX {
        return Err(Refused::too_large(&format!("{} holds more than {SIGNALS_IN_BODY_MAX} alerts", place(at))));
    }
    let mut understood = Vec::with_capacity(alerts.len());
    let mut lacking: Option<(String, usize)> = None;
    for (index, alert) in alerts.iter().enumerate() {
        match read(alert) {
            Ok(signal) => understood.push(signal.bounded()),
            Err(lack) => {
                let (_, others) = lacking.get_or_insert_with(|| (format!("{at}/{index}{lack}"), 0));
                *others += 1;
            }
        }
    }
    match lacking {
        None => Ok(understood),
        Some((first, 1)) => Err(Refused { understood, ..Refused::invalid(&first) }),
        Some((first, all)) => Err(Refused { understood, ..Refused::invalid(&format!("{first}; {all} alerts cannot be told apart")) }),
    }
}

pub(super) fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_as_they_come_and_the_year_1_is_none() {
        let read = |text: &str| time_at(&json!({"at": text}), "/at").map(|at| at.to_string());
        for (given, wanted) in [
            ("2026-01-05T03:02:15.432Z", "2026-01-05T03:02:15.432Z"),
            ("2015-07-17T08:42:58.315+0000", "2015-07-17T08:42:58.315Z"),
            ("2026-10-12T09:51:03.157076+09:00", "2026-10-12T00:51:03.157076Z"),
            ("2026-11-10T20:56:00.679000+00:00", "2026-11-10T20:56:00.679Z"),
            (" 2026-01-05 03:02:15Z ", "2026-01-05T03:02:15Z"),
        ] {
            assert_eq!(read(given).as_deref(), Some(wanted), "{given}");
        }
        for none in
            ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T09:18:59+09:18", "", "yesterday", "2026-01-05", "1+00:00Z"]
        {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(time_at(&json!({"at": 5}), "/at"), None);
        assert_eq!(time_at(&json!([]), "/at"), None);
    }

    #[test]
    fn labels_are_texts_and_those_without_a_value_are_none() {
        let given = json!({"a": " as it is ", "b": "", "c": null, "d": 0.75, "e": false, "f": {"x": [1]}, "名前": "値"});
        let wanted = [("a", " as it is "), ("d", "0.75"), ("e", "false"), ("f", r#"{"x":[1]}"#), ("名前", "値")];
        assert_eq!(labels(Some(&given)), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        for odd in [json!([1]), json!("a"), json!(null)] {
            assert!(labels(Some(&odd)).is_empty(), "{odd}");
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_passed_over() {
        let long = format!("https://example.test/{}", "x".repeat(LINK_CHARS_MAX));
        let given = json!({"a": "javascript:alert(1)", "b": long, "c": "", "d": "http://cobalt.test/graph"});
        assert_eq!(link(&given, &["/a", "/b", "/c", "/none", "/d"]).as_deref(), Some("http://cobalt.test/graph"));
        assert_eq!(link(&given, &["/a", "/b"]), None);
    }

    #[test]
    fn labels_of_less_weight_fill_what_is_left() {
        let mut all: BTreeMap<String, String> = [("source".to_owned(), "db1".to_owned())].into();
        add(&mut all, (0..100).map(|n| (format!("a{n}"), String::new())).chain([("source".to_owned(), "other".to_owned())]));
        assert_eq!((all.len(), all["source"].as_str()), (LABELS_MAX, "db1"));
        let mut one: BTreeMap<String, String> = [("source".to_owned(), "db1".to_owned())].into();
        add(&mut one, [("source".to_owned(), "other".to_owned())]);
        assert_eq!(one["source"], "db1");
    }
}
