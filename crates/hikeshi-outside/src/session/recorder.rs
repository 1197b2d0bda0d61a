//! The life of a recorder: one process for one session, which owns the pty and outlives the terminal that started it.
//!
//! Four threads: reading the pty (never waits for people), writing the record, talking to the server, and one for the attached terminal.
//! When the recorder dies the terminal drains the pty and starts another one, which adopts it.

mod lines;

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::ids::Digest;
use hikeshi_domain::mask::Masker;
use hikeshi_domain::session::record::{Frame, Word};
use hikeshi_domain::session::{Gap, GapReason, SessionEnd};

use super::commands::Commands;
use super::guard::Guard;
use super::order::{Order, Place};
use super::outlet::Outlet;
use super::pty::{self, Master};
use super::shell::Nonce;
use super::sink::{OnTheWay, Sink};
use super::spool::SessionSpool;
use super::valve::Valve;
use super::wire::{Late, ToRecorder, ToTerminal, give_pty};
use super::writer::{Masks, ToWriter, Writer, now};

/// Pieces of output that may wait for the writer; more, and whatever prints waits.
const WRITER_WAITS_MAX: usize = 256;
const READ_BYTES: usize = 64 * 1024;
/// How long a recorder may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How often an attached terminal is told about the gate when it changes.
const GATE_EVERY: Duration = Duration::from_millis(100);

/// How long a terminal may take to show the last of it.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// The first window of a terminal that has not said its size yet.
const FIRST_SIZE: (u16, u16) = (80, 24);

/// Starts a recorder for the order in `dir` and waits until it can be attached to. `pty`: that of a recorder that died.
pub fn start(program: &Path, args: &[&str], dir: &Path, token: &str, pty: Option<impl AsFd>) -> io::Result<()> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(Order::log(dir))?;
    let stdin = match pty {
        Some(pty) => Stdio::from(pty.as_fd().try_clone_to_owned()?),
        None => Stdio::null(),
    };
    let before = std::fs::metadata(Order::socket(dir)).ok();
    if before.is_some() {
        std::fs::remove_file(Order::socket(dir))?;
    }
    let mut child =
        Command::new(program).args(args).arg(dir).env(Order::TOKEN, token).stdin(stdin).stdout(Stdio::null()).stderr(log).spawn()?;
    let began = Instant::now();
    while began.elapsed() < READY_WITHIN {
        if Order::socket(dir).exists() {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            let log = std::fs::read_to_string(Order::log(dir)).unwrap_or_default();
            let last: String = log.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" ");
            return Err(io::Error::other(format!("the recorder ended at once ({status}). {last}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // Two recorders on one pty would share its output.
    child.kill()?;
    child.wait()?;
    Err(io::Error::new(io::ErrorKind::TimedOut, "the recorder was not ready in time"))
}

/// The whole life of a recorder. `dir` is the session's private directory, with its order.
pub fn run(dir: &Path, token: String) -> ExitCode {
    // The terminal of whoever started it must not hang it up.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "already the leader of a session");
    }
    match record(dir, token) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the recorder cannot go on");
            ExitCode::FAILURE
        }
    }
}

/// What all threads share.
struct Recording {
    order: Order,
    master: Master,
    valve: Arc<Valve>,
    writer: SyncSender<ToWriter>,
    /// The terminal that is attached now.
    terminal: Mutex<Option<(u64, Arc<Outlet>)>>,
    /// `None`: the plan calls no line dangerous.
    guard: Option<Guard>,
    end: Arc<Mutex<Option<SessionEnd>>>,
}

fn record(dir: &Path, token: String) -> io::Result<()> {
    let order = Order::read(dir)?;
    let stdin = io::stdin();
    let adopted = rustix::termios::isatty(&stdin);
    let (master, child) = if adopted {
        (Master::of(&stdin)?, None)
    } else {
        let (pty, child) = pty::start(&order, dir, FIRST_SIZE.0, FIRST_SIZE.1)?;
        (Master::of(&pty)?, Some(child))
    };
    let master_size = master.size().unwrap_or(FIRST_SIZE);
    let fresh = !adopted && !Order::blocks(dir).exists();
    let (spool, mut left) = SessionSpool::open(&Order::blocks(dir), order.reserve_bytes)?;
    let on_disk = (left.blocks, left.head);
    let spool = Arc::new(Mutex::new(spool));
    let valve = Arc::new(Valve::default());
    let (to_sink, sink_news) = tokio::sync::mpsc::unbounded_channel();
    let on_the_way = Arc::new(OnTheWay::default());
    let (to_writer, writer_news) = sync_channel(WRITER_WAITS_MAX);
    let end = Arc::new(Mutex::new(None));
    let (masker, masks) = masks(&order)?;
    let (answers, answered) = channel();
    let recording = Arc::new(Recording {
        order: order.clone(),
        master,
        valve: Arc::clone(&valve),
        writer: to_writer,
        terminal: Mutex::new(None),
        guard: Guard::of(&order, masker.clone(), master_size, to_sink.downgrade()),
        end: Arc::clone(&end),
    });
    let hung_up = Arc::clone(&recording);
    let sink = Sink {
        order: order.clone(),
        token,
        spool: Arc::clone(&spool),
        on_the_way: Arc::clone(&on_the_way),
        valve: Arc::clone(&valve),
        end,
        hang_up: Box::new(move || hung_up.master.hang_up()),
        answers,
    };
    // When the disk was full the server may have more than the disk: the chain goes on behind whatever is furthest.
    if !fresh
        && let Some((blocks, head)) = at_server(&sink)?
        && blocks > left.blocks
    {
        left.blocks = blocks;
        left.head = head;
    }
    let commands = Commands::new(Nonce::new(order.nonce), masker, order.encoding, left.commands);
    let writer = Writer::new(order.clone(), masks, commands, spool, &left, (to_sink, on_the_way), valve);
    let listener = listen(dir)?;
    if !adopted {
        recording.begin(left.blocks > 0)?;
    }
    let writing = thread("writer", move || writer.run(&writer_news))?;
    let sinking = thread("sink", move || send(sink, sink_news, on_disk))?;
    let accepting = Arc::clone(&recording);
    // Not waited for: it ends with the process.
    thread("terminal", move || accepting.accept(&listener))?;
    let answering = Arc::clone(&recording);
    thread("answers", move || answering.take_answers(&answered))?;
    let telling = Arc::clone(&recording);
    thread("gate", move || telling.tell_gate())?;
    recording.read_pty();
    let ended = pty::ended(&order, dir, child.and_then(exit_code));
    recording.over(ended);
    writing.join().unwrap_or_else(|_| tracing::error!("the recorder's writer broke"));
    if sinking.join().is_ok_and(|delivered| delivered) {
        // The ledger keeps them now; a copy here would outlive whatever is redacted there.
        remove(&Order::blocks(dir))?;
    }
    remove(&Order::socket(dir))
}

fn masks(order: &Order) -> io::Result<(Masker, Masks)> {
    let values: Vec<String> = order.mask_env.iter().filter_map(|name| value_of(name)).collect();
    let masker = Masker::new(&order.mask_patterns, &values).map_err(io::Error::other)?;
    Ok((masker.clone(), Masks::new(masker, &values)))
}

#[expect(clippy::disallowed_methods, reason = "a recorder's environment is how it receives secrets; it has no other configuration")]
fn value_of(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn thread<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> io::Result<std::thread::JoinHandle<T>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// The name appears only when it can be connected to.
fn listen(dir: &Path) -> io::Result<UnixListener> {
    let new: PathBuf = dir.join("recorder.new");
    remove(&new)?;
    let listener = UnixListener::bind(&new)?;
    std::fs::rename(&new, Order::socket(dir))?;
    Ok(listener)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn at_server(sink: &Sink) -> io::Result<Option<(u64, Option<Digest>)>> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(sink.ask()))
}

/// Whether the ledger names everything that was recorded.
fn send(sink: Sink, news: tokio::sync::mpsc::UnboundedReceiver<super::sink::ToSink>, first: (u64, Option<Digest>)) -> bool {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(sink.run(news, first)),
        Err(error) => {
            tracing::error!(%error, "there is no way to the server");
            false
        }
    }
}

/// A shell that has closed its terminal has a moment to end; then it is stopped.
fn exit_code(mut child: Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.code(),
            Ok(None) if began.elapsed() < Duration::from_secs(2) => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => pty::kill(&child),
            Err(_) => return None,
        }
        if began.elapsed() > Duration::from_secs(5) {
            return None;
        }
    }
}

impl Recording {
    fn write(&self, news: ToWriter) {
        if self.writer.send(news).is_err() {
            self.valve.unwritten();
            tracing::error!("the record is not written any more");
        }
    }

    fn frame(&self, frame: Frame) {
        self.write(ToWriter::Frame(frame));
    }

    fn begin(&self, again: bool) -> io::Result<()> {
        if again {
            // Recorder and shell died together: nobody was there to drain it.
            let at = now();
            self.frame(Frame::Word(Word::Gap { gap: Gap { why: GapReason::RecorderLost, from: at, to: at, bytes: 0 } }));
        }
        let (columns, rows) = FIRST_SIZE;
        self.master.resize(columns, rows)?;
        let began = Word::Began {
            place: self.order.place_name.clone(),
            shell: self.order.shell.program().to_owned(),
            encoding: self.order.encoding.label().to_owned(),
        };
        self.frame(Frame::Word(began));
        self.frame(Frame::Resize { columns, rows });
        Ok(())
    }

    /// Everything that comes out, to the record and to whoever is attached. Ends with the shell.
    fn read_pty(&self) {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            // EIO is how a pty says that nobody holds its other end.
            let count = match (&self.master.file).read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::debug!(%error, "the pty is closed");
                    return;
                }
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            if let Some(guard) = &self.guard {
                guard.shown(bytes);
            }
            self.show(bytes);
            self.write(ToWriter::Output(bytes.to_vec()));
        }
    }

    fn attached(&self) -> Option<Arc<Outlet>> {
        self.terminal.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, terminal)| Arc::clone(terminal))
    }

    fn show(&self, bytes: &[u8]) {
        if let Some(terminal) = self.attached() {
            terminal.output(bytes);
        }
    }

    fn tell(&self, news: ToTerminal) {
        if let Some(terminal) = self.attached() {
            terminal.tell(news);
        }
    }

    fn tell_gate(&self) {
        let mut told = None;
        let mut told_outside = Vec::new();
        let mut attached = false;
        loop {
            let held = self.valve.held();
            let now_attached = self.attached().is_some();
            if now_attached && (told.as_ref() != Some(&held) || !attached) {
                self.tell(ToTerminal::Gate(held.clone()));
                told = Some(held);
            }
            let outside = self.valve.outside();
            if now_attached && (outside != told_outside || (!attached && !outside.is_empty())) {
                self.tell(ToTerminal::Outside(outside.clone()));
                told_outside = outside;
            }
            attached = now_attached;
            std::thread::sleep(GATE_EVERY);
        }
    }

    /// One terminal at a time; the last one to attach has it.
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        let mut current: Option<UnixStream> = None;
        for (turn, stream) in (0..).zip(listener.incoming()) {
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a terminal could not attach");
                    continue;
                }
            };
            if let Some(before) = current.take()
                && let Err(error) = before.shutdown(Shutdown::Both)
            {
                tracing::debug!(%error, "the terminal before is gone already");
            }
            match self.serve(&stream, turn) {
                Ok(()) => current = Some(stream),
                Err(error) => tracing::warn!(%error, "a terminal could not attach"),
            }
        }
    }

    fn serve(self: &Arc<Self>, stream: &UnixStream, turn: u64) -> io::Result<()> {
        give_pty(stream, &self.master.file)?;
        let outlet = Arc::new(Outlet::to(stream.try_clone()?));
        let (mut out, news) = (stream.try_clone()?, Arc::clone(&outlet));
        thread("to-terminal", move || {
            while let Some(said) = news.next() {
                if said.send(&mut out).is_err() {
                    news.close();
                }
            }
        })?;
        let before = self.terminal.lock().unwrap_or_else(PoisonError::into_inner).replace((turn, outlet));
        if let Some((_, before)) = before {
            before.close();
        }
        self.valve.attached(true);
        // Each terminal is told at once; what follows is told when it changes.
        self.tell(ToTerminal::Gate(self.valve.held()));
        if let Some(end) = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            self.tell(ToTerminal::Ended(end));
        }
        let (recording, mut from) = (Arc::clone(self), stream.try_clone()?);
        thread("from-terminal", move || {
            recording.listen_to(&mut from);
            let mut terminal = recording.terminal.lock().unwrap_or_else(PoisonError::into_inner);
            // Another terminal may have taken its place.
            if let Some((_, gone)) = terminal.take_if(|(current, _)| *current == turn) {
                gone.close();
                recording.valve.attached(false);
            }
        })?;
        Ok(())
    }

    fn listen_to(&self, from: &mut UnixStream) {
        loop {
            match ToRecorder::receive(from) {
                Ok(Some(ToRecorder::Keys(keys))) => self.keys(&keys),
                Ok(Some(ToRecorder::Resize { columns, rows })) => self.resize(columns, rows),
                Ok(Some(ToRecorder::Late(late))) => self.late(late),
                Ok(Some(ToRecorder::Detach) | None) => return,
                Err(error) => {
                    tracing::warn!(%error, "the terminal said something that cannot be read");
                    return;
                }
            }
        }
    }

    /// Keys reach the shell, or go nowhere: nothing is kept to be typed later, when the screen shows something else.
    fn keys(&self, keys: &[u8]) {
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        if !self.valve.held().is_empty() {
            self.frame(Frame::Word(Word::Refused { keys: count }));
            self.tell(ToTerminal::Refused { keys: count });
            return;
        }
        match &self.guard {
            None => self.pass(keys),
            Some(guard) => self.guarded(guard, keys),
        }
    }

    /// To the shell.
    fn pass(&self, keys: &[u8]) {
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        // Over ssh it is not known here whether the other end shows them: a password would look like any other key.
        let shown_is_unknown = matches!(self.order.place, Place::There { .. }) && self.order.record_input;
        if shown_is_unknown || self.master.modes().hidden {
            self.frame(Frame::Hidden(count));
        } else if self.order.record_input {
            self.write(ToWriter::Input(keys.to_vec()));
        }
        if let Err(error) = (&self.master.file).write_all(keys) {
            tracing::warn!(%error, "the shell does not take keys");
        }
    }

    fn resize(&self, columns: u16, rows: u16) {
        match self.master.resize(columns, rows) {
            Ok(()) => {
                if let Some(guard) = &self.guard {
                    guard.resized(columns, rows);
                }
                self.frame(Frame::Resize { columns, rows });
            }
            Err(error) => tracing::warn!(%error, "the size of the terminal cannot be set"),
        }
    }

    /// What came while there was no recorder: that it is a gap is a fact, and what the terminal kept of it follows.
    fn late(&self, late: Late) {
        let kept = u64::try_from(late.kept.len()).unwrap_or(u64::MAX);
        let gap = Gap { why: GapReason::RecorderLost, from: late.from, to: late.to, bytes: late.bytes.saturating_sub(kept) };
        self.frame(Frame::Word(Word::Gap { gap }));
        self.write(ToWriter::Output(late.kept));
    }

    fn over(&self, ended: SessionEnd) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended.clone());
        tracing::info!(at = %now(), "the shell has ended");
        self.write(ToWriter::End(Frame::Word(Word::Ended { end: ended.clone() })));
        self.tell(ToTerminal::Ended(ended));
        // The end of the output is on its way to the terminal until it has been sent.
        if let Some(terminal) = self.attached() {
            terminal.empty_within(SHOWN_WITHIN);
        }
    }
}
