//! Months, sums and findings, one by one. Entries are made from what the test world was told, as the door would make them.

mod measures;
mod owed;
mod signs;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::command;
use crate::emergency;
use crate::event::Event;
use crate::ids::{ObligationId, RequestKey};
use crate::ledger::{Entry, EntryResult};
use crate::obligation::{self, Kind};
use crate::people::{Actor, Via};
use crate::policy::Reviews;
use crate::refusal::Refusal;
use crate::testing::{World, who};
use crate::timer::{Wake, of_workspace};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// Entries as the door would make them: here one per event.
fn entries(world: &World) -> Vec<Entry> {
    let entry = |(seq, (at, actor, event)): (u64, &(Timestamp, Actor, Event))| Entry {
        v: Entry::VERSION,
        seq,
        at: *at,
        actor: actor.clone(),
        via: Via::Inside,
        key: RequestKey::of(&[&seq.to_string()]),
        kind: String::new(),
        case: None,
        prev: Digest::of(b""),
        result: EntryResult::Done { events: vec![event.clone()], effects: Vec::new(), settles: None, made: None },
    };
    (0..).zip(&world.log).map(entry).collect()
}

fn as_of(world: &World) -> AsOf {
    AsOf { size: u64::try_from(world.log.len()).expect("small"), at: world.now }
}

fn folded(entries: &[Entry], as_of: AsOf) -> Vec<Use> {
    let mut fold = Uses::default();
    entries.iter().for_each(|entry| fold.add(entry));
    fold.list(as_of)
}

fn report(world: &World, period: &str) -> Report {
    let (policy, as_of) = (world.all.workspace.policy.clone().expect("a policy"), as_of(world));
    let period: Period = period.parse().expect("a period");
    let mut measured = Measured::of_policy(&policy);
    entries(world).iter().for_each(|entry| measured.add(entry));
    Report::new(period, &policy, as_of, &folded(&entries(world), as_of), measured.of(period, as_of.at))
}

fn request(world: &mut World) -> EmergencyId {
    let incident = world.open("tanaka");
    let request = emergency::Command::Request { incident, conditions: crate::testing::conditions(), plan: crate::testing::plan() };
    world.give("tanaka", request).expect("requested").made.expect("an id").parse().expect("an id")
}

/// Requested, approved by as many as are needed, watched and backed up.
fn executing(world: &mut World) -> EmergencyId {
    let id = request(world);
    let digest = world.emergency(id).digest;
    // While earlier follow-up is overdue both roles must agree (rule E14).
    let approvers: &[&str] = if world.emergency(id).requirement.every_role { &["sato", "mori"] } else { &["sato"] };
    for by in approvers {
        world.give(by, emergency::Command::Approve { emergency: id, digest, judgement: "要".to_owned() }).expect("approved");
    }
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, emergency::Command::Join { emergency: id }).expect("joined");
    }
    world.give("tanaka", emergency::Command::Start { emergency: id }).expect("started");
    let key = world.queued.last().expect("a backup is ordered").key.clone();
    world.end(&key, crate::effect::Outcome::BackupTaken { backup: crate::testing::backup() }).expect("backed up");
    id
}

/// A whole use, closed after ten seconds.
fn used(world: &mut World) -> EmergencyId {
    let id = executing(world);
    world.pass(10);
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, true);
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    id
}

fn to(world: &mut World, time: &str) {
    let time = at(time);
    assert!(time >= world.now, "time does not go back");
    world.now = time;
}

fn searched(world: &World, id: EmergencyId) -> Vec<Finding> {
    let all = folded(&entries(world), as_of(world));
    let found = all.iter().find(|found| found.emergency == id).expect("a use");
    find(found, &all, &Reviews::default(), as_of(world))
}

fn names(findings: &[Finding]) -> Vec<FindingName> {
    findings.iter().map(|finding| finding.kind.name()).collect()
}

#[test]
fn a_month_begins_at_midnight_of_the_workspace_also_where_clocks_change() {
    for (given, place, begins, ends) in [
        ("2026-11", "Asia/Tokyo", "2026-10-31T15:00:00Z", "2026-11-30T15:00:00Z"),
        ("2028-02", "Asia/Tokyo", "2028-01-31T15:00:00Z", "2028-02-29T15:00:00Z"),
        ("2026-02", "UTC", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-03", "America/New_York", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
        ("2026-11", "America/New_York", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
        ("2026-12", "Asia/Tokyo", "2026-11-30T15:00:00Z", "2026-12-31T15:00:00Z"),
        ("2026-Q4", "Asia/Tokyo", "2026-09-30T15:00:00Z", "2026-12-31T15:00:00Z"),
        ("2026-Q1", "America/New_York", "2026-01-01T05:00:00Z", "2026-04-01T04:00:00Z"),
    ] {
        let (period, zone): (Period, TimeZone) = (given.parse().expect("a period"), zone(place));
        assert_eq!((period.begins(&zone), period.ends(&zone)), (at(begins), at(ends)), "{given} in {place}");
        assert_eq!(period.to_string(), given);
    }
    // On 1 October 2017 Asunción had no midnight: the month begins an hour later, and no moment is lost.
    let asuncion = zone("America/Asuncion");
    let begins = month("2017-10").begins(&asuncion);
    assert_eq!(begins, at("2017-10-01T04:00:00Z"));
    let before = begins.checked_sub(SignedDuration::from_millis(1)).expect("a time");
    assert_eq!((Month::of(before, &asuncion), Month::of(begins, &asuncion)), (month("2017-09"), month("2017-10")));
}

#[test]
fn only_months_and_quarters_are_taken() {
    for bad in [
        "",
        "2026",
        "2026-0",
        "2026-13",
        "2026-00",
        "26-11",
        "2026-Q5",
        "2026-Q0",
        "2026-Q",
        "2026-1",
        "0001-01",
        "2026-11-01",
        "２０２６-11",
    ] {
        assert!(bad.parse::<Period>().is_err(), "{bad}");
    }
    assert_eq!("2026-q4".parse::<Period>().map(|period| period.to_string()), Ok("2026-Q4".to_owned()));
}

#[test]
fn each_month_of_many_years_ends_where_the_next_begins() {
    for place in ["Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe"] {
        let zone = zone(place);
        let mut month = month("2019-12");
        for _ in 0..120 {
            let next = month.next();
            assert_eq!(Period::Month(month).ends(&zone), Period::Month(next).begins(&zone));
            assert_eq!(Month::of(next.begins(&zone), &zone), next);
            assert_eq!(next.previous(), month);
            assert!(month.quarter().months().contains(&month));
            month = next;
        }
    }
}

#[test]
fn e13_a_use_belongs_to_the_month_of_its_request_there() {
    let mut world = World::new();
    to(&mut world, "2026-11-30T14:59:59.999Z");
    request(&mut world);
    to(&mut world, "2026-11-30T15:00:00Z");
    request(&mut world);
    let (november, december) = (report(&world, "2026-11"), report(&world, "2026-12"));
    assert_eq!((november.uses, december.uses), (1, 1), "midnight in Tokyo parts them");
    assert_eq!((november.cases.len(), december.cases.len(), december.uses_before), (1, 1, 1));
}

/// Uses over two quarters, at fixed places that include both sides of month borders.
fn busy() -> World {
    let mut world = World::new();
    for time in [
        "2026-11-30T14:59:00Z",
        "2026-11-30T15:00:00Z",
        "2026-12-10T01:00:00Z",
        "2026-12-31T14:59:59Z",
        "2026-12-31T15:00:10Z",
        "2027-01-05T00:00:00Z",
        "2027-02-28T14:59:59Z",
        "2027-02-28T15:00:10Z",
        "2027-03-31T14:59:00Z",
    ] {
        to(&mut world, time);
        used(&mut world);
    }
    world.pass(60 * 24 * 3600);
    world
}

#[test]
fn the_months_sum_up_to_their_quarter() {
    let world = busy();
    for quarter in ["2026-Q4", "2027-Q1", "2027-Q2"] {
        let whole = report(&world, quarter);
        let months: Vec<Report> = whole.period.months().into_iter().map(|month| report(&world, &month.to_string())).collect();
        let sum = |of: fn(&Report) -> u64| months.iter().map(of).sum::<u64>();
        let figures: [fn(&Report) -> u64; 9] = [
            |report| report.uses,
            |report| report.requested,
            |report| report.carried_out,
            |report| report.approval.count,
            |report| report.close.count,
            |report| report.follow_up.iter().map(|row| row.raised).sum(),
            |report| report.follow_up.iter().map(|row| row.overdue).sum(),
            |report| u64::try_from(report.cases.len()).expect("small"),
            |report| u64::try_from(report.found.len()).expect("small"),
        ];
        for (number, of) in figures.into_iter().enumerate() {
            assert_eq!(sum(of), of(&whole), "{quarter}, figure {number}");
        }
        assert_eq!(months.iter().map(|month| month.close.total_s).sum::<i64>(), whole.close.total_s);
        let counted: u64 = whole.months.iter().filter(|row| whole.period.months().contains(&row.month)).map(|row| row.uses).sum();
        assert_eq!(counted, whole.uses, "the compared months and the report count alike");
    }
    assert_eq!(report(&world, "2026-Q4").uses, 4);
    assert_eq!(report(&world, "2027-Q1").uses, 5);
    assert!(report(&world, "2027-Q1").follow_up.iter().any(|row| row.overdue > 0), "nobody has done it in two months");
}

#[test]
fn a_month_without_uses_has_its_report() {
    let world = busy();
    let empty = report(&world, "2027-04");
    assert_eq!((empty.requested, empty.uses, empty.uses_before), (0, 0, 2));
    assert_eq!((empty.approval.median_s, empty.cases.len()), (None, 0));
}

#[test]
fn the_same_entries_give_the_same_numbers_and_fewer_entries_the_numbers_of_then() {
    let mut world = World::new();
    used(&mut world);
    let (then, before) = (as_of(&world), report(&world, "2026-11"));
    // In the same moment: what was known then goes by the number of entries, not by the time.
    used(&mut world);
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let prefix: Vec<Entry> = entries(&world).into_iter().filter(|entry| entry.seq < then.size).collect();
    let mut measured = Measured::of_policy(&policy);
    prefix.iter().for_each(|entry| measured.add(entry));
    let again = Report::new(before.period, &policy, then, &folded(&prefix, then), measured.of(before.period, then.at));
    assert_eq!(again.digest(), before.digest());
    assert_ne!(report(&world, "2026-11").digest(), before.digest());
}

#[test]
fn e15_what_was_declined_is_no_use_and_is_told() {
    let mut world = World::new();
    let id = request(&mut world);
    assert_eq!(report(&world, "2026-11").uses, 1, "while it waits it counts");
    world.give("sato", emergency::Command::Decline { emergency: id, reason: "待てる".to_owned() }).expect("declined");
    let after = report(&world, "2026-11");
    assert_eq!((after.requested, after.uses, after.declined), (1, 0, 1));
    assert_eq!(after.months.last().map(|row| (row.requested, row.uses)), Some((1, 0)));
}

#[test]
fn times_and_witnesses_are_counted() {
    let mut world = World::new();
    let id = executing(&mut world);
    world.pass(10);
    world.run_step(id, 1, 0, Vec::new());
    world.verify(id, false);
    world.verify(id, true);
    world.give("tanaka", emergency::Command::Close { emergency: id }).expect("closed");
    let report = report(&world, "2026-11");
    assert_eq!((report.close.median_s, report.approval.longest_s), (Some(10), Some(0)));
    assert_eq!(report.verifications_failed, 2, "both aspects");
    assert_eq!(report.witnesses.iter().map(|(_, times)| *times).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn e13_a_second_use_for_the_same_cause_is_a_finding_that_names_both_requests() {
    let mut world = World::new();
    let first = used(&mut world);
    assert_eq!(searched(&world, first), Vec::new());
    world.pass(89 * 24 * 3600);
    let second = used(&mut world);
    let findings = searched(&world, second);
    assert_eq!(names(&findings), [FindingName::Repeated]);
    let requests: Vec<u64> =
        (0..).zip(&world.log).filter(|(_, (_, _, event))| matches!(event, Event::EmergencyRequested { .. })).map(|(seq, _)| seq).collect();
    assert_eq!(findings[0].entries, requests);
    world.pass(91 * 24 * 3600);
    let third = used(&mut world);
    assert_eq!(searched(&world, third), Vec::new(), "after the policy's days it is no repetition");
}

#[test]
fn likeness_goes_by_words_not_by_signs() {
    assert_eq!(likeness("接続プールの設定が 0 になった。", "接続プールの設定が０になった"), 100);
    assert!(likeness("接続プールの設定が0になった", "接続プールの設定がまた0になっていた") >= 60);
    assert!(likeness("接続プールの設定が0になった", "証明書の期限が切れていた") < 30);
    assert_eq!((likeness("", ""), likeness("DB", "db"), likeness("DB", "CI")), (0, 100, 0));
}

#[test]
fn e13_what_could_wait_is_a_finding() {
    let mut world = World::new();
    let mut policy = (*world.all.workspace.policy.clone().expect("a policy")).clone();
    policy.emergency.approval_valid_min = 3 * 24 * 60;
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
    let id = request(&mut world);
    let digest = world.emergency(id).digest;
    world.give("sato", emergency::Command::Approve { emergency: id, digest, judgement: "要".to_owned() }).expect("approved");
    world.pass(25 * 3600);
    for witness in ["suzuki", "takahashi"] {
        world.give(witness, emergency::Command::Join { emergency: id }).expect("joined");
    }
    world.give("tanaka", emergency::Command::Start { emergency: id }).expect("started");
    let findings = searched(&world, id);
    assert_eq!(findings.iter().map(|finding| &finding.kind).collect::<Vec<_>>(), [&FindingKind::Waited { hours: 25, limit_h: 24 }]);
    assert_eq!(findings[0].entries.len(), 3, "request, approval, start");
    world.pass(25 * 3600);
    assert_eq!(names(&searched(&world, id)), [FindingName::Waited, FindingName::LeftOpen]);
}

/// Entries of refused commands, behind those of a world.
struct Tried {
    all: Vec<Entry>,
}

impl Tried {
    fn refuse(&mut self, by: &str, refusal: Refusal, asked: serde_json::Value) -> u64 {
        let seq = u64::try_from(self.all.len()).expect("small");
        let mut entry = self.all[0].clone();
        (entry.seq, entry.actor) = (seq, who(by));
        let (rule, code) = (refusal.rule().to_owned(), refusal.code().to_owned());
        entry.result = EntryResult::Refused { rule, code, refusal, asked };
        self.all.push(entry);
        seq
    }
    fn uses(&self, as_of: AsOf) -> Vec<Use> {
        folded(&self.all, as_of)
    }
}

#[test]
fn e13_trying_again_what_is_refused_is_a_finding() {
    let mut world = World::new();
    let id = used(&mut world);
    let mut tried = Tried { all: entries(&world) };
    let asked = || serde_json::json!({"area": "emergency", "emergency": id});
    let mine = || Refusal::SelfApproval { person: PersonId::known("tanaka") };
    let named: Vec<u64> = (0..3).map(|_| tried.refuse("tanaka", mine(), asked())).collect();
    // A step too early, or an incident that is not serious, is a slip, not a way around somebody else's eyes.
    for _ in 0..5 {
        tried.refuse("tanaka", Refusal::BackupMissing, asked());
        tried.refuse("tanaka", Refusal::WrongEnvironment { environment: "test".to_owned() }, asked());
    }
    let as_of = AsOf { size: 1_000, at: world.now };
    let uses = tried.uses(as_of);
    assert_eq!(uses[0].refused, 13);
    let findings = find(&uses[0], &uses, &Reviews::default(), as_of);
    assert_eq!(names(&findings), [FindingName::Insisted]);
    assert_eq!(findings[0].entries, named);
    let off = Reviews { refusals_min: 0, ..Reviews::default() };
    assert_eq!(find(&uses[0], &uses, &off, as_of), Vec::new());
}

#[test]
fn e13_trying_to_clear_oneself_of_what_is_owed_is_a_finding_of_its_exception() {
    let mut world = World::new();
    let id = used(&mut world);
    let owed = world.emergency(id).obligations[0];
    for refusal in [
        Refusal::DriftSelfAccepted { person: PersonId::known("tanaka") },
        Refusal::CorrectionSelfFinished { person: PersonId::known("tanaka") },
        Refusal::SelfReview { person: PersonId::known("tanaka") },
    ] {
        let mut tried = Tried { all: entries(&world) };
        let asked = || serde_json::json!({"area": "obligation", "obligation": owed});
        let named: Vec<u64> = (0..3).map(|_| tried.refuse("tanaka", refusal.clone(), asked())).collect();
        let as_of = AsOf { size: 1_000, at: world.now };
        let uses = tried.uses(as_of);
        let findings = find(&uses[0], &uses, &Reviews::default(), as_of);
        assert_eq!((names(&findings), &findings[0].entries), (vec![FindingName::Insisted], &named), "{}", refusal.code());
    }
}
