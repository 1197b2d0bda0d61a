//! A very long stream through recorder, server and export: every byte is there, and memory stays bounded.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::night::Night;
use super::process::{self, Sampler};
use super::{bulk, rounds};
use crate::Row;

const WITHIN: Duration = Duration::from_secs(600);
/// Nothing on the way may hold more than this.
const MEMORY_MIB_MAX: f64 = 256.0;

pub fn measure(dir: &Path, binary: &Path, megabytes: u64) -> anyhow::Result<Vec<Row>> {
    let file = dir.join(format!("bulk-{megabytes}.log"));
    bulk::payload(&file, megabytes * 1_000_000)?;
    let mut night = Night::begin(binary, &dir.join("night"))?;
    let (mut window, session) = night.shell()?;
    let sampler = Sampler::of(window.child.id());
    let began = Instant::now();
    window.keys(&format!("echo BE''GIN; cat {}; echo EN''D; exit\n", file.display()))?;
    window.ends(WITHIN)?;
    let seconds = began.elapsed().as_secs_f64();
    let recorder = rounds::mib(sampler.peak_kib());
    let raw = dir.join("stream.raw");
    night.export_raw(session, &raw)?;
    let server = rounds::mib(process::peak_kib(night.server()));
    compare(&file, &raw)?;
    std::fs::remove_file(&raw)?;
    let title = format!("A stream of {megabytes} MB, recorded, stored, exported, and compared byte by byte");
    let bounded =
        |name: &str, value: f64| Row::new(&title, name, value, "MiB").goal(&format!("≤ {MEMORY_MIB_MAX:.0} MiB"), value <= MEMORY_MIB_MAX);
    Ok(vec![
        Row::new(&title, "every byte equal: until the session was over and all of it stored", seconds, "s").goal("equal", true),
        bounded("most memory of a process on the executor's machine", recorder),
        bounded("most memory of the server, with the export", server),
    ])
}

/// What the terminal made of each line's end is the only difference there may be.
fn compare(printed: &Path, raw: &Path) -> anyhow::Result<()> {
    let mut recorded = BufReader::with_capacity(1 << 20, File::open(raw)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        ensure!(recorded.read_until(b'\n', &mut line)? > 0, "the beginning is not in the record");
        if line.ends_with(b"BEGIN\r\n") {
            break;
        }
    }
    let mut file = BufReader::with_capacity(1 << 20, File::open(printed)?);
    let (mut wanted, mut found, mut number) = (Vec::new(), Vec::new(), 0_u64);
    loop {
        wanted.clear();
        if file.read_until(b'\n', &mut wanted)? == 0 {
            break;
        }
        number += 1;
        wanted.pop();
        wanted.extend_from_slice(b"\r\n");
        found.resize(wanted.len(), 0);
        recorded.read_exact(&mut found).with_context(|| format!("the record ends in line {number}"))?;
        ensure!(found == wanted, "line {number} is recorded as {:?}", String::from_utf8_lossy(&found));
    }
    let mut end = [0_u8; 5];
    recorded.read_exact(&mut end)?;
    ensure!(&end == b"END\r\n", "behind the stream stands {:?}", String::from_utf8_lossy(&end));
    Ok(())
}
