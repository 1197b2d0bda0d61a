//! What an event changes in an obligation.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Obligation, Status};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::ObligationId;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::ObligationRaised { obligation } => {
            facts.workspace.counters.obligation = facts.workspace.counters.obligation.max(obligation.id.0);
            facts.touched.workspace = true;
            facts.touched.obligations.insert(obligation.id);
            facts.obligations.insert(obligation.id, Some(obligation.clone()));
        }
        Event::ObligationStarted { obligation, effect } => with(facts, *obligation, |state| {
            state.tries += 1;
            state.running = Some(effect.clone());
            state.trouble = None;
        }),
        Event::ObligationTroubled { obligation, trouble } => with(facts, *obligation, |state| {
            state.running = None;
            state.trouble = Some(trouble.clone());
        }),
        Event::ChangeRequestOpened { obligation, request } => with(facts, *obligation, |state| {
            state.running = None;
            state.request = Some(request.clone());
        }),
        Event::ChangeCompared { obligation, comparison } => with(facts, *obligation, |state| {
            state.running = None;
            if let Some(request) = &mut state.request {
                request.compared = Some(comparison.clone());
            }
        }),
        Event::ReportGiven { obligation, report } => with(facts, *obligation, |state| state.report = Some(report.clone())),
        Event::ReportFiled { obligation, file, digest } => with(facts, *obligation, |state| {
            state.running = None;
            if let Some(report) = &mut state.report {
                report.file = Some(file.clone());
                report.digest = Some(*digest);
            }
        }),
        Event::MeetingScheduled { obligation, meeting } => with(facts, *obligation, |state| state.meeting = Some(meeting.clone())),
        Event::InvitationFiled { obligation, file } => with(facts, *obligation, |state| {
            state.running = None;
            if let Some(meeting) = &mut state.meeting {
                meeting.file = Some(file.clone());
            }
        }),
        Event::MeetingHeld { obligation, held } => with(facts, *obligation, |state| {
            if let Some(meeting) = &mut state.meeting {
                meeting.held = Some(held.clone());
            }
        }),
        Event::ObligationReminded { obligation, before_min } => with(facts, *obligation, |state| state.reminded.push(*before_min)),
        Event::ObligationOverdue { obligation } => {
            with(facts, *obligation, |state| state.overdue_announced = true);
            if let Some(overdue) = &mut facts.overdue {
                overdue.insert(*obligation);
            }
        }
        Event::ObligationEscalated { obligation, step, .. } => with(facts, *obligation, |state| state.escalated_steps = step + 1),
        Event::ReportPresented { obligation, presented } => with(facts, *obligation, |state| state.presented = Some(presented.clone())),
        Event::ObligationDone { obligation, by, .. } => over(facts, *obligation, |state| {
            state.status = Status::Done;
            state.done_at = Some(at);
            state.done_by = by.clone();
        }),
        Event::ObligationWaived { obligation, waiver } => over(facts, *obligation, |state| {
            state.status = Status::Waived;
            state.done_at = Some(at);
            state.waived = Some(*waiver);
        }),
        _ => {}
    }
}

fn over(facts: &mut Facts, id: ObligationId, change: impl FnOnce(&mut Obligation)) {
    with(facts, id, change);
    if let Some(overdue) = &mut facts.overdue {
        overdue.remove(&id);
    }
}

fn with(facts: &mut Facts, id: ObligationId, change: impl FnOnce(&mut Obligation)) {
    if let Some(Some(state)) = facts.obligations.get_mut(&id) {
        change(state);
        facts.touched.obligations.insert(id);
    }
}
