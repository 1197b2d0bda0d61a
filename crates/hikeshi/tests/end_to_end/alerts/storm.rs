//! A storm: far more alerts than one command takes, in one request.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    ends_well, incidents, ledger_holds, ledger_size, now_plus, opened, resolves_itself, settled_size, show, source, taken, workspace,
};

const ALERTS: usize = 2_000;
const TO: &str = "alerts/prometheus/api/v2/alerts";

fn storm(ends_at: &str) -> Value {
    let starts_at = now_plus(-60);
    let alerts = (0..ALERTS).map(|number| {
        json!({
            "labels": {"alertname": "NodeDown", "severity": "critical", "instance": format!("node{number}:9100")},
            "annotations": {"summary": format!("{number} 号機が応答しない")},
            "startsAt": starts_at, "endsAt": ends_at, "generatorURL": "http://prometheus.test/graph",
        })
    });
    alerts.collect()
}

mod slow {
    use super::*;

    #[test]
    fn two_thousand_alerts_are_one_incident_within_seconds_and_said_again_they_are_nothing_new() {
        let mut workspace = workspace("storm", &source("prometheus", "alertmanager", ""));
        let fires = storm(&now_plus(600));
        let began = Instant::now();
        taken(&workspace, TO, &fires);
        let took = began.elapsed();
        // Once it is answered it is durable: nothing has to be waited for.
        let view = show(&workspace, "inc_1");
        assert_eq!((view["incident"]["alerts"].clone(), incidents(&workspace).len()), (json!({"firing": ALERTS, "fired": ALERTS}), 1));
        assert!(took < Duration::from_secs(10), "{took:?}");
        ledger_holds(&workspace);

        let size = settled_size(&workspace);
        for _ in 0..3 {
            taken(&workspace, TO, &fires);
        }
        assert_eq!((ledger_size(&workspace), settled_size(&workspace)), (size, size), "the same words again are no news");

        taken(&workspace, TO, &storm(&now_plus(-1)));
        resolves_itself(&workspace, "inc_1", "prometheus");
        assert_eq!(opened(&workspace, 1)["incident"]["alerts"], json!({"firing": 0, "fired": ALERTS}));
        let size = settled_size(&workspace);
        taken(&workspace, TO, &storm(&now_plus(-1)));
        assert_eq!(settled_size(&workspace), size, "Prometheus repeats for a quarter of an hour what is over");
        ends_well(&mut workspace);
    }
}
