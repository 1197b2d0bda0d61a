//! Silences, one promise after the other.

use super::*;
use crate::alert::tests::{alert, fires, incident, notices, one, opened, over, report};
use crate::alert::{self, AlertCount};
use crate::command::Command;
use crate::ids::IncidentId;
use crate::testing::{World, fire, who};
use crate::timer::{Wake, of_workspace};

const HOUR: i64 = 3_600;

fn covers(service: &str) -> Covers {
    Covers { service: Some(ServiceName::known(service)), ..Covers::default() }
}

fn labelled(label: &str, value: &str) -> Covers {
    Covers { labels: BTreeMap::from([(label.to_owned(), OneOf::One(value.to_owned()))]), ..Covers::default() }
}

fn asked(covers: Covers, from: Option<Timestamp>, minutes: u32) -> Command {
    Command::Alert(alert::Command::Silence { covers, from, minutes, reason: "DB を移す".to_owned(), public: None })
}

fn silenced(world: &mut World, covers: Covers, minutes: u32) -> SilenceId {
    let made = world.submit(&who("tanaka"), &asked(covers, None, minutes)).expect("silenced").made;
    made.expect("an id").parse().expect("an id")
}

/// Fires the timers of the workspace that have come, again and again until none is left; what happened in each.
fn wake(world: &mut World) -> Vec<Vec<Event>> {
    let mut all = Vec::new();
    loop {
        let now = world.now;
        let due = of_workspace(&world.all.workspace).into_iter().filter(|timer| timer.due_at <= now);
        let Some(timer) = due.into_iter().find(|timer| matches!(timer.wake, Wake::SilenceEnds { .. })) else { return all };
        all.push(world.submit(&Actor::Timer, &Command::Wake(timer.wake)).expect("a silence ends").events);
        assert!(all.len() < 50, "it comes to an end");
    }
}

fn waits(world: &World, key: &str) -> Option<SilenceId> {
    held_by(&alert(world, key))
}

#[test]
fn i10_a_silence_holds_back_what_it_covers_and_nothing_else() {
    let mut world = World::new();
    let id = silenced(&mut world, covers("reservation"), 60);
    let held = one(&mut world, fires("a", &[]));
    assert_eq!((opened(&held), notices(&held)), (vec![], vec![]), "nobody is called");
    assert_eq!(waits(&world, "a"), Some(id));
    assert_eq!(alert(&world, "a").incident, None);
    assert_eq!(opened(&one(&mut world, fires("b", &[("team", "mail")]))), [IncidentId(1)], "of another service");
    world.pass(30 * 60);
    assert_eq!(one(&mut world, fires("a", &[])), [], "the same words again");
    one(&mut world, over("a"));
    assert_eq!(waits(&world, "a"), None);
    world.pass(30 * 60);
    let ends = wake(&mut world);
    assert_eq!(ends.iter().flat_map(|events| opened(events)).count(), 0, "what is over opens nothing");
    assert_eq!(world.all.workspace.silences.len(), 0);
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(2)], "and from now on it does");
    assert_eq!(world.all.workspace.silences, world.rebuilt().workspace.silences);
    assert_eq!(world.all.alerts, world.rebuilt().alerts);
}

#[test]
fn when_it_ends_whatever_still_fires_is_told_of_once() {
    let mut world = World::new();
    silenced(&mut world, labelled("alertname", "Slow"), 60);
    let slow: Vec<_> = (0..600).map(|number| fires(&format!("pod-{number}"), &[("alertname", "Slow")])).collect();
    report(&mut world, slow);
    report(&mut world, (0..3).map(|n| fires(&format!("mail-{n}"), &[("alertname", "Slow"), ("team", "mail")])).collect());
    assert_eq!(world.all.incidents.len(), 0);
    world.pass(HOUR - 1);
    assert_eq!(wake(&mut world).len(), 0, "not before its time");
    world.pass(1);
    let events: Vec<Event> = wake(&mut world).into_iter().flatten().collect();
    assert_eq!(opened(&events), [IncidentId(1), IncidentId(2)], "one to a service");
    let escalated = events.iter().filter(|event| matches!(event, Event::IncidentEscalated { .. })).count();
    assert_eq!(escalated, 2, "people are called once for each");
    let mut counts = [incident(&world, 1).alerts, incident(&world, 2).alerts];
    counts.sort_by_key(|count| count.firing);
    assert_eq!(counts, [AlertCount { firing: 3, fired: 3 }, AlertCount { firing: 600, fired: 600 }]);
    assert_eq!(notices(&events).iter().filter(|notice| matches!(notice, Notice::SilenceEnded { .. })).count(), 1);
    assert_eq!(world.all.alerts, world.rebuilt().alerts);
    assert_eq!(wake(&mut world).len(), 0);
}

#[test]
fn what_another_silence_covers_goes_on_waiting() {
    let mut world = World::new();
    let short = silenced(&mut world, labelled("alertname", "Slow"), 10);
    one(&mut world, fires("a", &[("alertname", "Slow")]));
    assert_eq!(waits(&world, "a"), Some(short));
    let long = silenced(&mut world, covers("reservation"), 60);
    world.pass(600);
    assert_eq!(wake(&mut world).iter().flat_map(|events| opened(events)).count(), 0);
    assert_eq!(waits(&world, "a"), Some(long));
    let lift = Command::Alert(alert::Command::Unsilence { silence: long });
    world.submit(&who("ito"), &lift).expect("lifted");
    assert_eq!(
        world.submit(&who("ito"), &lift).map(|_| ()),
        Err(Refusal::NotFound { what: "silence".to_owned(), given: "sil_2".to_owned() })
    );
    let events: Vec<Event> = wake(&mut world).into_iter().flatten().collect();
    assert_eq!(opened(&events), [IncidentId(1)], "at once, and not when the hour is over");
    let told = notices(&events).into_iter().find(|notice| matches!(notice, Notice::SilenceEnded { .. }));
    assert_eq!(told, Some(Notice::SilenceEnded { silence: long, lifted_by: Some(By::Person(crate::ids::PersonId::known("ito"))) }));
}

#[test]
fn a_window_that_is_planned_holds_nothing_before_it_begins() {
    let mut world = World::new();
    let from = world.now.checked_add(SignedDuration::from_hours(2)).expect("a time");
    world.submit(&who("tanaka"), &asked(covers("reservation"), Some(from), 30)).expect("planned");
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(1)]);
    world.pass(2 * HOUR);
    let worse = one(&mut world, fires("a", &[("severity", "critical")]));
    assert!(!worse.iter().any(|event| matches!(event, Event::IncidentTriaged { .. })), "what is silenced makes nothing worse: {worse:?}");
    one(&mut world, fires("b", &[]));
    assert!(waits(&world, "b").is_some(), "an incident that burns takes in nothing that is silenced");
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 1, fired: 1 });
    world.pass(30 * 60);
    let events: Vec<Event> = wake(&mut world).into_iter().flatten().collect();
    assert_eq!(opened(&events), [], "it joins what burns");
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 2, fired: 2 });
}

#[test]
fn an_alert_that_flaps_and_settles_under_a_silence_waits_for_its_end() {
    let mut world = World::new();
    for _ in 0..3 {
        one(&mut world, fires("a", &[]));
        one(&mut world, over("a"));
    }
    one(&mut world, fires("a", &[]));
    assert_eq!(alert(&world, "a").waits, Some(Waits::Flapping));
    let id = silenced(&mut world, covers("reservation"), 60);
    world.pass(5 * 60);
    let settle = Command::Wake(Wake::AlertSettles { alert: alert(&world, "a").alert });
    let events = world.submit(&Actor::Timer, &settle).expect("it stays").events;
    assert_eq!((opened(&events), waits(&world, "a")), (vec![], Some(id)));
}

#[test]
fn a_monitor_is_held_back_and_released_like_an_alert() {
    let mut world = World::new();
    let id = silenced(&mut world, Covers { monitor: Some(MonitorName::known("reservation-http")), ..Covers::default() }, 60);
    let held = fire(&mut world).expect("recorded");
    assert_eq!((opened(&held.events), held.case), (vec![], None));
    let state = world.all.monitor(&MonitorName::known("reservation-http")).expect("known").clone();
    assert_eq!((state.healthy, state.held, state.incident), (false, Some(id), None));
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(1)], "an alert of the same service is another matter");
    world.pass(HOUR);
    let events: Vec<Event> = wake(&mut world).into_iter().flatten().collect();
    assert_eq!(opened(&events), [], "it joins what burns");
    let state = world.all.monitor(&MonitorName::known("reservation-http")).expect("known").clone();
    assert_eq!((state.held, state.incident), (None, Some(IncidentId(1))));
    assert_eq!(incident(&world, 1).firing, [MonitorName::known("reservation-http")]);
    assert_eq!(world.all.monitors, world.rebuilt().monitors);
}

#[test]
fn i10_a_monitor_and_an_alert_of_one_service_are_one_incident() {
    let mut world = World::new();
    assert_eq!(fire(&mut world).expect("opens").case, Some(IncidentId(1)));
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [], "the alert joins");
    assert_eq!(incident(&world, 1).alerts.firing, 1);
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    let joined = fire(&mut world).expect("joins");
    assert_eq!((opened(&joined.events), joined.case), (vec![], Some(IncidentId(1))));
    assert!(joined.events.iter().any(|event| matches!(event, Event::IncidentTriaged { .. })), "and it is worse than the alert said");
    assert_eq!(opened(&one(&mut world, over("a"))), []);
    assert!(incident(&world, 1).resolved.is_none(), "not while the monitor sees a failure");
}

#[test]
fn a_silence_says_what_for_how_long_and_why() {
    let mut world = World::new();
    let mut no = |covers: Covers, from: Option<Timestamp>, minutes: u32| {
        world.submit(&who("tanaka"), &asked(covers, from, minutes)).expect_err("refused")
    };
    let unknown = Covers { service: Some(ServiceName::known("reservatoin")), ..Covers::default() };
    assert!(matches!(no(unknown, None, 60), Refusal::NotInPolicy { nearest: Some(near), .. } if near == "reservation"));
    assert_eq!(no(Covers::default(), None, 60), Refusal::SilenceOfNothing);
    let both = Covers { monitor: Some(MonitorName::known("reservation-http")), ..labelled("a", "b") };
    assert_eq!(no(both, None, 60), Refusal::SilenceOfNothing, "nothing can fit both");
    assert_eq!(no(covers("mail"), None, 0), Refusal::SilenceLength { minutes_max: MINUTES_MAX });
    assert_eq!(no(covers("mail"), None, MINUTES_MAX + 1), Refusal::SilenceLength { minutes_max: MINUTES_MAX });
    let past = "2026-11-22T02:59:59Z".parse().ok();
    assert!(matches!(no(covers("mail"), past, 60), Refusal::TimeInPast { .. }));
    let far = "2027-11-22T02:59:59Z".parse().ok();
    assert!(matches!(no(covers("mail"), far, 60), Refusal::TimeInFuture { .. }));
    let command = asked(covers("mail"), None, 60);
    assert!(matches!(world.submit(&who("kansa"), &command), Err(Refusal::RoleMissing { .. })), "an auditor only looks");
    let wordless =
        Command::Alert(alert::Command::Silence { covers: covers("mail"), from: None, minutes: 5, reason: "  ".to_owned(), public: None });
    assert!(matches!(world.submit(&who("tanaka"), &wordless), Err(Refusal::TextMissing { .. })));
    for _ in 0..SILENCES_MAX {
        silenced(&mut world, covers("mail"), 60);
    }
    assert!(matches!(world.submit(&who("tanaka"), &command), Err(Refusal::TooMany { .. })));
}

#[test]
fn a_ledger_that_is_kept_while_the_server_is_away_takes_no_silence() {
    let mut world = World::new();
    let mut policy = world.all.workspace.policy.as_deref().expect("a policy").clone();
    let local = serde_json::json!({
        "ledger": "hikeshi.test/local/web1/abc", "key": "k", "server_key": "k", "trust": crate::ids::Digest::of(b"trust"), "seal": null,
        "made_at": "2026-11-22T02:00:00Z", "valid_until": "2026-11-23T02:00:00Z", "host": "web1",
    });
    policy.local = Some(serde_json::from_value(local).expect("what it says of itself"));
    world.all.workspace.policy = Some(Arc::new(policy));
    let refused = world.submit(&who("tanaka"), &asked(covers("mail"), None, 60));
    assert_eq!(refused.map(|_| ()), Err(Refusal::PolicyOfLocal), "coming home it would be something that nobody can have done there");
}
