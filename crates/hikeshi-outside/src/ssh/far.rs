//! The hands on the other host: `hikeshi hands`, started by the server through `ssh`. The same hands as on the server's own host carry the
//! work out, each in a supervisor that outlives this process and the connection; here are only question and answer.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use hikeshi_domain::effect::{Effect, Seen};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::frame::{self, Ask, FORMAT, Hello, Told};
use crate::Options;
use crate::host;

const TAIL_EVERY: Duration = Duration::from_millis(500);
const TAIL_BYTES: usize = 64 * 1024;
const LEDGER_CHARS_MAX: usize = 64;

/// One question, answered; then the end. `ledger` keeps the spools of two servers apart.
pub fn hands(ledger: &str, program_args: Vec<OsString>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let ended = runtime.block_on(async {
        let options = options(ledger, program_args)?;
        answer(options, stream(io::stdin())?, stream(io::stdout())?).await
    });
    // Reading is not waited for: the server keeps its end open.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn stream(pipe: impl AsFd) -> io::Result<tokio::fs::File> {
    Ok(tokio::fs::File::from_std(File::from(pipe.as_fd().try_clone_to_owned()?)))
}

fn failed(error: &io::Error) -> ExitCode {
    use std::io::Write as _;
    match writeln!(io::stderr(), "hikeshi hands: {error}") {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment of the user over there: where their state is, and what scripts get of it")]
fn options(ledger: &str, program_args: Vec<OsString>) -> io::Result<Options> {
    let plain = !ledger.is_empty() && ledger.len() <= LEDGER_CHARS_MAX && ledger.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is no name of a ledger"));
    }
    let env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let dir = |name: &str| env.get(OsStr::new(name)).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let state = dir("XDG_STATE_HOME").or_else(|| dir("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "HOME is not set"))?;
    Ok(Options {
        spool: state.join("hikeshi/hands").join(ledger),
        program: std::env::current_exe()?,
        program_args,
        base: Path::new("/").to_owned(),
        env,
        public_url: String::new(),
        ledger: ledger.to_owned(),
        push_key: None,
    })
}

async fn answer(options: Options, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    frame::greet(&mut to, &Hello { format: FORMAT.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }).await?;
    match frame::hear(&mut from).await? {
        None => Ok(()),
        Some(Ask::Look { effect }) => looked(&options, &effect, &mut to).await,
        Some(Ask::Perform { effect, env }) => {
            let options = with_values(options, &effect, env);
            tokio::select! {
                told = performed(&options, &effect, &mut to) => told,
                // The server is gone or does not want to wait any more; what was begun goes on without us.
                () = ended(&mut from) => Ok(()),
            }
        }
    }
}

/// Values that the policy names come from the server alone: what happens to be set here under the same name is something else.
fn with_values(mut options: Options, effect: &Effect, env: BTreeMap<String, String>) -> Options {
    if let Some((_, host)) = host::ground_of(&effect.work) {
        for name in host.target.pass_env.iter().chain(&host.mask_env) {
            options.env.remove(OsStr::new(name));
        }
    }
    options.env.extend(env.into_iter().map(|(name, value)| (name.into(), value.into())));
    options
}

async fn performed(options: &Options, effect: &Effect, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut work = std::pin::pin!(host::perform(options, effect));
    let mut shown = Vec::new();
    loop {
        tokio::select! {
            performed = &mut work => return frame::say_performed(to, performed).await,
            () = tokio::time::sleep(TAIL_EVERY) => tell_tail(options, effect, &mut shown, to).await?,
        }
    }
}

async fn tell_tail(options: &Options, effect: &Effect, shown: &mut Vec<u8>, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let tail = host::tail(options, &effect.key, TAIL_BYTES).unwrap_or_default();
    if tail != *shown {
        frame::say(to, &Told::Tail).await?;
        frame::give(to, &tail).await?;
        *shown = tail;
    }
    Ok(())
}

async fn looked(options: &Options, effect: &Effect, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let seen = host::look(options, effect);
    tell_tail(options, effect, &mut Vec::new(), to).await?;
    match seen {
        Seen::Happened(performed) => {
            frame::say(to, &Told::Happened).await?;
            frame::say_performed(to, performed).await
        }
        Seen::NotHappened => frame::say(to, &Told::NotHappened).await,
        Seen::Running => frame::say(to, &Told::Running).await,
        Seen::Unknown => frame::say(to, &Told::Unknown).await,
    }
}

async fn ended(from: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0_u8; 256];
    while matches!(from.read(&mut rest).await, Ok(1..)) {}
}
