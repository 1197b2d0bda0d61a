//! Debian's Alertmanager, whose receiver is this server: its webhook with a token, with a password and with a wrong secret; and while the server
//! is down.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::double::post;
use super::super::harness::{Workspace, until};
use super::{
    Program, TOKEN, address, ends_well, firing, free_port, incidents, is_resolved, ledger_holds, ledger_size, now_plus, opened,
    resolves_itself, settled_size, show, source, steps, workspace,
};

struct Alertmanager {
    program: Program,
    port: u16,
}

impl Alertmanager {
    /// Alerts go by their label `way`, which says how the receiver shows who it is.
    fn start(workspace: &Workspace, group_interval: &str) -> Self {
        let port = free_port();
        let url = format!("http://127.0.0.1:{}/inbound/alerts/alertmanager", workspace.port);
        let receiver =
            |name: &str, http: &str| format!("- name: {name}\n  webhook_configs:\n  - url: {url}\n    http_config: {{{http}}}\n");
        let config = format!(
            "route:\n  receiver: token\n  group_by: [group]\n  group_wait: 300ms\n  group_interval: {group_interval}\n  repeat_interval: 1h\n  \
             routes:\n  - {{receiver: password, matchers: ['way=password']}}\n  - {{receiver: wrong, matchers: ['way=wrong']}}\n  \
             - {{receiver: pager, matchers: ['way=pager']}}\nreceivers:\n{}{}{}\
             - name: pager\n  pagerduty_configs:\n  - url: http://{}/inbound/pagerduty/v2/enqueue\n    routing_key: {TOKEN}\n",
            receiver("token", &format!("authorization: {{credentials: {TOKEN}}}")),
            receiver("password", &format!("basic_auth: {{username: alertmanager, password: {TOKEN}}}")),
            receiver("wrong", "authorization: {credentials: a-wrong-secret}"),
            address(workspace.port),
        );
        std::fs::write(workspace.path("alertmanager.yml"), config).expect("written");
        let mut command = Command::new("prometheus-alertmanager");
        command
            .args(["--config.file=alertmanager.yml", "--storage.path=alertmanager", "--cluster.listen-address="])
            .arg(format!("--web.listen-address={}", address(port)));
        Self { program: Program::start(&workspace.dir, "alertmanager", &mut command).ready(port), port }
    }

    fn post(&self, alerts: &[Value]) {
        let body = Value::from(alerts.to_vec()).to_string();
        let (status, said) = post(&address(self.port), "/api/v2/alerts", "application/json", &[], body.as_bytes());
        assert_eq!(status, 200, "{said}");
    }

    /// The same alerts, over now.
    fn end(&self, alerts: &[Value]) {
        let at = now_plus(0);
        let over = alerts.iter().map(|alert| {
            let mut alert = alert.clone();
            alert["endsAt"] = at.clone().into();
            alert
        });
        self.post(&over.collect::<Vec<_>>());
    }
}

fn alert(name: &str, severity: &str, way: &str) -> Value {
    json!({
        "labels": {"alertname": name, "severity": severity, "way": way, "instance": "web1:9100"},
        "annotations": {"summary": format!("予約が遅い（{name}）"), "description": "応答が 3 秒 > 1 秒 & 増加中。\n<本番> の髙橋さんへ 🔥"},
        "generatorURL": "http://prometheus.test/graph?g0.expr=a%3Eb&g0.tab=1",
    })
}

fn taking_alerts(name: &str) -> Workspace {
    workspace(name, &(source("alertmanager", "alertmanager", "") + &source("pager", "pagerduty", "")))
}

mod slow {
    use super::*;

    #[test]
    fn what_fires_opens_one_incident_what_joins_makes_it_worse_and_when_all_is_over_it_resolves_itself() {
        let mut workspace = taking_alerts("amwebhook");
        let alertmanager = Alertmanager::start(&workspace, "1s");
        let (slow, down) = (alert("Slow", "warning", "token"), alert("Down", "critical", "token"));
        alertmanager.post(std::slice::from_ref(&slow));
        let view = opened(&workspace, 1);
        let incident = &view["incident"];
        assert_eq!(incident["title"], "予約: 予約が遅い（Slow）");
        assert_eq!(incident["summary"], "応答が 3 秒 > 1 秒 & 増加中。\n<本番> の髙橋さんへ 🔥");
        assert_eq!(
            (&incident["priority"], &incident["service"], &incident["environment"]),
            (&json!("P3"), &json!("web"), &json!("production"))
        );
        assert_eq!(incident["opened_by"], json!({"who": "source", "source": "alertmanager"}));
        let known = &view["alerts"][0];
        assert_eq!((known["severity"].as_str(), known["labels"]["instance"].as_str()), (Some("warning"), Some("web1:9100")));
        assert_eq!(known["link"], "http://prometheus.test/graph?g0.expr=a%3Eb&g0.tab=1");

        alertmanager.post(std::slice::from_ref(&down));
        until("the second one has joined", || firing(&workspace, "inc_1") == 2);
        assert_eq!(incidents(&workspace).len(), 1);
        assert_eq!(show(&workspace, "inc_1")["incident"]["priority"], "P1", "as bad as its worst alert");
        ledger_holds(&workspace);

        alertmanager.end(&[slow]);
        until("one is over", || firing(&workspace, "inc_1") == 1);
        assert!(!is_resolved(&show(&workspace, "inc_1")), "the other one still fires");
        alertmanager.end(&[down]);
        resolves_itself(&workspace, "inc_1", "alertmanager");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "fired", "over", "over"]);
        ends_well(&mut workspace);
    }

    #[test]
    fn a_password_is_as_good_as_a_token_and_with_a_wrong_secret_nothing_comes_in() {
        let mut workspace = taking_alerts("amsecret");
        let alertmanager = Alertmanager::start(&workspace, "1s");
        let before = settled_size(&workspace);
        alertmanager.post(&[alert("Forged", "critical", "wrong")]);
        until("Alertmanager is told 401", || alertmanager.program.said().contains("unexpected status code 401"));
        assert_eq!((ledger_size(&workspace), incidents(&workspace).len()), (before, 0));

        let down = alert("Down", "critical", "password");
        alertmanager.post(std::slice::from_ref(&down));
        assert_eq!(opened(&workspace, 1)["incident"]["alerts"], json!({"firing": 1, "fired": 1}));
        alertmanager.end(&[down]);
        resolves_itself(&workspace, "inc_1", "alertmanager");
        assert_eq!(incidents(&workspace).len(), 1);
        ends_well(&mut workspace);
    }

    #[test]
    fn alertmanager_may_take_this_server_for_pagerduty() {
        let mut workspace = taking_alerts("ampager");
        let alertmanager = Alertmanager::start(&workspace, "1s");
        let down = alert("Down", "critical", "pager");
        alertmanager.post(std::slice::from_ref(&down));
        let view = opened(&workspace, 1);
        assert_eq!((&view["incident"]["priority"], &view["alerts"][0]["labels"]["num_firing"]), (&json!("P1"), &json!("1")), "{view:#}");
        assert!(view["alerts"][0]["labels"]["firing"].as_str().is_some_and(|text| text.contains("髙橋さん")), "{view:#}");
        alertmanager.end(&[down]);
        resolves_itself(&workspace, "inc_1", "pager");
        assert_eq!(steps(&workspace, "inc_1"), ["fired", "over"]);
        ends_well(&mut workspace);
    }

    #[test]
    fn what_fires_while_the_server_is_down_comes_in_afterwards_and_once() {
        let mut workspace = taking_alerts("amdown");
        // With five minutes between two flushes, whatever arrives in time is the same flush tried again.
        let alertmanager = Alertmanager::start(&workspace, "5m");
        workspace.kill();
        alertmanager.post(&[alert("Down", "critical", "token")]);
        until("Alertmanager has tried in vain", || alertmanager.program.said().contains("connection refused"));
        std::thread::sleep(Duration::from_secs(2));
        workspace.start();
        let view = opened(&workspace, 1);
        assert_eq!(
            (&view["incident"]["alerts"], &view["incident"]["title"]),
            (&json!({"firing": 1, "fired": 1}), &json!("予約: 予約が遅い（Down）"))
        );
        ledger_holds(&workspace);

        // Killed in the middle of many: what was taken is not taken twice, and what was not is said again.
        let many: Vec<Value> = (0..400)
            .map(|number| {
                let mut one = alert(&format!("Disk{number}"), "warning", "token");
                one["labels"]["group"] = "disks".into();
                one
            })
            .collect();
        alertmanager.post(&many);
        until("some of them are taken", || ledger_size(&workspace) > view["size"].as_u64().expect("a size") + 1);
        workspace.kill();
        workspace.start();
        until("all are taken", || firing(&workspace, "inc_1") == 401);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(show(&workspace, "inc_1")["incident"]["alerts"], json!({"firing": 401, "fired": 401}));
        assert_eq!(incidents(&workspace).len(), 1);
        ends_well(&mut workspace);
    }
}
