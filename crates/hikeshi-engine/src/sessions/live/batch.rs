//! What a session tells the ledger at once.

use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::{Command, Gap, SealedBlock, TypedCommand};

/// What goes into one entry of the ledger.
pub(in crate::sessions) struct Batch {
    pub(super) blocks: Vec<SealedBlock>,
    pub(super) commands: Vec<TypedCommand>,
    pub(super) gaps: Vec<Gap>,
}

impl Batch {
    pub(in crate::sessions) fn len(&self) -> u64 {
        u64::try_from(self.blocks.len()).unwrap_or(u64::MAX)
    }

    pub(in crate::sessions) fn command(&self, emergency: EmergencyId, session: u32, first: u64) -> Command {
        Command::Seal { emergency, session, first, blocks: self.blocks.clone(), commands: self.commands.clone(), gaps: self.gaps.clone() }
    }
}
