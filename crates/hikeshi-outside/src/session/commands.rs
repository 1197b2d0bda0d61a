//! Between the pty and the record: finds the shell's own marks, takes them out of what is recorded, and tells the commands.
//!
//! A mark carries the text of a command before it is masked, and the secret of the session; neither belongs into the record. Marks of
//! others, and forged ones, are bytes like any other and stay.

use std::collections::BTreeMap;

use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::record::Word;
use hikeshi_domain::session::{Encoding, Inner, Known, TypedCommand};

use super::shell::{self, CommandTracker, Ended, Mark, Marks, Nonce, Record, Told};
use crate::clock;

/// Longest text of a command that is recorded whole.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Longest text in the ledger's entry.
const LEDGER_CHARS_MAX: usize = 4_000;

/// What comes out, in order.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// A command has ended: what is held back before it goes out.
    Boundary,
    Word(Word),
}

pub(super) struct Commands {
    marks: Marks,
    tracker: CommandTracker,
    masker: Masker,
    encoding: Encoding,
    /// What was read and not passed on: the beginning of a mark, perhaps.
    held: Vec<u8>,
    held_from: u64,
    /// Where the output of an open command begins, counted in recorded bytes.
    begun: BTreeMap<u64, u64>,
}

impl Commands {
    pub(super) fn new(nonce: Nonce, masker: Masker, encoding: Encoding, commands: u64) -> Self {
        let tracker = if commands == 0 { CommandTracker::new(clock::now()) } else { CommandTracker::continued(clock::now(), commands) };
        Self { marks: Marks::new(nonce, TEXT_BYTES_MAX), tracker, masker, encoding, held: Vec::new(), held_from: 0, begun: BTreeMap::new() }
    }

    /// `emit` takes the pieces in order, and says how many bytes of output were recorded until then.
    pub(super) fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(Piece) -> u64) {
        let mut seen = Vec::new();
        self.marks.feed(bytes, &mut seen);
        self.held.extend_from_slice(bytes);
        for seen in seen {
            if let Mark::Own { .. } = seen.mark {
                let before = self.take_until(seen.from);
                let mark = self.take_until(seen.to);
                drop(mark);
                emit(Piece::Bytes(before));
            }
            let mut told = Vec::new();
            self.tracker.take(seen, clock::now(), &mut told);
            for told in told {
                self.tell(told, &mut emit);
            }
        }
        let until = self.marks.unfinished_from().unwrap_or_else(|| self.marks.offset());
        let ready = self.take_until(until);
        if !ready.is_empty() {
            emit(Piece::Bytes(ready));
        }
    }

    pub(super) fn finish(&mut self, mut emit: impl FnMut(Piece) -> u64) {
        let rest = std::mem::take(&mut self.held);
        self.held_from = self.marks.offset();
        emit(Piece::Bytes(rest));
        let mut told = Vec::new();
        self.tracker.finish(self.marks.offset(), clock::now(), &mut told);
        for told in told {
            self.tell(told, &mut emit);
        }
    }

    fn take_until(&mut self, offset: u64) -> Vec<u8> {
        let count = usize::try_from(offset.saturating_sub(self.held_from)).unwrap_or(usize::MAX).min(self.held.len());
        self.held_from = self.held_from.saturating_add(u64::try_from(count).unwrap_or(0));
        let rest = self.held.split_off(count);
        std::mem::replace(&mut self.held, rest)
    }

    fn tell(&mut self, told: Told, emit: &mut impl FnMut(Piece) -> u64) {
        match told {
            Told::Began { number, text, cwd, .. } => {
                let text = self.masker.text(&self.words(&text.bytes));
                let word = Word::CommandBegan { number: short(number), text, cwd: self.masker.text(&self.words(&cwd)) };
                let at = emit(Piece::Word(word));
                self.begun.insert(number, at);
            }
            Told::Finished(record) => {
                let number = record.number;
                let from = self.begun.remove(&number);
                let at = emit(Piece::Boundary);
                let command = self.command(record, from.unwrap_or(at), at);
                emit(Piece::Word(Word::CommandEnded { command }));
            }
            Told::Forged { .. } | Told::ShellStarted { .. } | Told::Prompt { .. } | Told::ShellExited { .. } => {}
        }
    }

    fn command(&self, record: Record, output_from: u64, output_to: u64) -> TypedCommand {
        let text = self.masker.text(&self.words(&record.text.bytes));
        let short_text: String = text.chars().take(LEDGER_CHARS_MAX).collect();
        TypedCommand {
            number: short(record.number),
            cut: record.text.is_cut() || short_text.len() < text.len(),
            text: short_text,
            cwd: self.masker.text(&self.words(&record.cwd)),
            exit_code: record.exit,
            pipeline: if record.pipeline.len() > 1 { record.pipeline } else { Vec::new() },
            known: match record.known {
                shell::Known::Integrated => Known::Integrated,
                shell::Known::Hint => Known::Hint,
                shell::Known::Unknown => Known::Unknown,
            },
            within: record.within.map(short),
            inner: match record.inner {
                shell::Inner::Unseen => Inner::Unseen,
                shell::Inner::Hinted => Inner::Hinted,
                shell::Inner::Integrated => Inner::Integrated,
            },
            forged: short(record.forged),
            started_at: record.started_at,
            ended_at: (record.ended != Ended::StreamEnded).then_some(record.ended_at),
            output_from,
            output_to,
        }
    }

    /// In the session's own encoding; what is no text there is shown as such.
    fn words(&self, bytes: &[u8]) -> String {
        let encoding = encoding_rs::Encoding::for_label(self.encoding.label().as_bytes()).unwrap_or(encoding_rs::UTF_8);
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
