//! Ordinary work: a minute of typing and looking into files, with all recorders at once, reckoned up to an hour.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::night::Night;
use super::process;
use super::recorders::{Kind, Recorder};
use super::rounds;
use super::window::Window;
use crate::Row;

const KEY_EVERY: Duration = Duration::from_millis(150);
const THINKS: Duration = Duration::from_millis(2_500);
const COMMANDS: &[&str] = &[
    "ls -la /etc | head -n 30",
    "cat config/app.toml",
    "grep -n host config/app.toml",
    "tail -n 20 /etc/services",
    "df -h",
    "ps aux | head -n 15",
    "git --version; date",
    "echo 予約サービスを確認しました",
];

/// Types like a person until the time is over.
fn works(window: &mut Window, during: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    for command in COMMANDS.iter().cycle() {
        for key in command.chars() {
            window.keys(&key.to_string())?;
            window.settle(KEY_EVERY)?;
            if began.elapsed() > during {
                window.keys("\u{15}")?;
                return Ok(());
            }
        }
        window.keys("\n")?;
        window.settle(THINKS)?;
    }
    Ok(())
}

struct Used {
    cpu: Duration,
    disk: u64,
}

fn peer(recorder: &Recorder, dir: &Path, during: Duration) -> anyhow::Result<Used> {
    let home = dir.join(format!("hour-{:?}-{}", recorder.kind, recorder.name.len()));
    let record: PathBuf = home.join("record");
    std::fs::create_dir_all(home.join("config"))?;
    std::fs::write(home.join("config/app.toml"), "host = \"db1\"\nport = 5432\n")?;
    let mut window = recorder.open(&home, &record)?;
    window.ready()?;
    let pid = window.child.id();
    let before = process::tree_cpu(pid);
    works(&mut window, during)?;
    let cpu = process::tree_cpu(pid).saturating_sub(before);
    window.keys("exit\n")?;
    window.ends(Duration::from_secs(30))?;
    Ok(Used { cpu, disk: std::fs::metadata(&record).map_or(0, |kept| kept.len()) })
}

/// The executor's side and the server's.
fn own(dir: &Path, binary: &Path, during: Duration) -> anyhow::Result<(Used, Used)> {
    let mut night = Night::begin(binary, &dir.join("night"))?;
    let (mut window, session) = night.shell()?;
    std::fs::create_dir_all(night.dir.join("root/config"))?;
    window.settle(Duration::from_secs(1))?;
    let (pid, server) = (window.child.id(), night.server());
    let (own_before, server_before, data_before) = (process::tree_cpu(pid), process::cpu(server), night.data_bytes()?);
    works(&mut window, during)?;
    let cpu = process::tree_cpu(pid).saturating_sub(own_before);
    let server_cpu = process::cpu(server).saturating_sub(server_before);
    let disk = night.spool_bytes(session)?;
    window.keys("exit\n")?;
    window.ends(Duration::from_secs(60))?;
    Ok((Used { cpu, disk }, Used { cpu: server_cpu, disk: night.data_bytes()?.saturating_sub(data_before) }))
}

pub fn measure(dir: &Path, binary: &Path, recorders: &[Recorder], seconds: u64) -> anyhow::Result<Vec<Row>> {
    let during = Duration::from_secs(seconds);
    let peers: Vec<Recorder> =
        recorders.iter().filter(|recorder| recorder.program.is_some() && recorder.kind != Kind::Hikeshi).cloned().collect();
    let threads: Vec<_> = peers
        .into_iter()
        .map(|recorder| {
            let dir = dir.to_owned();
            std::thread::spawn(move || peer(&recorder, &dir, during).map(|used| (recorder, used)))
        })
        .collect();
    let (used, server) = own(dir, binary, during)?;
    let (cpu_title, disk_title) =
        ("An hour of typing and looking: processor time, with the shell and its commands", "An hour of typing and looking: bytes on disk");
    let hour = 3_600.0 / during.as_secs_f64();
    let (mut rows, mut disks) = (Vec::new(), Vec::new());
    let mut add = |name: &str, used: &Used, shell_only: bool| {
        rows.push(Row::new(cpu_title, name, used.cpu.as_secs_f64() * hour, "s/h"));
        if !shell_only {
            disks.push(Row::new(disk_title, name, rounds::mb(used.disk) * hour, "MB/h"));
        }
    };
    for thread in threads {
        let (recorder, used) = thread.join().ok().context("a recorder broke off")??;
        add(&recorder.name, &used, recorder.kind == Kind::Direct);
    }
    add("hikeshi, on the executor's machine", &used, false);
    add("its server, with two who sign", &server, false);
    rows.extend(disks);
    for recorder in recorders.iter().filter(|recorder| recorder.program.is_none() && recorder.kind != Kind::Hikeshi) {
        rows.push(Row::missing(disk_title, &recorder.name, "not on this machine"));
    }
    Ok(rows)
}
