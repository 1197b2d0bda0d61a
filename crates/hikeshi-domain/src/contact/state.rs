//! What an event changes in what is known of somebody's contacts.

use jiff::Timestamp;

use super::{Contact, ContactEvent, ContactStep, Proven};
use crate::account::state::with;
use crate::event::Event;
use crate::facts::Facts;
use crate::page::{AttemptEnd, Report};

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Contact(ContactEvent { person, means, number, step }) = event else { return };
    if let ContactStep::Browser { browser, change } = step {
        return super::browser::apply(facts, person, *browser, change, at);
    }
    with(facts, person, |account| {
        if let ContactStep::Tested { by, address, effect: _ } = step {
            let proven = account.contacts.get(means).and_then(|before| before.proven);
            let (number, tested_by, address) = (*number, by.clone(), *address);
            let fresh = Contact { number, tested_at: at, tested_by, address, end: None, report: None, confirmed_at: None, proven };
            account.contacts.insert(*means, fresh);
            return;
        }
        let Some(known) = account.contacts.get_mut(means).filter(|known| known.number == *number) else { return };
        match step {
            ContactStep::Tested { .. } | ContactStep::Browser { .. } => {}
            ContactStep::Ended { how } => known.end = Some(AttemptEnd { at, how: how.clone() }),
            ContactStep::Reported { what } => known.report = Some(Report { at, what: what.clone() }),
            ContactStep::Confirmed => {
                known.confirmed_at = Some(at);
                known.proven = Some(Proven { at, address: known.address });
            }
        }
    });
}
