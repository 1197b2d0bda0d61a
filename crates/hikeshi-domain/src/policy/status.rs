//! The status page: what people outside the team are told, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MailServer, Webhook};
use crate::ids::{ComponentName, EnvironmentName, ReceiverName, ServiceName};

/// Without it nothing can be published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusPage {
    pub title: PageName,
    /// The parts that users know, in the order of their names.
    pub components: BTreeMap<ComponentName, Component>,
    /// Who may read `/status` of this server. Files are read by whomever their web server lets in.
    #[serde(default)]
    pub visibility: Visibility,
    /// Directory that receives the page as static files, so that another web server can show them when this one is down. Absolute; it
    /// must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The address at which readers find the page: of the static files, or `/status` of this server.
    pub url: String,
    /// With it people can subscribe by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailServer>,
    /// No more mails of the page than this in one minute.
    #[serde(default = "default_mails_per_min")]
    pub mails_per_min: u32,
    /// Programs that are told of every post.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<ReceiverName, Webhook>,
}

fn default_mails_per_min() -> u32 {
    300
}

/// A name as outsiders read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageName {
    pub ja: String,
    pub en: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub name: PageName,
    /// Services that are behind it.
    pub services: Vec<ServiceName>,
    pub environment: EnvironmentName,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    /// Only people who are signed in.
    #[default]
    Private,
}
