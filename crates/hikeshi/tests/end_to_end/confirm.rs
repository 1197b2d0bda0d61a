//! A dangerous line with real processes: the recorder holds its Enter, a witness confirms it by the command line, and the record shows both.

use std::time::Duration;

use serde_json::{Value, json};

use super::harness::until;
use super::session::{Night, RELEASED};

const TERMINAL: &str = "[plan.terminal]\ndangerous = [{ match = \"touch config/boom\", why = \"跡が残る\" }]\n";

fn asked(night: &Night) -> Value {
    night.session()["asked"].clone()
}

fn waits(night: &Night, ask: u64) {
    until("the line is asked about", || asked(night)["ask"] == ask && asked(night)["answer"].is_null());
}

fn nothing_ran(night: &Night) {
    std::thread::sleep(Duration::from_millis(700));
    assert!(!night.root("config/boom").exists(), "it ran before a witness had confirmed it");
}

#[test]
fn a_dangerous_line_runs_once_a_witness_has_confirmed_it_and_the_record_says_who() {
    let night = Night::with("confirm", TERMINAL, "", &["takahashi", "ito"]);
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    let line = ["emergency", "confirm", &night.emergency, "--line"];
    let none = night.workspace.run("ito", &line);
    assert_eq!(none.status.code(), Some(3), "nothing waits yet");
    terminal.keys("touch config/boom\n");
    terminal.sees("Waiting for a witness");
    waits(&night, 1);
    nothing_ran(&night);
    assert_eq!((&asked(&night)["line"], &asked(&night)["why"]), (&json!("touch config/boom"), &json!("跡が残る")));
    // Typed, by somebody who witnesses: the executor, and who has only read about it, cannot.
    let typed = |person: &str, words: &str| night.workspace.run(person, &[&line[..], &["--confirm", words]].concat());
    night.workspace.refused("tanaka", &[&line[..], &["--confirm", "touch config/boom"]].concat(), "emergency.not_a_witness");
    night.workspace.refused("suzuki", &[&line[..], &["--confirm", "touch config/boom"]].concat(), "emergency.not_a_witness");
    night.workspace.refused("ito", &[&line[..], &["--confirm", "yes"]].concat(), "emergency.confirmation_differs");
    assert_eq!(night.workspace.run("ito", &line).status.code(), Some(2), "nothing is confirmed without being typed");
    nothing_ran(&night);
    assert!(typed("ito", "touch config/boom").status.success());
    terminal.sees("Confirmed by");
    until("the confirmed line ran", || night.root("config/boom").exists());
    std::fs::remove_file(night.root("config/boom")).expect("removed");
    // The same line once more is another question; this one is denied.
    terminal.keys("touch config/boom\n");
    terminal.sees("Waiting for a witness");
    waits(&night, 2);
    night.workspace.ok("takahashi", &["emergency", "deny", &night.emergency, "--reason", "もう有る"]);
    terminal.sees("Denied by");
    nothing_ran(&night);
    terminal.keys("\u{3}");
    // The interrupt throws away what is typed with it.
    std::thread::sleep(Duration::from_millis(500));
    // Out of a variable it is not seen beforehand; its text is not there afterwards either. By history expansion it is found.
    terminal.keys("!touch\n");
    until("it ran from the history", || night.root("config/boom").exists());
    until("everyone is told", || night.session()["unconfirmed"] == json!([2]));
    let posts = night.workspace.ok("ito", &["channel", "show", "emergency-deploy"]).to_string();
    assert!(posts.contains("line_unconfirmed"), "{posts}");
    terminal.exit();
    bundle_holds(&night);
}

#[test]
fn nobody_is_asked_about_a_line_whose_recorder_has_died() {
    let night = Night::with("confirm-lost", TERMINAL, "", &["takahashi", "ito"]);
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    terminal.keys("touch config/boom\n");
    terminal.sees("Waiting for a witness");
    waits(&night, 1);
    night.kill_recorder();
    terminal.sees("Recording goes on");
    until("nobody is asked any more", || asked(&night)["answer"]["is"] == "withdrawn");
    let late = night.workspace.run("ito", &["emergency", "confirm", &night.emergency, "--line", "--confirm", "touch config/boom"]);
    assert_eq!(late.status.code(), Some(3), "nothing waits");
    nothing_ran(&night);
}

/// The whole night is verified offline: the confirmation is in it, and what ran without one is told.
fn bundle_holds(night: &Night) {
    let shown = night.workspace.ok("tanaka", &["emergency", "show", &night.emergency]);
    let case = shown["incident"]["id"].as_str().expect("a case").to_owned();
    let bundle = night.workspace.path("case.zip").display().to_string();
    night.workspace.ok("tanaka", &["ledger", "export", &case, "--output", &bundle]);
    let verdict = night.workspace.ok("tanaka", &["ledger", "verify", "--bundle", &bundle]);
    let session = &verdict["exceptions"][0]["sessions"][0];
    assert_eq!((&session["confirmed"], &session["unconfirmed"]), (&json!(1), &json!([2])), "{verdict}");
}
