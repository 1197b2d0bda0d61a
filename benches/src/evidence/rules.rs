//! Rules by which a canary is taken back. Each looks once a minute, from the first one on; ours leaves out that first minute, as it does in use.

use hikeshi_domain::deploy::dispersion::Dispersion;
use hikeshi_domain::deploy::evidence::{CanaryBaseline, Evidence, Interval, Verdict};
use jiff::{SignedDuration, Timestamp};

use super::table::float;
use super::traffic::{Minute, Run};

pub struct Rule {
    pub name: &'static str,
    pub words: &'static str,
    pub is_ours: bool,
    /// The minute at whose end the canary is taken back.
    pub back: fn(&Run) -> Option<u32>,
}

pub const RULES: [Rule; 7] = [
    Rule {
        name: "hikeshi",
        words: "sequential evidence of 100, divided by the dispersion of the two hours before, ratio of at least 1.5 and 3 extra errors",
        is_ours: true,
        back: |run| evidence(run, &CanaryBaseline::of(&run.before)),
    },
    Rule {
        name: "evidence, undivided",
        words: "the same without the division by the dispersion",
        is_ours: false,
        back: |run| evidence(run, &CanaryBaseline { errors: Dispersion::from(1.0), slow: None }),
    },
    Rule { name: "Argo-like", words: "less than 99 % success in one minute", is_ours: false, back: |run| threshold(run, 1) },
    Rule {
        name: "Flagger-like",
        words: "less than 99 % success in five minutes, in a row or not",
        is_ours: false,
        back: |run| threshold(run, 5),
    },
    Rule {
        name: "Mann-Whitney, repeated",
        words: "error shares of the minutes, one-sided p < 0.01, looked at every minute from the tenth on",
        is_ours: false,
        back: |run| (10..=run.minutes.len()).find(|count| is_shifted(run, *count)).and_then(minute),
    },
    Rule {
        name: "Mann-Whitney, once",
        words: "the same test once, after 50 minutes, as Kayenta wants it",
        is_ours: false,
        back: |run| Some(50).filter(|count| is_shifted(run, *count)).and_then(minute),
    },
    Rule {
        name: "two proportions, repeated",
        words: "z test of both shares so far, one-sided p < 0.01, looked at every minute",
        is_ours: false,
        back: two_proportions,
    },
];

/// The point of the normal distribution beyond which there is 1 %.
const Z: f64 = 2.326;

fn minute(count: usize) -> Option<u32> {
    u32::try_from(count).ok()
}

fn evidence(run: &Run, baseline: &CanaryBaseline) -> Option<u32> {
    let begin = Timestamp::UNIX_EPOCH;
    let mut evidence = Evidence::begin(begin, baseline);
    let at = |minutes: usize| begin + SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX));
    let failed = run.minutes.iter().enumerate().position(|(index, Minute { stable, canary })| {
        evidence.count(&Interval { from: at(index), until: at(index + 1), stable: *stable, canary: *canary });
        matches!(evidence.verdict(), Verdict::Fail { .. })
    });
    minute(failed? + 1)
}

fn threshold(run: &Run, failures: usize) -> Option<u32> {
    let is_bad = |minute: &Minute| minute.canary.requests > 0 && minute.canary.errors * 100 > minute.canary.requests;
    let bad = run.minutes.iter().enumerate().filter(|(_, minute)| is_bad(minute)).nth(failures - 1);
    minute(bad?.0 + 1)
}

fn two_proportions(run: &Run) -> Option<u32> {
    let (mut stable, mut canary) = ((0, 0), (0, 0));
    let found = run.minutes.iter().position(|minute| {
        stable = (stable.0 + minute.stable.requests, stable.1 + minute.stable.errors);
        canary = (canary.0 + minute.canary.requests, canary.1 + minute.canary.errors);
        let (n, m) = (real(stable.0), real(canary.0));
        let pooled = (real(stable.1) + real(canary.1)) / (n + m);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        error > 0.0 && (real(canary.1) / m - real(stable.1) / n) / error > Z
    });
    minute(found? + 1)
}

/// The normal approximation of the U test with its correction for ties: whether the canary's shares lie higher.
fn is_shifted(run: &Run, count: usize) -> bool {
    let share = |requests: u64, errors: u64| real(errors) / real(requests.max(1));
    let minutes = run.minutes.iter().take(count);
    let mut shares: Vec<(f64, bool)> = minutes
        .flat_map(|Minute { stable, canary }| {
            [(share(stable.requests, stable.errors), false), (share(canary.requests, canary.errors), true)]
        })
        .collect();
    shares.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut before, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    for alike in shares.chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq()) {
        let size = float(alike.len());
        let own = float(alike.iter().filter(|(_, is_canary)| *is_canary).count());
        ranks += own * (before + (size + 1.0) / 2.0);
        ties += size.powi(3) - size;
        before += size;
    }
    let each = float(count);
    let u = ranks - each * (each + 1.0) / 2.0;
    let variance = each * each / 12.0 * (before + 1.0 - ties / (before * (before - 1.0)));
    variance > 0.0 && (u - each * each / 2.0 - 0.5) / variance.sqrt() > Z
}

#[expect(clippy::cast_precision_loss, reason = "counts of two hours")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use hikeshi_domain::deploy::evidence::ArmCounts;

    use super::*;

    fn run(of: impl Fn(u64) -> (u64, u64)) -> Run {
        let arm = |errors| ArmCounts { requests: 1_000, errors, slow: None };
        let minutes = (0..60).map(of).map(|(stable, canary)| Minute { stable: arm(stable), canary: arm(canary) });
        Run { before: vec![arm(2); 120], minutes: minutes.collect() }
    }

    #[test]
    fn every_rule_finds_what_is_plain_and_leaves_what_is_alike() {
        let (bad, alike) = (run(|minute| (2, 40 + minute % 3)), run(|minute| (2 + minute % 3, 2 + minute % 3)));
        for rule in &RULES {
            assert!((rule.back)(&bad).is_some_and(|minute| minute <= 50), "{}", rule.name);
            assert_eq!((rule.back)(&alike), None, "{}", rule.name);
        }
    }
}
