//! `hikeshi try --headless`: whole, and killed and continued.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::harness::{PROGRAM, read, text};

fn directory(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("hikeshi-e2e-try-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn judged(out: &[u8]) {
    let answer: Value = serde_json::from_slice(out).expect("the score");
    let rules = answer["data"]["rules"].as_array().expect("rules");
    assert!(rules.len() >= 22, "{answer}");
    let broken: Vec<&Value> = rules.iter().filter(|rule| rule["kept"] != true).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let measured = |name: &str| answer["data"][name].as_i64().unwrap_or_else(|| panic!("{name} was not measured: {answer}"));
    let [acknowledged, updated, restored, postmortem] = ["acknowledged_s", "updated_s", "restored_s", "postmortem_s"].map(measured);
    assert!(measured("paged_ms") >= 0 && acknowledged <= updated && updated <= restored && restored <= postmortem, "{answer}");
    assert!(answer["data"]["felt"]["bad"].as_u64().expect("visits") > 0, "the failure was felt: {answer}");
}

#[test]
fn a_whole_emergency_is_rehearsed_and_every_rule_kept() {
    let dir = directory("whole");
    let done = Command::new(PROGRAM).args(["--json", "try", "--headless", "--keep"]).arg(&dir).stdin(Stdio::null()).output().expect("ran");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    judged(&done.stdout);
    let report = std::fs::read_dir(dir.join("docs/emergency"))
        .expect("reports")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "md"));
    let report = read(&report.expect("a report"));
    assert!(report.contains("田中 太郎") && report.contains("再発防止"), "{report}");
    assert!(std::fs::read_dir(dir.join("requests")).expect("requests").count() >= 2);
    let postmortem = std::fs::read_dir(dir.join("docs/incidents")).expect("postmortems").flatten().next().expect("a postmortem");
    let postmortem = read(&postmortem.path());
    assert!(postmortem.contains("なぜ予約が失敗したか") && postmortem.contains("- [ ]"), "{postmortem}");
    assert!(dir.join("case.zip").is_file());
    assert_eq!(read(&dir.join("reservation/config/CHANGES.log")).lines().count(), 2);
    std::fs::remove_dir_all(&dir).expect("removed");
}

#[test]
fn a_killed_rehearsal_is_continued_and_nothing_is_done_twice() {
    let dir = directory("killed");
    let mut kills = 0;
    for run in 0..40_u64 {
        let mut command = Command::new(PROGRAM);
        command.args(["--json", "try", "--headless"]);
        if dir.join("rehearsal.json").exists() {
            command.arg("--resume").arg(&dir);
        } else {
            let _ = std::fs::remove_dir_all(&dir);
            command.arg("--keep").arg(&dir);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        // Growing lives: early kills hit the start, later ones the work.
        std::thread::sleep(Duration::from_millis(350 + 170 * run));
        match child.try_wait().expect("looked") {
            Some(_) => {
                let done = child.wait_with_output().expect("ended");
                assert_eq!(done.status.code(), Some(0), "after {kills} kills: {}", text(&done));
                judged(&done.stdout);
                // The third step appends a line; a second run of it would leave two.
                assert_eq!(read(&dir.join("reservation/config/CHANGES.log")).lines().count(), 2);
                assert!(kills >= 3, "{kills} kills");
                std::fs::remove_dir_all(&dir).expect("removed");
                return;
            }
            None => {
                child.kill().expect("killed");
                child.wait().expect("ended");
                kills += 1;
            }
        }
    }
    panic!("not ended after {kills} kills");
}
