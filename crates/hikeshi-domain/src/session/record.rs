//! The form of a recording: frames of raw bytes, in blocks chained by hash. Pure: compression and disks are elsewhere.
//!
//! A frame is `varint(µs since the frame before) ‖ kind ‖ varint(length) ‖ payload`. Output is kept byte for byte, in whatever encoding it was.
//! A block is a header and its frames; the header names the digest of the frames and the head of the block before. The head of a block
//! is the SHA-256 of its header's bytes, so whoever has shown the frames can compute it, and one head stands for everything before it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Gap, HeldBecause, LineAnswer, RedactedBlock, SealedBlock, SessionEnd, TypedCommand};
use crate::ids::{Digest, EmergencyId};

/// Most bytes of frames in one block; a block is sealed when it has them, or one second after its first frame.
pub const BLOCK_BYTES_MAX: usize = 256 * 1024;
/// Longest payload of one frame.
pub const PAYLOAD_BYTES_MAX: usize = 128 * 1024;

/// Most bytes of frames that a block may be found to have, and longest header.
const FRAMES_BYTES_MAX: usize = 2 * BLOCK_BYTES_MAX;
const HEADER_BYTES_MAX: usize = 4_096;

/// Random bytes at the beginning of each block: without them, whoever guesses a secret that was taken out could try the guess against
/// the digest that the header keeps.
pub const SALT_BYTES: usize = 16;
/// What stands in the place of a byte that was taken out. Ends of lines and tabs stay, so that the screen keeps its shape.
const TAKEN_OUT: u8 = b'*';

/// What happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Output(Vec<u8>),
    /// Typed keys, when the plan asks for them.
    Input(Vec<u8>),
    /// Keys typed while the terminal did not echo: only how many.
    Hidden(u64),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// Anything that is data rather than bytes of the terminal.
    Word(Word),
    /// Says nothing: [`SALT_BYTES`].
    Salt(Vec<u8>),
}

/// Facts of the session beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Word {
    Began {
        place: String,
        shell: String,
        encoding: String,
    },
    Held {
        held: Vec<HeldBecause>,
    },
    Released,
    /// Keys that came while they were held, and went nowhere.
    Refused {
        keys: u64,
    },
    /// Enter is held at a line that the plan calls dangerous.
    LineAsked {
        asked_at: Timestamp,
        line: String,
        words: String,
    },
    LineAnswered {
        asked_at: Timestamp,
        answer: LineAnswer,
    },
    CommandBegan {
        number: u32,
        text: String,
        cwd: String,
    },
    CommandEnded {
        command: TypedCommand,
    },
    Gap {
        gap: Gap,
    },
    Ended {
        end: SessionEnd,
    },
}

/// Names the frames of a block and the block before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: String,
    pub emergency: EmergencyId,
    pub session: u32,
    pub block: u64,
    /// Head of the block before; `None` for the first.
    pub prev: Option<Digest>,
    /// Microseconds since the session began, at the first frame's predecessor and at the last frame.
    pub from_us: u64,
    pub to_us: u64,
    /// Length and SHA-256 of the frames, uncompressed.
    pub bytes: u64,
    pub frames: Digest,
}

impl Header {
    pub const FORMAT: &'static str = "hikeshi-block-v1";

    /// The bytes that are hashed: compact JSON with the fields in this order.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub fn head(&self) -> Digest {
        Digest::of(&self.bytes())
    }
}

/// Why bytes are no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("frame {number} is cut off")]
    CutOff { number: u64 },
    #[error("frame {number} is of the unknown kind {kind}")]
    UnknownKind { number: u64, kind: u8 },
    #[error("frame {number} cannot be read: {detail}")]
    Unreadable { number: u64, detail: String },
    #[error("block {block}: {detail}")]
    Chain { block: u64, detail: String },
}

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Self::Output(_) => b'o',
            Self::Input(_) => b'i',
            Self::Hidden(_) => b'h',
            Self::Resize { .. } => b'r',
            Self::Word(_) => b'w',
            Self::Salt(_) => b's',
        }
    }

    /// Appends the frame, `after_us` after the one before.
    pub fn write(&self, after_us: u64, out: &mut Vec<u8>) {
        put_varint(after_us, out);
        out.push(self.kind());
        let mut small = Vec::new();
        let payload: &[u8] = match self {
            Self::Output(bytes) | Self::Input(bytes) | Self::Salt(bytes) => bytes,
            Self::Hidden(keys) => {
                put_varint(*keys, &mut small);
                &small
            }
            Self::Resize { columns, rows } => {
                put_varint(u64::from(*columns), &mut small);
                put_varint(u64::from(*rows), &mut small);
                &small
            }
            Self::Word(word) => {
                small = serde_json::to_vec(word).unwrap_or_default();
                &small
            }
        };
        put_varint(u64::try_from(payload.len()).unwrap_or(u64::MAX), out);
        out.extend_from_slice(payload);
    }
}

/// Reads the frames of a block, each with the microseconds since the one before.
pub fn frames(mut bytes: &[u8]) -> Result<Vec<(u64, Frame)>, RecordError> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let number = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let (after_us, kind, payload) = next_frame(&mut bytes, number)?;
        found.push((after_us, frame(number, kind, payload)?));
    }
    Ok(found)
}

fn next_frame<'a>(bytes: &mut &'a [u8], number: u64) -> Result<(u64, u8, &'a [u8]), RecordError> {
    let cut = || RecordError::CutOff { number };
    let after_us = take_varint(bytes).ok_or_else(cut)?;
    let (kind, rest) = bytes.split_first().ok_or_else(cut)?;
    *bytes = rest;
    let length = take_varint(bytes).and_then(|length| usize::try_from(length).ok()).ok_or_else(cut)?;
    if length > PAYLOAD_BYTES_MAX {
        return Err(RecordError::Unreadable { number, detail: format!("{length} bytes; at most {PAYLOAD_BYTES_MAX}") });
    }
    let (payload, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    *bytes = rest;
    Ok((after_us, *kind, payload))
}

/// The frames of a block without the bytes `from..to` of its output, and how many bytes of output the block has. Everything keeps its
/// length and its time. The typed keys of the block go, too: they may be the same secret; so does its salt.
pub fn redact(frames: &[u8], from: u64, to: u64) -> Result<(Vec<u8>, u64), RecordError> {
    let (mut rest, mut out, mut at, mut number) = (frames, Vec::with_capacity(frames.len()), 0_u64, 0);
    while !rest.is_empty() {
        let before = rest;
        let (_, kind, payload) = next_frame(&mut rest, number)?;
        let head = before.len().saturating_sub(rest.len()).saturating_sub(payload.len());
        out.extend_from_slice(before.get(..head).unwrap_or_default());
        match kind {
            b'o' => {
                out.extend((at..).zip(payload).map(|(place, byte)| if (from..to).contains(&place) { taken_out(*byte) } else { *byte }));
                at = at.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
            }
            b'i' | b's' => out.extend(payload.iter().map(|_| TAKEN_OUT)),
            _ => out.extend_from_slice(payload),
        }
        number += 1;
    }
    Ok((out, at))
}

fn taken_out(byte: u8) -> u8 {
    if matches!(byte, b'\n' | b'\r' | b'\t') { byte } else { TAKEN_OUT }
}

/// Whether a byte of the output of a redacted block can be one that was taken out.
pub(crate) fn is_taken_out(byte: u8) -> bool {
    taken_out(byte) == byte
}

fn frame(number: u64, kind: u8, mut payload: &[u8]) -> Result<Frame, RecordError> {
    let cut = || RecordError::CutOff { number };
    Ok(match kind {
        b'o' => Frame::Output(payload.to_vec()),
        b'i' => Frame::Input(payload.to_vec()),
        b's' => Frame::Salt(payload.to_vec()),
        b'h' => Frame::Hidden(take_varint(&mut payload).ok_or_else(cut)?),
        b'r' => {
            let mut side = || take_varint(&mut payload).and_then(|side| u16::try_from(side).ok());
            let (columns, rows) = (side().ok_or_else(cut)?, side().ok_or_else(cut)?);
            Frame::Resize { columns, rows }
        }
        b'w' => {
            Frame::Word(serde_json::from_slice(payload).map_err(|error| RecordError::Unreadable { number, detail: error.to_string() })?)
        }
        kind => return Err(RecordError::UnknownKind { number, kind }),
    })
}

/// Checks that a block continues the chain and that its frames are the ones that it names.
pub fn check(header: &Header, frames: &[u8], block: u64, prev: Option<&Digest>) -> Result<(), RecordError> {
    continues(header, frames, block, prev)?;
    if header.frames == Digest::of(frames) {
        Ok(())
    } else {
        Err(RecordError::Chain { block, detail: "its frames are not the ones that the header names".to_owned() })
    }
}

fn continues(header: &Header, frames: &[u8], block: u64, prev: Option<&Digest>) -> Result<(), RecordError> {
    let flaw = |detail: &str| Err(RecordError::Chain { block, detail: detail.to_owned() });
    if header.format != Header::FORMAT {
        return flaw("the format is unknown");
    }
    if header.block != block {
        return flaw("its number is another");
    }
    if header.prev.as_ref() != prev {
        return flaw("it does not continue the block before");
    }
    if header.bytes != u64::try_from(frames.len()).unwrap_or(u64::MAX) {
        return flaw("its frames are longer or shorter than the header says");
    }
    Ok(())
}

/// The two parts of a block's file: the header's very bytes, and the packed frames.
pub fn parts(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = file.iter().take(HEADER_BYTES_MAX).position(|byte| *byte == b'\n')?;
    let (header, rest) = file.split_at_checked(end)?;
    Some((header, rest.get(1..)?))
}

/// One block that was read back and fits the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub header: Header,
    pub head: Digest,
    /// Each frame with the microseconds since the session began.
    pub frames: Vec<(u64, Frame)>,
}

/// Reads a recording back, block after block, and stops at the first that does not fit. Who holds the files unpacks them.
#[derive(Debug, Clone, Default)]
pub struct Reel {
    next: u64,
    prev: Option<Digest>,
    at_us: u64,
}

impl Reel {
    /// The next block: its file's bytes and what the ledger says of it, also of its redaction. `unpack` gives at most so many bytes.
    pub fn take(
        &mut self,
        of: (EmergencyId, u32),
        (sealed, redacted): (&SealedBlock, Option<&RedactedBlock>),
        file: &[u8],
        unpack: impl FnOnce(&[u8], usize) -> Option<Vec<u8>>,
    ) -> Result<(Block, Vec<u8>), RecordError> {
        let block = self.next;
        let flaw = |detail: &str| RecordError::Chain { block, detail: detail.to_owned() };
        let (text, packed) = parts(file).ok_or_else(|| flaw("its file has no header"))?;
        let header: Header = serde_json::from_slice(text).map_err(|error| flaw(&format!("its header cannot be read: {error}")))?;
        if header.bytes() != text {
            return Err(flaw("its header is not in the canonical form"));
        }
        let head = Digest::of(text);
        if head != sealed.head {
            return Err(flaw("the ledger names another head"));
        }
        if (header.emergency, header.session) != of {
            return Err(flaw("it is of another session"));
        }
        let unpacked = unpack(packed, FRAMES_BYTES_MAX).ok_or_else(|| flaw("its frames cannot be unpacked"))?;
        match redacted {
            None => check(&header, &unpacked, block, self.prev.as_ref())?,
            Some(redacted) => {
                continues(&header, &unpacked, block, self.prev.as_ref())?;
                if redacted.frames != Digest::of(&unpacked) {
                    return Err(flaw("its frames are not the ones that the redaction names"));
                }
            }
        }
        if header.from_us != self.at_us || header.to_us < header.from_us {
            return Err(flaw("its times do not follow those before"));
        }
        let mut at_us = header.from_us;
        let mut timed = Vec::new();
        for (after_us, frame) in frames(&unpacked)? {
            at_us = at_us.saturating_add(after_us);
            timed.push((at_us, frame));
        }
        if at_us != header.to_us {
            return Err(flaw("its frames do not end when the header says"));
        }
        (self.next, self.prev, self.at_us) = (block + 1, Some(head), at_us);
        Ok((Block { header, head, frames: timed }, unpacked))
    }
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
