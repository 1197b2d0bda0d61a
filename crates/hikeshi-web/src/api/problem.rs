//! Errors as `application/problem+json` (RFC 9457), with the words for a person and the code for a program.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hikeshi_domain::refusal::Refusal;
use hikeshi_text::{Lang, Names};
use schemars::JsonSchema;
use serde::Serialize;

use crate::fail::Fail;
use crate::pages::status_of;

/// What went wrong, why, and what to do next, in the language of the asker.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub status: u16,
    /// Stable name for programs, such as `emergency.self_approval`.
    pub code: String,
    /// The rule that refused, such as `E3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What happened.
    pub what: String,
    /// Empty when `what` says it all.
    pub why: String,
    /// Empty when there is nothing to do.
    pub next: String,
    /// The refusal with its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Index of the ledger entry that records the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

fn respond(lang: Lang, status: StatusCode, problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hikeshi\""));
    }
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

pub fn of_fail(lang: Lang, fail: &Fail, path: &str) -> Response {
    let sentence = fail.sentence(lang);
    let status = fail.status();
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        code: fail.code().to_owned(),
        rule: None,
        what: sentence.what,
        why: sentence.why,
        next: sentence.next,
        refusal: None,
        entry: None,
        instance: Some(path.chars().take(200).collect()),
    };
    respond(lang, status, &problem)
}

/// A refusal is an answer: 403 when the rule is about who asks, otherwise 409.
pub fn of_refusal(lang: Lang, names: &Names, refusal: &Refusal, entry: Option<u64>) -> Response {
    let sentence = hikeshi_text::refusal(lang, refusal, names);
    let status = status_of(refusal);
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Refused").to_owned(),
        status: status.as_u16(),
        code: refusal.code().to_owned(),
        rule: Some(refusal.rule().to_owned()),
        what: sentence.what,
        why: sentence.why,
        next: sentence.next,
        refusal: Some(refusal.clone()),
        entry,
        instance: None,
    };
    respond(lang, status, &problem)
}
