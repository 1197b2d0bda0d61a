//! Opsgenie: the directory that its configuration backup tool writes, one JSON file for each thing, in folders by kind.
//!
//! What the API answers (`{"data": …}`) is read as well. Rotations of one schedule are on call at the same time there.

use hikeshi_domain::page::Means;
use hikeshi_text::import::{Of, Why};
use serde::Deserialize;
use serde_json::Value;

use super::model::{Export, Plan, Rotation, Steps, Target, User, Window, moment, parse};
use super::{Broken, Document};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OgUser {
    id: String,
    username: String,
    #[serde(default)]
    full_name: String,
    role: Option<Named>,
    #[serde(default)]
    user_contacts: Vec<Contact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contact {
    #[serde(alias = "method")]
    contact_method: String,
    to: String,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    id: String,
    name: String,
    #[serde(default)]
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    user: Recipient,
}

#[derive(Deserialize)]
struct Recipient {
    #[serde(rename = "type", default)]
    kind: String,
    id: Option<String>,
    name: Option<String>,
    username: Option<String>,
}

#[derive(Deserialize)]
struct OgSchedule {
    id: String,
    name: String,
    timezone: String,
    enabled: Option<bool>,
    #[serde(default)]
    rotations: Vec<OgRotation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OgRotation {
    name: Option<String>,
    start_date: Value,
    #[serde(default)]
    end_date: Value,
    #[serde(rename = "type")]
    kind: String,
    length: Option<i64>,
    #[serde(default)]
    participants: Vec<Recipient>,
    time_restriction: Option<Restriction>,
}

#[derive(Deserialize)]
struct Restriction {
    restriction: Option<Hours>,
    #[serde(default)]
    restrictions: Vec<Hours>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hours {
    start_day: Option<String>,
    start_hour: u32,
    start_min: u32,
    end_day: Option<String>,
    end_hour: u32,
    end_min: u32,
}

#[derive(Deserialize)]
struct Escalation {
    id: Option<String>,
    name: String,
    #[serde(default)]
    rules: Vec<Rule>,
    repeat: Option<OgRepeat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    condition: String,
    notify_type: String,
    delay: Delay,
    recipient: Recipient,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    time_amount: u32,
    #[serde(default)]
    time_unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OgRepeat {
    wait_interval: Option<u32>,
    count: Option<u32>,
}

/// Their words come in capitals or not, with hyphens or underscores.
fn word(given: &str) -> String {
    given.trim().to_ascii_lowercase().replace('_', "-")
}

pub(super) fn read(documents: &[Document]) -> Result<Export, Broken> {
    let mut export = Export::default();
    let mut teams = Vec::new();
    let mut uses: Vec<String> = Vec::new();
    let mut later = Vec::new();
    for document in documents {
        for thing in things(&document.content) {
            match document.folder.as_str() {
                "users" => person(&mut export, document, thing)?,
                "teams" => {
                    let team = parse::<Team>(document, inner(thing, "team"))?;
                    if export.is_first("team", &team.id) {
                        teams.push(team);
                        uses.extend(routed(thing));
                    }
                }
                "schedules" => later.push((document, thing)),
                "escalations" => later.push((document, thing)),
                _ => export.note(Of::File, &document.name, Why::NotRead),
            }
        }
    }
    missing_pages(&mut export, documents);
    for (document, thing) in later {
        if document.folder == "schedules" {
            plan(&mut export, document, thing)?;
        } else {
            let escalation: Escalation = parse(document, inner(thing, "escalation"))?;
            if !export.is_first("escalation", escalation.id.as_deref().unwrap_or(&escalation.name)) {
                continue;
            }
            let used_by = uses.iter().filter(|used| **used == escalation.name).count();
            let steps = steps(&mut export, escalation, used_by, &teams);
            export.escalations.push(steps);
        }
    }
    Ok(export)
}

/// What the API lists names the page that follows, by where it begins. The last page names none.
fn missing_pages(export: &mut Export, documents: &[Document]) {
    for document in documents {
        let Some((begins, limit)) = next(document) else { continue };
        let beside: Vec<&Document> = documents.iter().filter(|other| other.folder == document.folder).collect();
        let goes_on = beside.iter().filter_map(|other| next(other)).any(|(after, _)| after == begins + limit);
        let furthest = beside.iter().filter_map(|other| next(other)).all(|(other, _)| other <= begins);
        let ends = beside.iter().any(|other| other.content.get("data").is_some_and(Value::is_array) && next(other).is_none());
        if !(goes_on || furthest && ends) {
            export.note(Of::File, &document.name, Why::MissingPages);
        }
    }
}

/// Where the next page begins, and how long pages are.
fn next(document: &Document) -> Option<(u64, u64)> {
    let address = document.content.get("paging")?.get("next")?.as_str()?;
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let number = |name: &str| {
        let value = query.split('&').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value);
        value.and_then(|value| value.parse().ok())
    };
    Some((number("offset").unwrap_or(0), number("limit").unwrap_or(100)))
}

/// One thing in a file, or what the API lists.
fn things(content: &Value) -> Vec<&Value> {
    let content = content.get("data").unwrap_or(content);
    content.as_array().map_or_else(|| vec![content], |list| list.iter().collect())
}

/// The backup puts things that belong together beside each other.
fn inner<'a>(thing: &'a Value, name: &str) -> &'a Value {
    thing.get(name).unwrap_or(thing)
}

/// The escalations to which the rules of a team lead.
fn routed(thing: &Value) -> Vec<String> {
    let rules = thing.get("teamRoutingRules").and_then(Value::as_array).into_iter().flatten();
    let notify = rules.filter_map(|rule| rule.get("notify"));
    let escalations = notify.filter(|notify| notify.get("type").and_then(Value::as_str).map(word).as_deref() == Some("escalation"));
    escalations.filter_map(|notify| notify.get("name").and_then(Value::as_str).map(str::to_owned)).collect()
}

fn person(export: &mut Export, document: &Document, thing: &Value) -> Result<(), Broken> {
    let user: OgUser = parse(document, inner(thing, "user"))?;
    if !export.is_first("user", &user.id) {
        return Ok(());
    }
    let name = if user.full_name.trim().is_empty() { user.username.clone() } else { user.full_name.clone() };
    let mut phones: Vec<String> = Vec::new();
    for contact in &user.user_contacts {
        match word(&contact.contact_method).as_str() {
            "sms" | "voice" => {
                // `81-9012345678`: country and number.
                let digits: String = contact.to.chars().filter(char::is_ascii_digit).collect();
                let number = format!("+{digits}");
                if !phones.contains(&number) {
                    phones.push(number);
                }
            }
            "email" if contact.to.eq_ignore_ascii_case(&user.username) => {}
            other => export.note(Of::Person, &name, Why::Contact { kind: format!("{other} {}", contact.to) }),
        }
    }
    for second in phones.iter().skip(1) {
        export.note(Of::Person, &name, Why::Contact { kind: second.clone() });
    }
    let (rules, left) = rules(thing);
    if left > 0 {
        export.note(Of::Person, &name, Why::NotifyRules { count: left });
    }
    let email = user.username.contains('@').then(|| user.username.clone());
    let role = user.role.and_then(|role| role.name);
    let looks_on = role.as_deref().is_some_and(|role| matches!(word(role).as_str(), "stakeholder" | "observer"));
    export.people.push(User { id: user.id, name, email, phones, rules, role, looks_on });
    Ok(())
}

/// The steps of the rule for new alerts; the others have no counterpart.
fn rules(thing: &Value) -> (Vec<(u32, Means)>, usize) {
    let (mut taken, mut left) = (Vec::new(), 0);
    for rule in thing.get("notificationRuleList").and_then(Value::as_array).into_iter().flatten() {
        let action = rule.get("actionType").and_then(Value::as_str).map(word);
        let plain = rule.get("timeRestriction").is_none_or(Value::is_null) && rule.get("enabled").and_then(Value::as_bool) != Some(false);
        if action.as_deref() != Some("create-alert") || !plain {
            left += 1;
            continue;
        }
        for step in rule.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let method = step.get("contact").and_then(|contact| contact.get("method")).and_then(Value::as_str).map(word);
            let by = match method.as_deref() {
                Some("email") => Some(Means::Mail),
                Some("sms") => Some(Means::Sms),
                Some("voice") => Some(Means::Voice),
                _ => None,
            };
            let after = step.get("sendAfter").and_then(|after| after.get("timeAmount")).and_then(Value::as_u64).unwrap_or(0);
            match (by, u32::try_from(after)) {
                (Some(by), Ok(after)) => taken.push((after, by)),
                _ => left += 1,
            }
        }
    }
    (taken, left)
}

fn plan(export: &mut Export, document: &Document, thing: &Value) -> Result<(), Broken> {
    let schedule: OgSchedule = parse(document, inner(thing, "schedule"))?;
    if !export.is_first("schedule", &schedule.id) {
        return Ok(());
    }
    let overrides = thing.get("scheduleOverrideList").and_then(Value::as_array).map_or(0, Vec::len);
    if overrides > 0 {
        export.note(Of::Schedule, &schedule.name, Why::Overrides { count: overrides });
    }
    if schedule.enabled == Some(false) {
        export.note(Of::Schedule, &schedule.name, Why::NotRead);
        return Ok(());
    }
    let mut rotations = Vec::new();
    for rotation in schedule.rotations {
        let name = format!("{} / {}", schedule.name, rotation.name.as_deref().unwrap_or("?"));
        let first_turn = moment(document, &rotation.start_date)?;
        let first_turn =
            first_turn.ok_or_else(|| Broken::Shape { file: document.name.clone(), detail: format!("`{name}` has no startDate") })?;
        let mut people = Vec::new();
        let mut other = None;
        for participant in rotation.participants {
            match (word(&participant.kind).as_str(), participant.id.or(participant.username)) {
                ("user", Some(id)) => people.push(id),
                (kind, _) => other = Some(kind.to_owned()),
            }
        }
        if let Some(kind) = other {
            export.note(Of::Rotation, &name, Why::Participant { kind });
            continue;
        }
        let unit = match word(&rotation.kind).as_str() {
            "hourly" => 3_600,
            "daily" => 86_400,
            _ => 7 * 86_400,
        };
        rotations.push(Rotation {
            windows: windows(document, rotation.time_restriction.as_ref())?,
            name,
            people,
            first_turn,
            turn_s: unit * rotation.length.unwrap_or(1).clamp(1, 1_000_000),
            from: None,
            until: moment(document, &rotation.end_date)?,
        });
    }
    export.schedules.push(Plan { id: schedule.id, name: schedule.name, zone: schedule.timezone, rotations, at_once: true });
    Ok(())
}

fn windows(document: &Document, restriction: Option<&Restriction>) -> Result<Vec<Window>, Broken> {
    let Some(restriction) = restriction else { return Ok(Vec::new()) };
    restriction.restriction.iter().chain(&restriction.restrictions).map(|hours| window(document, hours)).collect()
}

fn window(document: &Document, hours: &Hours) -> Result<Window, Broken> {
    let bad = |given: &str| Broken::Shape { file: document.name.clone(), detail: format!("`{given}` is no day or time of a restriction") };
    let minutes = |hour: u32, min: u32| (hour <= 24 && min < 60).then_some(hour * 60 + min).ok_or_else(|| bad(&format!("{hour}:{min}")));
    let day = |given: &Option<String>| {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let place = |given: &String| days.iter().zip(0_u8..).find(|(name, _)| **name == word(given)).map(|(_, place)| place);
        given.as_ref().map(|given| place(given).ok_or_else(|| bad(given))).transpose()
    };
    let (from_min, until_min) = (minutes(hours.start_hour, hours.start_min)?, minutes(hours.end_hour, hours.end_min)?);
    let (first, last) = (day(&hours.start_day)?, day(&hours.end_day)?);
    let span = 7 * 1_440;
    let lasts = match (first, last) {
        (Some(first), Some(last)) => (u32::from(last) * 1_440 + until_min + span - u32::from(first) * 1_440 - from_min) % span,
        _ => (until_min + 1_440 - from_min) % 1_440,
    };
    // From a time to the same time is all of it.
    let whole = if first.is_some() { span } else { 1_440 };
    Ok(Window { day: first, from_min, minutes: if lasts == 0 { whole } else { lasts } })
}

fn steps(export: &mut Export, escalation: Escalation, used_by: usize, teams: &[Team]) -> Steps {
    let name = escalation.name;
    let mut steps = Vec::new();
    for rule in escalation.rules {
        if word(&rule.condition) != "if-not-acked" {
            export.note(Of::Escalation, &name, Why::Condition { given: rule.condition });
        }
        if word(&rule.notify_type) != "default" {
            export.note(Of::Escalation, &name, Why::NotifyType { given: rule.notify_type });
        }
        let factor = match rule.delay.time_unit.as_deref().map(word).as_deref() {
            Some("hours") => 60,
            Some("days") => 1_440,
            _ => 1,
        };
        let recipient = rule.recipient;
        let id = recipient.id.clone().or(recipient.username).unwrap_or_default();
        let targets = match word(&recipient.kind).as_str() {
            "user" => vec![Target::Person(id)],
            "schedule" => vec![Target::Schedule(id)],
            "team" => members(export, &name, teams, &id),
            other => {
                export.note(Of::Escalation, &name, Why::Receiver { kind: recipient.name.unwrap_or_else(|| other.to_owned()) });
                Vec::new()
            }
        };
        steps.push((rule.delay.time_amount.saturating_mul(factor), targets));
    }
    let times = escalation.repeat.as_ref().and_then(|repeat| repeat.count).unwrap_or(0);
    let every_min = escalation.repeat.and_then(|repeat| repeat.wait_interval);
    Steps { name, steps, times, every_min, used_by }
}

fn members(export: &mut Export, name: &str, teams: &[Team], id: &str) -> Vec<Target> {
    let Some(team) = teams.iter().find(|team| team.id == id) else {
        export.note(Of::Escalation, name, Why::Receiver { kind: format!("team {id}") });
        return Vec::new();
    };
    let people = team.members.iter().filter_map(|member| member.user.id.clone().or_else(|| member.user.username.clone()));
    let people: Vec<Target> = people.map(Target::Person).collect();
    export.note(Of::Escalation, name, Why::TeamAsPeople { team: team.name.clone(), count: people.len() });
    people
}
