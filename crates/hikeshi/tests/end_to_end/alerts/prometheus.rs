//! Debian's Prometheus, which takes this server for an Alertmanager: what its rules find, that it is over, and that it has fallen silent.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::harness::{Workspace, until};
use super::{
    Program, TOKEN, address, ends_well, free_port, incidents, is_resolved, ledger_holds, resolves_itself, show, source, steps, within,
    workspace,
};

/// An alert is over when Prometheus is silent for four times this.
const RESEND_DELAY: Duration = Duration::from_secs(2);

/// A page with one number, for Prometheus to look at.
struct Metric {
    port: u16,
    value: Arc<AtomicU64>,
}

impl Metric {
    fn serve(value: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let port = listener.local_addr().expect("an address").port();
        let value = Arc::new(AtomicU64::new(value));
        let shown = Arc::clone(&value);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let page = format!("# TYPE queue_length gauge\nqueue_length {}\n", shown.load(Ordering::Relaxed));
                let _ = write!(
                    stream,
                    "HTTP/1.0 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n{page}",
                    page.len()
                );
            }
        });
        Self { port, value }
    }

    fn is(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
    }
}

/// One that looks at the metric every second, and sends what it finds straight to the server.
fn prometheus(workspace: &Workspace, name: &str, metric: &Metric) -> Program {
    let rules = "groups:\n- name: queue\n  rules:\n  - alert: QueueTooLong\n    expr: queue_length > 100\n    labels: {severity: critical}\n    \
                 annotations: {summary: '待ち行列が {{ $value }} 件', description: '窓口が <遅い> & 混む'}\n";
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{prometheus: {name}}}}}\nrule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: queue\n  static_configs: [{{targets: ['{}']}}]\n\
         alerting:\n  alertmanagers:\n  - path_prefix: /inbound/alerts/prometheus\n    authorization: {{credentials: {TOKEN}}}\n    \
         static_configs: [{{targets: ['{}']}}]\n",
        address(metric.port),
        address(workspace.port),
    );
    std::fs::write(workspace.path("rules.yml"), rules).expect("written");
    std::fs::write(workspace.path(&format!("{name}.yml")), config).expect("written");
    let port = free_port();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={name}.yml"))
        .arg(format!("--storage.tsdb.path={name}"))
        .arg(format!("--web.listen-address={}", address(port)))
        .arg(format!("--rules.alert.resend-delay={}s", RESEND_DELAY.as_secs()));
    Program::start(&workspace.dir, name, &mut command).ready(port)
}

/// Each Prometheus has incidents of its own here; the newest of this one, when it still burns.
fn burning(workspace: &Workspace, prometheus: &str) -> Option<String> {
    let views = incidents(workspace).into_iter().map(|row| show(workspace, row["id"].as_str().expect("an id")));
    let mut burning = views.filter(|view| !is_resolved(view) && view["alerts"][0]["labels"]["prometheus"] == prometheus);
    let found = burning.next().map(|view| view["incident"]["id"].as_str().expect("an id").to_owned());
    assert!(burning.next().is_none(), "one alert burns in one incident");
    found
}

fn how_over(view: &Value) -> &Value {
    &view["alerts"][0]["over"]["how"]
}

mod slow {
    use super::*;

    #[test]
    fn a_rule_that_fires_opens_an_incident_and_it_ends_when_the_rule_or_prometheus_itself_falls_silent() {
        let mut workspace = workspace("prometheus", &source("prometheus", "alertmanager", "group_by = [\"prometheus\"]"));
        let metric = Metric::serve(480);
        let lives = prometheus(&workspace, "lives", &metric);
        let mut dies = prometheus(&workspace, "dies", &metric);
        let both_fire = || {
            until("both fire", || burning(&workspace, "lives").is_some() && burning(&workspace, "dies").is_some());
            (burning(&workspace, "lives").expect("one"), burning(&workspace, "dies").expect("one"))
        };
        let (first, other) = both_fire();
        let view = show(&workspace, &first);
        assert_eq!((&view["incident"]["title"], &view["incident"]["priority"]), (&json!("予約: 待ち行列が 480 件"), &json!("P1")));
        assert_eq!(view["incident"]["summary"], "窓口が <遅い> & 混む");
        assert!(view["alerts"][0]["link"].as_str().is_some_and(|link| link.contains("/graph?g0.expr=queue_length")), "{view:#}");
        ledger_holds(&workspace);

        metric.is(3);
        for incident in [&first, &other] {
            resolves_itself(&workspace, incident, "prometheus");
            assert_eq!(how_over(&show(&workspace, incident)), "told");
        }

        metric.is(500);
        let (goes_on, lapses) = both_fire();
        assert!(![&first, &other].contains(&&goes_on) && ![&first, &other].contains(&&lapses), "what ended does not burn again");
        dies.kill();
        let lease = RESEND_DELAY * 4;
        within(lease + Duration::from_secs(10), "silence is taken for the end", || is_resolved(&show(&workspace, &lapses)));
        resolves_itself(&workspace, &lapses, "prometheus");
        assert_eq!(how_over(&show(&workspace, &lapses)), "lapsed");
        // It fired as long as the one that is over by silence; it has only been said again since.
        let view = show(&workspace, &goes_on);
        assert_eq!((view["incident"]["alerts"].clone(), is_resolved(&view)), (json!({"firing": 1, "fired": 1}), false), "{}", lives.said());
        ledger_holds(&workspace);

        // Of silence nobody knows whether it is over: back again, it burns anew.
        let _back = prometheus(&workspace, "dies", &metric);
        until("it burns anew", || burning(&workspace, "dies").is_some());
        metric.is(3);
        resolves_itself(&workspace, &goes_on, "prometheus");
        until("all is over", || burning(&workspace, "dies").is_none());
        assert_eq!(steps(&workspace, &goes_on), ["fired", "over"], "said again and again, recorded once");
        assert_eq!(incidents(&workspace).len(), 5);
        ends_well(&mut workspace);
    }
}
