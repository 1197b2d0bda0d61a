//! A GitHub that is slow, broken or in trouble: asked again where that may help, left in bounded time, and told in words.

use std::time::Instant;

use serde_json::json;

use super::*;
use crate::unreliable::{Unreliable, Way};

/// The answer, and how often it was asked for.
async fn posted(ways: Vec<Way>) -> (Result<Value, ApiError>, usize) {
    let server = Unreliable::start(ways);
    let api = Api { base: server.url.clone(), token: "ghp_test".to_owned() };
    let began = Instant::now();
    let answer = api.post("/repos/a/b/pulls", &json!({"title": "緊急"})).await;
    assert!(began.elapsed() < ANSWER_WITHIN * TRIES + Duration::from_secs(5), "{:?}", began.elapsed());
    (answer, server.asked().len())
}

const MADE: Way = Way::Says(201, "", "{\"number\":1}");

fn words_of(answer: Result<Value, ApiError>) -> String {
    answer.expect_err("no answer").to_string()
}

#[tokio::test]
async fn one_that_says_nothing_or_breaks_off_is_asked_again() {
    for way in [Way::Silent, Way::SlowHead, Way::Cut, Way::Says(502, "", "<html>")] {
        let (answer, asked) = posted(vec![way, MADE]).await;
        assert_eq!((answer.expect("the second answer")["number"].as_u64(), asked), (Some(1), 2));
    }
}

#[tokio::test]
async fn one_that_stays_so_is_left_after_three_times() {
    let (answer, asked) = posted(vec![Way::Silent, Way::Silent, Way::Silent, MADE]).await;
    let said = words_of(answer);
    assert_eq!(asked, 3, "{said}");
    assert!(said.contains("Nothing is lost"), "{said}");
    let (answer, asked) = posted(vec![Way::Says(503, "", ""), Way::Says(500, "", ""), Way::Cut, MADE]).await;
    assert_eq!(asked, 3, "{}", words_of(answer));
}

#[tokio::test]
async fn a_wait_that_it_asks_for_is_kept_when_it_is_short_and_told_when_it_is_long() {
    let began = Instant::now();
    let (answer, asked) = posted(vec![Way::Says(429, "retry-after: 2\r\n", "{\"message\":\"secondary rate limit\"}"), MADE]).await;
    assert_eq!((answer.expect("after the wait")["number"].as_u64(), asked), (Some(1), 2));
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    let (answer, asked) = posted(vec![Way::Says(429, "retry-after: 600\r\n", "{}"), MADE]).await;
    let said = words_of(answer);
    assert!(said.contains("wait 600 s"), "{said}");
    assert_eq!(asked, 1, "{said}");
}

#[tokio::test]
async fn an_answer_without_end_is_bounded() {
    let (answer, asked) = posted(vec![Way::Endless, MADE]).await;
    let said = words_of(answer);
    assert!(said.contains("bytes"), "{said}");
    assert_eq!(asked, 1, "{said}");
}
