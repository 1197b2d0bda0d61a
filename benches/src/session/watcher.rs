//! Both web sockets of a session, spoken by hand: a device that looks on, and a recorder that sends what it was never told to record.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_domain::session::record::{Frame, Header, frames};
use hikeshi_domain::session::stream::{BEAT, FRAMES, FromWatcher, SEALED, ToRecorder, ToWatcher};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// A device that says nothing is cut off.
const SPEAK_EVERY: Duration = Duration::from_secs(5);
const LISTEN: Duration = Duration::from_millis(200);
/// So long nothing new is stored or named before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Blocks that are under way to the server at once.
const UNDER_WAY_MAX: u64 = 64;

/// Which session, where, and with whose token.
#[derive(Debug, Clone)]
pub struct Address {
    pub port: u16,
    pub token: String,
    pub emergency: EmergencyId,
    pub session: u32,
}

fn dial(address: &Address, end: &str) -> anyhow::Result<WebSocket<TcpStream>> {
    let mut stream = TcpStream::connect(("127.0.0.1", address.port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (emergency, session, port) = (address.emergency, address.session, address.port);
    write!(
        stream,
        "GET /api/v1/emergencies/{emergency}/sessions/{session}/{end} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        address.token
    )?;
    // Byte by byte, so that nothing of what follows the head is taken away.
    let (mut head, mut byte) = (Vec::new(), [0_u8; 1]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).context("the server's answer")?;
        head.extend_from_slice(&byte);
        ensure!(head.len() < 16 * 1024, "the server's answer has no end");
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "the server answered {:?}", String::from_utf8_lossy(&head));
    stream.set_read_timeout(Some(LISTEN))?;
    let config = WebSocketConfig::default().write_buffer_size(0).max_message_size(Some(8 << 20));
    Ok(WebSocket::from_raw_socket(stream, Role::Client, Some(config)))
}

pub enum Heard {
    /// The screen as it was when this device joined.
    Screen(String),
    Output(Vec<u8>),
    /// Something else, or nothing for a moment.
    Nothing,
    Over,
}

pub struct Watcher {
    socket: WebSocket<TcpStream>,
    spoke: Instant,
}

impl Watcher {
    pub fn join(address: &Address) -> anyhow::Result<Self> {
        Ok(Self { socket: dial(address, "stream")?, spoke: Instant::now() })
    }

    pub fn next(&mut self) -> anyhow::Result<Heard> {
        if self.spoke.elapsed() > SPEAK_EVERY {
            let look = serde_json::to_string(&FromWatcher::Look { visible: true, ack: None })?;
            self.socket.send(Message::Text(look.into()))?;
            self.spoke = Instant::now();
        }
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(match serde_json::from_str(&text)? {
                ToWatcher::Screen { state, .. } => Heard::Screen(state),
                ToWatcher::Over => Heard::Over,
                ToWatcher::Sealed { .. }
                | ToWatcher::Gate { .. }
                | ToWatcher::Outside { .. }
                | ToWatcher::Asked { .. }
                | ToWatcher::Bound
                | ToWatcher::NotBound { .. }
                | ToWatcher::Replaced => Heard::Nothing,
            }),
            Ok(Message::Binary(bytes)) => match bytes.split_first() {
                Some((&FRAMES, rest)) => Ok(Heard::Output(output_of(rest)?)),
                Some(_) | None => Ok(Heard::Nothing),
            },
            Ok(Message::Close(_)) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Ok(Heard::Over),
            Ok(_) => Ok(Heard::Nothing),
            Err(Error::Io(error)) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                Ok(Heard::Nothing)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn output_of(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut output = Vec::new();
    for (_, frame) in frames(bytes)? {
        if let Frame::Output(bytes) = frame {
            output.extend(bytes);
        }
    }
    Ok(output)
}

/// A recorder without a terminal: blocks that are made up, sealed and stored as real ones are.
pub struct Sender {
    socket: WebSocket<TcpStream>,
    spoke: Instant,
    of: (EmergencyId, u32),
    block: u64,
    stored: u64,
    /// How many the ledger names.
    named: u64,
    prev: Option<Digest>,
    at_us: u64,
}

impl Sender {
    pub fn connect(address: &Address) -> anyhow::Result<Self> {
        let mut socket = dial(address, "record")?;
        let first = socket.read()?;
        let ToRecorder::Have { blocks, head } = serde_json::from_str(first.to_text()?)? else { bail!("the server said {first}") };
        ensure!(blocks == 0, "the session has {blocks} blocks already");
        Ok(Self {
            socket,
            spoke: Instant::now(),
            of: (address.emergency, address.session),
            block: 0,
            stored: 0,
            named: 0,
            prev: head,
            at_us: 0,
        })
    }

    /// One block: this output, so long after the block before.
    pub fn block(&mut self, output: &[u8], after: Duration) -> anyhow::Result<()> {
        let after_us = u64::try_from(after.as_micros())?;
        let mut frames = Vec::new();
        Frame::Output(output.to_vec()).write(after_us, &mut frames);
        let header = Header {
            format: Header::FORMAT.to_owned(),
            emergency: self.of.0,
            session: self.of.1,
            block: self.block,
            prev: self.prev,
            from_us: self.at_us,
            to_us: self.at_us + after_us,
            bytes: u64::try_from(frames.len())?,
            frames: Digest::of(&frames),
        };
        self.socket.send(Message::Binary([&[FRAMES], frames.as_slice()].concat().into()))?;
        self.socket.send(Message::Binary([&[SEALED], header.bytes().as_slice()].concat().into()))?;
        (self.prev, self.at_us) = (Some(header.head()), header.to_us);
        self.block += 1;
        if self.block > self.stored + UNDER_WAY_MAX { self.stored_until(self.block - UNDER_WAY_MAX / 2) } else { Ok(()) }
    }

    /// Waits until everything is stored, and named in the ledger: it then survives the server.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.stored_until(self.block)?;
        self.hear(|sender| sender.named >= sender.block)
    }

    fn stored_until(&mut self, blocks: u64) -> anyhow::Result<()> {
        self.hear(|sender| sender.stored >= blocks)
    }

    fn hear(&mut self, enough: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let (mut since, mut last) = (Instant::now(), (0, 0));
        while !enough(self) {
            if last != (self.stored, self.named) {
                (since, last) = (Instant::now(), (self.stored, self.named));
            }
            ensure!(since.elapsed() < PATIENCE, "of {} blocks {} are stored and {} named", self.block, self.stored, self.named);
            if self.spoke.elapsed() > BEAT_EVERY {
                self.socket.send(Message::Binary(vec![BEAT].into()))?;
                self.spoke = Instant::now();
            }
            match self.socket.read() {
                Ok(Message::Text(text)) => match serde_json::from_str(&text)? {
                    ToRecorder::Stored { block } => self.stored = block + 1,
                    ToRecorder::Refused { why } => bail!("the server refused: {why}"),
                    ToRecorder::Gate { named, .. } => self.named = named,
                    ToRecorder::Have { .. }
                    | ToRecorder::Outside { .. }
                    | ToRecorder::Answered { .. }
                    | ToRecorder::HangUp
                    | ToRecorder::Over { .. } => {}
                },
                Ok(_) => {}
                Err(Error::Io(error)) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
