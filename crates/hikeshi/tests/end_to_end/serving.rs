//! The server as a process: first link, reload without restart, clean stop, one per data directory, and `--local` after a crash.

use std::os::unix::fs::PermissionsExt as _;

use hikeshi_store::Location;
use hikeshi_store::testing::Scratch;

use super::harness::{Workspace, json, read, text, until};

#[test]
fn the_first_link_works_once_and_is_not_offered_again() {
    let mut workspace = Workspace::new("firstlink");
    let first = workspace.start();
    let link = first["first_link"]["link"].as_str().expect("a link").to_owned();
    assert_eq!(first["first_link"]["person"], "admin");
    workspace.login("admin", &link);
    let again = workspace.command().args(["login", "--link", &link, "--save-to", "other"]).output().expect("ran");
    assert_eq!(again.status.code(), Some(4), "{}", text(&again));
    let mode = |name: &str| std::fs::metadata(workspace.path(name)).expect(name).permissions().mode() & 0o777;
    assert_eq!((mode("token-admin"), mode("data/ledger.key"), mode("data")), (0o600, 0o600, 0o700));
    workspace.kill();
    assert!(workspace.start()["first_link"].is_null(), "an administrator can sign in already");
}

#[test]
fn a_changed_policy_is_adopted_without_restart_and_a_mistaken_one_is_not() {
    let workspace = Workspace::with_people("reload", &["tanaka"]);
    let digest = |workspace: &Workspace| workspace.ok("tanaka", &["policy", "show"])["digest"].as_str().expect("a digest").to_owned();
    let before = digest(&workspace);
    let file = workspace.path("hikeshi.toml");
    let good = read(&file);
    std::fs::write(&file, good.replace("name = \"試験チーム\"", "nam = \"試験チーム\"")).expect("written");
    workspace.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(digest(&workspace), before, "a mistake keeps the old policy");
    std::fs::write(&file, good.replace("試験チーム", "新しい試験チーム")).expect("written");
    workspace.signal("HUP");
    until("the new policy is in force", || digest(&workspace) != before);
    assert_eq!(workspace.ok("tanaka", &["policy", "show"])["policy"]["workspace"]["name"], "新しい試験チーム");
    // Fewer witnesses loosen a four-eyes rule: that waits for two other people (rule A3).
    std::fs::write(&file, good.replace("presence_timeout_s = 60", "presence_timeout_s = 60\nwitnesses_min = 1")).expect("written");
    workspace.signal("HUP");
    until("the change waits", || !workspace.ok("tanaka", &["policy", "show"])["pending"].is_null());
    assert_eq!(workspace.ok("tanaka", &["policy", "show"])["policy"]["workspace"]["name"], "新しい試験チーム");
}

#[test]
fn it_stops_cleanly_and_runs_once_per_data_directory() {
    let mut workspace = Workspace::with_people("stops", &["tanaka"]);
    let second = workspace.command().args(["--json", "serve"]).output().expect("ran");
    assert_eq!(second.status.code(), Some(1), "{}", text(&second));
    let local = workspace.run("tanaka", &["--local", "now"]);
    assert_eq!(local.status.code(), Some(1), "the running server keeps the data to itself: {}", text(&local));
    workspace.signal("TERM");
    assert_eq!(workspace.wait_for_end(), Some(0));
    let checkpoint = read(&workspace.path("data/checkpoints.txt"));
    assert!(checkpoint.contains("localhost/hikeshi"), "{checkpoint}");
}

#[test]
fn after_a_crash_the_same_commands_work_in_process_and_nobody_is_anonymous() {
    let mut workspace = Workspace::with_people("local", &["tanaka", "sato", "takahashi", "ito"]);
    let incident = workspace.open_incident();
    workspace.kill();
    assert_eq!(workspace.run("nobody", &["--local", "now"]).status.code(), Some(4));
    workspace.ok("tanaka", &["--local", "incident", "ack", &incident]);
    let requested = workspace.ok("tanaka", &["--local", "emergency", "request", "--plan", "plan.toml", "--incident", &incident]);
    let emergency = requested["receipt"]["made"].as_str().expect("made").to_owned();
    let digest =
        workspace.ok("sato", &["--local", "emergency", "show", &emergency])["emergency"]["digest"].as_str().expect("digest").to_owned();
    workspace.ok("sato", &["--local", "emergency", "approve", &emergency, "--judgement", "停止", "--digest", &digest]);
    for person in ["takahashi", "ito"] {
        workspace.ok(person, &["--local", "emergency", "join", &emergency]);
    }
    workspace.ok("tanaka", &["--local", "emergency", "start", &emergency]);
    let step = workspace.ok("tanaka", &["--local", "emergency", "step", &emergency, "1"]);
    assert!(step["output"].as_str().expect("output").contains("value = 1"), "{step}");
    workspace.start();
    let timeline = workspace.ok("tanaka", &["incident", "timeline", &incident, "--limit", "100"]);
    let vias: Vec<&str> = timeline["rows"].as_array().expect("rows").iter().filter_map(|row| row["via"].as_str()).collect();
    assert!(vias.contains(&"local") && vias.contains(&"cli"), "the record says through which face: {vias:?}");
}

#[test]
fn people_are_shown_by_their_own_names() {
    let workspace = Workspace::with_people("words", &["tanaka"]);
    let incident = workspace.open_incident();
    let shown = workspace.as_person("tanaka").args(["--lang", "ja", "incident", "timeline", &incident]).output().expect("ran");
    let words = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(words.contains("田中 太郎さん"), "{words}");
    let list = workspace.as_person("tanaka").args(["--lang", "en", "incident", "list"]).output().expect("ran");
    let words = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(words.starts_with("id ") && words.contains("予約が止まった"), "{words}");
    assert_eq!(json(&workspace.run("tanaka", &["now"]))["data"]["burning_total"], 1);
}

#[test]
fn it_serves_from_postgresql_and_what_was_recorded_there_is_found_again() {
    let scratch = Scratch::postgres();
    let Location::Postgres(url) = scratch.location() else { panic!("a database") };
    let mut workspace = Workspace::new("postgres");
    workspace.env.insert("HIKESHI_DATABASE".to_owned(), url.clone());
    let mut workspace = workspace.introduced(&["tanaka"]);
    let incident = workspace.open_incident();
    workspace.kill();
    workspace.start();
    assert_eq!(workspace.ok("tanaka", &["incident", "show", &incident])["incident"]["id"], incident.as_str());
    workspace.signal("TERM");
    assert_eq!(workspace.wait_for_end(), Some(0));
}
