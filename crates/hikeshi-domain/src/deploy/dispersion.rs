//! How much more the counts of a service scatter than independent requests would: one client that tries again makes five errors of one cause.
//!
//! Measured on the stable version before the canary gets its first request, never on the canary. What it is for is in [`super::evidence`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, lossy};

/// Minutes before the canary that are looked at, the latest ones.
pub const MINUTES_MAX: usize = 120;
/// With fewer minutes that had requests, or with fewer bad requests in them, nobody can tell how they scatter.
const MINUTES_MIN: u32 = 60;
const BAD_MIN: u64 = 10;
/// What is assumed then at least: clumps of five in the mean, of lengths that vary as they like, scatter nine times as much.
const UNKNOWN: f64 = 10.0;
/// An estimate that says that errors come in clumps is itself made of few clumps.
const CLUMPED: f64 = 1.2;
const MARGIN: f64 = 1.3;
const MOST: f64 = 1_000.0;

/// Variance by mean of counts in a minute; 1 where every request is by itself, never less.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(from = "f64", into = "f64")]
pub struct Dispersion(f64);

impl Dispersion {
    /// Of the stable version, one count a minute, the latest last. Too little history is taken for a bad one: evidence grows slowly then, and
    /// what is really broken is left to the guards.
    pub fn of(minutes: &[Counts]) -> Self {
        let latest = minutes.get(minutes.len().saturating_sub(MINUTES_MAX)..).unwrap_or(minutes);
        let used: Vec<Counts> = latest.iter().map(|counts| counts.bounded()).filter(|counts| counts.requests > 0).collect();
        let total = used.iter().fold(Counts::default(), |sum, counts| sum.plus(*counts));
        let measured = scatter(&used, total);
        let known = used.len() >= MINUTES_MIN as usize && total.bad >= BAD_MIN;
        Self::from(if known { measured } else { measured.max(UNKNOWN) })
    }

    pub fn value(self) -> f64 {
        self.0
    }
}

/// Of each minute against what its own requests would bring at the rate of all: with even traffic this is variance by mean, and with uneven
/// traffic the traffic itself is not taken for scatter.
fn scatter(used: &[Counts], total: Counts) -> f64 {
    let Some(rate) = total.share().filter(|rate| *rate > 0.0) else { return 1.0 };
    let squares: f64 = used
        .iter()
        .map(|counts| {
            let expected = lossy(counts.requests) * rate;
            (lossy(counts.bad) - expected).powi(2) / expected
        })
        .sum();
    let degrees = lossy(used.len().saturating_sub(1) as u64).max(1.0);
    let measured = squares / degrees;
    if measured > CLUMPED { measured * MARGIN } else { measured }
}

impl From<f64> for Dispersion {
    /// What is no number is the most there can be: it must not make anything look surer.
    fn from(value: f64) -> Self {
        Self(if value.is_nan() { MOST } else { value.clamp(1.0, MOST) })
    }
}

impl From<Dispersion> for f64 {
    fn from(dispersion: Dispersion) -> Self {
        dispersion.0
    }
}
