//! A Slack that is slow, broken or in trouble: each call ends in bounded time, and says whether it may have been carried out.

use std::time::Instant;

use serde_json::json;

use super::*;
use crate::unreliable::{Unreliable, Way};

fn voice(api: &str) -> Voice {
    let slack = hikeshi_domain::policy::Slack { api: api.to_owned(), ..hikeshi_domain::policy::Slack::default() };
    let token = Some("xoxb-test".to_owned());
    Voice { slack, bot_token: token, app_token: None, signing_secret: None, public_url: String::new() }
}

async fn posted(way: Way) -> Result<Value, CallError> {
    let server = Unreliable::start(vec![way]);
    let began = Instant::now();
    let answer = call(&voice(&server.url), "chat.postMessage", &json!({"channel": "C1", "text": "予約"})).await;
    assert!(began.elapsed() < ANSWER_WITHIN + Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(
        server.asked(),
        ["POST /chat.postMessage HTTP/1.1 {\"channel\":\"C1\",\"text\":\"予約\"}"],
        "one request, and no second one"
    );
    answer.map(|answer| answer.body)
}

fn unreached(answer: Result<Value, CallError>) -> String {
    match answer {
        Err(CallError::Unreached(why)) => why,
        other => panic!("{other:?}: whether it was carried out must stay open"),
    }
}

#[tokio::test]
async fn one_that_accepts_and_never_answers_is_left_in_time() {
    unreached(posted(Way::Silent).await);
}

#[tokio::test]
async fn headers_that_never_end_are_left_in_time() {
    unreached(posted(Way::SlowHead).await);
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_nothing() {
    unreached(posted(Way::Cut).await);
}

#[tokio::test]
async fn an_answer_without_end_is_bounded() {
    let why = unreached(posted(Way::Endless).await);
    assert!(why.contains("bytes"), "{why}");
}

#[tokio::test]
async fn limits_and_trouble_are_told_apart_from_a_no() {
    let limited = posted(Way::Says(429, "retry-after: 7\r\n", "{\"ok\":false,\"error\":\"ratelimited\"}")).await;
    assert_eq!(limited, Err(CallError::Limited { after_s: 7 }));
    let unsaid = posted(Way::Says(429, "", "")).await;
    assert_eq!(unsaid, Err(CallError::Limited { after_s: WAIT_S_USUAL }));
    let endless = posted(Way::Says(429, "retry-after: 999999\r\n", "")).await;
    assert_eq!(endless, Err(CallError::Limited { after_s: WAIT_S_MAX }));
    for status in [500, 502, 503, 504] {
        assert_eq!(unreached(posted(Way::Says(status, "", "<html>trouble</html>")).await), format!("HTTP {status}"));
    }
    assert!(unreached(posted(Way::Says(200, "", "<html>a proxy</html>")).await).contains("no JSON"));
    assert_eq!(unreached(posted(Way::Says(200, "", "{\"ok\":false,\"error\":\"fatal_error\"}")).await), "fatal_error");
    let refused = posted(Way::Says(200, "", "{\"ok\":false,\"error\":\"is_archived\"}")).await;
    assert_eq!(refused, Err(CallError::Refused { code: "is_archived".to_owned(), detail: String::new() }));
    assert_eq!(posted(Way::Says(200, "", "{\"ok\":true,\"ts\":\"1.2\"}")).await, Ok(json!({"ok": true, "ts": "1.2"})));
}
