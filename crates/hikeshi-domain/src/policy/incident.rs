//! How incidents are ranked, called for and spoken about (rules I2 to I6).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::named;
use crate::ids::{PersonId, RoleName, ScheduleName};
use crate::incident::Priority;

/// Rules I2 to I6 as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IncidentPolicy {
    /// Whether the page shows P1 to P4 or the three levels of rule I2. The record keeps the priority; a level is derived from it.
    pub scheme: Scheme,
    pub priorities: BTreeMap<Priority, PriorityPolicy>,
    /// `"all+lost_sales+now" = "P1"`: impact, business, urgency. Cells not named are computed (rule I3).
    pub matrix: BTreeMap<String, Priority>,
    /// Steps by time since nobody acknowledged (rule I4).
    pub escalation: Vec<EscalationStep>,
    /// What follows when all steps have been taken and nobody has it.
    pub repeat: Repeat,
    /// Roles told at once when a P1 or P2 opens, beside the first step.
    pub serious_at_once: Vec<RoleName>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    #[default]
    FourPriorities,
    ThreeLevels,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityPolicy {
    /// Somebody must have acknowledged within this time.
    pub act_within_min: u32,
    /// Service should be restored within this time; 0 = no target.
    #[serde(default)]
    pub restore_within_min: u32,
    /// A status update is due this often; 0 = none (rule I6).
    #[serde(default)]
    pub update_every_min: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationStep {
    /// Minutes since the incident opened without acknowledgement. When whoever has it does not restore service within the target of its
    /// priority, the steps that are left go on from there, as far apart as these are.
    pub after_min: u32,
    #[serde(default)]
    pub roles: Vec<RoleName>,
    #[serde(default)]
    pub people: Vec<PersonId>,
    /// Whoever is on call at that moment. When nobody is, and nobody else belongs to the step, the next one follows without waiting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<ScheduleName>,
}

/// The steps begin again from the first one, so that an alarm does not fall silent because all have slept through it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Repeat {
    /// Minutes after the last step.
    pub every_min: u32,
    /// 0 = not at all.
    pub times: u32,
}

impl Default for Repeat {
    fn default() -> Self {
        Self { every_min: 30, times: 9 }
    }
}

impl Default for IncidentPolicy {
    fn default() -> Self {
        let row =
            |act_within_min, restore_within_min, update_every_min| PriorityPolicy { act_within_min, restore_within_min, update_every_min };
        let step = |after_min, role: &str| EscalationStep { after_min, roles: named(&[role]), people: Vec::new(), schedules: Vec::new() };
        Self {
            scheme: Scheme::default(),
            priorities: BTreeMap::from([
                (Priority::P1, row(15, 60, 15)),
                (Priority::P2, row(30, 240, 30)),
                (Priority::P3, row(120, 0, 120)),
                (Priority::P4, row(480, 0, 0)),
            ]),
            matrix: BTreeMap::new(),
            escalation: vec![step(0, "operator"), step(15, "lead"), step(30, "manager"), step(60, "developer")],
            repeat: Repeat::default(),
            serious_at_once: named(&["manager"]),
        }
    }
}
