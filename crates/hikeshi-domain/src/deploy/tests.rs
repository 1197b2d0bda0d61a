//! What evidence and guards must never do, whatever is counted.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::Counts;
use super::dispersion::Dispersion;
use super::evidence::*;
use super::guard::*;
use crate::ids::GuardName;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn arm(requests: u64, errors: u64) -> ArmCounts {
    ArmCounts { requests, errors, slow: None }
}

fn errors_only() -> CanaryBaseline {
    CanaryBaseline { errors: Dispersion::from(1.0), slow: None }
}

/// One interval a minute, after the warm-up.
fn seen(baseline: &CanaryBaseline, minutes: &[(ArmCounts, ArmCounts)]) -> Evidence {
    let mut evidence = Evidence::begin(at(0), baseline);
    for (minute, (stable, canary)) in (1_i64..).zip(minutes) {
        let interval = Interval { from: at(minute * 60), until: at(minute * 60 + 60), stable: *stable, canary: *canary };
        assert_eq!(evidence.count(&interval), Taken::Counted);
    }
    evidence
}

fn is_fail(evidence: &Evidence) -> bool {
    matches!(evidence.verdict(), Verdict::Fail { .. })
}

#[test]
fn warm_up_and_what_was_counted_before_are_left_out() {
    let mut evidence = Evidence::begin(at(0), &errors_only());
    let mut count =
        |from, until| evidence.count(&Interval { from: at(from), until: at(until), stable: arm(900, 0), canary: arm(100, 100) });
    assert_eq!(count(50, 70), Taken::WarmUp);
    assert_eq!(count(-100, 10), Taken::WarmUp);
    assert_eq!(count(70, 70), Taken::Overlapping);
    assert_eq!(count(70, 80), Taken::Counted);
    assert_eq!(count(79, 90), Taken::Overlapping);
    assert_eq!(count(80, 90), Taken::Counted);
    let both = (Counts { requests: 1_800, bad: 0 }, Counts { requests: 200, bad: 200 });
    assert_eq!(evidence.counted(Metric::Errors), Some(both));
    assert_eq!(evidence.counted(Metric::SlowerThanP95), None);
    let jumped = ArmCounts { requests: 100, errors: u64::MAX, slow: Some(SlowCounts { over_p95: 101, over_p99: 7 }) };
    let of = |metric| jumped.of(metric).map(|counts| counts.bad);
    let bad = [of(Metric::Errors), of(Metric::SlowerThanP95), of(Metric::SlowerThanP99)];
    assert_eq!(bad, [Some(100), Some(100), Some(7)], "no more than there were requests");
}

#[test]
fn a_difference_that_is_certain_but_small_takes_nothing_back() {
    // 1.3 times as many, of millions.
    let slight = seen(&errors_only(), &[(arm(9_000_000, 90_000), arm(1_000_000, 13_000))]);
    assert!(slight.shown_against().value > FAIL_AT && !is_fail(&slight));
    // Two errors where there never were any.
    let few = seen(&errors_only(), &[(arm(10_000_000, 0), arm(1_000, 2))]);
    assert!(few.shown_against().value > FAIL_AT && !is_fail(&few));
    let three = seen(&errors_only(), &[(arm(10_000_000, 0), arm(1_000, 3))]);
    let why = CanaryFailure {
        metric: Metric::Errors,
        stable: Counts { requests: 10_000_000, bad: 0 },
        canary: Counts { requests: 1_000, bad: 3 },
        extra: 3,
    };
    assert_eq!(three.verdict(), Verdict::Fail { why });
}

#[test]
fn a_slow_canary_fails_without_errors() {
    let slow = |over_p95, over_p99| Some(SlowCounts { over_p95, over_p99 });
    let one = Dispersion::from(1.0);
    let baseline = CanaryBaseline { errors: one, slow: Some(SlowDispersion { over_p95: one, over_p99: one }) };
    let stable = ArmCounts { requests: 9_000, errors: 9, slow: slow(450, 90) };
    let worse = ArmCounts { requests: 1_000, errors: 1, slow: slow(60, 60) };
    let Verdict::Fail { why } = seen(&baseline, &[(stable, worse)]).verdict() else { panic!("six times as many beyond p99") };
    assert_eq!((why.metric, why.extra), (Metric::SlowerThanP99, 50));
    let like = ArmCounts { requests: 1_000, errors: 1, slow: slow(50, 10) };
    assert_eq!(seen(&baseline, &[(stable, like); 3]).verdict(), Verdict::Pass);
    // Times that were promised and never came let nobody pass.
    let untimed = seen(&baseline, &[(arm(9_000, 9), arm(1_000, 1)); 9]);
    assert_eq!(untimed.verdict(), Verdict::NotEnough { more_requests: None });
}

#[test]
fn a_quiet_service_passes_when_enough_was_asked_and_says_how_much_is_missing() {
    let none = seen(&errors_only(), &[]);
    assert_eq!(none.verdict(), Verdict::NotEnough { more_requests: None }, "nothing is known of the pace");
    let some = seen(&errors_only(), &[(arm(900, 0), arm(100, 0))]);
    let Verdict::NotEnough { more_requests: Some(more) } = some.verdict() else { panic!("too little") };
    assert!((300..450).contains(&more), "{more}");
    let early = more * 9 / 10;
    let too_early = seen(&errors_only(), &[(arm(900, 0), arm(100, 0)), (arm(9 * early, 0), arm(early, 0))]);
    assert!(matches!(too_early.verdict(), Verdict::NotEnough { .. }));
    let enough = seen(&errors_only(), &[(arm(900, 0), arm(100, 0)), (arm(9 * more, 0), arm(more, 0))]);
    assert_eq!(enough.verdict(), Verdict::Pass);
    assert_eq!((some.shown_against(), some.shown_in_favour()), (Shown { value: 1, of: 100 }, Shown { value: 1, of: 20 }));
}

#[test]
fn scatter_is_measured_and_little_history_is_taken_for_clumps() {
    let even: Vec<Counts> = (0..120_u64).map(|minute| Counts { requests: 1_000, bad: 9 + minute % 3 }).collect();
    assert!((Dispersion::of(&even).value() - 1.0).abs() < 1e-9, "never less than one");
    let clumps: Vec<Counts> = (0..120_u64).map(|minute| Counts { requests: 1_000, bad: if minute % 10 == 0 { 50 } else { 0 } }).collect();
    let measured = Dispersion::of(&clumps).value();
    // Mean 5, variance 225 with n, and 1.3 times that.
    assert!((55.0..65.0).contains(&measured), "{measured}");
    let doubled: Vec<Counts> =
        (0..120_u64).map(|minute| Counts { requests: 1_000 * (1 + minute % 4), bad: 10 * (1 + minute % 4) }).collect();
    assert!((Dispersion::of(&doubled).value() - 1.0).abs() < 1e-9, "uneven traffic is no scatter");
    assert!((Dispersion::of(&even[..59]).value() - 10.0).abs() < 1e-9);
    assert!((Dispersion::of(&[]).value() - 10.0).abs() < 1e-9);
    let quiet = vec![Counts { requests: 1_000, bad: 0 }; 120];
    assert!((Dispersion::of(&quiet).value() - 10.0).abs() < 1e-9, "nobody has seen how they come");
    assert!(Dispersion::of(&clumps[..30]).value() > 50.0, "what is known already is not made better");
    let long: Vec<Counts> = clumps.iter().chain(&even).copied().collect();
    assert_eq!(Dispersion::of(&long), Dispersion::of(&even), "the latest two hours");
    let read = |text| serde_json::from_str::<Dispersion>(text).expect("a number").value();
    assert_eq!([read("0"), read("-5"), read("1e300")], [1.0, 1.0, 1_000.0]);
    assert_eq!(Dispersion::from(f64::NAN).value(), 1_000.0);
}

#[test]
fn evidence_survives_being_written_down() {
    let evidence = seen(&errors_only(), &[(arm(900, 3), arm(100, 2)), (arm(912, 1), arm(88, 4))]);
    let text = serde_json::to_string(&evidence).expect("json");
    let read: Evidence = serde_json::from_str(&text).expect("evidence");
    assert_eq!(read.verdict(), evidence.verdict());
    assert_eq!(read.shown_against(), evidence.shown_against());
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), 0..100_u64, 0..1_000_000_u64, any::<u64>(), Just(u64::MAX)]
}

fn any_arm() -> impl Strategy<Value = ArmCounts> {
    let slow = proptest::option::of((count(), count()).prop_map(|(over_p95, over_p99)| SlowCounts { over_p95, over_p99 }));
    (count(), count(), slow).prop_map(|(requests, errors, slow)| ArmCounts { requests, errors, slow })
}

fn baseline() -> impl Strategy<Value = CanaryBaseline> {
    (prop_oneof![Just(1.0), 1.0..20.0_f64, any::<f64>()], any::<bool>()).prop_map(|(value, timed)| {
        let of = Dispersion::from(value);
        CanaryBaseline { errors: of, slow: timed.then_some(SlowDispersion { over_p95: of, over_p99: of }) }
    })
}

/// The canary fails no more often than the stable version in any interval.
fn better() -> impl Strategy<Value = (ArmCounts, ArmCounts)> {
    (1..100_000_u64, 1..100_000_u64, 0.0..1.0_f64, 0.0..=1.0_f64).prop_map(|(stable, canary, rate, part)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small test numbers")]
        let of = |count: u64, share: f64| (count as f64 * share) as u64;
        let bad = of(stable, rate);
        let own = of(canary, part).min(bad.saturating_mul(canary) / stable);
        (arm(stable, bad), arm(canary, own))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_counts_break_nothing(baseline in baseline(), minutes in proptest::collection::vec((any_arm(), any_arm()), 0..20)) {
        let evidence = seen(&baseline, &minutes);
        let text = serde_json::to_string(&evidence).expect("json");
        prop_assert!(!text.contains("null,null"), "a number got lost: {text}");
        let read: Evidence = serde_json::from_str(&text).expect("evidence");
        prop_assert_eq!(read.verdict(), evidence.verdict());
        if let Verdict::NotEnough { more_requests: Some(more) } = evidence.verdict() {
            prop_assert!((1..=1_000_000_000).contains(&more));
        }
        prop_assert!(evidence.shown_against().value <= 1_000_000_000 && evidence.shown_in_favour().value <= 1_000_000_000);
    }

    #[test]
    fn a_canary_that_is_no_worse_never_fails(baseline in baseline(), minutes in proptest::collection::vec(better(), 0..40)) {
        let evidence = seen(&baseline, &minutes);
        prop_assert!(!is_fail(&evidence));
        prop_assert!(evidence.shown_against().value <= 1);
    }

    #[test]
    fn one_more_error_of_the_canary_never_speaks_for_it(
        stable in (1..100_000_u64, 0..1_000_u64),
        canary in (1..100_000_u64, 0..1_000_u64),
        value in 1.0..20.0_f64,
    ) {
        let baseline = CanaryBaseline { errors: Dispersion::from(value), slow: None };
        let of = |more| seen(&baseline, &[(arm(stable.0, stable.1), arm(canary.0, canary.1 + more))]);
        let (fewer, more) = (of(0), of(1));
        prop_assert!(more.shown_against().value >= fewer.shown_against().value);
        prop_assert!(more.shown_in_favour().value <= fewer.shown_in_favour().value);
        prop_assert!(!is_fail(&fewer) || is_fail(&more));
    }

    #[test]
    fn clumps_never_make_anything_look_surer(minutes in proptest::collection::vec((0..300_u64, 0..60_u64), 1..30), value in 1.0..20.0_f64) {
        let minutes: Vec<_> = minutes.iter().map(|(bad, own)| (arm(9_000, *bad), arm(1_000, *own))).collect();
        let of = |value: f64| seen(&CanaryBaseline { errors: Dispersion::from(value), slow: None }, &minutes);
        prop_assert!(!is_fail(&of(value)) || is_fail(&of(1.0)));
    }

    #[test]
    fn guards_bear_whatever_is_counted(
        moments in proptest::collection::vec((any::<i32>(), count(), count()), 0..20),
        windows in proptest::collection::vec((count(), count()), 4),
        objective in any::<f64>(),
        values in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), 0..4_u8), 0..60),
    ) {
        let of = |index: usize| Counts { requests: windows[index].0, bad: windows[index].1 };
        let burn = BurnCounts { objective, five_minutes: of(0), half_hour: of(1), hour: of(2), six_hours: of(3) };
        let moments = moments.iter().map(|(second, requests, bad)| GuardMoment { at: at(i64::from(*second)), counts: Counts { requests: *requests, bad: *bad } });
        let readings: Vec<GuardReading> = values.iter().map(|(value, baseline, limit, kind)| reading(*value, Some(*baseline), bound(*kind, *limit))).collect();
        let guarded = look(&GuardSignals { moments: moments.collect(), health: HealthGate::Held, burn: Some(burn), readings: readings.clone() }, at(0));
        prop_assert!(guarded.breaches.len() + guarded.unmeasured.len() <= readings.len() + 3);
        for breach in &guarded.breaches {
            match breach {
                Breach::Burns { over_long, over_short, .. } => prop_assert!(over_long.rate.is_finite() && over_short.rate.is_finite()),
                Breach::Moved { value, limit, .. } => prop_assert!(value.is_finite() && limit.is_finite()),
                Breach::Sudden { counts } => prop_assert!(counts.bad >= 5 && counts.bad <= counts.requests),
                Breach::HealthLost => prop_assert!(false, "it was held"),
            }
        }
    }
}

fn bound(kind: u8, limit: f64) -> Bound {
    match kind {
        0 => Bound::Above { limit },
        1 => Bound::Below { limit },
        2 => Bound::AboveBaseline { factor: limit },
        _ => Bound::BelowBaseline { factor: limit },
    }
}

fn reading(value: f64, baseline: Option<f64>, bound: Bound) -> GuardReading {
    GuardReading { effect: SideEffect { name: GuardName::known("orders"), bound }, value: Some(value), baseline }
}

fn well() -> GuardSignals {
    GuardSignals { moments: Vec::new(), health: HealthGate::Held, burn: None, readings: Vec::new() }
}

#[test]
fn five_errors_that_are_a_fifth_of_the_last_ten_seconds_are_enough() {
    let breaches = |counted: &[(i64, u64, u64)]| {
        let moments = counted
            .iter()
            .map(|(second, requests, bad)| GuardMoment { at: at(*second), counts: Counts { requests: *requests, bad: *bad } });
        look(&GuardSignals { moments: moments.collect(), ..well() }, at(100)).breaches
    };
    let sudden = Breach::Sudden { counts: Counts { requests: 25, bad: 5 } };
    assert_eq!(breaches(&[(91, 20, 3), (100, 5, 2)]), vec![sudden]);
    assert_eq!(breaches(&[(90, 20, 3), (100, 5, 2)]), vec![], "ten seconds ago is over");
    assert_eq!(breaches(&[(101, 20, 20)]), vec![], "what is to come is no evidence");
    assert_eq!(breaches(&[(100, 4, 4)]), vec![], "four may be one client");
    assert_eq!(breaches(&[(100, 26, 5)]), vec![], "less than a fifth");
}

#[test]
fn health_that_is_lost_breaches_and_health_that_nobody_could_ask_is_said() {
    let of = |health| look(&GuardSignals { health, ..well() }, at(0));
    assert_eq!(of(HealthGate::Held), Guarded::default());
    assert_eq!(of(HealthGate::Lost).breaches, vec![Breach::HealthLost]);
    let unmeasured = of(HealthGate::Unmeasured);
    assert!(unmeasured.breaches.is_empty() && unmeasured.health_unmeasured);
}

#[test]
fn a_budget_must_burn_over_both_windows_of_a_pair() {
    let of = |bad: [u64; 4]| {
        let [five_minutes, hour, half_hour, six_hours] = bad.map(|bad| Counts { requests: 10_000, bad });
        let burn = BurnCounts { objective: 99.9, five_minutes, half_hour, hour, six_hours };
        look(&GuardSignals { burn: Some(burn), ..well() }, at(0)).breaches.len()
    };
    assert_eq!(of([145, 145, 0, 0]), 1);
    assert_eq!(of([145, 143, 61, 59]), 0);
    assert_eq!(of([0, 0, 61, 61]), 1);
    assert_eq!(of([145, 145, 61, 61]), 2);
    let young = Counts { requests: 60, bad: 1 };
    let burn = BurnCounts { objective: 99.9, five_minutes: young, half_hour: young, hour: young, six_hours: young };
    assert_eq!(look(&GuardSignals { burn: Some(burn), ..well() }, at(0)).breaches, vec![], "one error is no rate");
    let idle = Counts::default();
    let burn = BurnCounts { objective: 100.0, five_minutes: idle, half_hour: young, hour: young, six_hours: young };
    assert_eq!(look(&GuardSignals { burn: Some(burn), ..well() }, at(0)).breaches, vec![], "no budget, no rate");
}

#[test]
fn a_guarded_number_that_moves_is_named_with_what_it_crossed() {
    let of = |readings: &[GuardReading]| look(&GuardSignals { readings: readings.to_vec(), ..well() }, at(0));
    let moved = |value, limit| Breach::Moved { name: GuardName::known("orders"), value, limit };
    let half = Bound::BelowBaseline { factor: 0.5 };
    assert_eq!(of(&[reading(9.0, Some(20.0), half)]).breaches, vec![moved(9.0, 10.0)]);
    assert_eq!(of(&[reading(10.0, Some(20.0), half)]), Guarded::default());
    assert_eq!(of(&[reading(101.0, None, Bound::Above { limit: 100.0 })]).breaches, vec![moved(101.0, 100.0)]);
    assert_eq!(of(&[reading(0.5, None, Bound::Below { limit: 1.0 })]).breaches, vec![moved(0.5, 1.0)]);
    assert_eq!(of(&[reading(31.0, Some(10.0), Bound::AboveBaseline { factor: 3.0 })]).breaches, vec![moved(31.0, 30.0)]);
    for unmeasured in [reading(9.0, None, half), reading(9.0, Some(0.0), half), reading(f64::NAN, Some(20.0), half)] {
        let found = of(&[unmeasured]);
        assert_eq!((found.breaches.len(), found.unmeasured.len()), (0, 1));
    }
    let many = vec![reading(9.0, Some(20.0), half); GUARDS_MAX + 1];
    assert_eq!((of(&many).breaches.len(), of(&many).unmeasured.len()), (GUARDS_MAX, 1));
}
