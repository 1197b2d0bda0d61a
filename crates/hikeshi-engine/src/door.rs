//! The one door: what a face sees of it. Deciding and writing happen on one thread, in [`thread`], many commands to a commit.
//!
//! Not here: seeing ([`crate::look`]), what runs in the background ([`crate::Engine`]).

mod draft;
mod entry;
mod intake;
mod load;
mod retime;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};

use hikeshi_domain::command::Envelope;
use hikeshi_domain::effect::Outside;
use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::{Digest, IncidentId, MonitorName};
use hikeshi_domain::people::Actor;
use hikeshi_domain::refusal::Refusal;
use hikeshi_store::{Reader, Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot, watch};

pub(crate) use draft::rehearsed;
pub(crate) use entry::kept_view;
pub(crate) use intake::{Masks, inside_key};
pub(crate) use load::{fill, fill_all};
pub(crate) use thread::{DoorThread, Job, Request};

use crate::clock::Clock;
use crate::figures::{Counters, Figures, count};
use crate::look::Look;
use crate::monitors::Reports;

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// Index of the ledger entry; `None` when nothing needed recording (a witness was heard of).
    pub seq: Option<u64>,
    pub kind: String,
    pub case: Option<IncidentId>,
    /// What was made: `inc_12`.
    pub made: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done(Receipt),
    /// The same request key was answered before; nothing was done again.
    Already(Receipt),
    /// Recorded, unless it was the harmless end of a race.
    Refused {
        refusal: Refusal,
        seq: Option<u64>,
    },
}

/// Something broke. Never a person's mistake.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    #[error("the store cannot be used: {detail}")]
    Store { detail: String },
    #[error("too many commands are waiting; try again in a moment")]
    Busy,
    #[error("the server is stopping")]
    Stopping,
    /// A bug: the decision itself broke. Nothing was written; other commands go on.
    #[error("the command `{kind}` could not be decided because of a fault in the program")]
    Broken { kind: String },
    /// The ledger does not agree with what was signed before. Reading goes on, writing does not.
    #[error("writing is stopped: {detail}")]
    Halted { detail: String },
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store { detail: error.to_string() }
    }
}

/// What kind of secret authenticated somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    Session,
    Token,
    Link,
    /// Reads the calendars of the schedules, and opens nothing else.
    Calendar,
}

/// Cheap to clone; all clones are one door.
#[derive(Clone)]
pub struct Door {
    pub(crate) inside: Arc<Inside>,
}

/// What the door, its thread and the background work share.
pub(crate) struct Inside {
    pub(crate) queue: SyncSender<Job>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) tip: watch::Sender<u64>,
    pub(crate) counters: Counters,
    pub(crate) masks: Masks,
    /// Set when an effect was queued.
    pub(crate) effects_queued: Notify,
    /// Likewise, for those whose order is kept: every lane looks.
    pub(crate) in_order_queued: Notify,
    /// Set when somebody has asked for the status page by mail.
    pub(crate) subscribers_asked: Notify,
    /// Set when timers were written.
    pub(crate) timers_changed: Notify,
    /// Set when this node has changed the policy; what another node changed is seen by looking now and then.
    pub(crate) policy_changed: Notify,
    pub(crate) stopping: watch::Sender<bool>,
    /// Why writing is stopped, if it is.
    pub(crate) halted: std::sync::OnceLock<String>,
    pub(crate) reports: Reports,
    pub(crate) sealer: Arc<crate::checkpoints::Sealer>,
    pub(crate) sessions: crate::sessions::Sessions,
    pub(crate) pasts: crate::postmortems::Pasts,
    pub(crate) measured: crate::measures::Folded,
}

impl Door {
    /// Answers only after the commit is durable.
    pub async fn submit(&self, envelope: Envelope) -> Result<Answer, Fault> {
        let answer = self.queue(envelope).await;
        let counters = &self.inside.counters;
        count(&counters.commands);
        match &answer {
            Ok(Answer::Done(_)) => {}
            Ok(Answer::Already(_)) => count(&counters.repeats),
            Ok(Answer::Refused { .. }) => count(&counters.refusals),
            Err(fault) => {
                count(&counters.faults);
                tracing::debug!(%fault, "not answered");
            }
        }
        answer
    }

    async fn queue(&self, envelope: Envelope) -> Result<Answer, Fault> {
        if let Some(detail) = self.inside.halted.get() {
            return Err(Fault::Halted { detail: detail.clone() });
        }
        let (reply, answer) = oneshot::channel();
        let request = match self.inside.masks.take_in(envelope) {
            Ok(taken) => Request { taken, reply },
            Err(refusal) => return Ok(Answer::Refused { refusal, seq: None }),
        };
        self.inside.queue.try_send(Job::Submit(Box::new(request))).map_err(|full| match full {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => Fault::Stopping,
        })?;
        // The thread answers everything that it takes; what it never took was in the queue when it ended.
        answer.await.unwrap_or(Err(Fault::Stopping))
    }

    /// Decides and writes nothing: `--dry-run`.
    pub async fn rehearse(&self, envelope: Envelope) -> Result<Answer, Fault> {
        let taken = match self.inside.masks.take_in(envelope) {
            Ok(taken) => taken,
            Err(refusal) => return Ok(Answer::Refused { refusal, seq: None }),
        };
        let now = draft::milliseconds(self.inside.clock.now());
        self.read(move |reader| {
            let workspace = reader.head()?.workspace;
            let mut facts = Facts { workspace, ..Facts::default() };
            fill(reader, &taken.envelope, now, &mut facts)?;
            Ok(draft::rehearsed(&facts, &taken.envelope, now))
        })
        .await?
    }

    pub fn look<'a>(&'a self, actor: &'a Actor) -> Look<'a> {
        Look { door: self, actor }
    }

    /// Whose secret this is, if it is valid now.
    pub async fn authenticate(&self, secret: Digest) -> Result<Option<(Actor, Credential)>, Fault> {
        let now = self.inside.clock.now();
        self.read(move |reader| {
            let Some(person) = reader.credential(&secret)? else { return Ok(None) };
            let workspace = reader.head()?.workspace;
            if workspace.policy.as_ref().is_none_or(|policy| policy.person(&person).is_none()) {
                return Ok(None);
            }
            let mut facts = Facts { workspace, ..Facts::default() };
            let mut needs = hikeshi_domain::facts::Needs::default();
            needs.accounts.insert(person.clone());
            reader.load(&needs, now, &mut facts)?;
            let Some(account) = facts.account(&person) else { return Ok(None) };
            if account.sessions.iter().any(|session| session.secret == secret && session.expires_at > now) {
                return Ok(Some((Actor::person(person), Credential::Session)));
            }
            if let Some(token) = account.tokens.values().find(|token| token.secret == secret && token.expires_at > now) {
                let credential = if token.calendar { Credential::Calendar } else { Credential::Token };
                return Ok(Some((Actor::Person { person, only: token.only.clone() }, credential)));
            }
            if account.links.iter().any(|link| link.secret == secret && link.expires_at > now) {
                return Ok(Some((Actor::person(person), Credential::Link)));
            }
            Ok(None)
        })
        .await
    }

    /// The number of entries, for pages that wait for news. Changes after each commit, also one made by another node.
    pub fn tip(&self) -> watch::Receiver<u64> {
        self.inside.tip.subscribe()
    }

    pub fn figures(&self) -> Figures {
        self.inside.counters.read()
    }

    /// Why writing is stopped, if it is: the ledger does not agree with what was signed before.
    pub fn halted(&self) -> Option<&str> {
        self.inside.halted.get().map(String::as_str)
    }

    pub fn is_stopping(&self) -> bool {
        *self.inside.stopping.borrow()
    }

    /// Runs reads in one transaction, on a thread that may wait.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        reads: impl FnOnce(&mut Reader<'_>) -> hikeshi_store::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        self.blocking(move |store| store.read(reads)).await
    }

    /// A heartbeat was heard. No entry of the ledger: that it beats is no news; that it stops is.
    pub async fn beat(&self, monitor: MonitorName) -> Result<(), Fault> {
        self.blocking(move |store| store.beat(&monitor)).await
    }

    /// Runs something that blocks on the store, off the runtime's own threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> hikeshi_store::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let store = self.inside.store.clone();
        match self.inside.runtime.spawn_blocking(move || work(&store)).await {
            Ok(result) => result.map_err(Fault::from),
            Err(stopped) if stopped.is_panic() => {
                tracing::error!(%stopped, "reading broke");
                Err(Fault::Broken { kind: "look".to_owned() })
            }
            Err(_) => Err(Fault::Stopping),
        }
    }
}

impl Inside {
    /// Tells everyone who waits that the ledger has at least this size.
    pub(crate) fn announce(&self, size: u64) {
        self.tip.send_if_modified(|tip| {
            let newer = size > *tip;
            if newer {
                *tip = size;
            }
            newer
        });
    }

    /// Ends when the engine is stopping.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as `self`.
        if self.stopping.subscribe().wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn note_batch(&self, size: usize) {
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        count(&self.counters.batches);
        self.counters.batch_largest.fetch_max(size, Ordering::Relaxed);
    }
}
