//! What an event changes in an incident.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::decide::NewIncident;
use super::{Acknowledged, Incident, Resolved, Stage};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::IncidentId;
use crate::monitor::{MonitorEvent, MonitorStep};

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::IncidentOpened { .. } => open(facts, event, at),
        Event::IncidentTriaged { incident, triage, priority } => with(facts, *incident, |state| {
            state.triage = triage.clone();
            state.priority = *priority;
        }),
        Event::IncidentAcknowledged { incident, by } => {
            with(facts, *incident, |state| {
                state.acknowledged = Some(Acknowledged::by(state.acknowledged.as_ref(), by.clone(), at, state.escalated_steps));
            });
        }
        Event::IncidentMoved { incident, to, .. } => with(facts, *incident, |state| {
            state.stage = *to;
            if *to > Stage::Mitigation && state.mitigated_at.is_none() {
                state.mitigated_at = Some(at);
            }
            state.closed_at = (*to == Stage::Closed).then_some(at);
        }),
        Event::IncidentUpdated { incident, .. } => with(facts, *incident, |state| state.last_update_at = Some(at)),
        Event::StatusUpdateDue { incident } => with(facts, *incident, |state| state.update_reminded_at = Some(at)),
        Event::IncidentResolved { incident, by, what } => with(facts, *incident, |state| {
            state.mitigated_at = state.mitigated_at.or(Some(at));
            state.resolved = Some(Resolved { by: by.clone(), at, what: what.clone() });
        }),
        Event::IncidentEscalated(escalated) => with(facts, escalated.incident, |state| {
            state.escalated_steps = escalated.step;
            state.escalated_at = Some(at);
        }),
        Event::Monitor(event) => belongs(facts, event),
        Event::EmergencyRequested { emergency, incident, .. } => with(facts, *incident, |state| state.emergencies.push(*emergency)),
        _ => {}
    }
}

/// A monitor that fails belongs to one incident at a time.
fn belongs(facts: &mut Facts, MonitorEvent { monitor, incident, step, .. }: &MonitorEvent) {
    let before = facts.monitor(monitor).and_then(|state| state.incident).map(|id| facts.home(id));
    for id in before.into_iter().chain(*incident) {
        with(facts, id, |state| state.firing.retain(|firing| firing != monitor));
    }
    if let Some(incident) = incident.filter(|_| *step != MonitorStep::Recovered) {
        with(facts, incident, |state| state.firing.push(monitor.clone()));
    }
}

fn open(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::IncidentOpened { incident, title, summary, service, environment, triage, priority, opened_by, detected_at } = event else {
        return;
    };
    facts.workspace.counters.incident = facts.workspace.counters.incident.max(incident.0);
    facts.touched.workspace = true;
    facts.touched.incidents.insert(*incident);
    let new = NewIncident { title, summary, service, environment, triage, detected_at: *detected_at };
    facts.incidents.insert(*incident, Some(Incident::new(*incident, &new, *priority, opened_by.clone(), at)));
}

fn with(facts: &mut Facts, id: IncidentId, change: impl FnOnce(&mut Incident)) {
    if let Some(Some(state)) = facts.incidents.get_mut(&id) {
        change(state);
        facts.touched.incidents.insert(id);
    }
}
