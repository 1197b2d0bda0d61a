//! Finds marks in the bytes of a terminal, in whatever pieces they come. It holds at most one unfinished sequence and one unfinished text.
//! What a mark means for a command is [`super::CommandTracker`]'s.

use std::collections::BTreeMap;

use super::integration::Nonce;
use super::unquote::{Unquote, unquote};

/// Longest sequence that is read: four bytes for each byte of the longest path, and some.
const SEQUENCE_MAX: usize = 20_000;
/// Shells of one session whose counters are kept. A shell beyond them is not believed.
const SHELLS_MAX: usize = 1024;
const SHELL_ID_MAX: usize = 40;
const PATH_MAX: usize = 4096;
const PIPELINE_MAX: usize = 256;
const HINT_MAX: usize = 4096;

/// Which shell of the session said it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShellId(String);

/// How the text of a command is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextSource {
    /// As it was accepted, byte for byte.
    Line,
    /// From the shell's history or its parser: what ran, perhaps spelled differently.
    History,
    /// The shell ran something whose text it could not tell.
    Missing,
}

/// At most as long as wanted; it knows how long it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub bytes: Vec<u8>,
    pub bytes_total: u64,
    pub source: TextSource,
}

impl Text {
    pub fn is_cut(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|kept| kept < self.bytes_total)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `depth` is 1 for the shell that the recorder started.
    Started {
        program: String,
        version: String,
        depth: u32,
        cwd: Vec<u8>,
    },
    Prompt,
    Begin {
        text: Text,
        cwd: Vec<u8>,
    },
    /// `late`: told only after the next prompt was shown.
    End {
        exit: i32,
        pipeline: Vec<i32>,
        late: bool,
        cwd: Vec<u8>,
    },
    Exited {
        exit: i32,
    },
}

/// Why a mark with our number is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    Nonce,
    /// Its counter was used before: a genuine mark, shown again.
    Replayed,
    Malformed,
    TooLong,
    TooManyShells,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintFamily {
    Osc133,
    Osc633,
    Osc3008,
}

/// What another program says about commands. Anyone can say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    Prompt,
    Text(Vec<u8>),
    Begin,
    End { exit: Option<i32> },
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    Own { shell: ShellId, what: What },
    Hint { family: HintFamily, hint: Hint },
    Forged(Forged),
}

/// A mark and where it stands: `from` is its first byte, `to` the one after its last, counted from the beginning of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub from: u64,
    pub to: u64,
    pub mark: Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// In a sequence of interest, which is kept.
    Keep,
    KeepEscape,
    /// In one that is not; `ours` when it is too long and would have been ours.
    Skip {
        ours: bool,
    },
    SkipEscape {
        ours: bool,
    },
}

/// A command whose text comes in several marks.
#[derive(Debug)]
struct Pending {
    shell: ShellId,
    number: u64,
    next: u64,
    text: Unquote,
    from: u64,
}

/// Feeds on every byte of one terminal, in order.
#[derive(Debug)]
pub struct Marks {
    nonce: Nonce,
    text_bytes_max: usize,
    state: State,
    sequence: Vec<u8>,
    /// Of the byte to come.
    offset: u64,
    /// Where the present sequence began.
    from: u64,
    counters: BTreeMap<ShellId, u64>,
    pending: Option<Pending>,
}

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
const NUMBERS: [&[u8]; 4] = [b"8119;", b"133;", b"633;", b"3008;"];

impl Marks {
    pub fn new(nonce: Nonce, text_bytes_max: usize) -> Self {
        Self {
            nonce,
            text_bytes_max,
            state: State::Ground,
            sequence: Vec::new(),
            offset: 0,
            from: 0,
            counters: BTreeMap::new(),
            pending: None,
        }
    }

    /// How many bytes were fed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// From where on the bytes may be a mark of ours that is not whole yet.
    pub fn unfinished_from(&self) -> Option<u64> {
        if let Some(pending) = &self.pending {
            return Some(pending.from);
        }
        let ours = NUMBERS.first().copied().unwrap_or_default();
        let may_be_ours = self.sequence.starts_with(ours) || ours.starts_with(&self.sequence);
        match self.state {
            State::Ground => None,
            State::Escape => Some(self.from),
            State::Keep | State::KeepEscape => may_be_ours.then_some(self.from),
            State::Skip { ours } | State::SkipEscape { ours } => ours.then_some(self.from),
        }
    }

    pub fn feed(&mut self, bytes: &[u8], seen: &mut Vec<Seen>) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if self.state == State::Ground && *first != ESCAPE {
                let plain = rest.iter().position(|byte| *byte == ESCAPE).unwrap_or(rest.len());
                self.advance(plain);
                rest = rest.get(plain..).unwrap_or_default();
                continue;
            }
            self.step(*first, seen);
            self.advance(1);
            rest = after;
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn step(&mut self, byte: u8, seen: &mut Vec<Seen>) {
        self.state = match (self.state, byte) {
            (State::Ground | State::Escape, ESCAPE) => self.begin(),
            (State::Ground, _) => State::Ground,
            (State::Escape, b']') => {
                self.sequence.clear();
                State::Keep
            }
            (State::Escape, _) => State::Ground,
            (State::Keep, BELL) | (State::KeepEscape, b'\\') => self.whole(seen),
            (State::Keep, ESCAPE) => State::KeepEscape,
            (State::Skip { ours }, ESCAPE) => State::SkipEscape { ours },
            (State::Skip { ours }, BELL) | (State::SkipEscape { ours }, b'\\') => self.skipped(ours, seen),
            // Any other escape sequence, CAN and SUB end one that was never finished.
            (State::KeepEscape | State::SkipEscape { .. }, b']') => {
                self.from = self.offset.saturating_sub(1);
                self.sequence.clear();
                State::Keep
            }
            (State::KeepEscape | State::SkipEscape { .. }, ESCAPE) => self.begin(),
            (State::KeepEscape | State::SkipEscape { .. }, _) | (State::Keep | State::Skip { .. }, 0x18 | 0x1a) => State::Ground,
            (State::Keep, _) => self.keep(byte),
            (State::Skip { ours }, _) => State::Skip { ours },
        };
    }

    fn begin(&mut self) -> State {
        self.from = self.offset;
        State::Escape
    }

    fn keep(&mut self, byte: u8) -> State {
        self.sequence.push(byte);
        let known = |number: &&[u8]| {
            let shared = number.len().min(self.sequence.len());
            number.get(..shared) == self.sequence.get(..shared)
        };
        if self.sequence.len() <= 5 && !NUMBERS.iter().any(known) {
            return State::Skip { ours: false };
        }
        if self.sequence.len() > SEQUENCE_MAX {
            return State::Skip { ours: self.sequence.starts_with(b"8119;") };
        }
        State::Keep
    }

    fn skipped(&self, ours: bool, seen: &mut Vec<Seen>) -> State {
        if ours {
            self.tell(self.from, Mark::Forged(Forged::TooLong), seen);
        }
        State::Ground
    }

    fn tell(&self, from: u64, mark: Mark, seen: &mut Vec<Seen>) {
        seen.push(Seen { from, to: self.offset.saturating_add(1), mark });
    }

    fn whole(&mut self, seen: &mut Vec<Seen>) -> State {
        let sequence = std::mem::take(&mut self.sequence);
        if let Some(body) = sequence.strip_prefix(b"8119;") {
            let mut from = self.from;
            match self.own(body, &mut from) {
                Ok(Some(mark)) => self.tell(from, mark, seen),
                Ok(None) => {}
                Err(forged) => self.tell(self.from, Mark::Forged(forged), seen),
            }
        } else if let Some((family, hint)) = hint(&sequence) {
            self.tell(self.from, Mark::Hint { family, hint }, seen);
        }
        self.sequence = sequence;
        State::Ground
    }

    fn own(&mut self, body: &[u8], from: &mut u64) -> Result<Option<Mark>, Forged> {
        let mut fields = body.splitn(4, |byte| *byte == b';');
        let mut field = || fields.next().ok_or(Forged::Malformed);
        if field().map_err(|_| Forged::Nonce)? != self.nonce.as_bytes() {
            return Err(Forged::Nonce);
        }
        let shell = shell_id(field()?).ok_or(Forged::Malformed)?;
        let number: u64 = parse(field()?).ok_or(Forged::Malformed)?;
        let rest = field()?;
        let (kind, rest) = cut(rest).unwrap_or((rest, &[]));
        let continued = self.pending.as_ref().is_some_and(|pending| pending.shell == shell && pending.number == number);
        if !(continued && (kind == b"T" || kind == b"B")) {
            self.count(&shell, number)?;
            self.pending = None;
        }
        if kind == b"T" {
            return self.text(shell, number, rest).map(|()| None);
        }
        let what = match kind {
            b"B" => self.command(rest, from)?,
            b"E" => end(rest).ok_or(Forged::Malformed)?,
            b"S" => started(rest).ok_or(Forged::Malformed)?,
            b"X" => What::Exited { exit: parse(rest).ok_or(Forged::Malformed)? },
            b"P" => What::Prompt,
            _ => return Err(Forged::Malformed),
        };
        Ok(Some(Mark::Own { shell, what }))
    }

    /// Counters only grow. A gap is no forgery: a mark that went to no terminal is missing.
    fn count(&mut self, shell: &ShellId, number: u64) -> Result<(), Forged> {
        let known = self.counters.len();
        match self.counters.get_mut(shell) {
            Some(last) if number <= *last => Err(Forged::Replayed),
            Some(last) => {
                *last = number;
                Ok(())
            }
            None if known >= SHELLS_MAX => Err(Forged::TooManyShells),
            None => {
                self.counters.insert(shell.clone(), number);
                Ok(())
            }
        }
    }

    fn text(&mut self, shell: ShellId, number: u64, rest: &[u8]) -> Result<(), Forged> {
        let (index, piece) = cut(rest).ok_or(Forged::Malformed)?;
        let index: u64 = parse(index).ok_or(Forged::Malformed)?;
        let pending = match (&mut self.pending, index) {
            (Some(pending), _) if pending.next == index => pending,
            (Some(_), _) => return Err(Forged::Replayed),
            (None, 0) => self.pending.insert(Pending { shell, number, next: 0, text: Unquote::new(self.text_bytes_max), from: self.from }),
            (None, _) => return Err(Forged::Malformed),
        };
        pending.text.push(piece);
        pending.next += 1;
        Ok(())
    }

    fn command(&mut self, rest: &[u8], from: &mut u64) -> Result<What, Forged> {
        let mut fields = rest.splitn(4, |byte| *byte == b';');
        let mut field = || fields.next().ok_or(Forged::Malformed);
        let source = match field()? {
            b"r" => TextSource::Line,
            b"h" => TextSource::History,
            b"n" => TextSource::Missing,
            _ => return Err(Forged::Malformed),
        };
        let declared: u64 = parse(field()?).ok_or(Forged::Malformed)?;
        let cwd_len: usize = parse(field()?).ok_or(Forged::Malformed)?;
        let (cwd, inline) = field()?.split_at_checked(cwd_len).ok_or(Forged::Malformed)?;
        let mut reader = Unquote::new(self.text_bytes_max);
        if let Some(pending) = self.pending.take() {
            *from = pending.from;
            reader = pending.text;
        }
        reader.push(inline);
        let (bytes, told) = reader.finish().ok_or(Forged::Malformed)?;
        let text = Text { bytes, bytes_total: declared.max(told), source };
        Ok(What::Begin { text, cwd: unquote(cwd, PATH_MAX).ok_or(Forged::Malformed)? })
    }
}

fn shell_id(field: &[u8]) -> Option<ShellId> {
    let plain = !field.is_empty() && field.len() <= SHELL_ID_MAX && field.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    plain.then(|| ShellId(String::from_utf8_lossy(field).into_owned()))
}

fn parse<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// At the first `;`.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b';')?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

fn started(rest: &[u8]) -> Option<What> {
    let mut fields = rest.splitn(4, |byte| *byte == b';');
    let name = |field: &[u8]| (field.len() <= SHELL_ID_MAX).then(|| String::from_utf8_lossy(field).into_owned());
    Some(What::Started {
        program: name(fields.next()?)?,
        version: name(fields.next()?)?,
        depth: parse(fields.next()?)?,
        cwd: unquote(fields.next()?, PATH_MAX)?,
    })
}

fn end(rest: &[u8]) -> Option<What> {
    let mut fields = rest.splitn(4, |byte| *byte == b';');
    let exit = parse(fields.next()?)?;
    let parts = fields.next()?.split(|byte| *byte == b',').take(PIPELINE_MAX).map(parse).collect::<Option<Vec<i32>>>()?;
    let late = match fields.next()? {
        b"n" => false,
        b"l" => true,
        _ => return None,
    };
    Some(What::End { exit, pipeline: pipeline(exit, parts), late, cwd: unquote(fields.next()?, PATH_MAX)? })
}

/// A loop, a function, a stopped job leave the codes of some pipeline inside them: codes that cannot have given this exit code are not told.
fn pipeline(exit: i32, parts: Vec<i32>) -> Vec<i32> {
    let last = parts.last().copied();
    let of_pipefail = parts.iter().rev().copied().find(|code| *code != 0);
    if last == Some(exit) || (last == Some(0) && of_pipefail == Some(exit)) { parts } else { vec![exit] }
}

fn hint(sequence: &[u8]) -> Option<(HintFamily, Hint)> {
    if let Some(body) = sequence.strip_prefix(b"133;") {
        return Some((HintFamily::Osc133, prompt_hint(body)));
    }
    if let Some(body) = sequence.strip_prefix(b"633;") {
        let Some(text) = body.strip_prefix(b"E;") else { return Some((HintFamily::Osc633, prompt_hint(body))) };
        let text = text.split(|byte| *byte == b';').next().unwrap_or_default();
        return Some((HintFamily::Osc633, Hint::Text(hexed(text))));
    }
    Some((HintFamily::Osc3008, context_hint(sequence.strip_prefix(b"3008;")?)))
}

fn prompt_hint(body: &[u8]) -> Hint {
    match body.split_first() {
        Some((b'A' | b'P', _)) => Hint::Prompt,
        Some((b'C', _)) => Hint::Begin,
        Some((b'D', rest)) => Hint::End { exit: rest.strip_prefix(b";").and_then(|code| parse(code.split(|byte| *byte == b';').next()?)) },
        _ => Hint::Other,
    }
}

/// systemd's contexts: `start=id;type=command;cmdline=…`, `end=id;exit=success;status=0`.
fn context_hint(body: &[u8]) -> Hint {
    let field = |key: &[u8]| body.split(|byte| *byte == b';').find_map(|field| field.strip_prefix(key));
    if field(b"start=").is_some() {
        return if field(b"type=") == Some(b"command") { Hint::Begin } else { Hint::Other };
    }
    if field(b"end=").is_none() {
        return Hint::Other;
    }
    let success = (field(b"exit=") == Some(b"success")).then_some(0);
    Hint::End { exit: field(b"status=").and_then(parse).or(success) }
}

/// VS Code writes `\xHH` for what must not stand in a sequence, and `\\` for a backslash.
fn hexed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if out.len() >= HINT_MAX {
            break;
        }
        let code = after.strip_prefix(b"x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        let (byte, next) = match (*first, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'\\', Some(byte)) => (byte, after.get(3..).unwrap_or_default()),
            (b'\\', None) => (after.first().copied().unwrap_or(b'\\'), after.get(1..).unwrap_or_default()),
            (plain, _) => (plain, after),
        };
        out.push(byte);
        rest = next;
    }
    out
}

#[cfg(test)]
mod tests;
