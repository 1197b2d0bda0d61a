//! A program that says whether something is well: on this host, or on a target's over ssh. Without a shell in between, bounded in time and output.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hikeshi_domain::monitor::{Measured, Measuring};
use hikeshi_domain::policy::{CommandMonitor, SshPlace, Target};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::{breach, first_line, secrets};
use crate::Options;
use crate::host::script;
use crate::ssh::{self, SSH_FAILED, Trouble, quoted};

/// Output of a look that is read as words; the rest is thrown away.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// How long output is still read after the program has ended: a child in the background may hold it for ever.
const DRAIN: Duration = Duration::from_millis(300);
/// Taken from the time of a look, so that what is left of the program is ended within it.
const MARGIN: Duration = Duration::from_millis(100);
/// How shells say that a program cannot be run, or is not there.
const NOT_RUN: [i32; 2] = [126, 127];
/// The target's directory is not there.
const NO_ROOT: i32 = 71;
const NO_ROOT_WORDS: &str = "hikeshi: the target's directory is not there";

/// What a program said, and how it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    /// It printed more than is read.
    pub(super) cut: bool,
}

/// Why there is nothing to judge by.
#[derive(Debug)]
pub(super) enum NoEnd {
    Late,
    Cannot(String),
}

pub(super) async fn measure(options: &Options, measuring: &Measuring, timeout: Duration) -> Measured {
    let Some(command) = &measuring.monitor.command else { return Measured::unmeasured("no program is given") };
    let secrets = match secrets(options, measuring) {
        Ok(secrets) => secrets,
        Err(unmeasured) => return unmeasured,
    };
    match run(options, measuring.target.as_ref(), &command.run, timeout, OUTPUT_BYTES_MAX).await {
        // Masked before it is cut to a line: half a secret would not be known as one.
        Ok(ran) => judged(&Ran { out: secrets.masker.bytes(&ran.out), err: secrets.masker.bytes(&ran.err), ..ran }, command),
        Err(NoEnd::Late) => Measured::failed(format!("the command did not end within {} s", timeout.as_secs_f64())),
        Err(NoEnd::Cannot(why)) => Measured::unmeasured(secrets.masker.text(&why)),
    }
}

fn judged(ran: &Ran, command: &CommandMonitor) -> Measured {
    let line = first_line(if ran.out.trim_ascii().is_empty() { &ran.err } else { &ran.out });
    match ran.status.code() {
        Some(0) => {}
        Some(code) if NOT_RUN.contains(&code) => return Measured::unmeasured(format!("the command cannot be run (exit {code}): {line}")),
        Some(code) if line.is_empty() => return Measured::failed(format!("exit {code}")),
        Some(code) => return Measured::failed(format!("exit {code}: {line}")),
        None => return Measured::unmeasured(format!("the command was ended from outside: {}", ran.status)),
    }
    if command.above.is_none() && command.below.is_none() {
        return Measured::passed(if line.is_empty() { "exit 0".to_owned() } else { line });
    }
    match first_line(&ran.out).parse::<f64>() {
        Ok(value) if value.is_finite() => match breach(value, command.above, command.below) {
            Some(breach) => Measured::failed(breach).with(value),
            None => Measured::passed(value.to_string()).with(value),
        },
        _ => Measured::unmeasured(format!("the first line is no number: \"{}\"", first_line(&ran.out))),
    }
}

/// Runs a program to its end, on this host or on that of the target.
pub(super) async fn run(
    options: &Options,
    target: Option<&Target>,
    argv: &[String],
    timeout: Duration,
    bytes_max: usize,
) -> Result<Ran, NoEnd> {
    let until = Instant::now() + timeout.saturating_sub(MARGIN);
    match target.and_then(|target| Some((target, target.ssh.as_ref()?))) {
        Some((target, place)) => over_there(options, target, place, argv, until, bytes_max).await,
        None => gathered(here(options, target, argv)?, until, bytes_max).await,
    }
}

fn here(options: &Options, target: Option<&Target>, argv: &[String]) -> Result<Child, NoEnd> {
    let (program, arguments) = argv.split_first().ok_or_else(|| NoEnd::Cannot("no program is given".to_owned()))?;
    let pass = target.map(|target| target.pass_env.as_slice()).unwrap_or_default();
    let started = Command::new(program)
        .args(arguments)
        .current_dir(target.map_or("/", |target| target.root.as_str()))
        .env_clear()
        .envs(script::environment(&options.env, pass))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    started.map_err(|error| NoEnd::Cannot(format!("{program} cannot be started: {error}")))
}

async fn over_there(
    options: &Options,
    target: &Target,
    place: &SshPlace,
    argv: &[String],
    until: Instant,
    bytes_max: usize,
) -> Result<Ran, NoEnd> {
    let cannot = |trouble: Trouble| NoEnd::Cannot(trouble.to_string());
    // Nobody over there ends what hangs when this end hangs up.
    let seconds = until.saturating_duration_since(Instant::now()).as_secs().saturating_add(1);
    let bounded = format!("if timeout -s KILL 5 true 2>/dev/null; then exec timeout -s KILL {seconds} \"$@\"; fi; exec \"$@\"");
    let script = format!("cd \"$1\" || {{ echo \"{NO_ROOT_WORDS}\" >&2; exit {NO_ROOT}; }}; shift; {bounded}");
    let words = [target.root.as_str()].into_iter().chain(argv.iter().map(String::as_str)).map(quoted).collect::<Vec<_>>().join(" ");
    let remote = format!("exec sh -c {} hikeshi {words}", quoted(&script));
    let child = ssh::start(options, place, &remote).map_err(cannot)?;
    let ran = match gathered(child, until, bytes_max).await {
        // Nobody knows whether the host or the program is the slow one.
        Err(NoEnd::Late) => return Err(NoEnd::Cannot(format!("no answer from {} in time", place.label()))),
        other => other?,
    };
    let said = String::from_utf8_lossy(&ran.err);
    match ran.status.code() {
        Some(SSH_FAILED) | None => Err(cannot(ssh::server_way(place, &options.spool, None).trouble(&said))),
        Some(NO_ROOT) if said.contains(NO_ROOT_WORDS) => {
            Err(cannot(Trouble::NoRoot { destination: place.label(), root: target.root.clone() }))
        }
        Some(_) => Ok(ran),
    }
}

/// What is read of one stream.
struct Stream<R> {
    from: Option<R>,
    kept: Vec<u8>,
    cut: bool,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(from: Option<R>) -> Self {
        Self { from, kept: Vec::new(), cut: false, buffer: vec![0; 16 * 1024] }
    }

    fn is_open(&self) -> bool {
        self.from.is_some()
    }

    async fn next(&mut self, bytes_max: usize) {
        let Some(from) = &mut self.from else { return };
        match from.read(&mut self.buffer).await {
            Ok(count) if count > 0 => {
                let room = bytes_max.saturating_sub(self.kept.len()).min(count);
                self.kept.extend_from_slice(self.buffer.get(..room).unwrap_or_default());
                self.cut |= room < count;
            }
            Ok(_) => self.from = None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.from = None,
        }
    }
}

async fn gathered(mut child: Child, until: Instant, bytes_max: usize) -> Result<Ran, NoEnd> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let (mut out, mut err) = (Stream::new(child.stdout.take()), Stream::new(child.stderr.take()));
    let (mut status, mut end) = (None, until);
    while status.is_none() || out.is_open() || err.is_open() {
        tokio::select! {
            () = tokio::time::sleep_until(end) => break,
            ended = child.wait(), if status.is_none() => {
                status = Some(ended);
                end = end.min(Instant::now() + DRAIN);
            }
            () = out.next(bytes_max), if out.is_open() => {}
            () = err.next(bytes_max), if err.is_open() => {}
        }
    }
    match status {
        Some(Ok(status)) => Ok(Ran { status, out: out.kept, err: err.kept, cut: out.cut }),
        Some(Err(error)) => Err(NoEnd::Cannot(format!("how the command ended cannot be told: {error}"))),
        None => {
            script::signal(group, Signal::KILL);
            Err(NoEnd::Late)
        }
    }
}
