//! From what comes out of the pty to sealed blocks: masked, framed, chained, on disk, and on their way to the server.

use std::fs::File;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::record::{BLOCK_BYTES_MAX, Frame, Header, PAYLOAD_BYTES_MAX, SALT_BYTES, Word};
use hikeshi_domain::session::{Gap, GapReason, HeldBecause};
use tokio::sync::mpsc::UnboundedSender;

use super::commands::{Commands, Piece};
use super::order::Order;
use super::sink::{OnTheWay, ToSink};
use super::spool::{Left, SessionSpool};
use super::valve::Valve;
use crate::clock;
use crate::host::masking::MaskedStream;

/// A block is sealed this long after its first frame.
const SEAL_AFTER: Duration = Duration::from_millis(900);
/// What is on disk is made durable at least this often.
const SYNC_EVERY: Duration = Duration::from_millis(500);
/// How often the gate is looked at for the record, and for room where there was none.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Output that waits is put together up to this much.
const GATHER_BYTES: usize = 64 * 1024;
/// So long more is waited for in a flood: masking, framing and sending cost by the piece.
const GATHER_FOR: Duration = Duration::from_millis(2);
/// Nobody types so much at once.
const FLOOD_BYTES: usize = 2_048;

/// What the writer is told.
pub(super) enum ToWriter {
    Output(Vec<u8>),
    /// Typed keys, when the plan asks for them.
    Input(Vec<u8>),
    Frame(Frame),
    /// The terminal is over: what is left is sealed, and the writer ends.
    End(Frame),
}

/// What takes secrets out of what is recorded: of the output as it comes, of the keys line by line.
pub(super) struct Masks {
    output: MaskedStream,
    input: MaskedStream,
}

impl Masks {
    pub(super) fn new(masker: Masker, values: &[String]) -> Self {
        Self { output: MaskedStream::live(masker.clone(), values), input: MaskedStream::new(masker, values) }
    }
}

pub(super) struct Writer {
    order: Order,
    masks: Masks,
    commands: Commands,
    /// Bytes of output recorded so far.
    recorded: u64,
    frames: Vec<u8>,
    first_at: Option<Instant>,
    began: Instant,
    began_us: u64,
    from_us: u64,
    last_us: u64,
    block: u64,
    prev: Option<Digest>,
    spool: Arc<Mutex<SessionSpool>>,
    unsynced: Vec<u64>,
    /// `None`: there is nobody who makes it durable.
    to_disk: Option<SyncSender<(File, Vec<u64>)>>,
    synced_at: Instant,
    looked_at: Instant,
    sink: UnboundedSender<ToSink>,
    on_the_way: Arc<OnTheWay>,
    /// Whether the frames of this block go to the server as they are made; if not, the sink reads them when it is sealed.
    streamed: bool,
    /// Neither disk nor memory takes any more: output is let through and lost until there is room.
    full: bool,
    /// What was lost since when, and is not told yet.
    lost: Option<(Timestamp, u64)>,
    valve: Arc<Valve>,
    held: Option<Vec<HeldBecause>>,
}

impl Writer {
    pub(super) fn new(
        order: Order,
        masks: Masks,
        commands: Commands,
        spool: Arc<Mutex<SessionSpool>>,
        left: &Left,
        (sink, on_the_way): (UnboundedSender<ToSink>, Arc<OnTheWay>),
        valve: Arc<Valve>,
    ) -> Self {
        let since = clock::now().duration_since(order.began_at).as_micros();
        // Time in a recording never runs backwards, whatever the clock of the host did.
        let began_us = u64::try_from(since).unwrap_or(0).max(left.last_us);
        Self {
            order,
            masks,
            commands,
            recorded: left.output_bytes,
            frames: Vec::new(),
            first_at: None,
            began: Instant::now(),
            began_us,
            from_us: left.last_us,
            last_us: left.last_us,
            block: left.blocks,
            prev: left.head,
            spool,
            unsynced: Vec::new(),
            to_disk: None,
            synced_at: Instant::now(),
            looked_at: Instant::now(),
            sink,
            on_the_way,
            streamed: true,
            full: false,
            lost: None,
            valve,
            held: None,
        }
    }

    /// Ends when the terminal is over or everyone who tells it something is gone.
    pub(super) fn run(mut self, news: &Receiver<ToWriter>) {
        let (to_disk, written) = sync_channel(1);
        let valve = Arc::clone(&self.valve);
        match std::thread::Builder::new().name("disk".to_owned()).spawn(move || keep_on_disk(&written, &valve)) {
            Ok(_not_waited_for) => self.to_disk = Some(to_disk),
            Err(error) => tracing::error!(%error, "the recording is not made durable on this disk"),
        }
        loop {
            match news.recv_timeout(self.patience()) {
                Ok(ToWriter::Output(mut bytes)) => {
                    let after = gather(&mut bytes, news);
                    self.came_out(&bytes);
                    if let Some(after) = after
                        && !self.take(after)
                    {
                        return;
                    }
                }
                Ok(other) => {
                    if !self.take(other) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.finish();
                    return;
                }
            }
            self.look_at_gate();
            self.look_for_room();
            if self.first_at.is_some_and(|since| since.elapsed() >= SEAL_AFTER) {
                self.seal();
            }
            self.sync_if_due();
        }
    }

    fn patience(&self) -> Duration {
        let seal = self.first_at.map_or(LOOK_EVERY, |since| SEAL_AFTER.saturating_sub(since.elapsed()));
        seal.min(LOOK_EVERY).max(Duration::from_millis(1))
    }

    /// False: it was the end.
    fn take(&mut self, news: ToWriter) -> bool {
        match news {
            ToWriter::Output(bytes) => {
                self.came_out(&bytes);
                true
            }
            ToWriter::Input(keys) => {
                let ready = self.masks.input.feed(&keys);
                self.input(&ready);
                true
            }
            ToWriter::Frame(frame) => {
                self.frame(&frame);
                true
            }
            ToWriter::End(frame) => {
                let typed = self.masks.input.finish();
                self.input(&typed);
                let mut pieces = Pieces::new(&mut self.masks.output, self.recorded, self.full);
                self.commands.finish(|piece| pieces.take(piece));
                // What was held back to be masked.
                pieces.take(Piece::Boundary);
                let made = pieces.made;
                self.write_all(made);
                self.frame(&frame);
                self.finish();
                false
            }
        }
    }

    /// What came out of the pty: without the shell's marks, masked, with the words of commands where they belong.
    fn came_out(&mut self, bytes: &[u8]) {
        let mut pieces = Pieces::new(&mut self.masks.output, self.recorded, self.full);
        self.commands.feed(bytes, |piece| pieces.take(piece));
        let made = pieces.made;
        self.write_all(made);
    }

    fn write_all(&mut self, made: Vec<Made>) {
        for made in made {
            match made {
                Made::Bytes(ready) => self.output(&ready),
                Made::Word(word) => self.frame(&Frame::Word(word)),
                Made::Lost(bytes) => {
                    let (_, lost) = self.lost.get_or_insert_with(|| (now(), 0));
                    *lost = lost.saturating_add(bytes);
                }
            }
        }
    }

    fn output(&mut self, ready: &[u8]) {
        self.recorded = self.recorded.saturating_add(u64::try_from(ready.len()).unwrap_or(0));
        for part in ready.chunks(PAYLOAD_BYTES_MAX / 2) {
            self.frame(&Frame::Output(part.to_vec()));
        }
    }

    fn input(&mut self, ready: &[u8]) {
        for part in ready.chunks(PAYLOAD_BYTES_MAX / 2) {
            self.frame(&Frame::Input(part.to_vec()));
        }
    }

    fn frame(&mut self, frame: &Frame) {
        self.tell_lost();
        let now_us = self.began_us.saturating_add(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)).max(self.last_us);
        let before = self.frames.len();
        if self.frames.is_empty() {
            salt().write(0, &mut self.frames);
        }
        frame.write(now_us - self.last_us, &mut self.frames);
        self.last_us = now_us;
        self.valve.frame_made();
        if self.first_at.is_none() {
            self.first_at = Some(Instant::now());
            self.streamed = self.on_the_way.has_room();
        }
        if self.streamed {
            let made = self.frames.get(before..).unwrap_or_default();
            self.on_the_way.add(made.len());
            self.tell(ToSink::Frames(made.to_vec().into()));
        }
        if self.frames.len() >= BLOCK_BYTES_MAX - PAYLOAD_BYTES_MAX / 2 {
            self.seal();
        }
    }

    /// What was lost is in the record before anything that came after it.
    fn tell_lost(&mut self) {
        if let Some((from, bytes)) = self.lost.take() {
            self.frame(&Frame::Word(Word::Gap { gap: Gap { why: GapReason::NotStored, from, to: now(), bytes } }));
        }
    }

    fn tell(&self, news: ToSink) {
        if self.sink.send(news).is_err() {
            tracing::debug!("there is no way to the server any more");
        }
    }

    fn seal(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        let frames = std::mem::take(&mut self.frames);
        let header = Header {
            format: Header::FORMAT.to_owned(),
            emergency: self.order.emergency,
            session: self.order.session,
            block: self.block,
            prev: self.prev,
            from_us: self.from_us,
            to_us: self.last_us,
            bytes: u64::try_from(frames.len()).unwrap_or(u64::MAX),
            frames: Digest::of(&frames),
        };
        let bytes = header.bytes();
        self.prev = Some(Digest::of(&bytes));
        self.valve.sealed(self.block);
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        self.unsynced.extend(spool.keep(self.block, bytes.clone(), frames));
        self.full = !spool.has_room();
        drop(spool);
        self.tell(ToSink::Sealed { block: self.block, header: bytes.into(), streamed: self.streamed });
        self.block += 1;
        self.from_us = self.last_us;
        self.first_at = None;
    }

    /// A disk that was full may have room again, and what waited in memory may be in the ledger.
    fn look_for_room(&mut self) {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked_at = Instant::now();
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        if spool.is_waiting() {
            self.unsynced.extend(spool.bring_to_disk());
        }
        self.full = !spool.has_room();
    }

    fn sync_if_due(&mut self) {
        if self.unsynced.is_empty() {
            return;
        }
        // A block that stands alone is made durable at once; in a flood, some together.
        if self.first_at.is_some() && self.synced_at.elapsed() < SYNC_EVERY {
            return;
        }
        self.synced_at = Instant::now();
        let file = match self.spool.lock().unwrap_or_else(PoisonError::into_inner).handle() {
            Ok(file) => file,
            Err(error) => {
                tracing::error!(%error, "the recording cannot be made durable on this disk");
                return;
            }
        };
        // A disk that stands still takes one more at most; what does not go now goes with the next.
        if let Some(to_disk) = &self.to_disk
            && let Err(TrySendError::Full((_, blocks)) | TrySendError::Disconnected((_, blocks))) =
                to_disk.try_send((file, std::mem::take(&mut self.unsynced)))
        {
            self.unsynced = blocks;
        }
    }

    /// What the gate says goes into the record when it changes.
    fn look_at_gate(&mut self) {
        let held = self.valve.held();
        if self.held.as_ref() == Some(&held) {
            return;
        }
        let word = if held.is_empty() { Word::Released } else { Word::Held { held: held.clone() } };
        self.held = Some(held);
        self.frame(&Frame::Word(word));
    }

    fn finish(&mut self) {
        self.tell_lost();
        self.seal();
        self.synced_at = Instant::now().checked_sub(SYNC_EVERY).unwrap_or(self.synced_at);
        self.sync_if_due();
        self.tell(ToSink::NoMore);
    }
}

/// Nobody can guess at what a block holds by its digest alone, also after something was taken out of it.
fn salt() -> Frame {
    let mut bytes = vec![0; SALT_BYTES];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no random bytes: what may be taken out of this block could be guessed at");
    }
    Frame::Salt(bytes)
}

/// Makes durable what the writer has written, beside it: a disk that stands still holds up neither what runs nor the way to the server.
fn keep_on_disk(news: &Receiver<(File, Vec<u64>)>, valve: &Valve) {
    let mut waiting = Vec::new();
    while let Ok((file, blocks)) = news.recv() {
        waiting.extend(blocks);
        match file.sync_data() {
            Ok(()) => valve.kept(&std::mem::take(&mut waiting)),
            Err(error) => tracing::error!(%error, "the recording cannot be made durable on this disk"),
        }
    }
}

/// What becomes of a piece.
enum Made {
    Bytes(Vec<u8>),
    Word(Word),
    /// So many bytes of output are in no block.
    Lost(u64),
}

/// Puts together what comes right behind; what is no output is given back.
fn gather(bytes: &mut Vec<u8>, news: &Receiver<ToWriter>) -> Option<ToWriter> {
    let until = Instant::now() + GATHER_FOR;
    while bytes.len() < GATHER_BYTES {
        let wait = if bytes.len() < FLOOD_BYTES { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
        match news.recv_timeout(wait) {
            Ok(ToWriter::Output(more)) => bytes.extend(more),
            Ok(other) => return Some(other),
            Err(_) => break,
        }
    }
    None
}

/// Masks what passes, and counts it: a command's output is told by where it lies in the record.
struct Pieces<'a> {
    mask: &'a mut MaskedStream,
    recorded: u64,
    full: bool,
    made: Vec<Made>,
}

impl<'a> Pieces<'a> {
    fn new(mask: &'a mut MaskedStream, recorded: u64, full: bool) -> Self {
        Self { mask, recorded, full, made: Vec::new() }
    }

    fn take(&mut self, piece: Piece) -> u64 {
        match piece {
            Piece::Bytes(bytes) => {
                let ready = self.mask.feed(&bytes);
                self.push(ready);
            }
            Piece::Boundary => {
                let rest = self.mask.finish();
                self.push(rest);
            }
            Piece::Word(word) => {
                // No secret reaches over the boundary of a command.
                let rest = self.mask.finish();
                self.push(rest);
                self.made.push(Made::Word(word));
            }
        }
        self.recorded
    }

    fn push(&mut self, ready: Vec<u8>) {
        let count = u64::try_from(ready.len()).unwrap_or(0);
        if self.full && count > 0 {
            self.made.push(Made::Lost(count));
        } else if count > 0 {
            self.recorded = self.recorded.saturating_add(count);
            self.made.push(Made::Bytes(ready));
        }
    }
}

/// A session's clock is the host's; only for frames that carry times of their own.
pub(super) fn now() -> Timestamp {
    clock::now()
}
