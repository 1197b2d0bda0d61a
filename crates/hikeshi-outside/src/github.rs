//! GitHub (rule E10): the captured change as a branch and a labelled pull request, and what was merged against what was done.
//!
//! The commit is made through the git data API, not pushed: one token, no credential on disk, no clone of a large repository, and each object is
//! named by its content, so making it twice is as good as once. Branch and pull request are found again by name and trailer before they
//! are made. [`api`] is one call, [`tree`] reads files of a commit, [`settings`] what merges GitHub permits, [`webhook`] what GitHub tells by itself.

mod api;
mod open;
pub mod settings;
mod tree;
pub mod webhook;

use std::collections::BTreeMap;
use std::ffi::OsString;

use hikeshi_domain::effect::{ChangeRequestOrder, Contents, GitHub, Outcome, Performed, Seen};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::obligation::Drift;
use hikeshi_domain::policy::is_branch;
use serde_json::Value;

use crate::Options;
use crate::forge::{Compare, git_mode};
use crate::host::{Kind, kind_of};
use api::{Api, ApiError};
use tree::Trees;

#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("`{0}` is not `owner/name`")]
    BadRepository(String),
    #[error("`{0}` is not a name for a branch")]
    BadBranch(String),
    #[error("the repository has no branch `{0}`")]
    NoBase(String),
    #[error(
        "the branch `{0}` exists already in the repository and is not of this exception; it was left alone. Rename or remove it, then try again"
    )]
    BranchTaken(String),
    #[error("`{0}` cannot be a path on GitHub")]
    BadPath(String),
    #[error("the content of `{path}` ({digest}) is not in the record")]
    NoContent { path: String, digest: Digest },
    #[error("the pull request {url} was closed without being merged; open it again, or bring the change back another way")]
    ClosedUnmerged { url: String },
    #[error("the directory `{0}` of the repository has too many files to be compared")]
    TooManyFiles(String),
    #[error("GitHub answered something that is not understood: no `{0}`")]
    NotUnderstood(&'static str),
}

fn failed(error: &GitHubError) -> Performed {
    Performed { outcome: Outcome::Failed { detail: error.to_string() }, contents: Vec::new() }
}

/// One repository, with a token.
pub(crate) struct Repository {
    pub(crate) api: Api,
    pub(crate) owner: String,
    /// `/repos/owner/name`
    pub(crate) path: String,
}

impl Repository {
    fn new(env: &BTreeMap<OsString, OsString>, github: &GitHub, repository: &str, branches: &[&str]) -> Result<Self, GitHubError> {
        let (owner, name) = repository.split_once('/').ok_or_else(|| GitHubError::BadRepository(repository.to_owned()))?;
        for branch in branches {
            if !is_branch(branch) {
                return Err(GitHubError::BadBranch((*branch).to_owned()));
            }
        }
        let api = Api::new(env, github)?;
        Ok(Self { api, owner: owner.to_owned(), path: format!("/repos/{}/{}", api::escaped(owner), api::escaped(name)) })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, GitHubError> {
        Ok(self.api.get(&format!("{}{path}", self.path)).await?)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, GitHubError> {
        Ok(self.api.post(&format!("{}{path}", self.path), body).await?)
    }

    /// The commit of a branch; `None` when there is no such branch.
    pub(crate) async fn tip(&self, branch: &str) -> Result<Option<String>, GitHubError> {
        match self.get(&format!("/git/ref/{}", api::escaped(&format!("heads/{branch}")))).await {
            Ok(found) => Ok(Some(word(&found, "/object/sha", "object.sha")?)),
            // 409: the repository has no commit at all.
            Err(GitHubError::Api(ApiError::Status { status: 404 | 409, .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest pull request of a branch, whatever became of it.
    pub(crate) async fn pull(&self, branch: &str) -> Result<Option<Value>, GitHubError> {
        let head = api::escaped(&format!("{}:{branch}", self.owner));
        let list = self.get(&format!("/pulls?state=all&sort=created&direction=desc&per_page=10&head={head}")).await?;
        let of_branch = |pull: &&Value| pull.pointer("/head/ref").and_then(Value::as_str) == Some(branch);
        Ok(list.as_array().and_then(|list| list.iter().find(of_branch)).cloned())
    }
}

pub(crate) fn word(value: &Value, at: &str, name: &'static str) -> Result<String, GitHubError> {
    value.pointer(at).and_then(Value::as_str).map(str::to_owned).ok_or(GitHubError::NotUnderstood(name))
}

/// Opens the request; what is there from an earlier try is taken over.
pub(crate) async fn open(options: &Options, github: &GitHub, order: &ChangeRequestOrder, contents: &dyn Contents) -> Performed {
    let opened = async {
        let repository = Repository::new(&options.env, github, &order.repository, &[&order.base, &order.branch])?;
        open::open(&repository, options, order, contents).await
    };
    match opened.await {
        Ok(outcome) => Performed { outcome, contents: Vec::new() },
        Err(error) => failed(&error),
    }
}

/// Whether branch and pull request are there. When GitHub cannot be asked, opening is safe: it asks first too.
pub(crate) async fn look(options: &Options, github: &GitHub, order: &ChangeRequestOrder) -> Seen {
    let looked = async {
        let repository = Repository::new(&options.env, github, &order.repository, &[&order.base, &order.branch])?;
        open::find(&repository, order).await
    };
    match looked.await {
        Ok(Some(outcome)) => Seen::Happened(Performed { outcome, contents: Vec::new() }),
        Ok(None) => Seen::NotHappened,
        Err(error) => {
            tracing::warn!(%error, "GitHub could not be asked");
            Seen::NotHappened
        }
    }
}

/// What was merged, against what was done in production.
pub(crate) async fn compare(options: &Options, github: &GitHub, order: &Compare<'_>) -> Performed {
    let compared = async {
        let repository = Repository::new(&options.env, github, order.repository, &[order.base, order.branch])?;
        compared(&repository, order).await
    };
    match compared.await {
        Ok(outcome) => Performed { outcome, contents: Vec::new() },
        Err(error) => failed(&error),
    }
}

async fn compared(repository: &Repository, order: &Compare<'_>) -> Result<Outcome, GitHubError> {
    let pull = repository.pull(order.branch).await?;
    let text = |at: &str| pull.as_ref().and_then(|pull| pull.pointer(at)).and_then(Value::as_str).map(str::to_owned);
    let was_merged = text("/merged_at").is_some();
    // What was merged is what the merge left behind; later changes of the base are no drift.
    let merge = text("/merge_commit_sha").filter(|_| was_merged);
    let commit = match merge {
        Some(commit) => commit,
        None => repository.tip(order.base).await?.ok_or_else(|| GitHubError::NoBase(order.base.to_owned()))?,
    };
    let mut trees = Trees::of(repository, &commit).await?;
    let mut drift = Vec::new();
    for file in order.expect.iter().filter(|file| kind_of(file.mode) != Kind::Folder) {
        let there = trees.file(&file.path).await?;
        let same = match (&there, file.content) {
            (None, None) => true,
            (Some(there), Some(wanted)) => there.digest == wanted && there.mode == git_mode(file.mode),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            drift.push(Drift { path: file.path.clone(), production: file.content, repository: there.map(|there| there.digest) });
        }
    }
    let merged = was_merged || (drift.is_empty() && !order.expect.is_empty());
    if !merged && text("/state").as_deref() == Some("closed") {
        return Err(GitHubError::ClosedUnmerged { url: text("/html_url").unwrap_or_default() });
    }
    Ok(Outcome::Compared { commit, merged, drift })
}
