//! A witnessed terminal beside the recorders of others, in one run: floods, single keys, fifty watchers, a long session, an hour's work.
//!
//! Each question is a part of its own and keeps what it measured in the directory, so that a noisy round can be made again. The released
//! binary is measured from outside, with a real server and two witnesses who sign.

mod bulk;
mod crowd;
mod echo;
mod hour;
mod late;
mod night;
mod process;
mod recorders;
mod rounds;
mod stream;
mod watcher;
mod window;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::Row;

pub use crowd::clock;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Bulk output beside `script`, tlog and asciinema.
    Bulk,
    /// The echo of a key beside them, and when somebody who watches sees it.
    Echo,
    /// Fifty watching one session.
    Crowd,
    /// Joining after four hours.
    Late,
    /// An hour of ordinary work, beside them.
    Hour,
    /// A gigabyte, compared byte by byte with what was printed.
    Stream,
}

impl Question {
    /// In the order of the report.
    pub const PARTS: [&'static str; 6] =
        ["session-bulk", "session-echo", "session-crowd", "session-late", "session-hour", "session-stream"];

    pub fn part(self) -> &'static str {
        match self {
            Self::Bulk => "session-bulk",
            Self::Echo => "session-echo",
            Self::Crowd => "session-crowd",
            Self::Late => "session-late",
            Self::Hour => "session-hour",
            Self::Stream => "session-stream",
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Asked {
    #[arg(value_enum)]
    question: Question,
    /// The release binary.
    #[arg(long)]
    binary: PathBuf,
    /// An asciinema to be measured beside; may be given for each version.
    #[arg(long)]
    asciinema: Vec<PathBuf>,
    /// Rounds that there should be in the end, with those that the directory has already.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Size of a flood, and of the stream.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// How long there is work before it is reckoned up to an hour.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

pub fn measure(dir: &Path, asked: &Asked) -> anyhow::Result<(&'static str, Vec<Row>)> {
    let dir = dir.canonicalize()?;
    let binary = asked.binary.canonicalize()?;
    let recorders = recorders::all(&asked.asciinema);
    let rows = match asked.question {
        Question::Bulk => bulk::measure(&dir, &binary, &recorders, asked.rounds, asked.megabytes),
        Question::Echo => echo::measure(&dir, &binary, &recorders, asked.rounds),
        Question::Crowd => crowd::measure(&dir, &binary),
        Question::Late => late::measure(&dir, &binary),
        Question::Hour => hour::measure(&dir, &binary, &recorders, asked.seconds),
        Question::Stream => stream::measure(&dir, &binary, asked.megabytes),
    }?;
    Ok((asked.question.part(), rows))
}
