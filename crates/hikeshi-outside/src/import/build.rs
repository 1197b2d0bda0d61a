//! The piece of a policy, from what a vendor's file has read.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EnvironmentName, PersonId, RoleName, ScheduleName, ServiceName, SourceName};
use hikeshi_domain::incident::{Business, Impact, Urgency};
use hikeshi_domain::policy::{
    EscalationStep, Format, Holidays, Layer, OnClear, PagingRule, Person, Repeat, Schedule, Service, Source, is_number,
};
use hikeshi_text::import::{Note, Of, Why};
use jiff::tz::TimeZone;

use super::model::{Export, Plan, Rotation, Steps, Target, User};
use super::turns::{LAYERS_MAX, layers};
use super::{Broken, Escalation, Fragment, Sources};

const SCHEDULES_MAX: usize = 50;
const PAGE_RULES_MAX: usize = 10;
/// Minutes after which a page of one person is over.
const PAGE_MIN_MAX: u32 = 1_440;
const NAME_MAX: usize = 36;
/// What everybody is who is imported.
const ROLE: &str = "operator";
const ENVIRONMENT: &str = "production";

/// Minutes between rounds, and rounds, that a policy may name.
const EVERY_MIN: (u32, u32) = (1, 1_440);
const TIMES_MAX: u32 = 99;

pub(super) fn fragment(mut export: Export, wanted: Option<&str>, now: Timestamp) -> Result<(Fragment, Vec<Note>), Broken> {
    if export.people.is_empty() && export.schedules.is_empty() && export.escalations.is_empty() {
        return Err(Broken::Nothing);
    }
    let mut fragment = Fragment::default();
    let people = people(&mut export, &mut fragment);
    let schedules = schedules(&mut export, &mut fragment, &people, now);
    escalation(&mut export, &mut fragment, wanted, &people, &schedules)?;
    only_the_called(&mut export, &mut fragment);
    senders(&mut export, &mut fragment);
    Ok((fragment, export.notes))
}

/// A handle of what people call it: its Latin letters and digits, and a number where another has the same.
fn handle(given: &str, otherwise: &str, taken: &mut BTreeSet<String>) -> String {
    let mut base = String::new();
    for letter in given.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            base.push(letter);
        } else if !base.ends_with('-') && !base.is_empty() {
            base.push('-');
        }
        if base.len() >= NAME_MAX {
            break;
        }
    }
    let base = base.trim_matches('-');
    let base = if base.is_empty() { otherwise } else { base };
    let mut name = base.to_owned();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{}-{number}", base.chars().take(NAME_MAX - 4).collect::<String>());
        number += 1;
    }
    name
}

fn people(export: &mut Export, fragment: &mut Fragment) -> BTreeMap<String, PersonId> {
    let (mut ids, mut taken) = (BTreeMap::new(), BTreeSet::new());
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    for user in std::mem::take(&mut export.people) {
        let local = user.email.as_deref().and_then(|email| email.split('@').next()).filter(|local| !local.is_empty());
        let Ok(id) = PersonId::new(handle(local.unwrap_or(&user.name), "person", &mut taken)) else { continue };
        ids.insert(user.id.clone(), id.clone());
        // Opsgenie names people by their address in some places.
        if let Some(email) = &user.email {
            ids.entry(email.clone()).or_insert_with(|| id.clone());
        }
        if let Some(given) = user.role.clone().filter(|role| !role.eq_ignore_ascii_case("user")) {
            export.note(Of::Person, &user.name, if user.looks_on { Why::NoRole { given } } else { Why::Role { given } });
        }
        let phone = user.phones.first().and_then(|given| {
            let why = if !is_number(given) {
                Why::BadNumber { given: given.clone() }
            } else if !numbers.insert(given.clone()) {
                Why::SharedNumber { given: given.clone() }
            } else {
                return Some(given.clone());
            };
            export.note(Of::Person, &user.name, why);
            None
        });
        fragment.people.insert(id, person(export, &user, phone));
    }
    ids
}

fn person(export: &mut Export, user: &User, phone: Option<String>) -> Person {
    use hikeshi_domain::page::Means::{Mail, Slack, Sms, Voice, WebPush, Webhook};
    let mut rules: Vec<PagingRule> = Vec::new();
    let mut left = 0;
    for (after_min, by) in &user.rules {
        let reachable = match by {
            Mail => user.email.is_some(),
            Sms | Voice => phone.is_some(),
            // None of these comes with an export.
            Webhook | Slack | WebPush => false,
        };
        if !reachable || *after_min > PAGE_MIN_MAX {
            left += 1;
        } else if let Some(known) = rules.iter_mut().find(|rule| rule.after_min == *after_min) {
            if !known.by.contains(by) {
                known.by.push(*by);
            }
        } else {
            rules.push(PagingRule { after_min: *after_min, by: vec![*by] });
        }
    }
    rules.sort_by_key(|rule| rule.after_min);
    left += rules.len().saturating_sub(PAGE_RULES_MAX);
    rules.truncate(PAGE_RULES_MAX);
    if left > 0 {
        export.note(Of::Person, &user.name, Why::NotifyRules { count: left });
    }
    Person {
        name: user.name.trim().to_owned(),
        roles: RoleName::new(ROLE).into_iter().filter(|_| !user.looks_on).collect(),
        email: user.email.clone(),
        phone,
        chat: None,
        language: None,
        webhook: None,
        page_by: rules,
        ssh_keys: Vec::new(),
    }
}

type Named = BTreeMap<String, Vec<ScheduleName>>;

fn schedules(export: &mut Export, fragment: &mut Fragment, people: &BTreeMap<String, PersonId>, now: Timestamp) -> Named {
    let (mut named, mut taken) = (Named::new(), BTreeSet::new());
    for plan in std::mem::take(&mut export.schedules) {
        let Ok(zone) = TimeZone::get(&plan.zone) else {
            export.note(Of::Schedule, &plan.name, Why::UnknownZone { given: plan.zone.clone() });
            continue;
        };
        let made: Vec<(String, Vec<Layer>)> = plan
            .rotations
            .iter()
            .filter_map(|rotation| Some((rotation.name.clone(), one(export, rotation, people, &zone, now)?)))
            .collect();
        let parts = apart(&plan, made);
        if parts.len() > 1 {
            export.note(Of::Schedule, &plan.name, Why::Split { into: parts.len() });
        }
        if parts.is_empty() {
            export.note(Of::Schedule, &plan.name, Why::NobodyLeft);
        }
        for (name, mut layers) in parts {
            if layers.len() > LAYERS_MAX || fragment.schedules.len() >= SCHEDULES_MAX {
                let max = if layers.len() > LAYERS_MAX { LAYERS_MAX } else { SCHEDULES_MAX };
                export.note(Of::Schedule, &name, Why::TooMany { max });
                // The ones that count more are the later ones.
                if layers.len() <= LAYERS_MAX {
                    continue;
                }
                layers.drain(..layers.len() - LAYERS_MAX);
            }
            let Ok(id) = ScheduleName::new(handle(&name, "schedule", &mut taken)) else { continue };
            named.entry(plan.id.clone()).or_default().push(id.clone());
            let managed_by = ["lead", "manager", "dev-lead", "cto"].into_iter().filter_map(|role| RoleName::new(role).ok()).collect();
            let zone = Some(plan.zone.clone());
            // Theirs know no holidays: workdays are Monday to Friday, as they were.
            fragment.schedules.insert(id, Schedule { name, time_zone: zone, holidays: Holidays::None, managed_by, layers });
        }
    }
    named
}

/// One schedule of all layers, or one for each rotation where all of them are on call at once.
fn apart(plan: &Plan, made: Vec<(String, Vec<Layer>)>) -> Vec<(String, Vec<Layer>)> {
    if plan.at_once && made.len() > 1 {
        return made;
    }
    let layers: Vec<Layer> = made.into_iter().flat_map(|(_, layers)| layers).collect();
    if layers.is_empty() { Vec::new() } else { vec![(plan.name.clone(), layers)] }
}

fn one(
    export: &mut Export,
    rotation: &Rotation,
    people: &BTreeMap<String, PersonId>,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Vec<Layer>> {
    let name = &rotation.name;
    if let Some(at) = rotation.until {
        let why = if at <= now { Why::Ended { at } } else { Why::EndsLater { at } };
        export.note(Of::Rotation, name, why);
        return None;
    }
    let mut members = Vec::new();
    for id in &rotation.people {
        match people.get(id) {
            Some(person) => members.push(person.clone()),
            // A turn of nobody would move the turns of all others.
            None => {
                export.note(Of::Rotation, name, Why::UnknownPerson { id: id.clone() });
                return None;
            }
        }
    }
    match layers(rotation, &members, zone) {
        Ok((layers, notes)) => {
            for why in notes {
                export.note(Of::Rotation, name, why);
            }
            Some(layers)
        }
        Err(why) => {
            export.note(Of::Rotation, name, why);
            None
        }
    }
}

fn escalation(
    export: &mut Export,
    fragment: &mut Fragment,
    wanted: Option<&str>,
    people: &BTreeMap<String, PersonId>,
    schedules: &Named,
) -> Result<(), Broken> {
    let mut all = std::mem::take(&mut export.escalations);
    if let Some(wanted) = wanted.filter(|wanted| all.iter().all(|steps| steps.name != **wanted)) {
        let known: Vec<&str> = all.iter().map(|steps| steps.name.as_str()).collect();
        return Err(Broken::NoSuchEscalation { given: wanted.to_owned(), known: known.join(", ") });
    }
    // The one that is asked for, or that most services use; of several the first.
    all.sort_by_key(|steps| (wanted.is_some_and(|wanted| steps.name != wanted), std::cmp::Reverse(steps.used_by)));
    let mut all = all.into_iter();
    let Some(taken) = all.next() else { return Ok(()) };
    for other in all {
        export.note(Of::Escalation, &other.name, Why::OtherEscalation { taken: taken.name.clone() });
    }
    let steps = steps(export, &taken, people, schedules);
    if steps.is_empty() {
        export.note(Of::Escalation, &taken.name, Why::NoSteps);
        return Ok(());
    }
    if steps.first().is_some_and(|step| step.after_min > 0) {
        export.note(Of::Escalation, &taken.name, Why::LateFirstStep);
    }
    let every_min = taken.every_min.unwrap_or_else(|| Repeat::default().every_min).clamp(EVERY_MIN.0, EVERY_MIN.1);
    let repeat = Some(Repeat { every_min, times: taken.times.min(TIMES_MAX) });
    fragment.incident = Some(Escalation { escalation: steps, repeat });
    Ok(())
}

/// Without steps of its own, an incident calls everybody who is `operator`: then only those are who are on call there.
fn only_the_called(export: &mut Export, fragment: &mut Fragment) {
    if fragment.incident.is_some() {
        return;
    }
    let layers = fragment.schedules.values().flat_map(|schedule| &schedule.layers);
    let called: BTreeSet<PersonId> = layers.flat_map(|layer| layer.people.iter().cloned()).collect();
    let mut count = 0;
    for (_, person) in fragment.people.iter_mut().filter(|(id, person)| !called.contains(*id) && !person.roles.is_empty()) {
        person.roles.clear();
        count += 1;
        let became = |note: &Note| note.of == Of::Person && note.name == person.name && matches!(note.why, Why::Role { .. });
        export.notes.retain(|note| !became(note));
    }
    export.note(Of::Escalation, "[incident]", Why::NoEscalation { count });
}

fn steps(export: &mut Export, taken: &Steps, people: &BTreeMap<String, PersonId>, schedules: &Named) -> Vec<EscalationStep> {
    let mut steps: Vec<EscalationStep> = Vec::new();
    let mut ordered: Vec<&(u32, Vec<Target>)> = taken.steps.iter().collect();
    ordered.sort_by_key(|(after, _)| *after);
    for (after_min, targets) in ordered {
        let mut step = EscalationStep { after_min: *after_min, roles: Vec::new(), people: Vec::new(), schedules: Vec::new() };
        for target in targets {
            match target {
                Target::Person(id) => match people.get(id) {
                    Some(person) => step.people.push(person.clone()),
                    None => export.note(Of::Escalation, &taken.name, Why::UnknownPerson { id: id.clone() }),
                },
                Target::Schedule(id) => match schedules.get(id) {
                    Some(names) => step.schedules.extend(names.iter().cloned()),
                    None => export.note(Of::Escalation, &taken.name, Why::Receiver { kind: id.clone() }),
                },
            }
        }
        match steps.last_mut() {
            // Two rules at the same time are one step.
            Some(last) if last.after_min == step.after_min => {
                last.people.extend(step.people);
                last.schedules.extend(step.schedules);
            }
            _ if step.people.is_empty() && step.schedules.is_empty() => {}
            _ => steps.push(step),
        }
    }
    steps
}

fn senders(export: &mut Export, fragment: &mut Fragment) {
    let (mut taken, mut sources) = (BTreeSet::new(), BTreeMap::new());
    let mut names = BTreeSet::new();
    let Ok(environment) = EnvironmentName::new(ENVIRONMENT) else { return };
    for sender in std::mem::take(&mut export.services) {
        let Ok(service) = ServiceName::new(handle(&sender.name, "service", &mut taken)) else { continue };
        fragment.services.insert(service.clone(), Service { name: sender.name.clone(), url: None });
        for format in sender.formats {
            let Ok(source) = SourceName::new(handle(service.as_str(), "source", &mut names)) else { continue };
            let token_env = format!("ALERTS_{}", source.as_str().to_ascii_uppercase().replace(['-', '.'], "_"));
            export.note(Of::Service, &sender.name, Why::Key { variable: token_env.clone() });
            export.note(Of::Service, &sender.name, Why::Guessed);
            sources.insert(source, declared(format, token_env, service.clone(), environment.clone()));
        }
    }
    if !sources.is_empty() {
        fragment.alerts = Some(Sources { sources });
    }
}

fn declared(format: Format, token_env: String, service: ServiceName, environment: EnvironmentName) -> Source {
    Source {
        format,
        token_env,
        service,
        environment,
        impact: Impact::SomeUsers,
        business: Business::LostTrust,
        urgency: Urgency::Now,
        group_by: Vec::new(),
        on_clear: OnClear::Resolve,
        routes: Vec::new(),
        fields: None,
        mail: None,
    }
}
