//! Enter at a line that the plan calls dangerous: recognised before it is let through, asked about, and let through once.
//!
//! Two views of the line are searched, and either is enough: the keys since the last Enter, and, where a program edits lines by itself
//! (a shell, `psql`, `python`), the line of the screen on which the cursor stands. The screen knows what keys do not tell: a line called back
//! from the history, completed, yanked, put there by a program. Here: what to look at and what waits. Keys and pty are the recorder's.

mod screen;
mod typed;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::danger;
use hikeshi_domain::session::stream::Asking;
use hikeshi_domain::session::{DangerousLine, Encoding};
use tokio::sync::mpsc::WeakUnboundedSender;

use super::order::Order;
use super::pty::Modes;
use super::shell::Nonce;
use super::sink::ToSink;
use crate::clock;
use screen::Screen;
use typed::Typed;

/// After keys that edit, the screen is believed when it has been quiet for this long, or at the latest after the other.
const QUIET: Duration = Duration::from_millis(30);
const SETTLED_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Lines before this one that may belong to the same command.
const EARLIER_MAX: usize = 8;
/// Longest line that is compared.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Carriage return, line feed, and Ctrl-O, which accepts a line and calls the next one back.
pub(super) fn is_enter(key: u8) -> bool {
    matches!(key, b'\r' | b'\n' | 0x0f)
}

/// An Enter that waits for a witness.
pub(super) struct Waiting {
    pub(super) key: u8,
    /// What came behind it in one piece.
    pub(super) rest: Vec<u8>,
    pub(super) asked_at: Timestamp,
    /// As it was when it was asked about, not masked.
    line: Line,
    since: Instant,
    pub(super) confirmed: bool,
}

/// A line with dangerous words.
#[derive(Clone, PartialEq, Eq)]
struct Line {
    text: String,
    /// Whether the screen showed it: then it must still do so when it is let through.
    seen: bool,
}

/// What a line is asked about with.
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) words: String,
    pub(super) why: String,
    pub(super) asked_at: Timestamp,
}

/// What becomes of an Enter.
pub(super) enum Judged {
    Passes(Passed),
    Waits(Asked),
}

/// As what an Enter has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    Plain,
    /// What was typed before it was not shown: a password, which is looked at by nobody.
    Hidden,
    Confirmed,
}

/// Everything that keys change; one at a time.
#[derive(Default)]
pub(super) struct Turn {
    typed: Typed,
    /// What stood on the line before the first key: the prompt.
    lead: Option<String>,
    earlier: VecDeque<String>,
    /// Prompts of the shell that were seen when `earlier` began.
    prompts: u64,
    passed_at: Option<Instant>,
    /// Whether what passed last was the Enter behind a password.
    hidden: bool,
    /// When the last Enter passed: what the screen shows of before is another line.
    entered_at: Option<Instant>,
    pub(super) waiting: Option<Waiting>,
}

pub(super) struct Guard {
    order: Order,
    masker: Masker,
    screen: Mutex<Screen>,
    turn: Mutex<Turn>,
    /// Not kept alive by this: the way to the server ends with the writer.
    sink: WeakUnboundedSender<ToSink>,
}

impl Guard {
    /// `None`: the plan calls no line dangerous, and nothing is looked at.
    pub(super) fn of(order: &Order, masker: Masker, size: (u16, u16), sink: WeakUnboundedSender<ToSink>) -> Option<Self> {
        if order.dangerous.is_empty() {
            return None;
        }
        let screen = Screen::new(order.encoding, Nonce::new(order.nonce), size);
        Some(Self { order: order.clone(), masker, screen: Mutex::new(screen), turn: Mutex::default(), sink })
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shown(&self, bytes: &[u8]) {
        self.screen().show(bytes);
    }

    pub(super) fn resized(&self, columns: u16, rows: u16) {
        self.screen().resize(columns, rows);
    }

    /// These keys are about to pass; none of them is an Enter. Of those that are not shown nothing is kept.
    pub(super) fn typing(&self, turn: &mut Turn, keys: &[u8], modes: Modes) {
        if turn.lead.is_none() {
            turn.lead = Some(self.screen().before_cursor());
        }
        if modes.hidden {
            turn.typed.unsure();
        } else {
            turn.typed.take(keys);
        }
        turn.passed_at = Some(Instant::now());
    }

    /// An Enter has passed: another line begins.
    pub(super) fn entered(&self, turn: &mut Turn, key: u8, passed: Passed) {
        let typed = std::mem::take(&mut turn.typed);
        match passed {
            Passed::Plain => {
                turn.earlier.push_back(typed.text(self.order.encoding));
                while turn.earlier.len() > EARLIER_MAX {
                    turn.earlier.pop_front();
                }
            }
            // A password is part of no line.
            Passed::Hidden => {}
            // Nothing before it is looked at again.
            Passed::Confirmed => turn.earlier.clear(),
        }
        if key == 0x0f {
            // The next line stands there already.
            turn.typed.unsure();
        }
        turn.lead = None;
        turn.hidden = passed == Passed::Hidden;
        turn.passed_at = Some(Instant::now());
        turn.entered_at = turn.passed_at;
    }

    /// After a password keys are shown again in a moment; what was typed right behind it is none.
    pub(super) fn after_hidden(&self, turn: &mut Turn, modes: impl Fn() -> Modes) {
        let since = turn.passed_at.filter(|_| std::mem::take(&mut turn.hidden));
        while since.is_some_and(|since| since.elapsed() < SETTLED_WITHIN) && modes().hidden {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether Enter must wait here. `edits`: a program edits lines by itself.
    fn found(&self, turn: &mut Turn, edits: bool) -> Option<(usize, Line)> {
        if let Some(found) = self.on_screen(turn, edits) {
            return Some(found);
        }
        let prompts = self.screen().prompts();
        if prompts != turn.prompts {
            turn.prompts = prompts;
            turn.earlier.clear();
        }
        let (rule, text) = self.in_keys(turn)?;
        // It waits in any case: by then the screen shows it as the executor and the witnesses see it.
        self.settle(turn.passed_at);
        self.on_screen(turn, edits).or_else(|| Some((rule, Line { text: text.trim().to_owned(), seen: false })))
    }

    /// The line as it was typed, together with as few of those before it as have the words: it may go on where they ended, and what was
    /// typed long before it is nobody's business.
    fn in_keys(&self, turn: &Turn) -> Option<(usize, String)> {
        let mut text = turn.typed.text(self.order.encoding);
        let mut earlier = turn.earlier.iter().rev();
        loop {
            if let Some((rule, _)) = danger::find(&self.order.dangerous, &text) {
                return Some((rule, text));
            }
            text = format!("{}\n{text}", earlier.next()?);
        }
    }

    /// The line on which the cursor stands, without the prompt, when it is dangerous.
    fn on_screen(&self, turn: &Turn, edits: bool) -> Option<(usize, Line)> {
        let lead = turn.lead.as_deref().unwrap_or_default();
        let whole = {
            let screen = self.screen();
            let is_old = turn.entered_at.is_some_and(|entered| screen.changed_at().is_none_or(|changed| changed < entered));
            (edits && !is_old && !screen.is_other()).then(|| screen.line(lead))?
        };
        let dangerous = &self.order.dangerous;
        let (rule, _) = danger::find(dangerous, &whole)?;
        let text = whole.strip_prefix(lead).filter(|rest| danger::find(dangerous, rest).is_some()).unwrap_or(&whole);
        Some((rule, Line { text: text.trim().to_owned(), seen: true }))
    }

    /// Until the shell has drawn what the keys before have made of the line.
    fn settle(&self, passed_at: Option<Instant>) {
        let Some(passed_at) = passed_at else { return };
        while passed_at.elapsed() < SETTLED_WITHIN {
            let (changed_at, is_other) = {
                let screen = self.screen();
                (screen.changed_at(), screen.is_other())
            };
            // What an editor or a pager shows is not looked at.
            if is_other {
                return;
            }
            if changed_at.is_some_and(|changed| changed >= passed_at && changed.elapsed() >= QUIET) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Looks at the line before this Enter; when it is dangerous, the Enter waits from now on. A password is looked at by nobody.
    pub(super) fn judge(&self, turn: &mut Turn, key: u8, rest: &[u8], modes: impl Fn() -> Modes) -> Judged {
        if !modes().hidden && !turn.typed.is_sure() {
            self.settle(turn.passed_at);
        }
        // Only now: whatever reads this line has taken the terminal over by then.
        let Modes { hidden, edits } = modes();
        if hidden {
            return Judged::Passes(Passed::Hidden);
        }
        self.hold(turn, key, rest, edits).map_or(Judged::Passes(Passed::Plain), Judged::Waits)
    }

    fn hold(&self, turn: &mut Turn, key: u8, rest: &[u8], edits: bool) -> Option<Asked> {
        let (rule, mut line) = self.found(turn, edits)?;
        line.text.truncate(line.text.floor_char_boundary(LINE_BYTES_MAX));
        let found: &DangerousLine = self.order.dangerous.get(rule)?;
        let shown = danger::excerpt(found, &self.masker.text(&line.text));
        let asked_at = clock::now();
        self.ask(&shown, rule, asked_at);
        turn.waiting = Some(Waiting { key, rest: rest.to_vec(), asked_at, line, since: Instant::now(), confirmed: false });
        Some(Asked { line: shown, words: found.words.clone(), why: found.why.clone(), asked_at })
    }

    fn ask(&self, line: &str, rule: usize, asked_at: Timestamp) {
        let asking = Asking { line: line.to_owned(), rule: u32::try_from(rule).unwrap_or(u32::MAX), asked_at };
        self.tell(ToSink::Ask(serde_json::to_vec(&asking).unwrap_or_default().into()));
    }

    /// Nobody needs to answer about this line any more.
    pub(super) fn withdraw(&self, waiting: &Waiting) {
        self.tell(ToSink::Withdraw(Some(waiting.asked_at)));
    }

    /// The confirmed line has run: nothing is asked any more.
    pub(super) fn settled(&self) {
        self.tell(ToSink::Withdraw(None));
    }

    fn tell(&self, news: ToSink) {
        if self.sink.upgrade().is_none_or(|sink| sink.send(news).is_err()) {
            tracing::debug!("there is no way to the server any more");
        }
    }

    /// Whether this is still the very line that was asked about.
    pub(super) fn is_same(&self, turn: &Turn, waiting: &Waiting) -> bool {
        if !waiting.line.seen {
            return true;
        }
        let lead = turn.lead.as_deref().unwrap_or_default();
        let whole = self.screen().line(lead);
        [whole.strip_prefix(lead).unwrap_or(&whole), &whole].into_iter().any(|text| text.trim() == waiting.line.text)
    }

    pub(super) fn is_overdue(&self, waiting: &Waiting) -> bool {
        waiting.since.elapsed() > Duration::from_secs(u64::from(self.order.confirm_valid_s))
    }
}

/// What the pty prints, in whatever encoding, as text.
fn decoder(encoding: Encoding) -> Option<encoding_rs::Decoder> {
    match encoding {
        Encoding::Utf8 => None,
        Encoding::ShiftJis | Encoding::EucJp => {
            encoding_rs::Encoding::for_label(encoding.label().as_bytes()).map(encoding_rs::Encoding::new_decoder_without_bom_handling)
        }
    }
}
