//! On call (当番, rule I4): whose turn it is to be called, and what people have agreed on beside the rotation.
//!
//! Rotations stand in the policy ([`crate::policy::Schedule`]); who is on call follows from them and from the overrides, at any moment, by
//! calculation ([`Roster`]). Overrides are kept with the workspace: those to come and those of the last weeks, since the ledger has them all.

pub mod decide;
mod holidays;
mod rotation;
mod shifts;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{OverrideId, PersonId, ScheduleName};

pub(crate) use holidays::is_holiday;
pub use shifts::{Roster, Shift};

/// Takeovers of one command: a swap is two, a holiday of two weeks a few more.
pub const COVERS_MAX: u32 = 10;
/// Overrides that are not over yet.
pub const OVERRIDES_MAX: u32 = 200;
/// How far ahead somebody can be put on call.
pub const AHEAD_DAYS_MAX: u32 = 366;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Somebody is on call instead of whoever the rotation says. All of them, or none.
    Override { covers: Vec<Cover>, reason: String },
    /// Back to the rotation: wholly, or from now on when it has begun.
    Cancel {
        #[serde(rename = "override")]
        id: OverrideId,
        reason: String,
    },
}

/// One person, on call from here to there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    pub schedule: ScheduleName,
    pub person: PersonId,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// An agreed change of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    pub id: OverrideId,
    pub schedule: ScheduleName,
    pub person: PersonId,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub by: PersonId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "oncall", rename_all = "snake_case")]
pub enum OncallEvent {
    Overridden {
        #[serde(rename = "override")]
        row: Override,
    },
    Cancelled {
        #[serde(rename = "override")]
        id: OverrideId,
        schedule: ScheduleName,
        person: PersonId,
        by: PersonId,
        reason: String,
    },
}
