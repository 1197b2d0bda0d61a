//! Who is on call, against calculations of others: a year by Python's calendar and PyPI's holidays, and the calendar file by a foreign library.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::harness::{Workspace, in_hours, text};

const PEOPLE: &[&str] = &["tanaka", "ito"];

/// Nights and days off by turns of a week, working hours by turns of a day, and a team elsewhere whose clocks change.
const SCHEDULES: &str = r#"
[schedules.primary]
name = "一次当番"
[[schedules.primary.layers]]
people = ["tanaka", "sato", "takahashi"]
handover = "monday"
at = "09:00"
starts = "2025-12-01"
[[schedules.primary.layers]]
people = ["ito", "suzuki"]
handover = "daily"
at = "09:00"
starts = "2025-12-01"
days = "workdays"
hours = { from = "09:00", until = "18:00" }

[schedules.abroad]
name = "New York"
time_zone = "America/New_York"
holidays = "none"
[[schedules.abroad.layers]]
people = ["tanaka", "sato"]
handover = "thursday"
at = "08:30"
every = 2
starts = "2025-12-01"
[[schedules.abroad.layers]]
people = ["ito"]
handover = "daily"
starts = "2026-02-01"
days = "days_off"
hours = { from = "22:00", until = "06:00" }

[schedules.off]
name = "休日当番"
[[schedules.off.layers]]
people = ["ito"]
handover = "daily"
starts = "2019-12-01"
days = "days_off"
"#;

#[expect(clippy::disallowed_methods, reason = "where the tools of this run are is said by its environment")]
fn python() -> PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("HIKESHI_CACHE").unwrap_or_else(|_| format!("{home}/.cache/hikeshi"));
    PathBuf::from(cache).join("venv/bin/python")
}

/// What a script says of what was written beside it.
pub fn script(workspace: &Workspace, name: &str, source: &str, given: &str) -> Value {
    std::fs::write(workspace.path(name), source).expect("written");
    std::fs::write(workspace.path("given"), given).expect("written");
    let done = Command::new(python()).arg(workspace.path(name)).arg(workspace.path("given")).output().expect("python runs");
    assert!(done.status.success(), "{}", text(&done));
    serde_json::from_slice(&done.stdout).expect("JSON")
}

fn workspace(name: &str) -> Workspace {
    Workspace::with_policy(name, PEOPLE, |_| SCHEDULES.to_owned())
}

/// Walks through the year a quarter of an hour at a time, on the wall's clock, and asks of each moment who should be on call.
const YEAR: &str = r#"
import json, sys
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo
import jpholiday

shifts = {name: [(datetime.fromisoformat(s["from"]), datetime.fromisoformat(s["until"]), s["person"]) for s in rows]
          for name, rows in json.load(open(sys.argv[1])).items()}

def turn(local, first, at, days, people):
    begun = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    passed = (begun - first).days
    return people[passed // days % len(people)] if passed >= 0 else None

def primary(local):
    day = local.date()
    working = day.weekday() < 5 and not jpholiday.is_holiday(day)
    if working and time(9) <= local.time() < time(18):
        return turn(local, date(2025, 12, 1), time(9), 1, ["ito", "suzuki"])
    return turn(local, date(2025, 12, 1), time(9), 7, ["tanaka", "sato", "takahashi"])

def abroad(local):
    evening = local.date() if local.time() >= time(22) else local.date() - timedelta(days=1)
    night = local.time() >= time(22) or local.time() < time(6)
    if night and evening.weekday() >= 5 and local.date() >= date(2026, 2, 1):
        return "ito"
    return turn(local, date(2025, 12, 4), time(8, 30), 14, ["tanaka", "sato"])

moments, seen = 0, set()
for name, zone, wanted in [("primary", "Asia/Tokyo", primary), ("abroad", "America/New_York", abroad)]:
    rows, row = shifts[name], 0
    for (_, until, _), (begins, _, _) in zip(rows, rows[1:]):
        assert until == begins, f"{name}: a hole or an overlap at {until}"
    at, end = rows[0][0], rows[-1][1]
    while at < end:
        while rows[row][1] <= at:
            row += 1
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert rows[row][2] == wanted(local), f"{name} at {local}: {rows[row][2]}, wanted {wanted(local)}"
        seen.add((name, rows[row][2]))
        moments, at = moments + 1, at + timedelta(minutes=15)
print(json.dumps({"moments": moments, "people": len(seen)}))
"#;

#[test]
fn i4_a_year_agrees_with_an_independent_calculation() {
    let workspace = workspace("oncall-year");
    let shifts = |schedule: &str, from: &str| {
        let shown = workspace.ok("tanaka", &["oncall", "show", schedule, "--from", from, "--days", "365"]);
        shown["shifts"].clone()
    };
    let given = serde_json::json!({
        "primary": shifts("primary", "2026-01-01T00:00"),
        "abroad": shifts("abroad", "2026-02-02T00:00"),
    });
    let agreed = script(&workspace, "walk_year.py", YEAR, &given.to_string());
    assert_eq!(agreed, serde_json::json!({"moments": 2 * 365 * 24 * 4, "people": 8}), "{agreed}");
}

/// At noon of every day somebody is on call exactly when it is a day off.
const DAYS_OFF: &str = r#"
import json, sys
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo
import jpholiday

shifts = [(datetime.fromisoformat(s["from"]), datetime.fromisoformat(s["until"]), s["person"]) for s in json.load(open(sys.argv[1]))]
day, row, wrong, holidays = date(2020, 1, 1), 0, [], 0
while day < date(2100, 1, 1):
    noon = datetime.combine(day, time(12), ZoneInfo("Asia/Tokyo"))
    while not (shifts[row][0] <= noon < shifts[row][1]):
        row += 1
    holiday = jpholiday.is_holiday(day)
    holidays += holiday
    if (shifts[row][2] == "ito") != (holiday or day.weekday() >= 5):
        wrong.append(day.isoformat())
    day += timedelta(days=1)
print(json.dumps({"wrong": wrong, "enough": holidays > 1000}))
"#;

#[test]
fn i4_the_holidays_of_eighty_years_are_those_of_another_implementation() {
    let workspace = workspace("oncall-holidays");
    let year = |year: i32| {
        let shown = workspace.ok("tanaka", &["oncall", "show", "off", "--from", &format!("{year}-01-01T00:00"), "--days", "366"]);
        shown["shifts"].as_array().expect("shifts").clone()
    };
    let shifts: Vec<Value> = (2020..2100).flat_map(year).collect();
    let found = script(&workspace, "days_off.py", DAYS_OFF, &Value::Array(shifts).to_string());
    assert_eq!(found, serde_json::json!({"wrong": [], "enough": true}));
}

const CALENDAR: &str = r#"
import json, sys
from icalendar import Calendar

calendar = Calendar.from_ical(open(sys.argv[1], "rb").read())
events = calendar.walk("VEVENT")
print(json.dumps({
    "version": str(calendar["VERSION"]), "method": str(calendar["METHOD"]), "name": str(calendar["X-WR-CALNAME"]),
    "uids": len({str(event["UID"]) for event in events}), "errors": [str(error) for event in events for error in event.errors],
    "events": [{"from": event.decoded("DTSTART").isoformat(), "until": event.decoded("DTEND").isoformat(), "who": str(event["SUMMARY"])}
               for event in events],
}))
"#;

#[test]
fn i4_the_calendar_is_read_by_a_foreign_library() {
    let workspace = workspace("oncall-calendar");
    let (from, until) = ("2099-01-01T00:00", "2099-01-02T00:00");
    workspace.refused(
        "tanaka",
        &["oncall", "override", "primary", "--from", from, "--until", until, "--reason", "試し"],
        "oncall.too_far_ahead",
    );
    workspace.ok("tanaka", &["oncall", "override", "primary", "--until", &in_hours(24), "--reason", "試し, 改行; なし"]);
    let exported = workspace.as_person("tanaka").args(["oncall", "export", "primary"]).output().expect("ran");
    assert!(exported.status.success(), "{}", text(&exported));
    let calendar = String::from_utf8(exported.stdout).expect("UTF-8");
    let read = script(&workspace, "read_calendar.py", CALENDAR, &calendar);
    assert_eq!((&read["version"], &read["method"], &read["name"]), (&"2.0".into(), &"PUBLISH".into(), &"一次当番".into()));
    assert_eq!(read["errors"], serde_json::json!([]));
    let events = read["events"].as_array().expect("events");
    assert_eq!(read["uids"], events.len());
    // Every shift of the days ahead that begins there is in it, with the same times.
    let shown = workspace.ok("tanaka", &["oncall", "show", "primary", "--days", "30"]);
    let shifts = shown["shifts"].as_array().expect("shifts");
    assert!(shifts.len() > 30, "{} shifts", shifts.len());
    for shift in &shifts[1..shifts.len() - 1] {
        let same = |field: &str, event: &Value| {
            let read = |value: &Value| value.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
            read(&event[field]).as_second() == read(&shift[field]).as_second()
        };
        let person = shift["person"].as_str().expect("somebody");
        let found = events.iter().find(|event| same("from", event) && same("until", event));
        let found = found.unwrap_or_else(|| panic!("{shift} is not in the calendar"));
        let name = match person {
            "tanaka" => "田中 太郎",
            "sato" => "佐藤 花子",
            "takahashi" => "髙橋 美咲",
            "ito" => "伊藤 健",
            _ => "鈴木 一郎",
        };
        assert_eq!(found["who"], format!("一次当番: {name}"));
    }
}

/// What is answered to a program that has nothing but an address: status, head, body.
fn fetched(workspace: &Workspace, path: &str, more: &str) -> (u16, String, String) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, workspace.port)).expect("connected");
    write!(stream, "GET {path} HTTP/1.0\r\nhost: 127.0.0.1:{}\r\n{more}\r\n", workspace.port).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_lowercase(), body.to_owned())
}

#[test]
fn i4_a_calendar_program_reads_the_schedules_with_a_token_that_opens_nothing_else() {
    let workspace = workspace("oncall-subscription");
    let token = |args: &[&str]| {
        let issued = workspace.ok("tanaka", &[&["token", "issue"][..], args].concat());
        issued["token"].as_str().expect("a token").to_owned()
    };
    let secret = token(&["電話のカレンダー", "--calendar"]);
    let path = format!("/calendar/{secret}/primary.ics");
    let (status, head, calendar) = fetched(&workspace, &path, "");
    assert_eq!(status, 200, "{head}");
    assert!(head.contains("cache-control: private") && head.contains("text/calendar"), "{head}");
    let read = script(&workspace, "read_subscription.py", CALENDAR, &calendar);
    assert_eq!((&read["name"], &read["errors"]), (&"一次当番".into(), &serde_json::json!([])));
    assert!(read["events"].as_array().is_some_and(|events| events.len() > 60), "{read}");

    // It opens nothing else, and nothing else opens the calendar.
    let bearer = |secret: &str| format!("authorization: Bearer {secret}\r\n");
    assert_eq!(fetched(&workspace, "/api/v1/now", &bearer(&secret)).0, 401);
    let whole = token(&["全部"]);
    assert_eq!(fetched(&workspace, "/api/v1/now", &bearer(&whole)).0, 200);
    assert_eq!(fetched(&workspace, &format!("/calendar/{whole}/primary.ics"), "").0, 404);
    for wrong in [format!("/calendar/{secret}x/primary.ics"), format!("/calendar/{secret}/none.ics"), "/calendar/x/primary.ics".to_owned()]
    {
        let (status, _, body) = fetched(&workspace, &wrong, "");
        assert_eq!(status, 404, "{wrong}");
        assert!(!body.contains(&secret), "the secret is not said again");
    }
    let ledger = workspace.ok("tanaka", &["ledger", "show", "--limit", "50"]).to_string();
    assert!(!ledger.contains(&secret), "the ledger knows its digest only");
    let tokens = workspace.ok("tanaka", &["token", "list"]);
    let row = tokens.as_array().expect("tokens").iter().find(|row| row["token"]["calendar"] == true).expect("it is listed").clone();
    workspace.ok("tanaka", &["token", "revoke", "tanaka", row["token"]["token"].as_str().expect("an id")]);
    assert_eq!(fetched(&workspace, &path, "").0, 404, "revoked");

    // Whoever guesses is slowed down before anything is looked up.
    let guesses: Vec<u16> = (0..120).map(|guess| fetched(&workspace, &format!("/calendar/guess-{guess}/primary.ics"), "").0).collect();
    assert!(guesses.contains(&429), "{guesses:?}");
}
