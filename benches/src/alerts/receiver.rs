//! Takes pages over HTTP as somebody's telephone would, and remembers what came when.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::sender::{DIGITS, Id, MARK, Sender, To, name};

/// No alert has this number.
const NOBODY: Id = 999_999_999_999;

/// How a page about one alert is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// 503.
    Refuses,
    /// Reads all of it, and never says a word.
    Hangs,
}

/// A page that was read to its end.
#[derive(Clone, Copy)]
pub struct Page {
    pub at: Instant,
    pub answered: Mood,
    /// It says of itself that it may have come before.
    pub repeated: bool,
    /// Which attempt it says it is; 0: it says nothing of attempts.
    pub attempt: u32,
}

#[derive(Default)]
struct Known {
    moods: BTreeMap<Id, Mood>,
    pages: BTreeMap<Id, Vec<Page>>,
    taken: usize,
    /// Connections that are accepted and not yet over.
    open: usize,
}

#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    news: Condvar,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Receiver {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Its threads end with this process.
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&all);
                shared.known().open += 1;
                std::thread::spawn(move || {
                    // A caller who dies in the middle is what this is about.
                    drop(serve(stream, &shared));
                    shared.known().open -= 1;
                    shared.news.notify_all();
                });
            }
        });
        Ok(Self { port, shared })
    }

    /// From here on, pages about this alert are answered like this.
    pub fn is(&self, id: Id, mood: Mood) {
        self.shared.known().moods.insert(id, mood);
    }

    pub fn pages(&self, id: Id) -> Vec<Page> {
        self.shared.known().pages.get(&id).cloned().unwrap_or_default()
    }

    /// Pages that were taken, about whatever.
    pub fn taken(&self) -> usize {
        self.shared.known().taken
    }

    /// When a page about this alert was first read, or answered with a yes.
    pub fn wait(&self, id: Id, taken: bool, limit: Duration) -> Option<Instant> {
        self.until(limit, |known| {
            let pages = known.pages.get(&id)?;
            pages.iter().find(|page| !taken || page.answered == Mood::Takes).map(|page| page.at)
        })
    }

    /// Until all that a dead caller has written is read: what is read later came from somebody else.
    pub fn drained(&self, limit: Duration) -> anyhow::Result<()> {
        let to = To { port: self.port, path: "/".to_owned(), token: None };
        // Connections are accepted in their order.
        Sender::connect(&to)?.post(&name(NOBODY))?;
        self.until(limit, |known| (known.open == 0).then_some(()));
        Ok(())
    }

    /// Whether so many were taken in time.
    pub fn wait_for(&self, taken: usize, limit: Duration) -> bool {
        self.until(limit, |known| (known.taken >= taken).then_some(())).is_some()
    }

    fn until<T>(&self, limit: Duration, so: impl Fn(&Known) -> Option<T>) -> Option<T> {
        let end = Instant::now() + limit;
        let mut known = self.shared.known();
        loop {
            if let Some(found) = so(&known) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            known = self.shared.news.wait_timeout(known, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let at = Instant::now();
        let text = String::from_utf8_lossy(&body);
        match kept(shared, at, &text) {
            Mood::Takes => reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?,
            Mood::Refuses => reader.get_mut().write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno")?,
            // Until the caller is gone.
            Mood::Hangs => return reader.read_exact(&mut [0]),
        }
    }
}

fn kept(shared: &Shared, at: Instant, text: &str) -> Mood {
    let Some(id) = about(text) else { return Mood::Refuses };
    let mut known = shared.known();
    let answered = known.moods.get(&id).copied().unwrap_or(Mood::Takes);
    known.pages.entry(id).or_default().push(Page { at, answered, repeated: text.contains("\"repeated\":true"), attempt: attempt(text) });
    known.taken += usize::from(answered == Mood::Takes);
    drop(known);
    shared.news.notify_all();
    answered
}

fn about(text: &str) -> Option<Id> {
    let from = text.find(MARK)? + MARK.len();
    text.get(from..from + DIGITS)?.parse().ok()
}

fn attempt(text: &str) -> u32 {
    let after = text.split_once("\"attempt\":").map_or("", |(_, after)| after);
    after.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
