//! Every projection: how its rows are read, what the fold says they should be, and how one is put right.

use hikeshi_domain::account::Account;
use hikeshi_domain::alert::Alert;
use hikeshi_domain::change::Change;
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::monitor::MonitorState;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::similar::Past;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::expect::Expected;
use crate::error::Result;
use crate::sql::{Kind, Sql, Value, to_json};
use crate::{changes, facts, ledger, outbox, pasts, timers, write};

pub(super) struct Table {
    pub name: &'static str,
    /// How many of the first columns are the key.
    pub keys: usize,
    /// Key, then the compared columns.
    pub select: Sql,
    pub delete: Sql,
    pub insert: &'static Sql,
    pub expected: fn(&Expected) -> Result<Vec<Vec<Value>>>,
    /// The first compared column that is not as wanted.
    pub differs: fn(&[Value], &[Value]) -> Option<&'static str>,
    /// Arguments of `insert`.
    pub row: fn(&[Value], &[Value]) -> Vec<Value>,
}

impl Table {
    /// A row of `entries` is never deleted: its columns are written over.
    pub fn replaces_by_delete(&self, expected: bool) -> bool {
        self.name != "entries" || !expected
    }
}

/// Written over by number: the bytes stay.
static SET_COLUMNS: Sql = Sql::one("UPDATE entries SET key = ?2, case_id = ?3 WHERE seq = ?1");

#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static Sql> {
    TABLES.iter().flat_map(|table| [&table.select, &table.delete]).chain([&SET_COLUMNS]).collect()
}

pub(super) static TABLES: [Table; 16] = [
    Table {
        name: "entries",
        keys: 1,
        select: Sql::one("SELECT seq, key, case_id FROM entries"),
        // Never run: see `replaces_by_delete`; a row without an entry is a fault of the ledger.
        delete: Sql::keyed("DELETE FROM entries WHERE seq {in} AND 1 = 0", Kind::Int),
        insert: &SET_COLUMNS,
        expected: |expected| {
            let row = |(seq, key, case): &(u64, hikeshi_domain::ids::RequestKey, Option<hikeshi_domain::ids::IncidentId>)| {
                vec![(*seq).into(), key.as_str().into(), case.map_or(Value::Null, |case| case.0.into())]
            };
            Ok(expected.columns.iter().map(row).collect())
        },
        differs: |wanted, there| plain(wanted, there, &["key", "case_id"]),
        row: joined,
    },
    Table {
        name: "nodes",
        keys: 2,
        select: Sql::one("SELECT level, idx, hash FROM nodes"),
        delete: Sql::one("DELETE FROM nodes WHERE level = ?1 AND idx = ?2"),
        insert: &ledger::ADD_NODES,
        expected: |expected| {
            Ok(expected.nodes.iter().map(|(level, index, hash)| vec![(*level).into(), (*index).into(), hash.into()]).collect())
        },
        differs: |wanted, there| plain(wanted, there, &["hash"]),
        row: joined,
    },
    Table {
        name: "incidents",
        keys: 1,
        select: Sql::one("SELECT id, open, priority, opened_at_ns, public_ns, doc FROM incidents"),
        delete: Sql::keyed("DELETE FROM incidents WHERE id {in}", Kind::Int),
        insert: &facts::KEEP_INCIDENTS,
        expected: |expected| expected.facts.incidents.values().flatten().map(facts::incident_row).collect(),
        differs: |wanted, there| document::<Incident>(wanted, there, &["open", "priority", "opened_at_ns", "public_ns"]),
        row: joined,
    },
    Table {
        name: "emergencies",
        keys: 1,
        select: Sql::one("SELECT id, open, counted, requested_at_ns, doc FROM emergencies"),
        delete: Sql::keyed("DELETE FROM emergencies WHERE id {in}", Kind::Int),
        insert: &facts::KEEP_EMERGENCIES,
        expected: |expected| expected.facts.emergencies.values().flatten().map(facts::emergency_row).collect(),
        differs: |wanted, there| document::<Emergency>(wanted, there, &["open", "counted", "requested_at_ns"]),
        row: joined,
    },
    Table {
        name: "obligations",
        keys: 1,
        select: Sql::one("SELECT id, owed, hardens, due_at_ns, emergency_id, incident_id, doc FROM obligations"),
        delete: Sql::keyed("DELETE FROM obligations WHERE id {in}", Kind::Int),
        insert: &facts::KEEP_OBLIGATIONS,
        expected: |expected| expected.facts.obligations.values().flatten().map(facts::obligation_row).collect(),
        differs: |wanted, there| document::<Obligation>(wanted, there, &["owed", "hardens", "due_at_ns", "emergency_id", "incident_id"]),
        row: joined,
    },
    Table {
        name: "monitors",
        keys: 1,
        select: Sql::one("SELECT name, doc FROM monitors"),
        delete: Sql::keyed("DELETE FROM monitors WHERE name {in}", Kind::Text),
        insert: &facts::KEEP_MONITORS,
        expected: |expected| {
            expected.facts.monitors.values().flatten().map(|state| Ok(vec![state.monitor.as_str().into(), to_json(state)?])).collect()
        },
        differs: |wanted, there| document::<MonitorState>(wanted, there, &[]),
        row: joined,
    },
    Table {
        name: "alerts",
        keys: 1,
        select: Sql::one("SELECT id, firing, waits, incident_id, fired_at_ns, doc FROM alerts"),
        delete: Sql::keyed("DELETE FROM alerts WHERE id {in}", Kind::Text),
        insert: &facts::KEEP_ALERTS,
        expected: |expected| expected.facts.alerts.values().flatten().map(facts::alert_row).collect(),
        differs: |wanted, there| document::<Alert>(wanted, there, &["firing", "waits", "incident_id", "fired_at_ns"]),
        row: joined,
    },
    Table {
        name: "alert_groups",
        keys: 1,
        select: Sql::one("SELECT key, incident_id FROM alert_groups"),
        delete: Sql::keyed("DELETE FROM alert_groups WHERE key {in}", Kind::Text),
        insert: &facts::KEEP_GROUPS,
        expected: |expected| Ok(expected.facts.groups.values().flatten().map(facts::group_row).collect()),
        differs: |wanted, there| plain(wanted, there, &["incident_id"]),
        row: joined,
    },
    Table {
        name: "changes",
        keys: 1,
        select: Sql::one("SELECT key, place, at_ns, doc FROM changes"),
        delete: Sql::keyed("DELETE FROM changes WHERE key {in}", Kind::Text),
        insert: &changes::KEEP,
        expected: |expected| expected.facts.changes.values().flatten().map(changes::row).collect(),
        differs: |wanted, there| document::<Change>(wanted, there, &["place", "at_ns"]),
        row: joined,
    },
    Table {
        name: "pasts",
        keys: 1,
        select: Sql::one("SELECT key, changed, doc FROM pasts"),
        delete: Sql::keyed("DELETE FROM pasts WHERE key {in}", Kind::Text),
        insert: &pasts::KEEP,
        expected: |expected| {
            let size = u64::try_from(expected.columns.len()).unwrap_or(u64::MAX);
            pasts::of(&expected.facts).map(|past| pasts::row(&past, size)).collect()
        },
        // After which entry it changed is known to whoever wrote it; put right, it is changed now.
        differs: |wanted, there| document::<Past>(wanted.get(1..)?, there.get(1..)?, &[]),
        row: joined,
    },
    Table {
        name: "accounts",
        keys: 1,
        select: Sql::one("SELECT person, doc FROM accounts"),
        delete: Sql::keyed("DELETE FROM accounts WHERE person {in}", Kind::Text),
        insert: &facts::KEEP_ACCOUNTS,
        expected: |expected| {
            expected.facts.accounts.values().flatten().map(|account| Ok(vec![account.person.as_str().into(), to_json(account)?])).collect()
        },
        differs: |wanted, there| document::<Account>(wanted, there, &[]),
        row: joined,
    },
    Table {
        name: "credentials",
        keys: 1,
        select: Sql::one("SELECT digest, person FROM credentials"),
        delete: Sql::keyed("DELETE FROM credentials WHERE digest {in}", Kind::Bytes),
        insert: &facts::ADD_CREDENTIALS,
        expected: |expected| Ok(expected.facts.accounts.values().flatten().flat_map(facts::credential_rows).collect()),
        differs: |wanted, there| plain(wanted, there, &["person"]),
        row: joined,
    },
    Table {
        name: "witnesses",
        keys: 2,
        select: Sql::one("SELECT emergency_id, person, joined_at_ns FROM witnesses"),
        delete: Sql::one("DELETE FROM witnesses WHERE emergency_id = ?1 AND person = ?2"),
        insert: &facts::ADD_WITNESSES,
        expected: |expected| Ok(expected.facts.emergencies.values().flatten().flat_map(facts::witness_rows).collect()),
        differs: |wanted, there| plain(wanted, there, &["joined_at_ns"]),
        row: joined,
    },
    Table {
        name: "posts",
        keys: 3,
        select: Sql::one("SELECT channel, seq, part, at_ns, doc FROM posts"),
        delete: Sql::one("DELETE FROM posts WHERE channel = ?1 AND seq = ?2 AND part = ?3"),
        insert: &write::ADD_POSTS,
        expected: |expected| expected.posts.iter().map(write::post_row).collect(),
        differs: |wanted, there| {
            document::<write::PostDocument<hikeshi_domain::people::Actor, hikeshi_domain::channel::Post>>(wanted, there, &["at_ns"])
        },
        row: joined,
    },
    Table {
        name: "timers",
        keys: 1,
        select: Sql::one("SELECT owner, due_at_ns, doc FROM timers"),
        delete: Sql::keyed("DELETE FROM timers WHERE owner {in}", Kind::Text),
        insert: &timers::KEEP,
        expected: |expected| timers::rows(expected.timers()),
        differs: |wanted, there| document::<Vec<timers::Kept>>(wanted, there, &["due_at_ns"]),
        row: joined,
    },
    Table {
        name: "outbox",
        keys: 1,
        select: Sql::one("SELECT key, kind, queued_at_ns, effect FROM outbox"),
        delete: Sql::keyed("DELETE FROM outbox WHERE key {in}", Kind::Text),
        insert: &outbox::QUEUE,
        expected: |expected| {
            let row = |(effect, at): &(hikeshi_domain::effect::Effect, hikeshi_domain::Timestamp)| {
                Ok(vec![effect.key.0.as_str().into(), effect.work.kind().into(), (*at).into(), to_json(effect)?])
            };
            expected.outbox.values().map(row).collect()
        },
        differs: |wanted, there| document::<hikeshi_domain::effect::Effect>(wanted, there, &["kind", "queued_at_ns"]),
        row: outbox_row,
    },
];

fn joined(key: &[Value], rest: &[Value]) -> Vec<Value> {
    key.iter().chain(rest).cloned().collect()
}

/// A lost effect is queued anew. Nobody can tell whether it was begun, so its row says that it was.
fn outbox_row(key: &[Value], rest: &[Value]) -> Vec<Value> {
    let mut row = key.to_vec();
    if let [kind, queued_at, effect] = rest {
        row.extend([kind.clone(), effect.clone(), queued_at.clone(), 1_i64.into(), 1_i64.into(), 0_i64.into(), Value::Null]);
    }
    row
}

fn plain(wanted: &[Value], there: &[Value], names: &[&'static str]) -> Option<&'static str> {
    names.iter().zip(wanted.iter().zip(there)).find(|(_, (wanted, there))| wanted != there).map(|(name, _)| *name)
}

/// Compares the columns, then the document that follows them. An older program may have written the same document in other words.
fn document<T: Serialize + DeserializeOwned>(wanted: &[Value], there: &[Value], names: &[&'static str]) -> Option<&'static str> {
    if let Some(column) = plain(wanted, there, names) {
        return Some(column);
    }
    let same = match (wanted.get(names.len()), there.get(names.len())) {
        (Some(wanted), Some(there)) if wanted == there => true,
        (Some(wanted), Some(Value::Text(there))) => {
            serde_json::from_str::<T>(there).ok().and_then(|read| to_json(&read).ok()).is_some_and(|read| read == *wanted)
        }
        (Some(_) | None, _) => false,
    };
    (!same).then_some("doc")
}
