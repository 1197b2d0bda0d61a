//! What people outside the team are told of an incident (rule I6), and what the status page shows.
//!
//! Nothing of an incident is public before somebody has published it, in words of their own. A post is never changed: another one corrects it.

pub mod decide;
pub mod order;
pub mod picture;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effect::EffectKey;
use crate::ids::{ComponentName, IncidentId, PersonId};

/// Posts on one incident; whoever needs more has opened another one long ago.
pub const POSTS_MAX: usize = 200;
/// What outsiders read on a telephone is short.
pub const TEXT_CHARS_MAX: u32 = 2_000;

/// Where an incident stands, as outsiders are told. It says nothing of the stage of the work inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublicState {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

impl PublicState {
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];
}

/// How a component is, the worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    #[default]
    Operational,
    Maintenance,
    Degraded,
    PartialOutage,
    MajorOutage,
}

impl Health {
    pub const ALL: [Self; 5] = [Self::Operational, Self::Maintenance, Self::Degraded, Self::PartialOutage, Self::MajorOutage];
}

/// Words for outsiders. Where one language is missing the other one is shown, marked as such.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PublicText {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl PublicText {
    pub fn is_empty(&self) -> bool {
        self.ja.is_none() && self.en.is_none()
    }
}

/// One thing that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicPost {
    /// Counted from 1 on its incident.
    pub number: u32,
    pub at: Timestamp,
    pub state: PublicState,
    /// Empty: the program's own sentence, that service is back.
    #[serde(default, skip_serializing_if = "PublicText::is_empty")]
    pub text: PublicText,
    /// What this post says of components; of others it says nothing new.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<ComponentName, Health>,
    /// `None`: the program, when the incident was resolved and nothing final had been published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// How many subscribers it has reached, once all were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    pub at: Timestamp,
    pub sent: u32,
    pub failed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEvent {
    pub incident: IncidentId,
    #[serde(flatten)]
    pub what: StatusStep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StatusStep {
    Published {
        post: Box<PublicPost>,
    },
    /// Every subscriber was tried. Who they are stands nowhere in the ledger.
    Told {
        number: u32,
        sent: u32,
        failed: u32,
    },
}

/// The effect that tells subscribers of one post: `status/inc_1/3`.
pub fn effect_key(incident: IncidentId, number: u32) -> EffectKey {
    EffectKey(format!("status/{incident}/{number}"))
}

/// The incident and post of such an effect.
pub fn post_of(key: &EffectKey) -> Option<(IncidentId, u32)> {
    let mut parts = key.0.strip_prefix("status/")?.split('/');
    let found = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(found)
}
