//! What other products export of people, schedules and escalations, turned into a piece of a policy. Pure: documents and a time in, values out.
//!
//! It is here, beside [`crate::alerts`], because it is the other half of how these vendors speak: their words end in this crate. Nothing of it is
//! in the door: what comes out is text for the policy file, which a person reads, and which is adopted like every policy. Each vendor has a file
//! that reads its form into [`model`]; [`turns`] turns a rotation into layers; [`build`] puts the piece together.

mod build;
mod goalert;
mod model;
mod opsgenie;
mod pagerduty;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::BTreeMap;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{PersonId, ScheduleName, ServiceName, SourceName};
use hikeshi_domain::policy::{EscalationStep, Person, Repeat, Schedule, Service, Source};
use hikeshi_text::import::Note;
use serde::Serialize;
use serde_json::Value;

/// A larger file is not parsed.
pub const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Files of one import.
pub const FILES_MAX: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Opsgenie,
    Pagerduty,
    Goalert,
}

impl Vendor {
    pub fn name(self) -> &'static str {
        match self {
            Self::Opsgenie => "Opsgenie",
            Self::Pagerduty => "PagerDuty",
            Self::Goalert => "GoAlert",
        }
    }
}

/// One file of an export.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its path, as people will look for it.
    pub name: String,
    /// The directory that it lies in, which says what it is in some exports.
    pub folder: String,
    pub content: Value,
}

/// The export is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("{file}: {detail}")]
    Shape { file: String, detail: String },
    #[error("no users, schedules or escalations were found")]
    Nothing,
    #[error("there is no escalation named `{given}`; there are: {known}")]
    NoSuchEscalation { given: String, known: String },
}

/// A piece of a policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fragment {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<PersonId, Person>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<ServiceName, Service>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<ScheduleName, Schedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<Escalation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Sources>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Escalation {
    pub escalation: Vec<EscalationStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sources {
    pub sources: BTreeMap<SourceName, Source>,
}

/// `escalation`: the one to take, by its name; else the one that most services use. `now` tells what has ended from what will.
pub fn import(vendor: Vendor, documents: &[Document], escalation: Option<&str>, now: Timestamp) -> Result<(Fragment, Vec<Note>), Broken> {
    let export = match vendor {
        Vendor::Opsgenie => opsgenie::read(documents)?,
        Vendor::Pagerduty => pagerduty::read(documents)?,
        Vendor::Goalert => goalert::read(documents)?,
    };
    build::fragment(export, escalation, now)
}
