//! Inhibition: while one thing is down, what only follows from it is recorded and calls nobody.
//!
//! A rule of the policy makes a silence when its cause fires and ends it when the cause is over, so all that holds for silences holds here, too:
//! what still fires then opens or joins its incident after all.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::silence::{Covers, MINUTES_MAX, Seen, SeenBy, Silence, SilenceStep, announced, told};
use super::{AlertRef, Signal};
use crate::channel::Notice;
use crate::event::Event;
use crate::facts::Facts;
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
}

/// Something fires: the silences that rules make of it. `made` are those of the same decision.
pub(crate) fn begin(
    facts: &Facts,
    policy: &Policy,
    seen: &Seen<'_>,
    (cause, title): (&Cause, &str),
    made: &[Silence],
    now: Timestamp,
) -> Vec<Silence> {
    let mut all = Vec::new();
    for (name, rule) in &policy.alerts.inhibit {
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

/// The cause is over, or nobody can tell any more whether it is: what it held back is looked at.
pub(crate) fn end(facts: &Facts, cause: &Cause) -> Vec<Event> {
    let of_cause = |silence: &&Silence| matches!(&silence.by, By::Rule(of) if of.cause == *cause);
    let open =
        facts.workspace.silences.values().filter(of_cause).filter(|silence| silence.looked_at.is_none() && silence.lifted_by.is_none());
    open.map(|silence| told(silence.id, SilenceStep::Lifted { by: silence.by.clone() })).collect()
}
