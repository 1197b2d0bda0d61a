//! Signed approvals (rule E3): what is accepted, every refusal, and what an auditor can verify without hikeshi.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::account;
use crate::command::{self, PolicyCommand};
use crate::event::Event;
use crate::ids::RoleName;
use crate::ledger::{
    BundleFault, BundleParts, BundledEntry, Entry, EntryResult, Frontier, LedgerKey, leaf_hash, make_bundle, verify_bundle,
};
use crate::people::{Actor, Via};
use crate::policy::Weakening;
use crate::refusal::Refusal;
use crate::signature::ssh::{KeyStanding, SshKey};
use crate::signature::testing::{Authenticator, Room, SecurityKey};
use crate::signature::{NAMESPACE, SignatureFlaw, passkey};
use crate::testing::{World, conditions, plan, policy, who};

fn key(line: &str) -> SshKey {
    SshKey { key: line.to_owned(), valid_from: None, valid_until: None, revoked_at: None }
}

fn id(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

/// A world whose first policy has these keys.
fn world(keys: &[(&str, SshKey)], proof: ApprovalProof) -> World {
    let mut policy = policy();
    for (name, key) in keys {
        policy.people.get_mut(&id(name)).expect("known").ssh_keys.push(key.clone());
    }
    policy.emergency.approval_proof = proof;
    assert_eq!(policy.check(), Vec::new());
    let mut world = World::new();
    world.all = crate::facts::Facts::default();
    world.log.clear();
    world.submit(&Actor::Startup, &command::Command::Policy(PolicyCommand::Adopt { policy: Box::new(policy) })).expect("adopted");
    world
}

fn requested(world: &mut World) -> EmergencyId {
    let incident = world.open("tanaka");
    let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: plan() }).expect("requested").made;
    made.expect("an id").parse().expect("an id")
}

fn document(world: &World, id: EmergencyId) -> Vec<u8> {
    let state = world.emergency(id);
    PlanDocument::of(state, world.all.policy().expect("a policy").targets.get(&state.plan.target)).bytes()
}

fn bring(world: &mut World, by: &str, id: EmergencyId, signature: &str) -> Result<crate::decide::Decision, Refusal> {
    world.give(by, Command::ApproveSigned { emergency: id, signature: signature.to_owned(), judgement: "電話で確認した".to_owned() })
}

#[test]
fn e3_a_signature_brought_by_anybody_approves_as_its_owner() {
    let room = Room::new();
    let mut world = world(&[("sato", key(&room.key("sato", &["-t", "ed25519"])))], ApprovalProof::Signed);
    let id = requested(&mut world);
    let armour = room.sign("sato", NAMESPACE, &document(&world, id), &[]);
    bring(&mut world, "kansa", id, &armour).expect("an auditor may bring it");
    let state = world.emergency(id);
    assert_eq!(state.status, Status::Approved);
    assert_eq!(state.approvals[0].by, self::id("sato"));
    let Means::Ssh { brought_by, key } = &state.approvals[0].means else { panic!("{:?}", state.approvals) };
    assert_eq!((brought_by, key.starts_with("SHA256:")), (&self::id("kansa"), true));
    assert_eq!(world.rebuilt().emergency(id), Some(world.emergency(id)));
    assert_eq!(bring(&mut world, "ito", id, &armour).map_err(|refusal| refusal.code()), Err("emergency.wrong_status"), "a second use");
}

#[test]
fn e3_every_signature_that_does_not_approve_is_refused_with_its_reason() {
    let room = Room::new();
    let stick = SecurityKey::ed25519();
    let now: Timestamp = "2026-11-22T03:00:00Z".parse().expect("a time");
    let hour = SignedDuration::from_hours(1);
    let mut later = key(&room.key("later", &["-t", "ed25519"]));
    later.valid_from = now.checked_add(hour).ok();
    let mut expired = key(&room.key("expired", &["-t", "ed25519"]));
    expired.valid_until = now.checked_sub(hour).ok();
    let mut revoked = key(&room.key("revoked", &["-t", "ed25519"]));
    revoked.revoked_at = now.checked_sub(hour).ok();
    let keys = [
        ("sato", key(&room.key("sato", &["-t", "ed25519"]))),
        ("sato", key(&stick.line())),
        ("sato", later),
        ("sato", expired),
        ("sato", revoked),
        ("tanaka", key(&room.key("tanaka", &["-t", "ed25519"]))),
        ("ito", key(&room.key("ito", &["-t", "ed25519"]))),
    ];
    let mut world = world(&keys, ApprovalProof::Any);
    room.key("stranger", &["-t", "ed25519"]);
    let id = requested(&mut world);
    let plan = document(&world, id);
    let mut refused = |signature: &str| bring(&mut world, "kansa", id, signature).expect_err("refused");

    assert_eq!(refused("承認します"), Refusal::SignatureFlawed { flaw: SignatureFlaw::Malformed });
    assert_eq!(refused(" "), Refusal::TextMissing { field: "signature".to_owned() });
    assert!(matches!(refused(&"A".repeat(8_001)), Refusal::TextTooLong { .. }));
    let other = SignatureFlaw::OtherNamespace { given: "file".to_owned() };
    assert_eq!(refused(&room.sign("sato", "file", &plan, &[])), Refusal::SignatureFlawed { flaw: other });
    assert!(matches!(refused(&room.sign("stranger", NAMESPACE, &plan, &[])), Refusal::SignatureKeyUnknown { .. }));
    let standing = |refusal| {
        let Refusal::SignatureKeyInvalid { standing, .. } = refusal else { panic!("{refusal:?}") };
        standing
    };
    assert!(matches!(standing(refused(&room.sign("later", NAMESPACE, &plan, &[]))), KeyStanding::NotYet { .. }));
    assert!(matches!(standing(refused(&room.sign("expired", NAMESPACE, &plan, &[]))), KeyStanding::Expired { .. }));
    assert!(matches!(standing(refused(&room.sign("revoked", NAMESPACE, &plan, &[]))), KeyStanding::Revoked { .. }));
    assert_eq!(refused(&room.sign("tanaka", NAMESPACE, &plan, &[])), Refusal::SelfApproval { person: self::id("tanaka") });
    assert!(
        matches!(refused(&room.sign("ito", NAMESPACE, &plan, &[])), Refusal::SignerNotEntitled { person, .. } if person == self::id("ito"))
    );
    assert_eq!(refused(&stick.sign(NAMESPACE, &plan, 0)), Refusal::SignatureFlawed { flaw: SignatureFlaw::Untouched });
    let altered = [&plan[..], b" "].concat();
    assert!(
        matches!(refused(&room.sign("sato", NAMESPACE, &altered, &[])), Refusal::SignatureDiffers { person, .. } if person == self::id("sato"))
    );
    for refusal in [refused(&stick.sign(NAMESPACE, &altered, 1)), refused(&room.sign("sato", NAMESPACE, b"", &[]))] {
        assert_eq!((refusal.rule(), refusal.code()), ("E3", "emergency.signature_differs"));
    }
    assert!(world.emergency(id).approvals.is_empty());
    bring(&mut world, "kansa", id, &stick.sign(NAMESPACE, &plan, 1)).expect("touched, of this plan");
}

#[test]
fn e3_a_revised_plan_and_the_same_plan_of_another_ledger_need_another_signature() {
    let room = Room::new();
    let keys = [("sato", key(&room.key("sato", &["-t", "ed25519"])))];
    let mut world = world(&keys, ApprovalProof::Any);
    let id = requested(&mut world);
    let armour = room.sign("sato", NAMESPACE, &document(&world, id), &[]);
    let mut elsewhere = self::world(&keys, ApprovalProof::Any);
    elsewhere.pass(1);
    let same = requested(&mut elsewhere);
    assert_eq!(same, id, "case numbers are counted");
    assert_eq!(bring(&mut elsewhere, "kansa", same, &armour).map_err(|refusal| refusal.code()), Err("emergency.signature_differs"));
    let mut changed = plan();
    changed.steps[0].run = "rm -rf /".to_owned();
    world.give("tanaka", Command::Revise { emergency: id, plan: changed }).expect("revised");
    assert_eq!(bring(&mut world, "kansa", id, &armour).map_err(|refusal| refusal.code()), Err("emergency.signature_differs"));
    world.give("tanaka", Command::Revise { emergency: id, plan: plan() }).expect("revised back");
    assert_eq!(
        bring(&mut world, "kansa", id, &armour).map_err(|refusal| refusal.code()),
        Err("emergency.signature_differs"),
        "not even then"
    );
}

#[test]
fn e3_the_executor_and_whoever_the_policy_narrows_out_cannot_approve_by_letter() {
    let room = Room::new();
    let mut world = world(&[("mori", key(&room.key("mori", &["-t", "ed25519"])))], ApprovalProof::Any);
    let incident = world.open("tanaka");
    let by_mori = Plan { executor: id("mori"), ..plan() };
    let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: by_mori }).expect("requested").made;
    let first: EmergencyId = made.expect("an id").parse().expect("an id");
    let armour = room.sign("mori", NAMESPACE, &document(&world, first), &[]);
    assert_eq!(bring(&mut world, "kansa", first, &armour), Err(Refusal::ExecutorApproves { person: id("mori") }));

    let mut narrowed = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    narrowed.permissions.insert("emergency.approve".to_owned(), vec![RoleName::known("cto")]);
    world.submit(&Actor::Startup, &command::Command::Policy(PolicyCommand::Adopt { policy: Box::new(narrowed) })).expect("tighter");
    let second = requested(&mut world);
    let armour = room.sign("mori", NAMESPACE, &document(&world, second), &[]);
    assert!(matches!(bring(&mut world, "kansa", second, &armour), Err(Refusal::SignerNotEntitled { .. })));
}

#[test]
fn e14_two_signatures_by_one_person_are_one_approval() {
    let room = Room::new();
    let keys = [("sato", key(&room.key("one", &["-t", "ed25519"]))), ("sato", key(&room.key("two", &["-t", "ecdsa", "-b", "256"])))];
    let mut world = world(&keys, ApprovalProof::Any);
    let id = world.executing();
    world.run_step(id, 1, 0, Vec::new());
    world.run_step(id, 2, 0, Vec::new());
    world.verify(id, true);
    world.give("tanaka", Command::Close { emergency: id }).expect("closed");
    world.pass(100 * 3600);
    let next = requested(&mut world);
    assert!(world.emergency(next).requirement.every_role);
    let plan = document(&world, next);
    bring(&mut world, "kansa", next, &room.sign("one", NAMESPACE, &plan, &[])).expect("the first");
    let again = bring(&mut world, "kansa", next, &room.sign("two", NAMESPACE, &plan, &[]));
    assert_eq!(again, Err(Refusal::AlreadyApproved { person: self::id("sato") }));
    assert_eq!(
        bring(&mut world, "kansa", next, &room.sign("one", NAMESPACE, &plan, &[])),
        Err(Refusal::AlreadyApproved { person: self::id("sato") })
    );
    assert_eq!(world.emergency(next).status, Status::Requested);
}

#[test]
fn a3_a_key_beside_an_approvers_name_is_a_loosening_and_taking_it_away_is_not() {
    let room = Room::new();
    let (line, other) = (room.key("sato", &["-t", "ed25519"]), room.key("other", &["-t", "ed25519"]));
    let bare = policy();
    let with = |name: &str, key: SshKey| {
        let mut policy = bare.clone();
        policy.people.get_mut(&id(name)).expect("known").ssh_keys.push(key);
        policy
    };
    let sato = with("sato", key(&line));
    assert!(matches!(&bare.weakenings(&sato)[..], [Weakening::KeyAdded { person, .. }] if *person == id("sato")));
    assert!(matches!(&bare.weakenings(&with("takahashi", key(&line)))[..], [Weakening::KeyAdded { .. }]), "a witness");
    assert_eq!(bare.weakenings(&with("kansa", key(&line))), Vec::new(), "an auditor binds nobody");
    assert_eq!(sato.weakenings(&bare), Vec::new());
    assert_eq!(sato.weakenings(&with("sato", key(&other))).len(), 1, "a key in place of another");
    let until = |text: &str| Some(text.parse().expect("a time"));
    let short = with("sato", SshKey { valid_until: until("2027-01-01T00:00:00Z"), ..key(&line) });
    let revoked = with("sato", SshKey { revoked_at: until("2026-01-01T00:00:00Z"), ..key(&line) });
    let renamed = with("sato", key(&format!("{} new-comment", line.rsplit_once(' ').expect("a comment").0)));
    assert_eq!(sato.weakenings(&short), Vec::new());
    assert_eq!(short.weakenings(&sato).len(), 1, "valid for longer");
    assert_eq!(sato.weakenings(&revoked), Vec::new());
    assert_eq!(revoked.weakenings(&sato).len(), 1, "not revoked any more");
    assert_eq!(sato.weakenings(&renamed), Vec::new());
    let mut strict = bare.clone();
    strict.emergency.approval_proof = ApprovalProof::Signed;
    assert_eq!(bare.weakenings(&strict), Vec::new());
    assert_eq!(strict.weakenings(&bare), vec![Weakening::SignatureDropped]);
    let mut shared = sato;
    shared.people.get_mut(&id("mori")).expect("known").ssh_keys.push(key(&line));
    shared.people.get_mut(&id("ito")).expect("known").ssh_keys.push(key("ssh-ed25519 AAAA"));
    let flaws: Vec<String> = shared.check().iter().map(|flaw| flaw.at.join(".")).collect();
    assert_eq!(flaws, ["people.ito.ssh_keys.0.key", "people.sato.ssh_keys.0.key"]);
}

fn with_passkey(proof: ApprovalProof, place: bool) -> (World, Authenticator) {
    let phone = Authenticator::new();
    let mut world = world(&[], proof);
    let add = account::Command::AddPasskey {
        label: "佐藤の携帯".to_owned(),
        credential_id: Authenticator::ID.to_owned(),
        credential: phone.credential(),
        place: place.then(|| phone.place.clone()),
    };
    world.submit(&who("sato"), &command::Command::Account(add)).expect("added");
    (world, phone)
}

fn by_passkey(world: &mut World, by: &str, id: EmergencyId, assertion: passkey::Assertion) -> Result<crate::decide::Decision, Refusal> {
    let digest = world.emergency(id).digest;
    world.give(by, Command::ApprovePasskey { emergency: id, digest, judgement: "緊急と判断する".to_owned(), assertion })
}

#[test]
fn e3_where_signatures_are_asked_for_a_session_does_not_approve_and_a_passkey_does() {
    let (mut world, phone) = with_passkey(ApprovalProof::Signed, true);
    let id = requested(&mut world);
    let digest = world.emergency(id).digest;
    let bare = Command::Approve { emergency: id, digest, judgement: "緊急".to_owned() };
    assert_eq!(world.give("sato", bare), Err(Refusal::ApprovalUnsigned));
    let code = |result: Result<crate::decide::Decision, Refusal>| result.map(|_| ()).map_err(|refusal| refusal.code());
    let good = phone.assert(&phone.honest(digest, 5));
    assert_eq!(code(by_passkey(&mut world, "mori", id, good.clone())), Err("account.passkey_unknown"), "another approver's phone");
    assert_eq!(code(by_passkey(&mut world, "tanaka", id, good.clone())), Err("emergency.self_approval"));
    let of_other = phone.assert(&phone.honest(Digest::of(b"other"), 5));
    let wrong = Refusal::AssertionFlawed { flaw: passkey::AssertionFlaw::OtherChallenge };
    assert_eq!(by_passkey(&mut world, "sato", id, of_other), Err(wrong));
    by_passkey(&mut world, "sato", id, good).expect("approved");
    let state = world.emergency(id);
    assert_eq!(state.status, Status::Approved);
    assert_eq!(state.approvals[0].means, Means::Passkey { label: "佐藤の携帯".to_owned() });
    assert_eq!(world.rebuilt().account(&self::id("sato")), world.all.account(&self::id("sato")));

    // A copy of the passkey would count from where it was copied.
    let next = requested(&mut world);
    let digest = world.emergency(next).digest;
    let back = Refusal::AssertionFlawed { flaw: passkey::AssertionFlaw::CounterBack { last: 5, given: 5 } };
    assert_eq!(by_passkey(&mut world, "sato", next, phone.assert(&phone.honest(digest, 5))), Err(back));
    by_passkey(&mut world, "sato", next, phone.assert(&phone.honest(digest, 6))).expect("approved");
}

#[test]
fn e3_a_passkey_of_which_the_place_is_not_known_does_not_sign() {
    let (mut world, phone) = with_passkey(ApprovalProof::Any, false);
    let id = requested(&mut world);
    let assertion = phone.assert(&phone.honest(world.emergency(id).digest, 0));
    let unknown = Refusal::AssertionFlawed { flaw: passkey::AssertionFlaw::PlaceUnknown };
    assert_eq!(by_passkey(&mut world, "sato", id, assertion), Err(unknown));
}

/// The bundle of a case, made from the events of the world as the store would record them.
fn bundle(world: &World, case: IncidentId, key: &LedgerKey) -> crate::ledger::Files {
    let (mut prev, mut leaves, mut entries, mut frontier) = (Digest([0; 32]), Vec::new(), Vec::new(), Frontier::new());
    for (seq, (at, actor, event)) in (0_u64..).zip(&world.log) {
        let result = EntryResult::Done { events: vec![event.clone()], effects: Vec::new(), settles: None, made: None };
        let key = crate::ids::RequestKey::new(format!("request-{seq}")).expect("a key");
        let kind = "emergency.approve_signed".to_owned();
        let entry = Entry { v: 1, seq, at: *at, actor: actor.clone(), via: Via::Web, key, kind, case: Some(case), prev, result };
        let bytes = entry.bytes().expect("bytes");
        prev = leaf_hash(&bytes);
        frontier.append(prev);
        leaves.push(prev);
        entries.push((seq, bytes));
    }
    let size = u64::try_from(leaves.len()).expect("small");
    let mut tree = &leaves[..];
    let entries = entries
        .into_iter()
        .map(|(seq, bytes)| BundledEntry { seq, bytes, path: crate::ledger::inclusion_proof(&mut tree, seq, size).expect("a path") })
        .collect();
    let parts = BundleParts {
        case,
        exported_at: world.now,
        size,
        root: frontier.root(),
        entries,
        consistency: Vec::new(),
        contents: std::collections::BTreeMap::new(),
        people: std::collections::BTreeMap::new(),
        documents: crate::ledger::Files::new(),
    };
    make_bundle(parts, key).expect("a bundle")
}

#[test]
fn a2_stock_tools_verify_the_approvals_in_a_bundle_and_a_forged_one_is_named() {
    let room = Room::new();
    let (mut world, phone) = with_passkey(ApprovalProof::Any, true);
    let line = room.key("mori", &["-t", "ed25519"]);
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.people.get_mut(&id("mori")).expect("known").ssh_keys.push(key(&line));
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
    let (first, second) = (requested(&mut world), requested(&mut world));
    let armour = room.sign("mori", NAMESPACE, &document(&world, first), &[]);
    bring(&mut world, "kansa", first, &armour).expect("approved by letter");
    let assertion = phone.assert(&phone.honest(world.emergency(second).digest, 1));
    by_passkey(&mut world, "sato", second, assertion).expect("approved by passkey");

    let ledger = LedgerKey::from_seed("test", &[7; 32]).expect("a key");
    let case = world.emergency(first).incident;
    let files = bundle(&world, case, &ledger);
    assert_eq!(verify_bundle(&files, Some(ledger.verifier()), &[]).faults, Vec::new());
    let file = |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).map(|(_, bytes)| bytes.clone()).expect(end);
    let signature = String::from_utf8(file("mori.plan.json.sig")).expect("text");
    let signers = file("mori.allowed_signers");
    assert!(room.stock_verifies(&signers, "mori", NAMESPACE, &signature, &file("mori.plan.json"), None));
    assert!(!room.stock_verifies(&signers, "mori", NAMESPACE, &signature, &file("sato.plan.json"), None), "of another plan");
    assert!(!room.stock_verifies(&signers, "mori", "file", &signature, &file("mori.plan.json"), None), "for another purpose");
    assert!(room.openssl_verifies(&file("passkey.pem"), &file("passkey.sig"), &file("passkey.signed")));
    let challenge = String::from_utf8(file("passkey.challenge.txt")).expect("text");
    assert!(String::from_utf8(file("passkey.client.json")).expect("text").contains(challenge.trim()));

    // The server itself, with the key of its ledger, cannot have written an approval that nobody signed.
    let mut forged = world;
    for (_, _, event) in &mut forged.log {
        if let Event::EmergencyApproved { approval, evidence: Some(evidence), .. } = event
            && approval.by == id("mori")
        {
            evidence.plan = evidence.plan.replace("sed -i", "rm -rf");
            approval.digest = Digest::of(evidence.plan.as_bytes());
        }
    }
    let verdict = verify_bundle(&bundle(&forged, case, &ledger), Some(ledger.verifier()), &[]);
    assert!(matches!(verdict.faults[..], [BundleFault::ApprovalUnproven { .. }]), "{:?}", verdict.faults);
}
