//! Bad nights, by hand: the rehearsal is killed (-9) at hundreds of different moments and continued each time. What must hold afterwards:
//! every command that was acknowledged is in the ledger where it was said to be, no step was carried out twice, and the ledger verifies.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hikeshi_domain::event::Event;
use hikeshi_domain::ledger::{Entry, EntryResult};
use hikeshi_store::{Location, Store};
use serde::Deserialize;

use crate::report;

/// A rehearsal that makes no progress through so many kills would never end.
const KILLS_PER_NIGHT_MAX: u32 = 60;
/// Without a kill a continued rehearsal must end within this time.
const PATIENCE: Duration = Duration::from_secs(300);
/// Kills come between the two, counted from the start of the process.
const KILL_AFTER_MS: (u64, u64) = (150, 2_600);

#[derive(Debug, Default)]
pub struct Tally {
    nights: u32,
    kills: u32,
    entries: u64,
    acknowledged: u64,
    missing: u64,
    steps: u64,
    twice: u64,
    in_doubt: u64,
    unverified: u32,
}

pub fn sweep(dir: &Path, binary: &Path, postgres: Option<&str>, kills: u32, seed: u64) -> anyhow::Result<()> {
    let engine = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    let mut dice = seed.max(1);
    let mut tally = Tally::default();
    while tally.kills < kills {
        let night = dir.join(format!("night-{engine}-{}", tally.nights));
        let database = postgres.map(|url| schema(url, &format!("sweep_{}_{}", std::process::id(), tally.nights))).transpose()?;
        let left = kills - tally.kills;
        tally.kills += live_through(&night, binary, database.as_deref(), left.min(KILLS_PER_NIGHT_MAX), &mut dice)?;
        let location = database.map_or_else(|| Location::Sqlite(night.join("data/hikeshi.db")), Location::Postgres);
        judge(&night, binary, &location, &mut tally)?;
        tally.nights += 1;
        std::fs::remove_dir_all(&night)?;
    }
    print(engine, &tally)?;
    ensure!(tally.missing == 0 && tally.twice == 0 && tally.unverified == 0, "a promise was broken");
    Ok(())
}

/// Every night has a schema of its own in the server.
pub fn schema(url: &str, name: &str) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let create = format!("CREATE SCHEMA {name}");
        tokio::select! {
            ended = connection => bail!("the connection ended: {ended:?}"),
            made = client.batch_execute(&create) => Ok(made?),
        }
    })?;
    let joint = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joint}options=-c%20search_path%3D{name}"))
}

/// Kills and continues until the rehearsal has ended by itself; returns how often it was killed.
fn live_through(night: &Path, binary: &Path, database: Option<&str>, kills_max: u32, dice: &mut u64) -> anyhow::Result<u32> {
    let mut kills = 0;
    loop {
        let mut run = start(night, binary, database)?;
        let life = if kills < kills_max { Some(Duration::from_millis(roll(dice, KILL_AFTER_MS))) } else { None };
        match wait(&mut run, life.unwrap_or(PATIENCE))? {
            Some(true) => return Ok(kills),
            Some(false) => {
                let said = std::fs::read_to_string(night.with_extension("log")).unwrap_or_default();
                let from = said.len().saturating_sub(2_000);
                bail!("{}: the rehearsal failed after {kills} kills: {}", night.display(), said.get(from..).unwrap_or(&said));
            }
            None => {
                run.kill()?;
                run.wait()?;
                ensure!(life.is_some(), "{}: not ended within {PATIENCE:?} after {kills} kills", night.display());
                kills += 1;
            }
        }
    }
}

pub fn roll(dice: &mut u64, (from, to): (u64, u64)) -> u64 {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    from + *dice % (to - from)
}

fn start(night: &Path, binary: &Path, database: Option<&str>) -> anyhow::Result<Child> {
    let log = std::fs::File::create(night.with_extension("log"))?;
    let mut command = Command::new(binary);
    command.args(["try", "--headless"]);
    if night.join("rehearsal.json").exists() {
        command.arg("--resume").arg(night);
    } else {
        // A workspace that was not finished is not one.
        if night.exists() {
            std::fs::remove_dir_all(night)?;
        }
        command.arg("--keep").arg(night);
        if let Some(database) = database {
            command.args(["--database", database]);
        }
    }
    Ok(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?)
}

/// `None`: it still ran when the time was over.
fn wait(run: &mut Child, life: Duration) -> anyhow::Result<Option<bool>> {
    let began = Instant::now();
    while began.elapsed() < life {
        if let Some(status) = run.try_wait()? {
            return Ok(Some(status.success()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(None)
}

/// One line of what the rehearsal was told before it was killed.
#[derive(Deserialize)]
struct Acknowledged {
    key: String,
    seq: u64,
}

fn judge(night: &Path, binary: &Path, location: &Location, tally: &mut Tally) -> anyhow::Result<()> {
    let store = Store::open_to_read(location)?;
    let mut keys: BTreeMap<u64, String> = BTreeMap::new();
    let mut started: BTreeMap<String, u64> = BTreeMap::new();
    let mut damaged = None;
    store.read(|reader| {
        reader.walk(0, &mut |kept| match serde_json::from_slice::<Entry>(&kept.bytes) {
            Ok(entry) => {
                if let EntryResult::Done { events, .. } = &entry.result {
                    for event in events {
                        match event {
                            Event::StepStarted { effect, .. } => *started.entry(effect.to_string()).or_default() += 1,
                            Event::StepInDoubt { .. } => tally.in_doubt += 1,
                            _ => {}
                        }
                    }
                }
                keys.insert(kept.seq, entry.key.to_string());
                ControlFlow::Continue(())
            }
            Err(error) => {
                damaged = Some(format!("entry {}: {error}", kept.seq));
                ControlFlow::Break(())
            }
        })
    })?;
    if let Some(damaged) = damaged {
        bail!("{}: {damaged}", night.display());
    }
    tally.entries += keys.len() as u64;
    tally.steps += started.len() as u64;
    tally.twice += started.values().filter(|count| **count > 1).count() as u64;
    // The last step appends a line to a file: the world itself says how often it was carried out.
    let lines = std::fs::read_to_string(night.join("reservation/config/CHANGES.log"))?.lines().count() as u64;
    tally.twice += lines.saturating_sub(2);
    ensure!(lines == 2, "{}: the change was carried out {} times", night.display(), lines.saturating_sub(1));

    let file: PathBuf = night.join("acknowledged.jsonl");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    for line in text.lines() {
        // A line that the kill cut in half was never read by anyone.
        let Ok(acknowledged) = serde_json::from_str::<Acknowledged>(line) else { continue };
        tally.acknowledged += 1;
        if keys.get(&acknowledged.seq) != Some(&acknowledged.key) {
            tally.missing += 1;
            report::say(&format!(
                "{}: {} was acknowledged as entry {} and is not there",
                night.display(),
                acknowledged.key,
                acknowledged.seq
            ))?;
        }
    }
    let verified =
        Command::new(binary).args(["ledger", "verify", "--config"]).arg(night.join("hikeshi.toml")).stdin(Stdio::null()).output()?;
    if !verified.status.success() {
        tally.unverified += 1;
        report::say(&format!("{}: {}", night.display(), String::from_utf8_lossy(&verified.stderr)))?;
    }
    Ok(())
}

fn print(engine: &str, tally: &Tally) -> anyhow::Result<()> {
    report::say(&format!("| {engine} | |\n|---|---:|"))?;
    for (what, count) in [
        ("rehearsals", u64::from(tally.nights)),
        ("kills (-9), each continued", u64::from(tally.kills)),
        ("entries in the ledgers", tally.entries),
        ("commands acknowledged to the people", tally.acknowledged),
        ("… of these missing afterwards", tally.missing),
        ("steps ordered", tally.steps),
        ("… carried out twice", tally.twice),
        ("… left to a person because nobody could tell", tally.in_doubt),
        ("ledgers that do not verify", u64::from(tally.unverified)),
    ] {
        report::say(&format!("| {what} | {count} |"))?;
    }
    Ok(())
}
