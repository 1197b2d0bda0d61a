//! Why the door said no: what happened, the rule in plain words, and what to do next. One function per refusal; the rule's id is shown by the caller.
//!
//! The match below has no catch-all: a new refusal does not compile before it has words in both languages.

mod account;
mod approval;
mod contact;
mod execution;
mod field;
mod incident;
mod input;
mod local;
mod obligation;
mod oncall;
mod request;
mod session;
mod signature;
mod verification;
mod witness;

pub(crate) use field::thing;

use hikeshi_domain::refusal::Refusal;

use crate::{Lang, Names, Sentence, plain};

/// What the refused person is told.
#[allow(clippy::too_many_lines, reason = "one line per refusal; splitting the match would need a catch-all arm")]
pub fn refusal(lang: Lang, refusal: &Refusal, names: &Names) -> Sentence {
    use Refusal as R;
    match refusal {
        R::UnknownActor => input::unknown_actor(lang),
        R::RoleMissing { command, roles } => input::role_missing(lang, command, roles, names),
        R::TextMissing { field } => input::text_missing(lang, field),
        R::TextTooLong { field, chars_max, chars } => input::text_too_long(lang, field, *chars_max, *chars),
        R::TooMany { field, max, given } => input::too_many(lang, field, *max, *given),
        R::NotInPolicy { what, given, nearest } => input::not_in_policy(lang, what, given, nearest.as_deref()),
        R::NotFound { what, given } => input::not_found(lang, what, given),
        R::TimeInFuture { field } => input::time_in_future(lang, field),
        R::TimeInPast { field } => input::time_in_past(lang, field),
        R::SecretInText { field } => input::secret_in_text(lang, field),

        R::SilenceLength { minutes_max } => input::silence_length(lang, *minutes_max),
        R::LinkUnfit => input::link_unfit(lang),
        R::SilenceOfNothing => input::silence_of_nothing(lang),

        R::IncidentOver { incident } => incident::over(lang, *incident),
        R::AlreadyAcknowledged { incident, by } => incident::already_acknowledged(lang, *incident, by, names),
        R::EverybodyCalled { incident } => incident::everybody_called(lang, *incident),
        R::NobodyHasIt { incident } => incident::nobody_has_it(lang, *incident),
        R::SameDuty { incident, duty } => incident::same_duty(lang, *incident, *duty),
        R::SameStage { stage } => incident::same_stage(lang, *stage),
        R::ReasonForGoingBack { from, to } => incident::reason_for_going_back(lang, *from, *to),
        R::OverrideReason => incident::override_reason(lang),
        R::NotResolved { incident } => incident::not_resolved(lang, *incident),
        R::AlreadyResolved { incident } => incident::already_resolved(lang, *incident),
        R::IncidentMerged { incident, into } => incident::merged(lang, *incident, *into),
        R::IncidentAway { incident } => incident::away(lang, *incident),
        R::MergedWithItself { incident } => incident::merged_with_itself(lang, *incident),
        R::MergedUnderException { incident, emergency } => incident::merged_under_exception(lang, *incident, *emergency),
        R::StillPublic { incident } => incident::still_public(lang, *incident),
        R::AlertElsewhere { incident, alert } => incident::alert_elsewhere(lang, *incident, alert),
        R::SplitLeavesNone { incident } => incident::split_leaves_none(lang, *incident),
        R::PostmortemWritten { incident } => incident::postmortem_written(lang, *incident),
        R::PostmortemMissing { incident } => incident::postmortem_missing(lang, *incident),
        R::NoStatusPage => incident::no_status_page(lang),
        R::EmergencyStillOpen { incident, emergency } => incident::emergency_still_open(lang, *incident, *emergency),

        R::NoPaging => contact::no_paging(lang),
        R::NoWayToReach { people } => contact::no_way(lang, people, names),
        R::TestedJustNow { minutes } => contact::just_now(lang, *minutes),
        R::NoTestToConfirm { means } => contact::nothing_to_confirm(lang, *means),
        R::NoWebPush => contact::no_web_push(lang),
        R::PushServiceUnknown { service } => contact::push_service_unknown(lang, service),
        R::BrowserUnknown => contact::browser_unknown(lang),
        R::ContactsUnproven { missing } => contact::unproven(lang, missing, names),
        R::CoverBackwards { from, until } => oncall::backwards(lang, *from, *until, names),
        R::CoverTooFar { days_max } => oncall::too_far(lang, *days_max),
        R::CoverOfOthers { person, roles } => oncall::of_others(lang, person, roles, names),
        R::CoverOver { id } => oncall::over(lang, *id),

        R::ConditionMissing { condition, evidence_missing } => request::condition_missing(lang, *condition, *evidence_missing),
        R::NotSerious { incident, priority } => request::not_serious(lang, *incident, priority, names),
        R::WrongEnvironment { environment } => request::wrong_environment(lang, environment, names),
        R::JudgeNotEntitled { person, roles } => request::judge_not_entitled(lang, person, roles, names),
        R::PlanEmpty { part } => request::plan_empty(lang, part),
        R::ScopeOutside { path } => request::scope_outside(lang, path),
        R::TimeoutTooLong { step, max_s } => request::timeout_too_long(lang, *step, *max_s),
        R::TargetElsewhere { target, service, environment } => request::target_elsewhere(lang, target, service, environment, names),
        R::ExecutorNotEntitled { person } => request::executor_not_entitled(lang, person, names),
        R::WrongStatus { emergency, status } => request::wrong_status(lang, *emergency, *status),

        R::SelfApproval { person } => approval::self_approval(lang, person, names),
        R::ExecutorApproves { person } => approval::executor_approves(lang, person, names),
        R::ApproverNotEntitled { roles } => approval::approver_not_entitled(lang, roles, names),
        R::DigestDiffers { given, current } => approval::digest_differs(lang, *given, *current),
        R::AlreadyApproved { person } => approval::already_approved(lang, person, names),
        R::ApprovalUnsigned => signature::approval_unsigned(lang),
        R::SignatureFlawed { flaw } => signature::flawed(lang, flaw),
        R::SignatureKeyUnknown { fingerprint } => signature::key_unknown(lang, fingerprint),
        R::SignatureKeyInvalid { person, fingerprint, standing } => signature::key_invalid(lang, person, fingerprint, *standing, names),
        R::SignatureDiffers { person, current } => signature::differs(lang, person, *current, names),
        R::SignerNotEntitled { person, roles } => signature::signer_not_entitled(lang, person, roles, names),
        R::AssertionFlawed { flaw } => signature::assertion(lang, flaw),
        R::ApprovalMissing { missing, every_role, because } => approval::approval_missing(lang, missing, *every_role, because, names),
        R::ApprovalExpired { at } => approval::approval_expired(lang, *at, names),

        R::WitnessIsExecutor { person } => witness::is_executor(lang, person, names),
        R::WitnessNotEntitled { person, roles } => witness::not_entitled(lang, person, roles, names),
        R::NotAWitness { person } => witness::not_a_witness(lang, person, names),
        R::QuorumMissing { quorum } => witness::quorum_missing(lang, quorum, names),
        R::Held { by, reason } => witness::held(lang, by, reason, names),
        R::NotHeld => witness::not_held(lang),
        R::OnlyWitnessResumes => witness::only_witness_resumes(lang),

        R::NotExecutor { executor } => execution::not_executor(lang, executor, names),
        R::BackupMissing => execution::backup_missing(lang),
        R::NoSuchStep { step, steps } => execution::no_such_step(lang, *step, *steps),
        R::StepOutOfOrder { step, next } => execution::step_out_of_order(lang, *step, *next),
        R::StepAlreadyDone { step } => execution::step_already_done(lang, *step),
        R::StepRunning { step } => execution::step_running(lang, *step),
        R::StepUnsettled { step } => execution::step_unsettled(lang, *step),
        R::NotInDoubt { step } => execution::not_in_doubt(lang, *step),
        R::EarlierStepFailed { step } => execution::earlier_step_failed(lang, *step),
        R::ConfirmationDiffers { expected } => execution::confirmation_differs(lang, expected),
        R::StepUnconfirmed { step, title } => witness::step_unconfirmed(lang, *step, title),
        R::StepNotDangerous { step } => witness::step_not_dangerous(lang, *step),
        R::NothingRun => execution::nothing_run(lang),
        R::AlreadyRestored => execution::already_restored(lang),
        R::NotInvolved { who } => execution::not_involved(lang, who, names),

        R::ChecksDeclared { aspect } => verification::checks_declared(lang, aspect),
        R::NotAttestable { person } => verification::not_attestable(lang, person, names),
        R::VerificationMissing { solved, unaffected } => verification::verification_missing(lang, *solved, *unaffected),
        R::ChangesUnaccepted { paths, unlisted } => verification::changes_unaccepted(lang, paths, *unlisted),
        R::NoSuchChange { path } => verification::no_such_change(lang, path),
        R::NotOutOfScope { path } => verification::not_out_of_scope(lang, path),
        R::ContentNotKept { path } => verification::content_not_kept(lang, path),
        R::OnlyApproverAccepts { approvers } => verification::only_approver_accepts(lang, approvers, names),

        R::TerminalNotPlanned => session::not_planned(lang),
        R::SessionOpen { session } => session::open(lang, *session),
        R::NoSuchSession { session } => session::no_such(lang, *session),
        R::SessionOver { session } => session::over(lang, *session),
        R::FilesNotSeen => session::files_not_seen(lang),
        R::NothingAsked { session } => session::nothing_asked(lang, *session),
        R::RangeUnfit { from, to, bytes_max } => session::range_unfit(lang, *from, *to, *bytes_max),
        R::NoRedactionProposed { session, redaction } => session::no_redaction(lang, *session, *redaction),
        R::RedactionSelfAgreed { person } => session::redaction_self_agreed(lang, person, names),
        R::RecordedElsewhere { session } => session::recorded_elsewhere(lang, *session),
        R::DeviceKeyUnreadable => session::key_unreadable(lang),
        R::DeviceShared { with } => session::shared(lang, with, names),

        R::WrongKind { obligation, kind } => obligation::wrong_kind(lang, *obligation, *kind),
        R::ObligationOver { obligation } => obligation::over(lang, *obligation),
        R::ObligationBusy { obligation } => obligation::busy(lang, *obligation),
        R::RequestNotOpen { obligation } => obligation::request_not_open(lang, *obligation),
        R::NoDrift { obligation } => obligation::no_drift(lang, *obligation),
        R::EmergencyNotClosed { emergency } => obligation::emergency_not_closed(lang, *emergency),
        R::ForgeMissing => obligation::forge_missing(lang),
        R::MeetingAfterDue { due_at } => obligation::meeting_after_due(lang, *due_at, names),
        R::PreventionMissing => obligation::prevention_missing(lang),
        R::DriftSelfAccepted { person } => obligation::drift_self_accepted(lang, person, names),
        R::CorrectionSelfFinished { person } => obligation::correction_self_finished(lang, person, names),

        R::PolicyFlawed { flaws } => account::policy_flawed(lang, flaws),
        R::PolicyUnchanged => account::policy_unchanged(lang),
        R::NoPolicyPending => account::no_policy_pending(lang),
        R::PolicyApprovedTwice { person } => account::policy_approved_twice(lang, person, names),

        R::LinkInvalid => account::link_invalid(lang),
        R::PasskeyUnknown => account::passkey_unknown(lang),
        R::PasskeyTaken => account::passkey_taken(lang),
        R::TokenUnknown => account::token_unknown(lang),
        R::RoleNotHeld { role } => account::role_not_held(lang, role, names),
        R::NotYours => account::not_yours(lang),
        R::SessionUnknown => account::session_unknown(lang),

        R::NotLocal => local::not_local(lang),
        R::PolicyOfLocal => local::policy(lang),
        R::LocalInvite => local::invite(lang),
        R::LocalOneCase { incident } => local::one_case(lang, *incident),
        R::TrustEnded { until } => local::trust_ended(lang, *until, names),
        R::StatementFlawed { flaw } => local::statement(lang, flaw),
        R::LocalFlawed { flaw } => local::flawed(lang, flaw, names),
        R::LocalUsed { ledger, incident, by } => local::used(lang, ledger, *incident, by, names),
        R::SelfReview { person } => local::self_review(lang, person, names),

        R::Stale => input::stale(lang),
    }
}

/// What people wrote can be part of any of the three, so none of them may steer a terminal.
fn say(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Sentence {
    Sentence::new(plain::lines(&what.into())).why(plain::lines(&why.into())).next(plain::lines(&next.into()))
}
