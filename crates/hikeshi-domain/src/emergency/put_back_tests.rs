//! The rules of putting files back: who may, when, what is told, and what follows for an open terminal (rules E4, E6, E8, E9).

use super::*;
use crate::decide::Decision;
use crate::effect::{Effect, Outcome, Work};
use crate::event::Event;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::session::{self, HeldBecause, SessionEnd, Terminal};
use crate::testing::{World, plan, who};

pub(super) fn refused(result: Result<Decision, Refusal>) -> &'static str {
    match result {
        Ok(decision) => panic!("not refused: {decision:?}"),
        Err(refusal) => refusal.code(),
    }
}

fn content(bytes: &[u8]) -> FileContent {
    FileContent { digest: Digest::of(bytes), bytes: bytes.len() as u64, mode: 0o100_644, kept: true }
}

pub(super) fn change(path: &str, in_scope: bool) -> FileChange {
    FileChange {
        path: path.to_owned(),
        kind: ChangeKind::Modified,
        before: Some(content(b"before")),
        after: Some(content(b"after")),
        in_scope,
        step: 1,
        command: None,
        accepted_by: None,
    }
}

/// After a step that changed these.
fn changed(world: &mut World, changes: Vec<FileChange>) -> EmergencyId {
    let id = world.executing();
    world.run_step(id, 1, 0, changes);
    id
}

fn revert(id: EmergencyId, paths: &[&str]) -> Command {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Command::Revert { emergency: id, paths, reason: "違うファイル".to_owned(), confirm: id.to_string() }
}

fn put_back(path: &str, failed: Option<&str>) -> PutBack {
    PutBack {
        path: path.to_owned(),
        found: Some(content(b"later still")),
        now: Some(content(b"before")),
        changed_since: true,
        failed: failed.map(str::to_owned),
    }
}

fn order(decision: &Decision) -> &Effect {
    decision.effects.iter().find(|effect| matches!(effect.work, Work::RevertFile { .. })).expect("an order to the hands")
}

#[test]
fn the_executor_or_an_approver_puts_known_changes_back_with_a_reason_and_typed_words() {
    let mut world = World::new();
    let id = changed(&mut world, vec![change("a", true), change("b", false)]);
    assert_eq!(refused(world.give("ito", revert(id, &["a"]))), "emergency.not_involved");
    assert_eq!(refused(world.give("tanaka", revert(id, &[]))), "input.text_missing");
    assert_eq!(refused(world.give("tanaka", revert(id, &["none"]))), "emergency.no_such_change");
    let spoilt = |reason: &str, confirm: &str| Command::Revert {
        emergency: id,
        paths: vec!["a".to_owned()],
        reason: reason.to_owned(),
        confirm: confirm.to_owned(),
    };
    assert_eq!(refused(world.give("tanaka", spoilt("理由", "a"))), "emergency.confirmation_differs");
    assert_eq!(refused(world.give("tanaka", spoilt(" ", &id.to_string()))), "input.text_missing");
    let decision = world.give("sato", revert(id, &["b", "a", "b"])).expect("an approver may");
    let Work::RevertFile { files, .. } = &order(&decision).work else { panic!("another order") };
    assert_eq!(files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["a", "b"], "each once");
    assert_eq!(files[0].seen, Some(content(b"after")), "the hands are told what the record has seen");
    assert_eq!(world.emergency(id).status, Status::Restoring);
}

#[test]
fn what_can_be_had_no_more_is_refused_and_too_many_names_are_too() {
    let mut world = World::new();
    let huge = |in_scope| FileChange {
        before: Some(FileContent { bytes: 1 << 40, kept: false, ..content(b"huge") }),
        ..change(if in_scope { "in" } else { "out" }, in_scope)
    };
    let secret = FileChange { before: Some(FileContent { kept: false, ..content(b"secret") }), ..change("secret", false) };
    let mut many: Vec<FileChange> = (0..=PUT_BACK_AT_ONCE_MAX).map(|number| change(&format!("f{number}"), true)).collect();
    let names: Vec<String> = many.iter().map(|change| change.path.clone()).collect();
    many.extend([huge(true), huge(false), secret]);
    let id = changed(&mut world, many);
    assert_eq!(refused(world.give("tanaka", revert(id, &["out"]))), "emergency.content_not_kept");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(refused(world.give("tanaka", revert(id, &names))), "input.too_many");
    world.give("tanaka", revert(id, &["in", "secret"])).expect("the backup has the one, the hands have the other");
}

#[test]
fn what_was_found_is_kept_and_what_failed_is_said_while_the_others_are_back() {
    let mut world = World::new();
    let id = changed(&mut world, vec![change("a", true), change("b", false)]);
    world.verify(id, true);
    let key = order(&world.give("tanaka", revert(id, &["a", "b"])).expect("asked")).key.clone();
    let files = vec![put_back("a", None), put_back("b", Some("Input/output error"))];
    let looked = Looked { changes_unlisted: 3, ..Looked::of(vec![change("b", false), change("c", false)]) };
    let outcome = Outcome::Reverted { files, looked };
    let decision = world.end(&key, outcome.clone()).expect("recorded");
    let told = format!("{:?}", decision.events);
    assert!(told.contains("OutOfScope") && told.contains("\"c\""), "what is new outside the scope is announced: {told}");
    let state = world.emergency(id);
    assert_eq!((state.status, state.changes.len(), state.changes_unlisted), (Status::Executing, 2, 3));
    assert!(state.solved.is_none(), "what was verified before says nothing now");
    assert!(state.trouble.as_ref().is_some_and(|trouble| trouble.doing == Doing::Revert && trouble.detail.starts_with("b: ")));
    let act = &state.reverts[0];
    assert_eq!((act.by.as_str(), act.reason.as_str(), act.files.len(), act.finished_at.is_some()), ("tanaka", "違うファイル", 2, true));
    assert!(act.files[0].changed_since && act.files[0].found == Some(content(b"later still")));
    assert!(world.end(&key, outcome).is_err(), "the same answer twice is one");
}

#[test]
fn an_accepted_change_that_changes_again_is_announced_again() {
    let mut world = World::new();
    let id = typing(&mut world, vec![change("b", false)]);
    world.give("sato", Command::Accept { emergency: id, path: "b".to_owned(), reason: "必要".to_owned() }).expect("accepted");
    let announced = |world: &World| {
        let told = |event: &&Event| format!("{event:?}").contains("OutOfScope");
        world.log.iter().map(|(_, _, event)| event).filter(told).count()
    };
    assert_eq!(announced(&world), 1);
    let seen = |world: &mut World, number: u32, after: &[u8]| {
        let key = look(world, id, number);
        let changes = vec![FileChange { after: Some(content(after)), ..change("b", false) }];
        world.end(&key, Outcome::FilesSeen { looked: Looked::of(changes), captured: Vec::new() }).expect("seen");
    };
    seen(&mut world, 2, b"after");
    assert_eq!(announced(&world), 1, "as it was accepted");
    seen(&mut world, 3, b"other");
    assert_eq!(announced(&world), 2);
}

/// An exception by hand with an open terminal, after a look that saw these.
fn typing(world: &mut World, changes: Vec<FileChange>) -> EmergencyId {
    let id = world.executing_with(Plan { terminal: Some(Terminal::default()), ..plan() });
    world
        .submit(&who("tanaka"), &crate::command::Command::Session(session::Command::Open { emergency: id, place: "app-1".to_owned() }))
        .expect("opened");
    let key = look(world, id, 1);
    world.end(&key, Outcome::FilesSeen { looked: Looked::of(changes), captured: Vec::new() }).expect("seen");
    id
}

fn look(world: &mut World, id: EmergencyId, number: u32) -> crate::effect::EffectKey {
    let command = session::TypedCommand {
        number,
        text: "vi a".to_owned(),
        cut: false,
        cwd: "/srv".to_owned(),
        exit_code: Some(0),
        pipeline: Vec::new(),
        known: session::Known::Integrated,
        within: None,
        inner: session::Inner::Unseen,
        forged: 0,
        started_at: world.now,
        ended_at: Some(world.now),
        output_from: 0,
        output_to: 1,
    };
    let first = world.emergency(id).sessions[0].blocks;
    let seal = session::Command::Seal { emergency: id, session: 1, first, blocks: Vec::new(), commands: vec![command], gaps: Vec::new() };
    let decision = world.submit(&Actor::Recorder, &crate::command::Command::Session(seal)).expect("sealed");
    decision.effects.first().expect("a look").key.clone()
}

fn held(world: &World, id: EmergencyId) -> Vec<HeldBecause> {
    let state = world.emergency(id);
    let policy = std::sync::Arc::clone(world.all.workspace.policy.as_ref().expect("a policy"));
    session::gate(state, &state.sessions[0], &policy, &std::collections::BTreeMap::new(), world.now)
}

#[test]
fn while_a_terminal_is_open_a_file_is_put_back_with_its_keys_held_and_looked_at_again() {
    let mut world = World::new();
    let id = typing(&mut world, vec![change("a", true)]);
    let key = order(&world.give("tanaka", revert(id, &["a"])).expect("asked")).key.clone();
    assert!(held(&world, id).contains(&HeldBecause::NotExecuting));
    // Looking goes on beside it, and that it fails ends nothing.
    let looking = look(&mut world, id, 2);
    world.end(&looking, Outcome::Failed { detail: "Input/output error".to_owned() }).expect("recorded");
    assert_eq!(world.emergency(id).status, Status::Restoring);
    let outcome = Outcome::Reverted { files: vec![put_back("a", None)], looked: Looked::default() };
    let decision = world.end(&key, outcome).expect("put back");
    assert!(matches!(decision.effects.as_slice(), [Effect { work: Work::LookAtFiles { .. }, .. }]), "{:?}", decision.effects);
    assert!(!held(&world, id).contains(&HeldBecause::NotExecuting));
    assert!(world.emergency(id).sessions[0].stop.is_none(), "the terminal stays");
}

#[test]
fn putting_everything_back_hangs_the_terminal_up_and_its_keys_stay_held() {
    let mut world = World::new();
    let id = typing(&mut world, vec![change("a", true)]);
    let restore = Command::Restore { emergency: id, reason: "やり直す".to_owned(), confirm: id.to_string() };
    let decision = world.give("sato", restore.clone()).expect("asked");
    let key = decision.effects.first().expect("an order").key.clone();
    assert!(matches!(world.emergency(id).sessions[0].stop, Some(SessionEnd::Stopped { .. })));
    let manifest = world.emergency(id).backup.as_ref().expect("a backup").manifest;
    let outcome = Outcome::Restored {
        files: 2,
        manifest,
        replaced: Replaced { replaced: vec![change("a", true)], replaced_unlisted: 0 },
        looked: Looked::default(),
    };
    world.end(&key, outcome).expect("put back");
    assert!(held(&world, id).contains(&HeldBecause::NotExecuting), "the plan is over");
    assert_eq!(refused(world.give("sato", restore.clone())), "emergency.already_restored");
    // What was still running has written again: nobody may call this undone, and it can be put back once more.
    let key = world.emergency(id).looking.as_ref().expect("looked at again").effect.clone();
    world.end(&key, Outcome::FilesSeen { looked: Looked::of(vec![change("a", true)]), captured: Vec::new() }).expect("seen");
    world.give("sato", restore).expect("once more");
}
