//! Whether keys may pass now: the server's word, how fresh it is, and whether the record is stored. Read at every key.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::session::HeldBecause;
use rustix::time::{ClockId, clock_gettime};

/// A server that has not stored a block for this long shows those who watch an old screen.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);
/// A record that is not stored for longer than this holds the keys.
const STORED_WITHIN: Duration = Duration::from_secs(2);
/// A server that is not heard of for longer than this holds them, too. It speaks twice a second.
const HEARD_WITHIN: Duration = Duration::from_millis(1_500);

/// A moment by a clock that goes on while the machine sleeps: what was said before the lid was closed is old when it is opened.
struct Heard(Duration);

impl Heard {
    fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        Self(Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0)))
    }

    fn ago(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

#[derive(Default)]
struct State {
    /// The server's last word, and when it came.
    server: Option<(Vec<HeldBecause>, Heard)>,
    /// When the first frame that is in no block was made.
    open_since: Option<Instant>,
    /// Blocks that the server does not have: those who watch cannot have seen them.
    unseen: VecDeque<(u64, Instant)>,
    /// Blocks that neither the disk nor the server has, with the time of their first frame.
    unstored: VecDeque<(u64, Instant)>,
    /// Nobody writes the record any more.
    unwritten: bool,
    attached: bool,
    /// Beside the gate: which files outside the scope nobody has accepted, as the server said last.
    outside: Vec<String>,
}

pub(super) struct Valve {
    state: Mutex<State>,
    /// A server that has not spoken yet has this long to do so before it counts as gone.
    began: Heard,
}

impl Default for Valve {
    fn default() -> Self {
        Self { state: Mutex::default(), began: Heard::now() }
    }
}

impl Valve {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why keys must not pass; empty: they may.
    pub(super) fn held(&self) -> Vec<HeldBecause> {
        let state = self.lock();
        let mut held = match &state.server {
            // It speaks, and the recording does not reach it: nobody can be watching.
            Some(_) if state.unseen.front().is_some_and(|(_, since)| since.elapsed() > SHOWN_WITHIN) => vec![HeldBecause::ServerLost],
            Some((held, at)) if at.ago() <= HEARD_WITHIN => held.clone(),
            None if self.began.ago() <= HEARD_WITHIN => vec![HeldBecause::NotCounted],
            Some(_) | None => vec![HeldBecause::ServerLost],
        };
        let oldest = state.unstored.front().map(|(_, since)| *since).or(state.open_since);
        if state.unwritten || oldest.is_some_and(|since| since.elapsed() > STORED_WITHIN) {
            held.push(HeldBecause::NotStored);
        }
        if !state.attached {
            held.push(HeldBecause::Detached);
        }
        held
    }

    pub(super) fn server_says(&self, held: Vec<HeldBecause>) {
        self.lock().server = Some((held, Heard::now()));
    }

    pub(super) fn outside_the_scope(&self, paths: Vec<String>) {
        self.lock().outside = paths;
    }

    pub(super) fn outside(&self) -> Vec<String> {
        self.lock().outside.clone()
    }

    pub(super) fn attached(&self, attached: bool) {
        self.lock().attached = attached;
    }

    pub(super) fn frame_made(&self) {
        let mut state = self.lock();
        if state.open_since.is_none() {
            state.open_since = Some(Instant::now());
        }
    }

    /// From now on nothing is recorded: the keys are held for good.
    pub(super) fn unwritten(&self) {
        self.lock().unwritten = true;
    }

    pub(super) fn sealed(&self, block: u64) {
        let mut state = self.lock();
        let since = state.open_since.take().unwrap_or_else(Instant::now);
        state.unstored.push_back((block, since));
        state.unseen.push_back((block, since));
    }

    /// The disk has these blocks.
    pub(super) fn kept(&self, blocks: &[u64]) {
        self.lock().unstored.retain(|(number, _)| !blocks.contains(number));
    }

    /// The server has every block up to this one.
    pub(super) fn at_server(&self, block: u64) {
        let mut state = self.lock();
        state.unstored.retain(|(number, _)| *number > block);
        state.unseen.retain(|(number, _)| *number > block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Valve {
        let valve = Valve::default();
        valve.attached(true);
        valve.server_says(Vec::new());
        valve
    }

    #[test]
    fn keys_pass_while_the_server_is_heard_and_the_record_is_stored() {
        let valve = open();
        assert_eq!(valve.held(), Vec::new());
        valve.frame_made();
        valve.sealed(0);
        assert_eq!(valve.held(), Vec::new(), "two seconds are not over");
        std::thread::sleep(STORED_WITHIN + Duration::from_millis(50));
        valve.server_says(Vec::new());
        assert_eq!(valve.held(), vec![HeldBecause::NotStored]);
        valve.at_server(0);
        assert_eq!(valve.held(), Vec::new());
        std::thread::sleep(HEARD_WITHIN + Duration::from_millis(50));
        assert_eq!(valve.held(), vec![HeldBecause::ServerLost]);
    }

    #[test]
    fn a_recording_that_does_not_reach_the_server_holds_the_keys_although_the_disk_has_it() {
        let valve = open();
        valve.frame_made();
        valve.sealed(0);
        valve.kept(&[0]);
        std::thread::sleep(SHOWN_WITHIN + Duration::from_millis(50));
        valve.server_says(Vec::new());
        assert_eq!(valve.held(), vec![HeldBecause::ServerLost]);
        valve.at_server(0);
        assert_eq!(valve.held(), Vec::new());
    }

    #[test]
    fn nothing_passes_before_the_server_has_spoken_or_without_a_terminal() {
        let alone = Valve::default();
        assert_eq!(alone.held(), vec![HeldBecause::NotCounted, HeldBecause::Detached]);
        std::thread::sleep(HEARD_WITHIN + Duration::from_millis(50));
        assert_eq!(alone.held(), vec![HeldBecause::ServerLost, HeldBecause::Detached]);
        let valve = open();
        valve.server_says(vec![HeldBecause::NotExecuting]);
        assert_eq!(valve.held(), vec![HeldBecause::NotExecuting]);
    }
}
