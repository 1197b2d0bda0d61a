//! Exceptions that were carried out while the server was away: in a ledger of their own on the executor's machine, with the same door, and
//! how that ledger comes home.
//!
//! [`entering`] is how people prove who they are there, [`mod@parcel`] what is sent, [`examine()`] what the server verifies before it writes
//! anything, [`decide`] what follows. Making that ledger and sending it is the binary's work.

mod asked;
pub mod decide;
mod entering;
mod examine;
pub mod parcel;
mod redecide;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entering::{ENTER_NAMESPACE, Entered, Statement, StatementFlaw, entrant};
pub use examine::{Around, examine};

use crate::emergency::Emergency;
use crate::ids::{Digest, EmergencyId, EnvironmentName, IncidentId, PersonId, ServiceName};
use crate::incident::{Incident, Triage};
use crate::obligation::Obligation;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::review::Course;

/// What is known of an exception without this ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "offline", rename_all = "snake_case")]
pub enum OfflineEvent {
    /// An executor's machine has told of an exception that was carried out, or still is, without this ledger.
    Announced { incident: Box<Incident> },
    /// It has not come home in time.
    Late { incident: IncidentId },
    /// It came home: everything in it was verified.
    Reconciled {
        incident: Box<Incident>,
        emergencies: Vec<Emergency>,
        /// What was brought beside the record of the parcel itself: outputs, files, blocks of recordings.
        contents: Vec<Kept>,
    },
}

/// A content that is kept beside the ledger. Its form is the one by which a bundle finds contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    pub digest: Digest,
    pub bytes: u64,
    pub kept: bool,
}

impl Kept {
    pub fn of(content: &[u8]) -> Self {
        Self { digest: Digest::of(content), bytes: u64::try_from(content.len()).unwrap_or(u64::MAX), kept: true }
    }
}

/// What is known here of a case that is kept in another ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Away {
    pub ledger: String,
    pub key: String,
    pub host: String,
    /// When its first exception was asked for. From then on it must come home in time.
    pub requested_at: Timestamp,
    pub announced_at: Timestamp,
    pub announced_by: PersonId,
    #[serde(default)]
    pub late_announced: bool,
    #[serde(default)]
    pub reconciled: Option<Reconciled>,
}

impl Away {
    pub fn due_at(&self, policy: &Policy) -> Timestamp {
        due_at(self.requested_at, policy)
    }
}

/// When an exception that was asked for then must have come home.
pub fn due_at(requested_at: Timestamp, policy: &Policy) -> Timestamp {
    requested_at.checked_add(SignedDuration::from_hours(i64::from(policy.emergency.reconcile_within_h))).unwrap_or(Timestamp::MAX)
}

/// How it came home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciled {
    pub at: Timestamp,
    pub by: PersonId,
    /// The local ledger's last checkpoint.
    pub size: u64,
    pub root: Digest,
    /// The trust bundle on which it rested.
    pub trust: Digest,
    /// Every entry and proof of it, as it was sent; the contents are beside it.
    pub parcel: Kept,
    /// The numbers there, and the numbers here.
    pub emergencies: BTreeMap<EmergencyId, EmergencyId>,
    pub degraded: Vec<Degraded>,
}

/// What an exception says of where it was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offline {
    pub host: String,
    /// Its number and its incident's in the ledger in which it was approved.
    pub emergency: EmergencyId,
    pub incident: IncidentId,
    pub reconciled_at: Timestamp,
    pub reconciled_by: PersonId,
    pub parcel: Digest,
    pub degraded: Vec<Degraded>,
    /// What its own entries tell of its course, for reports and for the search for abuse.
    #[serde(default)]
    pub course: Course,
}

/// What of it rests on the word of the executor's machine alone, and somebody must look over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "degraded", rename_all = "snake_case")]
pub enum Degraded {
    /// Steps were run; that the witnesses were there at that moment nobody but that machine says. That they had signed in, their keys do.
    PresenceTold { emergency: EmergencyId },
    /// What this person said there (a change accepted, a danger confirmed, a verification by eye, a stop lifted) they have signed nowhere.
    WordTold { emergency: EmergencyId, person: PersonId },
    /// This witness watched with a device for which their own key does not answer, such as a browser's.
    DeviceUnsigned { emergency: EmergencyId, session: u32, person: PersonId },
    /// Keys could reach the shell in blocks for which too few have signed.
    WatchedShort { emergency: EmergencyId, session: u32, blocks: u64 },
    /// Something is missing in a recording, as the record itself says.
    RecordingGap { emergency: EmergencyId, session: u32, gaps: u64 },
    /// The key of an approver or witness does not count here: it was revoked or taken out of the policy, or did not count yet or any more when
    /// it signed. When that was, only the executor's clock says.
    KeyRevoked { person: PersonId },
    /// The server's policy is another than the one on which it rested.
    TermsMoved { policy: Digest },
    /// This person had told of a ledger of the same name with another key: there are, or were, two.
    OtherAnnounced { by: PersonId },
}

/// Why a local ledger does not come in. Codes only; the words are elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum LocalFlaw {
    /// What was sent is not one, or was cut.
    Unreadable {
        part: String,
    },
    /// It rests on a trust bundle that this server has not signed.
    TrustNotOurs,
    /// Its first entry does not say what that bundle says.
    BeginningDiffers {
        part: String,
    },
    /// Something of its bundle does not hold: the codes of what is wrong.
    BundleFlawed {
        first: String,
        count: u64,
    },
    /// The chain from one entry to the next is broken here.
    ChainBroken {
        seq: u64,
    },
    /// Its entries do not lead to what was signed.
    RootDiffers,
    TimeBackwards {
        seq: u64,
    },
    /// It is later than now.
    TimeAhead {
        seq: u64,
    },
    /// It was begun, or approved, after the trust bundle had ended.
    TrustExpired {
        seq: u64,
        until: Timestamp,
    },
    /// This person has not proven with their key who they are.
    ActorUnproven {
        seq: u64,
        person: PersonId,
    },
    /// The rules, asked again, say no to what this entry says was done.
    RuleBroken {
        seq: u64,
        refusal: Box<Refusal>,
    },
    /// The rules, asked again, say something else.
    Rewritten {
        seq: u64,
    },
    /// Nothing was asked for in it.
    NoException,
    /// It is still going on there.
    StillOpen {
        emergency: EmergencyId,
    },
}

/// What examining a local ledger has shown. Only the examination makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Home {
    pub ledger: String,
    pub key: String,
    pub host: String,
    pub trust: Digest,
    pub size: u64,
    pub root: Digest,
    pub requested_at: Timestamp,
    pub incident: Box<Incident>,
    pub emergencies: Vec<Emergency>,
    pub obligations: Vec<Obligation>,
    pub degraded: Vec<Degraded>,
    /// What its entries tell of the course of each exception.
    pub courses: BTreeMap<EmergencyId, Course>,
    pub parcel: Kept,
    pub contents: Vec<Kept>,
}

/// An exception that is kept elsewhere, as its machine tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    pub ledger: String,
    pub key: String,
    pub host: String,
    pub requested_at: Timestamp,
    pub title: String,
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub triage: Triage,
}

impl Home {
    /// What would have been told before it came.
    pub fn announced(&self) -> Announced {
        Announced {
            ledger: self.ledger.clone(),
            key: self.key.clone(),
            host: self.host.clone(),
            requested_at: self.requested_at,
            title: self.incident.title.clone(),
            service: self.incident.service.clone(),
            environment: self.incident.environment.clone(),
            triage: self.incident.triage.clone(),
        }
    }
}

/// What the server's own part for local ledgers may say; no person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A machine has told of it, in the name of somebody who is signed in.
    Announce { by: PersonId, case: Announced },
    /// It was examined, and comes in.
    Import { by: PersonId, incident: IncidentId, home: Box<Home> },
    /// It was examined, and does not come in. Always refused, so that the attempt stands in the record.
    TurnAway { by: PersonId, flaw: LocalFlaw },
}
