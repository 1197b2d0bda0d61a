//! Alerts of other programs, one rule after the other (rule I10).

use std::collections::BTreeMap;

use super::*;
use crate::channel::{Body, Notice};
use crate::event::Event;
use crate::ids::{EnvironmentName, ObligationId};
use crate::incident::{self, Priority};
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, policy, who};
use crate::timer::{Wake, of_alert};

pub(crate) fn source() -> SourceName {
    SourceName::known("prometheus")
}

pub(crate) fn fires(key: &str, labels: &[(&str, &str)]) -> Signal {
    let mut signal = Signal::new(key, Phase::Firing, &format!("{key} is down"));
    signal.labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    signal.severity = signal.labels.get("severity").and_then(|severity| Severity::read(severity));
    signal
}

pub(crate) fn over(key: &str) -> Signal {
    Signal::new(key, Phase::Resolved, "over")
}

/// Hands a report in as the intake does.
pub(crate) fn report(world: &mut World, signals: Vec<Signal>) -> Vec<crate::decide::Decision> {
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let parts = route::split(&policy, &source(), &policy.alerts.sources[&source()], signals);
    let commands = parts.into_iter().map(|signals| crate::command::Command::Alert(Command::Report { source: source(), signals }));
    commands.map(|command| world.submit(&Actor::Source { source: source() }, &command).expect("taken")).collect()
}

pub(crate) fn one(world: &mut World, signal: Signal) -> Vec<Event> {
    report(world, vec![signal]).pop().map(|decision| decision.events).unwrap_or_default()
}

pub(crate) fn alert(world: &World, key: &str) -> Alert {
    world.all.alert(&AlertRef { source: source(), key: AlertKey::of(key) }).expect("known").clone()
}

pub(crate) fn opened(events: &[Event]) -> Vec<IncidentId> {
    let opened = events.iter().filter_map(|event| if let Event::IncidentOpened { incident, .. } = event { Some(*incident) } else { None });
    opened.collect()
}

pub(crate) fn notices(events: &[Event]) -> Vec<Notice> {
    let posts = events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(&post.body) } else { None });
    posts.filter_map(|body| if let Body::Notice { notice } = body { Some(notice.clone()) } else { None }).collect()
}

pub(crate) fn incident(world: &World, id: u64) -> incident::Incident {
    world.all.incident(IncidentId(id)).expect("opened").clone()
}

#[test]
fn i10_alerts_of_one_group_are_one_incident_and_one_page() {
    let mut world = World::new();
    let first = one(&mut world, fires("a", &[]));
    assert_eq!(opened(&first), [IncidentId(1)]);
    assert_eq!(first.iter().filter(|event| matches!(event, Event::IncidentEscalated { .. })).count(), 1, "the first step is taken");
    let second = one(&mut world, fires("b", &[]));
    assert_eq!(opened(&second), []);
    assert_eq!(notices(&second), [], "nobody is told twice");
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 2, fired: 2 });
    assert_eq!(alert(&world, "b").incident, Some(IncidentId(1)));
    let mail = one(&mut world, fires("c", &[("team", "post"), ("queue", "out")]));
    assert_eq!(opened(&mail), [IncidentId(2)], "another service");
    assert_eq!(opened(&one(&mut world, fires("d", &[("team", "mail"), ("queue", "in")]))), [IncidentId(3)], "kept apart by its label");
    assert_eq!(opened(&one(&mut world, fires("e", &[("team", "mail"), ("queue", "out")]))), []);
    assert_eq!(world.all.alerts, world.rebuilt().alerts, "the table is the fold of the ledger");
    assert_eq!(world.all.groups, world.rebuilt().groups);
}

#[test]
fn the_same_words_again_change_nothing() {
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    world.pass(60);
    assert_eq!(one(&mut world, fires("a", &[])), []);
    assert_eq!(one(&mut world, over("unknown")), [], "what never fired is not over");
    one(&mut world, over("a"));
    assert_eq!(one(&mut world, over("a")), []);
    let watchdog = fires("w", &[("alertname", "Watchdog")]);
    assert_eq!(report(&mut world, vec![watchdog]), [], "the policy does not want it");
}

#[test]
fn a_storm_is_one_incident_told_of_at_every_power_of_ten() {
    let mut world = World::new();
    let signals = (0..1_000).map(|number| fires(&format!("pod-{number}"), &[])).collect();
    let decisions = report(&mut world, signals);
    assert_eq!(decisions.len(), 4, "of at most {SIGNALS_MAX} each");
    let events: Vec<Event> = decisions.into_iter().flat_map(|decision| decision.events).collect();
    assert_eq!(opened(&events).len(), 1);
    let grown: Vec<u32> =
        notices(&events).iter().filter_map(|notice| if let Notice::AlertsGrow { fired } = notice { Some(*fired) } else { None }).collect();
    assert_eq!(grown, [10, 100, 1_000]);
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 1_000, fired: 1_000 });
}

#[test]
fn the_last_alert_that_is_over_resolves_what_alerts_have_opened() {
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    one(&mut world, fires("b", &[]));
    assert_eq!(notices(&one(&mut world, over("a"))), []);
    let last = one(&mut world, over("b"));
    let owed = Notice::ObligationsRaised { obligations: vec![ObligationId(1)] };
    assert_eq!(notices(&last), [Notice::AlertsClear { resolved: true }, owed], "and what it has taught is owed (rule I8)");
    assert!(incident(&world, 1).resolved.is_some());
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(2)], "later it is a new one");

    let mut world = World::new();
    let people = world.open("tanaka");
    one(&mut world, fires("a", &[]));
    assert_eq!(alert(&world, "a").incident, Some(people), "it joins what a person has opened for the same service");
    assert_eq!(notices(&one(&mut world, over("a"))), [Notice::AlertsClear { resolved: false }], "and leaves it to people");
}

#[test]
fn one_report_may_begin_and_end_the_same_alert() {
    let mut world = World::new();
    report(&mut world, vec![fires("a", &[]), over("a"), fires("b", &[])]);
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 1, fired: 2 });
    assert!(incident(&world, 1).resolved.is_none(), "b still fires");
    report(&mut world, vec![over("b"), fires("c", &[])]);
    assert!(incident(&world, 1).resolved.is_none(), "c still fires");
    report(&mut world, vec![over("c"), over("c")]);
    assert!(incident(&world, 1).resolved.is_some());
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn a_worse_alert_makes_its_incident_worse_unless_a_person_has_judged() {
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    assert_eq!(incident(&world, 1).priority, Priority::P2);
    let worse = one(&mut world, fires("b", &[("severity", "critical")]));
    assert_eq!(notices(&worse), [Notice::PriorityChanged { priority: Priority::P1 }]);
    assert_eq!(incident(&world, 1).priority, Priority::P1);
    assert_eq!(notices(&one(&mut world, fires("c", &[]))), [], "a lesser one changes nothing");

    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    let mut triage = incident(&world, 1).triage;
    triage.priority_override = Some(incident::Override { priority: Priority::P3, reason: "試験中".to_owned() });
    let judge = incident::Command::Triage { incident: IncidentId(1), triage };
    world.submit(&who("tanaka"), &crate::command::Command::Incident(judge)).expect("triaged");
    one(&mut world, fires("b", &[("severity", "critical")]));
    assert_eq!(incident(&world, 1).priority, Priority::P3);
}

#[test]
fn i10_a_flapping_alert_does_not_page_unless_it_stays() {
    let mut world = World::new();
    for _ in 0..3 {
        assert_eq!(opened(&one(&mut world, fires("a", &[]))).len(), 1);
        world.pass(60);
        one(&mut world, over("a"));
        world.pass(60);
    }
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [], "the fourth time within the window");
    assert_eq!(alert(&world, "a").waits, Some(Waits::Flapping));
    let wake = crate::command::Command::Wake(Wake::AlertSettles { alert: alert(&world, "a").alert });
    world.pass(299);
    assert_eq!(world.submit(&Actor::Timer, &wake), Err(Refusal::Stale));
    world.pass(1);
    let due = of_alert(&alert(&world, "a"), &policy());
    assert!(due.iter().all(|timer| timer.due_at == world.now) && due.len() == 1, "the stored deadline is this very moment");
    let settled = world.submit(&Actor::Timer, &wake).expect("it stays").events;
    assert_eq!(opened(&settled), [IncidentId(4)]);
    assert_eq!(of_alert(&alert(&world, "a"), &policy()), []);
    assert_eq!(world.submit(&Actor::Timer, &wake), Err(Refusal::Stale), "once");
    assert_eq!(incident(&world, 4).alerts.firing, 1);
    one(&mut world, over("a"));
    assert!(incident(&world, 4).resolved.is_some());
    world.pass(31 * 60);
    assert_eq!(opened(&one(&mut world, fires("a", &[]))).len(), 1, "after a calm window it pages again");
    assert_eq!(world.all.alerts, world.rebuilt().alerts);
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn a_flapping_alert_joins_what_burns_anyway() {
    let mut world = World::new();
    one(&mut world, fires("other", &[]));
    for _ in 0..6 {
        one(&mut world, fires("a", &[]));
        one(&mut world, over("a"));
    }
    assert_eq!(world.all.incidents.len(), 1);
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 1, fired: 7 });
}

#[test]
fn a_sender_that_repeats_itself_and_falls_silent_is_over() {
    let mut world = World::new();
    let until = |world: &World, seconds| world.now.checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a time");
    let mut signal = fires("a", &[]);
    signal.lapses_at = Some(until(&world, 240));
    one(&mut world, signal.clone());
    world.pass(60);
    signal.lapses_at = Some(until(&world, 240));
    let again = report(&mut world, vec![signal.clone()]).pop().expect("taken");
    assert_eq!((again.events.len(), again.leased.len()), (0, 1), "no entry, a later promise");
    world.pass(5);
    signal.lapses_at = Some(until(&world, 240));
    assert_eq!(report(&mut world, vec![signal.clone()]).pop().expect("taken").leased, [], "a promise that hardly moves is not written");
    let wake = crate::command::Command::Wake(Wake::AlertLapses { alert: alert(&world, "a").alert });
    world.pass(234);
    assert_eq!(world.submit(&Actor::Timer, &wake), Err(Refusal::Stale));
    world.pass(1);
    world.submit(&Actor::Timer, &wake).expect("it is over");
    assert_eq!(alert(&world, "a").over.map(|over| over.how), Some(HowOver::Lapsed));
    assert!(incident(&world, 1).resolved.is_some());
    world.pass(60);
    signal.lapses_at = Some(until(&world, 240));
    assert_eq!(opened(&one(&mut world, signal.clone())).len(), 1, "the sender is back, and it still fires");
    signal.lapses_at = Some(world.now);
    one(&mut world, signal);
    assert!(!alert(&world, "a").firing, "an end that has come is an end");
}

#[test]
fn a_report_that_arrives_late_does_not_begin_what_is_over() {
    let mut world = World::new();
    let mut signal = fires("a", &[]);
    signal.since = Some(world.now);
    one(&mut world, signal.clone());
    let mut ended = over("a");
    ended.since = signal.since;
    one(&mut world, ended);
    assert_eq!(one(&mut world, signal.clone()), [], "the same firing, only slow");
    signal.since = world.now.checked_add(jiff::SignedDuration::from_secs(9)).ok();
    assert_eq!(opened(&one(&mut world, signal)).len(), 1, "another firing");
}

#[test]
fn what_still_fires_after_a_person_resolved_it_is_taken_up_again() {
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    let resolve = incident::Command::Resolve { incident: IncidentId(1), what: "再起動した".to_owned() };
    world.submit(&who("tanaka"), &crate::command::Command::Incident(resolve)).expect("resolved");
    world.pass(60);
    assert_eq!(one(&mut world, fires("a", &[])), [], "a measure takes a while to follow");
    world.pass(240);
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(2)]);
    assert_eq!(alert(&world, "a").incident, Some(IncidentId(2)));
    one(&mut world, over("a"));
    assert!(incident(&world, 2).resolved.is_some());
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn an_end_finds_its_alert_whatever_it_would_be_routed_by_now() {
    let mut world = World::new();
    one(&mut world, fires("a", &[("team", "mail"), ("queue", "out")]));
    let mut ended = over("a");
    ended.labels.insert("alertname".to_owned(), "Watchdog".to_owned());
    one(&mut world, ended);
    assert!(incident(&world, 1).resolved.is_some(), "neither its missing labels nor a route that drops hold it up");
}

#[test]
fn what_the_sender_acknowledges_is_recorded_once_and_opens_nothing() {
    let mut world = World::new();
    let in_hand = || Signal::new("a", Phase::Acknowledged, "a");
    assert_eq!(one(&mut world, in_hand()), [], "nobody has heard of it");
    one(&mut world, fires("a", &[]));
    let Some(Event::Alert(event)) = one(&mut world, in_hand()).pop() else { panic!("it is recorded") };
    assert_eq!((event.step, event.incident), (AlertStep::Acknowledged, Some(IncidentId(1))));
    assert_eq!(one(&mut world, in_hand()), []);
    assert!(incident(&world, 1).acknowledged.is_none(), "no person has it");
    one(&mut world, over("a"));
    one(&mut world, fires("a", &[]));
    assert!(!alert(&world, "a").acknowledged, "another firing is another matter");
}

#[test]
fn a_change_of_severity_is_recorded_at_once_and_other_words_now_and_then() {
    let mut world = World::new();
    one(&mut world, fires("a", &[("severity", "warning")]));
    let mut signal = fires("a", &[("severity", "warning")]);
    signal.summary = "93.2 %".to_owned();
    assert_eq!(one(&mut world, signal.clone()), []);
    world.pass(300);
    assert_eq!(one(&mut world, signal.clone()).len(), 1);
    signal.severity = Some(Severity::Critical);
    signal.labels.insert("severity".to_owned(), "critical".to_owned());
    let worse = one(&mut world, signal);
    assert_eq!(notices(&worse), [Notice::PriorityChanged { priority: Priority::P1 }]);
    assert_eq!(alert(&world, "a").severity, Some(Severity::Critical));
}

#[test]
fn a_source_speaks_only_for_itself_and_only_while_the_policy_names_it() {
    let mut world = World::new();
    let command = crate::command::Command::Alert(Command::Report { source: source(), signals: vec![fires("a", &[])] });
    let stranger = Actor::Source { source: SourceName::known("grafana") };
    assert_eq!(world.submit(&stranger, &command), Err(Refusal::UnknownActor));
    assert_eq!(world.submit(&who("tanaka"), &command), Err(Refusal::UnknownActor));
    let gone = crate::command::Command::Alert(Command::Report { source: SourceName::known("grafana"), signals: vec![fires("a", &[])] });
    assert_eq!(world.submit(&stranger, &gone), Err(Refusal::Stale));
    let mixed = vec![fires("a", &[]), fires("b", &[("team", "mail")])];
    let mixed = crate::command::Command::Alert(Command::Report { source: source(), signals: mixed });
    assert_eq!(world.submit(&Actor::Source { source: source() }, &mixed), Err(Refusal::Stale), "one group to a command");
    let many = (0..=SIGNALS_MAX).map(|number| fires(&number.to_string(), &[])).collect();
    let many = crate::command::Command::Alert(Command::Report { source: source(), signals: many });
    assert!(matches!(world.submit(&Actor::Source { source: source() }, &many), Err(Refusal::TooMany { .. })));
}

#[test]
fn whatever_a_sender_writes_is_kept_within_bounds() {
    let mut world = World::new();
    let mut signal = fires("a", &[]);
    signal.title = "障".repeat(5_000);
    signal.summary = "x".repeat(1 << 20);
    signal.labels = (0..500).map(|number| (format!("{number}-{}", "n".repeat(900)), "v".repeat(9_000))).collect();
    signal.link = Some(format!("https://example.test/{}", "p".repeat(5_000)));
    one(&mut world, signal);
    let kept = alert(&world, "a");
    assert_eq!(kept.title.chars().count(), TITLE_CHARS_MAX);
    assert_eq!(kept.summary.chars().count(), SUMMARY_CHARS_MAX);
    assert_eq!(kept.labels.len(), LABELS_MAX);
    assert!(kept.labels.iter().all(|(name, value)| name.chars().count() <= LABEL_CHARS_MAX && value.chars().count() <= LABEL_CHARS_MAX));
    assert_eq!(kept.link, None);
    assert_eq!(AlertKey::of(&"k".repeat(201)).as_str().len(), 71, "named by its digest");
    assert_eq!(AlertKey::of("a\nb"), AlertKey::of("a\nb"));
    assert_ne!(AlertKey::of("a\nb"), AlertKey::of("a\nc"));
}

#[test]
fn a_reference_and_a_signal_are_written_as_they_are_read() {
    let reference: AlertRef = "prometheus/a/b".parse().expect("the first slash divides");
    assert_eq!((reference.source.as_str(), reference.key.as_str()), ("prometheus", "a/b"));
    assert_eq!(reference.to_string().parse(), Ok(reference));
    assert!("prometheus".parse::<AlertRef>().is_err());
    let fired = Event::Alert(AlertEvent {
        alert: "prometheus/a".parse().expect("an alert"),
        title: "t".to_owned(),
        incident: None,
        step: AlertStep::Fired(Box::new(Fired {
            group: route::group_of(&crate::ids::ServiceName::known("mail"), &EnvironmentName::known("test")),
            summary: String::new(),
            severity: Some(Severity::Info),
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            link: None,
            since: None,
            lapses_at: None,
            waits: Some(Waits::Flapping),
            said_at: None,
        })),
    });
    let text = serde_json::to_string(&fired).expect("plain data");
    assert_eq!(serde_json::from_str::<Event>(&text).expect("it reads what it wrote"), fired, "{text}");
}

/// As a mail says it: with the time at which it was written.
fn written(mut signal: Signal, at: &str) -> Signal {
    signal.said_at = Some(format!("2026-11-22T02:{at}Z").parse().expect("a time"));
    signal.since = signal.said_at;
    signal
}

#[test]
fn what_was_overtaken_on_its_way_neither_ends_an_alert_nor_begins_it_anew() {
    let mut world = World::new();
    one(&mut world, written(fires("a", &[]), "00:00"));
    world.pass(60);
    // It was over at 02:10, which nobody heard of; then it began again.
    let again = one(&mut world, written(fires("a", &[]), "20:00"));
    assert!(matches!(again.as_slice(), [Event::Alert(AlertEvent { step: AlertStep::Again { .. }, .. })]), "{again:?}");
    assert_eq!(one(&mut world, written(fires("a", &[]), "20:00")), [], "the same mail twice is no news");
    assert_eq!(one(&mut world, written(over("a"), "10:00")), [], "an end from before");
    assert!(alert(&world, "a").firing && incident(&world, 1).resolved.is_none());
    let mut seen = written(fires("a", &[]), "05:00");
    seen.phase = Phase::Acknowledged;
    assert_eq!(one(&mut world, seen), []);
    one(&mut world, written(over("a"), "30:00"));
    assert!(incident(&world, 1).resolved.is_some());
    assert_eq!(one(&mut world, written(fires("a", &[]), "25:00")), [], "a reminder from before its end");
    assert_eq!(opened(&one(&mut world, written(fires("a", &[]), "30:01"))), [IncidentId(2)], "and what is later pages");
    one(&mut world, written(over("a"), "30:01"));
    assert!(!alert(&world, "a").firing, "of the same second as it began");
    assert_eq!(world.all.alerts, world.rebuilt().alerts);
}

#[test]
fn a_clock_that_is_ahead_does_not_make_everything_later_old() {
    let mut world = World::new();
    let mut ahead = fires("a", &[]);
    ahead.said_at = Some("2036-01-01T00:00:00Z".parse().expect("a time"));
    one(&mut world, ahead);
    assert_eq!(alert(&world, "a").said_at, Some(world.now));
    world.pass(1);
    let mut end = over("a");
    end.said_at = Some(world.now);
    one(&mut world, end);
    assert!(!alert(&world, "a").firing);
    assert_eq!(opened(&one(&mut world, fires("a", &[]))), [IncidentId(2)], "what says no time is taken as it comes");
}
