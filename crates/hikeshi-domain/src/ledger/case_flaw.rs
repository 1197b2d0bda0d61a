//! What [`super::case`] can find wrong in what a bundle tells.

use serde::{Deserialize, Serialize};

use crate::ids::PersonId;

/// What is wrong. Codes only; the words are elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum Flaw {
    /// The plan in entry `seq` is not the one whose digest stands beside it.
    PlanDiffers {
        seq: u64,
    },
    /// It ran, and nobody had approved this plan.
    ApprovalMissing {
        seq: u64,
    },
    /// The approver is the one who asked, or who carried it out.
    ApproverNotApart {
        seq: u64,
        person: PersonId,
    },
    ApprovalExpired {
        seq: u64,
        person: PersonId,
    },
    /// A step ran under the digest of another plan.
    StepOfOtherPlan {
        seq: u64,
        step: u32,
    },
    /// A step that the plan marks as dangerous ran without a witness's confirmation of it.
    StepUnconfirmed {
        seq: u64,
        step: u32,
    },
    /// It was confirmed by somebody who did not witness.
    ConfirmerNotWitness {
        seq: u64,
        person: PersonId,
    },
    /// A confirmation of a line that was not asked about.
    LineNotAsked {
        seq: u64,
        person: PersonId,
    },
    /// A command has words that the plan calls dangerous; nobody had confirmed it, and the ledger does not say so.
    CommandUnconfirmed {
        number: u32,
    },
    SessionNotByExecutor {
        person: PersonId,
    },
    /// Entry `seq` says that another block comes next.
    BlocksMisplaced {
        seq: u64,
        first: u64,
    },
    BlockMissing {
        block: u64,
    },
    BlockBroken {
        block: u64,
        detail: String,
    },
    /// Entry `seq` replaces blocks, and no second person had agreed, or other blocks than those that were there.
    RedactionNotAgreed {
        seq: u64,
    },
    RedactionByExecutor {
        person: PersonId,
    },
    /// Bytes that were to be taken out can still be read.
    RedactionReadable {
        redaction: u32,
    },
    /// The session ended, and the recording does not show it.
    RecordingCut {
        blocks: u64,
    },
    EndDiffers,
    /// The ledger tells of a command that is not in the recording.
    CommandNotRecorded {
        number: u32,
    },
    /// The recording shows a command of which the ledger tells nothing.
    CommandNotTold {
        number: u32,
    },
    CommandDiffers {
        number: u32,
        field: String,
    },
    /// A signed word about a block that is not there.
    AckBeyondEnd {
        seq: u64,
        person: PersonId,
        block: u64,
    },
    /// A signed word about another recording.
    AckOfOtherHead {
        seq: u64,
        person: PersonId,
        block: u64,
    },
    AckWithoutDevice {
        seq: u64,
        person: PersonId,
    },
    AckNotSigned {
        seq: u64,
        person: PersonId,
        block: u64,
    },
    DeviceShared {
        person: PersonId,
        with: PersonId,
    },
    WitnessIsExecutor {
        person: PersonId,
    },
    WitnessNotJoined {
        person: PersonId,
    },
}
