//! Senders that cannot be run here, by messages of their form: Grafana, Sentry, Datadog with our template, and any JSON. Each opens an incident,
//! says more about it, and ends it.

use ring::hmac;
use serde_json::{Value, json};

use super::super::double::post;
use super::super::harness::Workspace;
use super::{
    TOKEN, address, ends_well, incidents, is_resolved, ledger_holds, opened, resolves_itself, send, show, source, steps, taken, workspace,
};

const FIELDS: &str = r#"
[alerts.sources.own.fields]
items = "/checks"
key = "/id"
title = "/what/ja"
summary = "/what/detail"
severity = "/level"
status = "/state"
resolved = ["復旧", "ok"]
labels = "/tags"
"#;

/// One incident by now for each of the formats so far, and this is its state.
fn counts(firing: u64, fired: u64) -> Value {
    json!({"firing": firing, "fired": fired})
}

/// Grafana's alert rule; what it hides of the labels is in the fingerprint alone.
fn grafana(alerts: &[(&str, &str, &str)]) -> Value {
    let all_over = alerts.iter().all(|(_, status, _)| *status == "resolved");
    let alerts = alerts.iter().map(|(fingerprint, status, disk)| {
        let ends_at = if *status == "resolved" { "2026-11-22T10:10:00+09:00" } else { "0001-01-01T00:00:00Z" };
        json!({
            "status": status, "labels": {"alertname": "空き容量", "grafana_folder": "基盤", "disk": disk, "severity": "critical"},
            "annotations": {"summary": format!("{disk} の空きが 5 % 未満"), "description": "古い記録を消す"},
            "startsAt": "2026-11-22T10:00:00+09:00", "endsAt": ends_at, "fingerprint": fingerprint, "values": null, "valueString": "",
            "generatorURL": "http://grafana.test/alerting/grafana/abc/view", "silenceURL": "http://grafana.test/silence", "dashboardURL": "", "panelURL": "",
        })
    });
    let alerts: Vec<Value> = alerts.collect();
    json!({
        "receiver": "hikeshi", "status": if all_over { "resolved" } else { "firing" }, "state": if all_over { "ok" } else { "alerting" },
        "orgId": 1, "alerts": alerts, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "version": "1", "truncatedAlerts": 0,
        "externalURL": "http://grafana.test/", "groupKey": "{}:{}", "title": "[FIRING:1]", "message": "**Firing**",
    })
}

/// With the signature of whoever knows the secret, and what it is about in a header.
fn sentry(workspace: &Workspace, secret: &str, resource: &str, message: &Value) -> u16 {
    let body = message.to_string();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let headers =
        [("sentry-hook-resource", resource), ("sentry-hook-signature", signature.as_str()), ("sentry-hook-timestamp", "1790000000")];
    post(&address(workspace.port), "/inbound/alerts/sentry", "application/json", &headers, body.as_bytes()).0
}

fn error_of_sentry(level: &str) -> Value {
    json!({"action": "triggered", "installation": {"uuid": "7f1c"}, "actor": {"type": "application", "id": "sentry", "name": "Sentry"}, "data": {
        "triggered_rule": "決済の失敗", "event": {
            "event_id": "9be0", "issue_id": "40301", "title": "KeyError: '予約番号'", "level": level, "culprit": "reserve.confirm", "message": "",
            "datetime": "2026-11-22T01:02:03.456000Z", "web_url": "https://sentry.test/issues/40301/", "project": 7, "platform": "python",
            "tags": [["environment", "production"], ["user.email", "customer@example.jp"]],
        },
    }})
}

fn issue_of_sentry(action: &str) -> Value {
    json!({"action": action, "installation": {"uuid": "7f1c"}, "actor": {"type": "user", "id": 12, "name": "佐藤"}, "data": {"issue": {
        "id": "40301", "shortId": "RESERVE-1A", "title": "KeyError: '予約番号'", "culprit": "reserve.confirm", "level": "error", "status": action,
        "project": {"id": "7", "name": "reserve", "slug": "reserve"}, "count": "3", "userCount": 2, "firstSeen": "2026-11-22T01:02:03.456000+00:00",
    }}})
}

/// What Datadog makes of the template that is to be set there.
fn datadog(transition: &str, kind: &str) -> Value {
    let filled = hikeshi_outside::alerts::DATADOG_TEMPLATE
        .replace("$ALERT_TRANSITION", transition)
        .replace("$ALERT_ID", "9100123")
        .replace("$ALERT_SCOPE", "host:db1,env:prod")
        .replace("$ALERT_CYCLE_KEY", if transition == "Recovered" { "200" } else { "100" })
        .replace("$ALERT_TYPE", kind)
        .replace("$ALERT_TITLE", &format!("[P2] [{transition} on {{host:db1}}] 接続数が多い"))
        .replace("$TEXT_ONLY_MSG", "上限の 95 %\\n対応手順は wiki")
        .replace("$TAGS", "env:prod,host:db1,team:予約")
        .replace("$LINK", "https://app.datadog.test/event/1")
        .replace("$DATE", "1795312923000");
    serde_json::from_str(&filled).expect("the template is JSON when its variables are filled in")
}

fn own(id: u64, level: &str, state: &str) -> Value {
    json!({"from": "監視台", "checks": [
        {"id": id, "what": {"ja": "夜間一括が遅い", "detail": "3 時を過ぎた"}, "level": level, "state": state, "tags": {"job": "夜間一括", "host": 4}},
    ]})
}

mod slow {
    use super::*;

    #[test]
    fn what_grafana_sends_opens_an_incident_one_more_joins_and_a_mixed_message_ends_only_what_is_over() {
        let mut workspace = workspace("grafana", &source("grafana", "grafana", ""));
        taken(&workspace, "alerts/grafana", &grafana(&[("aa01", "firing", "/var")]));
        let view = opened(&workspace, 1);
        assert_eq!((&view["incident"]["title"], &view["incident"]["priority"]), (&json!("予約: /var の空きが 5 % 未満"), &json!("P1")));
        assert_eq!((&view["alerts"][0]["alert"], &view["alerts"][0]["since"]), (&json!("grafana/aa01"), &json!("2026-11-22T01:00:00Z")));
        taken(&workspace, "alerts/grafana", &grafana(&[("aa01", "firing", "/var"), ("aa02", "firing", "/home")]));
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], counts(2, 2));
        taken(&workspace, "alerts/grafana", &grafana(&[("aa01", "resolved", "/var"), ("aa02", "firing", "/home")]));
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], counts(1, 2));
        assert!(!is_resolved(&show(&workspace, "inc_1")));
        taken(&workspace, "alerts/grafana", &grafana(&[("aa02", "resolved", "/home")]));
        resolves_itself(&workspace, "inc_1", "grafana");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "fired", "over", "over"]);
        ends_well(&mut workspace);
    }

    #[test]
    fn what_sentry_signs_opens_an_incident_for_its_issue_and_the_issue_ends_it() {
        let mut workspace = workspace("sentry", &source("sentry", "sentry", ""));
        assert_eq!(sentry(&workspace, "a-wrong-secret", "event_alert", &error_of_sentry("error")), 401);
        assert_eq!(send(&workspace, "alerts/sentry", &error_of_sentry("error")).0, 401, "a token is no signature");
        assert_eq!(incidents(&workspace).len(), 0);
        assert_eq!(
            sentry(&workspace, TOKEN, "installation", &json!({"action": "created", "data": {"installation": {"status": "installed"}}})),
            200
        );
        assert_eq!(sentry(&workspace, TOKEN, "event_alert", &error_of_sentry("error")), 200);
        let view = opened(&workspace, 1);
        assert_eq!(view["incident"]["title"], "予約: KeyError: '予約番号'");
        assert_eq!((&view["alerts"][0]["alert"], &view["alerts"][0]["severity"]), (&json!("sentry/issue-40301"), &json!("error")));
        assert!(!view.to_string().contains("customer@example.jp"), "whose error it was is nobody's business: {view}");
        // The rule goes off at every further error; only that it is worse is news.
        assert_eq!(sentry(&workspace, TOKEN, "event_alert", &error_of_sentry("error")), 200);
        assert_eq!(sentry(&workspace, TOKEN, "event_alert", &error_of_sentry("fatal")), 200);
        assert_eq!(show(&workspace, "inc_1")["alerts"][0]["severity"], "critical");
        assert_eq!(sentry(&workspace, TOKEN, "issue", &issue_of_sentry("assigned")), 200);
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], counts(1, 1));
        assert_eq!(sentry(&workspace, TOKEN, "issue", &issue_of_sentry("resolved")), 200);
        resolves_itself(&workspace, "inc_1", "sentry");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "changed", "over"]);
        assert_eq!(incidents(&workspace).len(), 1);
        ends_well(&mut workspace);
    }

    #[test]
    fn what_datadog_sends_by_our_template_opens_an_incident_changes_it_and_ends_it() {
        let mut workspace = workspace("datadog", &source("datadog", "datadog", ""));
        taken(&workspace, "alerts/datadog", &datadog("Triggered", "error"));
        let view = opened(&workspace, 1);
        assert_eq!(view["incident"]["title"], "予約: 接続数が多い (host:db1,env:prod)");
        assert_eq!(view["incident"]["summary"], "上限の 95 %\n対応手順は wiki");
        assert_eq!((&view["alerts"][0]["severity"], &view["alerts"][0]["labels"]["team"]), (&json!("error"), &json!("予約")));
        taken(&workspace, "alerts/datadog", &datadog("Warn", "warning"));
        assert_eq!(show(&workspace, "inc_1")["alerts"][0]["severity"], "warning");
        taken(&workspace, "alerts/datadog", &datadog("Renotify", "warning"));
        ledger_holds(&workspace);
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], counts(1, 1));
        taken(&workspace, "alerts/datadog", &datadog("Recovered", "success"));
        resolves_itself(&workspace, "inc_1", "datadog");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "changed", "over"]);
        ends_well(&mut workspace);
    }

    #[test]
    fn what_a_program_of_our_own_sends_is_read_where_the_policy_says() {
        let mut workspace = workspace("ownjson", &(source("own", "json", "") + FIELDS));
        taken(&workspace, "alerts/own", &own(4471, "warning", "異常"));
        let view = opened(&workspace, 1);
        assert_eq!((&view["incident"]["title"], &view["incident"]["priority"]), (&json!("予約: 夜間一括が遅い"), &json!("P3")));
        assert_eq!(
            (&view["alerts"][0]["labels"], &view["alerts"][0]["alert"]),
            (&json!({"job": "夜間一括", "host": "4"}), &json!("own/4471"))
        );
        taken(&workspace, "alerts/own", &own(4471, "critical", "異常"));
        let view = show(&workspace, "inc_1");
        assert_eq!(
            (&view["alerts"][0]["severity"], &view["incident"]["priority"]),
            (&json!("critical"), &json!("P1")),
            "worse than it was"
        );
        taken(&workspace, "alerts/own", &own(9999, "critical", "復旧"));
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], counts(1, 1), "the end of another one");
        taken(&workspace, "alerts/own", &own(4471, "critical", "復旧"));
        resolves_itself(&workspace, "inc_1", "own");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "changed", "over"]);
        ends_well(&mut workspace);
    }
}
