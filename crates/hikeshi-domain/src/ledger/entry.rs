//! One entry: one command and what followed from it, or why it was refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::effect::{Effect, EffectKey};
use crate::event::Event;
use crate::ids::{Digest, IncidentId, RequestKey};
use crate::people::{Actor, Via};
use crate::refusal::Refusal;

/// The content of an entry. Its canonical form is the compact JSON of this type, kept as bytes and never re-serialised to verify.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format version of the entry.
    pub v: u8,
    /// Index in the ledger, from 0.
    pub seq: u64,
    pub at: Timestamp,
    pub actor: Actor,
    pub via: Via,
    pub key: RequestKey,
    /// Kind of the command.
    pub kind: String,
    /// Incident whose case this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<IncidentId>,
    /// Leaf hash of the entry before; all zeros for the first.
    pub prev: Digest,
    #[serde(flatten)]
    pub result: EntryResult,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum EntryResult {
    Done {
        events: Vec<Event>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        effects: Vec<Effect>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settles: Option<EffectKey>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made: Option<String>,
    },
    Refused {
        rule: String,
        code: String,
        refusal: Refusal,
        /// What was asked, masked: a refused attempt is evidence.
        asked: serde_json::Value,
    },
}

impl Entry {
    pub const VERSION: u8 = 1;

    /// The bytes that are hashed and kept.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
