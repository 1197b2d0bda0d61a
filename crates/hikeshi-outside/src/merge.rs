//! A repository that is asked what a merge would do, and whether a fix is in a branch. Nothing in it is touched: what is asked about is fetched
//! into a throw-away clone, and what git has to write to answer is written there.
//!
//! [`contained`](Repository::contained) climbs the ladder of proofs, [`mod@entered`] reads by which method a branch came into another one.

mod contained;
mod entered;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use hikeshi_domain::policy::is_branch;
use hikeshi_domain::release::Commit;
use hikeshi_domain::release::merge::{Attempt, Diverged};
use hikeshi_domain::release::version::Tags;

use crate::git::{Git, GitError};
use crate::host::written_path;

/// Names of files that are told; all are counted.
const FILES_MAX: usize = 200;
const NAMES_MAX: usize = 50;
const TAGS_MAX: usize = 100_000;
const REMOTE: &str = "origin";

#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the repository has no branch, tag or commit `{0}`")]
    NoSuch(String),
    #[error("`{0}` is not a name for a branch, a tag or a commit")]
    BadName(String),
    #[error("more than {0} names at once")]
    TooManyNames(usize),
    #[error(
        "the repository is shallow: its history is cut off, so nothing can be proven by it. Fetch it whole (`git fetch --unshallow`; `fetch-depth: 0` in CI)"
    )]
    Shallow,
    #[error("the fix has more than {0} commits; name where it begins")]
    TooLong(usize),
    #[error("git answered something that is not understood: {0}")]
    NotUnderstood(&'static str),
    #[error("the repository has more than {0} tags")]
    TooManyTags(usize),
}

/// Where the throw-away clone goes, and what git may use of the environment.
#[derive(Debug, Clone)]
pub struct Place {
    pub spool: PathBuf,
    /// What a relative path of a repository is relative to.
    pub base: PathBuf,
    pub env: BTreeMap<OsString, OsString>,
}

/// A branch, tag or commit that is in the clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    pub name: String,
    pub commit: Commit,
}

/// What is asked about, fetched.
#[derive(Debug)]
pub struct Repository {
    git: Git,
    tips: BTreeMap<String, Commit>,
    /// What the repository itself saw last of its remote, for branches that it has, too.
    remote: BTreeMap<String, Commit>,
}

/// The tags of a repository, by version. Nothing is fetched.
pub async fn tags(place: &Place, repository: &str) -> Result<Tags, MergeError> {
    let git = Git::new(&place.spool, &place.base, repository, &place.env)?;
    let mut found: BTreeMap<String, (Commit, bool)> = BTreeMap::new();
    for (object, name) in git.remote_references().await? {
        let Some(tag) = name.strip_prefix("refs/tags/") else { continue };
        // What a tag object points to comes after it.
        let (tag, peeled) = tag.strip_suffix("^{}").map_or((tag, false), |tag| (tag, true));
        found.insert(tag.to_owned(), (understood(&object)?, peeled));
        if found.len() > TAGS_MAX {
            return Err(MergeError::TooManyTags(TAGS_MAX));
        }
    }
    Ok(Tags::of(found.into_iter().map(|(name, (commit, annotated))| (name, commit, annotated))))
}

fn understood(text: &str) -> Result<Commit, MergeError> {
    Commit::parse(text.trim()).map_err(|_| MergeError::NotUnderstood("the id of a commit"))
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// Paths that end with NUL: the first of them as the record writes them, and how many.
fn paths(bytes: &[u8]) -> (Vec<String>, u64) {
    let all = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let count = u64::try_from(all.clone().count()).unwrap_or(u64::MAX);
    (all.take(FILES_MAX).map(|path| written_path(OsStr::from_bytes(path))).collect(), count)
}

impl Repository {
    /// Fetches the branches, tags and commits that are named. A branch goes before a tag of the same name.
    pub async fn open(place: &Place, repository: &str, names: &[&str]) -> Result<Self, MergeError> {
        if names.len() > NAMES_MAX {
            return Err(MergeError::TooManyNames(NAMES_MAX));
        }
        if let Some(bad) = names.iter().find(|name| !is_branch(name)) {
            return Err(MergeError::BadName(bad.chars().take(80).collect()));
        }
        let git = Git::new(&place.spool, &place.base, repository, &place.env)?;
        let there: BTreeMap<String, String> = git.remote_references().await?.into_iter().map(|(object, name)| (name, object)).collect();
        git.init().await?;
        let mut refspecs = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let known = ["refs/heads/", "refs/tags/", "refs/remotes/origin/"].map(|folder| format!("{folder}{name}"));
            let source = match known.into_iter().find(|reference| there.contains_key(reference)) {
                Some(reference) => reference,
                None if Commit::parse(name).is_ok() => (*name).to_owned(),
                None => return Err(MergeError::NoSuch((*name).to_owned())),
            };
            refspecs.push(format!("+{source}:refs/hikeshi/{index}"));
            let tracked = format!("refs/remotes/{REMOTE}/{name}");
            if source.starts_with("refs/heads/") && there.contains_key(&tracked) {
                refspecs.push(format!("+{tracked}:refs/hikeshi/remote/{index}"));
            }
        }
        git.fetch(&refspecs).await?;
        if git.line(&["rev-parse", "--is-shallow-repository"], b"").await? != "false" {
            return Err(MergeError::Shallow);
        }
        let mut opened = Self { git, tips: BTreeMap::new(), remote: BTreeMap::new() };
        for (index, name) in names.iter().enumerate() {
            let commit = opened.commit(&format!("refs/hikeshi/{index}")).await?;
            opened.tips.insert((*name).to_owned(), commit);
            let tracked = format!("refs/hikeshi/remote/{index}");
            if refspecs.iter().any(|refspec| refspec.ends_with(&format!(":{tracked}"))) {
                let commit = opened.commit(&tracked).await?;
                opened.remote.insert((*name).to_owned(), commit);
            }
        }
        Ok(opened)
    }

    /// What was fetched by this name.
    pub fn tip(&self, name: &str) -> Result<Tip, MergeError> {
        let commit = self.tips.get(name).ok_or_else(|| MergeError::NoSuch(name.to_owned()))?;
        Ok(Tip { name: name.to_owned(), commit: commit.clone() })
    }

    async fn commit(&self, reference: &str) -> Result<Commit, MergeError> {
        let commit = self.git.line(&["rev-parse", "--verify", &format!("{reference}^{{commit}}")], b"").await?;
        understood(&commit)
    }

    async fn output(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, MergeError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        Ok(self.git.run(&args, input).await?)
    }

    async fn list(&self, args: &[&str]) -> Result<Vec<Commit>, MergeError> {
        lines(&self.output(args, b"").await?).iter().map(|line| understood(line)).collect()
    }

    async fn is_ancestor(&self, one: &Commit, other: &Commit) -> Result<bool, MergeError> {
        Ok(self.git.holds(&["merge-base", "--is-ancestor", one.as_str(), other.as_str()]).await?)
    }

    /// The best commit that both have.
    async fn merge_base(&self, one: &Commit, other: &Commit) -> Result<Option<Commit>, MergeError> {
        let found = self.git.answer(&["merge-base", one.as_str(), other.as_str()], b"").await?;
        if found.code == 1 {
            return Ok(None);
        }
        lines(&found.out).first().map(|line| understood(line)).transpose()
    }

    /// Commits of `one` that `other` lacks, and the other way round.
    async fn apart(&self, one: &Commit, other: &Commit) -> Result<(u64, u64), MergeError> {
        let counted = self.git.line(&["rev-list", "--left-right", "--count", &format!("{one}...{other}")], b"").await?;
        let numbers = counted.split_once('\t').and_then(|(left, right)| Some((left.parse().ok()?, right.parse().ok()?)));
        numbers.ok_or(MergeError::NotUnderstood("how far two branches are apart"))
    }

    /// The tree that a merge would make, or the files in conflict.
    async fn merged(&self, into: &Commit, from: &Commit, base: Option<&Commit>) -> Result<Merged, MergeError> {
        let base = base.map(|base| format!("--merge-base={base}"));
        let mut args = vec!["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        args.extend(base.as_deref());
        args.extend([into.as_str(), from.as_str()]);
        let ended = self.git.answer(&args, b"").await?;
        let (tree, rest) = match ended.out.iter().position(|byte| *byte == 0) {
            Some(end) => ended.out.split_at(end),
            None => return Err(MergeError::NotUnderstood("the tree of a merge")),
        };
        let tree = understood(&String::from_utf8_lossy(tree))?;
        Ok(if ended.code == 0 { Merged::Clean(tree) } else { Merged::Conflicts(paths(rest)) })
    }

    /// Tries to merge one branch into another.
    pub async fn attempt(&self, from: &Tip, into: &Tip) -> Result<Attempt, MergeError> {
        let related = self.merge_base(&into.commit, &from.commit).await?.is_some();
        let (behind, ahead) = self.apart(&into.commit, &from.commit).await?;
        let (conflicts, conflicts_count) = match related {
            true => match self.merged(&into.commit, &from.commit, None).await? {
                Merged::Clean(_) => (Vec::new(), 0),
                Merged::Conflicts(conflicts) => conflicts,
            },
            false => (Vec::new(), 0),
        };
        let mut diverged = Vec::new();
        for tip in [from, into] {
            let Some(remote) = self.remote.get(&tip.name) else { continue };
            let (ahead, behind) = self.apart(&tip.commit, remote).await?;
            if ahead > 0 && behind > 0 {
                diverged.push(Diverged { branch: tip.name.clone(), remote: format!("{REMOTE}/{}", tip.name), ahead, behind });
            }
        }
        let entered = if related { self.entered(&from.commit, &into.commit).await? } else { None };
        let (from, into) = (from.name.clone(), into.name.clone());
        Ok(Attempt { from, into, related, ahead, behind, conflicts, conflicts_count, entered, diverged })
    }
}

enum Merged {
    /// The tree. Trees are named like commits.
    Clean(Commit),
    Conflicts((Vec<String>, u64)),
}
