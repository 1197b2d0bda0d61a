//! Measures of incidents (rule I11), against a ledger that was reckoned by hand.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ids::IncidentId;
use crate::incident::Priority::{P1, P3};
use crate::policy::Policy;
use crate::review::measures::{IncidentFigures, Noise, Target, Times};

/// One command: when (UTC), who, whose case, and what it brought about.
type Told = (&'static str, Value, Option<u64>, Vec<Value>);

fn person(name: &str) -> Value {
    json!({"who": "person", "person": name})
}
fn source() -> Value {
    json!({"who": "source", "source": "prometheus"})
}

fn opened(id: u64, priority: &str, by: &Value, detected_at: &str) -> Value {
    json!({"event": "incident_opened", "incident": IncidentId(id), "title": "t", "summary": "", "service": "reservation", "environment": "production",
        "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"}, "priority": priority, "opened_by": by, "detected_at": detected_at})
}
fn triaged(id: u64, priority: &str) -> Value {
    json!({"event": "incident_triaged", "incident": IncidentId(id),
        "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"}, "priority": priority})
}
fn acknowledged(id: u64) -> Value {
    json!({"event": "incident_acknowledged", "incident": IncidentId(id), "by": "tanaka"})
}
fn mitigated(id: u64) -> Value {
    json!({"event": "incident_moved", "incident": IncidentId(id), "from": "reported", "to": "cause", "reason": ""})
}
fn resolved(id: u64, by: &Value) -> Value {
    json!({"event": "incident_resolved", "incident": IncidentId(id), "by": by, "what": "w"})
}
fn paged(id: u64, step: u32, person: &str, means: &str) -> Value {
    json!({"event": "page", "incident": IncidentId(id), "step": step, "person": person, "paged": "queued", "means": means, "number": 1,
        "effect": format!("page-{id}-{step}-{person}-{means}")})
}
fn fired(id: Option<u64>, waits: Value) -> Value {
    json!({"event": "alert", "alert": "prometheus/a", "title": "t", "incident": id.map(IncidentId), "step": "fired", "group": "g", "waits": waits})
}
fn over(id: Option<u64>) -> Value {
    json!({"event": "alert", "alert": "prometheus/a", "title": "t", "incident": id.map(IncidentId), "step": "over", "how": "told"})
}

fn adopted(change: impl FnOnce(&mut Policy)) -> Value {
    let mut policy = crate::testing::policy();
    change(&mut policy);
    json!({"event": "policy_adopted", "digest": Digest::of(b"p"), "policy": policy})
}

fn entry(seq: usize, (at, actor, case, events): &Told) -> Entry {
    let entry = json!({"v": 1, "seq": seq, "at": at, "actor": actor, "via": "inside", "key": format!("entry-{seq:06}"), "kind": "incident.note",
        "case": case.map(IncidentId), "prev": Digest::of(b""), "result": "done", "events": events});
    serde_json::from_value(entry.clone()).unwrap_or_else(|broken| panic!("{broken}: {entry}"))
}

fn measured(told: &[Told], period: &str, at: &str) -> Measures {
    let mut fold = Measured::new(zone("Asia/Tokyo"));
    told.iter().enumerate().for_each(|(seq, told)| fold.add(&entry(seq, told)));
    fold.of(period.parse().expect("a period"), at.parse().expect("a time"))
}

fn times(count: u64, median: i64, mean: i64, p90: i64, waiting: u64) -> Times {
    Times { count, median_s: Some(median), mean_s: Some(mean), p90_s: Some(p90), waiting }
}
fn none(waiting: u64) -> Times {
    Times { waiting, ..Times::default() }
}

/// Two months. P1: act within 15 min, restore within 60; P3: act within 120, no target for restoring.
fn two_months() -> Vec<Told> {
    let (tanaka, source) = (person("tanaka"), source());
    vec![
        ("2026-11-01T00:00:00Z", json!({"who": "startup"}), None, vec![adopted(|_| {})]),
        // P1, found by hand 5 min before: acknowledged after 10 min, mitigated after 30, resolved after 65 (late).
        (
            "2026-11-02T03:05:00Z",
            tanaka.clone(),
            Some(1),
            vec![opened(1, "P1", &tanaka, "2026-11-02T03:00:00Z"), paged(1, 0, "abe", "mail")],
        ),
        ("2026-11-02T03:06:00Z", json!({"who": "timer"}), Some(1), vec![paged(1, 0, "abe", "voice")]),
        ("2026-11-02T03:10:00Z", tanaka.clone(), Some(1), vec![acknowledged(1)]),
        ("2026-11-02T03:30:00Z", tanaka.clone(), Some(1), vec![mitigated(1)]),
        ("2026-11-02T04:05:00Z", tanaka.clone(), Some(1), vec![resolved(1, &tanaka)]),
        // P1 by an alert, over by itself after 4 min; its sender resolves it. 22:30 in Tokyo on a Monday.
        (
            "2026-11-09T13:30:00Z",
            source.clone(),
            Some(2),
            vec![
                opened(2, "P1", &source, "2026-11-09T13:30:00Z"),
                paged(2, 1, "abe", "mail"),
                paged(2, 1, "tanaka", "mail"),
                fired(Some(2), Value::Null),
                fired(Some(2), Value::Null),
            ],
        ),
        ("2026-11-09T13:34:00Z", source.clone(), Some(2), vec![over(Some(2)), over(Some(2)), resolved(2, &source)]),
        // Flapping and silenced ones belong nowhere.
        ("2026-11-10T00:00:00Z", source.clone(), None, vec![fired(None, json!({"waits": "flapping"})), over(None)]),
        ("2026-11-10T00:01:00Z", source.clone(), None, vec![fired(None, json!({"waits": "silenced", "silence": "sil_1"}))]),
        // P3 that becomes a P1 after 20 min, when 15 have passed already; nobody acknowledges before December. 06:59 on the 28th, a Saturday.
        (
            "2026-11-27T21:59:00Z",
            source.clone(),
            Some(3),
            vec![opened(3, "P3", &source, "2026-11-27T21:59:00Z"), paged(3, 1, "abe", "mail"), fired(Some(3), Value::Null)],
        ),
        ("2026-11-27T22:19:00Z", tanaka.clone(), Some(3), vec![triaged(3, "P1"), paged(3, 2, "abe", "mail")]),
        // A day with another target: judged by the one that was valid when its time ran out.
        (
            "2026-11-28T01:00:00Z",
            tanaka.clone(),
            None,
            vec![adopted(|policy| {
                if let Some(row) = policy.incident.priorities.get_mut(&P1) {
                    row.restore_within_min = 10_000;
                }
            })],
        ),
        // December in Tokyo begins at 15:00 UTC.
        ("2026-11-30T15:00:00Z", tanaka.clone(), Some(3), vec![acknowledged(3)]),
        ("2026-12-01T00:00:00Z", tanaka.clone(), Some(4), vec![opened(4, "P3", &tanaka, "2026-12-01T00:00:00Z")]),
        ("2026-12-01T02:00:00Z", tanaka.clone(), Some(4), vec![acknowledged(4)]),
        ("2026-12-02T00:00:00Z", tanaka.clone(), Some(4), vec![resolved(4, &tanaka)]),
    ]
}

#[test]
fn i11_times_and_targets_are_those_that_were_reckoned_by_hand() {
    let november = measured(&two_months(), "2026-11", "2026-12-01T00:00:00Z");
    let of =
        |measures: &Measures, priority| measures.by_priority.iter().find(|row| row.priority == priority).expect("a row").figures.clone();
    assert_eq!(
        of(&november, P1),
        IncidentFigures {
            opened: 2,
            acknowledge: times(1, 600, 600, 600, 1),
            // 30 min, and 4 min with the end of the second; of an even number the lesser one is the middle.
            mitigate: times(2, 240, 1_020, 1_800, 1),
            resolve: times(2, 240, 2_070, 3_900, 1),
            // The first in time. The second was over before. The third was late from the moment that it was a P1.
            act: Target { met: 1, missed: 1 },
            restore: Target { met: 1, missed: 2 },
        }
    );
    assert_eq!(of(&november, P3).opened, 1, "as it was opened");
    assert_eq!(of(&november, P3).acknowledge, none(0), "it waits as a P1");
    assert_eq!((november.all.opened, november.all.acknowledge.waiting), (3, 1));
    let december = measured(&two_months(), "2026-12", "2026-12-31T00:00:00Z");
    // From 28 November, 06:59 to 1 December, 00:00.
    assert_eq!(of(&december, P1).acknowledge, times(1, 234_060, 234_060, 234_060, 0));
    assert_eq!(of(&december, P1).act, Target::default(), "it was missed in November");
    assert_eq!(
        of(&december, P3),
        IncidentFigures {
            opened: 1,
            acknowledge: times(1, 7_200, 7_200, 7_200, 0),
            mitigate: times(1, 86_400, 86_400, 86_400, 0),
            resolve: times(1, 86_400, 86_400, 86_400, 0),
            act: Target { met: 1, missed: 0 },
            restore: Target::default(),
        },
        "just in time is in time, and without a target nothing is counted"
    );
    let quarter = measured(&two_months(), "2026-Q4", "2026-12-31T00:00:00Z");
    assert_eq!(quarter.all.opened, 4);
    // 10 min, 120 min, 234,060 s: of the times themselves, not of the months' medians.
    assert_eq!(quarter.all.acknowledge, times(3, 7_200, 80_620, 234_060, 0));
    assert_eq!(quarter.months.iter().map(|row| row.all.opened).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1]);
}

#[test]
fn i11_pages_are_counted_by_person_night_and_day_off() {
    let november = measured(&two_months(), "2026-11", "2026-12-01T00:00:00Z");
    let row = |name: &str| {
        let row = november.pages.iter().find(|row| row.person.as_str() == name).expect("called");
        (row.pages, row.night, row.day_off, row.nights, row.attempts)
    };
    // Noon (two means, one page); 22:30; 06:59 on a Saturday; 07:19 on the same one, which is day.
    assert_eq!(row("abe"), (4, 2, 2, 2, 5));
    assert_eq!(row("tanaka"), (1, 1, 0, 1, 1));
    assert_eq!(november.pages.first().map(|row| row.person.as_str()), Some("abe"));
    assert_eq!(november.months.last().map(|row| (row.pages, row.alerts)), Some((5, 5)));
    // A holiday on a Monday, at 23:00 and at 02:00 of the next day: one night.
    let tanaka = person("tanaka");
    let night = vec![
        (
            "2026-11-23T14:00:00Z",
            tanaka.clone(),
            Some(1),
            vec![opened(1, "P1", &tanaka, "2026-11-23T14:00:00Z"), paged(1, 1, "abe", "mail")],
        ),
        ("2026-11-23T17:00:00Z", tanaka.clone(), Some(1), vec![paged(1, 2, "abe", "mail")]),
    ];
    let row = measured(&night, "2026-11", "2026-12-01T00:00:00Z").pages.remove(0);
    assert_eq!((row.pages, row.night, row.day_off, row.nights), (2, 2, 1, 1));
}

#[test]
fn i11_noise_is_what_called_for_attention_and_needed_none() {
    let november = measured(&two_months(), "2026-11", "2026-12-01T00:00:00Z");
    let wanted = Noise {
        alerts: 5,
        joined: 1,
        flapping: 1,
        silenced: 1,
        opened_by_programs: 2,
        over_by_itself: 1,
        without_act: 1,
        ..Noise::default()
    };
    assert_eq!(november.noise, wanted);
    assert!(measured(&[], "2026-11", "2026-12-01T00:00:00Z").is_empty());
    assert!(!november.is_empty());
}

#[test]
fn i11_a_month_that_is_over_never_changes() {
    let told = two_months();
    let first_of = |wanted: &str| told.iter().position(|(at, ..)| *at >= wanted).expect("an entry");
    let until_december = &told[..first_of("2026-11-30T15:00:00Z")];
    let then = measured(until_december, "2026-11", "2026-11-30T15:00:00Z");
    for later in first_of("2026-11-30T15:00:00Z")..=told.len() {
        for at in ["2026-12-05T00:00:00Z", "2027-03-01T00:00:00Z"] {
            assert_eq!(measured(&told[..later], "2026-11", at), then, "after {later} entries at {at}");
        }
    }
    // A target that runs out in the new month, of an incident of the old one, is missed in the new one.
    let tanaka = person("tanaka");
    let late = vec![("2026-11-30T14:55:00Z", tanaka.clone(), Some(1), vec![opened(1, "P1", &tanaka, "2026-11-30T14:55:00Z")])];
    let missed = |period: &str| measured(&late, period, "2026-12-31T00:00:00Z").all.act.missed;
    assert_eq!((missed("2026-11"), missed("2026-12")), (0, 1));
    // One that ran out in the old month is missed there, also when the ledger tells of the incident again only in the new one.
    let told_late = vec![
        ("2026-11-30T14:30:00Z", tanaka.clone(), Some(1), vec![opened(1, "P1", &tanaka, "2026-11-30T14:30:00Z")]),
        ("2026-12-03T00:00:00Z", tanaka.clone(), Some(1), vec![acknowledged(1)]),
    ];
    let missed = |told: &[Told], period: &str| measured(told, period, "2026-12-31T00:00:00Z").all.act.missed;
    assert_eq!((missed(&told_late, "2026-11"), missed(&told_late, "2026-12")), (1, 0));
    assert_eq!(missed(&told_late[..1], "2026-11"), 1, "and as long as it does not");
}

/// What happens to one incident, as entries that need each other's order.
fn course(id: u64, kind: u8) -> Vec<Told> {
    let (tanaka, source) = (person("tanaka"), source());
    let mut told = match kind % 3 {
        0 => vec![("2026-11-02T03:00:00Z", tanaka.clone(), Some(id), vec![opened(id, "P1", &tanaka, "2026-11-02T03:00:00Z")])],
        1 => vec![(
            "2026-11-02T03:00:00Z",
            source.clone(),
            Some(id),
            vec![opened(id, "P3", &source, "2026-11-02T02:00:00Z"), fired(Some(id), Value::Null)],
        )],
        _ => vec![(
            "2026-11-02T03:00:00Z",
            source.clone(),
            Some(id),
            vec![opened(id, "P2", &source, "2026-11-02T02:50:00Z"), paged(id, 1, "abe", "mail"), fired(Some(id), Value::Null)],
        )],
    };
    if kind & 4 != 0 {
        told.push(("2026-11-02T03:00:00Z", tanaka.clone(), Some(id), vec![triaged(id, "P1")]));
    }
    if kind & 8 != 0 {
        told.push(("2026-11-02T03:00:00Z", tanaka.clone(), Some(id), vec![acknowledged(id)]));
    }
    if kind & 16 != 0 {
        told.push(("2026-11-02T03:00:00Z", tanaka.clone(), Some(id), vec![resolved(id, &tanaka)]));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What happened in the same moment to incidents that have nothing to do with each other may come in any order.
    #[test]
    fn i11_the_order_of_independent_incidents_does_not_matter(
        kinds in proptest::collection::vec(0_u8..32, 1..6),
        picks in proptest::collection::vec(0_usize..100, 30),
    ) {
        let courses: Vec<Vec<Told>> = (1..).zip(&kinds).map(|(id, kind)| course(id, *kind)).collect();
        let in_turn: Vec<Told> = courses.concat();
        let mut rest: Vec<std::collections::VecDeque<Told>> = courses.into_iter().map(Into::into).collect();
        let mut mixed = Vec::new();
        for pick in picks {
            let open: Vec<usize> = (0..rest.len()).filter(|place| !rest[*place].is_empty()).collect();
            if !open.is_empty() {
                mixed.extend(rest[open[pick % open.len()]].pop_front());
            }
        }
        prop_assert_eq!(mixed.len(), in_turn.len());
        prop_assert_eq!(measured(&mixed, "2026-11", "2026-12-01T00:00:00Z"), measured(&in_turn, "2026-11", "2026-12-01T00:00:00Z"));
    }
}

fn merged(id: u64, into: u64) -> Value {
    json!({"event": "merge", "step": "merged", "incident": IncidentId(id), "into": IncidentId(into), "by": "tanaka", "reason": "r", "title": "t",
        "opened_at": "2026-11-30T14:00:00Z", "priority": "P3", "into_priority": "P1", "alerts": {"firing": 1, "fired": 1}})
}

/// The one that is merged was opened in November and as a P3; in December it is none.
#[test]
fn what_is_merged_was_no_incident_of_its_own() {
    let (tanaka, source) = (person("tanaka"), source());
    let told: Vec<Told> = vec![
        ("2026-11-01T00:00:00Z", json!({"who": "startup"}), None, vec![adopted(|_| {})]),
        (
            "2026-11-30T13:00:00Z",
            source.clone(),
            Some(1),
            vec![opened(1, "P1", &source, "2026-11-30T13:00:00Z"), fired(Some(1), Value::Null)],
        ),
        (
            "2026-11-30T14:00:00Z",
            source.clone(),
            Some(2),
            vec![opened(2, "P3", &source, "2026-11-30T14:00:00Z"), fired(Some(2), Value::Null)],
        ),
        ("2026-11-30T14:01:00Z", tanaka.clone(), Some(2), vec![triaged(2, "P1")]),
        ("2026-11-30T15:30:00Z", tanaka.clone(), Some(1), vec![merged(2, 1)]),
        ("2026-11-30T16:00:00Z", source.clone(), Some(1), vec![over(Some(1)), over(Some(1)), resolved(1, &source)]),
    ];
    let before = measured(told.get(..4).expect("four"), "2026-11", "2026-11-30T14:30:00Z");
    assert_eq!((before.all.opened, before.all.resolve.waiting, before.noise.opened_by_programs), (2, 2, 2));
    let november = measured(&told, "2026-11", "2026-12-31T00:00:00Z");
    assert_eq!((november.all.opened, november.noise.opened_by_programs), (1, 1));
    let december = measured(&told, "2026-12", "2026-12-31T00:00:00Z");
    assert_eq!(
        (december.all.opened, december.all.resolve.count, december.all.resolve.waiting, december.all.acknowledge.waiting),
        (0, 1, 0, 0)
    );
}

#[test]
fn i11_a_target_that_was_missed_before_the_merge_stays_missed() {
    let tanaka = person("tanaka");
    let told: Vec<Told> = vec![
        ("2026-11-01T00:00:00Z", json!({"who": "startup"}), None, vec![adopted(|_| {})]),
        ("2026-11-02T03:00:00Z", tanaka.clone(), Some(1), vec![opened(1, "P1", &tanaka, "2026-11-02T03:00:00Z")]),
        ("2026-11-02T03:00:00Z", tanaka.clone(), Some(2), vec![opened(2, "P1", &tanaka, "2026-11-02T03:00:00Z")]),
        ("2026-11-03T03:00:00Z", tanaka.clone(), Some(1), vec![merged(2, 1)]),
    ];
    let missed = |upto: usize| {
        let found = measured(told.get(..upto).expect("so many"), "2026-11", "2026-11-03T03:00:00Z");
        (found.all.act.missed, found.all.restore.missed)
    };
    let (act, restore) = missed(3);
    assert!(act == 2 && restore == 2, "both have missed theirs by then: {act}, {restore}");
    assert_eq!(missed(4), (2, 2));
}
