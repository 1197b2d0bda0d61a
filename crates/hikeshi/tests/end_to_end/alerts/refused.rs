//! What is not taken: strangers, unknown addresses, what cannot be read or is too large. It is said why, nothing is recorded, and it may happen
//! often.

use std::process::Command;

use serde_json::{Value, json};

use super::super::double::post;
use super::super::harness::{Workspace, read};
use super::{TOKEN, address, ends_well, get, incidents, ledger_holds, opened, send, settled_size, source, taken, workspace};

const TO: &str = "/inbound/alerts/prometheus";

fn alerts() -> Value {
    json!({"version": "4", "status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "Down"}, "annotations": {"summary": "止まった"}}]})
}

fn with(workspace: &Workspace, path: &str, authorization: &str, body: &[u8]) -> (u16, String) {
    let headers: &[(&str, &str)] = if authorization.is_empty() { &[] } else { &[("authorization", authorization)] };
    post(&address(workspace.port), path, "application/json", headers, body)
}

/// By curl, which hears an answer that comes before its body is sent.
fn too_large(workspace: &Workspace, more: &[&str]) -> String {
    let done = Command::new("curl")
        .args(["--silent", "--output", "-", "--write-out", " %{http_code}", "--data-binary", "@large.json", "--header"])
        .arg(format!("authorization: Bearer {TOKEN}"))
        .args(more)
        .arg(format!("http://{}{TO}", address(workspace.port)))
        .current_dir(&workspace.dir)
        .output()
        .expect("curl");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Resident memory of the server, which is the process that works in this folder.
fn memory_kib(workspace: &Workspace) -> u64 {
    let processes = std::fs::read_dir("/proc").expect("proc").flatten().map(|entry| entry.path());
    let here = |path: &std::path::PathBuf| std::fs::read_link(path.join("cwd")).is_ok_and(|dir| dir == workspace.dir);
    let server = processes.into_iter().find(here).expect("the server");
    let status = read(&server.join("status"));
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("resident memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

mod slow {
    use super::*;

    #[test]
    fn strangers_and_what_cannot_be_read_are_refused_with_a_reason_and_leave_nothing_behind() {
        let mut workspace = workspace("refused", &(source("prometheus", "alertmanager", "") + &source("pager", "pagerduty", "")));
        let body = alerts().to_string();
        let large = format!("{{\"alerts\": [], \"x\": \"{}\"}}", "x".repeat(4 * 1024 * 1024));
        std::fs::write(workspace.path("large.json"), large).expect("written");
        let before = settled_size(&workspace);
        let right = format!("Bearer {TOKEN}");
        let stranger = [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer {TOKEN}x"),
            format!("Token {TOKEN}"),
            "Basic Og==".to_owned(),
        ];
        let refusals = || {
            for authorization in &stranger {
                let (status, said) = with(&workspace, TO, authorization, body.as_bytes());
                assert!(
                    status == 401 && said.contains("the secret of this source is missing or wrong"),
                    "{authorization}: {status} {said}"
                );
                assert!(!said.contains(TOKEN));
            }
            for path in [
                "/inbound/alerts/nobody",
                "/inbound/alerts/",
                "/inbound/alerts/prometheus/api/v1/alerts",
                "/inbound/alerts/PROMETHEUS/..",
                "/inbound/alerts/pager",
            ] {
                assert_eq!(with(&workspace, path, &right, body.as_bytes()).0, 404, "{path}");
            }
            for (body, why) in [
                ("{\"alerts\": [", "the body is not JSON: EOF"),
                ("", "the body is not JSON"),
                ("[]", "/alerts must be an array of alerts"),
                ("{\"alerts\": [{}]}", "/alerts/0/labels"),
            ] {
                let (status, said) = with(&workspace, TO, &right, body.as_bytes());
                assert!(status == 400 && said.contains(why), "{body}: {status} {said}");
            }
            let (status, said) = with(&workspace, "/inbound/pagerduty/v2/enqueue", "", b"{\"event_action\": \"trigger\"}");
            assert!(status == 400 && said.contains("'routing_key' is missing or blank"), "{status} {said}");
            for more in [&[][..], &["--header", "transfer-encoding: chunked"]] {
                assert!(too_large(&workspace, more).ends_with(" 413"), "{more:?}: {}", too_large(&workspace, more));
            }
            assert_eq!(get(workspace.port, TO).expect("an answer").0, 405);
        };
        refusals();
        let memory = memory_kib(&workspace);
        // With the first time, 20 refusals each.
        for _ in 0..10 {
            refusals();
        }
        let grown = memory_kib(&workspace).saturating_sub(memory);
        assert!(grown < 64 * 1024, "{grown} KiB more than after the first {memory} KiB");
        assert_eq!((settled_size(&workspace), incidents(&workspace).len()), (before, 0));
        ledger_holds(&workspace);

        // What is in order is taken as before, also beside what is not.
        let mut half = alerts();
        half["alerts"].as_array_mut().expect("alerts").push(json!({"status": "firing", "labels": {}}));
        let (status, said) = send(&workspace, "alerts/prometheus", &half);
        assert!(status == 400 && said.contains("/alerts/1/labels"), "{status} {said}");
        assert_eq!(opened(&workspace, 1)["incident"]["title"], "予約: 止まった");
        taken(&workspace, "alerts/prometheus", &alerts());
        assert_eq!(opened(&workspace, 1)["incident"]["alerts"], json!({"firing": 1, "fired": 1}));
        ends_well(&mut workspace);
    }
}
