//! What an event makes known of changes. Runs after the other areas: a row tells how its exception stands by then.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Change, ChangeEvent, ChangeKey, Stands, What};
use crate::alert::inhibit::By;
use crate::alert::silence::{SilenceEvent, SilenceStep};
use crate::emergency::{Emergency, StepState};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::EmergencyId;
use crate::offline::OfflineEvent;
use crate::people::Actor;

pub(crate) fn apply(facts: &mut Facts, event: &Event, actor: &Actor, at: Timestamp) {
    for change in known(facts, event, actor, at) {
        facts.touched.changes.insert(change.key.clone());
        facts.changes.insert(change.key.clone(), Some(change));
    }
}

fn known(facts: &Facts, event: &Event, actor: &Actor, at: Timestamp) -> Vec<Change> {
    let of = |id: &EmergencyId, row: &dyn Fn(&Emergency) -> Option<Change>| facts.emergency(*id).and_then(row).into_iter().collect();
    let step = |id: &EmergencyId, step: u32, stands: Stands| of(id, &|state| step_of(facts, state, step, stands, at));
    match event {
        Event::Change(ChangeEvent::Told { change }) => vec![(**change).clone()],
        Event::StepStarted { emergency, step: number, .. } => step(emergency, *number, Stands::Running),
        Event::StepEnded { emergency, step: number, end, .. } | Event::StepSettledRan { emergency, step: number, end, .. } => {
            let stands = if end.succeeded() { Stands::Succeeded } else { Stands::Failed };
            of(emergency, &|state| step_of(facts, state, *number, stands, end.started_at))
        }
        Event::StepInDoubt { emergency, step: number, .. } => step(emergency, *number, Stands::InDoubt),
        Event::StepSettledNotRun { emergency, step: number, .. } => step(emergency, *number, Stands::DidNotRun),
        Event::TerminalOpened { emergency, session, .. } | Event::TerminalEnded { emergency, session, .. } => {
            of(emergency, &|state| session_of(facts, state, *session))
        }
        Event::RevertStarted { emergency, files, by, effect, .. } => of(emergency, &|state| {
            let files = u64::try_from(files.len()).unwrap_or(u64::MAX);
            let what = What::Reverted { emergency: state.id, files };
            Some(there(facts, state, (effect.0.clone(), Actor::person(by.clone()), at), what))
        }),
        Event::RestoreStarted { emergency, by, effect, .. } => of(emergency, &|state| {
            let what = What::Restored { emergency: state.id };
            Some(there(facts, state, (effect.0.clone(), Actor::person(by.clone()), at), what))
        }),
        Event::PolicyAdopted { digest, .. } => {
            let (key, what) = (ChangeKey::known(format!("policy/{digest}/{at}")), What::Policy { digest: *digest });
            vec![Change { key, at, by: actor.clone(), service: None, environment: None, what }]
        }
        Event::Silence(SilenceEvent { silence, step: SilenceStep::Made { made } }) => {
            // What a rule does because something is down has changed nothing that could be the cause.
            let By::Person(by) = &made.by else { return Vec::new() };
            let (covers, until, reason) = (made.covers.clone(), made.until, made.reason.clone());
            let (service, environment) = (covers.service.clone(), covers.environment.clone());
            let what = What::Silence { silence: *silence, covers, until, reason };
            vec![Change { key: ChangeKey::known(silence.to_string()), at, by: Actor::person(by.clone()), service, environment, what }]
        }
        Event::Offline(OfflineEvent::Reconciled { emergencies, .. }) => {
            emergencies.iter().flat_map(|state| carried_out(facts, state)).collect()
        }
        _ => Vec::new(),
    }
}

/// A change at the target of an exception.
fn there(facts: &Facts, state: &Emergency, (key, by, at): (String, Actor, Timestamp), what: What) -> Change {
    let target = facts.policy().and_then(|policy| policy.targets.get(&state.plan.target));
    let (service, environment) = (target.map(|target| target.service.clone()), target.map(|target| target.environment.clone()));
    Change { key: ChangeKey::known(key), at, by, service, environment, what }
}

fn step_of(facts: &Facts, state: &Emergency, step: u32, stands: Stands, at: Timestamp) -> Option<Change> {
    let index = usize::try_from(step.checked_sub(1)?).ok()?;
    let (planned, attempt) = (state.plan.steps.get(index)?, state.attempts.get(index)?);
    let what = What::Step { emergency: state.id, step, title: planned.title.clone(), stands };
    let by = Actor::person(state.plan.executor.clone());
    Some(there(facts, state, (format!("{}/step/{step}/{attempt}", state.id), by, at), what))
}

fn session_of(facts: &Facts, state: &Emergency, number: u32) -> Option<Change> {
    let session = state.sessions.iter().find(|session| session.number == number)?;
    let listed = u64::try_from(session.commands.len()).unwrap_or(u64::MAX);
    let commands = session.ended_at.map(|_| listed.saturating_add(u64::from(session.commands_earlier)));
    let what = What::Session { emergency: state.id, session: number, commands };
    let by = Actor::person(session.by.clone());
    Some(there(facts, state, (format!("{}/session/{number}", state.id), by, session.opened_at), what))
}

/// What was done while the server was away becomes known when it comes home.
fn carried_out(facts: &Facts, state: &Emergency) -> Vec<Change> {
    let ended = |(number, step): (u32, &StepState)| match step {
        StepState::Ended(end) => {
            let stands = if end.succeeded() { Stands::Succeeded } else { Stands::Failed };
            step_of(facts, state, number, stands, end.started_at)
        }
        StepState::Waiting | StepState::Running { .. } | StepState::InDoubt { .. } => None,
    };
    let steps = (1_u32..).zip(&state.steps).filter_map(ended);
    steps.chain(state.sessions.iter().filter_map(|session| session_of(facts, state, session.number))).collect()
}
