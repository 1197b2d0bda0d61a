//! What the server verifies of a local ledger before it writes anything: whose it is, that nobody has touched it, that everyone in it is who
//! they say, and that the rules, asked again, say the same.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::decide::SKEW;
use super::parcel::{self, LEDGER_FILE, TRUST_FILE};
use super::redecide::Again;
use super::{Degraded, ENTER_NAMESPACE, Home, Kept, LocalFlaw, Statement};
use crate::emergency::Emergency;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{Digest, EmergencyId, IncidentId, PersonId};
use crate::ledger::{
    CaseVerdict, DECLARED_FILE, Declared, ENTRIES_FILE, Entry, EntryResult, Files, Frontier, VerifierKey, leaf_hash, verify_one,
};
use crate::obligation::Kind;
use crate::people::Actor;
use crate::policy::{Local, Policy};
use crate::review::{Course, Uses};
use crate::session::DeviceKey;
use crate::signature::ssh::{PublicKey, SshKey};
use crate::trust::Trust;

/// A local ledger holds one case, its first.
const CASE: IncidentId = IncidentId(1);

/// What the server itself knows.
pub struct Around<'a> {
    pub server: &'a VerifierKey,
    pub policy: &'a Policy,
    pub now: Timestamp,
    pub unpack: crate::ledger::Unpack<'a>,
}

/// An entry with its bytes.
pub(super) struct Line {
    pub(super) entry: Entry,
    leaf: Digest,
}

pub fn examine(files: &Files, around: &Around<'_>) -> Result<Home, LocalFlaw> {
    let note = file(files, TRUST_FILE)?;
    let trust = Trust::open(note, around.server).map_err(|_| LocalFlaw::TrustNotOurs)?;
    let lines = lines(file(files, LEDGER_FILE)?)?;
    let (policy, local) = beginning(&lines, &trust, Digest::of(note), around)?;
    let key = VerifierKey::parse(&local.key).map_err(|_| LocalFlaw::BeginningDiffers { part: "key".to_owned() })?;
    let root = chained(&lines)?;
    let (verdict, _) = verify_one(files, Some(&key), &[], around.unpack);
    sound(&verdict)?;
    whole(files, &verdict, &lines)?;
    if (verdict.bundle.size, verdict.bundle.root) != (Some(u64::try_from(lines.len()).unwrap_or(u64::MAX)), Some(root)) {
        return Err(LocalFlaw::RootDiffers);
    }
    timely(&lines, &trust, around.now)?;
    let mut again = Again::new(policy.clone());
    let mut devices = BTreeSet::new();
    for line in &lines {
        proven(&line.entry, &mut devices, &again)?;
        again.entry(&line.entry)?;
    }
    let facts = again.into_facts();
    declared(files, &policy, &facts)?;
    finish(facts, &verdict, &devices, files, &Found { lines: &lines, local: &local, root, terms: trust.policy, around })
}

struct Found<'a> {
    lines: &'a [Line],
    local: &'a Local,
    root: Digest,
    /// The policy of which the trust bundle is an extract.
    terms: Digest,
    around: &'a Around<'a>,
}

fn file<'a>(files: &'a Files, name: &str) -> Result<&'a Vec<u8>, LocalFlaw> {
    files.get(name).ok_or_else(|| LocalFlaw::Unreadable { part: name.to_owned() })
}

fn lines(bytes: &[u8]) -> Result<Vec<Line>, LocalFlaw> {
    let unreadable = |number: usize| LocalFlaw::Unreadable { part: format!("{LEDGER_FILE}:{}", number + 1) };
    let whole = bytes.strip_suffix(b"\n").ok_or_else(|| unreadable(0))?;
    let parsed = whole.split(|byte| *byte == b'\n').enumerate().map(|(number, line)| {
        let entry: Entry = serde_json::from_slice(line).map_err(|_| unreadable(number))?;
        Ok(Line { entry, leaf: leaf_hash(line) })
    });
    parsed.collect()
}

/// The first entry says where the ledger comes from, and must say what the server's own signed bundle says.
fn beginning(lines: &[Line], trust: &Trust, digest: Digest, around: &Around<'_>) -> Result<(Policy, Local), LocalFlaw> {
    let differs = |part: &str| LocalFlaw::BeginningDiffers { part: part.to_owned() };
    let first = lines.first().map(|line| &line.entry).ok_or_else(|| differs("entry"))?;
    let EntryResult::Done { events, .. } = &first.result else { return Err(differs("entry")) };
    let [Event::PolicyAdopted { policy, .. }] = events.as_slice() else { return Err(differs("entry")) };
    let local = policy.local.as_deref().ok_or_else(|| differs("local"))?;
    if first.actor != Actor::Startup {
        return Err(differs("actor"));
    }
    if local.trust != digest {
        return Err(differs("trust"));
    }
    if local.server_key != around.server.to_string() || !local.ledger.starts_with(&format!("{}/local/", around.server.name())) {
        return Err(differs("server"));
    }
    let expected = trust.beginning(&local.ledger, &local.key, &local.host, digest).ok_or_else(|| differs("terms"))?;
    if expected != **policy {
        return Err(differs("policy"));
    }
    Ok(((**policy).clone(), local.clone()))
}

/// The chain from entry to entry, without a gap; the root that it leads to.
fn chained(lines: &[Line]) -> Result<Digest, LocalFlaw> {
    let mut frontier = Frontier::new();
    let mut prev = Digest([0; 32]);
    for (seq, line) in (0_u64..).zip(lines) {
        if line.entry.v != Entry::VERSION || line.entry.seq != seq || line.entry.prev != prev {
            return Err(LocalFlaw::ChainBroken { seq });
        }
        prev = line.leaf;
        frontier.append(line.leaf);
    }
    Ok(frontier.root())
}

fn sound(verdict: &CaseVerdict) -> Result<(), LocalFlaw> {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let code = |value: serde_json::Value, tag: &str| value.get(tag).and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
    if let Some(first) = verdict.bundle.faults.first() {
        let first = code(serde_json::to_value(first).unwrap_or_default(), "fault");
        return Err(LocalFlaw::BundleFlawed { first, count: count(verdict.bundle.faults.len()) });
    }
    if let Some(first) = verdict.flaws.first() {
        let first = code(serde_json::to_value(&first.flaw).unwrap_or_default(), "flaw");
        return Err(LocalFlaw::BundleFlawed { first, count: count(verdict.flaws.len()) });
    }
    if verdict.entries_unread > 0 {
        return Err(LocalFlaw::BundleFlawed { first: "entry_unread".to_owned(), count: verdict.entries_unread });
    }
    Ok(())
}

/// The case in the bundle is the case of the whole ledger, entry for entry. Its manifest says so, too, but the executor's machine has signed it.
fn whole(files: &Files, verdict: &CaseVerdict, lines: &[Line]) -> Result<(), LocalFlaw> {
    let bundled = file(files, ENTRIES_FILE)?.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(leaf_hash);
    let kept: Vec<Digest> = lines.iter().filter(|line| line.entry.case == Some(CASE)).map(|line| line.leaf).collect();
    if verdict.bundle.case == Some(CASE) && kept.iter().copied().eq(bundled) {
        return Ok(());
    }
    let missing = u64::try_from(kept.len()).unwrap_or(u64::MAX).saturating_sub(verdict.bundle.entries).max(1);
    Err(LocalFlaw::BundleFlawed { first: "entry_removed".to_owned(), count: missing })
}

/// What its recordings were verified by is what the trust bundle says, and not what the executor's machine says of it.
fn declared(files: &Files, policy: &Policy, facts: &Facts) -> Result<(), LocalFlaw> {
    let target = |state: &Emergency| Some((state.id, policy.targets.get(&state.plan.target)?.clone()));
    let targets = facts.emergencies.values().flatten().filter_map(target).collect();
    let given = files.get(DECLARED_FILE).and_then(|bytes| serde_json::from_slice::<Declared>(bytes).ok());
    if given == Some(Declared::new(policy, targets)) {
        return Ok(());
    }
    Err(LocalFlaw::BeginningDiffers { part: "declared".to_owned() })
}

fn timely(lines: &[Line], trust: &Trust, now: Timestamp) -> Result<(), LocalFlaw> {
    let latest = now.checked_add(SKEW).unwrap_or(Timestamp::MAX);
    let earliest = trust.made_at.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
    let mut last = earliest;
    for line in lines {
        let (seq, at) = (line.entry.seq, line.entry.at);
        if at < last {
            return Err(LocalFlaw::TimeBackwards { seq });
        }
        if at > latest {
            return Err(LocalFlaw::TimeAhead { seq });
        }
        last = at;
        let EntryResult::Done { events, .. } = &line.entry.result else { continue };
        let judged = events.iter().any(|event| matches!(event, Event::PolicyAdopted { .. } | Event::EmergencyApproved { .. }));
        if judged && at >= trust.valid_until {
            return Err(LocalFlaw::TrustExpired { seq, until: trust.valid_until });
        }
    }
    Ok(())
}

/// Whoever acts has proven before, with the key that the bundle names, who they are. The proof itself is asked for again by the rules.
fn proven(entry: &Entry, devices: &mut BTreeSet<(PersonId, DeviceKey)>, again: &Again) -> Result<(), LocalFlaw> {
    let Actor::Person { person, .. } = &entry.actor else { return Ok(()) };
    let EntryResult::Done { events, .. } = &entry.result else { return Ok(()) };
    for event in events {
        if let Event::EnteredBySsh { statement, person, .. } = event
            && let Ok(statement) = serde_json::from_str::<Statement>(statement)
        {
            devices.insert((person.clone(), statement.device));
            return Ok(());
        }
    }
    if again.has_entered(person) { Ok(()) } else { Err(LocalFlaw::ActorUnproven { seq: entry.seq, person: person.clone() }) }
}

fn finish(
    facts: Facts,
    verdict: &CaseVerdict,
    devices: &BTreeSet<(PersonId, DeviceKey)>,
    files: &Files,
    found: &Found<'_>,
) -> Result<Home, LocalFlaw> {
    let emergencies: Vec<Emergency> = facts.emergencies.into_values().flatten().collect();
    let incident = facts.incidents.into_values().flatten().next().ok_or(LocalFlaw::NoException)?;
    let requested_at = emergencies.iter().map(|emergency| emergency.requested_at).min().ok_or(LocalFlaw::NoException)?;
    if let Some(open) = emergencies.iter().find(|emergency| !emergency.status.is_over()) {
        return Err(LocalFlaw::StillOpen { emergency: open.id });
    }
    let after_an_exception = |kind: Kind| matches!(kind, Kind::ChangeRequest | Kind::Report | Kind::Retrospective);
    let obligations = facts.obligations.into_values().flatten().filter(|obligation| after_an_exception(obligation.kind)).collect();
    let mut degraded = degraded(&emergencies, verdict, devices, found.lines);
    degraded.extend(words(found.lines));
    degraded.extend(revoked(&emergencies, found));
    if found.terms != found.around.policy.digest() {
        degraded.push(Degraded::TermsMoved { policy: found.terms });
    }
    degraded.sort();
    degraded.dedup();
    Ok(Home {
        ledger: found.local.ledger.clone(),
        key: found.local.key.clone(),
        host: found.local.host.clone(),
        trust: found.local.trust,
        size: u64::try_from(found.lines.len()).unwrap_or(u64::MAX),
        root: found.root,
        requested_at,
        incident: Box::new(incident),
        emergencies,
        obligations,
        degraded,
        courses: courses(found.lines),
        parcel: Kept::of(&parcel::kept(files)),
        contents: parcel::contents(files).map(|(_, bytes)| Kept::of(bytes)).collect(),
    })
}

fn courses(lines: &[Line]) -> BTreeMap<EmergencyId, Course> {
    let mut uses = Uses::default();
    lines.iter().for_each(|line| uses.add(&line.entry));
    uses.courses()
}

fn degraded(emergencies: &[Emergency], verdict: &CaseVerdict, devices: &BTreeSet<(PersonId, DeviceKey)>, lines: &[Line]) -> Vec<Degraded> {
    let mut degraded = Vec::new();
    for emergency in emergencies.iter().filter(|emergency| emergency.attempts.iter().any(|attempts| *attempts > 0)) {
        degraded.push(Degraded::PresenceTold { emergency: emergency.id });
    }
    for line in lines {
        let EntryResult::Done { events, .. } = &line.entry.result else { continue };
        for event in events {
            if let Event::DeviceBound { emergency, session, person, key } = event
                && !devices.contains(&(person.clone(), key.clone()))
            {
                degraded.push(Degraded::DeviceUnsigned { emergency: *emergency, session: *session, person: person.clone() });
            }
        }
    }
    for exception in &verdict.exceptions {
        let emergency = exception.emergency;
        for session in &exception.sessions {
            let blocks = session.short.iter().map(|stretch| stretch.to - stretch.from + 1).sum();
            if blocks > 0 {
                degraded.push(Degraded::WatchedShort { emergency, session: session.session, blocks });
            }
            if session.gaps > 0 {
                degraded.push(Degraded::RecordingGap { emergency, session: session.session, gaps: session.gaps });
            }
        }
    }
    degraded
}

/// What people are said to have said, beside approvals, entering and watching: nothing that they have signed shows it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the words on which something rests are named; nothing rests on the rest")]
fn words(lines: &[Line]) -> Vec<Degraded> {
    let mut told = Vec::new();
    for line in lines {
        let EntryResult::Done { events, .. } = &line.entry.result else { continue };
        told.extend(events.iter().filter_map(|event| {
            let (emergency, person) = match event {
                Event::ChangeAccepted { emergency, by, .. }
                | Event::StepConfirmed { emergency, by, .. }
                | Event::LineConfirmed { emergency, by, .. }
                | Event::EmergencyResumed { emergency, by } => (*emergency, by),
                Event::VerificationRecorded { emergency, verified, .. } => (*emergency, &verified.attested.as_ref()?.by),
                _ => return None,
            };
            Some(Degraded::WordTold { emergency, person: person.clone() })
        }));
    }
    told
}

/// Keys that do not count at the server. Of one that was taken back at any time nobody can tell whether it was before it signed: only the
/// executor's clock says when that was.
fn revoked(emergencies: &[Emergency], found: &Found<'_>) -> Vec<Degraded> {
    let mut used: BTreeMap<(PersonId, String), Timestamp> = BTreeMap::new();
    for approval in emergencies.iter().flat_map(|emergency| &emergency.approvals) {
        if let crate::emergency::Means::Ssh { key, .. } = &approval.means {
            used.insert((approval.by.clone(), key.clone()), approval.at);
        }
    }
    for line in found.lines {
        let EntryResult::Done { events, .. } = &line.entry.result else { continue };
        for event in events {
            if let Event::EnteredBySsh { person, key, .. } = event {
                used.insert((person.clone(), key.clone()), line.entry.at);
            }
        }
    }
    let stands = |(person, fingerprint): &(PersonId, String), at: Timestamp| {
        let keys = found.around.policy.person(person).map_or(&[][..], |person| &person.ssh_keys);
        let this = |key: &&SshKey| PublicKey::parse(&key.key).is_ok_and(|key| key.fingerprint() == *fingerprint);
        let taken_back = |key: &SshKey| key.revoked_at.is_some_and(|at| at <= found.around.now);
        keys.iter().find(this).is_some_and(|key| key.standing(at).is_ok() && !taken_back(key))
    };
    used.into_iter().filter(|(key, at)| !stands(key, *at)).map(|((person, _), _)| Degraded::KeyRevoked { person }).collect()
}

/// What is signed for entering must never be taken for an approval.
const _: () = assert!(ENTER_NAMESPACE.len() != crate::signature::NAMESPACE.len());
