//! Verifications by HTTP and by command, and the probe that monitors use.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use hikeshi_domain::effect::Outcome;
use hikeshi_domain::emergency::{Aspect, CheckResult};
use hikeshi_domain::monitor::Verdict;
use hikeshi_outside::{connect, probe};
use serde_json::json;

use crate::ground::Ground;

/// A tiny real server that gives every request the same answer.
fn serve(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut buffer = [0_u8; 2048];
            let _request = stream.read(&mut buffer);
            let _written = stream.write_all(answer);
        }
    });
    url
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n\xe4\xba\x88\xe7\xb4\x84\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xbe\xe3\x81\x99";

#[tokio::test]
async fn a_probe_compares_status_and_body() {
    let url = serve(OK);
    let limit = Duration::from_secs(5);
    assert_eq!(probe(&url, limit, 200, Some("予約できます")).await.verdict, Verdict::Passed);
    let seen = probe(&url, limit, 200, Some("満席")).await;
    assert!(seen.verdict == Verdict::Failed && seen.seen.contains("does not hold"), "{seen:?}");
    let seen = probe(&url, limit, 204, None).await;
    assert_eq!((seen.verdict, seen.seen.as_str()), (Verdict::Failed, "HTTP 200, expected 204"));
    let seen = probe("http://127.0.0.1:1/", limit, 200, None).await;
    assert!(seen.verdict == Verdict::Failed && seen.seen.contains("refused"), "{seen:?}");
    assert_eq!(probe("not a url", limit, 200, None).await.verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_probe_is_bounded_and_follows_no_redirect() {
    let moved = serve(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!(probe(&moved, Duration::from_secs(5), 200, None).await.seen, "HTTP 302, expected 200");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let began = Instant::now();
    let silent = probe(&url, Duration::from_millis(400), 200, None).await;
    assert!(silent.verdict == Verdict::Failed && began.elapsed() < Duration::from_secs(3), "{silent:?}");
    // A body without end is read up to the bound.
    let endless = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", endless.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = endless.accept().expect("a caller");
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let began = Instant::now();
    assert_eq!(probe(&url, Duration::from_secs(10), 200, Some("needle")).await.verdict, Verdict::Failed);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn both_aspects_are_checked_and_told() {
    let mut ground = Ground::new(&["."]);
    ground.env.insert("DB_PASSWORD".into(), "correct-horse-battery".into());
    ground.host.target.pass_env = vec!["DB_PASSWORD".to_owned()];
    ground.write("limit", "10");
    let url = serve(OK);
    let effect = ground.checks_effect(json!({
        "solved": [
            {"title": "予約ページ", "check": "http", "url": url, "body_contains": "予約できます"},
            {"title": "上限", "check": "command", "run": "grep -q 10 limit"}
        ],
        "unaffected": [
            {"title": "失敗", "check": "command", "run": "echo 値は $DB_PASSWORD; exit 3"},
            {"title": "遅い", "check": "command", "run": "sleep 60", "timeout_s": 1}
        ]
    }));
    let Outcome::ChecksEnded { results } = ground.perform(&effect).await.outcome else { panic!("not checked") };
    let of = |index: usize| -> &[CheckResult] { &results[index].checks };
    assert_eq!((results[0].aspect, results[1].aspect), (Aspect::Solved, Aspect::Unaffected));
    assert!(of(0).iter().all(|check| check.passed), "{:?}", of(0));
    assert_eq!((of(1)[0].passed, of(1)[0].seen.as_str()), (false, "exit 3: 値は [masked]"));
    assert!(!of(1)[1].passed && of(1)[1].seen.contains("1 s") && of(1)[1].took_ms >= 1000, "{:?}", of(1)[1]);
}

#[tokio::test]
async fn an_aspect_without_checks_is_left_to_a_person() {
    let ground = Ground::new(&["."]);
    let effect = ground
        .checks_effect(json!({"solved": [{"title": "t", "check": "command", "run": "head -c 100000 /dev/zero | tr '\\0' 'x'; exit 1"}]}));
    let Outcome::ChecksEnded { results } = ground.perform(&effect).await.outcome else { panic!("not checked") };
    assert_eq!(results.len(), 1);
    assert!(results[0].checks[0].seen.chars().count() <= 500);
}

#[tokio::test]
async fn an_address_takes_connections_or_it_does_not() {
    let limit = Duration::from_millis(500);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    assert_eq!(connect(&address, limit).await.verdict, Verdict::Passed);
    drop(listener);
    let seen = connect(&address, limit).await;
    assert!(seen.verdict == Verdict::Failed && seen.seen.contains("refused"), "{seen:?}");
    assert_eq!(connect("no-such-host.invalid:5432", Duration::from_secs(5)).await.verdict, Verdict::Failed);
}
