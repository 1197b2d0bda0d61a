//! The sums of one month. Two months are added to a longer time without losing anything: percentiles are of the times themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{IncidentFigures, Noise, PersonPages, Target, Times};
use crate::ids::PersonId;
use crate::incident::Priority;

/// How long each took: seconds, and how many took as long.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spent(BTreeMap<i64, u64>);

impl Spent {
    pub fn take(&mut self, seconds: i64) {
        *self.0.entry(seconds.max(0)).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (seconds, count) in &other.0 {
            *self.0.entry(*seconds).or_default() += count;
        }
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The one at this place, counted from 1 in ascending order.
    fn at(&self, place: u64) -> Option<i64> {
        let mut seen = 0;
        self.0.iter().find_map(|(seconds, count)| {
            seen += count;
            (seen >= place).then_some(*seconds)
        })
    }

    fn times(&self, waiting: i64) -> Times {
        let count = self.count();
        let total: i64 = self.0.iter().map(|(seconds, count)| seconds.saturating_mul(i64::try_from(*count).unwrap_or(i64::MAX))).sum();
        Times {
            count,
            median_s: self.at(count.div_ceil(2)),
            mean_s: i64::try_from(count).ok().and_then(|count| total.checked_div(count)),
            p90_s: self.at(count.saturating_mul(9).div_ceil(10)),
            waiting: u64::try_from(waiting).unwrap_or(0),
        }
    }
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Acknowledge,
    Mitigate,
    Resolve,
}

impl Goal {
    pub const ALL: [Self; 3] = [Self::Acknowledge, Self::Mitigate, Self::Resolve];
}

/// The incidents of one priority.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub opened: u64,
    acknowledge: Spent,
    mitigate: Spent,
    resolve: Spent,
    /// By how many more incidents wait for it than before.
    waiting: (i64, i64, i64),
    pub act: Target,
    pub restore: Target,
}

impl Row {
    pub fn spent(&mut self, goal: Goal) -> &mut Spent {
        match goal {
            Goal::Acknowledge => &mut self.acknowledge,
            Goal::Mitigate => &mut self.mitigate,
            Goal::Resolve => &mut self.resolve,
        }
    }

    pub fn waits(&mut self, goal: Goal, more: i64) {
        let waiting = match goal {
            Goal::Acknowledge => &mut self.waiting.0,
            Goal::Mitigate => &mut self.waiting.1,
            Goal::Resolve => &mut self.waiting.2,
        };
        *waiting += more;
    }

    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.acknowledge.add(&other.acknowledge);
        self.mitigate.add(&other.mitigate);
        self.resolve.add(&other.resolve);
        for (sum, more) in [(&mut self.act, &other.act), (&mut self.restore, &other.restore)] {
            sum.met += more.met;
            sum.missed += more.missed;
        }
    }

    pub fn add_waiting(&mut self, other: &Self) {
        self.waiting.0 += other.waiting.0;
        self.waiting.1 += other.waiting.1;
        self.waiting.2 += other.waiting.2;
    }

    /// `before`: who waits by the end of this time.
    pub fn figures(&self, before: &Self) -> IncidentFigures {
        IncidentFigures {
            opened: self.opened,
            acknowledge: self.acknowledge.times(before.waiting.0),
            mitigate: self.mitigate.times(before.waiting.1),
            resolve: self.resolve.times(before.waiting.2),
            act: self.act,
            restore: self.restore,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Calls {
    pub pages: u64,
    pub night: u64,
    pub day_off: u64,
    pub attempts: u64,
    /// By the day on whose evening they began.
    pub nights: BTreeSet<Date>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    rows: BTreeMap<Priority, Row>,
    pub calls: BTreeMap<PersonId, Calls>,
    pub noise: Noise,
}

impl Tally {
    pub fn row_mut(&mut self, priority: Priority) -> &mut Row {
        self.rows.entry(priority).or_default()
    }

    pub fn row(&self, priority: Priority) -> Row {
        self.rows.get(&priority).cloned().unwrap_or_default()
    }

    pub fn add(&mut self, other: &Self) {
        for (priority, row) in &other.rows {
            self.row_mut(*priority).add(row);
        }
        for (person, calls) in &other.calls {
            let sum = self.calls.entry(person.clone()).or_default();
            sum.pages += calls.pages;
            sum.night += calls.night;
            sum.day_off += calls.day_off;
            sum.attempts += calls.attempts;
            sum.nights.extend(calls.nights.iter().copied());
        }
        let (sum, more) = (&mut self.noise, &other.noise);
        sum.alerts += more.alerts;
        sum.joined += more.joined;
        sum.flapping += more.flapping;
        sum.silenced += more.silenced;
        sum.opened_by_programs += more.opened_by_programs;
        sum.over_by_itself += more.over_by_itself;
        sum.without_act += more.without_act;
        sum.not_needed += more.not_needed;
        sum.silences += more.silences;
        sum.lifted += more.lifted;
    }

    pub fn add_waiting(&mut self, other: &Self) {
        for (priority, row) in &other.rows {
            self.row_mut(*priority).add_waiting(row);
        }
    }

    pub fn pages(&self) -> u64 {
        self.calls.values().map(|calls| calls.pages).sum()
    }

    pub fn people(&self) -> Vec<PersonPages> {
        let row = |(person, calls): (&PersonId, &Calls)| PersonPages {
            person: person.clone(),
            pages: calls.pages,
            night: calls.night,
            day_off: calls.day_off,
            nights: u64::try_from(calls.nights.len()).unwrap_or(u64::MAX),
            attempts: calls.attempts,
        };
        let mut rows: Vec<PersonPages> = self.calls.iter().map(row).collect();
        rows.sort_by(|one, other| other.pages.cmp(&one.pages).then_with(|| one.person.cmp(&other.person)));
        rows
    }
}
