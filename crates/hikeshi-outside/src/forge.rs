//! The change that was made in production, brought back to the repository (rule E10): a branch, a patch and a request file; and
//! afterwards the comparison of what was merged with what was done.
//!
//! The branch is written from the kept contents byte by byte. The texts are `hikeshi-text`'s.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use hikeshi_domain::effect::{ChangeRequestOrder, Contents, Outcome, Performed, RepositoryFile, Seen};
use hikeshi_domain::ids::{Digest, ObligationId};
use hikeshi_domain::obligation::Drift;
use hikeshi_domain::policy::is_branch;

use crate::git::{Git, GitError};
use crate::host::spool::write_with_mode;
use crate::host::{Kind, kind_of, raw_path};
use crate::{Options, resolve};

/// The trailer by which a commit is recognised as the one of this obligation.
pub(crate) const TRAILER: &str = "Hikeshi-Obligation";
/// Names the exception in the history of the repository.
pub(crate) const TRAILER_EXCEPTION: &str = "Hikeshi-Exception";
/// Names a file whose content in the repository was not the one that production had before.
pub(crate) const TRAILER_DIFFERS: &str = "Hikeshi-Base-Differs";
/// How many commits of the branch are searched for our trailer, when others have worked on it.
const SEARCHED: u32 = 50;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgeError {
    #[error("{0}")]
    Git(#[from] GitError),
    #[error("`{0}` is not a name for a branch")]
    BadBranch(String),
    #[error("the repository has no branch `{0}`")]
    NoBase(String),
    #[error(
        "the branch `{0}` exists already in the repository and is not of this exception; it was left alone. Rename or remove it, then try again"
    )]
    BranchTaken(String),
    #[error("`{0}` cannot be a path in a repository")]
    BadPath(String),
    #[error("the content of `{path}` ({digest}) is not in the record")]
    NoContent { path: String, digest: Digest },
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
}

fn failed(error: &ForgeError) -> Performed {
    Performed { outcome: Outcome::Failed { detail: error.to_string() }, contents: Vec::new() }
}

/// Opens the request. If the branch is there from an earlier try, only the files are written again.
pub(crate) async fn open(options: &Options, order: &ChangeRequestOrder, contents: &dyn Contents) -> Performed {
    let opened = async {
        if let Some(found) = find(options, order).await? {
            return Ok(found);
        }
        create(options, order, contents).await
    };
    match opened.await {
        Ok(outcome) => Performed { outcome, contents: Vec::new() },
        Err(error) => failed(&error),
    }
}

/// Whether the branch of this obligation is in the repository. When that cannot be asked, opening it again is safe: it asks first too.
pub(crate) async fn look(options: &Options, order: &ChangeRequestOrder) -> Seen {
    match find(options, order).await {
        Ok(Some(outcome)) => Seen::Happened(Performed { outcome, contents: Vec::new() }),
        Ok(None) => Seen::NotHappened,
        Err(error) => {
            tracing::warn!(%error, "the repository could not be asked");
            Seen::NotHappened
        }
    }
}

fn git_for(options: &Options, repository: &str, branches: &[&str]) -> Result<Git, ForgeError> {
    let git = Git::new(&options.spool, &options.base, repository, &options.env)?;
    for branch in branches {
        if !is_branch(branch) {
            return Err(ForgeError::BadBranch((*branch).to_owned()));
        }
    }
    Ok(git)
}

async fn find(options: &Options, order: &ChangeRequestOrder) -> Result<Option<Outcome>, ForgeError> {
    let git = git_for(options, &order.repository, &[&order.base, &order.branch])?;
    if git.remote_branch(&order.branch).await?.is_none() {
        return Ok(None);
    }
    git.clone_branch(&order.branch, SEARCHED + 1).await?;
    match ours(&git, &format!("refs/heads/{}", order.branch), order.obligation, Some(SEARCHED)).await? {
        Some(commit) => write_files(options, order, &git, &commit).await.map(Some),
        None => Err(ForgeError::BranchTaken(order.branch.clone())),
    }
}

/// The newest commit that carries the trailer of an obligation.
async fn ours(git: &Git, reference: &str, obligation: ObligationId, most: Option<u32>) -> Result<Option<String>, GitError> {
    let count = format!("--max-count={}", most.map_or(-1, i64::from));
    let format = format!("--format=%H%x00%(trailers:key={TRAILER},valueonly,separator=%x20)");
    let log = git.line(&["log", &count, &format, reference], b"").await?;
    let wanted = obligation.to_string();
    Ok(log.lines().find_map(|line| {
        let (commit, value) = line.split_once('\0')?;
        value.split_whitespace().any(|word| word == wanted).then(|| commit.to_owned())
    }))
}

async fn create(options: &Options, order: &ChangeRequestOrder, contents: &dyn Contents) -> Result<Outcome, ForgeError> {
    let mut git = git_for(options, &order.repository, &[&order.base, &order.branch])?;
    if git.remote_branch(&order.base).await?.is_none() {
        return Err(ForgeError::NoBase(order.base.clone()));
    }
    git.clone_branch(&order.base, 1).await?;
    let base = git.line(&["rev-parse", &format!("refs/heads/{}", order.base)], b"").await?;
    let differs = base_differs(&git, order, &base).await?;
    let tree = write_tree(&git, order, contents, &base).await?;
    sign(&mut git, order);
    let message = message(&git, order, &differs).await?;
    let commit = git.line(&["commit-tree", &tree, "-p", &base, "-F", "-"], &message).await?;
    if let Err(error) = git.push_new(&commit, &order.branch).await {
        // Two may push at once; the other one's branch is as good as ours when it is of this obligation.
        return match Box::pin(find(options, order)).await? {
            Some(outcome) => Ok(outcome),
            None => Err(error.into()),
        };
    }
    write_files(options, order, &git, &commit).await
}

/// The files that stand in the repository otherwise than production had them before the change: the request would undo something there.
async fn base_differs(git: &Git, order: &ChangeRequestOrder, base: &str) -> Result<Vec<String>, ForgeError> {
    let mut found = Vec::new();
    for file in &order.files {
        // A path of the repository ends with the path under the root; the longest that fits is meant.
        let changes = &order.facts.emergency.changes;
        let Some(change) = changes.iter().filter(|change| ends_with_path(&file.path, &change.path)).max_by_key(|change| change.path.len())
        else {
            continue;
        };
        let there = blob(git, base, &file.path).await?.map(|(digest, _)| digest);
        if there != change.before.as_ref().map(|before| before.digest) {
            found.push(file.path.clone());
        }
    }
    Ok(found)
}

pub(crate) fn ends_with_path(long: &str, short: &str) -> bool {
    long == short || long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'))
}

async fn write_tree(git: &Git, order: &ChangeRequestOrder, contents: &dyn Contents, base: &str) -> Result<String, ForgeError> {
    git.line(&["read-tree", base], b"").await?;
    let zero = "0".repeat(base.len());
    let mut lines: Vec<u8> = Vec::new();
    for file in &order.files {
        if kind_of(file.mode) == Kind::Folder {
            continue;
        }
        let path = checked(&file.path)?;
        let (mode, object) = match file.content {
            None => ("0", zero.clone()),
            Some(digest) => {
                let missing = || ForgeError::NoContent { path: file.path.clone(), digest };
                let bytes = contents.get(digest).await.filter(|bytes| Digest::of(bytes) == digest).ok_or_else(missing)?;
                (git_mode(file.mode), git.line(&["hash-object", "-w", "--no-filters", "--stdin"], &bytes).await?)
            }
        };
        lines.extend_from_slice(format!("{mode} {object}\t").as_bytes());
        lines.extend_from_slice(&path);
        lines.push(0);
    }
    git.line(&["update-index", "--add", "--replace", "-z", "--index-info"], &lines).await?;
    Ok(git.line(&["write-tree"], b"").await?)
}

pub(crate) fn git_mode(mode: u32) -> &'static str {
    match kind_of(mode) {
        Kind::Link => "120000",
        Kind::File | Kind::Folder | Kind::Pipe | Kind::Device if mode & 0o111 != 0 => "100755",
        Kind::File | Kind::Folder | Kind::Pipe | Kind::Device => "100644",
    }
}

/// The bytes of a path in the repository; git itself refuses the same ones with less clear words.
pub(crate) fn checked(written: &str) -> Result<Vec<u8>, ForgeError> {
    let path = raw_path(written).as_bytes().to_vec();
    let good = path
        .split(|byte| *byte == b'/')
        .all(|part| !part.is_empty() && part != b"." && part != b".." && !part.eq_ignore_ascii_case(b".git"));
    if good && !path.contains(&0) { Ok(path) } else { Err(ForgeError::BadPath(written.to_owned())) }
}

fn sign(git: &mut Git, order: &ChangeRequestOrder) {
    let emergency = &order.facts.emergency;
    let executor = &emergency.plan.executor;
    let name = order.facts.names.get(executor).map_or(executor.as_str(), String::as_str);
    let plain: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    let plain = if plain.trim().is_empty() { executor.to_string() } else { plain };
    git.set("GIT_AUTHOR_NAME", plain);
    git.set("GIT_AUTHOR_EMAIL", format!("{executor}@hikeshi.invalid"));
    // A time of the record, not of this moment: the same request is the same commit, however often it is made.
    let at = emergency.closed_at.or(emergency.started_at).unwrap_or(emergency.requested_at);
    let date = format!("@{} +0000", at.as_second());
    git.set("GIT_AUTHOR_DATE", &date);
    git.set("GIT_COMMITTER_DATE", date);
}

async fn message(git: &Git, order: &ChangeRequestOrder, differs: &[String]) -> Result<Vec<u8>, GitError> {
    let text = hikeshi_text::change_request(order).commit_message;
    let mut args = vec!["interpret-trailers".to_owned(), "--if-exists".to_owned(), "addIfDifferent".to_owned()];
    let mut trailer = |key: &str, value: &str| args.extend(["--trailer".to_owned(), format!("{key}: {value}")]);
    trailer(TRAILER_EXCEPTION, &order.emergency.to_string());
    trailer(TRAILER, &order.obligation.to_string());
    for path in differs {
        trailer(TRAILER_DIFFERS, path);
    }
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    git.run(&args, text.as_bytes()).await
}

async fn write_files(options: &Options, order: &ChangeRequestOrder, git: &Git, commit: &str) -> Result<Outcome, ForgeError> {
    let dir = resolve(&options.base, &order.requests);
    std::fs::create_dir_all(&dir).map_err(|error| ForgeError::File(dir.clone(), error))?;
    let patch = ["format-patch", "-1", "--stdout", "--always", "--binary", "--full-index", commit].map(OsStr::new);
    let patch = git.run(&patch, b"").await?;
    let differs = git.line(&["log", "-1", &format!("--format=%(trailers:key={TRAILER_DIFFERS},valueonly)"), commit], b"").await?;
    let patch_file = dir.join(format!("{}.patch", order.emergency));
    let request_file = dir.join(format!("{}.md", order.emergency));
    write(&patch_file, &patch)?;
    write(&request_file, request(order, commit, &differs).as_bytes())?;
    Ok(Outcome::ChangeRequestOpened { commit: commit.to_owned(), request_file: shown(&request_file), patch_file: shown(&patch_file) })
}

/// The request as a file: the fields that a forge asks for first, then the text.
fn request(order: &ChangeRequestOrder, commit: &str, differs: &str) -> String {
    let text = hikeshi_text::change_request(order);
    // A JSON string is a YAML string: titles may hold anything.
    let quoted = |value: &str| serde_json::Value::from(value).to_string();
    let mut out = format!(
        "---\ntitle: {}\nlabels: [{}]\nbase: {}\nhead: {}\ncommit: {commit}\nexception: {}\n",
        quoted(&text.title),
        quoted(&order.label),
        quoted(&order.base),
        quoted(&order.branch),
        order.emergency,
    );
    let differs: Vec<&str> = differs.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !differs.is_empty() {
        out.push_str("base_differs:\n");
        for path in differs {
            out.push_str(&format!("  - {}\n", quoted(path)));
        }
    }
    out.push_str("---\n\n");
    out.push_str(text.body.trim_end());
    out.push('\n');
    out
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ForgeError> {
    write_with_mode(path, bytes, 0o644).map_err(|error| ForgeError::File(path.to_owned(), error))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What a comparison needs.
pub(crate) struct Compare<'a> {
    pub(crate) obligation: ObligationId,
    pub(crate) repository: &'a str,
    pub(crate) base: &'a str,
    pub(crate) branch: &'a str,
    pub(crate) expect: &'a [RepositoryFile],
}

/// What the base branch holds, against what was done in production.
pub(crate) async fn compare(options: &Options, order: &Compare<'_>) -> Performed {
    match compared(options, order).await {
        Ok(outcome) => Performed { outcome, contents: Vec::new() },
        Err(error) => failed(&error),
    }
}

async fn compared(options: &Options, order: &Compare<'_>) -> Result<Outcome, ForgeError> {
    let git = git_for(options, order.repository, &[order.base, order.branch])?;
    if git.remote_branch(order.base).await?.is_none() {
        return Err(ForgeError::NoBase(order.base.to_owned()));
    }
    git.clone_branch(order.base, 0).await?;
    let base_ref = format!("refs/heads/{}", order.base);
    let commit = git.line(&["rev-parse", &base_ref], b"").await?;
    let mut drift = Vec::new();
    for file in order.expect.iter().filter(|file| kind_of(file.mode) != Kind::Folder) {
        let there = blob(&git, &commit, &file.path).await?;
        let same = match (&there, file.content) {
            (None, None) => true,
            (Some((digest, mode)), Some(wanted)) => *digest == wanted && mode == git_mode(file.mode),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            drift.push(Drift { path: file.path.clone(), production: file.content, repository: there.map(|(digest, _)| digest) });
        }
    }
    let merged = (drift.is_empty() && !order.expect.is_empty()) || contained(&git, order, &commit).await?;
    Ok(Outcome::Compared { commit, merged, drift })
}

/// Whether the branch went into the base: as a merge, or as a commit that kept our trailer (a squash, a cherry-pick).
async fn contained(git: &Git, order: &Compare<'_>, base: &str) -> Result<bool, ForgeError> {
    if ours(git, base, order.obligation, None).await?.is_some() {
        return Ok(true);
    }
    let Some(head) = git.remote_branch(order.branch).await? else { return Ok(false) };
    git.fetch_branch(order.branch).await?;
    Ok(git.holds(&["merge-base", "--is-ancestor", &head, base]).await?)
}

/// SHA-256 and git mode of a path in a commit; `None` when it is not there as a file.
async fn blob(git: &Git, commit: &str, written: &str) -> Result<Option<(Digest, String)>, ForgeError> {
    let path = checked(written)?;
    let listing = git.run(&["ls-tree".as_ref(), "-z".as_ref(), commit.as_ref(), "--".as_ref(), OsStr::from_bytes(&path)], b"").await?;
    let Some(entry) = listing.split(|byte| *byte == 0).next().filter(|entry| !entry.is_empty()) else { return Ok(None) };
    let head = entry.split(|byte| *byte == b'\t').next().unwrap_or_default();
    let head = String::from_utf8_lossy(head).into_owned();
    let mut words = head.split(' ');
    let (Some(mode), Some("blob"), Some(object)) = (words.next(), words.next(), words.next()) else { return Ok(None) };
    let bytes = git.run(&["cat-file".as_ref(), "blob".as_ref(), object.as_ref()], b"").await?;
    Ok(Some((Digest::of(&bytes), mode.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names_that_git_would_refuse_are_refused_first() {
        for good in ["emergency/emg_3", "緊急/予約", "main"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in ["", "a b", "a..b", "a~1", ".hidden", "a/.b", "x.lock", "a//b", "a@{b", "end."] {
            assert!(!is_branch(bad), "{bad}");
        }
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../b", ".git/config", "a/.GIT/hooks/x", "a//b"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
        assert_eq!(checked("設定/%93.conf").expect("valid"), [&b"\xe8\xa8\xad\xe5\xae\x9a/"[..], b"\x93.conf"].concat());
    }
}
