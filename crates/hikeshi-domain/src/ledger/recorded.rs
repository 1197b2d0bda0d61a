//! Verifying the recording of one session as a bundle holds it: every block, every signed word, every command.

#![expect(clippy::wildcard_enum_match_arm, reason = "only some frames say something about commands and the gate")]

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Declared, Flaw, Found, SessionVerdict, Unpack};
use super::{Files, content_file};
use crate::ids::PersonId;
use crate::session::is_spent;
use crate::session::record::{Frame, RecordError, Reel, Word, is_taken_out};
use crate::session::told::{AckTold, Told, short_of};
use crate::session::{DangerousLine, SessionEnd, TypedCommand, danger};

/// What a recording is judged by.
pub(super) struct Recorded<'a> {
    pub(super) executor: &'a PersonId,
    pub(super) dangerous: &'a [DangerousLine],
    pub(super) joined: &'a BTreeSet<PersonId>,
    pub(super) approved: &'a BTreeSet<PersonId>,
    pub(super) declared: Option<&'a Declared>,
    pub(super) files: &'a Files,
    pub(super) unpack: Unpack<'a>,
}

/// What the frames have told.
#[derive(Default)]
struct Shown {
    commands: BTreeMap<u32, TypedCommand>,
    end: Option<SessionEnd>,
    /// Blocks in which keys could reach the shell, at least for a moment.
    open: Vec<u64>,
    output_bytes: u64,
    read: u64,
}

pub(super) fn look_at(told: &Told, around: &Recorded<'_>, found: &mut Found) -> SessionVerdict {
    let session = Some(told.session);
    if let Some((_, by, _)) = told.opened.as_ref().filter(|(_, by, _)| by != around.executor) {
        found.say(session, Flaw::SessionNotByExecutor { person: by.clone() });
    }
    if let Some((seq, first)) = told.misplaced {
        found.say(session, Flaw::BlocksMisplaced { seq, first });
    }
    let shown = frames(told, around, found);
    let whole = shown.read == count(told.blocks.len());
    if whole {
        compare(told, &shown, found);
    }
    people(told, around, found);
    redactions(told, around, found);
    dangerous(told, around, found);
    let watched = told.watched();
    let seniors: BTreeSet<PersonId> = watched
        .keys()
        .filter(|person| !around.approved.contains(*person) && around.declared.is_some_and(|rules| rules.seniors.contains(*person)))
        .cloned()
        .collect();
    let needed = around.declared.map_or((0, 0), |rules| (rules.witnesses_min, rules.seniors_min));
    let short = short_of(&shown.open, &watched, |person| person != around.executor, |person| seniors.contains(person), needed);
    SessionVerdict {
        session: told.session,
        by: told.opened.as_ref().map(|(_, by, _)| by.clone()),
        opened_at: told.opened.as_ref().map(|(at, ..)| *at),
        ended_at: told.ended.as_ref().map(|(at, _)| *at),
        blocks: count(told.blocks.len()),
        commands: count(told.commands.len()),
        output_bytes: shown.output_bytes,
        gaps: count(told.gaps.len()),
        confirmed: count(told.confirmed.len()),
        unconfirmed: told.unconfirmed.clone(),
        redactions: told.redactions.iter().filter(|redaction| redaction.done_at.is_some()).cloned().collect(),
        open_blocks: count(shown.open.len()),
        watched,
        seniors,
        short,
    }
}

/// Reads block after block, up to the first that does not fit.
fn frames(told: &Told, around: &Recorded<'_>, found: &mut Found) -> Shown {
    let (mut reel, mut shown, mut open) = (Reel::default(), Shown::default(), false);
    let mut readable = BTreeSet::new();
    for (block, sealed) in (0..).zip(&told.blocks) {
        let redacted = told.redacted.get(&block);
        let Some(file) = around.files.get(&content_file(&redacted.map_or(sealed.file, |redacted| redacted.now))) else {
            found.say(Some(told.session), Flaw::BlockMissing { block });
            return shown;
        };
        let taken = reel.take((told.emergency, told.session), (sealed, redacted), file, around.unpack);
        let frames = match taken {
            Ok((taken, _)) => taken.frames,
            Err(error) => {
                let detail = match error {
                    RecordError::Chain { detail, .. } => detail,
                    other => other.to_string(),
                };
                found.say(Some(told.session), Flaw::BlockBroken { block, detail });
                return shown;
            }
        };
        let mut was_open = open;
        for (_, frame) in frames {
            // Also of blocks that were left as they are: a redaction may not reach as far as it was agreed to.
            if let Frame::Output(bytes) = &frame {
                readable.extend(still_readable(told, shown.output_bytes, bytes));
            }
            shown.hear(frame, &mut open);
            was_open |= open;
        }
        if was_open {
            shown.open.push(block);
        }
        shown.read += 1;
    }
    for redaction in readable {
        found.say(Some(told.session), Flaw::RedactionReadable { redaction });
    }
    shown
}

/// Redactions of which something can still be read in these bytes of output, the first of which is `at`.
fn still_readable<'a>(told: &'a Told, at: u64, bytes: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
    let done = told.redactions.iter().filter(|redaction| redaction.done_at.is_some());
    let touched = done.filter(move |redaction| redaction.from < at.saturating_add(count(bytes.len())) && at < redaction.to);
    let readable = touched.filter(move |redaction| {
        (at..).zip(bytes).any(|(place, byte)| (redaction.from..redaction.to).contains(&place) && !is_taken_out(*byte))
    });
    readable.map(|redaction| redaction.number)
}

impl Shown {
    fn hear(&mut self, frame: Frame, open: &mut bool) {
        match frame {
            Frame::Output(bytes) => self.output_bytes = self.output_bytes.saturating_add(count(bytes.len())),
            Frame::Word(Word::Released) => *open = true,
            Frame::Word(Word::Held { .. }) => *open = false,
            Frame::Word(Word::CommandEnded { command }) => {
                self.commands.insert(command.number, command);
            }
            Frame::Word(Word::Ended { end }) => self.end = Some(end),
            _ => {}
        }
    }
}

/// What the ledger says beside what the recording shows.
fn compare(told: &Told, shown: &Shown, found: &mut Found) {
    let session = Some(told.session);
    for (number, command) in &told.commands {
        match shown.commands.get(number) {
            Some(recorded) => {
                if let Some(field) = difference(command, recorded) {
                    found.say(session, Flaw::CommandDiffers { number: *number, field: field.to_owned() });
                }
            }
            None if command.ended_at.is_some() => found.say(session, Flaw::CommandNotRecorded { number: *number }),
            None => {}
        }
    }
    for number in shown.commands.keys().filter(|number| !told.commands.contains_key(number)) {
        found.say(session, Flaw::CommandNotTold { number: *number });
    }
    match (&told.ended, &shown.end) {
        (Some((_, SessionEnd::Exited { .. } | SessionEnd::Stopped { .. } | SessionEnd::ConnectionLost { .. })), None) => {
            found.say(session, Flaw::RecordingCut { blocks: shown.read });
        }
        (Some((_, SessionEnd::Exited { code })), Some(SessionEnd::Exited { code: recorded })) if code != recorded => {
            found.say(session, Flaw::EndDiffers);
        }
        // A connection that broke is no shell that ended, and the other way round.
        (Some((_, SessionEnd::Exited { .. })), Some(SessionEnd::ConnectionLost { .. }))
        | (Some((_, SessionEnd::ConnectionLost { .. })), Some(SessionEnd::Exited { .. })) => found.say(session, Flaw::EndDiffers),
        _ => {}
    }
}

/// Every command with dangerous words was confirmed by a witness, or the ledger says that it was not.
fn dangerous(told: &Told, around: &Recorded<'_>, found: &mut Found) {
    let session = Some(told.session);
    for (seq, person) in &told.misanswered {
        found.say(session, Flaw::LineNotAsked { seq: *seq, person: person.clone() });
    }
    for (seq, line) in &told.confirmed {
        if line.by == *around.executor || !around.joined.contains(&line.by) {
            found.say(session, Flaw::ConfirmerNotWitness { seq: *seq, person: line.by.clone() });
        }
    }
    let mut confirmed: Vec<_> = told.confirmed.iter().map(|(_, line)| line).collect();
    // In the order in which they ended: a shell within a command ends before it.
    let mut ended: Vec<&TypedCommand> = told.commands.values().filter(|command| command.ended_at.is_some()).collect();
    ended.sort_by_key(|command| command.ended_at);
    for command in ended {
        let lines = confirmed.iter().filter(|line| is_spent(line, command)).map(|line| line.line.as_str());
        let unconfirmed = danger::unconfirmed(around.dangerous, &command.text, lines).is_some();
        if unconfirmed && !told.unconfirmed.contains(&command.number) {
            found.say(session, Flaw::CommandUnconfirmed { number: command.number });
        }
        confirmed.retain(|line| !is_spent(line, command));
    }
}

/// Whether what was taken out was agreed to by a second person.
fn redactions(told: &Told, around: &Recorded<'_>, found: &mut Found) {
    let session = Some(told.session);
    for seq in &told.misredacted {
        found.say(session, Flaw::RedactionNotAgreed { seq: *seq });
    }
    let done = told.redactions.iter().filter(|redaction| redaction.done_at.is_some());
    for person in done.filter_map(|redaction| redaction.agreed_by.as_ref()).filter(|person| *person == around.executor) {
        found.say(session, Flaw::RedactionByExecutor { person: person.clone() });
    }
}

fn difference(told: &TypedCommand, recorded: &TypedCommand) -> Option<&'static str> {
    if told.text != recorded.text {
        return Some("text");
    }
    if told.exit_code != recorded.exit_code || told.pipeline != recorded.pipeline {
        return Some("exit_code");
    }
    if told.cwd != recorded.cwd {
        return Some("cwd");
    }
    (told != recorded).then_some("times")
}

/// The signed words, and whether those who signed could witness.
fn people(told: &Told, around: &Recorded<'_>, found: &mut Found) {
    let session = Some(told.session);
    for told_ack in &told.acks {
        if let Some(flaw) = ack_flaw(told, told_ack) {
            found.say(session, flaw);
        }
    }
    let signed: BTreeSet<&PersonId> = told.acks.iter().map(|told| &told.ack.person).collect();
    for person in signed.iter().filter(|person| **person == around.executor) {
        found.say(session, Flaw::WitnessIsExecutor { person: (*person).clone() });
    }
    for person in signed.iter().filter(|person| !around.joined.contains(**person)) {
        found.say(session, Flaw::WitnessNotJoined { person: (*person).clone() });
    }
    for (person, key) in &told.devices {
        // Each pair once, under the later name.
        if let Some((with, _)) = told.devices.iter().find(|(other, known)| *other < person && *known == key) {
            found.say(session, Flaw::DeviceShared { person: person.clone(), with: with.clone() });
        }
    }
}

fn ack_flaw(told: &Told, AckTold { seq, ack, key }: &AckTold) -> Option<Flaw> {
    let (seq, person, block) = (*seq, ack.person.clone(), ack.block);
    let Some(key) = key else { return Some(Flaw::AckWithoutDevice { seq, person }) };
    let head = usize::try_from(block).ok().and_then(|block| told.blocks.get(block)).map(|sealed| sealed.head);
    match head {
        None => Some(Flaw::AckBeyondEnd { seq, person, block }),
        Some(head) if head != ack.head => Some(Flaw::AckOfOtherHead { seq, person, block }),
        Some(_) if !ack.is_signed_by(key, told.emergency, told.session) || ack.from > block => {
            Some(Flaw::AckNotSigned { seq, person, block })
        }
        Some(_) => None,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
