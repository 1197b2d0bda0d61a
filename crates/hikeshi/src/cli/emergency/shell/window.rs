//! The window: keys to the recorder, output to the screen, and in between only what the person must know (held keys, a lost recorder).

use std::io::{self, IsTerminal, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hikeshi_domain::session::{HeldBecause, SessionEnd};
use hikeshi_outside::session::wire::{Attached, Late, LineNews, ToRecorder, ToTerminal, attach};
use hikeshi_text::{Lang, Names, terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::RECORDER;

/// Ctrl-]: what follows is for hikeshi.
const PREFIX: u8 = 0x1d;
/// Output kept while there is no recorder.
const LATE_BYTES_MAX: usize = 1 << 20;
/// Most messages are taken with one call.
const MESSAGE_BYTES: usize = 64 * 1024;
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const SIZE_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Window {
    pub(super) program: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) token: String,
    pub(super) lang: Lang,
    pub(super) names: Names,
}

pub(super) enum Left {
    /// The person went away; the shell stays.
    Detached,
    Ended(SessionEnd),
}

/// What the threads of a window share.
struct Shared {
    stream: Mutex<Option<UnixStream>>,
    detached: AtomicBool,
    over: AtomicBool,
    /// `None`: not told yet.
    held: Mutex<Option<Vec<HeldBecause>>>,
    /// Files outside the scope that nobody has accepted.
    outside: Mutex<Vec<String>>,
}

/// Puts the terminal back as it was, whatever happens.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> Self {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Self(None);
        }
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut raw = before.clone();
        raw.make_raw();
        Self(tcsetattr(&stdin, OptionalActions::Now, &raw).is_ok().then_some(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0
            && let Err(error) = tcsetattr(io::stdin(), OptionalActions::Now, before)
        {
            tracing::warn!(%error, "the terminal could not be put back; `reset` does it");
        }
    }
}

impl Window {
    /// Blocks until the shell has ended or the person has detached.
    pub(super) fn run(&self) -> io::Result<Left> {
        let shared = Arc::new(Shared {
            stream: Mutex::new(None),
            detached: AtomicBool::new(false),
            over: AtomicBool::new(false),
            held: Mutex::new(None),
            outside: Mutex::new(Vec::new()),
        });
        let mut attached = attach(&self.dir)?;
        // Before the first key is read: what is typed ahead has somewhere to go.
        *shared.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(attached.stream.try_clone()?);
        let raw = Raw::enter();
        let typing = Arc::clone(&shared);
        let (lang, names) = (self.lang, self.names.clone());
        // Not waited for: it is in the middle of reading a key when everything is over.
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || typing.keys(lang, &names))?;
        let sizing = Arc::clone(&shared);
        std::thread::Builder::new().name("size".to_owned()).spawn(move || sizing.size())?;
        let left = loop {
            *shared.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(attached.stream.try_clone()?);
            match self.show(&shared, &attached)? {
                Some(left) => break left,
                None => {
                    // Whatever held before: without a recorder nothing passes, and it is told when it does again.
                    *shared.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(vec![HeldBecause::NotStored]);
                    match self.again(&attached.pty)? {
                        Some(next) => attached = next,
                        None => break Left::Ended(SessionEnd::Exited { code: None }),
                    }
                }
            }
        };
        shared.over.store(true, Ordering::Relaxed);
        drop(raw);
        Ok(left)
    }

    /// Until the end, or `None`: the recorder is gone.
    fn show(&self, shared: &Shared, attached: &Attached) -> io::Result<Option<Left>> {
        let mut from = io::BufReader::with_capacity(MESSAGE_BYTES, attached.stream.try_clone()?);
        loop {
            if shared.detached.load(Ordering::Relaxed) {
                return Ok(Some(Left::Detached));
            }
            match ToTerminal::receive(&mut from)? {
                Some(ToTerminal::Output(bytes)) => out(&bytes)?,
                Some(ToTerminal::Gate(held)) => self.gate(shared, held)?,
                Some(ToTerminal::Outside(paths)) => self.outside(shared, paths)?,
                Some(ToTerminal::Refused { .. }) => {
                    let held = shared.held.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
                    self.note(&terminal::keys_held(self.lang, &hikeshi_text::session::held_all(self.lang, &held, &self.names)))?;
                }
                Some(ToTerminal::Line(news)) => self.note(&self.line(&news))?,
                Some(ToTerminal::Skipped { bytes }) => self.note(&terminal::output_skipped(self.lang, bytes))?,
                Some(ToTerminal::Ended(end)) => return Ok(Some(Left::Ended(end))),
                None if shared.detached.load(Ordering::Relaxed) => return Ok(Some(Left::Detached)),
                None => return Ok(None),
            }
        }
    }

    fn line(&self, news: &LineNews) -> String {
        match news {
            LineNews::Waits { words, why } => terminal::line_waits(self.lang, words, why),
            LineNews::StillWaits => terminal::line_still_waits(self.lang),
            LineNews::Over { answer, dropped } => {
                terminal::line_over(self.lang, &hikeshi_text::session::answered(self.lang, answer, &self.names), *dropped)
            }
        }
    }

    fn gate(&self, shared: &Shared, held: Vec<HeldBecause>) -> io::Result<()> {
        let mut known = shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() == Some(&held) {
            return Ok(());
        }
        let note = match held.is_empty() {
            true => terminal::keys_pass(self.lang),
            false => terminal::keys_held(self.lang, &hikeshi_text::session::held_all(self.lang, &held, &self.names)),
        };
        *known = Some(held);
        drop(known);
        self.note(&note)
    }

    fn outside(&self, shared: &Shared, paths: Vec<String>) -> io::Result<()> {
        let note = hikeshi_text::session::outside(self.lang, &paths);
        let mut known = shared.outside.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == paths {
            return Ok(());
        }
        *known = paths;
        drop(known);
        self.note(&note)
    }

    /// A line of ours between what the shell prints; it is not part of the record.
    fn note(&self, text: &str) -> io::Result<()> {
        out(format!("\r\n{} {text}\r\n", terminal::badge()).as_bytes())
    }

    /// The recorder died: the shell's output is drained, so that what runs goes on, until another recorder has taken over.
    /// `None`: the shell has ended meanwhile.
    fn again(&self, pty: &OwnedFd) -> io::Result<Option<Attached>> {
        let from = crate::now();
        self.note(&terminal::recorder_lost(self.lang))?;
        let mut late = Late { from, to: from, bytes: 0, kept: Vec::new() };
        loop {
            let started = hikeshi_outside::session::start(&self.program, &[RECORDER], &self.dir, &self.token, Some(pty));
            match started.and_then(|()| attach(&self.dir)) {
                Ok(mut next) => {
                    late.to = crate::now();
                    ToRecorder::Late(late).send(&mut next.stream)?;
                    self.note(&terminal::recorder_back(self.lang))?;
                    return Ok(Some(next));
                }
                Err(error) => {
                    tracing::debug!(%error, "no recorder can be started");
                    self.note(&terminal::recorder_not_back(self.lang, &error.to_string()))?;
                }
            }
            if !drain(pty, &mut late)? {
                return Ok(None);
            }
        }
    }
}

/// For a while everything that comes out, to the screen and into `late`. False: the shell has closed its terminal.
fn drain(pty: &OwnedFd, late: &mut Late) -> io::Result<bool> {
    let until = std::time::Instant::now() + AGAIN_AFTER;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = until.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Ok(true);
        }
        let mut fds = [PollFd::new(pty, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        if poll(&mut fds, Some(&timeout))? == 0 {
            continue;
        }
        let count = match rustix::io::read(pty, &mut buffer[..]) {
            Ok(0) | Err(rustix::io::Errno::IO) => return Ok(false),
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        out(bytes)?;
        late.bytes = late.bytes.saturating_add(u64::try_from(count).unwrap_or(0));
        late.kept.extend_from_slice(bytes);
        let over = late.kept.len().saturating_sub(LATE_BYTES_MAX);
        late.kept.drain(..over);
    }
}

/// As it is: the standard library would look for line ends in it, and write it in two parts.
fn out(bytes: &[u8]) -> io::Result<()> {
    let mut alone = io::stdout().lock();
    // Whatever was printed before.
    alone.flush()?;
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), left) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Shared {
    fn send(&self, word: &ToRecorder) -> io::Result<()> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        match stream.as_mut() {
            Some(stream) => word.send(stream),
            None => Ok(()),
        }
    }

    /// Reads keys for as long as there are any. What is typed while there is no recorder goes nowhere.
    fn keys(&self, lang: Lang, names: &Names) {
        let mut buffer = [0_u8; 4096];
        let mut prefixed = false;
        let typed_here = io::stdin().is_terminal();
        loop {
            let count = match io::stdin().lock().read(&mut buffer) {
                Ok(0) | Err(_) => {
                    // A terminal that is gone detaches; a script that has said everything waits for the end.
                    if typed_here {
                        self.detach();
                    }
                    return;
                }
                Ok(count) => count,
            };
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let mut plain = Vec::new();
            for key in buffer.get(..count).unwrap_or_default() {
                match (prefixed, *key) {
                    (false, PREFIX) if typed_here => prefixed = true,
                    (true, b'd' | b'D') => {
                        self.detach();
                        return;
                    }
                    (true, PREFIX) => {
                        prefixed = false;
                        plain.push(PREFIX);
                    }
                    (true, _) => {
                        prefixed = false;
                        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
                        let words = hikeshi_text::session::held_all(lang, &held, names);
                        let outside = self.outside.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        let mut help = terminal::shell_help(lang, &words);
                        if !outside.is_empty() {
                            help = format!("{}\n{help}", hikeshi_text::session::outside(lang, &outside));
                        }
                        if out(format!("\r\n{} {}\r\n", terminal::badge(), help.replace('\n', "\r\n")).as_bytes()).is_err() {
                            return;
                        }
                    }
                    (false, key) => plain.push(key),
                }
            }
            if !plain.is_empty()
                && let Err(error) = self.send(&ToRecorder::Keys(plain))
            {
                tracing::debug!(%error, "keys went nowhere: there is no recorder");
            }
        }
    }

    fn detach(&self) {
        self.detached.store(true, Ordering::Relaxed);
        if let Err(error) = self.send(&ToRecorder::Detach) {
            tracing::debug!(%error, "the recorder is gone already");
        }
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = stream.as_ref()
            && let Err(error) = stream.shutdown(std::net::Shutdown::Both)
        {
            tracing::debug!(%error, "the recorder is gone already");
        }
    }

    /// The size of the window, at the beginning and whenever it changes.
    fn size(&self) {
        let mut told = None;
        while !self.over.load(Ordering::Relaxed) {
            let size = tcgetwinsize(io::stdout()).ok().map(|size| (size.ws_col, size.ws_row));
            let attached = self.stream.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if let (Some((columns, rows)), true) = (size.filter(|(columns, rows)| *columns > 0 && *rows > 0), attached)
                && told != size
                && self.send(&ToRecorder::Resize { columns, rows }).is_ok()
            {
                told = size;
            }
            std::thread::sleep(SIZE_EVERY);
        }
    }
}
