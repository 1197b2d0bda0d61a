//! The engine dies between the claim of an effect and its outcome. What may be done twice is, what must not never is.

use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::emergency::{self, Status, StepState, Verdict};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::policy::SshPlace;
use hikeshi_engine::Engine;
use hikeshi_store::testing::Scratch;

use super::{ended, step};
use crate::kit::*;

hikeshi_store::on_both!(
    a_step_that_never_began_is_begun,
    a_step_that_happened_is_not_done_again,
    a_step_that_still_runs_is_waited_for,
    a_step_of_which_nobody_knows_is_left_to_a_person,
    a_backup_that_happened_is_found_and_one_that_did_not_is_taken,
    a_backup_of_which_nobody_can_tell_fails,
    what_may_be_repeated_is_repeated_but_not_for_ever,
    two_nodes_carry_each_effect_out_once,
    a_node_that_lost_its_claim_does_not_say_that_nothing_happened,
    work_on_another_host_holds_up_nobody_here,
);

const STEP: &str = "emg_1/step/1/1";

fn key() -> EffectKey {
    EffectKey(STEP.to_owned())
}

/// An engine that has begun the first step and whose hands do not come back, and which then dies.
async fn crashed_in_step(town: &Town, act: Act) -> EmergencyId {
    let engine = town.open().await;
    let door = engine.door();
    let id = town.executing(&door).await;
    town.hands.will("run_step", act);
    step(&door, id, 1).await;
    town.until("the step is begun", |town| town.hands.performed().contains(&key())).await;
    drop(engine);
    town.hands.will("run_step", Act::Well);
    id
}

async fn quiet_end(town: &Town, engine: Engine) {
    town.settled().await;
    // Long enough for another claim, if one could be made.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    engine.stop().await;
}

fn a_step_that_never_began_is_begun(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_step(&town, Act::Hang).await;
        let engine = town.start("two").await;
        town.until("the step ends", |town| ended(town, id, 1)).await;
        assert_eq!((town.hands.looked(), town.hands.happened(&key())), (vec![key()], 1));
        quiet_end(&town, engine).await;
    });
}

fn a_step_that_happened_is_not_done_again(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_step(&town, Act::HappenAndHang).await;
        let engine = town.start("two").await;
        town.until("the step ends", |town| ended(town, id, 1)).await;
        quiet_end(&town, engine).await;
        assert_eq!(town.hands.happened(&key()), 1);
        assert_eq!(town.hands.performed().iter().filter(|performed| **performed == key()).count(), 1);
    });
}

fn a_step_that_still_runs_is_waited_for(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_step(&town, Act::HappenAndHang).await;
        town.hands.shows("run_step", Sight::Running);
        let engine = town.start("two").await;
        town.until("it is asked about more than once", |town| town.hands.looked().len() >= 3).await;
        assert!(matches!(town.emergency(id).steps[0], StepState::Running { .. }));
        town.hands.shows("run_step", Sight::Honest);
        town.until("the step ends", |town| ended(town, id, 1)).await;
        quiet_end(&town, engine).await;
        assert_eq!(town.hands.happened(&key()), 1);
    });
}

fn a_step_of_which_nobody_knows_is_left_to_a_person(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_step(&town, Act::HappenAndHang).await;
        town.hands.shows("run_step", Sight::Unknown);
        let engine = town.start("two").await;
        let door = engine.door();
        town.until("the step is in doubt", |town| matches!(town.emergency(id).steps[0], StepState::InDoubt { .. })).await;
        assert_eq!(door.look(&who("kansa")).now().await.expect("seen").in_doubt, vec![id]);
        let settle =
            emergency::Command::Settle { emergency: id, step: 1, verdict: Verdict::DidNotRun, reason: "ログに無い".to_owned() };
        give(&door, "tanaka", settle).await;
        town.hands.shows("run_step", Sight::Honest);
        step(&door, id, 1).await;
        town.until("another attempt ends", |town| ended(town, id, 1)).await;
        quiet_end(&town, engine).await;
        assert_eq!((town.hands.happened(&key()), town.hands.happened(&EffectKey("emg_1/step/1/2".to_owned()))), (1, 1));
        assert_eq!(town.count("outcome.in_doubt"), 1);
    });
}

async fn crashed_in_backup(town: &Town, act: Act) -> EmergencyId {
    let engine = town.open().await;
    let door = engine.door();
    let id = town.watched(&door).await;
    town.hands.will("take_backup", act);
    give(&door, "tanaka", emergency::Command::Start { emergency: id }).await;
    town.until("the backup is begun", |town| !town.hands.performed().is_empty()).await;
    drop(engine);
    town.hands.will("take_backup", Act::Well);
    id
}

fn a_backup_that_happened_is_found_and_one_that_did_not_is_taken(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_backup(&town, Act::HappenAndHang).await;
        town.hands.will("take_backup", Act::Hang);
        let engine = town.start("two").await;
        town.until("the backup is found", |town| town.emergency(id).backup.is_some()).await;
        assert_eq!(town.hands.most_often(), 1);
        let door = engine.door();
        let request = town.requested(&door).await;
        town.approved(&door, request).await;
        for witness in ["suzuki", "takahashi"] {
            give(&door, witness, emergency::Command::Join { emergency: request }).await;
        }
        give(&door, "tanaka", emergency::Command::Start { emergency: request }).await;
        town.until("the second backup is begun", |town| town.hands.performed().len() == 2).await;
        drop(engine);
        town.hands.will("take_backup", Act::Well);
        let engine = town.start("three").await;
        town.until("the second backup is taken", |town| town.emergency(request).backup.is_some()).await;
        assert_eq!(town.hands.most_often(), 1);
        engine.stop().await;
    });
}

fn a_backup_of_which_nobody_can_tell_fails(scratch: &Scratch) {
    town(scratch, async |town| {
        let id = crashed_in_backup(&town, Act::HappenAndHang).await;
        town.hands.shows("take_backup", Sight::Unknown);
        let engine = town.start("two").await;
        town.until("the backup is given up", |town| town.emergency(id).trouble.is_some()).await;
        assert_eq!(town.emergency(id).status, Status::Approved, "the start can be given again");
        assert_eq!(town.hands.looked().len(), 5, "asked again, and not for ever");
        quiet_end(&town, engine).await;
    });
}

fn what_may_be_repeated_is_repeated_but_not_for_ever(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        step(&door, id, 1).await;
        town.until("the step ends", |town| ended(town, id, 1)).await;
        step(&door, id, 2).await;
        town.until("the step ends", |town| ended(town, id, 2)).await;
        town.hands.will("run_checks", Act::HappenAndHang);
        give(&door, "tanaka", emergency::Command::Verify { emergency: id }).await;
        let checks = |town: &Town| town.hands.performed().iter().filter(|key| key.0.contains("checks")).count();
        town.until("the checks run", |town| checks(town) == 1).await;
        drop(engine);
        town.hands.will("run_checks", Act::Panic);
        let engine = town.start("two").await;
        town.until("it is given up", |town| town.emergency(id).trouble.is_some()).await;
        assert!(town.hands.looked().is_empty(), "nobody asks about what may be repeated");
        assert_eq!(checks(&town), 5, "five claims, five tries");
        town.hands.will("run_checks", Act::Well);
        give(&engine.door(), "tanaka", emergency::Command::Verify { emergency: id }).await;
        town.until("the checks end", |town| town.emergency(id).solved.is_some()).await;
        quiet_end(&town, engine).await;
    });
}

fn two_nodes_carry_each_effect_out_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let (one, two) = (town.open().await, town.start("two").await);
        let door = two.door();
        let id = town.executing(&door).await;
        for number in [1, 2] {
            step(&door, id, number).await;
            town.until("the step ends", |town| ended(town, id, number as usize)).await;
        }
        town.settled().await;
        assert_eq!((town.hands.performed().len(), town.hands.most_often()), (3, 1));
        one.stop().await;
        two.stop().await;
    });
}

fn a_node_that_lost_its_claim_does_not_say_that_nothing_happened(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        town.hands.will("run_step", Act::FailLater);
        step(&door, id, 1).await;
        town.until("the step is begun", |town| town.hands.performed().contains(&key())).await;
        let with_store =
            |act: fn(&hikeshi_store::Store)| std::thread::scope(|scope| scope.spawn(|| act(&town.store)).join()).expect("done");
        // Another node has it now, as if this one had not been heard of for the length of a lease.
        with_store(|store| {
            assert!(store.release(&key(), 1, 0).expect("given back"));
            assert_eq!(store.claim("two", 1, 600).expect("claimed").first().map(|claim| claim.fence), Some(2));
        });
        town.hands.will("run_step", Act::Well);
        town.hands.fail_now();
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert!(matches!(town.emergency(id).steps[0], StepState::Running { .. }), "that is not for this node to say");
        with_store(|store| assert!(store.release(&key(), 2, 0).expect("given back")));
        town.until("the step ends", |town| ended(town, id, 1)).await;
        assert!(matches!(&town.emergency(id).steps[0], StepState::Ended(end) if end.succeeded()));
        quiet_end(&town, engine).await;
        assert_eq!(town.hands.happened(&key()), 1);
    });
}

fn work_on_another_host_holds_up_nobody_here(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        let mut there = policy();
        there.targets.values_mut().for_each(|target| target.ssh = Some(SshPlace::at("deploy@app1")));
        adopt(&door, there).await;
        town.hands.will("take_backup", Act::Hang);
        for begun in 1..=6 {
            let id = town.watched(&door).await;
            give(&door, "tanaka", emergency::Command::Start { emergency: id }).await;
            town.until("it is begun beside those that hang", |town| town.hands.performed().len() == begun).await;
        }
        engine.stop().await;
    });
}
