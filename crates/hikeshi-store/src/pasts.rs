//! What is remembered of incidents that are over, to be searched: one row each, beside the number of entries after which it changed last.
//!
//! Ranking is not done here: both databases would do it differently.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::similar::Past;

use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Session, Sql, Value, to_json};

const AT_ONCE: i64 = 1_000;

/// Up to where the changes are known: the size of the ledger, and of what one commit wrote the last key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upto {
    size: u64,
    key: String,
}

static SINCE: Sql =
    Sql::one("SELECT key, changed, doc FROM pasts WHERE changed > ?1 OR (changed = ?1 AND key > ?2) ORDER BY changed, key LIMIT ?3");
static SOME: Sql = Sql::keyed("SELECT key, doc FROM pasts WHERE key {in}", Kind::Text);
pub(crate) static KEEP: Sql = Sql::rows(
    "pasts",
    &[("key", Kind::Text), ("changed", Kind::Int), ("doc", Kind::Text)],
    "ON CONFLICT (key) DO UPDATE SET changed = excluded.changed, doc = excluded.doc",
);

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&SINCE, &SOME, &KEEP];

pub(crate) fn row(past: &Past, size: u64) -> Result<Vec<Value>> {
    Ok(vec![past.key.as_str().into(), size.into(), to_json(past)?])
}

/// Everything that the facts know to be past.
pub(crate) fn of(facts: &Facts) -> impl Iterator<Item = Past> + '_ {
    let incidents = facts.incidents.values().flatten().filter_map(Past::of);
    incidents.chain(facts.imports.values().flatten().cloned())
}

/// Writes what the facts say was touched; `size` is the ledger's after the commit.
pub(crate) fn keep(facts: &Facts, size: u64, changes: &mut Vec<Change>) -> Result<()> {
    let mut kept = Change::new(&KEEP);
    for past in facts.touched.incidents.iter().filter_map(|id| facts.incident(*id)).filter_map(Past::of) {
        kept.rows.push(row(&past, size)?);
    }
    for digest in &facts.touched.imports {
        let known = facts.imports.get(digest).and_then(Option::as_ref);
        let past = known.ok_or_else(|| StoreError::misuse(format!("{digest} was touched and is not among the facts")))?;
        kept.rows.push(row(past, size)?);
    }
    changes.push(kept);
    Ok(())
}

/// Looks for imported documents; what is not there becomes `None`.
pub(crate) fn load(session: &mut dyn Session, wanted: BTreeSet<Digest>, facts: &mut Facts) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = wanted.iter().map(Past::key_of).collect();
    let mut found = some(session, &keys.iter().map(String::as_str).collect::<Vec<_>>())?;
    for digest in wanted {
        facts.imports.insert(digest, found.remove(&Past::key_of(&digest)));
    }
    Ok(())
}

pub(crate) fn some(session: &mut dyn Session, keys: &[&str]) -> Result<BTreeMap<String, Past>> {
    let keys: Vec<Value> = keys.iter().map(|key| (*key).into()).collect();
    let rows = if keys.is_empty() { Vec::new() } else { session.find(&SOME, &keys)? };
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.json(1)?))).collect()
}

/// Gives what has changed since; up to where it was told. A later commit has a larger size, so nothing is left out behind that.
pub(crate) fn since(session: &mut dyn Session, upto: &Upto, each: &mut dyn FnMut(Past)) -> Result<Upto> {
    let mut upto = upto.clone();
    loop {
        let rows = session.query(&SINCE, &[upto.size.into(), upto.key.as_str().into(), AT_ONCE.into()])?;
        let Some(last) = rows.last() else { return Ok(upto) };
        upto = Upto { size: last.count(1)?, key: last.text(0)?.to_owned() };
        for row in &rows {
            each(row.json(2)?);
        }
    }
}
