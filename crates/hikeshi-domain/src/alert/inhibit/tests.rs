//! Inhibition, one promise after the other (rule I10).

use std::collections::BTreeMap;

use super::*;
use crate::alert::Severity;
use crate::alert::silence::held_by;
use crate::alert::tests::{alert, fires, notices, one, opened, over, report};
use crate::command::Command;
use crate::ids::{IncidentId, ServiceName};
use crate::monitor;
use crate::people::Actor;
use crate::testing::{World, who};
use crate::timer::{Wake, of_workspace};

fn labelled(label: &str, value: &str) -> Covers {
    Covers { labels: BTreeMap::from([(label.to_owned(), OneOf::One(value.to_owned()))]), ..Covers::default() }
}

/// While a switch of a site is down, what is unreachable there calls nobody.
fn world() -> World {
    let mut world = World::new();
    let rule =
        Inhibit { when: labelled("alertname", "SwitchDown"), holds: labelled("kind", "unreachable"), equal: vec!["site".to_owned()] };
    adopt(&mut world, "switch-down", rule);
    world
}

fn adopt(world: &mut World, name: &str, rule: Inhibit) {
    let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
    policy.alerts.inhibit.insert(InhibitionName::known(name), rule);
    assert_eq!(policy.check(), []);
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
}

fn switch(key: &str, site: &str) -> Signal {
    fires(key, &[("alertname", "SwitchDown"), ("site", site), ("team", "mail")])
}

fn unreachable(key: &str, site: &str) -> Signal {
    fires(key, &[("kind", "unreachable"), ("site", site)])
}

/// Fires the ends of silences that have come; what happened.
fn wake(world: &mut World) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..50 {
        let now = world.now;
        let due = of_workspace(&world.all.workspace).into_iter().filter(|timer| timer.due_at <= now);
        let Some(timer) = due.into_iter().find(|timer| matches!(timer.wake, Wake::SilenceEnds { .. })) else { return all };
        all.extend(world.submit(&Actor::Timer, &Command::Wake(timer.wake)).expect("a silence ends").events);
    }
    panic!("it does not come to an end");
}

fn held(world: &World, key: &str) -> bool {
    held_by(&alert(world, key)).is_some()
}

#[test]
fn i10_while_the_cause_fires_what_follows_from_it_calls_nobody_and_afterwards_it_does() {
    let mut world = world();
    assert_eq!(opened(&one(&mut world, switch("sw-1", "osaka"))), [IncidentId(1)], "the cause pages");
    let follows = one(&mut world, unreachable("web-1", "osaka"));
    assert_eq!((opened(&follows), notices(&follows)), (vec![], vec![]));
    assert!(held(&world, "web-1"));
    assert_eq!(opened(&one(&mut world, unreachable("web-9", "tokyo"))), [IncidentId(2)], "another site");
    one(&mut world, over("web-9"));
    one(&mut world, unreachable("web-2", "osaka"));
    one(&mut world, over("web-2"));
    let ends = one(&mut world, over("sw-1"));
    assert!(ends.iter().any(|event| matches!(event, Event::Silence(of) if matches!(of.step, SilenceStep::Lifted { .. }))), "{ends:?}");
    assert_eq!(opened(&wake(&mut world)), [IncidentId(3)], "web-1 is down all the same");
    assert_eq!(world.all.workspace.silences.len(), 0);
    assert_eq!(opened(&one(&mut world, unreachable("web-3", "osaka"))), [], "it joins");
    assert!(!held(&world, "web-3"));
}

#[test]
fn in_one_report_the_cause_counts_wherever_it_stands() {
    let mut world = world();
    let decisions = report(&mut world, vec![unreachable("web-1", "osaka"), unreachable("web-2", "osaka"), switch("sw-1", "osaka")]);
    let all: Vec<Event> = decisions.into_iter().flat_map(|decision| decision.events).collect();
    assert_eq!(opened(&all), [IncidentId(1)], "one incident, of the switch");
    assert!(held(&world, "web-1") && held(&world, "web-2"));
}

#[test]
fn causes_are_never_held_back_by_their_own_rule_and_each_holds_until_its_own_end() {
    let mut world = World::new();
    let anything = Covers { service: Some(ServiceName::known("reservation")), ..Covers::default() };
    adopt(&mut world, "switch-down", Inhibit { when: labelled("alertname", "SwitchDown"), holds: anything, equal: Vec::new() });
    let down = |key: &str| fires(key, &[("alertname", "SwitchDown")]);
    assert_eq!(opened(&one(&mut world, down("sw-1"))), [IncidentId(1)]);
    one(&mut world, down("sw-2"));
    assert!(!held(&world, "sw-1") && !held(&world, "sw-2"));
    assert_eq!(world.all.workspace.silences.len(), 2);
    assert_eq!(one(&mut world, down("sw-2")), [], "the same words again");
    one(&mut world, fires("web-1", &[]));
    assert!(held(&world, "web-1"));
    one(&mut world, over("sw-2"));
    wake(&mut world);
    assert!(held(&world, "web-1"), "the other switch is still down");
    one(&mut world, over("sw-1"));
    assert_eq!(opened(&wake(&mut world)), [IncidentId(2)]);
}

#[test]
fn a_cause_that_does_not_say_where_it_is_holds_nothing_back() {
    let mut world = world();
    one(&mut world, fires("sw-1", &[("alertname", "SwitchDown"), ("team", "mail")]));
    one(&mut world, fires("sw-2", &[("alertname", "SwitchDown"), ("site", ""), ("team", "mail")]));
    assert_eq!(world.all.workspace.silences.len(), 0);
    assert_eq!(opened(&one(&mut world, fires("web-1", &[("kind", "unreachable")]))).len(), 1);
}

#[test]
fn a_rule_that_fits_too_much_ends_at_its_bound_and_leaves_room_for_people() {
    let mut world = world();
    report(&mut world, (0..200).map(|number| switch(&format!("sw-{number}"), &format!("site-{number}"))).collect());
    assert_eq!(world.all.workspace.silences.len(), INHIBITIONS_MAX);
    let open = |world: &mut World, key: &str, site: &str| opened(&one(world, unreachable(key, site))).len();
    assert_eq!((open(&mut world, "in", "site-0"), open(&mut world, "beyond", "site-199")), (0, 1));
    let asked = crate::alert::Command::Silence {
        covers: labelled("alertname", "Slow"),
        from: None,
        minutes: 30,
        reason: "移行".to_owned(),
        public: None,
    };
    world.submit(&who("tanaka"), &Command::Alert(asked)).expect("there is room for people");
}

#[test]
fn a_person_may_end_it_and_it_does_not_begin_anew_by_itself() {
    let mut world = world();
    one(&mut world, switch("sw-1", "osaka"));
    one(&mut world, unreachable("web-1", "osaka"));
    let id = *world.all.workspace.silences.keys().next().expect("made");
    world.submit(&who("ito"), &Command::Alert(crate::alert::Command::Unsilence { silence: id })).expect("ended");
    assert_eq!(opened(&wake(&mut world)), [IncidentId(2)]);
    one(&mut world, switch("sw-1", "osaka"));
    assert_eq!(world.all.workspace.silences.len(), 0);
    assert_eq!(wake(&mut world), []);
    assert!(!one(&mut world, over("sw-1")).iter().any(|event| matches!(event, Event::Silence(_))));
}

#[test]
fn a_monitor_is_a_cause_as_long_as_it_is_known_to_fail() {
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let when = Covers { monitor: Some(monitor.clone()), ..Covers::default() };
    adopt(&mut world, "front-door", Inhibit { when, holds: labelled("kind", "unreachable"), equal: Vec::new() });
    let fails = |unmeasured: bool, at: Timestamp| {
        let fire = monitor::Command::Fire { monitor: monitor.clone(), first_seen_at: at, seen: "503".to_owned(), unmeasured };
        Command::Monitor(fire)
    };
    let actor = Actor::Monitor { monitor: monitor.clone() };
    let now = world.now;
    world.submit(&actor, &fails(false, now)).expect("it fails");
    one(&mut world, fires("web-1", &[("kind", "unreachable")]));
    assert!(held(&world, "web-1"));
    world.submit(&actor, &fails(true, now)).expect("nobody can tell any more");
    wake(&mut world);
    assert!(!held(&world, "web-1"), "what cannot be measured holds nothing back");
    let recover = monitor::Command::Recover { monitor: monitor.clone(), seen: "200".to_owned() };
    world.submit(&actor, &Command::Monitor(recover.clone())).expect("well");
    world.submit(&actor, &fails(false, now)).expect("it fails again");
    assert_eq!(world.all.workspace.silences.len(), 1);
    world.submit(&actor, &Command::Monitor(recover)).expect("well");
    wake(&mut world);
    assert_eq!(world.all.workspace.silences.len(), 0);
}

#[test]
fn a_rule_says_what_it_means() {
    let mut world = World::new();
    let unknown = Covers { service: Some(ServiceName::known("nothing")), ..Covers::default() };
    let monitor = Covers { monitor: Some(MonitorName::known("reservation-http")), ..Covers::default() };
    for (rule, at) in [
        (Inhibit { when: Covers::default(), holds: monitor.clone(), equal: Vec::new() }, "alerts.inhibit.r.when"),
        (Inhibit { when: monitor.clone(), holds: unknown, equal: Vec::new() }, "alerts.inhibit.r.holds.service"),
        (Inhibit { when: monitor.clone(), holds: labelled("a", "b"), equal: vec!["site".to_owned()] }, "alerts.inhibit.r"),
        (Inhibit { when: labelled("a", "b"), holds: labelled("c", "d"), equal: vec![" ".to_owned()] }, "alerts.inhibit.r.equal.0"),
    ] {
        let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
        policy.alerts.inhibit.insert(InhibitionName::known("r"), rule);
        let flaws: Vec<String> = policy.check().iter().map(|flaw| flaw.at.join(".")).collect();
        assert_eq!(flaws, [at]);
    }
    adopt(&mut world, "r", Inhibit { when: monitor, holds: labelled("a", "b"), equal: Vec::new() });
}

fn lifted(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Silence(of) if matches!(of.step, SilenceStep::Lifted { .. }))).count()
}

#[test]
fn a_cause_that_comes_and_goes_in_one_report_holds_nothing_back() {
    let mut world = World::new();
    let rule = Inhibit { when: labelled("alertname", "SwitchDown"), holds: labelled("kind", "unreachable"), equal: Vec::new() };
    adopt(&mut world, "switch-down", rule);
    let events =
        report(&mut world, vec![fires("sw-1", &[("alertname", "SwitchDown")]), over("sw-1"), fires("web-1", &[("kind", "unreachable")])]);
    let events: Vec<Event> = events.into_iter().flat_map(|decision| decision.events).collect();
    assert_eq!(lifted(&events), 1, "{events:?}");
    assert!(!held(&world, "web-1"), "not what comes behind it in the report");
    wake(&mut world);
    assert_eq!(world.all.workspace.silences.len(), 0, "nor for the rest of the week");
    assert_eq!(world.all.workspace.silences, world.rebuilt().workspace.silences);
}

/// Hands a changed policy in as a person does; what loosens nothing is adopted at once.
fn change(world: &mut World, change: impl FnOnce(&mut Policy)) -> Vec<Event> {
    let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
    change(&mut policy);
    assert_eq!(policy.check(), []);
    let adopt = crate::command::PolicyCommand::Adopt { policy: Box::new(policy.clone()) };
    let mut events = world.submit(&Actor::Startup, &Command::Policy(adopt)).expect("handed in").events;
    if world.all.workspace.pending.is_some() {
        let digest = policy.digest();
        let agree = Command::Policy(crate::command::PolicyCommand::Approve { digest });
        for name in ["sato", "mori"] {
            events = world.submit(&who(name), &agree).expect("agreed").events;
        }
    }
    events
}

#[test]
fn what_a_rule_held_back_is_told_of_when_the_policy_gives_the_rule_or_the_cause_up() {
    let set = || {
        let mut world = world();
        one(&mut world, switch("sw-1", "osaka"));
        one(&mut world, unreachable("web-1", "osaka"));
        assert!(held(&world, "web-1"));
        world
    };
    let mut world = set();
    assert_eq!(lifted(&change(&mut world, |policy| policy.incident.repeat.times = 3)), 0, "what has nothing to do with it ends nothing");
    assert_eq!(wake(&mut world), []);
    let mut world = set();
    assert_eq!(lifted(&change(&mut world, |policy| policy.alerts.inhibit.clear())), 1);
    assert_eq!(opened(&wake(&mut world)), [IncidentId(2)]);
    let mut world = set();
    let narrow = |policy: &mut Policy| policy.alerts.inhibit.values_mut().for_each(|rule| rule.holds = labelled("kind", "slow"));
    assert_eq!(lifted(&change(&mut world, narrow)), 1, "the rule means something else now");
    assert_eq!(opened(&wake(&mut world)), [IncidentId(2)]);

    // A monitor that is gone never recovers.
    let mut world = World::new();
    let monitor = MonitorName::known("reservation-http");
    let when = Covers { service: Some(ServiceName::known("reservation")), ..Covers::default() };
    adopt(&mut world, "front-door", Inhibit { when, holds: labelled("kind", "unreachable"), equal: Vec::new() });
    // It is held back itself: at the end of that nobody looks for it any more, and all comes to an end.
    let asked = crate::alert::Command::Silence {
        covers: Covers { monitor: Some(monitor.clone()), ..Covers::default() },
        from: None,
        minutes: 30,
        reason: "移行".to_owned(),
        public: None,
    };
    let made = world.submit(&who("tanaka"), &Command::Alert(asked)).expect("silenced").made.expect("an id");
    crate::testing::fire(&mut world).expect("it fails");
    one(&mut world, fires("web-1", &[("kind", "unreachable"), ("team", "mail")]));
    assert!(held(&world, "web-1"));
    let lift = crate::alert::Command::Unsilence { silence: made.parse().expect("an id") };
    world.submit(&who("tanaka"), &Command::Alert(lift)).expect("ended");
    assert_eq!(lifted(&change(&mut world, |policy| drop(policy.monitors.remove(&monitor)))), 1);
    wake(&mut world);
    assert!(!held(&world, "web-1"));
}

#[test]
fn a_cause_that_becomes_another_one_holds_back_what_the_rules_say_then() {
    let mut world = World::new();
    let rule = Inhibit { when: labelled("severity", "critical"), holds: labelled("kind", "unreachable"), equal: Vec::new() };
    adopt(&mut world, "critical", rule);
    let cause = |severity: &str| Signal { severity: Severity::read(severity), ..fires("db", &[("team", "mail")]) };
    one(&mut world, cause("critical"));
    one(&mut world, unreachable("web-1", "osaka"));
    assert!(held(&world, "web-1"));
    assert_eq!(lifted(&one(&mut world, cause("warning"))), 1, "it goes on, and is no cause any more");
    wake(&mut world);
    assert!(!held(&world, "web-1"));
    one(&mut world, cause("critical"));
    one(&mut world, unreachable("web-2", "osaka"));
    assert!(held(&world, "web-2"), "it is one again");
    // What a person has ended stays ended while it goes on as a cause.
    let id = *world.all.workspace.silences.keys().next().expect("made");
    world.submit(&who("ito"), &Command::Alert(crate::alert::Command::Unsilence { silence: id })).expect("ended");
    wake(&mut world);
    adopt(&mut world, "error", Inhibit { when: labelled("team", "mail"), holds: labelled("kind", "slow"), equal: Vec::new() });
    one(&mut world, cause("error"));
    assert_eq!(world.all.workspace.silences.len(), 0, "it was a cause to this one before, too");
}

#[test]
fn two_rules_the_other_way_round_do_not_hold_each_other_for_ever() {
    let mut world = World::new();
    let (x, y) = (labelled("kind", "x"), labelled("kind", "y"));
    adopt(&mut world, "x-holds-y", Inhibit { when: x.clone(), holds: y.clone(), equal: Vec::new() });
    adopt(&mut world, "y-holds-x", Inhibit { when: y, holds: x, equal: Vec::new() });
    let of = |key: &str, kind: &str| fires(key, &[("kind", kind)]);
    assert_eq!(opened(&one(&mut world, of("x1", "x"))), [IncidentId(1)]);
    one(&mut world, of("y1", "y"));
    one(&mut world, of("x2", "x"));
    assert!(held(&world, "y1") && held(&world, "x2"), "each by the other's rule");
    one(&mut world, over("x1"));
    wake(&mut world);
    assert!(!held(&world, "y1"), "its cause is over, and the only other one waits for it");
    assert!(held(&world, "x2"), "while y1, of which somebody knows by now, goes on");
    one(&mut world, over("y1"));
    wake(&mut world);
    assert!(!held(&world, "x2"));
    assert_eq!(world.all.workspace.silences.len(), 1, "that of x2");
}
