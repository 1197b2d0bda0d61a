//! What was altered and when: one row per change, found by its place and time.

use std::collections::BTreeSet;

use hikeshi_domain::Timestamp;
use hikeshi_domain::change::{Change as Altered, ChangeKey};
use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::{EnvironmentName, ServiceName};

use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Row, Session, Sql, Value, to_json};

/// Changes of a time: those of one place, those of all others, and how many there are of each. Both newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    pub here: Vec<Altered>,
    pub here_total: u64,
    pub elsewhere: Vec<Altered>,
    pub elsewhere_total: u64,
}

static SOME: Sql = Sql::keyed("SELECT doc FROM changes WHERE key {in}", Kind::Text);
static HERE: Sql = Sql::one("SELECT doc FROM changes WHERE place = ?1 AND at_ns >= ?2 AND at_ns <= ?3 ORDER BY at_ns DESC, key LIMIT ?4");
static HERE_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM changes WHERE place = ?1 AND at_ns >= ?2 AND at_ns <= ?3");
static ELSEWHERE: Sql =
    Sql::one("SELECT doc FROM changes WHERE place <> ?1 AND at_ns >= ?2 AND at_ns <= ?3 ORDER BY at_ns DESC, key LIMIT ?4");
static TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM changes WHERE at_ns >= ?1 AND at_ns <= ?2");
static LATEST: Sql = Sql::one("SELECT doc FROM changes ORDER BY at_ns DESC, key LIMIT ?1");
pub(crate) static KEEP: Sql = Sql::rows(
    "changes",
    &[("key", Kind::Text), ("place", Kind::Text), ("at_ns", Kind::Int), ("doc", Kind::Text)],
    "ON CONFLICT (key) DO UPDATE SET place = excluded.place, at_ns = excluded.at_ns, doc = excluded.doc",
);

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&SOME, &HERE, &HERE_TOTAL, &ELSEWHERE, &TOTAL, &LATEST, &KEEP];

/// One value for service and environment; neither name holds a `/`. Empty for what is of no place.
fn place(service: Option<&ServiceName>, environment: Option<&EnvironmentName>) -> String {
    match (service, environment) {
        (None, None) => String::new(),
        (service, environment) => {
            format!("{}/{}", service.map_or("", ServiceName::as_str), environment.map_or("", EnvironmentName::as_str))
        }
    }
}

pub(crate) fn row(change: &Altered) -> Result<Vec<Value>> {
    let place = place(change.service.as_ref(), change.environment.as_ref());
    Ok(vec![change.key.as_str().into(), place.into(), change.at.into(), to_json(change)?])
}

/// Writes what the facts say was touched.
pub(crate) fn keep(facts: &Facts, changes: &mut Vec<Change>) -> Result<()> {
    let mut kept = Change::new(&KEEP);
    for key in &facts.touched.changes {
        let known = facts.change(key).ok_or_else(|| StoreError::misuse(format!("{key} was touched and is not among the facts")))?;
        kept.rows.push(row(known)?);
    }
    changes.push(kept);
    Ok(())
}

/// Looks for changes; what is not there becomes `None`.
pub(crate) fn load(session: &mut dyn Session, wanted: BTreeSet<ChangeKey>, facts: &mut Facts) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let keys: Vec<Value> = wanted.iter().map(|key| key.as_str().into()).collect();
    let found = documents(&session.find(&SOME, &keys)?)?;
    facts.changes.extend(wanted.into_iter().map(|key| (key, None)));
    facts.changes.extend(found.into_iter().map(|change| (change.key.clone(), Some(change))));
    Ok(())
}

fn documents(rows: &[Row]) -> Result<Vec<Altered>> {
    rows.iter().map(|row| row.json(0)).collect()
}

fn count(session: &mut dyn Session, sql: &'static Sql, arguments: &[Value]) -> Result<u64> {
    session.query(sql, arguments)?.first().map_or(Ok(0), |row| row.count(0))
}

pub(crate) fn between(
    session: &mut dyn Session,
    of: (&ServiceName, &EnvironmentName),
    (from, until): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Changes> {
    let arguments = [place(Some(of.0), Some(of.1)).into(), from.into(), until.into(), limit.into()];
    let here = documents(&session.query(&HERE, &arguments)?)?;
    let here_total = count(session, &HERE_TOTAL, arguments.get(..3).unwrap_or_default())?;
    let elsewhere = documents(&session.query(&ELSEWHERE, &arguments)?)?;
    let total = count(session, &TOTAL, &[from.into(), until.into()])?;
    Ok(Changes { here, here_total, elsewhere, elsewhere_total: total.saturating_sub(here_total) })
}

pub(crate) fn latest(session: &mut dyn Session, limit: u32) -> Result<Vec<Altered>> {
    documents(&session.query(&LATEST, &[limit.into()])?)
}
