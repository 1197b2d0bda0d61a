//! Reads for the pages, all in one transaction, so that a view never mixes two states.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hikeshi_domain::Timestamp;
use hikeshi_domain::account::Account;
use hikeshi_domain::alert::Alert;
use hikeshi_domain::change::Change;
use hikeshi_domain::channel::Post;
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{ChannelName, Digest, EmergencyId, EnvironmentName, IncidentId, PersonId, ServiceName};
use hikeshi_domain::incident::Incident;
use hikeshi_domain::monitor::MonitorState;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::people::Actor;
use hikeshi_domain::similar::Past;
use hikeshi_domain::timer::Wake;

use crate::error::{Result, StoreError};
use crate::pasts::Upto;
use crate::sql::{Row, Session, Sql, Value};
use crate::write::PostDocument;
use crate::{Changes, Head, Inner, KeptEntry, OutboxRow, PostRecord, changes, contents, facts, ledger, outbox, pasts, timers};

/// More rows than this are never given at once, whatever was asked for.
const ROWS_MAX: u32 = 1_000;

static INCIDENTS: Sql = Sql::one("SELECT doc FROM incidents WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
static OPEN_INCIDENTS: Sql = Sql::one("SELECT doc FROM incidents WHERE open = 1 AND id < ?1 ORDER BY id DESC LIMIT ?2");
/// Those that the status page shows: published since then, or published and still open.
static PUBLIC: Sql =
    Sql::one("SELECT doc FROM incidents WHERE public_ns > 0 AND (public_ns > ?1 OR open = 1) ORDER BY open DESC, public_ns DESC LIMIT ?2");
static BURNING: Sql = Sql::one("SELECT doc FROM incidents WHERE open = 1 ORDER BY priority, opened_at_ns, id LIMIT ?1");
static BURNING_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM incidents WHERE open = 1");
static EMERGENCIES: Sql = Sql::one("SELECT doc FROM emergencies WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
static OPEN_EMERGENCIES: Sql = Sql::one("SELECT doc FROM emergencies WHERE open = 1 AND id < ?1 ORDER BY id DESC LIMIT ?2");
static EMERGENCIES_BETWEEN: Sql =
    Sql::one("SELECT COUNT(*) FROM emergencies WHERE counted = 1 AND requested_at_ns >= ?1 AND requested_at_ns < ?2");
static OBLIGATIONS: Sql = Sql::one("SELECT doc FROM obligations WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
static OWED_OBLIGATIONS: Sql = Sql::one("SELECT doc FROM obligations WHERE owed = 1 AND id < ?1 ORDER BY id DESC LIMIT ?2");
static OWED: Sql = Sql::one("SELECT doc FROM obligations WHERE owed = 1 ORDER BY due_at_ns, id LIMIT ?1");
static OWED_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM obligations WHERE owed = 1");
static OVERDUE_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM obligations WHERE owed = 1 AND due_at_ns < ?1");
static OF_EMERGENCY: Sql = Sql::one("SELECT doc FROM obligations WHERE emergency_id = ?1 ORDER BY id LIMIT 1000");
static OF_INCIDENT: Sql = Sql::one("SELECT doc FROM obligations WHERE incident_id = ?1 ORDER BY id LIMIT 1000");
static ALERTS_OF: Sql =
    Sql::one("SELECT doc FROM alerts WHERE incident_id = ?1 AND incident_id > 0 ORDER BY firing DESC, fired_at_ns DESC, id LIMIT ?2");
static FIRING: Sql = Sql::one("SELECT doc FROM alerts WHERE firing = 1 ORDER BY fired_at_ns DESC, id LIMIT ?1");
static FIRING_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM alerts WHERE firing = 1");
static HELD: Sql = Sql::one("SELECT doc FROM alerts WHERE waits > 1 ORDER BY waits, id LIMIT ?1");
static HELD_TOTAL: Sql = Sql::one("SELECT COUNT(*) FROM alerts WHERE waits > 1");
static MONITORS: Sql = Sql::one("SELECT doc FROM monitors ORDER BY name LIMIT 1000");
static ACCOUNTS: Sql = Sql::one("SELECT doc FROM accounts ORDER BY person LIMIT 10000");
static CREDENTIAL: Sql = Sql::one("SELECT person FROM credentials WHERE digest = ?1");
static POSTS: Sql =
    Sql::one("SELECT seq, part, at_ns, doc FROM posts WHERE channel = ?1 AND seq < ?2 ORDER BY seq DESC, part DESC LIMIT ?3");
static POSTS_OF_ENTRY: Sql =
    Sql::one("SELECT seq, part, at_ns, doc FROM posts WHERE channel = ?1 AND seq = ?2 AND part < ?3 ORDER BY part DESC LIMIT 1000");
static ENTRY: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE seq = ?1");
static ENTRIES: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
static ENTRIES_OF_CASE: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE case_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
static ENTRIES_OF_NO_CASE: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE case_id IS NULL AND seq < ?1 ORDER BY seq DESC LIMIT ?2");
static ALL_OF_CASE: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE case_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[
    &INCIDENTS,
    &OPEN_INCIDENTS,
    &PUBLIC,
    &BURNING,
    &BURNING_TOTAL,
    &EMERGENCIES,
    &OPEN_EMERGENCIES,
    &EMERGENCIES_BETWEEN,
    &OBLIGATIONS,
    &OWED_OBLIGATIONS,
    &OWED,
    &OWED_TOTAL,
    &OVERDUE_TOTAL,
    &OF_EMERGENCY,
    &OF_INCIDENT,
    &ALERTS_OF,
    &FIRING,
    &FIRING_TOTAL,
    &HELD,
    &HELD_TOTAL,
    &MONITORS,
    &ACCOUNTS,
    &CREDENTIAL,
    &POSTS,
    &POSTS_OF_ENTRY,
    &ENTRY,
    &ENTRIES,
    &ENTRIES_OF_CASE,
    &ENTRIES_OF_NO_CASE,
    &ALL_OF_CASE,
];

/// Reads in one transaction.
pub struct Reader<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) session: &'a mut dyn Session,
}

/// One page of a list: at most `limit` rows with a position before `before`, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub before: Option<u64>,
    pub limit: u32,
}

impl Span {
    fn before(self) -> Value {
        self.before.unwrap_or(u64::MAX).into()
    }
    fn limit(self) -> Value {
        self.limit.min(ROWS_MAX).into()
    }
}

fn documents<T: serde::de::DeserializeOwned>(rows: &[Row]) -> Result<Vec<T>> {
    rows.iter().map(|row| row.json(0)).collect()
}

fn kept(row: &Row) -> Result<KeptEntry> {
    Ok(KeptEntry { seq: row.count(0)?, bytes: row.bytes(1)?.to_vec() })
}

fn post(row: &Row) -> Result<PostRecord> {
    let document: PostDocument<Actor, Post> = row.json(3)?;
    let part = u32::try_from(row.count(1)?).map_err(|_| StoreError::damaged("a post's part is too large"))?;
    Ok(PostRecord { seq: row.count(0)?, part, at: row.at(2)?, actor: document.actor, post: document.post })
}

impl Reader<'_> {
    fn count(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<u64> {
        self.session.query(sql, arguments)?.first().map_or(Ok(0), |row| row.count(0))
    }

    fn list<T: serde::de::DeserializeOwned>(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<Vec<T>> {
        documents(&self.session.query(sql, arguments)?)
    }

    pub fn head(&mut self) -> Result<Head> {
        let rows = self.session.query(&ledger::HEAD, &[])?;
        ledger::read_head(self.inner, self.session, &rows).map(|(head, _)| head)
    }

    pub fn load(&mut self, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
        facts::load(self.session, needs, now, facts)
    }

    /// By id, newest first; `open_only`: not resolved.
    pub fn incidents(&mut self, open_only: bool, span: Span) -> Result<Vec<Incident>> {
        self.list(if open_only { &OPEN_INCIDENTS } else { &INCIDENTS }, &[span.before(), span.limit()])
    }

    /// Of which something was published since then, or ever while it is open; the open ones first, then the newest.
    pub fn public_incidents(&mut self, since: Timestamp, limit: u32) -> Result<Vec<Incident>> {
        self.list(&PUBLIC, &[since.into(), limit.min(ROWS_MAX).into()])
    }

    /// How many read the status page by mail.
    pub fn subscribers(&mut self) -> Result<u64> {
        crate::subscribers::count(self.session)
    }

    pub fn listed_subscribers(&mut self) -> Result<Vec<crate::Listed>> {
        crate::subscribers::list(self.session)
    }

    /// Not resolved: worst priority first, then oldest; with the total.
    pub fn burning(&mut self, limit: u32) -> Result<(Vec<Incident>, u64)> {
        Ok((self.list(&BURNING, &[limit.min(ROWS_MAX).into()])?, self.count(&BURNING_TOTAL, &[])?))
    }

    /// By id, newest first; `open_only`: not over.
    pub fn emergencies(&mut self, open_only: bool, span: Span) -> Result<Vec<Emergency>> {
        self.list(if open_only { &OPEN_EMERGENCIES } else { &EMERGENCIES }, &[span.before(), span.limit()])
    }

    /// Exceptions requested in `[from, to)`, declined and cancelled ones not counted.
    pub fn emergencies_between(&mut self, from: Timestamp, to: Timestamp) -> Result<u64> {
        self.count(&EMERGENCIES_BETWEEN, &[from.into(), to.into()])
    }

    /// By id, newest first.
    pub fn obligations(&mut self, owed_only: bool, span: Span) -> Result<Vec<Obligation>> {
        self.list(if owed_only { &OWED_OBLIGATIONS } else { &OBLIGATIONS }, &[span.before(), span.limit()])
    }

    /// Owed: earliest due first; with the total, and the number past due at `now`.
    pub fn owed(&mut self, now: Timestamp, limit: u32) -> Result<(Vec<Obligation>, u64, u64)> {
        let first = self.list(&OWED, &[limit.min(ROWS_MAX).into()])?;
        Ok((first, self.count(&OWED_TOTAL, &[])?, self.count(&OVERDUE_TOTAL, &[now.into()])?))
    }

    pub fn obligations_of(&mut self, emergency: EmergencyId) -> Result<Vec<Obligation>> {
        self.list(&OF_EMERGENCY, &[emergency.0.into()])
    }

    pub fn obligations_of_case(&mut self, incident: IncidentId) -> Result<Vec<Obligation>> {
        self.list(&OF_INCIDENT, &[incident.0.into()])
    }

    /// Those that fire first, then the latest.
    pub fn alerts_of(&mut self, incident: IncidentId, limit: u32) -> Result<Vec<Alert>> {
        self.list(&ALERTS_OF, &[incident.0.into(), limit.min(ROWS_MAX).into()])
    }

    /// What was altered in this time, at this place and elsewhere; at most so many of each.
    pub fn changes_between(&mut self, of: (&ServiceName, &EnvironmentName), span: (Timestamp, Timestamp), limit: u32) -> Result<Changes> {
        changes::between(self.session, of, span, limit.min(ROWS_MAX))
    }

    /// The latest, wherever they were.
    pub fn changes(&mut self, limit: u32) -> Result<Vec<Change>> {
        changes::latest(self.session, limit.min(ROWS_MAX))
    }

    /// Those that fire, the latest first, and how many there are.
    pub fn alerts_firing(&mut self, limit: u32) -> Result<(Vec<Alert>, u64)> {
        let rows = self.list(&FIRING, &[limit.min(ROWS_MAX).into()])?;
        Ok((rows, self.count(&FIRING_TOTAL, &[])?))
    }

    /// Those that wait for a silence to end, and how many there are.
    pub fn alerts_held(&mut self, limit: u32) -> Result<(Vec<Alert>, u64)> {
        let rows = self.list(&HELD, &[limit.min(ROWS_MAX).into()])?;
        Ok((rows, self.count(&HELD_TOTAL, &[])?))
    }

    /// Incidents that are over and postmortems from elsewhere, by their keys.
    pub fn pasts(&mut self, keys: &[&str]) -> Result<BTreeMap<String, Past>> {
        pasts::some(self.session, keys)
    }

    /// Those that have changed since, in bounded memory; up to where that was told.
    pub fn pasts_since(&mut self, upto: &Upto, each: &mut dyn FnMut(Past)) -> Result<Upto> {
        pasts::since(self.session, upto, each)
    }

    pub fn monitors(&mut self) -> Result<Vec<MonitorState>> {
        self.list(&MONITORS, &[])
    }

    pub fn accounts(&mut self) -> Result<Vec<Account>> {
        self.list(&ACCOUNTS, &[])
    }

    /// Whose link, session or token has this digest; the engine checks expiry in the account itself.
    pub fn credential(&mut self, secret: &Digest) -> Result<Option<PersonId>> {
        self.session.query(&CREDENTIAL, &[secret.into()])?.first().map(|row| row.parsed(0)).transpose()
    }

    /// Newest first. The position is the entry's; an entry's posts are never split over two pages, so a page may hold a few more.
    pub fn posts(&mut self, channel: &ChannelName, span: Span) -> Result<Vec<PostRecord>> {
        let rows = self.session.query(&POSTS, &[channel.as_str().into(), span.before(), span.limit()])?;
        let mut posts: Vec<PostRecord> = rows.iter().map(post).collect::<Result<_>>()?;
        if let Some((seq, part)) = posts.last().map(|last| (last.seq, last.part)) {
            let rest = self.session.query(&POSTS_OF_ENTRY, &[channel.as_str().into(), seq.into(), part.into()])?;
            posts.extend(rest.iter().map(post).collect::<Result<Vec<_>>>()?);
        }
        Ok(posts)
    }

    pub fn entry(&mut self, seq: u64) -> Result<Option<KeptEntry>> {
        self.session.query(&ENTRY, &[seq.into()])?.first().map(kept).transpose()
    }

    pub fn entries(&mut self, span: Span) -> Result<Vec<KeptEntry>> {
        self.session.query(&ENTRIES, &[span.before(), span.limit()])?.iter().map(kept).collect()
    }

    pub fn entries_of_case(&mut self, case: IncidentId, span: Span) -> Result<Vec<KeptEntry>> {
        self.session.query(&ENTRIES_OF_CASE, &[case.0.into(), span.before(), span.limit()])?.iter().map(kept).collect()
    }

    /// Entries that belong to no case: policies, accounts, posts beside the cases.
    pub fn entries_of_no_case(&mut self, span: Span) -> Result<Vec<KeptEntry>> {
        self.session.query(&ENTRIES_OF_NO_CASE, &[span.before(), span.limit()])?.iter().map(kept).collect()
    }

    /// Every entry of a case, oldest first.
    pub fn all_of_case(&mut self, case: IncidentId) -> Result<Vec<KeptEntry>> {
        let mut all: Vec<KeptEntry> = Vec::new();
        loop {
            let from = all.last().map_or(0, |entry| entry.seq + 1);
            let rows = self.session.query(&ALL_OF_CASE, &[case.0.into(), from.into(), ROWS_MAX.into()])?;
            if rows.is_empty() {
                return Ok(all);
            }
            all.extend(rows.iter().map(kept).collect::<Result<Vec<_>>>()?);
        }
    }

    /// Walks all entries from `from`, in order, in bounded memory.
    pub fn walk(&mut self, from: u64, each: &mut dyn FnMut(KeptEntry) -> ControlFlow<()>) -> Result<()> {
        self.session.walk(from, &mut |row| each(KeptEntry { seq: row.seq, bytes: row.bytes.to_vec() }))
    }

    pub fn content(&mut self, digest: &Digest) -> Result<Option<Vec<u8>>> {
        contents::get(self.session, digest)
    }

    /// Timers due at `now`, witnesses silent since `silent_since`, and alerts whose sender had its time since `listening_since`; oldest first.
    pub fn due(
        &mut self,
        now: Timestamp,
        silent_since: Timestamp,
        listening_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Wake, Timestamp)>> {
        timers::due(self.session, now, silent_since, listening_since, limit.min(ROWS_MAX))
    }

    /// When the next timer is due.
    pub fn next_due(&mut self) -> Result<Option<Timestamp>> {
        timers::next_due(self.session)
    }

    pub fn outbox(&mut self) -> Result<Vec<OutboxRow>> {
        outbox::list(self.session)
    }

    pub fn checkpoint(&mut self) -> Result<Option<(u64, String)>> {
        contents::last_checkpoint(self.session)
    }

    pub fn checkpoints(&mut self) -> Result<Vec<(u64, String)>> {
        contents::checkpoints(self.session)
    }
}
