//! For tests only: a door without a store. It loads exactly what `needs` names, so a decision that peeks at more fails here.

use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::command::Command;
use crate::decide::{Decision, decide, needs};
use crate::effect::{Effect, EffectKey, Outcome, Work};
use crate::emergency::{
    self, Backup, ChangeKind, Check, CheckKind, CheckResult, Condition, Conditions, FileChange, FileContent, Judgement, Looked, Plan, Step,
    StepEnd, Verification,
};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{Digest, EmergencyId, IncidentId, PersonId};
use crate::incident::{self, Business, Impact, Triage, Urgency};
use crate::people::Actor;
use crate::permit::permit;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::session::{Ack, DeviceKey, Inner, Known, TypedCommand};
use crate::{apply, monitor};

pub(crate) struct World {
    pub all: Facts,
    pub now: Timestamp,
    pub log: Vec<(Timestamp, Actor, Event)>,
    pub queued: Vec<Effect>,
    /// Every effect that was ever ordered.
    pub ordered: Vec<EffectKey>,
}

pub(crate) fn policy() -> Policy {
    let policy: Policy = serde_json::from_str(include_str!("testing_policy.json")).expect("the test policy parses");
    assert_eq!(policy.check(), Vec::new());
    policy
}

pub(crate) fn who(name: &str) -> Actor {
    Actor::person(PersonId::new(name).expect("a handle"))
}

impl World {
    pub fn new() -> Self {
        let now = "2026-11-22T03:00:00Z".parse().expect("a time");
        let mut world = Self { all: Facts::default(), now, log: Vec::new(), queued: Vec::new(), ordered: Vec::new() };
        let adopt = crate::command::PolicyCommand::Adopt { policy: Box::new(policy()) };
        world.submit(&Actor::Startup, &Command::Policy(adopt)).expect("the first policy is adopted");
        world
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
    }

    pub fn submit(&mut self, actor: &Actor, command: &Command) -> Result<Decision, Refusal> {
        let mut facts = Facts { workspace: self.all.workspace.clone(), ..Facts::default() };
        loop {
            let missing = needs(actor, command, &facts).missing(&facts);
            if missing.is_empty() {
                break;
            }
            self.load(&missing, &mut facts);
        }
        let decision = permit(&facts, actor, command).and_then(|permit| decide(permit, &facts, command, self.now))?;
        for event in &decision.events {
            apply::apply(&mut facts, event, actor, self.now);
            self.log.push((self.now, actor.clone(), event.clone()));
        }
        if let Some((id, person)) = &decision.heard {
            emergency::state::heard(&mut facts, *id, person, self.now);
        }
        self.store(facts);
        self.all.leases.extend(decision.leased.iter().cloned());
        for effect in &decision.effects {
            assert!(!self.ordered.contains(&effect.key), "{} was ordered twice", effect.key);
            self.ordered.push(effect.key.clone());
            self.queued.push(effect.clone());
        }
        if let Some(key) = &decision.settles {
            self.queued.retain(|effect| effect.key != *key);
        }
        Ok(decision)
    }

    fn load(&self, needs: &Needs, facts: &mut Facts) {
        for id in &needs.incidents {
            facts.incidents.insert(*id, self.all.incident(*id).cloned());
        }
        for id in &needs.emergencies {
            facts.emergencies.insert(*id, self.all.emergency(*id).cloned());
        }
        for id in &needs.obligations {
            facts.obligations.insert(*id, self.all.obligation(*id).cloned());
        }
        for id in &needs.accounts {
            facts.accounts.insert(id.clone(), self.all.account(id).cloned());
        }
        for id in &needs.monitors {
            facts.monitors.insert(id.clone(), self.all.monitor(id).cloned());
        }
        for id in &needs.alerts {
            facts.alerts.insert(id.clone(), self.all.alert(id).cloned());
            facts.leases.extend(self.all.leases.get(id).map(|until| (id.clone(), *until)));
        }
        for key in &needs.groups {
            facts.groups.insert(key.clone(), self.all.group(key).cloned());
        }
        for id in &needs.silenced {
            let held = self.all.alerts.values().flatten().filter(|alert| crate::alert::silence::held_by(alert) == Some(*id));
            let held: Vec<_> = held.take(crate::alert::silence::HELD_MAX).cloned().collect();
            facts.silenced.insert(*id, held.iter().map(|alert| alert.alert.clone()).collect());
            facts.alerts.extend(held.into_iter().map(|alert| (alert.alert.clone(), Some(alert))));
        }
        for id in &needs.alerts_of {
            let known = self.all.alerts.values().flatten().filter(|alert| alert.incident == Some(*id));
            let most = usize::try_from(incident::merge::SPLIT_MAX).expect("small") + 1;
            facts.alerts_of.insert(*id, known.take(most).map(|alert| alert.alert.clone()).collect());
        }
        for key in &needs.changes {
            facts.changes.insert(key.clone(), self.all.change(key).cloned());
        }
        for digest in &needs.imports {
            facts.imports.insert(*digest, self.all.imports.get(digest).cloned().flatten());
        }
        for id in &needs.presence {
            facts.presence.insert(*id, self.all.presence.get(id).cloned().unwrap_or_default());
        }
        if needs.overdue {
            let overdue = self.all.obligations.values().flatten().filter(|obligation| obligation.is_overdue(self.now));
            facts.overdue = Some(overdue.clone().map(|obligation| obligation.id).collect());
            facts.obligations.extend(overdue.map(|obligation| (obligation.id, Some(obligation.clone()))));
        }
    }

    fn store(&mut self, facts: Facts) {
        self.all.workspace = facts.workspace;
        self.all.incidents.extend(facts.incidents);
        self.all.emergencies.extend(facts.emergencies);
        self.all.obligations.extend(facts.obligations);
        self.all.accounts.extend(facts.accounts);
        self.all.monitors.extend(facts.monitors);
        self.all.presence.extend(facts.presence);
        self.all.alerts.extend(facts.alerts);
        self.all.groups.extend(facts.groups);
        self.all.changes.extend(facts.changes);
        self.all.imports.extend(facts.imports);
    }

    /// All events as they would be rebuilt: the fold of the log alone.
    pub fn rebuilt(&self) -> Facts {
        let mut facts = Facts::default();
        for (at, actor, event) in &self.log {
            apply::apply(&mut facts, event, actor, *at);
        }
        facts
    }

    pub fn emergency(&self, id: EmergencyId) -> &emergency::Emergency {
        self.all.emergency(id).expect("the exception exists")
    }

    pub fn open(&mut self, by: &str) -> IncidentId {
        let command = incident::Command::Open {
            title: "予約ページが開かない".to_owned(),
            summary: String::new(),
            service: crate::ids::ServiceName::known("reservation"),
            environment: crate::ids::EnvironmentName::known("production"),
            triage: Triage { impact: Impact::AllUsers, business: Business::LostSales, urgency: Urgency::Now, priority_override: None },
            detected_at: None,
        };
        self.submit(&who(by), &Command::Incident(command)).expect("an incident opens").case.expect("a case")
    }

    pub fn give(&mut self, by: &str, command: emergency::Command) -> Result<Decision, Refusal> {
        self.submit(&who(by), &Command::Emergency(command))
    }

    pub fn end(&mut self, key: &EffectKey, outcome: Outcome) -> Result<Decision, Refusal> {
        let command = crate::command::OutcomeCommand::Ended { effect: key.clone(), outcome: Box::new(outcome) };
        self.submit(&Actor::Runner, &Command::Outcome(command))
    }

    /// An exception that is approved, watched and backed up.
    pub fn executing(&mut self) -> EmergencyId {
        self.executing_with(plan())
    }

    pub fn executing_with(&mut self, plan: Plan) -> EmergencyId {
        let incident = self.open("tanaka");
        let request = emergency::Command::Request { incident, conditions: conditions(), plan };
        let made = self.give("tanaka", request).expect("requested").made.expect("an id");
        let id: EmergencyId = made.parse().expect("an id");
        let digest = self.emergency(id).digest;
        let approve = emergency::Command::Approve { emergency: id, digest, judgement: "予約が止まっている".to_owned() };
        self.give("sato", approve).expect("approved");
        for witness in ["suzuki", "takahashi"] {
            self.give(witness, emergency::Command::Join { emergency: id }).expect("joined");
        }
        self.give("tanaka", emergency::Command::Start { emergency: id }).expect("started");
        let key = self.queued.last().expect("a backup is ordered").key.clone();
        self.end(&key, Outcome::BackupTaken { backup: backup() }).expect("backed up");
        id
    }

    /// Who witnesses an exception made by [`Self::executing`].
    pub fn witnesses(&self, id: EmergencyId) -> Vec<String> {
        self.emergency(id).witnesses.keys().map(ToString::to_string).collect()
    }

    pub fn run_step(&mut self, id: EmergencyId, step: u32, exit_code: i32, changes: Vec<FileChange>) {
        self.give("tanaka", emergency::Command::Step { emergency: id, step, confirm: String::new() }).expect("the step starts");
        let key = self.queued.iter().find(|effect| matches!(effect.work, Work::RunStep { .. })).expect("a step is ordered").key.clone();
        self.end(&key, Outcome::StepEnded { end: step_end(self.now, exit_code), looked: Ok(Looked::of(changes)) }).expect("the step ends");
    }

    pub fn verify(&mut self, id: EmergencyId, passed: bool) {
        self.give("tanaka", emergency::Command::Verify { emergency: id }).expect("the checks start");
        let key = self.queued.last().expect("checks are ordered").key.clone();
        self.end(&key, Outcome::ChecksEnded { results: checks(passed) }).expect("the checks end");
    }
}

pub(crate) fn checks(passed: bool) -> Vec<crate::effect::AspectResult> {
    [emergency::Aspect::Solved, emergency::Aspect::Unaffected]
        .into_iter()
        .map(|aspect| crate::effect::AspectResult {
            aspect,
            checks: vec![CheckResult { title: "応答".to_owned(), passed, seen: "200".to_owned(), took_ms: 3 }],
        })
        .collect()
}

pub(crate) fn step_end(now: Timestamp, exit_code: i32) -> StepEnd {
    StepEnd {
        exit_code: Some(exit_code),
        killed: None,
        started_at: now,
        ended_at: now,
        output: None,
        output_bytes: 0,
        output_bytes_cut: 0,
        settled_by: None,
    }
}

pub(crate) fn backup() -> Backup {
    Backup {
        name: "app_20261122_120000".to_owned(),
        path: "/var/backups/app_20261122_120000".to_owned(),
        files: 2,
        bytes: 40,
        manifest: Digest::of(b"manifest"),
        at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn conditions() -> Conditions {
    let condition = |statement: &str| Condition { statement: statement.to_owned(), evidence: "https://grafana.example/d/1".to_owned() };
    Conditions {
        serious_failure: condition("予約が全件失敗している"),
        normal_flow_cannot: condition("CI が止まっており通常の配備ができない"),
        cannot_wait: condition("宿泊の予約が一件も取れない"),
        judged_by: Judgement { person: PersonId::new("sato").ok(), evidence: "03:02 電話".to_owned() },
    }
}

pub(crate) fn plan() -> Plan {
    let step = |title: &str, run: &str| Step { title: title.to_owned(), run: run.to_owned(), timeout_s: 30, dangerous: false };
    let check = |title: &str| Check {
        title: title.to_owned(),
        kind: CheckKind::Http { url: "http://127.0.0.1:1/health".to_owned(), status: 200, body_contains: None },
        timeout_s: 5,
    };
    Plan {
        target: crate::ids::TargetName::known("app-production"),
        executor: PersonId::known("tanaka"),
        summary: "設定を直して再読み込みする".to_owned(),
        steps: vec![step("設定を直す", "sed -i s/bad/good/ app.conf"), step("再読み込み", "touch reload")],
        terminal: None,
        scope: vec!["app.conf".to_owned(), "reload".to_owned()],
        verification: Verification { solved: vec![check("予約できる")], unaffected: vec![check("他の画面")] },
        witnesses: vec![PersonId::known("suzuki"), PersonId::known("takahashi")],
    }
}

pub(crate) fn fire(world: &mut World) -> Result<Decision, Refusal> {
    let monitor = crate::ids::MonitorName::known("reservation-http");
    let command =
        monitor::Command::Fire { monitor: monitor.clone(), first_seen_at: world.now, seen: "HTTP 500".to_owned(), unmeasured: false };
    world.submit(&Actor::Monitor { monitor }, &Command::Monitor(command))
}

pub(crate) fn changed(path: &str, in_scope: bool) -> FileChange {
    let content = FileContent { digest: Digest::of(path.as_bytes()), bytes: 3, mode: 0o100_644, kept: true };
    FileChange {
        path: path.to_owned(),
        kind: ChangeKind::Added,
        before: None,
        after: Some(content),
        in_scope,
        step: 0,
        command: None,
        accepted_by: None,
    }
}

/// What a witness watches with.
pub(crate) struct Device(EcdsaKeyPair);

impl Device {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key"))
    }
    pub fn key(&self) -> DeviceKey {
        DeviceKey::of(self.0.public_key().as_ref())
    }
    pub fn ack(&self, emergency: EmergencyId, session: u32, person: &str, block: u64, head: Digest, shown_at: Timestamp) -> Ack {
        let person = PersonId::new(person).expect("a handle");
        let message = Ack::message(emergency, session, &person, 0..=block, &head, shown_at);
        let signature = self.0.sign(&SystemRandom::new(), &message).expect("signed");
        let signature = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ack { person, from: 0, block, head, shown_at, signature }
    }
}

/// A command that an integrated shell has told of, and that went well.
pub(crate) fn typed(number: u32, text: &str, (started_at, ended_at): (Timestamp, Timestamp)) -> TypedCommand {
    TypedCommand {
        number,
        text: text.to_owned(),
        cut: false,
        cwd: "/srv/app".to_owned(),
        exit_code: Some(0),
        pipeline: Vec::new(),
        known: Known::Integrated,
        within: None,
        inner: Inner::Unseen,
        forged: 0,
        started_at,
        ended_at: Some(ended_at),
        output_from: 0,
        output_to: 0,
    }
}
