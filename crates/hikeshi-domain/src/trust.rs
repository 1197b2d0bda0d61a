//! The trust bundle: who may approve, with which key, until when, signed by the ledger's key. It lets an executor judge an approval
//! while the server is what burns.
//!
//! Where it is kept, and when it is renewed, is the binary's work.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::chat::Seal;
use crate::emergency::{ApprovalProof, PlanDocument, signer};
use crate::ids::{Digest, PersonId, RoleName};
use crate::ledger::{LedgerKey, NoteError, VerifierKey, open_note};
use crate::permit::roles_for;
use crate::policy::{Documents, Local, Owed, Policy};
use crate::refusal::Refusal;
use crate::signature::SignatureFlaw;
use crate::signature::ssh::SshKey;

/// First line of the note; never that of a checkpoint or a manifest, so none can be taken for another.
pub const TRUST_FORMAT: &str = "hikeshi-trust-v1";

/// What an executor must know of the policy to judge an approval, and to carry one out. No address, no telephone number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    pub workspace: String,
    /// The key that has signed it, as `name+hash+base64`.
    pub ledger_key: String,
    /// The policy of which it is an extract.
    pub policy: Digest,
    pub made_at: Timestamp,
    /// Later than that nothing is judged by it: keys may have been revoked since.
    pub valid_until: Timestamp,
    /// One of these roles approves; while follow-up is overdue, each of them must.
    pub approver_roles: Vec<RoleName>,
    /// Narrows who may approve, if the policy does.
    pub approve_permission: Option<Vec<RoleName>>,
    pub approval_valid_min: u32,
    pub witnesses_min: u32,
    pub seniors_min: u32,
    pub witness_roles: Vec<RoleName>,
    pub senior_roles: Vec<RoleName>,
    pub people: BTreeMap<PersonId, TrustedPerson>,
    /// What an executor's machine needs to carry out an exception while the server is away: the policy without addresses, chat, forge and monitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Box<Policy>>,
    /// How far the server's ledger had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
    /// What was owed then, for rule E14.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Owed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedPerson {
    pub name: String,
    pub roles: Vec<RoleName>,
    pub ssh_keys: Vec<SshKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("this is not a trust bundle of a version that is known")]
    NotATrust,
    #[error("the trust bundle ended at {0}")]
    Expired(Timestamp),
    #[error("the trust bundle begins at {0}: this clock is behind, or the bundle's was ahead")]
    NotYet(Timestamp),
}

/// Why an approval does not count, as far as can be seen offline.
#[derive(Debug, Clone, PartialEq)]
pub enum Unjudged {
    /// The file is no plan of a version that is known.
    NotAPlan,
    Refused(Box<Refusal>),
}

impl From<Refusal> for Unjudged {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// What an offline look at an approval has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    pub by: PersonId,
    pub name: String,
    pub key: String,
    /// The approver roles that the signer holds.
    pub roles: Vec<RoleName>,
    pub digest: Digest,
    pub emergency: String,
    /// The roles that must approve too if follow-up of an earlier exception is overdue, which only the server knows (rule E14).
    pub missing_if_hardened: Vec<RoleName>,
}

/// What binds an exception, and nothing that reaches somewhere else or tells how people can be reached.
fn terms(policy: &Policy) -> Policy {
    let mut terms = policy.clone();
    for person in terms.people.values_mut() {
        (person.email, person.phone, person.chat) = (None, None, None);
    }
    (terms.slack, terms.forge, terms.local) = (None, None, None);
    terms.monitors = BTreeMap::new();
    terms.documents = Documents { root: "documents".to_owned() };
    terms
}

/// The parts of a plan document that decide who may approve it.
#[derive(Deserialize)]
struct Plan {
    format: String,
    emergency: String,
    requester: PersonId,
    plan: Executed,
}

#[derive(Deserialize)]
struct Executed {
    executor: PersonId,
}

/// Clocks of two machines differ a little.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Trust {
    pub fn of(policy: &Policy, key: &VerifierKey, now: Timestamp) -> Self {
        let rules = &policy.emergency;
        let valid = SignedDuration::from_hours(i64::from(rules.trust_valid_h));
        let people = policy.people.iter().map(|(id, person)| {
            let ssh_keys = person.ssh_keys.clone();
            (id.clone(), TrustedPerson { name: person.name.clone(), roles: person.roles.clone(), ssh_keys })
        });
        Self {
            workspace: policy.workspace.name.clone(),
            ledger_key: key.to_string(),
            policy: policy.digest(),
            made_at: now,
            valid_until: now.checked_add(valid).unwrap_or(now),
            approver_roles: rules.approver_roles.clone(),
            approve_permission: roles_for(policy, "emergency.approve"),
            approval_valid_min: rules.approval_valid_min,
            witnesses_min: rules.witnesses_min,
            seniors_min: rules.seniors_min,
            witness_roles: rules.witness_roles.clone(),
            senior_roles: rules.senior_roles.clone(),
            people: people.collect(),
            terms: Some(Box::new(terms(policy))),
            seal: None,
            owed: Vec::new(),
        }
    }

    /// With what the server's ledger knows beside the policy.
    #[must_use]
    pub fn knowing(self, seal: Option<Seal>, owed: Vec<Owed>) -> Self {
        Self { seal, owed, ..self }
    }

    /// The policy with which a ledger of its own begins while the server is away. `None`: the bundle is of an older server.
    pub fn beginning(&self, ledger: &str, key: &str, host: &str, digest: Digest) -> Option<Policy> {
        let local = Local {
            ledger: ledger.to_owned(),
            key: key.to_owned(),
            server_key: self.ledger_key.clone(),
            trust: digest,
            seal: self.seal,
            made_at: self.made_at,
            valid_until: self.valid_until,
            host: host.to_owned(),
            owed: self.owed.clone(),
        };
        let mut policy = (**self.terms.as_ref()?).clone();
        // A page that the executor's own machine serves is nobody's proof.
        policy.emergency.approval_proof = ApprovalProof::Signed;
        policy.local = Some(Box::new(local));
        Some(policy)
    }

    pub fn sign(&self, key: &LedgerKey) -> Result<String, NoteError> {
        // Plain data with string keys always serialises, without control characters.
        let json = serde_json::to_string(self).unwrap_or_default();
        key.sign(&format!("{TRUST_FORMAT}\n{json}\n"))
    }

    /// Verifies the signature by this key and reads it. Whether it is still valid is [`Self::at`].
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, TrustError> {
        let trust = Self::parse(open_note(note, key)?)?;
        if trust.ledger_key == key.to_string() { Ok(trust) } else { Err(NoteError::OtherOrigin.into()) }
    }

    /// Reads a bundle by the key that it names itself: it then only shows that it agrees with itself. Whoever has the key from elsewhere
    /// should use [`Self::open`].
    pub fn open_by_own_key(note: &[u8]) -> Result<(Self, VerifierKey), TrustError> {
        let text = str::from_utf8(note).map_err(|_| TrustError::NotATrust)?;
        let named = Self::parse(text.split_inclusive("\n\n").next().unwrap_or_default())?;
        let key = VerifierKey::parse(&named.ledger_key)?;
        Ok((Self::open(note, &key)?, key))
    }

    fn parse(text: &str) -> Result<Self, TrustError> {
        let json = text.strip_prefix(TRUST_FORMAT).and_then(|rest| rest.strip_prefix('\n')).ok_or(TrustError::NotATrust)?;
        serde_json::from_str(json).map_err(|_| TrustError::NotATrust)
    }

    /// `Err`: nothing can be judged by it at this time.
    pub fn at(&self, now: Timestamp) -> Result<&Self, TrustError> {
        if now >= self.valid_until {
            return Err(TrustError::Expired(self.valid_until));
        }
        if now.checked_add(SKEW).is_ok_and(|latest| latest < self.made_at) {
            return Err(TrustError::NotYet(self.made_at));
        }
        Ok(self)
    }

    /// The verdict of the server, as far as it can be had without it: who signed this very plan, and whether they may.
    pub fn judge(&self, plan: &[u8], armour: &str, now: Timestamp) -> Result<Judged, Unjudged> {
        let document: Plan = serde_json::from_slice(plan).map_err(|_| Unjudged::NotAPlan)?;
        if document.format != PlanDocument::FORMAT {
            return Err(Unjudged::NotAPlan);
        }
        let keys = self.people.iter().flat_map(|(id, person)| person.ssh_keys.iter().map(move |key| (id, key)));
        let signed = signer(keys, armour, now)?;
        let by = signed.by.clone();
        let held = self.people.get(&by).map(|person| person.roles.clone()).unwrap_or_default();
        if by == document.requester {
            return Err(Refusal::SelfApproval { person: by }.into());
        }
        if by == document.plan.executor {
            return Err(Refusal::ExecutorApproves { person: by }.into());
        }
        let roles: Vec<RoleName> = held.iter().filter(|role| self.approver_roles.contains(role)).cloned().collect();
        if roles.is_empty() {
            return Err(Refusal::SignerNotEntitled { person: by, roles: self.approver_roles.clone() }.into());
        }
        if let Some(allowed) = self.approve_permission.as_ref().filter(|allowed| !held.iter().any(|role| allowed.contains(role))) {
            return Err(Refusal::SignerNotEntitled { person: by, roles: allowed.clone() }.into());
        }
        let digest = Digest::of(plan);
        signed.signature.verify(plan).map_err(|flaw| {
            if flaw == SignatureFlaw::Differs {
                Refusal::SignatureDiffers { person: by.clone(), current: digest }
            } else {
                Refusal::SignatureFlawed { flaw }
            }
        })?;
        let name = self.people.get(&by).map(|person| person.name.clone()).unwrap_or_default();
        // One person covers one role, so all others are missing.
        let missing = self.approver_roles.iter().filter(|role| roles.first() != Some(role)).cloned().collect();
        Ok(Judged { by, name, key: signed.fingerprint, roles, digest, emergency: document.emergency, missing_if_hardened: missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emergency::{Command, PlanDocument};
    use crate::ids::EmergencyId;
    use crate::signature::NAMESPACE;
    use crate::signature::testing::Room;
    use crate::testing::{World, conditions, plan};

    fn key() -> LedgerKey {
        LedgerKey::from_seed("example.jp/hikeshi", &[7; 32]).expect("a key")
    }

    fn person(name: &str) -> PersonId {
        PersonId::new(name).expect("a handle")
    }

    #[test]
    fn a_bundle_holds_by_its_key_for_its_time_and_not_when_it_was_changed() {
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().expect("a time");
        let mut policy = crate::testing::policy();
        let sato = policy.people.get_mut(&person("sato")).expect("known");
        (sato.phone, sato.email) = (Some("090-1234-5678".to_owned()), Some("sato@example.jp".to_owned()));
        let note = Trust::of(&policy, key().verifier(), now).sign(&key()).expect("signed");
        let (trust, found) = Trust::open_by_own_key(note.as_bytes()).expect("holds");
        assert_eq!(&found, key().verifier());
        assert_eq!(Trust::open(note.as_bytes(), key().verifier()), Ok(trust.clone()));
        assert!(!note.contains("090-1234-5678") && !note.contains("sato@example.jp"), "{note}");
        let changed = note.replace("\"cto\"", "\"developer\"");
        assert_eq!(Trust::open_by_own_key(changed.as_bytes()).map(|_| ()), Err(TrustError::Note(NoteError::WrongSignature)));
        let other = LedgerKey::from_seed("example.jp/hikeshi", &[8; 32]).expect("a key");
        assert_eq!(Trust::open(note.as_bytes(), other.verifier()), Err(TrustError::Note(NoteError::NotSigned)));
        let forged = trust.sign(&other).expect("signed");
        assert_eq!(Trust::open(forged.as_bytes(), other.verifier()), Err(TrustError::Note(NoteError::OtherOrigin)), "it names another key");
        assert_eq!(Trust::open_by_own_key(b"hikeshi-bundle-v1\n{}\n\n").map(|_| ()), Err(TrustError::NotATrust));
        let hours = |hours| now.checked_add(SignedDuration::from_hours(hours)).expect("a time");
        assert!(trust.at(hours(167)).is_ok());
        assert_eq!(trust.at(hours(168)), Err(TrustError::Expired(hours(168))));
        assert_eq!(trust.at(hours(-1)), Err(TrustError::NotYet(now)));
    }

    #[test]
    fn it_judges_as_the_server_would() {
        let room = Room::new();
        let mut world = World::new();
        let mut policy = crate::testing::policy();
        for name in ["sato", "tanaka", "ito"] {
            let line = room.key(name, &["-t", "ed25519"]);
            let key = SshKey { key: line, valid_from: None, valid_until: None, revoked_at: None };
            policy.people.get_mut(&person(name)).expect("known").ssh_keys.push(key);
        }
        world.all.workspace.policy = Some(std::sync::Arc::new(policy.clone()));
        let incident = world.open("tanaka");
        let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: plan() }).expect("requested").made;
        let id: EmergencyId = made.expect("an id").parse().expect("an id");
        let state = world.emergency(id).clone();
        let document = PlanDocument::of(&state, policy.targets.get(&state.plan.target)).bytes();
        let trust = Trust::of(&policy, key().verifier(), world.now);
        let mut both = |name: &str, message: &[u8]| {
            let armour = room.sign(name, NAMESPACE, message, &[]);
            let offline = trust.judge(&document, &armour, world.now).map(|judged| judged.by).map_err(|unjudged| match unjudged {
                Unjudged::Refused(refusal) => *refusal,
                Unjudged::NotAPlan => panic!("{name}: not a plan"),
            });
            let command = Command::ApproveSigned { emergency: id, signature: armour, judgement: "緊急".to_owned() };
            let online = world.give("kansa", command).map(|_| world.emergency(id).approvals[0].by.clone());
            assert_eq!(offline.as_ref().map_err(Refusal::code), online.as_ref().map_err(Refusal::code), "{name}");
            offline
        };
        assert!(both("tanaka", &document).is_err());
        assert!(both("ito", &document).is_err());
        assert!(both("sato", b"another plan").is_err());
        assert_eq!(both("sato", &document), Ok(person("sato")));
        let armour = room.sign("sato", NAMESPACE, &document, &[]);
        let judged = trust.judge(&document, &armour, world.now).expect("good");
        assert_eq!((judged.digest, judged.emergency.as_str()), (state.digest, "emg_1"));
        assert_eq!(judged.missing_if_hardened, [RoleName::known("dev-lead")]);
        assert_eq!(trust.judge(b"{}", &armour, world.now), Err(Unjudged::NotAPlan));
    }
}
