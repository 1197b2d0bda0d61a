//! Lines that match a pattern: of a file that is followed from its end, or of what a program prints. Counted over a time, remembered between looks.
//!
//! A line is read up to 64 KiB, a look up to 8 MiB; what comes faster than that for long is said, not skipped in silence.

mod patterns;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::ids::MonitorName;
use hikeshi_domain::mask::Masker;
use hikeshi_domain::monitor::{Measured, Measuring, RecentChange};
use hikeshi_domain::policy::{LogMonitor, log_pattern};
use regex::bytes::Regex;

use self::patterns::Patterns;
use super::command::{NoEnd, run};
use super::{first_line, secrets, shown};
use crate::Options;

const LINE_BYTES_MAX: usize = 64 * 1024;
const LOOK_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Of what a program prints in one look.
const PRINTED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Further behind than this, it is not followed any more: what is shown would be about long ago.
const BEHIND_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How many more looks a file gets that has lost its name.
const LOOKS_AFTER_ROTATION: u8 = 3;
/// Looks that were not made, after which following begins anew, at the end of the file.
const LOOKS_MISSED_MAX: u32 = 10;
const AWAY_MIN: Duration = Duration::from_secs(60);
/// Of a monitor that the policy does not have any more, the file stays open for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// A time is counted in so many parts.
const PARTS: u32 = 100;

/// One follower for each monitor of a log.
#[derive(Debug, Default)]
pub(super) struct Followers(Mutex<BTreeMap<MonitorName, Arc<Mutex<Follower>>>>);

impl Followers {
    fn of(&self, name: &MonitorName, log: &LogMonitor, interval_s: f64) -> Arc<Mutex<Follower>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is at work is not old, however long it takes.
        all.retain(|_, follower| follower.try_lock().map_or(true, |follower| follower.looked.elapsed() < FORGOTTEN_AFTER));
        let known = all.entry(name.clone()).or_insert_with(|| Arc::new(Mutex::new(Follower::new(log))));
        // A follower that is at work is of the same log, or is given up.
        // Another node has looked meanwhile, at its own file: what was written here in all that time is not of now.
        let looks = Duration::try_from_secs_f64(interval_s).unwrap_or_default().saturating_mul(LOOKS_MISSED_MAX);
        let away = |follower: &Follower| follower.looked.elapsed() > looks.max(follower.within()).max(AWAY_MIN);
        if known.try_lock().is_ok_and(|follower| follower.log != *log || away(&follower)) {
            *known = Arc::new(Mutex::new(Follower::new(log)));
        }
        Arc::clone(known)
    }
}

/// How far a log was read, and what it said lately.
#[derive(Debug)]
struct Follower {
    log: LogMonitor,
    open: Option<Open>,
    /// The file that had the name before, and in how many looks it is still read: who writes it may not have noticed yet.
    before: Option<(Open, u8)>,
    /// The file was looked for and was not there: when it comes, all of it is new.
    missed: bool,
    /// When so much had come that some of it was not read, and how much.
    passed_over: Option<(Instant, u64)>,
    looked: Instant,
    /// When a part of the time began, and how many lines matched in it.
    hits: VecDeque<(Instant, u32)>,
    last: Vec<u8>,
    /// `None`: nobody asks what is new.
    patterns: Option<Patterns>,
}

/// Lines of one look that match.
struct Found {
    fresh: u32,
    last: Option<Vec<u8>>,
    learns: bool,
    /// Their beginnings, when somebody asks what is new.
    lines: Vec<Vec<u8>>,
}

impl Found {
    fn of(follower: &Follower) -> Self {
        Self { fresh: 0, last: None, learns: follower.patterns.is_some(), lines: Vec::new() }
    }

    fn take(&mut self, line: &[u8], pattern: &Regex) {
        if !pattern.is_match(line) {
            return;
        }
        self.fresh = self.fresh.saturating_add(1);
        self.last = Some(line.to_vec());
        if self.learns && self.lines.len() <= patterns::LINES_MAX {
            self.lines.push(line.get(..line.len().min(patterns::LINE_BYTES_MAX)).unwrap_or_default().to_vec());
        }
    }
}

#[derive(Debug)]
struct Open {
    file: File,
    at: u64,
    lines: Lines,
}

/// What has come of a line that is not ended yet.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], line: &mut impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(self.begun.len());
            self.begun.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            if part.ends_with(b"\n") {
                self.end(line);
            }
        }
    }

    fn end(&mut self, line: &mut impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            line(&self.begun);
            self.begun.clear();
        }
    }
}

impl Follower {
    fn new(log: &LogMonitor) -> Self {
        Self {
            log: log.clone(),
            open: None,
            before: None,
            missed: false,
            passed_over: None,
            looked: Instant::now(),
            hits: VecDeque::new(),
            last: Vec::new(),
            patterns: log.new_errors.as_ref().map(|_| Patterns::new(Instant::now())),
        }
    }

    fn within(&self) -> Duration {
        Duration::from_secs(u64::from(self.log.within_s))
    }

    /// Counts what is new, and forgets what is old.
    fn count(&mut self, fresh: u32, now: Instant) {
        let (within, part) = (self.within(), self.within() / PARTS);
        while self.hits.front().is_some_and(|(began, _)| now.duration_since(*began) > within) {
            self.hits.pop_front();
        }
        match self.hits.back_mut() {
            Some((began, count)) if now.duration_since(*began) < part => *count = count.saturating_add(fresh),
            _ if fresh > 0 => self.hits.push_back((now, fresh)),
            _ => {}
        }
    }

    /// What the count says, and what is new since a change.
    fn judged(&self, masker: &Masker, change: Option<&RecentChange>, now: Instant) -> Measured {
        let counted = self.counted(masker, now);
        match (&self.patterns, &self.log.new_errors) {
            (Some(patterns), Some(rules)) => patterns.judged(rules, change, counted, now),
            _ => counted,
        }
    }

    fn counted(&self, masker: &Masker, now: Instant) -> Measured {
        let LogMonitor { more_than, within_s, .. } = self.log;
        let count = self.hits.iter().fold(0_u32, |sum, (_, count)| sum.saturating_add(*count));
        let passed_over = self.passed_over.filter(|(at, _)| now.duration_since(*at) <= self.within());
        let measured = if count > more_than {
            let last = shown(&String::from_utf8_lossy(&masker.bytes(&self.last)));
            Measured::failed(format!("{count} lines within {within_s} s, more than {more_than}; the last one: {last}"))
        } else if let Some((_, bytes)) = passed_over {
            // What was not read may hold any number of them.
            Measured::unmeasured(format!("it grows faster than it can be read; {} MiB were passed over within {within_s} s", bytes >> 20))
        } else {
            Measured::passed(format!("{count} lines within {within_s} s"))
        };
        measured.with(f64::from(count))
    }

    /// Reads what is new, and counts it, also when the rest cannot be read. `Err`: why it cannot.
    fn read(&mut self, path: &str, pattern: &Regex, masker: &Masker, now: Instant) -> Result<(), String> {
        let mut found = Found::of(self);
        let read = self.follow(path, now, &mut |line| found.take(line, pattern));
        self.add(found, masker, now);
        read
    }

    fn add(&mut self, found: Found, masker: &Masker, now: Instant) {
        self.last = found.last.unwrap_or_else(|| std::mem::take(&mut self.last));
        self.looked = now;
        self.count(found.fresh, now);
        if let Some(patterns) = &mut self.patterns {
            patterns.learn(&found.lines, masker, now);
        }
    }

    fn follow(&mut self, path: &str, now: Instant, line: &mut impl FnMut(&[u8])) -> Result<(), String> {
        let unreadable = |error: io::Error| format!("{path} cannot be read: {error}");
        let mut room = LOOK_BYTES_MAX;
        if let Some((before, looks)) = &mut self.before {
            room = before.feed(room, line).map_err(unreadable)?;
            // What is left of it is read first, however many looks that takes.
            *looks = looks.saturating_sub(u8::from(room > 0));
            if *looks == 0 {
                before.lines.end(line);
                self.before = None;
            }
        }
        if let Some(open) = &mut self.open {
            room = open.feed(room, line).map_err(unreadable)?;
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.missed |= error.kind() == io::ErrorKind::NotFound;
                return Err(format!("{path} cannot be opened: {error}"));
            }
        };
        let named = identity(&file).map_err(|error| format!("{path}: {error}"))?;
        let same = self.open.as_ref().is_some_and(|open| identity(&open.file).is_ok_and(|known| known.0 == named.0));
        if !same && (room > 0 || self.open.is_none()) {
            let begin = if self.open.is_some() || self.missed { 0 } else { named.1 };
            if let Some((mut before, _)) = self.before.take() {
                before.lines.end(line);
            }
            self.before = self.open.take().map(|open| (open, LOOKS_AFTER_ROTATION));
            self.missed = false;
            let next = self.open.insert(Open { file, at: begin, lines: Lines::default() });
            next.feed(room, line).map_err(unreadable)?;
        }
        if let Some(open) = &mut self.open {
            let (_, size) = identity(&open.file).map_err(unreadable)?;
            let behind = size.saturating_sub(open.at);
            if behind > BEHIND_BYTES_MAX {
                (open.at, open.lines) = (size, Lines::default());
                self.passed_over = Some((now, behind));
            }
        }
        Ok(())
    }
}

/// Which file it is, whatever its name; and its size.
fn identity(file: &File) -> io::Result<((u64, u64), u64)> {
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(((meta.dev(), meta.ino()), meta.len()))
}

impl Open {
    /// Reads on, up to so many bytes; how many are left of them.
    fn feed(&mut self, mut room: u64, line: &mut impl FnMut(&[u8])) -> io::Result<u64> {
        let (_, size) = identity(&self.file)?;
        if size < self.at {
            // Emptied: what was begun there is gone.
            self.at = 0;
            self.lines.begun.clear();
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut buffer = vec![0; LINE_BYTES_MAX];
        while room > 0 {
            let count = self.file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.lines.feed(buffer.get(..count).unwrap_or_default(), line);
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.at = self.at.saturating_add(count);
            room = room.saturating_sub(count);
        }
        Ok(room)
    }
}

pub(super) async fn measure(options: &Options, followers: &Followers, measuring: &Measuring, timeout: Duration) -> Measured {
    let Some(log) = &measuring.monitor.log else { return Measured::unmeasured("no log is given") };
    let secrets = match secrets(options, measuring) {
        Ok(secrets) => secrets,
        Err(unmeasured) => return unmeasured,
    };
    let pattern = match log_pattern(&log.pattern) {
        Ok(pattern) => pattern,
        Err(error) => return Measured::unmeasured(format!("the pattern cannot be used: {error}")),
    };
    let follower = followers.of(&measuring.name, log, measuring.monitor.interval_s);
    match (&log.file, &log.run) {
        (Some(file), _) => followed(follower, file.clone(), pattern, secrets.masker, measuring.change.clone(), timeout).await,
        (None, Some(argv)) => match run(options, measuring.target.as_ref(), argv, timeout, PRINTED_BYTES_MAX).await {
            Ok(ran) if !ran.status.success() => {
                let said = first_line(&secrets.masker.bytes(&ran.err));
                Measured::unmeasured(format!("the command failed ({}): {said}", ran.status))
            }
            Ok(ran) if ran.cut => Measured::unmeasured("the command printed more than is read of it"),
            Ok(ran) => printed(&follower, &ran.out, &pattern, &secrets.masker, measuring.change.as_ref()),
            Err(NoEnd::Late) => Measured::unmeasured(format!("the command did not end within {} s", timeout.as_secs_f64())),
            Err(NoEnd::Cannot(why)) => Measured::unmeasured(why),
        },
        (None, None) => Measured::unmeasured("neither a file nor a command is given"),
    }
}

/// On a thread of its own: a disk may take its time. One that is stuck is not joined by another.
async fn followed(
    follower: Arc<Mutex<Follower>>,
    path: String,
    pattern: Regex,
    masker: Masker,
    change: Option<RecentChange>,
    timeout: Duration,
) -> Measured {
    let read = move || {
        let Ok(mut follower) = follower.try_lock() else { return Measured::unmeasured(format!("{path}: the last look has not ended")) };
        let now = Instant::now();
        match follower.read(&path, &pattern, &masker, now) {
            Ok(()) => follower.judged(&masker, change.as_ref(), now),
            Err(why) => Measured::unmeasured(why),
        }
    };
    match tokio::time::timeout(timeout, tokio::task::spawn_blocking(read)).await {
        Ok(Ok(measured)) => measured,
        Ok(Err(broken)) => Measured::unmeasured(format!("the look broke: {broken}")),
        Err(_) => Measured::unmeasured(format!("the file could not be read within {} s", timeout.as_secs_f64())),
    }
}

fn printed(follower: &Mutex<Follower>, out: &[u8], pattern: &Regex, masker: &Masker, change: Option<&RecentChange>) -> Measured {
    let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
    let mut found = Found::of(&follower);
    let mut line = |line: &[u8]| found.take(line, pattern);
    let mut lines = Lines::default();
    lines.feed(out, &mut line);
    lines.end(&mut line);
    let now = Instant::now();
    follower.add(found, masker, now);
    follower.judged(masker, change, now)
}

#[cfg(test)]
mod tests;
