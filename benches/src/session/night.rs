//! A workspace with a server, an exception that is carried out by hand, and two witnesses at their terminals: what a session needs.
//!
//! Everything goes through the released program, as people use it; nothing of the product is called from here.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hikeshi_domain::command::Command as Domain;
use hikeshi_domain::session;
use serde_json::Value;

use super::process;
use super::watcher::Address;
use super::window::Window;

const PEOPLE: &[&str] = &["tanaka", "sato", "takahashi", "ito"];
const WITNESSES: &[&str] = &["takahashi", "ito"];
pub const EXECUTOR: &str = "tanaka";

const POLICY: &str = r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
[workspace]
name = "測定"
[people.admin]
name = "管理 一子"
roles = ["admin", "manager"]
[people.tanaka]
name = "田中 太郎"
roles = ["developer", "operator", "lead"]
[people.sato]
name = "佐藤 花子"
roles = ["cto"]
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
[targets.web-prod]
service = "web"
environment = "production"
root = "{dir}/root"
backups = "{dir}/backups"
"#;

const PLAN: &str = r#"
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
summary = "手で直す"
scope = ["config"]
[plan.terminal]
shell = "bash"
[[plan.verification.solved]]
title = "設定がある"
check = "command"
run = "test -f config/app.toml"
[[plan.verification.unaffected]]
title = "設定がある"
check = "command"
run = "test -f config/app.toml"
"#;

/// Each command has a key of its own.
static ASKED: AtomicU64 = AtomicU64::new(0);

pub struct Night {
    binary: PathBuf,
    pub dir: PathBuf,
    port: u16,
    tokens: BTreeMap<String, String>,
    server: Child,
    witnesses: Vec<Child>,
    emergency: String,
    /// The recorders that were seen, so that none outlives the measurement.
    recorders: Vec<u32>,
}

impl Night {
    /// From an empty folder to an exception under way that both witnesses watch.
    pub fn begin(binary: &Path, dir: &Path) -> anyhow::Result<Self> {
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        for part in ["root/config", "backups", "home"] {
            std::fs::create_dir_all(dir.join(part))?;
        }
        std::fs::write(dir.join("root/config/app.toml"), "host = \"db1\"\nport = 5432\n")?;
        std::fs::write(dir.join("plan.toml"), PLAN)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let policy = POLICY.replace("{port}", &port.to_string()).replace("{dir}", &dir.display().to_string());
        std::fs::write(dir.join("hikeshi.toml"), policy)?;
        let (server, said) = serve(binary, dir)?;
        let first = said.pointer("/first_link/link").and_then(Value::as_str).context("the first administrator's link")?.to_owned();
        let (tokens, witnesses, recorders) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (binary, dir) = (binary.to_owned(), dir.to_owned());
        let mut night = Self { binary, dir, port, tokens, server, witnesses, emergency: String::new(), recorders };
        night.login("admin", &first)?;
        // Links for the others are made where the data is.
        night.stop()?;
        let mut links = Vec::new();
        for person in PEOPLE {
            let link = night.ask("admin", &["--local", "people", "invite", person])?;
            links.push((*person, link.get("link").and_then(Value::as_str).context("a link")?.to_owned()));
        }
        night.server = serve(&night.binary, &night.dir)?.0;
        for (person, link) in links {
            night.login(person, &link)?;
        }
        night.execute()?;
        Ok(night)
    }

    fn login(&mut self, person: &str, link: &str) -> anyhow::Result<()> {
        let file = self.dir.join(format!("token-{person}"));
        let done = program(&self.binary, &self.dir, self.port).args(["login", "--link", link, "--save-to"]).arg(&file).output()?;
        ensure!(done.status.success(), "{person} cannot sign in: {}", String::from_utf8_lossy(&done.stderr));
        self.tokens.insert(person.to_owned(), std::fs::read_to_string(&file)?.trim().to_owned());
        Ok(())
    }

    fn as_person(&self, person: &str) -> anyhow::Result<Command> {
        let mut command = program(&self.binary, &self.dir, self.port);
        command.env("HIKESHI_TOKEN", self.tokens.get(person).context("a token")?);
        Ok(command)
    }

    pub fn ask(&self, person: &str, words: &[&str]) -> anyhow::Result<Value> {
        let done = self.as_person(person)?.arg("--json").args(words).output()?;
        answer(&done).with_context(|| format!("{person}: {words:?}"))
    }

    /// Incident, request, approval, two who join, the backup, and the start.
    fn execute(&mut self) -> anyhow::Result<()> {
        let open = "incident open 予約が止まった --service web --environment production --impact all_users --business lost_sales";
        let incident = made(&self.ask(EXECUTOR, &open.split(' ').collect::<Vec<_>>())?)?;
        let emergency = made(&self.ask(EXECUTOR, &["emergency", "request", "--plan", "plan.toml", "--incident", &incident])?)?;
        let shown = self.ask("sato", &["emergency", "show", &emergency])?;
        let digest = shown.pointer("/emergency/digest").and_then(Value::as_str).context("a digest")?.to_owned();
        self.ask("sato", &["emergency", "approve", &emergency, "--judgement", "全面停止のため", "--digest", &digest])?;
        for person in WITNESSES {
            self.ask(person, &["emergency", "join", &emergency])?;
        }
        self.ask(EXECUTOR, &["emergency", "start", &emergency])?;
        for person in WITNESSES {
            let mut watch = self.as_person(person)?;
            watch.args(["emergency", "watch", &emergency]).stdout(Stdio::null()).stderr(Stdio::null());
            self.witnesses.push(watch.spawn()?);
        }
        self.emergency = emergency;
        Ok(())
    }

    /// The executor's window on a new session, with keys that pass. Returns its number too.
    pub fn shell(&mut self) -> anyhow::Result<(Window, u32)> {
        let mut command = pty_process::blocking::Command::new(&self.binary)
            .args(["emergency", "shell", &self.emergency])
            .current_dir(&self.dir)
            .env_clear();
        for (name, value) in environment(&self.dir, self.port) {
            command = command.env(name, value);
        }
        let mut window = Window::open(command.env("HIKESHI_TOKEN", self.tokens.get(EXECUTOR).context("a token")?))?;
        window.until("Keys pass", Duration::from_secs(60))?;
        self.recorders.extend(self.recorder_of(&window));
        let shown = self.ask(EXECUTOR, &["emergency", "show", &self.emergency])?;
        let session = shown
            .pointer("/emergency/sessions")
            .and_then(Value::as_array)
            .and_then(|all| all.last())
            .and_then(|last| last.get("number")?.as_u64());
        Ok((window, u32::try_from(session.context("a session")?)?))
    }

    /// A session that nobody records yet.
    pub fn open_session(&self) -> anyhow::Result<u32> {
        let open = session::Command::Open { emergency: self.emergency.parse()?, place: "bench".to_owned() };
        let text = self.post(EXECUTOR, "commands", &serde_json::to_string(&Domain::Session(open))?)?;
        let said: Value = serde_json::from_str(&text)?;
        let made = said.pointer("/receipt/made").and_then(Value::as_str).map(str::to_owned);
        let made = made.with_context(|| format!("a session: {text}"))?;
        made.rsplit('/').next().and_then(|number| number.parse().ok()).context("a number")
    }

    fn post(&self, person: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        let (token, length, port) = (self.tokens.get(person).context("a token")?, body.len(), self.port);
        write!(
            stream,
            "POST /api/v1/{path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: bench-{}-{number}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            std::process::id()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        ensure!(head.starts_with("HTTP/1.1 2"), "{path}: {head} {body}");
        let from = body.find('{').unwrap_or(0);
        let to = body.rfind('}').map_or(body.len(), |at| at + 1);
        Ok(body.get(from..to).unwrap_or_default().to_owned())
    }

    pub fn address(&self, person: &str, session: u32) -> anyhow::Result<Address> {
        let token = self.tokens.get(person).context("a token")?.clone();
        Ok(Address { port: self.port, token, emergency: self.emergency.parse()?, session })
    }

    pub fn server(&self) -> u32 {
        self.server.id()
    }

    pub fn witness_cpu(&self) -> Duration {
        self.witnesses.iter().map(|witness| process::cpu(witness.id())).sum()
    }

    /// The recorder that a window started, while it is its child.
    pub fn recorder_of(&self, window: &Window) -> Option<u32> {
        process::tree(window.child.id()).into_iter().find(|pid| process::name(*pid).contains("session-recorder"))
    }

    /// What the recorder of a session has on its disk.
    pub fn spool_bytes(&self, session: u32) -> anyhow::Result<u64> {
        let servers = self.dir.join("home/.local/state/hikeshi/sessions");
        for server in std::fs::read_dir(servers)?.flatten() {
            let blocks = server.path().join(format!("{}-{session}", self.emergency)).join("blocks");
            if let Ok(kept) = std::fs::metadata(blocks) {
                return Ok(kept.len());
            }
        }
        bail!("session {session} has no spool")
    }

    /// What the server keeps. Its write-ahead log is used again and again, up to 16 MB: what is in it is brought into the database first.
    pub fn data_bytes(&self) -> anyhow::Result<u64> {
        let database = rusqlite::Connection::open(self.dir.join("data/hikeshi.db"))?;
        database.busy_timeout(Duration::from_secs(10))?;
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let files = std::fs::read_dir(self.dir.join("data"))?.flatten().filter_map(|entry| entry.metadata().ok());
        Ok(files.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()).sum())
    }

    /// The bytes that the terminal printed, as the record has them.
    pub fn export_raw(&self, session: u32, file: &Path) -> anyhow::Result<()> {
        let (number, out) = (session.to_string(), file.display().to_string());
        let words = ["emergency", "recording", &self.emergency, "--session", &number, "--format", "raw", "--out", &out];
        self.ask(EXECUTOR, &words).map(drop)
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    /// As a crash, and a new one at once.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.server = serve(&self.binary, &self.dir)?.0;
        Ok(())
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        for child in self.witnesses.iter_mut().chain([&mut self.server]) {
            if child.kill().is_ok() {
                drop(child.wait());
            }
        }
        for pid in &self.recorders {
            let Some(pid) = i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw) else { continue };
            if process::name(pid.as_raw_nonzero().get().unsigned_abs()).contains("session-recorder") {
                // One that has ended meanwhile needs no ending.
                if rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_err() {
                    continue;
                }
            }
        }
    }
}

fn environment(dir: &Path, port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("PATH", "/usr/bin:/bin".to_owned()),
        ("HOME", dir.join("home").display().to_string()),
        ("TERM", "xterm".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("HIKESHI_URL", format!("http://localhost:{port}")),
        ("HIKESHI_LANG", "en".to_owned()),
    ]
}

fn program(binary: &Path, dir: &Path, port: u16) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir).env_clear().envs(environment(dir, port)).stdin(Stdio::null());
    command
}

fn serve(binary: &Path, dir: &Path) -> anyhow::Result<(Child, Value)> {
    let mut command = program(binary, dir, 0);
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("server.log"))?;
    let mut child = command.args(["--json", "serve"]).stdout(Stdio::piped()).stderr(log).spawn()?;
    let mut line = String::new();
    let began = Instant::now();
    BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
    let said: Value = serde_json::from_str(&line).with_context(|| format!("after {:?} the server said {line:?}", began.elapsed()))?;
    Ok((child, said.get("data").cloned().unwrap_or_default()))
}

fn answer(done: &std::process::Output) -> anyhow::Result<Value> {
    let text = String::from_utf8_lossy(&done.stdout);
    ensure!(done.status.success(), "{text} {}", String::from_utf8_lossy(&done.stderr));
    Ok(serde_json::from_str::<Value>(text.trim())?.get("data").cloned().unwrap_or_default())
}

fn made(data: &Value) -> anyhow::Result<String> {
    data.pointer("/receipt/made").and_then(Value::as_str).map(str::to_owned).with_context(|| format!("nothing was made: {data}"))
}
