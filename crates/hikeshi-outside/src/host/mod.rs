//! Work on this host: steps, backup, restore, checks. Each runs in a supervisor of its own ([`supervisor`]) that writes a spool
//! directory ([`spool`]), so that the death of the server neither kills nor loses it.
//!
//! Here: starting a supervisor, waiting for it, and asking a spool what happened. Not here: what the work is ([`backup`], [`script`],
//! [`restore`], [`revert`], [`checks`], [`watch`]).

mod backup;
mod captures;
mod checks;
pub(crate) mod masking;
mod names;
mod restore;
mod revert;
pub(crate) mod script;
pub(crate) mod spool;
mod supervisor;
mod tree;
mod watch;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::time::Duration;

use hikeshi_domain::effect::{Again, Effect, EffectKey, HostSpec, Outcome, Performed, Seen, Work};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::mask::Masker;
use tokio::process::Command;

pub(crate) use names::{raw as raw_path, written as written_path};
use spool::{Order, Spool, watch_dir};
pub use supervisor::step_runner;
pub(crate) use tree::{Kind, kind_of};

use crate::Options;

/// How long work without its own limit may take, and how much longer than its script a step may.
const WORK_MAX: Duration = Duration::from_secs(2 * 3600);
const STEP_MARGIN: Duration = Duration::from_secs(1800);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What must not be written, as this process knows it.
pub(crate) struct Secrets {
    pub(crate) masker: Masker,
    values: Vec<String>,
}

impl Secrets {
    /// The values of the named variables, and of variables that scripts receive when their name says that they are secret.
    pub(crate) fn of(
        patterns: &[String],
        mask: &[String],
        pass: &[String],
        own: &BTreeMap<OsString, OsString>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let secret_names = pass.iter().filter(|name| says_secret(name));
        let values: Vec<String> = mask
            .iter()
            .chain(secret_names)
            .filter_map(|name| own.get(OsStr::new(name)))
            .map(|value| value.to_string_lossy().into_owned())
            .collect();
        Ok(Self { masker: Masker::new(patterns, &values)?, values })
    }

    fn stream(&self) -> masking::MaskedStream {
        masking::MaskedStream::new(self.masker.clone(), &self.values)
    }
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "secret", "token", "key", "credential"].iter().any(|word| name.contains(word))
}

pub(crate) fn ground_of(work: &Work) -> Option<(EmergencyId, &HostSpec)> {
    match work {
        Work::TakeBackup { emergency, host, .. }
        | Work::RunStep { emergency, host, .. }
        | Work::RunChecks { emergency, host, .. }
        | Work::LookAtFiles { emergency, host, .. }
        | Work::Restore { emergency, host, .. }
        | Work::RevertFile { emergency, host, .. } => Some((*emergency, host)),
        Work::Redact { .. }
        | Work::OpenChangeRequest(_)
        | Work::CompareMerged { .. }
        | Work::WriteReport(_)
        | Work::WriteInvitation(_)
        | Work::WritePostmortem(_)
        | Work::Page(_)
        | Work::Tell(_)
        | Work::Chat(_) => None,
    }
}

pub(crate) fn limit_of(work: &Work) -> Duration {
    match work {
        Work::RunStep { timeout_s, .. } => Duration::from_secs(u64::from(*timeout_s)).saturating_add(STEP_MARGIN),
        Work::TakeBackup { .. }
        | Work::RunChecks { .. }
        | Work::LookAtFiles { .. }
        | Work::Restore { .. }
        | Work::RevertFile { .. }
        | Work::Redact { .. }
        | Work::OpenChangeRequest(_)
        | Work::CompareMerged { .. }
        | Work::WriteReport(_)
        | Work::WriteInvitation(_)
        | Work::WritePostmortem(_)
        | Work::Page(_)
        | Work::Tell(_)
        | Work::Chat(_) => WORK_MAX,
    }
}

/// How it could not be carried out. For a step this means that it certainly did not run.
pub(crate) fn could_not(why: &str) -> Performed {
    Performed { outcome: Outcome::Failed { detail: why.to_owned() }, contents: Vec::new() }
}

/// It began, and its end is out of reach: told as killed, which claims neither success nor that nothing ran.
pub(crate) fn lost(work: &Work, why: &str) -> Performed {
    let outcome = match work {
        Work::RunStep { .. } => supervisor::killed(why),
        Work::TakeBackup { .. }
        | Work::RunChecks { .. }
        | Work::LookAtFiles { .. }
        | Work::Restore { .. }
        | Work::RevertFile { .. }
        | Work::Redact { .. }
        | Work::OpenChangeRequest(_)
        | Work::CompareMerged { .. }
        | Work::WriteReport(_)
        | Work::WriteInvitation(_)
        | Work::WritePostmortem(_)
        | Work::Page(_)
        | Work::Tell(_)
        | Work::Chat(_) => Outcome::Failed { detail: why.to_owned() },
    };
    tracing::error!(why, "how the work ended cannot be told");
    Performed { outcome, contents: Vec::new() }
}

/// Carries host work out: by a new supervisor, or by waiting for the one that is already at it. Never runs a step twice.
pub(crate) async fn perform(options: &Options, effect: &Effect) -> Performed {
    let work = &effect.work;
    let spool = Spool::of(&options.spool, &effect.key);
    let Some((emergency, host)) = ground_of(work) else { return could_not("this is not work for a host") };
    let order = Order {
        format: Order::FORMAT.to_owned(),
        effect: effect.clone(),
        watch: watch_dir(&options.spool, emergency),
        pass_env: host.target.pass_env.clone(),
        mask_env: host.mask_env.clone(),
    };
    if let Err(error) = spool.prepare(&order) {
        return could_not(&format!("the order cannot be written to the spool: {error}"));
    }
    match tokio::time::timeout(limit_of(work), to_its_end(options, &spool, work, host)).await {
        Ok(performed) => performed,
        Err(_) => lost(work, "it takes longer than its limit; its supervisor goes on"),
    }
}

async fn to_its_end(options: &Options, spool: &Spool, work: &Work, host: &HostSpec) -> Performed {
    loop {
        match spool.outcome() {
            Ok(Some(performed)) => return performed,
            Ok(None) => {}
            Err(error) => return lost(work, &format!("the outcome in the spool cannot be read: {error}")),
        }
        // Begun, not ended, and nobody is at it: the next supervisor may only find out what is left.
        if spool.has_begun() && !spool.is_locked() && work.again() == Again::AskHuman {
            if spool.is_abandoned() {
                return lost(work, &format!("what a killed supervisor left behind cannot be told. {}", last_words(spool)));
            }
            if let Err(error) = spool.abandon() {
                return lost(work, &format!("the spool cannot be written: {error}"));
            }
        }
        let first = !spool.has_begun();
        if let Err(error) = one_run(options, spool, host).await {
            // It may have begun all the same; then the spool is asked again, and in the end tells what is left.
            if spool.is_locked() || (spool.has_begun() && work.again() == Again::AskHuman) {
                tracing::warn!(%error, "the supervisor cannot be waited for");
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            return could_not(&format!("no supervisor could be started: {error}"));
        }
        let unfinished = matches!(spool.outcome(), Ok(None)) && !spool.is_locked();
        // A step that has begun is looked at once more above; anything else is told at once.
        if unfinished && (work.again() != Again::AskHuman || (first && !spool.has_begun())) {
            return could_not(&format!("its supervisor ended without an outcome. {}", last_words(spool)));
        }
    }
}

/// Starts a supervisor and waits for it, or waits for the one that lives.
async fn one_run(options: &Options, spool: &Spool, host: &HostSpec) -> io::Result<()> {
    if spool.is_locked() {
        while spool.is_locked() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        return Ok(());
    }
    let mut child = command(options, spool, host)?.spawn()?;
    child.wait().await?;
    // It may have found another one at work.
    while spool.is_locked() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn command(options: &Options, spool: &Spool, host: &HostSpec) -> io::Result<Command> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(spool.log())?;
    let mut command = Command::new(&options.program);
    command
        .args(&options.program_args)
        .arg(spool.dir())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .current_dir("/");
    // Only what the work needs crosses over; values are never written to a file.
    let named = host.target.pass_env.iter().chain(&host.mask_env).map(String::as_str);
    for name in named.chain(["PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"]) {
        if let Some(value) = options.env.get(OsStr::new(name)) {
            command.env(name, value);
        }
    }
    Ok(command)
}

fn last_words(spool: &Spool) -> String {
    let read = || -> io::Result<String> {
        let bytes = tail_of(&mut File::open(spool.log())?, 800)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_default()
}

/// What the spool says about work that was begun before a crash.
pub(crate) fn look(options: &Options, effect: &Effect) -> Seen {
    let spool = Spool::of(&options.spool, &effect.key);
    // Asked before the outcome: a supervisor that ends in between is then seen by its outcome.
    let running = spool.is_locked();
    match spool.outcome() {
        Ok(Some(performed)) => return Seen::Happened(performed),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, key = %effect.key, "the outcome in the spool cannot be read");
            return Seen::Unknown;
        }
    }
    if running {
        return Seen::Running;
    }
    if !spool.has_order() || !spool.has_begun() {
        return Seen::NotHappened;
    }
    match effect.work.again() {
        Again::AskHuman => Seen::Unknown,
        // An unfinished backup has another name, and a finished one is recognised by the next run.
        Again::LookFirst | Again::Safe => Seen::NotHappened,
    }
}

/// The end of what a running step has printed, masked.
pub(crate) fn tail(options: &Options, key: &EffectKey, bytes_max: usize) -> Option<Vec<u8>> {
    let mut file = File::open(Spool::of(&options.spool, key).output()).ok()?;
    tail_of(&mut file, bytes_max).ok()
}

fn tail_of(file: &mut File, bytes_max: usize) -> io::Result<Vec<u8>> {
    let max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(max)))?;
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
