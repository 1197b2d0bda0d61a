//! The rules of an incident, one by one.

#![expect(clippy::wildcard_enum_match_arm, reason = "looks for some events among all")]

use jiff::SignedDuration;

use super::*;
use crate::command;
use crate::event::Event;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, fire, policy, who};
use crate::timer::{Wake, of_incident};

fn give(world: &mut World, by: &str, command: Command) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&who(by), &command::Command::Incident(command))
}

fn escalations(world: &World) -> Vec<(i64, u32)> {
    let opened = world
        .log
        .iter()
        .find(|(_, _, event)| matches!(event, Event::IncidentOpened { .. }))
        .map(|(at, _, _)| at.as_second())
        .unwrap_or_default();
    let steps = world.log.iter().filter_map(|(at, _, event)| match event {
        Event::IncidentEscalated(Escalated { step, .. }) => Some(((at.as_second() - opened) / 60, *step)),
        _ => None,
    });
    steps.collect()
}

#[test]
fn i3_the_matrix_gives_the_priority_and_the_policy_may_change_a_cell() {
    let triage = |impact, business, urgency| Triage { impact, business, urgency, priority_override: None };
    let mut rules = policy();
    for (given, wanted) in [
        (triage(Impact::AllUsers, Business::LostSales, Urgency::Now), Priority::P1),
        (triage(Impact::AllUsers, Business::Slight, Urgency::Now), Priority::P1),
        (triage(Impact::AllUsers, Business::Slight, Urgency::CanBePlanned), Priority::P2),
        (triage(Impact::OneFunction, Business::LostSales, Urgency::Now), Priority::P2),
        (triage(Impact::SomeUsers, Business::Slight, Urgency::Now), Priority::P3),
        (triage(Impact::OneFunction, Business::Slight, Urgency::CanBePlanned), Priority::P4),
    ] {
        assert_eq!(given.priority(&rules), wanted, "{}", given.cell());
    }
    let cell = triage(Impact::OneFunction, Business::Slight, Urgency::CanBePlanned);
    rules.incident.matrix.insert(cell.cell(), Priority::P2);
    assert_eq!(cell.priority(&rules), Priority::P2);
    let chosen = Triage { priority_override: Some(Override { priority: Priority::P4, reason: "試験中".to_owned() }), ..cell };
    assert_eq!(chosen.priority(&rules), Priority::P4);
}

#[test]
fn i3_an_override_takes_a_reason() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let mut triage = world.all.incident(incident).expect("open").triage.clone();
    triage.priority_override = Some(Override { priority: Priority::P4, reason: " ".to_owned() });
    assert_eq!(give(&mut world, "tanaka", Command::Triage { incident, triage }), Err(Refusal::OverrideReason));
}

/// Lets the minutes pass, and takes each step when it is due.
fn wait(world: &mut World, incident: IncidentId, minutes: u32) {
    let wake = command::Command::Wake(Wake::Escalate { incident });
    for _ in 0..minutes {
        world.pass(60);
        let timers = of_incident(world.all.incident(incident).expect("open"), &policy());
        let due = timers.into_iter().any(|timer| matches!(timer.wake, Wake::Escalate { .. }) && timer.due_at <= world.now);
        assert_eq!(world.submit(&Actor::Timer, &wake).is_ok(), due, "a step is taken exactly when its timer is due");
    }
}

#[test]
fn i4_escalation_goes_step_by_step_at_its_minutes_and_stops_at_the_acknowledgement() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    wait(&mut world, incident, 70);
    assert_eq!(escalations(&world), [(0, 1), (15, 2), (30, 3), (60, 4)]);

    let mut world = World::new();
    let incident = world.open("tanaka");
    give(&mut world, "ito", Command::Acknowledge { incident }).expect("acknowledged");
    wait(&mut world, incident, 59);
    assert_eq!(escalations(&world), [(0, 1)]);
    assert_eq!(
        give(&mut world, "tanaka", Command::Acknowledge { incident }),
        Err(Refusal::AlreadyAcknowledged { incident, by: crate::ids::PersonId::known("ito") })
    );
}

#[test]
fn i4_when_all_have_slept_through_it_the_steps_begin_again_and_not_for_ever() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    wait(&mut world, incident, 130);
    assert_eq!(escalations(&world), [(0, 1), (15, 2), (30, 3), (60, 4), (90, 5), (105, 6), (120, 7)]);
    let levels: Vec<(u32, u32)> = world
        .log
        .iter()
        .filter_map(|(_, _, event)| match event {
            Event::IncidentEscalated(Escalated { level: Level { level, round }, .. }) => Some((*round, *level)),
            _ => None,
        })
        .collect();
    assert_eq!(levels, [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)]);
    wait(&mut world, incident, 1_000);
    assert_eq!(escalations(&world).last(), Some(&(870, 40)), "ten rounds of four steps");
    let mut late = World::new();
    let incident_late = late.open("tanaka");
    late.pass(600 * 60);
    wait(&mut late, incident_late, 35);
    let caught_up = [(0, 1), (601, 2), (602, 3), (603, 4), (633, 5)];
    assert_eq!(escalations(&late), caught_up, "the first round is made up for, the others begin from there");
}

#[test]
fn i4_what_is_not_restored_in_time_calls_further_people_until_somebody_answers() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    world.pass(10 * 60);
    give(&mut world, "ito", Command::Acknowledge { incident }).expect("acknowledged");
    // P1: 60 minutes after somebody took it; the next step 15 minutes later, as in the policy.
    wait(&mut world, incident, 76);
    assert_eq!(escalations(&world), [(0, 1), (70, 2), (85, 3)]);
    give(&mut world, "tanaka", Command::Acknowledge { incident }).expect("whoever was called answers");
    let state = world.all.incident(incident).expect("open");
    let acknowledged = state.acknowledged.clone().expect("taken");
    assert_eq!((acknowledged.by.as_str(), acknowledged.steps), ("tanaka", 3));
    assert_eq!(acknowledged.at.duration_since(state.opened_at).as_mins(), 10, "the first answer is what is measured");
    wait(&mut world, incident, 59);
    assert_eq!(escalations(&world).len(), 3, "an answer gives the time anew");
    give(&mut world, "tanaka", Command::Move { incident, stage: Stage::Cause, reason: String::new() }).expect("mitigated");
    wait(&mut world, incident, 120);
    assert_eq!(escalations(&world).len(), 3, "nobody is called for what is restored");
}

#[test]
fn i4_somebody_who_has_it_can_call_the_next_step_at_once() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let ask = |reason: &str| Command::Escalate { incident, reason: reason.to_owned() };
    assert!(matches!(give(&mut world, "ito", ask(" ")), Err(Refusal::TextMissing { .. })));
    give(&mut world, "ito", Command::Acknowledge { incident }).expect("acknowledged");
    world.pass(60);
    let decision = give(&mut world, "ito", ask("全店舗に広がった")).expect("escalated");
    let called = decision.events.iter().find_map(|event| match event {
        Event::IncidentEscalated(escalated) => Some(escalated.clone()),
        _ => None,
    });
    let called = called.expect("the next step");
    assert_eq!((called.step, called.to.is_empty()), (2, false));
    assert_eq!(called.why, WhyEscalated::Asked { by: crate::ids::PersonId::known("ito"), reason: "全店舗に広がった".to_owned() });
    give(&mut world, "tanaka", Command::Acknowledge { incident }).expect("a call can be answered");
    give(&mut world, "tanaka", Command::Resolve { incident, what: "戻した".to_owned() }).expect("resolved");
    assert_eq!(give(&mut world, "ito", ask("念のため")), Err(Refusal::IncidentOver { incident }));
}

#[test]
fn i6_duties_and_the_hand_are_given_on_with_what_must_be_known() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let person = |name: &str| crate::ids::PersonId::known(name);
    let to = |name: &str, note: &str| Command::HandOver { incident, to: person(name), note: note.to_owned() };
    assert_eq!(give(&mut world, "tanaka", to("ito", "様子")), Err(Refusal::NobodyHasIt { incident }));
    give(&mut world, "tanaka", Command::Acknowledge { incident }).expect("acknowledged");
    assert!(matches!(give(&mut world, "tanaka", to("ito", "")), Err(Refusal::TextMissing { .. })));
    assert!(matches!(give(&mut world, "tanaka", to("nobody", "様子")), Err(Refusal::NotInPolicy { .. })));
    give(&mut world, "tanaka", to("ito", "DB を戻し終えた。次は件数の確認")).expect("handed over");
    let hand = |world: &World| world.all.incident(incident).expect("open").acknowledged.clone().expect("taken").by;
    assert_eq!(hand(&world), person("ito"));
    assert_eq!(give(&mut world, "tanaka", to("ito", "様子")), Err(Refusal::AlreadyAcknowledged { incident, by: person("ito") }));

    let assign = |duty, name: Option<&str>| Command::Assign { incident, duty, person: name.map(person) };
    let reminded = |world: &mut World| {
        world.pass(15 * 60);
        let decision = world.submit(&Actor::Timer, &command::Command::Wake(Wake::UpdateDue { incident })).expect("due");
        decision.events.iter().find_map(|event| match event {
            Event::Posted { post } => Some(post.people.clone()),
            _ => None,
        })
    };
    assert_eq!(reminded(&mut world), Some(vec![person("ito")]), "whoever has it");
    give(&mut world, "ito", assign(Duty::Commander, Some("tanaka"))).expect("assigned");
    assert_eq!(reminded(&mut world), Some(vec![person("tanaka")]), "the commander");
    give(&mut world, "ito", assign(Duty::Communications, Some("abe"))).expect("assigned");
    assert_eq!(reminded(&mut world), Some(vec![person("abe")]), "whose duty it is");
    let again = give(&mut world, "ito", assign(Duty::Communications, Some("abe")));
    assert_eq!(again, Err(Refusal::SameDuty { incident, duty: Duty::Communications }));
    give(&mut world, "ito", assign(Duty::Communications, None)).expect("taken away");
    assert_eq!(reminded(&mut world), Some(vec![person("tanaka")]));
}

#[test]
fn i1_going_back_takes_a_reason_and_closing_takes_a_recovery() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let to = |stage, reason: &str| Command::Move { incident, stage, reason: reason.to_owned() };
    give(&mut world, "tanaka", to(Stage::Cause, "")).expect("forward");
    assert_eq!(
        give(&mut world, "tanaka", to(Stage::Impact, "")),
        Err(Refusal::ReasonForGoingBack { from: Stage::Cause, to: Stage::Impact })
    );
    give(&mut world, "tanaka", to(Stage::Impact, "影響を見直す")).expect("back");
    assert_eq!(give(&mut world, "tanaka", to(Stage::Closed, "")), Err(Refusal::NotResolved { incident }));
    give(&mut world, "tanaka", Command::Resolve { incident, what: "設定を戻した".to_owned() }).expect("resolved");
    give(&mut world, "tanaka", to(Stage::Closed, "")).expect("closed");
    assert_eq!(give(&mut world, "tanaka", Command::Update { incident, text: "続報".to_owned() }), Err(Refusal::IncidentOver { incident }));
}

#[test]
fn an_incident_is_not_resolved_while_production_is_open() {
    let mut world = World::new();
    let id = world.executing();
    let incident = world.emergency(id).incident;
    let resolve = Command::Resolve { incident, what: "直った".to_owned() };
    assert_eq!(give(&mut world, "tanaka", resolve), Err(Refusal::EmergencyStillOpen { incident, emergency: id }));
}

#[test]
fn i6_a_missing_status_update_is_asked_for_on_the_rhythm_of_the_priority() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let wake = command::Command::Wake(Wake::UpdateDue { incident });
    world.pass(14 * 60);
    assert_eq!(world.submit(&Actor::Timer, &wake), Err(Refusal::Stale));
    world.pass(60);
    world.submit(&Actor::Timer, &wake).expect("asked");
    assert_eq!(world.submit(&Actor::Timer, &wake), Err(Refusal::Stale), "asked once per rhythm");
    give(&mut world, "tanaka", Command::Update { incident, text: "調査中".to_owned() }).expect("updated");
    let next = of_incident(world.all.incident(incident).expect("open"), &policy())
        .into_iter()
        .find(|timer| timer.wake == Wake::UpdateDue { incident });
    assert_eq!(next.expect("the next one").due_at, world.now.checked_add(SignedDuration::from_mins(15)).expect("a time"));
}

#[test]
fn i10_a_monitor_opens_once_joins_while_it_burns_and_speaks_only_for_itself() {
    let mut world = World::new();
    let first = fire(&mut world).expect("opens").case.expect("a case");
    assert_eq!(fire(&mut world), Err(Refusal::Stale), "still firing");
    let monitor = crate::ids::MonitorName::known("reservation-http");
    let recover = command::Command::Monitor(crate::monitor::Command::Recover { monitor: monitor.clone(), seen: "HTTP 200".to_owned() });
    assert_eq!(world.submit(&who("tanaka"), &recover), Err(Refusal::UnknownActor), "people do not speak for monitors");
    world.submit(&Actor::Monitor { monitor }, &recover).expect("recovers");
    assert!(world.all.incident(first).expect("open").firing.is_empty());
    assert_eq!(fire(&mut world).expect("joins").case, Some(first), "flapping joins the incident that still burns");
    give(&mut world, "tanaka", Command::Resolve { incident: first, what: "直った".to_owned() }).expect("resolved");
}

#[test]
fn an_auditor_reads_and_does_not_act() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let result = give(&mut world, "kansa", Command::Acknowledge { incident });
    assert!(matches!(result, Err(Refusal::RoleMissing { .. })), "{result:?}");
}
