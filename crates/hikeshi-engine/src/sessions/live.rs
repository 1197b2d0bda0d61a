//! One open session in memory: the block under way, the screen, who looks, and what the ledger has not heard yet.

mod batch;
mod gate;
mod redraw;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use hikeshi_domain::session::decide::ACKS_AT_ONCE_MAX;
use hikeshi_domain::session::record::{BLOCK_BYTES_MAX, Frame, Header, RecordError, Word, check, frames};
use hikeshi_domain::session::{Ack, DeviceKey, Encoding, Gap, HeldBecause, LineAsk, SealedBlock, Session, SessionEnd, TypedCommand};
use tokio::sync::{broadcast, watch};

use self::redraw::Redraw;
use super::feed::FeedError;
use super::news::{Named, News, Screen};
use super::screen::ScreenModel;

/// News that a slow watcher may be behind before it is shown the screen anew. In a flood each is up to 64 KiB.
const NEWS_KEPT_MAX: usize = 256;
/// Signed words of stretches that have ended and that the ledger has not heard yet.
const OWED_ACKS_MAX: usize = 200;
/// Heads of the last blocks, to check acknowledgements by and to tell how far behind a screen is.
const HEADS_KEPT_MAX: usize = 4_096;

struct Watching {
    connection: u64,
    key: Option<DeviceKey>,
    visible: bool,
    heard_at: Instant,
    /// Blocks that its device has shown: all below this number.
    shown: u64,
    ack: Option<Ack>,
    ack_is_new: bool,
}

impl Watching {
    /// The last signed word, if the ledger has not heard it.
    fn untold(self) -> Option<Ack> {
        self.ack.filter(|_| self.ack_is_new)
    }
}

/// Whether the later word covers what the earlier one said.
fn continues(later: Option<&Ack>, earlier: &Ack) -> bool {
    later.is_some_and(|later| later.from <= earlier.from)
}

struct Sealed {
    number: u64,
    head: Digest,
    at: Timestamp,
}

struct State {
    screen: ScreenModel,
    redraw: Option<Redraw>,
    pending: Vec<u8>,
    blocks: u64,
    head: Option<Digest>,
    heads: VecDeque<Sealed>,
    /// Stored, and not yet named in the ledger.
    unsealed: VecDeque<SealedBlock>,
    named: u64,
    commands: Vec<TypedCommand>,
    gaps: Vec<Gap>,
    urgent: bool,
    told_at: Instant,
    watchers: BTreeMap<PersonId, Watching>,
    /// The last signed words of stretches that have ended: of pages that were hidden, closed or replaced.
    owed_acks: Vec<Ack>,
    acks_told_at: Instant,
    gate: Arc<Vec<HeldBecause>>,
    gate_told: bool,
    gate_at: Instant,
    recorder: Option<u64>,
    heard_at: Instant,
    end: Option<(SessionEnd, Instant)>,
    words: u64,
}

impl State {
    fn is_from(&self, connection: u64) -> Result<(), FeedError> {
        if self.recorder == Some(connection) { Ok(()) } else { Err(FeedError::Replaced) }
    }

    /// The ledger names all blocks below this one. Whoever has read less of it before says nothing new.
    fn names(&mut self, blocks: u64) {
        self.named = self.named.max(blocks);
        let first = self.blocks.saturating_sub(u64::try_from(self.unsealed.len()).unwrap_or(u64::MAX));
        for _ in first..self.named {
            self.unsealed.pop_front();
        }
    }

    fn owe(&mut self, ack: Option<Ack>) {
        if self.owed_acks.len() < OWED_ACKS_MAX {
            self.owed_acks.extend(ack);
        }
    }
}

pub(super) struct Live {
    pub(super) emergency: EmergencyId,
    pub(super) session: u32,
    pub(super) encoding: Encoding,
    news: broadcast::Sender<News>,
    gate: watch::Sender<Arc<Vec<HeldBecause>>>,
    outside: watch::Sender<Arc<Vec<String>>>,
    asked: watch::Sender<Option<Arc<LineAsk>>>,
    over: watch::Sender<Option<Named>>,
    /// Held by whoever tells the ledger what is stored: commands and gaps have no numbers by which a second one would know them.
    pub(super) telling: tokio::sync::Mutex<()>,
    /// One at a time looks after what the ledger has not heard.
    turn: AtomicBool,
    state: Mutex<State>,
}

impl Live {
    pub(super) fn new(emergency: EmergencyId, session: &Session, encoding: Encoding, now: Timestamp) -> Self {
        // Nothing passes before somebody has looked who is there.
        let gate = Arc::new(vec![HeldBecause::NotCounted]);
        let heads = session.head.map(|head| Sealed { number: session.blocks.saturating_sub(1), head, at: now }).into_iter().collect();
        Self {
            emergency,
            session: session.number,
            encoding,
            news: broadcast::Sender::new(NEWS_KEPT_MAX),
            gate: watch::Sender::new(Arc::clone(&gate)),
            outside: watch::Sender::default(),
            asked: watch::Sender::new(session.asked.clone().map(Arc::new)),
            over: watch::Sender::new(None),
            telling: tokio::sync::Mutex::default(),
            turn: AtomicBool::new(false),
            state: Mutex::new(State {
                screen: ScreenModel::new(encoding),
                redraw: (session.blocks > 0).then(|| Redraw { begun: false, before: session.blocks, since: Vec::new() }),
                pending: Vec::new(),
                blocks: session.blocks,
                head: session.head,
                heads,
                unsealed: VecDeque::new(),
                named: session.blocks,
                commands: Vec::new(),
                gaps: Vec::new(),
                urgent: false,
                told_at: Instant::now(),
                watchers: BTreeMap::new(),
                owed_acks: Vec::new(),
                acks_told_at: Instant::now(),
                gate,
                gate_told: false,
                gate_at: Instant::now(),
                recorder: None,
                heard_at: Instant::now(),
                end: None,
                words: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, news: News) {
        // Nobody may be watching: that is what the gate is for.
        if self.news.send(news).is_err() {
            tracing::trace!("nobody watches");
        }
    }

    // ---- the recorder

    /// A recorder is connected; an earlier connection no longer counts. Returns how many blocks are here, and the head of the last.
    pub(super) fn connect(&self, connection: u64) -> (u64, Option<Digest>) {
        let mut state = self.lock();
        state.recorder = Some(connection);
        state.heard_at = Instant::now();
        // What was not sealed is sent again by a recorder that comes back.
        if !state.pending.is_empty() {
            state.pending.clear();
            self.tell(News::Again);
        }
        (state.blocks, state.head)
    }

    pub(super) fn disconnect(&self, connection: u64) {
        let mut state = self.lock();
        if state.recorder == Some(connection) {
            state.recorder = None;
        }
    }

    pub(super) fn is_recorder(&self, connection: u64) -> Result<(), FeedError> {
        self.lock().is_from(connection)
    }

    pub(super) fn heard(&self) {
        self.lock().heard_at = Instant::now();
    }

    pub(super) fn frames(&self, connection: u64, bytes: &[u8]) -> Result<(), FeedError> {
        frames(bytes)?;
        let mut state = self.lock();
        state.is_from(connection)?;
        state.heard_at = Instant::now();
        if state.pending.len() + bytes.len() > BLOCK_BYTES_MAX * 2 {
            let detail = "more frames than a block may have, and no header".to_owned();
            return Err(RecordError::Chain { block: state.blocks, detail }.into());
        }
        state.pending.extend_from_slice(bytes);
        // Under the lock, so that whoever joins gets each frame exactly once.
        self.tell(News::Frames(bytes.into()));
        Ok(())
    }

    /// Whether this is the header of the very frames that this connection has sent, and continues what is stored.
    fn fits(&self, state: &State, connection: u64, header_bytes: &[u8]) -> Result<(), FeedError> {
        state.is_from(connection)?;
        let unreadable = |detail: String| RecordError::Chain { block: state.blocks, detail };
        let header: Header = serde_json::from_slice(header_bytes).map_err(|error| unreadable(error.to_string()))?;
        if header.bytes() != header_bytes || header.emergency != self.emergency || header.session != self.session {
            return Err(unreadable("its header is not in the canonical form, or of another session".to_owned()).into());
        }
        Ok(check(&header, &state.pending, state.blocks, state.head.as_ref())?)
    }

    /// What the block's file will be: checked against what was sent, not stored yet.
    pub(super) fn block_file(&self, connection: u64, header_bytes: &[u8]) -> Result<Vec<u8>, FeedError> {
        let state = self.lock();
        self.fits(&state, connection, header_bytes)?;
        let unpacked = |error: std::io::Error| RecordError::Chain { block: state.blocks, detail: error.to_string() };
        let packed = zstd::bulk::compress(&state.pending, 1).map_err(unpacked)?;
        Ok([header_bytes, b"\n", &packed].concat())
    }

    /// The block is stored under this digest. That took a while: the recorder may have connected anew and sent it once more, and only one
    /// of both is the block.
    pub(super) fn stored(&self, connection: u64, header_bytes: &[u8], file: Digest, at: Timestamp) -> Result<u64, FeedError> {
        let mut state = self.lock();
        self.fits(&state, connection, header_bytes)?;
        let pending = std::mem::take(&mut state.pending);
        for (_, frame) in frames(&pending)? {
            state.screen.show(&frame);
            match frame {
                Frame::Word(Word::CommandEnded { command }) => {
                    state.commands.push(command);
                    state.urgent = true;
                }
                Frame::Word(Word::Gap { gap }) => {
                    state.gaps.push(gap);
                    state.urgent = true;
                }
                Frame::Word(_) | Frame::Output(_) | Frame::Input(_) | Frame::Hidden(_) | Frame::Resize { .. } | Frame::Salt(_) => {}
            }
        }
        let head = Digest::of(header_bytes);
        let number = state.blocks;
        state.blocks += 1;
        state.head = Some(head);
        state.heads.push_back(Sealed { number, head, at });
        if state.heads.len() > HEADS_KEPT_MAX {
            state.heads.pop_front();
        }
        state.unsealed.push_back(SealedBlock { head, file });
        if let Some(redraw) = &mut state.redraw {
            redraw.since.push(SealedBlock { head, file });
        }
        self.tell(News::Sealed(header_bytes.into()));
        Ok(number)
    }

    /// How many blocks the ledger names.
    pub(super) fn named(&self) -> u64 {
        self.lock().named
    }

    pub(super) fn end(&self, end: SessionEnd) {
        let mut state = self.lock();
        state.end = Some((end, Instant::now()));
        state.urgent = true;
    }

    /// The end, once those who watch have shown the last block, or have had `within` to do so.
    pub(super) fn ended(&self, within: Duration) -> Option<SessionEnd> {
        let state = self.lock();
        let (end, at) = state.end.clone()?;
        let behind = state.watchers.values().any(|watching| watching.visible && watching.key.is_some() && watching.shown < state.blocks);
        let owed = !state.owed_acks.is_empty() || state.watchers.values().any(|watching| watching.ack_is_new);
        ((!behind && !owed) || at.elapsed() > within).then_some(end)
    }

    /// How long nothing was heard of the recorder.
    pub(super) fn silent_for(&self) -> Duration {
        self.lock().heard_at.elapsed()
    }

    pub(super) fn gate(&self) -> watch::Receiver<Arc<Vec<HeldBecause>>> {
        self.gate.subscribe()
    }

    pub(super) fn is_over(&self) -> watch::Receiver<Option<Named>> {
        self.over.subscribe()
    }

    pub(super) fn asked(&self) -> watch::Receiver<Option<Arc<LineAsk>>> {
        self.asked.subscribe()
    }

    /// What the ledger says of the dangerous line that waits, or did last.
    pub(super) fn set_asked(&self, asked: Option<&LineAsk>) {
        let Some(asked) = asked.filter(|asked| self.asked.borrow().as_deref() != Some(*asked)).cloned().map(Arc::new) else { return };
        self.asked.send_replace(Some(Arc::clone(&asked)));
        self.tell(News::Asked(asked));
    }

    /// The session has ended in the ledger.
    pub(super) fn over(&self, session: &Session) {
        self.over.send_replace(Some(Named { blocks: session.blocks, head: session.head }));
        self.tell(News::Over);
    }

    /// Files outside the scope that everyone who watches is told of; said again only when they have changed.
    pub(super) fn set_outside(&self, paths: Vec<String>) {
        // Under the lock, so that whoever joins hears of each change.
        let _under = self.lock();
        if **self.outside.borrow() != paths {
            let paths = Arc::new(paths);
            self.outside.send_replace(Arc::clone(&paths));
            self.tell(News::Outside(paths));
        }
    }

    pub(super) fn outside(&self) -> watch::Receiver<Arc<Vec<String>>> {
        self.outside.subscribe()
    }

    pub(super) fn next_word(&self) -> u64 {
        let mut state = self.lock();
        state.words += 1;
        state.words
    }

    // ---- what the ledger has not heard

    /// The latest signed word of each device, about blocks that the ledger names.
    pub(super) fn take_acks(&self, sealed: u64, every: Duration) -> Option<Vec<Ack>> {
        let mut state = self.lock();
        let ending = state.end.is_some();
        if !ending && state.acks_told_at.elapsed() < every {
            return None;
        }
        let mut acks = Vec::new();
        state.owed_acks.retain(|ack| {
            let told = ack.block < sealed && acks.len() < ACKS_AT_ONCE_MAX;
            if told {
                acks.push(ack.clone());
            }
            !told
        });
        for watching in state.watchers.values_mut().filter(|watching| watching.ack_is_new) {
            if let Some(ack) = watching.ack.clone().filter(|ack| ack.block < sealed && acks.len() < ACKS_AT_ONCE_MAX) {
                acks.push(ack);
                watching.ack_is_new = false;
            }
        }
        if acks.is_empty() {
            return None;
        }
        state.acks_told_at = Instant::now();
        Some(acks)
    }

    /// They did not reach the door.
    pub(super) fn owe_again(&self, acks: Vec<Ack>) {
        let mut state = self.lock();
        acks.into_iter().for_each(|ack| state.owe(Some(ack)));
    }

    // ---- watchers

    pub(super) fn join(&self) -> (Screen, broadcast::Receiver<News>) {
        let state = self.lock();
        let (columns, rows) = state.screen.size();
        let screen = Screen {
            columns,
            rows,
            encoding: self.encoding,
            state: state.screen.state(),
            block: state.blocks,
            prev: state.head,
            frames: state.pending.as_slice().into(),
            outside: Arc::clone(&self.outside.borrow()),
        };
        (screen, self.news.subscribe())
    }

    /// The lines on the screen, as text.
    pub(super) fn text(&self) -> String {
        self.lock().screen.text()
    }

    /// This connection is now the one that counts for the person, from when it says that its page is in front.
    pub(super) fn bind(&self, person: &PersonId, connection: u64, key: DeviceKey) {
        let mut state = self.lock();
        // What was recorded before nobody expects to have been shown.
        let shown = state.blocks;
        let watching =
            Watching { connection, key: Some(key), visible: false, heard_at: Instant::now(), shown, ack: None, ack_is_new: false };
        let before = state.watchers.insert(person.clone(), watching);
        state.owe(before.and_then(Watching::untold));
    }

    pub(super) fn unbind(&self, person: &PersonId, connection: u64) {
        let mut state = self.lock();
        if state.watchers.get(person).is_some_and(|watching| watching.connection == connection) {
            let gone = state.watchers.remove(person);
            state.owe(gone.and_then(Watching::untold));
        }
    }

    /// The device says whether its page is in front, and what it has shown. False: another device of this person counts now.
    pub(super) fn looked(&self, person: &PersonId, connection: u64, visible: bool, ack: Option<Ack>) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(watching) = state.watchers.get_mut(person).filter(|watching| watching.connection == connection) else { return false };
        watching.visible = visible;
        watching.heard_at = Instant::now();
        let Some(ack) = ack else { return true };
        let head = state.heads.iter().rev().find(|sealed| sealed.number == ack.block).map(|sealed| sealed.head);
        let signed = watching.key.as_ref().is_some_and(|key| ack.is_signed_by(key, self.emergency, self.session));
        // A page that is not in front shows nothing to anybody, whatever it signs.
        if visible && signed && ack.person == *person && head == Some(ack.head) && ack.from <= ack.block && ack.block >= watching.shown {
            watching.shown = ack.block + 1;
            // Another stretch has begun: the last word of the one before is said too.
            let ended = watching.ack.replace(ack).filter(|before| watching.ack_is_new && !continues(watching.ack.as_ref(), before));
            watching.ack_is_new = true;
            state.owe(ended);
        }
        true
    }
}
