//! By which method a branch came into another one, read from the history alone.

use std::collections::BTreeMap;

use hikeshi_domain::release::Commit;
use hikeshi_domain::release::merge::Entry;

use super::{MergeError, Repository, lines, understood};

/// How far back the first parents of a branch are followed.
const CHAIN_MAX: usize = 20_000;
/// Commits of each side whose trees are compared.
const TREES_MAX: usize = 1_000;

impl Repository {
    /// How `from` came into `into`, or an earlier state of it did. `None` when it never did, or the history does not show it.
    pub(super) async fn entered(&self, from: &Commit, into: &Commit) -> Result<Option<Entry>, MergeError> {
        if self.is_ancestor(from, into).await? { self.merged_by(from, into).await } else { self.squashed(from, into).await }
    }

    /// Where the first parents of `into` reach `from` for the first time.
    async fn merged_by(&self, from: &Commit, into: &Commit) -> Result<Option<Entry>, MergeError> {
        let (count, range) = (format!("--max-count={}", CHAIN_MAX + 1), format!("{from}..{into}"));
        let mut chain = self.list(&["rev-list", "--first-parent", &count, &range]).await?;
        if chain.len() > CHAIN_MAX {
            return Ok(None);
        }
        chain.reverse();
        let Some(oldest) = chain.first() else { return Ok(Some(Entry::FastForward)) };
        if self.parents(oldest).await?.first() == Some(from) {
            return Ok(Some(Entry::FastForward));
        }
        // Whoever comes after a commit that has it has it, too.
        let (mut without, mut with) = (0, chain.len());
        while without < with {
            let middle = without + (with - without) / 2;
            let Some(commit) = chain.get(middle) else { break };
            if self.is_ancestor(from, commit).await? {
                with = middle;
            } else {
                without = middle + 1;
            }
        }
        Ok(chain.into_iter().nth(with).map(|commit| Entry::MergeCommit { commit }))
    }

    /// A commit of `into` that `from` lacks, with the very tree that `from` once had: its work, without its history.
    async fn squashed(&self, from: &Commit, into: &Commit) -> Result<Option<Entry>, MergeError> {
        let of_from: BTreeMap<Commit, Option<Commit>> =
            self.trees(&format!("{into}..{from}")).await?.into_iter().map(|entry| (entry.tree, entry.parent)).collect();
        for entry in self.trees(&format!("{from}..{into}")).await? {
            let (Some(parent), Some(before)) = (&entry.parent, of_from.get(&entry.tree)) else { continue };
            let parent_tree = self.tree(parent).await?;
            if parent_tree == entry.tree {
                continue;
            }
            // When both did the same step from the same state, it is one commit made anew.
            let one = match before {
                Some(before) => self.tree(before).await? == parent_tree,
                None => false,
            };
            let commit = entry.commit;
            return Ok(Some(if one { Entry::Copied { commit } } else { Entry::Squash { commit } }));
        }
        Ok(None)
    }

    pub(super) async fn tree(&self, commit: &Commit) -> Result<Commit, MergeError> {
        understood(&self.git.line(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")], b"").await?)
    }

    async fn parents(&self, commit: &Commit) -> Result<Vec<Commit>, MergeError> {
        let line = self.git.line(&["rev-list", "--parents", "--max-count=1", commit.as_str()], b"").await?;
        line.split(' ').skip(1).map(understood).collect()
    }

    async fn trees(&self, range: &str) -> Result<Vec<Snapshot>, MergeError> {
        let count = format!("--max-count={TREES_MAX}");
        let listed = self.output(&["log", "--no-merges", &count, "--format=%H %T %P", range, "--"], b"").await?;
        let snapshot = |line: &String| -> Result<Snapshot, MergeError> {
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            let (commit, tree) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            Ok(Snapshot { commit: understood(commit)?, tree: understood(tree)?, parent: words.next().map(understood).transpose()? })
        };
        lines(&listed).iter().map(snapshot).collect()
    }
}

struct Snapshot {
    commit: Commit,
    tree: Commit,
    parent: Option<Commit>,
}
