//! What other programs report: alerts of Alertmanager, PagerDuty senders, Grafana, Sentry, Datadog or anything that can send JSON.
//!
//! Here: what a signal is, what is remembered of an alert, and what can be asked. Which incident it belongs to is decided in [`decide`], where
//! it goes by the policy in [`route`], what an event changes in [`state`]. How each sender speaks is in `hikeshi-outside`.

pub mod decide;
pub mod inhibit;
pub mod route;
pub mod silence;
pub(crate) mod state;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, IdError, IncidentId, SilenceId, SourceName};

/// Signals of one command; a larger report is handed in as several.
pub const SIGNALS_MAX: usize = 256;
pub const KEY_CHARS_MAX: usize = 200;
pub const TITLE_CHARS_MAX: usize = 200;
pub const SUMMARY_CHARS_MAX: usize = 2_000;
pub const LABELS_MAX: usize = 64;
pub const LABEL_CHARS_MAX: usize = 500;
pub const LINK_CHARS_MAX: usize = 1_000;

/// The sender's own name of an alert: a fingerprint, a `dedup_key`. The same key is the same alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AlertKey(String);

impl AlertKey {
    /// What is too long to be shown, or holds what nobody can read, is named by its digest.
    pub fn of(given: &str) -> Self {
        let given = given.trim();
        let plain = !given.is_empty() && given.chars().count() <= KEY_CHARS_MAX && !given.chars().any(char::is_control);
        Self(if plain { given.to_owned() } else { format!("sha256:{}", Digest::of(given.as_bytes())) })
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which alert of which sender, `prometheus/1f0b3c`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertRef {
    pub source: SourceName,
    pub key: AlertKey,
}

impl fmt::Display for AlertRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.key)
    }
}

impl FromStr for AlertRef {
    type Err = IdError;

    /// A source's name has no `/`, so the first one divides.
    fn from_str(given: &str) -> Result<Self, IdError> {
        let bad = || IdError { given: given.chars().take(60).collect(), wanted: "an alert", example: "prometheus/1f0b3c" };
        let (source, key) = given.split_once('/').ok_or_else(bad)?;
        Ok(Self { source: SourceName::new(source)?, key: AlertKey::of(key) })
    }
}

impl Serialize for AlertRef {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertRef {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for AlertRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AlertRef".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "source/key", "examples": ["prometheus/1f0b3c"]})
    }
}

/// Alerts with the same group belong to the same incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GroupKey(String);

impl GroupKey {
    pub(crate) fn of(parts: &[&str]) -> Self {
        let text = parts.join("/");
        let plain = text.chars().count() <= KEY_CHARS_MAX;
        Self(if plain { text } else { format!("sha256:{}", Digest::of(text.as_bytes())) })
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupKey {
    type Err = std::convert::Infallible;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Ok(Self::of(&[given]))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    Error,
    Warning,
    Info,
}

impl Severity {
    pub fn code(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The words that senders use; `None` for any other.
    pub fn read(given: &str) -> Option<Self> {
        Some(match given.trim().to_ascii_lowercase().as_str() {
            "critical" | "crit" | "fatal" | "emergency" | "page" | "p1" | "high" => Self::Critical,
            "error" | "err" | "major" | "p2" => Self::Error,
            "warning" | "warn" | "minor" | "p3" | "medium" => Self::Warning,
            "info" | "information" | "notice" | "low" | "p4" | "p5" | "none" => Self::Info,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Firing,
    /// The sender says that somebody has it in hand. Recorded; it stops no escalation of ours, since it names nobody.
    Acknowledged,
    Resolved,
}

/// What a sender says about one alert, in our words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    pub key: AlertKey,
    pub phase: Phase,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Where the sender shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it began, by the sender's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The sender repeats itself before this time for as long as it fires; silence after it means that it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses_at: Option<Timestamp>,
    /// When the sender wrote it, where its words may overtake each other on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
}

impl Signal {
    pub fn new(key: &str, phase: Phase, title: &str) -> Self {
        Self {
            key: AlertKey::of(key),
            phase,
            title: title.trim().to_owned(),
            summary: String::new(),
            severity: None,
            labels: BTreeMap::new(),
            link: None,
            since: None,
            lapses_at: None,
            said_at: None,
        }
    }

    /// Cuts what is longer than what is kept. A sender's words are nobody's mistake here, and an alert is never turned away for them.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.title = cut(&self.title, TITLE_CHARS_MAX);
        if self.title.is_empty() {
            self.title = cut(self.key.as_str(), TITLE_CHARS_MAX);
        }
        self.summary = cut(&self.summary, SUMMARY_CHARS_MAX);
        self.labels = self
            .labels
            .into_iter()
            .take(LABELS_MAX)
            .map(|(name, value)| (cut(&name, LABEL_CHARS_MAX), cut(&value, LABEL_CHARS_MAX)))
            .collect();
        // A link that was cut leads nowhere.
        self.link = self
            .link
            .filter(|link| link.chars().count() <= LINK_CHARS_MAX && (link.starts_with("https://") || link.starts_with("http://")));
        self
    }

    /// What a route can ask for: the sender's labels, and the severity where the sender has no label of that name.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).or_else(|| self.severity.filter(|_| name == "severity").map(Severity::code))
    }
}

pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// Why an alert fires and belongs to no incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "waits", rename_all = "snake_case")]
pub enum Waits {
    /// It has come and gone too often lately; it pages nobody unless it stays (rule I10).
    Flapping,
    /// Somebody has silenced it until a time.
    Silenced { silence: SilenceId },
}

/// What is remembered of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    pub alert: AlertRef,
    pub group: GroupKey,
    pub firing: bool,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it began by the sender's clock, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it last began to fire, by ours.
    pub fired_at: Timestamp,
    /// When its words were last recorded.
    pub told_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acknowledged: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// The incident that was split off with it; while that burns, the alert belongs there and not to its group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<IncidentId>,
    /// When it began to fire, the last times; what flapping is judged by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firings: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses_at: Option<Timestamp>,
    /// When the newest of what its sender has said about it was written, if the sender says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Over {
    pub at: Timestamp,
    pub how: HowOver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HowOver {
    /// The sender said so.
    Told,
    /// The sender fell silent, which for this sender means that it is over.
    Lapsed,
    /// The policy takes it no longer.
    Unwanted,
}

/// The incident to which alerts of a group belong: the last one that was opened for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    pub key: GroupKey,
    pub incident: IncidentId,
}

/// What has happened to one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    pub alert: AlertRef,
    /// What the sender calls it now, so that every line of the record can be read by itself.
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(flatten)]
    pub step: AlertStep,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum AlertStep {
    Fired(Box<Fired>),
    /// Other words or another severity, while it fires.
    Changed {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        summary: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
    },
    /// It goes on firing, as its sender has written at a later time: what was written before says nothing any more.
    Again {
        said_at: Timestamp,
    },
    Acknowledged,
    Over {
        how: HowOver,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said_at: Option<Timestamp>,
    },
    /// It goes on firing, and now belongs to an incident.
    Raised,
    /// It goes on firing, and now waits for this silence to end.
    Silenced {
        silence: SilenceId,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    pub group: GroupKey,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Timestamp>,
}

/// How many alerts an incident has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertCount {
    pub firing: u32,
    /// Ever, those that fired again counted again.
    pub fired: u32,
}

impl AlertCount {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// What a sender says, of one group: see [`route::split`].
    Report { source: SourceName, signals: Vec<Signal> },
    /// For planned work, or a fault that is known: what fits calls nobody until then.
    Silence {
        covers: silence::Covers,
        /// Now, unless it is planned ahead.
        #[serde(default)]
        from: Option<Timestamp>,
        minutes: u32,
        reason: String,
        /// What the status page says of the work; without it outsiders learn nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public: Option<crate::status::PublicText>,
    },
    /// Ends a silence before its time.
    Unsilence { silence: SilenceId },
}
