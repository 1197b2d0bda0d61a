//! What an event changes in an alert, in its group, and in the counts of its incident.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Alert, AlertEvent, AlertRef, AlertStep, Fired, Group, Over, Waits, route, silence};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::IncidentId;

/// Firings that are remembered: more than any threshold of flapping.
const FIRINGS_KEPT: usize = 20;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        // Whoever opens it: what is reported later about the same service joins it.
        Event::IncidentOpened { incident, service, environment, .. } => {
            let key = route::group_of(service, environment);
            facts.touched.groups.insert(key.clone());
            facts.groups.insert(key.clone(), Some(Group { key, incident: *incident }));
        }
        Event::Alert(event) => step(facts, event, at),
        Event::Silence(_) => silence::apply(facts, event, at),
        _ => {}
    }
}

fn step(facts: &mut Facts, event: &AlertEvent, at: Timestamp) {
    match &event.step {
        AlertStep::Fired(fired) => {
            count(facts, event.incident, true);
            if let Some(incident) = event.incident.filter(|incident| !is_apart(facts, &event.alert, *incident)) {
                facts.touched.groups.insert(fired.group.clone());
                facts.groups.insert(fired.group.clone(), Some(Group { key: fired.group.clone(), incident }));
            }
            let before = facts.alerts.get(&event.alert).and_then(Option::as_ref);
            let fresh = fresh(event, fired, before, at);
            facts.alerts.insert(event.alert.clone(), Some(fresh));
            facts.touched.alerts.insert(event.alert.clone());
        }
        AlertStep::Changed { summary, severity } => with(facts, &event.alert, |alert| {
            alert.title.clone_from(&event.title);
            alert.summary.clone_from(summary);
            alert.severity = *severity;
            alert.told_at = at;
        }),
        AlertStep::Silenced { silence } => with(facts, &event.alert, |alert| alert.waits = Some(Waits::Silenced { silence: *silence })),
        AlertStep::Acknowledged => with(facts, &event.alert, |alert| alert.acknowledged = true),
        AlertStep::Again { said_at } => with(facts, &event.alert, |alert| alert.said_at = Some(*said_at)),
        AlertStep::Over { how, said_at } => {
            count(facts, event.incident, false);
            with(facts, &event.alert, |alert| {
                alert.firing = false;
                alert.waits = None;
                alert.over = Some(Over { at, how: *how });
                alert.said_at = alert.said_at.max(*said_at);
            });
        }
        AlertStep::Raised => {
            count(facts, event.incident, true);
            let mut group = None;
            with(facts, &event.alert, |alert| {
                alert.waits = None;
                alert.incident = event.incident;
                group = Some(alert.group.clone());
            });
            let incident = event.incident.filter(|incident| !is_apart(facts, &event.alert, *incident));
            if let (Some(key), Some(incident)) = (group, incident) {
                facts.touched.groups.insert(key.clone());
                facts.groups.insert(key.clone(), Some(Group { key, incident }));
            }
        }
    }
}

/// What was split off does not take its group with it.
fn is_apart(facts: &Facts, alert: &AlertRef, incident: IncidentId) -> bool {
    facts.alert(alert).and_then(|state| state.apart).is_some_and(|apart| facts.home(apart) == incident)
}

fn fresh(event: &AlertEvent, fired: &Fired, before: Option<&Alert>, at: Timestamp) -> Alert {
    let mut firings = before.map(|before| before.firings.clone()).unwrap_or_default();
    firings.push(at);
    let firings = firings.split_off(firings.len().saturating_sub(FIRINGS_KEPT));
    Alert {
        alert: event.alert.clone(),
        group: fired.group.clone(),
        firing: true,
        title: event.title.clone(),
        summary: fired.summary.clone(),
        severity: fired.severity,
        labels: fired.labels.clone(),
        link: fired.link.clone(),
        since: fired.since,
        fired_at: at,
        told_at: at,
        over: None,
        acknowledged: false,
        incident: event.incident,
        waits: fired.waits.clone(),
        apart: before.and_then(|before| before.apart),
        firings,
        lapses_at: fired.lapses_at,
        said_at: fired.said_at.max(before.and_then(|before| before.said_at)),
    }
}

fn count(facts: &mut Facts, incident: Option<IncidentId>, begins: bool) {
    let Some(incident) = incident else { return };
    if let Some(Some(state)) = facts.incidents.get_mut(&incident) {
        let alerts = &mut state.alerts;
        if begins {
            alerts.firing = alerts.firing.saturating_add(1);
            alerts.fired = alerts.fired.saturating_add(1);
        } else {
            alerts.firing = alerts.firing.saturating_sub(1);
        }
        facts.touched.incidents.insert(incident);
    }
}

fn with(facts: &mut Facts, alert: &AlertRef, change: impl FnOnce(&mut Alert)) {
    if let Some(Some(state)) = facts.alerts.get_mut(alert) {
        change(state);
        facts.touched.alerts.insert(alert.clone());
    }
}
