//! Deadlines fire when they are due, once: after a restart, with two nodes, and whatever the clock does.

mod pages;

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident;
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;

use crate::kit::*;

hikeshi_store::on_both!(
    escalation_goes_by_the_minute,
    what_came_due_while_nobody_ran_fires_once,
    two_nodes_fire_each_deadline_once,
    a_clock_that_jumps_fires_what_is_due_and_nothing_twice,
    a_silent_witness_is_lost,
    a_changed_policy_moves_the_deadlines_of_what_is_open,
);

const INCIDENT: IncidentId = IncidentId(1);

/// A policy whose only stored deadlines are the escalation steps.
fn quiet() -> hikeshi_domain::policy::Policy {
    let mut policy = policy();
    policy.incident.priorities.values_mut().for_each(|row| row.update_every_min = 0);
    policy
}

async fn rest() {
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
}

fn escalation_goes_by_the_minute(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), quiet()).await;
        open_incident(&engine.door(), "tanaka").await;
        assert_eq!(town.incident(INCIDENT).escalated_steps, 1, "the first step is taken with the opening");
        let second = SignedDuration::from_secs(1);
        for (minute, steps) in [(15, 2), (30, 3), (60, 4)] {
            let due = town.incident(INCIDENT).opened_at.checked_add(SignedDuration::from_mins(minute)).expect("a time");
            town.clock.set(due.checked_sub(second).expect("a time"));
            rest().await;
            assert_eq!(town.incident(INCIDENT).escalated_steps, steps - 1, "not a second early at {minute} minutes");
            town.clock.set(due);
            town.until("the step is taken", |town| town.incident(INCIDENT).escalated_steps == steps).await;
            assert_eq!(town.entries().pop().expect("an entry").at, due);
        }
        town.pass(600);
        rest().await;
        assert_eq!(town.count("wake.escalate"), 4, "of the rounds that were missed, one step is taken");
        engine.stop().await;
    });
}

fn what_came_due_while_nobody_ran_fires_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), quiet()).await;
        open_incident(&engine.door(), "tanaka").await;
        engine.stop().await;
        town.pass(45);
        let engine = town.start("one").await;
        town.until("what is overdue fires at once", |town| town.incident(INCIDENT).escalated_steps == 3).await;
        drop(engine);
        let engine = town.start("one").await;
        rest().await;
        assert_eq!(town.count("wake.escalate"), 2, "each step once");
        done(&engine.door(), "ito", Command::Incident(incident::Command::Acknowledge { incident: INCIDENT })).await;
        town.pass(59);
        rest().await;
        assert_eq!(town.count("wake.escalate"), 2, "nothing escalates what somebody has taken");
        engine.stop().await;
    });
}

fn two_nodes_fire_each_deadline_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let (one, two) = (town.start("one").await, town.start("two").await);
        adopt(&one.door(), quiet()).await;
        for turn in 0..20 {
            let door = if turn % 2 == 0 { one.door() } else { two.door() };
            open_incident(&door, "tanaka").await;
        }
        town.pass(61);
        town.until("every incident is escalated to the end", |town| (1..=20).all(|id| town.incident(IncidentId(id)).escalated_steps == 4))
            .await;
        rest().await;
        assert_eq!(town.count("wake.escalate"), 60);
        one.stop().await;
        two.stop().await;
    });
}

fn a_clock_that_jumps_fires_what_is_due_and_nothing_twice(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), quiet()).await;
        open_incident(&engine.door(), "tanaka").await;
        town.pass(-60);
        rest().await;
        assert_eq!(town.count("wake.escalate"), 0, "an hour back: nothing is due");
        town.pass(60 + 20);
        town.until("the second step is taken", |town| town.incident(INCIDENT).escalated_steps == 2).await;
        town.pass(-60);
        rest().await;
        town.pass(60);
        rest().await;
        assert_eq!(town.count("wake.escalate"), 1, "the same time twice");
        town.pass(60);
        town.until("an hour ahead: all that is due", |town| town.incident(INCIDENT).escalated_steps == 4).await;
        assert_eq!(town.count("wake.escalate"), 3);
        engine.stop().await;
    });
}

fn a_silent_witness_is_lost(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, quiet()).await;
        let id = town.executing(&door).await;
        town.clock.move_by(SignedDuration::from_secs(15));
        give(&door, "suzuki", emergency::Command::Watch { emergency: id }).await;
        town.clock.move_by(SignedDuration::from_secs(10));
        let present = |town: &Town, name: &str| town.emergency(id).witnesses[&person(name)].present;
        town.until("the silent one is lost", |town| !present(town, "takahashi")).await;
        assert!(present(&town, "suzuki"), "the other was heard of");
        rest().await;
        assert_eq!(town.count("wake.witness_silent"), 1);
        give(&door, "takahashi", emergency::Command::Join { emergency: id }).await;
        town.clock.move_by(SignedDuration::from_secs(25));
        town.until("silent again, lost again", |town| !present(town, "takahashi") && !present(town, "suzuki")).await;
        rest().await;
        assert_eq!(town.count("wake.witness_silent"), 3);
        engine.stop().await;
    });
}

fn a_changed_policy_moves_the_deadlines_of_what_is_open(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), quiet()).await;
        open_incident(&engine.door(), "tanaka").await;
        town.pass(5);
        let mut sooner = quiet();
        sooner.incident.escalation[1].after_min = 3;
        adopt(&engine.door(), sooner).await;
        town.until("the step that is due by the new policy is taken", |town| town.incident(INCIDENT).escalated_steps == 2).await;
        engine.stop().await;
    });
}
