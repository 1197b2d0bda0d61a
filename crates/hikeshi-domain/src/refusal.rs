//! Why the door said no. A refusal is an answer, and it is recorded; the words are in `hikeshi-text`.
//!
//! Each names the rule that refused (`rules.md`) and carries what the text needs to say what is missing and what to do next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emergency::{ConditionName, Quorum, Status};
use crate::ids::{Digest, EmergencyId, IncidentId, ObligationId, OverrideId, PersonId, RoleName, TargetName};
use crate::incident::{Duty, Stage};
use crate::obligation;
use crate::offline::{LocalFlaw, StatementFlaw};
use crate::page::Means;
use crate::signature::SignatureFlaw;
use crate::signature::passkey::AssertionFlaw;
use crate::signature::ssh::KeyStanding;

/// The id of a rule of the product, such as `E3`.
pub type RuleId = &'static str;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident : $type:ty),* $(,)? })? => $rule:literal, $code:literal;)*) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "refusal", rename_all = "snake_case")]
        pub enum Refusal {
            $($(#[$doc])* $name $({ $($field: $type),* })?,)*
        }
        impl Refusal {
            /// The rule that refused.
            pub fn rule(&self) -> RuleId {
                match self { $(Self::$name { .. } => $rule,)* }
            }
            /// Stable name for programs: `emergency.self_approval`.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }
        }
        /// Every refusal: code and rule. The tables of the tests walk it.
        pub const REFUSALS: &[(&str, RuleId)] = &[$(($code, $rule)),*];
    };
}

refusals! {
    /// The actor is no person of the policy, or not the part of the program that may say this.
    UnknownActor => "A3", "actor.unknown";
    RoleMissing { command: String, roles: Vec<RoleName> } => "A3", "actor.role_missing";
    /// A text is empty where somebody must have written something.
    TextMissing { field: String } => "A1", "input.text_missing";
    TextTooLong { field: String, chars_max: u32, chars: u32 } => "A1", "input.text_too_long";
    TooMany { field: String, max: u32, given: u32 } => "A1", "input.too_many";
    NotInPolicy { what: String, given: String, nearest: Option<String> } => "A3", "input.not_in_policy";
    NotFound { what: String, given: String } => "A1", "input.not_found";
    TimeInFuture { field: String } => "A1", "input.time_in_future";
    TimeInPast { field: String } => "A1", "input.time_in_past";
    /// The text looks like it carries a password or token.
    SecretInText { field: String } => "A4", "input.secret";

    /// The policy calls nobody, or this ledger is kept while the server is away.
    NoPaging => "M2", "contact.no_paging";
    /// By the means that was asked for, the policy knows no way to these people.
    NoWayToReach { people: Vec<PersonId> } => "I5", "contact.no_way";
    TestedJustNow { minutes: u64 } => "M2", "contact.tested_just_now";
    NoTestToConfirm { means: Means } => "M2", "contact.nothing_to_confirm";
    /// The policy sends nothing to browsers.
    NoWebPush => "I5", "contact.no_web_push";
    /// A push service of no browser that we know, and none that the policy names.
    PushServiceUnknown { service: String } => "I5", "contact.push_service_unknown";
    /// Not, or no longer, one of theirs.
    BrowserUnknown => "I5", "contact.browser_unknown";
    /// Nobody has said yet that they are reached; without a means: the policy knows no way to them.
    ContactsUnproven { missing: Vec<(PersonId, Option<Means>)> } => "M2", "contact.unproven";

    SilenceLength { minutes_max: u32 } => "I10", "alert.silence_length";
    /// An address that no page may link to.
    LinkUnfit => "I7", "change.link";
    /// It names nothing, or what can never fit together.
    SilenceOfNothing => "I10", "alert.silence_of_nothing";

    IncidentOver { incident: IncidentId } => "I1", "incident.over";
    AlreadyAcknowledged { incident: IncidentId, by: PersonId } => "I4", "incident.already_acknowledged";
    /// All steps of all rounds have been taken.
    EverybodyCalled { incident: IncidentId } => "I4", "incident.everybody_called";
    NobodyHasIt { incident: IncidentId } => "I4", "incident.nobody_has_it";
    SameDuty { incident: IncidentId, duty: Duty } => "I6", "incident.same_duty";
    SameStage { stage: Stage } => "I1", "incident.same_stage";
    ReasonForGoingBack { from: Stage, to: Stage } => "I1", "incident.reason_for_going_back";
    OverrideReason => "I3", "incident.override_reason";
    NotResolved { incident: IncidentId } => "I1", "incident.not_resolved";
    AlreadyResolved { incident: IncidentId } => "I1", "incident.already_resolved";
    /// It has become part of another one.
    IncidentMerged { incident: IncidentId, into: IncidentId } => "I1", "incident.merged";
    /// What was carried out while the server was away is kept as it came home.
    IncidentAway { incident: IncidentId } => "I1", "incident.away";
    MergedWithItself { incident: IncidentId } => "I1", "incident.merged_with_itself";
    /// What is asked for or carried out because of it would lose its incident.
    MergedUnderException { incident: IncidentId, emergency: EmergencyId } => "I1", "incident.merged_under_exception";
    /// Outsiders read that it goes on, and nobody would tell them its end.
    StillPublic { incident: IncidentId } => "I6", "incident.still_public";
    /// The alert is none of this incident's.
    AlertElsewhere { incident: IncidentId, alert: String } => "I10", "incident.alert_elsewhere";
    SplitLeavesNone { incident: IncidentId } => "I10", "incident.split_leaves_none";
    PostmortemWritten { incident: IncidentId } => "I8", "postmortem.written";
    PostmortemMissing { incident: IncidentId } => "I8", "postmortem.missing";
    /// The policy has no `[status]`.
    NoStatusPage => "I6", "status.no_page";
    EmergencyStillOpen { incident: IncidentId, emergency: EmergencyId } => "I1", "incident.emergency_still_open";

    CoverBackwards { from: Timestamp, until: Timestamp } => "I4", "oncall.ends_before_it_begins";
    CoverTooFar { days_max: u32 } => "I4", "oncall.too_far_ahead";
    /// People arrange for themselves; others are arranged for by whoever manages the schedule.
    CoverOfOthers { person: PersonId, roles: Vec<RoleName> } => "I4", "oncall.of_others";
    CoverOver { id: OverrideId } => "I4", "oncall.over";

    ConditionMissing { condition: ConditionName, evidence_missing: bool } => "E1", "emergency.condition_missing";
    NotSerious { incident: IncidentId, priority: String } => "E1", "emergency.not_serious";
    WrongEnvironment { environment: String } => "E1", "emergency.wrong_environment";
    JudgeNotEntitled { person: PersonId, roles: Vec<RoleName> } => "E1", "emergency.judge_not_entitled";
    PlanEmpty { part: String } => "E3", "emergency.plan_empty";
    ScopeOutside { path: String } => "E8", "emergency.scope_outside";
    TimeoutTooLong { step: u32, max_s: u32 } => "E3", "emergency.timeout_too_long";
    TargetElsewhere { target: TargetName, service: String, environment: String } => "E1", "emergency.target_elsewhere";
    ExecutorNotEntitled { person: PersonId } => "E4", "emergency.executor_not_entitled";
    WrongStatus { emergency: EmergencyId, status: Status } => "E3", "emergency.wrong_status";
    SelfApproval { person: PersonId } => "E3", "emergency.self_approval";
    ExecutorApproves { person: PersonId } => "E3", "emergency.executor_approves";
    ApproverNotEntitled { roles: Vec<RoleName> } => "E3", "emergency.approver_not_entitled";
    /// The digest that the approver read is not that of the plan as it is now.
    DigestDiffers { given: Digest, current: Digest } => "E3", "emergency.digest_differs";
    AlreadyApproved { person: PersonId } => "E3", "emergency.already_approved";
    /// The policy takes signed approvals only.
    ApprovalUnsigned => "E3", "emergency.approval_unsigned";
    SignatureFlawed { flaw: SignatureFlaw } => "E3", "emergency.signature_flawed";
    /// The key is nobody's in the policy.
    SignatureKeyUnknown { fingerprint: String } => "E3", "emergency.signature_key_unknown";
    SignatureKeyInvalid { person: PersonId, fingerprint: String, standing: KeyStanding } => "E3", "emergency.signature_key_invalid";
    /// The signature is of another plan, or was altered.
    SignatureDiffers { person: PersonId, current: Digest } => "E3", "emergency.signature_differs";
    SignerNotEntitled { person: PersonId, roles: Vec<RoleName> } => "E3", "emergency.signer_not_entitled";
    AssertionFlawed { flaw: AssertionFlaw } => "E3", "emergency.assertion_flawed";
    ApprovalMissing { missing: Vec<RoleName>, every_role: bool, because: Vec<ObligationId> } => "E14", "emergency.approval_missing";
    ApprovalExpired { at: Timestamp } => "E3", "emergency.approval_expired";
    WitnessIsExecutor { person: PersonId } => "E4", "emergency.witness_is_executor";
    WitnessNotEntitled { person: PersonId, roles: Vec<RoleName> } => "E4", "emergency.witness_not_entitled";
    NotAWitness { person: PersonId } => "E4", "emergency.not_a_witness";
    QuorumMissing { quorum: Quorum } => "E4", "emergency.quorum_missing";
    Held { by: PersonId, reason: String } => "E4", "emergency.held";
    NotHeld => "E4", "emergency.not_held";
    OnlyWitnessResumes => "E4", "emergency.only_witness_resumes";
    NotExecutor { executor: PersonId } => "E3", "emergency.not_executor";
    BackupMissing => "E7", "emergency.backup_missing";
    NoSuchStep { step: u32, steps: u32 } => "E3", "emergency.no_such_step";
    StepOutOfOrder { step: u32, next: u32 } => "E3", "emergency.step_out_of_order";
    StepAlreadyDone { step: u32 } => "E3", "emergency.step_already_done";
    StepRunning { step: u32 } => "E3", "emergency.step_running";
    StepUnsettled { step: u32 } => "E6", "emergency.step_unsettled";
    NotInDoubt { step: u32 } => "E6", "emergency.not_in_doubt";
    EarlierStepFailed { step: u32 } => "E9", "emergency.earlier_step_failed";
    /// A dangerous act takes the typed words.
    ConfirmationDiffers { expected: String } => "E4", "emergency.confirmation_differs";
    /// A step that the plan marks as dangerous waits for a witness's own confirmation.
    StepUnconfirmed { step: u32, title: String } => "E4", "emergency.step_unconfirmed";
    StepNotDangerous { step: u32 } => "E4", "emergency.step_not_dangerous";
    /// The backup was put back: the plan is over, only the close is left.
    AlreadyRestored => "E9", "emergency.already_restored";
    /// Only people of this case may do this: `who` lists them.
    NotInvolved { who: Vec<PersonId> } => "A3", "emergency.not_involved";
    NothingRun => "E9", "emergency.nothing_run";
    ChecksDeclared { aspect: String } => "E9", "emergency.checks_declared";
    NotAttestable { person: PersonId } => "E9", "emergency.not_attestable";
    VerificationMissing { solved: bool, unaffected: bool } => "E9", "emergency.verification_missing";
    ChangesUnaccepted { paths: Vec<String>, unlisted: u64 } => "E8", "emergency.changes_unaccepted";
    NoSuchChange { path: String } => "E8", "emergency.no_such_change";
    NotOutOfScope { path: String } => "E8", "emergency.not_out_of_scope";
    ContentNotKept { path: String } => "E8", "emergency.content_not_kept";
    OnlyApproverAccepts { approvers: Vec<PersonId> } => "E8", "emergency.only_approver_accepts";

    /// The approved plan says nothing about work by hand.
    TerminalNotPlanned => "E3", "session.not_planned";
    /// Not while a terminal is open.
    SessionOpen { session: u32 } => "E4", "session.open";
    NoSuchSession { session: u32 } => "E5", "session.no_such";
    SessionOver { session: u32 } => "E5", "session.over";
    /// It is still being looked which files have changed, or it could not be looked.
    FilesNotSeen => "E6", "session.files_not_seen";
    /// No line waits for an answer, or another one by now.
    NothingAsked { session: u32 } => "E4", "session.nothing_asked";
    RangeUnfit { from: u64, to: u64, bytes_max: u64 } => "A4", "session.range_unfit";
    NoRedactionProposed { session: u32, redaction: u32 } => "A4", "session.no_redaction_proposed";
    /// Who proposed it, or typed what is to be taken out.
    RedactionSelfAgreed { person: PersonId } => "A4", "session.redaction_self_agreed";
    /// The recording came home in a parcel that is kept as it was signed.
    RecordedElsewhere { session: u32 } => "A4", "session.recorded_elsewhere";
    DeviceKeyUnreadable => "E4", "session.device_key_unreadable";
    /// Another witness signs with the same key.
    DeviceShared { with: PersonId } => "E4", "session.device_shared";

    WrongKind { obligation: ObligationId, kind: obligation::Kind } => "E10", "obligation.wrong_kind";
    ObligationOver { obligation: ObligationId } => "E10", "obligation.over";
    ObligationBusy { obligation: ObligationId } => "E10", "obligation.busy";
    RequestNotOpen { obligation: ObligationId } => "E10", "obligation.request_not_open";
    NoDrift { obligation: ObligationId } => "E10", "obligation.no_drift";
    EmergencyNotClosed { emergency: EmergencyId } => "E10", "obligation.emergency_not_closed";
    ForgeMissing => "E10", "obligation.forge_missing";
    MeetingAfterDue { due_at: Timestamp } => "E12", "obligation.meeting_after_due";
    PreventionMissing => "E12", "obligation.prevention_missing";
    DriftSelfAccepted { person: PersonId } => "E10", "obligation.drift_self_accepted";
    /// Whoever asked for an exception or carried it out does not declare it corrected.
    CorrectionSelfFinished { person: PersonId } => "E13", "obligation.correction_self_finished";

    /// Nobody looks over their own record.
    SelfReview { person: PersonId } => "A3", "obligation.self_review";

    PolicyFlawed { flaws: Vec<crate::policy::Flaw> } => "A3", "policy.flawed";
    PolicyUnchanged => "A3", "policy.unchanged";
    NoPolicyPending => "A3", "policy.none_pending";
    PolicyApprovedTwice { person: PersonId } => "A3", "policy.approved_twice";

    LinkInvalid => "A3", "account.link_invalid";
    PasskeyUnknown => "A3", "account.passkey_unknown";
    PasskeyTaken => "A3", "account.passkey_taken";
    TokenUnknown => "A3", "account.token_unknown";
    RoleNotHeld { role: RoleName } => "A3", "account.role_not_held";
    NotYours => "A3", "account.not_yours";
    SessionUnknown => "A3", "account.session_unknown";

    /// This ledger is not one that is kept while the server is away.
    NotLocal => "A3", "local.not_local";
    /// What binds a local ledger was signed by the server; it is not changed here.
    PolicyOfLocal => "A3", "local.policy";
    /// In a local ledger everyone proves themselves with their own key.
    LocalInvite => "A3", "local.invite";
    /// A local ledger is of one incident.
    LocalOneCase { incident: IncidentId } => "E3", "local.one_case";
    /// What the server knew is too old: keys may have been revoked since.
    TrustEnded { until: Timestamp } => "E3", "local.trust_ended";
    StatementFlawed { flaw: StatementFlaw } => "A3", "local.statement_flawed";
    /// What came home does not hold.
    LocalFlawed { flaw: LocalFlaw } => "A1", "local.flawed";
    /// Its approval was used by another history of the same ledger, or it came home before.
    LocalUsed { ledger: String, incident: IncidentId, by: PersonId } => "E3", "local.used";

    /// A deadline or an outcome that no longer applies. Recorded nowhere: it is the normal end of a race.
    Stale => "A1", "inside.stale";
}
