//! What the faces see. Plain data: codes, ids and times; no sentence (that is `hikeshi-text`).

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::Alert;
use hikeshi_domain::alert::silence::Silence;
use hikeshi_domain::channel::Post;
use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::emergency::{Emergency, Quorum};
use hikeshi_domain::ids::{
    ChannelName, Digest, EmergencyId, EnvironmentName, IncidentId, MonitorName, ObligationId, PersonId, RoleName, ServiceName, SilenceId,
    TokenId,
};
use hikeshi_domain::incident::{Incident, Priority, Stage};
use hikeshi_domain::monitor::NewPattern;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{MonitorKind, Person, Target, Weakening};
use hikeshi_domain::refusal::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChangesAround;
pub use crate::monitors::Point;
pub use crate::postmortems::Similar;

/// One thing that the viewer might do here, tried against the very rules that will decide it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// Kind of the command, such as `emergency.approve`.
    pub kind: String,
    pub allowed: bool,
    /// Why not, when not.
    pub refusal: Option<Refusal>,
}

/// What burns, who has it, what is owed, what may I do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NowView {
    /// Number of ledger entries that this view reflects.
    pub size: u64,
    pub at: Timestamp,
    /// Not resolved, worst and oldest first; at most 50.
    pub burning: Vec<Incident>,
    pub burning_total: u64,
    /// Not over, newest first; at most 50.
    pub exceptions: Vec<Emergency>,
    /// Owed, most overdue first; at most 50.
    pub owed: Vec<Obligation>,
    pub owed_total: u64,
    pub overdue_total: u64,
    pub monitors: Vec<MonitorRow>,
    /// Silences that hold now, or will.
    pub silences: Vec<Silence>,
    /// Alerts that fire and are held back by a silence.
    pub held_total: u64,
    pub pending_policy: Option<PendingPolicyView>,
    /// Effects of which nobody knows whether they happened.
    pub in_doubt: Vec<EmergencyId>,
    pub exceptions_this_month: u64,
    pub exceptions_last_month: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorRow {
    pub monitor: MonitorName,
    /// `None`: it has not reported yet, or cannot be measured; never shown as green.
    pub healthy: Option<bool>,
    /// Why it cannot be measured now.
    pub unmeasured: Option<String>,
    pub since: Option<Timestamp>,
    pub incident: Option<IncidentId>,
    /// It fails, and this silence holds it back.
    pub held: Option<SilenceId>,
}

/// Every monitor with its latest looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorsView {
    pub size: u64,
    pub at: Timestamp,
    pub monitors: Vec<MonitorView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorView {
    #[serde(flatten)]
    pub row: MonitorRow,
    pub kind: MonitorKind,
    pub service: ServiceName,
    pub environment: EnvironmentName,
    /// What the last look saw; nothing when this node has not looked lately.
    pub seen: Option<String>,
    /// Patterns of errors that came only after the last change, the most frequent first; at most 10.
    #[serde(default)]
    pub new_errors: Vec<NewPattern>,
    /// The latest looks of this node, oldest first; at most 120. Not kept across a restart.
    pub points: Vec<Point>,
}

/// What one monitor of an incident sees that is new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewErrorsOf {
    pub monitor: MonitorName,
    pub patterns: Vec<NewPattern>,
}

/// What fires, and what is held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertsView {
    pub size: u64,
    pub at: Timestamp,
    /// Those that hold now, or will.
    pub silences: Vec<Silence>,
    /// Alerts that fire, the latest first; at most 50.
    pub firing: Vec<Alert>,
    pub firing_total: u64,
    /// Alerts that fire and are held back by a silence; at most 50.
    pub held: Vec<Alert>,
    pub held_total: u64,
    pub monitors: Vec<MonitorRow>,
    pub offers: Vec<Offer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingPolicyView {
    pub digest: Digest,
    pub proposed_at: Timestamp,
    pub proposed_by: Option<PersonId>,
    pub weakenings: Vec<Weakening>,
    pub approved_by: Vec<PersonId>,
    pub offers: Vec<Offer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentView {
    pub size: u64,
    pub at: Timestamp,
    pub incident: Incident,
    pub measures: Measures,
    /// Those that fire first, then the latest; at most 50. How many there are in all says `incident.alerts`.
    pub alerts: Vec<Alert>,
    /// The one that it was merged into or split from, and those that were merged into it or split from it.
    pub related: Vec<IncidentRow>,
    /// What changed from a day before it was noticed until it was over (rule I7).
    pub changes: ChangesAround,
    /// Patterns of errors that its monitors saw only after the last change, as this node sees them now.
    #[serde(default)]
    pub new_errors: Vec<NewErrorsOf>,
    pub emergencies: Vec<Emergency>,
    pub obligations: Vec<Obligation>,
    /// Past incidents like this one, the most alike first; at most 5 (rule I9).
    pub similar: Vec<Similar>,
    pub offers: Vec<Offer>,
}

/// Times that were measured, in seconds since detection (rule I11). `None`: not yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measures {
    pub acknowledged_s: Option<i64>,
    pub mitigated_s: Option<i64>,
    pub resolved_s: Option<i64>,
    /// Whether the policy's target was met; `None`: not decided yet, or no target.
    pub acknowledged_in_time: Option<bool>,
    pub resolved_in_time: Option<bool>,
}

/// A line of the list of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentRow {
    pub id: IncidentId,
    pub title: String,
    pub priority: Priority,
    pub stage: Stage,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// It ended as a part of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<IncidentId>,
    pub acknowledged_by: Option<PersonId>,
}

/// A page of rows, newest first. `older` continues it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Pass as `before` to see the rows that follow; `None`: these were the last.
    pub older: Option<u64>,
}

/// One line of a timeline: a ledger entry, with what followed from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntryView {
    pub seq: u64,
    pub at: Timestamp,
    pub actor: Actor,
    pub via: Via,
    /// Kind of the command.
    pub kind: String,
    pub case: Option<IncidentId>,
    /// Events as the ledger keeps them; empty for a refusal.
    pub events: Vec<serde_json::Value>,
    pub refusal: Option<Refusal>,
    /// Leaf hash of the entry.
    pub hash: Digest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmergencyView {
    pub size: u64,
    pub at: Timestamp,
    pub emergency: Emergency,
    pub incident: Incident,
    pub target: Option<Target>,
    /// The canonical bytes of the plan, as text: what the digest is of.
    pub plan_document: String,
    pub quorum: Quorum,
    /// When each witness was last heard of.
    pub heard: Vec<Heard>,
    pub obligations: Vec<Obligation>,
    pub offers: Vec<Offer>,
    /// Output so far of the step that is running now, as text for the screen; the record keeps the bytes.
    pub running_output: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    pub person: PersonId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObligationView {
    pub size: u64,
    pub at: Timestamp,
    pub obligation: Obligation,
    /// The exception from which it comes; none for a report of a month or quarter.
    pub emergency: Option<Emergency>,
    pub offers: Vec<Offer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostRow {
    /// The ledger entry that holds it.
    pub seq: u64,
    pub at: Timestamp,
    pub actor: Actor,
    pub post: Post,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    pub size: u64,
    pub at: Timestamp,
    pub channel: ChannelName,
    pub posts: Page<PostRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerView {
    pub size: u64,
    /// RFC 6962 root of all entries.
    pub root: Digest,
    pub at: Timestamp,
    /// The newest signed checkpoint, as a C2SP note.
    pub checkpoint: Option<String>,
    /// The key that verifies it, as a C2SP verifier key.
    pub verifier_key: String,
    pub entries: Page<EntryView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonView {
    pub id: PersonId,
    pub person: Person,
    pub passkeys: Vec<PasskeyRow>,
    pub tokens: Vec<TokenRow>,
    pub sessions: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyRow {
    pub credential_id: String,
    pub label: String,
    pub added_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRow {
    pub token: TokenId,
    pub label: String,
    pub only: Option<Vec<RoleName>>,
    /// It reads the calendars of the schedules, and nothing else.
    pub calendar: bool,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An effect on its way, for the page that shows what the program is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectRow {
    pub key: EffectKey,
    pub kind: String,
    /// `queued`, `started`.
    pub state: String,
    pub queued_at: Timestamp,
    pub attempts: u32,
    pub obligation: Option<ObligationId>,
}
