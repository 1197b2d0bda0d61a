//! Files of one commit, read directory by directory: only the directories on the way are asked for, each once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hikeshi_domain::ids::Digest;
use serde_json::Value;

use super::{GitHubError, Repository, word};
use crate::forge::checked;

pub(crate) struct Trees<'a> {
    repository: &'a Repository,
    pub(crate) root: String,
    known: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    mode: String,
    kind: String,
    sha: String,
}

pub(crate) struct File {
    pub(crate) digest: Digest,
    pub(crate) mode: String,
}

impl<'a> Trees<'a> {
    pub(crate) async fn of(repository: &'a Repository, commit: &str) -> Result<Self, GitHubError> {
        let commit = repository.get(&format!("/git/commits/{commit}")).await?;
        Ok(Self { repository, root: word(&commit, "/tree/sha", "tree.sha")?, known: BTreeMap::new() })
    }

    /// The content and the mode of a path; `None` when there is no file.
    pub(crate) async fn file(&mut self, written: &str) -> Result<Option<File>, GitHubError> {
        let path = plain_path(written)?;
        let mut parts: Vec<&str> = path.split('/').collect();
        let Some(name) = parts.pop() else { return Ok(None) };
        let mut at = self.root.clone();
        for part in parts {
            match self.entry(&at, part, &path).await? {
                Some(entry) if entry.kind == "tree" => at = entry.sha,
                Some(_) | None => return Ok(None),
            }
        }
        match self.entry(&at, name, &path).await? {
            Some(entry) if entry.kind == "blob" => {
                let blob = self.repository.get(&format!("/git/blobs/{}", entry.sha)).await?;
                Ok(Some(File { digest: Digest::of(&content(&blob)?), mode: entry.mode }))
            }
            Some(_) | None => Ok(None),
        }
    }

    async fn entry(&mut self, tree: &str, name: &str, path: &str) -> Result<Option<Entry>, GitHubError> {
        if !self.known.contains_key(tree) {
            let found = self.repository.get(&format!("/git/trees/{tree}")).await?;
            if found.get("truncated").and_then(Value::as_bool) == Some(true) {
                return Err(GitHubError::TooManyFiles(path.to_owned()));
            }
            let entries = found.get("tree").and_then(Value::as_array).ok_or(GitHubError::NotUnderstood("tree"))?;
            let entry = |entry: &Value| {
                let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
                Some((text("path")?, Entry { mode: text("mode")?, kind: text("type")?, sha: text("sha")? }))
            };
            self.known.insert(tree.to_owned(), entries.iter().filter_map(entry).collect());
        }
        Ok(self.known.get(tree).and_then(|entries| entries.get(name)).cloned())
    }
}

fn content(blob: &Value) -> Result<Vec<u8>, GitHubError> {
    let text = word(blob, "/content", "content")?;
    if blob.get("encoding").and_then(Value::as_str) == Some("utf-8") {
        return Ok(text.into_bytes());
    }
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(joined).map_err(|_| GitHubError::NotUnderstood("content"))
}

/// GitHub's API knows paths as text only.
pub(crate) fn plain_path(written: &str) -> Result<String, GitHubError> {
    let bytes = checked(written).map_err(|_| GitHubError::BadPath(written.to_owned()))?;
    String::from_utf8(bytes).map_err(|_| GitHubError::BadPath(written.to_owned()))
}
