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
