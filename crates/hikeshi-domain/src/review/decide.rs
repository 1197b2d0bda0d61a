//! What follows when a month is over, and when the record of an exception was searched (rule E13).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Finding, FindingName, Period};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::emergency::Emergency;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EmergencyId, IncidentId, ObligationId};
use crate::input;
use crate::obligation::{Kind, Obligation};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// More findings of one exception than this are not told one by one.
pub const FINDINGS_MAX: u32 = 200;

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    let Command::Examine { emergency, .. } = command;
    let mut needs = Needs { emergencies: [*emergency].into(), ..Needs::default() };
    if let Some(state) = facts.emergency(*emergency) {
        needs.incidents.insert(state.incident);
        needs.obligations.extend(state.obligations.iter().copied());
    }
    needs
}

pub fn decide(facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let Command::Examine { emergency, size, told, findings } = command;
    let state = facts.emergency(*emergency).ok_or(Refusal::Stale)?;
    // What came in while it was read would never be searched.
    if state.examined.is_some() || state.told != *told {
        return Err(Refusal::Stale);
    }
    examine(facts, state, *size, findings, now)
}

/// What was found is recorded; what was not found before raises a corrective action.
fn examine(facts: &Facts, state: &Emergency, size: u64, findings: &[Finding], now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let id = state.id;
    input::at_most("findings", findings.len(), FINDINGS_MAX)?;
    let mut events = vec![Event::EmergencyExamined { emergency: id, size, findings: findings.to_vec() }];
    let known: BTreeSet<FindingName> = known(facts, state);
    let mut fresh: Vec<&Finding> = Vec::new();
    for finding in findings {
        let name = finding.kind.name();
        if !known.contains(&name) && fresh.iter().all(|other| other.kind.name() != name) {
            fresh.push(finding);
        }
    }
    let mut raised = Vec::new();
    for (number, finding) in (facts.workspace.counters.obligation + 1..).zip(&fresh) {
        let owner = policy.reviewer(&[&state.requester, &state.plan.executor]).unwrap_or_else(|| state.requester.clone());
        let due_at = days_after(now, policy.reviews.corrective_within_days);
        let mut owed = Obligation::new(ObligationId(number), Kind::Corrective, Some((id, state.incident)), owner, now, due_at);
        owed.finding = Some((*finding).clone());
        raised.push(owed);
    }
    let notice = Notice::AbuseFound {
        kinds: fresh.iter().map(|finding| finding.kind.name()).collect(),
        obligations: raised.iter().map(|owed| owed.id).collect(),
    };
    let any = !raised.is_empty();
    events.extend(raised.into_iter().map(|obligation| Event::ObligationRaised { obligation }));
    if any {
        events.push(post(policy, notice, Some((id, state.incident))));
    }
    Ok(Decision::of(state.incident, events))
}

fn known(facts: &Facts, state: &Emergency) -> BTreeSet<FindingName> {
    let owed = state.obligations.iter().filter_map(|id| facts.obligation(*id));
    owed.filter_map(|owed| owed.finding.as_ref()).map(|finding| finding.kind.name()).collect()
}

/// A month is over: its report is owed, and that of the quarter with it.
pub fn month_ends(facts: &Facts, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let month = facts.workspace.counters.month.ok_or(Refusal::Stale)?.next();
    let zone = policy.zone();
    let ended_at = Period::Month(month).ends(&zone);
    if now < ended_at {
        return Err(Refusal::Stale);
    }
    let rules = &policy.reviews;
    let mut due = vec![(Kind::MonthlyReport, Period::Month(month), rules.monthly_within_days)];
    let quarter = Period::Quarter(month.quarter());
    if quarter.last_month() == month {
        due.push((Kind::QuarterlyReport, quarter, rules.quarterly_within_days));
        if policy.paging.is_some() && rules.contacts_within_days > 0 {
            due.push((Kind::ContactTest, quarter, rules.contacts_within_days));
        }
    }
    let mut events = Vec::new();
    for (number, (kind, period, within_days)) in (facts.workspace.counters.obligation + 1..).zip(due) {
        let owner = policy.reviewer(&[]).ok_or(Refusal::Stale)?;
        let id = ObligationId(number);
        // After a long silence the due time still counts from the month's end, but there is always time to do it.
        let due_at = days_after(ended_at, within_days).max(days_after(now, 1));
        let mut owed = Obligation::new(id, kind, None, owner, ended_at, due_at);
        let notice = if kind == Kind::ContactTest {
            Notice::ContactTestDue { obligation: id, due_at }
        } else {
            owed.period = Some(period);
            Notice::ReportDue { obligation: id, period, due_at }
        };
        events.push(Event::ObligationRaised { obligation: owed });
        events.push(post(policy, notice, None));
    }
    Ok(Decision { events, ..Decision::default() })
}

fn days_after(at: Timestamp, days: u32) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MAX)
}

fn post(policy: &Policy, notice: Notice, of: Option<(EmergencyId, IncidentId)>) -> Event {
    let roles = if of.is_some() { policy.emergency.approver_roles.clone() } else { Vec::new() };
    Event::Posted {
        post: Post {
            channel: policy.channels.emergency.clone(),
            body: Body::Notice { notice },
            roles,
            people: Vec::new(),
            incident: of.map(|(_, incident)| incident),
            emergency: of.map(|(emergency, _)| emergency),
        },
    }
}
