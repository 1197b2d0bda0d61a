//! Measures of incidents (rule I11): how often, how fast, whether in time, who was called when, and what was noise.
//!
//! [`Measured`] folds all entries of a ledger in their order, [`Measures`] are what a report says of a period. Each number belongs to the month
//! in which what it counts has happened, by the clock of the ledger, so the numbers of a month that is over never change.

mod fold;
mod tally;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use fold::Measured;
use tally::{Row, Tally};

use super::{Month, Period, TIMES_MAX};
use crate::ids::PersonId;
use crate::incident::Priority;

/// When a night begins and ends, on the clock of the workspace.
pub const NIGHT_FROM_H: i8 = 22;
pub const NIGHT_UNTIL_H: i8 = 7;

/// How long something took, from when the trouble was detected. What is not over is not counted, but named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// How many came to it in this time; the other numbers are of these.
    pub count: u64,
    /// The middle one; of an even number the lesser of the two.
    pub median_s: Option<i64>,
    pub mean_s: Option<i64>,
    /// Nine of ten took no longer.
    pub p90_s: Option<i64>,
    /// Incidents that had not come to it when the time ended.
    pub waiting: u64,
}

/// How often a target of the policy was met. Without a target neither is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    pub met: u64,
    pub missed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentFigures {
    pub opened: u64,
    pub acknowledge: Times,
    pub mitigate: Times,
    pub resolve: Times,
    /// Somebody had it within `act_within_min`.
    pub act: Target,
    /// Service was back within `restore_within_min`.
    pub restore: Target,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriorityFigures {
    pub priority: Priority,
    #[serde(flatten)]
    pub figures: IncidentFigures,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthMeasures {
    pub month: Month,
    pub all: IncidentFigures,
    pub by_priority: Vec<PriorityFigures>,
    pub pages: u64,
    pub alerts: u64,
}

/// How often one person was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonPages {
    pub person: PersonId,
    /// Times that a step of an incident called them, however many means it took.
    pub pages: u64,
    /// Of these, those between 22:00 and 7:00.
    pub night: u64,
    /// Of these, those on a Saturday, Sunday or holiday.
    pub day_off: u64,
    /// Nights in which they were called at least once.
    pub nights: u64,
    /// Calls, mails and messages altogether.
    pub attempts: u64,
}

/// What called for attention and needed none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// Times that an alert began to fire.
    pub alerts: u64,
    /// Of these, those that joined an incident which was there already.
    pub joined: u64,
    /// Held back because they had come and gone too often.
    pub flapping: u64,
    /// Held back by a silence.
    pub silenced: u64,
    /// Incidents that alerts or monitors opened.
    pub opened_by_programs: u64,
    /// Of what fired for these, all was over before anybody acknowledged.
    pub over_by_itself: u64,
    /// Resolved by its sender, and no person had done anything about it.
    pub without_act: u64,
    /// Resolved incidents whose postmortem was found not to be needed.
    pub not_needed: u64,
    /// Silences that were made, and those that were lifted before their time.
    pub silences: u64,
    pub lifted: u64,
}

/// What a report says about incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    pub all: IncidentFigures,
    /// Priorities with any number.
    pub by_priority: Vec<PriorityFigures>,
    /// Most pages first.
    pub pages: Vec<PersonPages>,
    pub noise: Noise,
    /// The months before and those of the period, oldest first.
    pub months: Vec<MonthMeasures>,
}

impl Measures {
    /// Whether there is anything to say.
    pub fn is_empty(&self) -> bool {
        let month =
            |row: &MonthMeasures| row.all == IncidentFigures::default() && row.by_priority.is_empty() && row.pages == 0 && row.alerts == 0;
        self.months.iter().all(month) && self.noise == Noise::default()
    }
}

impl Measured {
    /// What can be said of a period, at a time.
    pub fn of(&self, period: Period, at: Timestamp) -> Measures {
        let tallies = self.tallies(at);
        let sum = |months: &[Month]| {
            let mut sum = Tally::default();
            months.iter().filter_map(|month| tallies.get(month)).for_each(|tally| sum.add(tally));
            sum
        };
        let waiting = |last: Month| {
            let mut before = Tally::default();
            tallies.range(..=last).for_each(|(_, tally)| before.add_waiting(tally));
            before
        };
        let own = sum(&period.months());
        let (all, by_priority) = figures(&own, &waiting(period.last_month()));
        let month = |month: Month| {
            let tally = sum(&[month]);
            let (all, by_priority) = figures(&tally, &waiting(month));
            MonthMeasures { month, all, by_priority, pages: tally.pages(), alerts: tally.noise.alerts }
        };
        Measures {
            all,
            by_priority,
            pages: own.people(),
            noise: own.noise,
            months: period.last_month().back(TIMES_MAX).into_iter().map(month).collect(),
        }
    }
}

fn figures(tally: &Tally, waiting: &Tally) -> (IncidentFigures, Vec<PriorityFigures>) {
    let mut all = (Row::default(), Row::default());
    let mut by_priority = Vec::new();
    for priority in Priority::ALL {
        let (own, before) = (tally.row(priority), waiting.row(priority));
        let figures = own.figures(&before);
        all.0.add(&own);
        all.1.add_waiting(&before);
        if figures != IncidentFigures::default() {
            by_priority.push(PriorityFigures { priority, figures });
        }
    }
    (all.0.figures(&all.1), by_priority)
}
