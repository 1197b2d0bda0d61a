//! Fifty screens on one session: two witnesses who sign, and onlookers. How far is the last of them behind, and what does the server need?

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;

use super::echo::percentile;
use super::night::Night;
use super::watcher::{Address, Heard, Watcher};
use super::{bulk, process, rounds};
use crate::{Row, report};

/// With the two who sign these are fifty.
const ONLOOKERS: usize = 48;
const LINES: u32 = 1_000;
const EVERY_MS: u64 = 10;
const FLOOD_MB: u64 = 20;
const WITHIN: Duration = Duration::from_secs(60);

/// Prints lines that say when they were printed; run inside the session, as its program.
pub fn clock(lines: u32, every_ms: u64) -> anyhow::Result<()> {
    for number in 0..lines {
        report::say(&format!("T{}; {number} 予約サービス \u{1b}[32m正常\u{1b}[0m", now_us()))?;
        std::thread::sleep(Duration::from_millis(every_ms));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "two processes of one machine compare their clocks; nothing is decided by it")]
fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

struct Saw {
    /// Milliseconds from printing to the screen, of each line.
    behind_ms: Vec<f64>,
    /// When the last words of the flood were on the screen.
    end: Option<Instant>,
}

fn onlooker(address: &Address, ready: &Barrier) -> anyhow::Result<Saw> {
    let mut watcher = Watcher::join(address);
    ready.wait();
    let watcher = watcher.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let mut saw = Saw { behind_ms: Vec::new(), end: None };
    let began = Instant::now();
    let mut text = Vec::new();
    while began.elapsed() < WITHIN && saw.end.is_none() {
        match watcher.next()? {
            Heard::Output(output) => text.extend(output),
            // One that was too slow is shown the screen anew.
            Heard::Screen(state) => text.extend(state.into_bytes()),
            Heard::Nothing => continue,
            Heard::Over => break,
        }
        let now = now_us();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            let printed = line.strip_prefix(b"T").and_then(|rest| rest.split(|byte| *byte == b';').next());
            let printed = printed.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<i64>().ok());
            if let Some(printed) = printed.and_then(|printed| i32::try_from(now - printed).ok()) {
                saw.behind_ms.push(f64::from(printed) / 1e3);
            }
        }
        if text.windows(9).any(|part| part == b"FLOOD_END") {
            saw.end = Some(Instant::now());
        }
        text.drain(..whole);
    }
    Ok(saw)
}

pub fn measure(dir: &Path, binary: &Path) -> anyhow::Result<Vec<Row>> {
    let flood = dir.join(format!("bulk-{FLOOD_MB}.log"));
    bulk::payload(&flood, FLOOD_MB * 1_000_000)?;
    let mut night = Night::begin(binary, &dir.join("night"))?;
    let (mut window, session) = night.shell()?;
    let address = night.address("sato", session)?;
    let ready = Arc::new(Barrier::new(ONLOOKERS + 1));
    let crowd: Vec<JoinHandle<anyhow::Result<Saw>>> = (0..ONLOOKERS)
        .map(|_| {
            let (address, ready) = (address.clone(), Arc::clone(&ready));
            std::thread::spawn(move || onlooker(&address, &ready))
        })
        .collect();
    ready.wait();
    let own = std::env::current_exe()?;
    window.keys(&format!("{} --dir /tmp clock --lines {LINES} --every-ms {EVERY_MS}; echo CLOCK''_END\n", own.display()))?;
    window.until("CLOCK_END", WITHIN)?;
    window.settle(Duration::from_millis(500))?;
    let resident = rounds::mib(process::resident_kib(night.server()));
    window.keys(&format!("cat {}; echo FLOOD''_END\n", flood.display()))?;
    window.until("FLOOD_END", WITHIN)?;
    let shown = Instant::now();
    let (mut behind, mut last, mut reached) = (Vec::new(), Vec::new(), 0);
    for one in crowd {
        let saw = one.join().ok().context("somebody who watches broke off")??;
        behind.extend(saw.behind_ms);
        reached += usize::from(saw.end.is_some());
        last.extend(saw.end.map(|end| end.saturating_duration_since(shown).as_secs_f64() * 1e3));
    }
    let peak = rounds::mib(process::peak_kib(night.server()));
    window.keys("exit\n")?;
    window.ends(WITHIN)?;
    anyhow::ensure!(reached == ONLOOKERS, "only {reached} of {ONLOOKERS} saw the end of the flood");
    let title = "Fifty watching one session, of whom two sign";
    let at = |percent| percentile(&behind, percent).context("no line was seen");
    let (p50, p95, p99) = (at(50)?, at(95)?, at(99)?);
    let line = Row::new(title, "from a printed line to each screen, 100 lines/s", p99, "ms p99").at(p50, p95, p99);
    let at = |percent| percentile(&last, percent).context("no end was seen");
    let name = format!("after a flood of {FLOOD_MB} MB: each screen behind the executor's");
    let (p50, p95, p99) = (at(50)?, at(95)?, at(99)?);
    Ok(vec![
        line.goal("p99 < 250 ms", percentile(&behind, 99).is_some_and(|p99| p99 < 250.0)),
        Row::new(title, "the server's memory, resident", resident, "MiB").goal("< 64 MB", resident < 61.0),
        Row::new(title, &name, p99, "ms p99").at(p50, p95, p99),
        Row::new(title, "the server's memory, the most during that flood", peak, "MiB"),
    ])
}
