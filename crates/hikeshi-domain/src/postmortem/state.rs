//! What an event changes in an incident's postmortem, and what is known of those written elsewhere.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Filed, Postmortem, PostmortemEvent, Written};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::IncidentId;
use crate::obligation::Kind;
use crate::similar::Past;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::ObligationRaised { obligation } if obligation.kind == Kind::Postmortem => {
            if let Some(incident) = obligation.incident {
                with(facts, incident, |known| known.owed = Some(obligation.id));
            }
        }
        Event::Postmortem(event) => step(facts, event, at),
        _ => {}
    }
}

fn step(facts: &mut Facts, event: &PostmortemEvent, at: Timestamp) {
    match event {
        PostmortemEvent::Written { incident, content, items, by, reason: _, effect } => with(facts, *incident, |known| {
            let revision = known.written.as_ref().map_or(1, |written| written.revision.saturating_add(1));
            known.written = Some(Written { content: content.clone(), by: by.clone(), at, revision });
            known.items.extend(items);
            known.running = Some(effect.clone());
            known.trouble = None;
        }),
        PostmortemEvent::Filed { incident, file, digest } => with(facts, *incident, |known| {
            known.filed = Some(Filed { file: file.clone(), digest: *digest, at });
            known.running = None;
        }),
        PostmortemEvent::Unfiled { incident, detail } => with(facts, *incident, |known| {
            known.trouble = Some(detail.clone());
            known.running = None;
        }),
        PostmortemEvent::Imported { file, digest, found } => {
            facts.imports.insert(*digest, Some(Past::imported(file, digest, found)));
            facts.touched.imports.insert(*digest);
        }
    }
}

fn with(facts: &mut Facts, id: IncidentId, change: impl FnOnce(&mut Postmortem)) {
    if let Some(Some(state)) = facts.incidents.get_mut(&id) {
        change(state.postmortem.get_or_insert_default());
        facts.touched.incidents.insert(id);
    }
}
