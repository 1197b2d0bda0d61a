//! How people are reached when an incident needs them (rules I4, I5). What becomes of a page is the work of [`crate::page`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Twilio, WebPush};
use crate::incident::Priority;
use crate::page::Means;

/// Without it nobody is paged; announcements are made in the channels all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// What is tried, and how long after the page began. A person's own `page_by` goes before it.
    #[serde(default = "default_rules")]
    pub rules: Vec<PagingRule>,
    #[serde(default)]
    pub mail: Option<MailServer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twilio: Option<Box<Twilio>>,
    /// Without it no browser can be subscribed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_push: Option<Box<WebPush>>,
    /// A page that is not answered by its receiver within this time has failed.
    #[serde(default = "default_timeout")]
    pub timeout_s: u32,
    #[serde(default)]
    pub bundle: Bundling,
}

/// Somebody who was just called about a service is not called again for each incident of it: what follows waits a moment and comes together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bundling {
    /// How long after a page of a service and environment others of it wait; 0 = each goes by itself.
    pub window_s: u32,
    /// Those that may wait. P1 never does.
    pub priorities: BTreeSet<Priority>,
}

impl Default for Bundling {
    fn default() -> Self {
        Self { window_s: 60, priorities: BTreeSet::from([Priority::P2, Priority::P3, Priority::P4]) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagingRule {
    pub after_min: u32,
    pub by: Vec<Means>,
}

/// An SMTP server that takes our mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailServer {
    pub host: String,
    #[serde(default = "default_port")]
    pub port: u16,
    #[serde(default)]
    pub security: MailSecurity,
    /// The address from which pages come.
    pub from: String,
    /// Environment variables of the server that hold user and password; without them it does not sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// The connection becomes encrypted, or no mail is sent.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// In the clear: only for a server on this very host.
    None,
}

/// Where a program of a person's own takes pages, such as one that rings their phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    /// Environment variable of the server that holds the key with which each body is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
}

fn default_rules() -> Vec<PagingRule> {
    vec![PagingRule { after_min: 0, by: vec![Means::Webhook, Means::Mail] }]
}
fn default_timeout() -> u32 {
    10
}
fn default_port() -> u16 {
    587
}
