//! GoAlert: answers of its GraphQL API, of the query that the manual gives. Targets of one schedule are on call at the same time there.

use std::collections::BTreeSet;

use hikeshi_domain::page::Means;
use hikeshi_domain::policy::Format;
use hikeshi_text::import::{Of, Why};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::model::{Export, Plan, Rotation, Sender, Steps, Target, User, Window, clock, moment, parse};
use super::{Broken, Document};

#[derive(Deserialize, Default)]
struct Nodes<T> {
    #[serde(default = "Vec::new")]
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GaUser {
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
    id: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
    disabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    delay_minutes: u32,
    contact_method: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GaRotation {
    id: String,
    name: String,
    time_zone: String,
    #[serde(rename = "type")]
    kind: String,
    shift_length: i64,
    start: Value,
    #[serde(default, rename = "userIDs")]
    user_ids: Vec<String>,
    active_user_index: Option<i64>,
    #[serde(default)]
    next_handoff_times: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GaSchedule {
    id: String,
    name: String,
    time_zone: String,
    #[serde(default)]
    targets: Vec<GaTarget>,
}

#[derive(Deserialize)]
struct GaTarget {
    target: Reference,
    #[serde(default)]
    rules: Vec<Hours>,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hours {
    start: String,
    end: String,
    /// From Sunday on.
    weekday_filter: [bool; 7],
}

#[derive(Deserialize)]
struct GaEscalation {
    id: String,
    name: String,
    #[serde(default)]
    repeat: u32,
    #[serde(default)]
    steps: Vec<GaStep>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GaStep {
    delay_minutes: u32,
    #[serde(default)]
    targets: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GaService {
    id: Option<String>,
    name: String,
    #[serde(rename = "escalationPolicyID")]
    escalation_policy: Option<String>,
    #[serde(default)]
    integration_keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
}

const WEEK_MIN: u32 = 7 * 1_440;
const KNOWN: [&str; 5] = ["users", "rotations", "schedules", "escalationPolicies", "services"];
/// Shifts that are there already tell whose turn it is; those of before the export do not.
const FIRST: &str = "nextHandoffTimes";

pub(super) fn read(documents: &[Document]) -> Result<Export, Broken> {
    let mut export = Export::default();
    let mut rotations: Vec<(GaRotation, Timestamp)> = Vec::new();
    let (mut schedules, mut policies, mut uses) = (Vec::new(), Vec::new(), Vec::new());
    for document in documents {
        let data = document.content.get("data").unwrap_or(&document.content);
        if let Some(errors) = document.content.get("errors").filter(|errors| !errors.is_null()) {
            return Err(Broken::Shape { file: document.name.clone(), detail: format!("the answer is an error: {errors}") });
        }
        let list = |name: &str| data.get(name).cloned().unwrap_or_else(|| serde_json::json!({"nodes": []}));
        for user in parse::<Nodes<GaUser>>(document, &list("users"))?.nodes {
            if export.is_first("user", &user.id) {
                person(&mut export, user);
            }
        }
        for rotation in parse::<Nodes<GaRotation>>(document, &list("rotations"))?.nodes {
            let begins = begins(document, &rotation)?;
            if export.is_first("rotation", &rotation.id) {
                rotations.push((rotation, begins));
            }
        }
        let found = parse::<Nodes<GaSchedule>>(document, &list("schedules"))?.nodes;
        schedules.extend(found.into_iter().filter(|one| export.is_first("schedule", &one.id)).map(|schedule| (document, schedule)));
        let found = parse::<Nodes<GaEscalation>>(document, &list("escalationPolicies"))?.nodes;
        policies.extend(found.into_iter().filter(|one| export.is_first("escalation", &one.id)));
        for service in parse::<Nodes<GaService>>(document, &list("services"))?.nodes {
            if !export.is_first("service", service.id.as_deref().unwrap_or(&service.name)) {
                continue;
            }
            uses.extend(service.escalation_policy.clone());
            sender(&mut export, service);
        }
        for key in data.as_object().into_iter().flat_map(serde_json::Map::keys).filter(|key| !KNOWN.contains(&key.as_str())) {
            export.note(Of::File, &format!("{}: {key}", document.name), Why::NotRead);
        }
    }
    missing_pages(&mut export, documents);
    for (document, schedule) in schedules {
        plan(&mut export, document, schedule, &rotations)?;
    }
    for policy in policies {
        let used_by = uses.iter().filter(|used| **used == policy.id).count();
        let steps = steps(&mut export, policy, used_by, &rotations);
        export.escalations.push(steps);
    }
    Ok(export)
}

/// Pages of one list are told apart by nothing but this: the last one says that none follows.
fn missing_pages(export: &mut Export, documents: &[Document]) {
    for list in KNOWN {
        let more = |document: &Document| {
            let data = document.content.get("data").unwrap_or(&document.content);
            data.get(list)?.get("pageInfo")?.get("hasNextPage")?.as_bool()
        };
        let last = documents.iter().rfind(|document| more(document) == Some(true));
        if let Some(document) = last.filter(|_| !documents.iter().any(|document| more(document) == Some(false))) {
            export.note(Of::File, &format!("{}: {list}", document.name), Why::MissingPages);
        }
    }
}

fn person(export: &mut Export, user: GaUser) {
    let usable = |contact: &&Contact| contact.disabled != Some(true);
    let mut phones: Vec<String> = Vec::new();
    let mut email = user.email.clone().filter(|email| !email.is_empty());
    for contact in user.contact_methods.iter().filter(usable) {
        match contact.kind.as_str() {
            "SMS" | "VOICE" if !phones.contains(&contact.value) => phones.push(contact.value.clone()),
            "SMS" | "VOICE" => {}
            "EMAIL" if email.is_none() => email = Some(contact.value.clone()),
            "EMAIL" if email.as_deref() == Some(contact.value.as_str()) => {}
            other => export.note(Of::Person, &user.name, Why::Contact { kind: other.to_owned() }),
        }
    }
    for second in phones.iter().skip(1) {
        export.note(Of::Person, &user.name, Why::Contact { kind: second.clone() });
    }
    let (mut rules, mut left) = (Vec::new(), 0);
    for rule in &user.notification_rules {
        let contact = user.contact_methods.iter().filter(usable).find(|contact| contact.id == rule.contact_method.id);
        let by = match contact.map(|contact| contact.kind.as_str()) {
            Some("SMS") => Some(Means::Sms),
            Some("VOICE") => Some(Means::Voice),
            Some("EMAIL") => Some(Means::Mail),
            _ => None,
        };
        match by {
            Some(by) => rules.push((rule.delay_minutes, by)),
            None => left += 1,
        }
    }
    if left > 0 {
        export.note(Of::Person, &user.name, Why::NotifyRules { count: left });
    }
    export.people.push(User { id: user.id, name: user.name, email, phones, rules, role: user.role, looks_on: false });
}

fn turn_s(rotation: &GaRotation) -> i64 {
    let unit = match rotation.kind.as_str() {
        "hourly" => 3_600,
        "daily" => 86_400,
        "weekly" => 7 * 86_400,
        // A month has no length.
        _ => 0,
    };
    unit * rotation.shift_length.clamp(1, 1_000_000)
}

/// When the present turn began: a turn before the next handover, on the clock of the rotation. Without one, its start.
fn begins(document: &Document, rotation: &GaRotation) -> Result<Timestamp, Broken> {
    let start = moment(document, &rotation.start)?;
    let shape = |detail: String| Broken::Shape { file: document.name.clone(), detail };
    let start = start.ok_or_else(|| shape(format!("the rotation `{}` has no start", rotation.name)))?;
    let Some(next) = rotation.next_handoff_times.first().filter(|_| rotation.active_user_index.is_some()) else { return Ok(start) };
    let next = moment(document, next)?.ok_or_else(|| shape(format!("the rotation `{}` has an empty {FIRST}", rotation.name)))?;
    let (turn, zone) = (turn_s(rotation), TimeZone::get(&rotation.time_zone).unwrap_or(TimeZone::UTC));
    let before = if turn % 86_400 == 0 {
        let local = zone.to_datetime(next).saturating_sub(SignedDuration::from_secs(turn));
        zone.to_timestamp(local).ok()
    } else {
        next.checked_sub(SignedDuration::from_secs(turn)).ok()
    };
    before.ok_or_else(|| shape(format!("the rotation `{}` has a {FIRST} out of range", rotation.name)))
}

/// The people, whoever has the turn that began then first.
fn in_turn(rotation: &GaRotation) -> Vec<String> {
    let mut people = rotation.user_ids.clone();
    let active = rotation.active_user_index.filter(|_| !rotation.next_handoff_times.is_empty()).unwrap_or(0);
    let count = i64::try_from(people.len()).unwrap_or(1).max(1);
    people.rotate_left(usize::try_from(active.rem_euclid(count)).unwrap_or(0));
    people
}

fn plan(export: &mut Export, document: &Document, schedule: GaSchedule, rotations: &[(GaRotation, Timestamp)]) -> Result<(), Broken> {
    let mut plan = Plan { id: schedule.id, name: schedule.name, zone: schedule.time_zone, rotations: Vec::new(), at_once: true };
    for target in schedule.targets {
        let name = format!("{} / {}", plan.name, target.target.name.as_deref().unwrap_or("?"));
        let mut windows = Vec::new();
        for rule in &target.rules {
            windows.extend(covered(export, document, &name, rule)?);
        }
        if target.rules.is_empty() {
            continue;
        }
        // Rules that cover nothing mean never; no window at all would mean always.
        if windows.is_empty() {
            export.note(Of::Rotation, &name, Why::Never);
            continue;
        }
        if is_whole_week(&windows) {
            windows.clear();
        }
        match target.target.kind.as_str() {
            "user" => plan.rotations.push(alone(name, target.target.id, windows)),
            "rotation" => match rotations.iter().find(|(known, _)| known.id == target.target.id) {
                Some((rotation, _)) if rotation.time_zone != plan.zone && !windows.is_empty() => {
                    export.note(Of::Rotation, &name, Why::OtherZone);
                }
                Some((rotation, begins)) if rotation.time_zone != plan.zone => {
                    // Its handovers are told by its own clock.
                    let rotations = vec![turns(name.clone(), rotation, *begins, windows)];
                    let (id, zone) = (plan.id.clone(), rotation.time_zone.clone());
                    export.schedules.push(Plan { id, name, zone, rotations, at_once: true });
                }
                Some((rotation, begins)) => plan.rotations.push(turns(name, rotation, *begins, windows)),
                None => export.note(Of::Rotation, &name, Why::Receiver { kind: target.target.id }),
            },
            other => export.note(Of::Rotation, &name, Why::Receiver { kind: other.to_owned() }),
        }
    }
    export.schedules.push(plan);
    Ok(())
}

fn turns(name: String, rotation: &GaRotation, begins: Timestamp, windows: Vec<Window>) -> Rotation {
    let people = in_turn(rotation);
    Rotation { name, people, first_turn: begins, turn_s: turn_s(rotation), from: None, until: None, windows }
}

/// One person, always: since when does not matter.
fn alone(name: String, person: String, windows: Vec<Window>) -> Rotation {
    let first_turn = Timestamp::from_second(1_577_836_800).unwrap_or(Timestamp::UNIX_EPOCH);
    Rotation { name, people: vec![person], first_turn, turn_s: 86_400, from: None, until: None, windows }
}

/// Every minute of it, by however many windows.
fn is_whole_week(windows: &[Window]) -> bool {
    let mut free: BTreeSet<u32> = (0..WEEK_MIN).collect();
    for window in windows {
        let days = window.day.map_or(0..7, |day| u32::from(day)..u32::from(day) + 1);
        for begins in days.map(|day| day * 1_440 + window.from_min) {
            for minute in begins..begins.saturating_add(window.minutes.min(WEEK_MIN)) {
                free.remove(&(minute % WEEK_MIN));
            }
        }
    }
    free.is_empty()
}

fn covered(export: &mut Export, document: &Document, name: &str, rule: &Hours) -> Result<Vec<Window>, Broken> {
    let ((from_min, cut), (until_min, _)) = (clock(document, &rule.start)?, clock(document, &rule.end)?);
    if cut {
        export.note(Of::Rotation, name, Why::Seconds);
    }
    let minutes = match (until_min + 1_440 - from_min) % 1_440 {
        0 => 1_440,
        minutes => minutes,
    };
    // Their week begins on Sunday, ours on Monday.
    let days = rule.weekday_filter.iter().zip([6, 0, 1, 2, 3, 4, 5]).filter(|(covers, _)| **covers);
    Ok(days.map(|(_, day)| Window { day: Some(day), from_min, minutes }).collect())
}

fn steps(export: &mut Export, policy: GaEscalation, used_by: usize, rotations: &[(GaRotation, Timestamp)]) -> Steps {
    let mut steps = Vec::new();
    let (mut after, mut last) = (0_u32, None);
    for step in policy.steps {
        let mut targets = Vec::new();
        for target in step.targets {
            match target.kind.as_str() {
                "user" => targets.push(Target::Person(target.id)),
                "schedule" => targets.push(Target::Schedule(target.id)),
                "rotation" => match rotations.iter().find(|(known, _)| known.id == target.id) {
                    Some((rotation, begins)) => {
                        if !export.schedules.iter().any(|known| known.id == rotation.id) {
                            let rotations = vec![turns(rotation.name.clone(), rotation, *begins, Vec::new())];
                            let (id, name, zone) = (rotation.id.clone(), rotation.name.clone(), rotation.time_zone.clone());
                            export.schedules.push(Plan { id, name, zone, rotations, at_once: false });
                        }
                        targets.push(Target::Schedule(target.id));
                    }
                    None => export.note(Of::Escalation, &policy.name, Why::Receiver { kind: target.id }),
                },
                other => export.note(Of::Escalation, &policy.name, Why::Receiver { kind: other.to_owned() }),
            }
        }
        steps.push((after, targets));
        after = after.saturating_add(step.delay_minutes);
        last = Some(step.delay_minutes);
    }
    Steps { name: policy.name, steps, times: policy.repeat, every_min: last, used_by }
}

fn sender(export: &mut Export, service: GaService) {
    let mut formats = Vec::new();
    for key in service.integration_keys {
        match key.kind.as_str() {
            "prometheusAlertmanager" => formats.push(Format::Alertmanager),
            "grafana" => formats.push(Format::Grafana),
            other => export.note(Of::Service, &service.name, Why::Integration { kind: other.to_owned() }),
        }
    }
    export.services.push(Sender { name: service.name, formats });
}
