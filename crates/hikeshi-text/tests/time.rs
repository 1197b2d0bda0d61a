//! Times as people read them: the zone, the weekday, the year only when it differs, and both sides of now.

use hikeshi_text::Lang::{En, Ja};
use hikeshi_text::time::{self, Zone};
use jiff::{SignedDuration, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_moment_is_said_relative_and_exact() {
    let (tokyo, now) = (Zone::named("Asia/Tokyo"), at("2026-11-21T18:17:00Z"));
    let seen = time::when(Ja, &tokyo, at("2026-11-21T18:14:00Z"), now);
    assert_eq!((seen.relative.as_str(), seen.exact.as_str()), ("3分前", "11/22(日) 03:14 JST"));
    let seen = time::when(En, &tokyo, at("2026-11-21T18:14:00Z"), now);
    assert_eq!((seen.relative.as_str(), seen.exact.as_str()), ("3 min ago", "Sun 22 Nov 03:14 JST"));
    assert_eq!(time::when(Ja, &tokyo, at("2025-12-31T15:00:00Z"), now).exact, "1/1(木) 00:00 JST");
    assert_eq!(time::when(Ja, &tokyo, at("2025-12-31T14:59:00Z"), now).exact, "2025/12/31(水) 23:59 JST");
    assert_eq!(time::when(En, &tokyo, at("2025-12-31T14:59:00Z"), now).exact, "Wed 31 Dec 2025 23:59 JST");
}

#[test]
fn a_place_with_summer_time_shows_which_one() {
    let berlin = Zone::named("Europe/Berlin");
    assert_eq!(time::machine(&berlin, at("2026-10-25T00:30:00Z")), "2026-10-25T02:30:00+02:00");
    assert_eq!(time::machine(&berlin, at("2026-10-25T01:30:00Z")), "2026-10-25T02:30:00+01:00");
    assert_eq!(time::stamp(Ja, &berlin, at("2026-10-25T01:30:00Z")), "2026年10月25日(日) 02:30 CET");
}

#[test]
fn an_unknown_zone_is_utc_and_says_so() {
    assert_eq!(time::stamp(En, &Zone::named("Mars/Olympus"), at("2026-11-21T18:14:00Z")), "Sat 21 Nov 2026 18:14 UTC");
}

#[test]
fn a_duration_has_at_most_two_units() {
    let say = |seconds| (time::seconds(Ja, seconds), time::seconds(En, seconds));
    for (seconds, ja, en) in [
        (0, "0秒", "0 s"),
        (59, "59秒", "59 s"),
        (60, "1分", "1 min"),
        (83, "1分23秒", "1 min 23 s"),
        (599, "9分59秒", "9 min 59 s"),
        (639, "10分", "10 min"),
        (4_800, "1時間20分", "1 h 20 min"),
        (7_200, "2時間", "2 h"),
        (90_000, "1日1時間", "1 d 1 h"),
        (-4_800, "1時間20分", "1 h 20 min"),
    ] {
        assert_eq!(say(seconds), (ja.to_owned(), en.to_owned()), "{seconds}");
    }
    assert_eq!(time::millis(Ja, 12), "0.1秒");
    assert_eq!(time::millis(En, 950), "0.9 s");
    assert_eq!(time::took(Ja, SignedDuration::from_millis(1_234)), "1.2秒");
    assert_eq!(time::took(En, SignedDuration::from_millis(12_345)), "12 s");
    assert_eq!(time::duration(Ja, SignedDuration::MIN), time::duration(Ja, SignedDuration::MAX));
}

#[test]
fn what_is_due_counts_down_and_then_up() {
    let due = at("2026-11-22T03:00:00Z");
    assert_eq!(time::due(Ja, due, at("2026-11-22T00:00:00Z")), "あと3時間");
    assert_eq!(time::due(Ja, due, at("2026-11-22T05:00:00Z")), "2時間超過");
    assert_eq!(time::due(En, due, at("2026-11-22T00:00:00Z")), "3 h left");
    assert_eq!(time::due(En, due, at("2026-11-22T05:00:00Z")), "2 h overdue");
    assert_eq!(time::relative(Ja, due, due), "たった今");
    assert_eq!(time::relative(En, due, at("2026-11-22T02:00:00Z")), "in 1 h");
}

#[test]
fn a_size_has_one_decimal() {
    for (count, text) in
        [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_576, "1.0 MiB"), (2_500_000, "2.4 MiB"), (u64::MAX, "16.0 EiB")]
    {
        assert_eq!(time::bytes(count), text);
    }
}
