//! A witnessed terminal with real processes: the shell in a pty, its recorder, the server, and witnesses who watch. What must hold the
//! keys holds them, and nothing that was typed meanwhile is executed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hikeshi_domain::session::record::{Frame, frames};
use serde_json::Value;

use super::harness::{PLAN, PROGRAM, Workspace, until};

pub const EVERYONE: &[&str] = &["tanaka", "sato", "suzuki", "takahashi", "ito"];
pub const RELEASED: &str = "Keys pass";
pub const HELD: &str = "Keys are held";

/// An exception whose plan is a terminal, with its backup taken and two people who have joined.
pub struct Night {
    pub workspace: Workspace,
    pub emergency: String,
}

impl Night {
    pub fn new(name: &str) -> Self {
        Self::with(name, "[plan.terminal]\n", "", &["takahashi", "ito"])
    }

    pub fn with(name: &str, terminal: &str, policy: &str, witnesses: &[&str]) -> Self {
        Self::prepared(name, terminal, policy, witnesses, |_| {})
    }

    /// The same with more under the root before the backup is taken.
    pub fn prepared(name: &str, terminal: &str, policy: &str, witnesses: &[&str], prepare: impl FnOnce(&Workspace)) -> Self {
        let night = Self::agreed(name, terminal, policy, witnesses, prepare);
        night.workspace.ok("tanaka", &["emergency", "start", &night.emergency]);
        night
    }

    /// Everything is agreed, and nothing has begun.
    pub fn approved(name: &str, terminal: &str, policy: &str, witnesses: &[&str]) -> Self {
        Self::agreed(name, terminal, policy, witnesses, |_| {})
    }

    fn agreed(name: &str, terminal: &str, policy: &str, witnesses: &[&str], prepare: impl FnOnce(&Workspace)) -> Self {
        let mut workspace = Workspace::new(name);
        prepare(&workspace);
        let file = workspace.path("hikeshi.toml");
        let text = std::fs::read_to_string(&file).expect("the policy");
        std::fs::write(&file, format!("{text}{policy}")).expect("written");
        let (head, rest) = PLAN.split_once("[[plan.steps]]").expect("steps");
        let checks = rest.split_once("[[plan.verification.solved]]").expect("checks").1;
        let plan = format!("{head}{terminal}[[plan.verification.solved]]{checks}");
        std::fs::write(workspace.path("plan.toml"), plan).expect("written");
        workspace.begin(EVERYONE);
        let incident = workspace.open_incident();
        let emergency = workspace.request(&incident);
        workspace.approve(&emergency);
        for person in witnesses {
            workspace.ok(person, &["emergency", "join", &emergency]);
        }
        Self { workspace, emergency }
    }

    pub fn watch(&self, person: &str) -> Watching {
        self.watch_by(person, self.workspace.port)
    }

    /// Watches over another port than the server's own.
    pub fn watch_by(&self, person: &str, port: u16) -> Watching {
        let mut command = self.workspace.as_person(person);
        command.env("HIKESHI_URL", format!("http://localhost:{port}"));
        command.args(["emergency", "watch", &self.emergency]).stdout(Stdio::null()).stderr(Stdio::null());
        Watching(command.spawn().expect("watching"))
    }

    pub fn shell(&self) -> Terminal {
        self.shell_with(&[])
    }

    pub fn shell_with(&self, env: &[(&str, &str)]) -> Terminal {
        Terminal::open(&self.workspace, &self.emergency, env)
    }

    pub fn session(&self) -> Value {
        self.workspace.ok("tanaka", &["emergency", "show", &self.emergency])["emergency"]["sessions"][0].clone()
    }

    /// The recording in this form.
    pub fn exported(&self, format: &str) -> Vec<u8> {
        let file = self.workspace.path("exported");
        let out = file.display().to_string();
        self.workspace.ok("tanaka", &["emergency", "recording", &self.emergency, "--format", format, "--out", &out]);
        std::fs::read(file).expect("the export")
    }

    pub fn frames(&self) -> Vec<Frame> {
        frames(&self.exported("frames")).expect("frames").into_iter().map(|(_, frame)| frame).collect()
    }

    pub fn root(&self, name: &str) -> PathBuf {
        self.workspace.path("root").join(name)
    }

    pub fn kill_recorder(&self) {
        assert!(Command::new("kill").args(["-9", &self.recorder()]).status().expect("kill").success());
    }

    /// What the recorder was told: without it none can begin.
    pub fn order(&self) -> PathBuf {
        let sessions = self.workspace.path(".local/state/hikeshi/sessions");
        let only = |dir: PathBuf| std::fs::read_dir(dir).expect("a directory").next().expect("one").expect("one").path();
        only(only(sessions)).join("order.json")
    }

    /// The recorder of this workspace's session.
    pub fn recorder(&self) -> String {
        let mark = format!("session-recorder {}", self.workspace.dir.display());
        let found = Command::new("pgrep").args(["-f", &mark]).output().expect("pgrep");
        String::from_utf8_lossy(&found.stdout).split_whitespace().next().expect("a recorder").to_owned()
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        let mark = format!("session-recorder {}", self.workspace.dir.display());
        let _ = Command::new("pkill").args(["-9", "-f", &mark]).status();
    }
}

pub struct Watching(pub Child);

impl Watching {
    pub fn leave(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The executor's window.
pub struct Terminal {
    child: Child,
    pty: File,
    screen: Arc<Mutex<String>>,
    read: usize,
}

impl Terminal {
    pub fn open(workspace: &Workspace, emergency: &str, env: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pty");
        pty.resize(pty_process::Size::new(30, 100)).expect("a size");
        let mut command = pty_process::blocking::Command::new(PROGRAM)
            .args(["emergency", "shell", emergency])
            .current_dir(&workspace.dir)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &workspace.dir)
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .env("HIKESHI_URL", workspace.url())
            .env("HIKESHI_LANG", "en")
            .env("HIKESHI_TOKEN", &workspace.tokens["tanaka"]);
        for (name, value) in env {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).expect("a terminal");
        let pty = File::from(pty.as_fd().try_clone_to_owned().expect("a handle"));
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut from, shown) = (pty.try_clone().expect("a handle"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 65536];
            while let Ok(count) = from.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                shown.lock().expect("screen").push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { child, pty, screen, read: 0 }
    }

    pub fn keys(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).expect("typed");
    }

    /// What is on the screen now is old.
    pub(super) fn forgets(&mut self) {
        self.read = self.screen.lock().expect("screen").len();
    }

    /// Waits for the words behind what was seen last; says how long it took.
    pub fn sees(&mut self, words: &str) -> Duration {
        let began = Instant::now();
        loop {
            let screen = self.screen.lock().expect("screen").clone();
            let rest = screen.get(self.read..).unwrap_or_default();
            if let Some(at) = rest.find(words) {
                self.read += at + words.len();
                return began.elapsed();
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{words:?} does not come: {rest}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn exit(mut self) {
        self.keys("exit\n");
        self.sees("ended");
        assert!(self.child.wait().expect("ended").success());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Types something that would leave a file, and makes sure that it does not.
pub fn nothing_is_executed(night: &Night, terminal: &mut Terminal, name: &str) {
    terminal.keys(&format!("touch config/{name}\n"));
    terminal.sees(HELD);
    std::thread::sleep(Duration::from_millis(700));
    assert!(!night.root(&format!("config/{name}")).exists(), "{name} was executed while keys were held");
}

#[test]
fn what_is_typed_is_recorded_watched_and_its_changes_are_known() {
    let night = Night::new("session");
    let mut terminal = night.shell();
    terminal.sees(HELD);
    nothing_is_executed(&night, &mut terminal, "early");
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    terminal.sees(RELEASED);
    terminal.keys("sed -i s/1/2/ config/app.toml; echo DO''NE\n");
    terminal.sees("DONE");
    until("the change is known", || {
        let shown = night.workspace.ok("tanaka", &["emergency", "show", &night.emergency]);
        shown["emergency"]["changes"][0]["path"] == "config/app.toml"
    });
    terminal.keys("false | (exit 3)\n");
    terminal.keys("echo 'password=swordfish99' 予約\n");
    terminal.sees("swordfish99");
    terminal.exit();
    let session = night.session();
    let typed: Vec<(&str, &Value, &Value)> = session["commands"]
        .as_array()
        .expect("commands")
        .iter()
        .map(|command| (command["text"].as_str().expect("a text"), &command["exit_code"], &command["pipeline"]))
        .collect();
    let (zero, three, pipeline, none) = (Value::from(0), Value::from(3), serde_json::json!([1, 3]), Value::Null);
    assert_eq!(
        typed,
        [
            ("sed -i s/1/2/ config/app.toml; echo DO''NE", &zero, &none),
            ("false | (exit 3)", &three, &pipeline),
            ("echo 'password=[masked]' 予約", &zero, &none),
            ("exit", &zero, &none),
        ]
    );
    assert_eq!(session["end"]["how"], "exited", "{session}");
    assert_eq!(session["end"]["code"], 0);
    let last = session["blocks"].as_u64().expect("blocks") - 1;
    for person in ["takahashi", "ito"] {
        assert_eq!(session["watched"][person]["to_block"], last, "{person}: {session}");
    }
    let shown = night.workspace.ok("tanaka", &["emergency", "show", &night.emergency]);
    let changes = &shown["emergency"]["changes"];
    assert_eq!((&changes[0]["path"], &changes[0]["kind"]), (&"config/app.toml".into(), &"modified".into()), "{changes}");
    assert_eq!(changes[0]["command"], serde_json::json!({"session": 1, "command": 1}), "{changes}");
    // The exception goes on as after a step: verified, closed, followed up.
    night.workspace.ok("tanaka", &["emergency", "verify", &night.emergency]);
    night.workspace.ok("tanaka", &["emergency", "close", &night.emergency]);
    let case = shown["incident"]["id"].as_str().expect("a case").to_owned();
    let bundle = night.workspace.path("case.zip");
    night.workspace.ok("tanaka", &["ledger", "export", &case, "--output", &bundle.display().to_string()]);
    night.workspace.ok("tanaka", &["ledger", "verify", "--bundle", &bundle.display().to_string()]);
}

#[test]
fn keys_are_recorded_where_the_plan_asks_for_them_and_no_secret_is() {
    let night = Night::with("typed-keys", "[plan.terminal]\nrecord_input = true\n", "", &["takahashi", "ito"]);
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    for part in ["echo --pass", "word=sword", "fish99; echo DO''NE\r"] {
        terminal.keys(part);
        std::thread::sleep(Duration::from_millis(100));
    }
    terminal.sees("DONE");
    terminal.keys("read -s word; echo \"got ${#word}\"\r");
    std::thread::sleep(Duration::from_millis(500));
    terminal.keys("correct-horse\r");
    terminal.sees("got 13");
    terminal.exit();
    let (mut typed, mut hidden) = (Vec::new(), 0);
    for frame in night.frames() {
        match frame {
            Frame::Input(keys) => typed.extend(keys),
            Frame::Hidden(keys) => hidden += keys,
            _ => {}
        }
    }
    let typed = String::from_utf8(typed).expect("text");
    assert!(typed.starts_with("echo --password=[masked]") && typed.contains("DO''NE\rread -s word"), "{typed}");
    assert!(!typed.contains("fish") && !typed.contains("horse"), "{typed}");
    assert_eq!(hidden, 14, "what is not shown is counted: {typed}");
}

#[test]
fn a_witness_who_goes_closes_the_gate_and_one_who_says_stop_too() {
    let night = Night::new("witness-gone");
    let (_a, b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    b.leave();
    let took = terminal.sees(HELD);
    assert!(took < Duration::from_secs(10), "held after {took:?}");
    nothing_is_executed(&night, &mut terminal, "gone");
    let _b = night.watch("ito");
    terminal.sees(RELEASED);
    night.workspace.ok("takahashi", &["emergency", "hold", &night.emergency, "--reason", "違うファイル"]);
    let took = terminal.sees(HELD);
    assert!(took < Duration::from_secs(2), "held after {took:?}");
    nothing_is_executed(&night, &mut terminal, "stopped");
    night.workspace.ok("ito", &["emergency", "resume", &night.emergency]);
    terminal.sees(RELEASED);
    terminal.keys("echo STILL''HERE\n");
    terminal.sees("STILLHERE");
    terminal.exit();
}

#[test]
fn the_same_person_twice_is_one_and_an_approver_is_no_senior() {
    // sato has approved: with ito there are two people, and no senior who did not approve.
    let night = Night::with(
        "approver",
        "[plan.terminal]\n",
        "witness_roles = [\"developer\", \"senior\", \"dev-lead\", \"cto\"]\n",
        &["takahashi", "ito", "sato"],
    );
    let (_a, _b) = (night.watch("sato"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees("senior and not the approver: 0/1");
    nothing_is_executed(&night, &mut terminal, "approver");
    let (_c, _d) = (night.watch("takahashi"), night.watch("takahashi"));
    terminal.sees(RELEASED);
    drop((_a, _b));
    terminal.sees("1/2");
    nothing_is_executed(&night, &mut terminal, "twice");
}

#[test]
fn a_full_disk_leaves_the_server_to_record_and_without_both_keys_are_held() {
    let night = Night::with("disk-full", "[plan.terminal]\n", "session_reserve_bytes = 262144\n", &["takahashi", "ito"]);
    let disk = Disk::mounted(&night.workspace.path("small"));
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell_with(&[("XDG_STATE_HOME", &disk.0.display().to_string())]);
    terminal.sees(RELEASED);
    // The disk fills up, and the room that was kept is used up by what cannot be packed.
    let _ = std::fs::write(disk.0.join("filler"), vec![7_u8; 4 << 20]);
    terminal.keys("head -c 1000000 /dev/urandom | base64; echo FUL''L\n");
    terminal.sees("FULL");
    until("keys pass: the server has the record", || {
        terminal.keys("touch config/on-the-server\n");
        std::thread::sleep(Duration::from_millis(500));
        night.root("config/on-the-server").exists()
    });
    let mut night = night;
    terminal.forgets();
    night.workspace.kill();
    terminal.sees(HELD);
    nothing_is_executed(&night, &mut terminal, "nowhere");
    night.workspace.start();
    terminal.sees(RELEASED);
    terminal.exit();
    assert_eq!(night.session()["gaps"], Value::Array(Vec::new()));
}

#[test]
fn output_that_nobody_can_keep_runs_on_and_is_told_as_a_gap() {
    let night = Night::with("nowhere", "[plan.terminal]\n", "session_reserve_bytes = 262144\n", &["takahashi", "ito"]);
    let disk = Disk::mounted(&night.workspace.path("small"));
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell_with(&[("XDG_STATE_HOME", &disk.0.display().to_string())]);
    terminal.sees(RELEASED);
    let _ = std::fs::write(disk.0.join("filler"), vec![7_u8; 4 << 20]);
    // More than the disk and the recorder's memory hold, while there is no server.
    terminal.keys(
        "until [ -e config/go ]; do sleep 0.1; done; head -c 9000000 /dev/urandom | base64 -w 76; touch config/drained; echo FUL''L\n",
    );
    std::thread::sleep(Duration::from_millis(500));
    let mut night = night;
    night.workspace.kill();
    terminal.sees(HELD);
    std::fs::write(night.root("config/go"), "").expect("written");
    until("what runs is not frozen", || night.root("config/drained").exists());
    nothing_is_executed(&night, &mut terminal, "nowhere");
    night.workspace.start();
    terminal.sees(RELEASED);
    terminal.forgets();
    terminal.keys("echo AF''TER\n");
    terminal.sees("AFTER");
    terminal.exit();
    let session = night.session();
    let gaps = session["gaps"].as_array().expect("gaps");
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap["why"] == "not_stored"), "{session}");
    let lost: u64 = gaps.iter().map(|gap| gap["bytes"].as_u64().expect("a count")).sum();
    let flood = 9_000_000_u64.div_ceil(57) * 78;
    assert!(lost > flood / 4 && lost < flood, "{lost} of about {flood} bytes");
    // What was recorded and what was lost are all of it: the export has the rest.
    let recorded = night.exported("raw").len() as u64;
    assert!(lost + recorded >= flood && lost + recorded < flood + 20_000, "{lost} lost, {recorded} recorded, {flood} printed");
}

#[test]
fn a_detached_terminal_keeps_its_shell_and_holds_its_keys() {
    let night = Night::new("detached");
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    terminal.keys("export MARK=still-the-same\n");
    std::thread::sleep(Duration::from_millis(300));
    terminal.keys("\u{1d}d");
    terminal.sees("Detached");
    assert!(terminal.child.wait().expect("ended").success());
    let mut again = night.shell();
    again.sees(RELEASED);
    again.keys("echo \"it is $MARK\"\n");
    again.sees("it is still-the-same");
    again.exit();
}

/// A small disk of its own, gone with the test.
struct Disk(PathBuf);

impl Disk {
    fn mounted(at: &std::path::Path) -> Self {
        std::fs::create_dir_all(at).expect("made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(at).status().expect("mount");
        assert!(mounted.success(), "a small disk needs the right to mount");
        Self(at.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
