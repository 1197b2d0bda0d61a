//! Who is called for a test, and what its owner and its receiver say of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::browser;
use super::{APART_MIN, Command, Contact, ContactEvent, ContactStep, PEOPLE_MAX, called, key_of, test_of};
use crate::decide::Decision;
use crate::effect::{EffectKey, Outcome};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{Digest, PersonId};
use crate::input;
use crate::page::decide::{address, ordered};
use crate::page::{About, Address, HowEnded, Means, Reported, reach};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;

pub fn needs(command: &Command, actor: &Actor, facts: &Facts) -> Needs {
    let accounts = match command {
        Command::Test { people, .. } => wanted(people, facts.policy()),
        Command::Confirm { .. } => actor.as_person().cloned().into_iter().collect(),
        Command::AddBrowser { .. } | Command::RemoveBrowser { .. } | Command::LoseBrowser { .. } => BTreeSet::new(),
    };
    Needs { accounts, ..Needs::default() }
}

pub fn needs_of(effect: &EffectKey) -> Needs {
    Needs { accounts: test_of(effect).map(|(person, _, _)| person).into_iter().collect(), ..Needs::default() }
}

fn wanted(people: &[PersonId], policy: Option<&Policy>) -> BTreeSet<PersonId> {
    if people.is_empty() { policy.map(called).unwrap_or_default() } else { people.iter().cloned().collect() }
}

fn contact<'a>(facts: &'a Facts, person: &PersonId, means: Means) -> Option<&'a Contact> {
    facts.account(person).and_then(|account| account.contacts.get(&means))
}

/// What is compared when an address changes.
pub(super) fn address_digest(policy: &Policy, person: &PersonId, means: Means) -> Option<Digest> {
    let to = match address(policy, person, means)? {
        Address::Webhook { webhook } => webhook.url,
        Address::Mail { to, .. } | Address::Sms { to, .. } | Address::Voice { to, .. } => to,
        Address::Slack { user, .. } => user,
        // Another browser has to prove itself, too.
        Address::WebPush { browsers, .. } => browsers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    Some(Digest::of(to.as_bytes()))
}

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    if policy.local.is_some() || policy.paging.is_none() {
        return Err(Refusal::NoPaging);
    }
    if let Command::LoseBrowser { person, browser } = command {
        return browser::remove(policy, person, *browser, true);
    }
    let by = permit.person()?;
    match command {
        Command::AddBrowser { browser, service, label } => browser::add(policy, by, *browser, service, label),
        Command::RemoveBrowser { browser } => browser::remove(policy, by, *browser, false),
        Command::LoseBrowser { .. } => Err(Refusal::UnknownActor),
        Command::Test { people, means } => test(facts, policy, by, &wanted(people, Some(policy)), *means, now),
        Command::Confirm { means, number } => {
            let meant = |known: &&Contact| known.waits() && number.is_none_or(|number| number == known.number);
            let known = contact(facts, by, *means).filter(meant);
            let known = known.ok_or(Refusal::NoTestToConfirm { means: *means })?;
            let event = ContactEvent { person: by.clone(), means: *means, number: known.number, step: ContactStep::Confirmed };
            Ok(Decision { events: vec![Event::Contact(event)], ..Decision::default() })
        }
    }
}

fn test(
    facts: &Facts,
    policy: &Policy,
    by: &PersonId,
    people: &BTreeSet<PersonId>,
    only: Option<Means>,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    input::at_most("people", people.len(), PEOPLE_MAX)?;
    let mut decision = Decision::default();
    let mut recent = false;
    for person in people {
        input::declared("person", person.as_str(), policy.people.keys().map(PersonId::as_str))?;
        for means in reach(policy, person).into_iter().filter(|means| only.is_none_or(|only| only == *means)) {
            let before = contact(facts, person, means);
            let apart = SignedDuration::from_mins(APART_MIN);
            if before.is_some_and(|before| now.duration_since(before.tested_at) < apart) {
                recent = true;
                continue;
            }
            let number = before.map_or(0, |before| before.number).saturating_add(1);
            let Some(digest) = address_digest(policy, person, means) else { continue };
            let effect = key_of(person, means, number);
            let about = About::Test { by: policy.name_of(by).to_owned() };
            decision.effects.extend(ordered(policy, person, (means, 1), effect.clone(), about));
            let step = ContactStep::Tested { by: by.clone(), address: digest, effect };
            decision.events.push(Event::Contact(ContactEvent { person: person.clone(), means, number, step }));
        }
    }
    match (decision.events.is_empty(), recent) {
        (true, true) => Err(Refusal::TestedJustNow { minutes: APART_MIN.unsigned_abs() }),
        (true, false) => Err(Refusal::NoWayToReach { people: people.iter().cloned().collect() }),
        (false, _) => Ok(decision),
    }
}

/// The test that an effect is, as long as it is the last one.
fn current<'a>(facts: &'a Facts, key: &EffectKey) -> Result<(PersonId, Means, &'a Contact), Refusal> {
    let (person, means, number) = test_of(key).ok_or(Refusal::Stale)?;
    let known = contact(facts, &person, means).filter(|known| known.number == number).ok_or(Refusal::Stale)?;
    Ok((person, means, known))
}

fn said(person: PersonId, means: Means, number: u32, step: ContactStep) -> Decision {
    Decision { events: vec![Event::Contact(ContactEvent { person, means, number, step })], ..Decision::default() }
}

/// The receiver has taken it, or has not. Nothing is tried again: that it failed is what was to be found out.
pub fn ended(facts: &Facts, key: &EffectKey, outcome: &Outcome) -> Result<Decision, Refusal> {
    let (person, means, known) = current(facts, key)?;
    if known.end.is_some() {
        return Err(Refusal::Stale);
    }
    let how = HowEnded::of(outcome).ok_or(Refusal::Stale)?;
    Ok(said(person, means, known.number, ContactStep::Ended { how }))
}

/// What the vendor says of it. A key that was pressed on the telephone comes as its owner's own confirmation.
pub fn reported(facts: &Facts, key: &EffectKey, what: &Reported) -> Result<Decision, Refusal> {
    let (person, means, known) = current(facts, key)?;
    let news = match (known.report.as_ref().map(|report| &report.what), what) {
        (_, Reported::Acknowledged | Reported::Silent { .. }) => false,
        (None, Reported::Delivered | Reported::Undelivered { .. }) => true,
        // Answered, and then ended without a key.
        (Some(Reported::Delivered), Reported::Undelivered { .. }) => means == Means::Voice,
        (Some(_), Reported::Delivered | Reported::Undelivered { .. }) => false,
    };
    if !means.reports() || !news || known.confirmed_at.is_some() {
        return Err(Refusal::Stale);
    }
    Ok(said(person, means, known.number, ContactStep::Reported { what: what.clone() }))
}
