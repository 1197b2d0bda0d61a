//! What is owed after an exception: change request, report, retrospective, prevention items (rules E10 to E12, E14); and what follows from
//! looking back: the periodic reports and corrective actions (rule E13, see [`crate::review`]).

pub mod decide;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effect::EffectKey;
use crate::emergency::Trouble;
use crate::ids::{Digest, EmergencyId, IncidentId, ObligationId, PersonId};
use crate::review::{Finding, Period, Presented};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same change in the repository, as a labelled request (rule E10).
    ChangeRequest,
    /// The report with its judgement (rule E11).
    Report,
    /// The retrospective meeting (rule E12).
    Retrospective,
    /// A prevention item that a retrospective or a postmortem decided.
    Prevention,
    /// The report of a month's exceptions, for the development meeting (rule E13).
    MonthlyReport,
    /// The trend analysis of a quarter (rule E13).
    QuarterlyReport,
    /// What corrects a use that should not have been (rule E13).
    Corrective,
    /// The postmortem of an incident (rule I8).
    Postmortem,
    /// Somebody else looks over the record of an exception in which something rests on the executor's machine alone.
    Review,
    /// A test page to every contact of those whom an incident may call, each confirmed by its owner (rule M2).
    ContactTest,
}

impl Kind {
    /// The follow-up whose neglect makes the next approval harder (rule E14).
    pub fn hardens_next(self) -> bool {
        match self {
            Self::ChangeRequest | Self::Report | Self::Retrospective | Self::Review => true,
            Self::Prevention | Self::MonthlyReport | Self::QuarterlyReport | Self::Corrective | Self::Postmortem | Self::ContactTest => {
                false
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Owed,
    Done,
    /// Nothing to do, for a reason that the program knows: see `waived`.
    Waived,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Waiver {
    /// No file was changed, or every change was undone: there is nothing to bring back.
    NothingChanged,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Obligation {
    pub id: ObligationId,
    pub kind: Kind,
    /// The exception from which it comes; none for what an incident or a period owes by itself.
    pub emergency: Option<EmergencyId>,
    pub incident: Option<IncidentId>,
    /// Who owes it.
    pub owner: PersonId,
    /// What is owed, for a prevention item.
    #[serde(default)]
    pub text: String,
    pub raised_at: Timestamp,
    pub due_at: Timestamp,
    pub status: Status,
    #[serde(default)]
    pub done_at: Option<Timestamp>,
    #[serde(default)]
    pub done_by: Option<PersonId>,
    #[serde(default)]
    pub waived: Option<Waiver>,
    /// Reminders already given, in minutes before the due time.
    #[serde(default)]
    pub reminded: Vec<u32>,
    #[serde(default)]
    pub overdue_announced: bool,
    /// How many steps of the escalation of overdue obligations were taken (rule E12).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub escalated_steps: u32,
    #[serde(default)]
    pub request: Option<ChangeRequest>,
    #[serde(default)]
    pub report: Option<Report>,
    #[serde(default)]
    pub meeting: Option<Meeting>,
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// Counts attempts at the effects of this obligation, for their keys.
    #[serde(default)]
    pub tries: u32,
    #[serde(default)]
    pub running: Option<EffectKey>,
    /// What is to be reported: a month or a quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<Presented>,
    /// What is to be corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Finding>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Obligation {
    /// Freshly owed, with nothing done yet.
    pub fn new(
        id: ObligationId,
        kind: Kind,
        of: Option<(EmergencyId, IncidentId)>,
        owner: PersonId,
        raised_at: Timestamp,
        due_at: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            emergency: of.map(|(emergency, _)| emergency),
            incident: of.map(|(_, incident)| incident),
            owner,
            text: String::new(),
            raised_at,
            due_at,
            status: Status::Owed,
            done_at: None,
            done_by: None,
            waived: None,
            reminded: Vec::new(),
            overdue_announced: false,
            escalated_steps: 0,
            request: None,
            report: None,
            meeting: None,
            trouble: None,
            tries: 0,
            running: None,
            period: None,
            presented: None,
            finding: None,
        }
    }

    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == Status::Owed && now > self.due_at
    }
}

/// The request that brings the captured change back to the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRequest {
    pub branch: String,
    pub commit: String,
    pub base: String,
    pub label: String,
    /// Where the request file and the patch lie.
    pub request_file: String,
    pub patch_file: String,
    pub opened_at: Timestamp,
    #[serde(default)]
    pub compared: Option<Comparison>,
}

/// What was merged, against what was done (rule E10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub at: Timestamp,
    /// The commit of the base branch that was looked at.
    pub commit: String,
    /// Whether the branch is contained in the base.
    pub merged: bool,
    /// Paths in the repository whose merged content differs from what was done in production.
    pub drift: Vec<Drift>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    pub path: String,
    #[serde(default)]
    pub production: Option<Digest>,
    #[serde(default)]
    pub repository: Option<Digest>,
}

/// What only people can write of the report (rule E11); the rest is filled in from the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub problem: String,
    pub impact: String,
    pub cause: String,
    pub response: String,
    pub prevention: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub judgement: Judgement,
    pub by: PersonId,
    pub at: Timestamp,
    #[serde(default)]
    pub file: Option<String>,
    #[serde(default)]
    pub digest: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meeting {
    pub starts_at: Timestamp,
    pub lasts_min: u32,
    pub invited: Vec<PersonId>,
    #[serde(default)]
    pub file: Option<String>,
    /// Counts changes of the invitation (iCalendar SEQUENCE).
    #[serde(default)]
    pub sequence: u32,
    #[serde(default)]
    pub held: Option<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    pub at: Timestamp,
    pub attended: Vec<PersonId>,
    pub lessons: String,
    /// Why the normal flow would have done, if the meeting came to see it so (rule E13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoidable: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreventionItem {
    pub text: String,
    pub owner: PersonId,
    pub due_at: Timestamp,
}

/// Everything that can be asked of an obligation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Opens the change request again after it failed.
    Propose {
        obligation: ObligationId,
    },
    /// Compares what was merged with what was done; fulfils the change request when there is no drift.
    Compare {
        obligation: ObligationId,
    },
    /// Accepts the drift that the comparison showed, with a reason; fulfils the change request.
    AcceptDrift {
        obligation: ObligationId,
        reason: String,
    },
    Report {
        obligation: ObligationId,
        judgement: Judgement,
    },
    /// Moves the retrospective, within its due time.
    Schedule {
        obligation: ObligationId,
        starts_at: Timestamp,
        lasts_min: u32,
        invited: Vec<PersonId>,
    },
    /// Records that the retrospective took place.
    Hold {
        obligation: ObligationId,
        held_at: Timestamp,
        attended: Vec<PersonId>,
        lessons: String,
        /// Why the normal flow would have done, if the meeting came to see it so (rule E13).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avoidable: Option<String>,
        items: Vec<PreventionItem>,
    },
    /// Marks a prevention item or a corrective action as done, with what shows it.
    Finish {
        obligation: ObligationId,
        evidence: String,
    },
    /// Records that the report of a month or quarter was presented at the development meeting (rule E13).
    Present {
        obligation: ObligationId,
        held_at: Timestamp,
        /// The report as it was presented: computed from this many entries, at this time, with this digest.
        size: u64,
        at: Timestamp,
        digest: Digest,
        note: String,
    },
}
