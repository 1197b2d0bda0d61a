//! What a terminal and its recorder say to each other, over a unix socket in the recorder's private directory.
//!
//! `kind ‖ length (4 bytes, big endian) ‖ payload`. The first thing the recorder sends is the pty itself (its file descriptor): should the
//! recorder die, the terminal goes on draining it, so that what runs there is not frozen or hung up.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use hikeshi_domain::Timestamp;
use hikeshi_domain::session::{HeldBecause, LineAnswer, SessionEnd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::order::Order;

const PAYLOAD_BYTES_MAX: usize = 8 << 20;

/// From the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToRecorder {
    Keys(Vec<u8>),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// What came out of the pty while there was no recorder.
    Late(Late),
    /// The person goes away; the shell stays, and keys are held.
    Detach,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    pub from: Timestamp,
    pub to: Timestamp,
    /// All that was drained; `kept` has the last of it.
    pub bytes: u64,
    #[serde(with = "as_latin")]
    pub kept: Vec<u8>,
}

/// Bytes as a string of the same length: JSON has no bytes.
mod as_latin {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        text.chars().map(|sign| u8::try_from(u32::from(sign)).map_err(serde::de::Error::custom)).collect()
    }
}

/// From the recorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToTerminal {
    Output(Vec<u8>),
    /// Why keys are held now; empty: they pass.
    Gate(Vec<HeldBecause>),
    /// Changed files outside the scope that nobody has accepted; empty: none any more.
    Outside(Vec<String>),
    /// Keys came while they were held, and went nowhere.
    Refused {
        keys: u64,
    },
    /// Enter is held at a dangerous line, or is held no more.
    Line(LineNews),
    /// The terminal was too slow for so many bytes; they are in the record.
    Skipped {
        bytes: u64,
    },
    Ended(SessionEnd),
}

/// What the executor is told about a dangerous line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum LineNews {
    /// It has words that the plan calls dangerous.
    Waits {
        words: String,
        why: String,
    },
    StillWaits,
    /// `dropped`: so many bytes that came behind it in one paste went nowhere.
    Over {
        answer: LineAnswer,
        dropped: u64,
    },
}

fn put(to: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let [a, b, c, d] = length.to_be_bytes();
    // One call where both fit: the other side wakes up once.
    let head = [kind, a, b, c, d];
    let sent = loop {
        match to.write_vectored(&[IoSlice::new(&head), IoSlice::new(payload)]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            sent => break sent?,
        }
    };
    let (head, payload) = (head.get(sent..).unwrap_or_default(), payload.get(sent.saturating_sub(head.len())..).unwrap_or_default());
    to.write_all(head)?;
    to.write_all(payload)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

/// `None`: the other side is gone.
fn take(from: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0_u8; 5];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > PAYLOAD_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes at once; at most {PAYLOAD_BYTES_MAX}")));
    }
    let mut payload = vec![0; length];
    match from.read_exact(&mut payload) {
        Ok(()) => Ok(Some((kind, payload))),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unknown(kind: u8) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a message of the unknown kind {kind}"))
}

impl ToRecorder {
    pub fn send(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Keys(keys) => put(to, b'k', keys),
            Self::Resize { columns, rows } => put(to, b'r', &[columns.to_be_bytes(), rows.to_be_bytes()].concat()),
            Self::Late(late) => put(to, b'l', &serde_json::to_vec(late)?),
            Self::Detach => put(to, b'd', &[]),
        }
    }

    pub fn receive(from: &mut impl Read) -> io::Result<Option<Self>> {
        let Some((kind, payload)) = take(from)? else { return Ok(None) };
        Ok(Some(match (kind, payload.as_slice()) {
            (b'k', _) => Self::Keys(payload),
            (b'r', [a, b, c, d]) => Self::Resize { columns: u16::from_be_bytes([*a, *b]), rows: u16::from_be_bytes([*c, *d]) },
            (b'l', json) => Self::Late(serde_json::from_slice(json)?),
            (b'd', _) => Self::Detach,
            (kind, _) => return Err(unknown(kind)),
        }))
    }
}

impl ToTerminal {
    /// As [`Self::Output`] is sent.
    pub(super) fn output(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        put(to, b'o', bytes)
    }

    pub fn send(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Output(bytes) => Self::output(to, bytes),
            Self::Gate(held) => put(to, b'g', &serde_json::to_vec(held)?),
            Self::Outside(paths) => put(to, b'f', &serde_json::to_vec(paths)?),
            Self::Refused { keys } => put(to, b'n', &keys.to_be_bytes()),
            Self::Line(news) => put(to, b'l', &serde_json::to_vec(news)?),
            Self::Skipped { bytes } => put(to, b's', &bytes.to_be_bytes()),
            Self::Ended(end) => put(to, b'e', &serde_json::to_vec(end)?),
        }
    }

    pub fn receive(from: &mut impl Read) -> io::Result<Option<Self>> {
        let Some((kind, payload)) = take(from)? else { return Ok(None) };
        let count = || <[u8; 8]>::try_from(payload.as_slice()).map(u64::from_be_bytes).map_err(io::Error::other);
        Ok(Some(match kind {
            b'o' => Self::Output(payload),
            b'g' => Self::Gate(serde_json::from_slice(&payload)?),
            b'f' => Self::Outside(serde_json::from_slice(&payload)?),
            b'n' => Self::Refused { keys: count()? },
            b'l' => Self::Line(serde_json::from_slice(&payload)?),
            b's' => Self::Skipped { bytes: count()? },
            b'e' => Self::Ended(serde_json::from_slice(&payload)?),
            kind => return Err(unknown(kind)),
        }))
    }
}

/// Hands the pty over, before anything else is sent.
pub(super) fn give_pty(stream: &UnixStream, pty: impl AsFd) -> io::Result<()> {
    let fds = [pty.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("no room for a file descriptor"));
    }
    sendmsg(stream, &[IoSlice::new(b"m")], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

fn take_pty(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0_u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    ancillary
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the recorder did not hand its pty over"))
}

/// A terminal's end of a recorder.
pub struct Attached {
    pub stream: UnixStream,
    /// To be drained should the recorder die.
    pub pty: OwnedFd,
}

/// Attaches to the recorder of this directory.
pub fn attach(dir: &Path) -> io::Result<Attached> {
    let stream = UnixStream::connect(Order::socket(dir))?;
    let pty = take_pty(&stream)?;
    Ok(Attached { stream, pty })
}
