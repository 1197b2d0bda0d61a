//! Joining a session that has lasted four hours: how long until its screen is there. The four hours are sent block by block, as a recorder
//! would have sent them, and faster.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::night::Night;
use super::watcher::{Address, Heard, Sender, Watcher};
use super::{process, rounds};
use crate::Row;

/// One block a second for four hours.
const BLOCKS: u32 = 4 * 3_600;
const JOINS: usize = 50;
const WITHIN: Duration = Duration::from_secs(120);
const LAST: &str = "LAST_LINE";

/// About what an operator brings about in a second.
fn printed(number: u32) -> String {
    let (minute, second) = (number / 60, number % 60);
    match number % 20 {
        0 => format!("\u{1b}[32mtanaka@web\u{1b}[0m:~/config$ tail -n 5 予約-{minute:03}.log\r\n"),
        19 => "\u{1b}[2J\u{1b}[H".to_owned(),
        _ => format!(
            "22:{:02}:{second:02} \u{1b}[33mWARN\u{1b}[0m 予約 {number} の支払いを待っています（{} ms）\r\n",
            minute % 60,
            number * 7 % 900
        ),
    }
}

/// From dialling to the screen that shows these words; `None`: they were not on it.
fn join(address: &Address, words: &str) -> anyhow::Result<Option<Duration>> {
    let began = Instant::now();
    let mut watcher = Watcher::join(address)?;
    while began.elapsed() < WITHIN {
        match watcher.next()? {
            Heard::Screen(state) if state.contains(words) => return Ok(Some(began.elapsed())),
            Heard::Output(output) if String::from_utf8_lossy(&output).contains(words) => return Ok(Some(began.elapsed())),
            Heard::Screen(_) | Heard::Output(_) | Heard::Nothing => {}
            Heard::Over => break,
        }
    }
    Ok(None)
}

pub fn measure(dir: &Path, binary: &Path) -> anyhow::Result<Vec<Row>> {
    let mut night = Night::begin(binary, &dir.join("night"))?;
    let session = night.open_session()?;
    let mut sender = Sender::connect(&night.address(super::night::EXECUTOR, session)?)?;
    for number in 0..BLOCKS {
        sender.block(printed(number).as_bytes(), Duration::from_secs(1))?;
    }
    sender.block(format!("{LAST}\r\n").as_bytes(), Duration::from_secs(1))?;
    sender.flush()?;
    let address = night.address("sato", session)?;
    let mut took = Vec::new();
    for _ in 0..JOINS {
        took.push(join(&address, LAST)?.context("the screen does not show what was printed last")?);
    }
    let resident = rounds::mib(process::resident_kib(night.server()));
    took.sort();
    let p99 = crate::ms(crate::percentile(&took, 99).context("nobody joined")?);
    let title = "Joining a session of four hours";
    let mut rows = vec![
        Row::new(title, "until the screen is there", p99, "ms p99").with_latency(took).goal("< 500 ms", p99 < 500.0),
        Row::new(title, "the server's memory, resident", resident, "MiB"),
    ];
    drop(sender);
    night.restart()?;
    let began = Instant::now();
    ensure!(join(&address, LAST)?.is_some(), "after a restart the screen is not drawn again");
    let again = crate::ms(began.elapsed());
    rows.push(Row::new(title, "right after the server was killed and started: until the screen is drawn again", again, "ms"));
    Ok(rows)
}
