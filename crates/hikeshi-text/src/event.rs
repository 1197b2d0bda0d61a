//! What happened, one line per event. A line says what was done, not who did it: the doer is the entry's actor, shown beside it.
//!
//! The match below has no catch-all: a new event does not compile before it has words in both languages.

mod account;
mod alert;
mod change;
mod contact;
mod danger;
mod emergency;
mod execution;
mod incident;
mod merge;
mod obligation;
mod offline;
mod oncall;
mod page;
mod postmortem;
mod redaction;
mod room;
mod session;
mod silence;
mod status;

pub use incident::restored_by;

use hikeshi_domain::channel::Body;
pub use page::page_line;

use hikeshi_domain::event::Event;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::people::Actor;
use hikeshi_domain::refusal::Refusal;
use serde::Deserialize as _;

use crate::{Lang, Names, label};

/// One line of a timeline. Holds line breaks only where a person wrote them in a note, a status update or a message.
#[allow(clippy::too_many_lines, reason = "one line per event; splitting the match would need a catch-all arm")]
pub fn event(lang: Lang, event: &Event, names: &Names) -> String {
    use Event as E;
    match event {
        E::PolicyAdopted { digest, .. } => account::policy_adopted(lang, *digest),
        E::PolicyProposed { digest, weakenings, .. } => account::policy_proposed(lang, *digest, weakenings, names),
        E::PolicyApproved { digest, by: _ } => account::policy_approved(lang, *digest),
        E::PolicyRejected { digest, by: _, reason } => account::policy_rejected(lang, *digest, reason),
        E::LinkIssued { person, expires_at, secret: _ } => account::link_issued(lang, person, *expires_at, names),
        E::SignedIn { person, proof, session: _ } => account::signed_in(lang, person, proof, names),
        E::SignedOut { person, session: _ } => account::signed_out(lang, person, names),
        E::PasskeyAdded { person, passkey } => account::passkey_added(lang, person, &passkey.label, names),
        E::PasskeyRemoved { person, credential_id: _ } => account::passkey_removed(lang, person, names),
        E::TokenIssued { person, token, record } => account::token_issued(lang, person, *token, record, names),
        E::TokenRevoked { person, token } => account::token_revoked(lang, person, *token, names),
        E::Posted { post } => account::posted(lang, post, names),
        E::PostDelivered { place, .. } => account::post_delivered(lang, place, names),
        E::PostUndelivered { trouble, .. } => crate::chat::trouble(lang, trouble),

        E::Monitor(event) => silence::monitor(lang, event),
        E::Silence(event) => silence::said(lang, event, names),
        E::Alert(event) => alert::said(lang, event),
        E::Change(event) => change::said(lang, event, names),
        E::Contact(event) => contact::said(lang, event, names),
        E::Oncall(event) => oncall::said(lang, event, names),
        E::Page(event) => page::said(lang, event, names),
        E::Postmortem(event) => postmortem::said(lang, event),
        E::Status(event) => status::said(lang, event),
        E::IncidentOpened { incident, title, service, environment, priority, .. } => {
            incident::opened(lang, *incident, title, service, environment, *priority, names)
        }
        E::IncidentTriaged { triage, priority, incident: _ } => incident::triaged(lang, triage, *priority, names),
        E::IncidentAcknowledged { incident, by: _ } => incident::acknowledged(lang, *incident),
        E::IncidentMoved { from, to, reason, incident: _ } => incident::moved(lang, *from, *to, reason),
        E::IncidentUpdated { text, incident: _ } => incident::updated(lang, text),
        E::IncidentNoted { text, incident: _ } => incident::noted(lang, text),
        E::IncidentResolved { what, incident: _, by: _ } => incident::resolved(lang, what),
        E::IncidentEscalated(escalated) => room::escalated(lang, escalated, names),
        E::Room(event) => room::said(lang, event, names),
        E::Merge(event) => merge::said(lang, event, names),
        E::StatusUpdateDue { incident: _ } => incident::update_due(lang),

        E::EmergencyRequested { emergency, plan, digest, requirement, .. } => {
            emergency::requested(lang, *emergency, plan, *digest, requirement, names)
        }
        E::PlanRevised { emergency, revision, digest, .. } => emergency::revised(lang, *emergency, *revision, *digest),
        E::EmergencyApproved { approval, complete, emergency: _, evidence: _ } => emergency::approved(lang, approval, *complete, names),
        E::RequirementRaised { requirement, emergency: _ } => emergency::requirement_raised(lang, requirement),
        E::EmergencyDeclined { emergency, reason, by: _ } => emergency::declined(lang, *emergency, reason),
        E::EmergencyCancelled { emergency, reason, by: _ } => emergency::cancelled(lang, *emergency, reason),
        E::ApprovalExpired { emergency } => emergency::expired(lang, *emergency),
        E::WitnessJoined { person, emergency: _ } => emergency::witness_joined(lang, person, names),
        E::WitnessLeft { person, lost, emergency: _ } => emergency::witness_left(lang, person, *lost, names),
        E::EmergencyHeld { reason, emergency: _, by: _ } => emergency::held(lang, reason),
        E::EmergencyResumed { emergency: _, by: _ } => emergency::resumed(lang),
        E::TerminalOpened { session, place, emergency: _, by: _ } => session::opened(lang, *session, place),
        E::DeviceBound { session, key, emergency: _, person: _ } => session::bound(lang, *session, key),
        E::SessionNoted { session, text, emergency: _, by: _ } => session::noted(lang, *session, text),
        E::BlocksSealed { session, first, blocks, commands, gaps, emergency: _ } => {
            session::sealed(lang, *session, *first, blocks.len(), commands, gaps)
        }
        E::LookOwed { emergency: _, after: _ } => session::look_owed(lang),
        E::FilesLookedAt { after, emergency: _, effect: _ } => session::looked_at(lang, *after),
        E::FilesSeen { after, looked, captured, emergency: _ } => session::seen(lang, *after, looked, captured),
        E::BlocksWatched { session, acks, emergency: _ } => session::watched(lang, *session, acks, names),
        E::KeysHeld { session, held, emergency: _ } => session::held(lang, *session, held, names),
        E::KeysReleased { session, emergency: _ } => session::released(lang, *session),
        E::LineAsked { session, ask, emergency: _ } => danger::asked(lang, *session, ask),
        E::LineConfirmed { session, ask, emergency: _, digest: _, by: _ } => danger::confirmed(lang, *session, *ask),
        E::LineDenied { session, ask, reason, emergency: _, digest: _, by: _ } => danger::denied(lang, *session, *ask, reason),
        E::LineWithdrawn { session, ask, emergency: _, digest: _ } => danger::withdrawn(lang, *session, *ask),
        E::LineUnconfirmed { session, command, words, why, emergency: _ } => danger::unconfirmed(lang, *session, *command, words, why),
        E::Redaction(redaction) => redaction::said(lang, redaction),
        E::TerminalStopped { session, reason, emergency: _, by: _ } => session::stopped(lang, *session, reason),
        E::TerminalEnded { session, end, emergency: _ } => session::ended(lang, *session, end, names),
        E::SessionRanLong { emergency } => emergency::ran_long(lang, *emergency),
        E::EmergencyClosed { emergency, ending } => emergency::closed(lang, *emergency, *ending),

        E::EmergencyStarted { emergency, by: _, effect: _ } => execution::started(lang, *emergency),
        E::BackupTaken { backup, emergency: _ } => execution::backup_taken(lang, backup),
        E::StepConfirmed { step, digest, emergency: _, attempt: _, by: _, expires_at: _ } => {
            execution::step_confirmed(lang, *step, *digest)
        }
        E::StepStarted { step, attempt, digest, witnesses, confirmed_by, .. } => {
            execution::step_started(lang, *step, *attempt, *digest, (witnesses, confirmed_by.as_ref()), names)
        }
        E::StepEnded { step, end, looked, emergency: _ } => execution::step_ended(lang, *step, end, looked),
        E::StepInDoubt { step, emergency: _, effect: _ } => execution::step_in_doubt(lang, *step),
        E::StepSettledNotRun { step, reason, .. } => execution::settled_not_run(lang, *step, reason),
        E::StepSettledRan { step, reason, end, .. } => execution::settled_ran(lang, *step, reason, end),
        E::VerificationStarted { emergency: _, effect: _ } => execution::verification_started(lang),
        E::VerificationRecorded { aspect, verified, emergency: _ } => execution::verified(lang, *aspect, verified),
        E::ChangeAccepted { path, reason, .. } => execution::change_accepted(lang, path, reason),
        E::RevertStarted { files, reason, .. } => execution::revert_started(lang, files, reason),
        E::FilesReverted { files, looked, .. } => execution::files_reverted(lang, files, looked.changes.len()),
        E::RestoreStarted { reason, .. } => execution::restore_started(lang, reason),
        E::BackupRestored { files, .. } => execution::backup_restored(lang, *files),
        E::EmergencyTroubled { trouble, emergency: _ } => execution::troubled(lang, trouble),

        E::ObligationRaised { obligation } => obligation::raised(lang, obligation, names),
        E::ObligationStarted { obligation, effect } => obligation::started(lang, *obligation, effect),
        E::ObligationTroubled { obligation, trouble } => obligation::troubled(lang, *obligation, trouble),
        E::ChangeRequestOpened { obligation: _, request } => obligation::request_opened(lang, request),
        E::ChangeCompared { obligation: _, comparison } => obligation::compared(lang, comparison),
        E::ReportGiven { obligation: _, report: _ } => obligation::report_given(lang),
        E::ReportFiled { obligation: _, file, digest: _ } => obligation::report_filed(lang, file),
        E::MeetingScheduled { obligation: _, meeting } => obligation::meeting_scheduled(lang, meeting, names),
        E::InvitationFiled { obligation: _, file } => obligation::invitation_filed(lang, file),
        E::MeetingHeld { obligation: _, held } => obligation::meeting_held(lang, held, names),
        E::ObligationReminded { obligation, before_min } => obligation::reminded(lang, *obligation, *before_min),
        E::ObligationOverdue { obligation } => obligation::overdue(lang, *obligation),
        E::ObligationEscalated { obligation, step, to } => obligation::escalated(lang, *obligation, *step, to, names),
        E::ReportPresented { obligation, presented } => obligation::presented(lang, *obligation, presented, names),
        E::EmergencyExamined { emergency, size, findings } => obligation::examined(lang, *emergency, *size, findings),
        E::ObligationDone { obligation, evidence, by: _ } => obligation::done(lang, *obligation, evidence),
        E::ObligationWaived { obligation, waiver } => obligation::waived(lang, *obligation, *waiver),

        E::EnteredBySsh { person, key, statement: _, signature: _ } => offline::entered(lang, person, key, names),
        E::Offline(event) => offline::said(lang, event, names),
    }
}

/// A storm comes as hundreds of events to an entry; nobody reads past the first ones.
const ALERTS_SHOWN: usize = 5;

/// The lines of an entry in the timeline of an incident. What is of another one, which has become part of it, says so.
pub fn lines_of(mut lines: Vec<String>, case: Option<IncidentId>, of: Option<IncidentId>) -> Vec<String> {
    if let (Some(case), Some(first)) = (case.filter(|case| of.is_some_and(|of| of != *case)), lines.first_mut()) {
        first.insert_str(0, &format!("{case}: "));
    }
    lines
}

/// The lines of one ledger entry, without its doer. Never empty. Events come as the ledger keeps them, possibly from a newer version:
/// one that this version does not know is named by its code.
///
/// An announcement that follows from another event of the same entry says nothing new here and is left out.
pub fn entry_lines(lang: Lang, kind: &str, events: &[serde_json::Value], refusal: Option<&Refusal>, names: &Names) -> Vec<String> {
    if let Some(refusal) = refusal {
        return vec![refused(lang, kind, refusal, names)];
    }
    let known: Vec<Result<Event, String>> = events.iter().map(|value| Event::deserialize(value).map_err(|_| code_of(value))).collect();
    let only_posts = known.iter().all(|event| matches!(event, Ok(Event::Posted { .. })));
    let alerts = known.iter().filter(|event| is_alert(event)).count();
    let mut shown = 0;
    let mut lines: Vec<String> = known
        .iter()
        .filter(|event| only_posts || !is_announcement(event))
        .filter(|event| {
            shown += usize::from(is_alert(event));
            !is_alert(event) || shown <= ALERTS_SHOWN
        })
        .map(|known| match known {
            Ok(known) => event(lang, known, names),
            Err(code) => unknown(lang, code),
        })
        .collect();
    lines.extend(alerts.checked_sub(ALERTS_SHOWN).filter(|more| *more > 0).map(|more| alert::more(lang, more)));
    if lines.is_empty() { vec![label::command(lang, kind).to_owned()] } else { lines }
}

fn is_alert(event: &Result<Event, String>) -> bool {
    matches!(event, Ok(Event::Alert(_)))
}

fn is_announcement(event: &Result<Event, String>) -> bool {
    matches!(event, Ok(Event::Posted { post }) if matches!(post.body, Body::Notice { .. }))
}

fn code_of(value: &serde_json::Value) -> String {
    let code = value.get("event").and_then(serde_json::Value::as_str).unwrap_or("?");
    crate::plain::clipped(code, 60)
}

/// A whole entry on one line, with its doer: for a terminal and for searching.
pub fn entry_line(lang: Lang, actor: &Actor, kind: &str, events: &[serde_json::Value], refusal: Option<&Refusal>, names: &Names) -> String {
    let who = crate::actor(lang, actor, names);
    let lines: Vec<String> = entry_lines(lang, kind, events, refusal, names).iter().map(|line| crate::plain::one_line(line)).collect();
    match lang {
        Lang::Ja => format!("{who}: {}", lines.join("／")),
        Lang::En => format!("{who}: {}", lines.join(" / ")),
    }
}

fn refused(lang: Lang, kind: &str, refusal: &Refusal, names: &Names) -> String {
    let verb = label::command(lang, kind);
    let what = crate::refusal(lang, refusal, names).what;
    match lang {
        Lang::Ja => format!("拒否（{}）: {verb} — {what}", refusal.rule()),
        Lang::En => format!("Refused ({}): {verb} — {what}", refusal.rule()),
    }
}

fn unknown(lang: Lang, code: &str) -> String {
    match lang {
        Lang::Ja => format!("この版では表示できない出来事です（{code}）"),
        Lang::En => format!("an event that this version cannot show ({code})"),
    }
}
