//! Everything that can be asked of an emergency exception.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Aspect, Conditions, Plan};
use crate::ids::{Digest, EmergencyId, IncidentId};
use crate::signature::passkey::Assertion;

/// What a person says about a step of which the program does not know whether it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// It ran, with this exit code as far as can be told.
    Ran { exit_code: i32 },
    /// It certainly did not run; it may be started again.
    DidNotRun,
}

/// Everything that can be asked of an emergency exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    Request {
        incident: IncidentId,
        conditions: Conditions,
        plan: Plan,
    },
    /// A changed plan: voids every approval (rule E3).
    Revise {
        emergency: EmergencyId,
        plan: Plan,
    },
    /// Explicit and public; `digest` is what the approver read.
    Approve {
        emergency: EmergencyId,
        digest: Digest,
        judgement: String,
    },
    /// The same by passkey: the assertion's challenge is bound to the digest of the plan.
    ApprovePasskey {
        emergency: EmergencyId,
        digest: Digest,
        judgement: String,
        assertion: Assertion,
    },
    /// Brings the approver's SSH signature over the plan (`ssh-keygen -Y sign -n hikeshi-approve-v1`). Whoever owns the key approves,
    /// not whoever brings it.
    ApproveSigned {
        emergency: EmergencyId,
        signature: String,
        /// The approver's judgement, as they told it.
        judgement: String,
    },
    Decline {
        emergency: EmergencyId,
        reason: String,
    },
    Cancel {
        emergency: EmergencyId,
        reason: String,
    },
    /// "I am here and watching."
    Join {
        emergency: EmergencyId,
    },
    /// Sent by the witness's page every few seconds. Extends the presence; no ledger entry.
    Watch {
        emergency: EmergencyId,
    },
    Leave {
        emergency: EmergencyId,
    },
    /// Any witness can stop (rule E4).
    Hold {
        emergency: EmergencyId,
        reason: String,
    },
    Resume {
        emergency: EmergencyId,
    },
    /// Takes the backup; only then can steps run.
    Start {
        emergency: EmergencyId,
    },
    /// A present witness confirms a step that the plan marks as dangerous: `digest` is that of the plan that they read, `confirm` repeats the
    /// step's title. For its next attempt only (rule E4).
    Confirm {
        emergency: EmergencyId,
        step: u32,
        digest: Digest,
        confirm: String,
    },
    /// Runs one step. `confirm` repeats the step's title when the plan marks it dangerous.
    Step {
        emergency: EmergencyId,
        /// From 1, as people count.
        step: u32,
        #[serde(default)]
        confirm: String,
    },
    Settle {
        emergency: EmergencyId,
        step: u32,
        verdict: Verdict,
        reason: String,
    },
    /// Runs the checks of the plan.
    Verify {
        emergency: EmergencyId,
    },
    /// Records one verification by eye.
    Attest {
        emergency: EmergencyId,
        aspect: Aspect,
        passed: bool,
        note: String,
    },
    /// The approver accepts a change outside the declared scope (rule E8).
    Accept {
        emergency: EmergencyId,
        path: String,
        reason: String,
    },
    /// Puts changed files back as they were, also while a terminal is open. `confirm` repeats the emergency's id.
    Revert {
        emergency: EmergencyId,
        paths: Vec<String>,
        reason: String,
        confirm: String,
    },
    /// Puts the whole backup back. `confirm` repeats the emergency's id.
    Restore {
        emergency: EmergencyId,
        reason: String,
        confirm: String,
    },
    Close {
        emergency: EmergencyId,
    },
}
