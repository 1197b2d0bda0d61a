//! Merging and splitting, one rule after the other (rules I1, I10), and many of them at random.

use std::collections::BTreeMap;

use super::super::*;
use crate::alert::silence::Covers;
use crate::alert::tests::{alert, fires, incident, notices, one, opened, over, report, source};
use crate::alert::{AlertCount, AlertKey, AlertRef};
use crate::channel::Notice;
use crate::command;
use crate::decide::Decision;
use crate::emergency;
use crate::event::Event;
use crate::ids::{IncidentId, InhibitionName, PersonId, ServiceName};
use crate::people::Actor;
use crate::policy::{Inhibit, OneOf};
use crate::refusal::Refusal;
use crate::testing::{World, conditions, fire, plan, who};
use crate::timer::{Wake, of_incident, of_workspace};

fn merge(world: &mut World, incident: u64, into: u64) -> Result<Decision, Refusal> {
    let (incident, into) = (IncidentId(incident), IncidentId(into));
    let command = Command::Merge { incident, into, reason: "同じ DB".to_owned() };
    world.submit(&who("tanaka"), &command::Command::Incident(command))
}

fn split(world: &mut World, incident: u64, alerts: &[&str]) -> Result<Decision, Refusal> {
    let alerts = alerts.iter().map(|key| AlertRef { source: source(), key: AlertKey::of(key) }).collect();
    let (title, reason) = ("ディスク".to_owned(), "別の障害".to_owned());
    let command = Command::Split { incident: IncidentId(incident), alerts, title, reason };
    world.submit(&who("tanaka"), &command::Command::Incident(command))
}

fn give(world: &mut World, command: Command) -> Result<Decision, Refusal> {
    world.submit(&who("tanaka"), &command::Command::Incident(command))
}

fn code(answer: Result<Decision, Refusal>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code(), |_| "done")
}

/// Two incidents with an alert each: reservation (1), mail (2).
fn two() -> World {
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]));
    world
}

fn agrees(world: &World) {
    let (rebuilt, all) = (world.rebuilt(), &world.all);
    // What was looked for and is not there is no row.
    assert!(rebuilt.incidents.values().flatten().eq(all.incidents.values().flatten()), "incidents");
    assert!(rebuilt.alerts.values().flatten().eq(all.alerts.values().flatten()), "alerts");
    assert!(rebuilt.groups.values().flatten().eq(all.groups.values().flatten()), "groups");
}

#[test]
fn i10_what_is_merged_ends_and_calls_nobody() {
    let mut world = two();
    let policy = world.all.workspace.policy.clone().expect("a policy");
    assert!(!of_incident(&incident(&world, 2), &policy).is_empty(), "it escalates");
    world.pass(60);
    let done = merge(&mut world, 2, 1).expect("merged");
    assert_eq!(done.case, Some(IncidentId(1)), "the other one's timeline says it");
    let told = [Notice::IncidentMerged { incident: IncidentId(2), worse: None }, Notice::MergedInto { into: IncidentId(1) }];
    assert_eq!(notices(&done.events), told);
    let (gone, other) = (incident(&world, 2), incident(&world, 1));
    assert_eq!(of_incident(&gone, &policy), [], "no page, no escalation, no status update");
    assert_eq!(gone.merged.as_ref().map(|merged| merged.into), Some(IncidentId(1)));
    assert!(gone.resolved.is_none() && gone.closed_at == Some(world.now), "it is over, and was not resolved");
    assert_eq!((other.alerts, gone.alerts), (AlertCount { firing: 2, fired: 2 }, AlertCount { firing: 0, fired: 1 }));
    assert_eq!((other.absorbed, other.acknowledged), (vec![IncidentId(2)], None));
    // Nothing but a note is taken any more.
    let id = IncidentId(2);
    let text = || "x".to_owned();
    let commands = [
        Command::Acknowledge { incident: id },
        Command::Resolve { incident: id, what: text() },
        Command::Update { incident: id, text: text() },
        Command::Escalate { incident: id, reason: text() },
        Command::Move { incident: id, stage: Stage::Cause, reason: text() },
        Command::Triage { incident: id, triage: gone.triage.clone() },
    ];
    for command in commands {
        assert_eq!(code(give(&mut world, command.clone())), "incident.merged", "{command:?}");
    }
    assert_eq!(code(give(&mut world, Command::Note { incident: id, text: text() })), "done");
    let content = crate::postmortem::Content { impact: text(), cause: text(), whys: vec![text()], response: text(), lessons: text() };
    let write = crate::postmortem::Command::Write { incident: id, content, items: Vec::new() };
    let refused = world.submit(&who("tanaka"), &command::Command::Postmortem(write)).map(|_| ());
    assert_eq!(refused, Err(Refusal::IncidentMerged { incident: id, into: IncidentId(1) }), "where it is written instead");
    let request = emergency::Command::Request { incident: id, conditions: conditions(), plan: plan() };
    assert!(world.give("tanaka", request).is_err());
    agrees(&world);
}

#[test]
fn its_alerts_and_their_later_signals_belong_to_the_other_one() {
    let mut world = two();
    merge(&mut world, 2, 1).expect("merged");
    // Again, worse, over, anew, and another one of its group.
    one(&mut world, over("m"));
    assert_eq!(incident(&world, 1).alerts, AlertCount { firing: 1, fired: 2 });
    assert_eq!(opened(&one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]))), [], "no incident of its own again");
    assert_eq!(alert(&world, "m").incident, Some(IncidentId(1)));
    one(&mut world, fires("n", &[("team", "post"), ("queue", "in")]));
    assert_eq!((alert(&world, "n").incident, incident(&world, 1).alerts), (Some(IncidentId(1)), AlertCount { firing: 3, fired: 4 }));
    for key in ["a", "m"] {
        one(&mut world, over(key));
    }
    assert!(incident(&world, 1).resolved.is_none(), "n still fires");
    one(&mut world, over("n"));
    assert!(incident(&world, 1).resolved.is_some(), "the last alert of both ends it");
    assert_eq!(opened(&one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]))), [IncidentId(3)], "later it is a new one");
    agrees(&world);
}

#[test]
fn a_monitor_recovers_where_its_failure_belongs_now() {
    let mut world = World::new();
    fire(&mut world).expect("opened");
    let mail = one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]));
    assert_eq!(opened(&mail), [IncidentId(2)]);
    merge(&mut world, 1, 2).expect("merged");
    assert_eq!(incident(&world, 2).firing.len(), 1);
    let monitor = crate::ids::MonitorName::known("reservation-http");
    let recover = crate::monitor::Command::Recover { monitor: monitor.clone(), seen: "200".to_owned() };
    world.submit(&Actor::Monitor { monitor }, &command::Command::Monitor(recover)).expect("recovers");
    assert_eq!(incident(&world, 2).firing, []);
    agrees(&world);
}

#[test]
fn what_cannot_be_merged_says_why() {
    let mut world = two();
    assert_eq!(code(merge(&mut world, 1, 1)), "incident.merged_with_itself");
    assert_eq!(code(merge(&mut world, 1, 9)), "input.not_found");
    let empty = Command::Merge { incident: IncidentId(2), into: IncidentId(1), reason: " ".to_owned() };
    assert_eq!(code(give(&mut world, empty)), "input.text_missing");
    merge(&mut world, 2, 1).expect("merged");
    assert_eq!(code(merge(&mut world, 2, 1)), "incident.merged");
    let third = world.open("tanaka").0;
    assert_eq!(code(merge(&mut world, third, 2)), "incident.merged", "not into what is merged");
    give(&mut world, Command::Resolve { incident: IncidentId(third), what: "直した".to_owned() }).expect("resolved");
    assert_eq!(code(merge(&mut world, 1, third)), "incident.over");
    assert_eq!(code(merge(&mut world, third, 1)), "incident.over");

    // What was carried out while the server was away is not over; it is only kept as it came.
    let mut world = two();
    let kept = serde_json::json!({
        "ledger": "hikeshi.test/local/web1/abc", "key": "k", "host": "web1", "requested_at": "2026-11-22T03:00:00Z",
        "announced_at": "2026-11-22T03:00:00Z", "announced_by": "tanaka",
    });
    if let Some(Some(state)) = world.all.incidents.get_mut(&IncidentId(2)) {
        state.away = Some(serde_json::from_value(kept).expect("what is known of it"));
    }
    for (incident, into) in [(2, 1), (1, 2)] {
        let refused = merge(&mut world, incident, into).map(|_| ());
        assert_eq!(refused, Err(Refusal::IncidentAway { incident: IncidentId(2) }), "{incident} into {into}");
    }

    let mut world = World::new();
    let id = world.executing();
    let other = world.open("tanaka").0;
    let incident = world.emergency(id).incident.0;
    assert_eq!(code(merge(&mut world, incident, other)), "incident.merged_under_exception");
    assert_eq!(code(merge(&mut world, other, incident)), "done", "the other way round");
    let auditor = Command::Merge { incident: IncidentId(1), into: IncidentId(2), reason: "x".to_owned() };
    assert_eq!(code(world.submit(&who("kansa"), &command::Command::Incident(auditor))), "actor.role_missing");
}

#[test]
fn the_more_serious_one_is_spoken_of_and_nothing_is_lowered() {
    let mut world = World::new();
    one(&mut world, fires("a", &[("severity", "critical")]));
    one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]));
    let (first, second) = (incident(&world, 1).priority, incident(&world, 2).priority);
    assert!(first < second, "{first:?} is worse than {second:?}");
    give(&mut world, Command::Acknowledge { incident: IncidentId(1) }).expect("acknowledged");
    let done = merge(&mut world, 1, 2).expect("merged");
    let told = [Notice::IncidentMerged { incident: IncidentId(1), worse: Some(first) }, Notice::MergedInto { into: IncidentId(2) }];
    assert_eq!(notices(&done.events), told);
    assert_eq!((incident(&world, 2).priority, &incident(&world, 2).acknowledged), (second, &None), "nobody has acknowledged that one");
    let Some(Event::Merge(MergeEvent::Merged { acknowledged: Some((by, _)), .. })) = done.events.first() else { panic!("{done:?}") };
    assert_eq!(by.as_str(), "tanaka", "and its timeline says who had the other");
}

#[test]
fn what_was_merged_before_follows() {
    let mut world = two();
    let third = world.open("tanaka").0;
    merge(&mut world, 2, 1).expect("merged");
    merge(&mut world, 1, third).expect("merged");
    assert_eq!(incident(&world, third).absorbed, [IncidentId(1), IncidentId(2)]);
    for id in [1, 2] {
        assert_eq!(incident(&world, id).merged.map(|merged| merged.into), Some(IncidentId(third)), "inc_{id}");
    }
    one(&mut world, over("m"));
    assert_eq!(incident(&world, third).alerts, AlertCount { firing: 1, fired: 2 });
    agrees(&world);
}

#[test]
fn i10_alerts_that_are_split_off_have_an_incident_of_their_own() {
    let mut world = World::new();
    report(&mut world, vec![fires("a", &[]), fires("b", &[]), fires("c", &[])]);
    let mut early = fires("d", &[]);
    early.since = world.now.checked_sub(jiff::SignedDuration::from_mins(30)).ok();
    one(&mut world, early.clone());
    world.pass(60);
    let done = split(&mut world, 1, &["b", "d"]).expect("split");
    assert_eq!((done.made.as_deref(), done.case), (Some("inc_2"), Some(IncidentId(2))));
    let (old, new) = (incident(&world, 1), incident(&world, 2));
    assert_eq!((old.alerts.firing, new.alerts), (2, AlertCount { firing: 2, fired: 2 }));
    assert_eq!((Some(new.detected_at), new.opened_by.clone(), new.title.as_str()), (early.since, who("tanaka"), "ディスク"));
    assert_eq!((old.split, new.split_from), (vec![IncidentId(2)], Some(IncidentId(1))));
    // Later signals of those keys go there, in one report with others as well; new ones stay where the group is.
    report(&mut world, vec![over("b"), over("a")]);
    report(&mut world, vec![fires("a", &[]), fires("b", &[]), fires("e", &[])]);
    let of = |world: &World, key: &str| alert(world, key).incident.map(|id| id.0);
    assert_eq!(["a", "b", "c", "d", "e"].map(|key| of(&world, key)), [Some(1), Some(2), Some(1), Some(2), Some(1)]);
    assert_eq!((incident(&world, 1).alerts.firing, incident(&world, 2).alerts.firing), (3, 2));
    // An incident that a person has opened is resolved by a person.
    report(&mut world, vec![over("b"), over("d")]);
    assert!(incident(&world, 2).resolved.is_none() && incident(&world, 2).alerts.firing == 0);
    give(&mut world, Command::Resolve { incident: IncidentId(2), what: "増やした".to_owned() }).expect("resolved");
    one(&mut world, fires("b", &[]));
    assert_eq!(of(&world, "b"), Some(1), "once its own is over it is one of its group again");
    agrees(&world);
}

#[test]
fn what_cannot_be_split_says_why() {
    let mut world = two();
    one(&mut world, fires("b", &[]));
    assert_eq!(code(split(&mut world, 1, &["m"])), "incident.alert_elsewhere");
    assert_eq!(code(split(&mut world, 1, &["b", "unknown"])), "incident.alert_elsewhere");
    assert_eq!(code(split(&mut world, 1, &["a", "b"])), "incident.split_leaves_none");
    assert_eq!(code(split(&mut world, 1, &["a", "b", "a"])), "incident.split_leaves_none");
    assert_eq!(code(split(&mut world, 1, &[])), "input.text_missing");
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    assert_eq!(code(split(&mut world, 1, &many.iter().map(String::as_str).collect::<Vec<_>>())), "input.too_many");
    merge(&mut world, 2, 1).expect("merged");
    assert_eq!(code(split(&mut world, 2, &["m"])), "incident.merged");
    assert_eq!(code(split(&mut world, 1, &["m", "a", "b"])), "incident.split_leaves_none");
    // What was merged by mistake is split off again, with its service.
    let done = split(&mut world, 1, &["m"]).expect("split");
    assert_eq!(incident(&world, done.case.expect("made").0).service.as_str(), "mail");
    assert_eq!(code(split(&mut world, 1, &["a"])), "done");
    assert_eq!(code(split(&mut world, 1, &["b"])), "incident.split_leaves_none");
    agrees(&world);
}

/// Random alerts, merges and splits: counts always fit, no alert belongs to what is merged, and the tables are what the log says.
#[test]
fn a_thousand_random_nights_lose_no_alert() {
    let (mut merges, mut splits, mut ends) = (0, 0, 0);
    for seed in 1..=1_000_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut roll = |sides: u64| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
        };
        let mut world = inhibiting();
        for _ in 0..30 {
            world.pass(i64::try_from(roll(900)).expect("small"));
            let key = format!("k{}", roll(8));
            let labels: &[(&str, &str)] = match key.as_str() {
                "k0" => &[("kind", "cause")],
                "k1" => &[("kind", "follows")],
                "k2" | "k3" => &[],
                "k4" | "k5" => &[("team", "mail"), ("queue", "in")],
                _ => &[("team", "mail"), ("queue", "out")],
            };
            // Mostly of those that still burn: what is over refuses, and would be tried again and again.
            let burning: Vec<u64> = world
                .all
                .incidents
                .values()
                .flatten()
                .filter(|state| state.resolved.is_none() && state.merged.is_none())
                .map(|state| state.id.0)
                .collect();
            let mut any = || match (roll(4), burning.len() as u64) {
                (0, _) | (_, 0) => 1 + roll(6),
                (_, many) => burning[usize::try_from(roll(many)).expect("small")],
            };
            let (first, second) = (any(), any());
            let act = roll(13);
            match act {
                0..=4 => drop(one(&mut world, fires(&key, labels))),
                5 | 6 => drop(one(&mut world, over(&key))),
                7 => merges += u32::from(merge(&mut world, first, second).is_ok()),
                8 => splits += u32::from(split(&mut world, first, &[key.as_str()]).is_ok()),
                9 => drop(give(&mut world, Command::Resolve { incident: IncidentId(first), what: "直した".to_owned() })),
                10 => silence(&mut world, if key.as_str() < "k4" { "reservation" } else { "mail" }),
                11 => drop(fire(&mut world)),
                _ => recover(&mut world),
            }
            ends += wake(&mut world);
            audit(&world, seed);
        }
        agrees(&world);
    }
    println!("{merges} merges, {splits} splits, {ends} silences");
    assert!(merges > 400 && splits > 200 && ends > 1_000, "{merges} merges, {splits} splits, {ends} silences");
}

fn silence(world: &mut World, service: &str) {
    let covers = Covers { service: Some(ServiceName::known(service)), ..Covers::default() };
    let asked = crate::alert::Command::Silence { covers, from: None, minutes: 30, reason: "移行".to_owned(), public: None };
    drop(world.submit(&who("tanaka"), &command::Command::Alert(asked)));
}

fn recover(world: &mut World) {
    let monitor = crate::ids::MonitorName::known("reservation-http");
    let recover = crate::monitor::Command::Recover { monitor: monitor.clone(), seen: "200".to_owned() };
    drop(world.submit(&Actor::Monitor { monitor }, &command::Command::Monitor(recover)));
}

/// Fires the ends of silences that have come; how many steps that were.
fn wake(world: &mut World) -> u32 {
    for steps in 0..100 {
        let now = world.now;
        let due = of_workspace(&world.all.workspace).into_iter().filter(|timer| timer.due_at <= now);
        let Some(timer) = due.into_iter().find(|timer| matches!(timer.wake, Wake::SilenceEnds { .. })) else { return steps };
        world.submit(&Actor::Timer, &command::Command::Wake(timer.wake)).expect("a silence ends");
    }
    panic!("it does not come to an end");
}

/// While the cause fires, what follows calls nobody.
fn inhibiting() -> World {
    let mut world = World::new();
    let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
    let kind = |value: &str| Covers { labels: [("kind".to_owned(), OneOf::One(value.to_owned()))].into(), ..Covers::default() };
    let rule = Inhibit { when: kind("cause"), holds: kind("follows"), equal: Vec::new() };
    policy.alerts.inhibit.insert(InhibitionName::known("cause"), rule);
    assert_eq!(policy.check(), []);
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
    world
}

fn audit(world: &World, seed: u64) {
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let mut firing: BTreeMap<IncidentId, u32> = BTreeMap::new();
    for known in world.all.alerts.values().flatten().filter(|known| known.firing && known.waits.is_none()) {
        *firing.entry(world.all.home(known.incident.expect("one that fires belongs to an incident"))).or_default() += 1;
    }
    let monitors: Vec<_> = world.all.monitors.values().flatten().filter(|state| !state.healthy).collect();
    for state in world.all.incidents.values().flatten() {
        for name in &state.firing {
            let of = monitors.iter().find(|known| known.monitor == *name).and_then(|known| known.incident).map(|id| world.all.home(id));
            assert_eq!(of, Some(state.id), "seed {seed}: {name} fails elsewhere, or not at all");
        }
        // What goes on firing after its incident was resolved is raised elsewhere, and still counted where it was.
        let counted = state.resolved.is_some() || state.alerts.firing == firing.get(&state.id).copied().unwrap_or(0);
        assert!(counted, "seed {seed}: {} has {:?}, of {firing:?}", state.id, state.alerts);
        if let Some(merged) = &state.merged {
            assert!(of_incident(state, &policy).is_empty(), "seed {seed}: {} calls somebody", state.id);
            let other = world.all.incident(merged.into).expect("the other one is there");
            assert!(other.merged.is_none() && other.absorbed.contains(&state.id), "seed {seed}: {}", state.id);
        }
    }
}

#[test]
fn a_mistaken_merge_that_is_undone_gives_the_place_back() {
    let mut world = two();
    merge(&mut world, 2, 1).expect("merged");
    // The row of its group is written anew by an alert that came meanwhile.
    one(&mut world, fires("m2", &[("team", "mail"), ("queue", "in")]));
    let done = split(&mut world, 1, &["m", "m2"]).expect("split");
    assert_eq!(done.case, Some(IncidentId(3)));
    let of = |world: &World, key: &str| alert(world, key).incident.map(|id| world.all.home(id).0);
    one(&mut world, fires("m3", &[("team", "mail"), ("queue", "in")]));
    assert_eq!(of(&world, "m3"), Some(3), "a new alert of its group");
    one(&mut world, fires("a2", &[]));
    assert_eq!(of(&world, "a2"), Some(1), "the other one keeps its own");
    let place = crate::alert::route::group_of(&ServiceName::known("mail"), &crate::ids::EnvironmentName::known("production"));
    assert_eq!(world.all.group(&place).map(|group| group.incident), Some(IncidentId(3)), "monitors of that service, too");
    agrees(&world);
}

#[test]
fn of_one_service_a_split_leaves_the_group_unless_it_came_with_a_merge() {
    let mut world = World::new();
    one(&mut world, fires("m", &[("team", "mail"), ("queue", "in")]));
    one(&mut world, fires("o", &[("team", "mail"), ("queue", "out")]));
    merge(&mut world, 2, 1).expect("merged");
    one(&mut world, fires("m2", &[("team", "mail"), ("queue", "in")]));
    assert_eq!(split(&mut world, 1, &["o"]).expect("split").case, Some(IncidentId(3)));
    assert_eq!(split(&mut world, 1, &["m2"]).expect("split").case, Some(IncidentId(4)));
    one(&mut world, fires("o2", &[("team", "mail"), ("queue", "out")]));
    one(&mut world, fires("m3", &[("team", "mail"), ("queue", "in")]));
    let of = |key: &str| alert(&world, key).incident.map(|id| id.0);
    assert_eq!((of("o2"), of("m3")), (Some(3), Some(1)));
    agrees(&world);
}

#[test]
fn when_the_last_alert_that_fires_is_split_off_the_old_one_ends_as_when_it_is_over() {
    let mut world = World::new();
    report(&mut world, vec![fires("a", &[]), fires("b", &[])]);
    one(&mut world, over("a"));
    let done = split(&mut world, 1, &["b"]).expect("a is there, and is over");
    assert!(notices(&done.events).contains(&Notice::AlertsClear { resolved: true }), "{done:?}");
    let old = incident(&world, 1);
    assert_eq!(old.resolved.map(|resolved| resolved.by), Some(who("tanaka")), "by the one who has split it");
    assert!(old.postmortem.is_some_and(|known| known.owed.is_some()), "and it owes what any other does");
    assert_eq!(incident(&world, 2).alerts.firing, 1);
    agrees(&world);
    // Not what a monitor keeps burning, and not what a person has opened.
    let mut world = World::new();
    fire(&mut world).expect("opened");
    one(&mut world, fires("a", &[]));
    one(&mut world, fires("b", &[]));
    one(&mut world, over("a"));
    let done = split(&mut world, 1, &["b"]).expect("split");
    assert!(
        incident(&world, 1).resolved.is_none() && !notices(&done.events).iter().any(|notice| matches!(notice, Notice::AlertsClear { .. }))
    );
}

#[test]
fn what_lives_without_alerts_gives_up_its_only_one() {
    let mut world = World::new();
    let opened_by_hand = world.open("tanaka");
    one(&mut world, fires("a", &[]));
    assert_eq!(alert(&world, "a").incident, Some(opened_by_hand));
    split(&mut world, opened_by_hand.0, &["a"]).expect("a person keeps the old one");
    assert!(incident(&world, opened_by_hand.0).resolved.is_none());
    let mut world = World::new();
    one(&mut world, fires("a", &[]));
    fire(&mut world).expect("joins");
    split(&mut world, 1, &["a"]).expect("the monitor keeps the old one");
    assert_eq!((incident(&world, 1).alerts.firing, incident(&world, 1).firing.len()), (0, 1));
}

#[test]
fn whoever_had_the_one_that_ends_is_told_and_so_is_its_own_thread() {
    let mut world = two();
    let give = |world: &mut World, by: &str, command: Command| world.submit(&who(by), &command::Command::Incident(command)).expect("taken");
    give(&mut world, "ito", Command::Acknowledge { incident: IncidentId(2) });
    let scribe = Some(PersonId::known("suzuki"));
    give(&mut world, "ito", Command::Assign { incident: IncidentId(2), duty: Duty::Scribe, person: scribe });
    give(&mut world, "sato", Command::Acknowledge { incident: IncidentId(1) });
    let done = merge(&mut world, 2, 1).expect("merged");
    let posts: Vec<_> = done.events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(post) } else { None }).collect();
    let called = |of: u64| {
        let post = posts.iter().find(|post| post.incident == Some(IncidentId(of))).expect("announced");
        post.people.iter().map(PersonId::as_str).collect::<Vec<_>>()
    };
    assert_eq!((called(1), called(2)), (vec!["ito", "sato", "suzuki"], vec!["ito", "suzuki"]));
}

#[test]
fn what_was_split_off_and_waits_under_a_silence_comes_back_to_its_own_incident() {
    let mut world = World::new();
    report(&mut world, vec![fires("a", &[]), fires("b", &[])]);
    split(&mut world, 1, &["b"]).expect("split");
    one(&mut world, over("b"));
    silence(&mut world, "reservation");
    one(&mut world, fires("b", &[]));
    assert!(alert(&world, "b").waits.is_some());
    world.pass(30 * 60);
    wake(&mut world);
    assert_eq!(alert(&world, "b").incident, Some(IncidentId(2)));
    agrees(&world);
}
