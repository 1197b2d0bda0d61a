//! What the program announces in a channel, and whom it calls. One function per announcement; the match has no catch-all.

mod emergency;
mod incident;
mod obligation;
mod offline;
mod oncall;
mod room;
mod session;
mod silence;
mod status;
mod workspace;

use hikeshi_domain::channel::{Body, Notice, Post};

use crate::{Lang, Names, plain};

/// The words of an announcement. Which case it belongs to stands on the post beside it.
pub fn notice(lang: Lang, notice: &Notice, names: &Names) -> String {
    use Notice as N;
    match notice {
        N::IncidentOpened { title, priority } => incident::opened(lang, title, *priority, names),
        N::IncidentAcknowledged { by } => incident::acknowledged(lang, by, names),
        N::PriorityChanged { priority } => incident::priority_changed(lang, *priority, names),
        N::StageMoved { stage } => incident::stage_moved(lang, *stage),
        N::StatusUpdate { text } => incident::status_update(lang, text),
        N::StatusUpdateDue { priority } => incident::update_due(lang, *priority, names),
        N::Published { state, by_hand } => status::published(lang, *state, *by_hand),
        N::Escalated { level, why } => room::escalated(lang, *level, why, names),
        N::NobodyOnCall { level, schedules } => oncall::nobody(lang, *level, schedules),
        N::OncallTaken { schedule, person, from, until } => oncall::taken(lang, schedule, person, *from, *until, names),
        N::OncallGivenBack { schedule, person, from, until } => oncall::given_back(lang, schedule, person, *from, *until, names),
        N::DutyAssigned { duty, person } => room::assigned(lang, *duty, person.as_ref(), names),
        N::HandedOver { from, to, note } => room::handed_over(lang, from, to, note, names),
        N::IncidentMerged { incident, worse } => incident::merged(lang, *incident, *worse, names),
        N::MergedInto { into } => incident::merged_into(lang, *into),
        N::IncidentSplit { from, into } => incident::split(lang, *from, *into),
        N::IncidentResolved { what } => incident::resolved(lang, what),
        N::PostmortemWritten { by, items } => incident::postmortem_written(lang, by, *items, names),
        N::AlertsGrow { fired } => incident::alerts_grow(lang, *fired),
        N::AlertsClear { resolved } => incident::alerts_clear(lang, *resolved),
        N::Silenced { silence } => silence::made(lang, silence, names),
        N::SilenceEnded { silence, lifted_by } => silence::ended(lang, *silence, lifted_by.as_ref(), names),
        N::EmergencyRequested { summary, reason, digest, requirement } => emergency::requested(lang, summary, reason, *digest, requirement),
        N::PlanRevised { digest, revision } => emergency::revised(lang, *digest, *revision),
        N::EmergencyApproved { by, judgement, digest, complete, expires_at, means } => {
            let (digest, complete, expires_at) = (*digest, *complete, *expires_at);
            emergency::approved(lang, &emergency::Approved { by, judgement, digest, complete, expires_at, means }, names)
        }
        N::EmergencyDeclined { by, reason } => emergency::declined(lang, by, reason, names),
        N::EmergencyCancelled { reason } => emergency::cancelled(lang, reason),
        N::ApprovalExpired => emergency::expired(lang),
        N::SessionStarted { executor } => emergency::session_started(lang, executor, names),
        N::TerminalOpened { executor, session } => session::opened(lang, executor, *session, names),
        N::LineUnconfirmed { session, command, words } => session::unconfirmed(lang, *session, *command, words),
        N::RedactionProposed { session, redaction, by, bytes, reason } => {
            session::redaction_proposed(lang, (*session, *redaction), by, *bytes, reason, names)
        }
        N::RedactionEnded { session, redaction, done } => session::redaction_ended(lang, *session, *redaction, *done),
        N::TerminalStopped { by, session, reason } => session::stopped(lang, by, *session, reason, names),
        N::TerminalEnded { session, end } => session::ended(lang, *session, end, names),
        N::SessionLong { minutes } => emergency::session_long(lang, *minutes),
        N::WitnessJoined { person } => emergency::witness_joined(lang, person, names),
        N::WitnessLeft { person, lost } => emergency::witness_left(lang, person, *lost, names),
        N::Held { by, reason } => emergency::held(lang, by, reason, names),
        N::Resumed { by } => emergency::resumed(lang, by, names),
        N::OutOfScope { path } => emergency::out_of_scope(lang, path),
        N::StepFailed { step, title } => emergency::step_failed(lang, *step, title),
        N::StepInDoubt { step, title } => emergency::step_in_doubt(lang, *step, title),
        N::VerificationFailed => emergency::verification_failed(lang),
        N::Restored { by } => emergency::restored(lang, by, names),
        N::EmergencyClosed { ending } => emergency::closed(lang, *ending),
        N::ObligationsRaised { obligations } => obligation::raised(lang, obligations),
        N::ObligationReminder { obligation, kind, due_at } => obligation::reminder(lang, *obligation, *kind, *due_at, names),
        N::ObligationOverdue { obligation, kind } => obligation::overdue(lang, *obligation, *kind),
        N::ObligationEscalated { obligation, kind, step, due_at } => obligation::escalated(lang, *obligation, *kind, *step, *due_at, names),
        N::ContactTestDue { obligation, due_at } => obligation::contact_test_due(lang, *obligation, *due_at, names),
        N::ReportDue { obligation, period, due_at } => obligation::report_due(lang, *obligation, *period, *due_at, names),
        N::AbuseFound { kinds, obligations } => obligation::abuse_found(lang, kinds, obligations),
        N::ObligationDone { obligation, kind } => obligation::done(lang, *obligation, *kind),
        N::SignInLinkIssued { person, by } => workspace::link_issued(lang, person, by, names),
        N::OfflineAnnounced { title, host, by, due_at } => offline::announced(lang, title, host, by, *due_at, names),
        N::OfflineLate { title, host } => offline::late(lang, title, host),
        N::OfflineReconciled { host, by, emergencies, degraded } => offline::reconciled(lang, host, by, emergencies, degraded, names),
        N::PolicyAwaitsApproval { digest } => workspace::policy_awaits(lang, *digest),
        N::ChatUndelivered { trouble } => crate::chat::trouble(lang, trouble),
        N::PolicyAdopted { digest } => workspace::policy_adopted(lang, *digest),
    }
}

/// The words of a post, whoever wrote it. A person's words keep their line breaks.
pub fn post(lang: Lang, post: &Post, names: &Names) -> String {
    match &post.body {
        Body::Text { text } => plain::lines(text),
        Body::Notice { notice: announced } => notice(lang, announced, names),
    }
}

/// `@CTO @開発責任者 @田中 太郎`; empty when nobody is called.
pub fn mentions(lang: Lang, post: &Post, names: &Names) -> String {
    let roles = post.roles.iter().map(|role| format!("@{}", names.role(lang, role)));
    let people = post.people.iter().map(|person| format!("@{}", names.written(person)));
    roles.chain(people).collect::<Vec<_>>().join(" ")
}
