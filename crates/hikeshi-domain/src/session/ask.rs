//! A dangerous line of the terminal: asked by the recorder, answered by one present witness, and what ran without an answer.

use jiff::{SignedDuration, Timestamp};

use super::danger::{self, LINE_CHARS_MAX, LineAsk, line_digest};
use super::{ConfirmedLine, LineAnswer, Session, TypedCommand};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::emergency::decide::Case;
use crate::event::Event;
use crate::ids::{Digest, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::Permit;
use crate::refusal::Refusal;

/// The recorder holds Enter at a line. Whatever was asked before is not waited for any more.
pub(super) fn ask(case: &Case<'_>, session: &Session, line: &str, rule: u32, asked_at: Timestamp) -> Result<Decision, Refusal> {
    let dangerous = case.state.plan.terminal.as_ref().map(|terminal| terminal.dangerous.as_slice()).unwrap_or_default();
    let found = usize::try_from(rule).ok().and_then(|rule| dangerous.get(rule)).ok_or(Refusal::Stale)?;
    input::required("line", line, u32::try_from(LINE_CHARS_MAX).unwrap_or(u32::MAX))?;
    let digest = line_digest(case.state.id, session.number, asked_at, line);
    // A recorder that is connected anew says again what it waits for.
    if session.asked.as_ref().is_some_and(|before| before.asked_at == asked_at) {
        return Err(Refusal::Stale);
    }
    let until = case.now.checked_add(SignedDuration::from_secs(i64::from(case.policy.emergency.confirm_valid_s))).unwrap_or(Timestamp::MAX);
    let ask = LineAsk {
        ask: session.asks.saturating_add(1),
        line: line.to_owned(),
        digest,
        words: found.words.clone(),
        why: found.why.clone(),
        asked_at,
        until,
        answer: None,
    };
    Ok(case.decision(vec![Event::LineAsked { emergency: case.state.id, session: session.number, ask }]))
}

/// The executor has edited or left the line, or nobody has answered in time.
pub(super) fn withdraw(case: &Case<'_>, session: &Session, asked_at: Timestamp) -> Result<Decision, Refusal> {
    // Confirmed, and then not let through after all: the confirmation is used up.
    let open = |asked: &&LineAsk| match asked.answer {
        None | Some(LineAnswer::Confirmed { .. }) => asked.asked_at == asked_at,
        Some(LineAnswer::Denied { .. } | LineAnswer::Withdrawn) => false,
    };
    let asked = session.asked.as_ref().filter(open).ok_or(Refusal::Stale)?;
    let withdrawn = Event::LineWithdrawn { emergency: case.state.id, session: session.number, ask: asked.ask, digest: asked.digest };
    Ok(case.decision(vec![withdrawn]))
}

pub(super) fn confirm(permit: &Permit, case: &Case<'_>, session: &Session, digest: Digest, typed: &str) -> Result<Decision, Refusal> {
    let (by, asked) = answering(permit, case, session, digest)?;
    if danger::folded(typed) != danger::folded(&asked.words) {
        return Err(Refusal::ConfirmationDiffers { expected: asked.words.clone() });
    }
    let confirmed = Event::LineConfirmed { emergency: case.state.id, session: session.number, ask: asked.ask, digest, by };
    Ok(case.decision(vec![confirmed]))
}

pub(super) fn deny(permit: &Permit, case: &Case<'_>, session: &Session, digest: Digest, reason: &str) -> Result<Decision, Refusal> {
    let (by, asked) = answering(permit, case, session, digest)?;
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let (emergency, reason) = (case.state.id, reason.to_owned());
    Ok(case.decision(vec![Event::LineDenied { emergency, session: session.number, ask: asked.ask, digest, by, reason }]))
}

/// Who may answer, and what: one who is here now, about the very line that waits now.
fn answering<'s>(permit: &Permit, case: &Case<'_>, session: &'s Session, digest: Digest) -> Result<(PersonId, &'s LineAsk), Refusal> {
    let by = case.witness_here(permit)?;
    let asked = session.asked.as_ref().filter(|asked| asked.digest == digest && asked.is_open(case.now));
    Ok((by, asked.ok_or(Refusal::NothingAsked { session: session.number })?))
}

/// What ran although the plan calls it dangerous and nobody had confirmed it: a fact, told to everyone at once.
pub(super) fn unconfirmed(case: &Case<'_>, session: &Session, commands: &[TypedCommand]) -> Vec<Event> {
    let dangerous = case.state.plan.terminal.as_ref().map(|terminal| terminal.dangerous.as_slice()).unwrap_or_default();
    if dangerous.is_empty() {
        return Vec::new();
    }
    let mut confirmed: Vec<_> = session.confirmed.iter().collect();
    let mut events = Vec::new();
    for command in commands.iter().filter(|command| command.ended_at.is_some()) {
        let known = session.unconfirmed.contains(&command.number);
        let lines = confirmed.iter().filter(|line| is_spent(line, command)).map(|line| line.line.as_str());
        if let Some(found) = danger::unconfirmed(dangerous, &command.text, lines).filter(|_| !known) {
            let (emergency, session, number) = (case.state.id, session.number, command.number);
            let (words, why) = (found.words.clone(), found.why.clone());
            events.push(Event::LineUnconfirmed { emergency, session, command: number, words: words.clone(), why });
            let notice = Notice::LineUnconfirmed { session, command: number, words };
            events.push(case.post(notice, &case.policy.emergency.approver_roles));
        }
        confirmed.retain(|line| !is_spent(line, command));
    }
    events
}

/// Whether a confirmation is used up by this command: it was asked for before the command began, or while it ran and about a part of it.
/// What was asked while another command ran is about the next one: a line may be typed ahead.
pub(crate) fn is_spent(line: &ConfirmedLine, command: &TypedCommand) -> bool {
    let about = || line.asked_at < command.started_at || danger::folded(&command.text).contains(&danger::asked_about(&line.line));
    command.ended_at.is_none_or(|ended| line.asked_at <= ended) && about()
}
