//! Events as clients send them, and the answers that they need.

use serde_json::json;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn trigger() -> Value {
    json!({
        "event_action": "trigger", "routing_key": KEY, "dedup_key": "srv01/disk",
        "payload": {"summary": "ディスク使用率99%", "source": "db1.example.com", "severity": "warning", "component": "mysql", "group": "prod", "class": "disk",
            "timestamp": "2015-07-17T08:42:58.315+0000", "custom_details": {"free space": "1%", "load avg": 0.75, "nested": {"a": [true]}, "source": "elsewhere"}},
        "images": [{"src": "https://example.com/a.png"}], "links": [{"text": "no address"}, {"href": "https://example.com/1", "text": "x"}, {"href": "https://example.com/2"}],
        "client": "見張り", "client_url": "https://monitoring.example.com",
    })
}

fn read(event: &Value) -> Result<PagerDuty, Refused> {
    read_pagerduty(event.to_string().as_bytes(), "made-up-1")
}

/// The event with something else at a place.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = trigger();
    *event.pointer_mut(pointer).expect(pointer) = value;
    event
}

#[test]
fn a_trigger_is_read_with_its_words() {
    let event = read(&trigger()).expect("understood");
    assert_eq!((event.routing_key.as_str(), event.dedup_key.as_str(), event.signals.len()), (KEY, "srv01/disk", 1));
    let signal = &event.signals[0];
    assert_eq!((signal.key.as_str(), signal.phase, signal.title.as_str()), ("srv01/disk", Phase::Firing, "ディスク使用率99%"));
    assert_eq!((signal.severity, signal.link.as_deref()), (Some(Severity::Warning), Some("https://example.com/1")));
    assert_eq!(signal.since.map(|at| at.to_string()).as_deref(), Some("2015-07-17T08:42:58.315Z"), "an offset without a colon");
    let labels: Vec<(&str, &str)> = signal.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let wanted = [
        ("class", "disk"),
        ("component", "mysql"),
        ("free space", "1%"),
        ("group", "prod"),
        ("load avg", "0.75"),
        ("nested", r#"{"a":[true]}"#),
        ("source", "db1.example.com"),
    ];
    assert_eq!(labels, wanted);
}

#[test]
fn what_pythons_clients_send_is_read() {
    for (body, phase, dedup_key) in [
        (
            r#"{"event_action":"trigger","payload":{"summary":"Disk 99% on db1","source":"db1.example.com","severity":"critical"},"routing_key":"0123456789abcdef0123456789abcdef"}"#,
            Phase::Firing,
            "made-up-1",
        ),
        (
            r#"{"event_action":"acknowledge","dedup_key":"srv01/disk","routing_key":"0123456789abcdef0123456789abcdef"}"#,
            Phase::Acknowledged,
            "srv01/disk",
        ),
        (
            r#"{"event_action": "resolve", "dedup_key": "srv01/disk", "routing_key": "0123456789abcdef0123456789abcdef"}"#,
            Phase::Resolved,
            "srv01/disk",
        ),
    ] {
        let event = read_pagerduty(body.as_bytes(), "made-up-1").expect(body);
        assert_eq!((event.signals[0].phase, event.dedup_key.as_str(), event.routing_key.as_str()), (phase, dedup_key, KEY), "{body}");
        assert_eq!(event.signals[0].key.as_str(), dedup_key, "{body}");
    }
}

#[test]
fn an_update_is_the_same_alert_and_its_key_ends_it() {
    let (first, later) = (read(&trigger()).expect("first"), read(&with("/payload/severity", json!("critical"))).expect("later"));
    assert_eq!((&first.signals[0].key, later.signals[0].severity), (&later.signals[0].key, Some(Severity::Critical)));
    let over = read(&json!({"routing_key": KEY, "dedup_key": "srv01/disk", "event_action": "resolve"})).expect("over");
    assert_eq!(
        (&over.signals[0].key, over.signals[0].phase, over.signals[0].title.as_str()),
        (&first.signals[0].key, Phase::Resolved, "srv01/disk")
    );
}

#[test]
fn a_resolve_of_alertmanager_brings_an_empty_payload_along() {
    let key = "f7c3bc1d808e04732adf679965ccc34ca7ae3441f7c3bc1d808e04732adf6799";
    let event = json!({"routing_key": KEY, "dedup_key": key, "event_action": "resolve", "payload": {"summary": "", "source": "", "severity": ""}, "links": [{"href": "", "text": ""}]});
    let over = read(&event).expect("understood");
    assert_eq!((over.signals[0].phase, over.signals[0].key.as_str(), over.signals[0].severity), (Phase::Resolved, key, None));
}

#[test]
fn every_fault_is_named_as_pagerduty_does() {
    let severity = "'payload.severity' must be one of 'critical', 'error', 'warning' or 'info'";
    let action = "'event_action' must be one of 'trigger', 'acknowledge' or 'resolve'";
    for (event, faults) in [
        (with("/payload/summary", json!("")), vec!["'payload.summary' is missing or blank"]),
        (with("/payload/source", json!(null)), vec!["'payload.source' is missing or blank"]),
        (with("/payload/severity", json!("page")), vec![severity]),
        (with("/payload/severity", json!(["critical"])), vec![severity]),
        (with("/payload", json!("x")), vec!["'payload.summary' is missing or blank", "'payload.source' is missing or blank", severity]),
        (with("/routing_key", json!(" ")), vec!["'routing_key' is missing or blank"]),
        (with("/event_action", json!("triggered")), vec![action]),
        (json!({}), vec!["'routing_key' is missing or blank", action]),
        (json!({"routing_key": KEY, "event_action": "resolve"}), vec!["'dedup_key' is missing or blank"]),
        (json!({"routing_key": KEY, "event_action": "acknowledge", "dedup_key": ""}), vec!["'dedup_key' is missing or blank"]),
    ] {
        let error = read(&event).expect_err("a fault");
        assert_eq!(error.status, 400, "{event}");
        assert_eq!(refused(&error), json!({"status": "invalid event", "message": "Event object is invalid", "errors": faults}), "{event}");
    }
    for (place, word) in [("/payload/severity", "Critical"), ("/event_action", "Trigger")] {
        assert!(read(&with(place, json!(word))).is_ok(), "{word}, in whatever letters");
    }
}

#[test]
fn what_is_no_event_is_told_so() {
    for (body, errors) in [
        ("/* a comment of the documentation */ {}", "JSON parse error: the body is not JSON: expected value at line 1 column 1"),
        ("[]", "JSON parse error: the body must be an object"),
    ] {
        let error = read_pagerduty(body.as_bytes(), "m").expect_err(body);
        let wanted = json!({"status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": [errors]});
        assert_eq!((error.status, refused(&error)), (400, wanted), "{body}");
    }
}

#[test]
fn a_body_larger_than_pagerduty_takes_is_not_parsed_since_nobody_is_known_yet() {
    let mut large = trigger();
    large["payload"]["custom_details"] = json!({"firing": "x".repeat(500_000)});
    let signal = &read(&large).expect("as PagerDuty").signals[0];
    assert_eq!(signal.labels["firing"].chars().count(), hikeshi_domain::alert::LABEL_CHARS_MAX);
    large["payload"]["custom_details"] = json!({"firing": "x".repeat(600_000)});
    assert_eq!(read(&large).expect_err("too large").status, 413);
}

#[test]
fn details_of_any_shape_are_kept() {
    let details = |given: Value| read(&with("/payload/custom_details", given)).expect("understood").signals.remove(0);
    assert_eq!(details(json!("詳しい話")).summary, "詳しい話");
    assert_eq!(details(json!(["a", 1])).labels["custom_details"], r#"["a",1]"#);
    assert_eq!(details(json!(null)).labels.len(), 4);
    assert_eq!(details(json!(5)).labels.len(), 4);
    let many: Value = (0..300).map(|n| (format!("a{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let signal = details(many);
    assert_eq!((signal.labels.len(), signal.labels["source"].as_str()), (hikeshi_domain::alert::LABELS_MAX, "db1.example.com"));
}

#[test]
fn a_link_is_the_first_that_leads_somewhere() {
    let link = |event: &Value| read(event).expect("understood").signals.remove(0).link;
    assert_eq!(link(&with("/links", json!([{"href": "ftp://x"}, 5, {}]))).as_deref(), Some("https://monitoring.example.com"));
    assert_eq!(link(&with("/links", json!(null))).as_deref(), Some("https://monitoring.example.com"));
    let mut none = with("/links", json!([]));
    none["client_url"] = json!("monitoring");
    assert_eq!(link(&none), None);
}

#[test]
fn odd_times_and_keys_are_no_reason_to_lose_an_event() {
    for odd in [json!("yesterday"), json!(5), json!("2020-07-17T08:42:58.315+00:00Z")] {
        assert_eq!(read(&with("/payload/timestamp", odd)).expect("understood").signals[0].since, None);
    }
    let long = "鍵".repeat(300);
    let event = read(&with("/dedup_key", json!(long))).expect("understood");
    assert_eq!(event.dedup_key, long, "answered as it was given");
    assert!(event.signals[0].key.as_str().starts_with("sha256:"));
    assert_eq!(read(&with("/dedup_key", json!(17))).expect("understood").dedup_key, "17");
    assert_eq!(read(&with("/dedup_key", json!(null))).expect("understood").dedup_key, "made-up-1");
}

#[test]
fn the_answers_are_those_that_clients_need() {
    assert_eq!(accepted("srv01/HTTP"), json!({"status": "success", "message": "Event processed", "dedup_key": "srv01/HTTP"}));
}

fn change() -> Value {
    json!({
        "routing_key": KEY,
        "payload": {"summary": "v1.4.2 をリリース", "source": "ci.example.com", "timestamp": "2020-07-17T08:42:58.315+00:00",
            "custom_details": {"commit": "4f1c9a5e", "build": 142}},
        "links": [{"text": "no address"}, {"href": "https://ci.example.com/142", "text": "実行"}],
    })
}

#[test]
fn a_change_is_read_with_all_that_it_says() {
    let read = |event: &Value| read_pagerduty_change(event.to_string().as_bytes());
    let told = read(&change()).expect("understood");
    assert_eq!((told.routing_key.as_str(), told.title.as_str()), (KEY, "v1.4.2 をリリース"));
    assert_eq!(told.details, "ci.example.com\nbuild: 142\ncommit: 4f1c9a5e");
    assert_eq!(told.link.as_deref(), Some("https://ci.example.com/142"));
    assert_eq!(told.at, "2020-07-17T08:42:58.315Z".parse().ok());
    let mut odd = change();
    odd["payload"]["timestamp"] = json!("2020-07-17T08:42:58.315+00:00Z");
    assert_eq!(read(&odd).expect("understood").at, told.at, "as the client for Python writes it");
    // Only the summary is needed.
    let little = json!({"routing_key": KEY, "payload": {"summary": "flag on", "timestamp": "yesterday", "custom_details": "by hand"}});
    let told = read(&little).expect("understood");
    assert_eq!((told.details.as_str(), told.link, told.at), ("by hand", None, None));
    let none = read(&json!({"payload": {"source": "ci"}})).expect_err("refused");
    assert_eq!((none.status, none.why.as_str()), (400, "'routing_key' is missing or blank; 'payload.summary' is missing or blank"));
    assert_eq!(read_pagerduty_change(b"[]").expect_err("refused").status, 400);
    assert!(!format!("{:?}", read(&change())).contains(KEY), "the key is in no log");
}

#[test]
fn the_key_is_in_no_log() {
    let shown = format!("{:?}", read(&trigger()).expect("understood"));
    assert!(!shown.contains(KEY), "{shown}");
}
