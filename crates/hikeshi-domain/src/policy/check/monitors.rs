//! What must hold in the section `monitors`.

use super::{Checking, FlawKind};
use crate::ids::TargetName;
use crate::policy::{CommandMonitor, Heartbeat, HostMonitor, LogMonitor, Monitor, MonitorKind, PostgresMonitor, PrometheusMonitor};

const ARGUMENTS_MAX: u64 = 64;
const ARGUMENT_CHARS_MAX: usize = 4_096;
const QUERY_CHARS_MAX: usize = 4_096;
const PATTERN_CHARS_MAX: usize = 1_000;
/// Where the window of a burn rate goes in its query.
pub const WINDOW: &str = "$window";

impl Checking<'_> {
    pub(super) fn monitors(&mut self) {
        for (id, monitor) in &self.policy.monitors {
            let at = ["monitors", id.as_str()];
            let under = |key| [at.as_slice(), &[key]].concat();
            self.service(&under("service"), &monitor.service);
            self.environment(&under("environment"), &monitor.environment);
            self.looks(&at, monitor);
            self.seconds(&under("interval_s"), monitor.interval_s, 0.1, 86_400.0);
            self.seconds(&under("timeout_s"), monitor.timeout_s, 0.1, 300.0);
            self.bounds(&under("status"), u64::from(monitor.status), 100, 599);
            self.bounds(&under("slower_than_ms"), u64::from(monitor.slower_than_ms), 0, 300_000);
            self.bounds(&under("failures"), u64::from(monitor.failures), 1, 1_000);
            self.bounds(&under("recoveries"), u64::from(monitor.recoveries), 1, 1_000);
        }
    }

    /// What it looks at: one thing.
    fn looks(&mut self, at: &[&str], monitor: &Monitor) {
        if monitor.kinds().len() != 1 {
            let of = MonitorKind::ALL.map(|kind| kind.key().to_owned()).to_vec();
            self.flaw(at, FlawKind::ExactlyOne { of });
        }
        let under = |key| [at, &[key]].concat();
        if let Some(url) = &monitor.url {
            self.url(&under("url"), url);
        }
        self.certificate(&under("tls_days"), monitor);
        if let Some(address) = &monitor.tcp {
            let fits =
                address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
            if !fits || address.chars().any(char::is_whitespace) {
                self.flaw(&under("tcp"), FlawKind::BadAddress { given: address.clone() });
            }
        }
        if let Some(heartbeat) = &monitor.heartbeat {
            self.heartbeat(&under("heartbeat"), heartbeat);
        }
        if let Some(command) = &monitor.command {
            self.command(&under("command"), command);
        }
        if let Some(prometheus) = &monitor.prometheus {
            self.prometheus(&under("prometheus"), prometheus);
        }
        if let Some(postgres) = &monitor.postgres {
            self.postgres(&under("postgres"), postgres);
        }
        if let Some(host) = &monitor.host {
            self.host(&under("host"), host);
            if host.cpu_percent.is_some() {
                // How busy it is, is measured over a second.
                self.seconds(&under("timeout_s"), monitor.timeout_s, 2.0, 300.0);
            }
        }
        if let Some(log) = &monitor.log {
            self.log(&under("log"), log);
        }
    }

    fn certificate(&mut self, at: &[&str], monitor: &Monitor) {
        self.bounds(at, u64::from(monitor.tls_days), 0, 3_650);
        let https = monitor.url.as_ref().is_some_and(|url| url.starts_with("https://"));
        if monitor.tls_days > 0 && !https {
            self.flaw(at, FlawKind::NotHttps { given: monitor.url.clone().unwrap_or_default() });
        }
    }

    fn heartbeat(&mut self, at: &[&str], heartbeat: &Heartbeat) {
        let under = |key| [at, &[key]].concat();
        self.filled(&under("token_env"), &heartbeat.token_env);
        self.bounds(&under("every_s"), u64::from(heartbeat.every_s), 1, 31 * 86_400);
        self.bounds(&under("grace_s"), u64::from(heartbeat.grace_s), 0, 7 * 86_400);
    }

    fn command(&mut self, at: &[&str], command: &CommandMonitor) {
        let under = |key| [at, &[key]].concat();
        self.arguments(&under("run"), &command.run);
        self.target(&under("target"), command.target.as_ref());
        self.limits(at, command.above, command.below);
    }

    fn prometheus(&mut self, at: &[&str], prometheus: &PrometheusMonitor) {
        let under = |key| [at, &[key]].concat();
        self.url(&under("url"), &prometheus.url);
        self.filled(&under("query"), &prometheus.query);
        self.length(&under("query"), &prometheus.query, QUERY_CHARS_MAX);
        self.limits(at, prometheus.above, prometheus.below);
        let limited = prometheus.above.is_some() || prometheus.below.is_some();
        match prometheus.objective {
            Some(_) if limited => self.flaw(at, FlawKind::ExactlyOne { of: vec!["above / below".to_owned(), "objective".to_owned()] }),
            None if !limited => self.at_least_one(at, &["above", "below", "objective"]),
            _ => {}
        }
        if let Some(objective) = prometheus.objective {
            self.seconds(&under("objective"), objective, 50.0, 99.999);
            if !prometheus.query.contains(WINDOW) {
                self.flaw(&under("query"), FlawKind::NoWindow);
            }
        }
        if let Some(name) = &prometheus.token_env {
            self.filled(&under("token_env"), name);
        }
    }

    fn postgres(&mut self, at: &[&str], postgres: &PostgresMonitor) {
        self.filled(&[at, &["url_env"]].concat(), &postgres.url_env);
        let limits = [
            ("connections_percent", postgres.connections_percent, 100.0),
            ("longest_query_s", postgres.longest_query_s, 604_800.0),
            ("size_gib", postgres.size_gib, 1_000_000.0),
        ];
        self.some_limit(at, &limits, &[]);
    }

    fn host(&mut self, at: &[&str], host: &HostMonitor) {
        let under = |key| [at, &[key]].concat();
        self.target(&under("target"), host.target.as_ref());
        let limits = [
            ("cpu_percent", host.cpu_percent, 100.0),
            ("memory_percent", host.memory_percent, 100.0),
            ("disk_percent", host.disk_percent, 100.0),
            ("io_pressure_percent", host.io_pressure_percent, 100.0),
        ];
        self.some_limit(at, &limits, &[("connections", host.connections.is_some())]);
        if host.connections.as_ref().is_some_and(|connections| connections.port == 0) {
            self.bounds(&[at, &["connections", "port"]].concat(), 0, 1, 65_535);
        }
        if !host.disk_path.starts_with('/') || host.disk_path.chars().any(char::is_control) || host.disk_path.len() > 1_024 {
            self.flaw(&under("disk_path"), FlawKind::NotAbsolute { given: host.disk_path.clone() });
        }
    }

    fn log(&mut self, at: &[&str], log: &LogMonitor) {
        let under = |key| [at, &[key]].concat();
        if log.file.is_some() == log.run.is_some() {
            self.flaw(at, FlawKind::ExactlyOne { of: vec!["file".to_owned(), "run".to_owned()] });
        }
        if let Some(file) = &log.file {
            if !file.starts_with('/') || file.chars().any(char::is_control) {
                self.flaw(&under("file"), FlawKind::NotAbsolute { given: file.clone() });
            }
            if log.target.is_some() {
                self.flaw(&under("target"), FlawKind::ExactlyOne { of: vec!["file".to_owned(), "target".to_owned()] });
            }
        }
        if let Some(run) = &log.run {
            self.arguments(&under("run"), run);
        }
        self.target(&under("target"), log.target.as_ref());
        self.filled(&under("pattern"), &log.pattern);
        self.length(&under("pattern"), &log.pattern, PATTERN_CHARS_MAX);
        if let Err(error) = log_pattern(&log.pattern) {
            let detail = error.to_string().lines().last().unwrap_or_default().to_owned();
            self.flaw(&under("pattern"), FlawKind::BadFilter { given: log.pattern.clone(), detail });
        }
        self.bounds(&under("more_than"), u64::from(log.more_than), 0, 10_000);
        self.bounds(&under("within_s"), u64::from(log.within_s), 1, 86_400);
        if let Some(new) = &log.new_errors {
            let under = |key| [at, &["new_errors", key]].concat();
            self.bounds(&under("within_min"), u64::from(new.within_min), 1, 1_440);
            self.bounds(&under("at_least"), u64::from(new.at_least), 1, 10_000);
            self.bounds(&under("learn_min"), u64::from(new.learn_min), 0, 10_080);
        }
    }

    fn arguments(&mut self, at: &[&str], run: &[String]) {
        self.bounds(at, run.len() as u64, 1, ARGUMENTS_MAX);
        if run.first().is_some_and(|program| program.trim().is_empty()) {
            self.flaw(&[at, &["0"]].concat(), FlawKind::Empty);
        }
        for (index, argument) in run.iter().enumerate() {
            self.length(&[at, &[index.to_string().as_str()]].concat(), argument, ARGUMENT_CHARS_MAX);
        }
    }

    fn length(&mut self, at: &[&str], text: &str, max: usize) {
        let length = text.chars().count();
        if length > max || text.contains('\0') {
            self.flaw(at, FlawKind::OutOfBounds { min: "0".to_owned(), max: max.to_string(), given: length.to_string() });
        }
    }

    fn target(&mut self, at: &[&str], target: Option<&TargetName>) {
        let Some(target) = target else { return };
        if !self.policy.targets.contains_key(target) {
            let known: Vec<&str> = self.policy.targets.keys().map(TargetName::as_str).collect();
            self.unknown(at, "target", target.as_str(), known);
        }
    }

    /// Between the two lies what is healthy.
    fn limits(&mut self, at: &[&str], above: Option<f64>, below: Option<f64>) {
        let under = |key| [at, &[key]].concat();
        for (key, limit) in [("above", above), ("below", below)] {
            if let Some(limit) = limit {
                self.seconds(&under(key), limit, f64::MIN, f64::MAX);
            }
        }
        if let (Some(above), Some(below)) = (above, below) {
            self.seconds(&under("below"), below, f64::MIN, above);
        }
    }

    fn some_limit(&mut self, at: &[&str], limits: &[(&str, Option<f64>, f64)], others: &[(&str, bool)]) {
        for (key, limit, max) in limits {
            if let Some(limit) = limit {
                self.seconds(&[at, &[*key]].concat(), *limit, 0.0, *max);
            }
        }
        if limits.iter().all(|(_, limit, _)| limit.is_none()) && others.iter().all(|(_, given)| !given) {
            let of: Vec<&str> = limits.iter().map(|(key, ..)| *key).chain(others.iter().map(|(key, _)| *key)).collect();
            self.at_least_one(at, &of);
        }
    }

    fn at_least_one(&mut self, at: &[&str], of: &[&str]) {
        self.flaw(at, FlawKind::AtLeastOne { of: of.iter().map(|key| (*key).to_owned()).collect() });
    }
}

/// The pattern of a log, as it is matched against bytes of any encoding.
pub fn log_pattern(pattern: &str) -> Result<regex::bytes::Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(pattern).size_limit(1 << 20).build()
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    /// What is wrong with a policy that has this monitor, as `path: kind`.
    fn flaws(monitor: &str) -> Vec<String> {
        let mut policy: serde_json::Value = serde_json::from_str(include_str!("../../testing_policy.json")).expect("the test policy");
        let mut given: serde_json::Value = serde_json::from_str(monitor).expect("a monitor");
        for (key, value) in [("service", "reservation"), ("environment", "production"), ("impact", "all_users"), ("business", "lost_sales")]
        {
            given[key] = value.into();
        }
        policy["monitors"] = serde_json::json!({ "m": given });
        let policy: Policy = serde_json::from_value(policy).expect("a policy");
        let flaws = policy.check().into_iter().map(|flaw| {
            let kind = serde_json::to_value(&flaw.what).expect("plain data")["flaw"].as_str().expect("a kind").to_owned();
            format!("{}: {kind}", flaw.at.iter().skip(2).cloned().collect::<Vec<_>>().join("."))
        });
        flaws.collect()
    }

    #[test]
    fn a_sound_monitor_of_each_kind_has_no_flaw() {
        for monitor in [
            r#"{"url": "https://a.example/", "tls_days": 14}"#,
            r#"{"command": {"run": ["df", "-h"], "target": "app-production", "above": 5, "below": 1}}"#,
            r#"{"prometheus": {"url": "http://p:9090", "query": "up", "below": 1}}"#,
            r#"{"prometheus": {"url": "http://p:9090", "query": "errors[$window]", "objective": 99.9, "no_data": "healthy", "token_env": "T"}}"#,
            r#"{"postgres": {"url_env": "DB_URL", "connections_percent": 80, "longest_query_s": 60, "size_gib": 40}}"#,
            r#"{"host": {"target": "app-production", "cpu_percent": 90}}"#,
            r#"{"host": {"connections": {"port": 443, "above": 1000}}}"#,
            r#"{"log": {"file": "/var/log/app.log", "pattern": "ERROR|CRITICAL|FATAL"}}"#,
            r#"{"log": {"file": "/var/log/app.log", "pattern": "ERROR", "more_than": 100, "new_errors": {}}}"#,
            r#"{"log": {"run": ["journalctl"], "target": "app-production", "pattern": "失敗"}}"#,
        ] {
            assert_eq!(flaws(monitor), Vec::<String>::new(), "{monitor}");
        }
    }

    #[test]
    fn what_could_not_be_measured_or_would_measure_nothing_is_a_flaw() {
        for (monitor, wanted) in [
            (r#"{}"#, vec![": exactly_one"]),
            (r#"{"tcp": "a:1", "host": {"cpu_percent": 90}}"#, vec![": exactly_one"]),
            (r#"{"url": "http://a.example/", "tls_days": 14}"#, vec!["tls_days: not_https"]),
            (r#"{"tcp": "a:443", "tls_days": 9999}"#, vec!["tls_days: out_of_bounds", "tls_days: not_https"]),
            (r#"{"command": {"run": []}}"#, vec!["command.run: out_of_bounds"]),
            (r#"{"command": {"run": [" "]}}"#, vec!["command.run.0: empty"]),
            (r#"{"command": {"run": ["a"], "target": "app-prdouction"}}"#, vec!["command.target: unknown"]),
            (r#"{"command": {"run": ["a"], "above": 1, "below": 2}}"#, vec!["command.below: out_of_bounds"]),
            (
                r#"{"prometheus": {"url": "p", "query": ""}}"#,
                vec!["prometheus.url: bad_url", "prometheus.query: empty", "prometheus: at_least_one"],
            ),
            (r#"{"prometheus": {"url": "http://p", "query": "up", "objective": 99.9}}"#, vec!["prometheus.query: no_window"]),
            (
                r#"{"prometheus": {"url": "http://p", "query": "$window", "objective": 100, "above": 1}}"#,
                vec!["prometheus: exactly_one", "prometheus.objective: out_of_bounds"],
            ),
            (r#"{"postgres": {"url_env": ""}}"#, vec!["postgres.url_env: empty", "postgres: at_least_one"]),
            (r#"{"postgres": {"url_env": "A", "connections_percent": 101}}"#, vec!["postgres.connections_percent: out_of_bounds"]),
            (r#"{"host": {"cpu_percent": 90}, "timeout_s": 1}"#, vec!["timeout_s: out_of_bounds"]),
            (r#"{"host": {"disk_path": "data"}}"#, vec!["host: at_least_one", "host.disk_path: not_absolute"]),
            (r#"{"host": {"connections": {"port": 0, "above": 1}}}"#, vec!["host.connections.port: out_of_bounds"]),
            (
                r#"{"log": {"file": "/a", "pattern": "E", "new_errors": {"within_min": 0, "at_least": 0, "learn_min": 20000}}}"#,
                vec![
                    "log.new_errors.within_min: out_of_bounds",
                    "log.new_errors.at_least: out_of_bounds",
                    "log.new_errors.learn_min: out_of_bounds",
                ],
            ),
            (r#"{"log": {"pattern": "("}}"#, vec!["log: exactly_one", "log.pattern: bad_filter"]),
            (
                r#"{"log": {"file": "app.log", "target": "app-production", "pattern": "E", "within_s": 0}}"#,
                vec!["log.file: not_absolute", "log.target: exactly_one", "log.within_s: out_of_bounds"],
            ),
        ] {
            assert_eq!(flaws(monitor), wanted, "{monitor}");
        }
    }
}
