//! The witnessed terminal session: an emergency exception carried out by hand, in company, on the record (rules E4 to E6).
//!
//! Here: what a session is and what can be asked of it. The form of the recording is in [`record`], what a witness's device signs in
//! [`Ack`], whether keys may reach the shell in [`gate()`]. Not here: the terminal itself (`hikeshi-outside`), the live stream (`hikeshi-engine`).

mod ack;
mod ask;
#[cfg(test)]
mod ask_tests;
pub mod danger;
pub mod decide;
mod gate;
pub mod record;
mod redaction;
#[cfg(test)]
mod redaction_tests;
pub(crate) mod state;
pub mod stream;
#[cfg(test)]
mod tests;
pub mod told;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ack::{Ack, DeviceKey};
pub(crate) use ask::is_spent;
pub use danger::{ConfirmedLine, DangerousLine, LineAnswer, LineAsk};
pub use gate::{Absence, Absent, HeldBecause, Looking, gate};
pub(crate) use redaction::{KEY as REDACT_KEY, done as redaction_done, failed as redaction_failed};
pub use redaction::{REDACTED_BLOCKS_MAX, REDACTED_BYTES_MAX, RedactedBlock, Redaction, RedactionEvent, RedactionStanding, RedactionStep};

use crate::effect::EffectKey;
use crate::ids::{Digest, EmergencyId, PersonId};

/// What a plan says about work by hand. Part of the plan's digest: who approves knows that a terminal will be opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    #[serde(default)]
    pub shell: Shell,
    /// How the screen is to be read. The record keeps the bytes, whatever they are.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether typed keys are recorded too, beside what the shell echoes. Keys typed without echo are only ever counted.
    #[serde(default)]
    pub record_input: bool,
    /// What is looked at before and after, where the change is not one of files: a schema, a resource of a cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<Capture>,
    /// Lines that take a witness's confirmation before they run (rule E4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangerous: Vec<DangerousLine>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    #[default]
    Bash,
    Zsh,
}

impl Shell {
    pub fn program(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
        }
    }
}

/// Named as the WHATWG encoding standard names them, so that a browser decodes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "shift_jis")]
    ShiftJis,
    #[serde(rename = "euc-jp")]
    EucJp,
}

impl Encoding {
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::ShiftJis => "shift_jis",
            Self::EucJp => "euc-jp",
        }
    }
}

/// A command that only looks: `pg_dump --schema-only`, `kubectl get -o yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub title: String,
    /// A bash script in the target's root.
    pub run: String,
}

/// A block as the ledger names it: enough to find its bytes and to check that none is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SealedBlock {
    /// Digest of the block's header, which names the one before: the chain.
    pub head: Digest,
    /// Digest of the block's file among the contents.
    pub file: Digest,
}

/// How well a command's text and end are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The shell itself said so, with the secret of this session.
    Integrated,
    /// From marks that any program could print.
    Hint,
    /// The command ran where the shell could not be asked: inside another host, editor, or console.
    Unknown,
}

/// One command that was typed (rule E6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypedCommand {
    pub number: u32,
    /// Masked; at most 4,000 characters here, the whole is in the recording.
    pub text: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
    pub cwd: String,
    /// `None`: it did not end while the session lived.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Of each part of a pipeline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipeline: Vec<i32>,
    pub known: Known,
    /// The command of the outer shell in which this one ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u32>,
    /// What is known of a shell inside it: what was typed there is this command's output unless it is integrated.
    #[serde(default, skip_serializing_if = "Inner::is_unseen")]
    pub inner: Inner,
    /// Marks in its output that claimed to be the shell's and were not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forged: u32,
    pub started_at: Timestamp,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Where in the recording its output lies: counted in bytes of output from the beginning of the session.
    pub output_from: u64,
    pub output_to: u64,
}

/// Shells within a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inner {
    /// None told anything. There may have been one, or any other program.
    #[default]
    Unseen,
    /// One told something that anyone can print.
    Hinted,
    Integrated,
}

impl Inner {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_unseen(&self) -> bool {
        *self == Self::Unseen
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a [`Capture`] has printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Captured {
    pub title: String,
    /// `None`: it did not end in its time, or could not be started.
    pub exit_code: Option<i32>,
    pub output: Digest,
    pub bytes: u64,
}

/// A command of a session, for what it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CommandRef {
    pub session: u32,
    /// 0: the opening, before anything was typed.
    pub command: u32,
}

impl CommandRef {
    /// No command: the files are looked at because nobody has seen what a step did.
    pub const NONE: Self = Self { session: 0, command: 0 };
}

/// Looking at the files that is under way; at most one at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookingAgain {
    pub effect: EffectKey,
    pub after: CommandRef,
    /// Commands have ended since: it is looked once more afterwards.
    #[serde(default)]
    pub next: Option<CommandRef>,
}

/// Something that is not in the recording, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    pub why: GapReason,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Bytes of output that were let through and are lost, as far as they could be counted.
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The recorder died; its output was drained meanwhile.
    RecorderLost,
    /// Neither the disk nor the server took the record.
    NotStored,
}

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum SessionEnd {
    Exited {
        /// `None`: the shell's end was seen, not its exit code.
        code: Option<i32>,
    },
    /// A witness ended it.
    Stopped { by: PersonId, reason: String },
    /// The connection to the target's host broke; what ran there was hung up by the host, and how it ended is not known.
    ConnectionLost {
        /// The last words of `ssh`.
        detail: String,
    },
    /// It could not begin; nothing was recorded.
    Abandoned,
    /// Nothing was heard of the recorder any more.
    Lost,
}

/// Up to where somebody's own device has shown the recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    pub key: DeviceKey,
    /// The first block of which this person's device signed that it was shown.
    pub from_block: u64,
    pub to_block: u64,
    pub at: Timestamp,
}

/// One witnessed terminal of an exception; numbered from 1 within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    pub number: u32,
    pub by: PersonId,
    /// Where the shell runs, as the recorder says: a host's name.
    pub place: String,
    pub opened_at: Timestamp,
    /// Blocks sealed in the ledger, and the head of the last.
    pub blocks: u64,
    #[serde(default)]
    pub head: Option<Digest>,
    /// Keys of devices that watch, by person. The last one bound counts.
    #[serde(default)]
    pub devices: BTreeMap<PersonId, DeviceKey>,
    #[serde(default)]
    pub watched: BTreeMap<PersonId, Watched>,
    /// Why keys do not reach the shell; empty: they do.
    #[serde(default)]
    pub held: Vec<HeldBecause>,
    /// The last commands; earlier ones are in the ledger.
    #[serde(default)]
    pub commands: Vec<TypedCommand>,
    #[serde(default)]
    pub commands_earlier: u32,
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// The dangerous line that waits for a witness, or the last one that did; and how many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<LineAsk>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub asks: u32,
    /// Earlier ones that were confirmed or denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered: Vec<LineAsk>,
    /// Confirmed, and not seen to have run yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<ConfirmedLine>,
    /// Commands with dangerous words that nobody had confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<Redaction>,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// A witness has ended it; the shell is being hung up.
    #[serde(default)]
    pub stop: Option<SessionEnd>,
    #[serde(default)]
    pub end: Option<SessionEnd>,
}

impl Session {
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }
}

/// Everything that can be asked of a witnessed session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The executor opens the terminal.
    Open {
        emergency: EmergencyId,
        place: String,
    },
    /// A witness's device says with which key it will sign what it shows.
    Bind {
        emergency: EmergencyId,
        session: u32,
        key: DeviceKey,
    },
    /// A line of a witness, kept beside the recording.
    Note {
        emergency: EmergencyId,
        session: u32,
        text: String,
    },
    /// A witness ends the session: the shell is hung up.
    Stop {
        emergency: EmergencyId,
        session: u32,
        reason: String,
    },
    /// The executor gives up a session in which nothing was recorded: it cannot begin where they are.
    Abandon {
        emergency: EmergencyId,
        session: u32,
    },
    /// A present witness confirms the line that waits: `digest` is that of the line as they read it, `confirm` repeats its dangerous words.
    Confirm {
        emergency: EmergencyId,
        session: u32,
        digest: Digest,
        confirm: String,
    },
    /// A present witness says no to the line that waits.
    Deny {
        emergency: EmergencyId,
        session: u32,
        digest: Digest,
        reason: String,
    },
    /// A secret that masking did not catch: bytes of output, counted from the beginning of a session that is over.
    Redact {
        emergency: EmergencyId,
        session: u32,
        from: u64,
        to: u64,
        reason: String,
    },
    /// A second person has looked: `confirm` repeats the bytes, as `from-to`.
    AgreeRedaction {
        emergency: EmergencyId,
        session: u32,
        redaction: u32,
        confirm: String,
    },
    DeclineRedaction {
        emergency: EmergencyId,
        session: u32,
        redaction: u32,
        reason: String,
    },
    /// The recorder holds Enter at a line that the plan calls dangerous: `rule` counts the plan's list from 0.
    Ask {
        emergency: EmergencyId,
        session: u32,
        line: String,
        rule: u32,
        asked_at: Timestamp,
    },
    /// The line that waited was edited or left, or nobody answered.
    Withdraw {
        emergency: EmergencyId,
        session: u32,
        asked_at: Timestamp,
    },
    /// What the recorder has stored since the last time.
    Seal {
        emergency: EmergencyId,
        session: u32,
        /// Number of the first of these blocks.
        first: u64,
        blocks: Vec<SealedBlock>,
        #[serde(default)]
        commands: Vec<TypedCommand>,
        #[serde(default)]
        gaps: Vec<Gap>,
    },
    /// What devices of witnesses have signed since the last time.
    Acknowledge {
        emergency: EmergencyId,
        session: u32,
        acks: Vec<Ack>,
    },
    /// Keys are held, or reach the shell again.
    Gate {
        emergency: EmergencyId,
        session: u32,
        held: Vec<HeldBecause>,
    },
    End {
        emergency: EmergencyId,
        session: u32,
        end: SessionEnd,
    },
}

impl Command {
    pub fn emergency(&self) -> EmergencyId {
        match self {
            Self::Open { emergency, .. }
            | Self::Bind { emergency, .. }
            | Self::Note { emergency, .. }
            | Self::Stop { emergency, .. }
            | Self::Abandon { emergency, .. }
            | Self::Confirm { emergency, .. }
            | Self::Deny { emergency, .. }
            | Self::Redact { emergency, .. }
            | Self::AgreeRedaction { emergency, .. }
            | Self::DeclineRedaction { emergency, .. }
            | Self::Ask { emergency, .. }
            | Self::Withdraw { emergency, .. }
            | Self::Seal { emergency, .. }
            | Self::Acknowledge { emergency, .. }
            | Self::Gate { emergency, .. }
            | Self::End { emergency, .. } => *emergency,
        }
    }
}
