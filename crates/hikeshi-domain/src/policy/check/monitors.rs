//! What must hold in the section `monitors`.

use super::{Checking, FlawKind};
use crate::policy::Monitor;

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
        let given = [monitor.url.is_some(), monitor.tcp.is_some(), monitor.heartbeat.is_some()];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let of = ["url", "tcp", "heartbeat"].map(str::to_owned).to_vec();
            self.flaw(at, FlawKind::ExactlyOne { of });
        }
        let under = |key| [at, &[key]].concat();
        if let Some(url) = &monitor.url {
            self.url(&under("url"), url);
        }
        if let Some(address) = &monitor.tcp {
            let fits =
                address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
            if !fits || address.chars().any(char::is_whitespace) {
                self.flaw(&under("tcp"), FlawKind::BadAddress { given: address.clone() });
            }
        }
        if let Some(heartbeat) = &monitor.heartbeat {
            let under = |key| [at, &["heartbeat", key]].concat();
            self.filled(&under("token_env"), &heartbeat.token_env);
            self.bounds(&under("every_s"), u64::from(heartbeat.every_s), 1, 31 * 86_400);
            self.bounds(&under("grace_s"), u64::from(heartbeat.grace_s), 0, 7 * 86_400);
        }
    }
}
