//! From where alerts come, and which incident they belong to. What becomes of one is the work of [`crate::alert`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::silence::Covers;
use crate::ids::{EnvironmentName, InhibitionName, ServiceName, SourceName};
use crate::incident::{Business, Impact, Urgency};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Senders, by the name that is the last part of their address: `/inbound/alerts/<name>`.
    pub sources: BTreeMap<SourceName, Source>,
    pub flapping: Flapping,
    /// What calls nobody while something else fires that it follows from, by a name of the rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inhibit: BTreeMap<InhibitionName, Inhibit>,
}

/// While what fits `when` fires, what fits `holds` is recorded and calls nobody; when it is over, what still fires does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inhibit {
    /// The cause: alerts, or a monitor of our own.
    pub when: Covers,
    /// What only follows from it. What fits `when`, too, is not held back.
    pub holds: Covers,
    /// Labels that must have the same value on both sides. A cause without one of them holds nothing back.
    pub equal: Vec<String>,
}

impl Alerts {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// An alert that comes and goes pages nobody, unless it stays (rule I10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flapping {
    /// So many times it began to fire within the window; 0 = no alert counts as flapping.
    pub fires: u32,
    pub within_min: u32,
    /// When it goes on firing for this long all the same, it opens an incident.
    pub settle_min: u32,
}

impl Default for Flapping {
    fn default() -> Self {
        Self { fires: 4, within_min: 30, settle_min: 5 }
    }
}

/// A sender: how it speaks, how it shows who it is, and where its alerts belong unless a route says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub format: Format,
    /// Environment variable of the server that holds the secret: a bearer token, PagerDuty's routing key, Sentry's client secret.
    pub token_env: String,
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub impact: Impact,
    pub business: Business,
    #[serde(default)]
    pub urgency: Urgency,
    /// Labels whose values keep alerts of one service and environment apart; without any they are one incident.
    #[serde(default)]
    pub group_by: Vec<String>,
    #[serde(default)]
    pub on_clear: OnClear,
    /// The first that matches changes what is said above.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Where things are in the sender's JSON; for `format = "json"` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Fields>,
    /// How a mail is read; for `format = "mail"` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailRules>,
}

/// What a mail says of an alert. Without it, or without one of these, what most programs write is understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailRules {
    /// Pattern of what names the alert in the subject: its group `key`, or all that it matches. Without it, the subject without the words at its
    /// beginning that say how it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Pattern of subjects that say that it is over. Without it, what most programs write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
    /// Senders whose mail is taken; empty: any.
    pub from: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Alertmanager's webhook, and its API v2, so that Prometheus can send directly.
    Alertmanager,
    /// PagerDuty's Events API v2.
    Pagerduty,
    Grafana,
    Sentry,
    Datadog,
    /// Any JSON, read by `fields`.
    Json,
    /// A mail as it was received (RFC 5322), of which the subject says what it is.
    Mail,
}

/// What follows when the last alert of an incident is over that alerts have opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnClear {
    /// The incident is resolved, unless an exception is going on.
    #[default]
    Resolve,
    /// It is announced, and a person resolves it.
    Tell,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Labels that must have this value, or one of these.
    #[serde(rename = "match")]
    pub matches: BTreeMap<String, OneOf>,
    pub service: Option<ServiceName>,
    pub environment: Option<EnvironmentName>,
    pub impact: Option<Impact>,
    pub business: Option<Business>,
    pub urgency: Option<Urgency>,
    pub group_by: Option<Vec<String>>,
    /// Not taken at all: answered with success, recorded nowhere.
    pub drop: bool,
}

/// `"critical"` or `["critical", "page"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOf {
    One(String),
    Any(Vec<String>),
}

/// Both forms in one schema: whoever reads the file looks for one type.
impl JsonSchema for OneOf {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOf".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "array"], "items": {"type": "string"}, "description": "one value, or a list of them"})
    }
}

impl OneOf {
    /// `critical`, or `critical|page`: how people write it in one line.
    pub fn read(given: &str) -> Self {
        match given.split_once('|') {
            None => Self::One(given.trim().to_owned()),
            Some(_) => Self::Any(given.split('|').map(|value| value.trim().to_owned()).collect()),
        }
    }
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Any(any) => any,
        }
    }
    pub fn has(&self, value: &str) -> bool {
        self.all().iter().any(|one| one == value)
    }
}

/// JSON pointers (RFC 6901) into one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The array of alerts; without it the body is one alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The same value is the same alert.
    pub key: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// What says whether it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Values of `status` that mean that it is over.
    #[serde(default = "default_resolved")]
    pub resolved: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// An object of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
}

fn default_resolved() -> Vec<String> {
    ["resolved", "ok", "recovered", "closed"].map(str::to_owned).to_vec()
}
