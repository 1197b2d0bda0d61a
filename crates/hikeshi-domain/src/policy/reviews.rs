//! Chasing what stays undone, and looking back, as numbers and roles (rules E12, E13 and E15).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Policy, named};
use crate::ids::{PersonId, RoleName};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverdueStep {
    /// Hours past the due time.
    pub after_h: u32,
    pub roles: Vec<RoleName>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reviews {
    /// Roles that owe the reports and the corrective actions; the first person who holds the first of them.
    pub owner_roles: Vec<RoleName>,
    /// How long after its end a month must have been reported at the development meeting, and a quarter been analysed.
    pub monthly_within_days: u32,
    pub quarterly_within_days: u32,
    /// How long there is for a corrective action.
    pub corrective_within_days: u32,
    /// How long after the end of a quarter every contact must have been tried (rule M2). 0: nobody is asked to.
    pub contacts_within_days: u32,
    /// Another use for the same service and cause within this time is a finding. 0: none is.
    pub same_cause_days: u32,
    /// How much two texts must have in common to be the same cause.
    pub same_cause_percent: u32,
    /// Who could wait for this long did not need the last resort; an exception that stays open for longer is a finding, too.
    pub cannot_wait_h: u32,
    /// Refusals of the same rule to the same person in one exception that are a finding. 0: none are.
    pub refusals_min: u32,
}

impl Default for Reviews {
    fn default() -> Self {
        Self {
            owner_roles: named(&["dev-lead", "cto"]),
            monthly_within_days: 10,
            quarterly_within_days: 20,
            corrective_within_days: 14,
            contacts_within_days: 14,
            same_cause_days: 90,
            same_cause_percent: 60,
            cannot_wait_h: 24,
            refusals_min: 3,
        }
    }
}

impl Policy {
    /// The workspace's time zone. It was checked when the policy was adopted; a machine without the zone's data counts by UTC.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.workspace.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// Who owes what comes from looking back: not somebody whose own use is looked at, as long as there is anybody else.
    pub fn reviewer(&self, except: &[&PersonId]) -> Option<PersonId> {
        let roles = self.reviews.owner_roles.iter().chain(&self.emergency.approver_roles);
        let able: Vec<PersonId> = roles.flat_map(|role| self.people_with(std::slice::from_ref(role))).collect();
        let other = able.iter().find(|person| !except.contains(person)).or_else(|| able.first()).cloned();
        other.or_else(|| self.people.keys().next().cloned())
    }
}
