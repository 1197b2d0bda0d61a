//! What an event changes in the pages of an incident.

use jiff::Timestamp;

use super::{Attempt, AttemptEnd, Page, PageEvent, Paged, Report};
use crate::event::Event;
use crate::facts::Facts;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Page(PageEvent { incident, step, person, what }) = event else { return };
    let Some(Some(state)) = facts.incidents.get_mut(incident) else { return };
    facts.touched.incidents.insert(*incident);
    let known = state.pages.iter().position(|page| page.step == *step && page.person == *person);
    let position = known.unwrap_or_else(|| {
        state.pages.push(Page { step: *step, person: person.clone(), began_at: at, attempts: Vec::new() });
        state.pages.len() - 1
    });
    let Some(page) = state.pages.get_mut(position) else { return };
    match what {
        Paged::Queued { means, number, effect: _ } => {
            page.attempts.push(Attempt { means: *means, number: *number, queued_at: at, end: None, report: None });
        }
        Paged::Ended { means, number, how } => {
            if let Some(attempt) = page.attempts.iter_mut().find(|attempt| attempt.means == *means && attempt.number == *number) {
                attempt.end = Some(AttemptEnd { at, how: how.clone() });
            }
        }
        Paged::Reported { means, number, what } => {
            if let Some(attempt) = page.attempts.iter_mut().find(|attempt| attempt.means == *means && attempt.number == *number) {
                attempt.report = Some(Report { at, what: what.clone() });
            }
        }
        Paged::NoMeans => {}
    }
}
