//! What an event changes in a witnessed session.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ask::is_spent;
use super::{
    CommandRef, ConfirmedLine, LineAnswer, LineAsk, LookingAgain, Redaction, RedactionEvent, RedactionStanding, RedactionStep, Session,
    SessionEnd, TypedCommand, Watched,
};
use crate::emergency::Emergency;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::EmergencyId;

/// Commands kept in the state; earlier ones are counted, and stand in the ledger.
const COMMANDS_KEPT_MAX: usize = 100;
const GAPS_KEPT_MAX: usize = 100;
/// Confirmed lines within one command.
const CONFIRMED_KEPT_MAX: usize = 50;
const ANSWERED_KEPT_MAX: usize = 50;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    life(facts, event, at);
    recording(facts, event, at);
    dangerous(facts, event);
    redacted(facts, event, at);
    files(facts, event);
}

fn life(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::TerminalOpened { emergency, session, by, place } => {
            let opened = Session {
                number: *session,
                by: by.clone(),
                place: place.clone(),
                opened_at: at,
                blocks: 0,
                head: None,
                devices: BTreeMap::new(),
                watched: BTreeMap::new(),
                held: Vec::new(),
                commands: Vec::new(),
                commands_earlier: 0,
                gaps: Vec::new(),
                asked: None,
                asks: 0,
                answered: Vec::new(),
                confirmed: Vec::new(),
                unconfirmed: Vec::new(),
                redactions: Vec::new(),
                ended_at: None,
                stop: None,
                end: None,
            };
            if let Some(Some(state)) = facts.emergencies.get_mut(emergency) {
                state.sessions.push(opened);
                // What was verified before says nothing about what is typed now.
                state.solved = None;
                state.unaffected = None;
                facts.touched.emergencies.insert(*emergency);
            }
        }
        Event::KeysHeld { emergency, session, held } => with(facts, *emergency, *session, |state| state.held.clone_from(held)),
        Event::KeysReleased { emergency, session } => with(facts, *emergency, *session, |state| state.held.clear()),
        Event::TerminalStopped { emergency, session, by, reason } => with(facts, *emergency, *session, |state| {
            state.stop = Some(SessionEnd::Stopped { by: by.clone(), reason: reason.clone() });
        }),
        Event::TerminalEnded { emergency, session, end } => with(facts, *emergency, *session, |state| {
            state.end = Some(end.clone());
            state.ended_at = Some(at);
            state.held.clear();
        }),
        _ => {}
    }
}

fn recording(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::DeviceBound { emergency, session, person, key } => with(facts, *emergency, *session, |state| {
            state.devices.insert(person.clone(), key.clone());
        }),
        Event::BlocksSealed { emergency, session, first, blocks, commands, gaps } => with(facts, *emergency, *session, |state| {
            state.blocks = first.saturating_add(u64::try_from(blocks.len()).unwrap_or(u64::MAX));
            state.head = blocks.last().map(|block| block.head).or(state.head);
            commands.iter().for_each(|command| typed(state, command));
            for command in commands.iter().filter(|command| command.ended_at.is_some()) {
                state.confirmed.retain(|line| !is_spent(line, command));
            }
            state.gaps.extend(gaps.iter().cloned());
            state.gaps.truncate(GAPS_KEPT_MAX);
        }),
        Event::BlocksWatched { emergency, session, acks } => with(facts, *emergency, *session, |state| {
            for ack in acks {
                let Some(key) = state.devices.get(&ack.person).cloned() else { continue };
                let watched = state.watched.entry(ack.person.clone()).or_insert_with(|| Watched {
                    key: key.clone(),
                    from_block: ack.from,
                    to_block: ack.block,
                    at,
                });
                watched.key = key;
                watched.to_block = watched.to_block.max(ack.block);
                watched.at = at;
            }
        }),
        _ => {}
    }
}

fn dangerous(facts: &mut Facts, event: &Event) {
    match event {
        Event::LineAsked { emergency, session, ask } => with(facts, *emergency, *session, |state| {
            state.asks = ask.ask;
            let before = state.asked.replace(ask.clone());
            let answered = |before: &LineAsk| matches!(before.answer, Some(LineAnswer::Confirmed { .. } | LineAnswer::Denied { .. }));
            state.answered.extend(before.filter(answered));
            if state.answered.len() > ANSWERED_KEPT_MAX {
                state.answered.remove(0);
            }
        }),
        Event::LineConfirmed { emergency, session, ask, by, .. } => with(facts, *emergency, *session, |state| {
            let Some(asked) = state.asked.as_mut().filter(|asked| asked.ask == *ask) else { return };
            asked.answer = Some(LineAnswer::Confirmed { by: by.clone() });
            state.confirmed.push(ConfirmedLine { line: asked.line.clone(), asked_at: asked.asked_at, by: by.clone() });
            if state.confirmed.len() > CONFIRMED_KEPT_MAX {
                state.confirmed.remove(0);
            }
        }),
        Event::LineDenied { emergency, session, ask, by, reason, .. } => {
            let answer = LineAnswer::Denied { by: by.clone(), reason: reason.clone() };
            answered(facts, *emergency, *session, *ask, answer);
        }
        Event::LineWithdrawn { emergency, session, ask, .. } => {
            with(facts, *emergency, *session, |state| {
                let asked_at = state.asked.as_ref().filter(|asked| asked.ask == *ask).map(|asked| asked.asked_at);
                state.confirmed.retain(|line| Some(line.asked_at) != asked_at);
            });
            answered(facts, *emergency, *session, *ask, LineAnswer::Withdrawn);
        }
        Event::LineUnconfirmed { emergency, session, command, .. } => with(facts, *emergency, *session, |state| {
            if state.unconfirmed.len() < COMMANDS_KEPT_MAX {
                state.unconfirmed.push(*command);
            }
        }),
        _ => {}
    }
}

fn redacted(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Redaction(RedactionEvent { emergency, session, redaction, step }) = event else { return };
    with(facts, *emergency, *session, |state| {
        if let RedactionStep::Proposed { from, to, by, reason } = step {
            return state.redactions.push(Redaction {
                number: *redaction,
                from: *from,
                to: *to,
                reason: reason.clone(),
                proposed_by: by.clone(),
                proposed_at: at,
                standing: RedactionStanding::Proposed,
                tries: 0,
                trouble: None,
            });
        }
        let Some(known) = state.redactions.iter_mut().find(|known| known.number == *redaction) else { return };
        match step {
            RedactionStep::Proposed { .. } => {}
            RedactionStep::Declined { by, reason } => {
                known.standing = RedactionStanding::Declined { by: by.clone(), reason: reason.clone() };
            }
            RedactionStep::Agreed { by, effect } => {
                known.standing = RedactionStanding::Agreed { by: by.clone(), effect: effect.clone() };
                known.tries = known.tries.saturating_add(1);
                known.trouble = None;
            }
            RedactionStep::Done { blocks } => {
                if let RedactionStanding::Agreed { by, .. } = &known.standing {
                    let blocks = u64::try_from(blocks.len()).unwrap_or(u64::MAX);
                    known.standing = RedactionStanding::Done { by: by.clone(), at, blocks };
                }
            }
            RedactionStep::Failed { detail } => {
                known.standing = RedactionStanding::Proposed;
                known.trouble = Some(detail.clone());
            }
        }
    });
}

fn answered(facts: &mut Facts, emergency: EmergencyId, session: u32, ask: u32, answer: LineAnswer) {
    with(facts, emergency, session, |state| {
        if let Some(asked) = state.asked.as_mut().filter(|asked| asked.ask == ask) {
            asked.answer = Some(answer);
        }
    });
}

fn files(facts: &mut Facts, event: &Event) {
    match event {
        Event::LookOwed { emergency, after } => of(facts, *emergency, |state| {
            if let Some(looking) = &mut state.looking {
                looking.next = Some(*after);
            }
        }),
        Event::FilesLookedAt { emergency, effect, after } => of(facts, *emergency, |state| {
            state.looks = state.looks.saturating_add(1);
            state.looking = Some(LookingAgain { effect: effect.clone(), after: *after, next: None });
        }),
        Event::FilesSeen { emergency, after, looked, captured } => of(facts, *emergency, |state| {
            state.looking = None;
            let mut looked = looked.clone();
            looked.changes.iter_mut().for_each(|change| change.command = (*after != CommandRef::NONE).then_some(*after));
            crate::emergency::state::changed(state, &looked);
            if !captured.is_empty() {
                // The first and the last are what is compared.
                state.captured.truncate(1);
                state.captured.push((*after, captured.clone()));
            }
        }),
        _ => {}
    }
}

/// A command is told when it begins and again when it ends; the later word replaces the earlier.
fn typed(state: &mut Session, command: &TypedCommand) {
    if let Some(known) = state.commands.iter_mut().find(|known| known.number == command.number) {
        known.clone_from(command);
        return;
    }
    state.commands.push(command.clone());
    if state.commands.len() > COMMANDS_KEPT_MAX {
        state.commands.remove(0);
        state.commands_earlier = state.commands_earlier.saturating_add(1);
    }
}

fn of(facts: &mut Facts, emergency: EmergencyId, change: impl FnOnce(&mut Emergency)) {
    if let Some(Some(state)) = facts.emergencies.get_mut(&emergency) {
        change(state);
        facts.touched.emergencies.insert(emergency);
    }
}

fn with(facts: &mut Facts, emergency: EmergencyId, session: u32, change: impl FnOnce(&mut Session)) {
    let Some(Some(state)) = facts.emergencies.get_mut(&emergency) else { return };
    if let Some(found) = state.sessions.iter_mut().find(|found| found.number == session) {
        change(found);
        facts.touched.emergencies.insert(emergency);
    }
}
