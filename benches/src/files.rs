//! A large target: how long before the first command (every file read, kept by digest, backed up and read back), and how long after a
//! command that touched one file. By the very program that does it, as the server starts it; beside a bare walk in the same process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hikeshi_domain::effect::{Effect, EffectKey, HostSpec, Outcome, Work};
use hikeshi_domain::ids::{EmergencyId, TargetName};
use hikeshi_domain::policy::Target;
use serde_json::json;

use crate::{Row, ms, percentile};

const PER_FOLDER: u64 = 100;
const LOOKS: usize = 9;
const GROUP: &str = "Files under a target's root";

pub fn measure(dir: &Path, binary: &Path, files: u64, bytes_each: usize) -> anyhow::Result<Vec<Row>> {
    let place = dir.join(format!("files-{}", std::process::id()));
    let root = place.join("root");
    fill(&root, files, bytes_each)?;
    let host = host(&place, files)?;
    let id = EmergencyId(1);
    let scope = vec!["app".to_owned()];
    let backup = Work::TakeBackup { emergency: id, host: host.clone(), scope: scope.clone(), name: "root_20261122_031500".to_owned() };
    let (before, taken) = perform(&place, binary, "backup", 0, backup)?;
    let Outcome::BackupTaken { backup } = &taken else { anyhow::bail!("no backup: {taken:?}") };
    let mut took = Vec::new();
    for turn in 0..LOOKS {
        let touched = root.join("app/000000/000000.conf");
        std::fs::OpenOptions::new().append(true).open(&touched)?.write_all(b"x")?;
        let look = Work::LookAtFiles { emergency: id, host: host.clone(), scope: scope.clone(), captures: Vec::new() };
        let (each, seen) = perform(&place, binary, "look", turn, look)?;
        let Outcome::FilesSeen { looked, .. } = &seen else { anyhow::bail!("not seen: {seen:?}") };
        let told = looked.changes.len();
        ensure!(told == 1, "one file was touched, {told} are told");
        took.push(each);
    }
    took.sort();
    let walked = bare_walk(&root)?;
    let first = before.as_secs_f64();
    let after = ms(percentile(&took, 50).context("no look")?) / 1e3;
    let count = |what: &str| format!("{files} files, {what}");
    let slowest = took.last().map_or(0.0, |slowest| ms(*slowest) / 1e3);
    let rows = vec![
        Row::new(GROUP, &count("before the first command (baseline, backup, read back)"), first, "s").goal("< 10 s", first < 10.0),
        Row::new(GROUP, &count("after a command that touched one"), after, "s").goal("< 1 s", after < 1.0),
        Row::new(GROUP, &count("the slowest of these looks"), slowest, "s").goal("< 1 s", slowest < 1.0),
        Row::new(GROUP, &count("a bare walk and stat"), walked.as_secs_f64(), "s"),
    ];
    ensure!(backup.files == files / 2, "{} of {} files are in the backup", backup.files, files / 2);
    std::fs::remove_dir_all(&place)?;
    Ok(rows)
}

/// Half of the files lie in the declared scope.
fn fill(root: &Path, files: u64, bytes_each: usize) -> anyhow::Result<()> {
    for number in 0..files {
        let half = if number % 2 == 0 { "app" } else { "other" };
        let folder = root.join(half).join(format!("{:06}", number / 2 / PER_FOLDER));
        if number / 2 % PER_FOLDER == 0 {
            std::fs::create_dir_all(&folder)?;
        }
        let mut content = format!("file = {number}\n").into_bytes();
        content.resize(bytes_each.max(content.len()), b'.');
        std::fs::write(folder.join(format!("{:06}.conf", number / 2)), content)?;
    }
    // What was just written may still change within its tick; what a target holds is older than that.
    std::thread::sleep(Duration::from_millis(1_100));
    Ok(())
}

fn host(place: &Path, files: u64) -> anyhow::Result<HostSpec> {
    let target: Target = serde_json::from_value(json!({
        "service": "reservation", "environment": "production", "root": place.join("root"), "backups": place.join("backups"),
        "watch_files_max": files * 2, "watch_bytes_max": 1_u64 << 36,
    }))?;
    Ok(HostSpec {
        name: TargetName::new("bench").map_err(|error| anyhow::anyhow!("{error:?}"))?,
        target,
        output_bytes_max: 1 << 20,
        file_bytes_max: 1 << 20,
        mask_env: Vec::new(),
        mask_patterns: Vec::new(),
    })
}

/// As the server does it: an order in a spool, one process, its outcome.
fn perform(place: &Path, binary: &Path, what: &str, turn: usize, work: Work) -> anyhow::Result<(Duration, Outcome)> {
    let spool: PathBuf = place.join("spool").join(format!("{what}-{turn}"));
    std::fs::create_dir_all(&spool)?;
    let effect = Effect { key: EffectKey(format!("emg_1/{what}/0/{turn}")), work };
    let order = json!({"format": "hikeshi-order-v1", "effect": effect, "watch": place.join("spool/watch"), "pass_env": [], "mask_env": []});
    std::fs::write(spool.join("order.json"), serde_json::to_vec(&order)?)?;
    let began = Instant::now();
    let ended = Command::new(binary).arg("step-runner").arg(&spool).stdin(Stdio::null()).status()?;
    let took = began.elapsed();
    ensure!(ended.success(), "the supervisor ended with {ended}; see {}", spool.display());
    let ended: serde_json::Value = serde_json::from_slice(&std::fs::read(spool.join("outcome.json"))?)?;
    let outcome = serde_json::from_value(ended.get("outcome").cloned().context("an outcome")?)?;
    Ok((took, outcome))
}

fn bare_walk(root: &Path) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.metadata()?.is_dir() {
                left.push(entry.path());
            }
        }
    }
    Ok(began.elapsed())
}
