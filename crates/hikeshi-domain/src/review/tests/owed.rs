//! What a search and the end of a month make people owe.

use super::*;

fn examine(world: &mut World, id: EmergencyId) -> Result<crate::decide::Decision, Refusal> {
    let findings = searched(world, id);
    let read = read(world, id, findings);
    examined(world, read)
}

/// A search that has read everything until now, and is not yet recorded.
fn read(world: &World, id: EmergencyId, findings: Vec<Finding>) -> Command {
    Command::Examine { emergency: id, size: as_of(world).size, told: world.emergency(id).told, findings }
}

fn examined(world: &mut World, read: Command) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&Actor::Timer, &command::Command::Review(read))
}

fn corrective(world: &World) -> Vec<obligation::Obligation> {
    world.all.obligations.values().flatten().filter(|owed| owed.kind == Kind::Corrective).cloned().collect()
}

#[test]
fn e13_a_finding_raises_one_corrective_action_that_somebody_else_finishes() {
    let mut world = World::new();
    used(&mut world);
    world.pass(3600);
    let id = used(&mut world);
    examine(&mut world, id).expect("examined");
    let owed = corrective(&world);
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].due_at, world.now.checked_add(SignedDuration::from_hours(14 * 24)).expect("a time"));
    assert!(owed[0].finding.as_ref().is_some_and(|finding| finding.kind.name() == FindingName::Repeated));
    assert_ne!(owed[0].owner.as_str(), "tanaka", "not who asked and acted");
    assert_eq!(examine(&mut world, id), Err(Refusal::Stale), "once");
    let finish = |world: &mut World, by: &str| {
        let finish = obligation::Command::Finish { obligation: owed[0].id, evidence: "検査を入れた".to_owned() };
        world.submit(&who(by), &command::Command::Obligation(finish))
    };
    assert_eq!(finish(&mut world, "tanaka"), Err(Refusal::CorrectionSelfFinished { person: PersonId::known("tanaka") }));
    finish(&mut world, "sato").expect("finished");
    let corrected = report(&world, "2026-11");
    assert_eq!(corrected.found[0].corrective, Some((owed[0].id, Standing::InTime)));
}

#[test]
fn e13_the_retrospective_can_judge_and_the_record_is_searched_again() {
    let mut world = World::new();
    let id = used(&mut world);
    examine(&mut world, id).expect("examined");
    assert!(world.emergency(id).examined.is_some());
    world.pass(3600);
    hold(&mut world, id);
    assert_eq!(world.emergency(id).examined, None, "there is more to search");
    examine(&mut world, id).expect("examined again");
    assert_eq!(corrective(&world).len(), 1);
    assert_eq!(world.rebuilt().emergency(id).map(|state| state.examined), Some(Some(world.now)), "the fold of the log alone says so");
}

#[test]
fn e13_what_is_told_while_a_search_reads_is_searched_afterwards() {
    let mut world = World::new();
    let id = used(&mut world);
    let early = read(&world, id, searched(&world, id));
    // In the same moment, and before what was found is recorded.
    hold(&mut world, id);
    assert_eq!(examined(&mut world, early), Err(Refusal::Stale), "it has not read what the meeting judged");
    assert_eq!(world.emergency(id).examined, None, "so that it is searched again");
    examine(&mut world, id).expect("examined");
    assert_eq!(corrective(&world).len(), 1);
}

#[test]
fn e13_what_ends_while_a_search_reads_is_searched_afterwards() {
    let mut world = World::new();
    let id = executing(&mut world);
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, true);
    world.pass(25 * 3600);
    let early = read(&world, id, searched(&world, id));
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    assert_eq!(examined(&mut world, early), Err(Refusal::Stale));
}

/// The retrospective, which comes to see that the normal flow would have done.
fn hold(world: &mut World, id: EmergencyId) {
    let meeting = world.emergency(id).obligations[2];
    let item = obligation::PreventionItem {
        text: "検査".to_owned(),
        owner: PersonId::known("ito"),
        due_at: world.now.checked_add(SignedDuration::from_hours(24)).expect("a time"),
    };
    let hold = obligation::Command::Hold {
        obligation: meeting,
        held_at: world.now,
        attended: vec![PersonId::known("tanaka")],
        lessons: "早すぎた".to_owned(),
        avoidable: Some("CI は動いていた".to_owned()),
        items: vec![item],
    };
    world.submit(&who("tanaka"), &command::Command::Obligation(hold)).expect("held");
}

fn month_ends(world: &mut World) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&Actor::Timer, &command::Command::Wake(Wake::MonthEnds))
}

#[test]
fn e13_the_report_falls_due_when_the_month_ends_there() {
    let mut world = World::new();
    let due = |world: &World| of_workspace(&world.all.workspace).first().map(|timer| timer.due_at);
    assert_eq!(due(&world), Some(at("2026-11-30T15:00:00Z")), "midnight in Tokyo");
    assert_eq!(month_ends(&mut world), Err(Refusal::Stale));
    to(&mut world, "2026-11-30T15:00:00Z");
    month_ends(&mut world).expect("owed");
    assert_eq!(month_ends(&mut world), Err(Refusal::Stale), "once");
    assert_eq!(due(&world), Some(at("2026-12-31T15:00:00Z")));
    to(&mut world, "2026-12-31T15:00:00Z");
    month_ends(&mut world).expect("owed");
    let reports: Vec<(Kind, String)> = world
        .all
        .obligations
        .values()
        .flatten()
        .map(|owed| (owed.kind, owed.period.map(|period| period.to_string()).unwrap_or_default()))
        .collect();
    let row = |kind, period: &str| (kind, period.to_owned());
    let wanted = [row(Kind::MonthlyReport, "2026-11"), row(Kind::MonthlyReport, "2026-12"), row(Kind::QuarterlyReport, "2026-Q4")];
    assert_eq!(reports, wanted, "a month without uses has its report, too");
    assert_eq!(world.rebuilt().workspace.counters.month, Some(month("2026-12")));
}

#[test]
fn e13_after_a_long_silence_every_month_gets_its_report_and_time_to_give_it() {
    let mut world = World::new();
    to(&mut world, "2027-03-15T00:00:00Z");
    let mut raised = 0;
    while month_ends(&mut world).is_ok() {
        raised += 1;
    }
    assert_eq!(raised, 4, "November to February");
    assert!(world.all.obligations.values().flatten().all(|owed| owed.due_at > world.now));
}

#[test]
fn e13_that_it_was_presented_is_recorded_with_the_numbers_that_were_shown() {
    let mut world = World::new();
    to(&mut world, "2026-12-03T01:00:00Z");
    month_ends(&mut world).expect("owed");
    let id = ObligationId(1);
    let digest = report(&world, "2026-11").digest();
    let present = |held_at: Timestamp, at: Timestamp, note: &str| {
        command::Command::Obligation(obligation::Command::Present { obligation: id, held_at, size: 2, at, digest, note: note.to_owned() })
    };
    let (now, before) = (world.now, at("2026-11-20T00:00:00Z"));
    let refused = |world: &mut World, command| world.submit(&who("sato"), &command).expect_err("refused").code();
    assert_eq!(refused(&mut world, present(before, now, "了承")), "input.time_in_past", "the month was not over");
    assert_eq!(refused(&mut world, present(now, before, "了承")), "input.time_in_past", "the numbers were not whole");
    assert_eq!(refused(&mut world, present(at("2026-12-04T00:00:00Z"), now, "了承")), "input.time_in_future");
    assert_eq!(refused(&mut world, present(now, now, " ")), "input.text_missing");
    world.submit(&who("sato"), &present(now, now, "了承")).expect("presented");
    let owed = world.all.obligation(id).expect("owed").clone();
    assert_eq!((owed.status, owed.presented.map(|presented| presented.digest)), (obligation::Status::Done, Some(digest)));
}

#[test]
fn e12_what_stays_overdue_is_escalated_step_by_step_and_once_each() {
    let mut world = World::new();
    let id = used(&mut world);
    let report = world.emergency(id).obligations[1];
    let wake = |wake: Wake| command::Command::Wake(wake);
    let escalate = wake(Wake::EscalateOwed { obligation: report });
    world.pass(24 * 3600 + 60);
    assert_eq!(world.submit(&Actor::Timer, &escalate), Err(Refusal::Stale), "first its owner hears of it");
    world.submit(&Actor::Timer, &wake(Wake::Overdue { obligation: report })).expect("overdue");
    world.submit(&Actor::Timer, &escalate).expect("the first step");
    assert_eq!(world.submit(&Actor::Timer, &escalate), Err(Refusal::Stale), "the second comes a day later");
    world.pass(24 * 3600);
    world.submit(&Actor::Timer, &escalate).expect("the second step");
    world.pass(48 * 3600);
    world.submit(&Actor::Timer, &escalate).expect("the third step");
    world.pass(1_000 * 3600);
    assert_eq!(world.submit(&Actor::Timer, &escalate), Err(Refusal::Stale), "there is no fourth");
    let told: Vec<(u32, bool)> = world
        .log
        .iter()
        .filter_map(|(_, _, event)| {
            let Event::ObligationEscalated { step, to, .. } = event else { return None };
            Some((*step, to.contains(&PersonId::known("tanaka"))))
        })
        .collect();
    assert_eq!(told, [(0, true), (1, true), (2, true)], "and the owner each time");
}
