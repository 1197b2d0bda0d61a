//! Effects that are owed to the world, claims on them, duties that one node has at a time, and when heartbeats were heard.
//!
//! Not here: what an effect means after a crash (`hikeshi_domain::effect::Again`) and who carries it out (the engine's runner).

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{Effect, EffectKey};
use hikeshi_domain::ids::MonitorName;
use jiff::SignedDuration;

use crate::bundles::joins;
use crate::error::{Result, StoreError};
use crate::sql::{Change, Kind, Session, Sql, Value, to_json};
use crate::{Claim, OutboxRow, Writes};

/// A claim that reaches further than this into the future was made by a clock that has since been set back.
const LEASE_MAX_S: u32 = 600;
const CLAIMS_MAX: u32 = 256;

pub(crate) static QUEUE: Sql = Sql::rows(
    "outbox",
    &[
        ("key", Kind::Text),
        ("kind", Kind::Text),
        ("effect", Kind::Text),
        ("queued_at_ns", Kind::Int),
        ("attempts", Kind::Int),
        ("fence", Kind::Int),
        ("lease_until_ns", Kind::Int),
        ("joins", Kind::Text),
    ],
    "",
);
static SETTLE: Sql = Sql::keyed("DELETE FROM outbox WHERE key {in}", Kind::Text);
static CLAIM: Sql = Sql::one(
    "UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, node = ?1, lease_until_ns = ?2 WHERE key IN \
     (SELECT key FROM outbox WHERE kind NOT IN ('chat_emergency', 'chat_other', 'page_serious', 'page_other', 'tell') AND (lease_until_ns <= ?3 OR lease_until_ns > ?4) \
     ORDER BY queued_at_ns, key LIMIT ?5 {skip_locked}) \
     RETURNING key, effect, fence, attempts, queued_at_ns",
);
static CLAIM_OF: Sql = Sql::one(
    "UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, node = ?1, lease_until_ns = ?2 WHERE key IN \
     (SELECT key FROM outbox WHERE kind = ?6 AND (lease_until_ns <= ?3 OR lease_until_ns > ?4) \
     ORDER BY queued_at_ns, key LIMIT ?5 {skip_locked}) \
     RETURNING key, effect, fence, attempts, queued_at_ns",
);
/// The first of its kind, unless somebody has it or it is to wait: what is behind it waits too.
static CLAIM_FIRST: Sql = Sql::one(
    "UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, node = ?1, lease_until_ns = ?2 \
     WHERE (lease_until_ns <= ?3 OR lease_until_ns > ?4) \
     AND key = (SELECT key FROM outbox WHERE kind = ?5 ORDER BY queued_at_ns, key LIMIT 1) \
     RETURNING key, effect, fence, attempts, queued_at_ns",
);
static EXTEND: Sql = Sql::one("UPDATE outbox SET lease_until_ns = ?1 WHERE key = ?2 AND fence = ?3");
static RELEASE: Sql = Sql::one("UPDATE outbox SET lease_until_ns = ?1, node = NULL WHERE key = ?2 AND fence = ?3");
static FREE: Sql = Sql::one("UPDATE outbox SET lease_until_ns = 0, node = NULL WHERE node IS NOT NULL");
static FREE_DUTIES: Sql = Sql::one("DELETE FROM duties");
static LIST: Sql = Sql::one("SELECT key, kind, attempts, queued_at_ns FROM outbox ORDER BY queued_at_ns, key LIMIT 1000");
static DUTY: Sql = Sql::one(
    "INSERT INTO duties (duty, node, lease_until_ns) VALUES (?1, ?2, ?3) ON CONFLICT (duty) DO UPDATE \
     SET node = excluded.node, lease_until_ns = excluded.lease_until_ns \
     WHERE duties.node = excluded.node OR duties.lease_until_ns <= ?4 OR duties.lease_until_ns > ?5",
);

static BEAT: Sql =
    Sql::one("INSERT INTO beats (monitor, heard_ns) VALUES (?1, ?2) ON CONFLICT (monitor) DO UPDATE SET heard_ns = excluded.heard_ns");
static EXPECTED: Sql = Sql::one("SELECT monitor FROM expected");
static EXPECT: Sql = Sql::one("INSERT INTO expected (monitor, since_ns) VALUES (?1, ?2) ON CONFLICT (monitor) DO NOTHING");
static EXPECT_NO_MORE: Sql = Sql::one("DELETE FROM expected WHERE monitor = ?1");
static EXPECTED_SINCE: Sql = Sql::one("SELECT since_ns FROM expected WHERE monitor = ?1");
static HEARD: Sql = Sql::one("SELECT heard_ns FROM beats WHERE monitor = ?1");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[
    &QUEUE,
    &SETTLE,
    &CLAIM,
    &CLAIM_OF,
    &CLAIM_FIRST,
    &EXTEND,
    &RELEASE,
    &FREE,
    &FREE_DUTIES,
    &LIST,
    &DUTY,
    &BEAT,
    &HEARD,
    &EXPECTED,
    &EXPECT,
    &EXPECT_NO_MORE,
    &EXPECTED_SINCE,
];

/// Queues and settles with the entries that say so.
pub(crate) fn keep(writes: &Writes, changes: &mut Vec<Change>) -> Result<()> {
    let mut queue = Change::new(&QUEUE);
    for (effect, at) in &writes.queued {
        let (key, kind) = (effect.key.0.as_str().into(), effect.work.kind().into());
        let joins = joins(effect).map_or(Value::Null, Value::from);
        queue.rows.push(vec![key, kind, to_json(effect)?, (*at).into(), 0_i64.into(), 0_i64.into(), 0_i64.into(), joins]);
    }
    let rows = writes.settled.iter().map(|key| vec![key.0.as_str().into()]).collect();
    changes.extend([queue, Change { sql: &SETTLE, rows }]);
    Ok(())
}

pub(crate) fn after(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

fn lease(seconds: u32) -> Result<u32> {
    if (1..=LEASE_MAX_S).contains(&seconds) {
        return Ok(seconds);
    }
    Err(StoreError::misuse(format!("a lease of {seconds} s; it takes 1 to {LEASE_MAX_S}")))
}

/// Of one kind, or of all that have no lane of their own.
pub(crate) fn claim(session: &mut dyn Session, node: &str, kind: Option<&str>, limit: u32, lease_s: u32) -> Result<Vec<Claim>> {
    let lease_s = lease(lease_s)?;
    let now = session.clock()?;
    let limit = limit.min(CLAIMS_MAX);
    let mut arguments = vec![node.into(), after(now, lease_s).into(), now.into(), after(now, LEASE_MAX_S).into(), limit.into()];
    arguments.extend(kind.map(Value::from));
    let mut claims = claimed(session, if kind.is_some() { &CLAIM_OF } else { &CLAIM }, &arguments)?;
    claims.sort_by(|(one_at, one), (other_at, other)| (one_at, &one.effect.key).cmp(&(other_at, &other.effect.key)));
    Ok(claims.into_iter().map(|(_, claim)| claim).collect())
}

/// Of the kinds whose order is kept: the first one, when it is free.
pub(crate) fn claim_first(session: &mut dyn Session, node: &str, kind: &str, lease_s: u32) -> Result<Option<Claim>> {
    let lease_s = lease(lease_s)?;
    let now = session.clock()?;
    let arguments = [node.into(), after(now, lease_s).into(), now.into(), after(now, LEASE_MAX_S).into(), kind.into()];
    Ok(claimed(session, &CLAIM_FIRST, &arguments)?.into_iter().next().map(|(_, claim)| claim))
}

pub(crate) fn claimed(session: &mut dyn Session, sql: &'static Sql, arguments: &[Value]) -> Result<Vec<(i64, Claim)>> {
    let mut claims = Vec::new();
    for row in session.query(sql, arguments)? {
        let attempts = u32::try_from(row.count(3)?).unwrap_or(u32::MAX);
        let effect: Effect = row.json(1)?;
        claims.push((row.int(4)?, Claim { effect, fence: row.int(2)?, taken_over: attempts > 1, attempts }));
    }
    Ok(claims)
}

pub(crate) fn extend(session: &mut dyn Session, key: &EffectKey, fence: i64, lease_s: u32) -> Result<bool> {
    let until = after(session.clock()?, lease(lease_s)?);
    Ok(session.change(&EXTEND, &[until.into(), key.0.as_str().into(), fence.into()])? == 1)
}

pub(crate) fn release(session: &mut dyn Session, key: &EffectKey, fence: i64, wait_s: u32) -> Result<bool> {
    let until = after(session.clock()?, wait_s.min(LEASE_MAX_S));
    Ok(session.change(&RELEASE, &[until.into(), key.0.as_str().into(), fence.into()])? == 1)
}

/// On SQLite whoever has just opened the store is alone: claims and duties of earlier processes are over.
pub(crate) fn free(session: &mut dyn Session) -> Result<()> {
    session.change(&FREE, &[])?;
    session.change(&FREE_DUTIES, &[]).map(drop)
}

pub(crate) fn list(session: &mut dyn Session) -> Result<Vec<OutboxRow>> {
    let mut rows = Vec::new();
    for row in session.query(&LIST, &[])? {
        let attempts = u32::try_from(row.count(2)?).unwrap_or(u32::MAX);
        rows.push(OutboxRow {
            key: EffectKey(row.text(0)?.to_owned()),
            kind: row.text(1)?.to_owned(),
            started: attempts > 0,
            attempts,
            queued_at: row.at(3)?,
        });
    }
    Ok(rows)
}

pub(crate) fn duty(session: &mut dyn Session, duty: &str, node: &str, lease_s: u32) -> Result<bool> {
    let lease_s = lease(lease_s)?;
    let now = session.clock()?;
    let arguments = [duty.into(), node.into(), after(now, lease_s).into(), now.into(), after(now, LEASE_MAX_S).into()];
    Ok(session.change(&DUTY, &arguments)? == 1)
}

/// A heartbeat was heard, by the clock of the database.
pub(crate) fn beat(session: &mut dyn Session, monitor: &MonitorName) -> Result<()> {
    let now = session.clock()?;
    session.change(&BEAT, &[monitor.as_str().into(), now.into()]).map(drop)
}

/// From now on these heartbeats are expected, and no others. What was expected before goes on from then.
pub(crate) fn expect(session: &mut dyn Session, monitors: &[MonitorName]) -> Result<()> {
    let now = session.clock()?;
    for row in session.query(&EXPECTED, &[])? {
        let name = row.text(0)?;
        if monitors.iter().all(|monitor| monitor.as_str() != name) {
            session.change(&EXPECT_NO_MORE, &[name.into()])?;
        }
    }
    for monitor in monitors {
        session.change(&EXPECT, &[monitor.as_str().into(), now.into()])?;
    }
    Ok(())
}

/// How long ago it was last heard, and since how long it is expected; `None`: never.
pub(crate) fn since_beat(session: &mut dyn Session, monitor: &MonitorName) -> Result<(Option<SignedDuration>, Option<SignedDuration>)> {
    let now = session.clock()?;
    let mut since = |sql| -> Result<Option<SignedDuration>> {
        let rows = session.query(sql, &[monitor.as_str().into()])?;
        rows.first().map(|row| Ok(now.duration_since(row.at(0)?))).transpose()
    };
    Ok((since(&HEARD)?, since(&EXPECTED_SINCE)?))
}
