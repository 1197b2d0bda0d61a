//! Looking back (rules E13, E15 and I11): the report of a month and of a quarter, and the search for abuse.
//!
//! Everything here is computed from ledger entries alone: [`Uses`] and [`Measured`] fold them, [`find()`] searches them, [`Report`] counts them. Whoever has
//! the same entries gets the same numbers. Not here: where entries are read from (`hikeshi-engine`), sentences and charts (`hikeshi-text`).

pub mod decide;
mod figures;
mod find;
mod guards;
mod likeness;
mod measures;
mod period;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod uses;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use figures::{Cause, Count, FollowUpFigures, Found, MonthCount, Preventions, Report, Sessions, Spread, Standing, TIMES_MAX, standing};
pub use find::find;
pub use guards::guards;
pub use likeness::likeness;
pub use measures::{
    IncidentFigures, Measured, Measures, MonthMeasures, NIGHT_FROM_H, NIGHT_UNTIL_H, Noise, PersonPages, PriorityFigures, Target, Times,
};
pub use period::{Month, Period, PeriodError, Quarter};
pub use uses::{Course, FollowUp, Mark, Use, Uses};

use crate::ids::{Digest, EmergencyId, PersonId};

/// Up to where, and at what time, something was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsOf {
    /// Number of ledger entries that it was computed from: all before this one.
    pub size: u64,
    /// The time by which it was judged what is overdue.
    pub at: Timestamp,
}

/// That a report stood before the development meeting, and which numbers it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presented {
    pub held_at: Timestamp,
    pub by: PersonId,
    pub size: u64,
    pub at: Timestamp,
    /// SHA-256 of the report's JSON.
    pub digest: Digest,
    /// What the meeting said.
    pub note: String,
}

/// A sign of abuse, made of entries that anybody can look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    #[serde(flatten)]
    pub kind: FindingKind,
    /// The ledger entries that it is made of.
    pub entries: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum FindingKind {
    /// The last resort was used before for the same service and cause.
    Repeated {
        earlier: Vec<EmergencyId>,
        within_days: u32,
        same: Sameness,
    },
    /// It was asked for as something that cannot wait, and waited.
    Waited {
        hours: u32,
        limit_h: u32,
    },
    /// It was approved and never begun.
    ApprovalUnused,
    /// The retrospective came to see that the normal flow would have done.
    Avoidable {
        by: PersonId,
        reason: String,
    },
    /// Somebody tried again and again what a rule of four eyes refuses.
    Insisted {
        person: PersonId,
        rule: String,
        code: String,
        times: u32,
    },
    RecorderLost {
        session: u32,
    },
    RecordGap {
        session: u32,
        gaps: u32,
        seconds: i64,
        bytes: u64,
    },
    /// Something in a terminal claimed to be the shell's own words.
    MarksForged {
        session: u32,
        times: u32,
    },
    /// A line that the plan calls dangerous ran, and no witness had confirmed it.
    DangerUnconfirmed {
        session: u32,
        times: u32,
    },
    /// Begun, and not closed for a long time, whatever was done in it.
    LeftOpen {
        limit_h: u32,
    },
}

/// What two uses have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "same", content = "percent", rename_all = "snake_case")]
pub enum Sameness {
    Incident,
    /// The cause as the reports state it.
    Cause(u32),
    /// The reason why the normal flow could not do it.
    Reason(u32),
}

/// The name of a kind of finding: one corrective action per exception and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingName {
    Repeated,
    Waited,
    ApprovalUnused,
    Avoidable,
    Insisted,
    RecorderLost,
    RecordGap,
    MarksForged,
    DangerUnconfirmed,
    LeftOpen,
}

impl FindingKind {
    pub fn name(&self) -> FindingName {
        match self {
            Self::Repeated { .. } => FindingName::Repeated,
            Self::Waited { .. } => FindingName::Waited,
            Self::ApprovalUnused => FindingName::ApprovalUnused,
            Self::Avoidable { .. } => FindingName::Avoidable,
            Self::Insisted { .. } => FindingName::Insisted,
            Self::RecorderLost { .. } => FindingName::RecorderLost,
            Self::RecordGap { .. } => FindingName::RecordGap,
            Self::MarksForged { .. } => FindingName::MarksForged,
            Self::DangerUnconfirmed { .. } => FindingName::DangerUnconfirmed,
            Self::LeftOpen { .. } => FindingName::LeftOpen,
        }
    }
}

/// What the program records when it has looked back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The record of an exception was searched for abuse, as far as it had `told` when it was read.
    Examine { emergency: EmergencyId, size: u64, told: u32, findings: Vec<Finding> },
}
