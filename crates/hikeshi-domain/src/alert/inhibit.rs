//! Inhibition: while one thing is down, what only follows from it is recorded and calls nobody.
//!
//! A rule of the policy makes a silence when its cause fires and ends it when the cause is over, so all that holds for silences holds here, too:
//! what still fires then opens or joins its incident after all.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::silence::{Covers, MINUTES_MAX, Seen, SeenBy, Silence, SilenceStep, announced, held_by, told};
use super::{AlertRef, Signal};
use crate::channel::Notice;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{InhibitionName, MonitorName, PersonId, SilenceId};
use crate::policy::{Inhibit, OneOf, Policy};

/// Silences by rules that hold at the same time. Beyond it people are called: a rule that fits too much must not silence everything.
pub const INHIBITIONS_MAX: usize = 50;

/// Who makes a silence, or ends it before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum By {
    Person(PersonId),
    Rule(Inhibition),
}

/// A rule of the policy, and what fires at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inhibition {
    pub rule: InhibitionName,
    pub cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Alert(AlertRef),
    Monitor(MonitorName),
}

impl Silence {
    /// What a rule's own cause looks like is never held back by the rule: of two switches that are down, each is told of.
    pub(super) fn is_for_its_like(&self, policy: &Policy, seen: &Seen<'_>) -> bool {
        match &self.by {
            By::Person(_) => false,
            By::Rule(of) => policy.alerts.inhibit.get(&of.rule).is_some_and(|rule| rule.when.fits(seen)),
        }
    }

    pub(super) fn is_by(&self, of: impl Fn(&Inhibition) -> bool) -> bool {
        matches!(&self.by, By::Rule(by) if of(by))
    }

    /// Not one whose own cause waits, in the end, for the very thing that is asked about: two rules the other way round would hold each other for ever.
    pub(super) fn holds_back(&self, facts: &Facts, what: &Cause) -> bool {
        let mut silence = self;
        for _ in 0..=INHIBITIONS_MAX {
            let By::Rule(of) = &silence.by else { return true };
            if of.cause == *what {
                return false;
            }
            let waits_for = match &of.cause {
                Cause::Alert(alert) => facts.alert(alert).and_then(held_by),
                Cause::Monitor(monitor) => facts.monitor(monitor).and_then(|state| state.held),
            };
            let Some(above) = waits_for.and_then(|id| facts.workspace.silences.get(&id)) else { return true };
            silence = above;
        }
        false
    }
}

/// The causes of all that rules hold back: whether one is itself held back is asked wherever something may be.
pub(crate) fn causes(needs: &mut Needs, facts: &Facts) {
    for silence in facts.workspace.silences.values() {
        match &silence.by {
            By::Rule(Inhibition { cause: Cause::Alert(alert), .. }) => needs.alerts.insert(alert.clone()),
            By::Rule(Inhibition { cause: Cause::Monitor(monitor), .. }) => needs.monitors.insert(monitor.clone()),
            By::Person(_) => false,
        };
    }
}

/// Something fires: the silences that rules make of it. `made` are those of the same decision; `before`: how it fired already, and what was a
/// cause then makes nothing anew.
pub(crate) fn begin(
    facts: &Facts,
    policy: &Policy,
    (seen, before): (&Seen<'_>, Option<&Seen<'_>>),
    (cause, title): (&Cause, &str),
    made: &[Silence],
    now: Timestamp,
) -> Vec<Silence> {
    let mut all = Vec::new();
    for (name, rule) in &policy.alerts.inhibit {
        if before.is_some_and(|before| rule.when.fits(before)) {
            continue;
        }
        let Some(covers) = covered(rule, seen) else { continue };
        let by = By::Rule(Inhibition { rule: name.clone(), cause: cause.clone() });
        let known = || facts.workspace.silences.values().chain(made).chain(&all).filter(|silence| matches!(silence.by, By::Rule(_)));
        let goes_on = known().any(|silence| silence.by == by && silence.holds(now) && silence.lifted_by.is_none());
        if goes_on || known().count() >= INHIBITIONS_MAX {
            continue;
        }
        let number = made.len().saturating_add(all.len()).saturating_add(1);
        let id = SilenceId(facts.workspace.counters.silence + u64::try_from(number).unwrap_or(u64::MAX));
        let until = now.checked_add(SignedDuration::from_mins(i64::from(MINUTES_MAX))).unwrap_or(Timestamp::MAX);
        all.push(Silence { id, covers, from: now, until, reason: title.to_owned(), by, public: None, lifted_by: None, looked_at: None });
    }
    all
}

/// What the rule holds back because of this; `None`: it is not meant.
fn covered(rule: &Inhibit, seen: &Seen<'_>) -> Option<Covers> {
    if !rule.when.fits(seen) {
        return None;
    }
    let mut covers = rule.holds.clone();
    for label in &rule.equal {
        let SeenBy::Source(_, signal) = seen.of else { return None };
        covers.labels.insert(label.clone(), OneOf::One(given(signal, label)?));
    }
    Some(covers)
}

/// A value that is not said equals nothing: otherwise one switch without a site would silence all sites.
fn given(signal: &Signal, label: &str) -> Option<String> {
    signal.label(label).filter(|value| !value.is_empty()).map(str::to_owned)
}

pub(crate) fn begun(policy: &Policy, silence: &Silence) -> [Event; 2] {
    let notice = Notice::Silenced { silence: Box::new(silence.clone()) };
    [told(silence.id, SilenceStep::Made { made: Box::new(silence.clone()) }), announced(policy, notice)]
}

/// The cause is over, or is none any more, or nobody can tell: what it held back is looked at.
pub(crate) fn end<'a>(silences: impl Iterator<Item = &'a Silence>, of: impl Fn(&Inhibition) -> bool) -> Vec<Event> {
    let open = silences.filter(|silence| silence.looked_at.is_none() && silence.lifted_by.is_none());
    let ended = open.filter(|silence| silence.is_by(&of));
    ended.map(|silence| told(silence.id, SilenceStep::Lifted { by: silence.by.clone() })).collect()
}

/// What is held back by rules that the new policy does not have, or has otherwise, and by causes of which nobody reports any more.
pub(crate) fn end_by_policy(facts: &Facts, current: &Policy, new: &Policy) -> Vec<Event> {
    let goes_on = |of: &Inhibition| {
        let reported = match &of.cause {
            Cause::Alert(alert) => new.alerts.sources.contains_key(&alert.source),
            Cause::Monitor(monitor) => new.monitors.contains_key(monitor),
        };
        let rule = new.alerts.inhibit.get(&of.rule);
        reported && rule.is_some() && rule == current.alerts.inhibit.get(&of.rule)
    };
    end(facts.workspace.silences.values(), |of| !goes_on(of))
}
