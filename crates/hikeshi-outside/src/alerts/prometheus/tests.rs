//! Alertmanager's webhook and API, and Prometheus at the latter.

use hikeshi_domain::alert::AlertKey;
use serde_json::json;

use super::*;

/// The same alert as Alertmanager tells it and as Prometheus does.
fn labels_of_down() -> Value {
    json!({"alertname": "InstanceDown", "instance": "db1:9100", "job": "node", "severity": "critical"})
}

/// Computed in Python, with hashlib, from the same rule. Alerts that fire now are known by such keys.
const KEY_OF_DOWN: &str = "fd36218771844794";

fn message(status: &str, alerts: Value) -> Value {
    json!({
        "version": "4", "groupKey": "{}/{severity=\"critical\"}:{alertname=\"InstanceDown\"}", "truncatedAlerts": 0, "status": status,
        "receiver": "ops\\.hikeshi", "groupLabels": {"alertname": "InstanceDown"}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "https://alertmanager.example.com", "notification_reason": "new alerts added", "alerts": alerts,
    })
}

fn down(status: &str) -> Value {
    json!({
        "status": status, "labels": labels_of_down(), "annotations": {"summary": "db1 が応答しない", "description": "5分間 up == 0", "runbook_url": "https://run.example.com"},
        "startsAt": "2026-01-05T03:02:15.432911368Z", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://cobalt.example.com:9090/graph?g0.expr=up+%3D%3D+0\u{26}g0.tab=1", "fingerprint": "3f8c1a2b9d4e5f60",
    })
}

fn only(signals: Result<Vec<Signal>, Refused>) -> Signal {
    let [signal] = signals.expect("understood").try_into().expect("one");
    signal
}

#[test]
fn a_firing_alert_is_read_with_its_words() {
    let signal = only(webhook(&message("firing", json!([down("firing")]))));
    assert_eq!((signal.key.as_str(), signal.phase), (KEY_OF_DOWN, Phase::Firing));
    assert_eq!((signal.title.as_str(), signal.summary.as_str()), ("db1 が応答しない", "5分間 up == 0"));
    assert_eq!(signal.severity, Some(Severity::Critical));
    assert_eq!(signal.link.as_deref(), Some("http://cobalt.example.com:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"));
    assert_eq!(signal.since.map(|at| at.to_string()).as_deref(), Some("2026-01-05T03:02:15.432911368Z"));
    assert_eq!(signal.lapses_at, None, "the webhook is silent while nothing changes");
    assert_eq!(signal.labels.get("job").map(String::as_str), Some("node"));
    assert_eq!(signal.labels.len(), 4);
}

#[test]
fn an_alert_with_other_annotations_is_the_same_and_one_with_another_label_is_not() {
    let first = only(webhook(&message("firing", json!([down("firing")]))));
    let mut later = down("firing");
    later["annotations"] = json!({"summary": "db1 が応答しない", "description": "15分間 up == 0"});
    let later = only(webhook(&message("firing", json!([later]))));
    assert_eq!((&later.key, later.summary.as_str()), (&first.key, "15分間 up == 0"));
    let mut other = down("firing");
    other["labels"]["instance"] = json!("db2:9100");
    assert_ne!(only(webhook(&message("firing", json!([other])))).key, first.key);
}

#[test]
fn each_alert_says_itself_whether_it_is_over() {
    let mut web = down("resolved");
    web["labels"]["instance"] = json!("web2:9100");
    web["endsAt"] = json!("2026-01-05T03:20:12.443Z");
    let signals = webhook(&message("firing", json!([down("firing"), web, down("resolved")]))).expect("understood");
    let phases: Vec<Phase> = signals.iter().map(|signal| signal.phase).collect();
    assert_eq!(phases, [Phase::Firing, Phase::Resolved, Phase::Resolved], "in the order in which they came");
    assert_eq!(signals[0].key, signals[2].key);
    assert!(signals.iter().all(|signal| signal.lapses_at.is_none()));
}

#[test]
fn an_alert_without_a_status_is_over_only_when_all_are() {
    for (whole, own, wanted) in [
        ("resolved", json!(null), Phase::Resolved),
        ("firing", json!(null), Phase::Firing),
        ("resolved", json!("firing"), Phase::Firing),
        ("firing", json!("Resolved"), Phase::Resolved),
        ("firing", json!("suppressed"), Phase::Firing),
        ("", json!(7), Phase::Firing),
    ] {
        let mut alert = down("");
        alert["status"] = own;
        assert_eq!(only(webhook(&message(whole, json!([alert])))).phase, wanted, "{whole} {}", alert["status"]);
    }
}

#[test]
fn the_same_alert_has_the_same_key_whichever_way_it_comes() {
    let posted = json!([{"annotations": {}, "endsAt": "2026-01-05T03:06:15.000Z", "startsAt": "2026-01-05T03:02:15.432Z", "generatorURL": "",
        "labels": {"severity": "critical", "job": "node", "instance": "db1:9100", "alertname": "InstanceDown", "empty": ""}}]);
    assert_eq!(only(super::posted(&posted)).key, only(webhook(&message("firing", json!([down("firing")])))).key);
}

#[test]
fn keys_are_those_that_have_always_been_made() {
    for (given, key) in [
        (labels_of_down(), KEY_OF_DOWN),
        (json!({"host": "db1", "alertname": "DiskFull", "empty": ""}), "7f0ed040515aec90"),
        (json!({"alertname": "ディスク逼迫", "host": "db1"}), "5e9ded3d7c9ae4d8"),
    ] {
        assert_eq!(fingerprint(&labels(Some(&given))).as_deref(), Some(key), "{given}");
    }
    let key = |given: Value| fingerprint(&labels(Some(&given)));
    assert_ne!(key(json!({"a": "b2:c"})), key(json!({"ab2": "c"})));
    assert_ne!(key(json!({"a": "b", "c": "d"})), key(json!({"a": "b1:c1:d"})));
    assert_ne!(key(json!({"a": "x"})), key(json!({"a": "x "})));
    assert_eq!(key(json!({})), None);
    let long = "長".repeat(600);
    assert_ne!(key(json!({"a": format!("{long}1")})), key(json!({"a": format!("{long}2")})), "what is not shown counts too");
}

#[test]
fn a_batch_of_prometheus_is_read_and_an_end_is_a_lease() {
    let batch: Value = serde_json::from_str(
        r#"[{"annotations":{"description":"CPU core temperature is 34.75C","summary":"High CPU core temperature"},"endsAt":"2026-01-05T03:08:15.000Z","startsAt":"2026-01-05T03:02:15.432Z","generatorURL":"http://cobalt:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1","labels":{"alertname":"InstanceDown","instance":"db1:9100","job":"node","severity":"critical"}},{"annotations":{},"endsAt":"2026-01-05T03:03:45.120Z","startsAt":"2026-01-05T02:41:00.000Z","generatorURL":"http://cobalt:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1","labels":{"alertname":"InstanceDown","instance":"web2:9100","job":"node","severity":"critical"}}]"#,
    )
    .expect("JSON");
    let signals = posted(&batch).expect("understood");
    assert_eq!(signals.len(), 2);
    assert_eq!(signals[0].key, AlertKey::of(KEY_OF_DOWN));
    let ends: Vec<String> = signals.iter().filter_map(|signal| Some(signal.lapses_at?.to_string())).collect();
    assert_eq!(ends, ["2026-01-05T03:08:15Z", "2026-01-05T03:03:45.12Z"], "whether that is past is for whoever has a clock");
    assert!(signals.iter().all(|signal| signal.phase == Phase::Firing));
    assert_eq!(signals[1].title, "InstanceDown (web2:9100)", "without annotations the labels name it");
    assert_eq!(signals[1].summary, "");
}

#[test]
fn an_end_that_is_none_is_no_lease() {
    for end in [json!("0001-01-01T00:00:00Z"), json!("0001-01-01T00:00:00.000Z"), json!(""), json!(null), json!(0), json!("soon")] {
        let signal = only(posted(&json!([{"labels": {"alertname": "A"}, "endsAt": end, "startsAt": end}])));
        assert_eq!((signal.lapses_at, signal.since, signal.phase), (None, None, Phase::Firing), "{end}");
    }
    let signal = only(posted(&json!([{"labels": {"alertname": "DiskFull", "host": "db1", "empty": ""}}])));
    assert_eq!((signal.lapses_at, signal.title.as_str(), signal.labels.len()), (None, "DiskFull", 2));
}

#[test]
fn what_is_optional_may_be_odd() {
    let odd = json!({"labels": {"alertname": 5, "severity": "とても高い", "up": true}, "annotations": [1], "startsAt": 7, "generatorURL": {"a": 1}});
    let signal = only(webhook(&json!({"alerts": [odd]})));
    assert_eq!((signal.title.as_str(), signal.severity, signal.since, signal.link.as_deref()), ("5", None, None, None));
    assert_eq!(signal.labels.get("up").map(String::as_str), Some("true"));
    let unnamed = only(webhook(&json!({"alerts": [{"labels": {"host": "db1"}}]})));
    assert_eq!(unnamed.title, unnamed.key.as_str(), "a title is never empty");
    assert_eq!(webhook(&message("firing", json!([]))), Ok(Vec::new()));
}

#[test]
fn an_address_too_long_to_keep_gives_way_to_that_of_the_sender() {
    let mut alert = down("firing");
    alert["generatorURL"] = json!(format!("http://cobalt.example.com/graph?g0.expr={}", "x".repeat(2_000)));
    assert_eq!(only(webhook(&message("firing", json!([alert])))).link.as_deref(), Some("https://alertmanager.example.com"));
}

#[test]
fn that_alerts_were_left_out_stands_on_those_that_came() {
    let mut cut = message("firing", json!([down("firing")]));
    cut["truncatedAlerts"] = json!(12);
    let signal = only(webhook(&cut));
    assert_eq!(signal.labels.get("truncatedAlerts").map(String::as_str), Some("12"));
    assert_eq!(signal.key.as_str(), KEY_OF_DOWN, "and changes no key");
    for none in [json!(0), json!(null), json!("x"), json!(-1)] {
        cut["truncatedAlerts"] = none;
        assert!(!only(webhook(&cut)).labels.contains_key("truncatedAlerts"), "{cut}");
    }
}

#[test]
fn what_holds_no_alerts_is_refused_by_the_name_of_the_place() {
    for (given, why) in [
        (json!({}), "/alerts must be an array of alerts"),
        (json!({"alerts": {"a": 1}}), "/alerts must be an array of alerts"),
        (json!([1]), "/alerts must be an array of alerts"),
        (json!({"alerts": [{"status": "firing"}]}), "/alerts/0/labels must hold at least one label with a value"),
        (json!({"alerts": [{"labels": {"a": ""}}]}), "/alerts/0/labels must hold at least one label with a value"),
        (json!({"alerts": [{"labels": ["a"]}]}), "/alerts/0/labels must hold at least one label with a value"),
    ] {
        let refused = webhook(&given).expect_err("nothing to tell apart");
        assert_eq!((refused.status, refused.why.as_str()), (400, why), "{given}");
    }
    assert_eq!(posted(&json!({"labels": {"a": "b"}})).expect_err("an object").why, "the body must be an array of alerts");
}
