//! Verifying what a bundle tells, beyond that nobody has touched it: was the plan that ran the one that was approved, is each recording
//! whole, and who has signed to have watched it. The recordings of sessions are in [`super::recorded`].

#![expect(clippy::wildcard_enum_match_arm, reason = "the events that this is about are named; the rest say nothing here")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use super::case_flaw::Flaw;
use super::recorded::{Recorded, look_at};
use super::{BundleVerdict, Checkpoint, ENTRIES_FILE, Entry, EntryResult, Files, MANIFEST_FILE, VerifierKey, content_file, verify_bundle};
use crate::emergency::{Approval, Plan, PlanDocument};
use crate::event::Event;
use crate::ids::{Digest, EmergencyId, IncidentId, PersonId};
use crate::offline::{OfflineEvent, parcel};
use crate::policy::{Policy, Target};
use crate::session::told::{RedactionTold, Stretch, Told};

/// What the policy said when the bundle was made, as far as it is needed to verify: a document of the bundle.
pub const DECLARED_FILE: &str = "declared.json";
/// More flaws than this are counted and not listed.
const FLAWS_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    pub format: String,
    /// Digest of the policy in force.
    pub policy: Digest,
    pub witnesses_min: u32,
    pub seniors_min: u32,
    /// Those who hold a senior role.
    pub seniors: BTreeSet<PersonId>,
    /// The target of each exception, as long as it is declared as it was when the plan was digested.
    pub targets: BTreeMap<EmergencyId, Target>,
}

impl Declared {
    pub const FORMAT: &'static str = "hikeshi-declared-v1";

    pub fn new(policy: &Policy, targets: BTreeMap<EmergencyId, Target>) -> Self {
        let rules = &policy.emergency;
        Self {
            format: Self::FORMAT.to_owned(),
            policy: policy.digest(),
            witnesses_min: rules.witnesses_min,
            seniors_min: rules.seniors_min,
            seniors: policy.people_with(&rules.senior_roles).into_iter().collect(),
            targets,
        }
    }

    /// The document's bytes. Plain data with string keys always serialises.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

/// A flaw with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flawed {
    pub emergency: EmergencyId,
    #[serde(default)]
    pub session: Option<u32>,
    #[serde(flatten)]
    pub flaw: Flaw,
}

/// What one recording has shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionVerdict {
    pub session: u32,
    pub by: Option<PersonId>,
    pub opened_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub blocks: u64,
    pub commands: u64,
    pub output_bytes: u64,
    pub gaps: u64,
    /// Dangerous lines that a witness has confirmed, and commands that ran without: the ledger says so itself.
    #[serde(default)]
    pub confirmed: u64,
    #[serde(default)]
    pub unconfirmed: BTreeSet<u32>,
    /// What two people had taken out: the chain of the headers holds, what else stands in these blocks rests on the ledger alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<RedactionTold>,
    /// Blocks in which keys could reach the shell.
    pub open_blocks: u64,
    /// Who has signed which blocks.
    pub watched: BTreeMap<PersonId, Vec<Stretch>>,
    /// Those of the watchers who are senior and have not approved.
    pub seniors: BTreeSet<PersonId>,
    /// Blocks in which keys could pass and for which too few have signed.
    pub short: Vec<Stretch>,
}

/// What the record of one exception has shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionVerdict {
    pub emergency: EmergencyId,
    pub requester: PersonId,
    pub executor: PersonId,
    pub plan: Digest,
    /// Whether the plan's digest was computed again; not when the target is declared otherwise by now.
    pub plan_recomputed: bool,
    pub started_at: Option<Timestamp>,
    pub approvals: Vec<Approval>,
    pub sessions: Vec<SessionVerdict>,
}

/// What a bundle has shown, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseVerdict {
    #[serde(flatten)]
    pub bundle: BundleVerdict,
    /// Entries that this program cannot read, though nobody has touched them: written by a newer one.
    pub entries_unread: u64,
    pub exceptions: Vec<ExceptionVerdict>,
    pub flaws: Vec<Flawed>,
    pub flaws_unlisted: u64,
    /// Names of the people, as the bundle has them.
    pub people: BTreeMap<PersonId, String>,
    /// What was carried out while the server was away, and came home into this case: each verified in its own ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offline: Vec<CaseVerdict>,
}

impl CaseVerdict {
    pub fn holds(&self) -> bool {
        self.bundle.holds() && self.flaws.is_empty() && self.offline.iter().all(Self::holds)
    }
}

/// Where flaws are gathered.
pub(super) struct Found {
    emergency: EmergencyId,
    flaws: Vec<Flawed>,
    unlisted: u64,
}

impl Found {
    pub(super) fn say(&mut self, session: Option<u32>, flaw: Flaw) {
        if self.flaws.len() < FLAWS_MAX {
            self.flaws.push(Flawed { emergency: self.emergency, session, flaw });
        } else {
            self.unlisted += 1;
        }
    }
}

/// Everything of one exception that the entries tell.
struct Exception {
    incident: IncidentId,
    /// When it was requested: part of the plan's document.
    requested_at: Timestamp,
    requester: PersonId,
    plan: Plan,
    revision: u32,
    digest: Digest,
    /// The ledger of its own, if it was carried out while the server was away.
    ledger: Option<String>,
    recomputed: bool,
    approvals: Vec<Approval>,
    ever_approved: BTreeSet<PersonId>,
    joined: BTreeSet<PersonId>,
    started_at: Option<Timestamp>,
    /// By step: the attempt, the plan and until when it was confirmed.
    confirmed: BTreeMap<u32, (u32, Digest, Timestamp)>,
    sessions: BTreeMap<u32, Told>,
    found: Found,
}

/// How packed bytes are unpacked, to at most so many.
pub type Unpack<'a> = &'a dyn Fn(&[u8], usize) -> Option<Vec<u8>>;

/// Verifies a bundle, and then what it tells.
pub fn verify_case(files: &Files, trusted: Option<&VerifierKey>, earlier: &[Checkpoint], unpack: Unpack<'_>) -> CaseVerdict {
    let (mut verdict, home) = verify_one(files, trusted, earlier, unpack);
    // What came home is in no case of its own: one level is all there is.
    verdict.offline = home.iter().map(|(key, inner)| verify_one(inner, VerifierKey::parse(key).ok().as_ref(), &[], unpack).0).collect();
    verdict
}

/// The verdict, and the files of whatever came home into this case, with the key that the entry names.
pub(crate) fn verify_one(
    files: &Files,
    trusted: Option<&VerifierKey>,
    earlier: &[Checkpoint],
    unpack: Unpack<'_>,
) -> (CaseVerdict, Vec<(String, Files)>) {
    let mut home = Vec::new();
    let bundle = verify_bundle(files, trusted, earlier);
    let declared = files.get(DECLARED_FILE).and_then(|bytes| serde_json::from_slice::<Declared>(bytes).ok());
    let (mut told, mut entries_unread) = (BTreeMap::new(), 0);
    let text = files.get(ENTRIES_FILE).map_or(&[][..], Vec::as_slice);
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) => {
                hear_entry(&entry, declared.as_ref(), &mut told);
                home.extend(came_home(&entry, files));
            }
            Err(_) => entries_unread += 1,
        }
    }
    let mut verdict = CaseVerdict {
        bundle,
        entries_unread,
        exceptions: Vec::new(),
        flaws: Vec::new(),
        flaws_unlisted: 0,
        people: names(files),
        offline: Vec::new(),
    };
    for (id, told) in told {
        let (exception, found) = conclude(id, told, files, declared.as_ref(), unpack);
        verdict.exceptions.push(exception);
        verdict.flaws.extend(found.flaws);
        verdict.flaws_unlisted += found.unlisted;
    }
    (verdict, home)
}

/// A parcel that is missing or cannot be read is verified as an empty one, and does not hold.
fn came_home(entry: &Entry, files: &Files) -> Vec<(String, Files)> {
    let EntryResult::Done { events, .. } = &entry.result else { return Vec::new() };
    let mut home = Vec::new();
    for event in events {
        if let Event::Offline(OfflineEvent::Reconciled { incident, contents, .. }) = event
            && let Some(away) = &incident.away
            && let Some(reconciled) = &away.reconciled
        {
            let kept = files.get(&content_file(&reconciled.parcel.digest));
            let inner = kept.and_then(|kept| parcel::restored(kept, contents, files)).unwrap_or_default();
            home.push((away.key.clone(), inner));
        }
    }
    home
}

/// Names are for reading only: nothing is judged by them.
fn names(files: &Files) -> BTreeMap<PersonId, String> {
    #[derive(Deserialize)]
    struct Named {
        people: BTreeMap<PersonId, String>,
    }
    let text = files.get(MANIFEST_FILE).and_then(|note| str::from_utf8(note).ok()).and_then(|note| note.lines().nth(1));
    text.and_then(|json| serde_json::from_str::<Named>(json).ok()).map(|named| named.people).unwrap_or_default()
}

fn hear_entry(entry: &Entry, declared: Option<&Declared>, told: &mut BTreeMap<EmergencyId, Exception>) {
    let EntryResult::Done { events, .. } = &entry.result else { return };
    for event in events {
        if let Event::EmergencyRequested { emergency, incident, requester, plan, digest, ledger, .. } = event {
            let mut fresh = Exception::new(*emergency, *incident, requester, entry.at, plan, *digest);
            fresh.ledger.clone_from(ledger);
            told.entry(*emergency).or_insert(fresh).planned(entry.seq, declared);
        }
        if let Some(one) = emergency_of(event).and_then(|id| told.get_mut(&id)) {
            one.hear(entry, event, declared);
        }
    }
}

fn emergency_of(event: &Event) -> Option<EmergencyId> {
    Some(match event {
        Event::PlanRevised { emergency, .. }
        | Event::EmergencyApproved { emergency, .. }
        | Event::ApprovalExpired { emergency }
        | Event::WitnessJoined { emergency, .. }
        | Event::EmergencyStarted { emergency, .. }
        | Event::StepConfirmed { emergency, .. }
        | Event::StepStarted { emergency, .. } => *emergency,
        _ => return Told::about(event).map(|(emergency, _)| emergency),
    })
}

impl Exception {
    fn new(
        emergency: EmergencyId,
        incident: IncidentId,
        requester: &PersonId,
        requested_at: Timestamp,
        plan: &Plan,
        digest: Digest,
    ) -> Self {
        Self {
            incident,
            requested_at,
            requester: requester.clone(),
            plan: plan.clone(),
            revision: 1,
            digest,
            ledger: None,
            recomputed: false,
            approvals: Vec::new(),
            ever_approved: BTreeSet::new(),
            joined: BTreeSet::new(),
            started_at: None,
            confirmed: BTreeMap::new(),
            sessions: BTreeMap::new(),
            found: Found { emergency, flaws: Vec::new(), unlisted: 0 },
        }
    }

    /// A plan stands in this entry: what was approved is its digest, computed again.
    fn planned(&mut self, seq: u64, declared: Option<&Declared>) {
        let emergency = self.found.emergency;
        let target = declared.and_then(|declared| declared.targets.get(&emergency));
        self.recomputed = target.is_some();
        let document = PlanDocument::new(emergency, self.incident, &self.requester, self.requested_at, self.revision, &self.plan, target)
            .in_ledger(self.ledger.as_deref());
        if target.is_some() && document.digest() != self.digest {
            self.found.say(None, Flaw::PlanDiffers { seq });
        }
    }

    fn hear(&mut self, entry: &Entry, event: &Event, declared: Option<&Declared>) {
        let (seq, at) = (entry.seq, entry.at);
        match event {
            Event::PlanRevised { plan, revision, digest, .. } => {
                (self.plan, self.revision, self.digest) = (plan.clone(), *revision, *digest);
                self.approvals.clear();
                self.planned(seq, declared);
            }
            Event::EmergencyApproved { approval, .. } => {
                self.ever_approved.insert(approval.by.clone());
                if approval.by == self.requester || approval.by == self.plan.executor {
                    self.found.say(None, Flaw::ApproverNotApart { seq, person: approval.by.clone() });
                }
                self.approvals.push(approval.clone());
            }
            Event::ApprovalExpired { .. } => self.approvals.clear(),
            Event::WitnessJoined { person, .. } => {
                self.joined.insert(person.clone());
            }
            Event::EmergencyStarted { .. } => {
                self.started_at = Some(at);
                self.agreed(seq, at);
            }
            Event::StepConfirmed { step, attempt, digest, by, expires_at, .. } => {
                if *by == self.plan.executor || !self.joined.contains(by) {
                    self.found.say(None, Flaw::ConfirmerNotWitness { seq, person: by.clone() });
                }
                self.confirmed.insert(*step, (*attempt, *digest, *expires_at));
            }
            Event::StepStarted { step, attempt, digest, .. } => {
                if *digest != self.digest {
                    self.found.say(None, Flaw::StepOfOtherPlan { seq, step: *step });
                }
                self.confirmed_step(seq, at, *step, *attempt);
            }
            _ => {}
        }
        if let Some((emergency, session)) = Told::about(event).filter(|(_, session)| *session > 0) {
            self.sessions.entry(session).or_insert_with(|| Told::new(emergency, session)).hear(seq, at, event);
        }
    }

    /// A dangerous step begins: with a confirmation of its own, which is used up by it.
    fn confirmed_step(&mut self, seq: u64, now: Timestamp, step: u32, attempt: u32) {
        let index = step.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        if !index.and_then(|index| self.plan.steps.get(index)).is_some_and(|step| step.dangerous) {
            return;
        }
        let good = |(of, digest, until): &(u32, Digest, Timestamp)| *of == attempt && *digest == self.digest && now < *until;
        if !self.confirmed.remove(&step).as_ref().is_some_and(good) {
            self.found.say(None, Flaw::StepUnconfirmed { seq, step });
        }
    }

    /// What begins must have been approved, and the approval must still be good.
    fn agreed(&mut self, seq: u64, at: Timestamp) {
        let of_this_plan: Vec<Approval> = self.approvals.iter().filter(|approval| approval.digest == self.digest).cloned().collect();
        if of_this_plan.is_empty() {
            self.found.say(None, Flaw::ApprovalMissing { seq });
        }
        for approval in of_this_plan.into_iter().filter(|approval| approval.expires_at < at) {
            self.found.say(None, Flaw::ApprovalExpired { seq, person: approval.by });
        }
    }
}

fn conclude(
    emergency: EmergencyId,
    told: Exception,
    files: &Files,
    declared: Option<&Declared>,
    unpack: Unpack<'_>,
) -> (ExceptionVerdict, Found) {
    let Exception { requester, plan, digest, recomputed, approvals, ever_approved, joined, started_at, sessions, mut found, .. } = told;
    let dangerous = plan.terminal.as_ref().map(|terminal| terminal.dangerous.as_slice()).unwrap_or_default();
    let around = Recorded { executor: &plan.executor, dangerous, joined: &joined, approved: &ever_approved, declared, files, unpack };
    let sessions = sessions.into_values().map(|told| look_at(&told, &around, &mut found)).collect();
    let exception = ExceptionVerdict {
        emergency,
        requester,
        executor: plan.executor.clone(),
        plan: digest,
        plan_recomputed: recomputed,
        started_at,
        approvals,
        sessions,
    };
    (exception, found)
}
