//! Publishing, and the last word that is published when nobody has said it (rule I6).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::order::{TellOrder, Telling};
use super::{Health, POSTS_MAX, PublicPost, PublicState, PublicText, StatusEvent, StatusStep, TEXT_CHARS_MAX, effect_key, post_of};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Outcome, Work};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::ComponentName;
use crate::incident::{Incident, decide as incident};
use crate::input;
use crate::permit::Permit;
use crate::policy::{Policy, StatusPage};
use crate::refusal::Refusal;

/// What somebody wants outsiders to read.
pub struct NewPost<'a> {
    pub state: PublicState,
    pub text: &'a PublicText,
    pub components: &'a BTreeMap<ComponentName, Health>,
}

pub(crate) fn publish(permit: &Permit, policy: &Policy, state: &Incident, new: &NewPost<'_>, now: Timestamp) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    let page = page_of(policy)?;
    let text = words(new.text)?;
    for name in new.components.keys() {
        input::declared("component", name.as_str(), page.components.keys().map(ComponentName::as_str))?;
    }
    let over = state.resolved.is_some() || state.closed_at.is_some();
    if over && new.state != PublicState::Resolved {
        // Else it would stand there as open for ever: nothing inside would close it again.
        return Err(Refusal::IncidentOver { incident: state.id });
    }
    let named = || state.public.iter().flat_map(|post| post.components.keys());
    if new.components.is_empty() && named().next().is_none() {
        return Err(Refusal::TextMissing { field: "components".to_owned() });
    }
    input::at_most("posts", state.public.len().saturating_add(1), u32::try_from(POSTS_MAX).unwrap_or(u32::MAX))?;
    let mut decision = Decision::of(state.id, Vec::new());
    let post = PublicPost {
        number: next_number(state),
        at: now,
        state: new.state,
        text,
        components: new.components.clone(),
        by: Some(by),
        told: None,
    };
    take(&mut decision, policy, page, state, post);
    Ok(decision)
}

/// The status page, where there is one.
pub(crate) fn page_of(policy: &Policy) -> Result<&StatusPage, Refusal> {
    if policy.local.is_some() {
        return Err(Refusal::PolicyOfLocal);
    }
    policy.status.as_deref().ok_or(Refusal::NoStatusPage)
}

/// At least one language; blanks are nothing.
pub(crate) fn words(given: &PublicText) -> Result<PublicText, Refusal> {
    let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let text = PublicText { ja: trimmed(&given.ja), en: trimmed(&given.en) };
    if text.is_empty() {
        return Err(Refusal::TextMissing { field: "message".to_owned() });
    }
    for text in [&text.ja, &text.en].into_iter().flatten() {
        input::bounded("message", text, TEXT_CHARS_MAX)?;
    }
    Ok(text)
}

fn next_number(state: &Incident) -> u32 {
    state.public.last().map_or(0, |post| post.number).saturating_add(1)
}

/// The post, its announcement to the team, and the order to tell subscribers.
fn take(decision: &mut Decision, policy: &Policy, page: &StatusPage, state: &Incident, post: PublicPost) {
    decision.effects.extend(telling(policy, page, state, &post));
    let notice = Notice::Published { state: post.state, by_hand: post.by.is_some() };
    decision.events.push(Event::Status(StatusEvent { incident: state.id, what: StatusStep::Published { post: Box::new(post) } }));
    decision.events.push(incident::post(policy, state.id, notice, &[], Vec::new()));
}

/// What subscribers are told; nothing without a way to reach them.
fn telling(policy: &Policy, page: &StatusPage, state: &Incident, post: &PublicPost) -> Option<Effect> {
    if page.mail.is_none() && page.webhooks.is_empty() {
        return None;
    }
    // Every component that was named so far: a mail is read alone.
    let mut healths = BTreeMap::new();
    for post in state.public.iter().chain([post]) {
        healths.extend(post.components.iter().map(|(name, health)| (name, *health)));
    }
    let over = post.state == PublicState::Resolved;
    let named = |(name, health): (&ComponentName, Health)| {
        let component = page.components.get(name)?;
        Some((component.name.clone(), if over { Health::Operational } else { health }))
    };
    let what = Telling::Post {
        incident: state.id,
        number: post.number,
        at: post.at,
        state: post.state,
        text: post.text.clone(),
        components: healths.into_iter().filter_map(named).collect(),
    };
    let key = effect_key(state.id, post.number);
    Some(Effect { key, work: Work::Tell(Box::new(order(policy, page, what))) })
}

pub fn order(policy: &Policy, page: &StatusPage, what: Telling) -> TellOrder {
    TellOrder {
        title: page.title.clone(),
        url: page.url.clone(),
        time_zone: policy.workspace.time_zone.clone(),
        mail: page.mail.clone().map(Box::new),
        mails_per_min: page.mails_per_min,
        webhooks: page.webhooks.iter().map(|(name, webhook)| (name.clone(), webhook.clone())).collect(),
        what,
        to: None,
    }
}

/// Whoever read that something is wrong is told that it is over, however it was resolved inside.
pub(crate) fn last_words(facts: &Facts, decision: &mut Decision, now: Timestamp) {
    let Some(policy) = facts.policy() else { return };
    let Ok(page) = page_of(policy) else { return };
    let resolved = |event: &Event| if let Event::IncidentResolved { incident, .. } = event { Some(*incident) } else { None };
    let incidents: Vec<_> = decision.events.iter().filter_map(resolved).collect();
    for state in incidents.into_iter().filter_map(|id| facts.incident(id)) {
        if state.public.last().is_none_or(|post| post.state == PublicState::Resolved) {
            continue;
        }
        let post = PublicPost {
            number: next_number(state),
            at: now,
            state: PublicState::Resolved,
            text: PublicText::default(),
            components: BTreeMap::new(),
            by: None,
            told: None,
        };
        take(decision, policy, page, state, post);
    }
}

/// Every subscriber was tried, or the order could not be carried out at all.
pub(crate) fn ended(facts: &Facts, effect: &EffectKey, outcome: &Outcome) -> Result<Decision, Refusal> {
    let (id, number) = post_of(effect).ok_or(Refusal::Stale)?;
    let state = facts.incident(id).ok_or(Refusal::Stale)?;
    if !state.public.iter().any(|post| post.number == number && post.told.is_none()) {
        return Err(Refusal::Stale);
    }
    let Outcome::Told { sent, failed } = outcome else { return Err(Refusal::Stale) };
    let what = StatusStep::Told { number, sent: *sent, failed: *failed };
    Ok(Decision::of(id, vec![Event::Status(StatusEvent { incident: id, what })]))
}
