//! Light, constant load on the reservation service, as its users would make it: so that the score can say what they felt.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hikeshi_domain::Timestamp;

const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 4 * 1024;

/// A visitor that asks for `/` twenty times a second.
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    good: AtomicU64,
    bad: AtomicU64,
    times: Mutex<(Option<Timestamp>, Option<Timestamp>)>,
}

/// What the visitors saw.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Felt {
    pub good: u64,
    pub bad: u64,
    pub first_bad: Option<Timestamp>,
    pub last_bad: Option<Timestamp>,
}

impl Load {
    pub fn start(port: u16) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while !of_thread.stop.load(Ordering::Relaxed) {
                of_thread.note(visit(port));
                std::thread::sleep(PAUSE);
            }
        });
        Self { shared, thread: Some(thread) }
    }

    pub fn felt(&self) -> Felt {
        let times = *self.shared.times.lock().unwrap_or_else(PoisonError::into_inner);
        Felt { good: self.shared.good.load(Ordering::Relaxed), bad: self.shared.bad.load(Ordering::Relaxed), first_bad: times.0, last_bad: times.1 }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It looks at the flag between two visits, each of which is bounded.
            let _ = thread.join();
        }
    }
}

impl Shared {
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
