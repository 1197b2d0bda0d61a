//! Verifying the live ledger and its tables: every entry, in order, against the head and against everything that was ever signed.

use std::sync::Arc;

use hikeshi_domain::ledger::Verdict;
use hikeshi_store::{Comparison, StoreError};
use serde::Serialize;

use crate::door::{Door, Fault};

/// What a verification of the live ledger shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveVerdict {
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Checkpoints, in the store or the file, whose signature is not this ledger's: somebody has touched them, or the key was changed.
    pub unverifiable_checkpoints: u64,
}

impl LiveVerdict {
    pub fn is_sound(&self) -> bool {
        self.verdict.fault.is_none() && self.unverifiable_checkpoints == 0
    }
}

impl Door {
    /// Walks the whole ledger in one read transaction.
    pub async fn verify_live(&self) -> Result<LiveVerdict, Fault> {
        let sealer = Arc::clone(&self.inside.sealer);
        self.read(move |reader| {
            let kept = reader.checkpoints()?;
            let signed = sealer.signed(&kept);
            let (checkpoints, unverifiable_checkpoints) =
                signed.map_err(|error| StoreError { doing: "read the checkpoint file", detail: error.to_string(), passing: false })?;
            let verdict = reader.verify(checkpoints)?;
            Ok(LiveVerdict { verdict, unverifiable_checkpoints })
        })
        .await
    }

    /// Compares every table with what the ledger says it should hold.
    pub async fn compare_tables(&self) -> Result<Comparison, Fault> {
        self.read(|reader| reader.compare()).await
    }

    /// Makes the tables anew where they differ from what the ledger says; what is returned is what was found before.
    pub async fn rebuild(&self) -> Result<Comparison, Fault> {
        self.blocking(hikeshi_store::Store::rebuild).await
    }
}
