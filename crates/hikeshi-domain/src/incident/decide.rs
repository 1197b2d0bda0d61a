//! What follows from a command on an incident (rules I1 to I4, I6, I11).

use jiff::Timestamp;

use super::escalation::{self, is_unanswered};
use super::{Command, Incident, Priority, Stage, Triage, merge, room};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::emergency;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{IncidentId, PersonId, RoleName};
use crate::input::{self, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::page::decide::{self as page, Subject};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::status::decide::NewPost;
use crate::{postmortem, status};

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    match command {
        Command::Open { .. } => Needs::default(),
        Command::Resolve { incident, .. } | Command::Move { incident, .. } => {
            let mut needs = needs_of(*incident);
            needs.emergencies.extend(facts.incident(*incident).iter().flat_map(|state| state.emergencies.iter().copied()));
            needs
        }
        Command::Merge { incident, into, .. } => merge::needs_of_merge(*incident, *into, facts),
        Command::Split { incident, alerts, .. } => merge::needs_of_split(*incident, alerts, facts),
        Command::Triage { incident, .. }
        | Command::Acknowledge { incident }
        | Command::Escalate { incident, .. }
        | Command::Assign { incident, .. }
        | Command::HandOver { incident, .. }
        | Command::Update { incident, .. }
        | Command::Publish { incident, .. }
        | Command::Note { incident, .. } => needs_of(*incident),
    }
}

pub fn needs_of(incident: IncidentId) -> Needs {
    Needs { incidents: [incident].into(), ..Needs::default() }
}

pub fn decide(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    match command {
        Command::Open { title, summary, service, environment, triage, detected_at } => {
            input::required("title", title, TITLE_CHARS_MAX)?;
            input::bounded("summary", summary, TEXT_CHARS_MAX)?;
            input::declared("service", service.as_str(), policy.services.keys().map(crate::ids::ServiceName::as_str))?;
            input::declared("environment", environment.as_str(), policy.environments.keys().map(crate::ids::EnvironmentName::as_str))?;
            check_triage(triage)?;
            if policy.local.is_some() && facts.workspace.counters.incident > 0 {
                return Err(Refusal::LocalOneCase { incident: IncidentId(facts.workspace.counters.incident) });
            }
            if detected_at.is_some_and(|at| at > now) {
                return Err(Refusal::TimeInFuture { field: "detected_at".to_owned() });
            }
            let new = NewIncident { title, summary, service, environment, triage, detected_at: detected_at.unwrap_or(now) };
            Ok(open(facts, policy, permit.actor(), &new, now))
        }
        Command::Triage { incident, triage } => {
            let state = unresolved(facts, *incident)?;
            check_triage(triage)?;
            let priority = triage.priority(policy);
            let mut events = vec![Event::IncidentTriaged { incident: *incident, triage: triage.clone(), priority }];
            if priority != state.priority {
                events.push(post(policy, *incident, Notice::PriorityChanged { priority }, &[], Vec::new()));
            }
            Ok(Decision::of(*incident, events))
        }
        Command::Acknowledge { incident } => acknowledge(&permit, facts, policy, *incident),
        Command::Escalate { incident, reason } => {
            let state = unresolved(facts, *incident)?;
            input::required("reason", reason, TEXT_CHARS_MAX)?;
            escalation::by_hand(facts.calling(policy, now), state, permit.person()?, reason)
        }
        Command::Assign { incident, duty, person } => room::assign(&permit, policy, unresolved(facts, *incident)?, *duty, person.as_ref()),
        Command::HandOver { incident, to, note } => room::hand_over(policy, unresolved(facts, *incident)?, to, note),
        Command::Move { incident, stage, reason } => move_stage(facts, policy, *incident, *stage, reason),
        Command::Update { incident, text } => update(facts, policy, *incident, text),
        Command::Publish { incident, state, text, components } => {
            let new = NewPost { state: *state, text, components };
            status::decide::publish(&permit, policy, unmerged(facts, *incident)?, &new, now)
        }
        Command::Note { incident, text } => {
            found(facts, *incident)?;
            input::required("text", text, TEXT_CHARS_MAX)?;
            Ok(Decision::of(*incident, vec![Event::IncidentNoted { incident: *incident, text: text.clone() }]))
        }
        Command::Resolve { incident, what } => {
            let state = unmerged(facts, *incident)?;
            if state.resolved.is_some() {
                return Err(Refusal::AlreadyResolved { incident: *incident });
            }
            input::required("what", what, TEXT_CHARS_MAX)?;
            no_open_emergency(facts, state)?;
            let notice = Notice::IncidentResolved { what: what.clone() };
            let event = Event::IncidentResolved { incident: *incident, by: permit.actor().clone(), what: what.clone() };
            let mut events = vec![event, post(policy, *incident, notice, &[], Vec::new())];
            events.extend(postmortem::decide::owe(facts, state, 0, now));
            Ok(Decision::of(*incident, events))
        }
        Command::Merge { incident, into, reason } => merge::merge(&permit, facts, policy, (*incident, *into), reason),
        Command::Split { incident, alerts, title, reason } => {
            merge::split(&permit, facts, policy, &merge::Part { incident: *incident, alerts, title, reason }, now)
        }
    }
}

/// Whoever was called answers: the first time, and again when further people were called since.
fn acknowledge(permit: &Permit, facts: &Facts, policy: &Policy, incident: IncidentId) -> Result<Decision, Refusal> {
    let state = unresolved(facts, incident)?;
    let by = permit.person()?.clone();
    if let Some(acknowledged) = state.acknowledged.as_ref().filter(|_| !is_unanswered(state)) {
        return Err(Refusal::AlreadyAcknowledged { incident, by: acknowledged.by.clone() });
    }
    let posted = post(policy, incident, Notice::IncidentAcknowledged { by: by.clone() }, &[], Vec::new());
    Ok(Decision::of(incident, vec![Event::IncidentAcknowledged { incident, by }, posted]))
}

fn update(facts: &Facts, policy: &Policy, incident: IncidentId, text: &str) -> Result<Decision, Refusal> {
    if unmerged(facts, incident)?.closed_at.is_some() {
        return Err(Refusal::IncidentOver { incident });
    }
    input::required("text", text, TEXT_CHARS_MAX)?;
    let posted = post(policy, incident, Notice::StatusUpdate { text: text.to_owned() }, &[], Vec::new());
    Ok(Decision::of(incident, vec![Event::IncidentUpdated { incident, text: text.to_owned() }, posted]))
}

/// What an opening needs, whoever opens.
pub(crate) struct NewIncident<'a> {
    pub title: &'a str,
    pub summary: &'a str,
    pub service: &'a crate::ids::ServiceName,
    pub environment: &'a crate::ids::EnvironmentName,
    pub triage: &'a Triage,
    pub detected_at: Timestamp,
}

impl Incident {
    /// Just opened; nobody has done anything about it yet.
    pub(crate) fn new(id: IncidentId, new: &NewIncident<'_>, priority: Priority, opened_by: Actor, opened_at: Timestamp) -> Self {
        Self {
            id,
            title: new.title.to_owned(),
            summary: new.summary.to_owned(),
            service: new.service.clone(),
            environment: new.environment.clone(),
            triage: new.triage.clone(),
            priority,
            stage: Stage::Reported,
            opened_by,
            detected_at: new.detected_at,
            opened_at,
            acknowledged: None,
            mitigated_at: None,
            resolved: None,
            closed_at: None,
            firing: Vec::new(),
            alerts: crate::alert::AlertCount::default(),
            pages: Vec::new(),
            duties: std::collections::BTreeMap::new(),
            escalated_steps: 0,
            escalated_at: None,
            last_update_at: None,
            update_reminded_at: None,
            public: Vec::new(),
            merged: None,
            absorbed: Vec::new(),
            split: Vec::new(),
            split_from: None,
            emergencies: Vec::new(),
            postmortem: None,
            away: None,
        }
    }
}

/// Opens, tells the channel at once what, impact, priority and who (rule I6), and takes the escalation steps that are due at once (rule I4).
pub(crate) fn open(facts: &Facts, policy: &Policy, actor: &Actor, new: &NewIncident<'_>, now: Timestamp) -> Decision {
    let incident = IncidentId(facts.workspace.counters.incident + 1);
    let priority = new.triage.priority(policy);
    let mut roles: Vec<RoleName> = Vec::new();
    if policy.emergency.serious.contains(&priority) {
        roles.extend(policy.incident.serious_at_once.iter().cloned());
    }
    let notice = Notice::IncidentOpened { title: new.title.to_owned(), priority };
    let mut decision = Decision::of(
        incident,
        vec![
            Event::IncidentOpened {
                incident,
                title: new.title.to_owned(),
                summary: new.summary.to_owned(),
                service: new.service.clone(),
                environment: new.environment.clone(),
                triage: new.triage.clone(),
                priority,
                opened_by: actor.clone(),
                detected_at: new.detected_at,
            },
            post(policy, incident, notice, &roles, Vec::new()),
        ],
    );
    let subject = Subject {
        incident,
        title: new.title,
        priority,
        service: new.service,
        environment: new.environment,
        detected_at: new.detected_at,
        pages: &[],
    };
    page::call(&mut decision, policy, &subject, 0, &policy.people_with(&roles));
    escalation::at_once(&mut decision, facts.calling(policy, now), &subject);
    decision.made = Some(incident.to_string());
    decision
}

fn move_stage(facts: &Facts, policy: &Policy, incident: IncidentId, stage: Stage, reason: &str) -> Result<Decision, Refusal> {
    let state = unmerged(facts, incident)?;
    input::bounded("reason", reason, TEXT_CHARS_MAX)?;
    if stage == state.stage {
        return Err(Refusal::SameStage { stage });
    }
    if stage < state.stage && reason.trim().is_empty() {
        return Err(Refusal::ReasonForGoingBack { from: state.stage, to: stage });
    }
    if stage == Stage::Closed {
        no_open_emergency(facts, state)?;
        if state.resolved.is_none() {
            return Err(Refusal::NotResolved { incident });
        }
    }
    let event = Event::IncidentMoved { incident, from: state.stage, to: stage, reason: reason.to_owned() };
    Ok(Decision::of(incident, vec![event, post(policy, incident, Notice::StageMoved { stage }, &[], Vec::new())]))
}

pub(crate) fn no_open_emergency(facts: &Facts, state: &Incident) -> Result<(), Refusal> {
    let open = state.emergencies.iter().filter_map(|id| facts.emergency(*id)).find(|emergency| emergency.status.is_running());
    match open {
        Some(emergency::Emergency { id, .. }) => Err(Refusal::EmergencyStillOpen { incident: state.id, emergency: *id }),
        None => Ok(()),
    }
}

fn check_triage(triage: &Triage) -> Result<(), Refusal> {
    match &triage.priority_override {
        Some(chosen) if chosen.reason.trim().is_empty() => Err(Refusal::OverrideReason),
        Some(chosen) => input::bounded("reason", &chosen.reason, TEXT_CHARS_MAX),
        None => Ok(()),
    }
}

/// A status update was due and did not come (rule I6).
pub fn update_due(facts: &Facts, incident: IncidentId, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = facts.incident(incident).ok_or(Refusal::Stale)?;
    let wake = crate::timer::Wake::UpdateDue { incident };
    if !crate::timer::of_incident(state, policy).iter().any(|timer| timer.wake == wake && timer.due_at <= now) {
        return Err(Refusal::Stale);
    }
    let people = room::speakers(state);
    let notice = Notice::StatusUpdateDue { priority: state.priority };
    Ok(Decision::of(incident, vec![Event::StatusUpdateDue { incident }, post(policy, incident, notice, &[], people)]))
}

fn found(facts: &Facts, id: IncidentId) -> Result<&Incident, Refusal> {
    facts.incident(id).ok_or_else(|| Refusal::NotFound { what: "incident".to_owned(), given: id.to_string() })
}

/// What has become part of another one is not worked on any more; notes can still be left.
fn unmerged(facts: &Facts, id: IncidentId) -> Result<&Incident, Refusal> {
    let state = found(facts, id)?;
    match &state.merged {
        Some(merged) => Err(Refusal::IncidentMerged { incident: id, into: merged.into }),
        None => Ok(state),
    }
}

pub(super) fn unresolved(facts: &Facts, id: IncidentId) -> Result<&Incident, Refusal> {
    let state = unmerged(facts, id)?;
    if state.resolved.is_some() || state.closed_at.is_some() { Err(Refusal::IncidentOver { incident: id }) } else { Ok(state) }
}

pub(crate) fn post(policy: &Policy, incident: IncidentId, notice: Notice, roles: &[RoleName], people: Vec<PersonId>) -> Event {
    Event::Posted {
        post: Post {
            channel: policy.channels.incidents.clone(),
            body: Body::Notice { notice },
            roles: roles.to_vec(),
            people,
            incident: Some(incident),
            emergency: None,
        },
    }
}
