//! The team's Slack: which channel is which, whom a role calls, and in which environment variables the secrets are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, RoleName};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    pub mode: SlackMode,
    /// Channels of Slack by our names: `emergency-deploy = "C012AB3CD"`. One that is not named has the same name there.
    pub channels: BTreeMap<ChannelName, String>,
    /// User groups by role: `cto = "@cto"`.
    pub groups: BTreeMap<RoleName, String>,
    /// Environment variables of the server with the secrets: bot token (`xoxb-`), token for Socket Mode (`xapp-`), signing secret.
    pub bot_token_env: String,
    pub app_token_env: String,
    pub signing_secret_env: String,
    /// Address of Slack's Web API.
    pub api: String,
}

/// How a press of a button reaches the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlackMode {
    /// The server opens a connection to Slack; nothing has to reach the server from outside.
    #[default]
    Socket,
    /// Slack calls `/inbound/slack/events` and `/inbound/slack/actions`, signed.
    Events,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            mode: SlackMode::default(),
            channels: BTreeMap::new(),
            groups: BTreeMap::new(),
            bot_token_env: "SLACK_BOT_TOKEN".to_owned(),
            app_token_env: "SLACK_APP_TOKEN".to_owned(),
            signing_secret_env: "SLACK_SIGNING_SECRET".to_owned(),
            api: "https://slack.com/api/".to_owned(),
        }
    }
}

/// `U012AB3CD`, or `W012AB3CD` in an organisation.
pub(super) fn is_user_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    matches!(bytes.next(), Some(b'U' | b'W'))
        && (3..=30).contains(&text.len())
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
