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
use crate::ids::{IncidentId, PersonId, ScheduleName};
use crate::oncall::Roster;
use crate::page::Page;
use crate::page::decide::{self as page, Subject};
use crate::policy::{EscalationStep, IncidentPolicy, Policy};
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
    /// Schedules of the step in which nobody was on call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<ScheduleName>,
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
    /// Nobody is on call for the step before.
    NobodyOnCall,
    /// Somebody has it, and service is not back within the target of its priority.
    NotRestored { minutes: u32 },
    /// The impact grows, or a decision is needed that whoever has it cannot take.
    Asked { by: PersonId, reason: String },
}

/// What decides who is called by a step: the rules, the schedules, and the moment.
#[derive(Clone, Copy)]
pub(crate) struct Calling<'a> {
    pub policy: &'a Policy,
    pub roster: Roster<'a>,
    pub now: Timestamp,
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
    step(&mut decision, facts.calling(policy, now), &Subject::of(state), state.escalated_steps, why);
    Ok(decision)
}

/// The next step before its time: nobody of this one can be reached.
///
/// Not into the next round: while a provider is away every page fails at once, and all rounds would be spent in a moment.
pub(crate) fn unreachable(decision: &mut Decision, calling: Calling<'_>, state: &Incident) {
    let steps = u32::try_from(calling.policy.incident.escalation.len()).unwrap_or(u32::MAX);
    if state.escalated_steps.checked_rem(steps).is_none_or(|position| position == 0) {
        return;
    }
    step(decision, calling, &Subject::of(state), state.escalated_steps, WhyEscalated::Unreachable);
}

/// The next step before its time: somebody asks for it. Once all have been called, all of them are called again.
pub(super) fn by_hand(calling: Calling<'_>, state: &Incident, by: &PersonId, reason: &str) -> Result<Decision, Refusal> {
    let mut decision = Decision::of(state.id, Vec::new());
    let why = WhyEscalated::Asked { by: by.clone(), reason: reason.to_owned() };
    step(&mut decision, calling, &Subject::of(state), state.escalated_steps, why);
    if decision.events.is_empty() { Err(Refusal::EverybodyCalled { incident: state.id }) } else { Ok(decision) }
}

/// The first step belongs to the opening when it waits for nothing.
pub(super) fn at_once(decision: &mut Decision, calling: Calling<'_>, subject: &Subject<'_>) {
    if calling.policy.incident.escalation.first().is_some_and(|step| step.after_min == 0) {
        step(decision, calling, subject, 0, WhyEscalated::Unanswered { minutes: 0 });
    }
}

/// Takes a step. One for which nobody is on call loses no minutes: the next one of the same round follows in the same moment. A round in which
/// nobody is on call at all waits for the next one, as if it had been slept through.
fn step(decision: &mut Decision, calling: Calling<'_>, subject: &Subject<'_>, taken: u32, why: WhyEscalated) {
    let (mut taken, mut why) = (taken, why);
    while take(decision, calling, subject, taken, why) == Some(Taken::NobodyOnCall { last: false }) {
        taken += 1;
        why = WhyEscalated::NobodyOnCall;
    }
}

#[derive(PartialEq, Eq)]
enum Taken {
    Called,
    NobodyOnCall { last: bool },
}

/// `None`: there is no such step.
fn take(decision: &mut Decision, calling: Calling<'_>, subject: &Subject<'_>, taken: u32, why: WhyEscalated) -> Option<Taken> {
    let policy = calling.policy;
    let rules = &policy.incident;
    minutes(rules, index(taken))?;
    let steps = u32::try_from(rules.escalation.len()).unwrap_or(u32::MAX);
    let (round, position) = (taken.checked_div(steps)?, taken.checked_rem(steps)?);
    let row = rules.escalation.get(index(position))?;
    let (to, gaps) = people(calling, row);
    let (incident, level) = (subject.incident, Level { level: position + 1, round: round + 1 });
    let nobody = to.is_empty() && !gaps.is_empty();
    let escalated = Escalated { incident, step: taken + 1, level, to: to.clone(), why: why.clone(), gaps: gaps.clone() };
    decision.events.push(Event::IncidentEscalated(escalated));
    if !nobody {
        decision.events.push(post(policy, incident, Notice::Escalated { level, why }, &row.roles, to.clone()));
    }
    if !gaps.is_empty() {
        let schedules = gaps.iter().map(|id| policy.schedules.get(id).map_or_else(|| id.to_string(), |row| row.name.clone())).collect();
        decision.events.push(post(policy, incident, Notice::NobodyOnCall { level, schedules }, &[], Vec::new()));
    }
    page::call(decision, policy, subject, taken + 1, &to);
    Some(if nobody { Taken::NobodyOnCall { last: position + 1 == steps } } else { Taken::Called })
}

/// Everybody whom a step calls now, and its schedules in which nobody is on call.
fn people(calling: Calling<'_>, row: &EscalationStep) -> (Vec<PersonId>, Vec<ScheduleName>) {
    let mut to: Vec<PersonId> = calling.policy.people_with(&row.roles);
    to.extend(row.people.iter().filter(|person| calling.policy.people.contains_key(person)).cloned());
    let mut gaps = Vec::new();
    for schedule in &row.schedules {
        match calling.roster.on_call(schedule, calling.now) {
            Some(person) => to.push(person),
            None => gaps.push(schedule.clone()),
        }
    }
    to.sort();
    to.dedup();
    (to, gaps)
}

impl Acknowledged {
    /// Somebody takes it: the first answer is what is measured, the newest one says who has it.
    pub(super) fn by(before: Option<&Self>, by: PersonId, at: Timestamp, steps: u32) -> Self {
        Self { by, at: before.map_or(at, |before| before.at), since: at, steps }
    }
}
