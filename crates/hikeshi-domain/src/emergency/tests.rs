//! The rules of an exception, one by one: who may, when not, and what follows.

use super::*;
use crate::channel::{Body, Notice};
use crate::command::OutcomeCommand;
use crate::decide::Decision;
use crate::effect::{EffectKey, Outcome};
use crate::event::Event;
use crate::ids::RoleName;
use crate::obligation;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, backup, conditions, plan, step_end, who};
use crate::timer::Wake;

fn refused(result: Result<crate::decide::Decision, Refusal>) -> &'static str {
    match result {
        Ok(decision) => panic!("not refused: {decision:?}"),
        Err(refusal) => refusal.code(),
    }
}

fn requested(world: &mut World) -> EmergencyId {
    let incident = world.open("tanaka");
    let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: plan() }).expect("requested").made;
    made.expect("an id").parse().expect("an id")
}

fn approve(world: &mut World, by: &str, id: EmergencyId) -> Result<crate::decide::Decision, Refusal> {
    let digest = world.emergency(id).digest;
    world.give(by, Command::Approve { emergency: id, digest, judgement: "緊急と判断する".to_owned() })
}

fn out_of_scope(path: &str) -> FileChange {
    let content = FileContent { digest: Digest::of(path.as_bytes()), bytes: 3, mode: 0o100_644, kept: true };
    FileChange {
        path: path.to_owned(),
        kind: ChangeKind::Added,
        before: None,
        after: Some(content),
        in_scope: false,
        step: 1,
        command: None,
        accepted_by: None,
    }
}

#[test]
fn e1_each_condition_must_be_stated_with_evidence() {
    type Spoil = fn(&mut Conditions);
    let spoilt: [(Spoil, ConditionName, bool); 8] = [
        (|c| c.serious_failure.statement.clear(), ConditionName::SeriousFailure, false),
        (|c| c.serious_failure.evidence = " \u{3000}".to_owned(), ConditionName::SeriousFailure, true),
        (|c| c.normal_flow_cannot.statement.clear(), ConditionName::NormalFlowCannot, false),
        (|c| c.normal_flow_cannot.evidence.clear(), ConditionName::NormalFlowCannot, true),
        (|c| c.cannot_wait.statement.clear(), ConditionName::CannotWait, false),
        (|c| c.cannot_wait.evidence.clear(), ConditionName::CannotWait, true),
        (|c| c.judged_by.person = None, ConditionName::Judged, false),
        (|c| c.judged_by.evidence.clear(), ConditionName::Judged, true),
    ];
    for (spoil, condition, evidence_missing) in spoilt {
        let mut world = World::new();
        let incident = world.open("tanaka");
        let mut given = conditions();
        spoil(&mut given);
        let result = world.give("tanaka", Command::Request { incident, conditions: given, plan: plan() });
        assert_eq!(result, Err(Refusal::ConditionMissing { condition, evidence_missing }));
    }
}

#[test]
fn e1_the_failure_must_be_serious_in_an_environment_that_allows_it_and_judged_by_an_entitled_person() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut given = conditions();
    given.judged_by.person = crate::ids::PersonId::new("ito").ok();
    assert_eq!(
        refused(world.give("tanaka", Command::Request { incident, conditions: given, plan: plan() })),
        "emergency.judge_not_entitled"
    );

    let triage = crate::incident::Triage {
        impact: crate::incident::Impact::OneFunction,
        business: crate::incident::Business::Slight,
        urgency: crate::incident::Urgency::CanBePlanned,
        priority_override: None,
    };
    let command = crate::command::Command::Incident(crate::incident::Command::Triage { incident, triage });
    world.submit(&who("tanaka"), &command).expect("triaged");
    assert_eq!(
        refused(world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: plan() })),
        "emergency.not_serious"
    );
}

#[test]
fn e2_the_request_is_announced_to_the_approver_roles() {
    let mut world = World::new();
    requested(&mut world);
    let announced = world.log.iter().any(|(_, _, event)| {
        matches!(event, Event::Posted { post } if post.channel.as_str() == "emergency-deploy"
            && matches!(post.body, Body::Notice { notice: Notice::EmergencyRequested { .. } })
            && post.roles.iter().map(RoleName::as_str).eq(["cto", "dev-lead"]))
    });
    assert!(announced);
}

#[test]
fn e3_only_an_entitled_other_person_approves_the_plan_that_they_read() {
    let mut world = World::new();
    let id = requested(&mut world);
    assert_eq!(refused(approve(&mut world, "tanaka", id)), "emergency.self_approval");
    assert_eq!(refused(approve(&mut world, "ito", id)), "emergency.approver_not_entitled");
    let stale = Command::Approve { emergency: id, digest: Digest::of(b"another plan"), judgement: "よし".to_owned() };
    assert_eq!(refused(world.give("sato", stale)), "emergency.digest_differs");
    approve(&mut world, "sato", id).expect("approved");
    assert_eq!(world.emergency(id).status, Status::Approved);
}

#[test]
fn e3_a_narrowed_token_does_not_carry_the_role_that_it_leaves_out() {
    let mut world = World::new();
    let id = requested(&mut world);
    let digest = world.emergency(id).digest;
    let actor = Actor::Person { person: crate::ids::PersonId::new("sato").expect("a handle"), only: Some(Vec::new()) };
    let command = Command::Approve { emergency: id, digest, judgement: "よし".to_owned() };
    assert_eq!(refused(world.submit(&actor, &crate::command::Command::Emergency(command))), "emergency.approver_not_entitled");
}

#[test]
fn e3_the_executor_cannot_approve_even_with_the_role() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut by_mori = plan();
    by_mori.executor = crate::ids::PersonId::new("mori").expect("a handle");
    let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: by_mori }).expect("requested").made;
    let id = made.expect("an id").parse().expect("an id");
    assert_eq!(refused(approve(&mut world, "mori", id)), "emergency.executor_approves");
}

#[test]
fn e3_a_changed_plan_voids_the_approval() {
    let mut world = World::new();
    let id = requested(&mut world);
    approve(&mut world, "sato", id).expect("approved");
    let mut changed = plan();
    changed.steps.iter_mut().for_each(|step| step.run.push_str(" # も"));
    world.give("tanaka", Command::Revise { emergency: id, plan: changed }).expect("revised");
    assert_eq!(world.emergency(id).status, Status::Requested);
    assert!(world.emergency(id).approvals.is_empty());
    assert_eq!(refused(world.give("tanaka", Command::Start { emergency: id })), "emergency.wrong_status");
}

#[test]
fn e3_an_approval_expires_by_its_timer_and_at_the_start() {
    let mut world = World::new();
    let id = requested(&mut world);
    approve(&mut world, "sato", id).expect("approved");
    world.pass(240 * 60);
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, Command::Join { emergency: id }).expect("joined");
    }
    assert_eq!(refused(world.give("tanaka", Command::Start { emergency: id })), "emergency.approval_expired");
    world.submit(&Actor::Timer, &crate::command::Command::Wake(Wake::ApprovalExpires { emergency: id })).expect("expires");
    assert_eq!(world.emergency(id).status, Status::Expired);
}

#[test]
fn e4_the_quorum_counts_distinct_people_who_are_there() {
    let mut world = World::new();
    let id = requested(&mut world);
    approve(&mut world, "mori", id).expect("approved");
    assert_eq!(refused(world.give("tanaka", Command::Join { emergency: id })), "emergency.witness_is_executor");
    assert_eq!(refused(world.give("abe", Command::Join { emergency: id })), "emergency.witness_not_entitled");
    let start = Command::Start { emergency: id };
    world.give("takahashi", Command::Join { emergency: id }).expect("joined");
    world.give("takahashi", Command::Join { emergency: id }).expect("joining twice counts once");
    assert_eq!(refused(world.give("tanaka", start.clone())), "emergency.quorum_missing");
    world.give("mori", Command::Join { emergency: id }).expect("the approver may watch");
    assert_eq!(refused(world.give("tanaka", start.clone())), "emergency.quorum_missing", "the only senior is the approver");
    world.give("suzuki", Command::Join { emergency: id }).expect("joined");
    world.pass(21);
    assert_eq!(refused(world.give("tanaka", start.clone())), "emergency.quorum_missing", "nobody was heard of for 21 s");
    for witness in ["takahashi", "suzuki"] {
        world.give(witness, Command::Watch { emergency: id }).expect("heard");
    }
    world.give("tanaka", start).expect("started");
}

#[test]
fn e4_any_witness_stops_and_only_a_witness_lifts_it() {
    let mut world = World::new();
    let id = world.executing();
    world.give("takahashi", Command::Hold { emergency: id, reason: "待って".to_owned() }).expect("held");
    let step = Command::Step { emergency: id, step: 1, confirm: String::new() };
    assert_eq!(refused(world.give("tanaka", step.clone())), "emergency.held");
    assert_eq!(refused(world.give("tanaka", Command::Resume { emergency: id })), "emergency.only_witness_resumes");
    world.give("suzuki", Command::Resume { emergency: id }).expect("resumed");
    world.give("tanaka", step).expect("runs");
}

#[test]
fn e4_a_silent_witness_is_recorded_as_lost() {
    let mut world = World::new();
    let id = world.executing();
    let wake = crate::command::Command::Wake(Wake::WitnessSilent {
        emergency: id,
        person: crate::ids::PersonId::new("suzuki").expect("a handle"),
    });
    assert_eq!(world.submit(&Actor::Timer, &wake).err(), Some(Refusal::Stale), "still heard of");
    world.pass(21);
    world.submit(&Actor::Timer, &wake).expect("lost");
    assert_eq!(
        refused(world.give("suzuki", Command::Watch { emergency: id })),
        "emergency.not_a_witness",
        "they must say that they are back"
    );
    world.give("suzuki", Command::Join { emergency: id }).expect("back");
}

#[test]
fn e7_no_step_runs_before_the_backup_was_read_back() {
    let mut world = World::new();
    let id = requested(&mut world);
    approve(&mut world, "sato", id).expect("approved");
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, Command::Join { emergency: id }).expect("joined");
    }
    let started = world.give("tanaka", Command::Start { emergency: id }).expect("started");
    let effect = started.effects.first().expect("the backup").clone();
    assert!(matches!(&effect.work, crate::effect::Work::TakeBackup { name, .. } if name == "app_20261122_120000"), "{effect:?}");
    let step = Command::Step { emergency: id, step: 1, confirm: String::new() };
    assert_eq!(refused(world.give("tanaka", step.clone())), "emergency.wrong_status");
    world.end(&effect.key, Outcome::Failed { detail: "No space left on device".to_owned() }).expect("recorded");
    assert_eq!(world.emergency(id).status, Status::Approved);
    assert_eq!(refused(world.give("tanaka", step.clone())), "emergency.wrong_status");
    world.give("tanaka", Command::Start { emergency: id }).expect("again");
    assert_eq!(
        world.end(&effect.key, Outcome::BackupTaken { backup: backup() }).err(),
        Some(Refusal::Stale),
        "the first try no longer speaks"
    );
    let key = world.queued.last().expect("the second try").key.clone();
    world.end(&key, Outcome::BackupTaken { backup: backup() }).expect("backed up");
    world.give("tanaka", step).expect("runs");
}

#[test]
fn steps_run_in_order_and_nothing_runs_past_a_failed_one() {
    let mut world = World::new();
    let id = world.executing();
    let step = |step| Command::Step { emergency: id, step, confirm: String::new() };
    assert_eq!(refused(world.give("sato", step(1))), "emergency.not_executor");
    assert_eq!(refused(world.give("tanaka", step(2))), "emergency.step_out_of_order");
    assert_eq!(refused(world.give("tanaka", step(3))), "emergency.no_such_step");
    world.run_step(id, 1, 1, Vec::new());
    assert_eq!(refused(world.give("tanaka", step(2))), "emergency.earlier_step_failed");
    world.run_step(id, 1, 0, Vec::new());
    assert_eq!(world.emergency(id).attempts.first(), Some(&2));
    assert_eq!(refused(world.give("tanaka", step(1))), "emergency.step_already_done");
    world.give("tanaka", step(2)).expect("runs");
    assert_eq!(refused(world.give("tanaka", step(2))), "emergency.step_running");
}

#[test]
fn a_dangerous_step_takes_its_typed_title() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut dangerous = plan();
    dangerous.steps.iter_mut().for_each(|step| step.dangerous = true);
    let made = world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: dangerous }).expect("requested").made;
    let id = made.expect("an id").parse().expect("an id");
    approve(&mut world, "sato", id).expect("approved");
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, Command::Join { emergency: id }).expect("joined");
    }
    world.give("tanaka", Command::Start { emergency: id }).expect("started");
    let key = world.queued.last().expect("a backup").key.clone();
    world.end(&key, Outcome::BackupTaken { backup: backup() }).expect("backed up");
    let step = |confirm: &str| Command::Step { emergency: id, step: 1, confirm: confirm.to_owned() };
    assert_eq!(refused(world.give("tanaka", step("yes"))), "emergency.confirmation_differs");
    assert_eq!(refused(world.give("tanaka", step("設定を直す"))), "emergency.step_unconfirmed");
    // The executor's own word, a stranger's, and one that was only clicked are none.
    let digest = world.emergency(id).digest;
    let confirm = |step, typed: &str| Command::Confirm { emergency: id, step, digest, confirm: typed.to_owned() };
    assert_eq!(refused(world.give("tanaka", confirm(1, "設定を直す"))), "emergency.not_a_witness");
    assert_eq!(refused(world.give("sato", confirm(1, "設定を直す"))), "emergency.not_a_witness");
    assert_eq!(refused(world.give("suzuki", confirm(1, ""))), "emergency.confirmation_differs");
    assert_eq!(refused(world.give("suzuki", confirm(2, "再読み込み"))), "emergency.step_out_of_order");
    let other = Command::Confirm { emergency: id, step: 1, digest: Digest::of(b"another plan"), confirm: "設定を直す".to_owned() };
    assert_eq!(refused(world.give("suzuki", other)), "emergency.digest_differs");
    world.give("suzuki", confirm(1, "設定を直す")).expect("confirmed");
    let started = world.give("tanaka", step("設定を直す")).expect("runs").events;
    let by = PersonId::known("suzuki");
    assert!(matches!(&started[0], Event::StepStarted { confirmed_by: Some(who), .. } if *who == by), "{started:?}");
    assert!(world.emergency(id).confirmations[0].used_at.is_some());
}

/// With every step dangerous, and the first one confirmed by suzuki.
fn confirmed(world: &mut World) -> EmergencyId {
    let mut dangerous = plan();
    dangerous.steps.iter_mut().for_each(|step| step.dangerous = true);
    let id = world.executing_with(dangerous);
    let digest = world.emergency(id).digest;
    world.give("suzuki", Command::Confirm { emergency: id, step: 1, digest, confirm: "設定を直す".to_owned() }).expect("confirmed");
    id
}

fn first_step(world: &mut World, id: EmergencyId) -> Result<Decision, Refusal> {
    world.give("tanaka", Command::Step { emergency: id, step: 1, confirm: "設定を直す".to_owned() })
}

#[test]
fn e4_a_confirmation_is_for_one_run_for_some_minutes_and_while_the_witness_is_there() {
    let mut world = World::new();
    let id = confirmed(&mut world);
    let key = first_step(&mut world, id).expect("runs").effects.first().expect("the step").key.clone();
    let failed = Outcome::StepEnded { end: step_end(world.now, 1), looked: Ok(Looked::default()) };
    world.end(&key, failed).expect("failed");
    assert_eq!(refused(first_step(&mut world, id)), "emergency.step_unconfirmed", "it was used up");

    let mut world = World::new();
    let id = confirmed(&mut world);
    let valid_s = i64::from(world.all.policy().expect("a policy").emergency.confirm_valid_s);
    world.pass(valid_s);
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, Command::Watch { emergency: id }).expect("heard");
    }
    assert_eq!(refused(first_step(&mut world, id)), "emergency.step_unconfirmed", "it has run out");

    let mut world = World::new();
    let id = confirmed(&mut world);
    world.give("suzuki", Command::Leave { emergency: id }).expect("left");
    world.give("ito", Command::Join { emergency: id }).expect("joined");
    assert_eq!(refused(first_step(&mut world, id)), "emergency.step_unconfirmed", "who confirmed it has gone");
}

#[test]
fn e4_what_the_plan_does_not_call_dangerous_is_not_confirmed_and_nothing_is_while_it_is_held() {
    let mut world = World::new();
    let id = world.executing();
    let digest = world.emergency(id).digest;
    let confirm = Command::Confirm { emergency: id, step: 1, digest, confirm: "設定を直す".to_owned() };
    assert_eq!(refused(world.give("suzuki", confirm)), "emergency.step_not_dangerous");
    let mut world = World::new();
    let id = confirmed(&mut world);
    world.give("takahashi", Command::Hold { emergency: id, reason: "待って".to_owned() }).expect("held");
    let digest = world.emergency(id).digest;
    let confirm = Command::Confirm { emergency: id, step: 1, digest, confirm: "設定を直す".to_owned() };
    assert_eq!(refused(world.give("suzuki", confirm)), "emergency.held");
}

#[test]
fn a_step_in_doubt_is_settled_by_a_person_and_by_nothing_else() {
    let mut world = World::new();
    let id = world.executing();
    let step = Command::Step { emergency: id, step: 1, confirm: String::new() };
    let key = world.give("tanaka", step.clone()).expect("runs").effects.first().expect("the step").key.clone();
    let doubt = crate::command::Command::Outcome(OutcomeCommand::InDoubt { effect: key });
    world.submit(&Actor::Runner, &doubt).expect("in doubt");
    assert_eq!(refused(world.give("tanaka", step.clone())), "emergency.step_unsettled");
    assert_eq!(refused(world.give("tanaka", Command::Close { emergency: id })), "emergency.step_unsettled");
    let settle = |verdict| Command::Settle { emergency: id, step: 1, verdict, reason: "ホストで確かめた".to_owned() };
    assert_eq!(refused(world.give("takahashi", settle(Verdict::DidNotRun))), "emergency.not_involved");
    world.give("tanaka", settle(Verdict::DidNotRun)).expect("settled");
    let again = world.give("tanaka", step).expect("runs again").effects.first().expect("the step").key.clone();
    assert_eq!(again, EffectKey(format!("{id}/step/1/2")), "another attempt has another key");
}

#[test]
fn e8_a_change_outside_the_scope_is_announced_and_blocks_the_close_until_the_approver_accepts_it() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 0, vec![out_of_scope("other.conf")]);
    assert!(world.log.iter().any(|(_, _, event)| matches!(event, Event::Posted { post } if matches!(&post.body, Body::Notice { notice: Notice::OutOfScope { path } } if path == "other.conf"))));
    world.verify(id, true);
    assert_eq!(refused(world.give("tanaka", Command::Close { emergency: id })), "emergency.changes_unaccepted");
    let accept = |path: &str| Command::Accept { emergency: id, path: path.to_owned(), reason: "必要".to_owned() };
    assert_eq!(refused(world.give("tanaka", accept("other.conf"))), "emergency.only_approver_accepts");
    assert_eq!(refused(world.give("sato", accept("none.conf"))), "emergency.no_such_change");
    world.give("sato", accept("other.conf")).expect("accepted");
    world.give("tanaka", Command::Close { emergency: id }).expect("closed");
}

#[test]
fn e8_an_accepted_change_that_changes_again_must_be_accepted_again() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 0, vec![out_of_scope("other.conf")]);
    world.give("sato", Command::Accept { emergency: id, path: "other.conf".to_owned(), reason: "必要".to_owned() }).expect("accepted");
    let mut other = out_of_scope("other.conf");
    other.after = other.after.map(|after| FileContent { digest: Digest::of(b"again"), ..after });
    world.run_step(id, 2, 0, vec![other]);
    world.verify(id, true);
    assert_eq!(refused(world.give("tanaka", Command::Close { emergency: id })), "emergency.changes_unaccepted");
}

#[test]
fn e9_both_verifications_must_pass_after_the_last_step() {
    let mut world = World::new();
    let id = world.executing();
    assert_eq!(refused(world.give("tanaka", Command::Verify { emergency: id })), "emergency.nothing_run");
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, true);
    world.run_step(id, 2, 0, Vec::new());
    assert_eq!(refused(world.give("tanaka", Command::Close { emergency: id })), "emergency.verification_missing");
    world.verify(id, false);
    assert_eq!(refused(world.give("tanaka", Command::Close { emergency: id })), "emergency.verification_missing");
    let attest = Command::Attest { emergency: id, aspect: Aspect::Solved, passed: true, note: "見た".to_owned() };
    assert_eq!(refused(world.give("suzuki", attest)), "emergency.checks_declared", "a failed check is not talked away");
    world.verify(id, true);
    world.give("tanaka", Command::Close { emergency: id }).expect("closed");
    assert_eq!(world.emergency(id).ending, Some(Ending::Solved));
}

#[test]
fn e9_a_failure_is_undone_by_one_typed_act_that_must_end_where_it_began() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 1, Vec::new());
    let restore = |confirm: &str| Command::Restore { emergency: id, reason: "直らない".to_owned(), confirm: confirm.to_owned() };
    assert_eq!(refused(world.give("tanaka", restore("yes"))), "emergency.confirmation_differs");
    for manifest in [Digest::of(b"something else"), backup().manifest] {
        world.give("tanaka", restore("emg_1")).expect("restoring");
        let key = world.queued.last().expect("the restore").key.clone();
        world
            .end(&key, Outcome::Restored { files: 2, manifest, replaced: Replaced::default(), looked: Looked::default() })
            .expect("recorded");
    }
    assert_eq!(
        refused(world.give("tanaka", Command::Step { emergency: id, step: 1, confirm: String::new() })),
        "emergency.already_restored"
    );
    world.give("tanaka", Command::Close { emergency: id }).expect("closed");
    assert_eq!(world.emergency(id).ending, Some(Ending::Undone));
    let request = world.all.obligations.values().flatten().find(|owed| owed.kind == obligation::Kind::ChangeRequest).expect("owed");
    assert_eq!(request.status, obligation::Status::Waived, "nothing to bring back");
}

#[test]
fn e10_to_e12_are_owed_from_the_first_step_on() {
    let mut world = World::new();
    let id = world.executing();
    assert!(world.all.obligations.is_empty());
    world.run_step(id, 1, 0, vec![FileChange { in_scope: true, ..out_of_scope("app.conf") }]);
    let kinds: Vec<_> =
        world.all.obligations.values().flatten().map(|owed| (owed.kind, owed.due_at.as_second() - world.now.as_second())).collect();
    let hours = 3600;
    assert_eq!(
        kinds,
        [
            (obligation::Kind::ChangeRequest, 24 * hours),
            (obligation::Kind::Report, 24 * hours),
            (obligation::Kind::Retrospective, 48 * hours)
        ]
    );
    world.verify(id, true);
    let closed = world.give("tanaka", Command::Close { emergency: id }).expect("closed");
    let works: Vec<_> = closed.effects.iter().map(|effect| effect.work.kind()).collect();
    assert_eq!(works, ["open_change_request", "write_report", "write_invitation"]);
}

#[test]
fn e14_overdue_follow_up_makes_both_roles_necessary() {
    let mut world = World::new();
    let first = world.executing();
    world.run_step(first, 1, 0, Vec::new());
    world.pass(25 * 3600);
    let id = requested(&mut world);
    assert!(world.emergency(id).requirement.every_role);
    approve(&mut world, "sato", id).expect("one of two");
    assert_eq!(world.emergency(id).status, Status::Requested);
    assert_eq!(refused(approve(&mut world, "sato", id)), "emergency.already_approved");
    approve(&mut world, "mori", id).expect("the other");
    assert_eq!(world.emergency(id).status, Status::Approved);
}

#[test]
fn a4_a_script_with_a_masked_secret_is_refused_before_it_could_run_with_a_hole() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut leaking = plan();
    leaking.steps.iter_mut().for_each(|step| step.run = format!("mysql --password {}", crate::mask::MASK));
    assert_eq!(refused(world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: leaking })), "input.secret");
}

#[test]
fn the_scope_stays_inside_the_root() {
    for path in ["/etc/passwd", "../x", "a/../../b", "", "a/./b"] {
        let mut world = World::new();
        let incident = world.open("tanaka");
        let mut wide = plan();
        wide.scope = vec![path.to_owned()];
        let code = refused(world.give("tanaka", Command::Request { incident, conditions: conditions(), plan: wide }));
        assert!(["emergency.scope_outside", "input.text_missing"].contains(&code), "{path}: {code}");
    }
}
