//! The supervisor: one process per effect, in its own session, that outlives the server which started it.
//!
//! It takes the lock, makes the claim `begun`, does the work, and leaves the outcome in the spool. Nobody needs to be listening.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use hikeshi_domain::effect::{Again, EffectKey, HostSpec, Outcome, Performed, Work};
use hikeshi_domain::emergency::{Backup, Killed, PuttingBack, Replaced, StepEnd};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::Capture;

use super::backup::{BackupError, must_be_outside, take};
use super::captures::Captures;
use super::checks::Checks;
use super::names::Scope;
use super::restore::restore;
use super::revert::{Reverting, relink_scope};
use super::script::{self, Script, ScriptEnd};
use super::spool::{Order, Spool, read_bounded, remove_if_there};
use super::tree::Folder;
use super::watch::{Changed, Limits, Problem, Watch};
use super::{Secrets, could_not};
use crate::clock;

/// Ended as it should; the outcome is in the spool.
const DONE: u8 = 0;
/// Something of our own is broken: no order, no room for the outcome.
const BROKEN: u8 = 70;
/// Another supervisor holds the lock.
const HELD: u8 = 75;
/// It was begun before, and a repeat is not allowed.
const IN_DOUBT: u8 = 76;
/// Kept free on the disk of the spool, so that an outcome can be written when a step has filled the disk.
const RESERVE_BYTES: u64 = 8 * 1024 * 1024;
const BASELINES_MAX: u32 = 3;

/// The whole life of a supervisor. `dir` is the spool directory of one effect, with its `order.json`.
pub fn step_runner(dir: &Path) -> ExitCode {
    // Without a session of its own the terminal of whoever started the server could hang up on us, and a script could ask it for a password.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "already the leader of a session");
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return note(dir, BROKEN, &format!("no runtime: {error}")),
    };
    match runtime.block_on(supervise(&Spool::at(dir))) {
        Ok(code) => ExitCode::from(code),
        Err(error) => note(dir, BROKEN, &error.to_string()),
    }
}

/// Leaves a word for whoever looks into the spool; there is nobody else to tell.
fn note(dir: &Path, code: u8, words: &str) -> ExitCode {
    use std::io::Write;
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(Spool::at(dir).log());
    let written = log.and_then(|mut log| writeln!(log, "{} {words}", clock::now()));
    if written.is_err() { ExitCode::from(BROKEN) } else { ExitCode::from(code) }
}

async fn supervise(spool: &Spool) -> io::Result<u8> {
    let Some(lock) = spool.lock()? else { return Ok(HELD) };
    if spool.outcome()?.is_some() {
        return Ok(DONE);
    }
    let order = spool.order()?;
    if order.format != Order::FORMAT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an order of the form {} is not known here", order.format)));
    }
    if spool.has_begun() {
        match order.effect.work.again() {
            Again::AskHuman if spool.is_abandoned() => {
                spool.end(&Supervisor::new(spool, &order).salvage(&order.effect.work)?)?;
                return Ok(DONE);
            }
            Again::AskHuman => return Ok(IN_DOUBT),
            Again::Safe | Again::LookFirst => spool.begin_again()?,
        }
    }
    let performed = Supervisor::new(spool, &order).perform(&order.effect.work).await?;
    spool.end(&performed)?;
    drop(lock);
    Ok(DONE)
}

struct Supervisor<'a> {
    spool: &'a Spool,
    order: &'a Order,
    own: BTreeMap<OsString, OsString>,
}

fn failed(error: &dyn std::error::Error, secrets: &Secrets) -> Performed {
    Performed { outcome: Outcome::Failed { detail: secrets.masker.text(&error.to_string()) }, contents: Vec::new() }
}

/// What every host order has in common.
struct Ground<'a> {
    root: PathBuf,
    scope: Scope,
    watch: Watch,
    after: Limits,
    secrets: Secrets,
    env: BTreeMap<OsString, OsString>,
    host: &'a HostSpec,
}

impl Ground<'_> {
    fn look(&self, step: Option<u32>) -> Result<Changed, Problem> {
        let held = self.watch.hold()?;
        let changed = self.watch.rescan(&held, &self.root, self.after, &self.scope, step)?;
        Ok(changed.with_contents(&self.watch, &self.secrets.masker))
    }
}

impl<'a> Supervisor<'a> {
    #[expect(clippy::disallowed_methods, reason = "a supervisor's environment is how it receives secrets; it has no other configuration")]
    fn new(spool: &'a Spool, order: &'a Order) -> Self {
        Self { spool, order, own: std::env::vars_os().collect() }
    }

    fn ground<'h>(&self, host: &'h HostSpec, scope: &[String]) -> Result<Ground<'h>, Box<dyn std::error::Error>> {
        let target = &host.target;
        let secrets = Secrets::of(&host.mask_patterns, &self.order.mask_env, &self.order.pass_env, &self.own)?;
        Ok(Ground {
            root: PathBuf::from(&target.root),
            scope: Scope::parse(scope)?,
            watch: Watch::open(&self.order.watch, host.file_bytes_max),
            after: Limits::after(target.watch_files_max, target.watch_bytes_max),
            secrets,
            env: script::environment(&self.own, &self.order.pass_env),
            host,
        })
    }

    async fn perform(&self, work: &Work) -> io::Result<Performed> {
        let plain = |outcome| Performed { outcome, contents: Vec::new() };
        let refused = |error: Box<dyn std::error::Error>| plain(Outcome::Failed { detail: error.to_string() });
        Ok(match work {
            Work::RunStep { host, scope, step, run, timeout_s, .. } => match self.ground(host, scope) {
                Ok(ground) => self.step(&ground, *step, run, *timeout_s).await?,
                Err(error) => refused(error),
            },
            Work::TakeBackup { host, scope, name, .. } => match self.ground(host, scope) {
                Ok(ground) => {
                    self.claim()?;
                    match self.backup(&ground, name) {
                        Ok(backup) => plain(Outcome::BackupTaken { backup }),
                        Err(error) => failed(error.as_ref(), &ground.secrets),
                    }
                }
                Err(error) => refused(error),
            },
            Work::RunChecks { host, plan, .. } => match self.ground(host, &plan.scope) {
                Ok(ground) => {
                    self.claim()?;
                    let output = self.spool.output();
                    let checks = Checks { root: &ground.root, env: &ground.env, secrets: &ground.secrets, output: &output };
                    plain(Outcome::ChecksEnded { results: checks.run(&plan.verification).await })
                }
                Err(error) => refused(error),
            },
            Work::LookAtFiles { host, scope, captures, .. } => match self.ground(host, scope) {
                Ok(ground) => {
                    self.claim()?;
                    self.look(&ground, captures).await?
                }
                Err(error) => refused(error),
            },
            Work::Restore { host, scope, backup, .. } => match self.ground(host, scope) {
                Ok(ground) => {
                    self.claim()?;
                    put_back(&ground, backup)
                }
                Err(error) => refused(error),
            },
            Work::RevertFile { host, scope, files, backup, .. } => match self.ground(host, scope) {
                Ok(ground) => {
                    self.claim()?;
                    put_back_some(&ground, files, backup.as_ref())
                }
                Err(error) => refused(error),
            },
            Work::Redact { .. }
            | Work::OpenChangeRequest(_)
            | Work::CompareMerged { .. }
            | Work::WriteReport(_)
            | Work::WriteInvitation(_)
            | Work::WritePostmortem(_)
            | Work::Page(_)
            | Work::Tell(_)
            | Work::Chat(_) => plain(Outcome::Failed { detail: format!("{} is not work for a host", work.kind()) }),
        })
    }

    /// After typed commands: what differs from the baseline, and what the plan's captures print.
    async fn look(&self, ground: &Ground<'_>, captures: &[Capture]) -> io::Result<Performed> {
        let changed = match ground.look(None) {
            Ok(changed) => changed,
            Err(error) => return Ok(failed(&error, &ground.secrets)),
        };
        let output = self.spool.output();
        let looks = Captures { root: &ground.root, env: &ground.env, secrets: &ground.secrets, output: &output };
        let (captured, printed) = looks.run(captures).await?;
        let contents = changed.contents.into_iter().chain(printed).collect();
        let outcome = Outcome::FilesSeen { looked: changed.looked, captured };
        Ok(Performed { outcome, contents })
    }

    fn claim(&self) -> io::Result<()> {
        if self.spool.begin()? { Ok(()) } else { Err(io::Error::new(io::ErrorKind::AlreadyExists, "the claim was made by another")) }
    }

    fn backup(&self, ground: &Ground<'_>, name: &str) -> Result<Backup, Box<dyn std::error::Error>> {
        let target = &ground.host.target;
        must_be_outside(self.spool.dir(), &ground.root)?;
        let _held = ground.watch.hold()?;
        let mut tries = 1;
        loop {
            let limits = Limits::before(target.watch_files_max, target.watch_bytes_max);
            let baseline = ground.watch.take_baseline(&ground.root, limits)?;
            match take(&ground.root, &ground.scope, Path::new(&target.backups), name, &baseline) {
                Ok(backup) => {
                    ground.watch.adopt(&baseline)?;
                    return Ok(backup);
                }
                Err(BackupError::KeepsChanging(_)) if tries < BASELINES_MAX => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn step(&self, ground: &Ground<'_>, step: u32, run: &str, timeout_s: u32) -> io::Result<Performed> {
        if !ground.watch.has_baseline() {
            return Ok(could_not("no baseline of the files was found in the spool: a change could not be told. Take the backup again"));
        }
        if self.earlier_still_runs() {
            return Ok(could_not(
                "an earlier attempt of this step is still running there, whatever was settled about it. Wait for its end",
            ));
        }
        let (mut out, reserve) = match self.reserve(ground.host.output_bytes_max) {
            Ok(ready) => ready,
            Err(error) => return Ok(could_not(&format!("there is no room to record this step: {error}"))),
        };
        self.claim()?;
        let mark = self.spool.mark();
        let script = Script {
            root: &ground.root,
            run,
            timeout: Duration::from_secs(u64::from(timeout_s.max(1))),
            env: &ground.env,
            output_bytes_max: ground.host.output_bytes_max,
            mark: Some(&mark),
        };
        let end = script::run(&script, ground.secrets.stream(), &mut out).await;
        // The room that was kept and not needed is given back.
        out.set_len(out.metadata()?.len())?;
        // From here on the room that was kept is used for what must be told.
        drop(reserve);
        remove_if_there(&self.spool.dir().join("reserve"))?;
        if let Some(why) = &end.unrecorded {
            tracing::error!(%why, "the output could not be recorded; the step was stopped");
        }
        let changed = ground.look(Some(step));
        let output = read_bounded(&self.spool.output(), end.kept_bytes.saturating_add(1 << 20))?;
        Ok(told(ground, end, output, changed))
    }

    /// The supervisor of this step was killed. What it left running is stopped, since nobody records it any more; what it had
    /// recorded and what changed is told; it counts as killed, and it is never run again under this key.
    fn salvage(&self, work: &Work) -> io::Result<Performed> {
        script::stop_left_behind(&self.spool.mark());
        remove_if_there(&self.spool.dir().join("reserve"))?;
        let Work::RunStep { host, scope, step, .. } = work else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only a step can be abandoned"));
        };
        let ground = self.ground(host, scope).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        let output = read_bounded(&self.spool.output(), host.output_bytes_max.saturating_add(1 << 20)).unwrap_or_default();
        let started_at = self.spool.begun_at().ok().and_then(|at| at.try_into().ok()).unwrap_or_else(clock::now);
        let end = ScriptEnd {
            exit_code: None,
            killed: Some(Killed::Signal(9)),
            started_at,
            ended_at: clock::now(),
            kept_bytes: u64::try_from(output.len()).unwrap_or(u64::MAX),
            cut_bytes: 0,
            unrecorded: None,
        };
        let changed = ground.look(Some(*step));
        Ok(told(&ground, end, output, changed))
    }

    /// A person may settle that an attempt did not run while nobody could ask this host. What a killed supervisor left running is stopped.
    fn earlier_still_runs(&self) -> bool {
        let Some((step, attempt)) = self.order.effect.key.0.rsplit_once('/') else { return false };
        let Some(root) = self.spool.dir().parent().and_then(Path::parent) else { return false };
        (1..attempt.parse::<u32>().unwrap_or(1)).any(|number| {
            let earlier = Spool::of(root, &EffectKey(format!("{step}/{number}")));
            let runs = earlier.is_locked();
            if !runs && earlier.has_begun() && matches!(earlier.outcome(), Ok(None)) {
                script::stop_left_behind(&earlier.mark());
            }
            runs
        })
    }

    /// Opens the output and keeps room for it and for the outcome: what cannot be recorded is not started.
    fn reserve(&self, output_bytes_max: u64) -> io::Result<(File, File)> {
        let open = |path: PathBuf| OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path);
        let out = open(self.spool.output())?;
        let reserve = open(self.spool.dir().join("reserve"))?;
        keep_room(&out, output_bytes_max.clamp(1, 64 * 1024 * 1024))?;
        keep_room(&reserve, RESERVE_BYTES)?;
        Ok((out, reserve))
    }
}

fn keep_room(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::io::Errno;
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, bytes) {
        // Not every file system can; then the room is not certain, and the step is stopped if it runs out.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn told(ground: &Ground<'_>, end: ScriptEnd, output: Vec<u8>, changed: Result<Changed, Problem>) -> Performed {
    // A step whose record broke off did not succeed, whatever its exit code: nobody saw what it did.
    let (exit_code, killed) = match end.unrecorded {
        Some(_) => (None, Some(end.killed.unwrap_or(Killed::Signal(15)))),
        None => (end.exit_code, end.killed),
    };
    let step_end = StepEnd {
        exit_code,
        killed,
        started_at: end.started_at,
        ended_at: end.ended_at,
        output: Some(Digest::of(&output)),
        output_bytes: end.kept_bytes,
        output_bytes_cut: end.cut_bytes,
        settled_by: None,
    };
    let (looked, mut contents) = match changed {
        Ok(changed) => (Ok(changed.looked), changed.contents),
        Err(error) => (Err(ground.secrets.masker.text(&error.to_string())), Vec::new()),
    };
    contents.push(output);
    Performed { outcome: Outcome::StepEnded { end: step_end, looked }, contents }
}

/// A step that began and was cut off; nothing else is known.
pub(crate) fn killed(why: &str) -> Outcome {
    let at = clock::now();
    let end = StepEnd {
        exit_code: None,
        killed: Some(Killed::Signal(9)),
        started_at: at,
        ended_at: at,
        output: None,
        output_bytes: 0,
        output_bytes_cut: 0,
        settled_by: None,
    };
    Outcome::StepEnded { end, looked: Err(why.to_owned()) }
}

/// What lies in the scope is looked at once more before it is replaced: what changed since the last look is kept, not lost.
fn put_back(ground: &Ground<'_>, backup: &Backup) -> Performed {
    let put = || -> Result<Performed, Box<dyn std::error::Error>> {
        let held = ground.watch.hold()?;
        let look = || ground.watch.rescan(&held, &ground.root, ground.after, &ground.scope, None);
        look()?;
        let baseline = ground.watch.baseline()?;
        let mut found = ground.watch.latest(&baseline)?;
        let mut since = |to: &Folder, name: &OsStr, path: &str| ground.watch.look_again(to, name, path, &mut found);
        let (files, manifest) = restore(&ground.root, &ground.scope, Path::new(&ground.host.target.backups), backup, &mut since)?;
        let found = ground.watch.in_scope(&baseline, &found, &ground.scope)?.with_contents(&ground.watch, &ground.secrets.masker);
        relink_scope(&ground.root, &baseline, &ground.scope)?;
        let changed = look()?.with_contents(&ground.watch, &ground.secrets.masker);
        let replaced = Replaced { replaced: found.looked.changes, replaced_unlisted: found.looked.changes_unlisted };
        let contents = found.contents.into_iter().chain(changed.contents).collect();
        let outcome = Outcome::Restored { files, manifest, replaced, looked: changed.looked };
        Ok(Performed { outcome, contents })
    };
    put().unwrap_or_else(|error| failed(error.as_ref(), &ground.secrets))
}

fn put_back_some(ground: &Ground<'_>, files: &[PuttingBack], backup: Option<&Backup>) -> Performed {
    let put = || -> Result<_, Problem> {
        let held = ground.watch.hold()?;
        let backups = Path::new(&ground.host.target.backups);
        let reverting = Reverting {
            root: &ground.root,
            watch: &ground.watch,
            scope: &ground.scope,
            limits: ground.after,
            backup: backup.map(|backup| (backups, backup)),
            masker: &ground.secrets.masker,
        };
        reverting.all(&held, files)
    };
    match put() {
        Ok((files, changed)) => Performed { outcome: Outcome::Reverted { files, looked: changed.looked }, contents: changed.contents },
        Err(error) => failed(&error, &ground.secrets),
    }
}
