//! What an event changes in what is public of an incident.

use jiff::Timestamp;

use super::{StatusEvent, StatusStep, Told};
use crate::event::Event;
use crate::facts::Facts;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Status(StatusEvent { incident, what }) = event else { return };
    let Some(Some(state)) = facts.incidents.get_mut(incident) else { return };
    facts.touched.incidents.insert(*incident);
    match what {
        StatusStep::Published { post } => {
            state.public.push((**post).clone());
            // Those who wait have heard something (rule I6).
            state.last_update_at = Some(at);
        }
        StatusStep::Told { number, sent, failed } => {
            if let Some(post) = state.public.iter_mut().find(|post| post.number == *number) {
                post.told = Some(Told { at, sent: *sent, failed: *failed });
            }
        }
    }
}
