//! How fast an alert becomes a page, beside Alertmanager: one at a time, by the thousand, and all at once. Rounds of both take turns.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::many;
use super::peer::{self, Node, Peer, Setup};
use super::receiver::Receiver;
use super::sender::{Id, Sender, To, body};
use crate::{Row, ms, percentile, raw};

#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The release binary.
    #[arg(long)]
    binary: PathBuf,
    #[arg(long)]
    alertmanager: PathBuf,
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// In each round, sent one at a time.
    #[arg(long, default_value_t = 200)]
    alone: u64,
    /// In each round, sent by 8 connections.
    #[arg(long, default_value_t = 5_000)]
    crowd: u64,
    /// Alerts that stay open while incidents are acknowledged.
    #[arg(long, default_value_t = 100_000)]
    open: u64,
}

const CONNECTIONS: usize = 8;
const STORM: u64 = 1_000;
/// How often the same alert is sent again.
const SAME: usize = 3_000;
const BATCH: usize = 100;
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

pub const WORDS: &str = "## Speed\n\nhikeshi answers 2xx when the alert, its incident and its page are on the disk; Alertmanager, when they are in memory. Each \
alert is an incident\n(a group) of its own with one page, without waiting (`group_wait: 0s`). Storage: SQLite. This disk answers `fdatasync` far faster than most.\n\n";

/// What the rounds of one of them have shown.
#[derive(Default)]
struct Seen {
    answered: Vec<Duration>,
    paged: Vec<Duration>,
    storm: Vec<Duration>,
    storm_last_ms: Vec<f64>,
    storm_answered_ms: Vec<f64>,
    /// By batch: to the last 2xx, and to the last page.
    one: Rates,
    hundred: Rates,
    same: Vec<f64>,
    idle_mib: Vec<f64>,
    busy_mib: Vec<f64>,
}

#[derive(Default)]
struct Rates {
    answered: Vec<f64>,
    paged: Vec<f64>,
}

pub fn measure(dir: &Path, asked: &Asked) -> anyhow::Result<Vec<Row>> {
    let binary = asked.binary.canonicalize()?;
    let (mut ours, mut theirs) = (Seen::default(), Seen::default());
    let mut sync = Vec::new();
    for number in 0..asked.rounds {
        sync.extend(raw::fdatasync(dir, Duration::from_secs(1))?.took);
        round(dir, asked, (Peer::Sqlite, &binary), number, &mut ours)?;
        round(dir, asked, (Peer::Alertmanager, &asked.alertmanager), number, &mut theirs)?;
    }
    let mut rows = alone(sync, &ours, &theirs);
    rows.extend(rates(&ours, &theirs));
    rows.extend(storm(&ours, &theirs));
    rows.extend(memory(&ours, &theirs));
    rows.extend(many::measure(dir, &binary, asked.open)?);
    Ok(rows)
}

fn round(dir: &Path, asked: &Asked, (peer, program): (Peer, &Path), number: u32, seen: &mut Seen) -> anyhow::Result<()> {
    let place = dir.join(format!("speed-{peer:?}-{number}-{}", std::process::id()).to_lowercase());
    let receiver = Receiver::start()?;
    let setup = Setup { peer, program, dir: &place, database: None, receiver: receiver.port, more: peer::ONE_STEP, signs_in: false };
    let mut node = Node::new(&setup, "a")?;
    node.start()?;
    std::thread::sleep(IDLE);
    seen.idle_mib.push(crate::server::resident(node.pid()?)?);
    let to = node.to();
    one_at_a_time(&to, &receiver, asked.alone, seen)?;
    in_a_storm(&to, &receiver, seen)?;
    seen.one.add(crowd(&to, &receiver, 2_000_000, asked.crowd, 1)?);
    seen.hundred.add(crowd(&to, &receiver, 3_000_000, asked.crowd, BATCH)?);
    seen.busy_mib.push(crate::server::resident(node.pid()?)?);
    seen.same.push(again_and_again(&to)?);
    drop(node);
    std::fs::remove_dir_all(&place)?;
    crate::report::say(&format!("round {number} of {} is done", peer.words()))
}

fn one_at_a_time(to: &To, receiver: &Receiver, count: u64, seen: &mut Seen) -> anyhow::Result<()> {
    let mut sender = Sender::connect(to)?;
    for id in 0..count {
        let alert = body([id])?;
        let sent = Instant::now();
        sender.post(&alert)?;
        seen.answered.push(sent.elapsed());
        let paged = receiver.wait(id, true, PATIENCE).context("no page")?;
        seen.paged.push(paged - sent);
    }
    Ok(())
}

fn in_a_storm(to: &To, receiver: &Receiver, seen: &mut Seen) -> anyhow::Result<()> {
    let ids = 1_000_000..1_000_000 + STORM;
    let (before, alerts) = (receiver.taken(), body(ids.clone())?);
    let mut sender = Sender::connect(to)?;
    let sent = Instant::now();
    sender.post(&alerts)?;
    seen.storm_answered_ms.push(ms(sent.elapsed()));
    ensure!(receiver.wait_for(before + usize::try_from(STORM)?, PATIENCE), "not all of a storm was paged for");
    let paged: Vec<Duration> = ids.filter_map(|id| Some(receiver.pages(id).first()?.at - sent)).collect();
    seen.storm_last_ms.push(paged.iter().max().copied().map_or(f64::NAN, ms));
    seen.storm.extend(paged);
    Ok(())
}

/// Alerts per second until the last 2xx, and until the last page.
fn crowd(to: &To, receiver: &Receiver, first: Id, count: u64, batch: usize) -> anyhow::Result<(f64, f64)> {
    let ids: Vec<Id> = (first..first + count).collect();
    let bodies = ids.chunks(batch).map(|part| body(part.iter().copied())).collect::<anyhow::Result<Vec<_>>>()?;
    let before = receiver.taken();
    let began = Instant::now();
    share(to, &bodies)?;
    let answered = began.elapsed();
    ensure!(receiver.wait_for(before + ids.len(), PATIENCE), "not every alert was paged for: {} of {count}", receiver.taken() - before);
    let paged = began.elapsed();
    let rate = |took: Duration| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64();
    Ok((rate(answered), rate(paged)))
}

/// All of these by a few connections that each take the next one.
fn share(to: &To, bodies: &[String]) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<()> {
        let mut sender = Sender::connect(to)?;
        while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            sender.post(body)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        started.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a sender broke"))))
    })
}

/// The same alert, which is no news to anybody.
fn again_and_again(to: &To) -> anyhow::Result<f64> {
    let bodies = vec![body([0])?; SAME];
    let began = Instant::now();
    share(to, &bodies)?;
    Ok(f64::from(u32::try_from(SAME)?) / began.elapsed().as_secs_f64())
}

impl Rates {
    fn add(&mut self, (answered, paged): (f64, f64)) {
        self.answered.push(answered);
        self.paged.push(paged);
    }
}

fn median(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The p99, with the percentiles beside it.
pub fn spread(group: &str, name: &str, took: &[Duration]) -> Row {
    let mut sorted = took.to_vec();
    sorted.sort();
    let at = |percent| percentile(&sorted, percent).map_or(f64::NAN, ms);
    Row::new(group, name, at(99), "ms p99").at(at(50), at(95), at(99))
}

fn alone(sync: Vec<Duration>, ours: &Seen, theirs: &Seen) -> Vec<Row> {
    let group = "One alert at a time";
    let paged = spread(group, "hikeshi: POST → page, durable", &ours.paged);
    let met = paged.p50_ms.is_some_and(|p50| p50 < 5.0) && paged.p99_ms.is_some_and(|p99| p99 < 20.0);
    vec![
        spread(group, "the disk itself: 4 KiB and fdatasync", &sync),
        spread(group, "hikeshi: POST → 2xx, durable", &ours.answered),
        spread(group, "Alertmanager: POST → 2xx", &theirs.answered),
        paged.goal("p50 < 5 ms and p99 < 20 ms", met),
        spread(group, "Alertmanager: POST → page", &theirs.paged),
    ]
}

fn rates(ours: &Seen, theirs: &Seen) -> Vec<Row> {
    let group = "Alerts that are each paged for, by 8 connections, 1 or 100 in a request";
    let row = |name: &str, all: &[f64]| Row::new(group, name, median(all), "/s").between(all);
    let pair = |what: &str, ours: &[f64], theirs: &[f64]| {
        let (mine, other) = (format!("hikeshi: {what}"), format!("Alertmanager: {what}"));
        [row(&mine, ours).against(&other, median(theirs), 1.0), row(&other, theirs)]
    };
    let mut rows = Vec::new();
    rows.extend(pair("1, to 2xx", &ours.one.answered, &theirs.one.answered));
    rows.extend(pair("1, to page", &ours.one.paged, &theirs.one.paged));
    rows.extend(pair("100, to 2xx", &ours.hundred.answered, &theirs.hundred.answered));
    rows.extend(pair("100, to page", &ours.hundred.paged, &theirs.hundred.paged));
    let group = "The same alert again, 8 connections";
    let row = |name: &str, all: &[f64]| Row::new(group, name, median(all), "/s").between(all);
    rows.push(row("hikeshi: requests", &ours.same));
    rows.push(row("Alertmanager: requests", &theirs.same));
    rows
}

fn storm(ours: &Seen, theirs: &Seen) -> Vec<Row> {
    let group = "A storm: 1,000 different alerts in one request";
    let mut rows = Vec::new();
    for (who, seen) in [("hikeshi", ours), ("Alertmanager", theirs)] {
        rows.push(Row::new(group, &format!("{who}: to the 2xx"), median(&seen.storm_answered_ms), "ms").between(&seen.storm_answered_ms));
        rows.push(spread(group, &format!("{who}: POST → page"), &seen.storm));
        rows.push(Row::new(group, &format!("{who}: to the last page"), median(&seen.storm_last_ms), "ms").between(&seen.storm_last_ms));
    }
    rows
}

fn memory(ours: &Seen, theirs: &Seen) -> Vec<Row> {
    let group = "Resident memory";
    let idle = median(&ours.idle_mib);
    let row = |name: &str, all: &[f64]| Row::new(group, name, median(all), "MiB").between(all);
    vec![
        row("hikeshi, idle after the start", &ours.idle_mib).goal("< 64 MB", idle < many::mib(64.0)),
        row("Alertmanager, idle after the start", &theirs.idle_mib),
        row("hikeshi, after the alerts above", &ours.busy_mib),
        row("Alertmanager, after the alerts above", &theirs.busy_mib),
    ]
}
