//! Whether a fix is in a branch: a ladder of proofs, from the plain merge to what no proof is found for (rules R3, R8).
//!
//! There is no verdict "lost": that no proof was found proves nothing. Whoever reads "undecided" looks at the difference and says so themselves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Commit;
use super::merge::Entry;

/// What is known of a fix in a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Containment {
    Contained {
        by: Proof,
    },
    /// Its lines stand in the branch. A person confirms: the same line may have been added elsewhere.
    Probably,
    Undecided {
        because: Doubt,
    },
}

impl Containment {
    pub fn is_proven(&self) -> bool {
        matches!(self, Self::Contained { .. })
    }
}

/// The rung of the ladder that proved it, from the strongest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub enum Proof {
    /// The branch has the very commits.
    Ancestor,
    /// A commit of the branch names the hotfix in its trailer `Hotfix-Id`.
    Trailer { hotfix: String, commit: Commit },
    /// The same patch, as one squashed commit or commit by commit.
    Patch { commits: Vec<Commit> },
    /// To merge it would change nothing.
    Tree,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// No rung held.
    NoProof,
    /// Only some of its commits are there.
    Part { there: u32, of: u32 },
    /// It came in, and this commit took it out again.
    Reverted { by: Commit },
    /// It came in, and its whole patch can be applied once more: it was taken out without saying so.
    Undone,
    /// The two have no commit in common.
    Unrelated,
}

/// What was looked at, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub fix: String,
    pub fix_commit: Commit,
    pub branch: String,
    pub branch_commit: Commit,
    /// Where the fix begins; `None` when it is in the branch with all its history.
    pub base: Option<Commit>,
    pub containment: Containment,
    /// By which method it came in, where the history shows it.
    pub entered: Option<Entry>,
    /// Files that the fix changes: the first of them, and how many.
    pub files: Vec<String>,
    pub files_count: u64,
}

/// A commit, and what it says that it reverts.
pub type Revert = (Commit, Commit);

/// The commit by which `what` is out now; `None` when nothing reverts it, or what reverted it was itself reverted.
pub fn out_by<'a>(what: &Commit, reverts: &'a [Revert]) -> Option<&'a Commit> {
    let mut by: BTreeMap<&Commit, Vec<&'a Commit>> = BTreeMap::new();
    for (commit, reverted) in reverts {
        by.entry(reverted).or_default().push(commit);
    }
    stands(what, &by, reverts.len())
}

/// The first revert of `what` that stands. `left` ends a circle, which honest commits cannot form but texts can.
fn stands<'a>(what: &Commit, by: &BTreeMap<&Commit, Vec<&'a Commit>>, left: usize) -> Option<&'a Commit> {
    let left = left.checked_sub(1)?;
    by.get(what)?.iter().copied().find(|revert| stands(revert, by, left).is_none())
}

#[cfg(test)]
mod tests {
    use super::super::commit;
    use super::*;

    #[test]
    fn a_revert_that_was_reverted_takes_nothing_out() {
        let (fix, out, back) = (commit('a'), commit('b'), commit('c'));
        assert_eq!(out_by(&fix, &[]), None);
        let once = [(out.clone(), fix.clone())];
        assert_eq!(out_by(&fix, &once), Some(&out));
        let twice = [(out.clone(), fix.clone()), (back.clone(), out.clone())];
        assert_eq!(out_by(&fix, &twice), None);
        let thrice = [(out.clone(), fix.clone()), (back.clone(), out.clone()), (commit('d'), back)];
        assert_eq!(out_by(&fix, &thrice), Some(&out));
        let circle = [(fix.clone(), out.clone()), (out, fix.clone())];
        assert!(out_by(&fix, &circle).is_none_or(|by| *by != fix), "it ends");
    }
}
