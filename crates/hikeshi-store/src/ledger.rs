//! The head of the ledger and what appending changes: frontier, tree nodes, the row that is locked.
//!
//! Complete subtrees are kept from 256 leaves upwards, so that an append writes one row and a proof reads few.

use std::sync::Arc;

use hikeshi_domain::facts::{Counters, WorkspaceState};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::ledger::Frontier;
use hikeshi_domain::policy::Policy;

use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Row, Session, Sql, Value, from_json, to_json};
use crate::{Head, Inner, NewEntry, Remembered};

/// The smallest subtree that is kept: 2^8 leaves.
pub(crate) const KEPT_LEVEL: u32 = 8;

pub(crate) static HEAD: Sql = Sql::one("SELECT size, frontier, last_leaf, counters, policy_version FROM ledger_head WHERE id = 1");
/// The same row, locked: SQLite's write lock is already held, PostgreSQL takes the row's.
pub(crate) static LOCK_HEAD: Sql =
    Sql::one("UPDATE ledger_head SET size = size WHERE id = 1 RETURNING size, frontier, last_leaf, counters, policy_version");
static MOVE_HEAD: Sql =
    Sql::one("UPDATE ledger_head SET size = ?1, frontier = ?2, last_leaf = ?3, counters = ?4, policy_version = ?5 WHERE id = 1");
pub(crate) static WORKSPACE: Sql = Sql::one("SELECT version, policy, pending, silences, overrides, browsers FROM workspace WHERE id = 1");
static KEEP_WORKSPACE: Sql =
    Sql::one("UPDATE workspace SET version = ?1, policy = ?2, pending = ?3, silences = ?4, overrides = ?5, browsers = ?6 WHERE id = 1");
static KEEP_COUNTERS: Sql = Sql::one("UPDATE ledger_head SET counters = ?1, policy_version = ?2 WHERE id = 1");
static ADD_ENTRIES: Sql =
    Sql::rows("entries", &[("seq", Kind::Int), ("key", Kind::Text), ("case_id", Kind::Int), ("bytes", Kind::Bytes)], "");
pub(crate) static ADD_NODES: Sql = Sql::rows("nodes", &[("level", Kind::Int), ("idx", Kind::Int), ("hash", Kind::Bytes)], "");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&HEAD, &LOCK_HEAD, &MOVE_HEAD, &WORKSPACE, &KEEP_WORKSPACE, &KEEP_COUNTERS, &ADD_ENTRIES, &ADD_NODES];

/// Frontier, last leaf and counters of a ledger without entries.
pub(crate) fn first_head() -> [Value; 3] {
    let counters = serde_json::to_string(&Counters::default()).unwrap_or_else(|_| "{}".to_owned());
    [Value::Bytes(Vec::new()), Value::Bytes(vec![0; 32]), Value::Text(counters)]
}

/// The head row, with the policy from memory when nobody has changed it.
pub(crate) fn read_head(inner: &Inner, session: &mut dyn Session, rows: &[Row]) -> Result<(Head, i64)> {
    let row = rows.first().ok_or_else(|| StoreError::damaged("the ledger has no head"))?;
    let size = row.count(0)?;
    let frontier: Vec<Digest> = row
        .bytes(1)?
        .chunks(32)
        .map(|chunk| chunk.try_into().map(Digest).map_err(|_| StoreError::damaged("the frontier has a part of a hash")))
        .collect::<Result<_>>()?;
    if Frontier::from_parts(size, frontier.clone()).is_none() {
        return Err(StoreError::damaged(format!("a frontier of {} hashes cannot belong to {size} entries", frontier.len())));
    }
    let last_leaf = row.digest(2)?;
    let counters: Counters = row.json(3)?;
    let version = row.int(4)?;
    let remembered = remembered(inner, session, version)?;
    let Remembered { policy, pending, silences, overrides, version: _ } = remembered.as_ref().clone();
    let workspace = WorkspaceState { policy, pending, silences, overrides, counters };
    Ok((Head { size, frontier, last_leaf, workspace }, version))
}

/// The policy of this version. Parsing it takes longer than a commit, so it is done once.
fn remembered(inner: &Inner, session: &mut dyn Session, version: i64) -> Result<Arc<Remembered>> {
    if let Some(remembered) = inner.remembered().filter(|remembered| remembered.version == version) {
        return Ok(remembered);
    }
    let rows = session.query(&WORKSPACE, &[])?;
    let row = rows.first().ok_or_else(|| StoreError::damaged("the workspace has no row"))?;
    if row.int(0)? != version {
        return Err(StoreError::damaged("the workspace and the head disagree about the policy's version"));
    }
    let remembered = Arc::new(Remembered {
        version,
        policy: policy_in_force(row)?.map(Arc::new),
        pending: row.maybe_text(2)?.map(from_json).transpose()?,
        silences: row.maybe_text(3)?.map(from_json).transpose()?.unwrap_or_default(),
        overrides: row.maybe_text(4)?.map(from_json).transpose()?.unwrap_or_default(),
    });
    inner.remember(&remembered);
    Ok(remembered)
}

/// The policy, and beside it the browsers that people have subscribed.
pub(crate) fn policy_in_force(row: &Row) -> Result<Option<Policy>> {
    let Some(policy) = row.maybe_text(1)? else { return Ok(None) };
    let mut policy: Policy = from_json(policy)?;
    policy.browsers = row.maybe_text(5)?.map(from_json).transpose()?.unwrap_or_default();
    Ok(Some(policy))
}

/// Appends the entries to the head, and writes them with the tree nodes that became complete.
pub(crate) fn append(head: &mut Head, entries: Vec<NewEntry>, changes: &mut Vec<Change>) -> Result<()> {
    let mut frontier = Frontier::from_parts(head.size, std::mem::take(&mut head.frontier))
        .ok_or_else(|| StoreError::misuse("the frontier does not belong to the head"))?;
    let mut rows = Change::new(&ADD_ENTRIES);
    let mut nodes = Change::new(&ADD_NODES);
    for entry in entries {
        if entry.seq != frontier.size() {
            return Err(StoreError::misuse(format!("entry {} was given where {} is next", entry.seq, frontier.size())));
        }
        head.last_leaf = entry.leaf;
        frontier.append_noting(head.last_leaf, |level, index, hash| {
            if level >= KEPT_LEVEL {
                nodes.rows.push(vec![level.into(), index.into(), hash.into()]);
            }
        });
        let case = entry.case.map_or(Value::Null, |case| case.0.into());
        rows.rows.push(vec![entry.seq.into(), entry.key.as_str().into(), case, Value::Bytes(entry.bytes)]);
    }
    head.size = frontier.size();
    head.frontier = frontier.into_roots();
    for change in [rows, nodes] {
        if !change.rows.is_empty() {
            changes.push(change);
        }
    }
    Ok(())
}

pub(crate) fn move_head(head: &Head, version: i64) -> Result<Change> {
    let frontier: Vec<u8> = head.frontier.iter().flat_map(|digest| digest.0).collect();
    let row = vec![head.size.into(), Value::Bytes(frontier), (&head.last_leaf).into(), to_json(&head.workspace.counters)?, version.into()];
    Ok(Change::one(&MOVE_HEAD, row))
}

pub(crate) fn keep_workspace(state: &WorkspaceState, version: i64) -> Result<Change> {
    let policy = state.policy.as_deref().map_or(Ok(Value::Null), to_json)?;
    let pending = state.pending.as_ref().map_or(Ok(Value::Null), to_json)?;
    let silences = if state.silences.is_empty() { Value::Null } else { to_json(&state.silences)? };
    let overrides = if state.overrides.is_empty() { Value::Null } else { to_json(&state.overrides)? };
    let browsers = state.policy.as_deref().map(|policy| &policy.browsers).filter(|browsers| !browsers.is_empty());
    let browsers = browsers.map_or(Ok(Value::Null), to_json)?;
    Ok(Change::one(&KEEP_WORKSPACE, vec![version.into(), policy, pending, silences, overrides, browsers]))
}

/// Counters and policy version alone, for a rebuild: size and root are not its to write.
pub(crate) fn keep_counters(state: &WorkspaceState, version: i64) -> Result<Change> {
    Ok(Change::one(&KEEP_COUNTERS, vec![to_json(&state.counters)?, version.into()]))
}
