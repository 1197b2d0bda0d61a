//! When the error budget of an objective is spent too fast: the two pairs of windows of Google's SRE workbook. Who measures the share of bad
//! events, and of what, is not known here.

/// A window of time, by the name that it has in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub name: &'static str,
    pub seconds: u32,
}

/// A long window, a short one that says that it still goes on, and how many times the even rate is too fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub long: Window,
    pub short: Window,
    pub limit: f64,
}

pub const PAIRS: [Pair; 2] = [
    Pair { long: Window { name: "1h", seconds: 3_600 }, short: Window { name: "5m", seconds: 300 }, limit: 14.4 },
    Pair { long: Window { name: "6h", seconds: 21_600 }, short: Window { name: "30m", seconds: 1_800 }, limit: 6.0 },
];

impl Pair {
    pub fn is_too_fast(&self, over_long: f64, over_short: f64) -> bool {
        over_long >= self.limit && over_short >= self.limit
    }
}

/// How many times faster than evenly the budget is spent. Nothing where the objective leaves no budget, or the share is no number.
pub fn rate(bad_share: f64, objective_percent: f64) -> Option<f64> {
    let budget = 1.0 - objective_percent / 100.0;
    let rate = bad_share / budget;
    (budget > 0.0 && rate.is_finite()).then_some(rate)
}
