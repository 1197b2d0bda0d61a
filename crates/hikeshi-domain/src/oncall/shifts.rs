//! Who is on call at a moment, and the shifts and gaps between two moments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Override;
use super::rotation::Rotation;
use crate::ids::{OverrideId, PersonId, ScheduleName};
use crate::policy::Policy;

/// Who decides what is asked: the schedules, the changes that people have made to them, and the moment.
#[derive(Clone, Copy)]
pub struct Roster<'a> {
    pub policy: &'a Policy,
    pub overrides: &'a BTreeMap<OverrideId, Override>,
}

/// One person, without a break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shift {
    pub from: Timestamp,
    pub until: Timestamp,
    /// `None`: nobody is on call.
    pub person: Option<PersonId>,
    /// The override that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_override: Option<OverrideId>,
}

type Who = (Option<PersonId>, Option<OverrideId>);

impl<'a> Roster<'a> {
    /// Who is on call now.
    pub fn on_call(&self, schedule: &ScheduleName, at: Timestamp) -> Option<PersonId> {
        self.table(schedule)?.who(at).0
    }

    /// Everything between two moments, one after the other, without a hole: where nobody is on call there is a shift of nobody.
    pub fn shifts(&self, schedule: &ScheduleName, from: Timestamp, until: Timestamp) -> Vec<Shift> {
        self.table(schedule).map(|table| table.shifts(from, until)).unwrap_or_default()
    }

    fn table(&self, name: &ScheduleName) -> Option<Table<'a>> {
        let schedule = self.policy.schedules.get(name)?;
        let zone = schedule.zone(self.policy);
        // Whoever has left the policy takes over nothing.
        let counts = |row: &&Override| row.schedule == *name && self.policy.people.contains_key(&row.person);
        let overrides = self.overrides.values().filter(counts).collect();
        Some(Table { schedule, zone, overrides })
    }
}

struct Table<'a> {
    schedule: &'a crate::policy::Schedule,
    zone: TimeZone,
    /// In the order in which they were made: the last one counts.
    overrides: Vec<&'a Override>,
}

impl Table<'_> {
    fn rotations(&self) -> impl DoubleEndedIterator<Item = Rotation<'_>> {
        self.schedule.layers.iter().map(|layer| Rotation::of(layer, &self.zone, self.schedule.holidays))
    }

    fn who(&self, at: Timestamp) -> Who {
        if let Some(row) = self.overrides.iter().rev().find(|row| row.from <= at && at < row.until) {
            return (Some(row.person.clone()), Some(row.id));
        }
        (self.rotations().rev().find_map(|rotation| rotation.on_call(at)).cloned(), None)
    }

    fn shifts(&self, from: Timestamp, until: Timestamp) -> Vec<Shift> {
        let mut edges: Vec<Timestamp> = self.rotations().flat_map(|rotation| rotation.edges(from, until)).collect();
        edges.extend(self.overrides.iter().flat_map(|row| [row.from, row.until]));
        edges.retain(|edge| from < *edge && *edge < until);
        edges.push(from);
        edges.sort();
        edges.dedup();
        let mut shifts: Vec<Shift> = Vec::new();
        for edge in edges.into_iter().filter(|edge| *edge < until) {
            let (person, by_override) = self.who(edge);
            match shifts.last_mut() {
                Some(last) if (&last.person, last.by_override) == (&person, by_override) => {}
                last => {
                    if let Some(last) = last {
                        last.until = edge;
                    }
                    shifts.push(Shift { from: edge, until, person, by_override });
                }
            }
        }
        shifts
    }
}
