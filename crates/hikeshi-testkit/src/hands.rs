//! Hands for tests: they behave like the real ones on a disk that is only remembered, do what a test tells them to do wrong, and write down
//! everything that they did, so that a test can ask whether something was done twice.
//!
//! A step's script is read line by line: `write <path> <text>` · `remove <path>` · `say <text>` · `sleep <seconds>` · `exit <code>`.
//! Anything else is said. What a script cannot do here belongs into a test with the real hands.

mod disk;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{AspectResult, Contents, Doing, Effect, EffectKey, HostSpec, Outcome, Outside, Performed, Seen, Work};
use hikeshi_domain::emergency::{
    Aspect, Backup, Check, CheckResult, FileChange, Killed, Looked, Plan, PutBack, PuttingBack, Replaced, StepEnd,
};
use hikeshi_domain::ids::{Digest, EmergencyId, TargetName};
use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::Captured;
use hikeshi_engine::clock::Clock;

use disk::Disk;

/// What goes wrong with the next effect of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is tried and cannot be done; nothing changes.
    Fails(String),
    /// The program dies before it begins: nothing is done, and the world can say so.
    DiesBefore,
    /// The program dies after it was done: the world can say so.
    DiesAfter,
    /// The program dies, it was done, and the world cannot say so.
    DiesUntold,
    /// Checks do not pass.
    ChecksFail,
}

/// One thing that the hands did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub key: EffectKey,
    pub kind: &'static str,
    pub at: Timestamp,
}

#[derive(Default)]
struct World {
    disks: BTreeMap<TargetName, Disk>,
    /// The disk as it was when the backup was taken.
    before: BTreeMap<EmergencyId, Disk>,
    ended: BTreeMap<EffectKey, Performed>,
    untold: Vec<EffectKey>,
    deeds: Vec<Deed>,
    faults: BTreeMap<String, Fault>,
    unaccepted_drift: bool,
}

/// Cheap to clone; all clones are the same hands. They outlive the engine, as the world does.
#[derive(Clone)]
pub struct Hands {
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
}

impl Hands {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, world: Arc::default() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a file on a target, as somebody did long before.
    pub fn put_file(&self, target: &TargetName, path: &str, content: &[u8]) {
        self.world().disks.entry(target.clone()).or_default().write(path, content);
    }

    pub fn file(&self, target: &TargetName, path: &str) -> Option<Vec<u8>> {
        self.world().disks.get(target).and_then(|disk| disk.read(path).map(<[u8]>::to_vec))
    }

    /// What goes wrong with the next effect of this kind (`run_step`, `take_backup`, …), once.
    pub fn next(&self, kind: &str, fault: Fault) {
        self.world().faults.insert(kind.to_owned(), fault);
    }

    /// From now on what was merged differs from what was done.
    pub fn merge_differs(&self) {
        self.world().unaccepted_drift = true;
    }

    /// Everything that was really done, in order. An effect that failed or never began is not here.
    pub fn deeds(&self) -> Vec<Deed> {
        self.world().deeds.clone()
    }

    /// How often this effect was really done.
    pub fn times_done(&self, key: &EffectKey) -> usize {
        self.world().deeds.iter().filter(|deed| deed.key == *key).count()
    }

    fn act(&self, effect: &Effect) -> Option<Performed> {
        let now = self.clock.now();
        let mut world = self.world();
        let kind = effect.work.kind();
        let fault = world.faults.remove(kind);
        match &fault {
            Some(Fault::Fails(detail)) => return Some(plain(Outcome::Failed { detail: detail.clone() })),
            Some(Fault::DiesBefore) => return None,
            Some(Fault::DiesAfter | Fault::DiesUntold | Fault::ChecksFail) | None => {}
        }
        let performed = world.perform(&effect.work, now, fault == Some(Fault::ChecksFail));
        world.deeds.push(Deed { key: effect.key.clone(), kind, at: now });
        match fault {
            Some(Fault::DiesAfter) => {
                world.ended.insert(effect.key.clone(), performed);
                None
            }
            Some(Fault::DiesUntold) => {
                world.untold.push(effect.key.clone());
                None
            }
            Some(Fault::Fails(_) | Fault::DiesBefore | Fault::ChecksFail) | None => {
                world.ended.insert(effect.key.clone(), performed.clone());
                Some(performed)
            }
        }
    }
}

impl Outside for Hands {
    fn perform<'a>(&'a self, effect: &'a Effect, _contents: &'a dyn Contents) -> Doing<'a, Performed> {
        Box::pin(async move {
            match self.act(effect) {
                Some(performed) => performed,
                // The program that waits for this answer is about to die; it must not get one.
                None => std::future::pending().await,
            }
        })
    }

    fn look<'a>(&'a self, effect: &'a Effect) -> Doing<'a, Seen> {
        Box::pin(async move {
            let world = self.world();
            match world.ended.get(&effect.key) {
                Some(performed) => Seen::Happened(performed.clone()),
                None if world.untold.contains(&effect.key) => Seen::Unknown,
                None => Seen::NotHappened,
            }
        })
    }

    fn tail(&self, _key: &EffectKey, _bytes_max: usize) -> Option<Vec<u8>> {
        None
    }
}

fn plain(outcome: Outcome) -> Performed {
    Performed { outcome, contents: Vec::new() }
}

impl World {
    fn perform(&mut self, work: &Work, now: Timestamp, checks_fail: bool) -> Performed {
        match work {
            Work::TakeBackup { emergency, host, scope, name } => self.back_up(*emergency, host, scope, name, now),
            Work::RunStep { emergency, host, scope, step, run, timeout_s, .. } => {
                self.run(*emergency, host, scope, *step, run, *timeout_s, now)
            }
            Work::LookAtFiles { emergency, host, scope, captures } => {
                let (changes, mut contents) = self.changes(*emergency, host, scope, 0);
                let mut captured = Vec::new();
                for capture in captures {
                    let output = format!("{}\n", capture.run).into_bytes();
                    let bytes = u64::try_from(output.len()).unwrap_or(u64::MAX);
                    captured.push(Captured { title: capture.title.clone(), exit_code: Some(0), output: Digest::of(&output), bytes });
                    contents.push(output);
                }
                Performed { outcome: Outcome::FilesSeen { looked: Looked::of(changes), captured }, contents }
            }
            Work::RunChecks { plan, .. } => plain(Outcome::ChecksEnded { results: checks(plan, !checks_fail) }),
            Work::Restore { emergency, host, scope, backup } => self.restore(*emergency, host, scope, backup),
            Work::RevertFile { emergency, host, scope, files, .. } => {
                let before = self.before.get(emergency).cloned().unwrap_or_default();
                let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
                self.disks.entry(host.name.clone()).or_default().restore(&before, &paths);
                let back = |file: &PuttingBack| PutBack {
                    path: file.path.clone(),
                    found: file.seen.clone(),
                    now: file.before.clone(),
                    changed_since: false,
                    failed: None,
                };
                let files = files.iter().map(back).collect();
                let (changes, contents) = self.changes(*emergency, host, scope, 0);
                Performed { outcome: Outcome::Reverted { files, looked: Looked::of(changes) }, contents }
            }
            Work::Redact { .. } => plain(Outcome::Failed { detail: "this is work of the engine".to_owned() }),
            Work::OpenChangeRequest(order) => plain(Outcome::ChangeRequestOpened {
                commit: Digest::of(order.branch.as_bytes()).to_string().chars().take(40).collect(),
                request_file: format!("{}/{}.md", order.requests, order.obligation),
                patch_file: format!("{}/{}.patch", order.requests, order.obligation),
            }),
            Work::CompareMerged { expect, base, .. } => {
                let differs = self.unaccepted_drift;
                let drift = expect.iter().filter(|_| differs).map(|file| hikeshi_domain::obligation::Drift {
                    path: file.path.clone(),
                    production: file.content,
                    repository: None,
                });
                plain(Outcome::Compared {
                    commit: Digest::of(base.as_bytes()).to_string().chars().take(40).collect(),
                    merged: true,
                    drift: drift.collect(),
                })
            }
            Work::WriteReport(order) => {
                let text = format!("{:?}", order.judgement);
                plain(Outcome::ReportWritten {
                    file: format!("{}/emergency/{}-incident.md", order.documents_root, now.strftime("%Y-%m-%d")),
                    digest: Digest::of(text.as_bytes()),
                })
            }
            Work::WritePostmortem(order) => plain(Outcome::ReportWritten {
                file: format!("{}/incidents/{}.md", order.documents_root, order.incident.id),
                digest: Digest::of(order.content.cause.as_bytes()),
            }),
            Work::Page(order) => plain(Outcome::Paged { reference: String::new(), repeated: order.repeated, bundle: Vec::new() }),
            Work::Tell(_) => plain(Outcome::Paged { reference: String::new(), repeated: false, bundle: Vec::new() }),
            Work::Chat(order) => plain(Outcome::Said { place: order.place.clone(), message: order.at.as_second().to_string() }),
            Work::WriteInvitation(order) => {
                plain(Outcome::InvitationWritten { file: format!("{}/emergency/{}.ics", order.documents_root, order.obligation) })
            }
        }
    }

    fn back_up(&mut self, emergency: EmergencyId, host: &HostSpec, scope: &[String], name: &str, now: Timestamp) -> Performed {
        let disk = self.disks.entry(host.name.clone()).or_default();
        let (files, bytes) = disk.size(scope);
        let backup = Backup {
            name: name.to_owned(),
            path: format!("{}/{name}", host.target.backups),
            files,
            bytes,
            manifest: disk.manifest(scope),
            at: now,
        };
        let copy = disk.clone();
        // What changed is told relative to the state before the first step, so a second backup does not move it.
        self.before.entry(emergency).or_insert(copy);
        plain(Outcome::BackupTaken { backup })
    }

    #[expect(clippy::too_many_arguments, reason = "these are the fields of the order, in its order")]
    fn run(
        &mut self,
        emergency: EmergencyId,
        host: &HostSpec,
        scope: &[String],
        step: u32,
        script: &str,
        timeout_s: u32,
        now: Timestamp,
    ) -> Performed {
        let disk = self.disks.entry(host.name.clone()).or_default();
        let ran = disk.run(script, timeout_s);
        let masked = Masker::new(&host.mask_patterns, &[]).map_or_else(|_| Vec::new(), |masker| masker.bytes(ran.output.as_bytes()));
        let total = u64::try_from(masked.len()).unwrap_or(u64::MAX);
        let kept: Vec<u8> = masked.into_iter().take(usize::try_from(host.output_bytes_max).unwrap_or(usize::MAX)).collect();
        let end = StepEnd {
            exit_code: ran.exit_code,
            killed: ran.exit_code.is_none().then_some(Killed::Timeout),
            started_at: now,
            ended_at: now,
            output: Some(Digest::of(&kept)),
            output_bytes: total,
            output_bytes_cut: total - u64::try_from(kept.len()).unwrap_or(total),
            settled_by: None,
        };
        let (changes, mut contents) = self.changes(emergency, host, scope, step);
        contents.push(kept);
        Performed { outcome: Outcome::StepEnded { end, looked: Ok(Looked::of(changes)) }, contents }
    }

    fn restore(&mut self, emergency: EmergencyId, host: &HostSpec, scope: &[String], backup: &Backup) -> Performed {
        let before = self.before.get(&emergency).cloned().unwrap_or_default();
        let disk = self.disks.entry(host.name.clone()).or_default();
        disk.restore(&before, scope);
        let manifest = disk.manifest(scope);
        let (changes, contents) = self.changes(emergency, host, scope, 0);
        let (files, replaced, looked) = (backup.files, Replaced::default(), Looked::of(changes));
        Performed { outcome: Outcome::Restored { files, manifest, replaced, looked }, contents }
    }

    fn changes(&self, emergency: EmergencyId, host: &HostSpec, scope: &[String], step: u32) -> (Vec<FileChange>, Vec<Vec<u8>>) {
        match (self.before.get(&emergency), self.disks.get(&host.name)) {
            (Some(before), Some(after)) => before.changes(after, scope, step, host.file_bytes_max),
            (None, _) | (_, None) => (Vec::new(), Vec::new()),
        }
    }
}

fn checks(plan: &Plan, pass: bool) -> Vec<AspectResult> {
    let seen = |check: &Check| CheckResult {
        title: check.title.clone(),
        passed: pass,
        seen: if pass { "200" } else { "503" }.to_owned(),
        took_ms: 3,
    };
    let rows = [(Aspect::Solved, &plan.verification.solved), (Aspect::Unaffected, &plan.verification.unaffected)];
    rows.into_iter()
        .filter(|(_, checks)| !checks.is_empty())
        .map(|(aspect, checks)| AspectResult { aspect, checks: checks.iter().map(seen).collect() })
        .collect()
}
