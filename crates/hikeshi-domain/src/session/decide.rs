//! What follows from a command on a witnessed session.

use jiff::Timestamp;

use super::{
    Ack, Captured, Command, CommandRef, DeviceKey, Gap, HeldBecause, SealedBlock, Session, SessionEnd, TypedCommand, ask, redaction,
};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Work};
use crate::emergency::decide::carry::owe;
use crate::emergency::decide::outcome::{surprises, troubled_by};
use crate::emergency::decide::{Case, needs_of};
use crate::emergency::{Doing, Looked, Status};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::PersonId;
use crate::input::{self, PATH_CHARS_MAX, TEXT_CHARS_MAX};
use crate::permit::Permit;
use crate::refusal::Refusal;

/// Sessions of one exception: the terminal may be closed and opened again, not for ever.
const SESSIONS_MAX: usize = 50;
/// Blocks, commands and acknowledgements in one entry: an entry stays below its limit.
pub const SEALED_AT_ONCE_MAX: usize = 128;
pub const ACKS_AT_ONCE_MAX: usize = 50;

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    Needs { overdue: matches!(command, Command::Open { .. }), ..needs_of(command.emergency(), facts) }
}

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let id = command.emergency();
    let case = Case::of(facts, id, now).ok_or_else(|| Refusal::NotFound { what: "emergency".to_owned(), given: id.to_string() })?;
    match command {
        Command::Open { place, .. } => open(permit, &case, place),
        Command::Bind { session, key, .. } => bind(permit, &case, *session, key),
        Command::Note { session, text, .. } => note(permit, &case, *session, text),
        Command::Stop { session, reason, .. } => stop(permit, &case, *session, reason),
        Command::Abandon { session, .. } => {
            case.executor(permit)?;
            let session = open_session(&case, *session)?;
            if session.blocks > 0 {
                Err(Refusal::SessionOpen { session: session.number })
            } else {
                end_session(&case, session, &SessionEnd::Abandoned)
            }
        }
        Command::Confirm { session, digest, confirm, .. } => ask::confirm(permit, &case, open_session(&case, *session)?, *digest, confirm),
        Command::Deny { session, digest, reason, .. } => ask::deny(permit, &case, open_session(&case, *session)?, *digest, reason),
        Command::Redact { session, from, to, reason, .. } => {
            redaction::propose(permit, &case, known_session(&case, *session)?, (*from, *to), reason)
        }
        Command::AgreeRedaction { session, redaction, confirm, .. } => {
            redaction::agree(permit, &case, known_session(&case, *session)?, *redaction, confirm)
        }
        Command::DeclineRedaction { session, redaction, reason, .. } => {
            redaction::decline(permit, &case, known_session(&case, *session)?, *redaction, reason)
        }
        Command::Ask { session, line, rule, asked_at, .. } => ask::ask(&case, open_session(&case, *session)?, line, *rule, *asked_at),
        Command::Withdraw { session, asked_at, .. } => ask::withdraw(&case, open_session(&case, *session)?, *asked_at),
        Command::Seal { session, first, blocks, commands, gaps, .. } => {
            seal(&case, open_session(&case, *session)?, *first, blocks, commands, gaps)
        }
        Command::Acknowledge { session, acks, .. } => acknowledge(&case, open_session(&case, *session)?, acks),
        Command::Gate { session, held, .. } => gate(&case, open_session(&case, *session)?, held),
        Command::End { session, end, .. } => end_session(&case, open_session(&case, *session)?, end),
    }
}

fn known_session<'a>(case: &Case<'a>, number: u32) -> Result<&'a Session, Refusal> {
    let found = case.state.sessions.iter().find(|session| session.number == number);
    found.ok_or(Refusal::NoSuchSession { session: number })
}

fn open_session<'a>(case: &Case<'a>, number: u32) -> Result<&'a Session, Refusal> {
    let session = known_session(case, number)?;
    if session.is_open() { Ok(session) } else { Err(Refusal::SessionOver { session: number }) }
}

/// The gates are those of a step: the approved plan, the backup, the witnesses. Keys then pass a gate of their own, all the time.
fn open(permit: &Permit, case: &Case<'_>, place: &str) -> Result<Decision, Refusal> {
    let by = case.executor(permit)?;
    if case.state.plan.terminal.is_none() {
        return Err(Refusal::TerminalNotPlanned);
    }
    case.status(&[Status::Executing])?;
    if case.is_restored() {
        return Err(Refusal::AlreadyRestored);
    }
    if case.state.backup.is_none() {
        return Err(Refusal::BackupMissing);
    }
    case.settled()?;
    if let Some(session) = case.state.sessions.iter().find(|session| session.is_open()) {
        return Err(Refusal::SessionOpen { session: session.number });
    }
    input::at_most("sessions", case.state.sessions.len() + 1, u32::try_from(SESSIONS_MAX).unwrap_or(u32::MAX))?;
    input::required("place", place, PATH_CHARS_MAX)?;
    case.agreed()?;
    case.watched()?;
    let session = u32::try_from(case.state.sessions.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut events = vec![Event::TerminalOpened { emergency: case.state.id, session, by: by.clone(), place: place.to_owned() }];
    if case.state.obligations.is_empty() {
        events.extend(owe(case));
    }
    events.push(case.post(Notice::TerminalOpened { executor: by, session }, &[]));
    let mut decision = Decision { made: Some(format!("{}/{session}", case.state.id)), ..case.decision(Vec::new()) };
    if case.state.plan.terminal.as_ref().is_some_and(|terminal| !terminal.captures.is_empty()) {
        look(case, CommandRef { session, command: 0 }, true, &mut events, &mut decision)?;
    }
    decision.events = events;
    Ok(decision)
}

fn witness(permit: &Permit, case: &Case<'_>) -> Result<PersonId, Refusal> {
    let person = permit.person()?;
    if case.is_present(person) { Ok(person.clone()) } else { Err(Refusal::NotAWitness { person: person.clone() }) }
}

fn bind(permit: &Permit, case: &Case<'_>, session: u32, key: &DeviceKey) -> Result<Decision, Refusal> {
    let person = witness(permit, case)?;
    let session = open_session(case, session)?;
    if !key.is_well_formed() {
        return Err(Refusal::DeviceKeyUnreadable);
    }
    // A key stands for one person: two names on one device are one pair of eyes.
    if let Some((other, _)) = session.devices.iter().find(|(other, known)| **other != person && *known == key) {
        return Err(Refusal::DeviceShared { with: other.clone() });
    }
    Ok(case.decision(vec![Event::DeviceBound { emergency: case.state.id, session: session.number, person, key: key.clone() }]))
}

fn note(permit: &Permit, case: &Case<'_>, session: u32, text: &str) -> Result<Decision, Refusal> {
    let by = witness(permit, case)?;
    let session = open_session(case, session)?.number;
    input::required("text", text, TEXT_CHARS_MAX)?;
    Ok(case.decision(vec![Event::SessionNoted { emergency: case.state.id, session, by, text: text.to_owned() }]))
}

fn stop(permit: &Permit, case: &Case<'_>, session: u32, reason: &str) -> Result<Decision, Refusal> {
    let by = witness(permit, case)?;
    let session = open_session(case, session)?;
    if session.stop.is_some() {
        return Err(Refusal::SessionOver { session: session.number });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let notice = Notice::TerminalStopped { by: by.clone(), session: session.number, reason: reason.to_owned() };
    let stopped = Event::TerminalStopped { emergency: case.state.id, session: session.number, by, reason: reason.to_owned() };
    Ok(case.decision(vec![stopped, case.post(notice, &[])]))
}

fn seal(
    case: &Case<'_>,
    session: &Session,
    first: u64,
    blocks: &[SealedBlock],
    commands: &[TypedCommand],
    gaps: &[Gap],
) -> Result<Decision, Refusal> {
    let max = u32::try_from(SEALED_AT_ONCE_MAX).unwrap_or(u32::MAX);
    input::at_most("blocks", blocks.len(), max)?;
    input::at_most("commands", commands.len(), max)?;
    input::at_most("gaps", gaps.len(), max)?;
    if first != session.blocks {
        return Err(Refusal::Stale);
    }
    let emergency = case.state.id;
    let mut events = vec![Event::BlocksSealed {
        emergency,
        session: session.number,
        first,
        blocks: blocks.to_vec(),
        commands: commands.to_vec(),
        gaps: gaps.to_vec(),
    }];
    events.extend(ask::unconfirmed(case, session, commands));
    let ended = commands.iter().filter(|command| command.ended_at.is_some()).map(|command| command.number).max();
    let mut decision = case.decision(Vec::new());
    if let Some(command) = ended {
        look(case, CommandRef { session: session.number, command }, false, &mut events, &mut decision)?;
    }
    decision.events = events;
    Ok(decision)
}

/// Has the files looked at. While that is under way, once more is owed; a dozen quick commands are one look.
pub(crate) fn look(
    case: &Case<'_>,
    after: CommandRef,
    captures: bool,
    events: &mut Vec<Event>,
    decision: &mut Decision,
) -> Result<(), Refusal> {
    let emergency = case.state.id;
    if case.state.looking.is_some() {
        events.push(Event::LookOwed { emergency, after });
        return Ok(());
    }
    let (effect, order) = order(case, after, captures)?;
    events.push(effect);
    decision.effects.push(order);
    Ok(())
}

fn order(case: &Case<'_>, after: CommandRef, captures: bool) -> Result<(Event, Effect), Refusal> {
    let emergency = case.state.id;
    let attempt = case.state.looks.saturating_add(1);
    let key = EffectKey::of_emergency(emergency, "look", after.command, attempt);
    let declared = case.state.plan.terminal.as_ref().map(|terminal| terminal.captures.clone()).unwrap_or_default();
    let captures = if captures { declared } else { Vec::new() };
    let work = Work::LookAtFiles { emergency, host: case.host()?, scope: case.state.plan.scope.clone(), captures };
    Ok((Event::FilesLookedAt { emergency, effect: key.clone(), after }, Effect { key, work }))
}

pub(crate) fn seen(case: &Case<'_>, key: &EffectKey, looked: &Looked, captured: &[Captured]) -> Result<Decision, Refusal> {
    let looking = case.state.looking.as_ref().filter(|looking| looking.effect == *key).ok_or(Refusal::Stale)?;
    let mut events =
        vec![Event::FilesSeen { emergency: case.state.id, after: looking.after, looked: looked.clone(), captured: captured.to_vec() }];
    events.extend(surprises(case, &looked.changes));
    again(case, looking.next, events)
}

/// The files could not be looked at: said, and tried again after the next command, at the end, and when it is verified.
pub(crate) fn unseen(case: &Case<'_>, key: &EffectKey, detail: &str) -> Result<Decision, Refusal> {
    let looking = case.state.looking.as_ref().filter(|looking| looking.effect == *key).ok_or(Refusal::Stale)?;
    let (emergency, after) = (case.state.id, looking.after);
    let unseen = Event::FilesSeen { emergency, after, looked: Looked::unseen(case.state), captured: Vec::new() };
    again(case, looking.next, vec![unseen, troubled_by(case, Doing::Look, detail)])
}

fn again(case: &Case<'_>, next: Option<CommandRef>, mut events: Vec<Event>) -> Result<Decision, Refusal> {
    let mut decision = case.decision(Vec::new());
    if let Some(after) = next {
        let over = case.state.sessions.iter().any(|session| session.number == after.session && !session.is_open());
        let (event, effect) = order(case, after, over)?;
        events.push(event);
        decision.effects.push(effect);
    }
    decision.events = events;
    Ok(decision)
}

/// The signatures are checked again here, and once more by whoever verifies the record.
fn acknowledge(case: &Case<'_>, session: &Session, acks: &[Ack]) -> Result<Decision, Refusal> {
    input::at_most("acks", acks.len(), u32::try_from(ACKS_AT_ONCE_MAX).unwrap_or(u32::MAX))?;
    let good = |ack: &&Ack| {
        ack.from <= ack.block
            && ack.block < session.blocks
            && session.devices.get(&ack.person).is_some_and(|key| ack.is_signed_by(key, case.state.id, session.number))
    };
    let acks: Vec<Ack> = acks.iter().filter(good).cloned().collect();
    if acks.is_empty() {
        return Err(Refusal::Stale);
    }
    Ok(case.decision(vec![Event::BlocksWatched { emergency: case.state.id, session: session.number, acks }]))
}

fn gate(case: &Case<'_>, session: &Session, held: &[HeldBecause]) -> Result<Decision, Refusal> {
    if session.held == held {
        return Err(Refusal::Stale);
    }
    let (emergency, session) = (case.state.id, session.number);
    Ok(case.decision(vec![if held.is_empty() {
        Event::KeysReleased { emergency, session }
    } else {
        Event::KeysHeld { emergency, session, held: held.to_vec() }
    }]))
}

fn end_session(case: &Case<'_>, session: &Session, end: &SessionEnd) -> Result<Decision, Refusal> {
    let ended = Event::TerminalEnded { emergency: case.state.id, session: session.number, end: end.clone() };
    let mut events = vec![ended, case.post(Notice::TerminalEnded { session: session.number, end: end.clone() }, &[])];
    let last = session.commands.last().map_or(0, |command| command.number);
    let mut decision = case.decision(Vec::new());
    // Once more at the end: what ran in the background has ended by now, or is seen under way.
    look(case, CommandRef { session: session.number, command: last }, true, &mut events, &mut decision)?;
    decision.events = events;
    Ok(decision)
}
