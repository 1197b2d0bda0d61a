//! What a monitor of the policy is. What it finds is the work of [`crate::monitor`].

mod kinds;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use kinds::{CommandMonitor, Connections, HostMonitor, LogMonitor, NewErrors, NoData, PostgresMonitor, PrometheusMonitor};

use crate::ids::{EnvironmentName, ServiceName, TargetName};
use crate::incident::{Business, Impact, Urgency};

/// What is looked at again and again (rules D1, D2): a threshold of failures in a row opens an incident, and so does a threshold of looks that
/// could not measure. Exactly one of `url`, `tcp`, `heartbeat`, `command`, `prometheus`, `postgres`, `host` and `log`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    /// An address that is asked over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `host:port` that takes connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<String>,
    /// Somebody else reports to us, and is missed when they do not: a nightly job, another site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// A program that is run: it ends with 0, and what it prints is within its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandMonitor>,
    /// A query that a Prometheus answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusMonitor>,
    /// A PostgreSQL database: its connections, its longest query, its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresMonitor>,
    /// A host: its processor, memory, disk, and connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostMonitor>,
    /// Lines of a log that match a pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogMonitor>,
    #[serde(default = "default_interval")]
    pub interval_s: f64,
    #[serde(default = "default_probe_timeout")]
    pub timeout_s: f64,
    /// HTTP status that counts as healthy.
    #[serde(default = "default_status")]
    pub status: u16,
    /// Text that a healthy body contains.
    #[serde(default)]
    pub body_contains: Option<String>,
    /// An answer that takes longer than this is a failure; 0 = however long it takes within `timeout_s`.
    #[serde(default)]
    pub slower_than_ms: u32,
    /// With an `https://` address: the certificate must be valid for this many days more; 0 = not looked at beyond today.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tls_days: u32,
    /// Failures in a row that open an incident.
    #[serde(default = "default_failures")]
    pub failures: u32,
    /// Successes in a row that record the recovery.
    #[serde(default = "default_failures")]
    pub recoveries: u32,
    pub impact: Impact,
    pub business: Business,
    #[serde(default)]
    pub urgency: Urgency,
}

/// How a monitor looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonitorKind {
    Url,
    Tcp,
    Heartbeat,
    Command,
    Prometheus,
    Postgres,
    Host,
    Log,
}

impl MonitorKind {
    pub const ALL: [Self; 8] =
        [Self::Url, Self::Tcp, Self::Heartbeat, Self::Command, Self::Prometheus, Self::Postgres, Self::Host, Self::Log];

    /// As the policy file writes it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Tcp => "tcp",
            Self::Heartbeat => "heartbeat",
            Self::Command => "command",
            Self::Prometheus => "prometheus",
            Self::Postgres => "postgres",
            Self::Host => "host",
            Self::Log => "log",
        }
    }
}

impl Monitor {
    /// Everything that it is told to look at; one thing, in a policy that was checked.
    pub fn kinds(&self) -> Vec<MonitorKind> {
        let given = |kind: &MonitorKind| match kind {
            MonitorKind::Url => self.url.is_some(),
            MonitorKind::Tcp => self.tcp.is_some(),
            MonitorKind::Heartbeat => self.heartbeat.is_some(),
            MonitorKind::Command => self.command.is_some(),
            MonitorKind::Prometheus => self.prometheus.is_some(),
            MonitorKind::Postgres => self.postgres.is_some(),
            MonitorKind::Host => self.host.is_some(),
            MonitorKind::Log => self.log.is_some(),
        };
        MonitorKind::ALL.into_iter().filter(given).collect()
    }

    pub fn kind(&self) -> MonitorKind {
        self.kinds().first().copied().unwrap_or(MonitorKind::Url)
    }

    /// The target on whose host it looks.
    pub fn target(&self) -> Option<&TargetName> {
        let command = self.command.as_ref().and_then(|command| command.target.as_ref());
        let host = self.host.as_ref().and_then(|host| host.target.as_ref());
        let log = self.log.as_ref().and_then(|log| log.target.as_ref());
        command.or(host).or(log)
    }

    /// Environment variables of the server whose values it uses, and which nobody may see.
    pub fn secret_env(&self) -> impl Iterator<Item = &str> {
        let heartbeat = self.heartbeat.as_ref().map(|heartbeat| heartbeat.token_env.as_str());
        let prometheus = self.prometheus.as_ref().and_then(|prometheus| prometheus.token_env.as_deref());
        let postgres = self.postgres.as_ref().map(|postgres| postgres.url_env.as_str());
        heartbeat.into_iter().chain(prometheus).chain(postgres)
    }
}

/// `POST /inbound/heartbeats/<name of the monitor>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// A beat is due this often, seconds.
    pub every_s: u32,
    /// Seconds that it may be late.
    #[serde(default = "default_grace")]
    pub grace_s: u32,
    /// Environment variable of the server that holds the secret of whoever beats.
    pub token_env: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
fn default_grace() -> u32 {
    60
}
fn default_interval() -> f64 {
    10.0
}
fn default_probe_timeout() -> f64 {
    5.0
}
fn default_status() -> u16 {
    200
}
fn default_failures() -> u32 {
    3
}
