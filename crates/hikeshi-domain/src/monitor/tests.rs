//! What a monitor tells, and what it means.

use super::*;
use crate::command;
use crate::testing::World;

fn given(world: &mut World, command: Command) -> Result<Decision, Refusal> {
    let actor = Actor::Monitor { monitor: MonitorName::known("reservation-http") };
    world.submit(&actor, &command::Command::Monitor(command))
}

fn fires(world: &mut World, unmeasured: bool) -> Result<Decision, Refusal> {
    let seen = if unmeasured { "cannot be measured: no route" } else { "HTTP 500" };
    let (monitor, first_seen_at) = (MonitorName::known("reservation-http"), world.now);
    given(world, Command::Fire { monitor, first_seen_at, seen: seen.to_owned(), unmeasured })
}

#[test]
fn that_nobody_can_tell_is_told_apart_from_a_failure_and_each_is_told_once() {
    let mut world = World::new();
    let state = |world: &World| world.all.monitor(&MonitorName::known("reservation-http")).expect("known").clone();
    let first = fires(&mut world, true).expect("opens").case.expect("a case");
    assert!(world.all.incident(first).expect("open").title.ends_with("cannot be measured: no route"));
    assert_eq!((state(&world).healthy, state(&world).unmeasured), (false, true));
    assert_eq!(fires(&mut world, true), Err(Refusal::Stale), "known");
    assert_eq!(fires(&mut world, false).expect("other news").case, Some(first), "of the same incident");
    assert_eq!((state(&world).healthy, state(&world).unmeasured), (false, false));
    assert_eq!(fires(&mut world, false), Err(Refusal::Stale), "known");
    fires(&mut world, true).expect("and back");
    assert_eq!(world.all.incident(first).expect("open").firing.len(), 1, "one monitor, however often it changes");
    let monitor = MonitorName::known("reservation-http");
    given(&mut world, Command::Recover { monitor, seen: "HTTP 200".to_owned() }).expect("recovers");
    assert_eq!((state(&world).healthy, state(&world).unmeasured), (true, false));
    assert_eq!(world.all.monitors, world.rebuilt().monitors);
}

#[test]
fn what_older_ledgers_say_of_a_failure_still_means_it() {
    let event: MonitorEvent =
        serde_json::from_str(r#"{"monitor": "api", "incident": "inc_1", "seen": "HTTP 500", "step": "fired"}"#).expect("an event");
    assert_eq!(event.step, MonitorStep::Fired { held: None, unmeasured: false });
    assert!(!serde_json::to_string(&event).expect("plain data").contains("unmeasured"), "and is written as before");
}

#[test]
fn what_fails_on_after_somebody_has_resolved_it_is_a_new_incident() {
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let first = fires(&mut world, false).expect("opens").case.expect("a case");
    let resolve = crate::incident::Command::Resolve { incident: first, what: "pool = 20".to_owned() };
    world.submit(&crate::testing::who("tanaka"), &command::Command::Incident(resolve)).expect("resolved");
    assert_eq!(fires(&mut world, false), Err(Refusal::Stale), "it may still be on its way up");
    world.pass(300);
    let second = fires(&mut world, false).expect("it is not over").case.expect("a case");
    assert_ne!(first, second);
    assert_eq!(world.all.incident(second).expect("open").firing, std::slice::from_ref(&monitor));
    assert_eq!(fires(&mut world, false), Err(Refusal::Stale), "known");
    // What the policy has forgotten and names again is no old news.
    let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
    let declared = policy.monitors.remove(&monitor).expect("declared");
    world.all.workspace.policy = Some(std::sync::Arc::new(policy.clone()));
    let resolve = crate::incident::Command::Resolve { incident: second, what: "taken away".to_owned() };
    world.submit(&crate::testing::who("tanaka"), &command::Command::Incident(resolve)).expect("resolved");
    world.pass(30 * 86_400);
    policy.monitors.insert(monitor, declared);
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
    assert!(fires(&mut world, false).expect("told").case.is_some_and(|third| third != second));
}

#[test]
fn a_silence_that_begins_later_does_not_take_it_from_its_incident() {
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let first = fires(&mut world, false).expect("opens").case.expect("a case");
    let covers = silence::Covers { monitor: Some(monitor.clone()), ..silence::Covers::default() };
    let silence = crate::alert::Command::Silence { covers, from: None, minutes: 60, reason: "直している".to_owned(), public: None };
    world.submit(&crate::testing::who("tanaka"), &command::Command::Alert(silence)).expect("silenced");
    let held = fires(&mut world, true).expect("nobody can tell any more");
    assert!(!held.events.iter().any(|event| matches!(event, Event::IncidentOpened { .. })));
    assert_eq!(world.all.incident(first).expect("open").firing, std::slice::from_ref(&monitor));
    given(&mut world, Command::Recover { monitor, seen: "HTTP 200".to_owned() }).expect("recovers");
    assert_eq!(world.all.incident(first).expect("open").firing, [], "and it hears of the end");
}

fn silenced(world: &mut World, minutes: u32) {
    let covers = silence::Covers { monitor: Some(MonitorName::known("reservation-http")), ..silence::Covers::default() };
    let silence = crate::alert::Command::Silence { covers, from: None, minutes, reason: "直している".to_owned(), public: None };
    world.submit(&crate::testing::who("tanaka"), &command::Command::Alert(silence)).expect("silenced");
}

fn wake(world: &mut World) {
    for timer in crate::timer::of_workspace(&world.all.workspace) {
        if timer.due_at <= world.now && matches!(timer.wake, crate::timer::Wake::SilenceEnds { .. }) {
            world.submit(&Actor::Timer, &command::Command::Wake(timer.wake)).expect("a silence ends");
        }
    }
}

#[test]
fn a_second_silence_does_not_take_it_from_its_incident_either() {
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let first = fires(&mut world, false).expect("opens").case.expect("a case");
    silenced(&mut world, 60);
    fires(&mut world, true).expect("nobody can tell any more");
    silenced(&mut world, 120);
    world.pass(3_600);
    wake(&mut world);
    assert!(world.all.monitor(&monitor).is_some_and(|state| state.held.is_some() && state.incident == Some(first)));
    given(&mut world, Command::Recover { monitor, seen: "HTTP 200".to_owned() }).expect("recovers");
    assert_eq!(world.all.incident(first).expect("open").firing, [], "and it hears of the end");
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn it_fails_in_one_incident_at_a_time() {
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let first = fires(&mut world, false).expect("opens").case.expect("a case");
    let second = world.open("tanaka");
    fires(&mut world, true).expect("it joins what was opened last at its place");
    let firing = |world: &World, id| world.all.incident(id).expect("open").firing.clone();
    assert_eq!((firing(&world, first), firing(&world, second)), (vec![], vec![monitor.clone()]));
    given(&mut world, Command::Recover { monitor, seen: "HTTP 200".to_owned() }).expect("recovers");
    assert_eq!(firing(&world, second), []);
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}
