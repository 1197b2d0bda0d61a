//! What the schema of the policy says of one value: its choices, its types, the form of its text. Used by [`super::diagnose`].

use hikeshi_domain::policy::LocalTime;
use jiff::civil::Date;
use serde_json::Value;
use toml::de::DeValue;

/// An example of the form that this text does not have; `None`: it has it, or none is asked for.
pub(super) fn unlike(given: &str, schema: &Value) -> Option<&'static str> {
    let (is_right, like) = match schema.get("format").and_then(Value::as_str)? {
        "date" => (given.parse::<Date>().is_ok(), "2026-04-01"),
        "local-time" => (given.parse::<LocalTime>().is_ok(), "09:00"),
        _ => return None,
    };
    (!is_right).then_some(like)
}

/// A pattern without a format is that of names.
pub(super) fn is_of_names(schema: &Value) -> bool {
    schema.get("pattern").is_some() && schema.get("format").is_none()
}

/// Names of people, roles, services …: what `ids` accepts.
pub(super) fn is_name(given: &str) -> bool {
    hikeshi_domain::ids::PersonId::new(given).is_ok_and(|id| id.as_str() == given)
}

pub(super) fn choices(schema: &Value) -> Vec<String> {
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    let one_of = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    one_of
        .flat_map(|one| match one.get("const").and_then(Value::as_str) {
            Some(text) => vec![text.to_owned()],
            None => choices(one),
        })
        .collect()
}

pub(super) fn types_of(schema: &Value) -> Vec<&'static str> {
    let known = |text: &str| ["string", "integer", "number", "boolean", "array", "object"].into_iter().find(|known| *known == text);
    match schema.get("type") {
        Some(Value::String(one)) => known(one).into_iter().collect(),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).filter_map(known).collect(),
        Some(_) | None if !choices(schema).is_empty() => vec!["string"],
        Some(_) | None => Vec::new(),
    }
}

pub(super) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "datetime",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

/// The closest of `allowed`, if it is close enough that a slip of the fingers explains it.
pub(super) fn nearest(given: &str, allowed: &[String]) -> Option<String> {
    let limit = (given.chars().count() / 3).max(2);
    allowed
        .iter()
        .map(|one| (strsim::damerau_levenshtein(given, one), one))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, one)| one.clone())
}
