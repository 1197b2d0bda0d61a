//! What a monitor of the policy is. What it finds is the work of [`crate::monitor`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentName, ServiceName};
use crate::incident::{Business, Impact, Urgency};

/// What is looked at again and again (rule D1): a threshold of failures in a row opens an incident. Exactly one of `url`, `tcp` and `heartbeat`.
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
