//! The rules of what is owed, one by one.

#![expect(clippy::wildcard_enum_match_arm, reason = "looks for some work among all")]

use jiff::SignedDuration;

use super::*;
use crate::command;
use crate::effect::{Outcome, Work};
use crate::emergency;
use crate::event::Event;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, who};
use crate::timer::Wake;

/// A closed exception that changed one file, and its three obligations.
fn closed(world: &mut World) -> [ObligationId; 3] {
    let id = world.executing();
    let content = emergency::FileContent { digest: Digest::of(b"after"), bytes: 5, mode: 0o100_644, kept: true };
    let change = emergency::FileChange {
        path: "app.conf".to_owned(),
        kind: emergency::ChangeKind::Modified,
        before: Some(content.clone()),
        after: Some(content),
        in_scope: true,
        step: 1,
        command: None,
        accepted_by: None,
    };
    world.run_step(id, 1, 0, vec![change]);
    world.verify(id, true);
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    let ids: Vec<ObligationId> = world.emergency(id).obligations.clone();
    ids.try_into().expect("three obligations")
}

fn give(world: &mut World, by: &str, command: Command) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&who(by), &command::Command::Obligation(command))
}

fn answer(world: &mut World, kind: &str, outcome: Outcome) {
    let key = world.queued.iter().find(|effect| effect.work.kind() == kind).expect("ordered").key.clone();
    world.end(&key, outcome).expect("recorded");
}

fn status(world: &World, id: ObligationId) -> Status {
    world.all.obligation(id).expect("owed").status
}

fn judgement() -> Judgement {
    let text = |text: &str| text.to_owned();
    Judgement {
        problem: text("予約不可"),
        impact: text("全利用者"),
        cause: text("設定の誤り"),
        response: text("設定を戻した"),
        prevention: vec![text("検査を足す")],
    }
}

#[test]
fn e10_the_request_is_paid_when_what_was_merged_is_what_was_done() {
    let mut world = World::new();
    let [request, _, _] = closed(&mut world);
    assert_eq!(give(&mut world, "tanaka", Command::Compare { obligation: request }), Err(Refusal::ObligationBusy { obligation: request }));
    answer(
        &mut world,
        "open_change_request",
        Outcome::ChangeRequestOpened { commit: "c1".to_owned(), request_file: "r.md".to_owned(), patch_file: "r.patch".to_owned() },
    );
    assert_eq!(status(&world, request), Status::Owed, "open is not yet merged");
    give(&mut world, "ito", Command::Compare { obligation: request }).expect("compares");
    answer(&mut world, "compare_merged", Outcome::Compared { commit: "c2".to_owned(), merged: false, drift: Vec::new() });
    assert_eq!(status(&world, request), Status::Owed);
    give(&mut world, "ito", Command::Compare { obligation: request }).expect("compares");
    answer(&mut world, "compare_merged", Outcome::Compared { commit: "c3".to_owned(), merged: true, drift: Vec::new() });
    assert_eq!(status(&world, request), Status::Done);
}

#[test]
fn e10_drift_is_accepted_by_somebody_else_with_a_reason() {
    let mut world = World::new();
    let [request, _, _] = closed(&mut world);
    answer(
        &mut world,
        "open_change_request",
        Outcome::ChangeRequestOpened { commit: "c1".to_owned(), request_file: "r.md".to_owned(), patch_file: "r.patch".to_owned() },
    );
    let accept = |reason: &str| Command::AcceptDrift { obligation: request, reason: reason.to_owned() };
    assert_eq!(give(&mut world, "ito", accept("整形の差")), Err(Refusal::NoDrift { obligation: request }));
    give(&mut world, "ito", Command::Compare { obligation: request }).expect("compares");
    let drift = vec![Drift { path: "config/app.conf".to_owned(), production: None, repository: None }];
    answer(&mut world, "compare_merged", Outcome::Compared { commit: "c2".to_owned(), merged: true, drift });
    assert_eq!(status(&world, request), Status::Owed, "drift does not pay");
    let own = give(&mut world, "tanaka", accept("整形の差"));
    assert_eq!(own, Err(Refusal::DriftSelfAccepted { person: PersonId::known("tanaka") }));
    give(&mut world, "ito", accept("整形の差")).expect("accepted");
    assert_eq!(status(&world, request), Status::Done);
}

#[test]
fn e11_the_draft_does_not_pay_and_the_judgement_must_be_whole() {
    let mut world = World::new();
    let [_, report, _] = closed(&mut world);
    let draft = world.queued.iter().find_map(|effect| match &effect.work {
        Work::WriteReport(order) => Some(order.clone()),
        _ => None,
    });
    let draft = draft.expect("ordered");
    assert_eq!((draft.obligation, draft.due_at), (report, world.all.obligation(report).expect("owed").due_at));
    assert_eq!(draft.facts.emergency.ending, Some(emergency::Ending::Solved), "the draft tells how it ended");
    let written = || Outcome::ReportWritten { file: "docs/emergency/2026-11-22-incident.md".to_owned(), digest: Digest::of(b"r") };
    answer(&mut world, "write_report", written());
    assert_eq!(status(&world, report), Status::Owed);
    let mut partial = judgement();
    partial.cause.clear();
    assert_eq!(
        give(&mut world, "tanaka", Command::Report { obligation: report, judgement: partial }),
        Err(Refusal::TextMissing { field: "cause".to_owned() })
    );
    let mut hollow = judgement();
    hollow.prevention.clear();
    assert_eq!(give(&mut world, "tanaka", Command::Report { obligation: report, judgement: hollow }), Err(Refusal::PreventionMissing));
    give(&mut world, "tanaka", Command::Report { obligation: report, judgement: judgement() }).expect("given");
    assert_eq!(status(&world, report), Status::Owed, "not before the file is there");
    answer(&mut world, "write_report", written());
    assert_eq!(status(&world, report), Status::Done);
}

#[test]
fn e12_a_retrospective_leaves_items_with_owner_and_due_time() {
    let mut world = World::new();
    let [_, _, meeting] = closed(&mut world);
    let scheduled = world.all.obligation(meeting).and_then(|owed| owed.meeting.clone()).expect("invited at the close");
    assert_eq!(scheduled.starts_at, world.now.checked_add(SignedDuration::from_hours(24)).expect("a time"));
    answer(&mut world, "write_invitation", Outcome::InvitationWritten { file: "m.ics".to_owned() });
    world.pass(24 * 3600);
    let due_at = world.now.checked_add(SignedDuration::from_hours(72)).expect("a time");
    let hold = |items| Command::Hold {
        obligation: meeting,
        held_at: scheduled.starts_at,
        attended: vec![PersonId::known("tanaka"), PersonId::known("sato")],
        lessons: "検査が無かった".to_owned(),
        avoidable: None,
        items,
    };
    assert_eq!(give(&mut world, "tanaka", hold(Vec::new())), Err(Refusal::PreventionMissing));
    let item = PreventionItem { text: "設定の検査を足す".to_owned(), owner: PersonId::known("ito"), due_at };
    give(&mut world, "tanaka", hold(vec![item])).expect("held");
    assert_eq!(status(&world, meeting), Status::Done);
    let raised = world.all.obligations.values().flatten().find(|owed| owed.kind == Kind::Prevention).expect("raised").clone();
    assert_eq!((raised.owner.as_str(), raised.due_at), ("ito", due_at));
    give(&mut world, "ito", Command::Finish { obligation: raised.id, evidence: "PR 12".to_owned() }).expect("finished");
    assert_eq!(status(&world, raised.id), Status::Done);
}

#[test]
fn reminders_come_once_each_and_a_long_night_skips_those_that_were_overtaken() {
    let mut world = World::new();
    let [request, _, _] = closed(&mut world);
    let remind = command::Command::Wake(Wake::Remind { obligation: request });
    assert_eq!(world.submit(&Actor::Timer, &remind), Err(Refusal::Stale));
    world.pass(23 * 3600 + 30 * 60);
    world.submit(&Actor::Timer, &remind).expect("reminded");
    assert_eq!(world.submit(&Actor::Timer, &remind), Err(Refusal::Stale));
    let given: Vec<u32> = world
        .log
        .iter()
        .filter_map(|(_, _, event)| if let Event::ObligationReminded { before_min, .. } = event { Some(*before_min) } else { None })
        .collect();
    assert_eq!(given, [60]);
    let overdue = command::Command::Wake(Wake::Overdue { obligation: request });
    world.pass(31 * 60);
    world.submit(&Actor::Timer, &overdue).expect("overdue");
    assert_eq!(world.submit(&Actor::Timer, &overdue), Err(Refusal::Stale));
}

#[test]
fn a_failed_effect_shows_its_trouble_and_can_be_tried_again() {
    let mut world = World::new();
    let [request, _, _] = closed(&mut world);
    answer(&mut world, "open_change_request", Outcome::Failed { detail: "repository not found".to_owned() });
    let trouble = world.all.obligation(request).and_then(|owed| owed.trouble.clone()).expect("shown");
    assert_eq!(trouble.detail, "repository not found");
    give(&mut world, "tanaka", Command::Propose { obligation: request }).expect("again");
}
