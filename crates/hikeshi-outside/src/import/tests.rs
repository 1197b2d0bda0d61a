//! Turns and windows, against a calculation that knows nothing of layers.

use std::collections::BTreeMap;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{PersonId, ScheduleName};
use hikeshi_domain::oncall::Roster;
use hikeshi_domain::policy::{Layer, Policy};
use hikeshi_text::import::{Note, Of, Why};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::model::{Rotation, Window};
use super::turns::layers;
use super::{Document, Fragment, Vendor, import};

const NAMES: [&str; 5] = ["ada", "ben", "cleo", "dan", "eve"];

fn people(count: usize) -> Vec<PersonId> {
    NAMES.iter().take(count).map(|name| PersonId::new(name).expect("a name")).collect()
}

fn zone() -> TimeZone {
    TimeZone::get("America/New_York").expect("a zone")
}

fn at(local: &str) -> Timestamp {
    let local: DateTime = local.parse().expect("a time");
    zone().to_timestamp(local).expect("it is there")
}

fn rotation(first: &str, turn_s: i64, windows: Vec<Window>) -> Rotation {
    Rotation { name: "r".to_owned(), people: Vec::new(), first_turn: at(first), turn_s, from: None, until: None, windows }
}

fn policy(layers: &[Layer]) -> Policy {
    let people: BTreeMap<&str, serde_json::Value> =
        NAMES.iter().map(|name| (*name, json!({"name": name, "roles": ["operator"]}))).collect();
    let schedule = json!({"name": "s", "time_zone": "America/New_York", "holidays": "none", "layers": layers});
    serde_json::from_value(json!({"workspace": {"name": "w"}, "people": people, "schedules": {"s": schedule}})).expect("a policy")
}

/// Who should be on call on the wall's clock: looks back for a window, and counts turns.
fn wanted(rotation: &Rotation, count: usize, local: DateTime) -> Option<&'static str> {
    let covers = |window: &Window| {
        (0..8).any(|back| {
            let date = local.date().saturating_sub(SignedDuration::from_hours(24 * back));
            let day = window.day.is_none_or(|day| i8::try_from(day).is_ok_and(|day| date.weekday().to_monday_zero_offset() == day));
            let begins = date.to_datetime(jiff::civil::Time::midnight()).saturating_add(SignedDuration::from_mins(window.from_min.into()));
            let ends = begins.saturating_add(SignedDuration::from_mins(window.minutes.into()));
            day && begins <= local && local < ends
        })
    };
    if !rotation.windows.is_empty() && !rotation.windows.iter().any(covers) {
        return None;
    }
    let passed = local.duration_since(zone().to_datetime(rotation.first_turn)).as_secs();
    let turn = passed.div_euclid(rotation.turn_s);
    NAMES.get(usize::try_from(turn.rem_euclid(i64::try_from(count).expect("few"))).expect("small")).copied()
}

/// Whether the layers agree with it, at these many half hours after a moment when all of it has begun.
fn agrees(rotation: &Rotation, count: usize, begun: &str, half_hours: impl IntoIterator<Item = i64>) -> Result<(), String> {
    let (layers, _) = layers(rotation, &people(count), &zone()).map_err(|why| format!("{why:?}"))?;
    let (policy, none) = (policy(&layers), BTreeMap::new());
    let (roster, schedule) = (Roster { policy: &policy, overrides: &none }, ScheduleName::new("s").expect("a name"));
    for half_hour in half_hours {
        let moment = at(begun) + SignedDuration::from_mins(30 * half_hour);
        let local = zone().to_datetime(moment);
        let (given, wanted) = (roster.on_call(&schedule, moment), wanted(rotation, count, local));
        if given.as_ref().map(PersonId::as_str) != wanted {
            return Err(format!("{local}: {given:?}, wanted {wanted:?}; {layers:?}"));
        }
    }
    Ok(())
}

fn weekly(days: &[u8], from_min: u32, minutes: u32) -> Vec<Window> {
    days.iter().map(|day| Window { day: Some(*day), from_min, minutes }).collect()
}

#[test]
fn windows_are_the_days_that_we_have_words_for() {
    let work = [0, 1, 2, 3, 4];
    let year = || (0..365 * 48).step_by(1);
    for windows in [
        Vec::new(),
        weekly(&work, 540, 480),
        weekly(&work, 1_080, 900),
        weekly(&[5, 6], 0, 1_440),
        weekly(&[5], 0, 2_880),
        weekly(&[0], 0, 5 * 1_440),
        weekly(&[0], 0, 7 * 1_440),
        vec![Window { day: None, from_min: 1_320, minutes: 600 }],
        [weekly(&work, 540, 180), weekly(&work, 780, 300), weekly(&[5, 6], 600, 60)].concat(),
        [weekly(&work, 0, 540), weekly(&work, 1_080, 360), weekly(&[5, 6], 0, 1_440)].concat(),
    ] {
        let rotation = rotation("2026-01-08T09:30:00", 7 * 86_400, windows);
        assert_eq!(agrees(&rotation, 3, "2026-01-17T00:00:00", year()), Ok(()), "{:?}", rotation.windows);
    }
    for windows in [weekly(&[0], 540, 480), weekly(&[4], 1_020, 3_840), weekly(&[0, 1, 2], 540, 480), weekly(&[0], 540, 4 * 1_440 + 540)] {
        let rotation = rotation("2026-01-08T09:30:00", 7 * 86_400, windows);
        assert_eq!(layers(&rotation, &people(2), &zone()), Err(Why::Days), "{:?}", rotation.windows);
    }
}

#[test]
fn what_cannot_be_said_with_layers_is_named() {
    let turn =
        |turn_s: i64| layers(&rotation("2026-01-08T09:30:00", turn_s, Vec::new()), &people(2), &zone()).map(|(layers, _)| layers.len());
    assert_eq!(turn(36 * 3_600), Err(Why::TurnLength { seconds: 129_600 }));
    assert_eq!(turn(3_600), Err(Why::TurnLength { seconds: 3_600 }), "24 layers would be too many");
    assert_eq!(turn(53 * 86_400), Err(Why::TurnLength { seconds: 53 * 86_400 }));
    assert_eq!(turn(0), Err(Why::TurnLength { seconds: 0 }));
    assert_eq!(turn(52 * 7 * 86_400), Ok(1));
    assert_eq!(turn(4 * 3_600), Ok(6));
    let both = rotation("2026-01-08T09:30:00", 43_200, weekly(&[5, 6], 0, 1_440));
    assert_eq!(layers(&both, &people(2), &zone()), Err(Why::TurnAndHours));
    assert_eq!(layers(&both, &[], &zone()), Err(Why::NobodyLeft));
    assert!(layers(&both, &people(1), &zone()).is_ok(), "whoever is alone has no turns");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever could be carried over covers exactly the same, over both changes of the clocks.
    #[test]
    fn what_is_carried_over_covers_the_same(
        day in 1_i8..28, hour in 4_i8..24, half in 0_i8..2,
        turn in prop_oneof![(1_i64..9).prop_map(|days| days * 86_400), (1_i64..6).prop_map(|weeks| weeks * 604_800),
            prop::sample::select(vec![10_800_i64, 14_400, 21_600, 28_800, 43_200])],
        later in prop::option::of(0_i64..2_000),
        count in 1_usize..6,
        half_hours in prop::collection::vec(0_i64..48 * 400, 40),
    ) {
        let first = format!("2026-01-{day:02}T{hour:02}:{:02}:00", half * 30);
        let mut rotation = rotation(&first, turn, Vec::new());
        rotation.from = later.map(|hours| rotation.first_turn + SignedDuration::from_hours(hours));
        // Hours that the clocks skip belong to nobody's plan: handovers between two and three are kept out.
        let handovers = |turn: i64| turn % 86_400 == 0 || (0..86_400 / turn).all(|part| {
            let minute = (i64::from(hour) * 60 + i64::from(half) * 30 + part * turn / 60) % 1_440;
            !(60..180).contains(&minute)
        });
        prop_assume!(handovers(turn));
        let agreed = agrees(&rotation, count, "2026-05-01T00:00:00", half_hours);
        prop_assert_eq!(agreed, Ok(()));
    }
}

/// What becomes of files of these folders; the first ones in their order.
fn imported(vendor: Vendor, files: &[(&str, serde_json::Value)]) -> (Fragment, Vec<Note>) {
    let document = |(place, (folder, content)): (usize, &(&str, serde_json::Value))| Document {
        name: format!("{place}.json"),
        folder: (*folder).to_owned(),
        content: content.clone(),
    };
    let documents: Vec<Document> = files.iter().enumerate().map(document).collect();
    import(vendor, &documents, None, at("2026-06-01T00:00:00")).expect("it is an export")
}

fn operators(fragment: &Fragment) -> Vec<&str> {
    fragment.people.iter().filter(|(_, person)| !person.roles.is_empty()).map(|(id, _)| id.as_str()).collect()
}

fn noted(notes: &[Note], why: &Why) -> Vec<String> {
    notes.iter().filter(|note| note.why == *why).map(|note| note.name.clone()).collect()
}

fn user(id: &str, role: &str) -> serde_json::Value {
    json!({"id": id, "name": id, "email": format!("{id}@example.test"), "role": role})
}

#[test]
fn an_import_without_steps_makes_nobody_an_operator_who_is_not_on_call() {
    let users = json!({"users": [user("ada", "admin"), user("ben", "user"), user("cleo", "admin"), user("dan", "observer"), user("eve", "read_only_user")]});
    let schedules = json!({"schedules": [{"id": "S", "name": "S", "time_zone": "UTC", "schedule_layers": [{
        "name": "L", "start": "2026-01-01T00:00:00Z", "rotation_virtual_start": "2026-01-01T00:00:00Z", "rotation_turn_length_seconds": 86_400,
        "users": [{"user": {"id": "ada"}}, {"user": {"id": "eve"}}],
    }]}]});
    let (fragment, notes) = imported(Vendor::Pagerduty, &[("", users.clone()), ("", schedules.clone())]);
    assert_eq!((operators(&fragment), fragment.incident.is_none()), (vec!["ada"], true), "whoever only looks on is called for nothing");
    assert_eq!(noted(&notes, &Why::NoEscalation { count: 2 }), ["[incident]"]);
    assert_eq!(noted(&notes, &Why::Role { given: "admin".to_owned() }), ["ada"], "cleo did not become one");
    assert_eq!(noted(&notes, &Why::NoRole { given: "observer".to_owned() }), ["dan"]);
    let policies = json!({"escalation_policies": [{"id": "E", "name": "E", "escalation_rules": [
        {"escalation_delay_in_minutes": 10, "targets": [{"id": "ben", "type": "user_reference"}]}]}]});
    let (fragment, notes) = imported(Vendor::Pagerduty, &[("", users), ("", schedules), ("", policies)]);
    assert_eq!(operators(&fragment), ["ada", "ben", "cleo"]);
    assert!(notes.iter().all(|note| !matches!(note.why, Why::NoEscalation { .. })), "{notes:?}");
    let stakeholder = json!({"id": "u1", "username": "fay@example.test", "role": {"name": "Stakeholder"}});
    let (fragment, _) = imported(Vendor::Opsgenie, &[("users", json!({"user": stakeholder}))]);
    assert_eq!((operators(&fragment), fragment.people.len()), (vec![], 1));
}

#[test]
fn an_import_keeps_never_apart_from_always() {
    let schedule = |rules: serde_json::Value| {
        json!({"data": {"users": {"nodes": [user("ada", "user")]}, "schedules": {"nodes": [{"id": "S", "name": "S", "timeZone": "UTC",
            "targets": [{"target": {"id": "ada", "type": "user", "name": "ada"}, "rules": rules}]}]}}})
    };
    let rule = |start: &str, end: &str, days: [bool; 7]| json!({"start": start, "end": end, "weekdayFilter": days});
    let workdays = [false, true, true, true, true, true, false];
    let layers = |rules: serde_json::Value| {
        let (fragment, notes) = imported(Vendor::Goalert, &[("", schedule(rules))]);
        let hours: Vec<bool> =
            fragment.schedules.values().flat_map(|schedule| &schedule.layers).map(|layer| layer.hours.is_some()).collect();
        (hours, noted(&notes, &Why::Never).len())
    };
    assert_eq!(layers(json!([rule("00:00", "00:00", [false; 7])])), (vec![], 1), "never is not always");
    assert_eq!(layers(json!([rule("00:00", "00:00", [true; 7])])), (vec![false], 0));
    let more = json!([rule("00:00", "00:00", [true; 7]), rule("09:00", "17:00", workdays)]);
    assert_eq!(layers(more), (vec![false], 0), "all of the week, and some of it once more");
    let mondays = [false, true, false, false, false, false, false];
    let seven = vec![rule("00:00", "00:00", mondays); 7];
    assert!(layers(json!(seven)).0.is_empty(), "seven windows of one day are no week");
    assert_eq!(layers(json!([rule("09:00", "17:00", [true; 7])])), (vec![true], 0));
}

#[test]
fn an_import_says_which_page_is_missing_and_takes_what_comes_twice_once() {
    let page = |offset: u32, more: bool, ids: [&str; 2]| json!({"users": ids.map(|id| user(id, "user")), "limit": 2, "offset": offset, "more": more});
    let (first, second, last) = (page(0, true, ["ada", "ben"]), page(2, true, ["ben", "cleo"]), page(4, false, ["dan", "eve"]));
    let pages = |pages: &[&serde_json::Value]| {
        let files: Vec<_> = pages.iter().map(|page| ("", (*page).clone())).collect();
        let (fragment, notes) = imported(Vendor::Pagerduty, &files);
        (fragment.people.keys().map(ToString::to_string).collect::<Vec<_>>(), noted(&notes, &Why::MissingPages))
    };
    let all = ["ada", "ben", "cleo", "dan", "eve"].map(str::to_owned).to_vec();
    assert_eq!(pages(&[&first, &second, &last]), (all.clone(), vec![]), "ben stands in two pages, and is one person");
    assert_eq!(pages(&[&first, &last]).1, ["0.json: users"]);
    assert_eq!(pages(&[&first, &second]).1, ["1.json: users"]);
    assert_eq!(pages(&[&json!([first, second, last])]), (all, vec![]), "put together in one file");

    let listed = |next: Option<&str>, id: &str| {
        let paging = next.map(|next| json!({"next": format!("https://api.opsgenie.com/v2/users?limit=100&offset={next}&order=asc")}));
        let user = json!({"id": id, "username": format!("{id}@example.test")});
        ("users", json!({"data": [user], "paging": paging}))
    };
    let missing = |files: &[(&str, serde_json::Value)], vendor| noted(&imported(vendor, files).1, &Why::MissingPages);
    let (one, two, three) = (listed(Some("100"), "ada"), listed(Some("200"), "ben"), listed(None, "cleo"));
    assert_eq!(missing(&[one.clone(), two.clone(), three.clone()], Vendor::Opsgenie), [""; 0]);
    assert_eq!(missing(&[one.clone(), two.clone()], Vendor::Opsgenie), ["1.json"]);
    assert_eq!(missing(std::slice::from_ref(&one), Vendor::Opsgenie), ["0.json"]);
    assert_eq!(missing(&[one, three], Vendor::Opsgenie), [""; 0]);

    let answer = |more: bool, id: &str| ("", json!({"data": {"users": {"nodes": [user(id, "user")], "pageInfo": {"hasNextPage": more}}}}));
    assert_eq!(missing(&[answer(true, "ada")], Vendor::Goalert), ["0.json: users"]);
    assert_eq!(missing(&[answer(true, "ada"), answer(false, "ben")], Vendor::Goalert), [""; 0]);
}

#[test]
fn what_an_import_leaves_out_is_said_in_both_languages() {
    for (why, ja, en) in [
        (Why::Never, "どの曜日も", "no day of the week"),
        (Why::MissingPages, "続きのページ", "page that follows"),
        (Why::NoEscalation { count: 2 }, "2人", "2 people"),
        (Why::NoRole { given: "observer".to_owned() }, "observer", "observer"),
    ] {
        let note = Note { of: Of::File, name: "a".to_owned(), why };
        for (lang, word) in [(hikeshi_text::Lang::Ja, ja), (hikeshi_text::Lang::En, en)] {
            assert!(hikeshi_text::import::line(lang, &note).contains(word), "{note:?}");
        }
    }
}
