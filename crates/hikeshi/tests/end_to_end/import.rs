//! What other products export, from their files to whoever is on call: the policy is checked and adopted, and a year of shifts is compared with
//! a calculation that reads the export itself.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use super::harness::{self, Workspace, text};

fn data(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/data/import").join(name).display().to_string()
}

fn import(workspace: &Workspace, args: &[&str]) -> Output {
    workspace.command().args(["--json", "import"]).args(args).output().expect("ran")
}

/// Imports into a workspace that has the other parts; it must pass the check and the server must start with it.
fn imported(name: &str, product: &str) -> (Workspace, Vec<String>) {
    let mut notes = Vec::new();
    let mut workspace = Workspace::new(name);
    for variable in ["ALERTS_CHECKOUT_API", "ALERTS_RECEPTION"] {
        workspace.env.insert(variable.to_owned(), "a-key-of-thirty-two-characters-00".to_owned());
    }
    let piece = workspace.path("piece.toml").display().to_string();
    let done = import(&workspace, &[product, &data(product), "--out", &piece]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    for note in harness::json(&done)["data"]["notes"].as_array().expect("notes") {
        notes.push(note["text"].as_str().expect("words").to_owned());
    }
    let again = import(&workspace, &[product, &data(product), "--out", &piece]);
    assert_eq!(again.status.code(), Some(1), "a file that is there is not written over");
    let workspace = workspace.policy(|policy| format!("{policy}\n{}", harness::read(piece.as_ref())));
    let checked = workspace.command().args(["check", "hikeshi.toml"]).output().expect("ran");
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    (workspace.introduced(&["tanaka"]), notes)
}

/// Walks through the shifts a quarter of an hour at a time. Who should be on call is worked out from the export, on the wall's clock: by looking
/// back for the window that covers the moment, and by counting turns since the first one.
const WALK: &str = r#"
import json, sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

def naive(given, zone):
    return datetime.fromisoformat(given.replace("Z", "+00:00")).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

def whose(local, first, seconds, people):
    passed = int((local - first).total_seconds() // seconds)
    return people[passed % len(people)] if passed >= 0 else None

def covers(local, windows):
    """Windows: day of the week (ISO) or None, minute of the day, minutes."""
    if not windows:
        return True
    for back in range(8):
        day = local.replace(hour=0, minute=0) - timedelta(days=back)
        for weekday, minute, lasts in windows:
            begins = day + timedelta(minutes=minute)
            if weekday in (None, day.isoweekday()) and begins <= local < begins + timedelta(minutes=lasts):
                return True
    return False

def on_call(local, zone, layers):
    """The first layer that covers the moment."""
    for layer in layers:
        if covers(local, layer["windows"]):
            return whose(local, naive(layer["first"], zone), layer["seconds"], layer["people"])
    return None

given = json.load(open(sys.argv[1]))
moments, seen = 0, set()
for case in given:
    zone, rows, row = case["zone"], case["shifts"], 0
    rows = [(datetime.fromisoformat(s["from"]), datetime.fromisoformat(s["until"]), s["person"]) for s in rows]
    at, end = rows[0][0], rows[-1][1]
    while at < end:
        while rows[row][1] <= at:
            row += 1
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        wanted = on_call(local, zone, case["layers"])
        assert rows[row][2] == wanted, f"{case['name']} at {local}: {rows[row][2]}, wanted {wanted}"
        seen.add((case["name"], rows[row][2]))
        moments, at = moments + 1, at + timedelta(minutes=15)
print(json.dumps({"moments": moments, "seen": sorted(f"{name} {who}" for name, who in seen)}))
"#;

fn shifts(workspace: &Workspace, schedule: &str, from: &str) -> Value {
    workspace.ok("tanaka", &["oncall", "show", schedule, "--from", from, "--days", "365"])["shifts"].clone()
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(data(name)).expect("there")).expect("JSON")
}

/// The layers of a PagerDuty schedule that have no end, as they stand in the export: the first one counts most.
fn pagerduty_layers(schedule: &Value) -> Value {
    let people = |id: &str| match id {
        "PALICE1" => "alice",
        "PBOB111" => "bob",
        _ => "carol",
    };
    let minutes = |given: &str| {
        let parts: Vec<u32> = given.split(':').map(|part| part.parse().expect("a number")).collect();
        parts[0] * 60 + parts[1]
    };
    let layers = schedule["schedule_layers"].as_array().expect("layers").iter().filter(|layer| layer["end"].is_null());
    let layers = layers.map(|layer| {
        let windows = layer["restrictions"].as_array().expect("restrictions").iter().map(|restriction| {
            let lasts = restriction["duration_seconds"].as_u64().expect("seconds") / 60;
            json!([restriction["start_day_of_week"], minutes(restriction["start_time_of_day"].as_str().expect("a time")), lasts])
        });
        let users = layer["users"].as_array().expect("users").iter().map(|user| people(user["user"]["id"].as_str().expect("an id")));
        json!({"first": layer["rotation_virtual_start"], "seconds": layer["rotation_turn_length_seconds"],
            "people": users.collect::<Vec<_>>(), "windows": windows.collect::<Vec<_>>()})
    });
    Value::Array(layers.collect())
}

#[test]
fn a_year_of_pagerduty_schedules_agrees_with_what_their_export_says() {
    let (workspace, notes) = imported("import-pagerduty", "pagerduty");
    let export = read("pagerduty/schedules.json");
    let names = ["primary-on-call", "halves-of-the-day", "weekends"];
    let cases = names.iter().zip(export["schedules"].as_array().expect("schedules")).map(|(name, schedule)| {
        json!({"name": name, "zone": schedule["time_zone"], "layers": pagerduty_layers(schedule), "shifts": shifts(&workspace, name, "2026-02-01T00:00")})
    });
    let given = Value::Array(cases.collect()).to_string();
    let agreed = super::oncall::script(&workspace, "walk.py", WALK, &given);
    assert_eq!(agreed["moments"], 3 * 365 * 24 * 4, "{agreed}");
    assert_eq!(agreed["seen"].as_array().map(Vec::len), Some(9), "three in turn, three in halves, two and nobody: {agreed}");
    assert_eq!(
        notes,
        [
            "schedule `Primary on-call`: which layer goes before which was taken from the order of the export (the first one counts most).",
            "service `Checkout API`: there is no format for the integration `Email`. Perhaps format = \"json\" can read it.",
            "user `Alice Adams`: 1 notification rules cannot be carried over. Look at page_by.",
            "user `Bob Brown`: the contact `push_notification_contact_method` cannot be carried over; mail and one telephone number are.",
            "user `Alice Adams`: the role `admin` became `operator`. Give further powers yourself.",
            "user `鈴木 カロル`: the telephone number `+8112` is not in international form (+81…).",
            "rotation `Primary on-call / Before`: it ended at 2025-01-01T00:00:00Z.",
            "rotation `Fridays / Late`: it covers certain days of the week only. Here layers cover all days, workdays, or days off.",
            "schedule `Fridays`: it has no people.",
            "escalation `Office`: there is one escalation here, and `Default` was taken. Choose with --escalation.",
            "escalation `Default`: the receiver `PSCHED4` cannot be carried over.",
            "service `Checkout API`: keys are not exported. Make a new one and put it into the server's variable ALERTS_CHECKOUT_API.",
            "service `Checkout API`: impact and business (some_users, lost_trust) and environment (production) are assumed.",
        ]
    );
    let policy = workspace.ok("tanaka", &["policy", "show"])["policy"].clone();
    assert_eq!(policy["people"]["bob"]["phone"], "+819012345678", "{}", policy["people"]["bob"]);
    assert_eq!(policy["people"]["alice"]["page_by"], json!([{"after_min": 0, "by": ["mail"]}, {"after_min": 5, "by": ["voice"]}]));
    assert_eq!(
        policy["incident"]["escalation"],
        json!([
            {"after_min": 0, "roles": [], "people": [], "schedules": ["primary-on-call"]},
            {"after_min": 10, "roles": [], "people": ["alice"]},
        ])
    );
    assert_eq!(policy["incident"]["repeat"], json!({"every_min": 20, "times": 2}));
    assert_eq!(policy["alerts"]["sources"]["checkout-api"]["format"], "pagerduty");
    assert_eq!(policy["services"]["service"]["name"], "検索");
}

#[test]
fn a_year_of_opsgenie_rotations_agrees_with_what_their_export_says() {
    let (workspace, notes) = imported("import-opsgenie", "opsgenie");
    let export = read("opsgenie/schedules/ops_schedule-s1.json");
    let rotations = export["schedule"]["rotations"].as_array().expect("rotations");
    let cases = [("ops-schedule-nights", 0, 7 * 86_400), ("ops-schedule-days", 1, 2 * 86_400)].map(|(name, place, seconds)| {
        let rotation = &rotations[place];
        let people = rotation["participants"].as_array().expect("participants").iter();
        let people: Vec<&str> =
            people.map(|person| person["username"].as_str().and_then(|name| name.split('@').next()).expect("a name")).collect();
        let windows = if place == 0 {
            json!([[null, 18 * 60, 15 * 60]])
        } else {
            json!((1..=5).map(|day| (day, 9 * 60, 9 * 60)).collect::<Vec<_>>())
        };
        let layer = json!({"first": rotation["startDate"], "seconds": seconds, "people": people, "windows": windows});
        json!({"name": name, "zone": "Europe/Berlin", "layers": [layer], "shifts": shifts(&workspace, name, "2026-02-01T00:00")})
    });
    let agreed = super::oncall::script(&workspace, "walk.py", WALK, &Value::from(cases.to_vec()).to_string());
    assert_eq!(agreed["moments"], 2 * 365 * 24 * 4, "{agreed}");
    assert_eq!(agreed["seen"].as_array().map(Vec::len), Some(7), "{agreed}");
    assert_eq!(notes, [
        "file `POLICY`: this is nothing that is imported.",
        "user `Dora Dietz`: 1 notification rules cannot be carried over. Look at page_by.",
        "user `Frieda Fuchs`: the contact `mobile frieda's phone` cannot be carried over; mail and one telephone number are.",
        "escalation `ops_escalation`: a step with the condition `if-not-closed` is taken while nobody has acknowledged.",
        "escalation `ops_escalation`: `next` became: whoever is on call then.",
        "escalation `ops_escalation`: `all` became: whoever is on call then.",
        "escalation `ops_escalation`: the team `ops` became its 2 members.",
        "schedule `ops_schedule`: 1 temporary changes are not carried over. Enter them with hikeshi oncall override.",
        "rotation `ops_schedule / team`: a turn belongs to something that is no person (team).",
        "user `Dora Dietz`: the role `Owner` became `operator`. Give further powers yourself.",
        "user `Emil Engel`: the telephone number +493012345678 is also somebody else's. Here each person has a number of their own.",
        "rotation `ops_schedule / mondays`: it covers certain days of the week only. Here layers cover all days, workdays, or days off.",
        "schedule `ops_schedule`: several are on call at once, so it became 2 schedules; the escalation calls all of them.",
    ]
    .map(|note| note.replace("POLICY", &data("opsgenie/policies/quiet-p1.json"))));
    let policy = workspace.ok("tanaka", &["policy", "show"])["policy"].clone();
    assert_eq!(
        policy["incident"]["escalation"],
        json!([
            {"after_min": 0, "roles": [], "people": [], "schedules": ["ops-schedule-nights", "ops-schedule-days"]},
            {"after_min": 20, "roles": [], "people": ["emil", "frieda"]},
            {"after_min": 60, "roles": [], "people": ["dora"]},
        ])
    );
    assert_eq!(policy["incident"]["repeat"], json!({"every_min": 15, "times": 3}));
}

#[test]
fn goalert_rotations_go_on_with_whoever_has_the_turn() {
    let (workspace, notes) = imported("import-goalert", "goalert");
    let turns = json!({"first": "2026-06-29T08:00:00Z", "seconds": 7 * 86_400, "people": ["hugo", "gwen"]});
    let with = |windows: Value, of: &Value| {
        let mut layer = of.clone();
        layer["windows"] = windows;
        json!([layer])
    };
    let gwen = json!({"first": "2020-01-01T00:00:00Z", "seconds": 86_400, "people": ["gwen"]});
    let cases = [
        ("front-desk-weekly", with(json!([[null, 18 * 60, 15 * 60]]), &turns)),
        ("front-desk-gwen-green", with(json!([[6, 600, 360], [7, 600, 360]]), &gwen)),
        ("weekly", with(json!([]), &turns)),
    ];
    let cases = cases.map(|(name, layers)| {
        json!({"name": name, "zone": "Europe/London", "layers": layers, "shifts": shifts(&workspace, name, "2026-06-30T00:00")})
    });
    let agreed = super::oncall::script(&workspace, "walk.py", WALK, &Value::from(cases.to_vec()).to_string());
    assert_eq!(agreed["seen"].as_array().map(Vec::len), Some(7), "{agreed}");
    assert_eq!(
        notes,
        [
            "user `Hugo Hill`: the contact `WEBHOOK` cannot be carried over; mail and one telephone number are.",
            "user `Hugo Hill`: 1 notification rules cannot be carried over. Look at page_by.",
            "service `Reception`: there is no format for the integration `email`. Perhaps format = \"json\" can read it.",
            "escalation `Front`: the receiver `slackChannel` cannot be carried over.",
            "user `Gwen Green`: the role `admin` became `operator`. Give further powers yourself.",
            "rotation `Front desk / Monthly`: a turn lasts 0 s. Only days and weeks (up to 52) or an even part of a day (up to 10) can be carried over.",
            "schedule `Front desk`: several are on call at once, so it became 2 schedules; the escalation calls all of them.",
            "service `Reception`: keys are not exported. Make a new one and put it into the server's variable ALERTS_RECEPTION.",
            "service `Reception`: impact and business (some_users, lost_trust) and environment (production) are assumed.",
        ]
    );
    let policy = workspace.ok("tanaka", &["policy", "show"])["policy"].clone();
    assert_eq!(policy["incident"]["escalation"][1], json!({"after_min": 15, "roles": [], "people": [], "schedules": ["weekly"]}));
    assert_eq!(policy["alerts"]["sources"]["reception"]["format"], "alertmanager");
}

#[test]
fn what_cannot_be_read_is_said_with_its_file_and_place() {
    let workspace = Workspace::new("import-broken");
    let file = |name: &str, content: &[u8]| {
        let path = workspace.path(name);
        std::fs::write(&path, content).expect("written");
        path.display().to_string()
    };
    let large = file("large.json", &vec![b' '; 10 * 1024 * 1024]);
    let cut = file("cut.json", b"{\"users\": [\n{\"id\": \"P1\"");
    let shape = file("shape.json", b"{\"users\": 5}");
    let other = file("other.json", b"{\"data\": {\"users\": {\"nodes\": []}}}");
    let time = file("time.json", br#"{"schedules": [{"id": "S", "name": "S", "time_zone": "UTC", "schedule_layers": [{"name": "L", "rotation_virtual_start": "soon", "rotation_turn_length_seconds": 1}]}]}"#);
    let pagerduty = data("pagerduty");
    for (args, wanted) in [
        (vec!["pagerduty", &large], "large.json has 10485760 bytes; at most 8388608 are read"),
        (vec!["pagerduty", &cut], "cut.json is no JSON from line 2"),
        (vec!["pagerduty", &shape], "shape.json is not what is exported (invalid type: integer `5`, expected a sequence)"),
        (vec!["pagerduty", &other], "There are no users, schedules or escalations in it"),
        (vec!["pagerduty", &time], "time.json is not what is exported (`\"soon\"` is no time)"),
        (vec!["goalert", "/nowhere.json"], "/nowhere.json cannot be read"),
        (vec!["pagerduty", &pagerduty, "--escalation", "Sales"], "There is no escalation `Sales`. There are: Default, Office"),
    ] {
        let done = import(&workspace, &args);
        assert_eq!(done.status.code(), Some(1), "{args:?}: {}", text(&done));
        let error = harness::json(&done)["error"]["what"].as_str().unwrap_or_default().to_owned();
        assert!(error.contains(wanted), "{args:?}: {error}");
    }
}
