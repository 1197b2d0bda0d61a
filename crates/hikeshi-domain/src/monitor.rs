//! What a monitor reports: changes only. Counting failures in a row is the probe's work; which incident it belongs to is decided here.

pub mod burn;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::decide::{STILL_FIRING, is_open};
use crate::alert::decide::{Turn, behind};
use crate::alert::inhibit::{self, Cause};
use crate::alert::route::{Routed, group_of};
use crate::alert::silence::{self, Seen, SeenBy};
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{IncidentId, MonitorName, SilenceId};
use crate::incident::Triage;
use crate::input::{self, TEXT_CHARS_MAX};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::{Monitor, Policy, Secrets, Target};
use crate::refusal::Refusal;

/// What one look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LookVerdict")]
pub enum Verdict {
    Passed,
    Failed,
    /// Nothing could be found out: that is neither good nor bad, and never counts as success.
    Unmeasured,
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub verdict: Verdict,
    /// In a few words: a status, a number, the operating system's words.
    pub seen: String,
    /// What was measured, where it is a number.
    pub value: Option<f64>,
    /// Patterns of errors that came only after a change.
    pub new: Vec<NewPattern>,
    /// That it could not be measured passes by itself: it is shown, and opens nothing.
    pub passing: bool,
}

/// Error lines that are alike but for what varies in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewPattern {
    pub pattern: String,
    pub count: u32,
    /// The first line of it, with secrets masked.
    pub sample: String,
}

/// A change that somebody told of, of the service and environment that a monitor watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentChange {
    pub ago: Duration,
    pub title: String,
}

impl Measured {
    fn of(verdict: Verdict, seen: String) -> Self {
        Self { verdict, seen, value: None, new: Vec::new(), passing: false }
    }
    pub fn passed(seen: impl Into<String>) -> Self {
        Self::of(Verdict::Passed, seen.into())
    }
    pub fn failed(seen: impl Into<String>) -> Self {
        Self::of(Verdict::Failed, seen.into())
    }
    pub fn unmeasured(why: impl Into<String>) -> Self {
        Self::of(Verdict::Unmeasured, why.into())
    }
    #[must_use]
    pub fn with(self, value: f64) -> Self {
        Self { value: value.is_finite().then_some(value), ..self }
    }
}

/// Everything that a look needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Measuring {
    pub name: MonitorName,
    pub monitor: Monitor,
    /// The target that the monitor names; its host is looked at.
    pub target: Option<Target>,
    pub secrets: Secrets,
    /// The first change within the time that the monitor asks about.
    pub change: Option<RecentChange>,
}

impl Measuring {
    pub fn of(policy: &Policy, name: &MonitorName, monitor: &Monitor) -> Self {
        let target = monitor.target().and_then(|target| policy.targets.get(target)).cloned();
        Self { name: name.clone(), monitor: monitor.clone(), target, secrets: policy.secrets.clone(), change: None }
    }
}

/// What the door remembers of one monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorState {
    pub monitor: MonitorName,
    pub healthy: bool,
    pub since: Timestamp,
    /// The incident that its failure opened or joined.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// It fails, and this silence holds it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<SilenceId>,
    /// It is not healthy because it cannot be measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmeasured: bool,
    /// What it saw when it last changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorEvent {
    pub monitor: MonitorName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    pub seen: String,
    #[serde(flatten)]
    pub step: MonitorStep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum MonitorStep {
    /// It fails, or cannot be measured; without an incident a silence holds it back.
    Fired {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<SilenceId>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unmeasured: bool,
    },
    /// It goes on failing after its silence: it belongs to an incident now, or waits for another silence.
    Released {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<SilenceId>,
    },
    Recovered,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The threshold of looks in a row was reached that failed, or could not measure.
    Fire {
        monitor: MonitorName,
        first_seen_at: Timestamp,
        seen: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unmeasured: bool,
    },
    /// The threshold of successes in a row was reached.
    Recover { monitor: MonitorName, seen: String },
}

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    let (Command::Fire { monitor, .. } | Command::Recover { monitor, .. }) = command;
    let mut needs = Needs { monitors: [monitor.clone()].into(), ..Needs::default() };
    needs.incidents.extend(facts.monitor(monitor).and_then(|state| state.incident));
    let declared = facts.policy().and_then(|policy| policy.monitors.get(monitor));
    needs.groups.extend(declared.map(|declared| group_of(&declared.service, &declared.environment)));
    behind(&mut needs, facts);
    inhibit::causes(&mut needs, facts);
    needs
}

/// A monitor speaks only for itself. Its failure opens an incident, or joins the one of its service that burns (rule I10).
pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let (Command::Fire { monitor, .. } | Command::Recover { monitor, .. }) = command;
    if !matches!(permit.actor(), Actor::Monitor { monitor: own } if own == monitor) {
        return Err(Refusal::UnknownActor);
    }
    let Some(declared) = policy.monitors.get(monitor) else { return Err(Refusal::Stale) };
    let state = facts.monitor(monitor);
    match command {
        Command::Fire { first_seen_at, seen, unmeasured, .. } => {
            // That it fails is other news than that nobody can tell.
            if state.is_some_and(|state| !state.healthy && state.unmeasured == *unmeasured && is_told(facts, state, now)) {
                return Err(Refusal::Stale);
            }
            input::bounded("seen", seen, TEXT_CHARS_MAX)?;
            let fired = |held| MonitorStep::Fired { held, unmeasured: *unmeasured };
            let mut decision = match silence::over(facts, policy, &[], &looks(monitor, declared), now) {
                // An incident that burns keeps it: it has to hear of the recovery.
                Some(held) => only(monitor, burning(facts, state), seen, fired(Some(held))),
                None => fires(facts, policy, (monitor, declared), seen, (*first_seen_at).min(now), now, fired(None)),
            };
            decision.events.extend(causes(facts, policy, (monitor, declared), seen, *unmeasured, now));
            Ok(decision)
        }
        Command::Recover { seen, .. } => {
            let Some(state) = state.filter(|state| !state.healthy) else { return Err(Refusal::Stale) };
            input::bounded("seen", seen, TEXT_CHARS_MAX)?;
            let mut decision = only(monitor, state.incident.map(|id| facts.home(id)), seen, MonitorStep::Recovered);
            decision.events.extend(no_cause(facts, monitor));
            Ok(decision)
        }
    }
}

/// The incident that its failure belongs to, while nobody has resolved it.
fn burning(facts: &Facts, state: Option<&MonitorState>) -> Option<IncidentId> {
    let incident = facts.incident(facts.home(state?.incident?))?;
    is_open(incident).then_some(incident.id)
}

/// Whether somebody has it, or will: an incident that burns or was resolved just now, or a silence at whose end it is looked at.
pub fn is_told(facts: &Facts, state: &MonitorState, now: Timestamp) -> bool {
    let held = state.held.is_some_and(|silence| facts.workspace.silences.contains_key(&silence));
    let Some(incident) = state.incident.and_then(|id| facts.incident(facts.home(id))) else { return held };
    let ended = incident.resolved.as_ref().map(|resolved| resolved.at).or(incident.closed_at);
    held || ended.is_none_or(|at| now.duration_since(at) < STILL_FIRING)
}

/// Its silence is over and it still fails.
pub(crate) fn released(facts: &Facts, policy: &Policy, (state, declared): (&MonitorState, &Monitor), now: Timestamp) -> Decision {
    let monitor = &state.monitor;
    match silence::over(facts, policy, &[], &looks(monitor, declared), now) {
        Some(held) => only(monitor, burning(facts, Some(state)), &state.seen, MonitorStep::Released { held: Some(held) }),
        None => fires(facts, policy, (monitor, declared), &state.seen, state.since, now, MonitorStep::Released { held: None }),
    }
}

/// What follows only from what this monitor sees calls nobody while it fails. Whether it does, nobody knows while it cannot be measured.
fn causes(
    facts: &Facts,
    policy: &Policy,
    (monitor, declared): (&MonitorName, &Monitor),
    seen: &str,
    unmeasured: bool,
    now: Timestamp,
) -> Vec<Event> {
    if unmeasured {
        return no_cause(facts, monitor);
    }
    let cause = Cause::Monitor(monitor.clone());
    let made = inhibit::begin(facts, policy, (&looks(monitor, declared), None), (&cause, seen), &[], now);
    made.iter().flat_map(|silence| inhibit::begun(policy, silence)).collect()
}

fn no_cause(facts: &Facts, monitor: &MonitorName) -> Vec<Event> {
    let cause = Cause::Monitor(monitor.clone());
    inhibit::end(facts.workspace.silences.values(), |of| of.cause == cause)
}

fn looks<'a>(monitor: &'a MonitorName, declared: &'a Monitor) -> Seen<'a> {
    Seen { service: &declared.service, environment: &declared.environment, of: SeenBy::Monitor(monitor) }
}

fn only(monitor: &MonitorName, incident: Option<IncidentId>, seen: &str, step: MonitorStep) -> Decision {
    let event = Event::Monitor(MonitorEvent { monitor: monitor.clone(), incident, seen: seen.to_owned(), step });
    Decision { events: vec![event], case: incident, ..Decision::default() }
}

fn fires(
    facts: &Facts,
    policy: &Policy,
    (monitor, declared): (&MonitorName, &Monitor),
    seen: &str,
    since: Timestamp,
    now: Timestamp,
    step: MonitorStep,
) -> Decision {
    let place = Routed {
        service: declared.service.clone(),
        environment: declared.environment.clone(),
        triage: Triage { impact: declared.impact, business: declared.business, urgency: declared.urgency, priority_override: None },
        group: group_of(&declared.service, &declared.environment),
    };
    let actor = Actor::Monitor { monitor: monitor.clone() };
    let mut turn = Turn::of(facts, policy, &actor, Some(&place.group), now);
    let incident = turn.join(seen, seen, Some(since), &place);
    let event = MonitorEvent { monitor: monitor.clone(), incident, seen: seen.to_owned(), step };
    turn.decision.events.push(Event::Monitor(event));
    turn.decision
}

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Monitor(MonitorEvent { monitor, incident, seen, step }) = event else { return };
    let before = facts.monitor(monitor);
    let (since, healthy, held, unmeasured) = match step {
        MonitorStep::Fired { held, unmeasured } => (at, false, *held, *unmeasured),
        MonitorStep::Released { held } => {
            (before.map_or(at, |state| state.since), false, *held, before.is_some_and(|state| state.unmeasured))
        }
        MonitorStep::Recovered => (at, true, None, false),
    };
    let state = MonitorState { monitor: monitor.clone(), healthy, since, incident: *incident, held, unmeasured, seen: seen.clone() };
    facts.monitors.insert(monitor.clone(), Some(state));
    facts.touched.monitors.insert(monitor.clone());
}

#[cfg(test)]
mod tests;
