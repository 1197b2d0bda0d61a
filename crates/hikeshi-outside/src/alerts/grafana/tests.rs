//! Grafana of today, and of before version 9.

use serde_json::json;

use super::*;

fn message() -> Value {
    json!({
        "receiver": "hikeshi", "status": "firing", "orgId": 1, "version": "1", "groupKey": "{}:{}", "truncatedAlerts": 0, "title": "[FIRING:1]  (決済)",
        "state": "alerting", "message": "**Firing**", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "https://grafana.example.com/",
        "alerts": [
            {"status": "firing", "labels": {"alertname": "メモリ不足", "severity": "warning", "grafana_folder": "決済"},
                "annotations": {"summary": "決済サーバのメモリが足りない", "description": "使用率 95%"}, "startsAt": "2026-10-12T09:51:03.157076+09:00",
                "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "https://grafana.example.com/alerting/1afz/view", "fingerprint": "c6eadffa33fc0001",
                "silenceURL": "https://grafana.example.com/silence", "dashboardURL": "", "panelURL": "", "values": null},
            {"status": "resolved", "labels": {"alertname": "CPU"}, "annotations": {}, "startsAt": "2026-10-12T09:41:03Z", "endsAt": "2026-10-12T09:56:03Z",
                "generatorURL": "", "panelURL": "https://grafana.example.com/d/1?viewPanel=2", "fingerprint": "c6eadffa33fc0002", "values": {"B": 44.2}},
        ],
    })
}

#[test]
fn a_message_of_today_is_read_and_keeps_its_own_fingerprints() {
    let signals = read(&message()).expect("understood");
    let [memory, cpu] = signals.as_slice() else { panic!("{signals:?}") };
    assert_eq!((memory.key.as_str(), memory.phase), ("c6eadffa33fc0001", Phase::Firing));
    assert_eq!((memory.title.as_str(), memory.summary.as_str()), ("決済サーバのメモリが足りない", "使用率 95%"));
    assert_eq!(memory.severity, Some(Severity::Warning));
    assert_eq!(memory.since.map(|at| at.to_string()).as_deref(), Some("2026-10-12T00:51:03.157076Z"));
    assert_eq!(memory.link.as_deref(), Some("https://grafana.example.com/alerting/1afz/view"));
    assert_eq!((cpu.key.as_str(), cpu.phase, cpu.title.as_str()), ("c6eadffa33fc0002", Phase::Resolved, "CPU"));
    assert_eq!(cpu.link.as_deref(), Some("https://grafana.example.com/d/1?viewPanel=2"));
}

#[test]
fn rules_of_equal_labels_stay_apart_and_an_update_is_the_same() {
    let mut twice = message();
    twice["alerts"][1]["labels"] = twice["alerts"][0]["labels"].clone();
    twice["alerts"][1]["status"] = json!("firing");
    let signals = read(&twice).expect("understood");
    assert_ne!(signals[0].key, signals[1].key, "the rule's own id is hidden, and is in the fingerprint");
    let mut update = message();
    update["alerts"][0]["annotations"]["description"] = json!("使用率 99%");
    let updated = read(&update).expect("understood");
    assert_eq!((&updated[0].key, updated[0].summary.as_str()), (&signals[0].key, "使用率 99%"));
}

#[test]
fn without_a_fingerprint_the_labels_will_do_and_without_either_nothing() {
    let mut bare = message();
    bare["alerts"] = json!([{"status": "firing", "labels": {"alertname": "DiskFull", "host": "db1"}}]);
    assert_eq!(read(&bare).expect("understood")[0].key.as_str(), "7f0ed040515aec90");
    bare["alerts"] = json!([{"status": "firing", "fingerprint": "aa"}]);
    let signals = read(&bare).expect("understood");
    assert_eq!((signals[0].key.as_str(), signals[0].title.as_str(), signals[0].labels.len()), ("aa", "aa", 0));
    bare["alerts"] = json!([{"status": "firing", "fingerprint": ""}]);
    assert_eq!(read(&bare).expect_err("nothing").why, "/alerts/0/labels must hold at least one label with a value");
}

#[test]
fn a_payload_of_somebodys_own_is_refused_by_name() {
    assert_eq!(read(&json!({"text": "停止"})).expect_err("no alerts").why, "/alerts must be an array of alerts");
}

#[test]
fn a_rule_of_before_version_9_fires_and_ends() {
    let told = |state: &str| {
        let message = json!({"dashboardId": 1, "evalMatches": [{"value": 100, "metric": "高い値", "tags": null}], "message": "もう持たない", "orgId": 1, "panelId": 2, "ruleId": 7,
            "ruleName": "待ち行列", "ruleUrl": "http://grafana.example.com/d/1", "state": state, "tags": {"severity": "critical"}, "title": "[Alerting] 待ち行列"});
        let [signal] = read(&message).expect("understood").try_into().expect("one");
        signal
    };
    let firing: Signal = told("alerting");
    assert_eq!((firing.key.as_str(), firing.phase, firing.title.as_str()), ("rule-7", Phase::Firing, "待ち行列"));
    assert_eq!((firing.summary.as_str(), firing.severity), ("もう持たない", Some(Severity::Critical)));
    assert_eq!(firing.link.as_deref(), Some("http://grafana.example.com/d/1"));
    for (state, phase) in [("no_data", Phase::Firing), ("paused", Phase::Firing), ("ok", Phase::Resolved), ("OK", Phase::Resolved)] {
        let signal: Signal = told(state);
        assert_eq!((signal.key, signal.phase), (firing.key.clone(), phase), "{state}");
    }
    let unnamed = json!({"ruleId": 0, "state": "alerting", "title": "[Alerting] x", "tags": null});
    assert_eq!(read(&unnamed).expect("understood")[0].title, "[Alerting] x");
    assert_eq!(read(&json!({"ruleId": {}, "state": "ok"})).expect_err("no id").why, "/ruleId must be a number");
}
