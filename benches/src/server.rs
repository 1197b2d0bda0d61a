//! The binary itself: from start to the first answer, and the memory of a server that nobody uses.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::Row;

const STARTS: usize = 5;
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);
const PORT: u16 = 17_411;
/// As `hikeshi init` writes it.
const DEFAULT_PORT: &str = "7410";

pub fn measure(binary: &Path, dir: &Path) -> anyhow::Result<Vec<Row>> {
    let workspace = dir.join(format!("server-{}", std::process::id()));
    let made = Command::new(binary).args(["init", "--lang", "en"]).arg(&workspace).stdin(Stdio::null()).output()?;
    ensure!(made.status.success(), "hikeshi init: {}", String::from_utf8_lossy(&made.stderr));
    let file = workspace.join("hikeshi.toml");
    // The default port may be taken by a server that somebody works with.
    let settings = std::fs::read_to_string(&file)?;
    ensure!(settings.contains(DEFAULT_PORT), "the new hikeshi.toml does not name port {DEFAULT_PORT}");
    std::fs::write(&file, settings.replace(DEFAULT_PORT, &PORT.to_string()))?;
    let mut took = Vec::new();
    let mut resident_mib = 0.0;
    for start in 0..STARTS {
        let began = Instant::now();
        let mut server = Command::new(binary)
            .args(["serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let measured = wait_for_health(began).and_then(|first| {
            // The first start makes the workspace; the later ones are what a restart costs.
            if start > 0 {
                took.push(first);
            }
            if start + 1 == STARTS {
                std::thread::sleep(IDLE);
                resident_mib = resident(server.id())?;
            }
            Ok(())
        });
        server.kill()?;
        server.wait()?;
        measured?;
    }
    took.sort();
    let start = crate::ms(crate::percentile(&took, 50).context("no start")?);
    let group = "The server itself";
    Ok(vec![
        Row::new(group, "start to first answer, median", start, "ms").goal("< 300 ms", start < 300.0),
        Row::new(group, "resident, idle", resident_mib, "MiB").goal("< 64 MB", resident_mib < 61.0),
    ])
}

fn wait_for_health(began: Instant) -> anyhow::Result<Duration> {
    while began.elapsed() < START_TIMEOUT {
        if answers(PORT, "/api/v1/health").unwrap_or(false) {
            return Ok(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    anyhow::bail!("the server did not answer within {START_TIMEOUT:?}")
}

/// Whether whoever listens there says that all is well.
pub fn answers(port: u16, path: &str) -> anyhow::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

pub fn resident(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
