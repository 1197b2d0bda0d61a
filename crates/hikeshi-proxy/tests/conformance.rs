//! What the protocol asks of a proxy, and what must not get through one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Site;
use crate::world::{Keeper, World};

async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _read = tokio::time::timeout(Duration::from_millis(700), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn world_with(site: &Site) -> World {
    let world = World::new().await;
    world.route(json!({ "limits": { "body_bytes": 1_000_000 } })).await;
    world.deploy("v1", &[site.address]).await;
    world
}

/// Each would be two requests for one side and one for the other, if the two sides read differently.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_through() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let attacks: Vec<(&str, String)> = vec![
        (
            "two lengths that differ",
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: {}\r\n\r\n{smuggled}", smuggled.len()),
        ),
        ("two lengths in one header", format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 0, {}\r\n\r\n{smuggled}", smuggled.len())),
        ("a length with a sign", format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: +0\r\n\r\n{smuggled}")),
        (
            "an encoding that is not the last",
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        ("an unknown encoding", format!("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}")),
        ("an encoding in HTTP/1.0", format!("POST /echo HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}")),
        ("a blank before the colon", format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length : {}\r\n\r\n{smuggled}", smuggled.len())),
        ("a folded header", format!("POST /echo HTTP/1.1\r\nhost: a\r\nx: 1\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}")),
        ("a chunk size with more", format!("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0x0\r\n\r\n{smuggled}")),
        (
            "a chunk size without end",
            "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n".to_owned(),
        ),
        ("a bare carriage return", "GET / HTTP/1.1\r\nhost: a\rx: y\r\n\r\n".to_owned()),
        ("a zero byte", "GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n".to_owned()),
        ("two hosts", "GET /two HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned()),
        ("no host", "GET /none HTTP/1.1\r\n\r\n".to_owned()),
        ("a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n".to_owned()),
    ];
    for (name, bytes) in &attacks {
        let before = site.heard().len();
        let answer = raw(world.http, bytes.as_bytes()).await;
        let statuses: Vec<&str> = answer.lines().filter(|line| line.starts_with("HTTP/1.")).collect();
        assert!(statuses.iter().all(|line| line.contains(" 4") || line.contains(" 5")) && statuses.len() <= 1, "{name}: {answer}");
        let heard = site.heard().split_off(before);
        assert!(!heard.iter().any(|line| line.contains("smuggled")), "{name}: {heard:?}");
        assert_eq!(world.get("/").await.0, StatusCode::OK, "{name}: others are served");
    }
    // Both at once: RFC 9112 lets the encoding win. What follows is then a request of its own for both sides, and the target never sees the length.
    let before = site.heard().len();
    let both = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 4);
    let answer = raw(world.http, both.as_bytes()).await;
    let heard = site.heard().split_off(before);
    assert!(heard.len() <= 1 && !heard.iter().any(|line| line.contains("content-length\": \"4\"")), "{answer} {heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_go_through_whole_and_bounded() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    let mut client = Keeper::new(world.http).await;
    for size in [0, 1, 65_537, 1_000_000] {
        let answer = client.ask("POST", "/echo", &"x".repeat(size)).await.unwrap();
        let text = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        assert_eq!(text, format!("{size} bytes"));
    }
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-sum: 1\r\n\r\n";
    assert!(raw(world.http, chunked.as_bytes()).await.ends_with("11 bytes"));
    let mut client = Keeper::new(world.http).await;
    assert_eq!(client.ask("POST", "/echo", &"x".repeat(1_000_001)).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let unsaid = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        1_000_001,
        "x".repeat(1_000_001)
    );
    assert!(raw(world.http, unsaid.as_bytes()).await.starts_with("HTTP/1.1 413"), "also when the length is not said");
    let wait = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\nab";
    let answer = raw(world.http, wait.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 100") && answer.ends_with("2 bytes"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_say_who_asked_and_carry_nothing_of_the_connection() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    let asked = "GET /headers HTTP/1.1\r\nhost: Shop.example.jp:8080\r\nx-forwarded-for: 10.9.8.7\r\nconnection: close, x-hop\r\nx-hop: 1\r\nproxy-authorization: x\r\nx-end: 1\r\n\r\n";
    let heard = raw(world.http, asked.as_bytes()).await;
    for part in
        ["\"host\": \"Shop.example.jp:8080\"", "\"x-forwarded-for\": \"127.0.0.1\"", "\"x-forwarded-proto\": \"http\"", "\"x-end\": \"1\""]
    {
        assert!(heard.contains(part), "{part}: {heard}");
    }
    for part in ["x-hop", "proxy-authorization", "10.9.8.7", "\"connection\""] {
        assert!(!heard.contains(part), "{part}: {heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_found_by_host_and_by_the_longest_path() {
    let (shop, cart, rest) = (Site::new("shop").await, Site::new("cart").await, Site::new("rest").await);
    let world = World::new().await;
    for (name, asked, site) in [
        ("shop", json!({ "hosts": ["shop.example.jp"] }), &shop),
        ("cart", json!({ "hosts": ["shop.example.jp"], "path": "/cart" }), &cart),
        ("rest", json!({}), &rest),
    ] {
        world.done("PUT", &format!("/v1/routes/{name}"), asked).await;
        world.done("POST", &format!("/v1/routes/{name}/deploy"), crate::world::deploy("v1", &[site.address])).await;
    }
    for (host, path, version) in [
        ("shop.example.jp", "/", "shop"),
        ("SHOP.example.jp:80", "/cart/1", "cart"),
        ("shop.example.jp", "/carts", "shop"),
        ("other", "/cart", "rest"),
    ] {
        let answer = raw(world.http, format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.ends_with(version), "{host}{path}: {answer}");
    }
    let (status, said) = world.tell("PUT", "/v1/routes/twin", json!({ "hosts": ["shop.example.jp"] })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    world.done("DELETE", "/v1/routes/rest", json!(null)).await;
    assert!(raw(world.http, b"GET / HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_wrongly_is_said_and_changes_nothing() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    let before = std::fs::read_to_string(world.folder.join("state.json")).unwrap();
    for (path, body) in [
        ("/v1/routes/Shop/resume", json!({})),
        ("/v1/routes/shop/deploy", json!({ "arm": { "version": "v2", "targets": [] } })),
        ("/v1/routes/shop/deploy", json!({ "arm": { "version": "a b", "targets": ["127.0.0.1:1"] } })),
        ("/v1/routes/shop/deploy", json!({ "arm": { "version": "v2", "targets": ["app:80"] } })),
        ("/v1/routes/shop/deploy", json!({ "arm": { "version": "v2", "targets": ["127.0.0.1:1"] }, "percent": 101 })),
        ("/v1/routes/shop/hold", json!({ "wait_ms": 0 })),
        ("/v1/routes/shop/hold", json!({ "wait": 1 })),
        ("/v1/routes/shop/stop", json!({ "message": "x".repeat(501) })),
    ] {
        let (status, said) = world.tell("POST", path, body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {said}");
        assert!(said["error"].as_str().is_some_and(|text| text.len() > 10), "{said}");
    }
    assert_eq!(world.tell("POST", "/v1/routes/none/resume", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.tell("POST", "/v1/routes/shop/explode", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(std::fs::read_to_string(world.folder.join("state.json")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_holds_up_nobody_and_is_let_go() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(world.http).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    assert_eq!(world.get("/").await.0, StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut first = slow.swap_remove(0);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), first.read_to_end(&mut rest)).await.expect("let go").unwrap();
    assert!(began.elapsed() > Duration::from_secs(10), "it had its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_say_what_each_version_answered() {
    let site = Site::new("v1").await;
    let world = world_with(&site).await;
    for _ in 0..7 {
        world.get("/").await;
    }
    for _ in 0..3 {
        world.get("/broken").await;
    }
    let (_, text) = world.tell("GET", "/metrics", json!(null)).await;
    let text = text.as_str().unwrap();
    for (status, count) in [("2xx", 7), ("5xx", 3)] {
        let line = format!("hikeshi_proxy_answers_total{{route=\"shop\",version=\"v1\",arm=\"stable\",status=\"{status}\"}} {count}");
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    site.kill();
    assert_eq!(world.get("/").await.0, StatusCode::BAD_GATEWAY);
    let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
    let counts = &state["stable"]["counts"];
    assert_eq!((&counts["requests"], &counts["errors"], &counts["unreachable"]), (&json!(11), &json!(4), &json!(1)), "{counts}");
    assert!(counts["p99_ms"].as_f64().is_some_and(|ms| ms > 0.0));
}
