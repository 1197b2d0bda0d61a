//! What of the announcements goes to the team's chat (rules E2, E5, I6), as orders for the hands. The workspace's own channel is the record;
//! the chat is a copy of it, and nothing waits for the copy.
//!
//! Here: which post goes where, under which thread, and the card of an exception as it is now. How Slack is spoken to is in `hikeshi-outside`.

mod card;
mod outcome;
mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use card::{Card, Consent};
pub use outcome::ended;
pub use page::{Over, Settled};

use crate::channel::{Body, Notice, Post};
use crate::effect::{Effect, EffectKey, Work};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{ChannelName, Digest, EmergencyId, IncidentId, PersonId, RoleName};
use crate::people::Actor;
use crate::policy::{Language, Policy, RoleText, Scheme, Slack};

/// The part number of a card in its entry: after every post of the same entry.
const CARD_PART: u32 = 9_999;
/// From here on the parts are pages that are shown anew, up to the card's.
const PAGE_PART: u32 = 9_000;

/// How far the ledger had come: size and root, for people and machines outside to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seal {
    pub size: u64,
    pub root: Digest,
}

/// Orders of one lane are carried out one after the other, in the order of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// The channel of the exceptions: never waits behind anything else.
    Emergency,
    Other,
}

/// One thing to say in the chat, with everything that saying it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChatOrder {
    pub slack: Slack,
    /// The channel as the team's chat knows it: an id or a name.
    pub channel: String,
    pub lane: Lane,
    pub at: Timestamp,
    pub act: Act,
    pub place: Place,
    /// The message under which it belongs, by its subject: `emg_3`, `inc_12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<Card>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// Who wrote it, for what a person posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    pub words: Words,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// `opens`: later posts of its subject go under it.
    Post { post: Box<Post>, opens: bool },
    /// The card that was posted for this subject is shown as the case stands now.
    Restate { emergency: EmergencyId },
    /// A page by direct message is shown as one that calls nobody any more.
    Settle { settled: Box<Settled> },
}

/// What an order is about, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    pub channel: ChannelName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyId>,
}

/// Names and languages, as far as the order needs them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    pub language: Language,
    pub time_zone: String,
    pub scheme: Scheme,
    pub people: BTreeMap<PersonId, String>,
    pub roles: BTreeMap<RoleName, RoleText>,
    /// Users of the chat by person, groups by role: those that the order calls by `@`.
    pub users: BTreeMap<PersonId, String>,
    pub groups: BTreeMap<RoleName, String>,
}

/// Why something could not be said in the chat, by a code of the chat's or of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChatTrouble {
    /// `channel_not_found`, `not_in_channel`, `invalid_auth`, …
    pub code: String,
    /// The channel as the chat was asked for it.
    pub channel: String,
}

/// The orders that follow from the events of one entry. `facts` are as they are after these events.
pub fn deliveries(facts: &Facts, events: &[Event], actor: &Actor, seq: u64, at: Timestamp, seal: impl Fn() -> Option<Seal>) -> Vec<Effect> {
    let Some(policy) = facts.policy() else { return Vec::new() };
    let Some(slack) = &policy.slack else { return Vec::new() };
    let making = Making { facts, policy, slack, actor, at };
    let posts = events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(post) } else { None });
    let mut effects: Vec<Effect> = (0_u32..)
        .zip(posts)
        .filter(|(_, post)| is_for_chat(post))
        .map(|(part, post)| Effect { key: key(seq, part), work: Work::Chat(Box::new(making.post(post, &seal))) })
        .collect();
    if let Some((emergency, ended_by)) = events.iter().find_map(restated) {
        effects.extend(
            making.restate(emergency, ended_by).map(|order| Effect { key: key(seq, CARD_PART), work: Work::Chat(Box::new(order)) }),
        );
    }
    let pages = (PAGE_PART..CARD_PART).zip(making.settled(events));
    effects.extend(pages.map(|(part, order)| Effect { key: key(seq, part), work: Work::Chat(Box::new(order)) }));
    effects
}

/// Sorts as text in the order of the ledger: orders of one commit are told apart by their keys alone.
fn key(seq: u64, part: u32) -> EffectKey {
    EffectKey(format!("post/{seq:012}/{part:04}"))
}

/// That the chat does not work is not said in the chat.
fn is_for_chat(post: &Post) -> bool {
    !matches!(&post.body, Body::Notice { notice: Notice::ChatUndelivered { .. } })
}

/// The exception whose card changes with this event, and who ended it.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other event leaves the card as it is")]
fn restated(event: &Event) -> Option<(EmergencyId, Option<PersonId>)> {
    match event {
        Event::EmergencyDeclined { emergency, by, .. } | Event::EmergencyCancelled { emergency, by, .. } => {
            Some((*emergency, Some(by.clone())))
        }
        Event::PlanRevised { emergency, .. }
        | Event::EmergencyApproved { emergency, .. }
        | Event::ApprovalExpired { emergency }
        | Event::EmergencyStarted { emergency, .. }
        | Event::EmergencyHeld { emergency, .. }
        | Event::EmergencyResumed { emergency, .. }
        | Event::BackupRestored { emergency, .. }
        | Event::EmergencyClosed { emergency, .. } => Some((*emergency, None)),
        _ => None,
    }
}

struct Making<'a> {
    facts: &'a Facts,
    policy: &'a Policy,
    slack: &'a Slack,
    actor: &'a Actor,
    at: Timestamp,
}

impl Making<'_> {
    fn post(&self, post: &Post, seal: &impl Fn() -> Option<Seal>) -> ChatOrder {
        let notice = if let Body::Notice { notice } = &post.body { Some(notice) } else { None };
        let asks = matches!(notice, Some(Notice::EmergencyRequested { .. }));
        let opens = asks || matches!(notice, Some(Notice::IncidentOpened { .. }));
        let sealed = matches!(notice, Some(Notice::SessionStarted { .. } | Notice::EmergencyClosed { .. }));
        let place = Place { channel: post.channel.clone(), incident: post.incident, emergency: post.emergency };
        let mut order = self.order(place, Act::Post { post: Box::new(post.clone()), opens });
        order.thread = self.subject(post);
        order.card = post.emergency.filter(|_| asks).and_then(|id| self.card(id, None));
        order.seal = if sealed { seal() } else { None };
        order.by = if notice.is_none() { self.actor.as_person().cloned() } else { None };
        self.worded(order)
    }

    fn restate(&self, emergency: EmergencyId, ended_by: Option<PersonId>) -> Option<ChatOrder> {
        let card = self.card(emergency, ended_by)?;
        let place = Place { channel: self.policy.channels.emergency.clone(), incident: Some(card.incident), emergency: Some(emergency) };
        let mut order = self.order(place, Act::Restate { emergency });
        order.thread = Some(emergency.to_string());
        order.card = Some(card);
        Some(self.worded(order))
    }

    /// An exception's thread is in its channel, an incident's in the other; elsewhere a post stands alone.
    fn subject(&self, post: &Post) -> Option<String> {
        let channels = &self.policy.channels;
        match (post.emergency, post.incident) {
            (Some(emergency), _) if post.channel == channels.emergency => Some(emergency.to_string()),
            (_, Some(incident)) if post.channel == channels.incidents => Some(incident.to_string()),
            (Some(_) | None, Some(_) | None) => None,
        }
    }

    fn order(&self, place: Place, act: Act) -> ChatOrder {
        let channel = self.slack.channels.get(&place.channel).cloned().unwrap_or_else(|| place.channel.to_string());
        let lane = if place.channel == self.policy.channels.emergency { Lane::Emergency } else { Lane::Other };
        let workspace = &self.policy.workspace;
        let words = Words {
            language: workspace.language,
            time_zone: workspace.time_zone.clone(),
            scheme: self.policy.incident.scheme,
            people: BTreeMap::new(),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        ChatOrder {
            slack: self.slack.clone(),
            channel,
            lane,
            at: self.at,
            act,
            place,
            thread: None,
            card: None,
            seal: None,
            by: None,
            words,
        }
    }

    fn card(&self, id: EmergencyId, ended_by: Option<PersonId>) -> Option<Box<Card>> {
        let emergency = self.facts.emergency(id)?;
        Some(Box::new(Card::of(emergency, self.facts.incident(emergency.incident), self.policy, ended_by)))
    }

    /// Adds the names of everybody who occurs in it, and of nobody else.
    fn worded(&self, mut order: ChatOrder) -> ChatOrder {
        // Serialising plain data with string keys cannot fail; without it the names would only be ids.
        let text = serde_json::to_string(&(&order.act, &order.card, &order.by)).unwrap_or_default();
        let occurs = |id: &str| text.contains(&format!("\"{id}\""));
        let people = self.policy.people.iter().filter(|(id, _)| occurs(id.as_str()));
        order.words.people = people.clone().map(|(id, person)| (id.clone(), person.name.clone())).collect();
        let users = people.filter_map(|(id, _)| Some((id.clone(), self.policy.chat_user(id)?.to_owned())));
        order.words.users = users.collect();
        order.words.roles =
            self.policy.roles.iter().filter(|(id, _)| occurs(id.as_str())).map(|(id, text)| (id.clone(), text.clone())).collect();
        order.words.groups =
            self.slack.groups.iter().filter(|(id, _)| occurs(id.as_str())).map(|(id, group)| (id.clone(), group.clone())).collect();
        order
    }
}
