//! What is remembered: the ledger, the tables that are its projections, outbox, timers, presence, contents.
//!
//! Everything here blocks: callers run it on their own threads, never on the runtime's. Only the engine depends on this crate
//! (and the binary, which opens the store for it and for the offline commands).
//!
//! Two engines, one SQL text: SQLite (bundled; WAL, synchronous=FULL) and PostgreSQL 15 or newer. Reading order: [`mod@write`] (the
//! transaction that every command goes through), [`facts`] and its siblings (what it writes), [`read`] (what pages see),
//! [`rebuild`] (the tables again, from the ledger alone).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::AlertRef;
use hikeshi_domain::alert::silence::Silence;
use hikeshi_domain::channel::Post;
use hikeshi_domain::contact::Subscription;
use hikeshi_domain::effect::{Effect, EffectKey};
use hikeshi_domain::facts::{Facts, PendingPolicy, WorkspaceState};
use hikeshi_domain::ids::{Digest, EmergencyId, IncidentId, MonitorName, OverrideId, PersonId, RequestKey, SilenceId};
use hikeshi_domain::ledger::{Entry, leaf_hash};
use hikeshi_domain::oncall::Override;
use hikeshi_domain::people::Actor;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::timer::Timer;
use jiff::SignedDuration;

mod browsers;
mod bundles;
mod changes;
mod contents;
mod database;
mod error;
mod facts;
mod ledger;
mod listen;
mod news;
mod outbox;
mod pasts;
mod pool;
mod postgres;
mod proofs;
mod read;
mod rebuild;
mod schema;
mod sql;
mod sqlite;
mod subscribers;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod ticket;
mod timers;
mod write;

pub use bundles::Bundle;
pub use changes::Changes;
pub use error::{Result, StoreError};
pub use pasts::Upto;
pub use read::{Reader, Span};
pub use rebuild::{Comparison, Deviation, Difference};
pub use subscribers::{Asked, Asking, Listed, SUBSCRIBERS_MAX, Subscriber};
pub use write::{Batch, Writer};

use database::Database;
use news::News;

/// Where the store is: a file path for SQLite, or a `postgres://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Sqlite(PathBuf),
    Postgres(String),
}

/// An open store. Cheap to clone. Opening migrates, and refuses a newer schema, a foreign file, and settings that could lose a commit.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    database: Database,
    news: Arc<News>,
    policy: Mutex<Option<Arc<Remembered>>>,
}

/// The policy as it was last read or written, so that a batch does not parse it, and the overrides of its schedules.
#[derive(Clone)]
pub(crate) struct Remembered {
    version: i64,
    policy: Option<Arc<Policy>>,
    pending: Option<PendingPolicy>,
    silences: Arc<BTreeMap<SilenceId, Silence>>,
    overrides: Arc<BTreeMap<OverrideId, Override>>,
}

impl Inner {
    fn remembered(&self) -> Option<Arc<Remembered>> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, remembered: &Arc<Remembered>) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(remembered));
    }

    fn forget(&self) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The ledger's head: locked for as long as the batch that read it lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// Right edge of the Merkle tree (roots of the complete subtrees, largest first): enough to append and to compute the root.
    pub frontier: Vec<Digest>,
    /// Leaf hash of the last entry.
    pub last_leaf: Digest,
    pub workspace: WorkspaceState,
}

/// An entry as it will lie in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    pub seq: u64,
    pub at: Timestamp,
    pub key: RequestKey,
    pub case: Option<IncidentId>,
    bytes: Vec<u8>,
    leaf: Digest,
}

impl NewEntry {
    /// Computes the leaf hash, once: the next entry names it and the tree takes it.
    pub fn new(entry: &Entry) -> std::result::Result<Self, serde_json::Error> {
        let bytes = entry.bytes()?;
        let leaf = leaf_hash(&bytes);
        Ok(Self { seq: entry.seq, at: entry.at, key: entry.key.clone(), case: entry.case, bytes, leaf })
    }

    /// Canonical bytes; what the leaf hash is of.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn leaf(&self) -> Digest {
        self.leaf
    }
}

/// Everything that one batch changes, written with as few statements as the engine allows.
#[derive(Debug, Default)]
pub struct Writes {
    pub entries: Vec<NewEntry>,
    /// State after the batch; the aggregates named in `facts.touched` are written.
    pub facts: Facts,
    /// Posts of the entries, for the channel pages.
    pub posts: Vec<PostRecord>,
    /// Timers of touched aggregates, all of them: the store replaces what it had for each touched aggregate.
    pub timers: Vec<Timer>,
    pub queued: Vec<(Effect, Timestamp)>,
    pub settled: Vec<EffectKey>,
    pub heard: Vec<(EmergencyId, PersonId, Timestamp)>,
    /// Until when alerts fire unless their sender speaks again.
    pub leased: Vec<Lease>,
    /// Contents that an entry says are gone.
    pub deleted: Vec<Digest>,
}

/// What the sender of an alert has promised: it fires until then, unless its sender speaks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub alert: AlertRef,
    pub heard_at: Timestamp,
    pub until: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PostRecord {
    pub seq: u64,
    /// Position among the posts of the same entry.
    pub part: u32,
    pub at: Timestamp,
    pub actor: Actor,
    pub post: Post,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEntry {
    pub seq: u64,
    pub bytes: Vec<u8>,
}

/// An effect that this node has claimed; every later word about it must carry the fence.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub effect: Effect,
    pub fence: i64,
    /// True when there was a claim before this one: nobody knows yet whether it happened.
    pub taken_over: bool,
    pub attempts: u32,
}

/// A row of the outbox, for the page.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    pub key: EffectKey,
    pub kind: String,
    pub started: bool,
    pub attempts: u32,
    pub queued_at: Timestamp,
}

/// How often a node that waits for news asks the database itself; notifications only make it faster.
const POLL: Duration = Duration::from_millis(500);

impl Store {
    /// On SQLite this process alone has the file open for writing from here on; another one is refused.
    pub fn open(location: &Location) -> Result<Self> {
        let news = Arc::new(News::default());
        let database = match location {
            Location::Sqlite(path) => Database::sqlite(sqlite::Sqlite::open(path)?),
            Location::Postgres(url) => Database::postgres(postgres::Postgres::open(url, &news)?),
        };
        let alone = matches!(location, Location::Sqlite(_));
        let store = Self::of(database, news)?;
        if alone {
            store.inner.database.write(outbox::free)?;
        }
        Ok(store)
    }

    /// For looking only: takes no lock, migrates nothing, and works while a server has the store open.
    pub fn open_to_read(location: &Location) -> Result<Self> {
        let database = match location {
            Location::Sqlite(path) => Database::sqlite(sqlite::Sqlite::open_to_read(path)?),
            Location::Postgres(url) => Database::postgres(postgres::Postgres::open_to_read(url)?),
        };
        Self::of(database, Arc::new(News::default()))
    }

    fn of(database: Database, news: Arc<News>) -> Result<Self> {
        let store = Self { inner: Arc::new(Inner { database, news, policy: Mutex::new(None) }) };
        let size = store.size()?;
        store.inner.news.tell(size);
        Ok(store)
    }

    fn size(&self) -> Result<u64> {
        self.read(|reader| Ok(reader.head()?.size))
    }

    pub fn writer(&self) -> Result<Writer> {
        Ok(Writer { inner: Arc::clone(&self.inner), own: self.inner.database.writer()? })
    }

    /// Runs reads in one read transaction.
    pub fn read<T>(&self, reads: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        self.inner.database.read(|session| reads(&mut Reader { inner: &self.inner, session }))
    }

    // Outside the ledger's transaction, each durable by itself.

    /// Claims up to `limit` effects that are queued, or whose claim has run out, for `lease_s`. Marks them started: the intent is durable
    /// before anything happens. The database's own clock on PostgreSQL.
    pub fn claim(&self, node: &str, limit: u32, lease_s: u32) -> Result<Vec<Claim>> {
        self.inner.database.write(|session| outbox::claim(session, node, None, limit, lease_s))
    }

    /// Likewise, pages of one kind. Those of one bundle are one message; those that may wait a moment for others are left where they are.
    pub fn claim_pages(&self, node: &str, kind: &str, limit: u32, lease_s: u32) -> Result<Vec<Bundle>> {
        self.inner.database.write(|session| bundles::claim(session, node, kind, limit, lease_s))
    }

    /// Claims the first effect of a kind whose order is kept; `None` while somebody has it or it is to wait, and nothing of its kind overtakes it.
    pub fn claim_first(&self, node: &str, kind: &str, lease_s: u32) -> Result<Option<Claim>> {
        self.inner.database.write(|session| outbox::claim_first(session, node, kind, lease_s))
    }

    /// Extends a claim; false when the fence is no longer ours.
    pub fn extend(&self, key: &EffectKey, fence: i64, lease_s: u32) -> Result<bool> {
        self.inner.database.write(|session| outbox::extend(session, key, fence, lease_s))
    }

    /// Gives a claim back, to be taken again after `wait_s`. The next claim is still marked as taken over: whoever gives back may be wrong
    /// about what the world has seen.
    pub fn release(&self, key: &EffectKey, fence: i64, wait_s: u32) -> Result<bool> {
        self.inner.database.write(|session| outbox::release(session, key, fence, wait_s))
    }

    pub fn put_content(&self, content: &[u8]) -> Result<Digest> {
        self.inner.database.write(|session| contents::put(session, content))
    }

    pub fn put_checkpoint(&self, size: u64, note: &str, at: Timestamp) -> Result<()> {
        self.inner.database.write(|session| contents::put_checkpoint(session, size, note, at))
    }

    /// A heartbeat was heard; durable once this returns.
    pub fn beat(&self, monitor: &MonitorName) -> Result<()> {
        self.inner.database.write(|session| outbox::beat(session, monitor))
    }

    /// From now on these heartbeats are expected, and no others; what was expected before is expected since then.
    pub fn expect(&self, monitors: &[MonitorName]) -> Result<()> {
        self.inner.database.write(|session| outbox::expect(session, monitors))
    }

    /// How long ago it was last heard, and since how long it is expected; `None`: never.
    pub fn since_beat(&self, monitor: &MonitorName) -> Result<(Option<SignedDuration>, Option<SignedDuration>)> {
        self.inner.database.write(|session| outbox::since_beat(session, monitor))
    }

    /// Where a browser takes pages; `false`: there are too many.
    pub fn keep_browser(&self, subscription: &Subscription, now: Timestamp) -> Result<bool> {
        self.inner.database.write(|session| browsers::keep(session, subscription, now))
    }

    pub fn find_browser(&self, id: Digest) -> Result<Option<Subscription>> {
        self.inner.database.write(|session| browsers::find(session, id))
    }

    pub fn forget_browser(&self, id: Digest) -> Result<()> {
        self.inner.database.write(|session| browsers::forget(session, id))
    }

    /// Somebody asks for the status page by mail; `false`: too many do.
    pub fn ask(&self, asking: &Asking, now: Timestamp) -> Result<bool> {
        self.inner.database.write(|session| subscribers::ask(session, asking, now))
    }

    /// Those whose confirmation is to be mailed now, with its secret.
    pub fn unasked(&self, now: Timestamp, limit: u32) -> Result<Vec<(Subscriber, String)>> {
        self.inner.database.write(|session| subscribers::unasked(session, now, limit))
    }

    /// The confirmation is out, or tried again at that time.
    pub fn asked(&self, id: u64, secret: &str, asked: Asked) -> Result<()> {
        self.inner.database.write(|session| subscribers::asked(session, id, secret, asked))
    }

    /// Forgets whoever was asked a day ago and has not said yes.
    pub fn forget_unanswered(&self, now: Timestamp) -> Result<()> {
        self.inner.database.write(|session| subscribers::forget_unanswered(session, now))
    }

    /// They really want it; once.
    pub fn confirm(&self, id: u64, secret: &str, now: Timestamp) -> Result<bool> {
        self.inner.database.write(|session| subscribers::confirm(session, id, secret, now))
    }

    /// They leave by the key of their mails: the address is gone.
    pub fn leave(&self, id: u64, key: &str) -> Result<bool> {
        self.inner.database.write(|session| subscribers::leave(session, id, key))
    }

    /// Somebody who looks after the list deletes an address.
    pub fn forget(&self, id: u64) -> Result<bool> {
        self.inner.database.write(|session| subscribers::forget(session, id))
    }

    /// The next subscribers who have not been told of a post.
    pub fn untold(&self, post: &EffectKey, at: Timestamp, after: u64, limit: u32) -> Result<Vec<Subscriber>> {
        self.inner.database.write(|session| subscribers::untold(session, post, at, after, limit))
    }

    /// One recipient was tried, for good.
    pub fn tell(&self, post: &EffectKey, recipient: &str, reached: bool, now: Timestamp) -> Result<()> {
        self.inner.database.write(|session| subscribers::tell(session, post, recipient, reached, now))
    }

    pub fn is_told(&self, post: &EffectKey, recipient: &str) -> Result<bool> {
        self.inner.database.write(|session| subscribers::is_told(session, post, recipient))
    }

    /// How many recipients of a post were reached, and how many were not.
    pub fn told(&self, post: &EffectKey, now: Timestamp) -> Result<(u32, u32)> {
        self.inner.database.write(|session| subscribers::told(session, post, now))
    }

    /// How many were reached by mail.
    pub fn mailed(&self, post: &EffectKey) -> Result<u64> {
        self.inner.database.write(|session| subscribers::mailed(session, post))
    }

    /// Takes or extends a named duty (such as the probes) for this node; false: another node has it.
    pub fn lease(&self, duty: &str, node: &str, lease_s: u32) -> Result<bool> {
        self.inner.database.write(|session| outbox::duty(session, duty, node, lease_s))
    }

    /// Blocks up to `wait_ms` for a commit by any node and returns the size of the ledger. PostgreSQL: LISTEN, and polling as the truth.
    pub fn wait_for_news(&self, known_size: u64, wait_ms: u32) -> Result<u64> {
        let mut left = Duration::from_millis(u64::from(wait_ms));
        loop {
            let slice = left.min(POLL);
            let size = self.inner.news.wait(known_size, slice);
            left -= slice;
            if size > known_size {
                return Ok(size);
            }
            if let Database::Postgres { .. } = self.inner.database {
                let size = self.size()?;
                self.inner.news.tell(size);
                if size > known_size {
                    return Ok(size);
                }
            }
            if left.is_zero() {
                return Ok(size);
            }
        }
    }
}
