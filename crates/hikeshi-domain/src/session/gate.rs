//! Whether keys may reach the shell: only in company (rule E4). The record's own part of the gate is with the recorder, which knows its disk.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Session;
use crate::emergency::{Emergency, Quorum, Status, quorum_of};
use crate::ids::PersonId;
use crate::policy::Policy;

/// What is known of one witness's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looking {
    /// The page is in front, not in another tab or under a lock screen.
    pub visible: bool,
    /// When the device last said anything.
    pub heard_at: Timestamp,
    /// Since when it has not shown what was recorded; `None`: it is up to date.
    pub behind_since: Option<Timestamp>,
}

/// Why a witness who joined does not count now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Joined, and has not opened the terminal's page.
    NotWatching,
    Hidden,
    Behind,
    Silent,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Absent {
    pub person: PersonId,
    pub why: Absence,
}

/// One reason why keys are held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum HeldBecause {
    /// Too few people are looking, or none of them is senior and no approver.
    Witnesses { looking: Vec<PersonId>, needed: u32, seniors: Vec<PersonId>, seniors_needed: u32, absent: Vec<Absent> },
    /// A witness said stop.
    Stopped { by: PersonId, reason: String },
    /// Who looks has not been counted yet, or not for a moment: nothing passes on an old word.
    NotCounted,
    /// A witness has ended the session.
    Ending,
    /// The exception is not being carried out now: it is verified, restored, or over.
    NotExecuting,
    /// The record was not stored for two seconds, neither on disk nor at the server.
    NotStored,
    /// Nothing was heard of the server for a second and a half.
    ServerLost,
    /// The executor's terminal is gone.
    Detached,
}

/// Why keys must not pass; empty: they may. Counts people whose own screen shows the session now: having joined is not enough.
pub fn gate(
    emergency: &Emergency,
    session: &Session,
    policy: &Policy,
    looking: &BTreeMap<PersonId, Looking>,
    now: Timestamp,
) -> Vec<HeldBecause> {
    let mut held = Vec::new();
    let restored = emergency.restored.as_ref().is_some_and(|restored| restored.finished_at.is_some());
    if emergency.status != Status::Executing || restored {
        held.push(HeldBecause::NotExecuting);
    }
    if session.stop.is_some() {
        held.push(HeldBecause::Ending);
    }
    if let Some(hold) = &emergency.hold {
        held.push(HeldBecause::Stopped { by: hold.by.clone(), reason: hold.reason.clone() });
    }
    let ago = |span: SignedDuration| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    let heard_since = ago(SignedDuration::from_millis(i64::from(policy.emergency.silent_timeout_ms)));
    let shown_since = ago(SignedDuration::from_secs(i64::from(policy.emergency.behind_timeout_s)));
    let absence = |person: &PersonId| match looking.get(person) {
        None => Some(Absence::NotWatching),
        Some(seen) if seen.heard_at < heard_since => Some(Absence::Silent),
        Some(seen) if !seen.visible => Some(Absence::Hidden),
        Some(seen) if seen.behind_since.is_some_and(|since| since < shown_since) => Some(Absence::Behind),
        Some(_) => None,
    };
    let mut absent = Vec::new();
    let quorum = quorum_of(emergency, policy, |person| {
        let why = absence(person);
        absent.extend(why.map(|why| Absent { person: person.clone(), why }));
        why.is_none()
    });
    if !quorum.met {
        let Quorum { present, needed, seniors, seniors_needed, met: _ } = quorum;
        held.push(HeldBecause::Witnesses { looking: present, needed, seniors, seniors_needed, absent });
    }
    held
}
