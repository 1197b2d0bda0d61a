//! The telephones of the rehearsal's people: a small receiver of pages that writes down when each one rang, as a program of theirs would.
//! Loopback only.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use hikeshi_domain::Timestamp;
use serde::{Deserialize, Serialize};

const PATIENCE: Duration = Duration::from_secs(5);
const LINE_BYTES_MAX: u64 = 8 * 1024;
const BODY_BYTES_MAX: usize = 64 * 1024;

/// One page that arrived. `repeated`: it says of itself that it may have come before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rang {
    pub at: Timestamp,
    pub person: String,
    pub key: String,
    pub repeated: bool,
}

/// What a page says; the rest of it is for people.
#[derive(Debug, Deserialize)]
struct Said {
    key: String,
    person: String,
    repeated: bool,
}

pub struct Phones {
    stop: Arc<AtomicBool>,
    port: u16,
    thread: Option<JoinHandle<()>>,
}

impl Phones {
    /// What a killed rehearsal has written down stays.
    pub fn start(port: u16, file: PathBuf) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("127.0.0.1:{port}"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("phones".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = take(stream, &file) {
                    tracing::debug!("a page was not taken: {error:#}");
                }
            }
        })?;
        Ok(Self { stop, port, thread: Some(thread) })
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread waits for a visit, and looks at the flag when one comes.
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken)
            && thread.join().is_err()
        {
            tracing::error!("the telephones broke");
        }
    }
}

/// Reads one request to its end, writes it down, and only then says that it was taken.
fn take(mut stream: TcpStream, file: &Path) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(&stream);
    let mut length = 0_usize;
    loop {
        let mut line = String::new();
        anyhow::ensure!((&mut reader).take(LINE_BYTES_MAX).read_line(&mut line)? > 0, "the request ended in its head");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().context("content-length")?;
        }
    }
    anyhow::ensure!(length <= BODY_BYTES_MAX, "a page of {length} bytes");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let said: Said = serde_json::from_slice(&body)?;
    let rang = Rang { at: crate::now(), person: said.person, key: said.key, repeated: said.repeated };
    let line = format!("{}\n", serde_json::to_string(&rang)?);
    std::fs::File::options().create(true).append(true).open(file)?.write_all(line.as_bytes())?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(())
}

/// Everything that rang so far, in its order.
pub fn rang(file: &Path) -> Vec<Rang> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
