//! Which pages may wait for each other, and what goes in one message.
//!
//! Nobody is called again for each incident of a service about which they were just called: what follows within the window comes together. The
//! first page of a place never waits, nor does one that is more serious than what was said, one that answers a failure, or a P1. That a page
//! waits changes neither its key nor its record; it is the store that leaves it where it is for a moment.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PageOrder;
use super::decide::Subject;
use crate::effect::EffectKey;
use crate::ids::{Digest, IncidentId};
use crate::incident::Priority;
use crate::policy::Policy;

/// More than this in one message helps nobody; what is left follows in the next one.
pub const BUNDLE_MAX: usize = 50;

/// Whether a page waits for others, and which page makes others wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Service and environment.
    pub place: String,
    pub seconds: u32,
    pub may_wait: bool,
    /// 1 is the most serious. Nothing waits behind what is less serious than itself.
    pub rank: u8,
}

/// Whether something hurries, whatever its priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// What failed is made good at once.
    AtOnce,
    None,
}

impl Window {
    pub(super) fn of(policy: &Policy, subject: &Subject<'_>, haste: Haste) -> Option<Self> {
        let rules = policy.paging.as_ref().map(|paging| &paging.bundle).filter(|bundle| bundle.window_s > 0)?;
        Some(Self {
            place: format!("{}/{}", subject.service, subject.environment),
            seconds: rules.window_s,
            may_wait: haste == Haste::None && subject.priority != Priority::P1 && rules.priorities.contains(&subject.priority),
            rank: match subject.priority {
                Priority::P1 => 1,
                Priority::P2 => 2,
                Priority::P3 => 3,
                Priority::P4 => 4,
            },
        })
    }
}

/// One incident of a message that is about several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bundled {
    pub incident: IncidentId,
    pub title: String,
    pub priority: Priority,
    pub service: String,
    pub environment: String,
    pub detected_at: Timestamp,
    #[serde(flatten)]
    pub stands: Stands,
}

/// How an incident stands when its page is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "stands", rename_all = "snake_case")]
pub enum Stands {
    /// Nobody has it.
    Waiting,
    Acknowledged {
        /// Their name.
        by: String,
    },
    /// Service is back.
    Over,
}

impl PageOrder {
    /// By what a receiver tells one message from another. A bundle is another message than any of its pages alone, and the same pages together are the
    /// same one again.
    pub fn message_key(&self, key: &EffectKey) -> EffectKey {
        if self.bundle.is_empty() {
            return key.clone();
        }
        let of: Vec<String> = self.bundle.iter().map(|one| one.incident.to_string()).collect();
        let digest = Digest::of(format!("{key} {}", of.join(" ")).as_bytes()).to_string();
        EffectKey(format!("pages/{}/{}", self.person, digest.chars().take(32).collect::<String>()))
    }

    /// How many incidents beside the first one it is about.
    pub fn others(&self) -> usize {
        self.bundle.len().saturating_sub(1)
    }
}

/// The incidents of a message, beside one of them.
pub fn beside(bundle: &[EffectKey], incident: IncidentId) -> Vec<IncidentId> {
    let mut others: Vec<IncidentId> = Vec::new();
    for id in bundle.iter().filter_map(super::decide::incident_of) {
        if id != incident && !others.contains(&id) {
            others.push(id);
        }
    }
    others
}
