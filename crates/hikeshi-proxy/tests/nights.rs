//! Bad nights of the proxy itself: killed, replaced, without a disk.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::site::Site;
use crate::world::{Load, World, deploy};

fn quick() -> serde_json::Value {
    json!({ "health": { "every_ms": 20, "timeout_ms": 300, "within_ms": 300 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_was_told_last_is_what_it_does_after_a_kill() {
    let mut world = World::new().await;
    let (one, two, three) = (Site::new("one").await, Site::new("two").await, Site::new("three").await);
    world.route(quick()).await;
    world.deploy("one", &[one.address]).await;
    world.deploy("two", &[two.address]).await;
    let mut asked = deploy("three", &[three.address]);
    asked["percent"] = json!(12.5);
    world.done("POST", "/v1/routes/shop/deploy", asked).await;
    world.restart().await;
    let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
    let versions = ["stable", "candidate", "previous"].map(|arm| state[arm]["version"].as_str().unwrap_or_default().to_owned());
    assert_eq!((versions, &state["percent"]), (["two", "three", "one"].map(str::to_owned), &json!(12.5)));
    world.done("POST", "/v1/routes/shop/stop", json!({})).await;
    world.restart().await;
    assert_eq!(world.get("/").await.0, StatusCode::SERVICE_UNAVAILABLE, "a stop outlives a restart");
    world.done("POST", "/v1/routes/shop/hold", json!({ "wait_ms": 60_000 })).await;
    world.restart().await;
    assert_eq!(world.get("/").await.0, StatusCode::OK, "a hold does not");
}

/// Killed at 200 moments of a switch: after the next start either version serves, alone, and it is the one that the state names.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_switch_it_serves_one_version() {
    let mut world = World::new().await;
    let (blue, green) = (Site::new("blue").await, Site::new("green").await);
    world.route(quick()).await;
    world.deploy("blue", &[blue.address]).await;
    // How long a switch takes here, so that the kills fall before, into and after it on any machine.
    let mut took = Vec::new();
    for (name, site) in [("green", &green), ("blue", &blue)].into_iter().cycle().take(10) {
        let began = Instant::now();
        assert!(told(world.control(), deploy(name, &[site.address]).to_string()).await);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let usual = took[took.len() / 2];
    let mut ended = [0_u32; 2];
    for turn in 0..200_u32 {
        let serves = world.get("/").await.1;
        let (next, site) = if serves == "blue" { ("green", &green) } else { ("blue", &blue) };
        let asked = deploy(next, &[site.address]);
        let pid = Pid::from_child(&world.child);
        let told = tokio::spawn(told(world.control(), asked.to_string()));
        // The system's own sleep: the runtime's goes by whole milliseconds.
        let wait = usual * turn / 130;
        let kill = move || {
            std::thread::sleep(wait);
            kill_process(pid, Signal::KILL).unwrap();
        };
        tokio::task::spawn_blocking(kill).await.unwrap();
        let answered = told.await.unwrap();
        world.restart().await;
        let state = world.done("GET", "/v1/routes/shop", json!(null)).await;
        let stable = state["stable"]["version"].as_str().unwrap().to_owned();
        assert!(stable == serves || stable == next, "{stable}");
        assert!(!answered || stable == next, "turn {turn}: it was answered, and forgotten");
        for _ in 0..3 {
            assert_eq!(world.get("/").await, (StatusCode::OK, stable.clone()), "turn {turn}");
        }
        ended[usize::from(stable == next)] += 1;
    }
    println!("{ended:?} ended on the old and on the new version");
    assert!(ended.iter().all(|count| *count >= 10), "the kills came all before or all after the switch: {ended:?}");
}

/// Whether a deploy was answered with 200 before the process died.
async fn told(control: std::path::PathBuf, body: String) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::UnixStream::connect(control).await else { return false };
    let request = format!(
        "POST /v1/routes/shop/deploy HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = Vec::new();
    let _sent = stream.write_all(request.as_bytes()).await;
    let _read = stream.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_over_and_no_request_fails() {
    let mut world = World::new().await;
    let site = Site::new("one").await;
    world.route(quick()).await;
    world.deploy("one", &[site.address]).await;
    let load = Load::begin(world.http, 16, "/");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = world.done("GET", "/v1/state", json!(null)).await["process"].as_u64();
        let mut next = world.again(&["--take-over"]);
        std::mem::swap(&mut next, &mut world.child);
        let mut old = next;
        let ended = tokio::task::spawn_blocking(move || old.wait()).await.unwrap().unwrap();
        assert!(ended.success(), "{ended}");
        world.ready().await;
        let after = world.done("GET", "/v1/state", json!(null)).await["process"].as_u64();
        assert_ne!(before, after);
    }
    let seen = load.end().await;
    assert!(seen.failed.is_empty(), "{} of {}: {:?}", seen.failed.len(), seen.good, seen.failed.first());
    assert!(seen.good > 1_000 && seen.opened > 16, "{} answers, {} connections", seen.good, seen.opened);
    // One that does not say that it wants to take over finds the place taken.
    let mut third = world.again(&[]);
    assert!(!tokio::task::spawn_blocking(move || third.wait()).await.unwrap().unwrap().success());
    assert_eq!(world.get("/").await.1, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_disk_nothing_goes_forward_and_going_back_does() {
    let world = World::new().await;
    let (one, two, three) = (Site::new("one").await, Site::new("two").await, Site::new("three").await);
    world.route(quick()).await;
    world.deploy("one", &[one.address]).await;
    world.deploy("two", &[two.address]).await;
    // In the place of the file that is written beside the old one.
    std::fs::create_dir(world.folder.join("state.new")).unwrap();
    let (status, said) = world.tell("POST", "/v1/routes/shop/deploy", deploy("three", &[three.address])).await;
    assert_eq!((status, &said["refused"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("unwritten")), "{said}");
    assert_eq!(world.get("/").await.1, "two");
    let done = world.done("POST", "/v1/routes/shop/rollback", json!(null)).await;
    assert!(done["unwritten"].as_str().is_some_and(|why| why.contains("state.json")), "{done}");
    assert_eq!(world.get("/").await.1, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_not_ours_is_said_and_kept() {
    let mut world = World::new().await;
    world.child.kill().unwrap();
    world.child.wait().unwrap();
    let file = world.folder.join("state.json");
    for text in ["{", "{\"form\":9,\"secret\":\"\",\"routes\":{}}", "[]"] {
        std::fs::write(&file, text).unwrap();
        let mut next = world.again(&[]);
        assert_eq!(tokio::task::spawn_blocking(move || next.wait()).await.unwrap().unwrap().code(), Some(2));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "nothing was written over it");
    }
    let log = std::fs::read_to_string(world.folder.join("log")).unwrap();
    assert!(log.contains("Move it away to begin with no routes"), "{log}");
}
