//! The two ends of a live session as a face holds them: a [`Recorder`] that sends, a [`Watcher`] that sees.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use hikeshi_domain::people::Actor;
use hikeshi_domain::session::record::RecordError;
use hikeshi_domain::session::stream::Asking;
use hikeshi_domain::session::{Ack, Command, DeviceKey, HeldBecause, LineAsk, SessionEnd};
use tokio::sync::{broadcast, watch};

use super::kept;
use super::live::Live;
use super::news::{Named, News, Screen};
use crate::door::{Door, Fault};

/// Why somebody cannot be at a session's end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FeedError {
    #[error("there is no such session")]
    NotFound,
    #[error("the session is over")]
    Over,
    #[error("only the executor who opened the session may record it")]
    NotTheExecutor,
    #[error("another recorder of this session is connected")]
    Replaced,
    #[error("too many sessions are open")]
    TooMany,
    #[error("the recording is not accepted: {0}")]
    Record(#[from] RecordError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

fn connection() -> u64 {
    CONNECTIONS.fetch_add(1, Ordering::Relaxed)
}

impl Door {
    async fn live(&self, emergency: EmergencyId, session: u32) -> Result<(Arc<Live>, super::Kept), FeedError> {
        let kept = kept(self, emergency).await?.ok_or(FeedError::NotFound)?;
        let found = kept.session(session).ok_or(FeedError::NotFound)?;
        if !found.is_open() {
            return Err(FeedError::Over);
        }
        let encoding = kept.emergency.plan.terminal.as_ref().map(|terminal| terminal.encoding).unwrap_or_default();
        let now = self.inside.clock.now();
        let live = self.inside.sessions.enter((emergency, session), || Live::new(emergency, found, encoding, now));
        Ok((live.ok_or(FeedError::TooMany)?, kept))
    }

    /// For the recorder of the executor who opened the session.
    pub async fn record(&self, actor: &Actor, emergency: EmergencyId, session: u32) -> Result<Recorder, FeedError> {
        let (live, kept) = self.live(emergency, session).await?;
        let opened_by = kept.session(session).map(|session| session.by.clone());
        if opened_by.is_none() || actor.as_person() != opened_by.as_ref() {
            return Err(FeedError::NotTheExecutor);
        }
        let connection = connection();
        let (blocks, head) = live.connect(connection);
        Ok(Recorder { door: self.clone(), live, connection, blocks, head })
    }

    /// For anyone whom the policy names: the record is public within the workspace.
    pub async fn watch(&self, emergency: EmergencyId, session: u32) -> Result<Watcher, FeedError> {
        let (live, _) = self.live(emergency, session).await?;
        Ok(Watcher { door: self.clone(), live, connection: connection(), bound: Mutex::default() })
    }

    /// The lines on the screen of a session that is open on this node.
    pub fn screen_text(&self, emergency: EmergencyId, session: u32) -> Option<String> {
        self.inside.sessions.find((emergency, session)).map(|live| live.text())
    }
}

/// The sending end.
pub struct Recorder {
    door: Door,
    live: Arc<Live>,
    connection: u64,
    /// What is here already: number of blocks, and the head of the last.
    pub blocks: u64,
    pub head: Option<Digest>,
}

impl Recorder {
    fn current(&self) -> Result<(), FeedError> {
        self.live.is_recorder(self.connection)
    }

    /// Frames as they happen, before their block is sealed.
    pub fn frames(&self, bytes: &[u8]) -> Result<(), FeedError> {
        self.live.frames(self.connection, bytes)
    }

    /// The frames since the last header are a block. Returns its number once it is stored.
    pub async fn sealed(&self, header: Vec<u8>) -> Result<u64, FeedError> {
        let (live, connection) = (Arc::clone(&self.live), self.connection);
        let at = self.door.inside.clock.now();
        self.door
            .blocking(move |store| {
                let file = match live.block_file(connection, &header) {
                    Ok(file) => file,
                    Err(error) => return Ok(Err(error)),
                };
                let digest = store.put_content(&file)?;
                Ok(live.stored(connection, &header, digest, at))
            })
            .await?
    }

    /// Still there, with nothing new.
    pub fn beat(&self) -> Result<(), FeedError> {
        self.current()?;
        self.live.heard();
        Ok(())
    }

    pub fn end(&self, end: SessionEnd) -> Result<(), FeedError> {
        self.current()?;
        self.live.end(as_a_recorder_knows(end));
        Ok(())
    }

    /// Ends when the server stops.
    pub async fn stopped(&self) {
        self.door.inside.stopped().await;
    }

    /// Why keys are held now; empty: they pass.
    pub fn held(&self) -> Vec<HeldBecause> {
        self.live.held()
    }

    /// Tells that the gate has changed.
    pub fn gate(&self) -> watch::Receiver<Arc<Vec<HeldBecause>>> {
        self.live.gate()
    }

    /// Tells which files outside the scope nobody has accepted.
    pub fn outside(&self) -> watch::Receiver<Arc<Vec<String>>> {
        self.live.outside()
    }

    /// How many blocks the ledger names: what comes after them would not survive this server.
    pub fn named(&self) -> u64 {
        self.live.named()
    }

    /// Enter is held at a dangerous line: whoever witnesses is asked.
    pub async fn ask(&self, asking: Asking) -> Result<(), FeedError> {
        self.current()?;
        let (emergency, session) = (self.live.emergency, self.live.session);
        let Asking { line, rule, asked_at } = asking;
        super::say(&self.door, "ask", &self.live, Command::Ask { emergency, session, line, rule, asked_at }).await;
        Ok(())
    }

    pub async fn withdraw(&self, asked_at: Timestamp) -> Result<(), FeedError> {
        self.current()?;
        let (emergency, session) = (self.live.emergency, self.live.session);
        super::say(&self.door, "withdraw", &self.live, Command::Withdraw { emergency, session, asked_at }).await;
        Ok(())
    }

    /// Nothing waits at the recorder: a question that stands open is of one that has died, and nobody needs to answer it.
    pub async fn nothing_waits(&self) -> Result<(), FeedError> {
        self.current()?;
        let kept = kept(&self.door, self.live.emergency).await?;
        let asked = kept.as_ref().and_then(|kept| kept.session(self.live.session)).and_then(|session| session.asked.as_ref());
        match asked.filter(|asked| asked.answer.is_none()) {
            Some(asked) => self.withdraw(asked.asked_at).await,
            None => Ok(()),
        }
    }

    /// Tells what became of the line that was asked about.
    pub fn asked(&self) -> watch::Receiver<Option<Arc<LineAsk>>> {
        self.live.asked()
    }

    /// Told once the session has ended in the ledger.
    pub fn over(&self) -> watch::Receiver<Option<Named>> {
        self.live.is_over()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.live.disconnect(self.connection);
    }
}

/// What a watcher's device has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub visible: bool,
    pub ack: Option<Ack>,
}

/// The seeing end.
pub struct Watcher {
    door: Door,
    live: Arc<Live>,
    connection: u64,
    bound: Mutex<Option<PersonId>>,
}

impl Watcher {
    /// The screen now, and what follows it.
    pub fn join(&self) -> (Screen, broadcast::Receiver<News>) {
        self.live.join()
    }

    /// Before a device is bound: what an earlier one of this person has signed goes into the ledger while its key still stands there.
    pub async fn settle(&self) {
        super::settle(&self.door, &self.live).await;
    }

    /// From now on this device counts for the person. The door has taken the key before.
    pub fn bind(&self, person: PersonId, key: DeviceKey) {
        self.live.bind(&person, self.connection, key);
        *self.bound() = Some(person);
    }

    fn bound(&self) -> MutexGuard<'_, Option<PersonId>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when the server stops.
    pub async fn stopped(&self) {
        self.door.inside.stopped().await;
    }

    /// Why keys are held now; empty: they pass.
    pub fn held(&self) -> Vec<HeldBecause> {
        self.live.held_for_watchers()
    }

    /// The dangerous line that waits, if one does.
    pub fn asked(&self) -> Option<Arc<LineAsk>> {
        let asked = self.live.asked().borrow().clone();
        asked.filter(|asked| asked.is_open(self.door.inside.clock.now()))
    }

    /// The session has ended in the ledger, perhaps before this watcher joined.
    pub fn is_over(&self) -> bool {
        self.live.is_over().borrow().is_some()
    }

    pub fn is_bound(&self) -> bool {
        self.bound().is_some()
    }

    /// False: another device of this person counts now, or none was bound.
    pub fn seen(&self, seen: Seen) -> bool {
        let Some(person) = self.bound().clone() else { return false };
        self.live.looked(&person, self.connection, seen.visible, seen.ack)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(person) = self.bound().take() {
            self.live.unbind(&person, self.connection);
        }
    }
}

/// Longest word of ssh about a lost connection that is kept.
const LOST_CHARS_MAX: usize = 300;

/// A recorder knows how its shell ended, and nothing else: who stopped a session is in the ledger.
fn as_a_recorder_knows(end: SessionEnd) -> SessionEnd {
    match end {
        SessionEnd::Exited { code } => SessionEnd::Exited { code },
        SessionEnd::ConnectionLost { detail } => SessionEnd::ConnectionLost { detail: detail.chars().take(LOST_CHARS_MAX).collect() },
        SessionEnd::Stopped { .. } | SessionEnd::Abandoned | SessionEnd::Lost => SessionEnd::Exited { code: None },
    }
}
