//! Canaries by the hundred, with errors that come one by one and errors that come in clumps: how often a good one is taken back, and how soon a
//! bad one. The same seed is the same run; the full table, beside the rules of others, is made by `benches/evidence.sh`.

use jiff::{SignedDuration, Timestamp};

use super::evidence::{ArmCounts, CanaryBaseline, Evidence, Interval, Verdict};
use crate::simulation::Dice;

const RUNS: u32 = 300;
const MINUTES: u32 = 120;
const LOOK_S: u32 = 20;
/// How errors come. Clumps have five in the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scatter {
    Alone,
    ToNine,
    /// Now and then twenty of one cause: this scatters half as much again.
    AnyLength,
}

const CLUMP: f64 = 5.0;

#[derive(Debug, Clone, Copy)]
struct Cell {
    per_second: f64,
    canary_share: f64,
    stable: f64,
    canary: f64,
    scatter: Scatter,
    history_min: u32,
}

fn uniform(dice: &mut Dice) -> f64 {
    (f64::from(u32::try_from(dice.roll(1 << 31)).expect("31 bits")) + 0.5) / f64::from(1_u32 << 31)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number that is not negative")]
fn poisson(dice: &mut Dice, mean: f64) -> u64 {
    if mean > 30.0 {
        let normal = (-2.0 * uniform(dice).ln()).sqrt() * (std::f64::consts::TAU * uniform(dice)).cos();
        return (mean + mean.sqrt() * normal).round().max(0.0) as u64;
    }
    let (mut count, mut left) = (0, uniform(dice));
    while left > (-mean).exp() {
        (count, left) = (count + 1, left * uniform(dice));
    }
    count
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number that is not negative")]
fn arm(dice: &mut Dice, cell: &Cell, requests: f64, rate: f64) -> ArmCounts {
    let (count, mean) = (poisson(dice, requests), requests * rate);
    let clumps = if cell.scatter == Scatter::Alone { 0 } else { poisson(dice, mean / CLUMP) };
    let errors: u64 = match cell.scatter {
        Scatter::Alone => poisson(dice, mean),
        Scatter::ToNine => (0..clumps).map(|_| 1 + dice.roll(9)).sum(),
        Scatter::AnyLength => (0..clumps).map(|_| 1 + (uniform(dice).ln() / (1.0 - 1.0 / CLUMP).ln()) as u64).sum(),
    };
    ArmCounts { requests: count, errors: errors.min(count), slow: None }
}

/// When it is taken back, in seconds since the canary began; and whether it passed before that, or at all.
fn run(dice: &mut Dice, cell: &Cell) -> (Option<u32>, bool) {
    let minutes: Vec<ArmCounts> = (0..cell.history_min).map(|_| arm(dice, cell, cell.per_second * 60.0, cell.stable)).collect();
    let begin = Timestamp::UNIX_EPOCH;
    let mut evidence = Evidence::begin(begin, &CanaryBaseline::of(&minutes));
    let mut passed = false;
    for look in 0..MINUTES * 60 / LOOK_S {
        let at = |looks: u32| begin + SignedDuration::from_secs(i64::from(looks * LOOK_S));
        let requests = cell.per_second * f64::from(LOOK_S);
        let stable = arm(dice, cell, requests * (1.0 - cell.canary_share), cell.stable);
        let canary = arm(dice, cell, requests * cell.canary_share, cell.canary);
        evidence.count(&Interval { from: at(look), until: at(look + 1), stable, canary });
        match evidence.verdict() {
            Verdict::Fail { .. } => return (Some((look + 1) * LOOK_S), passed),
            Verdict::Pass => passed = true,
            Verdict::NotEnough { .. } => {}
        }
    }
    (None, passed)
}

struct Seen {
    /// Of the runs that were taken back, in seconds.
    times: Vec<u32>,
    passed: usize,
}

impl Seen {
    fn of(cell: Cell, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let runs: Vec<(Option<u32>, bool)> = (0..RUNS).map(|_| run(&mut dice, &cell)).collect();
        let mut times: Vec<u32> = runs.iter().filter_map(|(time, _)| *time).collect();
        times.sort_unstable();
        let seen = Self { times, passed: runs.iter().filter(|(_, passed)| *passed).count() };
        println!("{cell:?}: {} taken back, median {:?} s; {} passed; of {RUNS}", seen.times.len(), seen.median(), seen.passed);
        seen
    }

    /// Of all runs: what is never taken back counts as for ever.
    fn median(&self) -> Option<u32> {
        self.times.get(RUNS as usize / 2).copied()
    }
}

fn alike(per_second: f64, canary_share: f64, rate: f64, scatter: Scatter) -> Cell {
    Cell { per_second, canary_share, stable: rate, canary: rate, scatter, history_min: 120 }
}

/// 0.6 %, and what so few runs scatter around it: three times the root of what is expected.
const FALSE_MAX: usize = 6;

#[test]
fn a_canary_that_is_no_worse_is_hardly_ever_taken_back() {
    for scatter in [Scatter::Alone, Scatter::AnyLength] {
        let cells = [alike(2.0, 0.1, 0.002, scatter), alike(20.0, 0.1, 0.01, scatter), alike(200.0, 0.05, 0.002, scatter)];
        for (seed, cell) in (11_u64..).zip(cells) {
            let seen = Seen::of(cell, seed);
            assert!(seen.times.len() <= FALSE_MAX, "{} of {RUNS} good canaries were taken back", seen.times.len());
        }
    }
}

#[test]
fn without_history_errors_are_taken_for_clumps() {
    let cell = Cell { history_min: 0, ..alike(20.0, 0.1, 0.01, Scatter::AnyLength) };
    let seen = Seen::of(cell, 21);
    assert!(seen.times.len() <= FALSE_MAX, "{} of {RUNS} good canaries were taken back", seen.times.len());
}

#[test]
fn a_canary_that_is_much_worse_is_taken_back_soon() {
    for (per_second, canary_share, median_s) in [(20.0, 0.1, 420), (200.0, 0.05, 120)] {
        for scatter in [Scatter::Alone, Scatter::ToNine] {
            let cell = Cell { canary: 0.05, ..alike(per_second, canary_share, 0.002, scatter) };
            let seen = Seen::of(cell, 31);
            assert!(seen.median().is_some_and(|median| median <= median_s), "{:?} s at {per_second} a second", seen.median());
            assert_eq!(seen.times.len(), RUNS as usize, "everyone is found in the end");
        }
    }
}

#[test]
fn a_good_canary_passes_and_a_harmful_one_hardly_ever() {
    let seen = Seen::of(alike(20.0, 0.1, 0.01, Scatter::Alone), 41);
    assert!(seen.passed >= RUNS as usize * 9 / 10, "{} of {RUNS} good ones passed", seen.passed);
    for scatter in [Scatter::Alone, Scatter::AnyLength] {
        // Twice as bad, and more than can be tolerated: 5 %, and what so few runs scatter.
        let seen = Seen::of(Cell { canary: 0.02, ..alike(20.0, 0.1, 0.01, scatter) }, 43);
        assert!(seen.passed <= RUNS as usize * 8 / 100, "{} of {RUNS} harmful ones passed", seen.passed);
    }
}
