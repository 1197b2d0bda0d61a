//! Adopting a policy (rule A3): what loosens a four-eyes rule waits for two people, neither of them the one who asked for it.

use crate::alert::inhibit;
use crate::channel::{Body, Notice, Post};
use crate::command::PolicyCommand;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, PendingPolicy};
use crate::ids::{Digest, PersonId, RoleName};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::{self, Permit};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// People who must agree to a loosening, beside whoever proposed it.
const AGREE_MIN: usize = 2;

pub fn decide(permit: Permit, facts: &Facts, command: &PolicyCommand) -> Result<Decision, Refusal> {
    match command {
        PolicyCommand::Adopt { policy } => adopt(facts, policy),
        PolicyCommand::Approve { digest } => approve(&permit, facts, *digest),
        PolicyCommand::Reject { digest, reason } => {
            pending(facts, *digest)?;
            let by = entitled(&permit, facts)?;
            input::required("reason", reason, TEXT_CHARS_MAX)?;
            Ok(Decision { events: vec![Event::PolicyRejected { digest: *digest, by, reason: reason.clone() }], ..Decision::default() })
        }
    }
}

fn adopt(facts: &Facts, policy: &Policy) -> Result<Decision, Refusal> {
    let flaws = policy.check();
    if !flaws.is_empty() {
        return Err(Refusal::PolicyFlawed { flaws });
    }
    let digest = policy.digest();
    let of = |policy: &Policy| policy.local.as_ref().map(|local| local.ledger.clone());
    if facts.policy().is_some_and(|current| of(current).is_some() || of(policy).is_some()) {
        // What binds people while the server is away is what the server has signed, and nothing else.
        return Err(Refusal::PolicyOfLocal);
    }
    let Some(current) = facts.policy() else {
        // The first policy of an empty ledger binds nobody yet.
        return Ok(Decision { events: vec![Event::PolicyAdopted { digest, policy: Box::new(policy.clone()) }], ..Decision::default() });
    };
    let waiting = facts.workspace.pending.as_ref().is_some_and(|pending| pending.digest == digest);
    if current.digest() == digest || waiting {
        return Err(Refusal::PolicyUnchanged);
    }
    let weakenings = current.weakenings(policy);
    if weakenings.is_empty() {
        return Ok(Decision { events: adopted(facts, current, policy, digest), ..Decision::default() });
    }
    let event = Event::PolicyProposed { digest, policy: Box::new(policy.clone()), weakenings };
    Ok(Decision { events: vec![event, post(current, Notice::PolicyAwaitsApproval { digest })], ..Decision::default() })
}

/// What only the old policy holds back is looked at.
fn adopted(facts: &Facts, current: &Policy, new: &Policy, digest: Digest) -> Vec<Event> {
    let event = Event::PolicyAdopted { digest, policy: Box::new(new.clone()) };
    let mut events = vec![event, post(current, Notice::PolicyAdopted { digest })];
    events.extend(inhibit::end_by_policy(facts, current, new));
    events
}

fn approve(permit: &Permit, facts: &Facts, digest: Digest) -> Result<Decision, Refusal> {
    let pending = pending(facts, digest)?;
    let by = entitled(permit, facts)?;
    if pending.proposed_by.as_ref() == Some(&by) {
        return Err(Refusal::SelfApproval { person: by });
    }
    if pending.approved_by.contains(&by) {
        return Err(Refusal::PolicyApprovedTwice { person: by });
    }
    let current = facts.policy().ok_or(Refusal::UnknownActor)?;
    let mut events = vec![Event::PolicyApproved { digest, by }];
    if pending.approved_by.len() + 1 >= AGREE_MIN {
        events.extend(adopted(facts, current, &pending.policy, digest));
    }
    Ok(Decision { events, ..Decision::default() })
}

fn pending(facts: &Facts, digest: Digest) -> Result<&PendingPolicy, Refusal> {
    facts.workspace.pending.as_ref().filter(|pending| pending.digest == digest).ok_or(Refusal::NoPolicyPending)
}

/// By the policy in force, not by the one that waits: nobody gains the right to agree from what they agree to.
fn entitled(permit: &Permit, facts: &Facts) -> Result<PersonId, Refusal> {
    let current = facts.policy().ok_or(Refusal::UnknownActor)?;
    let mut roles: Vec<RoleName> = current.emergency.approver_roles.clone();
    roles.extend(current.emergency.senior_roles.iter().cloned());
    if permit::holds(current, permit.actor(), &roles) {
        permit.person().cloned()
    } else {
        Err(Refusal::RoleMissing { command: "policy.approve".to_owned(), roles })
    }
}

fn post(policy: &Policy, notice: Notice) -> Event {
    Event::Posted {
        post: Post {
            channel: policy.channels.emergency.clone(),
            body: Body::Notice { notice },
            roles: policy.emergency.approver_roles.clone(),
            people: Vec::new(),
            incident: None,
            emergency: None,
        },
    }
}
