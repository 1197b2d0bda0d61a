//! What is heard of a page after its receiver took it: the telephone has it, or has not, or its owner pressed a key (rule I5).
//!
//! Whoever reports may repeat itself, and its words may come in any order: only what says more than what is known changes anything.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{fall_over, found, incident_of};
use super::{Attempt, AttemptEnd, HowEnded, Means, Page, PageEvent, Paged};
use crate::decide::Decision;
use crate::effect::EffectKey;
use crate::event::Event;
use crate::facts::Facts;
use crate::incident::Incident;
use crate::incident::escalation::Calling;
use crate::policy::Policy;
use crate::refusal::Refusal;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: Reported,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reported", rename_all = "snake_case")]
pub enum Reported {
    /// The message is on the telephone, or the call was answered.
    Delivered,
    Undelivered {
        why: Unreached,
        /// What the vendor calls the reason, if it says so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        code: String,
    },
    /// Nothing was heard of it in its time.
    Silent { within_s: u32 },
    /// Its owner took the incident with it.
    Acknowledged,
}

/// Why a telephone did not bring it to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unreached {
    Busy,
    NoAnswer,
    /// Answered, by a person or a machine, and ended without a key that takes it.
    NotTaken,
    Canceled,
    Failed,
}

/// Everything that can be said about a page from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The vendor says what became of an attempt.
    Report { effect: EffectKey, reported: Reported },
}

/// Whether it says more than what is known.
fn is_news(attempt: &Attempt, reported: &Reported) -> bool {
    let heard = if *reported == Reported::Acknowledged { attempt.means.answers() } else { attempt.means.reports() };
    if !heard {
        return false;
    }
    match (attempt.report.as_ref().map(|report| &report.what), reported) {
        (None, _) => true,
        (Some(Reported::Silent { .. }), Reported::Delivered | Reported::Undelivered { .. } | Reported::Acknowledged) => true,
        // A call that was answered may end without a key; a message that has arrived stays there.
        (Some(Reported::Delivered), Reported::Undelivered { .. }) => attempt.means == Means::Voice,
        (Some(Reported::Delivered | Reported::Undelivered { .. }), Reported::Acknowledged) => true,
        (Some(_), Reported::Silent { .. })
        | (Some(Reported::Delivered | Reported::Undelivered { .. }), Reported::Delivered)
        | (Some(Reported::Undelivered { .. }), Reported::Undelivered { .. })
        | (Some(Reported::Acknowledged), _) => false,
    }
}

fn event(state: &Incident, page: &Page, attempt: &Attempt, what: Reported) -> Event {
    let what = Paged::Reported { means: attempt.means, number: attempt.number, what };
    Event::Page(PageEvent { incident: state.id, step: page.step, person: page.person.clone(), what })
}

pub(crate) fn decide(facts: &Facts, key: &EffectKey, reported: &Reported, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    // Of one that became part of another it is still worth knowing who was reached, and who answered.
    let is_told = |state: &&Incident| state.closed_at.is_none() || state.merged.is_some();
    let state = incident_of(key).and_then(|id| facts.incident(id)).filter(is_told).ok_or(Refusal::Stale)?;
    let (page, attempt) = found(state, key).filter(|(_, attempt)| is_news(attempt, reported)).ok_or(Refusal::Stale)?;
    let mut decision = Decision::of(state.id, vec![event(state, page, attempt, reported.clone())]);
    let went_on = matches!(&attempt.report, Some(Report { what: Reported::Silent { .. }, .. }))
        || matches!(&attempt.end, Some(AttemptEnd { how: HowEnded::Failed { .. }, .. }));
    if matches!(reported, Reported::Undelivered { .. }) && !went_on && state.merged.is_none() {
        fall_over(&mut decision, facts.calling(policy, now), state, page, attempt);
    }
    Ok(decision)
}

/// The first attempt of which nothing is heard although it was taken, and when that is long enough.
pub(super) fn silence<'a>(policy: &Policy, page: &'a Page) -> Option<(Timestamp, &'a Attempt)> {
    let within = SignedDuration::from_secs(i64::from(policy.paging.as_ref()?.twilio.as_ref()?.report_within_s));
    let waiting = page.attempts.iter().filter(|attempt| attempt.means.reports() && attempt.report.is_none());
    let due = waiting.filter_map(|attempt| match &attempt.end {
        Some(AttemptEnd { at, how: HowEnded::Sent { .. } }) => Some((at.checked_add(within).unwrap_or(Timestamp::MAX), attempt)),
        Some(AttemptEnd { how: HowEnded::Failed { .. }, .. }) | None => None,
    });
    due.min_by_key(|(due_at, _)| *due_at)
}

pub(super) fn fell_silent(decision: &mut Decision, calling: Calling<'_>, state: &Incident, page: &Page, attempt: &Attempt) {
    let within_s =
        calling.policy.paging.as_ref().and_then(|paging| paging.twilio.as_ref()).map(|twilio| twilio.report_within_s).unwrap_or_default();
    decision.events.push(event(state, page, attempt, Reported::Silent { within_s }));
    fall_over(decision, calling, state, page, attempt);
}
