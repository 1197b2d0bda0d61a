//! What follows from taking over a shift, or from giving it back.

use jiff::{SignedDuration, Timestamp};

use super::{AHEAD_DAYS_MAX, COVERS_MAX, Command, Cover, OVERRIDES_MAX, OncallEvent, Override};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{OverrideId, PersonId, ScheduleName};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::{Permit, holds};
use crate::policy::Policy;
use crate::refusal::Refusal;

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    if policy.local.is_some() {
        // Who is called was fixed with the terms that the server has signed.
        return Err(Refusal::PolicyOfLocal);
    }
    let by = permit.person()?;
    match command {
        Command::Override { covers, reason } => {
            input::required("reason", reason, TEXT_CHARS_MAX)?;
            if covers.is_empty() {
                return Err(Refusal::TextMissing { field: "covers".to_owned() });
            }
            input::at_most("covers", covers.len(), COVERS_MAX)?;
            let live = facts.workspace.overrides.values().filter(|row| row.until > now).count();
            input::at_most("overrides", live.saturating_add(covers.len()), OVERRIDES_MAX)?;
            let mut decision = Decision::default();
            let mut last = facts.workspace.counters.overrides;
            for cover in covers {
                last = last.saturating_add(1);
                let from = check(permit, policy, cover, now)?;
                let Cover { schedule, person, until, .. } = cover.clone();
                let row = Override { id: OverrideId(last), schedule, person, from, until, reason: reason.clone(), by: by.clone() };
                decision.made.get_or_insert_with(|| row.id.to_string());
                let notice = Notice::OncallTaken { schedule: name(policy, &row.schedule), person: row.person.clone(), from, until };
                decision.events.push(Event::Oncall(OncallEvent::Overridden { row: row.clone() }));
                decision.events.push(post(policy, notice, by, &row.person));
            }
            Ok(decision)
        }
        Command::Cancel { id, reason } => cancel(permit, facts, policy, *id, reason, now),
    }
}

/// When it begins: what has been is not rewritten.
fn check(permit: &Permit, policy: &Policy, cover: &Cover, now: Timestamp) -> Result<Timestamp, Refusal> {
    input::declared("schedule", cover.schedule.as_str(), policy.schedules.keys().map(ScheduleName::as_str))?;
    input::declared("person", cover.person.as_str(), policy.people.keys().map(PersonId::as_str))?;
    may_arrange(permit, policy, &cover.schedule, &[&cover.person])?;
    if cover.from >= cover.until {
        return Err(Refusal::CoverBackwards { from: cover.from, until: cover.until });
    }
    if cover.until <= now {
        return Err(Refusal::TimeInPast { field: "until".to_owned() });
    }
    let latest = now.checked_add(SignedDuration::from_hours(24 * i64::from(AHEAD_DAYS_MAX))).unwrap_or(Timestamp::MAX);
    if cover.until > latest {
        return Err(Refusal::CoverTooFar { days_max: AHEAD_DAYS_MAX });
    }
    Ok(cover.from.max(now))
}

/// People arrange for themselves; whoever manages the schedule, for everyone.
fn may_arrange(permit: &Permit, policy: &Policy, schedule: &ScheduleName, own: &[&PersonId]) -> Result<(), Refusal> {
    let by = permit.person()?;
    let roles = policy.schedules.get(schedule).map(|schedule| schedule.managed_by.clone()).unwrap_or_default();
    if own.contains(&by) || holds(policy, permit.actor(), &roles) {
        return Ok(());
    }
    Err(Refusal::CoverOfOthers { person: own.first().map_or(by, |person| *person).clone(), roles })
}

fn cancel(permit: &Permit, facts: &Facts, policy: &Policy, id: OverrideId, reason: &str, now: Timestamp) -> Result<Decision, Refusal> {
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    let row = facts.workspace.overrides.get(&id);
    let row = row.ok_or_else(|| Refusal::NotFound { what: "override".to_owned(), given: id.to_string() })?;
    if row.until <= now {
        return Err(Refusal::CoverOver { id });
    }
    may_arrange(permit, policy, &row.schedule, &[&row.person, &row.by])?;
    let by = permit.person()?.clone();
    let (schedule, person) = (row.schedule.clone(), row.person.clone());
    let notice = Notice::OncallGivenBack { schedule: name(policy, &schedule), person: person.clone(), from: row.from, until: row.until };
    let posted = post(policy, notice, &by, &person);
    let event = OncallEvent::Cancelled { id, schedule, person, by, reason: reason.to_owned() };
    Ok(Decision { events: vec![Event::Oncall(event), posted], ..Decision::default() })
}

fn name(policy: &Policy, schedule: &ScheduleName) -> String {
    policy.schedules.get(schedule).map_or_else(|| schedule.to_string(), |schedule| schedule.name.clone())
}

/// Whoever is put on call by somebody else must learn of it.
fn post(policy: &Policy, notice: Notice, by: &PersonId, person: &PersonId) -> Event {
    let people = if by == person { Vec::new() } else { vec![person.clone()] };
    let channel = policy.channels.incidents.clone();
    Event::Posted { post: Post { channel, body: Body::Notice { notice }, roles: Vec::new(), people, incident: None, emergency: None } }
}
