//! What coming home changes.

use crate::event::Event;
use crate::facts::Facts;
use crate::incident::Incident;
use crate::offline::OfflineEvent;

pub(crate) fn apply(facts: &mut Facts, event: &Event) {
    let Event::Offline(event) = event else { return };
    match event {
        OfflineEvent::Announced { incident } => keep(facts, incident),
        OfflineEvent::Late { incident } => {
            if let Some(Some(state)) = facts.incidents.get_mut(incident) {
                if let Some(away) = &mut state.away {
                    away.late_announced = true;
                }
                facts.touched.incidents.insert(*incident);
            }
        }
        OfflineEvent::Reconciled { incident, emergencies, contents: _ } => {
            keep(facts, incident);
            for emergency in emergencies {
                facts.workspace.counters.emergency = facts.workspace.counters.emergency.max(emergency.id.0);
                facts.touched.emergencies.insert(emergency.id);
                facts.emergencies.insert(emergency.id, Some(emergency.clone()));
            }
        }
    }
}

fn keep(facts: &mut Facts, incident: &Incident) {
    facts.workspace.counters.incident = facts.workspace.counters.incident.max(incident.id.0);
    facts.touched.workspace = true;
    facts.touched.incidents.insert(incident.id);
    facts.incidents.insert(incident.id, Some(incident.clone()));
}
