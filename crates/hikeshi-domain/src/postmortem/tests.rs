//! The rules of postmortems, one by one (rule I8).

use jiff::SignedDuration;

use super::*;
use crate::command;
use crate::effect::{Outcome, Work};
use crate::emergency;
use crate::event::Event;
use crate::incident::{self, Override, Priority};
use crate::obligation::{Kind, Obligation, Status};
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, who};
use crate::timer::Wake;

fn give(world: &mut World, by: &str, command: Command) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&who(by), &command::Command::Postmortem(command))
}

fn resolve(world: &mut World, incident: IncidentId) {
    let command = incident::Command::Resolve { incident, what: "設定を戻した".to_owned() };
    world.submit(&who("tanaka"), &command::Command::Incident(command)).expect("resolved");
}

fn content() -> Content {
    let text = |text: &str| text.to_owned();
    Content {
        impact: text("全員が予約できなかった"),
        whys: vec![text("設定が誤っていた"), text("検査がなかった")],
        cause: text("検査がない"),
        response: text("設定を戻した"),
        lessons: text("検査する"),
    }
}

fn item(world: &World) -> PreventionItem {
    let due_at = world.now.checked_add(SignedDuration::from_hours(72)).expect("a time");
    PreventionItem { text: "設定の検査を足す".to_owned(), owner: PersonId::known("ito"), due_at }
}

fn owed(world: &World, kind: Kind) -> Vec<Obligation> {
    world.all.obligations.values().flatten().filter(|owed| owed.kind == kind).cloned().collect()
}

fn filed(world: &mut World) {
    let order = world.queued.iter().find(|effect| matches!(effect.work, Work::WritePostmortem(_))).expect("ordered").key.clone();
    let outcome = Outcome::ReportWritten { file: "docs/incidents/a.md".to_owned(), digest: Digest::of(b"a") };
    world.end(&order, outcome).expect("recorded");
}

#[test]
fn i8_the_two_worst_priorities_owe_one_within_five_days_and_it_is_chased() {
    for (priority, owes) in [(Priority::P1, 1), (Priority::P2, 1), (Priority::P3, 0), (Priority::P4, 0)] {
        let mut world = World::new();
        let incident = world.open("tanaka");
        let mut triage = world.all.incident(incident).expect("open").triage.clone();
        triage.priority_override = Some(Override { priority, reason: "試験".to_owned() });
        world.submit(&who("ito"), &command::Command::Incident(incident::Command::Acknowledge { incident })).expect("taken");
        world.submit(&who("tanaka"), &command::Command::Incident(incident::Command::Triage { incident, triage })).expect("triaged");
        resolve(&mut world, incident);
        let owed = owed(&world, Kind::Postmortem);
        assert_eq!(owed.len(), owes, "{priority:?}");
        let Some(owed) = owed.first() else { continue };
        assert_eq!((owed.owner.as_str(), owed.incident, owed.emergency), ("ito", Some(incident), None));
        assert_eq!(owed.due_at, world.now.checked_add(SignedDuration::from_hours(120)).expect("a time"));
        assert!(!owed.kind.hardens_next(), "learning is not punished");
        world.pass(120 * 3600 + 60);
        world.submit(&Actor::Timer, &command::Command::Wake(Wake::Overdue { obligation: owed.id })).expect("chased");
    }
}

#[test]
fn i8_it_is_written_after_the_recovery_whole_and_once() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let write = |world: &World, content: Content| Command::Write { incident, content, items: vec![item(world)] };
    let early = write(&world, content());
    assert_eq!(give(&mut world, "tanaka", early), Err(Refusal::NotResolved { incident }));
    resolve(&mut world, incident);
    for field in ["impact", "cause", "response", "lessons", "whys"] {
        let mut hollow = content();
        match field {
            "impact" => hollow.impact.clear(),
            "cause" => hollow.cause.clear(),
            "response" => hollow.response.clear(),
            "lessons" => hollow.lessons.clear(),
            _ => hollow.whys.clear(),
        }
        let hollow = write(&world, hollow);
        assert_eq!(give(&mut world, "tanaka", hollow), Err(Refusal::TextMissing { field: field.to_owned() }));
    }
    let none = Command::Write { incident, content: content(), items: Vec::new() };
    assert_eq!(give(&mut world, "tanaka", none), Err(Refusal::PreventionMissing));
    let whole = write(&world, content());
    give(&mut world, "tanaka", whole.clone()).expect("written");
    assert_eq!(give(&mut world, "tanaka", whole), Err(Refusal::PostmortemWritten { incident }));
    assert_eq!(world.all.incidents, world.rebuilt().incidents, "the state is the fold of the events");
}

#[test]
fn i8_it_is_paid_when_the_file_is_there_and_its_items_are_owed_by_their_owners() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    resolve(&mut world, incident);
    let write = Command::Write { incident, content: content(), items: vec![item(&world)] };
    give(&mut world, "tanaka", write).expect("written");
    assert_eq!(owed(&world, Kind::Postmortem)[0].status, Status::Owed, "not before the file is there");
    let prevention = owed(&world, Kind::Prevention);
    assert_eq!((prevention[0].owner.as_str(), prevention[0].text.as_str()), ("ito", "設定の検査を足す"));
    assert_eq!(prevention[0].incident, Some(incident));
    filed(&mut world);
    assert_eq!(owed(&world, Kind::Postmortem)[0].status, Status::Done);
    let finish = crate::obligation::Command::Finish { obligation: prevention[0].id, evidence: "PR 12".to_owned() };
    world.submit(&who("ito"), &command::Command::Obligation(finish)).expect("finished");
    // Written anew, the document knows that it is done; further items are added, none is asked for twice.
    let amend = |reason: &str| Command::Amend { incident, content: content(), items: Vec::new(), reason: reason.to_owned() };
    assert_eq!(give(&mut world, "ito", amend("")), Err(Refusal::TextMissing { field: "reason".to_owned() }));
    give(&mut world, "ito", amend("原因を書き足す")).expect("amended");
    let order = world.queued.iter().find_map(|effect| if let Work::WritePostmortem(order) = &effect.work { Some(order) } else { None });
    let order = order.expect("ordered");
    assert_eq!((order.revision, order.items.len(), order.items[0].done), (2, 1, true));
}

#[test]
fn i8_what_cannot_be_filed_says_so_and_is_still_owed() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let amend = Command::Amend { incident, content: content(), items: Vec::new(), reason: "直す".to_owned() };
    assert_eq!(give(&mut world, "tanaka", amend), Err(Refusal::PostmortemMissing { incident }));
    resolve(&mut world, incident);
    let write = Command::Write { incident, content: content(), items: vec![item(&world)] };
    give(&mut world, "tanaka", write).expect("written");
    let key = world.queued.iter().find(|effect| matches!(effect.work, Work::WritePostmortem(_))).expect("ordered").key.clone();
    world.end(&key, Outcome::Failed { detail: "disk full".to_owned() }).expect("recorded");
    let known = world.all.incident(incident).and_then(|state| state.postmortem.clone()).expect("known");
    assert_eq!((known.trouble.as_deref(), known.running), (Some("disk full"), None));
    assert_eq!(owed(&world, Kind::Postmortem)[0].status, Status::Owed);
}

#[test]
fn obligations_of_one_decision_have_numbers_of_their_own() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let state = world.all.incident(incident).expect("open").clone();
    let facts = world.all.clone();
    let raised = decide::owe(&facts, &state, 2, world.now);
    let number = facts.workspace.counters.obligation + 3;
    assert!(matches!(&raised[0], Event::ObligationRaised { obligation } if obligation.id == ObligationId(number)), "behind two others");
}

#[test]
fn i9_the_same_document_is_taken_in_once() {
    let mut world = World::new();
    let found = Imported { title: "決済が止まった".to_owned(), ..Imported::default() };
    let import = |found: &Imported| Command::Import { file: "a.md".to_owned(), digest: Digest::of(b"a"), found: Box::new(found.clone()) };
    let untitled = import(&Imported::default());
    assert_eq!(give(&mut world, "ito", untitled), Err(Refusal::TextMissing { field: "title".to_owned() }));
    assert_eq!(give(&mut world, "ito", import(&found)).expect("taken in").events.len(), 1);
    assert_eq!(give(&mut world, "ito", import(&found)).expect("known").events, Vec::new());
    let result = give(&mut world, "kansa", import(&found));
    assert!(matches!(result, Err(Refusal::RoleMissing { .. })), "{result:?}");
}

#[test]
fn the_plan_of_an_exception_does_not_stand_in_the_way() {
    let mut world = World::new();
    let id = world.executing();
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, true);
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    let incident = world.emergency(id).incident;
    resolve(&mut world, incident);
    assert_eq!(owed(&world, Kind::Postmortem).len(), 1);
}
