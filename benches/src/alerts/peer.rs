//! What is measured: hikeshi on SQLite, hikeshi as two nodes on PostgreSQL, and Debian's Alertmanager. Each is a process of its own that takes
//! the same alerts at the same path, and calls the same receiver.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::sender::To;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const TOKEN: &str = "the-secret-of-the-sender-0123456789";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    Sqlite,
    /// Two nodes.
    Postgres,
    Alertmanager,
}

impl Peer {
    pub fn is_ours(self) -> bool {
        self != Self::Alertmanager
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Sqlite => "hikeshi, SQLite",
            Self::Postgres => "hikeshi, two nodes on PostgreSQL",
            Self::Alertmanager => "Alertmanager 0.25",
        }
    }
}

/// How it is to be set up.
pub struct Setup<'a> {
    pub peer: Peer,
    pub program: &'a Path,
    /// A place of its own.
    pub dir: &'a Path,
    /// With a schema of its own.
    pub database: Option<&'a str>,
    pub receiver: u16,
    /// More of hikeshi's settings.
    pub more: &'a str,
    /// Whether there is somebody who can.
    pub signs_in: bool,
}

/// One process, which may be dead.
pub struct Node {
    peer: Peer,
    program: PathBuf,
    dir: PathBuf,
    name: String,
    database: Option<String>,
    port: u16,
    child: Option<Child>,
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing is left that could be told.
        drop(self.kill());
    }
}

const OURS: &str = r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
data = "data-{name}"
[workspace]
name = "測定"
[people.tanaka]
name = "田中 太郎"
roles = ["{role}", "operator"]
webhook = { url = "http://127.0.0.1:{receiver}/tanaka" }
[services.web]
name = "予約"
[environments.production]
name = "本番"
exception_allowed = true
[paging]
timeout_s = 10
rules = [{ after_min = 0, by = ["webhook"] }]
[alerts.sources.bench]
format = "alertmanager"
token_env = "ALERTS_TOKEN"
service = "web"
environment = "production"
impact = "all_users"
business = "lost_sales"
group_by = ["alertname"]
"#;

/// One person, called at once.
pub const ONE_STEP: &str = "[incident]\nserious_at_once = []\nescalation = [{ after_min = 0, people = [\"tanaka\"] }]\n";

const THEIRS: &str = r#"
route:
  receiver: phone
  group_by: [alertname]
  group_wait: 0s
  group_interval: 5m
  repeat_interval: 4h
receivers:
  - name: phone
    webhook_configs:
      - url: http://127.0.0.1:{receiver}/tanaka
        send_resolved: false
"#;

/// Ports that no connection is given by chance: while a process is dead, nobody else may come to listen where alerts are sent.
const PORTS: std::ops::Range<u16> = 10_000..32_000;
const PORTS_OF_A_RUN: u32 = 500;
static NODES: AtomicU32 = AtomicU32::new(0);

fn own_port() -> anyhow::Result<u16> {
    let runs = u32::try_from(PORTS.len())? / PORTS_OF_A_RUN;
    let first = u32::from(PORTS.start) + std::process::id() % runs * PORTS_OF_A_RUN;
    for _ in 0..PORTS_OF_A_RUN {
        let port = u16::try_from(first + NODES.fetch_add(1, Ordering::Relaxed) % PORTS_OF_A_RUN)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}

impl Node {
    /// Files only; nothing runs yet. Nodes of one directory and database belong together.
    pub fn new(setup: &Setup<'_>, name: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(setup.dir)?;
        let port = own_port()?;
        let receiver = setup.receiver.to_string();
        let (file, text) = match setup.peer {
            Peer::Sqlite | Peer::Postgres => {
                // An administrator who cannot sign in is given a link at every start, which is not what is measured.
                let role = if setup.signs_in { "admin" } else { "developer" };
                let text = OURS.replace("{port}", &port.to_string()).replace("{name}", name).replace("{role}", role);
                ("toml", format!("{text}{}", setup.more))
            }
            Peer::Alertmanager => ("yml", THEIRS.to_owned()),
        };
        std::fs::write(setup.dir.join(format!("{name}.{file}")), text.replace("{receiver}", &receiver))?;
        Ok(Self {
            peer: setup.peer,
            program: setup.program.to_owned(),
            dir: setup.dir.to_owned(),
            name: name.to_owned(),
            database: setup.database.map(str::to_owned),
            port,
            child: None,
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        Ok(self.child.as_ref().context("it does not run")?.id())
    }

    pub fn to(&self) -> To {
        match self.peer {
            Peer::Sqlite | Peer::Postgres => {
                To { port: self.port, path: "/inbound/alerts/bench/api/v2/alerts".to_owned(), token: Some(TOKEN.to_owned()) }
            }
            Peer::Alertmanager => To { port: self.port, path: "/api/v2/alerts".to_owned(), token: None },
        }
    }

    /// The program with these words, in its directory, and with nothing of this user's settings.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.dir).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.dir);
        command.env("HIKESHI_LANG", "en").env("HIKESHI_URL", format!("http://localhost:{}", self.port)).env("ALERTS_TOKEN", TOKEN);
        if let Some(database) = &self.database {
            command.env("HIKESHI_DATABASE", database);
        }
        command.stdin(Stdio::null());
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Until it says that it is ready; how long that took.
    pub fn start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let settings = format!("{}.toml", self.name);
        let (mut command, ready) = match self.peer {
            Peer::Sqlite | Peer::Postgres => (self.command(&["--json", "serve", "--config", &settings]), "/api/v1/health"),
            Peer::Alertmanager => {
                let (file, data) = (format!("--config.file={}.yml", self.name), format!("--storage.path=data-{}", self.name));
                let listen = format!("--web.listen-address=127.0.0.1:{}", self.port);
                (self.command(&[&file, &data, &listen, "--cluster.listen-address=", "--log.level=error"]), "/-/ready")
            }
        };
        let log = std::fs::File::options().create(true).append(true).open(self.log())?;
        let child = self.child.insert(command.stdout(log.try_clone()?).stderr(log).spawn().context("start")?);
        while began.elapsed() < START_TIMEOUT {
            let ready = crate::server::answers(self.port, ready).unwrap_or(false);
            ensure!(child.try_wait()?.is_none(), "{}: it ended at once: {}", self.dir.display(), last_words(&self.log()));
            if ready {
                return Ok(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        bail!("{}: not ready within {START_TIMEOUT:?}", self.dir.display())
    }

    /// The link with which the administrator signs in, from what the first start says a little after it is ready.
    pub fn first_link(&self) -> anyhow::Result<String> {
        let began = Instant::now();
        while began.elapsed() < START_TIMEOUT {
            let said = std::fs::read_to_string(self.log())?;
            let mut answers = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            if let Some(link) = answers.find_map(|said| said.pointer("/data/first_link/link")?.as_str().map(str::to_owned)) {
                return Ok(link);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{}: no link for the administrator", self.dir.display())
    }

    fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    /// As a crash: nobody gets a word.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        while began.elapsed() < STOP_TIMEOUT {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill()?;
        child.wait()?;
        bail!("{}: not stopped within {STOP_TIMEOUT:?}", self.dir.display())
    }
}

fn last_words(log: &Path) -> String {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let from = said.char_indices().rev().nth(1_500).map_or(0, |(at, _)| at);
    said.get(from..).unwrap_or_default().to_owned()
}
