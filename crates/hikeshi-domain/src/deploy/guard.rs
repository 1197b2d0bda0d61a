//! What takes a deploy back at once, without anything to compare it with (rule R5): a burst of errors, a health gate that is lost, a budget that
//! burns, a guarded number that moves.
//!
//! What needs a comparison is in [`super::evidence`]; limits of burn rates are those of [`crate::monitor::burn`]. What could not be measured is
//! said, and is never a breach.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, lossy};
use crate::ids::GuardName;
use crate::monitor::burn::{PAIRS, Pair, rate};

/// What counts as just now.
pub const JUST_NOW: SignedDuration = SignedDuration::from_secs(10);
/// Fewer errors, or a smaller share of the requests, may be one client.
const SUDDEN_ERRORS: u64 = 5;
const SUDDEN_SHARE: f64 = 0.2;
/// In a window that has only begun, one error in sixty requests burns at sixteen times the even rate.
const BURNT_MIN: u64 = 5;
/// Guarded numbers of one deploy; the rest is not looked at, and said to be unmeasured.
pub const GUARDS_MAX: usize = 50;

/// What the canary did since the moment before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardMoment {
    /// When the counting ended.
    pub at: Timestamp,
    pub counts: Counts,
}

/// What the health gate says of the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthGate {
    Held,
    /// It had passed, and no target is well any more.
    Lost,
    /// Nobody could ask.
    Unmeasured,
}

/// Requests over the four windows of a burn rate; of a version that is younger than a window, what there is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurnCounts {
    /// The share of good requests that is promised, in percent.
    pub objective: f64,
    pub five_minutes: Counts,
    pub half_hour: Counts,
    pub hour: Counts,
    pub six_hours: Counts,
}

/// A number that must not move because of a deploy: the length of a queue, connections of a database, orders per minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideEffect {
    pub name: GuardName,
    pub bound: Bound,
}

/// Where it may not go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "bound", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "GuardBound")]
pub enum Bound {
    Above {
        limit: f64,
    },
    Below {
        limit: f64,
    },
    /// Above so many times what is usual, such as at the same hour of other days.
    AboveBaseline {
        factor: f64,
    },
    BelowBaseline {
        factor: f64,
    },
}

/// What a guard found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardReading {
    pub effect: SideEffect,
    /// Nothing where it could not be measured.
    #[serde(default)]
    pub value: Option<f64>,
    /// What is usual, for a bound that asks for it.
    #[serde(default)]
    pub baseline: Option<f64>,
}

/// Everything that guards look at, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardSignals {
    /// Moments of the canary; older ones than [`JUST_NOW`] may be among them.
    pub moments: Vec<GuardMoment>,
    pub health: HealthGate,
    /// Nothing where no objective is promised.
    #[serde(default)]
    pub burn: Option<BurnCounts>,
    #[serde(default)]
    pub readings: Vec<GuardReading>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "breach", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "GuardBreach")]
pub enum Breach {
    HealthLost,
    /// Too many errors just now.
    Sudden {
        counts: Counts,
    },
    Burns {
        over_long: BurnRate,
        over_short: BurnRate,
        limit: f64,
    },
    Moved {
        name: GuardName,
        value: f64,
        /// What it went beyond.
        limit: f64,
    },
}

/// How many times the even rate, over which window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurnRate {
    pub window_s: u32,
    pub rate: f64,
}

/// What was found at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guarded {
    /// What was crossed, the plainest first; any of them takes the deploy back.
    pub breaches: Vec<Breach>,
    /// Guards that could not tell.
    pub unmeasured: Vec<GuardName>,
    pub health_unmeasured: bool,
}

pub fn look(signals: &GuardSignals, now: Timestamp) -> Guarded {
    let mut found = Guarded { health_unmeasured: signals.health == HealthGate::Unmeasured, ..Guarded::default() };
    if signals.health == HealthGate::Lost {
        found.breaches.push(Breach::HealthLost);
    }
    found.breaches.extend(sudden(&signals.moments, now));
    if let Some(BurnCounts { objective, five_minutes, half_hour, hour, six_hours }) = signals.burn {
        let windows = [(hour, five_minutes), (six_hours, half_hour)];
        let too_fast = PAIRS.iter().zip(windows).filter_map(|(pair, (long, short))| burns(objective, pair, long, short));
        found.breaches.extend(too_fast);
    }
    for (index, reading) in signals.readings.iter().enumerate() {
        let name = reading.effect.name.clone();
        match measured(reading).filter(|_| index < GUARDS_MAX) {
            Some(Measured { value, limit, is_beyond: true }) => found.breaches.push(Breach::Moved { name, value, limit }),
            Some(_) => {}
            None => found.unmeasured.push(name),
        }
    }
    found
}

fn sudden(moments: &[GuardMoment], now: Timestamp) -> Option<Breach> {
    let recent = moments.iter().filter(|moment| moment.at <= now && now.duration_since(moment.at) < JUST_NOW);
    let counts = recent.fold(Counts::default(), |sum, moment| sum.plus(moment.counts.bounded())).bounded();
    (counts.bad >= SUDDEN_ERRORS && lossy(counts.bad) >= SUDDEN_SHARE * lossy(counts.requests)).then_some(Breach::Sudden { counts })
}

fn burns(objective: f64, pair: &Pair, long: Counts, short: Counts) -> Option<Breach> {
    let over_long = rate(long.share()?, objective)?;
    let over_short = rate(short.share()?, objective)?;
    let breach = Breach::Burns {
        over_long: BurnRate { window_s: pair.long.seconds, rate: over_long },
        over_short: BurnRate { window_s: pair.short.seconds, rate: over_short },
        limit: pair.limit,
    };
    (pair.is_too_fast(over_long, over_short) && long.bounded().bad >= BURNT_MIN).then_some(breach)
}

struct Measured {
    value: f64,
    limit: f64,
    is_beyond: bool,
}

fn measured(reading: &GuardReading) -> Option<Measured> {
    let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
    let value = finite(reading.value)?;
    // Of a usual nothing there are no multiples.
    let times = |factor: f64| finite(reading.baseline).filter(|baseline| *baseline > 0.0).map(|baseline| baseline * factor);
    let (limit, is_beyond) = match reading.effect.bound {
        Bound::Above { limit } => (limit, value > limit),
        Bound::Below { limit } => (limit, value < limit),
        Bound::AboveBaseline { factor } => times(factor).map(|limit| (limit, value > limit))?,
        Bound::BelowBaseline { factor } => times(factor).map(|limit| (limit, value < limit))?,
    };
    limit.is_finite().then_some(Measured { value, limit, is_beyond })
}
