//! Whether keys may reach the shell: only in company (rule E4). The record's own part of the gate is with the recorder, which knows its disk.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Session;
use crate::emergency::Emergency;
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
    /// Who looks has not been counted yet, or not for two seconds: nothing passes on an old word.
    NotCounted,
    /// A witness has ended the session.
    Ending,
    /// The exception is not being carried out now: it is verified, restored, or over.
    NotExecuting,
    /// The record was not stored for two seconds, neither on disk nor at the server.
    NotStored,
    /// Nothing was heard of the server for two seconds.
    ServerLost,
    /// The executor's terminal is gone.
    Detached,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub held: Vec<HeldBecause>,
}

/// Counts distinct people whose own screen shows the session now. Having joined is not enough.
pub fn gate(emergency: &Emergency, session: &Session, policy: &Policy, looking: &BTreeMap<PersonId, Looking>, now: Timestamp) -> Gate {
    let mut held = Vec::new();
    let restored = emergency.restored.as_ref().is_some_and(|restored| restored.finished_at.is_some());
    if emergency.status != crate::emergency::Status::Executing || restored {
        held.push(HeldBecause::NotExecuting);
    }
    if session.stop.is_some() {
        held.push(HeldBecause::Ending);
    }
    if let Some(hold) = &emergency.hold {
        held.push(HeldBecause::Stopped { by: hold.by.clone(), reason: hold.reason.clone() });
    }
    let rules = &policy.emergency;
    let oldest = now.checked_sub(SignedDuration::from_secs(i64::from(rules.watch_timeout_s))).unwrap_or(Timestamp::MIN);
    let absence = |person: &PersonId| match looking.get(person) {
        None => Some(Absence::NotWatching),
        Some(seen) if seen.heard_at < oldest => Some(Absence::Silent),
        Some(seen) if !seen.visible => Some(Absence::Hidden),
        Some(seen) if seen.behind_since.is_some_and(|since| since < oldest) => Some(Absence::Behind),
        Some(_) => None,
    };
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for (person, _) in emergency.witnesses.iter().filter(|(person, witness)| {
        witness.present && **person != emergency.plan.executor && policy.has_any_role(person, &rules.witness_roles)
    }) {
        match absence(person) {
            Some(why) => absent.push(Absent { person: person.clone(), why }),
            None => present.push(person.clone()),
        }
    }
    let seniors: Vec<PersonId> = present
        .iter()
        .filter(|person| {
            policy.has_any_role(person, &rules.senior_roles) && !emergency.approvals.iter().any(|approval| approval.by == **person)
        })
        .cloned()
        .collect();
    let enough = |have: usize, needed: u32| u32::try_from(have).unwrap_or(u32::MAX) >= needed;
    if !enough(present.len(), rules.witnesses_min) || !enough(seniors.len(), rules.seniors_min) {
        held.push(HeldBecause::Witnesses {
            looking: present,
            needed: rules.witnesses_min,
            seniors,
            seniors_needed: rules.seniors_min,
            absent,
        });
    }
    Gate { held }
}
