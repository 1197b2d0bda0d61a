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
        Event::IncidentEscalated { step, .. } => Some(((at.as_second() - opened) / 60, *step)),
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

#[test]
fn i4_escalation_goes_step_by_step_at_its_minutes_and_stops_at_the_acknowledgement() {
    let mut world = World::new();
    let incident = world.open("tanaka");
    let wake = command::Command::Wake(Wake::Escalate { incident });
    for _ in 0..70 {
        world.pass(60);
        let timers = of_incident(world.all.incident(incident).expect("open"), &policy());
        let due = timers.into_iter().any(|timer| matches!(timer.wake, Wake::Escalate { .. }) && timer.due_at <= world.now);
        assert_eq!(world.submit(&Actor::Timer, &wake).is_ok(), due, "a step fires exactly when its timer is due");
    }
    assert_eq!(escalations(&world), [(0, 1), (15, 2), (30, 3), (60, 4)]);

    let mut world = World::new();
    let incident = world.open("tanaka");
    give(&mut world, "ito", Command::Acknowledge { incident }).expect("acknowledged");
    world.pass(3600);
    assert_eq!(world.submit(&Actor::Timer, &command::Command::Wake(Wake::Escalate { incident })), Err(Refusal::Stale));
    assert_eq!(
        give(&mut world, "tanaka", Command::Acknowledge { incident }),
        Err(Refusal::AlreadyAcknowledged { incident, by: crate::ids::PersonId::known("ito") })
    );
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
