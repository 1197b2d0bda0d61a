//! What a monitor of the policy is. What it finds is the work of [`crate::monitor`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{EnvironmentName, ServiceName};
use crate::incident::{Business, Impact, Urgency};

/// An HTTP probe (rule D1, first form): a threshold of failures in a row opens an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub url: String,
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
