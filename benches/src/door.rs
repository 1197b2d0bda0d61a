//! Durable commands per second through the door, with 1, 64 and 256 writers, beside what the disk and the databases do by themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hikeshi_domain::ids::IncidentId;
use hikeshi_engine::door::Door;
use hikeshi_store::Location;

use crate::raw::{self, Ran};
use crate::{Row, team};

const WRITERS: [u64; 3] = [1, 64, 256];
/// Incidents that the writers share out among themselves.
const INCIDENTS: u64 = 256;

pub fn measure(dir: &Path, postgres: &str, for_s: Duration, rounds: u32) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // Rounds go around all variants, so that a busy minute of the machine meets each of them.
    let mut rounds_by_name: BTreeMap<String, Vec<Ran>> = BTreeMap::new();
    for round in 0..rounds {
        let mut keep = |name: String, ran: Ran| rounds_by_name.entry(name).or_default().push(ran);
        keep("fdatasync".to_owned(), raw::fdatasync(dir, for_s)?);
        keep("raw SQLite".to_owned(), raw::sqlite(dir, for_s)?);
        keep("bare PostgreSQL".to_owned(), runtime.block_on(raw::postgres(postgres, for_s))?);
        for (engine, location) in locations(dir, postgres, round) {
            for writers in WRITERS {
                let ran = runtime.block_on(door(location.clone(), dir, writers, for_s))?;
                keep(format!("door on {engine}, {writers}"), ran);
            }
        }
    }
    Ok(rows(rounds_by_name))
}

fn locations(dir: &Path, postgres: &str, round: u32) -> [(&'static str, Location); 2] {
    let file: PathBuf = dir.join(format!("door-{}-{round}.db", std::process::id()));
    [("SQLite", Location::Sqlite(file)), ("PostgreSQL", Location::Postgres(postgres.to_owned()))]
}

async fn door(location: Location, dir: &Path, writers: u64, for_s: Duration) -> anyhow::Result<Ran> {
    let engine = team::start(location, dir).await?;
    let incidents = incidents(&engine.door()).await?;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let door = engine.door();
        let mine: Vec<IncidentId> = incidents.iter().copied().skip(usize::try_from(writer)?).step_by(usize::try_from(writers)?).collect();
        tasks.spawn(write(door, mine, writer, writers, began, for_s));
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.extend(done??);
    }
    let elapsed = began.elapsed();
    engine.stop().await;
    Ok(Ran { count: took.len() as u64, elapsed, took })
}

async fn write(
    door: Door,
    incidents: Vec<IncidentId>,
    writer: u64,
    writers: u64,
    began: Instant,
    for_s: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let actor = team::actor()?;
    let mut took = Vec::new();
    for (number, incident) in (0_u64..).zip(incidents.iter().cycle()) {
        if began.elapsed() >= for_s {
            break;
        }
        let key = team::request(&format!("note-{writers}-{writer}-{}", began.elapsed().as_nanos()), number);
        let start = Instant::now();
        team::submit(&door, key, actor.clone(), team::note_command(*incident)).await?;
        took.push(start.elapsed());
    }
    Ok(took)
}

/// Opened by 64 hands at once, which is not measured.
async fn incidents(door: &Door) -> anyhow::Result<Vec<IncidentId>> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..INCIDENTS {
        let door = door.clone();
        let (actor, command) = (team::actor()?, team::open_command(number)?);
        tasks.spawn(async move { team::submit(&door, team::request("open", number), actor, command).await });
    }
    let mut opened = Vec::new();
    while let Some(done) = tasks.join_next().await {
        opened.extend(done??);
    }
    opened.sort();
    Ok(opened)
}

fn rows(rounds: BTreeMap<String, Vec<Ran>>) -> Vec<Row> {
    let median = |name: &str| -> f64 {
        let mut rates: Vec<f64> = rounds.get(name).map(|ran| ran.iter().map(Ran::per_second).collect()).unwrap_or_default();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let row = |name: &str, value: f64| {
        let took = rounds.get(name).map(|ran| ran.iter().flat_map(|ran| ran.took.iter().copied()).collect()).unwrap_or_default();
        Row::new("Durable commands", name, value, "/s").with_latency(took)
    };
    let mut rows = Vec::new();
    let (raw_sqlite, bare_postgres) = (median("raw SQLite"), median("bare PostgreSQL"));
    for name in ["fdatasync", "raw SQLite", "bare PostgreSQL"] {
        rows.push(row(name, median(name)));
    }
    for (writers, goal) in [(1, 0.6), (64, 4.0), (256, 6.0)] {
        let name = format!("door on SQLite, {writers}");
        rows.push(row(&name, median(&name)).against("raw SQLite", raw_sqlite, goal));
    }
    for writers in WRITERS {
        let name = format!("door on PostgreSQL, {writers}");
        let measured = row(&name, median(&name));
        // The goal is for many writers; one writer waits for its own round trips.
        rows.push(if writers == 256 { measured.against("bare PostgreSQL", bare_postgres, 10.0) } else { measured });
    }
    rows
}
