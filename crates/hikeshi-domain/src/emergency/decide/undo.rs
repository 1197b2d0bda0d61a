//! Undoing: accepting or reverting what went beyond the scope, putting the backup back (rules E8, E9).

use super::Case;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Work};
use crate::emergency::{ChangeKind, FileChange, Status};
use crate::event::Event;
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::Permit;
use crate::refusal::Refusal;

pub(super) fn accept(permit: &Permit, case: &Case<'_>, path: &str, reason: &str) -> Result<Decision, Refusal> {
    let approvers = case.approvers();
    let by = permit.person()?.clone();
    if !approvers.contains(&by) {
        return Err(Refusal::OnlyApproverAccepts { approvers });
    }
    case.status(&[Status::Executing])?;
    if changed(case, path)?.in_scope {
        return Err(Refusal::NotOutOfScope { path: path.to_owned() });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    Ok(case.decision(vec![Event::ChangeAccepted { emergency: case.state.id, path: path.to_owned(), by, reason: reason.to_owned() }]))
}

fn changed<'a>(case: &'a Case<'_>, path: &str) -> Result<&'a FileChange, Refusal> {
    case.state.changes.iter().find(|change| change.path == path).ok_or_else(|| Refusal::NoSuchChange { path: path.to_owned() })
}

pub(super) fn revert(permit: &Permit, case: &Case<'_>, path: &str) -> Result<Decision, Refusal> {
    let by = case.executor(permit)?;
    case.status(&[Status::Executing])?;
    case.nobody_types()?;
    case.settled()?;
    let change = changed(case, path)?;
    let kept = match change.kind {
        ChangeKind::Added => true,
        ChangeKind::Modified | ChangeKind::Removed | ChangeKind::Metadata => change.before.as_ref().is_some_and(|before| before.kept),
    };
    if !kept {
        return Err(Refusal::ContentNotKept { path: path.to_owned() });
    }
    case.watched()?;
    let key = EffectKey::of_emergency(case.state.id, "revert", 0, case.state.tries + 1);
    let mut decision =
        case.decision(vec![Event::RevertStarted { emergency: case.state.id, path: path.to_owned(), by, effect: key.clone() }]);
    let work =
        Work::RevertFile { emergency: case.state.id, host: case.host()?, scope: case.state.plan.scope.clone(), change: change.clone() };
    decision.effects.push(Effect { key, work });
    Ok(decision)
}

/// One act, typed: everything in the scope as it was before the first step.
pub(super) fn restore(permit: &Permit, case: &Case<'_>, reason: &str, confirm: &str) -> Result<Decision, Refusal> {
    let who = [vec![case.state.plan.executor.clone()], case.approvers()].concat();
    let by = case.involved(permit, who)?;
    case.status(&[Status::Executing])?;
    case.nobody_types()?;
    case.settled()?;
    if case.is_restored() {
        return Err(Refusal::AlreadyRestored);
    }
    let backup = case.state.backup.clone().ok_or(Refusal::BackupMissing)?;
    let expected = case.state.id.to_string();
    if confirm != expected {
        return Err(Refusal::ConfirmationDiffers { expected });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    case.watched()?;
    let key = EffectKey::of_emergency(case.state.id, "restore", 0, case.state.tries + 1);
    let event = Event::RestoreStarted { emergency: case.state.id, by, reason: reason.to_owned(), effect: key.clone() };
    let mut decision = case.decision(vec![event]);
    let work = Work::Restore { emergency: case.state.id, host: case.host()?, scope: case.state.plan.scope.clone(), backup };
    decision.effects.push(Effect { key, work });
    Ok(decision)
}
