//! Unknown fields are refused everywhere, also inside types that serde reads leniently: what is not understood must not be ignored.

use serde_json::Value;

/// The first field of `given` that `understood` does not have, as a path such as `plan.steps[0].retries`.
pub fn unknown_field(given: &Value, understood: &Value) -> Option<String> {
    let mut path = String::new();
    find(given, understood, &mut path).then_some(path)
}

fn find(given: &Value, understood: &Value, path: &mut String) -> bool {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => given.iter().any(|(key, value)| {
            let before = path.len();
            if before > 0 {
                path.push('.');
            }
            path.push_str(key);
            let found = match understood.get(key) {
                Some(known) => find(value, known, path),
                // An absent answer and a null are the same to an optional field.
                None => !value.is_null(),
            };
            if !found {
                path.truncate(before);
            }
            found
        }),
        (Value::Array(given), Value::Array(understood)) => given.iter().zip(understood).enumerate().any(|(index, (value, known))| {
            let before = path.len();
            path.push_str(&format!("[{index}]"));
            let found = find(value, known, path);
            if !found {
                path.truncate(before);
            }
            found
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_field_is_found_at_any_depth() {
        let understood = json!({"do": "open", "triage": {"impact": "all_users"}, "steps": [{"title": "a"}]});
        assert_eq!(unknown_field(&understood, &understood), None);
        assert_eq!(
            unknown_field(&json!({"triage": {"impact": "all_users", "sevrity": 1}}), &understood).as_deref(),
            Some("triage.sevrity")
        );
        assert_eq!(unknown_field(&json!({"steps": [{"title": "a", "retries": 3}]}), &understood).as_deref(), Some("steps[0].retries"));
        assert_eq!(unknown_field(&json!({"triage": {"override": null}}), &understood), None);
    }
}
