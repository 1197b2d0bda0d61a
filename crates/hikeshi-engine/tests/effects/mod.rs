//! Every effect: it ends well, it fails, its outcome comes twice, and the engine dies between its claim and its outcome.

mod crash;
mod pages;
mod status;

use hikeshi_domain::command::{Command, Envelope, OutcomeCommand};
use hikeshi_domain::effect::{EffectKey, Outcome};
use hikeshi_domain::emergency::{self, Doing, Status, StepState};
use hikeshi_domain::ids::{EmergencyId, ObligationId, RequestKey};
use hikeshi_domain::obligation;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_engine::door::{Answer, Door};
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(
    a_whole_emergency_is_carried_out_once,
    a_failed_effect_is_told_and_can_be_tried_again,
    an_outcome_that_comes_twice_counts_once,
    an_outcome_that_nobody_waits_for_is_settled,
    hands_that_break_do_not_break_the_runner,
);

pub async fn step(door: &Door, id: EmergencyId, step: u32) {
    give(door, "tanaka", emergency::Command::Step { emergency: id, step, confirm: String::new() }).await;
}

pub fn ended(town: &Town, id: EmergencyId, step: usize) -> bool {
    matches!(town.emergency(id).steps[step - 1], StepState::Ended(_))
}

fn a_whole_emergency_is_carried_out_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        for number in [1, 2] {
            step(&door, id, number).await;
            town.until("the step ends", |town| ended(town, id, number as usize)).await;
        }
        let StepState::Ended(end) = &town.emergency(id).steps[0] else { panic!("not ended") };
        let output = end.output.expect("an output");
        assert_eq!(door.look(&who("kansa")).content(output).await.expect("kept"), OUTPUT, "the contents are kept before the outcome");
        give(&door, "tanaka", emergency::Command::Verify { emergency: id }).await;
        town.until("the checks end", |town| town.emergency(id).unaffected.is_some()).await;
        give(&door, "tanaka", emergency::Command::Close { emergency: id }).await;
        town.settled().await;
        let emergency = town.emergency(id);
        assert_eq!(emergency.status, Status::Closed);
        let owed: Vec<_> = town.read(|reader| reader.obligations_of(id));
        let of = |kind| owed.iter().find(|owed| owed.kind == kind).expect("it is owed");
        assert!(of(obligation::Kind::ChangeRequest).request.is_some());
        assert!(of(obligation::Kind::Report).running.is_none());
        assert!(of(obligation::Kind::Retrospective).meeting.as_ref().is_some_and(|meeting| meeting.file.is_some()));
        let compare = obligation::Command::Compare { obligation: of(obligation::Kind::ChangeRequest).id };
        done(&door, "tanaka", Command::Obligation(compare)).await;
        town.settled().await;
        let mut performed = town.hands.performed();
        assert_eq!(performed.len(), 8, "backup, two steps, checks, request, report, invitation, comparison: {performed:?}");
        performed.sort();
        performed.dedup();
        assert_eq!((performed.len(), town.hands.looked().len()), (8, 0), "each once, and nothing had to be looked at");
        assert_eq!(engine.door().figures().effects_performed, 8);
        engine.stop().await;
    });
}

fn a_failed_effect_is_told_and_can_be_tried_again(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.watched(&door).await;
        let trouble = |town: &Town| town.emergency(id).trouble.map(|trouble| trouble.doing);

        town.hands.will("take_backup", Act::Fail);
        give(&door, "tanaka", emergency::Command::Start { emergency: id }).await;
        town.until("the backup fails", |town| trouble(town) == Some(Doing::Backup)).await;
        assert!(town.emergency(id).backup.is_none());
        town.hands.will("take_backup", Act::Well);
        give(&door, "tanaka", emergency::Command::Start { emergency: id }).await;
        town.until("the second backup is taken", |town| town.emergency(id).status == Status::Executing).await;

        town.hands.will("run_step", Act::Fail);
        step(&door, id, 1).await;
        town.until("the step could not be started", |town| ended(town, id, 1)).await;
        town.hands.will("run_step", Act::Well);
        step(&door, id, 1).await;
        town.until("the second try ends well", |town| matches!(&town.emergency(id).steps[0], StepState::Ended(end) if end.succeeded()))
            .await;

        town.hands.will("run_checks", Act::Fail);
        give(&door, "tanaka", emergency::Command::Verify { emergency: id }).await;
        town.until("the checks fail", |town| trouble(town) == Some(Doing::Verify)).await;
        town.hands.will("restore", Act::Fail);
        let restore = || emergency::Command::Restore { emergency: id, reason: "戻す".to_owned(), confirm: id.to_string() };
        give(&door, "tanaka", restore()).await;
        town.until("the restore fails", |town| trouble(town) == Some(Doing::Restore)).await;
        town.hands.will("restore", Act::Well);
        give(&door, "tanaka", restore()).await;
        town.until("the restore is done", |town| town.emergency(id).restored.is_some_and(|restored| restored.finished_at.is_some())).await;

        town.hands.will("write_report", Act::Fail);
        town.hands.will("write_invitation", Act::Fail);
        give(&door, "tanaka", emergency::Command::Close { emergency: id }).await;
        town.settled().await;
        let troubled: Vec<ObligationId> =
            town.read(|reader| reader.obligations_of(id)).into_iter().filter(|owed| owed.trouble.is_some()).map(|owed| owed.id).collect();
        assert_eq!(troubled.len(), 2, "report and invitation");
        assert_eq!(door.figures().effects_failed, 6);
        engine.stop().await;
    });
}

fn outcome_again(key: &EffectKey) -> Envelope {
    let outcome = Outcome::Failed { detail: "twice".to_owned() };
    Envelope {
        key: RequestKey::new(format!("inside:outcome:{key}:ended")).expect("a key"),
        actor: Actor::Runner,
        via: Via::Inside,
        command: Command::Outcome(OutcomeCommand::Ended { effect: key.clone(), outcome: Box::new(outcome) }),
    }
}

fn an_outcome_that_comes_twice_counts_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        step(&door, id, 1).await;
        town.until("the step ends", |town| ended(town, id, 1)).await;
        let before = town.entries().len();
        for key in town.hands.performed() {
            let answer = door.submit(outcome_again(&key)).await.expect("answered");
            assert!(matches!(answer, Answer::Already(_)), "{key}: {answer:?}");
        }
        assert_eq!(town.entries().len(), before);
        engine.stop().await;
    });
}

fn an_outcome_that_nobody_waits_for_is_settled(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        town.executing(&door).await;
        // As if a node had been asleep while a person settled its step: nobody waits any more.
        let key = EffectKey("emg_1/step/1/1".to_owned());
        let answer = door.submit(outcome_again(&key)).await.expect("answered");
        let Answer::Refused { seq: Some(seq), .. } = answer else { panic!("{answer:?}") };
        let entry = town.entries().pop().expect("an entry");
        assert_eq!(entry.seq, seq);
        let hikeshi_domain::ledger::EntryResult::Done { events, settles, .. } = entry.result else { panic!("not settled") };
        assert_eq!((events.len(), settles), (0, Some(key.clone())), "the record says that it was heard and changed nothing");
        let answer = door.submit(outcome_again(&key)).await.expect("answered");
        assert!(matches!(answer, Answer::Already(_)), "{answer:?}");
        engine.stop().await;
    });
}

fn hands_that_break_do_not_break_the_runner(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        town.hands.will("run_step", Act::Panic);
        step(&door, id, 1).await;
        town.until("the claim has run out and the world is asked", |town| !town.hands.looked().is_empty()).await;
        town.hands.will("run_step", Act::Well);
        town.until("it never began, so it is done", |town| ended(town, id, 1)).await;
        assert_eq!(town.hands.most_often(), 1);
        engine.stop().await;
    });
}
