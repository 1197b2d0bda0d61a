//! What a search finds in a record: each finding from the entries of a real course, and named by them.

use super::*;
use crate::emergency::Plan;
use crate::session::{self, DangerousLine, Gap, GapReason, SessionEnd, Terminal, TypedCommand};

fn terminal(world: &mut World) -> EmergencyId {
    let dangerous = vec![DangerousLine { words: "drop table".to_owned(), why: "戻せない".to_owned() }];
    let terminal = Terminal { dangerous, ..Terminal::default() };
    let id = world.executing_with(Plan { terminal: Some(terminal), ..crate::testing::plan() });
    let open = session::Command::Open { emergency: id, place: "app-1".to_owned() };
    world.submit(&who("tanaka"), &command::Command::Session(open)).expect("opened");
    id
}

fn typed(world: &World, number: u32, text: &str) -> TypedCommand {
    crate::testing::typed(number, text, (world.now, world.now))
}

fn recorded(world: &mut World, command: session::Command) {
    world.submit(&Actor::Recorder, &command::Command::Session(command)).expect("recorded");
}

fn seal(world: &mut World, id: EmergencyId, commands: Vec<TypedCommand>, gaps: Vec<Gap>) {
    recorded(world, session::Command::Seal { emergency: id, session: 1, first: 0, blocks: Vec::new(), commands, gaps });
}

/// The numbers of the entries of such events, as a whole ledger has them.
fn seqs(world: &World, wanted: fn(&Event) -> bool) -> Vec<u64> {
    (0..).zip(&world.log).filter(|(_, (_, _, event))| wanted(event)).map(|(seq, _)| seq).collect()
}

#[test]
fn e13_a_lost_recorder_is_a_finding() {
    let mut world = World::new();
    let id = terminal(&mut world);
    recorded(&mut world, session::Command::End { emergency: id, session: 1, end: SessionEnd::Lost });
    let ended = seqs(&world, |event| matches!(event, Event::TerminalEnded { .. }));
    assert_eq!(searched(&world, id), [Finding { kind: FindingKind::RecorderLost { session: 1 }, entries: ended }]);
}

#[test]
fn e13_a_session_that_ended_as_it_should_is_none() {
    let mut world = World::new();
    let id = terminal(&mut world);
    let command = typed(&world, 1, "vi config/app.toml");
    seal(&mut world, id, vec![command], Vec::new());
    recorded(&mut world, session::Command::End { emergency: id, session: 1, end: SessionEnd::Exited { code: Some(0) } });
    assert_eq!(searched(&world, id), Vec::new());
}

#[test]
fn e13_gaps_of_a_session_are_one_finding_with_their_sum() {
    let mut world = World::new();
    let id = terminal(&mut world);
    for (seconds, bytes) in [(30, 2_000), (11, 1_000)] {
        let from = world.now;
        world.pass(seconds);
        let to = world.now;
        seal(&mut world, id, Vec::new(), vec![Gap { why: GapReason::RecorderLost, from, to, bytes }]);
    }
    let sealed = seqs(&world, |event| matches!(event, Event::BlocksSealed { .. }));
    assert_eq!(sealed.len(), 2);
    let kind = FindingKind::RecordGap { session: 1, gaps: 2, seconds: 41, bytes: 3_000 };
    assert_eq!(searched(&world, id), [Finding { kind, entries: sealed }]);
}

#[test]
fn e13_forged_marks_are_counted_when_their_command_has_ended() {
    let mut world = World::new();
    let id = terminal(&mut world);
    let command = TypedCommand { forged: 3, ..typed(&world, 1, "cat notes") };
    seal(&mut world, id, vec![TypedCommand { forged: 2, ended_at: None, ..command.clone() }], Vec::new());
    assert_eq!(searched(&world, id), Vec::new(), "it is still running, and is told again when it has ended");
    seal(&mut world, id, vec![command], Vec::new());
    let sealed = seqs(&world, |event| matches!(event, Event::BlocksSealed { .. }));
    let kind = FindingKind::MarksForged { session: 1, times: 3 };
    assert_eq!(searched(&world, id), [Finding { kind, entries: sealed[1..].to_vec() }]);
}

#[test]
fn e13_a_dangerous_line_that_nobody_confirmed_is_a_finding() {
    let mut world = World::new();
    let id = terminal(&mut world);
    for number in [1, 2] {
        let command = typed(&world, number, "psql -c 'drop table rooms'");
        seal(&mut world, id, vec![command], Vec::new());
    }
    let ran = seqs(&world, |event| matches!(event, Event::LineUnconfirmed { .. }));
    assert_eq!(ran.len(), 2);
    assert_eq!(searched(&world, id), [Finding { kind: FindingKind::DangerUnconfirmed { session: 1, times: 2 }, entries: ran }]);
}

#[test]
fn e13_what_was_approved_and_never_begun_is_a_finding() {
    let mut world = World::new();
    let id = request(&mut world);
    let digest = world.emergency(id).digest;
    world.give("sato", emergency::Command::Approve { emergency: id, digest, judgement: "要".to_owned() }).expect("approved");
    world.pass(240 * 60);
    world.submit(&Actor::Timer, &command::Command::Wake(Wake::ApprovalExpires { emergency: id })).expect("expires");
    let entries = seqs(&world, |event| matches!(event, Event::EmergencyApproved { .. } | Event::ApprovalExpired { .. }));
    assert_eq!(searched(&world, id), [Finding { kind: FindingKind::ApprovalUnused, entries }]);
}

#[test]
fn e13_what_took_long_is_told_as_long_also_when_it_was_verified_at_once() {
    let mut world = World::new();
    let id = executing(&mut world);
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, true);
    world.pass(25 * 3600);
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    assert_eq!(names(&searched(&world, id)), [FindingName::LeftOpen]);
}
