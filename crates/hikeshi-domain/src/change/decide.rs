//! What follows from being told of a change: it is recorded once, and stands in the timeline of the incident that burns there.

use jiff::Timestamp;

use super::{Change, ChangeEvent, ChangeKey, Command, DETAILS_CHARS_MAX, LINK_CHARS_MAX, TITLE_CHARS_MAX, What, is_link};
use crate::alert::decide::behind;
use crate::alert::route::group_of;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EnvironmentName, IncidentId, ServiceName};
use crate::input;
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;

type Place = (Option<ServiceName>, Option<EnvironmentName>);

/// Where it is: a source tells of its own place only.
fn place(policy: &Policy, actor: &Actor, command: &Command) -> Place {
    let Command::Record { service, environment, .. } = command;
    match actor {
        Actor::Source { source } => match policy.alerts.sources.get(source) {
            Some(source) => (Some(source.service.clone()), Some(source.environment.clone())),
            None => (None, None),
        },
        Actor::Person { .. } | Actor::Runner | Actor::Recorder | Actor::Timer | Actor::Monitor { .. } | Actor::Startup => {
            (service.clone(), environment.clone())
        }
    }
}

/// What was told with its time has a name; what happens now is always news.
fn named(actor: &Actor, command: &Command, place: &Place) -> Option<ChangeKey> {
    let Command::Record { title, at, .. } = command;
    at.map(|at| ChangeKey::told(actor, &[title.trim()], (place.0.as_ref(), place.1.as_ref()), at))
}

pub fn needs(command: &Command, actor: &Actor, facts: &Facts) -> Needs {
    let Some(policy) = facts.policy() else { return Needs::default() };
    let place = place(policy, actor, command);
    let mut needs = Needs { changes: named(actor, command, &place).into_iter().collect(), ..Needs::default() };
    if let (Some(service), Some(environment)) = &place {
        needs.groups.insert(group_of(service, environment));
    }
    behind(&mut needs, facts);
    needs
}

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    if policy.local.is_some() {
        // Nobody tells of deploys there; what is done is in its own record.
        return Err(Refusal::PolicyOfLocal);
    }
    let actor = permit.actor();
    let place = place(policy, actor, command);
    if let Some(key) = named(actor, command, &place)
        && facts.change(&key).is_some()
    {
        return Ok(Decision::default());
    }
    let change = match actor {
        Actor::Source { .. } => said(actor, command, place, now),
        Actor::Person { .. } | Actor::Runner | Actor::Recorder | Actor::Timer | Actor::Monitor { .. } | Actor::Startup => {
            checked(policy, actor, command, place, now)?
        }
    };
    let case = case_of(facts, &change);
    Ok(Decision { events: vec![Event::Change(ChangeEvent::Told { change: Box::new(change) })], case, ..Decision::default() })
}

/// What a person writes is theirs to put right.
fn checked(policy: &Policy, actor: &Actor, command: &Command, place: Place, now: Timestamp) -> Result<Change, Refusal> {
    let Command::Record { title, details, link, at, .. } = command;
    input::required("title", title, TITLE_CHARS_MAX)?;
    input::bounded("details", details, DETAILS_CHARS_MAX)?;
    if let Some(service) = &place.0 {
        input::declared("service", service.as_str(), policy.services.keys().map(ServiceName::as_str))?;
    }
    if let Some(environment) = &place.1 {
        input::declared("environment", environment.as_str(), policy.environments.keys().map(EnvironmentName::as_str))?;
    }
    if let Some(link) = link {
        input::bounded("link", link, LINK_CHARS_MAX)?;
        if !is_link(link) {
            return Err(Refusal::LinkUnfit);
        }
    }
    if at.is_some_and(|at| at > now) {
        return Err(Refusal::TimeInFuture { field: "at".to_owned() });
    }
    Ok(change(actor, (title.trim(), details.trim(), link.clone()), place, (*at, now)))
}

/// A program cannot put right what it says: what is too long is cut, and a clock that is ahead of ours is taken back. Named it is as it was said,
/// so that what is told twice is one.
fn said(actor: &Actor, command: &Command, place: Place, now: Timestamp) -> Change {
    let Command::Record { title, details, link, at, .. } = command;
    let link = link.clone().filter(|link| is_link(link) && input::bounded("link", link, LINK_CHARS_MAX).is_ok());
    let key = named(actor, command, &place);
    let (title, details) = (crate::alert::cut(title, chars(TITLE_CHARS_MAX)), crate::alert::cut(details, chars(DETAILS_CHARS_MAX)));
    let mut change = change(actor, (&title, &details, link), place, (at.map(|at| at.min(now)), now));
    change.key = key.unwrap_or(change.key);
    change
}

fn chars(max: u32) -> usize {
    usize::try_from(max).unwrap_or(usize::MAX)
}

fn change(
    actor: &Actor,
    (title, details, link): (&str, &str, Option<String>),
    (service, environment): Place,
    (at, now): (Option<Timestamp>, Timestamp),
) -> Change {
    // Two that come in the same moment are told apart by all that they say.
    let words: &[&str] = if at.is_some() { &[title] } else { &[title, details, link.as_deref().unwrap_or_default()] };
    let key = ChangeKey::told(actor, words, (service.as_ref(), environment.as_ref()), at.unwrap_or(now));
    let what = What::Told { title: title.to_owned(), details: details.to_owned(), link };
    Change { key, at: at.unwrap_or(now), by: actor.clone(), service, environment, what }
}

/// The incident that burnt there when it happened: its timeline tells of it.
fn case_of(facts: &Facts, change: &Change) -> Option<IncidentId> {
    let (service, environment) = (change.service.as_ref()?, change.environment.as_ref()?);
    let incident = facts.group(&group_of(service, environment)).and_then(|group| facts.incident(facts.home(group.incident)))?;
    let burnt = incident.opened_at <= change.at && incident.resolved.as_ref().is_none_or(|resolved| change.at <= resolved.at);
    (burnt && incident.closed_at.is_none() && incident.away.is_none()).then_some(incident.id)
}
