//! Alerts as real senders send them: Alertmanager, Prometheus and PagerDuty's client as processes, the other formats as their bytes. Here is what
//! the subjects share; each has a file in `alerts/`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::double::post;
use super::harness::{Workspace, read, until};

#[path = "alerts/alertmanager.rs"]
mod alertmanager;
#[path = "alerts/formats.rs"]
mod formats;
#[path = "alerts/heartbeats.rs"]
mod heartbeats;
#[path = "alerts/mail.rs"]
mod mail;
#[path = "alerts/merging.rs"]
mod merging;
#[path = "alerts/pagerduty.rs"]
mod pagerduty;
#[path = "alerts/prometheus.rs"]
mod prometheus;
#[path = "alerts/refused.rs"]
mod refused;
#[path = "alerts/silences.rs"]
mod silences;
#[path = "alerts/storm.rs"]
mod storm;

const TOKEN: &str = "the-secret-of-the-sender-0123456789";

/// A server that takes alerts of these sources; every one has the same secret.
fn workspace(name: &str, sources: &str) -> Workspace {
    let mut workspace = Workspace::new(name).policy(|policy| policy + "\n" + sources);
    workspace.env.insert("ALERTS_TOKEN".to_owned(), TOKEN.to_owned());
    workspace.introduced(&["tanaka"])
}

/// A source in the policy, whose alerts are P1 unless they are warnings, which are P3.
fn source(name: &str, format: &str, more: &str) -> String {
    format!(
        r#"
[alerts.sources.{name}]
format = "{format}"
token_env = "ALERTS_TOKEN"
service = "web"
environment = "production"
impact = "all_users"
business = "lost_sales"
{more}
[[alerts.sources.{name}.routes]]
match = {{ severity = "warning" }}
impact = "one_function"
business = "slight"
"#
    )
}

/// Another program, ended with the test; what it says is in a file.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Program {
    /// `name` is of this process within the test: its log and its data have it.
    fn start(dir: &Path, name: &str, command: &mut Command) -> Self {
        let log = dir.join(format!("{name}.log"));
        let said = || Stdio::from(File::options().create(true).append(true).open(&log).expect("a log"));
        let started = command.current_dir(dir).stdin(Stdio::null()).stdout(said()).stderr(said()).spawn();
        let child = started.unwrap_or_else(|error| panic!("{name}: {error}; `./test tools` installs it"));
        Self { child, log }
    }

    /// Once it says of itself that it is ready.
    fn ready(self, port: u16) -> Self {
        until(&format!("ready, see {}", self.log.display()), || get(port, "/-/ready").is_some_and(|(status, _)| status == 200));
        self
    }

    fn said(&self) -> String {
        read(&self.log)
    }

    /// As a crash: nobody gets a word.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound").local_addr().expect("an address").port()
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Status and body; `None` while nobody listens.
fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", address(port)).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// What a sender of JSON with the right secret is answered.
fn send(workspace: &Workspace, to: &str, body: &Value) -> (u16, String) {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str())];
    post(&address(workspace.port), &format!("/inbound/{to}"), "application/json", &headers, body.to_string().as_bytes())
}

fn taken(workspace: &Workspace, to: &str, body: &Value) {
    let (status, said) = send(workspace, to, body);
    assert_eq!(status, 200, "{to}: {said}");
}

/// By the clock of this machine, for senders that say when. `date` is asked, since the tests have no clock of their own.
fn now_plus(seconds: i64) -> String {
    let done = Command::new("date").args(["-u", "-d", &format!("{seconds} seconds"), "+%Y-%m-%dT%H:%M:%S.%3NZ"]).output().expect("date");
    String::from_utf8(done.stdout).expect("text").trim().to_owned()
}

/// As [`until`], for what takes its time.
fn within(limit: Duration, what: &str, mut so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
    began.elapsed()
}

fn incidents(workspace: &Workspace) -> Vec<Value> {
    workspace.ok("tanaka", &["incident", "list", "--all"])["rows"].as_array().cloned().expect("rows")
}

/// Until there are so many incidents: the state of the newest one.
fn opened(workspace: &Workspace, count: usize) -> Value {
    until(&format!("{count} incidents"), || incidents(workspace).len() >= count);
    assert_eq!(incidents(workspace).len(), count, "{:#?}", incidents(workspace));
    show(workspace, &format!("inc_{count}"))
}

fn show(workspace: &Workspace, incident: &str) -> Value {
    workspace.ok("tanaka", &["incident", "show", incident])
}

fn firing(workspace: &Workspace, incident: &str) -> u64 {
    show(workspace, incident)["incident"]["alerts"]["firing"].as_u64().expect("a number of alerts")
}

fn is_resolved(view: &Value) -> bool {
    !view["incident"]["resolved"].is_null()
}

/// Resolved, and by the sender, not by a person.
fn resolves_itself(workspace: &Workspace, incident: &str, source: &str) {
    until(&format!("{incident} is resolved"), || is_resolved(&show(workspace, incident)));
    let view = show(workspace, incident);
    assert_eq!(view["incident"]["alerts"]["firing"], 0, "{view:#}");
    let by = &view["incident"]["resolved"]["by"];
    assert_eq!((by["who"].as_str(), by["source"].as_str()), (Some("source"), Some(source)), "{view:#}");
}

/// What has happened to the alerts of an incident, in the order of the ledger.
fn steps(workspace: &Workspace, incident: &str) -> Vec<String> {
    steps_in(&workspace.ok("tanaka", &["incident", "timeline", incident, "--limit", "200"]))
}

fn steps_in(page: &Value) -> Vec<String> {
    let rows = page["rows"].as_array().expect("rows").iter().rev();
    let events = rows.flat_map(|row| row["events"].as_array().cloned().unwrap_or_default());
    events.filter(|event| event["event"] == "alert").filter_map(|event| event["step"].as_str().map(str::to_owned)).collect()
}

fn ledger_size(workspace: &Workspace) -> u64 {
    workspace.ok("tanaka", &["ledger", "show", "--limit", "1"])["size"].as_u64().expect("a size")
}

/// Work that follows from an incident, such as its announcement, is recorded a little later.
fn settled_size(workspace: &Workspace) -> u64 {
    let mut last = (ledger_size(workspace), Instant::now());
    until("the ledger is at rest", || {
        let size = ledger_size(workspace);
        if size != last.0 {
            last = (size, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(1)
    });
    last.0
}

fn ledger_holds(workspace: &Workspace) {
    let found = workspace.ok("nobody", &["ledger", "verify"]);
    assert!(found["fault"].is_null(), "{found}");
}

/// The last look at a workspace: the record holds, and what is kept beside it follows from it.
fn ends_well(workspace: &mut Workspace) {
    workspace.signal("TERM");
    assert_eq!(workspace.wait_for_end(), Some(0));
    ledger_holds(workspace);
    let rebuilt = workspace.ok("nobody", &["ledger", "rebuild"]);
    assert_eq!(rebuilt["comparison"]["differences"].as_array().map(Vec::len), Some(0), "{rebuilt}");
}
