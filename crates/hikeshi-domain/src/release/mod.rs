//! What is known of a release before anything is touched: versions and their tags ([`version`]), by which method branches may be merged and
//! what is in the way ([`merge`]), whether a fix is in a branch ([`contained`]).
//!
//! Pure: git is asked by `hikeshi-outside`, and what it said is judged here.

pub mod contained;
pub mod merge;
pub mod version;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A commit, by its whole id in hexadecimal (SHA-1 or SHA-256).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Commit(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the whole id of a commit")]
pub struct NotACommit(String);

impl Commit {
    pub fn parse(text: &str) -> Result<Self, NotACommit> {
        let hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if hex && matches!(text.len(), 40 | 64) { Ok(Self(text.to_owned())) } else { Err(NotACommit(text.chars().take(80).collect())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people write it.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl TryFrom<String> for Commit {
    type Error = NotACommit;
    fn try_from(text: String) -> Result<Self, NotACommit> {
        Self::parse(&text)
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
pub(crate) fn commit(digit: char) -> Commit {
    Commit::parse(&digit.to_string().repeat(40)).expect("a commit")
}
