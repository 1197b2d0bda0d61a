//! One bash script: started without a terminal, bounded in time and output, both streams in the order they came, masked as they come.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::Killed;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::masking::MaskedStream;
use super::spool::write_durably;
use crate::clock;

/// Between the polite signal and the hard one.
const GRACE: Duration = Duration::from_secs(5);
/// How long output is still read after the script has ended: a child in the background may hold the pipe for ever.
const DRAIN: Duration = Duration::from_millis(500);
const STILL_OPEN: &[u8] = b"\n[hikeshi] a background process still holds the output; recording ended here\n";

pub(crate) struct Script<'a> {
    pub(crate) root: &'a Path,
    pub(crate) run: &'a str,
    pub(crate) timeout: Duration,
    pub(crate) env: &'a BTreeMap<OsString, OsString>,
    pub(crate) output_bytes_max: u64,
    /// Where the process is named, so that what is left of it can be stopped when its supervisor is killed.
    pub(crate) mark: Option<&'a Path>,
}

#[derive(Debug)]
pub(crate) struct ScriptEnd {
    pub(crate) exit_code: Option<i32>,
    pub(crate) killed: Option<Killed>,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) kept_bytes: u64,
    pub(crate) cut_bytes: u64,
    /// Why the output could not be written; the script was stopped for it.
    pub(crate) unrecorded: Option<String>,
}

/// Where the masked output goes, up to its limit.
struct Sink<'a> {
    out: &'a mut File,
    stream: MaskedStream,
    max: u64,
    kept: u64,
    cut: u64,
}

impl Sink<'_> {
    fn take(&mut self, raw: &[u8]) -> io::Result<()> {
        // Beyond the limit nothing is kept, so nothing needs masking.
        if self.kept >= self.max {
            self.cut = self.cut.saturating_add(length(raw));
            return Ok(());
        }
        let ready = self.stream.feed(raw);
        self.write(&ready)
    }

    fn write(&mut self, masked: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.max.saturating_sub(self.kept)).unwrap_or(usize::MAX).min(masked.len());
        let (fits, rest) = masked.split_at_checked(room).unwrap_or((masked, &[]));
        self.out.write_all(fits)?;
        self.kept = self.kept.saturating_add(length(fits));
        self.cut = self.cut.saturating_add(length(rest));
        Ok(())
    }

    fn finish(&mut self, still_open: bool) -> io::Result<()> {
        let rest = self.stream.finish();
        self.write(&rest)?;
        if still_open {
            self.out.write_all(STILL_OPEN)?;
            self.kept = self.kept.saturating_add(length(STILL_OPEN));
        }
        self.out.sync_data()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Runs it to its end. Only what prevents the start is told as `NotStarted`.
pub(crate) async fn run(script: &Script<'_>, stream: MaskedStream, out: &mut File) -> ScriptEnd {
    let started_at = clock::now();
    let mut sink = Sink { out, stream, max: script.output_bytes_max, kept: 0, cut: 0 };
    let (exit_code, killed, unrecorded) = match start(script) {
        Ok((child, reader)) => follow(child, reader, script.timeout, &mut sink).await,
        Err(error) => (None, Some(Killed::NotStarted(error.to_string())), None),
    };
    ScriptEnd { exit_code, killed, started_at, ended_at: clock::now(), kept_bytes: sink.kept, cut_bytes: sink.cut, unrecorded }
}

fn start(script: &Script<'_>) -> io::Result<(Child, pipe::Receiver)> {
    if !script.root.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} is not a directory", script.root.display())));
    }
    // One pipe for both streams keeps the order in which they were written.
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", script.run])
        .current_dir(script.root)
        .env_clear()
        .envs(script.env)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    let child = command.spawn()?;
    if let (Some(mark), Some(id)) = (script.mark, child.id()) {
        write_durably(mark, format!("{id} {}", began(id).unwrap_or_default()).as_bytes())?;
    }
    // The command holds the write ends; while they are open here the pipe never ends.
    drop(command);
    Ok((child, pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Told to stop; after the grace it is killed.
    Stopping,
    Killed,
    /// The script has ended; the rest of its output is read.
    Draining,
}

type Ended = (Option<i32>, Option<Killed>, Option<String>);

async fn follow(mut child: Child, mut reader: pipe::Receiver, timeout: Duration, sink: &mut Sink<'_>) -> Ended {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut phase = Phase::Running;
    let mut next = Instant::now() + timeout;
    let mut status: Option<io::Result<ExitStatus>> = None;
    let (mut timed_out, mut open, mut unrecorded) = (false, true, None);
    let mut buffer = vec![0_u8; 64 * 1024];
    while open || status.is_none() {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => match phase {
                Phase::Running => {
                    timed_out = true;
                    signal(group, Signal::TERM);
                    (phase, next) = (Phase::Stopping, Instant::now() + GRACE);
                }
                Phase::Stopping => {
                    signal(group, Signal::KILL);
                    (phase, next) = (Phase::Killed, Instant::now() + GRACE);
                }
                // Killed and still not gone: it hangs in the kernel. Draining: a child in the background holds the pipe.
                Phase::Killed | Phase::Draining => break,
            },
            ended = child.wait(), if status.is_none() => {
                status = Some(ended);
                (phase, next) = (Phase::Draining, Instant::now() + DRAIN);
            }
            read = reader.read(&mut buffer), if open => match read {
                Ok(0) => open = false,
                Ok(count) => {
                    let piece = buffer.get(..count).unwrap_or_default();
                    // What cannot be recorded must not go on.
                    if let Err(error) = sink.take(piece) && unrecorded.is_none() {
                        unrecorded = Some(error.to_string());
                        signal(group, Signal::TERM);
                        if phase == Phase::Running {
                            (phase, next) = (Phase::Stopping, Instant::now() + GRACE);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => open = false,
            },
        }
    }
    if timed_out || unrecorded.is_some() {
        signal(group, Signal::KILL);
    }
    if let Err(error) = sink.finish(open) {
        unrecorded.get_or_insert(error.to_string());
    }
    let (exit_code, killed) = how_it_ended(status, timed_out);
    (exit_code, killed, unrecorded)
}

fn how_it_ended(status: Option<io::Result<ExitStatus>>, timed_out: bool) -> (Option<i32>, Option<Killed>) {
    if timed_out {
        return (None, Some(Killed::Timeout));
    }
    match status {
        Some(Ok(status)) => match status.code() {
            Some(code) => (Some(code), None),
            None => (None, Some(Killed::Signal(status.signal().unwrap_or(0)))),
        },
        Some(Err(_)) | None => (None, Some(Killed::Signal(9))),
    }
}

/// When a process began, in the kernel's ticks: with its number, the name of exactly one process.
fn began(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

/// Stops the script that a killed supervisor left behind, if it is still the process that was named.
pub(crate) fn stop_left_behind(mark: &Path) {
    let Ok(text) = std::fs::read_to_string(mark) else { return };
    let Some((id, since)) = text.split_once(' ') else { return };
    let Ok(id) = id.parse::<u32>() else { return };
    if !since.is_empty() && began(id).as_deref() == Some(since) {
        signal(i32::try_from(id).ok().and_then(Pid::from_raw), Signal::KILL);
    }
}

/// Signals what is left of a group. A group that is gone is fine.
pub(crate) fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group
        && test_kill_process_group(group).is_ok()
        && let Err(error) = kill_process_group(group, signal)
    {
        tracing::debug!(%error, "the process group ended by itself");
    }
}

/// What a script sees of the environment: `PATH`, `HOME`, `LANG` and what the policy passes on.
pub(crate) fn environment(own: &BTreeMap<OsString, OsString>, pass: &[String]) -> BTreeMap<OsString, OsString> {
    let mut env = BTreeMap::new();
    let path = own.get(std::ffi::OsStr::new("PATH")).cloned();
    env.insert("PATH".into(), path.unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()));
    env.insert("HOME".into(), own.get(std::ffi::OsStr::new("HOME")).cloned().unwrap_or_else(|| "/".into()));
    for name in pass {
        if let Some(value) = own.get(std::ffi::OsStr::new(name)) {
            env.insert(name.into(), value.clone());
        }
    }
    env.entry("LANG".into()).or_insert_with(|| "C.UTF-8".into());
    env
}
