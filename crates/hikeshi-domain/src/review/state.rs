//! What an event changes about looking back.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Month, Period};
use crate::emergency::Emergency;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::ObligationId;
use crate::obligation::Kind;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        // The first report is of the month in which the first policy was adopted.
        Event::PolicyAdopted { policy, .. } if facts.workspace.counters.month.is_none() => {
            facts.workspace.counters.month = Some(Month::of(at, &policy.zone()).previous());
            facts.touched.workspace = true;
        }
        Event::ObligationRaised { obligation } if obligation.kind == Kind::MonthlyReport => {
            if let Some(Period::Month(month)) = obligation.period {
                facts.workspace.counters.month = facts.workspace.counters.month.max(Some(month));
                facts.touched.workspace = true;
            }
        }
        Event::EmergencyExamined { emergency, .. } => {
            if let Some(Some(state)) = facts.emergencies.get_mut(emergency) {
                state.examined = Some(at);
                facts.touched.emergencies.insert(*emergency);
            }
        }
        // The report tells the cause, the retrospective its judgement: what was searched is searched again.
        Event::ReportGiven { obligation, .. } | Event::MeetingHeld { obligation, .. } => again(facts, *obligation),
        _ => {}
    }
}

/// More is in the record; a search that has read less says so by what it was told.
pub(crate) fn search_again(state: &mut Emergency) {
    state.examined = None;
    state.told = state.told.saturating_add(1);
}

fn again(facts: &mut Facts, obligation: ObligationId) {
    let emergency = facts.obligation(obligation).and_then(|owed| owed.emergency);
    if let Some(id) = emergency
        && let Some(Some(state)) = facts.emergencies.get_mut(&id)
    {
        search_again(state);
        facts.touched.emergencies.insert(id);
    }
}
