//! Pages that went to somebody as a direct message: shown anew once nobody waits for their answer, so that no old message asks for a deed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Act, ChatOrder, Making, Place};
use crate::contact::{ContactEvent, ContactStep, key_of};
use crate::effect::EffectKey;
use crate::event::Event;
use crate::ids::{IncidentId, PersonId};
use crate::incident::{Incident, MergeEvent, Priority, Stage, escalation};
use crate::page::{AttemptEnd, HowEnded, Means, Page, PageEvent, Paged};

/// Messages of one incident that are shown anew: the newest ones. Each is a call.
const SETTLED_MAX: usize = 40;

/// A page by direct message that calls nobody any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// The key of the page, which the message goes on to carry.
    pub page: EffectKey,
    /// The message in its channel.
    pub message: String,
    pub over: Over,
}

/// Why it calls nobody any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "over", rename_all = "snake_case")]
pub enum Over {
    Taken {
        incident: IncidentId,
        title: String,
        priority: Priority,
        by: PersonId,
        at: Timestamp,
    },
    /// Service is back, or the incident has ended.
    Restored {
        incident: IncidentId,
        title: String,
        priority: Priority,
    },
    Merged {
        incident: IncidentId,
        title: String,
        priority: Priority,
        into: IncidentId,
    },
    /// A test page whose owner said that it arrived.
    Confirmed {
        at: Timestamp,
    },
}

/// Incidents whose pages may call nobody any more, or one page that was sent too late to call anybody.
#[derive(Default)]
struct Asked {
    whole: BTreeSet<IncidentId>,
    sent: Vec<(IncidentId, u32, PersonId)>,
    confirmed: Vec<(PersonId, u32)>,
}

impl Asked {
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other event leaves the pages as they are")]
    fn of(events: &[Event]) -> Self {
        let mut asked = Self::default();
        for event in events {
            match event {
                Event::IncidentAcknowledged { incident, .. }
                | Event::IncidentResolved { incident, .. }
                | Event::Merge(MergeEvent::Merged { incident, .. }) => {
                    asked.whole.insert(*incident);
                }
                Event::IncidentMoved { incident, to, .. } if *to > Stage::Mitigation => {
                    asked.whole.insert(*incident);
                }
                Event::Page(PageEvent { incident, step, person, what: Paged::Ended { means: Means::Slack, .. } }) => {
                    asked.sent.push((*incident, *step, person.clone()));
                }
                Event::Contact(ContactEvent { person, means: Means::Slack, number, step: ContactStep::Confirmed }) => {
                    asked.confirmed.push((person.clone(), *number));
                }
                _ => {}
            }
        }
        asked
    }
}

impl Making<'_> {
    pub(super) fn settled(&self, events: &[Event]) -> Vec<ChatOrder> {
        let asked = Asked::of(events);
        let mut orders = Vec::new();
        for id in &asked.whole {
            let Some(state) = self.facts.incident(*id) else { continue };
            let of_incident = state.pages.iter().rev().flat_map(|page| self.of_page(state, page));
            orders.extend(of_incident.take(SETTLED_MAX));
        }
        for (id, step, person) in asked.sent.iter().filter(|(id, ..)| !asked.whole.contains(id)) {
            let Some(state) = self.facts.incident(*id) else { continue };
            let pages = state.pages.iter().filter(|page| page.step == *step && page.person == *person);
            orders.extend(pages.flat_map(|page| self.of_page(state, page)));
        }
        orders.extend(asked.confirmed.iter().filter_map(|(person, number)| self.of_test(person, *number)));
        orders
    }

    fn of_page(&self, state: &Incident, page: &Page) -> Vec<ChatOrder> {
        if escalation::is_unanswered(state) && escalation::is_open(state, page) {
            return Vec::new();
        }
        let attempts = page.attempts.iter().filter(|attempt| attempt.means == Means::Slack);
        let settled = attempts.filter_map(|attempt| {
            let key = EffectKey(format!("page/{}/{}/{}/{}/{}", state.id, page.step, page.person, Means::Slack.code(), attempt.number));
            self.settle(&page.person, key, attempt.end.as_ref()?, over(state), Some(state.id))
        });
        settled.collect()
    }

    fn of_test(&self, person: &PersonId, number: u32) -> Option<ChatOrder> {
        let contact = self.facts.account(person)?.contacts.get(&Means::Slack).filter(|contact| contact.number == number)?;
        let over = Over::Confirmed { at: contact.confirmed_at? };
        self.settle(person, key_of(person, Means::Slack, number), contact.end.as_ref()?, over, None)
    }

    fn settle(&self, person: &PersonId, page: EffectKey, end: &AttemptEnd, over: Over, incident: Option<IncidentId>) -> Option<ChatOrder> {
        let HowEnded::Sent { reference, .. } = &end.how else { return None };
        let (channel, message) = reference.split_once(' ')?;
        let place = Place { channel: self.policy.channels.incidents.clone(), incident, emergency: None };
        let settled = Settled { page, message: message.to_owned(), over };
        let mut order = self.order(place, Act::Settle { settled: Box::new(settled) });
        order.channel = channel.to_owned();
        order.words.language = self.policy.person(person).and_then(|person| person.language).unwrap_or(order.words.language);
        Some(self.worded(order))
    }
}

fn over(state: &Incident) -> Over {
    let (incident, title, priority) = (state.id, state.title.clone(), state.priority);
    let restored = state.mitigated_at.is_some() || state.resolved.is_some() || state.closed_at.is_some();
    match (&state.merged, &state.acknowledged) {
        (Some(merged), _) => Over::Merged { incident, title, priority, into: merged.into },
        (None, Some(acknowledged)) if !restored => {
            Over::Taken { incident, title, priority, by: acknowledged.by.clone(), at: acknowledged.since }
        }
        (None, Some(_) | None) => Over::Restored { incident, title, priority },
    }
}
