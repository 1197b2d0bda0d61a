//! Undoing: accepting or reverting what went beyond the scope, putting the backup back (rules E8, E9).

use super::Case;
use super::outcome::{surprises, troubled_by};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Work};
use crate::emergency::{
    Doing, FileChange, Looked, PUT_BACK_AT_ONCE_MAX, PUT_BACK_NAMES_BYTES_MAX, PutBack, PuttingBack, Status, can_be_put_back,
};
use crate::event::Event;
use crate::ids::PersonId;
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::session::CommandRef;
use crate::session::decide::look;

/// Files named in the words of one trouble; the page lists all.
const FAILED_NAMED_MAX: usize = 5;

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

/// One act, typed: these files as they were before the start. Also while a terminal is open: its keys are held meanwhile.
pub(super) fn revert(permit: &Permit, case: &Case<'_>, paths: &[String], reason: &str, confirm: &str) -> Result<Decision, Refusal> {
    let who = [vec![case.state.plan.executor.clone()], case.approvers()].concat();
    let by = case.involved(permit, who)?;
    case.status(&[Status::Executing])?;
    case.settled()?;
    let files = asked(case, paths)?;
    let expected = case.state.id.to_string();
    if confirm != expected {
        return Err(Refusal::ConfirmationDiffers { expected });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    case.watched()?;
    let emergency = case.state.id;
    let key = EffectKey::of_emergency(emergency, "revert", 0, case.state.tries + 1);
    let started = Event::RevertStarted { emergency, files: files.clone(), by, reason: reason.to_owned(), effect: key.clone() };
    let mut decision = case.decision(vec![started]);
    let (host, scope, backup) = (case.host()?, case.state.plan.scope.clone(), case.state.backup.clone());
    decision.effects.push(Effect { key, work: Work::RevertFile { emergency, host, scope, files, backup } });
    Ok(decision)
}

/// Each is a change that is known, and what was there before can still be had.
fn asked(case: &Case<'_>, paths: &[String]) -> Result<Vec<PuttingBack>, Refusal> {
    let mut paths: Vec<&String> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return Err(Refusal::TextMissing { field: "paths".to_owned() });
    }
    let names: usize = paths.iter().map(|path| path.len()).sum();
    let most = if names > PUT_BACK_NAMES_BYTES_MAX { 1 } else { PUT_BACK_AT_ONCE_MAX };
    input::at_most("paths", paths.len(), u32::try_from(most).unwrap_or(u32::MAX))?;
    let one = |path: &&String| {
        let change = changed(case, path)?;
        if can_be_put_back(change, case.policy.emergency.file_bytes_max) {
            Ok(PuttingBack::of(change))
        } else {
            Err(Refusal::ContentNotKept { path: (*path).clone() })
        }
    };
    paths.iter().map(one).collect()
}

/// What became of each. One that is not as it was is said as trouble; the others are put back all the same.
pub(super) fn reverted(case: &Case<'_>, files: &[PutBack], looked: &Looked) -> Result<Decision, Refusal> {
    let emergency = case.state.id;
    let (files, looked) = (files.to_vec(), looked.clone());
    let failed: Vec<String> =
        files.iter().filter_map(|file| file.failed.as_ref().map(|why| format!("{}: {why}", file.path))).take(FAILED_NAMED_MAX).collect();
    let posts = surprises(case, &looked.changes);
    let mut events = vec![Event::FilesReverted { emergency, files, looked }];
    events.extend(posts);
    if !failed.is_empty() {
        events.push(troubled_by(case, Doing::Revert, &failed.join("\n")));
    }
    looked_at_again(case, events)
}

/// While a terminal is open, the files are looked at once more: what was seen meanwhile may be older than what was put back.
pub(super) fn looked_at_again(case: &Case<'_>, mut events: Vec<Event>) -> Result<Decision, Refusal> {
    let mut decision = case.decision(Vec::new());
    let open = case.state.sessions.iter().find(|session| session.is_open());
    let after = match (&case.state.looking, open) {
        (Some(looking), _) => Some(looking.next.unwrap_or(looking.after)),
        (None, Some(open)) => Some(CommandRef { session: open.number, command: open.commands.last().map_or(0, |command| command.number) }),
        (None, None) => None,
    };
    if let Some(after) = after {
        look(case, after, false, &mut events, &mut decision)?;
    }
    decision.events = events;
    Ok(decision)
}

/// One act, typed: everything in the scope as it was before the start. The plan is over then, and a terminal that is open is hung up.
pub(super) fn restore(permit: &Permit, case: &Case<'_>, reason: &str, confirm: &str) -> Result<Decision, Refusal> {
    let who = [vec![case.state.plan.executor.clone()], case.approvers()].concat();
    let by = case.involved(permit, who)?;
    case.status(&[Status::Executing])?;
    case.settled()?;
    // Something may have been written again by what was still running.
    if case.is_restored() && !case.state.changes.iter().any(|change| change.in_scope) {
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
    let open = case.state.sessions.iter().find(|session| session.is_open() && session.stop.is_none());
    let mut events = open.map(|session| hung_up(case, session.number, &by, reason)).unwrap_or_default();
    events.push(Event::RestoreStarted { emergency: case.state.id, by, reason: reason.to_owned(), effect: key.clone() });
    let mut decision = case.decision(events);
    let work = Work::Restore { emergency: case.state.id, host: case.host()?, scope: case.state.plan.scope.clone(), backup };
    decision.effects.push(Effect { key, work });
    Ok(decision)
}

fn hung_up(case: &Case<'_>, session: u32, by: &PersonId, reason: &str) -> Vec<Event> {
    let (by, reason) = (by.clone(), reason.to_owned());
    let notice = Notice::TerminalStopped { by: by.clone(), session, reason: reason.clone() };
    vec![Event::TerminalStopped { emergency: case.state.id, session, by, reason }, case.post(notice, &[])]
}
