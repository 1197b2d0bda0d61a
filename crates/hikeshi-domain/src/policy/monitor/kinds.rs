//! What the kinds of monitors are told beyond an address.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TargetName;

/// A program and its arguments, run without a shell, on the server or on a target's host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandMonitor {
    /// The program, then one argument after the other.
    pub run: Vec<String>,
    /// Where it runs, in the target's directory. Left out: on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The first line that it prints is a number, and one above this is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// The first line that it prints is a number, and one below this is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// A query of a Prometheus: limits of its value, or the burn rate of an objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusMonitor {
    /// Address of the Prometheus, such as `http://prometheus:9090`.
    pub url: String,
    /// The query, in PromQL. With an `objective`: the share of bad events, from 0 to 1, over `$window`.
    pub query: String,
    /// A value above this is a failure. Of several series the worst counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// A value below this is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// The share of good events that is promised, in percent, such as 99.9. Its budget burns too fast at 14.4 times the even rate over 1 h and
    /// 5 min, or at 6 times over 6 h and 30 min.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// What it means that the query finds nothing.
    #[serde(default)]
    pub no_data: NoData,
    /// Environment variable of the server that holds the bearer token, when the Prometheus wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
}

/// What it means that a query finds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Nobody can tell.
    #[default]
    Unmeasured,
    Healthy,
    Failure,
}

/// A PostgreSQL database. At least one limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresMonitor {
    /// Environment variable of the server that holds the connection string, such as `postgres://watch@db1/app`.
    pub url_env: String,
    /// Connections in percent of `max_connections`; more is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections_percent: Option<f64>,
    /// Seconds that the longest running query may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_query_s: Option<f64>,
    /// Size of the database in GiB; more is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_gib: Option<f64>,
}

/// A host with Linux. At least one limit; more than it is a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostMonitor {
    /// The target whose host is looked at. Left out: the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// Time that the processors were busy, in percent, over one second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory that is not available, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<f64>,
    /// Use of the file system of `disk_path`, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_percent: Option<f64>,
    #[serde(default = "default_disk_path")]
    pub disk_path: String,
    /// Time that something waited for the disk, in percent, over the last minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io_pressure_percent: Option<f64>,
    /// Connections that are open on a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    pub port: u16,
    pub above: u32,
}

/// Lines that match a pattern, counted over a time. Exactly one of `file` and `run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogMonitor {
    /// A file of the server, followed from its end; a rotated or emptied one is followed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A program that prints the lines that came since it was last run, and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Vec<String>>,
    /// Where the program runs. Left out: on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// A regular expression: lines that it matches are counted.
    pub pattern: String,
    /// More lines than this within `within_s` are a failure.
    #[serde(default)]
    pub more_than: u32,
    #[serde(default = "default_within")]
    pub within_s: u32,
    /// Patterns of these lines that come only after a change of the service are a failure, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_errors: Option<NewErrors>,
}

/// A pattern is a line without what varies in it: numbers, ids, what stands in quotes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewErrors {
    /// Minutes after a change that somebody told of, in which what is new is held against it.
    pub within_min: u32,
    /// So many lines of one new pattern are a failure.
    pub at_least: u32,
    /// Minutes before the change that must have been seen, so that it can be told what is new.
    pub learn_min: u32,
}

impl Default for NewErrors {
    fn default() -> Self {
        Self { within_min: 30, at_least: 3, learn_min: 60 }
    }
}

fn default_disk_path() -> String {
    "/".to_owned()
}
fn default_within() -> u32 {
    300
}
