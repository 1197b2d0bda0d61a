//! Each promised exit code, once for real; and that nothing ever asks where nobody sits.

use std::process::Stdio;
use std::time::Duration;

use super::harness::{Workspace, json, text};

const EVERYONE: &[&str] = &["tanaka", "sato", "takahashi", "ito"];

#[test]
#[expect(clippy::too_many_lines, reason = "a table of exit codes, one paragraph each")]
fn every_exit_code_is_given_for_its_reason() {
    let mut workspace = Workspace::with_people("codes", EVERYONE);
    // 0: done; the same key again is the same request.
    let first = workspace.ok(
        "tanaka",
        &[
            "incident",
            "open",
            "止まった",
            "--service",
            "web",
            "--environment",
            "production",
            "--impact",
            "all_users",
            "--business",
            "lost_sales",
            "--key",
            "same-key-0001",
        ],
    );
    let again = workspace.ok(
        "tanaka",
        &[
            "incident",
            "open",
            "止まった",
            "--service",
            "web",
            "--environment",
            "production",
            "--impact",
            "all_users",
            "--business",
            "lost_sales",
            "--key",
            "same-key-0001",
        ],
    );
    assert_eq!((first["already"].as_bool(), again["already"].as_bool()), (Some(false), Some(true)));
    assert_eq!(first["receipt"], again["receipt"]);
    let incident = first["receipt"]["made"].as_str().expect("made").to_owned();

    // --dry-run decides and writes nothing.
    let before = workspace.ok("tanaka", &["ledger", "show"])["size"].clone();
    let dry = workspace.ok("tanaka", &["--dry-run", "incident", "ack", &incident]);
    assert_eq!(dry["dry_run"], true);
    assert_eq!(workspace.ok("tanaka", &["ledger", "show"])["size"], before);

    // 1: a file with mistakes.
    std::fs::write(workspace.path("bad.toml"), "[workspace]\nnam = 1\n").expect("written");
    assert_eq!(workspace.run("tanaka", &["check", "bad.toml"]).status.code(), Some(1));
    // 2: wrong usage, of the program and of a value.
    assert_eq!(workspace.run("tanaka", &["incident", "frobnicate"]).status.code(), Some(2));
    assert_eq!(workspace.run("tanaka", &["incident", "show", "emg_1x"]).status.code(), Some(2));
    // 3: not there.
    assert_eq!(workspace.run("tanaka", &["incident", "show", "inc_99"]).status.code(), Some(3));
    assert_eq!(workspace.run("tanaka", &["incident", "ack", "inc_99"]).status.code(), Some(3));
    // 4: refused by a rule, which is named; and nobody without a token.
    let emergency = workspace.request(&incident);
    let digest = workspace.ok("sato", &["emergency", "show", &emergency])["emergency"]["digest"].as_str().expect("digest").to_owned();
    let refused = workspace.refused(
        "tanaka",
        &["emergency", "approve", &emergency, "--judgement", "自分で", "--digest", &digest],
        "emergency.self_approval",
    );
    assert_eq!(refused["rule"], "E3");
    assert!(refused["seq"].is_u64(), "a refusal is recorded: {refused}");
    assert_eq!(workspace.run("nobody", &["now"]).status.code(), Some(4));

    // 5: not waited for.
    workspace.approve(&emergency);
    workspace.join(&emergency);
    let started = workspace.run("tanaka", &["--no-wait", "emergency", "start", &emergency]);
    assert!(matches!(started.status.code(), Some(5 | 0)), "{}", text(&started));
    super::harness::until("the backup is taken", || {
        workspace.ok("tanaka", &["emergency", "show", &emergency])["emergency"]["status"] == "executing"
    });
    // 6: a step fails.
    std::fs::remove_file(workspace.path("root/config/app.toml")).expect("removed");
    let failed = workspace.run("tanaka", &["emergency", "step", &emergency, "1"]);
    assert_eq!(failed.status.code(), Some(6), "{}", text(&failed));
    assert!(json(&failed)["data"]["output"].as_str().expect("output").contains("No such file"), "{}", text(&failed));

    // 7: nobody there.
    workspace.kill();
    let gone = workspace.run("tanaka", &["now"]);
    assert_eq!(gone.status.code(), Some(7), "{}", text(&gone));
    assert_eq!(json(&gone)["error"]["name"], "unreachable");
}

#[test]
fn a_wait_ends_at_its_limit_with_124_and_at_the_interrupt_with_130() {
    let workspace = Workspace::with_people("waits", EVERYONE);
    let plan = super::harness::PLAN.replace("cat config/app.toml", "sleep 8");
    std::fs::write(workspace.path("plan.toml"), plan).expect("written");
    let emergency = workspace.request(&workspace.open_incident());
    workspace.approve(&emergency);
    workspace.join(&emergency);
    workspace.ok("tanaka", &["emergency", "start", &emergency]);
    let waited = workspace.run("tanaka", &["--timeout-s", "1", "emergency", "step", &emergency, "1"]);
    assert_eq!(waited.status.code(), Some(124), "{}", text(&waited));

    let mut watching = workspace
        .as_person("ito")
        .args(["emergency", "watch", &emergency])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(watching.try_wait().expect("looked").is_none(), "it stays until it is told to go");
    let told = std::process::Command::new("kill").args(["-INT", &watching.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(watching.wait().expect("ended").code(), Some(130));
}

#[test]
fn nothing_asks_where_nobody_sits() {
    let workspace = Workspace::with_people("noask", EVERYONE);
    let emergency = workspace.request(&workspace.open_incident());
    // The digest would be asked for on a terminal.
    let asked = workspace.run("sato", &["emergency", "approve", &emergency, "--judgement", "急ぎ"]);
    assert_eq!(asked.status.code(), Some(2), "{}", text(&asked));
    workspace.approve(&emergency);
    workspace.join(&emergency);
    workspace.ok("tanaka", &["emergency", "start", &emergency]);
    workspace.ok("tanaka", &["emergency", "step", &emergency, "1"]);
    // A dangerous step wants its title; a wrong one is the door's to refuse.
    assert_eq!(workspace.run("tanaka", &["emergency", "step", &emergency, "2"]).status.code(), Some(2));
    workspace.refused("tanaka", &["--confirm", "はい", "emergency", "step", &emergency, "2"], "emergency.confirmation_differs");
    workspace.refused("tanaka", &["--confirm", "直す", "emergency", "step", &emergency, "2"], "emergency.step_unconfirmed");
    assert_eq!(
        super::harness::read(&workspace.path("root/config/app.toml")),
        "value = 1\n",
        "nothing ran before a witness had confirmed it"
    );
    // A witness confirms it, typed as well; the executor cannot.
    assert_eq!(workspace.run("ito", &["emergency", "confirm", &emergency, "--step", "2"]).status.code(), Some(2));
    let confirm = ["--confirm", "直す", "emergency", "confirm", &emergency, "--step", "2"];
    workspace.refused("tanaka", &confirm, "emergency.not_a_witness");
    workspace.ok("ito", &confirm);
    workspace.ok("tanaka", &["--confirm", "直す", "emergency", "step", &emergency, "2"]);
    assert_eq!(super::harness::read(&workspace.path("root/config/app.toml")), "value = 2\n");
    let verified = workspace.ok("tanaka", &["emergency", "verify", &emergency]);
    assert_eq!((verified["solved"]["passed"].as_bool(), verified["unaffected"]["passed"].as_bool()), (Some(true), Some(true)));
    workspace.ok("tanaka", &["emergency", "close", &emergency]);
    let owed = workspace.ok("tanaka", &["obligation", "list"]);
    let rows = owed["rows"].as_array().expect("rows");
    assert!(rows.len() >= 2, "{owed}");
    // Only a report of a month or quarter stands before a meeting; the door says so, not the command line.
    let id = rows[0]["id"].as_str().expect("an id");
    workspace.refused("tanaka", &["obligation", "present", id, "--note", "了承"], "obligation.wrong_kind");
}
