//! Local ledgers: what comes home, every way in which one does not, and what follows. Signatures are stock `ssh-keygen`'s.

mod forged;
mod named;
mod terminal;
mod turned_away;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::account;
use crate::command::{Command, PolicyCommand};
use crate::emergency::{self, PlanDocument, Status};
use crate::event::Event;
use crate::ids::{ObligationId, RequestKey};
use crate::ledger::{
    BundleParts, BundledEntry, DECLARED_FILE, Declared, Entry, EntryResult, Files, Frontier, LedgerKey, inclusion_proof, leaf_hash,
    make_bundle,
};
use crate::obligation;
use crate::people::{Actor, Via};
use crate::policy::Owed;
use crate::signature::NAMESPACE;
use crate::signature::ssh::SshKey;
use crate::signature::testing::Room;
use crate::testing::{Device, World, conditions, plan, step_end, who};
use crate::timer::Wake;
use crate::trust::Trust;

fn person(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

fn server_key() -> LedgerKey {
    LedgerKey::from_seed("example.jp/hikeshi", &[7; 32]).expect("a key")
}

fn local_key() -> LedgerKey {
    LedgerKey::from_seed("example.jp/hikeshi/local/app-1-0a1b2c3d", &[9; 32]).expect("a key")
}

const KEYED: [&str; 5] = ["sato", "tanaka", "suzuki", "takahashi", "mori"];

fn hours(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours)).expect("a time")
}

/// A server that is away, and the ledger on the executor's machine.
struct Night {
    room: Room,
    server: World,
    world: World,
    trust: String,
    lines: Vec<Vec<u8>>,
    prev: Digest,
    /// What people watch with.
    devices: BTreeMap<String, Device>,
    contents: BTreeMap<Digest, Vec<u8>>,
}

impl Night {
    fn new() -> Self {
        Self::owing(Vec::new())
    }

    fn owing(owed: Vec<Owed>) -> Self {
        let room = Room::new();
        let mut policy = crate::testing::policy();
        for name in KEYED {
            let line = room.key(name, &["-t", "ed25519"]);
            let key = SshKey { key: line, valid_from: None, valid_until: None, revoked_at: None };
            policy.people.get_mut(&person(name)).expect("known").ssh_keys.push(key);
        }
        let mut server = World::new();
        server.all.workspace.policy = Some(std::sync::Arc::new(policy.clone()));
        let trust = Trust::of(&policy, server_key().verifier(), server.now).knowing(None, owed).sign(&server_key()).expect("signed");
        let opened = Trust::open(trust.as_bytes(), server_key().verifier()).expect("holds");
        let key = local_key();
        let terms = opened.beginning(key.verifier().name(), &key.verifier().to_string(), "app-1", Digest::of(trust.as_bytes()));
        let mut world = World::new();
        (world.all, world.now) = (crate::facts::Facts::default(), server.now);
        world.log.clear();
        let devices = KEYED.map(|name| (name.to_owned(), Device::new())).into();
        let mut night = Self { room, server, world, trust, lines: Vec::new(), prev: Digest([0; 32]), devices, contents: BTreeMap::new() };
        let adopt = PolicyCommand::Adopt { policy: Box::new(terms.expect("terms")) };
        night.give(&Actor::Startup, Command::Policy(adopt)).expect("begun");
        night
    }

    /// Through the door's own path, and into the local ledger.
    fn give(&mut self, actor: &Actor, command: Command) -> Result<crate::decide::Decision, Refusal> {
        self.world.pass(1);
        let decided = self.world.submit(actor, &command);
        match &decided {
            Ok(decision) if decision.events.is_empty() => {}
            Ok(decision) => self.record(actor, &command, decision),
            Err(refusal) => self.record_refused(actor, &command, refusal),
        }
        decided
    }

    fn record(&mut self, actor: &Actor, command: &Command, decision: &crate::decide::Decision) {
        let result = EntryResult::Done {
            events: decision.events.clone(),
            effects: decision.effects.clone(),
            settles: decision.settles.clone(),
            made: decision.made.clone(),
        };
        self.push(actor, command, decision.case, result);
    }

    fn record_refused(&mut self, actor: &Actor, command: &Command, refusal: &Refusal) {
        let (rule, code) = (refusal.rule().to_owned(), refusal.code().to_owned());
        let asked = serde_json::to_value(command).expect("data");
        let case = self.world.all.incident(IncidentId(1)).map(|incident| incident.id);
        self.push(actor, command, case, EntryResult::Refused { rule, code, refusal: refusal.clone(), asked });
    }

    fn push(&mut self, actor: &Actor, command: &Command, case: Option<IncidentId>, result: EntryResult) {
        let seq = u64::try_from(self.lines.len()).expect("small");
        let key = RequestKey::new(format!("request-{seq}")).expect("a key");
        let (at, kind) = (self.world.now, command.kind().to_owned());
        let entry = Entry { v: 1, seq, at, actor: actor.clone(), via: Via::Cli, key, kind, case, prev: self.prev, result };
        let bytes = entry.bytes().expect("bytes");
        self.prev = leaf_hash(&bytes);
        self.lines.push(bytes);
    }

    fn statement(&self, name: &str) -> Statement {
        let token = Digest::of(format!("token of {name} at {}", self.world.now).as_bytes());
        Statement::new(local_key().verifier().name(), token, self.devices[name].key(), self.world.now)
    }

    fn enter(&mut self, name: &str) -> Result<(), Refusal> {
        let statement = self.statement(name).text();
        let signature = self.room.sign(name, ENTER_NAMESPACE, statement.as_bytes(), &[]);
        let command = account::Command::Enter { statement, signature, label: "端末".to_owned() };
        self.give(&who(name), Command::Account(command)).map(|_| ())
    }

    fn emergency(&mut self, by: &str, command: emergency::Command) -> Result<crate::decide::Decision, Refusal> {
        self.give(&who(by), Command::Emergency(command))
    }

    fn open(&mut self) -> IncidentId {
        let before = self.world.log.len();
        let opening = crate::incident::Command::Open {
            title: "予約ページが開かない".to_owned(),
            summary: String::new(),
            service: ServiceName::known("reservation"),
            environment: EnvironmentName::known("production"),
            triage: Triage {
                impact: crate::incident::Impact::AllUsers,
                business: crate::incident::Business::LostSales,
                urgency: crate::incident::Urgency::Now,
                priority_override: None,
            },
            detected_at: None,
        };
        let decision = self.give(&who("tanaka"), Command::Incident(opening)).expect("opened");
        assert!(self.world.log.len() > before);
        decision.case.expect("a case")
    }

    fn approve(&mut self, id: EmergencyId, by: &str) -> Result<crate::decide::Decision, Refusal> {
        let state = self.world.emergency(id);
        let target = self.world.all.policy().expect("a policy").targets.get(&state.plan.target);
        let document = PlanDocument::of(state, target).bytes();
        let signature = self.room.sign(by, NAMESPACE, &document, &[]);
        self.emergency("tanaka", emergency::Command::ApproveSigned { emergency: id, signature, judgement: "電話で確認した".to_owned() })
    }

    fn ended(&mut self, outcome: crate::effect::Outcome) {
        let effect = self.world.queued.last().expect("something is ordered").key.clone();
        let command = crate::command::OutcomeCommand::Ended { effect, outcome: Box::new(outcome) };
        self.give(&Actor::Runner, Command::Outcome(command)).expect("ended");
    }

    fn requested(&mut self) -> EmergencyId {
        self.requested_with(plan())
    }

    fn requested_with(&mut self, plan: emergency::Plan) -> EmergencyId {
        for name in ["tanaka", "suzuki", "takahashi"] {
            self.enter(name).expect("entered");
        }
        let incident = self.open();
        let request = emergency::Command::Request { incident, conditions: conditions(), plan };
        self.emergency("tanaka", request).expect("requested").made.expect("an id").parse().expect("an id")
    }

    /// A whole exception, from the first sign-in to the close.
    fn whole(&mut self) -> EmergencyId {
        let id = self.requested();
        self.approve(id, "sato").expect("approved");
        self.carried_out(id);
        id
    }

    /// Approved, watched and backed up.
    fn begun_with(plan: emergency::Plan) -> (Self, EmergencyId) {
        let mut night = Self::new();
        let id = night.requested_with(plan);
        night.approve(id, "sato").expect("approved");
        night.begin(id);
        (night, id)
    }

    fn begin(&mut self, id: EmergencyId) {
        use emergency::Command as Do;
        for name in ["suzuki", "takahashi"] {
            self.emergency(name, Do::Join { emergency: id }).expect("joined");
        }
        self.emergency("tanaka", Do::Start { emergency: id }).expect("started");
        self.ended(crate::effect::Outcome::BackupTaken { backup: crate::testing::backup() });
    }

    fn carried_out(&mut self, id: EmergencyId) {
        use emergency::Command as Do;
        self.begin(id);
        for step in [1, 2] {
            self.emergency("tanaka", Do::Step { emergency: id, step, confirm: String::new() }).expect("a step");
            let end = step_end(self.world.now, 0);
            self.ended(crate::effect::Outcome::StepEnded { end, looked: Ok(crate::emergency::Looked::default()) });
        }
        self.finished(id);
    }

    fn finished(&mut self, id: EmergencyId) {
        use emergency::Command as Do;
        self.emergency("tanaka", Do::Verify { emergency: id }).expect("checks");
        self.ended(crate::effect::Outcome::ChecksEnded { results: crate::testing::checks(true) });
        self.emergency("tanaka", Do::Close { emergency: id }).expect("closed");
    }

    fn files(&self) -> Files {
        self.files_signed_by(&local_key())
    }

    fn files_signed_by(&self, key: &LedgerKey) -> Files {
        self.files_with(key, |_| ())
    }

    /// As whoever holds the machine and its key can make them: everything that it signs itself can be another.
    fn files_with(&self, key: &LedgerKey, change: impl FnOnce(&mut BundleParts)) -> Files {
        let (mut frontier, mut leaves) = (Frontier::new(), Vec::new());
        for line in &self.lines {
            frontier.append(leaf_hash(line));
            leaves.push(leaf_hash(line));
        }
        let size = u64::try_from(leaves.len()).expect("small");
        let mut tree = &leaves[..];
        let entries = (0_u64..)
            .zip(&self.lines)
            .filter(|(_, line)| String::from_utf8_lossy(line).contains("\"case\":\"inc_1\""))
            .map(|(seq, line)| BundledEntry { seq, bytes: line.clone(), path: inclusion_proof(&mut tree, seq, size).expect("a path") })
            .collect();
        let whole = self.lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        let policy = self.world.all.policy().expect("a policy");
        let target = |state: &Emergency| policy.targets.get(&state.plan.target).cloned();
        let targets = self.world.all.emergencies.values().flatten().filter_map(|state| Some((state.id, target(state)?))).collect();
        let documents = Files::from([
            (parcel::LEDGER_FILE.to_owned(), whole),
            (parcel::TRUST_FILE.to_owned(), self.trust.clone().into_bytes()),
            (DECLARED_FILE.to_owned(), Declared::new(policy, targets).bytes()),
        ]);
        let mut parts = BundleParts {
            case: IncidentId(1),
            exported_at: self.world.now,
            size,
            root: frontier.root(),
            entries,
            consistency: Vec::new(),
            contents: self.contents.clone(),
            people: BTreeMap::new(),
            documents,
        };
        change(&mut parts);
        make_bundle(parts, key).expect("a bundle")
    }

    fn examined(&self) -> Result<Home, LocalFlaw> {
        self.examine(&self.files())
    }

    fn examine(&self, files: &Files) -> Result<Home, LocalFlaw> {
        let server = server_key();
        let policy = self.server.all.policy().expect("a policy");
        let around = Around { server: server.verifier(), policy, now: hours(self.world.now, 1), unpack: &|bytes, _| Some(bytes.to_vec()) };
        examine(files, &around)
    }

    /// Rewrites one entry and everything behind it, as whoever holds the machine and its key can.
    fn rewritten(&mut self, from: &str, to: &str) {
        let lines = std::mem::take(&mut self.lines);
        self.prev = Digest([0; 32]);
        let mut found = false;
        for line in lines {
            let text = String::from_utf8(line).expect("text");
            found |= text.contains(from);
            let mut entry: Entry = serde_json::from_str(&text.replace(from, to)).expect("an entry");
            entry.prev = self.prev;
            let bytes = entry.bytes().expect("bytes");
            self.prev = leaf_hash(&bytes);
            self.lines.push(bytes);
        }
        assert!(found, "{from} is nowhere");
    }

    /// Leaves out whatever holds this text.
    fn without(&mut self, text: &str) {
        let lines = std::mem::take(&mut self.lines);
        self.prev = Digest([0; 32]);
        for line in lines.into_iter().filter(|line| !String::from_utf8_lossy(line).contains(text)) {
            let mut entry: Entry = serde_json::from_slice(&line).expect("an entry");
            entry.seq = u64::try_from(self.lines.len()).expect("small");
            entry.prev = self.prev;
            let bytes = entry.bytes().expect("bytes");
            self.prev = leaf_hash(&bytes);
            self.lines.push(bytes);
        }
    }

    /// Puts an entry before the first that holds this text.
    fn forged(&mut self, before: &str, actor: &Actor, case: Option<IncidentId>, events: Vec<Event>) {
        let place = self.lines.iter().position(|line| String::from_utf8_lossy(line).contains(before)).expect("the place");
        let mut entry: Entry = serde_json::from_slice(&self.lines[place]).expect("an entry");
        let key = RequestKey::new(format!("forged-{}", self.lines.len())).expect("a key");
        (entry.actor, entry.case, entry.key) = (actor.clone(), case, key);
        entry.result = EntryResult::Done { events, effects: Vec::new(), settles: None, made: None };
        self.lines.insert(place, entry.bytes().expect("bytes"));
        self.without("nothing is left out");
    }

    /// Tells the server, as the executor's machine does.
    fn told(&mut self, case: Announced) -> IncidentId {
        let command = super::Command::Announce { by: person("tanaka"), case };
        self.server.submit(&Actor::Recorder, &Command::Offline(command)).expect("told").case.expect("a case")
    }

    fn brought(&mut self, incident: IncidentId, home: Home) -> Result<crate::decide::Decision, Refusal> {
        let command = super::Command::Import { by: person("tanaka"), incident, home: Box::new(home) };
        self.server.submit(&Actor::Recorder, &Command::Offline(command))
    }
}

#[test]
fn a3_whoever_enters_has_signed_for_this_ledger_this_token_and_this_time() {
    let mut night = Night::new();
    night.enter("sato").expect("a key of the bundle");
    let refused = |night: &mut Night, by: &str, key: &str, namespace: &str, statement: &Statement| {
        let text = statement.text();
        let signature = night.room.sign(key, namespace, text.as_bytes(), &[]);
        let command = account::Command::Enter { statement: text, signature, label: "端末".to_owned() };
        night.give(&who(by), Command::Account(command)).map(|_| ()).expect_err("refused").code()
    };
    let good = night.statement("tanaka");
    night.room.key("stranger", &["-t", "ed25519"]);
    assert_eq!(refused(&mut night, "tanaka", "stranger", ENTER_NAMESPACE, &good), "emergency.signature_key_unknown");
    assert_eq!(refused(&mut night, "tanaka", "tanaka", NAMESPACE, &good), "emergency.signature_flawed", "an approval is no sign-in");
    assert_eq!(refused(&mut night, "tanaka", "sato", ENTER_NAMESPACE, &good), "account.not_yours");
    let other = Statement { ledger: "example.jp/hikeshi/local/app-2-ffffffff".to_owned(), ..good.clone() };
    assert_eq!(refused(&mut night, "tanaka", "tanaka", ENTER_NAMESPACE, &other), "local.statement_flawed");
    let old = Statement { at: hours(night.world.now, -1), ..good.clone() };
    assert_eq!(refused(&mut night, "tanaka", "tanaka", ENTER_NAMESPACE, &old), "local.statement_flawed");
    night.enter("tanaka").expect("good");
    let statement = night.statement("tanaka");
    let text = statement.text();
    let signature = night.room.sign("tanaka", ENTER_NAMESPACE, text.as_bytes(), &[]);
    let enter =
        || Command::Account(account::Command::Enter { statement: text.clone(), signature: signature.clone(), label: "端末".to_owned() });
    night.give(&who("tanaka"), enter()).expect("good");
    let again = night.give(&who("tanaka"), enter()).expect_err("used");
    assert_eq!(again, Refusal::StatementFlawed { flaw: StatementFlaw::Used });
    // On the server itself an SSH key opens nothing.
    assert_eq!(night.server.submit(&who("tanaka"), &enter()).map(|_| ()), Err(Refusal::NotLocal));
}

#[test]
fn a_local_ledger_is_of_one_incident_and_its_terms_do_not_move() {
    let mut night = Night::new();
    let id = night.requested();
    let other = crate::incident::Command::Open {
        title: "別の障害".to_owned(),
        summary: String::new(),
        service: ServiceName::known("mail"),
        environment: EnvironmentName::known("production"),
        triage: night.world.all.incident(IncidentId(1)).expect("there").triage.clone(),
        detected_at: None,
    };
    let refused = night.give(&who("tanaka"), Command::Incident(other)).map(|_| ());
    assert_eq!(refused, Err(Refusal::LocalOneCase { incident: IncidentId(1) }));
    let mut terms = night.world.all.policy().expect("a policy").clone();
    terms.emergency.witnesses_min = 1;
    let adopt = Command::Policy(PolicyCommand::Adopt { policy: Box::new(terms) });
    assert_eq!(night.give(&Actor::Startup, adopt).map(|_| ()), Err(Refusal::PolicyOfLocal));
    let invite = account::Command::Invite { person: person("suzuki"), secret: Digest::of(b"link"), valid_min: 5 };
    assert_eq!(night.give(&who("mori"), Command::Account(invite)).map(|_| ()), Err(Refusal::LocalInvite));
    // A page that this machine serves is no proof of an approval.
    let digest = night.world.emergency(id).digest;
    let unsigned = emergency::Command::Approve { emergency: id, digest, judgement: "緊急".to_owned() };
    assert_eq!(night.emergency("sato", unsigned).map(|_| ()), Err(Refusal::ApprovalUnsigned));
    // After the bundle has ended, no key is believed.
    let until = night.world.all.policy().and_then(|policy| policy.local.as_ref()).expect("local").valid_until;
    night.world.now = until;
    assert_eq!(night.approve(id, "sato").map(|_| ()), Err(Refusal::TrustEnded { until }));
}

#[test]
fn e14_what_was_overdue_at_the_server_hardens_an_approval_here_too() {
    let now: Timestamp = "2026-11-22T03:00:00Z".parse().expect("a time");
    let mut night = Night::owing(vec![Owed { obligation: ObligationId(7), due_at: hours(now, -1) }]);
    let id = night.requested();
    assert!(night.world.emergency(id).requirement.every_role);
    night.approve(id, "sato").expect("one of two");
    assert_eq!(night.world.emergency(id).status, Status::Requested);
    night.approve(id, "mori").expect("the other");
    night.carried_out(id);
    assert_eq!(night.examined().map(|home| home.emergencies[0].approvals.len()), Ok(2));
}

#[test]
fn what_was_carried_out_meanwhile_comes_home_as_it_is() {
    let mut night = Night::new();
    let id = night.whole();
    let home = night.examined().expect("holds");
    assert_eq!((home.emergencies.len(), home.emergencies[0].status), (1, Status::Closed));
    assert_eq!(home.obligations.len(), 3);
    assert_eq!(home.degraded, [Degraded::PresenceTold { emergency: id }], "steps were run");
    // The server has had cases meanwhile: the numbers differ.
    for _ in 0..2 {
        night.server.open("tanaka");
    }
    let incident = night.told(home.announced());
    assert_eq!(incident, IncidentId(3));
    let decision = night.brought(incident, home.clone()).expect("comes in");
    assert_eq!(decision.made.as_deref(), Some("emg_1"));
    let state = night.server.emergency(EmergencyId(1)).clone();
    assert_eq!((state.incident, state.status, state.obligations.len()), (incident, Status::Closed, 4), "three, and a review");
    let offline = state.offline.as_ref().expect("offline");
    assert_eq!((offline.emergency, offline.incident, offline.host.as_str()), (id, IncidentId(1), "app-1"));
    // It still is the plan that was approved, under the numbers that it had.
    let target = night.server.all.policy().expect("a policy").targets.get(&state.plan.target);
    assert_eq!(PlanDocument::of(&state, target).digest(), state.digest);
    let owed: Vec<_> = state.obligations.iter().filter_map(|id| night.server.all.obligation(*id)).collect();
    let local = night.world.all.obligation(ObligationId(2)).expect("the report");
    let report = owed.iter().find(|owed| owed.kind == obligation::Kind::Report).expect("the report");
    assert_eq!(report.due_at, local.due_at, "from the time there");
    let review = owed.iter().find(|owed| owed.kind == obligation::Kind::Review).expect("a review");
    assert_eq!((review.owner.as_str(), review.status), ("sato", obligation::Status::Owed));
    let finish = |night: &mut Night, by: &str, id| {
        let command = obligation::Command::Finish { obligation: id, evidence: "記録を読んだ".to_owned() };
        night.server.submit(&who(by), &Command::Obligation(command)).map(|_| ())
    };
    let id = review.id;
    assert_eq!(finish(&mut night, "tanaka", id), Err(Refusal::SelfReview { person: person("tanaka") }));
    assert_eq!(finish(&mut night, "sato", id), Ok(()));
    assert_eq!(night.server.rebuilt().emergency(EmergencyId(1)).map(|state| &state.digest), Some(&state.digest));
    // Once is enough.
    let again = night.brought(incident, home);
    assert_eq!(again.map(|_| ()).map_err(|refusal| refusal.code()), Err("local.used"));
}

#[test]
fn a_parcel_is_whole_or_nothing() {
    let files = Files::from([("a".to_owned(), b"1\n2".to_vec()), ("contents/b".to_owned(), vec![0, 255]), ("c".to_owned(), Vec::new())]);
    let packed = parcel::pack(&files);
    assert_eq!(parcel::unpack(&packed), Some(files.clone()));
    for cut in 0..packed.len() {
        assert_eq!(parcel::unpack(&packed[..cut]), None, "{cut}");
    }
    assert_eq!(parcel::unpack(&[packed.as_slice(), b"x"].concat()), None);
    let kept = parcel::unpack(&parcel::kept(&files)).expect("whole");
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["a", "c"]);
}
