//! How telephones are reached, through Twilio or whatever speaks as Twilio does (rule I5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account that sends messages and makes calls for us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Twilio {
    /// Environment variables of the server that hold the account's SID and its token.
    #[serde(default = "default_sid")]
    pub account_sid_env: String,
    #[serde(default = "default_token")]
    pub auth_token_env: String,
    /// The number from which messages come, such as `+815012345678`. Left out: no messages are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_from: Option<String>,
    /// The number that calls. Left out: nobody is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_from: Option<String>,
    /// Address of the vendor's API.
    #[serde(default = "default_api")]
    pub api: String,
    /// Where the vendor reaches this server: its requests to `/inbound/twilio/` are signed for exactly this address.
    pub public_url: String,
    /// What is taken and of which nothing is heard within this time goes on to the next means.
    #[serde(default = "default_report")]
    pub report_within_s: u32,
}

fn default_sid() -> String {
    "TWILIO_ACCOUNT_SID".to_owned()
}
fn default_token() -> String {
    "TWILIO_AUTH_TOKEN".to_owned()
}
fn default_api() -> String {
    "https://api.twilio.com".to_owned()
}
fn default_report() -> u32 {
    90
}

/// E.164: a plus, the country, the number; nothing between the digits.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}
