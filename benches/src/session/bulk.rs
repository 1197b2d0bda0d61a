//! A flood: 200 MB of log lines through each recorder in turn, until the last of them stands on the executor's screen.
//!
//! hikeshi is measured as it is used: window, recorder, server, and two witnesses that sign. Its figures count window, recorder and
//! server, and not the witnesses, who sit at other machines.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::night::Night;
use super::process::{self, Sampler};
use super::recorders::{Kind, Recorder};
use super::rounds::{self, Median as _};
use super::window::Window;
use crate::{Row, report};

const WITHIN: Duration = Duration::from_secs(180);
/// So long nothing is used any more: what was under way to the server is there.
const QUIET: Duration = Duration::from_millis(400);

/// One recorder in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub round: u32,
    pub name: String,
    pub seconds: f64,
    /// What came out at the executor's screen.
    pub shown_mb: f64,
    pub cpu_s: f64,
    pub peak_mib: f64,
    pub disk_mb: f64,
    /// Only hikeshi: the server's part, and how long the server took to have everything.
    pub server: Option<Server>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub cpu_s: f64,
    pub peak_mib: f64,
    pub disk_mb: f64,
    pub behind_s: f64,
    pub witness_cpu_s: f64,
}

/// Log lines as a service writes them: colours, Japanese, numbers that never repeat.
pub fn payload(file: &Path, bytes: u64) -> anyhow::Result<()> {
    if std::fs::metadata(file).is_ok_and(|known| known.len() >= bytes) {
        return Ok(());
    }
    let mut out = BufWriter::new(File::create(file)?);
    let (mut written, mut dice) = (0_u64, 0x9e37_79b9_7f4a_7c15_u64);
    let words = ["予約を受け付けました", "在庫を確認しています", "支払いの応答が遅れています", "接続を切りました", "再試行します"];
    let levels = ["\u{1b}[32mINFO\u{1b}[0m", "\u{1b}[33mWARN\u{1b}[0m", "\u{1b}[31mERROR\u{1b}[0m", "\u{1b}[36mDEBUG\u{1b}[0m"];
    let mut line = 0_usize;
    while written < bytes {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let (seconds, millis) = (line / 1_000 % 86_400, line % 1_000);
        let clock = format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let (level, word) = (levels.get(line % levels.len()).copied(), words.get(line / 3 % words.len()).copied());
        let text = format!(
            "2026-11-22T{clock} {} \u{1b}[1mreservation\u{1b}[0m[{}] {} id={dice:016x} 所要 {} ms path=/api/v1/reservations/{}\n",
            level.unwrap_or_default(),
            1_000 + line % 7,
            word.unwrap_or_default(),
            dice % 900,
            dice % 100_000
        );
        out.write_all(text.as_bytes())?;
        written += u64::try_from(text.len())?;
        line += 1;
    }
    Ok(out.flush()?)
}

/// From the key that starts the flood to its last line on the screen.
fn flood(window: &mut Window, file: &Path) -> anyhow::Result<(f64, f64)> {
    window.ready()?;
    let began = Instant::now();
    window.keys(&format!("cat {}; printf 'EN''D_%s' MARK\n", file.display()))?;
    let bytes = window.until("END_MARK", WITHIN)?;
    Ok((began.elapsed().as_secs_f64(), rounds::mb(bytes)))
}

fn peer(recorder: &Recorder, dir: &Path, file: &Path, round: u32) -> anyhow::Result<Run> {
    let record = dir.join("record");
    if record.exists() {
        std::fs::remove_file(&record)?;
    }
    let before = process::waited_for();
    let mut window = recorder.open(dir, &record)?;
    let sampler = Sampler::of(window.child.id());
    let (seconds, shown_mb) = flood(&mut window, file)?;
    window.keys("\nexit\n")?;
    window.ends(WITHIN)?;
    let cpu_s = process::waited_for().saturating_sub(before).as_secs_f64();
    let disk = std::fs::metadata(&record).map_or(0, |kept| kept.len());
    let peak_mib = rounds::mib(sampler.peak_kib());
    Ok(Run { round, name: recorder.name.clone(), seconds, shown_mb, cpu_s, peak_mib, disk_mb: rounds::mb(disk), server: None })
}

fn own(recorder: &Recorder, night: &mut Night, file: &Path, round: u32) -> anyhow::Result<Run> {
    let data_before = night.data_bytes()?;
    let (mut window, session) = night.shell()?;
    let (pid, server) = (window.child.id(), night.server());
    let sampler = Sampler::of(pid);
    let at_rest = (process::tree_cpu(pid), process::cpu(server), night.witness_cpu());
    let (seconds, shown_mb) = flood(&mut window, file)?;
    let behind_s = settled(&mut window, pid, server)?;
    let cpu_s = (process::tree_cpu(pid) - at_rest.0).as_secs_f64();
    let server_cpu_s = (process::cpu(server) - at_rest.1).as_secs_f64();
    let witness_cpu_s = (night.witness_cpu() - at_rest.2).as_secs_f64();
    let peak_mib = rounds::mib(sampler.peak_kib());
    let disk_mb = rounds::mb(night.spool_bytes(session)?);
    window.keys("\nexit\n")?;
    window.ends(WITHIN)?;
    let kept = Server {
        cpu_s: server_cpu_s,
        peak_mib: rounds::mib(process::peak_kib(server)),
        disk_mb: rounds::mb(night.data_bytes()?.saturating_sub(data_before)),
        behind_s,
        witness_cpu_s,
    };
    Ok(Run { round, name: recorder.name.clone(), seconds, shown_mb, cpu_s, peak_mib, disk_mb, server: Some(kept) })
}

/// Waits until recorder and server have nothing to do any more; how long that took.
fn settled(window: &mut Window, pid: u32, server: u32) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut last = Duration::ZERO;
    let mut since = Instant::now();
    while began.elapsed() < WITHIN {
        let now = process::tree_cpu(pid) + process::cpu(server);
        // A beat costs something, too.
        if now.saturating_sub(last) > Duration::from_millis(20) {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > QUIET {
            break;
        }
        window.settle(Duration::from_millis(40))?;
    }
    Ok(began.elapsed().saturating_sub(QUIET).as_secs_f64())
}

pub fn measure(dir: &Path, binary: &Path, recorders: &[Recorder], rounds_wanted: u32, megabytes: u64) -> anyhow::Result<Vec<Row>> {
    let file = dir.join(format!("bulk-{megabytes}.log"));
    payload(&file, megabytes * 1_000_000)?;
    let kept = dir.join("session-bulk.jsonl");
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
            let run = match recorder.kind {
                Kind::Hikeshi => own(recorder, &mut night, &file, round)?,
                Kind::Direct | Kind::Script | Kind::Tlog | Kind::Asciinema => peer(recorder, dir, &file, round)?,
            };
            report::say(&serde_json::to_string(&run)?)?;
            rounds::keep(&kept, &run)?;
            runs.push(run);
        }
    }
    rows(&runs, recorders, megabytes)
}

fn rows(runs: &[Run], recorders: &[Recorder], megabytes: u64) -> anyhow::Result<Vec<Row>> {
    let of = |name: &str| runs.iter().filter(|run| run.name == name).cloned().collect::<Vec<_>>();
    let median = |name: &str, what: fn(&Run) -> f64| of(name).iter().map(what).collect::<Vec<_>>().median();
    let named = |kind: Kind| recorders.iter().find(|recorder| recorder.kind == kind).map(|recorder| recorder.name.clone());
    let direct_cpu = named(Kind::Direct).and_then(|name| median(&name, |run| run.cpu_s)).context("no run without a recorder")?;
    let direct_mb = named(Kind::Direct).and_then(|name| median(&name, |run| run.shown_mb)).context("no run without a recorder")?;
    let mut groups: [Vec<Row>; 4] = Default::default();
    let titles = [
        format!("Bulk output, {megabytes} MB, until it is on the executor's screen"),
        "Processor time that recording adds to bulk output".to_owned(),
        "Most memory at once during bulk output".to_owned(),
        "Bytes on disk after bulk output".to_owned(),
    ];
    let script = named(Kind::Script).unwrap_or_default();
    for recorder in recorders {
        let all = of(&recorder.name);
        if all.is_empty() {
            let why = "not on this machine";
            groups.iter_mut().zip(&titles).for_each(|(group, title)| group.push(Row::missing(title, &recorder.name, why)));
            continue;
        }
        let [speed, cpu, memory, disk] = &mut groups;
        let [speed_title, cpu_title, memory_title, disk_title] = &titles;
        let name = recorder.name.as_str();
        let rate = all.iter().map(|run| run.shown_mb / run.seconds).collect::<Vec<_>>();
        let mut row = Row::new(speed_title, name, rate.median().context("no run")?, "MB/s").between(&rate);
        if recorder.kind == Kind::Hikeshi
            && let Some(base) = speed.iter().find(|row| row.name == script).map(|row| row.value)
        {
            row = row.against(&script, base, 1.0);
        }
        speed.push(row);
        let own = median(name, |run| run.cpu_s).context("no run")?;
        let whole = median(name, |run| run.cpu_s + run.server.as_ref().map_or(0.0, |server| server.cpu_s)).context("no run")?;
        let added = |cpu_s: f64| (cpu_s - direct_cpu).max(0.0) * 1e3 / direct_mb;
        if recorder.kind == Kind::Hikeshi {
            cpu.push(Row::new(cpu_title, "hikeshi, on the executor's machine", added(own), "ms/MB"));
            let row = Row::new(cpu_title, "hikeshi, with the server", added(whole), "ms/MB");
            cpu.push(row.goal("≤ 25 ms/MB", added(whole) <= 25.0));
        } else if recorder.kind != Kind::Direct {
            cpu.push(Row::new(cpu_title, name, added(own), "ms/MB"));
        }
        memory.push(Row::new(memory_title, name, median(name, |run| run.peak_mib).context("no run")?, "MiB"));
        if recorder.kind != Kind::Direct {
            disk.push(Row::new(disk_title, name, median(name, |run| run.disk_mb).context("no run")?, "MB"));
        }
        for server in all.iter().filter_map(|run| run.server.as_ref()).take(1) {
            let part = |what: fn(&Server) -> f64| all.iter().filter_map(|run| run.server.as_ref().map(what)).collect::<Vec<_>>().median();
            memory.push(Row::new(memory_title, "its server", part(|server| server.peak_mib).unwrap_or(server.peak_mib), "MiB"));
            disk.push(Row::new(disk_title, "its server", part(|server| server.disk_mb).unwrap_or(server.disk_mb), "MB"));
            let behind = part(|server| server.behind_s).unwrap_or(server.behind_s);
            speed.push(Row::new(speed_title, "hikeshi: until the server has all of it, after that", behind, "s"));
        }
    }
    Ok(groups.into_iter().flatten().collect())
}
