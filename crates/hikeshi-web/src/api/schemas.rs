//! The schemas of the document, assembled from the types themselves.

use hikeshi_domain::emergency::{self, Emergency};
use hikeshi_domain::obligation::{self, Obligation};
use hikeshi_domain::{account, channel, command, incident};
use hikeshi_engine::look::{
    ChannelView, EmergencyView, EntryView, IncidentRow, IncidentView, LedgerView, NowView, ObligationView, Page, PersonView,
};
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::commands::CommandAnswer;
use super::problem::Problem;
use super::read::{CheckpointAnswer, EntryAnswer, Health, Me, PolicyAnswer};

const REF: &str = "#/components/schemas/";

/// The kinds of an area's commands that the API does not take.
const CLOSED: &[(&str, &[&str])] = &[("account", &["invite", "sign_in", "add_passkey"])];

/// Every component schema.
pub fn components() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    // Types of the same name in two areas get names of their own; asked first, so that the generator's number is known.
    let renamed = [
        (name_of::<emergency::Status>(&mut generator), "EmergencyStatus"),
        (name_of::<obligation::Status>(&mut generator), "ObligationStatus"),
        (name_of::<emergency::Judgement>(&mut generator), "EmergencyJudgement"),
        (name_of::<obligation::Judgement>(&mut generator), "ReportJudgement"),
        (name_of::<obligation::Kind>(&mut generator), "ObligationKind"),
        (name_of::<obligation::Held>(&mut generator), "MeetingHeld"),
    ];
    let mut named: Vec<(&str, Value)> = vec![
        ("CommandAnswer", schema::<CommandAnswer>(&mut generator)),
        ("Problem", schema::<Problem>(&mut generator)),
        ("NowView", schema::<NowView>(&mut generator)),
        ("IncidentPage", schema::<Page<IncidentRow>>(&mut generator)),
        ("IncidentView", schema::<IncidentView>(&mut generator)),
        ("EntryPage", schema::<Page<EntryView>>(&mut generator)),
        ("EmergencyPage", schema::<Page<Emergency>>(&mut generator)),
        ("EmergencyView", schema::<EmergencyView>(&mut generator)),
        ("ObligationPage", schema::<Page<Obligation>>(&mut generator)),
        ("ObligationView", schema::<ObligationView>(&mut generator)),
        ("ChannelView", schema::<ChannelView>(&mut generator)),
        ("LedgerView", schema::<LedgerView>(&mut generator)),
        ("CheckpointAnswer", schema::<CheckpointAnswer>(&mut generator)),
        ("EntryAnswer", schema::<EntryAnswer>(&mut generator)),
        ("People", schema::<Vec<PersonView>>(&mut generator)),
        ("PolicyAnswer", schema::<PolicyAnswer>(&mut generator)),
        ("Me", schema::<Me>(&mut generator)),
        ("Health", schema::<Health>(&mut generator)),
        (
            "PlanDocument",
            json!({"type": "object", "description": "The canonical plan. Compare its SHA-256 with the digest of the exception."}),
        ),
        ("Description", json!({"type": "object", "description": "An OpenAPI 3.1 document."})),
    ];
    let areas = areas(&mut generator);
    let mut all = generator.take_definitions(true);
    let refs: Vec<Value> = areas.iter().map(|(_, name, _)| json!({"$ref": format!("{REF}{name}")})).collect();
    for (area, name, own) in areas {
        let body = resolved(&all, own);
        remove_unused(&mut all, &body.1);
        named.push((name, with_area(area, body.0)));
    }
    named.push(("Command", json!({"description": "Anything that a person may ask for. `area` and `do` name the kind.", "anyOf": refs})));
    for (name, value) in named {
        let (body, old) = resolved(&all, value);
        if old.as_deref() != Some(name) {
            remove_unused(&mut all, &old);
        }
        all.insert(name.to_owned(), body);
    }
    let mut document = Value::Object(all);
    for (old, new) in renamed {
        rename(&mut document, &old, new);
    }
    nullable_any(&mut document);
    match document {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// Area, name and schema of the commands that people may give.
fn areas(generator: &mut SchemaGenerator) -> [(&'static str, &'static str, Value); 6] {
    [
        ("account", "AccountCommand", schema::<account::Command>(generator)),
        ("channel", "ChannelCommand", schema::<channel::Command>(generator)),
        ("emergency", "EmergencyCommand", schema::<emergency::Command>(generator)),
        ("incident", "IncidentCommand", schema::<incident::Command>(generator)),
        ("obligation", "ObligationCommand", schema::<obligation::Command>(generator)),
        ("policy", "PolicyCommand", schema::<command::PolicyCommand>(generator)),
    ]
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// The name under which the generator keeps a type.
fn name_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> String {
    schema::<T>(generator).get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(REF)).unwrap_or_default().to_owned()
}

/// The schema itself instead of a reference to it, and the name that it had.
fn resolved(all: &Map<String, Value>, schema: Value) -> (Value, Option<String>) {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(REF)).map(str::to_owned);
    match name {
        Some(name) => (all.get(&name).cloned().unwrap_or(schema), Some(name)),
        None => (schema, None),
    }
}

/// A definition that got a better name goes away, if nothing else refers to it.
fn remove_unused(all: &mut Map<String, Value>, name: &Option<String>) {
    let Some(name) = name else { return };
    let reference = format!("{REF}{name}");
    let used = all.iter().any(|(other, schema)| other != name && refers(schema, &reference));
    if !used {
        all.remove(name);
    }
}

fn refers(schema: &Value, reference: &str) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| (key == "$ref" && value.as_str() == Some(reference)) || refers(value, reference))
        }
        Value::Array(items) => items.iter().any(|item| refers(item, reference)),
        _ => false,
    }
}

/// Puts the tag `area` beside `do`, which serde reads one level further out.
fn with_area(area: &str, mut schema: Value) -> Value {
    let closed: &[&str] = CLOSED.iter().find(|(name, _)| *name == area).map_or(&[], |(_, kinds)| kinds);
    let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        add_area(area, &mut schema);
        return schema;
    };
    variants.retain(|variant| {
        let kind = variant.pointer("/properties/do/const").and_then(Value::as_str).unwrap_or_default();
        !closed.contains(&kind)
    });
    for variant in variants {
        add_area(area, variant);
    }
    schema
}

fn add_area(area: &str, variant: &mut Value) {
    if let Some(properties) = variant.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("area".to_owned(), json!({"type": "string", "const": area}));
    }
    if let Some(required) = variant.get_mut("required").and_then(Value::as_array_mut) {
        required.insert(0, json!("area"));
    }
}

fn rename(document: &mut Value, old: &str, new: &str) {
    if let Value::Object(all) = document
        && let Some(schema) = all.remove(old)
    {
        all.insert(new.to_owned(), schema);
    }
    replace_refs(document, &format!("{REF}{old}"), &format!("{REF}{new}"));
}

fn replace_refs(schema: &mut Value, old: &str, new: &str) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "$ref" && value.as_str() == Some(old) {
                    *value = json!(new);
                } else {
                    replace_refs(value, old, new);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_refs(item, old, new)),
        _ => {}
    }
}

/// `true` as a schema is legal and confuses tools; an empty object says the same.
fn nullable_any(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for key in ["items", "additionalProperties"] {
                if fields.get(key) == Some(&Value::Bool(true)) {
                    fields.insert(key.to_owned(), json!({}));
                }
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for value in properties.values_mut().filter(|value| **value == Value::Bool(true)) {
                    *value = json!({});
                }
            }
            fields.values_mut().for_each(nullable_any);
        }
        Value::Array(items) => items.iter_mut().for_each(nullable_any),
        _ => {}
    }
}
