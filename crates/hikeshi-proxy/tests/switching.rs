//! Versions are switched, shared, held and taken back while people are using them.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::site::{Site, Up};
use crate::world::{Keeper, Load, World, deploy};

/// Quick, so that a test is.
fn quick() -> serde_json::Value {
    json!({ "health": { "every_ms": 30, "timeout_ms": 300, "within_ms": 400 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_in_a_hundred_switches_and_no_connection_is_closed() {
    let world = World::new().await;
    let (blue, green) = (Site::new("blue").await, Site::new("green").await);
    world.route(quick()).await;
    world.deploy("blue", &[blue.address]).await;
    let load = Load::begin(world.http, 16, "/");
    let mut switched = vec![(Instant::now(), "blue")];
    for turn in 0..100 {
        let (name, site) = if turn % 2 == 0 { ("green", &green) } else { ("blue", &blue) };
        let done = world.deploy(name, &[site.address]).await;
        assert_eq!((&done["stable"], &done["drained"]["cut"]), (&json!(name), &json!(0)));
        switched.push((Instant::now(), name));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = load.end().await;
    assert!(seen.failed.is_empty(), "{} of {}: {:?}", seen.failed.len(), seen.good, seen.failed.first());
    assert!(seen.good > 5_000, "only {}", seen.good);
    assert_eq!(seen.opened, 16, "every client kept its one connection");
    // Whatever was asked after a switch had returned and answered before the next one began was answered by that version.
    for pair in switched.windows(2) {
        let [(from, name), _] = pair else { panic!() };
        let next = *from + Duration::from_millis(10);
        let within = seen.versions.iter().filter(|(asked, answered, _)| asked > from && *answered < next);
        let wrong = within.filter(|(_, _, version)| version != name).count();
        assert_eq!(wrong, 0, "answers of another version after the switch to {name} had returned");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_ends_before_the_switch_returns() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        let mut client = Keeper::new(world.http).await;
        slow.push(tokio::spawn(async move { client.get("/slow").await }));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let done = world.deploy("new", &[new.address]).await;
    old.kill();
    assert_eq!(done["drained"]["cut"], 0);
    for asked in slow {
        assert_eq!(asked.await.unwrap().expect("an answer"), (StatusCode::OK, "old".to_owned()));
    }
    assert_eq!(world.get("/").await.1, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_its_time_is_cut_and_counted_and_the_way_back_is_open() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    let mut client = Keeper::new(world.http).await;
    let slow = tokio::spawn(async move { client.get("/slow?20000").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let mut asked = deploy("new", &[new.address]);
    asked["drain"] = json!({ "requests_ms": 200 });
    let done = world.done("POST", "/v1/routes/shop/deploy", asked).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(done["drained"]["cut"], 1);
    assert_eq!(slow.await.unwrap().expect("an answer").0, StatusCode::GATEWAY_TIMEOUT);
    // Back without an argument; what was cut there once is nothing to those who come now.
    let back = world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!((&back["stable"], &back["previous"], &back["taken_out"]), (&json!("old"), &json!(null), &json!("new")));
    for _ in 0..20 {
        assert_eq!(world.get("/slow?20").await, (StatusCode::OK, "old".to_owned()));
    }
    let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
    assert_eq!(state["stable"]["counts"]["cut"], 1);
    // The second of two people who go back at once does not bring the bad version in again.
    let (status, said) = world.tell("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!((status, &said["refused"]), (StatusCode::CONFLICT, &json!("nothing")), "{said}");
    assert_eq!(world.get("/").await.1, "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_is_said_twice_leaves_the_way_back() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    world.deploy("new", &[new.address]).await;
    assert_eq!(world.deploy("new", &[new.address]).await["previous"], "old");
    world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!(world.get("/").await.1, "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_well_gets_no_traffic_and_says_why() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    let cases = [
        (Up::Status(301, "https://shop.example.jp/up"), "plain HTTP to HTTPS"),
        (Up::Status(302, "/login"), "often to a login"),
        (Up::Status(404, ""), "no such path"),
        (Up::Status(500, ""), "its log says why"),
        (Up::Hangs, "hangs"),
    ];
    for (up, hint) in cases {
        new.is(up);
        let (status, said) = world.tell("POST", "/v1/routes/shop/deploy", deploy("new", &[new.address])).await;
        assert_eq!((status, &said["refused"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("unwell")), "{said}");
        let probe = &said["targets"][0]["probe"];
        assert!(probe["hint"].as_str().is_some_and(|text| text.contains(hint)), "{probe}");
        if let Up::Status(code, location) = up {
            assert_eq!((&probe["status"], probe["location"].as_str().unwrap_or_default()), (&json!(code), location));
            assert_eq!(probe["body"], "データベースに接続できません");
        }
        assert_eq!(world.get("/").await.1, "old");
    }
    let gone = crate::world::port();
    let (_, said) = world.tell("POST", "/v1/routes/shop/deploy", deploy("new", &[new.address, gone])).await;
    assert!(said["targets"].to_string().contains("nothing listens"), "{said}");
    new.is(Up::Flaps);
    assert_eq!(world.deploy("new", &[new.address]).await["stable"], "new", "one look that fails is not the end of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_gets_its_share_and_each_visitor_keeps_one_version() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    let mut asked = deploy("new", &[new.address]);
    asked["percent"] = json!(20);
    let done = world.done("POST", "/v1/routes/shop/deploy", asked).await;
    assert_eq!((&done["stable"], &done["candidate"], &done["percent"]), (&json!("old"), &json!("new"), &json!(20.0)));
    let (mut with_new, mut visitors) = (0, Vec::new());
    for _ in 0..1_000 {
        let mut client = Keeper::new(world.http).await;
        let answer = client.ask("GET", "/", "").await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        client.cookie = cookie.split(';').next().map(str::to_owned);
        let (_, version) = client.get("/").await.unwrap();
        with_new += u32::from(version == "new");
        visitors.push((client, version));
    }
    // Of 1,000 with 20 %, 99.99 % of all times between 151 and 249.
    assert!((151..=249).contains(&with_new), "{with_new} of 1000");
    world.done("POST", "/v1/routes/shop/share", json!({ "percent": 60 })).await;
    let mut moved = 0;
    for (client, before) in visitors.iter_mut().take(200) {
        let (_, now) = client.get("/").await.unwrap();
        assert!(before != "new" || now == "new", "whoever has the candidate keeps it");
        moved += u32::from(*before != now);
    }
    assert!(moved > 40, "{moved} of 200 came to the candidate");
    // Counted apart: 1,000 with and 1,000 without a cookie, and 200 more.
    let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
    let of = |arm: &str| state[arm]["counts"]["requests"].as_u64().unwrap();
    assert_eq!(of("stable") + of("candidate"), 2_200);
    let done = world.done("POST", "/v1/routes/shop/promote", json!(null)).await;
    assert_eq!((&done["stable"], &done["previous"], &done["candidate"]), (&json!("new"), &json!("old"), &json!(null)));
    assert_eq!(world.get("/").await.1, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_takes_the_candidate_out_first_and_whoever_goes_forward_is_overtaken() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(json!({ "health": { "every_ms": 30, "timeout_ms": 300, "within_ms": 3000 } })).await;
    let (status, said) = world.tell("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!((status, &said["refused"]), (StatusCode::CONFLICT, &json!("nothing")), "{said}");
    world.deploy("old", &[old.address]).await;
    let mut asked = deploy("new", &[new.address]);
    asked["percent"] = json!(100);
    world.done("POST", "/v1/routes/shop/deploy", asked).await;
    assert_eq!(world.get("/").await.1, "new");
    world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!(world.get("/").await.1, "old");
    // A deploy that waits for its health while somebody goes back must not switch afterwards.
    world.deploy("new", &[new.address]).await;
    let third = Site::new("third").await;
    third.is(Up::Status(503, ""));
    let (status, said) = {
        let asked = deploy("third", &[third.address]);
        let deploying = world.tell("POST", "/v1/routes/shop/deploy", asked);
        let back = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(world.tell("POST", "/v1/routes/shop/share", json!({ "percent": 5 })).await.1["refused"], "busy");
            world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
            third.is(Up::Well);
        };
        tokio::join!(deploying, back).0
    };
    assert_eq!((status, &said["refused"]), (StatusCode::CONFLICT, &json!("overtaken")), "{said}");
    assert_eq!(world.get("/").await.1, "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_requests_wait_and_a_stop_says_so() {
    let world = World::new().await;
    let site = Site::new("one").await;
    let mut asked = quick();
    asked["limits"] = json!({ "held": 3 });
    world.route(asked).await;
    world.deploy("one", &[site.address]).await;
    world.done("POST", "/v1/routes/shop/hold", json!({ "wait_ms": 10_000 })).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut client = Keeper::new(world.http).await;
        waiting.push(tokio::spawn(async move { client.get("/").await }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.get("/").await.0, StatusCode::SERVICE_UNAVAILABLE, "the fourth finds no place");
    assert_eq!(world.done("GET", "/v1/routes/shop", json!(null)).await["held"], 3);
    world.done("POST", "/v1/routes/shop/resume", json!(null)).await;
    for client in waiting {
        assert_eq!(client.await.unwrap().expect("an answer"), (StatusCode::OK, "one".to_owned()));
    }
    world.done("POST", "/v1/routes/shop/hold", json!({ "wait_ms": 100 })).await;
    assert_eq!(world.get("/").await.0, StatusCode::GATEWAY_TIMEOUT);
    world.done("POST", "/v1/routes/shop/stop", json!({ "message": "3時まで <作業> をしています" })).await;
    let (status, text) = world.get("/").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.starts_with("3時まで <作業> をしています\n") && text.contains("maintenance"), "{text}");
    // Going back is allowed to open it again: whoever does wants the traffic there.
    world.deploy("two", &[site.address]).await;
    assert_eq!(world.get("/").await.0, StatusCode::SERVICE_UNAVAILABLE, "a deploy does not");
    world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert_eq!(world.get("/").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn upgraded_connections_outlive_the_switch_for_their_time() {
    let world = World::new().await;
    let (old, new) = (Site::new("old").await, Site::new("new").await);
    world.route(quick()).await;
    world.deploy("old", &[old.address]).await;
    let mut socket = tokio::net::TcpStream::connect(world.http).await.unwrap();
    socket.write_all(b"GET /socket HTTP/1.1\r\nhost: shop.example.jp\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n").await.unwrap();
    let mut bytes = [0; 1024];
    let count = socket.read(&mut bytes).await.unwrap();
    let head = String::from_utf8_lossy(&bytes[..count]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: echo"), "{head}");
    let mut asked = deploy("new", &[new.address]);
    asked["drain"] = json!({ "upgraded_ms": 1_000 });
    let done = world.done("POST", "/v1/routes/shop/deploy", asked).await;
    assert_eq!((&done["drained"]["cut"], &done["drained"]["upgraded"]), (&json!(0), &json!(1)));
    for _ in 0..5 {
        socket.write_all("まだ話せます".as_bytes()).await.unwrap();
        let count = socket.read(&mut bytes).await.unwrap();
        assert_eq!(&bytes[..count], "まだ話せます".as_bytes());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let closed = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut bytes)).await.expect("cut when its time was over");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_targets_the_one_that_died_is_passed_over() {
    let world = World::new().await;
    let (one, two) = (Site::new("v1").await, Site::new("v1").await);
    world.route(quick()).await;
    world.deploy("v1", &[one.address, two.address]).await;
    let load = Load::begin(world.http, 8, "/");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = two.heard().len();
    // Between two requests, as a container that is stopped without notice: connections that carried nothing at this moment.
    one.kill();
    tokio::time::sleep(Duration::from_millis(800)).await;
    let seen = load.end().await;
    assert!(two.heard().len() > before + 100 && seen.good > 500);
    assert!(seen.failed.len() <= 8, "at most what was under way on it: {:?}", seen.failed);
    let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
    assert_eq!((&state["stable"]["targets"][0]["well"], &state["stable"]["targets"][1]["well"]), (&json!(false), &json!(true)), "{state}");
}
