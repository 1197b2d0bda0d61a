//! What a session tells the ledger at once.

use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::{Command, Gap, SealedBlock, TypedCommand};

/// What goes into one entry of the ledger.
pub(in crate::sessions) struct Batch {
    /// Number of the first of these blocks.
    pub(super) first: u64,
    pub(super) blocks: Vec<SealedBlock>,
    pub(super) commands: Vec<TypedCommand>,
    pub(super) gaps: Vec<Gap>,
}

impl Batch {
    /// How many blocks the ledger names when it has heard of this.
    pub(super) fn end(&self) -> u64 {
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
