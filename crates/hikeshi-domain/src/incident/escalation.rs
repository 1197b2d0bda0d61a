//! Who is called when nobody has an incident, or nobody restores it (rule I4): step by step, round by round, until somebody answers.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::post;
use super::{Acknowledged, Incident};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{IncidentId, PersonId};
use crate::page::Page;
use crate::page::decide::{self as page, Subject};
use crate::policy::{IncidentPolicy, Policy};
use crate::refusal::Refusal;

/// Further people are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalated {
    pub incident: IncidentId,
    /// Counted on through the rounds, so that each call has a number of its own.
    pub step: u32,
    pub level: Level,
    pub to: Vec<PersonId>,
    pub why: WhyEscalated,
}

/// Which of the policy's steps, and how often all of them have been gone through before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// From 1, as the team counts them.
    pub level: u32,
    /// From 1.
    pub round: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum WhyEscalated {
    /// So many minutes after the opening nobody has acknowledged it; 0 = with the opening.
    Unanswered { minutes: u32 },
    /// Nobody of the step before can be reached.
    Unreachable,
    /// Somebody has it, and service is not back within the target of its priority.
    NotRestored { minutes: u32 },
    /// The impact grows, or a decision is needed that whoever has it cannot take.
    Asked { by: PersonId, reason: String },
}

/// Somebody is being called: nobody has it, or whoever has it needs more than themselves.
pub(crate) fn is_unanswered(state: &Incident) -> bool {
    let answered = state.acknowledged.as_ref().is_some_and(|acknowledged| state.escalated_steps <= acknowledged.steps);
    !answered && is_burning(state)
}

fn is_burning(state: &Incident) -> bool {
    // Whoever was called while it burnt is told until they answer, but nobody is woken for what is restored.
    let restored = state.acknowledged.is_some() && state.mitigated_at.is_some();
    !restored && state.resolved.is_none() && state.closed_at.is_none()
}

/// A page of before the last answer is no more than history.
pub(crate) fn is_open(state: &Incident, page: &Page) -> bool {
    state.acknowledged.as_ref().is_none_or(|acknowledged| page.step > acknowledged.steps)
}

/// Minutes from the first step to the one of this index, rounds included. `None`: there is no such step.
fn minutes(rules: &IncidentPolicy, index: usize) -> Option<u32> {
    let (round, step) = (index.checked_div(rules.escalation.len())?, index.checked_rem(rules.escalation.len())?);
    let last = rules.escalation.last()?;
    let round = u32::try_from(round).ok().filter(|round| *round <= rules.repeat.times)?;
    let lasts = last.after_min.saturating_add(rules.repeat.every_min);
    Some(rules.escalation.get(step)?.after_min.saturating_add(round.saturating_mul(lasts)))
}

fn index(steps: u32) -> usize {
    usize::try_from(steps).unwrap_or(usize::MAX)
}

/// When the next step is due, and why. It depends on nothing but what has happened, so a restart or a clock that jumps changes nothing.
///
/// The first round is made up for at once when it was missed. A repeated one is not: who comes back after a night would be called thirty times.
pub(crate) fn next(state: &Incident, policy: &Policy) -> Option<(Timestamp, WhyEscalated)> {
    let rules = &policy.incident;
    let at = minutes(rules, index(state.escalated_steps)).filter(|_| is_burning(state))?;
    let after = |from: Timestamp, minutes: u32| from.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX);
    let repeated = || {
        let taken = state.escalated_at.filter(|_| index(state.escalated_steps) >= rules.escalation.len())?;
        let before = minutes(rules, index(state.escalated_steps).checked_sub(1)?)?;
        Some(after(taken, at.saturating_sub(before)))
    };
    let Some(acknowledged) = &state.acknowledged else {
        let due_at = repeated().unwrap_or_else(|| after(state.opened_at, at));
        return Some((due_at, WhyEscalated::Unanswered { minutes: at }));
    };
    let within = rules.priorities.get(&state.priority).map(|row| row.restore_within_min).filter(|within| *within > 0)?;
    let then = minutes(rules, index(acknowledged.steps)).unwrap_or(at);
    let minutes = within.saturating_add(at.saturating_sub(then));
    let due_at = repeated().filter(|_| is_unanswered(state)).unwrap_or_else(|| after(acknowledged.since, minutes));
    Some((due_at, WhyEscalated::NotRestored { minutes }))
}

/// The next step, if it is due.
pub fn escalate(facts: &Facts, incident: IncidentId, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = facts.incident(incident).ok_or(Refusal::Stale)?;
    let (_, why) = next(state, policy).filter(|(due_at, _)| *due_at <= now).ok_or(Refusal::Stale)?;
    let mut decision = Decision::of(incident, Vec::new());
    step(&mut decision, policy, &Subject::of(state), state.escalated_steps, why);
    Ok(decision)
}

/// The next step before its time: nobody of this one can be reached.
pub(crate) fn unreachable(decision: &mut Decision, policy: &Policy, state: &Incident) {
    step(decision, policy, &Subject::of(state), state.escalated_steps, WhyEscalated::Unreachable);
}

/// The next step before its time: somebody asks for it. Once all have been called, all of them are called again.
pub(super) fn by_hand(policy: &Policy, state: &Incident, by: &PersonId, reason: &str) -> Result<Decision, Refusal> {
    let mut decision = Decision::of(state.id, Vec::new());
    let why = WhyEscalated::Asked { by: by.clone(), reason: reason.to_owned() };
    step(&mut decision, policy, &Subject::of(state), state.escalated_steps, why);
    if decision.events.is_empty() { Err(Refusal::EverybodyCalled { incident: state.id }) } else { Ok(decision) }
}

/// The first step belongs to the opening when it waits for nothing.
pub(super) fn at_once(decision: &mut Decision, policy: &Policy, subject: &Subject<'_>) {
    if policy.incident.escalation.first().is_some_and(|step| step.after_min == 0) {
        step(decision, policy, subject, 0, WhyEscalated::Unanswered { minutes: 0 });
    }
}

fn step(decision: &mut Decision, policy: &Policy, subject: &Subject<'_>, taken: u32, why: WhyEscalated) {
    let rules = &policy.incident;
    if minutes(rules, index(taken)).is_none() {
        return;
    }
    let steps = u32::try_from(rules.escalation.len()).unwrap_or(u32::MAX);
    let (Some(round), Some(position)) = (taken.checked_div(steps), taken.checked_rem(steps)) else { return };
    let Some(row) = rules.escalation.get(index(position)) else { return };
    let mut to: Vec<PersonId> = policy.people_with(&row.roles);
    to.extend(row.people.iter().filter(|person| policy.people.contains_key(person)).cloned());
    to.sort();
    to.dedup();
    let (incident, level) = (subject.incident, Level { level: position + 1, round: round + 1 });
    let notice = Notice::Escalated { level, why: why.clone() };
    let escalated = Escalated { incident, step: taken + 1, level, to: to.clone(), why };
    decision.events.push(Event::IncidentEscalated(escalated));
    decision.events.push(post(policy, incident, notice, &row.roles, to.clone()));
    page::call(decision, policy, subject, taken + 1, &to);
}

impl Acknowledged {
    /// Somebody takes it: the first answer is what is measured, the newest one says who has it.
    pub(super) fn by(before: Option<&Self>, by: PersonId, at: Timestamp, steps: u32) -> Self {
        Self { by, at: before.map_or(at, |before| before.at), since: at, steps }
    }
}
