//! The write transaction: lock the head, see what was there, decide elsewhere, write everything, commit once.

use std::collections::BTreeMap;
use std::sync::Arc;

use hikeshi_domain::Timestamp;
use hikeshi_domain::facts::{Facts, Needs, WorkspaceState};
use hikeshi_domain::ids::RequestKey;

use crate::database::{WriterSession, Writing};
use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Sql, Value, to_json};
use crate::{Head, Inner, KeptEntry, PostRecord, Remembered, Writes, browsers, changes, contents, facts, ledger, outbox, pasts, timers};

static SEEN: Sql = Sql::keyed("SELECT key, seq, bytes FROM entries WHERE key {in}", Kind::Text);
pub(crate) static ADD_POSTS: Sql =
    Sql::rows("posts", &[("channel", Kind::Text), ("seq", Kind::Int), ("part", Kind::Int), ("at_ns", Kind::Int), ("doc", Kind::Text)], "");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&SEEN, &ADD_POSTS];

/// The one write connection of this node.
pub struct Writer {
    pub(crate) inner: Arc<Inner>,
    pub(crate) own: WriterSession,
}

/// A write transaction that holds the head. Dropping it rolls back.
pub struct Batch<'a> {
    inner: &'a Inner,
    writing: Writing<'a>,
    head: Head,
    policy_version: i64,
    committed: bool,
}

impl Writer {
    /// Begins, and locks the head: `BEGIN IMMEDIATE`, or the head row's lock.
    pub fn begin(&mut self) -> Result<Batch<'_>> {
        let mut writing = self.inner.database.writing(&mut self.own)?;
        let session = writing.session();
        let begun = session.begin_write(&ledger::LOCK_HEAD).and_then(|rows| ledger::read_head(&self.inner, session, &rows));
        match begun {
            Ok((head, policy_version)) => Ok(Batch { inner: &self.inner, writing, head, policy_version, committed: false }),
            Err(error) => {
                session.roll_back();
                Err(error)
            }
        }
    }
}

impl Batch<'_> {
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Entries that already carry these request keys.
    pub fn seen(&mut self, keys: &[RequestKey]) -> Result<BTreeMap<RequestKey, KeptEntry>> {
        let keys: Vec<Value> = keys.iter().map(|key| key.as_str().into()).collect();
        let mut seen = BTreeMap::new();
        for row in self.writing.session().find(&SEEN, &keys)? {
            let key = RequestKey::new(row.text(0)?).map_err(|error| StoreError::damaged(error.to_string()))?;
            seen.insert(key, KeptEntry { seq: row.count(1)?, bytes: row.bytes(2)?.to_vec() });
        }
        Ok(seen)
    }

    /// Loads what is missing into the facts; what was looked for and is not there becomes `None`. `now` decides what is overdue.
    pub fn load(&mut self, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
        facts::load(self.writing.session(), needs, now, facts)
    }

    /// Writes and commits durably. The store computes leaf hashes, tree nodes and the new head.
    ///
    /// An error means that nothing was written, with one exception: when the connection to PostgreSQL was lost during the commit
    /// nobody can tell, and [`Batch::seen`] of the next batch answers.
    pub fn commit(mut self, mut writes: Writes) -> Result<Head> {
        let entries = std::mem::take(&mut writes.entries);
        let news = !entries.is_empty();
        let mut head = self.head.clone();
        let mut changes = Vec::new();
        ledger::append(&mut head, entries, &mut changes)?;
        facts::keep(&writes.facts, &writes.heard, &writes.leased, &mut changes)?;
        changes::keep(&writes.facts, &mut changes)?;
        pasts::keep(&writes.facts, head.size, &mut changes)?;
        timers::keep(&writes.facts.touched, std::mem::take(&mut writes.timers), &mut changes)?;
        outbox::keep(&writes, &mut changes)?;
        changes.push(contents::delete(&writes.deleted));
        changes.push(Change { sql: &ADD_POSTS, rows: writes.posts.iter().map(post_row).collect::<Result<_>>()? });
        let mut version = self.policy_version;
        if writes.facts.touched.workspace {
            head.workspace = writes.facts.workspace.clone();
            let (old, new) = (&self.head.workspace, &head.workspace);
            let same = same_policy(old, new);
            if !same || (&old.pending, &old.silences, &old.overrides) != (&new.pending, &new.silences, &new.overrides) {
                version += 1;
                changes.push(ledger::keep_workspace(new, version)?);
                changes.push(browsers::forget_removed(old, new));
                // No deadline of a case depends on a silence, or on who is on call.
                if let Some(policy) = new.policy.as_deref().filter(|_| !same) {
                    timers::recompute(self.writing.session(), policy, &writes.facts, &mut changes)?;
                }
            }
        }
        if news || writes.facts.touched.workspace {
            changes.push(ledger::move_head(&head, version)?);
        }
        changes.retain(|change| !change.rows.is_empty());
        self.writing.session().commit(&changes, news.then_some(head.size))?;
        self.committed = true;
        if version != self.policy_version {
            let WorkspaceState { policy, pending, silences, overrides, counters: _ } = head.workspace.clone();
            self.inner.remember(&Arc::new(Remembered { version, policy, pending, silences, overrides }));
        }
        if news {
            self.inner.news.tell(head.size);
        }
        Ok(head)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if !self.committed {
            self.writing.session().roll_back();
        }
    }
}

/// Compared by identity first: the same policy in memory needs no look inside.
fn same_policy(old: &WorkspaceState, new: &WorkspaceState) -> bool {
    match (&old.policy, &new.policy) {
        (Some(old), Some(new)) => Arc::ptr_eq(old, new) || old == new,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct PostDocument<A, P> {
    pub actor: A,
    pub post: P,
}

pub(crate) fn post_row(record: &PostRecord) -> Result<Vec<Value>> {
    let document = PostDocument { actor: &record.actor, post: &record.post };
    Ok(vec![record.post.channel.as_str().into(), record.seq.into(), record.part.into(), record.at.into(), to_json(&document)?])
}
