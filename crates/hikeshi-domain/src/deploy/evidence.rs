//! How strongly what was counted speaks against a canary, and how strongly for it; it can be asked after every interval without becoming wrong
//! more often.
//!
//! Of the bad requests of both versions in an interval, those of the canary are binomial with its share of the requests, if it is no worse. Each
//! [`RATIOS`] is a bet that it is so many times worse; a bet that is lost in the mean while the canary is no worse, so that the mean of all bets
//! comes to 100 once in 100 canaries at most, however often one looks (Ville). Each step is divided by the [`Dispersion`]: what comes in clumps
//! speaks as loudly as its causes, not as its requests. A canary that is better loses every bet, so being different is no reason to go back.
//!
//! Passing takes evidence, too: bets that the canary is harmful ([`WORST_RATIO`] times as bad, and no better than [`TOLERABLE`]) are held against
//! it being like the stable version. Where neither is shown, it says how many requests are missing. What needs no comparison is in [`super::guard`].

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dispersion::Dispersion;
use super::{Counts, lossy};

/// How many times worse the canary might be.
const RATIOS: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];
/// Evidence that a canary fails at: one over the chance of taking a good one back.
pub const FAIL_AT: u32 = 100;
/// Evidence that it passes at: one over the chance of letting a harmful one go on.
pub const PASS_AT: u32 = 20;
/// A difference can be certain and yet too small to undo a security fix for.
const EFFECT_RATIO: f64 = 1.5;
const EFFECT_EXTRA: f64 = 3.0;
/// Whoever passes is not this many times as bad as the stable version, or hardly ever fails at all.
const WORST_RATIO: f64 = 2.0;
/// Failed requests below this share are no harm, whatever the stable version does: where nothing ever fails nobody could pass otherwise.
const TOLERABLE: f64 = 0.01;
/// What a canary is expected to be when it is held against that share.
const GOOD: f64 = TOLERABLE / 5.0;
/// Caches are cold and code is not compiled yet: what happens first says nothing of the version.
pub const WARM_UP: SignedDuration = SignedDuration::from_secs(60);
/// Where a sum of logarithms stops; `exp` of a tenth of it is beyond every number.
const LOG_MAX: f64 = 1e6;
/// As long as the canary has served few requests, the stable version's share stands in for so many of its own.
const PRIOR_REQUESTS: f64 = 50.0;
/// More is no answer to "how many are missing".
const MORE_MAX: f64 = 1e9;

/// What is compared. Slow is what takes longer than a quantile of the stable version, which whoever counts has fixed beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CanaryMetric")]
pub enum Metric {
    Errors,
    SlowerThanP95,
    SlowerThanP99,
}

/// Requests of one version in one interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmCounts {
    pub requests: u64,
    pub errors: u64,
    /// Slower than the stable version's p95, and than its p99; nothing where times are not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<SlowCounts>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowCounts {
    pub over_p95: u64,
    pub over_p99: u64,
}

impl ArmCounts {
    pub fn of(&self, metric: Metric) -> Option<Counts> {
        let bad = match metric {
            Metric::Errors => self.errors,
            Metric::SlowerThanP95 => self.slow?.over_p95,
            Metric::SlowerThanP99 => self.slow?.over_p99,
        };
        Some(Counts { requests: self.requests, bad }.bounded())
    }
}

/// What both versions did between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CanaryInterval")]
pub struct Interval {
    pub from: Timestamp,
    pub until: Timestamp,
    pub stable: ArmCounts,
    pub canary: ArmCounts,
}

/// What became of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CanaryIntervalTaken")]
pub enum Taken {
    Counted,
    /// The canary had only begun.
    WarmUp,
    /// It reaches back into what was counted before, or ends before it begins. Counted twice would be evidence twice.
    Overlapping,
}

/// How each metric scatters in the stable version; only these are compared. Fixed before the first request: a metric that is added because it
/// looks bad would be no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryBaseline {
    pub errors: Dispersion,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<SlowDispersion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowDispersion {
    pub over_p95: Dispersion,
    pub over_p99: Dispersion,
}

impl CanaryBaseline {
    /// Of the stable version's last minutes, the latest last. Times are compared if they were taken in any of them.
    pub fn of(minutes: &[ArmCounts]) -> Self {
        let of = |metric| {
            let counts: Vec<Counts> = minutes.iter().filter_map(|minute| minute.of(metric)).collect();
            Dispersion::of(&counts)
        };
        let timed = minutes.iter().any(|minute| minute.slow.is_some());
        let slow = timed.then(|| SlowDispersion { over_p95: of(Metric::SlowerThanP95), over_p99: of(Metric::SlowerThanP99) });
        Self { errors: of(Metric::Errors), slow }
    }
}

/// Everything that is known of one canary at one share of the traffic. A further share begins with evidence of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CanaryEvidence")]
pub struct Evidence {
    /// When the canary got its first request.
    pub since: Timestamp,
    counted_until: Option<Timestamp>,
    errors: Compared,
    over_p95: Option<Compared>,
    over_p99: Option<Compared>,
}

/// One metric of both versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Compared {
    metric: Metric,
    dispersion: Dispersion,
    stable: Counts,
    canary: Counts,
    /// Of each bet that the canary is worse, the logarithm of what it has grown to.
    worse: [f64; RATIOS.len()],
    /// The same of the bets against it being harmful: against the ratio, and against the share.
    not_worst: f64,
    tolerable: f64,
}

/// Why a canary goes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryFailure {
    /// The metric that speaks most strongly.
    pub metric: Metric,
    pub stable: Counts,
    pub canary: Counts,
    /// About how many bad requests the stable version would not have had.
    pub extra: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "CanaryVerdict")]
pub enum Verdict {
    Pass,
    Fail {
        why: CanaryFailure,
    },
    NotEnough {
        /// About how many more requests of the canary; nothing where more of the same would not settle it.
        more_requests: Option<u64>,
    },
}

/// A number beside the one at which it is enough: 37 of 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pub value: u32,
    pub of: u32,
}

impl Evidence {
    pub fn begin(since: Timestamp, baseline: &CanaryBaseline) -> Self {
        Self {
            since,
            counted_until: None,
            errors: Compared::new(Metric::Errors, baseline.errors),
            over_p95: baseline.slow.map(|slow| Compared::new(Metric::SlowerThanP95, slow.over_p95)),
            over_p99: baseline.slow.map(|slow| Compared::new(Metric::SlowerThanP99, slow.over_p99)),
        }
    }

    /// Takes what happened since the last interval.
    pub fn count(&mut self, interval: &Interval) -> Taken {
        let Interval { from, until, stable, canary } = interval;
        if until <= from || self.counted_until.is_some_and(|counted| *from < counted) {
            return Taken::Overlapping;
        }
        if from.duration_since(self.since) < WARM_UP {
            return Taken::WarmUp;
        }
        self.counted_until = Some(*until);
        for compared in [Some(&mut self.errors), self.over_p95.as_mut(), self.over_p99.as_mut()].into_iter().flatten() {
            if let (Some(stable), Some(canary)) = (stable.of(compared.metric), canary.of(compared.metric)) {
                compared.count(stable, canary);
            }
        }
        Taken::Counted
    }

    pub fn verdict(&self) -> Verdict {
        let failing = self.mean(|compared| if compared.has_effect() { compared.against() } else { 0.0 });
        if failing >= f64::from(FAIL_AT) {
            let worst = self.compared().filter(|compared| compared.has_effect()).max_by(|a, b| a.against().total_cmp(&b.against()));
            if let Some(why) = worst.map(Compared::failure) {
                return Verdict::Fail { why };
            }
        }
        if self.in_favour() >= f64::from(PASS_AT) {
            return Verdict::Pass;
        }
        let metrics = self.compared().fold(0.0, |count, _| count + 1.0);
        // Every metric has to pass, one is enough to fail.
        let pass = self.compared().map(Compared::until_pass).try_fold(0.0, |most, more| more.map(|more| f64::max(most, more)));
        let fail = self.compared().filter_map(|compared| compared.until_fail(metrics)).min_by(f64::total_cmp);
        let fewest = pass.into_iter().chain(fail).min_by(f64::total_cmp);
        Verdict::NotEnough { more_requests: fewest.filter(|more| *more <= MORE_MAX).map(|more| whole(more.max(1.0).ceil())) }
    }

    /// Against the canary: the mean of its metrics, which is evidence again.
    pub fn shown_against(&self) -> Shown {
        Shown { value: shown(self.mean(Compared::against)), of: FAIL_AT }
    }

    /// In favour of it: the metric that says least.
    pub fn shown_in_favour(&self) -> Shown {
        Shown { value: shown(self.in_favour()), of: PASS_AT }
    }

    /// What was counted of both, the stable version first.
    pub fn counted(&self, metric: Metric) -> Option<(Counts, Counts)> {
        self.compared().find(|compared| compared.metric == metric).map(|compared| (compared.stable, compared.canary))
    }

    fn compared(&self) -> impl Iterator<Item = &Compared> {
        [Some(&self.errors), self.over_p95.as_ref(), self.over_p99.as_ref()].into_iter().flatten()
    }

    fn in_favour(&self) -> f64 {
        self.compared().map(Compared::in_favour).fold(f64::INFINITY, f64::min)
    }

    fn mean(&self, of: impl Fn(&Compared) -> f64) -> f64 {
        let (sum, count) = self.compared().fold((0.0, 0.0), |(sum, count), compared| (sum + of(compared), count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    }
}

impl Compared {
    fn new(metric: Metric, dispersion: Dispersion) -> Self {
        let (stable, canary) = (Counts::default(), Counts::default());
        Self { metric, dispersion, stable, canary, worse: [0.0; RATIOS.len()], not_worst: 0.0, tolerable: 0.0 }
    }

    fn count(&mut self, stable: Counts, canary: Counts) {
        (self.stable, self.canary) = (self.stable.plus(stable), self.canary.plus(canary));
        let requests = lossy(stable.requests) + lossy(canary.requests);
        if requests <= 0.0 {
            return;
        }
        let share = lossy(canary.requests) / requests;
        let (own, all) = (lossy(canary.bad), lossy(canary.bad) + lossy(stable.bad));
        for (log, ratio) in self.worse.iter_mut().zip(RATIOS) {
            grow(log, bet(own, all, share, ratio), self.dispersion);
        }
        grow(&mut self.not_worst, -bet(own, all, share, WORST_RATIO), self.dispersion);
        grow(&mut self.tolerable, within(own, lossy(canary.requests)), self.dispersion);
    }

    /// The mean of the bets that it is worse.
    fn against(&self) -> f64 {
        mean_exp(&self.worse)
    }

    /// Against the worst ratio, and where it is about errors, also against the share that matters.
    fn in_favour(&self) -> f64 {
        match self.metric {
            Metric::Errors => mean_exp(&[self.not_worst, self.tolerable]),
            Metric::SlowerThanP95 | Metric::SlowerThanP99 => mean_exp(&[self.not_worst]),
        }
    }

    fn extra(&self) -> f64 {
        let usual = self.stable.share().unwrap_or(0.0);
        lossy(self.canary.bad) - lossy(self.canary.requests) * usual
    }

    fn has_effect(&self) -> bool {
        let (Some(own), Some(usual)) = (self.canary.share(), self.stable.share()) else { return false };
        own >= EFFECT_RATIO * usual && self.extra() >= EFFECT_EXTRA
    }

    fn failure(&self) -> CanaryFailure {
        CanaryFailure { metric: self.metric, stable: self.stable, canary: self.canary, extra: whole(self.extra().max(0.0)) }
    }

    /// What each further request of the canary brings in the mean: its own bad ones, those of both, and its share of all.
    fn pace(&self) -> Option<(f64, f64, f64)> {
        let usual = self.stable.share()?;
        let own = (lossy(self.canary.bad) + usual * PRIOR_REQUESTS) / (lossy(self.canary.requests) + PRIOR_REQUESTS);
        let (stable, canary) = (lossy(self.stable.requests), lossy(self.canary.requests).max(1.0));
        Some((own, own + usual * stable / canary, canary / (stable + canary)))
    }

    fn until_pass(&self) -> Option<f64> {
        let (own, all, share) = self.pace()?;
        let bets = if self.metric == Metric::Errors { 2.0 } else { 1.0 };
        // The bet that wins first has to pay for the other.
        let goal = (f64::from(PASS_AT) * bets).ln();
        let ratio = self.until(goal, self.not_worst, -bet(own, all, share, WORST_RATIO));
        let seldom = self.until(goal, self.tolerable, within(own, 1.0)).filter(|_| self.metric == Metric::Errors);
        ratio.into_iter().chain(seldom).min_by(f64::total_cmp)
    }

    fn until_fail(&self, metrics: f64) -> Option<f64> {
        let (own, all, share) = self.pace()?;
        // Here, too.
        let goal = (f64::from(FAIL_AT) * metrics * lossy(RATIOS.len() as u64)).ln();
        let bets = self.worse.iter().zip(RATIOS);
        bets.filter_map(|(log, ratio)| self.until(goal, *log, bet(own, all, share, ratio))).min_by(f64::total_cmp)
    }

    fn until(&self, goal: f64, log: f64, step: f64) -> Option<f64> {
        (step > 0.0).then(|| ((goal - log).max(0.0) * self.dispersion.value() / step).max(0.0))
    }
}

/// How the likelihood of `own` bad ones among `all` changes if the canary, which gets `share` of the requests, is `ratio` times as bad.
fn bet(own: f64, all: f64, share: f64, ratio: f64) -> f64 {
    own * ratio.ln() - all * (share * (ratio - 1.0)).ln_1p()
}

/// The same of a canary that fails seldom, against one that fails as often as can be tolerated.
fn within(own: f64, requests: f64) -> f64 {
    own * (GOOD / TOLERABLE).ln() + (requests - own).max(0.0) * ((1.0 - GOOD) / (1.0 - TOLERABLE)).ln()
}

fn grow(log: &mut f64, step: f64, dispersion: Dispersion) {
    *log = (*log + step / dispersion.value()).clamp(-LOG_MAX, LOG_MAX);
}

/// The mean of numbers of which the logarithms are given; never beyond what a number can be.
fn mean_exp(logs: &[f64]) -> f64 {
    let sum: f64 = logs.iter().map(|log| log.clamp(-LOG_MAX, 600.0).exp()).sum();
    sum / lossy(logs.len() as u64).max(1.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and what is no number becomes 0")]
fn whole(number: f64) -> u64 {
    number as u64
}

fn shown(evidence: f64) -> u32 {
    const SHOWN_MAX: f64 = 1e9;
    u32::try_from(whole(evidence.min(SHOWN_MAX))).unwrap_or(u32::MAX)
}
