//! The workspace's own public channel: what everyone can read. Notices are codes with data; `hikeshi-text` turns them into words.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chat::ChatTrouble;
use crate::decide::Decision;
use crate::emergency::{Ending, Means, Requirement};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{ChannelName, Digest, EmergencyId, IncidentId, ObligationId, PersonId, RoleName};
use crate::incident::{Duty, Level, Priority, Stage, WhyEscalated};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::obligation;
use crate::offline::Degraded;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::review::{FindingName, Period};
use crate::session::SessionEnd;
use crate::status::PublicState;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Post {
    pub channel: ChannelName,
    pub body: Body,
    /// Roles and people called by `@`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Body {
    /// What a person wrote.
    Text {
        text: String,
    },
    Notice {
        notice: Notice,
    },
}

/// What the program announces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Notice {
    IncidentOpened {
        title: String,
        priority: Priority,
    },
    IncidentAcknowledged {
        by: PersonId,
    },
    PriorityChanged {
        priority: Priority,
    },
    StageMoved {
        stage: Stage,
    },
    StatusUpdate {
        text: String,
    },
    StatusUpdateDue {
        priority: Priority,
    },
    /// People outside the team were told.
    Published {
        state: PublicState,
        /// Or by the program, when the incident was resolved.
        by_hand: bool,
    },
    Escalated {
        level: Level,
        why: WhyEscalated,
    },
    /// A step found nobody on call.
    NobodyOnCall {
        level: Level,
        schedules: Vec<String>,
    },
    OncallTaken {
        schedule: String,
        person: PersonId,
        from: Timestamp,
        until: Timestamp,
    },
    OncallGivenBack {
        schedule: String,
        person: PersonId,
        from: Timestamp,
        until: Timestamp,
    },
    /// A quarter is over: the contacts are to be tried (rule M2).
    ContactTestDue {
        obligation: ObligationId,
        due_at: Timestamp,
    },
    DutyAssigned {
        duty: Duty,
        person: Option<PersonId>,
    },
    HandedOver {
        from: PersonId,
        to: PersonId,
        note: String,
    },
    /// Another one has become part of it; with the other's priority when that is worse.
    IncidentMerged {
        incident: IncidentId,
        worse: Option<Priority>,
    },
    /// It has become part of another one.
    MergedInto {
        into: IncidentId,
    },
    /// Some of its alerts have an incident of their own now.
    IncidentSplit {
        from: IncidentId,
        into: IncidentId,
    },
    /// The postmortem was written; so many prevention items came from it.
    PostmortemWritten {
        by: PersonId,
        items: u32,
    },
    IncidentResolved {
        what: String,
    },
    /// A storm: so many alerts have fired that belong to it.
    AlertsGrow {
        fired: u32,
    },
    /// Its last alert is over; with `resolved` the incident is, too.
    AlertsClear {
        resolved: bool,
    },
    /// From now on, or later, what this covers calls nobody.
    Silenced {
        silence: Box<crate::alert::silence::Silence>,
    },
    SilenceEnded {
        silence: crate::ids::SilenceId,
        lifted_by: Option<crate::alert::inhibit::By>,
    },
    /// Rule E2: details, needed response and the reason for the exception.
    EmergencyRequested {
        summary: String,
        reason: String,
        digest: Digest,
        requirement: Requirement,
    },
    PlanRevised {
        digest: Digest,
        revision: u32,
    },
    EmergencyApproved {
        by: PersonId,
        judgement: String,
        digest: Digest,
        complete: bool,
        expires_at: Timestamp,
        #[serde(default)]
        means: Means,
    },
    EmergencyDeclined {
        by: PersonId,
        reason: String,
    },
    EmergencyCancelled {
        reason: String,
    },
    ApprovalExpired,
    /// Rule E5: where to watch, and when it began.
    SessionStarted {
        executor: PersonId,
    },
    /// Rule E5: a terminal is open, to be watched.
    TerminalOpened {
        executor: PersonId,
        session: u32,
    },
    /// A dangerous line ran that no witness had confirmed.
    LineUnconfirmed {
        session: u32,
        command: u32,
        words: String,
    },
    /// A secret is to be taken out of a recording; a second person is asked.
    RedactionProposed {
        session: u32,
        redaction: u32,
        by: PersonId,
        bytes: u64,
        reason: String,
    },
    RedactionEnded {
        session: u32,
        redaction: u32,
        done: bool,
    },
    TerminalStopped {
        by: PersonId,
        session: u32,
        reason: String,
    },
    TerminalEnded {
        session: u32,
        end: SessionEnd,
    },
    SessionLong {
        minutes: u32,
    },
    WitnessJoined {
        person: PersonId,
    },
    WitnessLeft {
        person: PersonId,
        lost: bool,
    },
    Held {
        by: PersonId,
        reason: String,
    },
    Resumed {
        by: PersonId,
    },
    OutOfScope {
        path: String,
    },
    StepFailed {
        step: u32,
        title: String,
    },
    StepInDoubt {
        step: u32,
        title: String,
    },
    VerificationFailed,
    Restored {
        by: PersonId,
    },
    EmergencyClosed {
        ending: Ending,
    },
    ObligationsRaised {
        obligations: Vec<ObligationId>,
    },
    ObligationReminder {
        obligation: ObligationId,
        kind: obligation::Kind,
        due_at: Timestamp,
    },
    ObligationOverdue {
        obligation: ObligationId,
        kind: obligation::Kind,
    },
    /// It stays undone past its due time: further people are told (rule E12).
    ObligationEscalated {
        obligation: ObligationId,
        kind: obligation::Kind,
        step: u32,
        due_at: Timestamp,
    },
    ObligationDone {
        obligation: ObligationId,
        kind: obligation::Kind,
    },
    /// A month or quarter is over and its report is owed (rule E13).
    ReportDue {
        obligation: ObligationId,
        period: Period,
        due_at: Timestamp,
    },
    /// The record shows signs of abuse; each needs a corrective action (rule E13).
    AbuseFound {
        kinds: Vec<FindingName>,
        obligations: Vec<ObligationId>,
    },
    /// Somebody can sign in as `person` with a link that `by` asked for. Public, so that nobody borrows a name unnoticed.
    SignInLinkIssued {
        person: PersonId,
        by: Actor,
    },
    /// Somewhere else an exception is carried out, or was, without this ledger.
    OfflineAnnounced {
        title: String,
        host: String,
        by: PersonId,
        due_at: Timestamp,
    },
    OfflineLate {
        title: String,
        host: String,
    },
    OfflineReconciled {
        host: String,
        by: PersonId,
        emergencies: Vec<EmergencyId>,
        degraded: Vec<Degraded>,
    },
    PolicyAwaitsApproval {
        digest: Digest,
    },
    PolicyAdopted {
        digest: Digest,
    },
    /// An announcement did not reach the team's chat. Never said in the chat itself.
    ChatUndelivered {
        trouble: ChatTrouble,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A message in a channel, about an incident or not.
    Post {
        channel: ChannelName,
        text: String,
        #[serde(default)]
        incident: Option<IncidentId>,
    },
}

pub fn needs(command: &Command) -> Needs {
    let Command::Post { incident, .. } = command;
    Needs { incidents: incident.iter().copied().collect(), ..Needs::default() }
}

pub fn decide(facts: &Facts, command: &Command) -> Result<Decision, Refusal> {
    let Command::Post { channel, text, incident } = command;
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    input::required("text", text, TEXT_CHARS_MAX)?;
    input::declared("channel", channel.as_str(), [policy.channels.emergency.as_str(), policy.channels.incidents.as_str()])?;
    if let Some(id) = incident {
        facts.incident(*id).ok_or_else(|| Refusal::NotFound { what: "incident".to_owned(), given: id.to_string() })?;
    }
    let post = Post {
        channel: channel.clone(),
        body: Body::Text { text: text.clone() },
        roles: Vec::new(),
        people: Vec::new(),
        incident: *incident,
        emergency: None,
    };
    Ok(Decision { events: vec![Event::Posted { post }], case: *incident, ..Decision::default() })
}
