//! Witnesses: joining, being heard of, leaving, stopping (rule E4).

use jiff::{SignedDuration, Timestamp};

use super::Case;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::emergency::Status;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EmergencyId, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::{self, Permit};
use crate::refusal::Refusal;

pub(super) fn join(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let person = permit.person()?.clone();
    if case.state.status.is_over() {
        return Err(case.wrong_status());
    }
    if person == case.state.plan.executor {
        return Err(Refusal::WitnessIsExecutor { person });
    }
    let roles = &case.policy.emergency.witness_roles;
    if !permit::holds(case.policy, permit.actor(), roles) {
        return Err(Refusal::WitnessNotEntitled { person, roles: roles.clone() });
    }
    if case.is_present(&person) {
        return Ok(heard(case, person));
    }
    let notice = Notice::WitnessJoined { person: person.clone() };
    Ok(case.decision(vec![Event::WitnessJoined { emergency: case.state.id, person }, case.post(notice, &[])]))
}

pub(super) fn watch(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    present(permit, case).map(|person| heard(case, person))
}

fn heard(case: &Case<'_>, person: PersonId) -> Decision {
    Decision { heard: Some((case.state.id, person)), case: Some(case.state.incident), ..Decision::default() }
}

pub(super) fn leave(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let person = present(permit, case)?;
    Ok(gone(case, person, false))
}

pub(super) fn hold(permit: &Permit, case: &Case<'_>, reason: &str) -> Result<Decision, Refusal> {
    let by = present(permit, case)?;
    if !case.state.status.is_running() && case.state.status != Status::Approved {
        return Err(case.wrong_status());
    }
    if let Some(hold) = &case.state.hold {
        return Err(Refusal::Held { by: hold.by.clone(), reason: hold.reason.clone() });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let notice = Notice::Held { by: by.clone(), reason: reason.to_owned() };
    Ok(case.decision(vec![Event::EmergencyHeld { emergency: case.state.id, by, reason: reason.to_owned() }, case.post(notice, &[])]))
}

pub(super) fn resume(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    if !case.is_present(&by) {
        return Err(Refusal::OnlyWitnessResumes);
    }
    if case.state.hold.is_none() {
        return Err(Refusal::NotHeld);
    }
    let notice = Notice::Resumed { by: by.clone() };
    Ok(case.decision(vec![Event::EmergencyResumed { emergency: case.state.id, by }, case.post(notice, &[])]))
}

/// A witness has not been heard of for the policy's timeout.
pub fn witness_silent(facts: &Facts, id: EmergencyId, person: &PersonId, now: Timestamp) -> Result<Decision, Refusal> {
    let case = Case::of(facts, id, now).ok_or(Refusal::Stale)?;
    let timeout = SignedDuration::from_secs(i64::from(case.policy.emergency.presence_timeout_s));
    let silent =
        facts.presence.get(&id).and_then(|heard| heard.get(person)).is_none_or(|at| at.checked_add(timeout).is_ok_and(|until| until < now));
    if !silent || !case.is_present(person) {
        return Err(Refusal::Stale);
    }
    Ok(gone(&case, person.clone(), true))
}

fn gone(case: &Case<'_>, person: PersonId, lost: bool) -> Decision {
    let notice = Notice::WitnessLeft { person: person.clone(), lost };
    case.decision(vec![Event::WitnessLeft { emergency: case.state.id, person, lost }, case.post(notice, &[])])
}

fn present(permit: &Permit, case: &Case<'_>) -> Result<PersonId, Refusal> {
    let person = permit.person()?;
    if case.is_present(person) { Ok(person.clone()) } else { Err(Refusal::NotAWitness { person: person.clone() }) }
}
