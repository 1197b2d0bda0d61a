//! What an event changes in the overrides. Old ones go, so that the row that every command reads stays small.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{OncallEvent, Override};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::OverrideId;

/// Those that are over are kept for the calendars of the last weeks.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 35);
const KEPT_MAX: usize = 400;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Oncall(event) = event else { return };
    let workspace = &mut facts.workspace;
    let overrides = Arc::make_mut(&mut workspace.overrides);
    match event {
        OncallEvent::Overridden { row } => {
            workspace.counters.overrides = workspace.counters.overrides.max(row.id.0);
            overrides.insert(row.id, row.clone());
        }
        OncallEvent::Cancelled { id, .. } => match overrides.get_mut(id) {
            // What was, was: whoever was called until now was on call.
            Some(row) if row.from < at => row.until = row.until.min(at),
            _ => {
                overrides.remove(id);
            }
        },
    }
    forget(overrides, at);
    facts.touched.workspace = true;
}

fn forget(overrides: &mut BTreeMap<OverrideId, Override>, at: Timestamp) {
    let oldest = at.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    overrides.retain(|_, row| row.until > oldest);
    while overrides.len() > KEPT_MAX {
        let Some(id) = overrides.values().min_by_key(|row| (row.until, row.id)).map(|row| row.id) else { return };
        overrides.remove(&id);
    }
}
