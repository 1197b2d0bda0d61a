//! What nobody has seen stands in the way of the close, and is looked at when somebody asks for it (rules E8, E10).

use super::put_back_tests::{change, refused};
use super::*;
use crate::command::OutcomeCommand;
use crate::effect::{Effect, EffectKey, Outcome, Work};
use crate::event::Event;
use crate::obligation;
use crate::people::Actor;
use crate::testing::{World, checks, plan, step_end};

fn step(world: &mut World, id: EmergencyId, step: u32) -> EffectKey {
    let decision = world.give("tanaka", Command::Step { emergency: id, step, confirm: String::new() }).expect("the step starts");
    decision.effects.first().expect("an order").key.clone()
}

fn close(id: EmergencyId) -> Command {
    Command::Close { emergency: id }
}

/// Verifies, with a look if one is ordered; says whether it was.
fn verify(world: &mut World, id: EmergencyId, seen: Outcome) -> bool {
    let ordered = world.give("tanaka", Command::Verify { emergency: id }).expect("the checks start").effects;
    let look = ordered.iter().find(|effect| matches!(effect.work, Work::LookAtFiles { .. }));
    for Effect { key, work } in &ordered {
        let outcome = if matches!(work, Work::LookAtFiles { .. }) { seen.clone() } else { Outcome::ChecksEnded { results: checks(true) } };
        world.end(key, outcome).expect("recorded");
    }
    look.is_some()
}

fn seen(changes: Vec<FileChange>) -> Outcome {
    Outcome::FilesSeen { looked: Looked::of(changes), captured: Vec::new() }
}

fn in_doubt(world: &mut World, id: EmergencyId) {
    let effect = step(world, id, 1);
    world.submit(&Actor::Runner, &crate::command::Command::Outcome(OutcomeCommand::InDoubt { effect })).expect("in doubt");
}

fn settle(world: &mut World, id: EmergencyId, verdict: Verdict) -> Vec<Effect> {
    let settle = Command::Settle { emergency: id, step: 1, verdict, reason: "ホストで確かめた".to_owned() };
    world.give("tanaka", settle).expect("settled").effects
}

#[test]
fn e8_a_step_that_could_not_be_started_leaves_what_was_known() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 0, vec![change("app.conf", true), change("stray", false)]);
    let key = step(&mut world, id, 2);
    world.end(&key, Outcome::Failed { detail: "no route to host".to_owned() }).expect("recorded");
    assert!(matches!(&world.emergency(id).steps[1], StepState::Ended(StepEnd { killed: Some(Killed::NotStarted(_)), .. })));
    assert_eq!(world.emergency(id).changes.len(), 2);
    assert!(!verify(&mut world, id, seen(Vec::new())), "nothing ran since the last look");
    assert_eq!(refused(world.give("tanaka", close(id))), "emergency.changes_unaccepted");
}

#[test]
fn e8_after_a_step_whose_files_nobody_could_see_the_close_waits_for_another_look() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 0, vec![change("stray", false)]);
    world.give("sato", Command::Accept { emergency: id, path: "stray".to_owned(), reason: "必要".to_owned() }).expect("accepted");
    let key = step(&mut world, id, 2);
    let lost = Outcome::StepEnded { end: step_end(world.now, 0), looked: Err("Input/output error".to_owned()) };
    world.end(&key, lost).expect("recorded");
    let state = world.emergency(id);
    assert!(state.files_unseen && state.changes[0].accepted_by.is_some(), "{state:?}");
    assert!(state.trouble.as_ref().is_some_and(|trouble| trouble.doing == Doing::Look));
    assert!(verify(&mut world, id, Outcome::Failed { detail: "no route to host".to_owned() }));
    assert_eq!(refused(world.give("tanaka", close(id))), "session.files_not_seen");
    assert!(verify(&mut world, id, seen(vec![change("stray", false), change("app.conf", true)])));
    let state = world.emergency(id);
    assert_eq!((state.files_unseen, state.changes.len(), state.changes[1].command), (false, 2, None));
    assert!(state.trouble.is_none(), "it was mended: {:?}", state.trouble);
    world.give("tanaka", close(id)).expect("closed");
}

#[test]
fn e8_not_started_after_an_unseen_step_is_still_unseen() {
    let mut world = World::new();
    let id = world.executing();
    let key = step(&mut world, id, 1);
    world.end(&key, Outcome::StepEnded { end: step_end(world.now, 0), looked: Err("gone".to_owned()) }).expect("recorded");
    let key = step(&mut world, id, 2);
    world.end(&key, Outcome::Failed { detail: "no route to host".to_owned() }).expect("recorded");
    assert!(world.emergency(id).files_unseen);
}

#[test]
fn e8_what_a_step_in_doubt_changed_is_looked_at_however_it_is_settled() {
    let mut world = World::new();
    let id = world.executing();
    in_doubt(&mut world, id);
    let ordered = settle(&mut world, id, Verdict::Ran { exit_code: 0 });
    let [Effect { key, work: Work::LookAtFiles { .. } }] = ordered.as_slice() else { panic!("{ordered:?}") };
    assert_eq!(refused(world.give("tanaka", Command::Verify { emergency: id })), "session.files_not_seen");
    world.end(key, seen(vec![change("stray", false)])).expect("seen");
    verify(&mut world, id, seen(Vec::new()));
    assert_eq!(refused(world.give("tanaka", close(id))), "emergency.changes_unaccepted");

    let mut world = World::new();
    let id = world.executing();
    in_doubt(&mut world, id);
    assert!(settle(&mut world, id, Verdict::DidNotRun).is_empty());
    assert_eq!(refused(world.give("tanaka", close(id))), "session.files_not_seen");
    let ordered = world.give("tanaka", Command::Verify { emergency: id }).expect("a look alone").effects;
    let [Effect { key, work: Work::LookAtFiles { .. } }] = ordered.as_slice() else { panic!("{ordered:?}") };
    world.end(key, seen(Vec::new())).expect("seen");
    world.give("tanaka", close(id)).expect("nothing was done");
    assert_eq!(world.emergency(id).ending, Some(Ending::NothingDone));
}

#[test]
fn e8_a_plan_that_is_verified_by_eye_can_be_looked_at_too() {
    let mut world = World::new();
    let id = world.executing_with(Plan { verification: Verification::default(), ..plan() });
    let key = step(&mut world, id, 1);
    world.end(&key, Outcome::StepEnded { end: step_end(world.now, 0), looked: Err("gone".to_owned()) }).expect("recorded");
    assert!(verify(&mut world, id, seen(Vec::new())));
    assert_eq!(refused(world.give("tanaka", Command::Verify { emergency: id })), "emergency.plan_empty");
}

#[test]
fn e8_what_no_list_names_cannot_be_closed_over_until_it_is_gone() {
    let mut world = World::new();
    let id = world.executing();
    let key = step(&mut world, id, 1);
    let listed = FileChange { accepted_by: None, ..change("stray", false) };
    let looked = Looked { changes_unlisted: 3, outside_unlisted: 2, ..Looked::of(vec![listed.clone()]) };
    world.end(&key, Outcome::StepEnded { end: step_end(world.now, 0), looked: Ok(looked) }).expect("recorded");
    world.give("sato", Command::Accept { emergency: id, path: "stray".to_owned(), reason: "必要".to_owned() }).expect("accepted");
    let still = Looked { changes_unlisted: 2, outside_unlisted: 2, ..Looked::of(vec![listed.clone()]) };
    assert!(verify(&mut world, id, Outcome::FilesSeen { looked: still, captured: Vec::new() }), "it may have been tidied up");
    assert_eq!(refused(world.give("tanaka", close(id))), "emergency.changes_unaccepted");
    // Further files of the scope are only counted: that is no reason to stay open.
    let tidied = Looked { changes_unlisted: 7, ..Looked::of(vec![listed]) };
    verify(&mut world, id, Outcome::FilesSeen { looked: tidied, captured: Vec::new() });
    world.give("tanaka", close(id)).expect("closed");
}

#[test]
fn e10_changes_that_were_only_counted_are_owed_too() {
    let mut world = World::new();
    let id = world.executing();
    let key = step(&mut world, id, 1);
    let looked = Looked { changes_unlisted: 1, ..Looked::default() };
    world.end(&key, Outcome::StepEnded { end: step_end(world.now, 0), looked: Ok(looked) }).expect("recorded");
    verify(&mut world, id, seen(Vec::new()));
    let closed = world.give("tanaka", close(id)).expect("closed");
    let waived = |event: &Event| matches!(event, Event::ObligationWaived { waiver: obligation::Waiver::NothingChanged, .. });
    assert!(!closed.events.iter().any(waived), "{:?}", closed.events);
}
