//! A workspace of its own per test: policy file, target directory, a server process, and one token per person.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hikeshi");

const POLICY: &str = r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"

[workspace]
name = "試験チーム"

[people.admin]
name = "管理 一子"
roles = ["admin", "manager"]
[people.tanaka]
name = "田中 太郎"
roles = ["developer", "operator", "lead"]
[people.sato]
name = "佐藤 花子"
roles = ["cto"]
[people.suzuki]
name = "鈴木 一郎"
roles = ["dev-lead"]
[people.takahashi]
name = "髙橋 美咲"
roles = ["senior", "developer"]
[people.ito]
name = "伊藤 健"
roles = ["developer"]

[services.web]
name = "予約"
[environments.production]
name = "本番"
exception_allowed = true
[environments.staging]
name = "検証"

[targets.web-prod]
service = "web"
environment = "production"
root = "{dir}/root"
backups = "{dir}/backups"

[emergency]
presence_timeout_s = 60
"#;

pub const PLAN: &str = r#"
[conditions.serious_failure]
statement = "予約が全て失敗"
evidence = "監視 HTTP 500"
[conditions.normal_flow_cannot]
statement = "パイプライン停止"
evidence = "実行 #482"
[conditions.cannot_wait]
statement = "1 時間 40 件を失う"
evidence = "昨日 41 件"
[conditions.judged_by]
person = "sato"
evidence = "電話"

[plan]
target = "web-prod"
executor = "tanaka"
summary = "設定を直す"
scope = ["config"]
[[plan.steps]]
title = "見る"
run = "cat config/app.toml"
[[plan.steps]]
title = "直す"
run = "echo 'value = 2' > config/app.toml"
dangerous = true
[[plan.verification.solved]]
title = "値が 2"
check = "command"
run = "grep -q 'value = 2' config/app.toml"
[[plan.verification.unaffected]]
title = "他の設定"
check = "command"
run = "test -f config/other.toml"
"#;

pub struct Workspace {
    pub dir: PathBuf,
    pub port: u16,
    pub tokens: BTreeMap<String, String>,
    /// Further variables of the server's environment.
    pub env: BTreeMap<String, String>,
    server: Option<Child>,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Workspace {
    /// Files only; no server yet.
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hikeshi-e2e-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        for part in ["root/config", "backups"] {
            std::fs::create_dir_all(dir.join(part)).expect("made");
        }
        std::fs::write(dir.join("root/config/app.toml"), "value = 1\n").expect("written");
        std::fs::write(dir.join("root/config/other.toml"), "other = 1\n").expect("written");
        std::fs::write(dir.join("plan.toml"), PLAN).expect("written");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound").local_addr().expect("address").port();
        let policy = POLICY.replace("{port}", &port.to_string()).replace("{dir}", &dir.display().to_string());
        std::fs::write(dir.join("hikeshi.toml"), policy).expect("written");
        Self { dir, port, tokens: BTreeMap::new(), env: BTreeMap::new(), server: None }
    }

    /// A server, and a token for each of these people.
    pub fn with_people(name: &str, people: &[&str]) -> Self {
        Self::new(name).introduced(people)
    }

    /// Changes the policy file, and starts with it later.
    pub fn policy(self, change: impl FnOnce(String) -> String) -> Self {
        let file = self.path("hikeshi.toml");
        std::fs::write(&file, change(read(&file))).expect("written");
        self
    }

    /// The same with more in the policy file, made where the files are.
    pub fn with_policy(name: &str, people: &[&str], more: impl FnOnce(&Self) -> String) -> Self {
        let workspace = Self::new(name);
        let more = more(&workspace);
        workspace.policy(|policy| format!("{policy}{more}")).introduced(people)
    }

    pub fn introduced(mut self, people: &[&str]) -> Self {
        self.begin(people);
        self
    }

    /// Starts the server and gives each of these people a token.
    pub fn begin(&mut self, people: &[&str]) {
        let first = self.start();
        let link = first["first_link"]["link"].as_str().expect("the first administrator's link").to_owned();
        self.login("admin", &link);
        self.kill();
        // Links for the others are made where the data is.
        let links: Vec<(String, String)> = people
            .iter()
            .map(|person| {
                let done = self.run("admin", &["--local", "people", "invite", person]);
                ((*person).to_owned(), json(&done)["data"]["link"].as_str().expect("a link").to_owned())
            })
            .collect();
        self.start();
        for (person, link) in links {
            self.login(&person, &link);
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Starts the server and waits for what it says.
    pub fn start(&mut self) -> Value {
        let mut child = self.command().args(["--json", "serve"]).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        self.server = Some(child);
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        answer["data"].clone()
    }

    /// As a crash: nobody gets a word.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.server.as_ref().expect("a server").id();
        let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    pub fn wait_for_end(&mut self) -> Option<i32> {
        self.server.take().and_then(|mut server| server.wait().expect("ended").code())
    }

    /// The program with nothing of this user's own settings, and never a terminal.
    pub fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.dir)
            .env("HIKESHI_URL", self.url())
            .env("HIKESHI_LANG", "en")
            .envs(&self.env)
            .stdin(Stdio::null());
        command
    }

    pub fn login(&mut self, person: &str, link: &str) {
        let file = self.dir.join(format!("token-{person}"));
        let done = self.command().args(["login", "--link", link, "--save-to"]).arg(&file).output().expect("ran");
        assert_eq!(done.status.code(), Some(0), "{}", text(&done));
        let token = std::fs::read_to_string(&file).expect("the token").trim().to_owned();
        self.tokens.insert(person.to_owned(), token);
    }

    /// Runs a command as a person, with `--json`.
    pub fn run(&self, person: &str, args: &[&str]) -> Output {
        self.as_person(person).arg("--json").args(args).output().expect("ran")
    }

    pub fn as_person(&self, person: &str) -> Command {
        let mut command = self.command();
        if let Some(token) = self.tokens.get(person) {
            command.env("HIKESHI_TOKEN", token);
        }
        command
    }

    /// Runs, and must succeed.
    pub fn ok(&self, person: &str, args: &[&str]) -> Value {
        let done = self.run(person, args);
        assert_eq!(done.status.code(), Some(0), "{person}: {args:?}: {}", text(&done));
        json(&done)["data"].clone()
    }

    /// Runs, and must be refused by this rule and code.
    pub fn refused(&self, person: &str, args: &[&str], code: &str) -> Value {
        let done = self.run(person, args);
        assert_eq!(done.status.code(), Some(4), "{person}: {args:?}: {}", text(&done));
        let error = json(&done)["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        error
    }

    pub fn open_incident(&self) -> String {
        let done = self.ok(
            "tanaka",
            &[
                "incident",
                "open",
                "予約が止まった",
                "--service",
                "web",
                "--environment",
                "production",
                "--impact",
                "all_users",
                "--business",
                "lost_sales",
            ],
        );
        done["receipt"]["made"].as_str().expect("an id").to_owned()
    }

    pub fn request(&self, incident: &str) -> String {
        let done = self.ok("tanaka", &["emergency", "request", "--plan", "plan.toml", "--incident", incident]);
        done["receipt"]["made"].as_str().expect("an id").to_owned()
    }

    pub fn approve(&self, emergency: &str) {
        let digest = self.ok("sato", &["emergency", "show", emergency])["emergency"]["digest"].as_str().expect("a digest").to_owned();
        self.ok("sato", &["emergency", "approve", emergency, "--judgement", "全面停止のため", "--digest", &digest]);
    }

    pub fn join(&self, emergency: &str) {
        for person in ["takahashi", "ito"] {
            self.ok(person, &["emergency", "join", emergency]);
        }
    }
}

/// A moment to come, as the command line reads it.
#[expect(clippy::disallowed_methods, reason = "a test has no other clock than the server that it asks")]
pub fn in_hours(hours: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string()
}

/// The month that it is in the workspace.
#[expect(clippy::disallowed_methods, reason = "a test has no other clock than the server that it asks")]
pub fn this_month() -> String {
    jiff::Timestamp::now().in_tz("Asia/Tokyo").expect("a zone").strftime("%Y-%m").to_string()
}

pub fn json(done: &Output) -> Value {
    let out = String::from_utf8_lossy(&done.stdout);
    let value: Value = serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("{error}: {}", text(done)));
    assert_eq!(value["v"], 1, "every answer carries the version: {out}");
    assert!(value.get("data").is_some() != value.get("error").is_some(), "data or error: {out}");
    value
}

pub fn text(done: &Output) -> String {
    format!("{:?} {} {}", done.status, String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// Looks until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
