//! What the world is told to do. An effect is data: queued with the decision, carried out after the commit, its outcome a command.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chat::{ChatOrder, ChatTrouble, Lane, Place, Seal};
use crate::emergency::{Aspect, Backup, CheckResult, Looked, Plan, PutBack, PuttingBack, Replaced, StepEnd};
use crate::ids::{Digest, EmergencyId, IncidentId, ObligationId, PersonId, RoleName, TargetName};
use crate::obligation::Drift;
use crate::page::PageOrder;
use crate::policy::Target;
pub use crate::postmortem::order::{PostmortemItem, PostmortemOrder};
use crate::session::{Capture, Captured, RedactedBlock};
use crate::status::order::TellOrder;

/// Stable name of one effect: the same effect has the same key before and after a crash. `emg_3/step/2/1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EffectKey(pub String);

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EffectKey {
    pub fn of_emergency(emergency: EmergencyId, what: &str, number: u32, attempt: u32) -> Self {
        Self(format!("{emergency}/{what}/{number}/{attempt}"))
    }
    pub fn of_obligation(obligation: ObligationId, what: &str, attempt: u32) -> Self {
        Self(format!("{obligation}/{what}/{attempt}"))
    }
}

/// What a repeat after a crash means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// Doing it twice is as good as once.
    Safe,
    /// Ask the world whether it happened, then decide.
    LookFirst,
    /// Never guess: a person settles it.
    AskHuman,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    pub key: EffectKey,
    pub work: Work,
}

/// Kinds of work that are carried out one after the other, each kind for itself and in the order in which they were queued.
pub const IN_ORDER: [&str; 3] = [CHAT_EMERGENCY, CHAT_OTHER, TELL];
/// Kinds that wait behind no other kind, however much of that there is.
pub const PAGES: [&str; 2] = [PAGE_SERIOUS, PAGE_OTHER];
const PAGE_SERIOUS: &str = "page_serious";
const PAGE_OTHER: &str = "page_other";
const CHAT_EMERGENCY: &str = "chat_emergency";
const CHAT_OTHER: &str = "chat_other";
/// Mails to many people take their time: they are in front of nothing but later ones of their own kind.
const TELL: &str = "tell";

/// The orders themselves. Each carries all that its hands need: they see neither the ledger nor the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Copy the declared scope beside the target and read the copy back (rule E7).
    TakeBackup {
        emergency: EmergencyId,
        host: HostSpec,
        scope: Vec<String>,
        name: String,
    },
    /// Run one approved step; record output and every file that changed under the root.
    RunStep {
        emergency: EmergencyId,
        host: HostSpec,
        scope: Vec<String>,
        step: u32,
        title: String,
        run: String,
        timeout_s: u32,
    },
    RunChecks {
        emergency: EmergencyId,
        host: HostSpec,
        plan: Box<Plan>,
    },
    /// See which files typed commands have changed, and run what the plan looks at beside files.
    LookAtFiles {
        emergency: EmergencyId,
        host: HostSpec,
        scope: Vec<String>,
        captures: Vec<Capture>,
    },
    /// Put the backup back and read the result.
    Restore {
        emergency: EmergencyId,
        host: HostSpec,
        scope: Vec<String>,
        backup: Backup,
    },
    /// Put files back as they were before the start. What is too large to be kept by digest comes from the backup.
    RevertFile {
        emergency: EmergencyId,
        host: HostSpec,
        scope: Vec<String>,
        files: Vec<PuttingBack>,
        backup: Option<Backup>,
    },
    /// Take bytes of output out of a recording (rule A4). The recording lies in the store, so the engine's own runner does it.
    Redact {
        emergency: EmergencyId,
        incident: IncidentId,
        session: u32,
        from: u64,
        to: u64,
    },
    /// Bring the captured changes to the repository as a branch, with patch and request file (rule E10).
    OpenChangeRequest(Box<ChangeRequestOrder>),
    CompareMerged {
        obligation: ObligationId,
        repository: String,
        base: String,
        branch: String,
        expect: Vec<RepositoryFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        github: Option<GitHub>,
    },
    WriteReport(Box<ReportOrder>),
    WriteInvitation(Box<InvitationOrder>),
    WritePostmortem(Box<PostmortemOrder>),
    /// Call one person once (rules I4, I5).
    Page(Box<PageOrder>),
    /// Say something in the team's chat, or show a card anew (rules E2, E5).
    Chat(Box<ChatOrder>),
    /// Tell subscribers of the status page (rule I6). Who they are lies in the store, so the engine's own runner goes from one to the next.
    Tell(Box<TellOrder>),
}

impl Work {
    pub fn again(&self) -> Again {
        match self {
            Self::RunStep { .. } => Again::AskHuman,
            Self::TakeBackup { .. } | Self::OpenChangeRequest(_) | Self::Chat(_) => Again::LookFirst,
            // Each of these makes the world equal a given state, or only looks at it.
            Self::RunChecks { .. }
            | Self::LookAtFiles { .. }
            | Self::Restore { .. }
            | Self::RevertFile { .. }
            | Self::Redact { .. }
            | Self::CompareMerged { .. }
            | Self::WriteReport(_)
            | Self::WriteInvitation(_)
            | Self::WritePostmortem(_)
            // Those who were told are remembered one by one.
            | Self::Tell(_)
            // Better twice than never; the second one says so.
            | Self::Page(_) => Again::Safe,
        }
    }

    /// Whether it is done on another host, over a connection.
    pub fn is_elsewhere(&self) -> bool {
        match self {
            Self::TakeBackup { host, .. }
            | Self::RunStep { host, .. }
            | Self::RunChecks { host, .. }
            | Self::LookAtFiles { host, .. }
            | Self::Restore { host, .. }
            | Self::RevertFile { host, .. } => host.target.ssh.is_some(),
            Self::Redact { .. }
            | Self::OpenChangeRequest(_)
            | Self::CompareMerged { .. }
            | Self::WriteReport(_)
            | Self::WriteInvitation(_)
            | Self::WritePostmortem(_)
            | Self::Chat(_) => false,
            Self::Page(_) | Self::Tell(_) => true,
        }
    }

    /// The name under which the table of effects and the metrics count it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TakeBackup { .. } => "take_backup",
            Self::RunStep { .. } => "run_step",
            Self::RunChecks { .. } => "run_checks",
            Self::LookAtFiles { .. } => "look_at_files",
            Self::Restore { .. } => "restore",
            Self::RevertFile { .. } => "revert_file",
            Self::Redact { .. } => "redact",
            Self::OpenChangeRequest(_) => "open_change_request",
            Self::CompareMerged { .. } => "compare_merged",
            Self::WriteReport(_) => "write_report",
            Self::WriteInvitation(_) => "write_invitation",
            Self::WritePostmortem(_) => "write_postmortem",
            Self::Page(order) if order.about.is_serious() => PAGE_SERIOUS,
            Self::Page(_) => PAGE_OTHER,
            Self::Chat(order) => match order.lane {
                Lane::Emergency => CHAT_EMERGENCY,
                Lane::Other => CHAT_OTHER,
            },
            Self::Tell(_) => TELL,
        }
    }
}

/// A target with everything that running there needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostSpec {
    pub name: TargetName,
    pub target: Target,
    pub output_bytes_max: u64,
    pub file_bytes_max: u64,
    /// Names of environment variables whose values are masked in everything that comes back.
    pub mask_env: Vec<String>,
    pub mask_patterns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryFile {
    /// Path in the repository.
    pub path: String,
    /// Content after the change; `None`: the file is gone.
    pub content: Option<Digest>,
    pub mode: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRequestOrder {
    pub obligation: ObligationId,
    pub emergency: EmergencyId,
    pub incident: IncidentId,
    pub repository: String,
    pub base: String,
    pub branch: String,
    pub requests: String,
    pub label: String,
    pub files: Vec<RepositoryFile>,
    /// Changed files whose content was too large to keep; named in the request, to be added by hand.
    pub not_kept: Vec<String>,
    /// Where the request is opened; without it the repository is a git repository that has no requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GitHub>,
    /// How far the ledger had come when the request was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    pub facts: CaseFacts,
}

/// A repository behind GitHub's API. The token itself is in the environment of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitHub {
    pub api: String,
    pub token_env: String,
}

/// What the record knows of a case, for documents that the program writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseFacts {
    pub workspace: String,
    pub time_zone: String,
    pub language: crate::policy::Language,
    pub incident: Box<crate::incident::Incident>,
    pub emergency: Box<crate::emergency::Emergency>,
    /// Names as the policy writes them.
    pub names: std::collections::BTreeMap<PersonId, String>,
    /// Titles of roles, likewise.
    pub roles: std::collections::BTreeMap<RoleName, crate::policy::RoleText>,
    pub scheme: crate::policy::Scheme,
    pub service_name: String,
    pub environment_name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportOrder {
    pub obligation: ObligationId,
    pub owner: PersonId,
    pub due_at: Timestamp,
    /// Directory under which `emergency/YYYY-MM-DD-incident.md` is written.
    pub documents_root: String,
    pub judgement: Option<crate::obligation::Judgement>,
    pub request: Option<crate::obligation::ChangeRequest>,
    pub facts: CaseFacts,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationOrder {
    pub obligation: ObligationId,
    pub documents_root: String,
    pub starts_at: Timestamp,
    pub lasts_min: u32,
    pub sequence: u32,
    pub invited: Vec<Invitee>,
    pub facts: CaseFacts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invitee {
    pub person: PersonId,
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
}

/// What became of an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    BackupTaken {
        backup: Backup,
    },
    StepEnded {
        end: StepEnd,
        /// Or why the files could not be looked at.
        looked: Result<Looked, String>,
    },
    ChecksEnded {
        results: Vec<AspectResult>,
    },
    FilesSeen {
        looked: Looked,
        captured: Vec<Captured>,
    },
    Restored {
        files: u64,
        manifest: Digest,
        #[serde(flatten)]
        replaced: Replaced,
        looked: Looked,
    },
    Reverted {
        files: Vec<PutBack>,
        looked: Looked,
    },
    Redacted {
        blocks: Vec<RedactedBlock>,
    },
    ChangeRequestOpened {
        commit: String,
        request_file: String,
        patch_file: String,
    },
    Compared {
        commit: String,
        merged: bool,
        drift: Vec<Drift>,
    },
    ReportWritten {
        file: String,
        digest: Digest,
    },
    InvitationWritten {
        file: String,
    },
    /// The receiver of a page has taken it.
    Paged {
        reference: String,
        repeated: bool,
        /// All that went in the same message; empty: it went alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bundle: Vec<EffectKey>,
    },
    /// The receiver of a page refuses it, and would refuse it again.
    PageRefused {
        detail: String,
    },
    /// Every subscriber was tried.
    Told {
        sent: u32,
        failed: u32,
    },
    /// It stands in the chat, as this message.
    Said {
        place: Place,
        message: String,
    },
    /// The chat does not take it, and will not take it later.
    Unsaid {
        place: Place,
        trouble: ChatTrouble,
    },
    /// The browser of a page is subscribed no more: it is forgotten. Never told to the door.
    Unsubscribed {
        detail: String,
    },
    /// Not now: the runner keeps the effect and comes back. Never told to the door.
    Postponed {
        after_s: u32,
        detail: String,
    },
    /// It could not be done; nothing was half-done, or what was is said in `detail`.
    Failed {
        detail: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AspectResult {
    pub aspect: Aspect,
    pub checks: Vec<CheckResult>,
}

/// A future that the hands return; spelled out so that this crate needs no runtime.
pub type Doing<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;

/// An outcome together with the contents it names by digest. The runner keeps the contents first, then submits the outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Performed {
    pub outcome: Outcome,
    pub contents: Vec<Vec<u8>>,
}

/// What the world says when asked whether an effect happened.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one answer at a time, for microseconds")]
pub enum Seen {
    Happened(Performed),
    /// It certainly did not begin, or left nothing behind: it may be done now.
    NotHappened,
    /// It is still going on, out of reach of the crash that made us ask.
    Running,
    /// Nobody can tell.
    Unknown,
}

/// Contents by digest: outputs, files before and after.
pub trait Contents: Send + Sync {
    fn get(&self, digest: Digest) -> Doing<'_, Option<Vec<u8>>>;
}

/// The hands. Implemented once for the real world, and by the test kit's small servers around it.
pub trait Outside: Send + Sync {
    /// Carries an effect out. Never panics, never hangs longer than the effect's own limits; failure is an outcome.
    fn perform<'a>(&'a self, effect: &'a Effect, contents: &'a dyn Contents) -> Doing<'a, Performed>;
    /// Asks the world about an effect that was begun before a crash.
    fn look<'a>(&'a self, effect: &'a Effect) -> Doing<'a, Seen>;
    /// The last bytes of output of a running step, masked, for those who watch.
    fn tail(&self, key: &EffectKey, bytes_max: usize) -> Option<Vec<u8>>;
}
