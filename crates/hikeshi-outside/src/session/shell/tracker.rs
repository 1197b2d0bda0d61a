//! Makes records of commands from marks. The caller brings the time and keeps the bytes; a record says where in them a command's output stands.

use jiff::Timestamp;

use super::marks::{Forged, Hint, Mark, Seen, ShellId, Text, TextSource, What};

/// Shells inside shells that are followed at once. Deeper ones are part of the command that began them.
const SHELLS_MAX: usize = 64;

/// By what a record is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// By marks with the nonce.
    Integrated,
    /// By marks that anyone can print.
    Hint,
    /// No shell told anything: from–to is all that is known.
    Unknown,
}

/// How the end of a command is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Told,
    /// After the next prompt was shown, which is then within the output.
    ToldLate,
    /// The shell ended with it: `exit`, end of input.
    ShellExited,
    /// Something later shows that it ended before; the exit code is not known.
    Inferred,
    /// The terminal's stream ended first: `exec`, `kill -9 $$`, a closed connection.
    StreamEnded,
}

/// What is known of shells within a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner {
    /// None told anything. There may have been one, or any other program.
    Unseen,
    /// One told something that anyone can print.
    Hinted,
    Integrated,
}

/// One command that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// From 1, in the order in which commands began.
    pub number: u64,
    /// The command of the outer shell in which this one ran.
    pub within: Option<u64>,
    /// 1 for the shell that the recorder started; nothing when only hints tell of it.
    pub depth: Option<u32>,
    pub text: Text,
    pub cwd: Vec<u8>,
    pub cwd_after: Option<Vec<u8>>,
    /// Where its first mark begins.
    pub started: u64,
    pub output_from: u64,
    pub output_to: u64,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub exit: Option<i32>,
    /// Of every part of the last pipeline.
    pub pipeline: Vec<i32>,
    pub known: Known,
    pub ended: Ended,
    pub inner: Inner,
    /// How many marks in its output claimed to be ours and were not.
    pub forged: u64,
}

/// What a mark came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    ShellStarted { depth: u32, program: String, version: String },
    Began { number: u64, known: Known, text: Text, cwd: Vec<u8> },
    Finished(Record),
    Prompt { depth: Option<u32> },
    ShellExited { depth: u32, exit: i32 },
    Forged { forged: Forged, from: u64, to: u64 },
}

#[derive(Debug)]
struct Open {
    number: u64,
    within: Option<u64>,
    depth: Option<u32>,
    text: Text,
    cwd: Vec<u8>,
    started: u64,
    output_from: u64,
    /// Hints that follow without a byte between are about this command itself, not about one inside.
    quiet_to: u64,
    at: Timestamp,
    known: Known,
    inner: Inner,
    forged: u64,
}

/// How an open command came to its end.
struct End {
    to: u64,
    at: Timestamp,
    exit: Option<i32>,
    pipeline: Vec<i32>,
    ended: Ended,
    cwd: Option<Vec<u8>>,
}

impl End {
    fn unknown(to: u64, at: Timestamp, ended: Ended) -> Self {
        Self { to, at, exit: None, pipeline: Vec::new(), ended, cwd: None }
    }
}

impl Open {
    fn finish(self, end: End) -> Told {
        Told::Finished(Record {
            number: self.number,
            within: self.within,
            depth: self.depth,
            text: self.text,
            cwd: self.cwd,
            cwd_after: end.cwd,
            started: self.started,
            output_from: self.output_from,
            output_to: end.to.max(self.output_from),
            started_at: self.at,
            ended_at: end.at,
            exit: end.exit,
            pipeline: end.pipeline,
            known: self.known,
            ended: end.ended,
            inner: self.inner,
            forged: self.forged,
        })
    }
}

#[derive(Debug)]
struct Shell {
    id: ShellId,
    depth: u32,
    open: Option<Open>,
    /// A command that only hints tell of, inside `open`.
    hinted: Option<Open>,
}

/// The commands of one terminal.
#[derive(Debug)]
pub struct CommandTracker {
    started_at: Timestamp,
    commands: u64,
    integrated: bool,
    /// Innermost last.
    shells: Vec<Shell>,
    /// Hints when no shell of ours is there.
    hinted: Option<Open>,
    hinted_text: Option<Vec<u8>>,
}

impl CommandTracker {
    pub fn new(started_at: Timestamp) -> Self {
        Self { started_at, commands: 0, integrated: false, shells: Vec::new(), hinted: None, hinted_text: None }
    }

    /// For a recorder that goes on where another was lost: numbers continue behind `commands`.
    pub fn continued(started_at: Timestamp, commands: u64) -> Self {
        Self { commands, integrated: true, ..Self::new(started_at) }
    }

    pub fn take(&mut self, seen: Seen, now: Timestamp, told: &mut Vec<Told>) {
        let Seen { from, to, mark } = seen;
        match mark {
            Mark::Own { shell, what } => self.own(&shell, what, Span { from, to, now }, told),
            Mark::Hint { hint, .. } => self.hint(hint, Span { from, to, now }, told),
            Mark::Forged(forged) => {
                for open in self.shells.iter_mut().filter_map(|shell| shell.open.as_mut()) {
                    open.forged = open.forged.saturating_add(1);
                }
                told.push(Told::Forged { forged, from, to });
            }
        }
    }

    /// The stream has ended: what was open ends with it. A stream in which no shell of ours ever spoke is one record of its own.
    pub fn finish(&mut self, offset: u64, now: Timestamp, told: &mut Vec<Told>) {
        if !self.integrated && offset > 0 {
            let number = self.next();
            let inner = if number > 1 { Inner::Hinted } else { Inner::Unseen };
            let missing = Text { bytes: Vec::new(), bytes_total: 0, source: TextSource::Missing };
            let all = Span { from: 0, to: 0, now: self.started_at };
            let mut open = Self::opened(number, None, None, missing, Vec::new(), &all);
            (open.known, open.inner) = (Known::Unknown, inner);
            told.extend(self.hinted.take().map(|hinted| hinted.finish(End::unknown(offset, now, Ended::StreamEnded))));
            told.push(open.finish(End::unknown(offset, now, Ended::StreamEnded)));
            return;
        }
        while let Some(shell) = self.shells.pop() {
            for open in [shell.hinted, shell.open].into_iter().flatten() {
                told.push(open.finish(End::unknown(offset, now, Ended::StreamEnded)));
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.commands = self.commands.saturating_add(1);
        self.commands
    }

    fn opened(number: u64, within: Option<u64>, depth: Option<u32>, text: Text, cwd: Vec<u8>, span: &Span) -> Open {
        Open {
            number,
            within,
            depth,
            text,
            cwd,
            started: span.from,
            output_from: span.to,
            quiet_to: span.to,
            at: span.now,
            known: Known::Integrated,
            inner: Inner::Unseen,
            forged: 0,
        }
    }

    fn own(&mut self, id: &ShellId, what: What, span: Span, told: &mut Vec<Told>) {
        self.integrated = true;
        if let What::Started { program, version, depth, cwd: _ } = what {
            self.enter(id, depth);
            told.push(Told::ShellStarted { depth, program, version });
            return;
        }
        self.leave_to(id, &span, told);
        let within = self.shells.iter().rev().skip(1).find_map(|shell| shell.open.as_ref()).map(|open| open.number);
        let number = self.commands.saturating_add(1);
        let Some(shell) = self.shells.last_mut().filter(|shell| shell.id == *id) else { return };
        match what {
            What::Started { .. } => {}
            What::Prompt => told.push(Told::Prompt { depth: Some(shell.depth) }),
            What::Begin { text, cwd } => {
                // An end that never came: the hook was taken away, and the shell is seen to go on.
                told.extend(shell.open.take().map(|open| open.finish(End::unknown(span.from, span.now, Ended::Inferred))));
                told.push(Told::Began { number, known: Known::Integrated, text: text.clone(), cwd: cwd.clone() });
                shell.open = Some(Self::opened(number, within, Some(shell.depth), text, cwd, &span));
                self.commands = number;
            }
            What::End { exit, pipeline, late, cwd } => {
                let ended = if late { Ended::ToldLate } else { Ended::Told };
                let end = End { to: span.from, at: span.now, exit: Some(exit), pipeline, ended, cwd: Some(cwd) };
                told.extend(shell.open.take().map(|open| open.finish(end)));
            }
            What::Exited { exit } => {
                let end = End { to: span.from, at: span.now, exit: Some(exit), pipeline: Vec::new(), ended: Ended::ShellExited, cwd: None };
                told.extend(shell.open.take().map(|open| open.finish(end)));
                told.push(Told::ShellExited { depth: shell.depth, exit });
                self.shells.pop();
            }
        }
    }

    fn enter(&mut self, id: &ShellId, depth: u32) {
        if let Some(open) = self.shells.last_mut().and_then(|shell| shell.open.as_mut()) {
            open.inner = Inner::Integrated;
        }
        if self.shells.len() < SHELLS_MAX {
            self.shells.push(Shell { id: id.clone(), depth, open: None, hinted: None });
        }
    }

    /// That shell speaks, so those inside it have ended or are stopped; and hints inside its command end where it speaks.
    fn leave_to(&mut self, id: &ShellId, span: &Span, told: &mut Vec<Told>) {
        if !self.shells.iter().any(|shell| shell.id == *id) {
            // Its beginning was missed, or it was stopped and is back.
            let depth = self.shells.last().map_or(1, |outer| outer.depth.saturating_add(1));
            self.enter(id, depth);
        }
        let Some(at) = self.shells.iter().position(|shell| shell.id == *id) else { return };
        let unknown = || End::unknown(span.from, span.now, Ended::Inferred);
        while self.shells.len() > at + 1 {
            let Some(inner) = self.shells.pop() else { return };
            told.extend([inner.hinted, inner.open].into_iter().flatten().map(|open| open.finish(unknown())));
        }
        if let Some(hinted) = self.shells.last_mut().and_then(|shell| shell.hinted.take()) {
            told.push(hinted.finish(unknown()));
        }
    }

    fn hint(&mut self, hint: Hint, span: Span, told: &mut Vec<Told>) {
        let number = self.commands.saturating_add(1);
        let (slot, within) = match self.shells.last_mut() {
            Some(Shell { open: Some(open), hinted, .. }) => {
                if span.from <= open.quiet_to {
                    open.quiet_to = span.to;
                    return;
                }
                open.inner = if open.inner == Inner::Unseen { Inner::Hinted } else { open.inner };
                (hinted, Some(open.number))
            }
            // Between the commands of a shell of ours: its prompt, decorated by somebody else.
            Some(Shell { open: None, .. }) => return,
            None => (&mut self.hinted, None),
        };
        match hint {
            Hint::Prompt => told.push(Told::Prompt { depth: None }),
            Hint::Text(text) => self.hinted_text = Some(text),
            Hint::Begin => {
                told.extend(slot.take().map(|open| open.finish(End::unknown(span.from, span.now, Ended::Inferred))));
                let text = match self.hinted_text.take() {
                    Some(bytes) => Text { bytes_total: u64::try_from(bytes.len()).unwrap_or(u64::MAX), bytes, source: TextSource::History },
                    None => Text { bytes: Vec::new(), bytes_total: 0, source: TextSource::Missing },
                };
                told.push(Told::Began { number, known: Known::Hint, text: text.clone(), cwd: Vec::new() });
                let mut open = Self::opened(number, within, None, text, Vec::new(), &span);
                open.known = Known::Hint;
                *slot = Some(open);
                self.commands = number;
            }
            Hint::End { exit } => {
                let pipeline = exit.into_iter().collect();
                let end = End { to: span.from, at: span.now, exit, pipeline, ended: Ended::Told, cwd: None };
                told.extend(slot.take().map(|open| open.finish(end)));
            }
            Hint::Other => {}
        }
    }
}

/// Where a mark stands, and when it came.
struct Span {
    from: u64,
    to: u64,
    now: Timestamp,
}

#[cfg(test)]
mod tests;
