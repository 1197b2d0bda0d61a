//! One call of Slack's Web API, typed by what its failure means: wait, ask again, or give up.

use std::time::Duration;

use serde_json::Value;

use super::Voice;
use crate::probe::{BodyError, client, whole, words};

/// Tests have less patience.
const ANSWER_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Waits that Slack asks for are believed up to this.
const WAIT_S_MAX: u32 = 300;
const WAIT_S_USUAL: u32 = 30;

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    #[error("Slack asks to wait {after_s} s")]
    Limited { after_s: u32 },
    /// It may have been carried out: nobody can tell.
    #[error("Slack could not be reached: {0}")]
    Unreached(String),
    #[error("Slack says {code}")]
    Refused { code: String, detail: String },
}

/// Refusals that are gone by themselves.
const PASSING: &[&str] = &["internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"];

/// An answer, and the scopes that the token has.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) scopes: Option<String>,
}

/// Calls with the bot's token.
pub(crate) async fn call(voice: &Voice, method: &str, given: &Value) -> Result<Answer, CallError> {
    let token = voice
        .bot_token
        .as_deref()
        .ok_or_else(|| CallError::Refused { code: "no_token".to_owned(), detail: voice.slack.bot_token_env.clone() })?;
    call_as(voice, token, method, given).await
}

pub(crate) async fn call_as(voice: &Voice, token: &str, method: &str, given: &Value) -> Result<Answer, CallError> {
    let url = format!("{}/{method}", voice.slack.api.trim_end_matches('/'));
    let unreached = |error: &dyn std::error::Error| CallError::Unreached(words(error));
    let request = client(&url).map_err(CallError::Unreached)?.post(&url).bearer_auth(token).timeout(ANSWER_WITHIN);
    // Methods that read understand forms only; those that write understand both, and JSON keeps blocks as they are.
    let request = if reads(method) { request.form_of(given) } else { request.json(given) };
    let response = request.send().await.map_err(|error| unreached(&error))?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (after, scopes) = (header("retry-after"), header("x-oauth-scopes"));
    if status == 429 {
        let after_s = after.and_then(|after| after.trim().parse::<u32>().ok()).unwrap_or(WAIT_S_USUAL).clamp(1, WAIT_S_MAX);
        return Err(CallError::Limited { after_s });
    }
    if status >= 500 {
        return Err(CallError::Unreached(format!("HTTP {status}")));
    }
    let bytes =
        whole(response, ANSWER_BYTES_MAX).await.map_err(|(BodyError::Broken(why) | BodyError::TooLong(why))| CallError::Unreached(why))?;
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|_| CallError::Unreached(format!("HTTP {status}, and the answer is no JSON")))?;
    if body.get("ok").and_then(Value::as_bool) == Some(true) {
        return Ok(Answer { body, scopes });
    }
    let code = body.get("error").and_then(Value::as_str).unwrap_or("no_error_code").chars().take(80).collect::<String>();
    if PASSING.contains(&code.as_str()) {
        return Err(CallError::Unreached(code));
    }
    let detail = body.pointer("/response_metadata/messages/0").or_else(|| body.get("needed")).and_then(Value::as_str).unwrap_or_default();
    Err(CallError::Refused { code, detail: detail.chars().take(200).collect() })
}

fn reads(method: &str) -> bool {
    method.ends_with(".list")
        || method.ends_with(".info")
        || method.ends_with(".history")
        || method.ends_with(".replies")
        || method.ends_with(".lookupByEmail")
}

trait FormOf {
    fn form_of(self, given: &Value) -> Self;
}

impl FormOf for reqwest::RequestBuilder {
    /// The fields of an object as a form.
    fn form_of(self, given: &Value) -> Self {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let escaped = |text: &str| -> String {
            text.bytes()
                .map(|byte| {
                    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect()
        };
        let fields = given.as_object().into_iter().flatten().map(|(name, value)| format!("{}={}", escaped(name), escaped(&plain(value))));
        self.header("content-type", "application/x-www-form-urlencoded").body(fields.collect::<Vec<_>>().join("&"))
    }
}

#[cfg(test)]
mod tests;
