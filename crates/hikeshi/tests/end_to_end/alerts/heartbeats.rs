//! A nightly job that tells with curl that it ran, and is missed when it does not; a port, and an answer that takes too long.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use super::super::harness::Workspace;
use super::{TOKEN, opened, show, within, workspace};

fn beat(workspace: &Workspace, job: &str, secret: &str) -> String {
    let url = format!("{}/inbound/heartbeats/{job}", workspace.url());
    let header = format!("Authorization: Bearer {secret}");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "10", "--write-out", "%{http_code}", "--output", "/dev/null", "-X", "POST"]);
    let done = curl.args(["-H", &header, &url]).output().expect("curl; `./test tools` installs it");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn healthy(workspace: &Workspace, monitor: &str) -> Option<bool> {
    let view = workspace.ok("tanaka", &["now"]);
    let rows = view["monitors"].as_array().expect("monitors").clone();
    let row: Value = rows.into_iter().find(|row| row["monitor"] == monitor).expect("declared");
    row["healthy"].as_bool()
}

const WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

#[test]
fn a_job_that_does_not_report_is_missed_and_a_port_that_is_shut_is_seen() {
    // Connections that nobody takes up stay in the queue, which is longer than this test.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let monitors = format!(
        r#"
[monitors.nightly]
service = "web"
environment = "production"
heartbeat = {{ every_s = 3, grace_s = 1, token_env = "ALERTS_TOKEN" }}
interval_s = 0.5
failures = 1
recoveries = 1
impact = "one_function"
business = "slight"

[monitors.db]
service = "web"
environment = "production"
tcp = "127.0.0.1:{port}"
interval_s = 0.5
failures = 2
recoveries = 1
impact = "all_users"
business = "lost_sales"
"#
    );
    let workspace = workspace("heartbeats", &monitors);
    assert_eq!(beat(&workspace, "nightly", "wrong"), "401");
    assert_eq!(beat(&workspace, "nightly", ""), "401");
    assert_eq!(beat(&workspace, "hourly", TOKEN), "404");
    assert_eq!(beat(&workspace, "db", TOKEN), "404", "it is asked, it does not report");
    within(WITHIN, "the port is seen", || healthy(&workspace, "db") == Some(true));
    assert_eq!(healthy(&workspace, "nightly"), None, "never heard");
    assert_eq!(beat(&workspace, "nightly", TOKEN), "200");
    within(WITHIN, "the job is well", || healthy(&workspace, "nightly") == Some(true));
    let view = opened(&workspace, 1);
    assert!(view["incident"]["title"].as_str().is_some_and(|title| title.contains("no heartbeat for")), "{view:#}");
    drop(listener);
    within(WITHIN, "the port is seen to be shut", || healthy(&workspace, "db") == Some(false));
    let worse = || show(&workspace, "inc_1")["incident"]["priority"] == "P1";
    within(WITHIN, "the same service is the same incident, and it is worse now", worse);
    opened(&workspace, 1);
    assert_eq!(beat(&workspace, "nightly", TOKEN), "200");
    within(WITHIN, "the job is back", || healthy(&workspace, "nightly") == Some(true));
}
