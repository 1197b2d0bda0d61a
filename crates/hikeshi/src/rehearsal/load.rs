//! Light, constant load on the reservation service, as its users would make it: so that the score can say what they felt.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hikeshi_domain::Timestamp;

const PAUSE: Duration = Duration::from_millis(50);
/// Visits between two writes of the count.
const KEEP_EVERY: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 4 * 1024;

/// A visitor that asks for `/` twenty times a second.
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
    times: Mutex<(Option<Timestamp>, Option<Timestamp>)>,
}

/// What the visitors saw.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Felt {
    pub good: u64,
    pub bad: u64,
    pub first_bad: Option<Timestamp>,
    pub last_bad: Option<Timestamp>,
}

impl Load {
    /// Goes on counting from what `file` says, so that a continued rehearsal reports all of it.
    pub fn start(port: u16, file: PathBuf) -> Self {
        let before: Felt = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let shared = Arc::new(Shared::of(before));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut visits = 0_u64;
            while !of_thread.stop.load(Ordering::Relaxed) {
                of_thread.note(visit(port));
                visits += 1;
                if visits.is_multiple_of(KEEP_EVERY) {
                    keep(&file, of_thread.felt());
                }
                std::thread::sleep(PAUSE);
            }
            keep(&file, of_thread.felt());
        });
        Self { shared, thread: Some(thread) }
    }

    pub fn felt(&self) -> Felt {
        self.shared.felt()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It looks at the flag between two visits, each of which is bounded.
            if thread.join().is_err() {
                tracing::error!("the visitor broke");
            }
        }
    }
}

/// The count is for the score only: a lost write loses some visits, never an act.
fn keep(file: &Path, felt: Felt) {
    let temporary = file.with_extension("new");
    let written = serde_json::to_vec(&felt)
        .map_err(std::io::Error::other)
        .and_then(|bytes| std::fs::write(&temporary, bytes))
        .and_then(|()| std::fs::rename(&temporary, file));
    if let Err(error) = written {
        tracing::debug!("the count of visits was not kept: {error}");
    }
}

impl Shared {
    fn of(before: Felt) -> Self {
        Self {
            stop: AtomicBool::new(false),
            good: before.good.into(),
            bad: before.bad.into(),
            times: Mutex::new((before.first_bad, before.last_bad)),
        }
    }

    fn felt(&self) -> Felt {
        let times = *self.times.lock().unwrap_or_else(PoisonError::into_inner);
        Felt { good: self.good.load(Ordering::Relaxed), bad: self.bad.load(Ordering::Relaxed), first_bad: times.0, last_bad: times.1 }
    }

    fn note(&self, good: bool) {
        if good {
            self.good.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.bad.fetch_add(1, Ordering::Relaxed);
        let now = crate::now();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.0.get_or_insert(now);
        times.1 = Some(now);
    }
}

/// One visit; true when a reservation was taken.
pub fn visit(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut text = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut text)?;
        Ok(text.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
