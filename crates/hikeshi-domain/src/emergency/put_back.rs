//! Changed files that are put back as they were before the start: what is asked for, and what became of each.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChangeKind, Emergency, FileChange, FileContent};
use crate::ids::PersonId;

/// Files that one order may name, and the bytes of several names together: an entry of the ledger holds them all.
pub const PUT_BACK_AT_ONCE_MAX: usize = 20;
pub const PUT_BACK_NAMES_BYTES_MAX: usize = 4 * 1024;

/// A file that is to be as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PuttingBack {
    pub path: String,
    /// As it was before the start; `None`: it was not there, and is removed.
    #[serde(default)]
    pub before: Option<FileContent>,
    /// As the record knew it when it was asked; `None`: it was gone.
    #[serde(default)]
    pub seen: Option<FileContent>,
}

impl PuttingBack {
    pub fn of(change: &FileChange) -> Self {
        Self { path: change.path.clone(), before: change.before.clone(), seen: change.after.clone() }
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PutBack {
    pub path: String,
    /// What lay there and was replaced. Its content is kept unless it says otherwise: nothing is lost in silence.
    #[serde(default)]
    pub found: Option<FileContent>,
    /// What lies there now, as read by another look.
    #[serde(default)]
    pub now: Option<FileContent>,
    /// What was replaced is not what the record had seen: somebody changed it in between.
    #[serde(default)]
    pub changed_since: bool,
    /// Why it is not as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// One order to put files back, kept with the exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reverted {
    pub by: PersonId,
    pub reason: String,
    pub at: Timestamp,
    /// `None`: under way, or it failed as a whole.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    pub files: Vec<PutBack>,
}

/// Changes outside the approved scope that nobody has accepted: flagged to everyone who watches, and in the way of the close (rule E8).
pub fn unaccepted(emergency: &Emergency) -> impl Iterator<Item = &FileChange> {
    emergency.changes.iter().filter(|change| change.is_unaccepted())
}

impl FileChange {
    pub fn is_unaccepted(&self) -> bool {
        !self.in_scope && self.accepted_by.is_none()
    }
}

/// Whether what lay there before the start can still be had: kept by digest, or in the backup, which has the whole scope.
/// What was not kept because it holds a secret lies beside the baseline, where the hands find it.
pub fn can_be_put_back(change: &FileChange, file_bytes_max: u64) -> bool {
    match change.kind {
        ChangeKind::Added => true,
        ChangeKind::Modified | ChangeKind::Removed | ChangeKind::Metadata => {
            change.in_scope || change.before.as_ref().is_some_and(|before| before.kept || before.bytes <= file_bytes_max)
        }
    }
}
