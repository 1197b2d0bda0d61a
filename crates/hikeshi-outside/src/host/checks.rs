//! The two verifications of rule E9, as far as a program can give them: HTTP looks and commands.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use hikeshi_domain::effect::AspectResult;
use hikeshi_domain::emergency::{Aspect, Check, CheckKind, CheckResult, Killed, Verification};
use hikeshi_domain::monitor::Verdict;

use super::Secrets;
use super::script::{self, Script};
use crate::clock::millis;
use crate::probe::probe;

const SEEN_CHARS_MAX: usize = 500;
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

pub(crate) struct Checks<'a> {
    pub(crate) root: &'a Path,
    pub(crate) env: &'a BTreeMap<OsString, OsString>,
    pub(crate) secrets: &'a Secrets,
    /// Where a command's output is put while it runs.
    pub(crate) output: &'a Path,
}

impl Checks<'_> {
    /// Runs all of them, one after the other. An aspect without checks is left to a person and not told here.
    pub(crate) async fn run(&self, verification: &Verification) -> Vec<AspectResult> {
        let mut results = Vec::new();
        for (aspect, checks) in [(Aspect::Solved, &verification.solved), (Aspect::Unaffected, &verification.unaffected)] {
            let mut done = Vec::new();
            for check in checks {
                done.push(self.one(check).await);
            }
            if !done.is_empty() {
                results.push(AspectResult { aspect, checks: done });
            }
        }
        results
    }

    async fn one(&self, check: &Check) -> CheckResult {
        let began = Instant::now();
        let timeout = Duration::from_secs(u64::from(check.timeout_s.max(1)));
        let (passed, seen) = match &check.kind {
            CheckKind::Http { url, status, body_contains } => {
                let measured = probe(url, timeout, *status, body_contains.as_deref()).await;
                (measured.verdict == Verdict::Passed, measured.seen)
            }
            CheckKind::Command { run } => self.command(run, timeout).await.unwrap_or_else(|error| (false, error.to_string())),
        };
        let seen = self.secrets.masker.text(&seen).chars().take(SEEN_CHARS_MAX).collect();
        CheckResult { title: check.title.clone(), passed, seen, took_ms: millis(began.elapsed()) }
    }

    async fn command(&self, run: &str, timeout: Duration) -> std::io::Result<(bool, String)> {
        let mut out = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(self.output)?;
        let script = Script { root: self.root, run, timeout, env: self.env, output_bytes_max: OUTPUT_BYTES_MAX, mark: None };
        let end = script::run(&script, self.secrets.stream(), &mut out).await;
        let tail = tail(&mut out)?;
        let how = match (end.exit_code, end.killed) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(Killed::Timeout)) => format!("stopped after {} s", timeout.as_secs()),
            (None, Some(Killed::Signal(signal))) => format!("killed by signal {signal}"),
            (None, Some(Killed::NotStarted(why))) => format!("not started: {why}"),
            (None, None) => "no exit code".to_owned(),
        };
        let seen = if tail.is_empty() { how } else { format!("{how}: {tail}") };
        Ok((end.exit_code == Some(0), seen))
    }
}

/// The last words of an output: an error is usually there.
fn tail(out: &mut File) -> std::io::Result<String> {
    let length = out.metadata()?.len();
    out.seek(SeekFrom::Start(length.saturating_sub(1600)))?;
    let mut bytes = Vec::new();
    out.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    let count = text.chars().count();
    Ok(text.chars().skip(count.saturating_sub(SEEN_CHARS_MAX - 60)).collect())
}
