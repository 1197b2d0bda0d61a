//! Agreeing: explicit, public, bound to one digest, never by the person it serves (rules E3, E14).

use jiff::SignedDuration;

use super::Case;
use super::request::requirement;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::emergency::{Approval, ApprovalProof, Evidence, Means, Requirement, Status};
use crate::event::Event;
use crate::ids::{Digest, PersonId, RoleName};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::{self, Permit};
use crate::refusal::Refusal;

/// An approval that is entitled and, where it is signed, verified.
pub(super) struct Given<'a> {
    pub by: PersonId,
    pub roles: Vec<RoleName>,
    pub digest: Digest,
    pub judgement: &'a str,
    pub means: Means,
    pub evidence: Option<Box<Evidence>>,
}

/// The approver roles among those that somebody holds. Neither requester nor executor approves, whatever they hold.
pub(super) fn approver_roles(
    case: &Case<'_>,
    by: &PersonId,
    held: Vec<RoleName>,
    not_entitled: impl FnOnce(Vec<RoleName>) -> Refusal,
) -> Result<Vec<RoleName>, Refusal> {
    let rules = &case.policy.emergency;
    if *by == case.state.requester {
        return Err(Refusal::SelfApproval { person: by.clone() });
    }
    if *by == case.state.plan.executor {
        return Err(Refusal::ExecutorApproves { person: by.clone() });
    }
    let roles: Vec<RoleName> = held.into_iter().filter(|role| rules.approver_roles.contains(role)).collect();
    if roles.is_empty() {
        return Err(not_entitled(rules.approver_roles.clone()));
    }
    case.status(&[Status::Requested])?;
    Ok(roles)
}

pub(super) fn approve(permit: &Permit, case: &Case<'_>, digest: Digest, judgement: &str) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    let held = permit::roles_of(case.policy, permit.actor()).into_iter().cloned().collect();
    let roles = approver_roles(case, &by, held, |roles| Refusal::ApproverNotEntitled { roles })?;
    let current = case.digest_now();
    if digest != current || digest != case.state.digest {
        return Err(Refusal::DigestDiffers { given: digest, current });
    }
    if case.policy.emergency.approval_proof == ApprovalProof::Signed {
        return Err(Refusal::ApprovalUnsigned);
    }
    record(case, Given { by, roles, digest, judgement, means: Means::Session, evidence: None })
}

/// What follows from a good approval.
pub(super) fn record(case: &Case<'_>, given: Given<'_>) -> Result<Decision, Refusal> {
    let Given { by, roles, digest, judgement, means, evidence } = given;
    let rules = &case.policy.emergency;
    if case.state.approvals.iter().any(|approval| approval.by == by) {
        return Err(Refusal::AlreadyApproved { person: by });
    }
    input::required("judgement", judgement, TEXT_CHARS_MAX)?;
    let expires_at = case.now.checked_add(SignedDuration::from_mins(i64::from(rules.approval_valid_min))).unwrap_or(case.now);
    let approval =
        Approval { by: by.clone(), roles, digest, at: case.now, expires_at, judgement: judgement.to_owned(), means: means.clone() };
    let mut events = Vec::new();
    let requirement = requirement(case.facts, case.state.id, case.now);
    if requirement != case.state.requirement {
        events.push(Event::RequirementRaised { emergency: case.state.id, requirement: requirement.clone() });
    }
    let all: Vec<Approval> = case.state.approvals.iter().cloned().chain([approval.clone()]).collect();
    let complete = missing(&requirement, &rules.approver_roles, &all).is_empty();
    let notice = Notice::EmergencyApproved { by, judgement: judgement.to_owned(), digest, complete, expires_at, means };
    events.push(Event::EmergencyApproved { emergency: case.state.id, approval, complete, evidence });
    events.push(case.post(notice, &[]));
    Ok(case.decision(events))
}

pub(super) fn decline(permit: &Permit, case: &Case<'_>, reason: &str) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    if !permit::holds(case.policy, permit.actor(), &case.policy.emergency.approver_roles) {
        return Err(Refusal::ApproverNotEntitled { roles: case.policy.emergency.approver_roles.clone() });
    }
    case.status(&[Status::Requested, Status::Approved])?;
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let notice = Notice::EmergencyDeclined { by: by.clone(), reason: reason.to_owned() };
    Ok(case.decision(vec![Event::EmergencyDeclined { emergency: case.state.id, by, reason: reason.to_owned() }, case.post(notice, &[])]))
}

pub(super) fn cancel(permit: &Permit, case: &Case<'_>, reason: &str) -> Result<Decision, Refusal> {
    let by = case.involved(permit, vec![case.state.requester.clone(), case.state.plan.executor.clone()])?;
    case.status(&[Status::Requested, Status::Approved])?;
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let notice = Notice::EmergencyCancelled { reason: reason.to_owned() };
    Ok(case.decision(vec![Event::EmergencyCancelled { emergency: case.state.id, by, reason: reason.to_owned() }, case.post(notice, &[])]))
}

/// The approver roles that no approval covers yet. One person covers one role, so that "both" means two people.
pub(super) fn missing(requirement: &Requirement, roles: &[RoleName], approvals: &[Approval]) -> Vec<RoleName> {
    if !requirement.every_role {
        return if approvals.is_empty() { roles.to_vec() } else { Vec::new() };
    }
    let best = assign(roles, approvals, &mut Vec::new());
    roles.iter().filter(|role| !best.contains(role)).cloned().collect()
}

/// The largest set of roles that can be covered by different people. There are a handful of roles, so trying all is fine.
fn assign<'a>(roles: &'a [RoleName], approvals: &[Approval], used: &mut Vec<PersonId>) -> Vec<&'a RoleName> {
    let Some((first, rest)) = roles.split_first() else { return Vec::new() };
    let mut best = assign(rest, approvals, used);
    for approval in approvals.iter().filter(|approval| approval.roles.contains(first)) {
        if used.contains(&approval.by) {
            continue;
        }
        used.push(approval.by.clone());
        let mut with = vec![first];
        with.extend(assign(rest, approvals, used));
        used.pop();
        if with.len() > best.len() {
            best = with;
        }
    }
    best
}
