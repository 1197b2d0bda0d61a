//! A whole witnessed session whose target is another host: a real OpenSSH server on loopback, reached by the server's hands and by the
//! executor's terminal, lost in the middle, and never believed when its key is another one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::harness::{read, text, until};
use super::session::{HELD, Night, RELEASED, Terminal};
use super::sshd::Sshd;

struct Far {
    night: Night,
    sshd: Sshd,
    config: PathBuf,
}

fn sshd(name: &str) -> Sshd {
    Sshd::start(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sshd-{name}-{}", std::process::id())))
}

fn policy(sshd: &Sshd, more: &str) -> String {
    format!("\n[targets.web-prod.ssh]\ndestination = \"{}\"\nport = {}\n{more}\n", Sshd::destination(), sshd.port)
}

impl Far {
    fn new(name: &str) -> Self {
        Self::with(name, "[plan.terminal]\n")
    }

    fn with(name: &str, terminal: &str) -> Self {
        let sshd = sshd(name);
        let more = format!("identity_file = \"{}\"\nhost_keys = [\"{}\"]", sshd.identity(), sshd.host_key());
        let night = Night::with(name, terminal, &policy(&sshd, &more), &["takahashi", "ito"]);
        let config = sshd.client_config("executor", None);
        Self { night, sshd, config }
    }

    fn shell(&self) -> Terminal {
        self.night.shell_with(&[("HIKESHI_SSH_CONFIG", &self.config.display().to_string())])
    }

    fn shown(&self) -> Value {
        self.night.workspace.ok("tanaka", &["emergency", "show", &self.night.emergency])["emergency"].clone()
    }
}

#[test]
fn a_session_on_another_host_is_watched_recorded_and_undone_there() {
    let far = Far::new("far");
    let night = &far.night;
    let backup = far.shown()["backup"]["path"].as_str().expect("a backup").to_owned();
    assert!(Path::new(&backup).is_dir(), "{backup}");
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = far.shell();
    terminal.sees(RELEASED);
    terminal.keys("echo \"$HOME ${SSH_CONNECTION:+over-}ssh $(stty size)\"\n");
    terminal.sees(&format!("{} over-ssh 30 100", far.sshd.home().display()));
    terminal.keys("sed -i s/1/2/ config/app.toml; echo DO''NE\n");
    terminal.sees("DONE");
    until("the change is known", || far.shown()["changes"][0]["path"] == "config/app.toml");
    terminal.keys("false | (exit 3)\n");
    terminal.keys("echo 'password=swordfish99' 予約\n");
    terminal.sees("swordfish99");
    terminal.exit();
    let session = night.session();
    let typed: Vec<(&str, &Value)> = session["commands"]
        .as_array()
        .expect("commands")
        .iter()
        .map(|command| (command["text"].as_str().expect("a text"), &command["exit_code"]))
        .skip(1)
        .collect();
    let (zero, three) = (Value::from(0), Value::from(3));
    assert_eq!(
        typed,
        [
            ("sed -i s/1/2/ config/app.toml; echo DO''NE", &zero),
            ("false | (exit 3)", &three),
            ("echo 'password=[masked]' 予約", &zero),
            ("exit", &zero),
        ]
    );
    assert_eq!((&session["end"]["how"], &session["end"]["code"]), (&"exited".into(), &zero), "{session}");
    assert_eq!(session["place"], format!("{}:{}", Sshd::destination(), far.sshd.port), "{session}");
    assert_eq!(session["commands"][1]["cwd"], night.root("").display().to_string().trim_end_matches('/'), "{session}");
    let changes = far.shown()["changes"].clone();
    assert_eq!((&changes[0]["path"], &changes[0]["kind"]), (&"config/app.toml".into(), &"modified".into()), "{changes}");
    assert_eq!(changes[0]["command"], serde_json::json!({"session": 1, "command": 2}), "{changes}");
    assert_eq!(read(&night.root("config/app.toml")), "value = 2\n");
    night.workspace.ok("tanaka", &["emergency", "restore", &night.emergency, "--reason", "やり直す", "--confirm", &night.emergency]);
    assert_eq!(read(&night.root("config/app.toml")), "value = 1\n");
    night.workspace.ok("tanaka", &["emergency", "close", &night.emergency]);
    assert_eq!(left_in(&far.sshd.home()), [".cache", ".local"], "the shell left no file of its own there");
}

fn left_in(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home).expect("a home").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_lost_host_ends_the_session_as_lost_and_the_work_goes_on_when_it_is_back() {
    let mut far = Far::new("far-lost");
    let (_a, _b) = (far.night.watch("takahashi"), far.night.watch("ito"));
    let mut terminal = far.shell();
    terminal.sees(RELEASED);
    terminal.keys("echo 'value = 3' > config/app.toml; echo WRIT''TEN; sleep 300\n");
    terminal.sees("WRITTEN");
    far.sshd.kill();
    std::thread::sleep(Duration::from_secs(1));
    far.sshd.begin();
    terminal.sees("connection to the target's host was lost");
    let session = far.night.session();
    assert_eq!(session["end"]["how"], "connection_lost", "{session}");
    let last = session["commands"].as_array().expect("commands").last().expect("a command").clone();
    assert_eq!((&last["exit_code"], &last["ended_at"]), (&Value::Null, &Value::Null), "nobody knows how it ended: {last}");
    until("the change is known", || far.shown()["changes"][0]["path"] == "config/app.toml");
    let mut terminal = far.shell();
    terminal.sees(RELEASED);
    terminal.keys("cat config/app.toml; echo BA''CK\n");
    terminal.sees("value = 3");
    terminal.sees("BACK");
    terminal.exit();
    assert_eq!(far.shown()["sessions"][1]["end"]["how"], "exited");
    let emergency = &far.night.emergency;
    far.night.workspace.ok("tanaka", &["emergency", "restore", emergency, "--reason", "戻す", "--confirm", emergency]);
    assert_eq!(read(&far.night.root("config/app.toml")), "value = 1\n");
}

#[test]
fn zsh_there_is_followed_too_and_a_killed_recorder_does_not_cost_the_connection() {
    let far = Far::with("far-zsh", "[plan.terminal]\nshell = \"zsh\"\n");
    // Without one zsh asks whether it shall make one.
    std::fs::write(far.sshd.home().join(".zshrc"), "").expect("written");
    let (_a, _b) = (far.night.watch("takahashi"), far.night.watch("ito"));
    let mut terminal = far.shell();
    terminal.sees(RELEASED);
    terminal.keys("echo \"$ZSH_VERSION\" > config/shell; echo BE''FORE\n");
    terminal.sees("BEFORE");
    let killed = std::process::Command::new("kill").args(["-9", &far.night.recorder()]).status().expect("kill");
    assert!(killed.success());
    terminal.sees("Recording goes on");
    terminal.sees(RELEASED);
    terminal.keys("(exit 5)\n");
    terminal.keys("echo AF''TER\n");
    terminal.sees("AFTER");
    terminal.exit();
    assert_ne!(read(&far.night.root("config/shell")).trim(), "", "it was zsh");
    let session = far.night.session();
    assert_eq!(session["gaps"][0]["why"], "recorder_lost", "{session}");
    let commands = session["commands"].as_array().expect("commands");
    assert!(commands.iter().any(|command| command["text"] == "(exit 5)" && command["exit_code"] == 5), "{session}");
    assert_eq!(left_in(&far.sshd.home()), [".cache", ".local", ".zshrc"]);
}

#[test]
fn keys_are_held_over_ssh_as_they_are_here() {
    let far = Far::new("far-held");
    let (_a, b) = (far.night.watch("takahashi"), far.night.watch("ito"));
    let mut terminal = far.shell();
    terminal.sees(RELEASED);
    b.leave();
    terminal.sees(HELD);
    super::session::nothing_is_executed(&far.night, &mut terminal, "gone");
    let _b = far.night.watch("ito");
    terminal.sees(RELEASED);
    let end = ["emergency", "end-session", &far.night.emergency, "--reason", "違う作業", "--confirm", "emg_1/1"];
    far.night.workspace.ok("ito", &end);
    until("a witness has ended it", || far.night.session()["end"]["how"] == "stopped");
}

#[test]
fn a_host_with_another_key_is_not_entered_by_the_terminal() {
    let sshd = sshd("far-unknown");
    let known = sshd.client_config("server", Some(&sshd.host_key()));
    let more = format!("config_file = \"{}\"", known.display());
    let night = Night::with("far-unknown", "[plan.terminal]\n", &policy(&sshd, &more), &["takahashi", "ito"]);
    let shell = |config: &Path| {
        let mut command = night.workspace.as_person("tanaka");
        command.args(["emergency", "shell", &night.emergency, "--ssh-config"]).arg(config).output().expect("ran")
    };
    let done = shell(&sshd.client_config("stranger", None));
    assert_eq!(done.status.code(), Some(2), "{}", text(&done));
    assert!(text(&done).contains("host key of") && text(&done).contains("could not be verified"), "{}", text(&done));
    let done = shell(&sshd.client_config("deceived", Some(&sshd.public("other"))));
    assert!(text(&done).contains("could not be verified"), "{}", text(&done));
    assert_eq!(night.session(), Value::Null, "no session was opened");
}

#[test]
fn a_backup_on_a_host_with_another_key_is_not_taken_and_the_reason_is_shown() {
    let sshd = sshd("far-key");
    let more = format!("identity_file = \"{}\"\nhost_keys = [\"{}\"]", sshd.identity(), sshd.public("other"));
    let night = Night::approved("far-key", "[plan.terminal]\n", &policy(&sshd, &more), &["takahashi", "ito"]);
    let done = night.workspace.run("tanaka", &["emergency", "start", &night.emergency]);
    assert_ne!(done.status.code(), Some(0), "{}", text(&done));
    assert!(text(&done).contains("host key"), "{}", text(&done));
    assert_eq!((left_in(&night.workspace.path("backups")), left_in(&sshd.home())), (Vec::new(), Vec::new()), "nothing was begun");
}

#[test]
fn a_step_there_outlives_the_server_and_runs_once() {
    let step = "[[plan.steps]]\ntitle = \"直す\"\nrun = '''\necho \"$HOME\" >> config/ran\necho 'value = 2' > config/app.toml\n\
                until [ -e ../go ]; do sleep 0.1; done\necho 終わり\n'''\n";
    let mut far = Far::with("far-step", step);
    let emergency = far.night.emergency.clone();
    let mut starting = far.night.workspace.as_person("tanaka");
    let mut starting = starting.args(["--json", "emergency", "step", &emergency, "1"]).stdout(Stdio::null()).spawn().expect("started");
    let ran = far.night.root("config/ran");
    until("the step runs over there", || ran.exists());
    far.night.workspace.kill();
    let _ = starting.kill();
    let _ = starting.wait();
    // It goes on while nobody can ask, and ends so.
    std::fs::write(far.night.workspace.path("go"), "").expect("written");
    std::thread::sleep(Duration::from_secs(1));
    far.night.workspace.start();
    until("its end is known", || far.shown()["steps"][0]["is"] == "ended");
    let shown = far.shown();
    assert_eq!((&shown["steps"][0]["exit_code"], &shown["attempts"][0]), (&0.into(), &1.into()), "{shown}");
    assert_eq!(read(&ran), format!("{}\n", far.sshd.home().display()), "once, and over there");
    let paths: Vec<&Value> = shown["changes"].as_array().expect("changes").iter().map(|change| &change["path"]).collect();
    assert_eq!(paths, ["config/app.toml", "config/ran"], "{shown}");
    far.night.workspace.ok("tanaka", &["emergency", "verify", &emergency]);
    far.night.workspace.ok("tanaka", &["emergency", "close", &emergency]);
    assert_eq!(far.shown()["ending"], "solved");
}
