//! What an event changes in an emergency exception.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Aspect, Confirmation, Doing, Emergency, Hold, Looked, Restored, Reverted, Status, StepState, Witness};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::EmergencyId;
use crate::review::state::search_again;

/// Changed files listed in the state; more are counted.
const CHANGES_LISTED_MAX: usize = 500;
/// Orders to put files back that are kept in the state; earlier ones stand in the ledger.
const REVERTS_KEPT_MAX: usize = 10;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    request(facts, event, at);
    agree(facts, event, at);
    watch(facts, event, at);
    carry_out(facts, event, at);
    undo(facts, event, at);
    verify(facts, event, at);
}

fn request(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::EmergencyRequested { emergency, incident, requester, conditions, plan, digest, requirement, ledger } = event else { return };
    facts.workspace.counters.emergency = facts.workspace.counters.emergency.max(emergency.0);
    facts.touched.workspace = true;
    facts.touched.emergencies.insert(*emergency);
    facts.emergencies.insert(
        *emergency,
        Some(Emergency {
            id: *emergency,
            incident: *incident,
            requester: requester.clone(),
            conditions: conditions.clone(),
            steps: plan.steps.iter().map(|_| StepState::Waiting).collect(),
            attempts: plan.steps.iter().map(|_| 0).collect(),
            plan: plan.clone(),
            revision: 1,
            digest: *digest,
            status: Status::Requested,
            requirement: requirement.clone(),
            approvals: Vec::new(),
            witnesses: std::collections::BTreeMap::new(),
            hold: None,
            backup: None,
            trouble: None,
            confirmations: Vec::new(),
            sessions: Vec::new(),
            looking: None,
            looks: 0,
            captured: Vec::new(),
            changes: Vec::new(),
            changes_unlisted: 0,
            outside_unlisted: 0,
            files_unseen: false,
            solved: None,
            unaffected: None,
            tries: 0,
            restored: None,
            reverts: Vec::new(),
            requested_at: at,
            started_at: None,
            started_by: None,
            long_announced: false,
            closed_at: None,
            ending: None,
            end_reason: None,
            obligations: Vec::new(),
            examined: None,
            told: 0,
            ledger: ledger.clone(),
            offline: None,
        }),
    );
}

fn agree(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::PlanRevised { emergency, plan, revision, digest, requirement } => with(facts, *emergency, |state| {
            state.steps = plan.steps.iter().map(|_| StepState::Waiting).collect();
            state.attempts = plan.steps.iter().map(|_| 0).collect();
            state.plan = plan.clone();
            state.revision = *revision;
            state.digest = *digest;
            state.requirement = requirement.clone();
            state.approvals.clear();
            state.confirmations.clear();
            state.status = Status::Requested;
        }),
        Event::EmergencyApproved { emergency, approval, complete, .. } => with(facts, *emergency, |state| {
            state.approvals.push(approval.clone());
            if *complete {
                state.status = Status::Approved;
            }
        }),
        Event::RequirementRaised { emergency, requirement } => with(facts, *emergency, |state| {
            state.requirement = requirement.clone();
            state.status = Status::Requested;
        }),
        Event::EmergencyDeclined { emergency, reason, .. } => end(facts, *emergency, Status::Declined, Some(reason), at),
        Event::EmergencyCancelled { emergency, reason, .. } => end(facts, *emergency, Status::Cancelled, Some(reason), at),
        Event::ApprovalExpired { emergency } => end(facts, *emergency, Status::Expired, None, at),
        Event::EmergencyClosed { emergency, ending } => {
            end(facts, *emergency, Status::Closed, None, at);
            with(facts, *emergency, |state| state.ending = Some(*ending));
        }
        _ => {}
    }
}

fn end(facts: &mut Facts, id: EmergencyId, status: Status, reason: Option<&String>, at: Timestamp) {
    with(facts, id, |state| {
        state.status = status;
        state.closed_at = Some(at);
        search_again(state);
        state.end_reason = reason.cloned();
        state.hold = None;
        for witness in state.witnesses.values_mut().filter(|witness| witness.present) {
            witness.present = false;
            witness.left_at = Some(at);
        }
    });
}

fn watch(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::WitnessJoined { emergency, person } => {
            with(facts, *emergency, |state| {
                state.witnesses.insert(person.clone(), Witness { present: true, joined_at: at, left_at: None });
            });
            heard(facts, *emergency, person, at);
        }
        Event::WitnessLeft { emergency, person, .. } => with(facts, *emergency, |state| {
            if let Some(witness) = state.witnesses.get_mut(person) {
                witness.present = false;
                witness.left_at = Some(at);
            }
        }),
        Event::EmergencyHeld { emergency, by, reason } => {
            with(facts, *emergency, |state| state.hold = Some(Hold { by: by.clone(), at, reason: reason.clone() }));
        }
        Event::EmergencyResumed { emergency, .. } => with(facts, *emergency, |state| state.hold = None),
        _ => {}
    }
}

/// A witness was heard of. Also called for heartbeats, which leave no entry.
pub fn heard(facts: &mut Facts, id: EmergencyId, person: &crate::ids::PersonId, at: Timestamp) {
    facts.presence.entry(id).or_default().insert(person.clone(), at);
    facts.touched.presence.insert((id, person.clone()));
}

fn carry_out(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::EmergencyStarted { emergency, by, .. } => with(facts, *emergency, |state| {
            state.status = Status::BackingUp;
            state.tries += 1;
            state.trouble = None;
            state.started_at = state.started_at.or(Some(at));
            state.started_by = state.started_by.clone().or_else(|| Some(by.clone()));
        }),
        Event::BackupTaken { emergency, backup } => with(facts, *emergency, |state| {
            state.backup = Some(backup.clone());
            state.status = Status::Executing;
        }),
        Event::StepConfirmed { emergency, step, attempt, digest, by, expires_at } => with(facts, *emergency, |state| {
            state.confirmations.retain(|one| one.step != *step);
            let (step, attempt, digest, by) = (*step, *attempt, *digest, by.clone());
            state.confirmations.push(Confirmation { step, attempt, digest, by, at, expires_at: *expires_at, used_at: None });
        }),
        Event::StepStarted { emergency, step, effect, attempt, .. } => with_step(facts, *emergency, *step, |state, slot| {
            *slot = StepState::Running { effect: effect.clone(), since: at };
            if let Some(count) = index(*step).and_then(|at| state.attempts.get_mut(at)) {
                *count = *attempt;
            }
            for used in state.confirmations.iter_mut().filter(|one| one.step == *step && one.attempt == *attempt) {
                used.used_at = Some(at);
            }
            // What was verified before this step says nothing about after it.
            state.solved = None;
            state.unaffected = None;
        }),
        Event::StepEnded { emergency, step, end, looked } => {
            with_step(facts, *emergency, *step, |_, slot| *slot = StepState::Ended(end.clone()));
            with(facts, *emergency, |state| changed(state, looked));
        }
        Event::StepInDoubt { emergency, step, effect } => with_step(facts, *emergency, *step, |state, slot| {
            state.files_unseen = true;
            *slot = StepState::InDoubt { effect: effect.clone(), since: at };
        }),
        Event::StepSettledNotRun { emergency, step, .. } => with_step(facts, *emergency, *step, |_, slot| *slot = StepState::Waiting),
        Event::StepSettledRan { emergency, step, end, .. } => {
            with_step(facts, *emergency, *step, |_, slot| *slot = StepState::Ended(end.clone()));
        }
        _ => {}
    }
}

fn undo(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::ChangeAccepted { emergency, path, by, .. } => with(facts, *emergency, |state| {
            for change in state.changes.iter_mut().filter(|change| change.path == *path) {
                change.accepted_by = Some(by.clone());
            }
        }),
        Event::RevertStarted { emergency, by, reason, .. } => with(facts, *emergency, |state| {
            state.status = Status::Restoring;
            state.tries += 1;
            state.trouble = None;
            state.reverts.push(Reverted { by: by.clone(), reason: reason.clone(), at, finished_at: None, files: Vec::new() });
            let over = state.reverts.len().saturating_sub(REVERTS_KEPT_MAX);
            state.reverts.drain(..over);
        }),
        Event::FilesReverted { emergency, files, looked } => with(facts, *emergency, |state| {
            state.status = Status::Executing;
            state.solved = None;
            state.unaffected = None;
            if let Some(last) = state.reverts.last_mut() {
                last.finished_at = Some(at);
                last.files.clone_from(files);
            }
            changed(state, looked);
        }),
        Event::RestoreStarted { emergency, by, reason, .. } => with(facts, *emergency, |state| {
            state.status = Status::Restoring;
            state.tries += 1;
            state.trouble = None;
            state.restored = Some(Restored { by: by.clone(), reason: reason.clone(), finished_at: None, files: 0, manifest: None });
        }),
        Event::BackupRestored { emergency, files, manifest, looked, .. } => with(facts, *emergency, |state| {
            state.status = Status::Executing;
            if let Some(restored) = &mut state.restored {
                restored.finished_at = Some(at);
                restored.files = *files;
                restored.manifest = Some(*manifest);
            }
            changed(state, looked);
        }),
        Event::EmergencyTroubled { emergency, trouble } => with(facts, *emergency, |state| {
            state.trouble = Some(trouble.clone());
            // Looking goes on beside everything else; that it failed ends nothing.
            if trouble.doing == Doing::Look {
                return;
            }
            state.status = match state.status {
                // Without a backup nothing may run; the start can be tried again while the approval lasts.
                Status::BackingUp => Status::Approved,
                Status::Verifying | Status::Restoring => Status::Executing,
                Status::Requested
                | Status::Approved
                | Status::Executing
                | Status::Closed
                | Status::Declined
                | Status::Cancelled
                | Status::Expired => state.status,
            };
            if state.restored.as_ref().is_some_and(|restored| restored.finished_at.is_none()) {
                state.restored = None;
            }
        }),
        Event::SessionRanLong { emergency } => with(facts, *emergency, |state| state.long_announced = true),
        _ => {}
    }
}

fn verify(facts: &mut Facts, event: &Event, _at: Timestamp) {
    match event {
        Event::VerificationStarted { emergency, .. } => with(facts, *emergency, |state| {
            state.status = Status::Verifying;
            state.tries += 1;
            state.trouble = None;
        }),
        Event::VerificationRecorded { emergency, aspect, verified } => with(facts, *emergency, |state| {
            if state.status == Status::Verifying {
                state.status = Status::Executing;
            }
            match aspect {
                Aspect::Solved => state.solved = Some(verified.clone()),
                Aspect::Unaffected => state.unaffected = Some(verified.clone()),
            }
        }),
        Event::ObligationRaised { obligation } => {
            if let Some(emergency) = obligation.emergency {
                with(facts, emergency, |state| state.obligations.push(obligation.id));
            }
        }
        _ => {}
    }
}

/// The rescan after a step is complete, relative to the state before the first step: it replaces what was known.
/// What an approver accepted stays accepted as long as the content is the same.
pub(crate) fn changed(state: &mut Emergency, looked: &Looked) {
    state.files_unseen = looked.unseen;
    if looked.unseen {
        return;
    }
    state.trouble.take_if(|trouble| trouble.doing == Doing::Look);
    let before = std::mem::take(&mut state.changes);
    let beyond = |outside: bool| {
        let cut = looked.changes.iter().skip(CHANGES_LISTED_MAX).filter(|change| !outside || !change.in_scope).count();
        u64::try_from(cut).unwrap_or(u64::MAX)
    };
    state.changes = looked.changes.iter().take(CHANGES_LISTED_MAX).cloned().collect();
    state.changes_unlisted = looked.changes_unlisted.saturating_add(beyond(false));
    state.outside_unlisted = looked.outside_unlisted.saturating_add(beyond(true));
    for change in &mut state.changes {
        if let Some(known) = before.iter().find(|known| known.path == change.path) {
            change.step = known.step;
            // Seen while files were put back, before the look at the command that made it.
            change.command = known.command.or(change.command.filter(|_| known.step == 0));
            if known.after == change.after {
                change.accepted_by.clone_from(&known.accepted_by);
            }
        }
    }
}

fn index(step: u32) -> Option<usize> {
    step.checked_sub(1).and_then(|at| usize::try_from(at).ok())
}

fn with_step(facts: &mut Facts, id: EmergencyId, step: u32, change: impl FnOnce(&mut Emergency, &mut StepState)) {
    with(facts, id, |state| {
        let Some(at) = index(step).filter(|at| *at < state.steps.len()) else { return };
        let mut slot = state.steps.get(at).cloned().unwrap_or(StepState::Waiting);
        change(state, &mut slot);
        if let Some(place) = state.steps.get_mut(at) {
            *place = slot;
        }
    });
}

fn with(facts: &mut Facts, id: EmergencyId, change: impl FnOnce(&mut Emergency)) {
    if let Some(Some(state)) = facts.emergencies.get_mut(&id) {
        change(state);
        facts.touched.emergencies.insert(id);
    }
}
