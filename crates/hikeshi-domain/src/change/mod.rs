//! Changes: what was altered, and when. When something burns, what changed is asked first (rule I7).
//!
//! Told by people and by other programs (a deploy, a flag), or known from the ledger itself: steps and sessions of exceptions, restores,
//! policies, silences. Each is one row, found by its time; the rows are a projection like every other. What is told is decided in [`decide`], what an
//! event makes known in [`state`].

pub mod decide;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::silence::Covers;
use crate::ids::{Digest, EmergencyId, EnvironmentName, ServiceName, SilenceId};
use crate::incident::Incident;
use crate::people::Actor;

pub const TITLE_CHARS_MAX: u32 = 200;
pub const DETAILS_CHARS_MAX: u32 = 2_000;
pub const LINK_CHARS_MAX: u32 = 1_000;
/// How long before an incident a change may be its cause.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// Which change. What is told twice has the same key, and so is one change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ChangeKey(String);

impl ChangeKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// What the ledger knows by itself is named by where it stands there.
    fn known(name: String) -> Self {
        Self(name)
    }
    /// What is told: by whom, in which words, where and when.
    fn told(by: &Actor, words: &[&str], place: (Option<&ServiceName>, Option<&EnvironmentName>), at: Timestamp) -> Self {
        let who = match by {
            Actor::Person { person, .. } => format!("person/{person}"),
            Actor::Source { source } => format!("source/{source}"),
            Actor::Runner | Actor::Recorder | Actor::Timer | Actor::Monitor { .. } | Actor::Startup => String::new(),
        };
        let (service, environment) = (place.0.map_or("", ServiceName::as_str), place.1.map_or("", EnvironmentName::as_str));
        Self(format!("told/{}", Digest::of([&[&who, service, environment, &at.to_string()], words].concat().join("\n").as_bytes())))
    }
}

impl fmt::Display for ChangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ChangeKey {
    type Err = std::convert::Infallible;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Ok(Self(given.to_owned()))
    }
}

/// One thing that was altered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    pub key: ChangeKey,
    /// When it happened; for what takes longer, when it began.
    pub at: Timestamp,
    /// Who did it, or tells of it.
    pub by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A person or another program says so: a deploy, a flag, a migration.
    Told {
        title: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        details: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    },
    /// A step of an emergency exception.
    Step {
        emergency: EmergencyId,
        step: u32,
        title: String,
        stands: Stands,
    },
    /// A witnessed session. What was typed in it stands in its recording.
    Session {
        emergency: EmergencyId,
        session: u32,
        /// `None` while it is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commands: Option<u64>,
    },
    /// Files of an exception were put back.
    Reverted {
        emergency: EmergencyId,
        files: u64,
    },
    /// The backup of an exception was restored.
    Restored {
        emergency: EmergencyId,
    },
    Policy {
        digest: Digest,
    },
    Silence {
        silence: SilenceId,
        covers: Covers,
        until: Timestamp,
        reason: String,
    },
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    Running,
    Succeeded,
    Failed,
    InDoubt,
    /// It was in doubt, and a person found that it had not run.
    DidNotRun,
}

impl Change {
    /// It happened where the incident is.
    pub fn is_of(&self, incident: &Incident) -> bool {
        self.service.as_ref() == Some(&incident.service) && self.environment.as_ref() == Some(&incident.environment)
    }
}

/// The time in which a change matters to an incident: from a day before it was noticed until it was over, or now.
pub fn span_of(incident: &Incident, now: Timestamp) -> (Timestamp, Timestamp) {
    let noticed = incident.detected_at.min(incident.opened_at);
    let merged = incident.merged.as_ref().map(|merged| merged.at);
    let until = incident.resolved.as_ref().map(|resolved| resolved.at).or(merged).unwrap_or(now);
    (noticed.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN), until)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ChangeEvent {
    Told { change: Box<Change> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Tells of a change. What the secret of a source tells is of that source's service and environment, whatever it says.
    Record {
        title: String,
        #[serde(default)]
        details: String,
        #[serde(default)]
        service: Option<ServiceName>,
        #[serde(default)]
        environment: Option<EnvironmentName>,
        /// Where it can be read: `https://…`.
        #[serde(default)]
        link: Option<String>,
        /// When it happened, if that was earlier than now. The same words of the same time are the same change.
        #[serde(default)]
        at: Option<Timestamp>,
    },
}

/// An address that a page may link to.
pub fn is_link(text: &str) -> bool {
    let http = text.starts_with("https://") || text.starts_with("http://");
    http && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
