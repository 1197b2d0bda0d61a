//! The schemas of the document, assembled from the types themselves.

use hikeshi_domain::emergency::{self, Emergency};
use hikeshi_domain::obligation::{self, Obligation};
use hikeshi_domain::{account, alert, change, channel, command, contact, incident, oncall, postmortem, review, status};
use hikeshi_engine::look::{
    AlertsView, ChangesView, ChannelView, ContactsView, EmergencyView, EntryView, IncidentRow, IncidentView, LedgerView, MonitorsView,
    NowView, ObligationView, OncallView, Page, PersonView, PostRow, ReviewView, ReviewsView, Similar, SubscribersView,
};
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::commands::CommandAnswer;
use super::problem::Problem;
use super::read::{CheckpointAnswer, EntryAnswer, Forgotten, Health, Me, PolicyAnswer};
use crate::status::StatusAnswer;

const REF: &str = "#/components/schemas/";

/// The kinds of an area's commands that the API does not take.
const CLOSED: &[(&str, &[&str])] =
    &[("account", &["sign_in", "add_passkey"]), ("alert", &["report"]), ("contact", &["add_browser", "lose_browser"])];

/// What is posted to the address of changes.
const CHANGE: &str = "ChangeTold";

/// Every component schema.
pub fn components() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let renamed = renamed(&mut generator);
    let mut named: Vec<(&str, Value)> = vec![
        ("CommandAnswer", schema::<CommandAnswer>(&mut generator)),
        ("Problem", schema::<Problem>(&mut generator)),
        ("AlertsView", schema::<AlertsView>(&mut generator)),
        ("ChangesView", schema::<ChangesView>(&mut generator)),
        ("NowView", schema::<NowView>(&mut generator)),
        ("IncidentView", schema::<IncidentView>(&mut generator)),
        ("SimilarPasts", schema::<Vec<Similar>>(&mut generator)),
        ("EmergencyView", schema::<EmergencyView>(&mut generator)),
        ("ObligationView", schema::<ObligationView>(&mut generator)),
        ("ChannelView", schema::<ChannelView>(&mut generator)),
        ("LedgerView", schema::<LedgerView>(&mut generator)),
        ("MonitorsView", schema::<MonitorsView>(&mut generator)),
        ("OncallView", schema::<OncallView>(&mut generator)),
        ("ContactsView", schema::<ContactsView>(&mut generator)),
        ("ReviewView", schema::<ReviewView>(&mut generator)),
        ("ReviewsView", schema::<ReviewsView>(&mut generator)),
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
    named.extend(of_status(&mut generator));
    let areas = areas(&mut generator);
    let mut all = generator.take_definitions(true);
    let refs: Vec<Value> = areas.iter().map(|(_, name, _)| json!({"$ref": format!("{REF}{name}")})).collect();
    for (area, name, own) in areas {
        let own = resolved(&all, own);
        if area == "change" {
            named.push((CHANGE, untold(own.clone())));
        }
        named.push((name, with_area(area, own)));
    }
    named.push(("Command", json!({"description": "Anything that a person may ask for. `area` and `do` name the kind.", "anyOf": refs})));
    for (name, value) in named {
        let body = resolved(&all, value);
        all.insert(name.to_owned(), body);
    }
    let mut document = Value::Object(all);
    for (old, new) in renamed {
        rename(&mut document, &old, new);
    }
    tidy(&mut document);
    match document {
        Value::Object(all) => finished(all),
        _ => Map::new(),
    }
}

/// Without what nothing leads to, and closed where the API reads strictly.
fn finished(mut all: Map<String, Value>) -> Map<String, Value> {
    let answers = super::table::table().into_iter().map(|(operation, _)| operation.answer.to_owned());
    let used = reachable(&all, answers.chain(["Command", CHANGE, "Problem"].map(str::to_owned)).collect());
    all.retain(|name, _| used.contains(name));
    for name in reachable(&all, vec!["Command".to_owned(), CHANGE.to_owned()]) {
        if let Some(schema) = all.get_mut(&name) {
            close(schema);
        }
    }
    all
}

/// The names of all schemas to which these lead.
fn reachable(all: &Map<String, Value>, mut open: Vec<String>) -> std::collections::BTreeSet<String> {
    let mut found = std::collections::BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = all.get(&name).filter(|_| found.insert(name.clone())) {
            references(schema, &mut open);
        }
    }
    found
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().and_then(|path| path.strip_prefix(REF)) {
                    Some(name) if key == "$ref" => found.push(name.to_owned()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Unknown fields are refused in everything that is read: see [`super::strict`].
fn close(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    let mixed = ["oneOf", "anyOf", "allOf", "$ref"].iter().any(|key| fields.contains_key(*key));
    if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        let key = if mixed { "unevaluatedProperties" } else { "additionalProperties" };
        fields.insert(key.to_owned(), json!(false));
    } else if let Some(variants) = fields.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(close);
    }
}

/// The commands of each area, as the API takes them.
fn areas(generator: &mut SchemaGenerator) -> [(&'static str, &'static str, Value); 11] {
    [
        ("account", "AccountCommand", schema::<account::Command>(generator)),
        ("alert", "AlertCommand", schema::<alert::Command>(generator)),
        ("change", "ChangeCommand", schema::<change::Command>(generator)),
        ("channel", "ChannelCommand", schema::<channel::Command>(generator)),
        ("contact", "ContactCommand", schema::<contact::Command>(generator)),
        ("emergency", "EmergencyCommand", schema::<emergency::Command>(generator)),
        ("incident", "IncidentCommand", schema::<incident::Command>(generator)),
        ("obligation", "ObligationCommand", schema::<obligation::Command>(generator)),
        ("oncall", "OncallCommand", schema::<oncall::Command>(generator)),
        ("policy", "PolicyCommand", schema::<command::PolicyCommand>(generator)),
        ("postmortem", "PostmortemCommand", schema::<postmortem::Command>(generator)),
    ]
}

/// Types of the same name in two areas get names of their own; asked first, so that the generator's number is known.
fn renamed(generator: &mut SchemaGenerator) -> Vec<(String, &'static str)> {
    vec![
        // First, so that it is the other one that gets a new name.
        (name_of::<Health>(generator), "Health"),
        (name_of::<emergency::Status>(generator), "EmergencyStatus"),
        (name_of::<obligation::Status>(generator), "ObligationStatus"),
        (name_of::<emergency::Judgement>(generator), "EmergencyJudgement"),
        (name_of::<obligation::Judgement>(generator), "ReportJudgement"),
        (name_of::<obligation::Kind>(generator), "ObligationKind"),
        (name_of::<incident::Override>(generator), "PriorityOverride"),
        (name_of::<oncall::Override>(generator), "ShiftOverride"),
        (name_of::<status::Health>(generator), "ComponentHealth"),
        (name_of::<obligation::Held>(generator), "MeetingHeld"),
        (name_of::<obligation::Report>(generator), "EmergencyReport"),
        (name_of::<review::Report>(generator), "PeriodReport"),
        (name_of::<Page<IncidentRow>>(generator), "IncidentPage"),
        (name_of::<Page<EntryView>>(generator), "EntryPage"),
        (name_of::<Page<Emergency>>(generator), "EmergencyPage"),
        (name_of::<Page<Obligation>>(generator), "ObligationPage"),
        (name_of::<Page<PostRow>>(generator), "PostPage"),
    ]
}

fn of_status(generator: &mut SchemaGenerator) -> [(&'static str, Value); 3] {
    [
        ("StatusAnswer", schema::<StatusAnswer>(generator)),
        ("SubscribersView", schema::<SubscribersView>(generator)),
        ("Forgotten", schema::<Forgotten>(generator)),
    ]
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// The name under which the generator keeps a type.
fn name_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> String {
    schema::<T>(generator).get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(REF)).unwrap_or_default().to_owned()
}

/// The schema itself instead of a reference to it.
fn resolved(all: &Map<String, Value>, schema: Value) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(REF));
    name.and_then(|name| all.get(name)).cloned().unwrap_or(schema)
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

/// The only command on changes, without the word that says which.
fn untold(schema: Value) -> Value {
    let mut only = schema.pointer("/oneOf/0").cloned().unwrap_or(schema);
    if let Some(properties) = only.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("do");
    }
    if let Some(required) = only.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != "do");
    }
    only
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

/// `true` as a schema is legal and confuses tools; an empty object says the same. One alternative is no alternative.
fn tidy(schema: &mut Value) {
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
            let only = fields
                .get("oneOf")
                .and_then(Value::as_array)
                .filter(|variants| variants.len() == 1)
                .and_then(|variants| variants.first().cloned());
            if let Some(Value::Object(only)) = only {
                fields.remove("oneOf");
                for (key, value) in only {
                    fields.entry(key).or_insert(value);
                }
            }
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
