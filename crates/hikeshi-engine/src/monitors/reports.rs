//! What this node measured last. Kept in memory only: after a restart nothing is known until it is measured again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::MonitorName;
use hikeshi_domain::monitor::{Measured, NewPattern, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Looks of one monitor that are remembered.
pub const POINTS_MAX: usize = 120;

#[derive(Debug, Default)]
pub(crate) struct Reports {
    last: Mutex<BTreeMap<MonitorName, Kept>>,
}

#[derive(Debug)]
struct Kept {
    report: Report,
    measured: Instant,
    /// After this long it says nothing about now.
    valid: Duration,
    points: VecDeque<Point>,
}

/// What the last look says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) verdict: Verdict,
    /// Since when every look has said so.
    pub(crate) since: Timestamp,
    pub(crate) seen: String,
    pub(crate) new: Vec<NewPattern>,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub at: Timestamp,
    pub verdict: Verdict,
    /// What was measured, where it is a number: milliseconds for an address, otherwise what the monitor's limits are about.
    pub value: Option<f64>,
}

impl Reports {
    /// `None`: not measured lately by this node.
    pub(crate) fn of(&self, monitor: &MonitorName) -> Option<Report> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(monitor).filter(|kept| kept.measured.elapsed() <= kept.valid).map(|kept| kept.report.clone())
    }

    /// The latest looks, oldest first.
    pub(crate) fn points(&self, monitor: &MonitorName) -> Vec<Point> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(monitor).map(|kept| kept.points.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn note(&self, monitor: &MonitorName, measured: &Measured, at: Timestamp, valid: Duration) {
        let Measured { verdict, seen, value, new, passing: _ } = measured;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.remove(monitor);
        let since = before.as_ref().filter(|kept| kept.report.verdict == *verdict).map_or(at, |kept| kept.report.since);
        let mut points = before.map(|kept| kept.points).unwrap_or_default();
        while points.len() >= POINTS_MAX {
            points.pop_front();
        }
        points.push_back(Point { at, verdict: *verdict, value: *value });
        let report = Report { verdict: *verdict, since, seen: seen.clone(), new: new.clone() };
        last.insert(monitor.clone(), Kept { report, measured: Instant::now(), valid, points });
    }

    /// What is measured in another way now, or not at all, is forgotten.
    pub(super) fn keep_only(&self, same: impl Fn(&MonitorName) -> bool) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| same(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_looks_are_remembered_and_no_more() {
        let (reports, name) = (Reports::default(), MonitorName::new("api").expect("a name"));
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        for second in 0..300 {
            let verdict = if second < 250 { Verdict::Passed } else { Verdict::Unmeasured };
            let measured = Measured { verdict, ..Measured::passed(second.to_string()) };
            reports.note(&name, &measured, at(second), Duration::from_secs(60));
        }
        let points = reports.points(&name);
        assert_eq!((points.len(), points[0].at, points[POINTS_MAX - 1].at), (POINTS_MAX, at(180), at(299)));
        let last = reports.of(&name).expect("measured");
        assert_eq!(last, Report { verdict: Verdict::Unmeasured, since: at(250), seen: "299".to_owned(), new: Vec::new() });
        reports.note(&name, &Measured::passed("ok"), at(300), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(reports.of(&name), None, "what is old says nothing about now");
        reports.keep_only(|_| false);
        assert!(reports.points(&name).is_empty());
    }
}
