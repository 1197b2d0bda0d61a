//! A fresh place for a test: a target's root, backups, a spool, and the hands that work there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use hikeshi_domain::effect::{CaseFacts, Contents, Doing, Effect, EffectKey, HostSpec, Outcome, Outside, Performed, Work};
use hikeshi_domain::emergency::{Backup, Emergency, FileChange, Plan, PutBack, PuttingBack, StepEnd};
use hikeshi_domain::ids::{Digest, EmergencyId, ObligationId, TargetName};
use hikeshi_domain::policy::Target;
use hikeshi_outside::{Hands, Options};
use serde_json::json;

static PLACES: AtomicU32 = AtomicU32::new(0);

pub const EMERGENCY: EmergencyId = EmergencyId(3);
pub const OBLIGATION: ObligationId = ObligationId(7);

pub struct Ground {
    pub dir: PathBuf,
    pub host: HostSpec,
    pub scope: Vec<String>,
    pub env: BTreeMap<OsString, OsString>,
    attempts: AtomicU32,
}

impl Drop for Ground {
    fn drop(&mut self) {
        // A failed test leaves its place for whoever looks into it.
        if !std::thread::panicking() {
            let _gone = fs::remove_dir_all(&self.dir);
        }
    }
}

/// What a step did, apart.
pub struct Step {
    pub end: StepEnd,
    pub changes: Vec<FileChange>,
    pub unlisted: u64,
    pub output: Vec<u8>,
    pub contents: Vec<Vec<u8>>,
}

impl Step {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
    pub fn change(&self, path: &str) -> &FileChange {
        self.changes.iter().find(|change| change.path == path).unwrap_or_else(|| panic!("{path} is not among {:?}", self.changes))
    }
    pub fn has_content(&self, bytes: &[u8]) -> bool {
        self.contents.iter().any(|content| content == bytes)
    }
}

impl Ground {
    pub fn new(scope: &[&str]) -> Self {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("place-{}-{number}", std::process::id()));
        let _old = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("root")).expect("a place");
        let target: Target = serde_json::from_value(json!({
            "service": "reservation", "environment": "production",
            "root": dir.join("root"), "backups": dir.join("backups"),
        }))
        .expect("a target");
        let host = HostSpec {
            name: TargetName::new("reservation-prod").expect("a name"),
            target,
            output_bytes_max: 1024 * 1024,
            file_bytes_max: 256 * 1024,
            mask_env: Vec::new(),
            mask_patterns: Vec::new(),
        };
        let scope = scope.iter().map(|entry| (*entry).to_owned()).collect();
        let mut env = BTreeMap::new();
        env.insert("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
        env.insert("HOME".into(), dir.clone().into_os_string());
        Self { dir, host, scope, env, attempts: AtomicU32::new(0) }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }
    pub fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.file(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, content).expect("a file");
    }
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
    pub fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.file(path)).expect("there").permissions().mode() & 0o7777
    }

    pub fn options(&self) -> Options {
        Options {
            public_url: "http://127.0.0.1:7410".to_owned(),
            spool: self.dir.join("spool"),
            program: env!("CARGO_BIN_EXE_hikeshi-step-runner").into(),
            program_args: Vec::new(),
            base: self.dir.join("workspace"),
            env: self.env.clone(),
            ledger: "testing".to_owned(),
            push_key: None,
        }
    }
    pub fn hands(&self) -> Hands {
        Hands::new(self.options())
    }
    fn key(&self, what: &str, number: u32) -> EffectKey {
        EffectKey::of_emergency(EMERGENCY, what, number, self.attempts.fetch_add(1, Ordering::Relaxed) + 1)
    }
    pub fn spool_of(&self, key: &EffectKey) -> PathBuf {
        self.dir.join("spool/effects").join(key.0.replace('/', "."))
    }

    pub fn backup_effect(&self, name: &str) -> Effect {
        let work = Work::TakeBackup { emergency: EMERGENCY, host: self.host.clone(), scope: self.scope.clone(), name: name.to_owned() };
        Effect { key: self.key("backup", 0), work }
    }
    pub fn step_effect(&self, step: u32, run: &str, timeout_s: u32) -> Effect {
        let work = Work::RunStep {
            emergency: EMERGENCY,
            host: self.host.clone(),
            scope: self.scope.clone(),
            step,
            title: "a step".to_owned(),
            run: run.to_owned(),
            timeout_s,
        };
        Effect { key: self.key("step", step), work }
    }
    pub fn restore_effect(&self, backup: &Backup) -> Effect {
        let work = Work::Restore { emergency: EMERGENCY, host: self.host.clone(), scope: self.scope.clone(), backup: backup.clone() };
        Effect { key: self.key("restore", 0), work }
    }
    pub fn revert_effect(&self, change: &FileChange) -> Effect {
        self.revert_all_effect(std::slice::from_ref(change), None)
    }
    pub fn revert_all_effect(&self, changes: &[FileChange], backup: Option<&Backup>) -> Effect {
        let files = changes.iter().map(PuttingBack::of).collect();
        let (host, scope, backup) = (self.host.clone(), self.scope.clone(), backup.cloned());
        Effect { key: self.key("revert", 0), work: Work::RevertFile { emergency: EMERGENCY, host, scope, files, backup } }
    }
    pub fn checks_effect(&self, verification: serde_json::Value) -> Effect {
        let plan = self.plan(verification);
        Effect { key: self.key("checks", 0), work: Work::RunChecks { emergency: EMERGENCY, host: self.host.clone(), plan: Box::new(plan) } }
    }

    pub async fn perform(&self, effect: &Effect) -> Performed {
        self.hands().perform(effect, &Kept::default()).await
    }
    pub async fn backed_up(&self) -> Backup {
        match self.perform(&self.backup_effect("root_20261122_031500")).await.outcome {
            Outcome::BackupTaken { backup } => backup,
            other => panic!("no backup: {other:?}"),
        }
    }
    pub async fn backup_fails(&self) -> String {
        match self.perform(&self.backup_effect("root_20261122_031500")).await.outcome {
            Outcome::Failed { detail } => detail,
            other => panic!("a backup was taken: {other:?}"),
        }
    }
    pub async fn step(&self, run: &str) -> Step {
        self.step_within(run, 60).await
    }
    pub async fn step_within(&self, run: &str, timeout_s: u32) -> Step {
        step_of(self.perform(&self.step_effect(1, run, timeout_s)).await)
    }
    pub async fn restored(&self, backup: &Backup) -> (u64, Digest, Vec<FileChange>) {
        match self.perform(&self.restore_effect(backup)).await.outcome {
            Outcome::Restored { files, manifest, looked, .. } => (files, manifest, looked.changes),
            other => panic!("not restored: {other:?}"),
        }
    }
    pub async fn reverted(&self, change: &FileChange) -> Vec<FileChange> {
        match self.perform(&self.revert_effect(change)).await.outcome {
            Outcome::Reverted { files, looked } => {
                assert!(files.iter().all(|file| file.failed.is_none()), "{files:?}");
                looked.changes
            }
            other => panic!("not reverted: {other:?}"),
        }
    }
    /// Puts some back, and says what became of each, what is still changed, and which contents came along.
    pub async fn put_back(&self, changes: &[FileChange], backup: Option<&Backup>) -> (Vec<PutBack>, Vec<FileChange>, Vec<Vec<u8>>) {
        let performed = self.perform(&self.revert_all_effect(changes, backup)).await;
        match performed.outcome {
            Outcome::Reverted { files, looked } => (files, looked.changes, performed.contents),
            other => panic!("not reverted: {other:?}"),
        }
    }

    pub fn plan(&self, verification: serde_json::Value) -> Plan {
        serde_json::from_value(json!({
            "target": "reservation-prod", "executor": "sato", "summary": "予約の上限を元に戻す",
            "steps": [{"title": "上限を戻す", "run": "true"}], "scope": self.scope, "verification": verification, "witnesses": ["suzuki", "takahashi"],
        }))
        .expect("a plan")
    }

    /// What the record knows, for documents and requests.
    pub fn facts(&self, changes: &[FileChange]) -> CaseFacts {
        let digest = Digest::of(b"plan");
        let emergency: Emergency = serde_json::from_value(json!({
            "id": EMERGENCY, "incident": "inc_12", "requester": "sato",
            "conditions": {
                "serious_failure": {"statement": "予約ができない", "evidence": "HTTP 500"},
                "normal_flow_cannot": {"statement": "配備に2時間かかる", "evidence": "前回の記録"},
                "cannot_wait": {"statement": "今夜の予約を失う", "evidence": "1時間に200件"},
                "judged_by": {"person": "tanaka", "evidence": "電話 03:05"}
            },
            "plan": self.plan(json!({})), "revision": 1, "digest": digest, "status": "closed",
            "requirement": {"every_role": false, "because": []},
            "approvals": [{"by": "tanaka", "roles": ["cto"], "digest": digest, "at": "2026-11-21T18:10:00Z", "expires_at": "2026-11-21T22:10:00Z", "judgement": "緊急と判断する"}],
            "witnesses": {"suzuki": {"present": true, "joined_at": "2026-11-21T18:12:00Z"}, "takahashi": {"present": true, "joined_at": "2026-11-21T18:12:00Z"}},
            "steps": [{"is": "waiting"}], "attempts": [1], "changes": changes,
            "requested_at": "2026-11-21T18:05:00Z", "started_at": "2026-11-21T18:15:00Z", "started_by": "sato", "closed_at": "2026-11-21T18:40:00Z", "ending": "solved"
        }))
        .expect("an emergency");
        let incident = serde_json::from_value(json!({
            "id": "inc_12", "title": "予約ページが 500 を返す", "summary": "全員が予約できない", "service": "reservation", "environment": "production",
            "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"}, "priority": "P1", "stage": "mitigation",
            "opened_by": {"who": "monitor", "monitor": "reservation-http"}, "detected_at": "2026-11-21T18:00:00Z", "opened_at": "2026-11-21T18:00:30Z"
        }))
        .expect("an incident");
        let names =
            serde_json::from_value(json!({"sato": "佐藤 花子", "tanaka": "田中 一郎", "suzuki": "鈴木 次郎", "takahashi": "高橋 三郎"}))
                .expect("names");
        CaseFacts {
            workspace: "火消し予約".to_owned(),
            time_zone: "Asia/Tokyo".to_owned(),
            language: hikeshi_domain::policy::Language::Ja,
            incident: Box::new(incident),
            emergency: Box::new(emergency),
            names,
            roles: std::collections::BTreeMap::new(),
            scheme: hikeshi_domain::policy::Scheme::default(),
            service_name: "予約サービス".to_owned(),
            environment_name: "本番".to_owned(),
        }
    }
}

pub fn step_of(performed: Performed) -> Step {
    match performed.outcome {
        Outcome::StepEnded { end, looked } => {
            let looked = looked.expect("the files were looked at");
            let output = end
                .output
                .and_then(|digest| performed.contents.iter().find(|content| Digest::of(content) == digest))
                .cloned()
                .unwrap_or_default();
            Step { end, changes: looked.changes, unlisted: looked.changes_unlisted, output, contents: performed.contents }
        }
        other => panic!("not a step: {other:?}"),
    }
}

/// The record's contents, for a test.
#[derive(Default)]
pub struct Kept(pub Mutex<BTreeMap<Digest, Vec<u8>>>);

impl Kept {
    pub fn with(contents: &[&[u8]]) -> Self {
        Self(Mutex::new(contents.iter().map(|content| (Digest::of(content), content.to_vec())).collect()))
    }
}

impl Contents for Kept {
    fn get(&self, digest: Digest) -> Doing<'_, Option<Vec<u8>>> {
        let found = self.0.lock().expect("one test").get(&digest).cloned();
        Box::pin(async move { found })
    }
}

/// Runs a program and gives what it printed; a failure is the test's.
pub fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")])
        .envs([
            ("GIT_AUTHOR_NAME", "t"),
            ("GIT_AUTHOR_EMAIL", "t@example.com"),
            ("GIT_COMMITTER_NAME", "t"),
            ("GIT_COMMITTER_EMAIL", "t@example.com"),
        ])
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
