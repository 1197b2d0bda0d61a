//! What a deploy is judged by while two versions run side by side (rules R4, R5): the new one, the canary, and the stable one.
//!
//! [`evidence`] holds the canary against the stable version and says pass, fail, or how many requests are still missing; [`dispersion`] says how
//! much such counts scatter by themselves; [`guard`] needs no comparison and acts within seconds. Not here: who counts (the proxy, the monitors),
//! what a verdict sets going, and any sentence for people. Nothing here knows what time it is: whoever counts says when.
//!
//! Next: `docs/decisions/0031-canary-evidence.md` for why it is so, `docs/benchmarks-evidence.md` for how often it is wrong.

pub mod dispersion;
pub mod evidence;
pub mod guard;
#[cfg(test)]
mod simulated_tests;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// More than anybody serves between two looks; what claims to be more is taken for this.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// Requests of one version, and how many of them were bad: failed, or slower than a threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RequestCounts")]
pub struct Counts {
    pub requests: u64,
    pub bad: u64,
}

impl Counts {
    /// No more bad ones than requests, and no more of either than there can be: counters of a program that was replaced jump.
    #[must_use]
    pub fn bounded(self) -> Self {
        let requests = self.requests.min(COUNT_MAX);
        Self { requests, bad: self.bad.min(requests) }
    }

    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self { requests: self.requests.saturating_add(more.requests), bad: self.bad.saturating_add(more.bad) }
    }

    /// From 0 to 1; nothing where nothing was asked.
    pub fn share(self) -> Option<f64> {
        let Self { requests, bad } = self.bounded();
        (requests > 0).then(|| lossy(bad) / lossy(requests))
    }
}

/// What is lost beyond 2^53 does not matter to a share.
fn lossy(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
