//! Chasing beyond the reminder: escalation of what is overdue (rule E12), and the report that was presented (rule E13).

use jiff::{SignedDuration, Timestamp};

use super::Owed;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{ObligationId, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::obligation::Kind;
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::review::Presented;
use crate::timer::Wake;

/// The next step of the escalation is due: the roles of this step are told, beside whoever owes it.
pub fn escalate(facts: &Facts, id: ObligationId, now: Timestamp) -> Result<Decision, Refusal> {
    let owed = Owed::of(facts, id, now).ok_or(Refusal::Stale)?;
    let wake = Wake::EscalateOwed { obligation: id };
    let fires = crate::timer::of_obligation(owed.state, owed.policy).iter().any(|timer| timer.wake == wake && timer.due_at <= now);
    if !fires {
        return Err(Refusal::Stale);
    }
    let step = owed.state.escalated_steps;
    let row = usize::try_from(step).ok().and_then(|at| owed.policy.obligations.escalation.get(at)).ok_or(Refusal::Stale)?;
    let mut to: Vec<PersonId> = owed.policy.people_with(&row.roles);
    to.push(owed.state.owner.clone());
    to.sort();
    to.dedup();
    let notice = Notice::ObligationEscalated { obligation: id, kind: owed.state.kind, step: step + 1, due_at: owed.state.due_at };
    let post = owed.call(notice, row.roles.clone(), vec![owed.state.owner.clone()]);
    Ok(owed.decision(vec![Event::ObligationEscalated { obligation: id, step, to }, post]))
}

/// Presented at the development meeting. Which numbers were shown is named by size, time and digest, so that anybody can compute them again.
pub(super) fn present(permit: &Permit, owed: &Owed<'_>, presented: Presented) -> Result<Decision, Refusal> {
    let kind = match owed.state.kind {
        Kind::QuarterlyReport => Kind::QuarterlyReport,
        Kind::ChangeRequest
        | Kind::Report
        | Kind::Retrospective
        | Kind::Prevention
        | Kind::MonthlyReport
        | Kind::Corrective
        | Kind::Postmortem
        | Kind::Review
        | Kind::ContactTest => Kind::MonthlyReport,
    };
    owed.open(kind)?;
    // Submission and the face's clock may be a moment apart.
    let latest = owed.now.checked_add(SignedDuration::from_mins(1)).unwrap_or(owed.now);
    for (field, at) in [("held_at", presented.held_at), ("at", presented.at)] {
        if at > latest {
            return Err(Refusal::TimeInFuture { field: field.to_owned() });
        }
        // It is owed from the end of the period on: before that there was no whole report.
        if at < owed.state.raised_at {
            return Err(Refusal::TimeInPast { field: field.to_owned() });
        }
    }
    input::required("note", &presented.note, TEXT_CHARS_MAX)?;
    let evidence = presented.note.clone();
    let mut events = vec![Event::ReportPresented { obligation: owed.state.id, presented }];
    events.extend(owed.done(Some(permit.person()?.clone()), evidence));
    Ok(owed.decision(events))
}
