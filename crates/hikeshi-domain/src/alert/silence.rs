//! Silences: while work is planned, or a known fault is being mended, what they cover is recorded and calls nobody.
//!
//! A maintenance window is a silence that begins later. When one ends, what still fires opens its incident after all, so that no silence can
//! hide an outage for longer than it says.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{Turn, as_signal, behind};
use super::inhibit::{self, By, Cause};
use super::route::{Routed, group_of, routed};
use super::{Alert, AlertRef, AlertStep, HowOver, LABEL_CHARS_MAX, LABELS_MAX, Signal, Waits};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EnvironmentName, MonitorName, ServiceName, SilenceId, SourceName};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::monitor::{self, MonitorState};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::{Monitor, OneOf, Policy};
use crate::refusal::Refusal;
use crate::status::PublicText;
use crate::status::decide::{page_of, words};

/// A week: whoever needs longer looks again.
pub const MINUTES_MAX: u32 = 7 * 24 * 60;
/// Silences of people that wait or hold at the same time.
pub const SILENCES_MAX: u32 = 100;
/// A window is planned this far ahead at most.
const AHEAD: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Alerts that are looked at together when a silence ends.
pub const HELD_MAX: usize = 256;

/// What a silence is about. All that is named must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Covers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// A sender of alerts; no monitor fits then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// A monitor of our own; no alert fits then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<MonitorName>,
    /// Labels that must have this value, or one of these; no monitor fits then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, OneOf>,
}

/// One silence that waits for its time, or holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    pub id: SilenceId,
    pub covers: Covers,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub by: By,
    /// What the status page says of the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<PublicText>,
    /// Who has lifted it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_by: Option<By>,
    /// It is over, and what it has held is being looked at, part by part: when the last part was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SilenceEvent {
    pub silence: SilenceId,
    #[serde(flatten)]
    pub step: SilenceStep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum SilenceStep {
    Made {
        made: Box<Silence>,
    },
    /// It was ended before its time.
    Lifted {
        by: By,
    },
    /// Part of what it held was looked at; there is more.
    Looked,
    Ended,
}

/// What fires, as a silence sees it.
pub(crate) struct Seen<'a> {
    pub service: &'a ServiceName,
    pub environment: &'a EnvironmentName,
    pub of: SeenBy<'a>,
}

pub(crate) enum SeenBy<'a> {
    Source(&'a SourceName, &'a Signal),
    Monitor(&'a MonitorName),
}

impl Seen<'_> {
    fn what(&self) -> Cause {
        match self.of {
            SeenBy::Source(source, signal) => Cause::Alert(AlertRef { source: source.clone(), key: signal.key.clone() }),
            SeenBy::Monitor(name) => Cause::Monitor(name.clone()),
        }
    }
}

impl Covers {
    pub(crate) fn names_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn fits(&self, seen: &Seen<'_>) -> bool {
        let place = self.service.as_ref().is_none_or(|service| service == seen.service)
            && self.environment.as_ref().is_none_or(|environment| environment == seen.environment);
        place
            && match seen.of {
                SeenBy::Monitor(name) => {
                    self.source.is_none() && self.labels.is_empty() && self.monitor.as_ref().is_none_or(|monitor| monitor == name)
                }
                SeenBy::Source(name, signal) => {
                    let labelled = |(label, value): (&String, &OneOf)| signal.label(label).is_some_and(|given| value.has(given));
                    self.monitor.is_none() && self.source.as_ref().is_none_or(|source| source == name) && self.labels.iter().all(labelled)
                }
            }
    }
}

impl Silence {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// When it has to be looked at what it has held.
    pub fn due_at(&self) -> Timestamp {
        self.looked_at.unwrap_or(self.until)
    }
}

/// The silence that holds it back now; of several the one that ends last, so that it is looked at once. `made`: those of the same decision.
pub(crate) fn over(facts: &Facts, policy: &Policy, made: &[Silence], seen: &Seen<'_>, now: Timestamp) -> Option<SilenceId> {
    let what = seen.what();
    let known = facts.workspace.silences.values().chain(made);
    let holding = known.filter(|silence| silence.holds(now) && silence.covers.fits(seen));
    let fitting = holding.filter(|silence| !silence.is_for_its_like(policy, seen) && silence.holds_back(facts, &what));
    fitting.max_by_key(|silence| (silence.until, silence.id)).map(|silence| silence.id)
}

pub(crate) fn make(
    permit: &Permit,
    facts: &Facts,
    policy: &Policy,
    covers: &Covers,
    (from, minutes): (Option<Timestamp>, u32),
    (reason, public): (&str, Option<&PublicText>),
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let by = By::Person(permit.person()?.clone());
    if policy.local.is_some() {
        // No alert comes there, and nobody would end it.
        return Err(Refusal::PolicyOfLocal);
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    check(covers, policy)?;
    let public = public.map(|text| page_of(policy).and_then(|_| words(text))).transpose()?;
    if minutes == 0 || minutes > MINUTES_MAX {
        return Err(Refusal::SilenceLength { minutes_max: MINUTES_MAX });
    }
    let from = from.unwrap_or(now);
    if from < now {
        return Err(Refusal::TimeInPast { field: "from".to_owned() });
    }
    if from.duration_since(now) > AHEAD {
        return Err(Refusal::TimeInFuture { field: "from".to_owned() });
    }
    let of_people = facts.workspace.silences.values().filter(|silence| matches!(silence.by, By::Person(_))).count();
    input::at_most("silences", of_people.saturating_add(1), SILENCES_MAX)?;
    let id = SilenceId(facts.workspace.counters.silence + 1);
    let until = from.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX);
    let (covers, reason) = (covers.clone(), reason.to_owned());
    let silence = Silence { id, covers, from, until, reason, by, public, lifted_by: None, looked_at: None };
    let notice = Notice::Silenced { silence: Box::new(silence.clone()) };
    let events = vec![told(id, SilenceStep::Made { made: Box::new(silence) }), announced(policy, notice)];
    Ok(Decision { events, made: Some(id.to_string()), ..Decision::default() })
}

fn check(covers: &Covers, policy: &Policy) -> Result<(), Refusal> {
    if covers.names_nothing() {
        return Err(Refusal::SilenceOfNothing);
    }
    if let Some(service) = &covers.service {
        input::declared("service", service.as_str(), policy.services.keys().map(ServiceName::as_str))?;
    }
    if let Some(environment) = &covers.environment {
        input::declared("environment", environment.as_str(), policy.environments.keys().map(EnvironmentName::as_str))?;
    }
    if let Some(source) = &covers.source {
        input::declared("source", source.as_str(), policy.alerts.sources.keys().map(SourceName::as_str))?;
    }
    if let Some(monitor) = &covers.monitor {
        input::declared("monitor", monitor.as_str(), policy.monitors.keys().map(MonitorName::as_str))?;
    }
    // What fits a source or a label fits no monitor: together they would cover nothing, and nobody would know why.
    if covers.monitor.is_some() && (covers.source.is_some() || !covers.labels.is_empty()) {
        return Err(Refusal::SilenceOfNothing);
    }
    input::at_most("labels", covers.labels.len(), u32::try_from(LABELS_MAX).unwrap_or(u32::MAX))?;
    let chars_max = u32::try_from(LABEL_CHARS_MAX).unwrap_or(u32::MAX);
    for (label, value) in &covers.labels {
        input::required("label", label, chars_max)?;
        let values = value.all();
        input::at_most("values", values.len(), u32::try_from(LABELS_MAX).unwrap_or(u32::MAX))?;
        values.iter().try_for_each(|value| input::bounded("value", value, chars_max))?;
    }
    Ok(())
}

pub(crate) fn lift(permit: &Permit, facts: &Facts, id: SilenceId) -> Result<Decision, Refusal> {
    let by = By::Person(permit.person()?.clone());
    let silence = facts.workspace.silences.get(&id).filter(|silence| silence.looked_at.is_none() && silence.lifted_by.is_none());
    if silence.is_none() {
        return Err(Refusal::NotFound { what: "silence".to_owned(), given: id.to_string() });
    }
    Ok(Decision { events: vec![told(id, SilenceStep::Lifted { by })], ..Decision::default() })
}

pub(crate) fn needs_of_end(id: SilenceId, facts: &Facts) -> Needs {
    let mut needs = Needs { silenced: [id].into(), ..Needs::default() };
    let Some(policy) = facts.policy() else { return needs };
    needs.monitors.extend(policy.monitors.keys().cloned());
    // Those that were split off carry their incident with them, so it is not enough to know their groups.
    needs.alerts.extend(facts.silenced.get(&id).into_iter().flatten().cloned());
    let alerts = needs.alerts.iter().filter_map(|alert| facts.alert(alert));
    needs.groups.extend(alerts.map(|alert| alert.group.clone()));
    needs.incidents.extend(held_monitors(facts, policy, id).filter_map(|(state, _)| state.incident));
    needs.groups.extend(held_monitors(facts, policy, id).map(|(_, monitor)| group_of(&monitor.service, &monitor.environment)));
    behind(&mut needs, facts);
    inhibit::causes(&mut needs, facts);
    needs
}

/// Those of the policy: nobody looks at the others any more.
fn held_monitors<'a>(facts: &'a Facts, policy: &'a Policy, id: SilenceId) -> impl Iterator<Item = (&'a MonitorState, &'a Monitor)> {
    let held = facts.monitors.values().flatten().filter(move |state| !state.healthy && state.held == Some(id));
    held.filter_map(|state| Some((state, policy.monitors.get(&state.monitor)?)))
}

/// A silence is over: what still fires opens or joins its incident, one of them at a time.
pub(crate) fn ends(facts: &Facts, id: SilenceId, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let silence = facts.workspace.silences.get(&id).filter(|silence| silence.due_at() <= now).ok_or(Refusal::Stale)?;
    if let Some((state, declared)) = held_monitors(facts, policy, id).next() {
        let mut decision = monitor::released(facts, policy, (state, declared), now);
        decision.events.push(told(id, SilenceStep::Looked));
        return Ok(decision);
    }
    let held = facts.silenced.get(&id).into_iter().flatten().filter_map(|alert| facts.alert(alert));
    let held: Vec<&Alert> = held.filter(|state| state.firing && state.waits == Some(Waits::Silenced { silence: id })).collect();
    let (mut decision, rest) = release(facts, policy, &held, now);
    if rest || facts.silenced.get(&id).is_some_and(|held| held.len() >= HELD_MAX) {
        decision.events.push(told(id, SilenceStep::Looked));
    } else {
        decision.events.push(told(id, SilenceStep::Ended));
        decision.events.push(announced(policy, Notice::SilenceEnded { silence: id, lifted_by: silence.lifted_by.clone() }));
    }
    Ok(decision)
}

/// Those that another silence covers go on waiting; of the others the ones of the first group. `true`: there are more.
fn release(facts: &Facts, policy: &Policy, held: &[&Alert], now: Timestamp) -> (Decision, bool) {
    let actor_of = |state: &Alert| Actor::Source { source: state.alert.source.clone() };
    let mut raised: Vec<(&Alert, Routed)> = Vec::new();
    let mut rest = false;
    let mut aside = Vec::new();
    for state in held {
        let declared = policy.alerts.sources.get(&state.alert.source);
        let signal = as_signal(state);
        let Some(place) = declared.and_then(|source| routed(source, &signal)) else {
            aside.push((*state, AlertStep::Over { how: HowOver::Unwanted, said_at: None }));
            continue;
        };
        let seen = Seen { service: &place.service, environment: &place.environment, of: SeenBy::Source(&state.alert.source, &signal) };
        if let Some(silence) = over(facts, policy, &[], &seen, now) {
            aside.push((*state, AlertStep::Silenced { silence }));
        } else if raised.first().is_none_or(|(first, _)| first.group == state.group) {
            raised.push((state, place));
        } else {
            rest = true;
        }
    }
    let Some(first) = raised.first().map(|(state, _)| *state).or_else(|| held.first().copied()) else {
        return (Decision::default(), false);
    };
    let actor = actor_of(first);
    let mut turn = Turn::of(facts, policy, &actor, Some(&first.group), now);
    for (state, place) in &raised {
        turn.raise(state, place);
    }
    for (state, step) in aside {
        if matches!(step, AlertStep::Over { .. }) {
            turn.causes_no_more(&state.alert);
        }
        turn.event(&state.alert, state.title.clone(), None, step);
    }
    (turn.decision, rest)
}

pub(super) fn told(silence: SilenceId, step: SilenceStep) -> Event {
    Event::Silence(SilenceEvent { silence, step })
}

pub(super) fn announced(policy: &Policy, notice: Notice) -> Event {
    let channel = policy.channels.incidents.clone();
    Event::Posted {
        post: Post { channel, body: Body::Notice { notice }, roles: Vec::new(), people: Vec::new(), incident: None, emergency: None },
    }
}

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Silence(SilenceEvent { silence: id, step }) = event else { return };
    let workspace = &mut facts.workspace;
    let silences = Arc::make_mut(&mut workspace.silences);
    match step {
        SilenceStep::Made { made } => {
            workspace.counters.silence = workspace.counters.silence.max(id.0);
            silences.insert(*id, (**made).clone());
        }
        SilenceStep::Ended => {
            silences.remove(id);
        }
        SilenceStep::Lifted { by } => {
            if let Some(silence) = silences.get_mut(id) {
                silence.until = silence.until.min(at);
                silence.from = silence.from.min(at);
                silence.lifted_by = Some(by.clone());
            }
        }
        SilenceStep::Looked => {
            if let Some(silence) = silences.get_mut(id) {
                silence.looked_at = Some(at);
            }
        }
    }
    facts.touched.workspace = true;
}

/// The silence for whose end it waits.
pub fn held_by(alert: &Alert) -> Option<SilenceId> {
    match alert.waits {
        Some(Waits::Silenced { silence }) if alert.firing => Some(silence),
        Some(Waits::Silenced { .. } | Waits::Flapping) | None => None,
    }
}
