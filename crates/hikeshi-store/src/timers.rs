//! Stored deadlines: one row per incident, exception or obligation with all its timers, found by the earliest.
//!
//! Which timers there are is `hikeshi_domain::timer`; what happens when one is due is the door's.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::{Alert, AlertRef};
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::facts::{Facts, Touched};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::timer::{Timer, Wake, of_alert, of_emergency, of_incident, of_obligation};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Session, Sql, Value, nanoseconds, to_json};

static DUE: Sql = Sql::one("SELECT doc FROM timers WHERE due_at_ns <= ?1 ORDER BY due_at_ns LIMIT ?2");
static NEXT: Sql = Sql::one("SELECT due_at_ns FROM timers ORDER BY due_at_ns LIMIT 1");
static SILENT: Sql = Sql::one(
    "SELECT w.emergency_id, w.person, COALESCE(p.heard_at_ns, w.joined_at_ns) AS heard_at_ns FROM witnesses w \
     LEFT JOIN presence p ON p.emergency_id = w.emergency_id AND p.person = w.person \
     WHERE COALESCE(p.heard_at_ns, w.joined_at_ns) < ?1 ORDER BY heard_at_ns LIMIT ?2",
);
static LAPSED: Sql =
    Sql::one("SELECT id, until_ns FROM alert_leases WHERE until_ns <= ?1 AND until_ns - heard_ns <= ?3 ORDER BY until_ns LIMIT ?2");
pub(crate) static KEEP: Sql = Sql::rows(
    "timers",
    &[("owner", Kind::Text), ("due_at_ns", Kind::Int), ("doc", Kind::Text)],
    // Most commands leave the deadlines of their case as they are; what is the same is not written again.
    "ON CONFLICT (owner) DO UPDATE SET due_at_ns = excluded.due_at_ns, doc = excluded.doc \
     WHERE timers.due_at_ns IS DISTINCT FROM excluded.due_at_ns OR timers.doc IS DISTINCT FROM excluded.doc",
);
static DROP: Sql = Sql::keyed("DELETE FROM timers WHERE owner {in}", Kind::Text);
static OPEN_INCIDENTS: Sql = Sql::one("SELECT doc FROM incidents WHERE open = 1");
static OPEN_EMERGENCIES: Sql = Sql::one("SELECT doc FROM emergencies WHERE open = 1");
static OPEN_OBLIGATIONS: Sql = Sql::one("SELECT doc FROM obligations WHERE owed = 1");
static WAITING_ALERTS: Sql = Sql::one("SELECT doc FROM alerts WHERE waits = 1");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] =
    &[&DUE, &NEXT, &SILENT, &KEEP, &DROP, &OPEN_INCIDENTS, &OPEN_EMERGENCIES, &OPEN_OBLIGATIONS, &WAITING_ALERTS, &LAPSED];

/// The timer as its row keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    wake: Wake,
    due_at: Timestamp,
}

/// The owner of the timers that belong to no case.
const WORKSPACE: &str = "workspace";

/// Whose timer it is: `inc_12`.
fn owner(wake: &Wake) -> String {
    match wake {
        Wake::Escalate { incident } | Wake::UpdateDue { incident } | Wake::PageAgain { incident } | Wake::Unreconciled { incident } => {
            incident.to_string()
        }
        Wake::ApprovalExpires { emergency } | Wake::SessionLong { emergency } | Wake::WitnessSilent { emergency, .. } => {
            emergency.to_string()
        }
        Wake::Examine { emergency } => emergency.to_string(),
        Wake::Remind { obligation } | Wake::Overdue { obligation } | Wake::EscalateOwed { obligation } | Wake::Compare { obligation } => {
            obligation.to_string()
        }
        Wake::MonthEnds | Wake::SilenceEnds { .. } => WORKSPACE.to_owned(),
        Wake::AlertSettles { alert } | Wake::AlertLapses { alert } => owner_of(alert),
    }
}

/// No id of a case has a `/`.
fn owner_of(alert: &AlertRef) -> String {
    format!("alert/{alert}")
}

/// The row of one owner; `timers` is not empty.
fn row(owner: &str, timers: &[Kept]) -> Result<Option<Vec<Value>>> {
    let Some(first) = timers.iter().map(|timer| timer.due_at).min() else { return Ok(None) };
    Ok(Some(vec![owner.into(), nanoseconds(first).into(), to_json(&timers)?]))
}

fn grouped(timers: Vec<Timer>) -> BTreeMap<String, Vec<Kept>> {
    let mut owners: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
    for timer in timers {
        owners.entry(owner(&timer.wake)).or_default().push(Kept { wake: timer.wake, due_at: timer.due_at });
    }
    owners
}

/// Rows of these timers, by owner. What the rebuild compares.
pub(crate) fn rows(timers: Vec<Timer>) -> Result<Vec<Vec<Value>>> {
    grouped(timers).iter().filter_map(|(owner, timers)| row(owner, timers).transpose()).collect()
}

/// Replaces the timers of everything that was touched.
pub(crate) fn keep(touched: &Touched, timers: Vec<Timer>, changes: &mut Vec<Change>) -> Result<()> {
    let mut owners: BTreeSet<String> = touched.incidents.iter().map(ToString::to_string).collect();
    owners.extend(touched.emergencies.iter().map(ToString::to_string));
    owners.extend(touched.obligations.iter().map(ToString::to_string));
    owners.extend(touched.alerts.iter().map(owner_of));
    owners.extend(touched.workspace.then(|| WORKSPACE.to_owned()));
    replace(owners, timers, changes)
}

fn replace(owners: BTreeSet<String>, timers: Vec<Timer>, changes: &mut Vec<Change>) -> Result<()> {
    let groups = grouped(timers);
    if let Some(stranger) = groups.keys().find(|owner| !owners.contains(*owner)) {
        return Err(StoreError::misuse(format!("a timer of {stranger}, which was not touched")));
    }
    let mut kept = Change::new(&KEEP);
    let mut gone = Change::new(&DROP);
    for owner in owners {
        match groups.get(&owner).map(|timers| row(&owner, timers)).transpose()?.flatten() {
            Some(row) => kept.rows.push(row),
            None => gone.rows.push(vec![owner.into()]),
        }
    }
    changes.extend([gone, kept]);
    Ok(())
}

/// A new policy means new deadlines for everything that is open, touched by the batch or not.
pub(crate) fn recompute(session: &mut dyn Session, policy: &Policy, facts: &Facts, changes: &mut Vec<Change>) -> Result<()> {
    let mut owners = BTreeSet::new();
    let mut timers = Vec::new();
    for row in session.query(&OPEN_INCIDENTS, &[])? {
        let incident: Incident = row.json(0)?;
        if !facts.touched.incidents.contains(&incident.id) {
            owners.insert(incident.id.to_string());
            timers.extend(of_incident(&incident, policy));
        }
    }
    for row in session.query(&OPEN_EMERGENCIES, &[])? {
        let emergency: Emergency = row.json(0)?;
        if !facts.touched.emergencies.contains(&emergency.id) {
            owners.insert(emergency.id.to_string());
            timers.extend(of_emergency(&emergency, policy));
        }
    }
    for row in session.query(&OPEN_OBLIGATIONS, &[])? {
        let obligation: Obligation = row.json(0)?;
        if !facts.touched.obligations.contains(&obligation.id) {
            owners.insert(obligation.id.to_string());
            timers.extend(of_obligation(&obligation, policy));
        }
    }
    for row in session.query(&WAITING_ALERTS, &[])? {
        let alert: Alert = row.json(0)?;
        if !facts.touched.alerts.contains(&alert.alert) {
            owners.insert(owner_of(&alert.alert));
            timers.extend(of_alert(&alert, policy));
        }
    }
    replace(owners, timers, changes)
}

/// Timers due at `now`, witnesses silent since `silent_since`, and alerts whose sender fell silent; oldest first.
///
/// Nobody is silent while we do not listen: an alert lapses only when its sender had its whole time since `listening_since`.
pub(crate) fn due(
    session: &mut dyn Session,
    now: Timestamp,
    silent_since: Timestamp,
    listening_since: Timestamp,
    limit: u32,
) -> Result<Vec<(Wake, Timestamp)>> {
    let mut due = Vec::new();
    for row in session.query(&DUE, &[now.into(), limit.into()])? {
        let timers: Vec<Kept> = row.json(0)?;
        due.extend(timers.into_iter().filter(|timer| timer.due_at <= now).map(|timer| (timer.wake, timer.due_at)));
    }
    for row in session.query(&SILENT, &[silent_since.into(), limit.into()])? {
        due.push((Wake::WitnessSilent { emergency: EmergencyId(row.count(0)?), person: row.parsed(1)? }, row.at(2)?));
    }
    let listened = nanoseconds(now).saturating_sub(nanoseconds(listening_since));
    for row in session.query(&LAPSED, &[now.into(), limit.into(), listened.into()])? {
        due.push((Wake::AlertLapses { alert: row.parsed(0)? }, row.at(1)?));
    }
    due.sort_by_key(|(_, at)| *at);
    due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(due)
}

pub(crate) fn next_due(session: &mut dyn Session) -> Result<Option<Timestamp>> {
    session.query(&NEXT, &[])?.first().map(|row| row.at(0)).transpose()
}
