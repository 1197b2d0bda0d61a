//! Counters of what the engine did since it started. Numbers only; how they are shown is for the faces.

use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reading of the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Commands that were answered, whatever the answer.
    pub commands: u64,
    pub refusals: u64,
    /// Requests that had been answered before.
    pub repeats: u64,
    pub faults: u64,
    pub batches: u64,
    /// Most commands that one commit carried.
    pub batch_largest: u64,
    /// Batches that were tried again after a passing store error.
    pub batch_retries: u64,
    /// Times that the outbox was asked for work.
    pub claims: u64,
    pub effects_performed: u64,
    pub effects_looked_at: u64,
    pub effects_in_doubt: u64,
    pub effects_failed: u64,
    pub timers_fired: u64,
    pub checkpoints: u64,
    pub probes: u64,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// The counters themselves.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64),* }
        impl Counters {
            pub(crate) fn read(&self) -> Figures {
                Figures { $($name: self.$name.load(Ordering::Relaxed)),* }
            }
        }
    };
}

counters!(
    commands,
    refusals,
    repeats,
    faults,
    batches,
    batch_largest,
    batch_retries,
    claims,
    effects_performed,
    effects_looked_at,
    effects_in_doubt,
    effects_failed,
    timers_fired,
    checkpoints,
    probes,
);

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
