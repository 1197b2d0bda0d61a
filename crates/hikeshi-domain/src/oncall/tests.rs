//! Who is on call when: rotations, layers, holidays, clocks that change, overrides.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::command;
use crate::decide::Decision;
use crate::event::Event;
use crate::ids::IncidentId;
use crate::incident::WhyEscalated;
use crate::people::Actor;
use crate::policy::{EscalationStep, Policy, Schedule};
use crate::refusal::Refusal;
use crate::testing::{World, policy, who};
use crate::timer::Wake;

fn name(text: &str) -> ScheduleName {
    ScheduleName::new(text).expect("a name")
}

fn person(text: &str) -> PersonId {
    PersonId::new(text).expect("a handle")
}

/// The test policy with one schedule.
fn with(schedule: &str) -> Policy {
    let mut policy = policy();
    let schedule: Schedule = serde_json::from_str(schedule).expect("a schedule");
    policy.schedules.insert(name("primary"), schedule);
    assert_eq!(policy.check(), Vec::new());
    policy
}

/// A local time of this zone.
fn at(zone: &str, text: &str) -> Timestamp {
    let local: jiff::civil::DateTime = text.parse().expect("a local time");
    TimeZone::get(zone).expect("a zone").to_timestamp(local).expect("a time")
}

fn tokyo(text: &str) -> Timestamp {
    at("Asia/Tokyo", text)
}

fn shown(policy: &Policy, from: Timestamp, until: Timestamp, zone: &str) -> Vec<String> {
    let overrides = BTreeMap::new();
    let roster = Roster { policy, overrides: &overrides };
    let zone = TimeZone::get(zone).expect("a zone");
    let local = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%m-%d %H:%M").to_string();
    let shifts = roster.shifts(&name("primary"), from, until);
    for pair in shifts.windows(2) {
        assert_eq!(pair[0].until, pair[1].from, "no hole and no overlap");
    }
    for shift in &shifts {
        assert_eq!(roster.on_call(&name("primary"), shift.from), shift.person, "the table and the moment agree");
        let last = shift.until.saturating_sub(SignedDuration::from_nanos(1)).expect("a time");
        assert_eq!(roster.on_call(&name("primary"), last), shift.person);
    }
    let who = |shift: &Shift| shift.person.as_ref().map_or("-".to_owned(), ToString::to_string);
    shifts.iter().map(|shift| format!("{} {}", local(shift.from), who(shift))).collect()
}

const WEEKLY: &str = r#"{"name": "一次", "layers": [
    {"people": ["tanaka", "sato", "ito"], "handover": "monday", "at": "09:00", "starts": "2026-04-01"}]}"#;

#[test]
fn i4_a_week_each_from_the_first_handover_on() {
    let table = shown(&with(WEEKLY), tokyo("2026-04-01T00:00"), tokyo("2026-04-28T00:00"), "Asia/Tokyo");
    assert_eq!(table, ["04-01 00:00 -", "04-06 09:00 tanaka", "04-13 09:00 sato", "04-20 09:00 ito", "04-27 09:00 tanaka"]);
}

#[test]
fn i4_two_days_each_and_the_handover_belongs_to_whoever_comes() {
    let daily = r#"{"name": "一次", "layers": [
        {"people": ["tanaka", "sato"], "handover": "daily", "at": "18:30", "every": 2, "starts": "2026-04-01"}]}"#;
    let policy = with(daily);
    let table = shown(&policy, tokyo("2026-04-01T18:29"), tokyo("2026-04-06T00:00"), "Asia/Tokyo");
    assert_eq!(table, ["04-01 18:29 -", "04-01 18:30 tanaka", "04-03 18:30 sato", "04-05 18:30 tanaka"]);
}

#[test]
fn i4_the_last_layer_that_covers_a_moment_counts() {
    // By day the developers, in turn; nights, weekends and holidays one who sleeps beside the telephone.
    let layered = r#"{"name": "一次", "layers": [
        {"people": ["ito"], "handover": "daily", "starts": "2026-01-01"},
        {"people": ["tanaka", "sato"], "handover": "daily", "at": "09:00", "starts": "2026-04-27", "days": "workdays",
         "hours": {"from": "09:00", "until": "18:00"}}]}"#;
    let table = shown(&with(layered), tokyo("2026-04-28T00:00"), tokyo("2026-05-08T00:00"), "Asia/Tokyo");
    assert_eq!(
        table,
        [
            "04-28 00:00 ito",
            "04-28 09:00 sato",
            "04-28 18:00 ito",
            // 04-29 is 昭和の日; the rotation has gone on meanwhile.
            "04-30 09:00 sato",
            "04-30 18:00 ito",
            "05-01 09:00 tanaka",
            "05-01 18:00 ito",
            // A weekend, three holidays, and 05-06 for the one that fell on a Sunday.
            "05-07 09:00 tanaka",
            "05-07 18:00 ito",
        ]
    );
}

#[test]
fn i4_a_night_belongs_to_the_day_on_which_it_begins() {
    let nights = r#"{"name": "夜間", "layers": [
        {"people": ["tanaka"], "handover": "daily", "starts": "2026-01-01", "days": "workdays", "hours": {"from": "22:00", "until": "06:00"}}]}"#;
    let table = shown(&with(nights), tokyo("2026-11-19T12:00"), tokyo("2026-11-25T00:00"), "Asia/Tokyo");
    // 11-20 is a Friday, 11-23 a holiday.
    assert_eq!(
        table,
        ["11-19 12:00 -", "11-19 22:00 tanaka", "11-20 06:00 -", "11-20 22:00 tanaka", "11-21 06:00 -", "11-24 22:00 tanaka"]
    );
}

#[test]
fn i4_nine_in_the_morning_stays_nine_when_the_clocks_change() {
    let new_york = r#"{"name": "US", "time_zone": "America/New_York", "holidays": "none", "layers": [
        {"people": ["tanaka", "sato"], "handover": "daily", "at": "09:00", "starts": "2026-03-01"},
        {"people": ["ito"], "handover": "daily", "starts": "2026-03-01", "days": "days_off", "hours": {"from": "01:00", "until": "02:30"}}]}"#;
    let policy = with(new_york);
    let table = shown(&policy, at("America/New_York", "2026-03-07T00:00"), at("America/New_York", "2026-03-09T12:00"), "America/New_York");
    // 02:30 of 03-08 does not exist: the clocks go from 02:00 to 03:00, and what would end then ends half an hour after that.
    assert_eq!(
        table,
        [
            "03-07 00:00 sato",
            "03-07 01:00 ito",
            "03-07 02:30 sato",
            "03-07 09:00 tanaka",
            "03-08 01:00 ito",
            "03-08 03:30 tanaka",
            "03-08 09:00 sato",
            "03-09 09:00 tanaka",
        ]
    );
    let roster = Roster { policy: &policy, overrides: &BTreeMap::new() };
    let shifts = roster.shifts(&name("primary"), at("America/New_York", "2026-10-31T09:00"), at("America/New_York", "2026-11-02T09:00"));
    let minutes: Vec<i64> = shifts.iter().map(|shift| shift.until.duration_since(shift.from).as_mins()).collect();
    // From 01:00 until 02:30 it is an hour more.
    assert_eq!(minutes, [16 * 60, 150, 6 * 60 + 30, 24 * 60], "the night in which an hour comes twice is longer");
}

#[test]
fn the_end_of_the_calendar_is_an_end() {
    let far = r#"{"name": "遠く", "time_zone": "Pacific/Kiritimati", "layers": [
        {"people": ["tanaka", "sato"], "handover": "daily", "starts": "2026-01-01"},
        {"people": ["ito"], "handover": "daily", "starts": "2026-01-01", "days": "days_off"}]}"#;
    let policy = with(far);
    let roster = Roster { policy: &policy, overrides: &BTreeMap::new() };
    let day = SignedDuration::from_hours(24);
    assert!(roster.shifts(&name("primary"), Timestamp::MAX.saturating_sub(day).expect("a time"), Timestamp::MAX).len() <= 3);
    let nobody = roster.shifts(&name("primary"), Timestamp::MIN, Timestamp::MIN.saturating_add(day).expect("a time"));
    assert!(nobody.iter().all(|shift| shift.person.is_none()), "nobody was on call before the first turn");
}

#[test]
fn the_law_makes_these_days_holidays() {
    let of = |year: i16| {
        let first = jiff::civil::date(year, 1, 1);
        let days = first.series(jiff::Span::new().days(1)).take_while(|day| day.year() == year);
        days.filter(|day| super::holidays::is_holiday(*day)).map(|day| day.strftime("%m%d").to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(2020), "0101 0113 0211 0223 0224 0320 0429 0503 0504 0505 0506 0723 0724 0810 0921 0922 1103 1123");
    assert_eq!(of(2021), "0101 0111 0211 0223 0320 0429 0503 0504 0505 0722 0723 0808 0809 0920 0923 1103 1123");
    // 2026 has a 国民の休日 between 敬老の日 and 秋分の日.
    assert_eq!(of(2026), "0101 0112 0211 0223 0320 0429 0503 0504 0505 0506 0720 0811 0921 0922 0923 1012 1103 1123");
}

/// A world whose first step calls whoever is on call, and whose second one calls the lead.
fn world(schedule: &str) -> World {
    let mut world = World::new();
    let mut policy = with(schedule);
    let step = |after_min, people: &[&str], schedules: &[&str]| EscalationStep {
        after_min,
        roles: Vec::new(),
        people: people.iter().map(|person| crate::ids::PersonId::known(person)).collect(),
        schedules: schedules.iter().map(|schedule| name(schedule)).collect(),
    };
    policy.incident.escalation = vec![step(0, &[], &["primary"]), step(15, &["mori"], &[])];
    policy.incident.serious_at_once = Vec::new();
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(Arc::new(policy));
    world
}

/// Whom each step has called, and why.
fn called(world: &World) -> Vec<(u32, Vec<String>, WhyEscalated)> {
    let events =
        world.log.iter().filter_map(|(_, _, event)| if let Event::IncidentEscalated(called) = event { Some(called) } else { None });
    events.map(|called| (called.step, called.to.iter().map(ToString::to_string).collect(), called.why.clone())).collect()
}

fn open_at(world: &mut World, moment: Timestamp) -> IncidentId {
    world.now = moment;
    world.open("takahashi")
}

fn give(world: &mut World, by: &str, command: Command) -> Result<Decision, Refusal> {
    world.submit(&who(by), &command::Command::Oncall(command))
}

fn cover(who: &str, from: &str, until: &str) -> Cover {
    Cover { schedule: name("primary"), person: person(who), from: tokyo(from), until: tokyo(until) }
}

fn over(covers: Vec<Cover>) -> Command {
    Command::Override { covers, reason: "通院".to_owned() }
}

#[test]
fn i4_a_step_calls_whoever_is_on_call_at_its_moment() {
    let at_opening = || WhyEscalated::Unanswered { minutes: 0 };
    for (moment, on_call) in [("2026-11-23T08:59:59", "ito"), ("2026-11-23T09:00", "tanaka"), ("2026-11-30T09:00", "sato")] {
        let mut world = world(WEEKLY);
        open_at(&mut world, tokyo(moment));
        assert_eq!(called(&world), [(1, vec![on_call.to_owned()], at_opening())], "{moment}");
    }
    // The handover is between the first round and the second one.
    let mut world = world(WEEKLY);
    let incident = open_at(&mut world, tokyo("2026-11-23T08:30"));
    for minutes in [15, 30] {
        world.pass(minutes * 60);
        world.submit(&Actor::Timer, &command::Command::Wake(Wake::Escalate { incident })).expect("it is due");
    }
    let people: Vec<Vec<String>> = called(&world).into_iter().map(|(_, to, _)| to).collect();
    assert_eq!(people, [["ito"], ["mori"], ["tanaka"]]);
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn i4_a_gap_is_on_record_and_the_next_step_comes_at_once() {
    let by_day = r#"{"name": "日中", "layers": [
        {"people": ["tanaka"], "handover": "daily", "starts": "2026-01-01", "hours": {"from": "09:00", "until": "18:00"}}]}"#;
    let mut world = world(by_day);
    let incident = open_at(&mut world, tokyo("2026-11-24T18:00"));
    assert_eq!(
        called(&world),
        [(1, vec![], WhyEscalated::Unanswered { minutes: 0 }), (2, vec!["mori".to_owned()], WhyEscalated::NobodyOnCall)]
    );
    let gaps =
        world.log.iter().filter(|(_, _, event)| matches!(event, Event::IncidentEscalated(called) if called.gaps == [name("primary")]));
    assert_eq!(gaps.count(), 1);
    assert_eq!(world.all.incident(incident).expect("open").escalated_steps, 2);

    // A schedule alone, with nobody: one round at once, and not all of them.
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.incident.escalation.truncate(1);
    let mut world = World::new();
    world.all.workspace.policy = Some(Arc::new(policy));
    let incident = open_at(&mut world, tokyo("2026-11-24T18:00"));
    assert_eq!(world.all.incident(incident).expect("open").escalated_steps, 1);
    world.now = tokyo("2026-11-25T09:00");
    world.submit(&Actor::Timer, &command::Command::Wake(Wake::Escalate { incident })).expect("the next round");
    assert_eq!(called(&world).last().map(|(_, to, _)| to.clone()), Some(vec!["tanaka".to_owned()]), "by then somebody is on call");
}

#[test]
fn i4_whoever_takes_over_is_called_and_only_then() {
    let mut world = world(WEEKLY);
    world.now = tokyo("2026-11-24T12:00");
    let made = give(&mut world, "takahashi", over(vec![cover("takahashi", "2026-11-24T18:00", "2026-11-25T09:00")])).expect("taken over");
    assert_eq!(made.made.as_deref(), Some("ovr_1"));
    for (moment, on_call) in [
        ("2026-11-24T17:59", "tanaka"),
        ("2026-11-24T18:00", "takahashi"),
        ("2026-11-25T08:59", "takahashi"),
        ("2026-11-25T09:00", "tanaka"),
    ] {
        let roster = world.all.roster(world.all.policy().expect("a policy"));
        assert_eq!(roster.on_call(&name("primary"), tokyo(moment)), Some(person(on_call)), "{moment}");
    }
    open_at(&mut world, tokyo("2026-11-24T20:00"));
    assert_eq!(called(&world).first().map(|(_, to, _)| to.clone()), Some(vec!["takahashi".to_owned()]));
    // Given back in the middle of it: what was, was.
    give(&mut world, "takahashi", Command::Cancel { id: OverrideId(1), reason: "戻った".to_owned() }).expect("given back");
    let roster = world.all.roster(world.all.policy().expect("a policy"));
    assert_eq!(roster.on_call(&name("primary"), tokyo("2026-11-24T19:00")), Some(person("takahashi")));
    assert_eq!(roster.on_call(&name("primary"), tokyo("2026-11-24T20:00")), Some(person("tanaka")));
    assert_eq!(
        give(&mut world, "takahashi", Command::Cancel { id: OverrideId(1), reason: "もう一度".to_owned() }),
        Err(Refusal::CoverOver { id: OverrideId(1) })
    );
    assert_eq!(world.all.workspace.overrides, world.rebuilt().workspace.overrides);
    assert_eq!(world.all.workspace.counters, world.rebuilt().workspace.counters);
}

#[test]
fn i4_a_swap_is_two_in_one_and_all_or_nothing() {
    let mut world = world(WEEKLY);
    world.now = tokyo("2026-11-24T12:00");
    let swap = vec![cover("ito", "2026-11-30T09:00", "2026-12-07T09:00"), cover("sato", "2026-12-07T09:00", "2026-12-14T09:00")];
    let refused = Refusal::CoverOfOthers {
        person: person("ito"),
        roles: world.all.policy().expect("a policy").schedules[&name("primary")].managed_by.clone(),
    };
    assert_eq!(give(&mut world, "tanaka", over(swap.clone())), Err(refused), "for oneself only");
    assert!(world.all.workspace.overrides.is_empty());
    give(&mut world, "abe", over(swap)).expect("a manager may");
    let roster = world.all.roster(world.all.policy().expect("a policy"));
    let shifts = roster.shifts(&name("primary"), tokyo("2026-11-30T09:00"), tokyo("2026-12-14T09:00"));
    let people: Vec<&str> = shifts.iter().filter_map(|shift| shift.person.as_ref().map(PersonId::as_str)).collect();
    assert_eq!(people, ["ito", "sato"]);
    let told = world.log.iter().filter(|(_, _, event)| matches!(event, Event::Posted { post } if post.people.len() == 1)).count();
    assert_eq!(told, 2, "whoever was put on call by somebody else is told");
}

#[test]
fn i4_an_override_that_means_nothing_is_refused() {
    let mut world = world(WEEKLY);
    world.now = tokyo("2026-11-24T12:00");
    let mut ask = |covers| give(&mut world, "tanaka", over(covers)).map(drop);
    let (from, until) = (tokyo("2026-11-26T09:00"), tokyo("2026-11-25T09:00"));
    assert_eq!(ask(vec![cover("tanaka", "2026-11-26T09:00", "2026-11-25T09:00")]), Err(Refusal::CoverBackwards { from, until }));
    assert_eq!(ask(vec![cover("tanaka", "2026-11-23T09:00", "2026-11-24T12:00")]), Err(Refusal::TimeInPast { field: "until".to_owned() }));
    assert_eq!(ask(vec![cover("tanaka", "2026-11-25T09:00", "2027-11-26T09:00")]), Err(Refusal::CoverTooFar { days_max: 366 }));
    assert_eq!(ask(Vec::new()), Err(Refusal::TextMissing { field: "covers".to_owned() }));
    let unknown = Cover { schedule: name("primari"), ..cover("tanaka", "2026-11-25T09:00", "2026-11-26T09:00") };
    let nearest = Some("primary".to_owned());
    assert_eq!(ask(vec![unknown]), Err(Refusal::NotInPolicy { what: "schedule".to_owned(), given: "primari".to_owned(), nearest }));
    // What has been is not rewritten: it begins now.
    ask(vec![cover("tanaka", "2026-11-20T09:00", "2026-11-24T13:00")]).expect("from now on");
    assert_eq!(world.all.workspace.overrides[&OverrideId(1)].from, tokyo("2026-11-24T12:00"));
}

#[test]
fn old_overrides_go_and_new_ones_are_bounded() {
    let mut world = world(WEEKLY);
    world.now = tokyo("2026-11-24T12:00");
    for _ in 0..OVERRIDES_MAX / COVERS_MAX {
        let ten = vec![cover("tanaka", "2026-11-24T12:00", "2026-11-25T09:00"); usize::try_from(COVERS_MAX).expect("small")];
        give(&mut world, "tanaka", over(ten)).expect("taken over");
    }
    let one = || over(vec![cover("tanaka", "2026-11-24T12:00", "2027-01-25T09:00")]);
    let refused = Refusal::TooMany { field: "overrides".to_owned(), max: 200, given: 201 };
    assert_eq!(give(&mut world, "tanaka", one()), Err(refused));
    world.now = tokyo("2026-12-31T12:00");
    give(&mut world, "tanaka", one()).expect("the old ones are over");
    assert_eq!(world.all.workspace.overrides.len(), 1, "and forgotten");
    assert_eq!(world.all.workspace.overrides, world.rebuilt().workspace.overrides);
}

#[test]
fn a_schedule_that_cannot_be_meant_is_a_flaw() {
    let check = |schedule: &str| {
        let mut policy = policy();
        policy.schedules.insert(name("primary"), serde_json::from_str(schedule).expect("a schedule"));
        policy.check().into_iter().map(|flaw| flaw.at.join(".")).collect::<Vec<_>>()
    };
    let layer = |rest: &str| format!(r#"{{"name": "x", "layers": [{{"handover": "daily", "starts": "2026-01-01", {rest}}}]}}"#);
    assert_eq!(
        check(r#"{"name": " ", "time_zone": "Asia/Tokio", "layers": []}"#),
        ["schedules.primary.name", "schedules.primary.time_zone", "schedules.primary.layers"]
    );
    assert_eq!(check(&layer(r#""people": []"#)), ["schedules.primary.layers.0.people"]);
    assert_eq!(check(&layer(r#""people": ["tanaka", "nobody"]"#)), ["schedules.primary.layers.0.people.1"]);
    assert_eq!(check(&layer(r#""people": ["tanaka"], "every": 0"#)), ["schedules.primary.layers.0.every"]);
    assert_eq!(
        check(&layer(r#""people": ["tanaka"], "hours": {"from": "09:00", "until": "09:00"}"#)),
        ["schedules.primary.layers.0.hours"]
    );
    let mut policy = with(WEEKLY);
    policy.incident.escalation[0].schedules = vec![name("primari")];
    assert_eq!(policy.check()[0].at.join("."), "incident.escalation.0.schedules.0");
    for bad in ["9:00", "24:00", "09:60", "0900", "09:00:00"] {
        assert!(serde_json::from_str::<crate::policy::LocalTime>(&format!("\"{bad}\"")).is_err(), "{bad}");
    }
}
