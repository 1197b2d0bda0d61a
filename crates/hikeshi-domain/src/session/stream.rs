//! What recorder, server and watching devices say to each other over a web socket. Text messages are JSON of the types here;
//! binary messages are one kind byte and the bytes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ack, DeviceKey, Encoding, HeldBecause, LineAnswer, LineAsk};
use crate::ids::Digest;

/// Binary, from the recorder and to watchers: frames of the block under way.
pub const FRAMES: u8 = b'F';
/// Binary, from the recorder: the header of the block that these frames made.
pub const SEALED: u8 = b'B';
/// Binary, from the recorder: still there.
pub const BEAT: u8 = b'b';
/// Binary, from the recorder: how the session ended, as JSON.
pub const END: u8 = b'E';

/// Binary, from the recorder: [`Asking`] as JSON.
pub const ASK: u8 = b'Q';
/// Binary, from the recorder: when the line was asked about that nobody needs to answer any more, as JSON; `null`: it has run.
pub const WITHDRAW: u8 = b'q';

/// How often a device that counts says that it looks, in milliseconds.
pub const LOOK_EVERY_MS: u64 = 500;
/// How often whoever watches hears the gate, changed or not, in milliseconds: one who hears nothing knows that the connection is gone.
pub const TELL_EVERY_MS: u64 = 1_000;

/// Enter is held at this line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asking {
    pub line: String,
    /// Which of the plan's dangerous lines, from 0.
    pub rule: u32,
    pub asked_at: Timestamp,
}

/// To the recorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ToRecorder {
    /// First of all: what is there already.
    Have {
        blocks: u64,
        head: Option<Digest>,
    },
    Stored {
        block: u64,
    },
    /// Twice a second, and at every change. `named`: how many blocks the ledger names; only those survive the server.
    Gate {
        held: Vec<HeldBecause>,
        named: u64,
    },
    /// Changed files outside the approved scope that nobody has accepted yet (rule E8); again when there are others.
    Outside {
        paths: Vec<String>,
    },
    /// What became of the line that was asked about.
    Answered {
        asked_at: Timestamp,
        answer: LineAnswer,
    },
    /// A witness ends the session: the shell is to be hung up.
    HangUp,
    /// The session is over in the ledger, which names these blocks, and this head of the last.
    Over {
        blocks: u64,
        head: Option<Digest>,
    },
    Refused {
        why: String,
    },
}

/// To a watching device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ToWatcher {
    /// The screen as it is. The frames of the block under way follow as a binary message.
    Screen { columns: u16, rows: u16, encoding: Encoding, state: String, block: u64, prev: Option<Digest> },
    /// The frames since the last of these are a block. The string is the header's very bytes.
    Sealed { header: String },
    /// Why keys are held, with the words for it in the reader's language; empty: they pass.
    Gate { held: Vec<HeldBecause>, words: Vec<String> },
    /// Changed files outside the approved scope that nobody has accepted yet (rule E8), with the words for it; empty: none any more.
    Outside { paths: Vec<String>, words: String },
    /// A line that waits for a confirmation, or has been answered, with the words for it in the reader's language.
    Asked { ask: LineAsk, words: String },
    /// The device counts for its person now.
    Bound,
    /// It does not, and why: three sentences for people.
    NotBound { words: Vec<String> },
    /// Another device of this person counts now.
    Replaced,
    /// No more will come.
    Over,
}

/// From a watching device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromWatcher {
    /// The key with which this device signs what it shows.
    Bind { key: DeviceKey },
    /// Whether its page is in front, and what it has shown since. Said at every change and each [`LOOK_EVERY_MS`]: a device that is not
    /// heard does not count.
    Look {
        visible: bool,
        #[serde(default)]
        ack: Option<Ack>,
    },
}
