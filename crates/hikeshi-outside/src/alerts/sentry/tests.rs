//! Rules, issues and measurements, as Sentry's integrations tell them.

use serde_json::json;

use super::*;

fn event() -> Value {
    json!({
        "action": "triggered", "installation": {"uuid": "a8e5d37a-0000-4c54-adb5-b3f28d64c7de"}, "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
        "data": {"triggered_rule": "決済の失敗", "issue_alert": {"title": "決済の失敗", "settings": []}, "event": {
            "event_id": "e4874d664c3540c1a32eab185f12c5ab", "issue_id": "1117540176", "issue_url": "https://sentry.example.com/api/0/issues/1117540176/",
            "url": "https://sentry.example.com/api/0/projects/acme/checkout/events/e4874d66/", "web_url": "https://sentry.example.com/organizations/acme/issues/1117540176/events/e4874d66/",
            "title": "TypeError: 金額が未定義", "level": "error", "culprit": "pay(checkout)", "message": "", "datetime": "2026-01-05T03:02:15.677000Z", "timestamp": 1_767_582_135.677,
            "project": 1, "platform": "javascript", "release": null, "location": "pay.js", "user": {"ip_address": "192.0.2.9"},
            "tags": [["environment", "production"], ["level", "fatal"], ["user", "ip:192.0.2.9"], ["user.email", "a@example.com"], ["os.name", "Linux"], ["broken"], 7],
        }},
    })
}

fn about_issue(action: &str) -> Value {
    json!({"action": action, "installation": {"uuid": "u"}, "actor": {"type": "user", "id": 662437, "name": "x"}, "data": {"resolution_type": "now", "issue": {
        "id": "1117540176", "shortId": "CHECKOUT-E", "title": "TypeError: 金額が未定義", "culprit": "pay(checkout)", "level": "fatal", "status": "unresolved", "permalink": null,
        "web_url": "https://sentry.example.com/issues/1117540176/", "project": {"id": "1", "name": "Checkout", "slug": "checkout", "platform": "python"}, "platform": "python",
        "count": "3", "userCount": 3, "firstSeen": "2026-01-05T03:00:00.679000+00:00", "lastSeen": "2026-01-05T03:02:00.738000+00:00",
    }}})
}

fn about_metric(action: &str) -> Value {
    json!({"action": action, "installation": {"uuid": "u"}, "actor": {"type": "application", "id": "sentry", "name": "Sentry"}, "data": {
    "description_text": "1000 events in the last 10 minutes\\nFilter: level:error", "description_title": format!("{action}: 多すぎるエラー"),
    "web_url": "https://sentry.example.com/organizations/acme/alerts/1/", "metric_alert": {
        "id": "4", "identifier": "1", "organization_id": "5", "title": "Sacred Marmot", "status": 2, "date_started": "2026-01-05T03:02:15.000000Z", "date_closed": null,
        "projects": ["checkout", "web"], "alert_rule": {"id": "7", "name": "多すぎるエラー", "environment": "production", "aggregate": "count()"},
    }}})
}

fn only(resource: &str, message: &Value) -> Signal {
    let [signal] = read(resource, message).expect("understood").try_into().expect("one");
    signal
}

#[test]
fn a_rule_fires_for_its_issue() {
    let signal = only("event_alert", &event());
    assert_eq!((signal.key.as_str(), signal.phase, signal.title.as_str()), ("issue-1117540176", Phase::Firing, "TypeError: 金額が未定義"));
    assert_eq!((signal.summary.as_str(), signal.severity), ("pay(checkout)", Some(Severity::Error)));
    assert_eq!(signal.link.as_deref(), Some("https://sentry.example.com/organizations/acme/issues/1117540176/events/e4874d66/"));
    assert_eq!(signal.since.map(|at| at.to_string()).as_deref(), Some("2026-01-05T03:02:15.677Z"));
    let labels: Vec<(&str, &str)> = signal.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let wanted = [
        ("action", "triggered"),
        ("culprit", "pay(checkout)"),
        ("environment", "production"),
        ("level", "error"),
        ("os.name", "Linux"),
        ("platform", "javascript"),
        ("project", "checkout"),
        ("resource", "event_alert"),
        ("rule", "決済の失敗"),
    ];
    assert_eq!(labels, wanted, "tags are labels, and whose browser it was is nobody's business");
}

#[test]
fn another_event_of_the_issue_is_the_same_alert_and_the_issue_ends_it() {
    let mut later = event();
    later["data"]["event"]["event_id"] = json!("another");
    later["data"]["event"]["datetime"] = json!("2026-01-05T04:00:00Z");
    let (first, later, over) = (only("event_alert", &event()), only("event_alert", &later), only("issue", &about_issue("resolved")));
    assert_eq!((&first.key, &first.key, over.phase), (&later.key, &over.key, Phase::Resolved));
    assert_eq!(first.labels.get("project"), over.labels.get("project"));
}

#[test]
fn an_older_event_names_its_issue_in_an_address_or_not_at_all() {
    let mut older = event();
    older["data"]["event"]["issue_id"] = json!(null);
    assert_eq!(only("event_alert", &older).key.as_str(), "issue-1117540176");
    for unnamed in [json!("https://sentry.example.com/api/0/issues/"), json!("https://sentry.example.com/issues"), json!(null), json!([])] {
        older["data"]["event"]["issue_url"] = unnamed;
        assert_eq!(read("event_alert", &older).expect_err("no id").why, "/data/event/issue_id is missing");
    }
    older["data"]["event"]["issue_id"] = json!(1_117_540_176_u64);
    assert_eq!(only("event_alert", &older).key.as_str(), "issue-1117540176", "ids change their type");
}

#[test]
fn an_issue_fires_ends_and_comes_back() {
    for (action, phase) in [
        ("created", Phase::Firing),
        ("unresolved", Phase::Firing),
        ("resolved", Phase::Resolved),
        ("archived", Phase::Resolved),
        ("ignored", Phase::Resolved),
    ] {
        let signal = only("issue", &about_issue(action));
        assert_eq!((signal.key.as_str(), signal.phase), ("issue-1117540176", phase), "{action}");
        assert_eq!((signal.labels["action"].as_str(), signal.labels["resource"].as_str()), (action, "issue"), "for routes");
    }
    let created = only("issue", &about_issue("created"));
    assert_eq!((created.severity, created.summary.as_str()), (Some(Severity::Critical), "pay(checkout)"));
    assert_eq!(created.link.as_deref(), Some("https://sentry.example.com/issues/1117540176/"));
    assert_eq!(created.since.map(|at| at.to_string()).as_deref(), Some("2026-01-05T03:00:00.679Z"));
    assert_eq!(only("issue", &about_issue("unresolved")).since, None, "what has come back must not look like an old report");
}

#[test]
fn an_issue_that_is_assigned_neither_fires_nor_ends() {
    for action in ["assigned", "something new"] {
        assert_eq!(read("issue", &about_issue(action)), Ok(Vec::new()), "{action}");
        assert_eq!(read("metric_alert", &about_metric(action)), Ok(Vec::new()), "{action}");
    }
}

#[test]
fn a_measurement_fires_changes_and_ends() {
    for (action, phase, severity) in [
        ("critical", Phase::Firing, Some(Severity::Critical)),
        ("warning", Phase::Firing, Some(Severity::Warning)),
        ("open", Phase::Firing, None),
        ("resolved", Phase::Resolved, None),
    ] {
        let signal = only("metric_alert", &about_metric(action));
        assert_eq!((signal.key.as_str(), signal.phase, signal.severity), ("metric-4", phase, severity), "{action}");
        assert_eq!(signal.title, "多すぎるエラー", "{action}: the title stays");
    }
    let signal = only("metric_alert", &about_metric("critical"));
    assert_eq!(signal.summary, "1000 events in the last 10 minutes\nFilter: level:error");
    assert_eq!(signal.link.as_deref(), Some("https://sentry.example.com/organizations/acme/alerts/1/"));
    assert_eq!((signal.labels["project"].as_str(), signal.labels["environment"].as_str()), ("checkout, web", "production"));
    let mut no_id = about_metric("critical");
    no_id["data"]["metric_alert"]["id"] = json!(null);
    assert_eq!(only("metric_alert", &no_id).key.as_str(), "metric-rule-7");
    no_id["data"]["metric_alert"]["alert_rule"] = json!(null);
    assert_eq!(read("metric_alert", &no_id).expect_err("no id").why, "/data/metric_alert/id is missing");
}

#[test]
fn without_the_header_the_message_tells() {
    assert_eq!(only("", &event()).labels["resource"], "event_alert");
    assert_eq!(only(" ", &about_issue("resolved")).phase, Phase::Resolved);
    assert_eq!(only("", &about_metric("critical")).key.as_str(), "metric-4");
    for nothing in [json!({"action": "created"}), json!({"data": {"error": {}}}), json!([]), json!("x")] {
        let refused = read("", &nothing).expect_err("about nothing");
        assert_eq!(refused.why, "neither the header Sentry-Hook-Resource nor /data says what this is about");
    }
}

#[test]
fn what_is_no_alert_is_understood_and_nothing_follows() {
    for resource in ["installation", "comment", "error", "activity_alert", "seer"] {
        assert_eq!(read(resource, &json!({"action": "created", "data": {"installation": {}}})), Ok(Vec::new()), "{resource}");
    }
}

#[test]
fn what_cannot_be_told_apart_is_refused_by_name() {
    for (resource, message, why) in [
        ("issue", json!({"data": {"issue": {"id": "1"}}}), "/action is missing"),
        ("issue", json!({"action": "created", "data": {"issue": {"title": "x"}}}), "/data/issue/id is missing"),
        ("issue", json!({"action": "created"}), "/data/issue/id is missing"),
        ("metric_alert", json!({"action": 5.5}), ""),
        ("event_alert", json!({"data": []}), "/data/event/issue_id is missing"),
    ] {
        match read(resource, &message) {
            Ok(signals) => assert_eq!((signals.len(), why), (0, ""), "{message}"),
            Err(refused) => assert_eq!((refused.status, refused.why.as_str()), (400, why), "{message}"),
        }
    }
}

#[test]
fn many_tags_push_out_none_of_the_labels_that_routes_ask_for() {
    let mut tagged = event();
    let tags: Vec<Value> = (0..200).map(|n| json!([format!("a{n:03}"), "x"])).collect();
    tagged["data"]["event"]["tags"] = json!(tags);
    let signal = only("event_alert", &tagged);
    assert_eq!(signal.labels.len(), hikeshi_domain::alert::LABELS_MAX);
    assert_eq!((signal.labels["resource"].as_str(), signal.labels["rule"].as_str()), ("event_alert", "決済の失敗"));
}
