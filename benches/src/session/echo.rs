//! Typing: how long a key takes to come back to the executor's screen through each recorder, and to stand on the screen of somebody who watches.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::night::Night;
use super::recorders::{Kind, Recorder};
use super::rounds::{self, Median as _};
use super::watcher::{Address, Heard, Watcher};
use super::window::Window;
use crate::{Row, report};

const KEYS: usize = 250;
/// Keys on one line, so that none of them wraps.
const LINE_KEYS: usize = 50;
const EVERY: Duration = Duration::from_millis(8);
const KEY_WITHIN: Duration = Duration::from_millis(500);
const TEXT: &str = "grep -n host config/app.toml | sort | head -n 20 # see";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub round: u32,
    pub name: String,
    /// Microseconds from the key to its echo, in the order of the keys.
    pub echo_us: Vec<f64>,
    /// The same to the screen of somebody who watches. Only hikeshi shows it to anybody.
    pub seen_us: Vec<f64>,
}

/// Somebody who watches: when how many bytes of output had come.
struct Onlooker {
    stop: Arc<AtomicBool>,
    ready: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<(Instant, u64)>>>,
}

impl Onlooker {
    fn join(address: Address) -> Self {
        let (stop, ready) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stopped, joined) = (Arc::clone(&stop), Arc::clone(&ready));
        let thread = std::thread::spawn(move || {
            let mut watcher = Watcher::join(&address)?;
            let (mut came, mut bytes) = (Vec::new(), 0_u64);
            while !stopped.load(Ordering::Relaxed) {
                match watcher.next()? {
                    Heard::Output(output) => {
                        bytes += u64::try_from(output.len())?;
                        came.push((Instant::now(), bytes));
                    }
                    Heard::Screen(_) => joined.store(true, Ordering::Relaxed),
                    Heard::Nothing => {}
                    Heard::Over => break,
                }
            }
            Ok(came)
        });
        Self { stop, ready, thread }
    }

    fn wait(&self) {
        while !self.ready.load(Ordering::Relaxed) && !self.thread.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The frames of the block under way follow the screen.
        std::thread::sleep(Duration::from_millis(1_200));
    }

    fn end(self) -> anyhow::Result<Vec<(Instant, u64)>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the one who watches broke off")?
    }
}

/// Types, and keeps for each key when it was typed and how long its echo took; a line at a time.
fn typed(window: &mut Window) -> anyhow::Result<Vec<Vec<(Instant, Duration)>>> {
    window.ready()?;
    let mut lines = Vec::new();
    for _ in 0..KEYS / LINE_KEYS {
        // Long enough for the watching side to have all that came before.
        window.settle(Duration::from_millis(300))?;
        let mut line = Vec::new();
        for key in TEXT.split("").filter(|key| !key.is_empty()).take(LINE_KEYS) {
            let at = Instant::now();
            let took = window.key(key, KEY_WITHIN)?.context("a key has no echo")?;
            line.push((at, took));
            std::thread::sleep(EVERY.saturating_sub(at.elapsed()));
        }
        lines.push(line);
        // Ctrl-U empties the line.
        window.keys("\u{15}")?;
    }
    window.settle(Duration::from_millis(300))?;
    Ok(lines)
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}

fn measure_one(recorder: &Recorder, night: &mut Night, dir: &Path, round: u32) -> anyhow::Result<Run> {
    let (mut window, onlooker) = if recorder.kind == Kind::Hikeshi {
        let (window, session) = night.shell()?;
        let onlooker = Onlooker::join(night.address("sato", session)?);
        onlooker.wait();
        (window, Some(onlooker))
    } else {
        (recorder.open(dir, &dir.join("record"))?, None)
    };
    let lines = typed(&mut window)?;
    let came = onlooker.map(Onlooker::end).transpose()?.unwrap_or_default();
    window.keys("exit\n")?;
    window.ends(Duration::from_secs(60))?;
    let echo_us = lines.iter().flatten().map(|(_, took)| micros(*took)).collect();
    let seen_us = lines.iter().flat_map(|line| seen(line, &came)).map(micros).collect();
    Ok(Run { round, name: recorder.name.clone(), echo_us, seen_us })
}

/// Each key of a line is one byte of output: when did so many bytes more than before the line stand on the watching screen?
fn seen(line: &[(Instant, Duration)], came: &[(Instant, u64)]) -> Vec<Duration> {
    let Some((first, _)) = line.first() else { return Vec::new() };
    let before = came.iter().rev().find(|(at, _)| at < first).map_or(0, |(_, bytes)| *bytes);
    let of = |(typed, number): (&(Instant, Duration), u64)| {
        let (at, _) = came.iter().find(|(_, bytes)| *bytes >= before + number)?;
        Some(at.saturating_duration_since(typed.0))
    };
    line.iter().zip(1..).filter_map(of).collect()
}

pub fn measure(dir: &Path, binary: &Path, recorders: &[Recorder], rounds_wanted: u32) -> anyhow::Result<Vec<Row>> {
    let kept = dir.join("session-echo.jsonl");
    let mut runs: Vec<Run> = rounds::kept(&kept)?;
    for round in 0..rounds_wanted {
        let is_missing =
            |recorder: &&Recorder| recorder.is_here() && !runs.iter().any(|run| run.round == round && run.name == recorder.name);
        let left: Vec<&Recorder> = rounds::turned(recorders, round).filter(is_missing).collect();
        if left.is_empty() {
            continue;
        }
        let mut night = Night::begin(binary, &dir.join("night"))?;
        for recorder in left {
            let run = measure_one(recorder, &mut night, dir, round)?;
            report::say(&format!("round {round}, {}: p50 {:.0} µs", run.name, percentile(&run.echo_us, 50).unwrap_or(0.0)))?;
            rounds::keep(&kept, &run)?;
            runs.push(run);
        }
    }
    rows(&runs, recorders)
}

pub fn percentile(all: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? * percent / 100).copied()
}

/// Median over the rounds of a percentile, in milliseconds.
fn over_rounds(runs: &[Run], name: &str, percent: usize, of: fn(&Run) -> &Vec<f64>) -> Option<f64> {
    let each: Vec<f64> = runs.iter().filter(|run| run.name == name).filter_map(|run| percentile(of(run), percent)).collect();
    each.median().map(|us| us / 1e3)
}

fn rows(runs: &[Run], recorders: &[Recorder]) -> anyhow::Result<Vec<Row>> {
    let direct = recorders.iter().find(|recorder| recorder.kind == Kind::Direct).context("no variant without a recorder")?;
    let title = "Echo of a key, added to that without a recorder";
    let at = |name: &str, percent| over_rounds(runs, name, percent, |run| &run.echo_us);
    let mut rows = Vec::new();
    for recorder in recorders {
        let name = recorder.name.as_str();
        let (Some(p50), Some(p95), Some(p99)) = (at(name, 50), at(name, 95), at(name, 99)) else {
            rows.push(Row::missing(title, name, "not on this machine"));
            continue;
        };
        let base = |percent| at(&direct.name, percent).unwrap_or(0.0);
        if recorder.kind == Kind::Direct {
            rows.push(Row::new(title, "no recorder: the echo itself", p50, "ms p50").at(p50, p95, p99));
            continue;
        }
        let (p50, p95, p99) = (p50 - base(50), p95 - base(95), p99 - base(99));
        let row = Row::new(title, name, p50, "ms p50").at(p50, p95, p99);
        let met = p50 <= 0.15 && p99 < 2.0;
        rows.push(if recorder.kind == Kind::Hikeshi { row.goal("p50 ≤ 0.15 ms, p99 < 2 ms", met) } else { row });
        if recorder.kind == Kind::Hikeshi {
            let at = |percent| over_rounds(runs, name, percent, |run| &run.seen_us).context("nobody saw a key");
            let (p50, p95, p99) = (at(50)?, at(95)?, at(99)?);
            let row = Row::new("From a key to the screen of somebody who watches, on one machine", "hikeshi", p50, "ms p50");
            rows.push(row.at(p50, p95, p99).goal("p50 < 1 ms", p50 < 1.0));
        }
    }
    // Last, since it is another question.
    rows.sort_by_key(|row| row.group != title);
    Ok(rows)
}
