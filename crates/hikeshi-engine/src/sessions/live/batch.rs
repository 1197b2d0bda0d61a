//! What a session tells the ledger at once.

use std::time::{Duration, Instant};

use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::decide::SEALED_AT_ONCE_MAX;
use hikeshi_domain::session::{Command, Gap, SealedBlock, TypedCommand};

use super::Live;

/// What goes into one entry of the ledger.
pub(in crate::sessions) struct Batch {
    /// Number of the first of these blocks.
    first: u64,
    blocks: Vec<SealedBlock>,
    commands: Vec<TypedCommand>,
    gaps: Vec<Gap>,
}

impl Batch {
    /// How many blocks the ledger names when it has heard of this.
    fn end(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.blocks.len()).unwrap_or(u64::MAX))
    }

    pub(in crate::sessions) fn command(&self, emergency: EmergencyId, session: u32) -> Command {
        Command::Seal {
            emergency,
            session,
            first: self.first,
            blocks: self.blocks.clone(),
            commands: self.commands.clone(),
            gaps: self.gaps.clone(),
        }
    }
}

impl Live {
    /// `sealed`: how many blocks the ledger names already.
    pub(in crate::sessions) fn take_sealed(&self, sealed: u64, every: Duration) -> Option<Batch> {
        let mut state = self.lock();
        state.names(sealed);
        let something = !state.unsealed.is_empty() || !state.commands.is_empty() || !state.gaps.is_empty();
        let due = state.urgent || state.told_at.elapsed() >= every || state.unsealed.len() >= SEALED_AT_ONCE_MAX / 2;
        if !something || !due {
            return None;
        }
        let commands = state.commands.len().min(SEALED_AT_ONCE_MAX);
        let gaps = state.gaps.len().min(SEALED_AT_ONCE_MAX);
        Some(Batch {
            first: state.named,
            blocks: state.unsealed.iter().take(SEALED_AT_ONCE_MAX).cloned().collect(),
            commands: state.commands.iter().take(commands).cloned().collect(),
            gaps: state.gaps.iter().take(gaps).cloned().collect(),
        })
    }

    pub(in crate::sessions) fn sealed_told(&self, batch: &Batch, told: bool) {
        let mut state = self.lock();
        state.told_at = Instant::now();
        if !told {
            return;
        }
        state.names(batch.end());
        state.commands.drain(..batch.commands.len());
        state.gaps.drain(..batch.gaps.len());
        state.urgent = !state.commands.is_empty() || !state.gaps.is_empty() || state.end.is_some();
    }

    /// Everything that was stored is in the ledger.
    pub(in crate::sessions) fn is_told(&self) -> bool {
        let state = self.lock();
        state.unsealed.is_empty() && state.commands.is_empty() && state.gaps.is_empty()
    }
}
