//! Taking a secret out of a recording: who may, what is bound, what stays.

use proptest::prelude::*;

use super::record::{Frame, Word, frames, redact};
use super::*;
use crate::command::Command as Any;
use crate::decide::Decision;
use crate::effect::{Effect, Outcome, Work};
use crate::emergency;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, plan, who};

const RANGE: (u64, u64) = (100, 132);

fn refused(result: Result<Decision, Refusal>) -> &'static str {
    match result {
        Ok(decision) => panic!("not refused: {decision:?}"),
        Err(refusal) => {
            assert!(["A3", "A4", "A1", "E4", "E5"].contains(&refusal.rule()), "{refusal:?}");
            refusal.code()
        }
    }
}

fn give(world: &mut World, by: &str, command: Command) -> Result<Decision, Refusal> {
    world.submit(&who(by), &Any::Session(command))
}

/// An exception whose terminal is over.
fn over(world: &mut World) -> EmergencyId {
    let id = opened(world);
    let end = Command::End { emergency: id, session: 1, end: SessionEnd::Exited { code: Some(0) } };
    world.submit(&Actor::Recorder, &Any::Session(end)).expect("ended");
    id
}

fn opened(world: &mut World) -> EmergencyId {
    let id = world.executing_with(emergency::Plan { terminal: Some(Terminal::default()), ..plan() });
    give(world, "tanaka", Command::Open { emergency: id, place: "app-1".to_owned() }).expect("opened");
    id
}

fn propose(emergency: EmergencyId, (from, to): (u64, u64)) -> Command {
    Command::Redact { emergency, session: 1, from, to, reason: "API キーが表示された".to_owned() }
}

fn agree(emergency: EmergencyId, typed: &str) -> Command {
    Command::AgreeRedaction { emergency, session: 1, redaction: 1, confirm: typed.to_owned() }
}

fn decline(emergency: EmergencyId) -> Command {
    Command::DeclineRedaction { emergency, session: 1, redaction: 1, reason: "秘密ではない".to_owned() }
}

fn standing(world: &World, emergency: EmergencyId) -> Redaction {
    world.emergency(emergency).sessions[0].redactions[0].clone()
}

fn order(decision: &Decision) -> Effect {
    decision.effects.iter().find(|effect| matches!(effect.work, Work::Redact { .. })).expect("an order").clone()
}

#[test]
fn a4_two_people_take_a_secret_out_and_the_second_is_another_one() {
    let mut world = World::new();
    let id = over(&mut world);
    give(&mut world, "ito", propose(id, RANGE)).expect("proposed");
    assert_eq!(refused(give(&mut world, "ito", agree(id, "100-132"))), "session.redaction_self_agreed");
    assert_eq!(refused(give(&mut world, "tanaka", agree(id, "100-132"))), "session.redaction_self_agreed");
    assert_eq!(refused(give(&mut world, "suzuki", agree(id, "yes"))), "emergency.confirmation_differs");
    assert!(standing(&world, id).is_proposed());
    let order = order(&give(&mut world, "suzuki", agree(id, " 100-132 ")).expect("agreed"));
    let Work::Redact { emergency, session: 1, from: 100, to: 132, .. } = order.work else { panic!("another order: {order:?}") };
    assert_eq!(emergency, id);
    // Only once, and it is answered by now.
    assert_eq!(refused(give(&mut world, "suzuki", agree(id, "100-132"))), "session.no_redaction_proposed");
    assert_eq!(refused(give(&mut world, "ito", decline(id))), "session.no_redaction_proposed");
    let block = RedactedBlock { block: 3, was: Digest::of(b"was"), now: Digest::of(b"now"), frames: Digest::of(b"frames") };
    world.end(&order.key, Outcome::Redacted { blocks: vec![block] }).expect("done");
    let done = standing(&world, id).standing;
    assert!(matches!(&done, RedactionStanding::Done { by, blocks: 1, .. } if by.as_str() == "suzuki"), "{done:?}");
    assert!(world.end(&order.key, Outcome::Redacted { blocks: Vec::new() }).is_err(), "the outcome counts once");
}

#[test]
fn a4_who_neither_approves_nor_is_senior_proposes_and_agrees_to_nothing() {
    let mut world = World::new();
    let id = over(&mut world);
    give(&mut world, "kansa", propose(id, RANGE)).expect("proposed");
    assert_eq!(refused(give(&mut world, "takahashi", agree(id, "100-132"))), "actor.role_missing");
    assert_eq!(refused(give(&mut world, "takahashi", decline(id))), "actor.role_missing");
    // Whoever proposed it may take it back.
    give(&mut world, "kansa", decline(id)).expect("taken back");
    assert!(matches!(standing(&world, id).standing, RedactionStanding::Declined { .. }));
    assert_eq!(refused(give(&mut world, "suzuki", agree(id, "100-132"))), "session.no_redaction_proposed");
}

#[test]
fn a4_what_failed_can_be_agreed_to_again_under_another_name() {
    let mut world = World::new();
    let id = over(&mut world);
    give(&mut world, "ito", propose(id, RANGE)).expect("proposed");
    let first = order(&give(&mut world, "suzuki", agree(id, "100-132")).expect("agreed"));
    world.end(&first.key, Outcome::Failed { detail: "disk full".to_owned() }).expect("told");
    let known = standing(&world, id);
    assert!(known.is_proposed() && known.trouble.as_deref() == Some("disk full"), "{known:?}");
    let second = order(&give(&mut world, "suzuki", agree(id, "100-132")).expect("agreed"));
    assert_ne!(first.key, second.key);
    assert!(world.end(&first.key, Outcome::Redacted { blocks: Vec::new() }).is_err(), "nobody waits for the first any more");
}

#[test]
fn a4_only_a_recording_that_is_whole_and_only_a_range_that_can_be_looked_at() {
    let mut world = World::new();
    let id = opened(&mut world);
    assert_eq!(refused(give(&mut world, "ito", propose(id, RANGE))), "session.open");
    let mut world = World::new();
    let id = over(&mut world);
    for range in [(5, 5), (6, 5), (0, REDACTED_BYTES_MAX + 1)] {
        assert_eq!(refused(give(&mut world, "ito", propose(id, range))), "session.range_unfit", "{range:?}");
    }
    give(&mut world, "ito", propose(id, (0, REDACTED_BYTES_MAX))).expect("as much as there may be");
    for _ in 1..50 {
        give(&mut world, "ito", propose(id, RANGE)).expect("proposed");
    }
    assert_eq!(refused(give(&mut world, "ito", propose(id, RANGE))), "input.too_many");
}

fn written(all: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    all.iter().for_each(|frame| frame.write(7, &mut bytes));
    bytes
}

#[test]
fn keys_and_salt_of_a_redacted_block_go_with_what_was_printed() {
    let before = [
        Frame::Salt(vec![9; 16]),
        Frame::Input(b"export KEY=abc".to_vec()),
        Frame::Word(Word::Released),
        Frame::Output(b"KEY=ab".to_vec()),
        Frame::Hidden(3),
        Frame::Output("c\r\n秘密\tok".as_bytes().to_vec()),
    ];
    let (after, bytes) = redact(&written(&before), 4, 15).expect("read");
    assert_eq!(bytes, 18);
    let expected = [
        Frame::Salt(vec![b'*'; 16]),
        Frame::Input(vec![b'*'; 14]),
        Frame::Word(Word::Released),
        Frame::Output(b"KEY=**".to_vec()),
        Frame::Hidden(3),
        Frame::Output(b"*\r\n******\tok".to_vec()),
    ];
    assert_eq!(frames(&after).expect("read").into_iter().map(|(_, frame)| frame).collect::<Vec<_>>(), expected);
}

fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Frame::Output),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Frame::Input),
        any::<u16>().prop_map(|keys| Frame::Hidden(keys.into())),
        Just(Frame::Word(Word::Released)),
    ]
}

fn output(bytes: &[u8]) -> Vec<u8> {
    let all = frames(bytes).expect("read").into_iter();
    all.filter_map(|(_, frame)| if let Frame::Output(bytes) = frame { Some(bytes) } else { None }).flatten().collect()
}

proptest! {
    #[test]
    fn what_is_not_taken_out_stays_byte_for_byte(all in proptest::collection::vec(any_frame(), 0..12), from in 0_u64..400, length in 0_u64..400) {
        let before = written(&all);
        let (after, bytes) = redact(&before, from, from + length).expect("read");
        prop_assert_eq!(before.len(), after.len());
        let (was, now) = (output(&before), output(&after));
        prop_assert_eq!(bytes, was.len() as u64);
        for (place, (was, now)) in (0_u64..).zip(was.iter().zip(&now)) {
            if (from..from + length).contains(&place) {
                prop_assert!(super::record::is_taken_out(*now));
            } else {
                prop_assert_eq!(was, now);
            }
        }
        prop_assert_eq!(frames(&before).expect("read").len(), frames(&after).expect("read").len());
    }
}
