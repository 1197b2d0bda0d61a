//! Planned work: a silence holds a storm back, also across a crash, and whatever still fires at its end reaches people once.

use serde_json::{Value, json};

use super::super::harness::{Workspace, until};
use super::{ends_well, incidents, now_plus, opened, show, source, taken, workspace};

const ALERTS: u64 = 600;
const TO: &str = "alerts/prometheus/api/v2/alerts";

/// `date` is asked once: the alerts differ in their names alone.
fn slow_pods(range: std::ops::Range<u64>, ends_at: &str) -> Value {
    let starts_at = now_plus(-60);
    let alerts = range.map(|number| {
        json!({
            "labels": {"alertname": "HighLatency", "severity": "critical", "instance": format!("node{number}:9100")},
            "annotations": {"summary": format!("{number} 号機が遅い")},
            "startsAt": starts_at, "endsAt": ends_at, "generatorURL": "http://prometheus.test/graph",
        })
    });
    alerts.collect()
}

fn alerts(workspace: &Workspace) -> Value {
    workspace.ok("tanaka", &["alert", "list"])
}

fn totals(workspace: &Workspace) -> (u64, u64) {
    let view = alerts(workspace);
    let total = |name: &str| view[name].as_u64().expect("a number");
    (total("firing_total"), total("held_total"))
}

#[test]
fn what_a_silence_holds_survives_a_crash_and_pages_once_when_it_is_lifted() {
    let mut workspace = workspace("silences", &source("prometheus", "alertmanager", ""));
    let silence = ["alert", "silence", "--service", "web", "--label", "alertname=HighLatency|Down", "--for", "2h", "--reason", "DB を移す"];
    assert_eq!(workspace.ok("tanaka", &silence)["receipt"]["made"], "sil_1");
    taken(&workspace, TO, &slow_pods(0..ALERTS, &now_plus(3_600)));
    assert_eq!(totals(&workspace), (ALERTS, ALERTS));
    assert_eq!(incidents(&workspace).len(), 0, "nobody is called");

    workspace.kill();
    workspace.start();
    assert_eq!(totals(&workspace), (ALERTS, ALERTS));
    taken(&workspace, TO, &slow_pods(0..5, &now_plus(-1)));
    assert_eq!(totals(&workspace), (ALERTS - 5, ALERTS - 5), "what is over is held no more");

    workspace.ok("tanaka", &["alert", "unsilence", "sil_1"]);
    until("what still fires has opened its incident", || totals(&workspace).1 == 0);
    let view = opened(&workspace, 1);
    assert_eq!(view["incident"]["alerts"], json!({"firing": ALERTS - 5, "fired": ALERTS - 5}));
    until("the silence is gone", || alerts(&workspace)["silences"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(show(&workspace, "inc_1")["incident"]["escalated_steps"], 1, "people are called once");
    ends_well(&mut workspace);
}
