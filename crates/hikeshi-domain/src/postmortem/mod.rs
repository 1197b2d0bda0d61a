//! Postmortems: what an incident has taught, and what is done so that it does not come again (rule I8). Finding them again is in [`crate::similar`].
//!
//! Deciding is in [`decide`]; what follows from an event in [`state`]. Not here: how one reads as Markdown (`hikeshi-text`).

pub mod decide;
pub(crate) mod order;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effect::EffectKey;
use crate::ids::{Digest, IncidentId, ObligationId, PersonId};
use crate::obligation::PreventionItem;

/// What only people can write; title, times, severity and timeline are filled in from the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub impact: String,
    /// Why did it happen, and why that: five times, or until there is no further answer.
    pub whys: Vec<String>,
    pub cause: String,
    /// What was done, and what solved it.
    pub response: String,
    pub lessons: String,
}

/// What an incident knows of its postmortem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Postmortem {
    /// Set where rule I8 makes it mandatory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<ObligationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// Prevention items, in the order in which they were decided. Each is an obligation of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ObligationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed: Option<Filed>,
    /// Why the file could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<EffectKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    pub content: Content,
    pub by: PersonId,
    pub at: Timestamp,
    /// 1 when it is new; counts up with each amendment.
    pub revision: u32,
}

/// The Markdown file that was written of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Filed {
    pub file: String,
    pub digest: Digest,
    pub at: Timestamp,
}

/// A postmortem that was written elsewhere, as far as it was understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    pub title: String,
    /// When it happened, as the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    #[serde(default)]
    pub service: String,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub impact: String,
    #[serde(default)]
    pub cause: String,
    #[serde(default)]
    pub response: String,
    #[serde(default)]
    pub lessons: String,
    /// Parts under headings that nobody here knows, as they were.
    #[serde(default)]
    pub rest: String,
}

/// Everything that can be asked of a postmortem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    Write {
        incident: IncidentId,
        content: Content,
        items: Vec<PreventionItem>,
    },
    /// Writes it anew. Prevention items stay owed; those named here are added.
    Amend {
        incident: IncidentId,
        content: Content,
        #[serde(default)]
        items: Vec<PreventionItem>,
        reason: String,
    },
    /// Takes in one that was written elsewhere, so that it is found. The same file again changes nothing.
    Import {
        file: String,
        /// Of the file's bytes.
        digest: Digest,
        found: Box<Imported>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "postmortem", rename_all = "snake_case")]
pub enum PostmortemEvent {
    Written {
        incident: IncidentId,
        content: Content,
        items: Vec<ObligationId>,
        by: PersonId,
        /// Why it was amended; empty when it is new.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        effect: EffectKey,
    },
    Filed {
        incident: IncidentId,
        file: String,
        digest: Digest,
    },
    Unfiled {
        incident: IncidentId,
        detail: String,
    },
    Imported {
        file: String,
        digest: Digest,
        found: Box<Imported>,
    },
}
