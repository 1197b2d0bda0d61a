//! Whether it can be told from the schedules who is on call.

use super::{Checking, FlawKind};
use crate::ids::ScheduleName;
use crate::policy::{Layer, Schedule};

const SCHEDULES_MAX: usize = 50;
const LAYERS_MAX: usize = 10;
const PEOPLE_MAX: usize = 100;

impl Checking<'_> {
    pub(super) fn schedules(&mut self) {
        self.few(&["schedules"], self.policy.schedules.len(), SCHEDULES_MAX);
        for (id, schedule) in &self.policy.schedules {
            self.one_schedule(id, schedule);
        }
        for (index, step) in self.policy.incident.escalation.iter().enumerate() {
            let index = index.to_string();
            for (position, schedule) in step.schedules.iter().enumerate() {
                if !self.policy.schedules.contains_key(schedule) {
                    let position = position.to_string();
                    let known: Vec<&str> = self.policy.schedules.keys().map(ScheduleName::as_str).collect();
                    self.unknown(&["incident", "escalation", &index, "schedules", &position], "schedule", schedule.as_str(), known);
                }
            }
        }
    }

    fn one_schedule(&mut self, id: &ScheduleName, schedule: &Schedule) {
        let at = |key| ["schedules", id.as_str(), key];
        self.filled(&at("name"), &schedule.name);
        if let Some(zone) = schedule.time_zone.as_ref().filter(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
            self.flaw(&at("time_zone"), FlawKind::BadTimeZone { given: zone.clone() });
        }
        self.roles(&at("managed_by"), &schedule.managed_by);
        if schedule.layers.is_empty() {
            self.flaw(&at("layers"), FlawKind::Empty);
        }
        self.few(&at("layers"), schedule.layers.len(), LAYERS_MAX);
        for (index, layer) in schedule.layers.iter().enumerate() {
            self.layer(&[at("layers").as_slice(), &[&index.to_string()]].concat(), layer);
        }
    }

    fn layer(&mut self, at: &[&str], layer: &Layer) {
        let people = [at, &["people"]].concat();
        if layer.people.is_empty() {
            self.flaw(&people, FlawKind::Empty);
        }
        self.few(&people, layer.people.len(), PEOPLE_MAX);
        for (position, person) in layer.people.iter().enumerate() {
            self.person(&[people.as_slice(), &[&position.to_string()]].concat(), person);
        }
        self.bounds(&[at, &["every"]].concat(), u64::from(layer.every), 1, 52);
        let year = u64::try_from(layer.starts.year()).unwrap_or_default();
        self.bounds(&[at, &["starts"]].concat(), year, 2000, 2099);
        if let Some(hours) = layer.hours.filter(|hours| hours.from == hours.until) {
            self.flaw(&[at, &["hours"]].concat(), FlawKind::NoHours { given: hours.from.to_string() });
        }
    }

    fn few(&mut self, at: &[&str], given: usize, max: usize) {
        if given > max {
            let what = FlawKind::OutOfBounds { min: "0".to_owned(), max: max.to_string(), given: given.to_string() };
            self.flaw(at, what);
        }
    }
}
