//! Taking a secret out of a recording that masking did not catch: proposed by one, agreed to by another, recorded (rule A4).
//!
//! What is taken out keeps its length and its time, and the chain of the headers stays as it was signed; what was there is deleted. Which
//! bytes of a block become unreadable is in [`record::redact`](super::record::redact); who packs the block anew is the engine.

#![expect(clippy::wildcard_enum_match_arm, reason = "one event deletes contents; the rest delete none")]

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Session;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Work};
use crate::emergency::decide::Case;
use crate::event::Event;
use crate::ids::{Digest, EmergencyId, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::{self, Permit};
use crate::refusal::Refusal;

/// Most bytes of output that one act takes out.
pub const REDACTED_BYTES_MAX: u64 = 1 << 20;
/// Most blocks over which they may lie: they are named in one entry.
pub const REDACTED_BLOCKS_MAX: usize = 128;
/// Of one session; more than these means that the session should be looked at as a whole.
const REDACTIONS_MAX: u32 = 50;

/// A block whose frames were written anew: its header, and with it the chain, is the one that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactedBlock {
    pub block: u64,
    /// Digest of the block's file before; that content is deleted.
    pub was: Digest,
    /// Digest of the file that stands in its place.
    pub now: Digest,
    /// SHA-256 of the frames as they are now, uncompressed; the header still names the one before.
    pub frames: Digest,
}

/// What has happened to one redaction of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionEvent {
    pub emergency: EmergencyId,
    pub session: u32,
    pub redaction: u32,
    #[serde(flatten)]
    pub step: RedactionStep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum RedactionStep {
    Proposed { from: u64, to: u64, by: PersonId, reason: String },
    Declined { by: PersonId, reason: String },
    Agreed { by: PersonId, effect: EffectKey },
    Done { blocks: Vec<RedactedBlock> },
    Failed { detail: String },
}

/// What stands between a proposal and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum RedactionStanding {
    Proposed,
    Declined {
        by: PersonId,
        reason: String,
    },
    /// Under way.
    Agreed {
        by: PersonId,
        effect: EffectKey,
    },
    Done {
        by: PersonId,
        at: Timestamp,
        blocks: u64,
    },
}

/// One redaction of a session; numbered from 1 within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redaction {
    pub number: u32,
    /// Bytes of output from the beginning of the session: the first, and the one after the last.
    pub from: u64,
    pub to: u64,
    pub reason: String,
    pub proposed_by: PersonId,
    pub proposed_at: Timestamp,
    pub standing: RedactionStanding,
    /// Times that it was agreed to and begun.
    #[serde(default)]
    pub tries: u32,
    /// Why the last try did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Redaction {
    pub fn is_proposed(&self) -> bool {
        self.standing == RedactionStanding::Proposed
    }

    /// What whoever agrees types: the very bytes.
    pub fn to_type(&self) -> String {
        format!("{}-{}", self.from, self.to)
    }
}

impl Event {
    /// Contents that are deleted with this.
    pub fn deletes(&self) -> Vec<Digest> {
        match self {
            Self::Redaction(RedactionEvent { step: RedactionStep::Done { blocks }, .. }) => blocks.iter().map(|block| block.was).collect(),
            _ => Vec::new(),
        }
    }
}

pub(super) fn propose(
    permit: &Permit,
    case: &Case<'_>,
    session: &Session,
    (from, to): (u64, u64),
    reason: &str,
) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    over_here(case, session)?;
    if from >= to || to - from > REDACTED_BYTES_MAX {
        return Err(Refusal::RangeUnfit { from, to, bytes_max: REDACTED_BYTES_MAX });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    input::at_most("redactions", session.redactions.len() + 1, REDACTIONS_MAX)?;
    let redaction = u32::try_from(session.redactions.len()).unwrap_or(u32::MAX).saturating_add(1);
    let (emergency, number) = (case.state.id, session.number);
    let notice = Notice::RedactionProposed { session: number, redaction, by: by.clone(), bytes: to - from, reason: reason.to_owned() };
    let proposed = happened(case, number, redaction, RedactionStep::Proposed { from, to, by, reason: reason.to_owned() });
    let made = Some(format!("{emergency}/{number}/{redaction}"));
    Ok(Decision { made, ..case.decision(vec![proposed, case.post(notice, &case.policy.emergency.approver_roles)]) })
}

pub(super) fn agree(permit: &Permit, case: &Case<'_>, session: &Session, number: u32, typed: &str) -> Result<Decision, Refusal> {
    let found = open(session, number)?;
    let by = second(permit, case, found)?;
    over_here(case, session)?;
    if typed.trim() != found.to_type() {
        return Err(Refusal::ConfirmationDiffers { expected: found.to_type() });
    }
    let (emergency, at) = (case.state.id, session.number);
    // The number of the try keeps the key apart from the one that failed.
    let tries = session.redactions.iter().map(|redaction| redaction.tries).sum::<u32>().saturating_add(1);
    let effect = EffectKey::of_emergency(emergency, KEY, at, tries);
    let work = Work::Redact { emergency, incident: case.state.incident, session: at, from: found.from, to: found.to };
    let agreed = happened(case, at, number, RedactionStep::Agreed { by, effect: effect.clone() });
    let mut decision = case.decision(vec![agreed]);
    decision.effects.push(Effect { key: effect, work });
    Ok(decision)
}

/// Said no to by whoever could agree, or taken back by whoever proposed it.
pub(super) fn decline(permit: &Permit, case: &Case<'_>, session: &Session, number: u32, reason: &str) -> Result<Decision, Refusal> {
    let found = open(session, number)?;
    let by = permit.person()?.clone();
    if by != found.proposed_by {
        entitled(permit, case)?;
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    Ok(case.decision(vec![happened(case, session.number, number, RedactionStep::Declined { by, reason: reason.to_owned() })]))
}

/// What the names of these effects begin with, after the exception's id.
pub(crate) const KEY: &str = "redact";

pub(crate) fn done(case: &Case<'_>, key: &EffectKey, blocks: &[RedactedBlock]) -> Result<Decision, Refusal> {
    let (session, redaction) = awaited(case, key)?;
    let ended = Notice::RedactionEnded { session, redaction, done: true };
    let done = happened(case, session, redaction, RedactionStep::Done { blocks: blocks.to_vec() });
    Ok(case.decision(vec![done, case.post(ended, &[])]))
}

pub(crate) fn failed(case: &Case<'_>, key: &EffectKey, detail: &str) -> Result<Decision, Refusal> {
    let (session, redaction) = awaited(case, key)?;
    let ended = Notice::RedactionEnded { session, redaction, done: false };
    let failed = happened(case, session, redaction, RedactionStep::Failed { detail: detail.to_owned() });
    Ok(case.decision(vec![failed, case.post(ended, &case.policy.emergency.approver_roles)]))
}

fn happened(case: &Case<'_>, session: u32, redaction: u32, step: RedactionStep) -> Event {
    Event::Redaction(RedactionEvent { emergency: case.state.id, session, redaction, step })
}

fn awaited(case: &Case<'_>, key: &EffectKey) -> Result<(u32, u32), Refusal> {
    let all = case.state.sessions.iter().flat_map(|session| session.redactions.iter().map(|redaction| (session.number, redaction)));
    let mut waits = all.filter(|(_, redaction)| matches!(&redaction.standing, RedactionStanding::Agreed { effect, .. } if effect == key));
    waits.next().map(|(session, redaction)| (session, redaction.number)).ok_or(Refusal::Stale)
}

/// The recording is whole, and it lies in this ledger: what came home in a parcel was signed there as it is.
fn over_here(case: &Case<'_>, session: &Session) -> Result<(), Refusal> {
    if session.is_open() {
        return Err(Refusal::SessionOpen { session: session.number });
    }
    if case.state.offline.is_some() {
        return Err(Refusal::RecordedElsewhere { session: session.number });
    }
    Ok(())
}

fn open(session: &Session, number: u32) -> Result<&Redaction, Refusal> {
    let found = session.redactions.iter().find(|redaction| redaction.number == number);
    found.filter(|redaction| redaction.is_proposed()).ok_or(Refusal::NoRedactionProposed { session: session.number, redaction: number })
}

/// A second pair of eyes: who neither proposed it nor typed what is to be taken out.
fn second(permit: &Permit, case: &Case<'_>, redaction: &Redaction) -> Result<PersonId, Refusal> {
    let by = permit.person()?.clone();
    if by == redaction.proposed_by || by == case.state.plan.executor {
        return Err(Refusal::RedactionSelfAgreed { person: by });
    }
    entitled(permit, case)?;
    Ok(by)
}

fn entitled(permit: &Permit, case: &Case<'_>) -> Result<(), Refusal> {
    let rules = &case.policy.emergency;
    let mut roles = rules.approver_roles.clone();
    roles.extend(rules.senior_roles.iter().filter(|role| !rules.approver_roles.contains(role)).cloned());
    if permit::holds(case.policy, permit.actor(), &roles) {
        Ok(())
    } else {
        Err(Refusal::RoleMissing { command: "session.agree_redaction".to_owned(), roles })
    }
}
