//! The server's side of hands on another host: asks, waits, and asks again when the connection breaks. The supervisor over there goes on
//! without us, and the spool over there knows what became of it, so asking twice never does anything twice.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::effect::{Again, Effect, EffectKey, HostSpec, Performed, Seen};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::policy::SshPlace;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::frame::{self, Ask, FORMAT, Hello, Told};
use super::push::{self, NOT_THERE};
use super::{SSH_FAILED, Trouble, Way, control_socket, last_words, server_way};
use crate::Options;
use crate::host::{could_not, limit_of, lost};

/// How long a host may take to let us in and start the hands.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
/// How long it is tried to get there before anything was asked for.
const REACH_WITHIN: Duration = Duration::from_secs(30);
/// How long a host that has begun may be out of reach. A step is waited for up to its own limit: nobody may run it again.
const AGAIN_WITHIN: Duration = Duration::from_secs(10 * 60);
/// How long is looked for what became of something before nobody can tell.
const LOOK_WITHIN: Duration = Duration::from_secs(90);
/// A connection that lasted this long was one, though nothing was said: a step may be silent.
const STAYED: Duration = Duration::from_secs(60);
const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(10);
const SAID_BYTES_MAX: u64 = 16 * 1024;

type Turn = Arc<tokio::sync::Mutex<()>>;

/// What is known between calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    program: Arc<OnceLock<Digest>>,
    /// The last output of running steps.
    tails: Arc<Mutex<BTreeMap<EffectKey, Vec<u8>>>>,
    /// One at a time brings the program to a host.
    bringing: Arc<Mutex<BTreeMap<String, Turn>>>,
}

impl Memory {
    fn turn(&self, place: &SshPlace) -> Turn {
        let mut turns = self.bringing.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(place.label()).or_default())
    }
    fn keep_tail(&self, key: &EffectKey, tail: Vec<u8>) {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), tail);
    }
    fn forget_tail(&self, key: &EffectKey) {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

pub(crate) fn tail(memory: &Memory, key: &EffectKey, bytes_max: usize) -> Option<Vec<u8>> {
    let tails = memory.tails.lock().unwrap_or_else(PoisonError::into_inner);
    let tail = tails.get(key)?;
    Some(tail.get(tail.len().saturating_sub(bytes_max)..).unwrap_or_default().to_vec())
}

/// Everything that one question needs.
struct Asking<'a> {
    options: &'a Options,
    memory: &'a Memory,
    place: &'a SshPlace,
    dir: PathBuf,
    control: Option<PathBuf>,
}

/// What came of one question.
#[derive(Debug, Default)]
struct Heard {
    /// The hands may have heard it.
    asked: bool,
    /// They have said something about it.
    told: bool,
}

/// Hands that are listening.
struct Line {
    // Dropping it ends ssh.
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl<'a> Asking<'a> {
    fn new(options: &'a Options, memory: &'a Memory, place: &'a SshPlace) -> Self {
        let control = control_socket(&options.env, place, &options.ledger);
        Self { options, memory, place, dir: options.spool.join("ssh"), control }
    }

    fn way(&self) -> Way<'_> {
        server_way(self.place, &self.dir, self.control.clone())
    }

    /// Reaches the hands; brings them there first when they are not.
    async fn connect(&self) -> Result<Line, Trouble> {
        let here = |error: io::Error| Trouble::Here(error.to_string());
        let way = self.way();
        let digest = push::digest(&self.options.program, &self.memory.program).map_err(here)?;
        let mut brought = false;
        loop {
            let remote = push::start(&way, digest, &self.options.ledger);
            let mut child =
                way.command(&self.options.env, &remote).map_err(here)?.stdin(Stdio::piped()).spawn().map_err(|error| Way::here(&error))?;
            let (Some(to), Some(mut from)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(Trouble::Here("ssh has no pipes".to_owned()));
            };
            match tokio::time::timeout(HELLO_WITHIN, frame::greeting(&mut from)).await {
                Ok(Ok(Some(hello))) => {
                    self.same_version(&hello)?;
                    return Ok(Line { child, to, from });
                }
                Ok(Ok(None)) => {
                    let (code, said) = end_of(&mut child).await;
                    if code == Some(NOT_THERE) && self.place.hands.is_none() && !brought {
                        let turn = self.memory.turn(self.place);
                        let _one = turn.lock().await;
                        push::push(&way, self.options, digest).await?;
                        brought = true;
                        continue;
                    }
                    return Err(self.cannot(&way, code, &said));
                }
                Ok(Err(error)) => return Err(self.cannot_run(&format!("something else answers: {error}"))),
                Err(_) => return Err(self.silent(&mut child).await),
            }
        }
    }

    /// What ssh has said before it fell silent, if it has.
    async fn silent(&self, child: &mut Child) -> Trouble {
        if let Err(error) = child.start_kill() {
            tracing::debug!(%error, "ssh has ended by itself");
        }
        let (_, said) = end_of(child).await;
        let detail =
            if said.trim().is_empty() { "no answer in time".to_owned() } else { format!("no answer in time: {}", last_words(&said)) };
        Trouble::Unreachable { destination: self.place.label(), detail }
    }

    fn same_version(&self, hello: &Hello) -> Result<(), Trouble> {
        let ours = env!("CARGO_PKG_VERSION");
        if hello.format == FORMAT && hello.version == ours {
            return Ok(());
        }
        let theirs = format!("{} {}", hello.version, hello.format).chars().take(80).collect();
        Err(Trouble::OtherVersion { destination: self.place.label(), theirs, ours })
    }

    fn cannot(&self, way: &Way<'_>, code: Option<i32>, said: &str) -> Trouble {
        match code {
            Some(SSH_FAILED) | None => way.trouble(said),
            Some(code) => self.cannot_run(&format!("exit {code}: {}", last_words(said))),
        }
    }

    fn cannot_run(&self, detail: &str) -> Trouble {
        Trouble::CannotRun { destination: self.place.label(), detail: detail.to_owned(), version: env!("CARGO_PKG_VERSION") }
    }

    /// Asks once.
    async fn ask(&self, effect: &Effect, ask: &Ask, heard: &mut Heard) -> Result<Seen, Trouble> {
        let mut line = self.connect().await?;
        heard.asked = true;
        match self.answer(&mut line, effect, ask, heard).await {
            Ok(seen) => Ok(seen),
            Err(error) => {
                let (_, said) = end_of(&mut line.child).await;
                let detail = if said.trim().is_empty() { error.to_string() } else { last_words(&said) };
                Err(Trouble::Unreachable { destination: self.place.label(), detail })
            }
        }
    }

    async fn answer(&self, line: &mut Line, effect: &Effect, ask: &Ask, heard: &mut Heard) -> io::Result<Seen> {
        frame::say(&mut line.to, ask).await?;
        loop {
            let told = frame::hear(&mut line.from).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            heard.told = true;
            match told {
                Told::Tail => self.memory.keep_tail(&effect.key, frame::take(&mut line.from).await?),
                Told::Performed { outcome, contents } => {
                    return Ok(Seen::Happened(frame::take_performed(&mut line.from, *outcome, contents).await?));
                }
                Told::Happened => {}
                Told::NotHappened => return Ok(Seen::NotHappened),
                Told::Running => return Ok(Seen::Running),
                Told::Unknown => return Ok(Seen::Unknown),
            }
        }
    }

    async fn to_its_end(&self, effect: &Effect, ask: &Ask) -> Performed {
        let work = &effect.work;
        let (mut asked, mut silent, mut wait) = (false, Instant::now(), WAIT_MIN);
        loop {
            let (mut heard, began) = (Heard::default(), Instant::now());
            let trouble = match self.ask(effect, ask, &mut heard).await {
                Ok(Seen::Happened(performed)) => return performed,
                Ok(Seen::NotHappened | Seen::Running | Seen::Unknown) => self.cannot_run("the answer is to another question"),
                Err(trouble) => trouble,
            };
            asked |= heard.asked;
            // A greeting alone is no news: hands that die on each question would be asked for hours.
            if heard.told || (heard.asked && began.elapsed() > STAYED) {
                (silent, wait) = (Instant::now(), WAIT_MIN);
            }
            let patience = if asked { AGAIN_WITHIN } else { REACH_WITHIN };
            let over = silent.elapsed() > patience && !(asked && work.again() == Again::AskHuman);
            match (asked, over || (!asked && !trouble.passes())) {
                // Nothing was asked for: it certainly did not begin.
                (false, true) => return could_not(&trouble.to_string()),
                (true, true) => return lost(work, &format!("{trouble}. What was begun there goes on")),
                (_, false) => tracing::warn!(effect = %effect.key, %trouble, asked, "it is tried again"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }
}

/// The exit code of an `ssh` that has closed its output, and what it said.
async fn end_of(child: &mut Child) -> (Option<i32>, String) {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // A shared connection in the background may keep it open.
        let read = tokio::time::timeout(Duration::from_secs(5), stderr.take(SAID_BYTES_MAX).read_to_end(&mut said)).await;
        tracing::debug!(?read, "ssh has spoken");
    }
    let status = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    let code = status.ok().and_then(Result::ok).and_then(|status| status.code());
    (code, String::from_utf8_lossy(&said).into_owned())
}

/// The values of the variables that the policy names.
fn values(options: &Options, host: &HostSpec) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for name in host.target.pass_env.iter().chain(&host.mask_env) {
        if let Some(value) = options.env.get(OsStr::new(name)) {
            let value = value.to_str().ok_or_else(|| format!("the value of {name} is no text, so it cannot be handed to another host"))?;
            values.insert(name.clone(), value.to_owned());
        }
    }
    Ok(values)
}

/// Carries host work out on another host. Never runs a step twice: the spool over there has the claim.
pub(crate) async fn perform(options: &Options, memory: &Memory, effect: &Effect, host: &HostSpec, place: &SshPlace) -> Performed {
    let env = match values(options, host) {
        Ok(env) => env,
        Err(why) => return could_not(&why),
    };
    let asking = Asking::new(options, memory, place);
    let ask = Ask::Perform { effect: Box::new(effect.clone()), env };
    let performed = tokio::time::timeout(limit_of(&effect.work), asking.to_its_end(effect, &ask)).await;
    memory.forget_tail(&effect.key);
    performed.unwrap_or_else(|_| lost(&effect.work, "it takes longer than its limit; what was begun on the target's host goes on"))
}

/// What the spool over there says about work that was begun before a crash. Out of reach for long: nobody can tell.
pub(crate) async fn look(options: &Options, memory: &Memory, effect: &Effect, place: &SshPlace) -> Seen {
    let asking = Asking::new(options, memory, place);
    let (began, mut wait) = (Instant::now(), WAIT_MIN);
    loop {
        let (ask, mut heard) = (Ask::Look { effect: Box::new(effect.clone()) }, Heard::default());
        let asked = tokio::time::timeout(LOOK_WITHIN, asking.ask(effect, &ask, &mut heard)).await;
        let late = |_| Err(Trouble::Unreachable { destination: place.label(), detail: "no answer in time".to_owned() });
        match asked.unwrap_or_else(late) {
            Ok(seen) => {
                if seen != Seen::Running {
                    memory.forget_tail(&effect.key);
                }
                return seen;
            }
            Err(trouble) => {
                tracing::warn!(effect = %effect.key, %trouble, "the target's host cannot be asked");
                if !trouble.passes() || began.elapsed() > LOOK_WITHIN {
                    return Seen::Unknown;
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}
