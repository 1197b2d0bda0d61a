//! The executor's seat: an outer pty as a terminal program would have it, drained as fast as it can be, with keys typed into it.
//!
//! The same for every recorder that is measured; what runs in it is [`super::recorders`]'s.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use pty_process::Size;
use pty_process::blocking::Command;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;
const READ_BYTES: usize = 64 * 1024;
/// Only so much of the end of what was read is searched for words: what ends a flood stands there, perhaps with a note or two behind it.
const KEPT_BYTES: usize = 4_096;
const QUIET: Duration = Duration::from_millis(400);
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
const TRIES: u32 = 5;

pub struct Window {
    pub child: Child,
    pty: File,
    buffer: Vec<u8>,
    /// The end of what was read, for words that lie over two reads.
    tail: Vec<u8>,
}

impl Window {
    pub fn open(command: Command) -> anyhow::Result<Self> {
        let (pty, pts) = pty_process::blocking::open().context("a pty")?;
        pty.resize(Size::new(ROWS, COLUMNS))?;
        let child = command.spawn(pts).context("the terminal's program")?;
        let pty = File::from(pty.as_fd().try_clone_to_owned()?);
        Ok(Self { child, pty, buffer: vec![0; READ_BYTES], tail: Vec::new() })
    }

    pub fn keys(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok(self.pty.write_all(keys.as_bytes())?)
    }

    /// Waits for output for at most so long; `None`: none came. `Some(0)`: the program has ended.
    fn read(&mut self, within: Duration) -> anyhow::Result<Option<usize>> {
        let mut fds = [PollFd::new(&self.pty, PollFlags::IN)];
        let timeout = Timespec { tv_sec: within.as_secs().try_into()?, tv_nsec: within.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match self.pty.read(&mut self.buffer) {
            Ok(count) => Ok(Some(count)),
            // How a pty says that nobody holds its other end.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Ok(Some(0)),
            Err(error) => Err(error.into()),
        }
    }

    /// Drains until the words come. Returns how many bytes came out.
    pub fn until(&mut self, words: &str, within: Duration) -> anyhow::Result<u64> {
        let began = Instant::now();
        let mut bytes = 0;
        loop {
            let found = self.tail.windows(words.len()).rposition(|part| part == words.as_bytes());
            if let Some(at) = found {
                self.tail.drain(..at + words.len());
                return Ok(bytes);
            }
            let left = within.saturating_sub(began.elapsed());
            match self.read(left.min(Duration::from_millis(200)))? {
                Some(0) => bail!("the terminal ended before {words:?}: {}", String::from_utf8_lossy(&self.tail)),
                Some(count) => {
                    bytes += u64::try_from(count)?;
                    let read = self.buffer.get(..count).unwrap_or_default();
                    self.tail.extend_from_slice(read.get(count.saturating_sub(KEPT_BYTES)..).unwrap_or_default());
                    let over = self.tail.len().saturating_sub(KEPT_BYTES);
                    self.tail.drain(..over);
                }
                None if left.is_zero() => bail!("{words:?} did not come: {}", String::from_utf8_lossy(&self.tail)),
                None => {}
            }
        }
    }

    /// Asks the shell until it answers: what is typed before it reads keys may be thrown away.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        self.settle(QUIET)?;
        for _ in 0..TRIES {
            self.keys("\u{15}echo RE''ADY\n")?;
            if self.until("READY", ANSWERS_WITHIN).is_ok() {
                return self.settle(QUIET);
            }
        }
        bail!("the shell does not answer: {}", String::from_utf8_lossy(&self.tail))
    }

    /// Types one key and waits for what it brings; how long that took. `None`: nothing came.
    pub fn key(&mut self, key: &str, within: Duration) -> anyhow::Result<Option<Duration>> {
        let began = Instant::now();
        self.keys(key)?;
        Ok(self.read(within)?.map(|_| began.elapsed()))
    }

    /// Reads whatever there is until nothing comes for a moment.
    pub fn settle(&mut self, quiet: Duration) -> anyhow::Result<()> {
        self.tail.clear();
        while let Some(count) = self.read(quiet)? {
            if count == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Drains until the program has ended.
    pub fn ends(mut self, within: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < within {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            if self.read(Duration::from_millis(50))? == Some(0) {
                // Its terminal is closed; it has a moment to end.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        bail!("the terminal's program did not end within {within:?}")
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
