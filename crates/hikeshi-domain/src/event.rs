//! What happened. Past tense, codes and data; the ledger keeps these for ever, so a released form never changes its meaning.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{Passkey, Proof, Session, Token};
use crate::channel::Post;
use crate::chat::{ChatTrouble, Place};
use crate::effect::EffectKey;
use crate::emergency::{
    Approval, Aspect, Backup, Conditions, Ending, Evidence, Looked, Plan, PutBack, PuttingBack, Replaced, Requirement, StepEnd, Trouble,
    Verified,
};
use crate::ids::{Digest, EmergencyId, EnvironmentName, IncidentId, ObligationId, PersonId, ServiceName, TokenId};
use crate::incident::{Escalated, Priority, RoomEvent, Stage, Triage};
use crate::obligation::{ChangeRequest, Comparison, Held, Meeting, Obligation, Report, Waiver};
use crate::people::Actor;
use crate::policy::{Policy, Weakening};
use crate::review::{Finding, Presented};
use crate::session::{Ack, Captured, CommandRef, DeviceKey, Gap, HeldBecause, LineAsk, SealedBlock, SessionEnd, TypedCommand};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a decision holds a handful of events, for microseconds")]
pub enum Event {
    PolicyAdopted {
        digest: Digest,
        policy: Box<Policy>,
    },
    PolicyProposed {
        digest: Digest,
        policy: Box<Policy>,
        weakenings: Vec<Weakening>,
    },
    PolicyApproved {
        digest: Digest,
        by: PersonId,
    },
    PolicyRejected {
        digest: Digest,
        by: PersonId,
        reason: String,
    },
    LinkIssued {
        person: PersonId,
        secret: Digest,
        expires_at: Timestamp,
    },
    SignedIn {
        person: PersonId,
        proof: Proof,
        session: Session,
    },
    SignedOut {
        person: PersonId,
        session: Digest,
    },
    PasskeyAdded {
        person: PersonId,
        passkey: Passkey,
    },
    PasskeyRemoved {
        person: PersonId,
        credential_id: String,
    },
    TokenIssued {
        person: PersonId,
        token: TokenId,
        record: Token,
    },
    TokenRevoked {
        person: PersonId,
        token: TokenId,
    },
    /// Somebody has proven with their SSH key who they are, in a ledger that is kept while the server is away.
    EnteredBySsh {
        person: PersonId,
        /// What was signed: the ledger, the digest of the token, the device's key, the time.
        statement: String,
        signature: String,
        key: String,
    },

    Posted {
        post: Post,
    },
    PostDelivered {
        effect: EffectKey,
        place: Place,
        message: String,
    },
    PostUndelivered {
        effect: EffectKey,
        place: Place,
        trouble: ChatTrouble,
    },
    Monitor(crate::monitor::MonitorEvent),
    Alert(crate::alert::AlertEvent),
    Silence(crate::alert::silence::SilenceEvent),
    Change(crate::change::ChangeEvent),
    Oncall(crate::oncall::OncallEvent),
    Page(crate::page::PageEvent),
    Contact(crate::contact::ContactEvent),
    Postmortem(crate::postmortem::PostmortemEvent),
    Status(crate::status::StatusEvent),
    IncidentOpened {
        incident: IncidentId,
        title: String,
        summary: String,
        service: ServiceName,
        environment: EnvironmentName,
        triage: Triage,
        priority: Priority,
        opened_by: Actor,
        detected_at: Timestamp,
    },
    IncidentTriaged {
        incident: IncidentId,
        triage: Triage,
        priority: Priority,
    },
    IncidentAcknowledged {
        incident: IncidentId,
        by: PersonId,
    },
    IncidentMoved {
        incident: IncidentId,
        from: Stage,
        to: Stage,
        reason: String,
    },
    IncidentUpdated {
        incident: IncidentId,
        text: String,
    },
    IncidentNoted {
        incident: IncidentId,
        text: String,
    },
    IncidentResolved {
        incident: IncidentId,
        by: Actor,
        what: String,
    },
    IncidentEscalated(Escalated),
    Room(RoomEvent),
    Merge(crate::incident::MergeEvent),
    StatusUpdateDue {
        incident: IncidentId,
    },
    EmergencyRequested {
        emergency: EmergencyId,
        incident: IncidentId,
        requester: PersonId,
        conditions: Conditions,
        plan: Plan,
        digest: Digest,
        requirement: Requirement,
        /// Set in a ledger that is kept while the server is away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ledger: Option<String>,
    },
    PlanRevised {
        emergency: EmergencyId,
        plan: Plan,
        revision: u32,
        digest: Digest,
        requirement: Requirement,
    },
    EmergencyApproved {
        emergency: EmergencyId,
        approval: Approval,
        complete: bool,
        /// Only of a signed approval; with it an auditor needs to believe nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<Box<Evidence>>,
    },
    /// Follow-up became overdue between request and start: more approvals are needed now (rule E14).
    RequirementRaised {
        emergency: EmergencyId,
        requirement: Requirement,
    },
    EmergencyDeclined {
        emergency: EmergencyId,
        by: PersonId,
        reason: String,
    },
    EmergencyCancelled {
        emergency: EmergencyId,
        by: PersonId,
        reason: String,
    },
    ApprovalExpired {
        emergency: EmergencyId,
    },
    WitnessJoined {
        emergency: EmergencyId,
        person: PersonId,
    },
    WitnessLeft {
        emergency: EmergencyId,
        person: PersonId,
        lost: bool,
    },
    EmergencyHeld {
        emergency: EmergencyId,
        by: PersonId,
        reason: String,
    },
    EmergencyResumed {
        emergency: EmergencyId,
        by: PersonId,
    },
    EmergencyStarted {
        emergency: EmergencyId,
        by: PersonId,
        effect: EffectKey,
    },
    BackupTaken {
        emergency: EmergencyId,
        backup: Backup,
    },
    /// A witness confirms a dangerous step, for one attempt (rule E4).
    StepConfirmed {
        emergency: EmergencyId,
        step: u32,
        attempt: u32,
        digest: Digest,
        by: PersonId,
        expires_at: Timestamp,
    },
    StepStarted {
        emergency: EmergencyId,
        step: u32,
        attempt: u32,
        effect: EffectKey,
        by: PersonId,
        digest: Digest,
        witnesses: Vec<PersonId>,
        /// Who has confirmed it, when the plan marks it as dangerous.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed_by: Option<PersonId>,
    },
    StepEnded {
        emergency: EmergencyId,
        step: u32,
        end: StepEnd,
        #[serde(flatten)]
        looked: Looked,
    },
    StepInDoubt {
        emergency: EmergencyId,
        step: u32,
        effect: EffectKey,
    },
    StepSettledNotRun {
        emergency: EmergencyId,
        step: u32,
        by: PersonId,
        reason: String,
    },
    StepSettledRan {
        emergency: EmergencyId,
        step: u32,
        by: PersonId,
        reason: String,
        end: StepEnd,
    },
    VerificationStarted {
        emergency: EmergencyId,
        effect: EffectKey,
    },
    VerificationRecorded {
        emergency: EmergencyId,
        aspect: Aspect,
        verified: Verified,
    },
    ChangeAccepted {
        emergency: EmergencyId,
        path: String,
        by: PersonId,
        reason: String,
    },
    RevertStarted {
        emergency: EmergencyId,
        files: Vec<PuttingBack>,
        by: PersonId,
        reason: String,
        effect: EffectKey,
    },
    FilesReverted {
        emergency: EmergencyId,
        files: Vec<PutBack>,
        #[serde(flatten)]
        looked: Looked,
    },
    RestoreStarted {
        emergency: EmergencyId,
        by: PersonId,
        reason: String,
        effect: EffectKey,
    },
    BackupRestored {
        emergency: EmergencyId,
        files: u64,
        manifest: Digest,
        #[serde(flatten)]
        replaced: Replaced,
        #[serde(flatten)]
        looked: Looked,
    },
    EmergencyTroubled {
        emergency: EmergencyId,
        trouble: Trouble,
    },
    TerminalOpened {
        emergency: EmergencyId,
        session: u32,
        by: PersonId,
        place: String,
    },
    DeviceBound {
        emergency: EmergencyId,
        session: u32,
        person: PersonId,
        key: DeviceKey,
    },
    SessionNoted {
        emergency: EmergencyId,
        session: u32,
        by: PersonId,
        text: String,
    },
    BlocksSealed {
        emergency: EmergencyId,
        session: u32,
        first: u64,
        blocks: Vec<SealedBlock>,
        commands: Vec<TypedCommand>,
        gaps: Vec<Gap>,
    },
    /// Commands ended while it was being looked: it will be looked once more.
    LookOwed {
        emergency: EmergencyId,
        after: CommandRef,
    },
    FilesLookedAt {
        emergency: EmergencyId,
        effect: EffectKey,
        after: CommandRef,
    },
    FilesSeen {
        emergency: EmergencyId,
        after: CommandRef,
        #[serde(flatten)]
        looked: Looked,
        captured: Vec<Captured>,
    },
    BlocksWatched {
        emergency: EmergencyId,
        session: u32,
        acks: Vec<Ack>,
    },
    KeysHeld {
        emergency: EmergencyId,
        session: u32,
        held: Vec<HeldBecause>,
    },
    KeysReleased {
        emergency: EmergencyId,
        session: u32,
    },
    /// Enter is held at a line that the plan calls dangerous.
    LineAsked {
        emergency: EmergencyId,
        session: u32,
        ask: LineAsk,
    },
    LineConfirmed {
        emergency: EmergencyId,
        session: u32,
        ask: u32,
        digest: Digest,
        by: PersonId,
    },
    LineDenied {
        emergency: EmergencyId,
        session: u32,
        ask: u32,
        digest: Digest,
        by: PersonId,
        reason: String,
    },
    LineWithdrawn {
        emergency: EmergencyId,
        session: u32,
        ask: u32,
        digest: Digest,
    },
    /// A command ran that has words which the plan calls dangerous, and no witness had confirmed it.
    LineUnconfirmed {
        emergency: EmergencyId,
        session: u32,
        command: u32,
        words: String,
        why: String,
    },
    Redaction(crate::session::RedactionEvent),
    TerminalStopped {
        emergency: EmergencyId,
        session: u32,
        by: PersonId,
        reason: String,
    },
    TerminalEnded {
        emergency: EmergencyId,
        session: u32,
        end: SessionEnd,
    },
    SessionRanLong {
        emergency: EmergencyId,
    },
    EmergencyClosed {
        emergency: EmergencyId,
        ending: Ending,
    },
    ObligationRaised {
        obligation: Obligation,
    },
    ObligationStarted {
        obligation: ObligationId,
        effect: EffectKey,
    },
    ObligationTroubled {
        obligation: ObligationId,
        trouble: Trouble,
    },
    ChangeRequestOpened {
        obligation: ObligationId,
        request: ChangeRequest,
    },
    ChangeCompared {
        obligation: ObligationId,
        comparison: Comparison,
    },
    ReportGiven {
        obligation: ObligationId,
        report: Report,
    },
    ReportFiled {
        obligation: ObligationId,
        file: String,
        digest: Digest,
    },
    MeetingScheduled {
        obligation: ObligationId,
        meeting: Meeting,
    },
    InvitationFiled {
        obligation: ObligationId,
        file: String,
    },
    MeetingHeld {
        obligation: ObligationId,
        held: Held,
    },
    ObligationReminded {
        obligation: ObligationId,
        before_min: u32,
    },
    ObligationOverdue {
        obligation: ObligationId,
    },
    /// It is still owed, and further people were told (rule E12).
    ObligationEscalated {
        obligation: ObligationId,
        step: u32,
        to: Vec<PersonId>,
    },
    /// The report of a month or quarter stood before the development meeting (rule E13).
    ReportPresented {
        obligation: ObligationId,
        presented: Presented,
    },
    /// The record of an exception was searched for abuse (rule E13).
    EmergencyExamined {
        emergency: EmergencyId,
        /// How many entries the ledger had then.
        size: u64,
        findings: Vec<Finding>,
    },
    ObligationDone {
        obligation: ObligationId,
        by: Option<PersonId>,
        evidence: String,
    },
    ObligationWaived {
        obligation: ObligationId,
        waiver: Waiver,
    },
    /// What was carried out while the server was away, and how it came home.
    Offline(crate::offline::OfflineEvent),
}
