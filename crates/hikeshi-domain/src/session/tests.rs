//! The rules of a witnessed session, one by one; and the form of its recording.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::record::{Frame, Header, Word, check, frames};
use super::told::{Stretch, short_of, together};
use super::*;
use crate::command::Command as Any;
use crate::decide::Decision;
use crate::effect::{Outcome, Work};
use crate::emergency::{self, Looked};
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{Device, World, changed, plan, who};

fn refused(result: Result<Decision, Refusal>) -> &'static str {
    match result {
        Ok(decision) => panic!("not refused: {decision:?}"),
        Err(refusal) => refusal.code(),
    }
}

/// An exception with a terminal in its plan, approved, witnessed by two, its backup taken.
fn executing(world: &mut World) -> EmergencyId {
    let plan = emergency::Plan { terminal: Some(Terminal::default()), ..plan() };
    world.executing_with(plan)
}

fn give(world: &mut World, by: &str, command: Command) -> Result<Decision, Refusal> {
    world.submit(&who(by), &Any::Session(command))
}

fn inside(world: &mut World, command: Command) -> Result<Decision, Refusal> {
    world.submit(&Actor::Recorder, &Any::Session(command))
}

fn open(world: &mut World, emergency: EmergencyId) -> Result<Decision, Refusal> {
    let executor = world.emergency(emergency).plan.executor.to_string();
    give(world, &executor, Command::Open { emergency, place: "app-1".to_owned() })
}

fn block(number: u8) -> SealedBlock {
    SealedBlock { head: Digest::of(&[number]), file: Digest::of(&[number, number]) }
}

fn seal(emergency: EmergencyId, first: u64, blocks: Vec<SealedBlock>, commands: Vec<TypedCommand>) -> Command {
    Command::Seal { emergency, session: 1, first, blocks, commands, gaps: Vec::new() }
}

fn typed(world: &World, number: u32) -> TypedCommand {
    TypedCommand { output_to: 10, ..crate::testing::typed(number, "vi config/app.toml", (world.now, world.now)) }
}

#[test]
fn e3_a_terminal_opens_only_if_the_approved_plan_says_so() {
    let mut world = World::new();
    let id = world.executing_with(plan());
    assert_eq!(refused(open(&mut world, id)), "session.not_planned");
}

#[test]
fn e3_only_the_executor_opens_it_and_only_once() {
    let mut world = World::new();
    let id = executing(&mut world);
    assert_eq!(refused(give(&mut world, "ito", Command::Open { emergency: id, place: "app-1".to_owned() })), "emergency.not_executor");
    let made = open(&mut world, id).expect("opened").made;
    assert_eq!(made, Some(format!("{id}/1")));
    assert_eq!(refused(open(&mut world, id)), "session.open");
    assert!(!world.emergency(id).obligations.is_empty(), "the follow-up is owed from the opening on");
}

#[test]
fn e4_without_witnesses_nothing_opens() {
    let mut world = World::new();
    let id = executing(&mut world);
    world.pass(3_600);
    assert_eq!(refused(open(&mut world, id)), "emergency.quorum_missing");
}

#[test]
fn while_a_terminal_is_open_nothing_runs_or_is_closed_beside_it() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let executor = world.emergency(id).plan.executor.to_string();
    for command in [
        emergency::Command::Step { emergency: id, step: 1, confirm: String::new() },
        emergency::Command::Verify { emergency: id },
        emergency::Command::Close { emergency: id },
    ] {
        assert_eq!(refused(world.give(&executor, command)), "session.open");
    }
}

#[test]
fn e6_after_a_command_the_files_are_looked_at_once_and_what_was_typed_meanwhile_owes_one_more_look() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let (first, second, third) = (typed(&world, 1), typed(&world, 2), typed(&world, 3));
    let decision = inside(&mut world, seal(id, 0, vec![block(0)], vec![first])).expect("sealed");
    assert!(matches!(decision.effects[0].work, Work::LookAtFiles { .. }));
    let key = decision.effects[0].key.clone();
    for command in [second, third] {
        let first = world.emergency(id).sessions[0].blocks;
        assert!(inside(&mut world, seal(id, first, Vec::new(), vec![command])).expect("sealed").effects.is_empty(), "one look at a time");
    }
    let seen = Outcome::FilesSeen { looked: Looked::of(vec![changed("config/app.toml", true)]), captured: Vec::new() };
    let decision = world.end(&key, seen.clone()).expect("seen");
    assert_eq!(decision.effects.len(), 1, "one more look covers both");
    let state = world.emergency(id);
    assert_eq!(state.changes[0].command, Some(CommandRef { session: 1, command: 1 }));
    assert_eq!(state.looking.as_ref().map(|looking| looking.after.command), Some(3));
    let key = decision.effects[0].key.clone();
    assert!(world.end(&key, seen).expect("seen").effects.is_empty());
    assert_eq!(world.emergency(id).changes[0].command, Some(CommandRef { session: 1, command: 1 }), "first seen after the first command");
}

#[test]
fn e8_a_change_outside_the_scope_is_announced_and_blocks_the_close() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let command = typed(&world, 1);
    let key = inside(&mut world, seal(id, 0, vec![block(0)], vec![command])).expect("sealed").effects[0].key.clone();
    let seen = Outcome::FilesSeen { looked: Looked::of(vec![changed("etc/passwd", false)]), captured: Vec::new() };
    let decision = world.end(&key, seen).expect("seen");
    let told = format!("{:?}", decision.events);
    assert!(told.contains("OutOfScope") && told.contains("etc/passwd"), "{told}");
}

#[test]
fn e6_nothing_is_verified_or_closed_before_the_last_look() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    inside(&mut world, seal(id, 0, vec![block(0)], Vec::new())).expect("sealed");
    let end = Command::End { emergency: id, session: 1, end: SessionEnd::Exited { code: Some(0) } };
    let key = inside(&mut world, end).expect("ended").effects[0].key.clone();
    let executor = world.emergency(id).plan.executor.to_string();
    assert_eq!(refused(world.give(&executor, emergency::Command::Close { emergency: id })), "session.files_not_seen");
    world.end(&key, Outcome::FilesSeen { looked: Looked::default(), captured: Vec::new() }).expect("seen");
    assert_ne!(refused(world.give(&executor, emergency::Command::Close { emergency: id })), "session.files_not_seen");
}

#[test]
fn only_the_program_seals_and_blocks_are_sealed_in_order() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let executor = world.emergency(id).plan.executor.to_string();
    assert_eq!(refused(give(&mut world, &executor, seal(id, 0, vec![block(0)], Vec::new()))), "actor.unknown");
    inside(&mut world, seal(id, 0, vec![block(0), block(1)], Vec::new())).expect("sealed");
    assert_eq!(refused(inside(&mut world, seal(id, 1, vec![block(1)], Vec::new()))), "inside.stale");
    assert_eq!((world.emergency(id).sessions[0].blocks, world.emergency(id).sessions[0].head), (2, Some(block(1).head)));
}

#[test]
fn e4_only_what_a_bound_device_signed_counts_as_watched() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    inside(&mut world, seal(id, 0, vec![block(0), block(1)], Vec::new())).expect("sealed");
    let (device, other) = (Device::new(), Device::new());
    let bind = |key| Command::Bind { emergency: id, session: 1, key };
    let witness = world.witnesses(id)[0].clone();
    give(&mut world, &witness, bind(device.key())).expect("bound");
    let now = world.now;
    let good = device.ack(id, 1, &witness, 1, block(1).head, now);
    let forged = other.ack(id, 1, &witness, 1, block(1).head, now);
    let ahead = device.ack(id, 1, &witness, 2, block(2).head, now);
    let moved = Ack { block: 0, ..good.clone() };
    let stretched = Ack { from: 1, ..good.clone() };
    let acknowledge = |acks| Command::Acknowledge { emergency: id, session: 1, acks };
    assert_eq!(refused(inside(&mut world, acknowledge(vec![forged.clone(), ahead, moved, stretched]))), "inside.stale");
    inside(&mut world, acknowledge(vec![forged, good])).expect("one of them is good");
    let person = PersonId::new(&witness).expect("a handle");
    assert_eq!(world.emergency(id).sessions[0].watched[&person].to_block, 1);
}

#[test]
fn e4_one_device_is_one_pair_of_eyes_and_the_executor_is_none() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let key = Device::new().key();
    let bind = || Command::Bind { emergency: id, session: 1, key: key.clone() };
    let witnesses = world.witnesses(id);
    give(&mut world, &witnesses[0], bind()).expect("bound");
    assert_eq!(refused(give(&mut world, &witnesses[1], bind())), "session.device_shared");
    let executor = world.emergency(id).plan.executor.to_string();
    assert_eq!(refused(give(&mut world, &executor, bind())), "emergency.not_a_witness");
    let bad = serde_json::from_str("\"04ab\"").expect("a text");
    assert_eq!(
        refused(give(&mut world, &witnesses[1], Command::Bind { emergency: id, session: 1, key: bad })),
        "session.device_key_unreadable"
    );
}

#[test]
fn e4_a_witness_ends_the_session_and_nothing_is_typed_any_more() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let witness = world.witnesses(id)[0].clone();
    let stop = || Command::Stop { emergency: id, session: 1, reason: "違うファイル".to_owned() };
    give(&mut world, &witness, stop()).expect("stopped");
    assert_eq!(refused(give(&mut world, &witness, stop())), "session.over");
    let state = world.emergency(id).clone();
    let policy = crate::testing::policy();
    let held = gate(&state, &state.sessions[0], &policy, &BTreeMap::new(), world.now);
    assert!(held.contains(&HeldBecause::Ending), "{held:?}");
}

#[test]
fn e4_the_gate_counts_people_who_really_look() {
    let mut world = World::new();
    let id = executing(&mut world);
    open(&mut world, id).expect("opened");
    let state = world.emergency(id).clone();
    let policy = crate::testing::policy();
    let people: Vec<PersonId> = state.witnesses.keys().cloned().collect();
    let now = world.now;
    let ago = |millis: i64| now.checked_sub(SignedDuration::from_millis(millis)).expect("a time");
    let fine = Looking { visible: true, heard_at: now, behind_since: None };
    let all = |looking: Looking| people.iter().map(|person| (person.clone(), looking)).collect::<BTreeMap<_, _>>();
    let why = |looking: &BTreeMap<PersonId, Looking>| gate(&state, &state.sessions[0], &policy, looking, now);
    assert_eq!(why(&all(fine)), Vec::new());
    let absent = |looking: &BTreeMap<PersonId, Looking>| match why(looking).as_slice() {
        [HeldBecause::Witnesses { absent, .. }] => absent.iter().map(|absent| absent.why).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let mut one = all(fine);
    let first = people[0].clone();
    for (looking, expected) in [
        (Some(Looking { visible: false, ..fine }), Absence::Hidden),
        (Some(Looking { heard_at: ago(1_501), ..fine }), Absence::Silent),
        (Some(Looking { behind_since: Some(ago(10_001)), ..fine }), Absence::Behind),
        (None, Absence::NotWatching),
    ] {
        match looking {
            Some(looking) => one.insert(first.clone(), looking),
            None => one.remove(&first),
        };
        assert_eq!(absent(&one), vec![expected]);
    }
    assert_eq!(why(&all(Looking { heard_at: ago(1_500), behind_since: Some(ago(10_000)), ..fine })), Vec::new(), "as long as is allowed");
    // The approver is no senior witness of their own approval, however many others look.
    let mut approved = state.clone();
    for approval in &mut approved.approvals {
        approval.by = people.iter().find(|person| policy.has_any_role(person, &policy.emergency.senior_roles)).expect("a senior").clone();
    }
    let held = gate(&approved, &approved.sessions[0], &policy, &all(fine), now);
    assert!(matches!(held.as_slice(), [HeldBecause::Witnesses { seniors, .. }] if seniors.is_empty()), "{held:?}");
}

fn header(frames: &[u8], block: u64, prev: Option<Digest>) -> Header {
    Header {
        format: Header::FORMAT.to_owned(),
        emergency: EmergencyId(3),
        session: 1,
        block,
        prev,
        from_us: 0,
        to_us: 10,
        bytes: u64::try_from(frames.len()).expect("a length"),
        frames: Digest::of(frames),
    }
}

#[test]
fn a_block_that_was_touched_does_not_fit_the_chain() {
    let mut bytes = Vec::new();
    Frame::Output(b"\x93\xfa\x96\x7b\xff\x00".to_vec()).write(5, &mut bytes);
    let first = header(&bytes, 0, None);
    check(&first, &bytes, 0, None).expect("it fits");
    let mut touched = bytes.clone();
    *touched.last_mut().expect("a byte") ^= 1;
    assert!(check(&first, &touched, 0, None).is_err());
    let second = header(&bytes, 1, Some(first.head()));
    check(&second, &bytes, 1, Some(&first.head())).expect("it continues");
    assert!(check(&second, &bytes, 1, Some(&second.head())).is_err());
    assert!(check(&second, &bytes, 2, Some(&first.head())).is_err());
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        bytes().prop_map(Frame::Output),
        bytes().prop_map(Frame::Input),
        any::<u32>().prop_map(|keys| Frame::Hidden(keys.into())),
        (any::<u16>(), any::<u16>()).prop_map(|(columns, rows)| Frame::Resize { columns, rows }),
        ".{0,40}".prop_map(|text| Frame::Word(Word::CommandBegan { number: 1, text, cwd: "/".to_owned() })),
    ]
}

proptest! {
    #[test]
    fn frames_are_read_back_as_they_were_written(written in proptest::collection::vec((0_u64..1 << 50, any_frame()), 0..40)) {
        let mut bytes = Vec::new();
        for (after_us, frame) in &written {
            frame.write(*after_us, &mut bytes);
        }
        prop_assert_eq!(frames(&bytes).expect("readable"), written);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // Whatever it says, it says it without breaking.
        drop(frames(&bytes));
    }
}

#[test]
fn what_was_watched_together_is_where_the_stretches_of_enough_people_meet() {
    let stretch = |from, to| Stretch { from, to };
    let watched: BTreeMap<PersonId, Vec<Stretch>> =
        [("ito", vec![stretch(1, 3), stretch(6, 9)]), ("takahashi", vec![stretch(2, 7)]), ("sato", vec![stretch(0, 9)])]
            .into_iter()
            .map(|(person, stretches)| (PersonId::new(person).expect("a handle"), stretches))
            .collect();
    let is = |name: &'static str| move |person: &PersonId| person.as_str() == name;
    let not_sato = |person: &PersonId| person.as_str() != "sato";
    assert_eq!(together(&watched, not_sato, is("takahashi"), (2, 1)), vec![stretch(2, 3), stretch(6, 7)]);
    assert_eq!(together(&watched, |_| true, is("takahashi"), (2, 1)), vec![stretch(2, 7)]);
    assert_eq!(together(&watched, not_sato, is("sato"), (2, 1)), Vec::new(), "the senior does not count");
    let all: Vec<u64> = (0..10).collect();
    let short = short_of(&all, &watched, not_sato, is("takahashi"), (2, 1));
    assert_eq!(short, vec![stretch(0, 1), stretch(4, 5), stretch(8, 9)], "the rest");
}
