//! An emergency exception: the plan that is approved, the state of its execution, and what can be asked of it.
//!
//! Not here: who may ask ([`crate::permit`]), how a step is run (`hikeshi-outside`).

#[cfg(test)]
mod approval_tests;
mod command;
pub mod decide;
pub(crate) mod looked;
#[cfg(test)]
mod looked_tests;
mod plan;
mod presence;
mod proof;
mod put_back;
#[cfg(test)]
mod put_back_tests;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use command::{Command, Verdict};
pub use looked::{Looked, Replaced};
pub use plan::{Check, CheckKind, Plan, PlanDocument, Step, Verification};
pub(crate) use presence::quorum_of;
pub use presence::{Quorum, quorum};
pub(crate) use proof::signer_of;
pub use proof::{Approval, ApprovalProof, Evidence, Means, Signed, Signer, signer};
pub use put_back::{PUT_BACK_AT_ONCE_MAX, PUT_BACK_NAMES_BYTES_MAX, PutBack, PuttingBack, Reverted, can_be_put_back, unaccepted};

use crate::effect::EffectKey;
use crate::ids::{Digest, EmergencyId, IncidentId, ObligationId, PersonId};
use crate::offline::Offline;
use crate::session::{Captured, CommandRef, LookingAgain, Session};

/// The four conditions of rule E1, each with its evidence. The first is the incident itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// (1) What shows that the failure is serious, beside the linked incident.
    pub serious_failure: Condition,
    /// (2) Why the normal deploy flow cannot solve it.
    pub normal_flow_cannot: Condition,
    /// (3) The business reason why it cannot wait 24 hours.
    pub cannot_wait: Condition,
    /// (4) The CTO or development lead who judges it an emergency. Their approval, given later, confirms this.
    pub judged_by: Judgement,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    pub statement: String,
    /// A link, a log line, a figure: what somebody else can look at.
    pub evidence: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    #[serde(default)]
    pub person: Option<PersonId>,
    /// How and when they said so: a call, a message.
    #[serde(default)]
    pub evidence: String,
}

/// Which of the four conditions, for refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConditionName {
    SeriousFailure,
    NormalFlowCannot,
    CannotWait,
    Judged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for approval.
    Requested,
    /// Approved; waiting for witnesses and the executor's start.
    Approved,
    /// The backup of rule E7 is being taken and read back.
    BackingUp,
    /// Steps may run.
    Executing,
    /// The verifications of rule E9 are running.
    Verifying,
    /// The backup is being put back.
    Restoring,
    Closed,
    Declined,
    Cancelled,
    /// The approval ran out before the start.
    Expired,
}

impl Status {
    pub fn is_over(self) -> bool {
        match self {
            Self::Closed | Self::Declined | Self::Cancelled | Self::Expired => true,
            Self::Requested | Self::Approved | Self::BackingUp | Self::Executing | Self::Verifying | Self::Restoring => false,
        }
    }
    /// Whether it counts as a use of the last resort: what was declined or taken back does not (rule E15).
    pub fn is_use(self) -> bool {
        match self {
            Self::Declined | Self::Cancelled => false,
            Self::Requested
            | Self::Approved
            | Self::BackingUp
            | Self::Executing
            | Self::Verifying
            | Self::Restoring
            | Self::Closed
            | Self::Expired => true,
        }
    }
    /// Between the start of the backup and the close: production is being touched.
    pub fn is_running(self) -> bool {
        match self {
            Self::BackingUp | Self::Executing | Self::Verifying | Self::Restoring => true,
            Self::Requested | Self::Approved | Self::Closed | Self::Declined | Self::Cancelled | Self::Expired => false,
        }
    }
}

/// How many approvals are needed, and why more than one (rule E14).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Each approver role must be represented, by different people.
    pub every_role: bool,
    /// The overdue follow-up that makes it so.
    pub because: Vec<ObligationId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    pub present: bool,
    pub joined_at: Timestamp,
    #[serde(default)]
    pub left_at: Option<Timestamp>,
}

/// A witness's word that a dangerous step may run; the last one of each step is kept (rule E4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmation {
    pub step: u32,
    /// The attempt for which it is.
    pub attempt: u32,
    /// The plan that was confirmed.
    pub digest: Digest,
    pub by: PersonId,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    /// When the step was started with it; it does not start another.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
}

/// A witness stopped the execution; only they or another witness lift it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    pub by: PersonId,
    pub at: Timestamp,
    pub reason: String,
}

/// A backup that was taken and read back (rule E7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// `<dir>_YYYYMMDD_HHMMSS`
    pub name: String,
    /// Where it lies on the target.
    pub path: String,
    pub files: u64,
    pub bytes: u64,
    /// Digest of the manifest: every path with mode, size and SHA-256, as read back from the copy.
    pub manifest: Digest,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepState {
    Waiting,
    Running {
        effect: EffectKey,
        since: Timestamp,
    },
    Ended(StepEnd),
    /// Nobody knows whether it ran. A person settles it.
    InDoubt {
        effect: EffectKey,
        since: Timestamp,
    },
}

/// What one command did (rule E6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepEnd {
    /// `None` when it was killed: see `killed`.
    #[serde(default)]
    pub exit_code: Option<i32>,
    #[serde(default)]
    pub killed: Option<Killed>,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// Output, both streams in the order they came, masked. Byte for byte otherwise.
    #[serde(default)]
    pub output: Option<Digest>,
    pub output_bytes: u64,
    /// Bytes beyond the limit that were counted and not kept.
    #[serde(default)]
    pub output_bytes_cut: u64,
    /// Set when a person, not the program, said how it ended.
    #[serde(default)]
    pub settled_by: Option<PersonId>,
}

impl StepEnd {
    pub fn succeeded(&self) -> bool {
        self.exit_code == Some(0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Killed {
    Timeout,
    Signal(i32),
    /// It could not be started at all; the text is the operating system's.
    NotStarted(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Modified,
    Removed,
    /// Mode or link target only.
    Metadata,
}

/// A file under the target's root that is not as it was (rules E6, E8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// Relative to the target's root, `/` between parts. Not UTF-8: percent-encoded, and said so by `%`.
    pub path: String,
    pub kind: ChangeKind,
    #[serde(default)]
    pub before: Option<FileContent>,
    #[serde(default)]
    pub after: Option<FileContent>,
    pub in_scope: bool,
    /// Index of the step after which it was first seen.
    pub step: u32,
    /// The typed command after which it was first seen, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandRef>,
    #[serde(default)]
    pub accepted_by: Option<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileContent {
    pub digest: Digest,
    pub bytes: u64,
    pub mode: u32,
    /// Whether the content itself was kept, or only its digest because of its size.
    pub kept: bool,
}

/// The two verifications of rule E9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The problem is solved.
    Solved,
    /// Other functions are unaffected.
    Unaffected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    pub passed: bool,
    pub at: Timestamp,
    /// The checks that the program ran.
    #[serde(default)]
    pub checks: Vec<CheckResult>,
    /// Set when a person attested it by eye.
    #[serde(default)]
    pub attested: Option<Attested>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attested {
    pub by: PersonId,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    pub title: String,
    pub passed: bool,
    /// What was seen: a status, an exit code, the operating system's words. Masked, at most 500 characters.
    pub seen: String,
    pub took_ms: u64,
}

/// How an exception ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Solved,
    /// The backup was put back; production is as before.
    Undone,
    /// Started, but no step ran.
    NothingDone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    pub by: PersonId,
    pub reason: String,
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    #[serde(default)]
    pub files: u64,
    /// Digest of the manifest read after the restore; equal to the backup's, or the restore has failed.
    #[serde(default)]
    pub manifest: Option<Digest>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// The state of one exception: the fold of its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Emergency {
    pub id: EmergencyId,
    pub incident: IncidentId,
    pub requester: PersonId,
    pub conditions: Conditions,
    pub plan: Plan,
    /// Counts revisions of the plan, from 1. Each revision voids earlier approvals.
    pub revision: u32,
    pub digest: Digest,
    pub status: Status,
    pub requirement: Requirement,
    pub approvals: Vec<Approval>,
    pub witnesses: BTreeMap<PersonId, Witness>,
    #[serde(default)]
    pub hold: Option<Hold>,
    #[serde(default)]
    pub backup: Option<Backup>,
    /// Why the last backup, restore or verification could not be carried out; cleared by the next try.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    pub steps: Vec<StepState>,
    /// Attempts per step; a failed step may be tried again, which is another attempt.
    pub attempts: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmations: Vec<Confirmation>,
    /// Witnessed terminals, in the order in which they were opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looking: Option<LookingAgain>,
    /// Counts these looks, for effect keys.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// What the plan's captures have printed, at the opening and after the last command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captured: Vec<(CommandRef, Vec<Captured>)>,
    #[serde(default)]
    pub changes: Vec<FileChange>,
    /// Further changed files that were counted and not listed.
    #[serde(default)]
    pub changes_unlisted: u64,
    /// How many of these lie outside the scope.
    #[serde(default, skip_serializing_if = "looked::is_zero")]
    pub outside_unlisted: u64,
    /// Something ran, and nobody has looked at the files since, or the look failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files_unseen: bool,
    #[serde(default)]
    pub solved: Option<Verified>,
    #[serde(default)]
    pub unaffected: Option<Verified>,
    /// Counts verification, restore, start and revert attempts, for effect keys.
    #[serde(default)]
    pub tries: u32,
    #[serde(default)]
    pub restored: Option<Restored>,
    /// Files that were put back one by one; the last orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverts: Vec<Reverted>,
    pub requested_at: Timestamp,
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    #[serde(default)]
    pub started_by: Option<PersonId>,
    #[serde(default)]
    pub long_announced: bool,
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    #[serde(default)]
    pub ending: Option<Ending>,
    /// Why it was declined or cancelled.
    #[serde(default)]
    pub end_reason: Option<String>,
    #[serde(default)]
    pub obligations: Vec<ObligationId>,
    /// When its record was last searched for abuse; `None`: it is to be searched (rule E13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examined: Option<Timestamp>,
    /// How often something came into the record that must be searched: a search that has read less is not the last one.
    #[serde(default)]
    pub told: u32,
    /// The ledger of its own in which this was approved and carried out while the server was away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// How it came home from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<Box<Offline>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    pub doing: Doing,
    /// Masked words of the operating system or tool.
    pub detail: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    Backup,
    Verify,
    Restore,
    Revert,
    /// Looking at what typed commands have changed.
    Look,
    ChangeRequest,
    Compare,
    Report,
    Invitation,
}
