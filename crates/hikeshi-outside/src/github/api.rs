//! One call of GitHub's REST API: bounded in time and size, tried again where that is safe, and its failure in words that say what to do.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use hikeshi_domain::effect::GitHub;
use serde_json::Value;

use crate::probe::{BodyError, client, whole, words};

/// Tests have less patience.
const ANSWER_WITHIN: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 30 });
const ANSWER_BYTES_MAX: usize = if cfg!(test) { 1024 * 1024 } else { 160 * 1024 * 1024 };
/// Tries of one call. Every call of ours may be repeated: objects are named by their content, and what has a name is looked for first.
const TRIES: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A wait that GitHub asks for is kept up to this; a longer one is told.
const WAIT_S_MAX: u64 = 60;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("the environment variable {0} with the token of GitHub is not set")]
    NoToken(String),
    #[error("GitHub could not be reached ({0}). Nothing is lost: try again when it can")]
    Unreached(String),
    #[error("GitHub asks to wait {after_s} s before the next request (rate limit). Try again after that")]
    Limited { after_s: u64 },
    #[error("{}", said(*status, message, what))]
    Status { status: u16, message: String, what: String },
}

/// What a status means for us, with GitHub's own words.
fn said(status: u16, message: &str, what: &str) -> String {
    let hint = match status {
        401 => "the token is not accepted: it is wrong, expired or revoked",
        403 => "the token may not do this: it needs read and write of contents, pull requests and issues for this repository",
        404 => "not found: the repository does not exist, or the token cannot see it",
        409 => "the repository is in another state than expected",
        422 => "GitHub does not accept the content of the request",
        _ => "GitHub refused",
    };
    format!("{hint} ({status} {message}; {what})")
}

pub(crate) struct Api {
    base: String,
    token: String,
}

/// One try: what it gave, or whether another one may help.
enum Tried {
    Done(Value),
    Again(ApiError, Option<Duration>),
    Over(ApiError),
}

impl Api {
    pub(crate) fn new(env: &BTreeMap<OsString, OsString>, github: &GitHub) -> Result<Self, ApiError> {
        let token = env.get(OsStr::new(&github.token_env)).and_then(|value| value.to_str()).map(str::trim);
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| ApiError::NoToken(github.token_env.clone()))?;
        Ok(Self { base: github.api.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(reqwest::Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let mut wait = FIRST_WAIT;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.once(&method, path, body).await {
                Tried::Done(value) => return Ok(value),
                Tried::Over(error) => return Err(error),
                Tried::Again(error, _) if tries >= TRIES => return Err(error),
                Tried::Again(error, asked) => {
                    tracing::info!(%error, path, "asked again");
                    tokio::time::sleep(asked.unwrap_or(wait)).await;
                    wait *= 2;
                }
            }
        }
    }

    async fn once(&self, method: &reqwest::Method, path: &str, body: Option<&Value>) -> Tried {
        let url = format!("{}{path}", self.base);
        let client = match client(&url) {
            Ok(client) => client,
            Err(error) => return Tried::Over(ApiError::Unreached(error)),
        };
        let mut request = client
            .request(method.clone(), &url)
            .bearer_auth(&self.token)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .timeout(ANSWER_WITHIN);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Tried::Again(ApiError::Unreached(words(&error)), None),
        };
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (after, left, reset) = (header("retry-after"), header("x-ratelimit-remaining"), header("x-ratelimit-reset"));
        let bytes = match whole(response, ANSWER_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(BodyError::TooLong(why)) => return Tried::Over(ApiError::Unreached(why)),
            Err(BodyError::Broken(why)) => return Tried::Again(ApiError::Unreached(why), None),
        };
        if (200..300).contains(&status) {
            return match serde_json::from_slice(&bytes) {
                Ok(value) => Tried::Done(value),
                Err(_) => Tried::Over(ApiError::Unreached(format!("HTTP {status}, and the answer is no JSON"))),
            };
        }
        if status >= 500 {
            return Tried::Again(ApiError::Unreached(format!("HTTP {status}")), None);
        }
        let asked = asked_wait(after.as_deref(), left.as_deref(), reset.as_deref()).filter(|_| matches!(status, 403 | 429));
        if let Some(after_s) = asked {
            let limited = ApiError::Limited { after_s };
            let kept = after_s <= WAIT_S_MAX;
            return if kept { Tried::Again(limited, Some(Duration::from_secs(after_s))) } else { Tried::Over(limited) };
        }
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Tried::Over(ApiError::Status {
            status,
            message: message(&said),
            what: format!("{method} {}", path.split('?').next().unwrap_or_default()),
        })
    }
}

/// How long GitHub asks to wait: of the secondary limit in `Retry-After`, of the primary one until its window begins again.
fn asked_wait(after: Option<&str>, left: Option<&str>, reset: Option<&str>) -> Option<u64> {
    if let Some(after) = after.and_then(|after| after.trim().parse::<u64>().ok()) {
        return Some(after.max(1));
    }
    if left?.trim() != "0" {
        return None;
    }
    let reset: i64 = reset?.trim().parse().ok()?;
    Some(u64::try_from(reset.saturating_sub(crate::clock::now().as_second()).max(1)).unwrap_or(1))
}

/// GitHub's message, with what it says of single fields.
fn message(said: &Value) -> String {
    let mut text = said.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned();
    for error in said.get("errors").and_then(Value::as_array).into_iter().flatten().take(5) {
        let plain = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let more = match error.as_str() {
            Some(words) => words.to_owned(),
            None if plain("message").is_empty() => format!("{} {}", plain("field"), plain("code")),
            None => plain("message").to_owned(),
        };
        text.push_str(&format!(": {}", more.trim()));
    }
    text.chars().take(400).collect()
}

/// One segment of a path or one value of a query; a `/` inside is escaped, too.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

#[cfg(test)]
mod trouble;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_from_a_prohibition() {
        assert_eq!(asked_wait(Some("7"), None, None), Some(7));
        assert_eq!(asked_wait(None, Some("0"), Some("1")), Some(1), "its window has begun again");
        assert_eq!(asked_wait(None, Some("4999"), Some("99999999999")), None);
        assert_eq!(asked_wait(None, None, None), None);
    }

    #[test]
    fn what_github_says_of_single_fields_is_told() {
        let said = serde_json::json!({"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}, {"message": "No commits between main and x"}]});
        assert_eq!(message(&said), "Validation Failed: head invalid: No commits between main and x");
        assert_eq!(escaped("heads/emergency/emg_1 緊"), "heads%2Femergency%2Femg_1%20%E7%B7%8A");
    }
}
