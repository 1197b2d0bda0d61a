//! PagerDuty: answers of its REST API v2, one or more files, each with the lists that it has under their names.

use hikeshi_domain::Timestamp;
use hikeshi_domain::page::Means;
use hikeshi_domain::policy::Format;
use hikeshi_text::import::{Of, Why};
use serde::Deserialize;
use serde_json::Value;

use super::model::{Export, Plan, Rotation, Sender, Steps, Target, User, Window, clock, moment, parse};
use super::{Broken, Document};

const KNOWN: [&str; 4] = ["users", "schedules", "escalation_policies", "services"];
/// Roles of those who may only look.
const LOOK_ON: [&str; 3] = ["observer", "read_only_user", "read_only_limited_user"];
/// What an answer says of its pages.
const PAGING: [&str; 4] = ["limit", "offset", "more", "total"];

#[derive(Deserialize)]
struct PdUser {
    id: String,
    name: String,
    email: Option<String>,
    role: Option<String>,
    #[serde(default)]
    contact_methods: Vec<Contact>,
    #[serde(default)]
    notification_rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Contact {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    address: Option<String>,
    country_code: Option<u32>,
}

#[derive(Deserialize)]
struct Rule {
    start_delay_in_minutes: Option<u32>,
    urgency: Option<String>,
    contact_method: Option<Contact>,
}

#[derive(Deserialize)]
struct PdSchedule {
    id: String,
    name: String,
    time_zone: String,
    #[serde(default)]
    schedule_layers: Vec<PdLayer>,
    overrides_subschedule: Option<Value>,
}

#[derive(Deserialize)]
struct PdLayer {
    name: Option<String>,
    #[serde(default)]
    start: Value,
    #[serde(default)]
    end: Value,
    rotation_virtual_start: Value,
    rotation_turn_length_seconds: i64,
    #[serde(default)]
    users: Vec<Member>,
    #[serde(default)]
    restrictions: Vec<Restriction>,
}

#[derive(Deserialize)]
struct Member {
    user: Reference,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    summary: Option<String>,
}

#[derive(Deserialize)]
struct Restriction {
    start_time_of_day: String,
    duration_seconds: u32,
    start_day_of_week: Option<u8>,
}

#[derive(Deserialize)]
struct PdEscalation {
    id: String,
    name: String,
    #[serde(default)]
    num_loops: u32,
    #[serde(default)]
    escalation_rules: Vec<PdRule>,
    #[serde(default)]
    services: Vec<Value>,
}

#[derive(Deserialize)]
struct PdRule {
    escalation_delay_in_minutes: u32,
    #[serde(default)]
    targets: Vec<Reference>,
}

#[derive(Deserialize)]
struct PdService {
    id: Option<String>,
    name: String,
    escalation_policy: Option<Reference>,
    #[serde(default)]
    integrations: Vec<Reference>,
}

pub(super) fn read(documents: &[Document]) -> Result<Export, Broken> {
    let mut export = Export::default();
    let mut escalations: Vec<(String, Steps)> = Vec::new();
    let mut uses: Vec<String> = Vec::new();
    for document in documents {
        for page in pages(document) {
            let single = |name: &str| page.get(name).map(|one| Value::Array(vec![one.clone()]));
            let list = |name: &str, one: &str| page.get(name).cloned().or_else(|| single(one)).unwrap_or(Value::Array(Vec::new()));
            for user in parse::<Vec<PdUser>>(document, &list("users", "user"))? {
                if export.is_first("user", &user.id) {
                    person(&mut export, user);
                }
            }
            for schedule in parse::<Vec<PdSchedule>>(document, &list("schedules", "schedule"))? {
                if export.is_first("schedule", &schedule.id) {
                    plan(&mut export, document, schedule)?;
                }
            }
            for policy in parse::<Vec<PdEscalation>>(document, &list("escalation_policies", "escalation_policy"))? {
                let id = policy.id.clone();
                if export.is_first("escalation", &id) {
                    escalations.push((id, steps(&mut export, policy)));
                }
            }
            for service in parse::<Vec<PdService>>(document, &list("services", "service"))? {
                if !export.is_first("service", service.id.as_deref().unwrap_or(&service.name)) {
                    continue;
                }
                uses.extend(service.escalation_policy.as_ref().map(|policy| policy.id.clone()));
                sender(&mut export, service);
            }
            let keys = page.as_object().into_iter().flat_map(serde_json::Map::keys);
            for key in keys.filter(|key| !is_known(key)) {
                export.note(Of::File, &format!("{}: {key}", document.name), Why::NotRead);
            }
        }
    }
    missing_pages(&mut export, documents);
    for (id, mut steps) in escalations {
        steps.used_by = steps.used_by.max(uses.iter().filter(|used| **used == id).count());
        export.escalations.push(steps);
    }
    Ok(export)
}

/// Pages that were put together are a list of answers.
fn pages(document: &Document) -> &[Value] {
    match &document.content {
        Value::Array(pages) => pages.as_slice(),
        one => std::slice::from_ref(one),
    }
}

/// A page says where it begins, how long it may be, and whether another one follows.
fn missing_pages(export: &mut Export, documents: &[Document]) {
    for list in KNOWN {
        let all = documents.iter().flat_map(|document| pages(document).iter().map(move |page| (document, page)));
        let of_list: Vec<(&Document, &Value)> = all.filter(|(_, page)| page.get(list).is_some()).collect();
        let number = |page: &Value, name: &str| page.get(name).and_then(Value::as_u64).unwrap_or(0);
        for (document, page) in of_list.iter().filter(|(_, page)| page.get("more").and_then(Value::as_bool) == Some(true)) {
            let begins = number(page, "offset");
            let follows = |other: &Value| (begins + 1..=begins + number(page, "limit").max(1)).contains(&number(other, "offset"));
            if !of_list.iter().any(|(_, other)| follows(other)) {
                export.note(Of::File, &format!("{}: {list}", document.name), Why::MissingPages);
            }
        }
    }
}

fn is_known(key: &str) -> bool {
    KNOWN.contains(&key) || PAGING.contains(&key) || matches!(key, "user" | "schedule" | "escalation_policy" | "service")
}

fn person(export: &mut Export, user: PdUser) {
    let mut phones = Vec::new();
    for contact in &user.contact_methods {
        match contact.kind.as_str() {
            "phone_contact_method" | "sms_contact_method" => {
                let address = contact.address.clone().unwrap_or_default();
                // Numbers may be kept as they are dialled at home. In Italy the nought belongs to the number.
                let national = if contact.country_code == Some(39) { address.as_str() } else { address.trim_start_matches('0') };
                let number = contact.country_code.map_or_else(|| address.clone(), |code| format!("+{code}{national}"));
                if !phones.contains(&number) {
                    phones.push(number);
                }
            }
            "email_contact_method" if contact.address == user.email => {}
            other => export.note(Of::Person, &user.name, Why::Contact { kind: other.to_owned() }),
        }
    }
    for second in phones.iter().skip(1) {
        export.note(Of::Person, &user.name, Why::Contact { kind: second.clone() });
    }
    let mut rules = Vec::new();
    let mut left = 0;
    for rule in &user.notification_rules {
        let by = rule.contact_method.as_ref().and_then(|contact| {
            let known = user.contact_methods.iter().find(|known| known.id.is_some() && known.id == contact.id).unwrap_or(contact);
            means(&known.kind).or_else(|| means(contact.kind.trim_end_matches("_reference")))
        });
        match by.filter(|_| rule.urgency.as_deref() != Some("low")) {
            Some(by) => rules.push((rule.start_delay_in_minutes.unwrap_or(0), by)),
            None => left += 1,
        }
    }
    if left > 0 {
        export.note(Of::Person, &user.name, Why::NotifyRules { count: left });
    }
    let looks_on = user.role.as_deref().is_some_and(|role| LOOK_ON.contains(&role));
    export.people.push(User { id: user.id, name: user.name, email: user.email, phones, rules, role: user.role, looks_on });
}

fn means(kind: &str) -> Option<Means> {
    match kind {
        "email_contact_method" => Some(Means::Mail),
        "phone_contact_method" => Some(Means::Voice),
        "sms_contact_method" => Some(Means::Sms),
        _ => None,
    }
}

fn plan(export: &mut Export, document: &Document, schedule: PdSchedule) -> Result<(), Broken> {
    let mut rotations = Vec::new();
    let overrides = schedule.overrides_subschedule.as_ref().and_then(|of| of.get("rendered_schedule_entries")).and_then(Value::as_array);
    if let Some(count) = overrides.map(Vec::len).filter(|count| *count > 0) {
        export.note(Of::Schedule, &schedule.name, Why::Overrides { count });
    }
    if schedule.schedule_layers.len() > 1 {
        export.note(Of::Schedule, &schedule.name, Why::LayerOrder);
    }
    // The one that counts most comes first there, and last here.
    for layer in schedule.schedule_layers.into_iter().rev() {
        let name = format!("{} / {}", schedule.name, layer.name.as_deref().unwrap_or("?"));
        let first_turn = moment(document, &layer.rotation_virtual_start)?;
        let first_turn = first_turn.ok_or_else(|| Broken::Shape {
            file: document.name.clone(),
            detail: format!("the layer `{name}` has no rotation_virtual_start"),
        })?;
        let mut windows = Vec::new();
        for restriction in &layer.restrictions {
            windows.push(window(export, document, &name, restriction)?);
        }
        rotations.push(Rotation {
            name,
            people: layer.users.into_iter().map(|member| member.user.id).collect(),
            first_turn,
            turn_s: layer.rotation_turn_length_seconds,
            from: moment(document, &layer.start)?,
            until: moment(document, &layer.end)?.filter(|until| *until < Timestamp::MAX),
            windows,
        });
    }
    export.schedules.push(Plan { id: schedule.id, name: schedule.name, zone: schedule.time_zone, rotations, at_once: false });
    Ok(())
}

fn window(export: &mut Export, document: &Document, name: &str, restriction: &Restriction) -> Result<Window, Broken> {
    let (from_min, cut) = clock(document, &restriction.start_time_of_day)?;
    if cut || !restriction.duration_seconds.is_multiple_of(60) {
        export.note(Of::Rotation, name, Why::Seconds);
    }
    let day = restriction.start_day_of_week.map(|day| day.saturating_sub(1) % 7);
    Ok(Window { day, from_min, minutes: restriction.duration_seconds / 60 })
}

fn steps(export: &mut Export, policy: PdEscalation) -> Steps {
    let mut steps = Vec::new();
    let (mut after, mut last) = (0_u32, None);
    for rule in policy.escalation_rules {
        let mut targets = Vec::new();
        for target in rule.targets {
            match target.kind.as_str() {
                "user" | "user_reference" => targets.push(Target::Person(target.id)),
                "schedule" | "schedule_reference" => targets.push(Target::Schedule(target.id)),
                other => export.note(Of::Escalation, &policy.name, Why::Receiver { kind: other.to_owned() }),
            }
        }
        steps.push((after, targets));
        after = after.saturating_add(rule.escalation_delay_in_minutes);
        last = Some(rule.escalation_delay_in_minutes);
    }
    Steps { name: policy.name, steps, times: policy.num_loops, every_min: last, used_by: policy.services.len() }
}

fn sender(export: &mut Export, service: PdService) {
    let mut formats = Vec::new();
    for integration in service.integrations {
        let kind = integration.kind.trim_end_matches("_reference");
        if matches!(kind, "events_api_v2_inbound_integration" | "generic_events_api_inbound_integration") {
            if !formats.contains(&Format::Pagerduty) {
                formats.push(Format::Pagerduty);
            }
        } else {
            let kind = integration.summary.unwrap_or_else(|| kind.to_owned());
            export.note(Of::Service, &service.name, Why::Integration { kind });
        }
    }
    export.services.push(Sender { name: service.name, formats });
}
