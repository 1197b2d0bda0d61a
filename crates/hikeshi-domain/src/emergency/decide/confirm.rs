//! A witness's explicit confirmation of a dangerous step, beside the executor's own typed title (rule E4).

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::carry::{at, in_order, planned};
use crate::decide::Decision;
use crate::emergency::{Confirmation, Status};
use crate::event::Event;
use crate::ids::{Digest, PersonId};
use crate::permit::Permit;
use crate::refusal::Refusal;

/// Of this step of this plan, for its next attempt only, and not for long.
pub(super) fn confirm(permit: &Permit, case: &Case<'_>, number: u32, digest: Digest, typed: &str) -> Result<Decision, Refusal> {
    let by = case.witness_here(permit)?;
    case.status(&[Status::Executing])?;
    if case.is_restored() {
        return Err(Refusal::AlreadyRestored);
    }
    let step = planned(case, number)?;
    if !step.dangerous {
        return Err(Refusal::StepNotDangerous { step: number });
    }
    if digest != case.state.digest {
        return Err(Refusal::DigestDiffers { given: digest, current: case.state.digest });
    }
    case.agreed()?;
    in_order(case, number)?;
    if let Some(hold) = &case.state.hold {
        return Err(Refusal::Held { by: hold.by.clone(), reason: hold.reason.clone() });
    }
    if typed != step.title {
        return Err(Refusal::ConfirmationDiffers { expected: step.title.clone() });
    }
    let valid = SignedDuration::from_secs(i64::from(case.policy.emergency.confirm_valid_s));
    let confirmed = Event::StepConfirmed {
        emergency: case.state.id,
        step: number,
        attempt: attempt(case, number),
        digest,
        by,
        expires_at: case.now.checked_add(valid).unwrap_or(Timestamp::MAX),
    };
    Ok(case.decision(vec![confirmed]))
}

/// Who has confirmed what is about to run; they are still here.
pub(super) fn confirmed(case: &Case<'_>, number: u32, title: &str, present: &[PersonId]) -> Result<PersonId, Refusal> {
    let good = |one: &&Confirmation| {
        one.step == number
            && one.attempt == attempt(case, number)
            && one.digest == case.state.digest
            && one.used_at.is_none()
            && case.now < one.expires_at
            && present.contains(&one.by)
    };
    let found = case.state.confirmations.iter().find(good).map(|one| one.by.clone());
    found.ok_or_else(|| Refusal::StepUnconfirmed { step: number, title: title.to_owned() })
}

pub(super) fn attempt(case: &Case<'_>, number: u32) -> u32 {
    at(&case.state.attempts, number).copied().unwrap_or(0) + 1
}
