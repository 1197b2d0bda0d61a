//! What came back from the world about an exception: backup, steps, checks, restores.

use jiff::Timestamp;

use super::Case;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{AspectResult, EffectKey, Outcome};
use crate::emergency::{Aspect, Doing, Emergency, FileChange, Killed, Looked, Status, StepEnd, StepState, Trouble, Verified};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::EmergencyId;
use crate::refusal::Refusal;
use crate::session;

/// Changes outside the scope that are announced one by one; the page lists all.
const ANNOUNCED_MAX: usize = 5;

pub fn ended(facts: &Facts, key: &EffectKey, outcome: &Outcome, now: Timestamp) -> Result<Decision, Refusal> {
    let (case, what, number) = parse(facts, key, now)?;
    let id = case.state.id;
    match (what, outcome) {
        ("step", Outcome::StepEnded { end, looked }) => {
            awaited(&case, number, key)?;
            Ok(step_ended(&case, number, end, looked.clone()))
        }
        ("step", Outcome::Failed { detail }) => {
            awaited(&case, number, key)?;
            let end = StepEnd {
                exit_code: None,
                killed: Some(Killed::NotStarted(detail.clone())),
                started_at: now,
                ended_at: now,
                output: None,
                output_bytes: 0,
                output_bytes_cut: 0,
                settled_by: None,
            };
            // Nothing ran: what was known still holds.
            Ok(step_ended(&case, number, &end, Ok(Looked::before(case.state))))
        }
        ("look", Outcome::FilesSeen { looked, captured }) => session::decide::seen(&case, key, looked, captured),
        ("look", Outcome::Failed { detail }) => session::decide::unseen(&case, key, detail),
        (session::REDACT_KEY, Outcome::Redacted { blocks }) => session::redaction_done(&case, key, blocks),
        (session::REDACT_KEY, Outcome::Failed { detail }) => session::redaction_failed(&case, key, detail),
        ("backup", Outcome::BackupTaken { backup }) => {
            during(&case, Status::BackingUp, number)?;
            Ok(case.decision(vec![Event::BackupTaken { emergency: id, backup: backup.clone() }]))
        }
        ("backup", Outcome::Failed { detail }) => {
            during(&case, Status::BackingUp, number)?;
            Ok(troubled(&case, Doing::Backup, detail))
        }
        ("checks", Outcome::ChecksEnded { results }) => {
            during(&case, Status::Verifying, number)?;
            Ok(checked(&case, results))
        }
        ("checks", Outcome::Failed { detail }) => {
            during(&case, Status::Verifying, number)?;
            Ok(troubled(&case, Doing::Verify, detail))
        }
        ("restore", Outcome::Restored { files, manifest, replaced, looked }) => {
            during(&case, Status::Restoring, number)?;
            if case.state.backup.as_ref().is_none_or(|backup| backup.manifest != *manifest) {
                return Ok(troubled(&case, Doing::Restore, &format!("manifest {manifest}")));
            }
            let (replaced, looked) = (replaced.clone(), looked.clone());
            let mut events = surprises(&case, &looked.changes);
            events.insert(0, Event::BackupRestored { emergency: id, files: *files, manifest: *manifest, replaced, looked });
            events.extend(case.state.restored.as_ref().map(|restored| case.post(Notice::Restored { by: restored.by.clone() }, &[])));
            super::undo::looked_at_again(&case, events)
        }
        ("restore", Outcome::Failed { detail }) => {
            during(&case, Status::Restoring, number)?;
            Ok(troubled(&case, Doing::Restore, detail))
        }
        ("revert", Outcome::Reverted { files, looked }) => {
            during(&case, Status::Restoring, number)?;
            super::undo::reverted(&case, files, looked)
        }
        ("revert", Outcome::Failed { detail }) => {
            during(&case, Status::Restoring, number)?;
            Ok(troubled(&case, Doing::Revert, detail))
        }
        _ => Err(Refusal::Stale),
    }
}

/// Nobody can tell whether the step ran. The question appears on the page.
pub fn in_doubt(facts: &Facts, key: &EffectKey) -> Result<Decision, Refusal> {
    let (case, what, number) = parse(facts, key, Timestamp::UNIX_EPOCH)?;
    if what != "step" {
        return Err(Refusal::Stale);
    }
    awaited(&case, number, key)?;
    let title = title(case.state, number);
    let doubt = Event::StepInDoubt { emergency: case.state.id, step: number, effect: key.clone() };
    Ok(case.decision(vec![doubt, case.post(Notice::StepInDoubt { step: number, title }, &[])]))
}

/// `emg_3/step/2/1` → the case, `step`, 2. For everything but steps the number is the attempt.
fn parse<'a, 'k>(facts: &'a Facts, key: &'k EffectKey, now: Timestamp) -> Result<(Case<'a>, &'k str, u32), Refusal> {
    let mut parts = key.0.split('/');
    let id: EmergencyId = parts.next().and_then(|id| id.parse().ok()).ok_or(Refusal::Stale)?;
    let what = parts.next().ok_or(Refusal::Stale)?;
    let number: u32 = parts.next().and_then(|number| number.parse().ok()).ok_or(Refusal::Stale)?;
    let attempt: u32 = parts.next().and_then(|attempt| attempt.parse().ok()).ok_or(Refusal::Stale)?;
    let case = Case::of(facts, id, now).ok_or(Refusal::Stale)?;
    Ok((case, what, if what == "step" { number } else { attempt }))
}

fn awaited(case: &Case<'_>, number: u32, key: &EffectKey) -> Result<(), Refusal> {
    let state = number.checked_sub(1).and_then(|index| usize::try_from(index).ok()).and_then(|index| case.state.steps.get(index));
    match state {
        Some(StepState::Running { effect, .. } | StepState::InDoubt { effect, .. }) if effect == key => Ok(()),
        _ => Err(Refusal::Stale),
    }
}

/// Only the newest attempt speaks, and only while it is waited for.
fn during(case: &Case<'_>, status: Status, attempt: u32) -> Result<(), Refusal> {
    if case.state.status == status && case.state.tries == attempt { Ok(()) } else { Err(Refusal::Stale) }
}

fn title(state: &Emergency, number: u32) -> String {
    let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX);
    state.plan.steps.get(index).map(|step| step.title.clone()).unwrap_or_default()
}

/// Everyone who watches learns at once of a change outside the scope (rule E8).
pub(crate) fn surprises(case: &Case<'_>, changes: &[FileChange]) -> Vec<Event> {
    // What was accepted and has changed again is as new as what was never seen.
    let known = |new: &FileChange| {
        let before = case.state.changes.iter().find(|change| change.path == new.path);
        before.is_some_and(|before| before.accepted_by.is_none() || before.after == new.after)
    };
    let new = changes.iter().filter(|change| !change.in_scope && !known(change)).take(ANNOUNCED_MAX);
    new.map(|change| case.post(Notice::OutOfScope { path: change.path.clone() }, &case.policy.emergency.approver_roles)).collect()
}

fn step_ended(case: &Case<'_>, number: u32, end: &StepEnd, looked: Result<Looked, String>) -> Decision {
    let (looked, untold) = match looked {
        Ok(looked) => (looked, None),
        Err(detail) => (Looked::unseen(case.state), Some(troubled_by(case, Doing::Look, &detail))),
    };
    let mut posts = surprises(case, &looked.changes);
    if !end.succeeded() {
        posts.push(case.post(Notice::StepFailed { step: number, title: title(case.state, number) }, &[]));
    }
    let ended = Event::StepEnded { emergency: case.state.id, step: number, end: end.clone(), looked };
    case.decision(std::iter::once(ended).chain(untold).chain(posts).collect())
}

/// Each aspect that has checks gets its verdict. An aspect without checks waits for a person.
fn checked(case: &Case<'_>, results: &[AspectResult]) -> Decision {
    let verification = &case.state.plan.verification;
    let mut events = Vec::new();
    for (aspect, declared) in [(Aspect::Solved, verification.solved.len()), (Aspect::Unaffected, verification.unaffected.len())] {
        if declared == 0 {
            continue;
        }
        let checks: Vec<_> =
            results.iter().filter(|result| result.aspect == aspect).flat_map(|result| result.checks.iter().cloned()).collect();
        // A check that reported nothing has not passed.
        let passed = checks.len() == declared && checks.iter().all(|check| check.passed);
        let verified = Verified { passed, at: case.now, checks, attested: None };
        events.push(Event::VerificationRecorded { emergency: case.state.id, aspect, verified });
        if !passed {
            events.push(case.post(Notice::VerificationFailed, &[]));
        }
    }
    case.decision(events)
}

pub(crate) fn troubled(case: &Case<'_>, doing: Doing, detail: &str) -> Decision {
    case.decision(vec![troubled_by(case, doing, detail)])
}

pub(crate) fn troubled_by(case: &Case<'_>, doing: Doing, detail: &str) -> Event {
    Event::EmergencyTroubled { emergency: case.state.id, trouble: Trouble { doing, detail: detail.to_owned(), at: case.now } }
}
