//! The tables again, from the ledger alone: compared with what is there, and put right.
//!
//! Rebuilt: aggregates, credentials, witnesses, posts, timers, outbox, tree nodes, counters, policy, and the columns beside the entries.
//! Never touched: the entries' bytes, size and root of the ledger, checkpoints, contents, and who was last heard of.

mod expect;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::facts::WorkspaceState;
use hikeshi_domain::ledger::Fault;
use serde::Serialize;

use crate::error::{Result, StoreError};
use crate::read::Reader;
use crate::sql::{Change, Row, Session, Value};
use crate::{Inner, Store, ledger};

use expect::Expected;
use tables::{TABLES, Table};

#[cfg(test)]
pub(crate) use tables::statements;

/// More differences than this are counted and not listed.
const LISTED_MAX: usize = 1_000;

/// One row that is not as the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub table: &'static str,
    /// The row's key, its parts joined by `/`.
    pub row: String,
    #[serde(flatten)]
    pub is: Deviation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Deviation {
    /// The ledger has it, the table has not.
    Missing,
    /// The table has it, the ledger knows nothing of it.
    Unexpected,
    Differs {
        column: &'static str,
    },
}

/// What a comparison of the tables with the ledger has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Entries that were folded.
    pub entries: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// The ledger itself is wrong: nothing was compared, and nothing may be rebuilt from it.
    pub fault: Option<Fault>,
    pub differences: Vec<Difference>,
    pub differences_unlisted: u64,
}

impl Comparison {
    pub fn agrees(&self) -> bool {
        self.fault.is_none() && self.differences.is_empty()
    }
}

impl Reader<'_> {
    /// Folds the whole ledger and compares. Needs memory for all rows.
    pub fn compare(&mut self) -> Result<Comparison> {
        look(self.inner, self.session).map(|(comparison, _)| comparison)
    }
}

impl Store {
    /// Compares, and writes what differs. What is returned is what was found before. Nothing is written when the ledger itself is wrong.
    pub fn rebuild(&self) -> Result<Comparison> {
        let mut writer = self.writer()?;
        let mut writing = self.inner.database.writing(&mut writer.own)?;
        let session = writing.session();
        let done = session.begin_write(&ledger::LOCK_HEAD).and_then(|_| {
            let (comparison, repairs) = look(&self.inner, session)?;
            if comparison.agrees() || comparison.fault.is_some() {
                session.roll_back();
            } else {
                session.commit(&repairs, None)?;
                self.inner.forget();
            }
            Ok(comparison)
        });
        if done.is_err() {
            session.roll_back();
        }
        done
    }
}

/// Compares, and gives the changes that would put the tables right.
fn look(inner: &Inner, session: &mut dyn Session) -> Result<(Comparison, Vec<Change>)> {
    let mut comparison = Comparison { entries: 0, rows: 0, fault: None, differences: Vec::new(), differences_unlisted: 0 };
    let verdict = Reader { inner, session: &mut *session }.verify([])?;
    comparison.entries = verdict.entries;
    // Wrong columns are what a rebuild is for; they hide no entry from the fold, which goes by the bytes.
    comparison.fault = verdict.fault.filter(|fault| fault.wrong != hikeshi_domain::ledger::Wrong::ColumnsDiffer);
    if comparison.fault.is_some() {
        return Ok((comparison, Vec::new()));
    }
    let expected = Expected::fold(session)?;
    let mut repairs = Vec::new();
    for table in &TABLES {
        let rows = (table.expected)(&expected)?;
        compare_table(session, table, rows, &mut comparison, &mut repairs)?;
    }
    compare_workspace(session, &expected.facts.workspace, &mut comparison, &mut repairs)?;
    Ok((comparison, repairs))
}

impl Comparison {
    fn say(&mut self, table: &'static str, row: String, is: Deviation) {
        if self.differences.len() < LISTED_MAX {
            self.differences.push(Difference { table, row, is });
        } else {
            self.differences_unlisted += 1;
        }
    }
}

type Rows = BTreeMap<Vec<Value>, Vec<Value>>;

fn by_key(rows: impl IntoIterator<Item = Vec<Value>>, keys: usize) -> Rows {
    rows.into_iter().map(|mut row| (row.drain(..keys.min(row.len())).collect(), row)).collect()
}

fn compare_table(
    session: &mut dyn Session,
    table: &'static Table,
    expected: Vec<Vec<Value>>,
    comparison: &mut Comparison,
    repairs: &mut Vec<Change>,
) -> Result<()> {
    let expected = by_key(expected, table.keys);
    let found = by_key(session.query(&table.select, &[])?.into_iter().map(|Row(cells)| cells), table.keys);
    let mut gone = Change::new(&table.delete);
    let mut here = Change::new(table.insert);
    let all: BTreeSet<&Vec<Value>> = expected.keys().chain(found.keys()).collect();
    for key in all {
        comparison.rows += 1;
        let is = match (expected.get(key), found.get(key)) {
            (Some(wanted), Some(there)) => match (table.differs)(wanted, there) {
                Some(column) => Deviation::Differs { column },
                None => continue,
            },
            (Some(_), None) => Deviation::Missing,
            (None, Some(_) | None) => Deviation::Unexpected,
        };
        comparison.say(table.name, shown(key), is);
        if found.contains_key(key) && table.replaces_by_delete(expected.contains_key(key)) {
            gone.rows.push(key.clone());
        }
        if let Some(wanted) = expected.get(key) {
            here.rows.push((table.row)(key, wanted));
        }
    }
    repairs.extend([gone, here]);
    Ok(())
}

fn shown(key: &[Value]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|part| match part {
            Value::Null => "-".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
        .collect();
    parts.join("/")
}

/// Policy and counters, which lie in two rows of their own.
fn compare_workspace(
    session: &mut dyn Session,
    expected: &WorkspaceState,
    comparison: &mut Comparison,
    repairs: &mut Vec<Change>,
) -> Result<()> {
    let rows = session.query(&ledger::HEAD, &[])?;
    let row = rows.first().ok_or_else(|| StoreError::damaged("the ledger has no head"))?;
    let version = row.int(4)?;
    let counters = row.json::<hikeshi_domain::facts::Counters>(3).ok();
    let kept = session.query(&ledger::WORKSPACE, &[])?;
    let pending = kept.first().and_then(|row| row.maybe_text(2).ok()).flatten();
    let silences = kept.first().and_then(|row| row.maybe_text(3).ok()).flatten();
    let silences_found = silences.map_or_else(|| Ok(std::sync::Arc::default()), serde_json::from_str);
    let overrides = kept.first().and_then(|row| row.maybe_text(4).ok()).flatten();
    let overrides_found = overrides.map_or_else(|| Ok(std::sync::Arc::default()), serde_json::from_str);
    let policy_found = kept.first().map_or(Ok(None), ledger::policy_in_force);
    let pending_found = pending.map(serde_json::from_str::<hikeshi_domain::facts::PendingPolicy>).transpose();
    let mut wrong = Vec::new();
    if counters != Some(expected.counters) {
        wrong.push("counters");
    }
    if policy_found.is_err() || policy_found.ok().flatten().as_ref() != expected.policy.as_deref() {
        wrong.push("policy");
    }
    if pending_found.is_err() || pending_found.ok().flatten() != expected.pending {
        wrong.push("pending");
    }
    if silences_found.ok().as_ref() != Some(&expected.silences) {
        wrong.push("silences");
    }
    if overrides_found.ok().as_ref() != Some(&expected.overrides) {
        wrong.push("overrides");
    }
    comparison.rows += 1;
    if wrong.is_empty() {
        return Ok(());
    }
    for column in wrong {
        comparison.say("workspace", "1".to_owned(), Deviation::Differs { column });
    }
    repairs.push(ledger::keep_workspace(expected, version + 1)?);
    repairs.push(ledger::keep_counters(expected, version + 1)?);
    Ok(())
}
