//! What the ledger tells of one session: gathered from the events of its case in their order. The recording itself is checked by
//! [`Reel`](super::record::Reel), and both together by [`crate::ledger`]'s bundle.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::danger::line_digest;
use super::{
    Ack, CommandRef, ConfirmedLine, DeviceKey, Gap, HeldBecause, LineAsk, RedactedBlock, RedactionEvent, RedactionStep, SealedBlock,
    SessionEnd, TypedCommand,
};
use crate::event::Event;
use crate::ids::{Digest, EmergencyId, PersonId};

/// More blocks than this are no recording of this program: twelve days at one a second.
pub const BLOCKS_MAX: usize = 1_000_000;
/// More than this of anything else is counted in the ledger, and not gathered.
const TOLD_MAX: usize = 100_000;

/// While these reasons held, no key reached the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldPeriod {
    pub from: Timestamp,
    /// `None`: until the session ended.
    pub to: Option<Timestamp>,
    pub why: Vec<HeldBecause>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessNote {
    pub at: Timestamp,
    pub by: PersonId,
    pub text: String,
}

/// Blocks that somebody's own device has signed to have shown, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    pub from: u64,
    pub to: u64,
}

/// One signed word with the entry that holds it, and the key that was bound to its person then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckTold {
    pub seq: u64,
    pub ack: Ack,
    pub key: Option<DeviceKey>,
}

/// Which files changed after which command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedAfter {
    pub after: CommandRef,
    pub paths: Vec<String>,
}

/// Bytes of output that two people have had taken out of the recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactionTold {
    pub number: u32,
    pub from: u64,
    pub to: u64,
    pub reason: String,
    pub proposed_by: PersonId,
    pub agreed_by: Option<PersonId>,
    /// When the blocks were written anew; `None`: not yet, or never.
    pub done_at: Option<Timestamp>,
    /// Blocks that were.
    pub blocks: Vec<u64>,
}

/// Everything that the entries of a case say of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub emergency: EmergencyId,
    pub session: u32,
    pub opened: Option<(Timestamp, PersonId, String)>,
    pub blocks: Vec<SealedBlock>,
    /// The first entry whose blocks do not follow those before, and the block that it says comes first.
    pub misplaced: Option<(u64, u64)>,
    pub commands: BTreeMap<u32, TypedCommand>,
    pub gaps: Vec<Gap>,
    pub held: Vec<HeldPeriod>,
    pub notes: Vec<WitnessNote>,
    pub devices: BTreeMap<PersonId, DeviceKey>,
    pub acks: Vec<AckTold>,
    pub changed: Vec<ChangedAfter>,
    pub ended: Option<(Timestamp, SessionEnd)>,
    /// The dangerous line that was asked about last, and those that were confirmed, each with the entry that says so.
    pub asked: Option<LineAsk>,
    pub confirmed: Vec<(u64, ConfirmedLine)>,
    /// Answers to a line that was not asked about, or to another one.
    pub misanswered: Vec<(u64, PersonId)>,
    /// Commands that are told as dangerous and not confirmed.
    pub unconfirmed: BTreeSet<u32>,
    pub redactions: Vec<RedactionTold>,
    /// Blocks as they were written anew last.
    pub redacted: BTreeMap<u64, RedactedBlock>,
    /// Entries that write blocks anew which nobody had agreed to, or other ones than those that were there.
    pub misredacted: Vec<u64>,
}

impl Told {
    pub fn new(emergency: EmergencyId, session: u32) -> Self {
        Self {
            emergency,
            session,
            opened: None,
            blocks: Vec::new(),
            misplaced: None,
            commands: BTreeMap::new(),
            gaps: Vec::new(),
            held: Vec::new(),
            notes: Vec::new(),
            devices: BTreeMap::new(),
            acks: Vec::new(),
            changed: Vec::new(),
            ended: None,
            asked: None,
            confirmed: Vec::new(),
            misanswered: Vec::new(),
            unconfirmed: BTreeSet::new(),
            redactions: Vec::new(),
            redacted: BTreeMap::new(),
            misredacted: Vec::new(),
        }
    }

    /// Which session an event is about, if about one.
    pub fn about(event: &Event) -> Option<(EmergencyId, u32)> {
        Some(match event {
            Event::TerminalOpened { emergency, session, .. }
            | Event::DeviceBound { emergency, session, .. }
            | Event::SessionNoted { emergency, session, .. }
            | Event::BlocksSealed { emergency, session, .. }
            | Event::BlocksWatched { emergency, session, .. }
            | Event::KeysHeld { emergency, session, .. }
            | Event::KeysReleased { emergency, session }
            | Event::LineAsked { emergency, session, .. }
            | Event::LineConfirmed { emergency, session, .. }
            | Event::LineDenied { emergency, session, .. }
            | Event::LineWithdrawn { emergency, session, .. }
            | Event::LineUnconfirmed { emergency, session, .. }
            | Event::Redaction(RedactionEvent { emergency, session, .. })
            | Event::TerminalStopped { emergency, session, .. }
            | Event::TerminalEnded { emergency, session, .. } => (*emergency, *session),
            Event::FilesSeen { emergency, after, .. } => (*emergency, after.session),
            _ => return None,
        })
    }

    /// Hears one event of entry `seq`, recorded `at`. Events of other sessions say nothing here.
    pub fn hear(&mut self, seq: u64, at: Timestamp, event: &Event) {
        if Self::about(event) != Some((self.emergency, self.session)) {
            return;
        }
        match event {
            Event::TerminalOpened { by, place, .. } => self.opened = Some((at, by.clone(), place.clone())),
            Event::DeviceBound { person, key, .. } => {
                self.devices.insert(person.clone(), key.clone());
            }
            Event::SessionNoted { by, text, .. } => few(&mut self.notes, [WitnessNote { at, by: by.clone(), text: text.clone() }]),
            Event::BlocksSealed { first, blocks, commands, gaps, .. } => {
                if *first != count(self.blocks.len()) && self.misplaced.is_none() {
                    self.misplaced = Some((seq, *first));
                }
                let room = BLOCKS_MAX.saturating_sub(self.blocks.len());
                self.blocks.extend(blocks.iter().take(room).cloned());
                for command in commands.iter().take(TOLD_MAX) {
                    self.commands.insert(command.number, command.clone());
                }
                few(&mut self.gaps, gaps.iter().cloned());
            }
            Event::BlocksWatched { acks, .. } => {
                let devices = &self.devices;
                let told = acks.iter().map(|ack| AckTold { seq, ack: ack.clone(), key: devices.get(&ack.person).cloned() });
                self.acks.extend(told);
            }
            Event::KeysHeld { held, .. } => {
                self.released(at);
                few(&mut self.held, [HeldPeriod { from: at, to: None, why: held.clone() }]);
            }
            Event::KeysReleased { .. } => self.released(at),
            Event::FilesSeen { after, looked, .. } => {
                let paths = looked.changes.iter().map(|change| change.path.clone()).collect::<Vec<_>>();
                few(&mut self.changed, (!paths.is_empty()).then_some(ChangedAfter { after: *after, paths }));
            }
            Event::TerminalEnded { end, .. } => {
                self.released(at);
                self.ended = Some((at, end.clone()));
            }
            _ => {
                self.dangerous(seq, at, event);
                self.redaction(seq, at, event);
            }
        }
    }

    /// What was asked about a dangerous line, and answered.
    fn dangerous(&mut self, seq: u64, at: Timestamp, event: &Event) {
        match event {
            Event::LineAsked { ask, .. } => self.asked = Some(ask.clone()),
            Event::LineConfirmed { ask, digest, by, .. } => {
                let of = (self.emergency, self.session);
                let fits = |asked: &LineAsk| {
                    asked.ask == *ask
                        && asked.digest == *digest
                        && asked.digest == line_digest(of.0, of.1, asked.asked_at, &asked.line)
                        && at < asked.until
                };
                // Once: the next answer needs another question.
                match self.asked.take_if(|asked| fits(asked)) {
                    Some(asked) => {
                        few(&mut self.confirmed, [(seq, ConfirmedLine { line: asked.line, asked_at: asked.asked_at, by: by.clone() })]);
                    }
                    None => few(&mut self.misanswered, [(seq, by.clone())]),
                }
            }
            Event::LineWithdrawn { digest, .. } => {
                let of = (self.emergency, self.session);
                self.confirmed.retain(|(_, line)| line_digest(of.0, of.1, line.asked_at, &line.line) != *digest);
            }
            Event::LineUnconfirmed { command, .. } => {
                self.unconfirmed.insert(*command);
            }
            _ => {}
        }
    }

    /// What was proposed, agreed to and taken out.
    fn redaction(&mut self, seq: u64, at: Timestamp, event: &Event) {
        let Event::Redaction(RedactionEvent { redaction, step, .. }) = event else { return };
        if let RedactionStep::Proposed { from, to, by, reason } = step {
            let (number, reason, proposed_by) = (*redaction, reason.clone(), by.clone());
            let told =
                RedactionTold { number, from: *from, to: *to, reason, proposed_by, agreed_by: None, done_at: None, blocks: Vec::new() };
            return few(&mut self.redactions, [told]);
        }
        let found = self.redactions.iter().position(|known| known.number == *redaction);
        let (blocks, found) = match (step, found.and_then(|found| self.redactions.get_mut(found))) {
            (RedactionStep::Agreed { by, .. }, Some(found)) => return found.agreed_by = Some(by.clone()),
            (RedactionStep::Failed { .. }, Some(found)) => return found.agreed_by = None,
            (RedactionStep::Done { blocks }, found) => (blocks, found.map(|found| found.clone())),
            _ => return,
        };
        let agreed = |known: &RedactionTold| known.done_at.is_none() && known.agreed_by.as_ref().is_some_and(|by| *by != known.proposed_by);
        let fits = blocks.iter().all(|block| self.file(block.block) == Some(block.was));
        if !fits || !found.as_ref().is_some_and(agreed) {
            return few(&mut self.misredacted, [seq]);
        }
        for known in self.redactions.iter_mut().filter(|known| known.number == *redaction) {
            known.done_at = Some(at);
            known.blocks = blocks.iter().map(|block| block.block).collect();
        }
        self.redacted.extend(blocks.iter().map(|block| (block.block, block.clone())));
    }

    /// The content in which a block's frames are, as of now.
    pub fn file(&self, block: u64) -> Option<Digest> {
        let sealed = || usize::try_from(block).ok().and_then(|block| self.blocks.get(block)).map(|sealed| sealed.file);
        self.redacted.get(&block).map(|redacted| redacted.now).or_else(sealed)
    }

    fn released(&mut self, at: Timestamp) {
        if let Some(open) = self.held.last_mut().filter(|period| period.to.is_none()) {
            open.to = Some(at);
        }
    }

    /// Which blocks each person's device has signed, as far as the words are good. Stretches that touch are one.
    pub fn watched(&self) -> BTreeMap<PersonId, Vec<Stretch>> {
        let mut watched: BTreeMap<PersonId, Vec<Stretch>> = BTreeMap::new();
        for told in self.acks.iter().filter(|told| self.is_good(told)) {
            watched.entry(told.ack.person.clone()).or_default().push(Stretch { from: told.ack.from, to: told.ack.block });
        }
        watched.values_mut().for_each(join);
        watched
    }

    /// Signed with the key that was bound to this person, about a block that is there, with that block's head.
    pub fn is_good(&self, told: &AckTold) -> bool {
        let head = usize::try_from(told.ack.block).ok().and_then(|block| self.blocks.get(block)).map(|block| block.head);
        told.ack.from <= told.ack.block
            && head == Some(told.ack.head)
            && told.key.as_ref().is_some_and(|key| told.ack.is_signed_by(key, self.emergency, self.session))
    }
}

/// Sorts stretches, and joins those that overlap or follow each other.
pub fn join(stretches: &mut Vec<Stretch>) {
    stretches.sort_unstable_by_key(|stretch| (stretch.from, stretch.to));
    let mut joined: Vec<Stretch> = Vec::with_capacity(stretches.len());
    for next in stretches.drain(..) {
        match joined.last_mut().filter(|last| next.from <= last.to.saturating_add(1)) {
            Some(last) => last.to = last.to.max(next.to),
            None => joined.push(next),
        }
    }
    *stretches = joined;
}

/// Whether one of these stretches holds the block.
pub fn holds(stretches: &[Stretch], block: u64) -> bool {
    stretches.iter().any(|stretch| (stretch.from..=stretch.to).contains(&block))
}

/// The blocks of `of` in which the watching was not enough: fewer people than `needed`, or fewer of `seniors` than `seniors_needed`.
pub fn short_of(
    of: &[u64],
    watched: &BTreeMap<PersonId, Vec<Stretch>>,
    counts: impl Fn(&PersonId) -> bool,
    is_senior: impl Fn(&PersonId) -> bool,
    needed: (u32, u32),
) -> Vec<Stretch> {
    let short = of.iter().filter(|block| !enough_at(**block, watched, &counts, &is_senior, needed));
    let mut found: Vec<Stretch> = short.map(|block| Stretch { from: *block, to: *block }).collect();
    join(&mut found);
    found
}

/// The blocks that enough people have watched together.
pub fn together(
    watched: &BTreeMap<PersonId, Vec<Stretch>>,
    counts: impl Fn(&PersonId) -> bool,
    is_senior: impl Fn(&PersonId) -> bool,
    needed: (u32, u32),
) -> Vec<Stretch> {
    // Who watches changes only where somebody's stretch begins or has ended.
    let edges: BTreeSet<u64> = watched.values().flatten().flat_map(|stretch| [stretch.from, stretch.to.saturating_add(1)]).collect();
    let mut found: Vec<Stretch> = edges
        .iter()
        .zip(edges.iter().skip(1))
        .filter(|(from, _)| enough_at(**from, watched, &counts, &is_senior, needed))
        .map(|(from, next)| Stretch { from: *from, to: next.saturating_sub(1) })
        .collect();
    join(&mut found);
    found
}

fn enough_at(
    block: u64,
    watched: &BTreeMap<PersonId, Vec<Stretch>>,
    counts: &impl Fn(&PersonId) -> bool,
    is_senior: &impl Fn(&PersonId) -> bool,
    needed: (u32, u32),
) -> bool {
    let enough = |have: usize, needed: u32| u32::try_from(have).unwrap_or(u32::MAX) >= needed;
    let there: Vec<&PersonId> =
        watched.iter().filter(|(person, stretches)| counts(person) && holds(stretches, block)).map(|(person, _)| person).collect();
    let seniors = there.iter().filter(|person| is_senior(person)).count();
    enough(there.len(), needed.0) && enough(seniors, needed.1)
}

fn few<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    let room = TOLD_MAX.saturating_sub(list.len());
    list.extend(more.into_iter().take(room));
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
