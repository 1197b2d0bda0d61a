//! What one version has answered, counted without a lock: for whoever judges whether it is worse than the one before.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;

/// Four buckets for each doubling from 0.1 ms on: a quantile is read to within a fifth, up to 104 s.
const BUCKETS: usize = 80;
const FIRST_MICROS: f64 = 100.0;

/// Why there is no answer of the target. Each counts as an answer 5xx of its version, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// No connection.
    Unreachable,
    /// The connection ended, or what came was no HTTP.
    Broken,
    /// Nothing came within the limit.
    Late,
    /// The version was taken out, and the time for what was under way was over.
    Cut,
}

impl Trouble {
    pub const ALL: [Self; 4] = [Self::Unreachable, Self::Broken, Self::Late, Self::Cut];

    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::Late => "late",
            Self::Cut => "cut",
        }
    }
}

#[derive(Debug)]
pub struct Counts {
    /// By the first figure of the status, 1xx to 5xx.
    answered: [AtomicU64; 5],
    troubles: [AtomicU64; 4],
    /// Whoever asked went away before there was an answer: says nothing about the version.
    left: AtomicU64,
    upgraded: AtomicU64,
    /// From the request to the head of the answer.
    slow: [AtomicU64; BUCKETS],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            answered: Default::default(),
            troubles: Default::default(),
            left: AtomicU64::new(0),
            upgraded: AtomicU64::new(0),
            slow: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Counts {
    pub fn answer(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        add(self.answered.get(class));
        add(self.slow.get(bucket(took)));
    }

    pub fn trouble(&self, trouble: Trouble, took: Duration) {
        add(self.troubles.get(trouble as usize));
        self.answer(502, took);
    }

    pub fn left(&self) {
        add(Some(&self.left));
    }

    pub fn upgraded(&self) {
        add(Some(&self.upgraded));
    }

    pub fn read(&self) -> Figures {
        Figures {
            answered: self.answered.each_ref().map(|count| count.load(Relaxed)),
            troubles: self.troubles.each_ref().map(|count| count.load(Relaxed)),
            left: self.left.load(Relaxed),
            upgraded: self.upgraded.load(Relaxed),
            slow: self.slow.iter().map(|count| count.load(Relaxed)).collect(),
        }
    }
}

fn add(count: Option<&AtomicU64>) {
    if let Some(count) = count {
        count.fetch_add(1, Relaxed);
    }
}

fn bucket(took: Duration) -> usize {
    let above = took.as_secs_f64() * 1e6 / FIRST_MICROS;
    if above <= 1.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and some hundreds, and bounded below")]
    let number = (above.log2() * 4.0).ceil() as usize;
    number.min(BUCKETS - 1)
}

/// Upper bound of a bucket, in seconds.
fn bound(number: usize) -> f64 {
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    FIRST_MICROS / 1e6 * (f64::from(number) / 4.0).exp2()
}

/// One moment of [`Counts`]. They only grow while the process lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub answered: [u64; 5],
    pub troubles: [u64; 4],
    pub left: u64,
    pub upgraded: u64,
    pub slow: Vec<u64>,
}

/// As it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub requests: u64,
    /// 5xx, with those that the proxy had to make.
    pub errors: u64,
    pub status_1xx: u64,
    pub status_2xx: u64,
    pub status_3xx: u64,
    pub status_4xx: u64,
    pub status_5xx: u64,
    pub unreachable: u64,
    pub broken: u64,
    pub late: u64,
    pub cut: u64,
    pub left: u64,
    pub upgraded: u64,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Upper bound in milliseconds and count of each bucket that is not empty.
    pub slow_ms: Vec<(f64, u64)>,
}

impl Figures {
    pub fn requests(&self) -> u64 {
        self.answered.iter().sum()
    }

    /// Within which time this share of the answers began; the upper bound of its bucket.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all: u64 = self.slow.iter().sum();
        if all == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
        let wanted = all as f64 * share;
        let mut seen = 0_u64;
        for (number, count) in self.slow.iter().enumerate() {
            seen += count;
            #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
            if seen as f64 >= wanted {
                return Some(bound(number));
            }
        }
        None
    }

    pub fn shown(&self) -> Shown {
        let [status_1xx, status_2xx, status_3xx, status_4xx, status_5xx] = self.answered;
        let [unreachable, broken, late, cut] = self.troubles;
        let at = |share| self.quantile(share).map(|seconds| (seconds * 1e6).round() / 1e3);
        let filled = self.slow.iter().enumerate().filter(|(_, count)| **count > 0);
        Shown {
            requests: self.requests(),
            errors: status_5xx,
            status_1xx,
            status_2xx,
            status_3xx,
            status_4xx,
            status_5xx,
            unreachable,
            broken,
            late,
            cut,
            left: self.left,
            upgraded: self.upgraded,
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            slow_ms: filled.map(|(number, count)| ((bound(number) * 1e6).round() / 1e3, *count)).collect(),
        }
    }

    /// In Prometheus' text form, with these labels: `route="shop",version="v1",arm="stable"`.
    pub fn metrics(&self, labels: &str, into: &mut String) {
        let mut line = |name: &str, more: &str, count: u64| into.push_str(&format!("hikeshi_proxy_{name}{{{labels}{more}}} {count}\n"));
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(self.answered) {
            line("answers_total", &format!(",status=\"{class}\""), count);
        }
        for (trouble, count) in Trouble::ALL.iter().zip(self.troubles) {
            line("troubles_total", &format!(",kind=\"{}\"", trouble.word()), count);
        }
        line("left_total", "", self.left);
        line("upgraded_total", "", self.upgraded);
        let mut below = 0;
        for (number, count) in self.slow.iter().enumerate() {
            below += count;
            // Every doubling is enough for a chart, and keeps a scrape small.
            if number % 4 == 0 {
                line("answer_seconds_bucket", &format!(",le=\"{}\"", bound(number)), below);
            }
        }
        line("answer_seconds_bucket", ",le=\"+Inf\"", below);
        line("answer_seconds_count", "", below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_read_to_within_a_fifth() {
        let counts = Counts::default();
        for micros in 1..=10_000 {
            counts.answer(200, Duration::from_micros(micros * 10));
        }
        let figures = counts.read();
        for (share, real) in [(0.5, 0.050), (0.95, 0.095), (0.99, 0.099)] {
            let read = figures.quantile(share).expect("counted");
            assert!(read >= real && read < real * 1.2, "{share}: {read} for {real}");
        }
        assert_eq!(figures.requests(), 10_000);
    }

    #[test]
    fn what_takes_no_time_and_what_takes_for_ever_is_counted() {
        let counts = Counts::default();
        counts.answer(0, Duration::ZERO);
        counts.answer(999, Duration::from_secs(100_000));
        counts.trouble(Trouble::Late, Duration::from_secs(60));
        let shown = counts.read().shown();
        assert_eq!((shown.requests, shown.status_1xx, shown.errors, shown.late), (3, 1, 2, 1));
    }
}
