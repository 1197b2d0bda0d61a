//! The git program, typed: no prompt, no configuration of the user or the system, bounded time and output.
//!
//! A throw-away bare clone is the only work area: no files are checked out, so no filter, line-end rule or hook of the repository
//! touches a byte. What is made of it is in [`crate::forge`] and [`crate::merge`].

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::host::spool::{make_private, write_durably};

const TIMEOUT: Duration = Duration::from_secs(600);
const OUTPUT_BYTES_MAX: u64 = 512 * 1024 * 1024;
const WORDS_CHARS_MAX: usize = 600;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git could not be started: {0}")]
    Start(std::io::Error),
    #[error("git {what} took longer than {} s", TIMEOUT.as_secs())]
    Timeout { what: String },
    #[error("git {what} gave more than {OUTPUT_BYTES_MAX} bytes")]
    TooMuch { what: String },
    #[error("git {what} failed ({code}): {words}")]
    Failed { what: String, code: i32, words: String },
    #[error("the work area of git: {0}")]
    Io(#[from] std::io::Error),
}

/// How git ended, for commands whose output says something beside a code that is not 0.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    words: String,
}

/// A throw-away bare clone.
#[derive(Debug)]
pub(crate) struct Git {
    area: PathBuf,
    repository: OsString,
    env: BTreeMap<OsString, OsString>,
}

impl Drop for Git {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.area) {
            tracing::warn!(%error, "a work area of git could not be removed");
        }
    }
}

/// Distinguishes the work areas of one process.
static AREAS: AtomicU64 = AtomicU64::new(0);

impl Git {
    /// Makes the area; nothing is fetched yet. `repository` is a path or anything that git understands.
    pub(crate) fn new(spool: &Path, base: &Path, repository: &str, own: &BTreeMap<OsString, OsString>) -> Result<Self, GitError> {
        let remote =
            repository.contains("://") || repository.split_once(':').is_some_and(|(host, _)| !host.contains('/') && !host.is_empty());
        let repository = if remote { OsString::from(repository) } else { base.join(repository).into_os_string() };
        let number = AREAS.fetch_add(1, Ordering::Relaxed);
        let area = spool.join("git").join(format!("{}-{number}", std::process::id()));
        if area.exists() {
            std::fs::remove_dir_all(&area)?;
        }
        make_private(&area)?;
        let config = area.join("config");
        // The repository is named by the policy; that another user owns it is not a surprise.
        let safe = repository.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        let lines = format!(
            "[safe]\n\tdirectory = \"{safe}\"\n[core]\n\tquotepath = false\n\thooksPath = /dev/null\n[commit]\n\tgpgSign = false\n[gc]\n\tauto = 0\n[protocol \"ext\"]\n\tallow = never\n"
        );
        write_durably(&config, lines.as_bytes())?;
        let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in ["PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if let Some(value) = own.get(OsStr::new(name)) {
                env.insert(name.into(), value.clone());
            }
        }
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "true"),
            ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("LC_ALL", "C"),
            ("GIT_COMMITTER_NAME", "hikeshi"),
            ("GIT_COMMITTER_EMAIL", "hikeshi@hikeshi.invalid"),
        ] {
            env.insert(name.into(), value.into());
        }
        env.insert("GIT_CONFIG_GLOBAL".into(), config.into_os_string());
        env.insert("GIT_DIR".into(), area.join("repository.git").into_os_string());
        env.insert("GIT_INDEX_FILE".into(), area.join("index").into_os_string());
        Ok(Self { area, repository, env })
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.insert(name.into(), value.into());
    }

    /// The commit of a branch in the repository; `None` when there is no such branch.
    pub(crate) async fn remote_branch(&self, branch: &str) -> Result<Option<String>, GitError> {
        let reference = format!("refs/heads/{branch}");
        let args: [&OsStr; 4] = ["ls-remote".as_ref(), "--".as_ref(), &self.repository, reference.as_ref()];
        let answer = self.outside(&args).await?;
        // A pattern also matches longer names that end alike.
        let text = String::from_utf8_lossy(&answer).into_owned();
        Ok(text.lines().find_map(|line| line.split_once('\t').filter(|(_, name)| *name == reference).map(|(commit, _)| commit.to_owned())))
    }

    /// Fetches one branch with at most `depth` commits; 0 for all.
    pub(crate) async fn clone_branch(&self, branch: &str, depth: u32) -> Result<(), GitError> {
        let branch = format!("--branch={branch}");
        let depth_arg = format!("--depth={depth}");
        let mut args: Vec<&OsStr> =
            ["clone", "--quiet", "--bare", "--no-local", "--no-tags", "--single-branch"].iter().map(OsStr::new).collect();
        args.push(branch.as_ref());
        if depth > 0 {
            args.push(depth_arg.as_ref());
        }
        args.push("--".as_ref());
        args.push(&self.repository);
        let dir = self.area.join("repository.git");
        args.push(dir.as_os_str());
        self.outside(&args).await.map(drop)
    }

    pub(crate) async fn fetch_branch(&self, branch: &str) -> Result<(), GitError> {
        let refspec = format!("+refs/heads/{branch}:refs/heads/{branch}");
        self.run(&["fetch".as_ref(), "--quiet".as_ref(), "--no-tags".as_ref(), "--".as_ref(), &self.repository, refspec.as_ref()], b"")
            .await
            .map(drop)
    }

    /// Pushes a commit as a branch that must not exist yet.
    pub(crate) async fn push_new(&self, commit: &str, branch: &str) -> Result<(), GitError> {
        let lease = format!("--force-with-lease=refs/heads/{branch}:");
        let refspec = format!("{commit}:refs/heads/{branch}");
        self.run(&["push".as_ref(), "--quiet".as_ref(), lease.as_ref(), "--".as_ref(), &self.repository, refspec.as_ref()], b"")
            .await
            .map(drop)
    }

    /// Runs git in the clone and gives its output as one trimmed line.
    pub(crate) async fn line(&self, args: &[&str], input: &[u8]) -> Result<String, GitError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        Ok(String::from_utf8_lossy(&self.run(&args, input).await?).trim().to_owned())
    }

    /// Whether git says yes (0) or no (1); anything else is an error.
    pub(crate) async fn holds(&self, args: &[&str]) -> Result<bool, GitError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        match self.run(&args, b"").await {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: 1, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An empty clone, into which only what is named will be fetched.
    pub(crate) async fn init(&self) -> Result<(), GitError> {
        let dir = self.area.join("repository.git");
        self.outside(&["init".as_ref(), "--quiet".as_ref(), "--bare".as_ref(), "--".as_ref(), dir.as_os_str()]).await.map(drop)
    }

    /// Every reference of the repository, with its object; a tag object is followed by what it points to, named `…^{}`.
    pub(crate) async fn remote_references(&self) -> Result<Vec<(String, String)>, GitError> {
        let answer = self.outside(&["ls-remote".as_ref(), "--".as_ref(), &self.repository]).await?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.lines().filter_map(|line| line.split_once('\t')).map(|(object, name)| (object.to_owned(), name.to_owned())).collect())
    }

    /// Fetches what is named, whole. A shallow repository makes a shallow clone, which can be asked for.
    pub(crate) async fn fetch(&self, refspecs: &[String]) -> Result<(), GitError> {
        let mut args: Vec<&OsStr> =
            ["fetch", "--quiet", "--no-tags", "--update-shallow", "--no-recurse-submodules", "--"].iter().map(OsStr::new).collect();
        args.push(&self.repository);
        args.extend(refspecs.iter().map(OsStr::new));
        self.run(&args, b"").await.map(drop)
    }

    pub(crate) async fn run(&self, args: &[&OsStr], input: &[u8]) -> Result<Vec<u8>, GitError> {
        self.bounded(args, input, true).await
    }

    /// Runs git in the clone where 1 is an answer, too; anything else is an error.
    pub(crate) async fn answer(&self, args: &[&str], input: &[u8]) -> Result<Ended, GitError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let (what, ended) = self.ended(&args, input, true).await?;
        if matches!(ended.code, 0 | 1) { Ok(ended) } else { Err(GitError::Failed { what, code: ended.code, words: ended.words }) }
    }

    /// Before the clone exists, git must not be told where it is.
    async fn outside(&self, args: &[&OsStr]) -> Result<Vec<u8>, GitError> {
        self.bounded(args, b"", false).await
    }

    async fn bounded(&self, args: &[&OsStr], input: &[u8], inside: bool) -> Result<Vec<u8>, GitError> {
        let (what, ended) = self.ended(args, input, inside).await?;
        if ended.code == 0 { Ok(ended.out) } else { Err(GitError::Failed { what, code: ended.code, words: ended.words }) }
    }

    async fn ended(&self, args: &[&OsStr], input: &[u8], inside: bool) -> Result<(String, Ended), GitError> {
        let what = args.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
        match tokio::time::timeout(TIMEOUT, self.once(&what, args, input, inside)).await {
            Ok(ended) => ended.map(|ended| (what, ended)),
            Err(_) => Err(GitError::Timeout { what }),
        }
    }

    async fn once(&self, what: &str, args: &[&OsStr], input: &[u8], inside: bool) -> Result<Ended, GitError> {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.area).env_clear().envs(&self.env).kill_on_drop(true);
        if !inside {
            command.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(GitError::Start)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let give = async {
            if let Some(mut stdin) = stdin {
                // Git may end without reading all of it; its exit code says what happened.
                if let Err(error) = stdin.write_all(input).await {
                    tracing::debug!(%error, what, "git did not read its whole input");
                }
            }
        };
        let (mut out, mut words) = (Vec::new(), Vec::new());
        let read_out = async {
            match stdout {
                Some(stdout) => stdout.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut out).await,
                None => Ok(0),
            }
        };
        let read_words = async {
            match stderr {
                Some(stderr) => stderr.take(64 * 1024).read_to_end(&mut words).await,
                None => Ok(0),
            }
        };
        let ((), read, said) = tokio::join!(give, read_out, read_words);
        if u64::try_from(read?).unwrap_or(u64::MAX) > OUTPUT_BYTES_MAX {
            return Err(GitError::TooMuch { what: what.to_owned() });
        }
        said?;
        let status = child.wait().await?;
        let words = String::from_utf8_lossy(&words).trim().chars().take(WORDS_CHARS_MAX).collect();
        Ok(Ended { code: status.code().unwrap_or(-1), out, words })
    }
}
