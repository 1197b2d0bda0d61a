//! What a look at the files has told, and what of it nobody has seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Emergency, FileChange};

/// What differs from before the start, as far as an entry of the ledger can hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Looked {
    pub changes: Vec<FileChange>,
    /// Further changed files that were counted and not listed.
    #[serde(default)]
    pub changes_unlisted: u64,
    /// How many of these lie outside the scope: nobody can accept what is not named (rule E8).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outside_unlisted: u64,
    /// Nobody could look: this is only what was known before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
}

/// What lay in the scope and was replaced, as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replaced {
    /// Contents are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<FileChange>,
    /// Further files, counted and not listed; their contents are kept beside the baseline only.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replaced_unlisted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(crate) fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Looked {
    /// A list that is complete.
    pub fn of(changes: Vec<FileChange>) -> Self {
        Self { changes, ..Self::default() }
    }

    /// What is known without another look.
    pub(crate) fn before(state: &Emergency) -> Self {
        Self {
            changes: state.changes.clone(),
            changes_unlisted: state.changes_unlisted,
            outside_unlisted: state.outside_unlisted,
            unseen: state.files_unseen,
        }
    }

    pub(crate) fn unseen(state: &Emergency) -> Self {
        Self { unseen: true, ..Self::before(state) }
    }
}

impl Emergency {
    /// Files may have changed that nobody has seen, or that no list names: the close waits for another look (rule E8).
    pub fn must_be_looked_at(&self) -> bool {
        self.files_unseen || self.outside_unlisted > 0
    }
}
