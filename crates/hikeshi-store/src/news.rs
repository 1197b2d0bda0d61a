//! How callers in this process learn that the ledger has grown. Only a size travels; whoever wakes up reads.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Default)]
pub(crate) struct News {
    size: Mutex<u64>,
    grown: Condvar,
}

impl News {
    pub fn tell(&self, size: u64) {
        let mut known = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if size > *known {
            *known = size;
            drop(known);
            self.grown.notify_all();
        }
    }

    /// Returns as soon as more than `known_size` entries were told of, or after the wait.
    pub fn wait(&self, known_size: u64, wait: Duration) -> u64 {
        let until = Instant::now() + wait;
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        while *size <= known_size {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            size = self.grown.wait_timeout(size, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *size
    }
}
