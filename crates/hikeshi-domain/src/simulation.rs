//! Bad nights by the thousand: random people give random commands, effects fail or are in doubt, time jumps; an auditor that
//! knows nothing of the deciding code reads the events and checks the promises. One seed is one night, repeatable.

#![expect(clippy::wildcard_enum_match_arm, reason = "looks for some events among all")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::command::{Command, OutcomeCommand};
use crate::effect::{EffectKey, Outcome, Work};
use crate::emergency::{self, Aspect, ChangeKind, Ending, FileChange, FileContent, Looked, Replaced, Status, Verdict};
use crate::event::Event;
use crate::ids::{Digest, EmergencyId, ObligationId, PersonId};
use crate::obligation;
use crate::people::Actor;
use crate::testing::{World, backup, checks, conditions, plan, step_end, who};
use crate::timer;

/// xorshift64*: small, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
    fn name(&mut self, from: &[&'static str]) -> &'static str {
        from[usize::try_from(self.roll(from.len() as u64)).expect("small")]
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = usize::try_from(self.roll(from.len() as u64)).expect("small");
        &from[index]
    }
}

const PEOPLE: [&str; 8] = ["tanaka", "sato", "mori", "suzuki", "takahashi", "ito", "abe", "kansa"];
const APPROVERS: [&str; 2] = ["sato", "mori"];
const SENIORS: [&str; 4] = ["suzuki", "ito", "sato", "mori"];

/// What the auditor has read of one exception.
#[derive(Default)]
struct Read {
    requester: Option<PersonId>,
    executor: Option<PersonId>,
    digest: Option<Digest>,
    approved: BTreeMap<PersonId, Digest>,
    complete: bool,
    present: BTreeSet<PersonId>,
    held: bool,
    backed_up: bool,
    ran: bool,
    verified_since_step: BTreeMap<bool, bool>,
    restored: bool,
    over: bool,
}

#[derive(Default)]
struct Auditor {
    cases: BTreeMap<EmergencyId, Read>,
    owed: BTreeMap<ObligationId, (obligation::Obligation, bool)>,
    read: usize,
    steps: usize,
    closed: usize,
    hardened: usize,
}

impl Auditor {
    fn read(&mut self, world: &World) {
        for (at, _, event) in &world.log[self.read..] {
            self.event(world, *at, event);
        }
        self.read = world.log.len();
    }

    fn event(&mut self, world: &World, at: Timestamp, event: &Event) {
        match event {
            Event::EmergencyRequested { emergency, requester, plan, digest, .. } => {
                let read = self.cases.entry(*emergency).or_default();
                read.requester = Some(requester.clone());
                read.executor = Some(plan.executor.clone());
                read.digest = Some(*digest);
            }
            Event::PlanRevised { emergency, plan, digest, .. } => {
                let read = self.cases.get_mut(emergency).expect("requested before");
                assert_ne!(read.digest, Some(*digest), "a revision has another digest");
                read.executor = Some(plan.executor.clone());
                read.digest = Some(*digest);
                read.approved.clear();
                read.complete = false;
            }
            Event::EmergencyApproved { emergency, approval, complete, .. } => self.approved(at, *emergency, approval, *complete),
            Event::WitnessJoined { emergency, person } => {
                self.cases.get_mut(emergency).expect("requested before").present.insert(person.clone());
            }
            Event::WitnessLeft { emergency, person, .. } => {
                self.cases.get_mut(emergency).expect("requested before").present.remove(person);
            }
            Event::EmergencyHeld { emergency, .. } => self.cases.get_mut(emergency).expect("requested before").held = true,
            Event::EmergencyResumed { emergency, .. } => self.cases.get_mut(emergency).expect("requested before").held = false,
            Event::BackupTaken { emergency, .. } => self.cases.get_mut(emergency).expect("requested before").backed_up = true,
            Event::StepStarted { emergency, digest, witnesses, .. } => self.step(world, at, *emergency, *digest, witnesses),
            Event::VerificationRecorded { emergency, aspect, verified } => {
                let read = self.cases.get_mut(emergency).expect("requested before");
                read.verified_since_step.insert(*aspect == Aspect::Solved, verified.passed);
            }
            Event::BackupRestored { emergency, manifest, .. } => {
                assert_eq!(*manifest, backup().manifest, "a restore ends where the backup began");
                self.cases.get_mut(emergency).expect("requested before").restored = true;
            }
            Event::EmergencyClosed { emergency, ending } => self.closed(world, *emergency, *ending),
            Event::ObligationRaised { obligation } => {
                self.owed.insert(obligation.id, (obligation.clone(), false));
            }
            Event::ObligationDone { obligation, .. } | Event::ObligationWaived { obligation, .. } => {
                self.owed.get_mut(obligation).expect("raised before").1 = true;
            }
            _ => {}
        }
    }

    fn approved(&mut self, at: Timestamp, id: EmergencyId, approval: &emergency::Approval, complete: bool) {
        let neglected =
            self.owed.values().any(|(owed, over)| !over && owed.kind.hardens_next() && owed.emergency != Some(id) && owed.due_at < at);
        let read = self.cases.get_mut(&id).expect("requested before");
        assert!(APPROVERS.contains(&approval.by.as_str()));
        assert_ne!(Some(&approval.by), read.requester.as_ref(), "nobody approves their own request");
        assert_ne!(Some(&approval.by), read.executor.as_ref());
        assert_eq!(Some(approval.digest), read.digest, "approved is the plan as it is");
        read.approved.insert(approval.by.clone(), approval.digest);
        if neglected {
            self.hardened += 1;
            assert!(!complete || read.approved.len() >= 2, "neglected follow-up makes both necessary");
        }
        read.complete = complete;
    }

    fn step(&mut self, world: &World, at: Timestamp, id: EmergencyId, digest: Digest, witnesses: &[PersonId]) {
        let read = self.cases.get_mut(&id).expect("requested before");
        assert!(read.complete && !read.approved.is_empty(), "an executed step without approval");
        assert!(read.approved.values().all(|approved| *approved == digest) && read.digest == Some(digest), "approved was another plan");
        assert!(read.backed_up, "an executed step without a proven backup");
        assert!(!read.held && !read.over && !read.restored);
        let distinct: BTreeSet<&PersonId> = witnesses.iter().collect();
        assert!(distinct.len() >= 2, "two witnesses");
        assert!(distinct.iter().all(|person| read.present.contains(*person) && Some(*person) != read.executor.as_ref()));
        assert!(
            distinct.iter().any(|person| SENIORS.contains(&person.as_str()) && !read.approved.contains_key(*person)),
            "a senior who is not the approver"
        );
        let oldest = at.checked_sub(SignedDuration::from_secs(20)).expect("a time");
        let heard = world.all.presence.get(&id).expect("somebody was heard of");
        assert!(distinct.iter().all(|person| heard.get(*person).is_some_and(|at| *at >= oldest)), "each witness was there just now");
        read.ran = true;
        read.verified_since_step.clear();
        self.steps += 1;
    }

    fn closed(&mut self, world: &World, id: EmergencyId, ending: Ending) {
        let read = self.cases.get_mut(&id).expect("requested before");
        match ending {
            Ending::Solved => assert!(
                read.verified_since_step.get(&true) == Some(&true) && read.verified_since_step.get(&false) == Some(&true),
                "closed without both verifications"
            ),
            Ending::Undone => assert!(read.restored),
            Ending::NothingDone => assert!(!read.ran || self.owed.values().filter(|(owed, _)| owed.emergency == Some(id)).count() == 3),
        }
        let state = world.emergency(id);
        assert!(state.changes.iter().all(|change| change.in_scope || change.accepted_by.is_some()), "closed over an unaccepted change");
        read.over = true;
        self.closed += 1;
    }

    /// After the night: whatever ran is owed, nothing was lost on the way, and the tables are what the log says.
    fn morning(&mut self, world: &World) {
        for (id, read) in &self.cases {
            let raised = self.owed.values().filter(|(owed, _)| owed.emergency == Some(*id) && owed.kind.hardens_next()).count();
            assert_eq!(raised, if read.ran { 3 } else { 0 }, "{id}: follow-up is owed exactly when a step ran");
        }
        let policy = world.all.policy().expect("a policy");
        for (id, (_, over)) in &self.owed {
            let state = world.all.obligation(*id).expect("an obligation never disappears");
            assert_eq!(state.status != obligation::Status::Owed, *over);
            if !over {
                let chased = state.overdue_announced || !timer::of_obligation(state, policy).is_empty();
                assert!(chased, "{id} is owed and nobody would ever be reminded");
            }
        }
        let rebuilt = world.rebuilt();
        assert_eq!(rebuilt.emergencies, world.all.emergencies);
        assert_eq!(rebuilt.incidents, world.all.incidents);
        assert_eq!(rebuilt.obligations, world.all.obligations);
        assert_eq!(rebuilt.changes, world.all.changes);
        assert_eq!(rebuilt.workspace, world.all.workspace);
    }
}

/// One night: some exceptions, each driven mostly forward and sometimes anywhere.
fn night(seed: u64, exceptions: u64, totals: &mut Auditor) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new();
    let mut auditor = Auditor::default();
    for _ in 0..exceptions {
        let incident = world.open("tanaka");
        let request = emergency::Command::Request { incident, conditions: conditions(), plan: plan() };
        let id: EmergencyId = world.give("tanaka", request).expect("a good request").made.expect("an id").parse().expect("an id");
        for _ in 0..12 + dice.roll(36) {
            move_once(&mut world, id, &mut dice);
            fire_timers(&mut world);
            auditor.read(&world);
        }
        if dice.roll(3) == 0 {
            world.pass(i64::try_from(dice.roll(30 * 3600)).expect("small"));
            fire_timers(&mut world);
        }
    }
    auditor.read(&world);
    auditor.morning(&world);
    totals.steps += auditor.steps;
    totals.closed += auditor.closed;
    totals.hardened += auditor.hardened;
}

fn move_once(world: &mut World, id: EmergencyId, dice: &mut Dice) {
    world.pass(i64::try_from(dice.roll(9)).expect("small"));
    if !world.queued.is_empty() && dice.roll(4) > 0 {
        return answer(world, dice);
    }
    // Witnesses who are there are mostly heard of.
    let present: Vec<PersonId> =
        world.emergency(id).witnesses.iter().filter(|(_, witness)| witness.present).map(|(person, _)| person.clone()).collect();
    for person in present {
        if dice.roll(8) > 0 {
            either_way(world.give(person.as_str(), emergency::Command::Watch { emergency: id }));
        }
    }
    let command = if dice.roll(5) > 0 { forward(world, id, dice) } else { anything(world, id, dice) };
    either_way(world.submit(&who(&command.0), &Command::Emergency(command.1)));
}

/// A refusal is a normal answer here; what must not happen is the auditor's business.
fn either_way(_answer: Result<crate::decide::Decision, crate::refusal::Refusal>) {}

/// What a careful team would do next.
fn forward(world: &World, id: EmergencyId, dice: &mut Dice) -> (String, emergency::Command) {
    let state = world.emergency(id);
    let named = |name: &str, command| (name.to_owned(), command);
    let next = state.steps.iter().position(|step| !matches!(step, emergency::StepState::Ended(end) if end.succeeded()));
    match state.status {
        Status::Requested => {
            named(dice.name(&APPROVERS), emergency::Command::Approve { emergency: id, digest: state.digest, judgement: "緊急".to_owned() })
        }
        Status::Approved if state.witnesses.values().filter(|witness| witness.present).count() < 2 => {
            named(dice.name(&["suzuki", "takahashi", "ito", "mori"]), emergency::Command::Join { emergency: id })
        }
        Status::Approved => named("tanaka", emergency::Command::Start { emergency: id }),
        Status::Executing if state.witnesses.values().filter(|witness| witness.present).count() < 2 => {
            named(dice.name(&["suzuki", "takahashi", "ito"]), emergency::Command::Join { emergency: id })
        }
        Status::Executing => match next {
            Some(step) if dice.roll(6) > 0 => named(
                "tanaka",
                emergency::Command::Step { emergency: id, step: u32::try_from(step).expect("small") + 1, confirm: String::new() },
            ),
            None if state.solved.is_none() => named("tanaka", emergency::Command::Verify { emergency: id }),
            Some(_) | None if dice.roll(3) == 0 => {
                named("tanaka", emergency::Command::Restore { emergency: id, reason: "戻す".to_owned(), confirm: id.to_string() })
            }
            Some(_) | None => named("tanaka", emergency::Command::Close { emergency: id }),
        },
        Status::BackingUp | Status::Verifying | Status::Restoring => named("suzuki", emergency::Command::Watch { emergency: id }),
        Status::Closed | Status::Declined | Status::Cancelled | Status::Expired => {
            named("sato", emergency::Command::Join { emergency: id })
        }
    }
}

/// What people do at 3 a.m.
fn anything(world: &World, id: EmergencyId, dice: &mut Dice) -> (String, emergency::Command) {
    let state = world.emergency(id);
    let reason = || "理由".to_owned();
    let path = state.changes.first().map_or_else(|| "none".to_owned(), |change| change.path.clone());
    let step = u32::try_from(dice.roll(4)).expect("small");
    let mut revised = plan();
    revised.summary = format!("改訂 {}", dice.roll(1000));
    if dice.roll(2) == 0 {
        revised.executor = crate::ids::PersonId::new(dice.pick(&PEOPLE)).expect("a handle");
        revised.witnesses.clear();
    }
    let digest = if dice.roll(2) == 0 { state.digest } else { Digest::of(b"other") };
    let verdict = if dice.roll(2) == 0 { Verdict::DidNotRun } else { Verdict::Ran { exit_code: 0 } };
    let command = match dice.roll(18) {
        0 => emergency::Command::Revise { emergency: id, plan: revised },
        1 | 2 => emergency::Command::Approve { emergency: id, digest, judgement: reason() },
        3 if dice.roll(4) == 0 => emergency::Command::Decline { emergency: id, reason: reason() },
        4 if dice.roll(4) == 0 => emergency::Command::Cancel { emergency: id, reason: reason() },
        5 | 6 => emergency::Command::Join { emergency: id },
        7 => emergency::Command::Leave { emergency: id },
        8 => emergency::Command::Hold { emergency: id, reason: reason() },
        9 => emergency::Command::Resume { emergency: id },
        10 => emergency::Command::Start { emergency: id },
        11 => emergency::Command::Step { emergency: id, step, confirm: String::new() },
        12 | 13 => emergency::Command::Settle { emergency: id, step, verdict, reason: reason() },
        14 => emergency::Command::Verify { emergency: id },
        15 => emergency::Command::Accept { emergency: id, path, reason: reason() },
        16 => emergency::Command::Revert { emergency: id, paths: vec![path], reason: reason(), confirm: id.to_string() },
        17 => emergency::Command::Restore { emergency: id, reason: reason(), confirm: id.to_string() },
        _ => emergency::Command::Close { emergency: id },
    };
    ((*dice.pick(&PEOPLE)).to_owned(), command)
}

/// The world answers one order: well, badly, late, twice, or not at all.
fn answer(world: &mut World, dice: &mut Dice) {
    let effect = dice.pick(&world.queued).clone();
    let outcome = match &effect.work {
        _ if dice.roll(8) == 0 => Outcome::Failed { detail: "Input/output error".to_owned() },
        Work::TakeBackup { .. } => Outcome::BackupTaken { backup: backup() },
        Work::RunStep { .. } if dice.roll(6) == 0 => {
            let doubt = OutcomeCommand::InDoubt { effect: effect.key.clone() };
            either_way(world.submit(&Actor::Runner, &Command::Outcome(doubt)));
            return;
        }
        Work::RunStep { step, .. } => {
            let content = FileContent { digest: Digest::of(&dice.roll(9).to_le_bytes()), bytes: 8, mode: 0o100_644, kept: true };
            let change = |path: &str, in_scope| FileChange {
                path: path.to_owned(),
                kind: ChangeKind::Modified,
                before: Some(content.clone()),
                after: Some(content.clone()),
                in_scope,
                step: *step,
                command: None,
                accepted_by: None,
            };
            let mut changes = vec![change("app.conf", true)];
            if dice.roll(5) == 0 {
                changes.push(change("stray", false));
            }
            let exit_code = i32::from(dice.roll(5) == 0);
            Outcome::StepEnded { end: step_end(world.now, exit_code), looked: Ok(Looked::of(changes)) }
        }
        Work::LookAtFiles { .. } => Outcome::FilesSeen { looked: Looked::default(), captured: Vec::new() },
        Work::RunChecks { .. } => Outcome::ChecksEnded { results: checks(dice.roll(4) > 0) },
        Work::Restore { .. } => {
            let manifest = if dice.roll(5) == 0 { Digest::of(b"damaged") } else { backup().manifest };
            Outcome::Restored { files: 2, manifest, replaced: Replaced::default(), looked: Looked::default() }
        }
        Work::RevertFile { .. } => Outcome::Reverted { files: Vec::new(), looked: Looked::default() },
        Work::Redact { .. } => Outcome::Redacted { blocks: Vec::new() },
        Work::OpenChangeRequest(_) => {
            Outcome::ChangeRequestOpened { commit: "abc".to_owned(), request_file: "r.md".to_owned(), patch_file: "r.patch".to_owned() }
        }
        Work::CompareMerged { .. } => Outcome::Compared { commit: "abc".to_owned(), merged: true, drift: Vec::new() },
        Work::WriteReport(_) => Outcome::ReportWritten { file: "docs/r.md".to_owned(), digest: Digest::of(b"r") },
        Work::WriteInvitation(_) => Outcome::InvitationWritten { file: "docs/r.ics".to_owned() },
        Work::Page(order) => Outcome::Paged { reference: "ok".to_owned(), repeated: order.repeated, bundle: Vec::new() },
        Work::Tell(_) => Outcome::Told { sent: 1, failed: 0 },
        Work::WritePostmortem(order) => {
            Outcome::ReportWritten { file: format!("docs/incidents/{}.md", order.incident.id), digest: Digest::of(b"postmortem") }
        }
        Work::Chat(order) => Outcome::Said { place: order.place.clone(), message: "1.1".to_owned() },
    };
    let key: EffectKey = effect.key.clone();
    either_way(world.end(&key, outcome.clone()));
    if dice.roll(6) == 0 {
        either_way(world.end(&key, outcome));
    }
}

fn fire_timers(world: &mut World) {
    let policy = std::sync::Arc::clone(world.all.workspace.policy.as_ref().expect("a policy"));
    let silent_since = world.now.checked_sub(SignedDuration::from_secs(20)).expect("a time");
    let mut due: Vec<timer::Wake> = Vec::new();
    due.extend(
        world
            .all
            .emergencies
            .values()
            .flatten()
            .flat_map(|state| timer::of_emergency(state, &policy))
            .filter(|t| t.due_at <= world.now)
            .map(|t| t.wake),
    );
    due.extend(
        world
            .all
            .obligations
            .values()
            .flatten()
            .flat_map(|state| timer::of_obligation(state, &policy))
            .filter(|t| t.due_at <= world.now)
            .map(|t| t.wake),
    );
    due.extend(
        world
            .all
            .incidents
            .values()
            .flatten()
            .flat_map(|state| timer::of_incident(state, &policy))
            .filter(|t| t.due_at <= world.now)
            .map(|t| t.wake),
    );
    for (id, heard) in &world.all.presence {
        let silent = heard.iter().filter(|(_, at)| **at < silent_since).map(|(person, _)| person);
        let present = silent.filter(|person| world.emergency(*id).witnesses.get(*person).is_some_and(|witness| witness.present));
        due.extend(present.map(|person| timer::Wake::WitnessSilent { emergency: *id, person: person.clone() }));
    }
    for wake in due {
        either_way(world.submit(&Actor::Timer, &Command::Wake(wake)));
    }
}

/// Ten thousand exceptions in nights of four.
#[test]
fn ten_thousand_random_emergencies_keep_every_promise() {
    let mut totals = Auditor::default();
    for seed in 1..=2_500 {
        night(seed, 4, &mut totals);
    }
    // The nights must have reached the interesting places, or the promises were kept by doing nothing.
    println!("{} steps, {} closed, {} approvals under overdue follow-up", totals.steps, totals.closed, totals.hardened);
    assert!(
        totals.steps > 5_000 && totals.closed > 1_000 && totals.hardened > 200,
        "{} steps, {} closed, {} hardened",
        totals.steps,
        totals.closed,
        totals.hardened
    );
}
