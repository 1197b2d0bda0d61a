//! The server is away: an exception from its opening to its close in a ledger of its own, made from the trust bundle, with stock `ssh-keygen`,
//! real servers and real terminals; and how it comes home.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::approvals::{keygen, sign};
use super::harness::{PLAN, Workspace, json, read, text};
use super::session::{Terminal, Watching};

const PEOPLE: [&str; 5] = ["tanaka", "sato", "suzuki", "takahashi", "ito"];

/// A workspace whose executor's machine has kept the trust bundle; its server is gone.
struct Away {
    workspace: Workspace,
    port: u16,
    server: Option<Child>,
}

impl Drop for Away {
    fn drop(&mut self) {
        self.stop();
        let mark = format!("session-recorder {}", self.workspace.dir.display());
        let _ = Command::new("pkill").args(["-9", "-f", &mark]).status();
    }
}

impl Away {
    fn new(name: &str, plan: &str) -> Self {
        let mut workspace = Workspace::with_policy(name, &PEOPLE, |workspace| {
            let keys = PEOPLE.map(|person| format!("[[people.{person}.ssh_keys]]\nkey = \"{}\"\n", keygen(&workspace.dir, person)));
            keys.concat()
        });
        std::fs::create_dir_all(workspace.path("elsewhere")).expect("made");
        std::fs::write(workspace.path("plan.toml"), plan).expect("written");
        workspace.ok("tanaka", &["trust", "export"]);
        workspace.kill();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound").local_addr().expect("address").port();
        let mut away = Self { workspace, port, server: None };
        away.serve();
        away
    }

    fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// A command as this machine's people type it: far from the server's files.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.workspace.command();
        command.current_dir(self.workspace.path("elsewhere")).arg("--json").args(args);
        command
    }

    fn serve(&mut self) {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = self.command(&["--local", "serve", "--listen", &listen]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        self.server = Some(child);
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let ledger = answer["data"]["ledger"].as_str().expect("a ledger");
        assert!(ledger.starts_with("localhost/hikeshi/local/"), "{ledger}");
    }

    fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = Command::new("kill").args(["-TERM", &server.id().to_string()]).status();
            let _ = server.wait();
        }
    }

    fn token(&self, person: &str) -> String {
        self.workspace.path(&format!("local-{person}")).display().to_string()
    }

    fn enter(&self, person: &str) -> Output {
        let (key, url, token) = (self.workspace.path(person).display().to_string(), self.url(), self.token(person));
        self.command(&["--url", &url, "login", "--ssh-key", &key, "--save-to", &token]).output().expect("ran")
    }

    fn run(&self, person: &str, args: &[&str]) -> Output {
        self.command(&[&["--local", "--token-file", &self.token(person)], args].concat()).output().expect("ran")
    }

    fn ok(&self, person: &str, args: &[&str]) -> Value {
        let done = self.run(person, args);
        assert_eq!(done.status.code(), Some(0), "{person}: {args:?}: {}", text(&done));
        json(&done)["data"].clone()
    }

    fn reconcile(&self, args: &[&str]) -> Output {
        let mut command = self.command(&[&["reconcile"], args].concat());
        command.env("HIKESHI_TOKEN", &self.workspace.tokens["tanaka"]).output().expect("ran")
    }

    /// Opened, approved by letter, watched and backed up.
    fn executing(&self) -> String {
        for person in ["tanaka", "takahashi", "ito"] {
            let done = self.enter(person);
            assert_eq!(done.status.code(), Some(0), "{}", text(&done));
        }
        let open = ["incident", "open", "予約が止まった", "--service", "web", "--environment", "production", "--impact", "all_users"];
        let opened = self.ok("tanaka", &[&open[..], &["--business", "lost_sales"]].concat());
        let incident = opened["receipt"]["made"].as_str().expect("an id").to_owned();
        let plan = self.workspace.path("plan.toml").display().to_string();
        let requested = self.ok("tanaka", &["emergency", "request", "--plan", &plan, "--incident", &incident]);
        let emergency = requested["receipt"]["made"].as_str().expect("an id").to_owned();
        let letter = self.workspace.path("letter.json").display().to_string();
        self.ok("tanaka", &["emergency", "plan", &emergency, "--out", &letter]);
        let signature = self.workspace.path(&sign(&self.workspace, "sato", "hikeshi-approve-v1", "letter.json")).display().to_string();
        let approve = ["emergency", "approve", &emergency, "--signature", &signature, "--judgement", "電話で、全面停止と聞いた"];
        self.ok("tanaka", &approve);
        for person in ["takahashi", "ito"] {
            self.ok(person, &["emergency", "join", &emergency]);
        }
        self.ok("tanaka", &["emergency", "start", &emergency]);
        emergency
    }

    /// Steps were run and closed; its server is stopped.
    fn carried_out(name: &str) -> Self {
        let mut away = Self::new(name, PLAN);
        let emergency = away.executing();
        away.ok("tanaka", &["emergency", "step", &emergency, "1"]);
        away.ok("ito", &["--confirm", "直す", "emergency", "confirm", &emergency, "--step", "2"]);
        away.ok("tanaka", &["--confirm", "直す", "emergency", "step", &emergency, "2"]);
        away.finish(&emergency);
        away.stop();
        away
    }

    fn finish(&self, emergency: &str) {
        self.ok("tanaka", &["emergency", "verify", emergency]);
        self.ok("tanaka", &["emergency", "close", emergency]);
    }

    /// The directory of the local ledger.
    fn kept(&self) -> PathBuf {
        let place = self.workspace.path(&format!(".local/state/hikeshi/local/localhost_{}", self.workspace.port));
        std::fs::read_dir(place).expect("kept").next().expect("one").expect("an entry").path()
    }

    /// What the server has of it is whole, for an outsider with nothing but the file.
    fn verified(&self, incident: &str) -> Value {
        self.workspace.ok("sato", &["ledger", "export", incident, "--output", "case.zip"]);
        let key = read(&self.workspace.path("data/ledger.pub"));
        let done = self.workspace.run("nobody", &["ledger", "verify", "--bundle", "case.zip", "--trust", key.trim()]);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done));
        json(&done)["data"].clone()
    }
}

#[test]
fn a_whole_exception_without_the_server_comes_home_once() {
    let mut away = Away::new("local-steps", PLAN);
    let stranger = away.command(&["--local", "emergency", "list"]).output().expect("ran");
    assert_eq!(stranger.status.code(), Some(4), "nobody is anonymous: {}", text(&stranger));
    let emergency = away.executing();
    assert_eq!(away.command(&["reconcile", "--status"]).output().expect("ran").status.code(), Some(5));
    away.ok("tanaka", &["emergency", "step", &emergency, "1"]);
    // Killed and opened again, it goes on.
    away.stop();
    away.serve();
    for person in ["takahashi", "ito"] {
        away.ok(person, &["emergency", "join", &emergency]);
    }
    away.ok("ito", &["--confirm", "直す", "emergency", "confirm", &emergency, "--step", "2"]);
    away.ok("tanaka", &["--confirm", "直す", "emergency", "step", &emergency, "2"]);
    assert_eq!(read(&away.workspace.path("root/config/app.toml")), "value = 2\n");
    assert_eq!(away.reconcile(&[]).status.code(), Some(1), "it is still open");
    away.finish(&emergency);
    away.stop();
    assert_eq!(away.reconcile(&[]).status.code(), Some(7), "the server is still away");

    // The server comes back, has an incident of its own, and hears of it.
    away.workspace.start();
    let own = away.workspace.open_incident();
    let told = away.workspace.ok("tanaka", &["incident", "list"]);
    assert_eq!(told["rows"].as_array().map(Vec::len), Some(2), "{own} and the announced one: {told}");
    let done = away.reconcile(&[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let home = json(&done)["data"]["reconciled"][0].clone();
    assert_eq!((&home["there"][0], &home["here"], &home["already"]), (&"emg_1".into(), &"emg_1".into(), &false.into()), "{home}");
    let incident = home["incident"].as_str().expect("an incident").to_owned();
    let state = away.workspace.ok("sato", &["emergency", "show", "emg_1"])["emergency"].clone();
    assert_eq!((&state["status"], &state["offline"]["reconciled_by"]), (&"closed".into(), &"tanaka".into()), "{state}");
    assert_eq!(state["offline"]["degraded"][0]["degraded"], "presence_told");
    let owed = away.workspace.ok("sato", &["obligation", "list", "--all"]);
    let kinds: Vec<&str> = owed["rows"].as_array().expect("rows").iter().filter_map(|owed| owed["kind"].as_str()).collect();
    for kind in ["change_request", "report", "retrospective", "review"] {
        assert_eq!(kinds.iter().filter(|found| **found == kind).count(), 1, "{kinds:?}");
    }
    let verdict = away.verified(&incident);
    assert_eq!(verdict["offline"][0]["exceptions"][0]["approvals"][0]["by"], "sato", "{verdict}");

    // Sent again, as after a crash before the answer came.
    assert_eq!(json(&away.reconcile(&[]))["data"]["reconciled"], Value::Array(Vec::new()));
    std::fs::remove_file(away.kept().join("reconciled.json")).expect("removed");
    let again = json(&away.reconcile(&[]))["data"]["reconciled"][0].clone();
    assert_eq!((&again["already"], &again["here"]), (&true.into(), &"emg_1".into()), "{again}");
    assert_eq!(away.workspace.ok("sato", &["emergency", "list", "--all"])["rows"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_witnessed_terminal_without_the_server_is_replayed_and_verified_at_home() {
    let (head, rest) = PLAN.split_once("[[plan.steps]]").expect("steps");
    let checks = rest.split_once("[[plan.verification.solved]]").expect("checks").1;
    let plan = format!("{head}[plan.terminal]\n[[plan.verification.solved]]{checks}");
    let mut away = Away::new("local-shell", &plan);
    let emergency = away.executing();
    let watch = |person: &str| {
        let mut command = away.command(&["--local", "--token-file", &away.token(person), "emergency", "watch", &emergency]);
        Watching(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("watching"))
    };
    let token = read(&away.workspace.path("local-tanaka"));
    let mut terminal = Terminal::open(&away.workspace, &emergency, &[("HIKESHI_URL", &away.url()), ("HIKESHI_TOKEN", token.trim())]);
    terminal.sees("Keys are held");
    let watching = [watch("takahashi"), watch("ito")];
    terminal.sees("Keys pass");
    terminal.keys("sed -i s/1/2/ config/app.toml; echo DO''NE\n");
    terminal.sees("DONE");
    terminal.exit();
    drop(watching);
    away.finish(&emergency);
    away.stop();
    away.workspace.start();
    let done = away.reconcile(&[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let incident = json(&done)["data"]["reconciled"][0]["incident"].as_str().expect("an incident").to_owned();
    let state = away.workspace.ok("sato", &["emergency", "show", "emg_1"])["emergency"].clone();
    let unsigned = state["offline"]["degraded"].as_array().expect("a list").iter().any(|one| one["degraded"] == "device_unsigned");
    assert!(!unsigned, "the keys of the witnesses answer for their devices: {}", state["offline"]);
    let verdict = away.verified(&incident);
    assert_eq!(verdict["offline"][0]["exceptions"][0]["sessions"][0]["commands"], 2, "{verdict}");
    let raw = away.workspace.as_person("sato").args(["emergency", "recording", "emg_1", "--format", "raw"]).output().expect("ran");
    assert!(String::from_utf8_lossy(&raw.stdout).contains("DONE"), "{}", text(&raw));
}

#[test]
fn whoever_dies_in_the_middle_of_coming_home_it_comes_home_once() {
    let mut away = Away::carried_out("local-killed");
    for (delay_ms, kills_server) in [(40, false), (90, true), (130, false), (180, true), (260, true)] {
        away.workspace.start();
        let mut command = away.command(&["reconcile"]);
        command.env("HIKESHI_TOKEN", &away.workspace.tokens["tanaka"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        if kills_server {
            away.workspace.kill();
        } else {
            let _ = child.kill();
            away.workspace.kill();
        }
        let _ = child.wait();
    }
    away.workspace.start();
    let done = away.reconcile(&[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    assert_eq!(away.command(&["reconcile", "--status"]).output().expect("ran").status.code(), Some(0));
    let all = away.workspace.ok("sato", &["emergency", "list", "--all"])["rows"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    away.verified(all[0]["incident"].as_str().expect("an incident"));
}

#[test]
fn a_local_ledger_that_somebody_has_touched_stays_outside() {
    let mut away = Away::carried_out("local-touched");
    let database = away.kept().join("hikeshi.db");
    let bytes = std::fs::read(&database).expect("the database");
    let (from, to) = ("電話で、全面停止と聞いた".as_bytes(), "電話で、部分停止と聞いた".as_bytes());
    assert_eq!(from.len(), to.len());
    let mut touched = bytes.clone();
    let places: Vec<usize> = bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the judgement stands in the file");
    for at in places {
        touched[at..at + to.len()].copy_from_slice(to);
    }
    std::fs::write(&database, touched).expect("written");
    away.workspace.start();
    let done = away.reconcile(&[]);
    assert_eq!(done.status.code(), Some(4), "{}", text(&done));
    let error = json(&done)["error"].clone();
    assert_eq!((&error["code"], error["seq"].is_u64()), (&"local.flawed".into(), true), "the attempt stands in the record: {error}");
    assert_eq!(away.workspace.ok("sato", &["emergency", "list", "--all"])["rows"].as_array().map(Vec::len), Some(0), "nothing came in");
    std::fs::write(&database, bytes).expect("written");
    let done = away.reconcile(&[]);
    assert_eq!(done.status.code(), Some(0), "as it was, it comes in: {}", text(&done));
}
