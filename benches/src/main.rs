//! Measurements of hikeshi beside the limits of the disk and the databases under it, in one run: machines are noisy, ratios are not.
//!
//! `benches/run` is the one command: it starts a PostgreSQL of its own, runs every part, and writes `docs/benchmarks.md` with its plot.
//! Parts: [`door`] (durable commands per second), [`ledger`] (verification), [`pages`] (a server with a long past), [`files`] (a large target),
//! [`alerts`] (from alerts to pages, by `benches/alerts.sh`), [`evidence`] (canaries, by `benches/evidence.sh`), [`session`] (a witnessed terminal beside other recorders, by
//! `benches/sessions`), [`sweep`] (hundreds of kills, by `benches/kill-sweep`), [`similar`] (searching what is past), [`report`] (table and
//! plot).

mod alerts;
mod door;
mod evidence;
mod files;
mod ledger;
mod pages;
mod raw;
mod report;
mod server;
mod session;
mod similar;
mod sweep;
mod team;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde::{Deserialize, Serialize};

#[derive(Parser)]
#[command(about, max_term_width = 120)]
struct Args {
    /// Directory on the disk that is to be measured; results are kept there as JSON.
    #[arg(long)]
    dir: PathBuf,
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Durable commands per second through the door, beside fdatasync, raw inserts and bare transactions.
    Door {
        /// `postgres://` URL of a server with fsync on.
        #[arg(long)]
        postgres: String,
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        #[arg(long, default_value_t = 3)]
        rounds: u32,
    },
    /// Verification of a large ledger.
    Ledger {
        #[arg(long, default_value_t = 1_000_000)]
        entries: u64,
    },
    /// Views of a server with many incidents and entries, one viewer at a time and eight at once.
    Pages {
        #[arg(long, default_value_t = 100_000)]
        incidents: u64,
        #[arg(long, default_value_t = 1_000_000)]
        entries: u64,
        /// The release binary, for start time and memory and for pages over HTTP.
        #[arg(long)]
        binary: PathBuf,
    },
    /// A witnessed terminal beside the recorders of others.
    Session(session::Asked),
    /// Prints lines that say when they were printed; what the measured session runs.
    #[command(hide = true)]
    Clock {
        #[arg(long)]
        lines: u32,
        #[arg(long)]
        every_ms: u64,
    },
    /// Files under a large target's root: before the first command, and after each.
    Files {
        /// The release binary, which becomes the supervisor.
        #[arg(long)]
        binary: PathBuf,
        #[arg(long, default_value_t = 100_000)]
        files: u64,
        #[arg(long, default_value_t = 4_096)]
        bytes_each: usize,
    },
    /// Past incidents like the one that burns.
    Similar {
        #[arg(long, default_value_t = 100_000)]
        pasts: usize,
        #[arg(long, default_value_t = 50)]
        rounds: u32,
    },
    /// Alerts that were accepted, and processes that die: which pages arrive, beside Alertmanager.
    AlertsCrash(alerts::crash::Asked),
    /// From alert to page, beside Alertmanager.
    AlertsSpeed(alerts::speed::Asked),
    /// Canaries, good and bad, simulated: which rules take them back, and when. Writes its own report.
    Evidence(evidence::Asked),
    /// Kills (-9) the rehearsal at many moments, continues it each time, and prints what held.
    Sweep {
        #[arg(long)]
        binary: PathBuf,
        /// `postgres://` URL; without it, SQLite.
        #[arg(long)]
        postgres: Option<String>,
        #[arg(long, default_value_t = 200)]
        kills: u32,
        #[arg(long, default_value_t = 20_261_122)]
        seed: u64,
    },
    /// Writes the table and the plot from what the other parts measured.
    Report {
        /// The report on sessions instead.
        #[arg(long)]
        sessions: bool,
        /// The report on alerts instead.
        #[arg(long)]
        alerts: bool,
        #[arg(long)]
        markdown: PathBuf,
        #[arg(long)]
        plot: PathBuf,
    },
}

/// One measured row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub group: String,
    pub name: String,
    /// Per second, or the unit that `unit` says.
    pub value: f64,
    pub unit: String,
    pub p50_ms: Option<f64>,
    #[serde(default)]
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Name of the row of the same group that this one is held against, and how many times it.
    pub against: Option<(String, f64)>,
    pub goal: Option<String>,
    pub met: Option<bool>,
    /// The least and the most of the rounds.
    #[serde(default)]
    pub between: Option<(f64, f64)>,
    /// Why there is no value.
    #[serde(default)]
    pub missing: Option<String>,
}

impl Row {
    pub fn new(group: &str, name: &str, value: f64, unit: &str) -> Self {
        let (group, name, unit) = (group.to_owned(), name.to_owned(), unit.to_owned());
        Self {
            group,
            name,
            value,
            unit,
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
            against: None,
            goal: None,
            met: None,
            between: None,
            missing: None,
        }
    }

    /// Something that could not be measured here is said, and not left out.
    pub fn missing(group: &str, name: &str, why: &str) -> Self {
        Self { missing: Some(why.to_owned()), ..Self::new(group, name, 0.0, "") }
    }

    /// Percentiles in milliseconds.
    pub fn at(mut self, p50: f64, p95: f64, p99: f64) -> Self {
        (self.p50_ms, self.p95_ms, self.p99_ms) = (Some(p50), Some(p95), Some(p99));
        self
    }

    pub fn between(mut self, all: &[f64]) -> Self {
        self.between = Some((all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(0.0, f64::max)));
        self
    }

    pub fn with_latency(mut self, mut took: Vec<Duration>) -> Self {
        took.sort();
        self.p50_ms = percentile(&took, 50).map(ms);
        self.p99_ms = percentile(&took, 99).map(ms);
        self
    }

    /// Holds this row against another of the same run.
    pub fn against(mut self, name: &str, value: f64, at_least: f64) -> Self {
        let ratio = self.value / value;
        self.against = Some((name.to_owned(), ratio));
        self.goal = Some(format!("≥ {at_least} × {name}"));
        self.met = Some(ratio >= at_least);
        self
    }

    pub fn goal(mut self, words: &str, met: bool) -> Self {
        self.goal = Some(words.to_owned());
        self.met = Some(met);
        self
    }
}

pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * percent / 100).copied()
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.dir)?;
    let (name, rows) = match args.part {
        Part::Door { postgres, seconds, rounds } => {
            ("door", door::measure(&args.dir, &postgres, Duration::from_secs_f64(seconds), rounds)?)
        }
        Part::Ledger { entries } => ("ledger", ledger::measure(&args.dir, entries)?),
        Part::Pages { incidents, entries, binary } => ("pages", pages::measure(&args.dir, incidents, entries, &binary)?),
        Part::Files { binary, files, bytes_each } => ("files", files::measure(&args.dir, &binary, files, bytes_each)?),
        Part::Similar { pasts, rounds } => ("similar", similar::measure(pasts, rounds)?),
        Part::Sweep { binary, postgres, kills, seed } => return sweep::sweep(&args.dir, &binary, postgres.as_deref(), kills, seed),
        Part::Session(asked) => session::measure(&args.dir, &asked)?,
        Part::Clock { lines, every_ms } => return session::clock(lines, every_ms),
        Part::Evidence(asked) => return evidence::measure(&asked),
        Part::AlertsCrash(asked) => return alerts::crash::measure(&args.dir, &asked),
        Part::AlertsSpeed(asked) => ("alerts-speed", alerts::speed::measure(&args.dir, &asked)?),
        Part::Report { alerts: true, markdown, plot, .. } => return alerts::report(&args.dir, &markdown, &plot),
        Part::Report { sessions, markdown, plot, .. } => {
            let about = if sessions { &report::SESSIONS } else { &report::LIMITS };
            return report::write(&args.dir, about, "", &markdown, &plot);
        }
    };
    report::print(&rows)?;
    std::fs::write(args.dir.join(format!("{name}.json")), serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}
