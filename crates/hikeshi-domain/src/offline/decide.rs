//! What follows when somebody tells of a local ledger, when it comes home, and when it does not.

use jiff::{SignedDuration, Timestamp};

use super::{Announced, Away, Command, Degraded, Home, Offline, OfflineEvent, Reconciled};
use crate::apply::apply;
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::emergency::decide::{Case, close::follow_up};
use crate::emergency::{Emergency, Status};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EmergencyId, IncidentId, ObligationId, PersonId, RoleName};
use crate::incident::decide::NewIncident;
use crate::incident::{Incident, Stage};
use crate::input::{self, TITLE_CHARS_MAX};
use crate::obligation::{self, Obligation};
use crate::people::Actor;
use crate::policy::Policy;
use crate::refusal::Refusal;

const NAME_CHARS_MAX: u32 = 300;

pub fn needs(command: &Command) -> Needs {
    match command {
        Command::Announce { .. } | Command::TurnAway { .. } => Needs::default(),
        Command::Import { incident, .. } => Needs { incidents: [*incident].into(), ..Needs::default() },
    }
}

pub fn decide(facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let (Command::Announce { by, .. } | Command::Import { by, .. } | Command::TurnAway { by, .. }) = command;
    if policy.person(by).is_none() {
        return Err(Refusal::UnknownActor);
    }
    match command {
        Command::Announce { by, case } => announce(facts, policy, by, case, now),
        Command::Import { by, incident, home } => import(facts, policy, by, *incident, home, now),
        Command::TurnAway { flaw, .. } => Err(Refusal::LocalFlawed { flaw: flaw.clone() }),
    }
}

fn announce(facts: &Facts, policy: &Policy, by: &PersonId, case: &Announced, now: Timestamp) -> Result<Decision, Refusal> {
    input::required("title", &case.title, TITLE_CHARS_MAX)?;
    for (field, text) in [("ledger", &case.ledger), ("key", &case.key), ("host", &case.host)] {
        input::required(field, text, NAME_CHARS_MAX)?;
    }
    // What the terms there named may have left the policy since, and a clock may be wrong: neither is a reason not to know of it.
    let requested_at = case.requested_at.min(now);
    let id = IncidentId(facts.workspace.counters.incident + 1);
    let away = Away {
        ledger: case.ledger.clone(),
        key: case.key.clone(),
        host: case.host.clone(),
        requested_at,
        announced_at: now,
        announced_by: by.clone(),
        late_announced: false,
        reconciled: None,
    };
    let notice =
        Notice::OfflineAnnounced { title: case.title.clone(), host: case.host.clone(), by: by.clone(), due_at: away.due_at(policy) };
    let (title, service, environment, triage) = (&case.title, &case.service, &case.environment, &case.triage);
    let new = NewIncident { title, summary: "", service, environment, triage, detected_at: requested_at };
    let opened = Incident::new(id, &new, triage.priority(policy), Actor::person(by.clone()), now);
    let incident = Incident { stage: Stage::Mitigation, away: Some(Box::new(away)), ..opened };
    let posted = post(policy, id, notice, &policy.emergency.approver_roles);
    let mut decision = Decision::of(id, vec![Event::Offline(OfflineEvent::Announced { incident: Box::new(incident) }), posted]);
    decision.made = Some(id.to_string());
    Ok(decision)
}

/// Clocks of two machines differ a little.
pub(super) const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The 24 hours are over and it has not come home.
pub fn unreconciled(facts: &Facts, id: IncidentId, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let incident = facts.incident(id).ok_or(Refusal::Stale)?;
    let away = incident.away.as_ref().filter(|away| away.reconciled.is_none() && !away.late_announced).ok_or(Refusal::Stale)?;
    if away.due_at(policy) > now {
        return Err(Refusal::Stale);
    }
    Ok(Decision::of(id, late(policy, incident, away)))
}

fn late(policy: &Policy, incident: &Incident, away: &Away) -> Vec<Event> {
    let notice = Notice::OfflineLate { title: incident.title.clone(), host: away.host.clone() };
    let mut posted = post(policy, incident.id, notice, &policy.emergency.approver_roles);
    if let Event::Posted { post } = &mut posted {
        post.people.push(away.announced_by.clone());
    }
    vec![Event::Offline(OfflineEvent::Late { incident: incident.id }), posted]
}

fn import(facts: &Facts, policy: &Policy, by: &PersonId, id: IncidentId, home: &Home, now: Timestamp) -> Result<Decision, Refusal> {
    let used = || Refusal::LocalUsed { ledger: home.ledger.clone(), incident: id, by: by.clone() };
    let known = facts.incident(id).ok_or(Refusal::Stale)?;
    let told = known.away.as_ref().filter(|away| away.ledger == home.ledger && away.reconciled.is_none()).ok_or_else(used)?;
    // Whoever tells of a ledger first has proven nothing by it. What was verified counts, and that it is another is named.
    let away = Away { key: home.key.clone(), host: home.host.clone(), requested_at: home.requested_at.min(now), ..(**told).clone() };
    let named;
    let home = if told.key == home.key {
        home
    } else {
        let other = Degraded::OtherAnnounced { by: told.announced_by.clone() };
        named = Home { degraded: [home.degraded.clone(), vec![other]].concat(), ..home.clone() };
        &named
    };
    let mut next = facts.workspace.counters.emergency;
    let numbers = home.emergencies.iter().map(|emergency| {
        next += 1;
        (emergency.id, EmergencyId(next))
    });
    let numbers: std::collections::BTreeMap<_, _> = numbers.collect();
    let reconciled = Reconciled {
        at: now,
        by: by.clone(),
        size: home.size,
        root: home.root,
        trust: home.trust,
        parcel: home.parcel.clone(),
        emergencies: numbers.clone(),
        degraded: home.degraded.clone(),
    };
    let incident = Incident {
        id,
        emergencies: known.emergencies.iter().chain(numbers.values()).copied().collect(),
        acknowledged: home.incident.acknowledged.clone().or_else(|| known.acknowledged.clone()),
        firing: known.firing.clone(),
        away: Some(Box::new(Away { reconciled: Some(reconciled), ..away.clone() })),
        ..(*home.incident).clone()
    };
    let emergencies: Vec<Emergency> =
        home.emergencies.iter().filter_map(|there| Some(brought(there, *numbers.get(&there.id)?, id, home, by, now))).collect();
    let notice = Notice::OfflineReconciled {
        host: home.host.clone(),
        by: by.clone(),
        emergencies: numbers.values().copied().collect(),
        degraded: home.degraded.clone(),
    };
    let back = Event::Offline(OfflineEvent::Reconciled { incident: Box::new(incident), emergencies, contents: home.contents.clone() });
    let mut decision = Decision::of(id, vec![back, post(policy, id, notice, &policy.emergency.approver_roles)]);
    // Nobody had been told of it, so no timer of this ledger has alarmed; late it is all the same.
    if away.due_at(policy) < now && !away.late_announced {
        decision.events.extend(late(policy, known, &away));
    }
    let owed = owed(facts, policy, home, &numbers, id, now);
    decision.events.extend(owed.iter().cloned().map(|obligation| Event::ObligationRaised { obligation }));
    begin(facts, &owed, &mut decision, now);
    decision.made = Some(numbers.values().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    Ok(decision)
}

fn brought(there: &Emergency, id: EmergencyId, incident: IncidentId, home: &Home, by: &PersonId, now: Timestamp) -> Emergency {
    let about = |degraded: &&Degraded| degraded.emergency().is_none_or(|emergency| emergency == there.id);
    let offline = Offline {
        host: home.host.clone(),
        emergency: there.id,
        incident: there.incident,
        reconciled_at: now,
        reconciled_by: by.clone(),
        parcel: home.parcel.digest,
        degraded: home.degraded.iter().filter(about).cloned().collect(),
        course: home.courses.get(&there.id).cloned().unwrap_or_default(),
    };
    // The server searches its record itself.
    Emergency { id, incident, obligations: Vec::new(), examined: None, offline: Some(Box::new(offline)), ..there.clone() }
}

impl Degraded {
    /// The exception that it is about, by its number in the local ledger.
    pub fn emergency(&self) -> Option<EmergencyId> {
        match self {
            Self::PresenceTold { emergency }
            | Self::WordTold { emergency, .. }
            | Self::DeviceUnsigned { emergency, .. }
            | Self::WatchedShort { emergency, .. }
            | Self::RecordingGap { emergency, .. } => Some(*emergency),
            Self::KeyRevoked { .. } | Self::TermsMoved { .. } | Self::OtherAnnounced { .. } => None,
        }
    }
}

/// What is owed runs from the time at which it was raised there. Work on it begins here: what that machine wrote is nobody's report yet.
fn owed(
    facts: &Facts,
    policy: &Policy,
    home: &Home,
    numbers: &std::collections::BTreeMap<EmergencyId, EmergencyId>,
    incident: IncidentId,
    now: Timestamp,
) -> Vec<Obligation> {
    let mut next = facts.workspace.counters.obligation;
    let mut owed = Vec::new();
    for there in &home.obligations {
        // A report of the month is nobody's in particular: the server has its own.
        let Some(emergency) = there.emergency.and_then(|id| numbers.get(&id)) else { continue };
        next += 1;
        let about = Some((*emergency, incident));
        let fresh = Obligation::new(ObligationId(next), there.kind, about, there.owner.clone(), there.raised_at, there.due_at);
        owed.push(Obligation {
            status: waived_or_owed(there),
            waived: there.waived,
            done_at: there.done_at.filter(|_| there.waived.is_some()),
            ..fresh
        });
    }
    for there in &home.emergencies {
        let about = home.degraded.iter().any(|degraded| degraded.emergency().is_none_or(|id| id == there.id));
        if let (true, Some(id), Some(approval)) = (about, numbers.get(&there.id), there.approvals.first()) {
            next += 1;
            let due_at = now.checked_add(SignedDuration::from_hours(i64::from(policy.obligations.retrospective_within_h))).unwrap_or(now);
            owed.push(Obligation::new(
                ObligationId(next),
                obligation::Kind::Review,
                Some((*id, incident)),
                approval.by.clone(),
                now,
                due_at,
            ));
        }
    }
    owed
}

fn waived_or_owed(there: &Obligation) -> obligation::Status {
    if there.waived.is_some() { obligation::Status::Waived } else { obligation::Status::Owed }
}

/// The program's own part of the follow-up: the request, the draft of the report, the invitation.
fn begin(facts: &Facts, owed: &[Obligation], decision: &mut Decision, now: Timestamp) {
    let mut after = facts.clone();
    for event in &decision.events {
        apply(&mut after, event, &Actor::Recorder, now);
    }
    for owed in owed.iter().filter(|owed| owed.status == obligation::Status::Owed) {
        let Some(case) = owed.emergency.and_then(|id| Case::of(&after, id, now)) else { continue };
        if let (Status::Closed, Some(ending)) = (case.state.status, case.state.ending) {
            follow_up(&case, ending, owed, decision);
        }
    }
}

fn post(policy: &Policy, incident: IncidentId, notice: Notice, roles: &[RoleName]) -> Event {
    Event::Posted {
        post: Post {
            channel: policy.channels.emergency.clone(),
            body: Body::Notice { notice },
            roles: roles.to_vec(),
            people: Vec::new(),
            incident: Some(incident),
            emergency: None,
        },
    }
}
