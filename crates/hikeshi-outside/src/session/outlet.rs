//! The way from the pty to the attached terminal. Output that waits is put together; a terminal that is slow is waited for, as every program
//! waits for its terminal; one that stands still is not: what runs goes on, and the terminal is told how much it missed and shown the last of it.
//!
//! While nothing waits, output goes to the terminal at once, by whoever has read it: an echo is not handed from thread to thread.

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};

use super::wire::ToTerminal;

/// Output that may wait for a slow terminal before whatever prints waits, too.
const WAITS_BYTES_MAX: usize = 1 << 20;
/// Other news that may wait.
const NEWS_MAX: usize = 1_024;
/// Output is put together up to this much.
const TOGETHER_BYTES_MAX: usize = 128 * 1024;
/// A terminal that takes nothing for this long stands still.
const STANDS_STILL_AFTER: Duration = Duration::from_millis(250);
/// The last of what a terminal missed, shown when it goes on.
const LAST_BYTES_MAX: usize = 64 * 1024;

#[derive(Default)]
struct State {
    news: VecDeque<ToTerminal>,
    /// Bytes of output in `news`.
    bytes: usize,
    /// What the terminal did not take of a message that went to it at once.
    rest: Vec<u8>,
    /// The last that was next for the terminal is on its way.
    sending: bool,
    still: bool,
    /// What came while it stood still: how much was left out, and the end of it.
    left_out: u64,
    last: VecDeque<u8>,
    closed: bool,
}

#[derive(Default)]
pub(super) struct Outlet {
    state: Mutex<State>,
    changed: Condvar,
    /// `None`: everything waits to be taken.
    stream: Option<UnixStream>,
}

/// What is next for a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Rest(Vec<u8>),
    News(ToTerminal),
}

impl Next {
    pub(super) fn send(&self, to: &mut impl io::Write) -> io::Result<()> {
        match self {
            Self::Rest(bytes) => to.write_all(bytes),
            Self::News(news) => news.send(to),
        }
    }
}

impl Outlet {
    pub(super) fn to(stream: UnixStream) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, within: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, within).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn output(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if self.at_once(&mut state, bytes) {
            return;
        }
        let began = Instant::now();
        let mut waiting = state.bytes;
        let mut since = began;
        while !state.closed && !state.still && state.bytes + bytes.len() > WAITS_BYTES_MAX {
            if since.elapsed() >= STANDS_STILL_AFTER {
                state.still = true;
                break;
            }
            state = self.wait(state, STANDS_STILL_AFTER.saturating_sub(since.elapsed()));
            if state.bytes < waiting {
                (waiting, since) = (state.bytes, Instant::now());
            }
        }
        if state.closed {
            return;
        }
        if state.still {
            state.last.extend(bytes);
            let over = state.last.len().saturating_sub(LAST_BYTES_MAX);
            state.last.drain(..over);
            state.left_out = state.left_out.saturating_add(u64::try_from(over).unwrap_or(u64::MAX));
            return;
        }
        state.bytes += bytes.len();
        match state.news.back_mut() {
            Some(ToTerminal::Output(before)) if before.len() + bytes.len() <= TOGETHER_BYTES_MAX => before.extend_from_slice(bytes),
            Some(_) | None => state.news.push_back(ToTerminal::Output(bytes.to_vec())),
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Sends it now if nothing is before it and the terminal has room. False: it has to wait.
    fn at_once(&self, state: &mut State, bytes: &[u8]) -> bool {
        let free = state.news.is_empty() && state.rest.is_empty() && !state.sending && !state.still && !state.closed;
        let Some(stream) = self.stream.as_ref().filter(|_| free) else { return false };
        let mut message = Vec::with_capacity(bytes.len() + 5);
        if ToTerminal::output(&mut message, bytes).is_err() {
            return false;
        }
        match send(stream, &message, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) => {
                state.rest = message.split_off(sent);
                if !state.rest.is_empty() {
                    self.changed.notify_all();
                }
                true
            }
            // No room, or gone: whoever sends what waits finds out.
            Err(_) => false,
        }
    }

    /// News that is no output. A terminal that is far behind misses it; the gate's is said again.
    pub(super) fn tell(&self, news: ToTerminal) {
        let mut state = self.lock();
        let is_end = matches!(news, ToTerminal::Ended(_));
        if state.closed || (state.news.len() >= NEWS_MAX && !is_end) {
            tracing::debug!("the terminal is slow or gone");
            return;
        }
        // The end is the last that is said, also to a terminal that stood still.
        if is_end {
            go_on(&mut state);
        }
        state.news.push_back(news);
        drop(state);
        self.changed.notify_all();
    }

    /// What is next for the terminal; waits for it. What was next before has been sent. `None`: it is gone.
    pub(super) fn next(&self) -> Option<Next> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.sending, false) {
            self.changed.notify_all();
        }
        loop {
            if state.closed {
                return None;
            }
            if !state.rest.is_empty() {
                state.sending = true;
                return Some(Next::Rest(std::mem::take(&mut state.rest)));
            }
            if state.news.is_empty() {
                go_on(&mut state);
            }
            if let Some(news) = state.news.pop_front() {
                if let ToTerminal::Output(bytes) = &news {
                    state.bytes = state.bytes.saturating_sub(bytes.len());
                }
                state.sending = true;
                drop(state);
                self.changed.notify_all();
                return Some(Next::News(news));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until everything has been sent, or the terminal is gone.
    pub(super) fn empty_within(&self, within: Duration) {
        let began = Instant::now();
        let mut state = self.lock();
        while !state.closed && (state.sending || !state.rest.is_empty() || !state.news.is_empty()) && began.elapsed() < within {
            state = self.wait(state, within.saturating_sub(began.elapsed()));
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// The terminal takes something again: what it missed is told, and the last of it shown.
fn go_on(state: &mut State) {
    if !std::mem::replace(&mut state.still, false) {
        return;
    }
    let left_out = std::mem::take(&mut state.left_out);
    if left_out > 0 {
        state.news.push_back(ToTerminal::Skipped { bytes: left_out });
    }
    let last: Vec<u8> = std::mem::take(&mut state.last).into();
    state.bytes += last.len();
    if !last.is_empty() {
        state.news.push_back(ToTerminal::Output(last));
    }
}

#[cfg(test)]
mod tests;
