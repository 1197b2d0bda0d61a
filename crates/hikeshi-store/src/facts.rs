//! Aggregates as documents with a few columns to find them by: loading what a decision needs, writing what it touched.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::Timestamp;
use hikeshi_domain::account::Account;
use hikeshi_domain::alert::silence::{HELD_MAX, held_by};
use hikeshi_domain::alert::{Alert, AlertRef, Group, GroupKey, Waits};
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{EmergencyId, IncidentId, PersonId, SilenceId};
use hikeshi_domain::incident::merge::SPLIT_MAX;
use hikeshi_domain::incident::{Incident, Priority};
use hikeshi_domain::monitor::MonitorState;
use hikeshi_domain::obligation::{self, Obligation};

use crate::Lease;
use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Session, Sql, Value, to_json};

/// More overdue follow-up than this does not make a decision any different.
const OVERDUE_MAX: i64 = 100;

static INCIDENTS: Sql = Sql::keyed("SELECT doc FROM incidents WHERE id {in}", Kind::Int);
static EMERGENCIES: Sql = Sql::keyed("SELECT doc FROM emergencies WHERE id {in}", Kind::Int);
static OBLIGATIONS: Sql = Sql::keyed("SELECT doc FROM obligations WHERE id {in}", Kind::Int);
static ACCOUNTS: Sql = Sql::keyed("SELECT doc FROM accounts WHERE person {in}", Kind::Text);
static MONITORS: Sql = Sql::keyed("SELECT doc FROM monitors WHERE name {in}", Kind::Text);
static ALERTS: Sql = Sql::keyed("SELECT doc FROM alerts WHERE id {in}", Kind::Text);
/// Those that wait for one silence to end.
static SILENCED: Sql = Sql::one("SELECT doc FROM alerts WHERE waits = ?1 AND waits > 1 ORDER BY id LIMIT ?2");
static ALERTS_OF: Sql = Sql::one("SELECT id FROM alerts WHERE incident_id = ?1 AND incident_id > 0 LIMIT ?2");
static LEASES: Sql = Sql::keyed("SELECT id, until_ns FROM alert_leases WHERE id {in}", Kind::Text);
static GROUPS: Sql = Sql::keyed("SELECT key, incident_id FROM alert_groups WHERE key {in}", Kind::Text);
static PRESENCE: Sql = Sql::keyed("SELECT emergency_id, person, heard_at_ns FROM presence WHERE emergency_id {in}", Kind::Int);
/// Those that harden the next approval first: the limit must not hide them.
static OVERDUE: Sql =
    Sql::one("SELECT doc FROM obligations WHERE owed = 1 AND due_at_ns < ?1 ORDER BY hardens DESC, due_at_ns, id LIMIT ?2");

pub(crate) static KEEP_INCIDENTS: Sql = Sql::rows(
    "incidents",
    &[
        ("id", Kind::Int),
        ("open", Kind::Int),
        ("priority", Kind::Int),
        ("opened_at_ns", Kind::Int),
        ("public_ns", Kind::Int),
        ("doc", Kind::Text),
    ],
    "ON CONFLICT (id) DO UPDATE SET open = excluded.open, priority = excluded.priority, opened_at_ns = excluded.opened_at_ns, \
     public_ns = excluded.public_ns, doc = excluded.doc",
);
pub(crate) static KEEP_EMERGENCIES: Sql = Sql::rows(
    "emergencies",
    &[("id", Kind::Int), ("open", Kind::Int), ("counted", Kind::Int), ("requested_at_ns", Kind::Int), ("doc", Kind::Text)],
    "ON CONFLICT (id) DO UPDATE SET open = excluded.open, counted = excluded.counted, requested_at_ns = excluded.requested_at_ns, doc = excluded.doc",
);
pub(crate) static KEEP_OBLIGATIONS: Sql = Sql::rows(
    "obligations",
    &[
        ("id", Kind::Int),
        ("owed", Kind::Int),
        ("hardens", Kind::Int),
        ("due_at_ns", Kind::Int),
        ("emergency_id", Kind::Int),
        ("incident_id", Kind::Int),
        ("doc", Kind::Text),
    ],
    "ON CONFLICT (id) DO UPDATE SET owed = excluded.owed, due_at_ns = excluded.due_at_ns, doc = excluded.doc",
);
pub(crate) static KEEP_MONITORS: Sql =
    Sql::rows("monitors", &[("name", Kind::Text), ("doc", Kind::Text)], "ON CONFLICT (name) DO UPDATE SET doc = excluded.doc");
pub(crate) static KEEP_ALERTS: Sql = Sql::rows(
    "alerts",
    &[
        ("id", Kind::Text),
        ("firing", Kind::Int),
        ("waits", Kind::Int),
        ("incident_id", Kind::Int),
        ("fired_at_ns", Kind::Int),
        ("doc", Kind::Text),
    ],
    "ON CONFLICT (id) DO UPDATE SET firing = excluded.firing, waits = excluded.waits, incident_id = excluded.incident_id, \
     fired_at_ns = excluded.fired_at_ns, doc = excluded.doc",
);
pub(crate) static KEEP_GROUPS: Sql = Sql::rows(
    "alert_groups",
    &[("key", Kind::Text), ("incident_id", Kind::Int)],
    "ON CONFLICT (key) DO UPDATE SET incident_id = excluded.incident_id",
);
static LEASE: Sql = Sql::rows(
    "alert_leases",
    &[("id", Kind::Text), ("heard_ns", Kind::Int), ("until_ns", Kind::Int)],
    "ON CONFLICT (id) DO UPDATE SET heard_ns = excluded.heard_ns, until_ns = excluded.until_ns",
);
static DROP_LEASES: Sql = Sql::keyed("DELETE FROM alert_leases WHERE id {in}", Kind::Text);
pub(crate) static KEEP_ACCOUNTS: Sql =
    Sql::rows("accounts", &[("person", Kind::Text), ("doc", Kind::Text)], "ON CONFLICT (person) DO UPDATE SET doc = excluded.doc");
static DROP_CREDENTIALS: Sql = Sql::keyed("DELETE FROM credentials WHERE person {in}", Kind::Text);
/// A digest that somebody already has stays theirs.
pub(crate) static ADD_CREDENTIALS: Sql =
    Sql::rows("credentials", &[("digest", Kind::Bytes), ("person", Kind::Text)], "ON CONFLICT (digest) DO NOTHING");
static DROP_WITNESSES: Sql = Sql::keyed("DELETE FROM witnesses WHERE emergency_id {in}", Kind::Int);
pub(crate) static ADD_WITNESSES: Sql =
    Sql::rows("witnesses", &[("emergency_id", Kind::Int), ("person", Kind::Text), ("joined_at_ns", Kind::Int)], "");
static HEAR: Sql = Sql::rows(
    "presence",
    &[("emergency_id", Kind::Int), ("person", Kind::Text), ("heard_at_ns", Kind::Int)],
    "ON CONFLICT (emergency_id, person) DO UPDATE SET heard_at_ns = excluded.heard_at_ns",
);

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[
    &INCIDENTS,
    &EMERGENCIES,
    &OBLIGATIONS,
    &ACCOUNTS,
    &MONITORS,
    &ALERTS,
    &SILENCED,
    &ALERTS_OF,
    &LEASES,
    &GROUPS,
    &KEEP_ALERTS,
    &KEEP_GROUPS,
    &LEASE,
    &DROP_LEASES,
    &PRESENCE,
    &OVERDUE,
    &KEEP_INCIDENTS,
    &KEEP_EMERGENCIES,
    &KEEP_OBLIGATIONS,
    &KEEP_MONITORS,
    &KEEP_ACCOUNTS,
    &DROP_CREDENTIALS,
    &ADD_CREDENTIALS,
    &DROP_WITNESSES,
    &ADD_WITNESSES,
    &HEAR,
];

/// Loads what is missing; what was looked for and is not there becomes `None`. What is already in the facts is newer, and stays.
pub(crate) fn load(session: &mut dyn Session, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
    let missing = needs.missing(facts);
    load_kind(session, &INCIDENTS, missing.incidents, &mut facts.incidents, |incident: &Incident| incident.id)?;
    load_kind(session, &EMERGENCIES, missing.emergencies, &mut facts.emergencies, |emergency: &Emergency| emergency.id)?;
    load_kind(session, &OBLIGATIONS, missing.obligations, &mut facts.obligations, |obligation: &Obligation| obligation.id)?;
    load_kind(session, &ACCOUNTS, missing.accounts, &mut facts.accounts, |account: &Account| account.person.clone())?;
    load_kind(session, &MONITORS, missing.monitors, &mut facts.monitors, |state: &MonitorState| state.monitor.clone())?;
    load_alerts(session, missing.alerts, missing.groups, facts)?;
    for id in missing.silenced {
        let limit = i64::try_from(HELD_MAX).unwrap_or(i64::MAX);
        let mut held = BTreeSet::new();
        for row in session.query(&SILENCED, &[waiting_for(id).into(), limit.into()])? {
            let alert: Alert = row.json(0)?;
            held.insert(alert.alert.clone());
            facts.alerts.entry(alert.alert.clone()).or_insert(Some(alert));
        }
        facts.silenced.insert(id, held);
    }
    for id in missing.alerts_of {
        let most = i64::from(SPLIT_MAX).saturating_add(1);
        let rows = session.query(&ALERTS_OF, &[id.0.into(), most.into()])?;
        facts.alerts_of.insert(id, rows.iter().map(|row| row.parsed(0)).collect::<Result<_>>()?);
    }
    crate::changes::load(session, missing.changes, facts)?;
    crate::pasts::load(session, missing.imports, facts)?;
    if !missing.presence.is_empty() {
        let keys: Vec<Value> = missing.presence.iter().map(|id| id.0.into()).collect();
        let rows = session.find(&PRESENCE, &keys)?;
        for id in missing.presence {
            facts.presence.entry(id).or_default();
        }
        for row in rows {
            facts.presence.entry(EmergencyId(row.count(0)?)).or_default().insert(row.parsed(1)?, row.at(2)?);
        }
    }
    if missing.overdue {
        let mut overdue = BTreeSet::new();
        for row in session.query(&OVERDUE, &[now.into(), OVERDUE_MAX.into()])? {
            let obligation: Obligation = row.json(0)?;
            overdue.insert(obligation.id);
            facts.obligations.entry(obligation.id).or_insert(Some(obligation));
        }
        facts.overdue = Some(overdue);
    }
    Ok(())
}

fn load_alerts(session: &mut dyn Session, alerts: BTreeSet<AlertRef>, groups: BTreeSet<GroupKey>, facts: &mut Facts) -> Result<()> {
    if !alerts.is_empty() {
        let keys: Vec<Value> = alerts.iter().map(|id| id.to_string().into()).collect();
        for row in session.find(&LEASES, &keys)? {
            facts.leases.insert(row.parsed(0)?, row.at(1)?);
        }
    }
    load_kind(session, &ALERTS, alerts, &mut facts.alerts, |state: &Alert| state.alert.clone())?;
    let keys: Vec<Value> = groups.iter().map(Key::value).collect();
    for key in groups {
        facts.groups.entry(key).or_insert(None);
    }
    for row in if keys.is_empty() { Vec::new() } else { session.find(&GROUPS, &keys)? } {
        let key: GroupKey = row.parsed(0)?;
        facts.groups.insert(key.clone(), Some(Group { key, incident: IncidentId(row.count(1)?) }));
    }
    Ok(())
}

/// A name that is a key of a table.
trait Key: Ord + Clone {
    fn value(&self) -> Value;
}

macro_rules! keys {
    ($($number:ty),*; $($name:ty),*) => {
        $(impl Key for $number { fn value(&self) -> Value { self.0.into() } })*
        $(impl Key for $name { fn value(&self) -> Value { self.as_str().into() } })*
    };
}

keys!(
    IncidentId, EmergencyId, hikeshi_domain::ids::ObligationId;
    PersonId, hikeshi_domain::ids::MonitorName, GroupKey
);

impl Key for AlertRef {
    fn value(&self) -> Value {
        self.to_string().into()
    }
}

fn load_kind<K: Key, T: serde::de::DeserializeOwned>(
    session: &mut dyn Session,
    sql: &'static Sql,
    wanted: BTreeSet<K>,
    facts: &mut BTreeMap<K, Option<T>>,
    key_of: impl Fn(&T) -> K,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let keys: Vec<Value> = wanted.iter().map(Key::value).collect();
    let rows = session.find(sql, &keys)?;
    for key in wanted {
        facts.entry(key).or_insert(None);
    }
    for row in rows {
        let found: T = row.json(0)?;
        facts.insert(key_of(&found), Some(found));
    }
    Ok(())
}

/// Writes the aggregates that the facts say were touched, who was heard of, and until when alerts were promised.
pub(crate) fn keep(facts: &Facts, heard: &[(EmergencyId, PersonId, Timestamp)], leased: &[Lease], changes: &mut Vec<Change>) -> Result<()> {
    let mut incidents = Change::new(&KEEP_INCIDENTS);
    for id in &facts.touched.incidents {
        incidents.rows.push(incident_row(facts.incident(*id).ok_or_else(|| absent(id))?)?);
    }
    let mut obligations = Change::new(&KEEP_OBLIGATIONS);
    for id in &facts.touched.obligations {
        obligations.rows.push(obligation_row(facts.obligation(*id).ok_or_else(|| absent(id))?)?);
    }
    let mut monitors = Change::new(&KEEP_MONITORS);
    for name in &facts.touched.monitors {
        monitors.rows.push(vec![name.as_str().into(), to_json(facts.monitor(name).ok_or_else(|| absent(name))?)?]);
    }
    changes.extend([incidents, obligations, monitors]);
    keep_alerts(facts, leased, changes)?;
    keep_emergencies(facts, changes)?;
    keep_accounts(facts, changes)?;
    keep_presence(facts, heard, changes);
    Ok(())
}

fn keep_alerts(facts: &Facts, leased: &[Lease], changes: &mut Vec<Change>) -> Result<()> {
    let mut alerts = Change::new(&KEEP_ALERTS);
    let mut over = Change::new(&DROP_LEASES);
    for id in &facts.touched.alerts {
        let alert = facts.alert(id).ok_or_else(|| absent(id))?;
        alerts.rows.push(alert_row(alert)?);
        if !alert.firing {
            over.rows.push(vec![id.to_string().into()]);
        }
    }
    let mut groups = Change::new(&KEEP_GROUPS);
    for key in &facts.touched.groups {
        groups.rows.push(group_row(facts.group(key).ok_or_else(|| absent(&key.as_str()))?));
    }
    // Of two words of one batch the later one holds, and an alert that is over has none.
    let fires = |id: &AlertRef| facts.alert(id).is_none_or(|alert| alert.firing);
    let latest: BTreeMap<&AlertRef, &Lease> =
        leased.iter().filter(|lease| fires(&lease.alert)).map(|lease| (&lease.alert, lease)).collect();
    let rows = latest.into_iter().map(|(id, lease)| vec![id.to_string().into(), lease.heard_at.into(), lease.until.into()]).collect();
    changes.extend([alerts, groups, over, Change { sql: &LEASE, rows }]);
    Ok(())
}

fn keep_emergencies(facts: &Facts, changes: &mut Vec<Change>) -> Result<()> {
    let mut emergencies = Change::new(&KEEP_EMERGENCIES);
    let mut gone = Change::new(&DROP_WITNESSES);
    let mut here = Change::new(&ADD_WITNESSES);
    for id in &facts.touched.emergencies {
        let emergency = facts.emergency(*id).ok_or_else(|| absent(id))?;
        emergencies.rows.push(emergency_row(emergency)?);
        gone.rows.push(vec![id.0.into()]);
        here.rows.extend(witness_rows(emergency));
    }
    changes.extend([emergencies, gone, here]);
    Ok(())
}

fn keep_accounts(facts: &Facts, changes: &mut Vec<Change>) -> Result<()> {
    let mut accounts = Change::new(&KEEP_ACCOUNTS);
    let mut gone = Change::new(&DROP_CREDENTIALS);
    let mut here = Change::new(&ADD_CREDENTIALS);
    for person in &facts.touched.accounts {
        let account = facts.account(person).ok_or_else(|| absent(person))?;
        accounts.rows.push(vec![person.as_str().into(), to_json(account)?]);
        gone.rows.push(vec![person.as_str().into()]);
        here.rows.extend(credential_rows(account));
    }
    changes.extend([accounts, gone, here]);
    Ok(())
}

fn keep_presence(facts: &Facts, heard: &[(EmergencyId, PersonId, Timestamp)], changes: &mut Vec<Change>) {
    let known = facts.touched.presence.iter().filter_map(|(emergency, person)| {
        let at = facts.presence.get(emergency)?.get(person)?;
        Some(((*emergency, person), *at))
    });
    let mut latest: BTreeMap<(EmergencyId, &PersonId), Timestamp> = known.collect();
    for (emergency, person, at) in heard {
        let slot = latest.entry((*emergency, person)).or_insert(*at);
        *slot = (*slot).max(*at);
    }
    let rows = latest.into_iter().map(|((emergency, person), at)| vec![emergency.0.into(), person.as_str().into(), at.into()]).collect();
    changes.push(Change { sql: &HEAR, rows });
}

fn absent(what: &dyn std::fmt::Display) -> StoreError {
    StoreError::misuse(format!("{what} was touched and is not among the facts"))
}

pub(crate) fn incident_row(incident: &Incident) -> Result<Vec<Value>> {
    let priority = match incident.priority {
        Priority::P1 => 1_i64,
        Priority::P2 => 2,
        Priority::P3 => 3,
        Priority::P4 => 4,
    };
    let public = incident.public.last().map_or(Value::from(0_i64), |post| post.at.into());
    let (open, opened_at) = ((incident.resolved.is_none() && incident.merged.is_none()).into(), incident.opened_at.into());
    Ok(vec![incident.id.0.into(), open, priority.into(), opened_at, public, to_json(incident)?])
}

pub(crate) fn alert_row(alert: &Alert) -> Result<Vec<Value>> {
    Ok(vec![
        alert.alert.to_string().into(),
        alert.firing.into(),
        waits(alert).into(),
        // Counted from 1, so 0 is nobody's.
        alert.incident.map_or(0, |id| id.0).into(),
        alert.fired_at.into(),
        to_json(alert)?,
    ])
}

fn waits(alert: &Alert) -> u64 {
    let flaps = alert.firing && alert.waits == Some(Waits::Flapping);
    held_by(alert).map_or(u64::from(flaps), waiting_for)
}

fn waiting_for(silence: SilenceId) -> u64 {
    silence.0.saturating_add(1)
}

pub(crate) fn group_row(group: &Group) -> Vec<Value> {
    vec![group.key.as_str().into(), group.incident.0.into()]
}

pub(crate) fn emergency_row(emergency: &Emergency) -> Result<Vec<Value>> {
    Ok(vec![
        emergency.id.0.into(),
        (!emergency.status.is_over()).into(),
        emergency.status.is_use().into(),
        emergency.requested_at.into(),
        to_json(emergency)?,
    ])
}

pub(crate) fn obligation_row(obligation: &Obligation) -> Result<Vec<Value>> {
    Ok(vec![
        obligation.id.0.into(),
        (obligation.status == obligation::Status::Owed).into(),
        obligation.kind.hardens_next().into(),
        obligation.due_at.into(),
        // Counted from 1, so 0 is nobody's.
        obligation.emergency.map_or(0, |id| id.0).into(),
        obligation.incident.map_or(0, |id| id.0).into(),
        to_json(obligation)?,
    ])
}

/// The witnesses whose silence would matter.
pub(crate) fn witness_rows(emergency: &Emergency) -> Vec<Vec<Value>> {
    let present = emergency.witnesses.iter().filter(|(_, witness)| witness.present && !emergency.status.is_over());
    present.map(|(person, witness)| vec![emergency.id.0.into(), person.as_str().into(), witness.joined_at.into()]).collect()
}

pub(crate) fn credential_rows(account: &Account) -> Vec<Vec<Value>> {
    let links = account.links.iter().map(|link| &link.secret);
    let sessions = account.sessions.iter().map(|session| &session.secret);
    let tokens = account.tokens.values().map(|token| &token.secret);
    // Two credentials with one secret would be one row.
    let secrets: BTreeSet<_> = links.chain(sessions).chain(tokens).collect();
    secrets.into_iter().map(|secret| vec![secret.into(), account.person.as_str().into()]).collect()
}
