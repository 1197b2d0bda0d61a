//! A dangerous line: who is asked, what an answer is bound to, what runs without one.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::channel::{Body, Notice};
use crate::command::Command as Any;
use crate::decide::Decision;
use crate::emergency;
use crate::event::Event;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, plan, who};

const LINE: &str = "psql -c 'drop table rooms'";

fn refused(result: Result<Decision, Refusal>) -> &'static str {
    match result {
        Ok(decision) => panic!("not refused: {decision:?}"),
        Err(refusal) => refusal.code(),
    }
}

/// A terminal is open whose plan calls `drop table` dangerous.
fn opened(world: &mut World) -> EmergencyId {
    let dangerous = vec![DangerousLine { words: "drop table".to_owned(), why: "戻せない".to_owned() }];
    let terminal = Terminal { dangerous, ..Terminal::default() };
    let id = world.executing_with(emergency::Plan { terminal: Some(terminal), ..plan() });
    give(world, "tanaka", Command::Open { emergency: id, place: "app-1".to_owned() }).expect("opened");
    id
}

fn give(world: &mut World, by: &str, command: Command) -> Result<Decision, Refusal> {
    world.submit(&who(by), &Any::Session(command))
}

fn inside(world: &mut World, command: Command) -> Result<Decision, Refusal> {
    world.submit(&Actor::Recorder, &Any::Session(command))
}

fn at(world: &World, seconds: i64) -> Timestamp {
    world.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time")
}

fn ask(world: &mut World, emergency: EmergencyId, asked_at: Timestamp) -> Digest {
    let ask = Command::Ask { emergency, session: 1, line: LINE.to_owned(), rule: 0, asked_at };
    inside(world, ask).expect("asked");
    asked(world, emergency).digest
}

fn asked(world: &World, emergency: EmergencyId) -> LineAsk {
    world.emergency(emergency).sessions[0].asked.clone().expect("a question")
}

fn confirm(emergency: EmergencyId, digest: Digest, typed: &str) -> Command {
    Command::Confirm { emergency, session: 1, digest, confirm: typed.to_owned() }
}

fn ran(world: &mut World, emergency: EmergencyId, number: u32, text: &str, at: Timestamp) -> Vec<Event> {
    ran_from(world, emergency, number, text, (at, at))
}

fn ran_from(
    world: &mut World,
    emergency: EmergencyId,
    number: u32,
    text: &str,
    (started_at, ended_at): (Timestamp, Timestamp),
) -> Vec<Event> {
    let command = crate::testing::typed(number, text, (started_at, ended_at));
    let (blocks, gaps) = (Vec::new(), Vec::new());
    let seal = Command::Seal { emergency, session: 1, first: 0, blocks, commands: vec![command], gaps };
    inside(world, seal).expect("sealed").events
}

fn unconfirmed(events: &[Event]) -> bool {
    let told = events.iter().any(|event| matches!(event, Event::LineUnconfirmed { .. }));
    let notice = |post: &crate::channel::Post| matches!(&post.body, Body::Notice { notice: Notice::LineUnconfirmed { .. } });
    let announced = events.iter().any(|event| matches!(event, Event::Posted { post } if notice(post)));
    assert_eq!(told, announced, "everyone is told at once: {events:?}");
    told
}

#[test]
fn e4_one_present_witness_confirms_the_very_line_by_typing_its_words() {
    let mut world = World::new();
    let id = opened(&mut world);
    let asked_at = at(&world, 0);
    let digest = ask(&mut world, id, asked_at);
    assert_eq!(digest, danger::line_digest(id, 1, asked_at, LINE));
    assert_eq!((asked(&world, id).why.as_str(), asked(&world, id).answer), ("戻せない", None));
    assert_eq!(refused(give(&mut world, "tanaka", confirm(id, digest, "drop table"))), "emergency.not_a_witness", "the executor");
    assert_eq!(refused(give(&mut world, "sato", confirm(id, digest, "drop table"))), "emergency.not_a_witness", "not joined");
    assert_eq!(refused(give(&mut world, "suzuki", confirm(id, Digest::of(b"x"), "drop table"))), "session.nothing_asked", "another line");
    assert_eq!(refused(give(&mut world, "suzuki", confirm(id, digest, "はい"))), "emergency.confirmation_differs");
    give(&mut world, "suzuki", confirm(id, digest, "drop table")).expect("confirmed");
    assert_eq!(asked(&world, id).answer, Some(LineAnswer::Confirmed { by: PersonId::known("suzuki") }));
    assert_eq!(refused(give(&mut world, "takahashi", confirm(id, digest, "drop table"))), "session.nothing_asked", "answered once");
    let ended = at(&world, 1);
    assert!(!unconfirmed(&ran(&mut world, id, 1, LINE, ended)));
    assert!(unconfirmed(&ran(&mut world, id, 2, LINE, ended)), "a confirmation is used once");
    assert_eq!(world.emergency(id).sessions[0].unconfirmed, [2]);
    assert_eq!(world.rebuilt().emergency(id), Some(world.emergency(id)), "the state is the fold of the events");
}

#[test]
fn the_same_line_asked_again_is_another_question() {
    let mut world = World::new();
    let id = opened(&mut world);
    let (first_at, second_at) = (at(&world, 0), at(&world, 1));
    let first = ask(&mut world, id, first_at);
    let again = Command::Ask { emergency: id, session: 1, line: LINE.to_owned(), rule: 0, asked_at: first_at };
    assert_eq!(refused(inside(&mut world, again)), "inside.stale", "a recorder that is connected anew repeats itself");
    let second = ask(&mut world, id, second_at);
    assert_ne!(first, second);
    assert_eq!(refused(give(&mut world, "suzuki", confirm(id, first, "drop table"))), "session.nothing_asked");
    give(&mut world, "suzuki", confirm(id, second, "DROP  table")).expect("confirmed");
}

#[test]
fn what_was_withdrawn_denied_or_waited_too_long_is_not_confirmed_any_more() {
    let mut world = World::new();
    let id = opened(&mut world);
    let asked_at = at(&world, 0);
    let digest = ask(&mut world, id, asked_at);
    let withdraw = Command::Withdraw { emergency: id, session: 1, asked_at };
    inside(&mut world, withdraw.clone()).expect("edited");
    assert_eq!(refused(give(&mut world, "suzuki", confirm(id, digest, "drop table"))), "session.nothing_asked");
    assert_eq!(refused(inside(&mut world, withdraw)), "inside.stale");

    let asked_at = at(&world, 1);
    let digest = ask(&mut world, id, asked_at);
    let deny = Command::Deny { emergency: id, session: 1, digest, reason: "表が違う".to_owned() };
    assert_eq!(refused(give(&mut world, "tanaka", deny.clone())), "emergency.not_a_witness");
    give(&mut world, "suzuki", deny).expect("denied");
    assert_eq!(refused(give(&mut world, "takahashi", confirm(id, digest, "drop table"))), "session.nothing_asked");

    let asked_at = at(&world, 2);
    let digest = ask(&mut world, id, asked_at);
    world.pass(i64::from(world.all.policy().expect("a policy").emergency.confirm_valid_s));
    world.give("suzuki", emergency::Command::Watch { emergency: id }).expect("heard");
    assert_eq!(refused(give(&mut world, "suzuki", confirm(id, digest, "drop table"))), "session.nothing_asked");
    let answered = &world.emergency(id).sessions[0].answered;
    assert!(matches!(answered.as_slice(), [LineAsk { answer: Some(LineAnswer::Denied { .. }), .. }]), "{answered:?}");
}

#[test]
fn a_confirmed_line_that_was_not_let_through_confirms_nothing() {
    let mut world = World::new();
    let id = opened(&mut world);
    let asked_at = at(&world, 0);
    let digest = ask(&mut world, id, asked_at);
    give(&mut world, "suzuki", confirm(id, digest, "drop table")).expect("confirmed");
    inside(&mut world, Command::Withdraw { emergency: id, session: 1, asked_at }).expect("edited meanwhile");
    let ended = at(&world, 1);
    assert!(unconfirmed(&ran(&mut world, id, 1, LINE, ended)));
}

#[test]
fn a_line_that_is_typed_ahead_is_confirmed_for_itself_and_not_for_what_ran_when_it_was_asked_about() {
    let mut world = World::new();
    let id = opened(&mut world);
    let (before, asked_at, after, later) = (at(&world, 0), at(&world, 1), at(&world, 2), at(&world, 3));
    let digest = ask(&mut world, id, asked_at);
    give(&mut world, "suzuki", confirm(id, digest, "drop table")).expect("confirmed");
    assert!(!unconfirmed(&ran_from(&mut world, id, 1, "sleep 2", (before, after))));
    assert!(!unconfirmed(&ran_from(&mut world, id, 2, LINE, (after, later))), "this is what was asked about");
    assert!(unconfirmed(&ran_from(&mut world, id, 3, LINE, (after, later))), "once");
    // A part of what runs already is not good for anything behind it either.
    let digest = ask(&mut world, id, later);
    give(&mut world, "suzuki", confirm(id, digest, "drop table")).expect("confirmed");
    let whole = format!("{LINE} && {LINE}");
    assert!(unconfirmed(&ran_from(&mut world, id, 4, &whole, (after, later))), "half of it");
    assert!(world.emergency(id).sessions[0].confirmed.is_empty());
    assert_eq!(world.rebuilt().emergency(id), Some(world.emergency(id)), "the state is the fold of the events");
}

#[test]
fn a_plan_names_few_dangerous_lines_each_with_its_reason() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut request = |dangerous: Vec<DangerousLine>| {
        let plan = emergency::Plan { terminal: Some(Terminal { dangerous, ..Terminal::default() }), ..plan() };
        refused(world.give("tanaka", emergency::Command::Request { incident, conditions: crate::testing::conditions(), plan }))
    };
    let line = |words: &str, why: &str| DangerousLine { words: words.to_owned(), why: why.to_owned() };
    assert_eq!(request(vec![line("", "x")]), "input.text_missing");
    assert_eq!(request(vec![line("rm -rf", " ")]), "input.text_missing");
    assert_eq!(request(vec![line(&"x".repeat(201), "x")]), "input.text_too_long");
    assert_eq!(request(vec![line("rm", "x"); 51]), "input.too_many");
}
