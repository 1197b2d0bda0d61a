//! What time it is. The only place of the product that asks the system; everything else is told.
//!
//! Next: [`crate::timers`], which waits on it.

use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::Doing;
use jiff::SignedDuration;
use tokio::sync::watch;

/// A source of time that can be waited on.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Ends once `now()` is at or after `at`, also when the clock was set forward meanwhile.
    fn reached(&self, at: Timestamp) -> Doing<'_, ()>;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn reached(&self, at: Timestamp) -> Doing<'_, ()> {
        // Sleeping runs on the monotonic clock; looking again every second notices a wall clock that was set.
        const LOOK_AGAIN: Duration = Duration::from_secs(1);
        Box::pin(async move {
            loop {
                let left = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// A clock that stands still until it is moved, in either direction. For tests and rehearsals of time.
#[derive(Debug)]
pub struct StoppedClock {
    at: watch::Sender<Timestamp>,
}

impl StoppedClock {
    pub fn new(at: Timestamp) -> Self {
        Self { at: watch::Sender::new(at) }
    }
    /// Moves the clock and wakes everyone who waits for that time.
    pub fn move_by(&self, by: SignedDuration) {
        self.at.send_modify(|at| *at = at.saturating_add(by).unwrap_or(*at));
    }
    pub fn set(&self, to: Timestamp) {
        self.at.send_replace(to);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.at.borrow()
    }

    fn reached(&self, at: Timestamp) -> Doing<'_, ()> {
        let mut moved = self.at.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the wait ends only by the time being reached.
            if moved.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
