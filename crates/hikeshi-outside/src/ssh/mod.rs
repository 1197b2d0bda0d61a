//! Targets on another host, reached by the system's own `ssh` (rule R10): it never asks anything, believes no host key that was not known before,
//! and notices within seconds when the other end is gone.
//!
//! Here: the arguments of `ssh`, what its end means ([`Trouble`]), and the look before a terminal opens ([`prove`]). The server's hands over there:
//! [`client`] is its own side, [`far`] the other one, [`frame`] what goes between them, [`push`] how the program gets there.

mod client;
mod far;
mod frame;
mod push;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hikeshi_domain::ids::Digest;
use hikeshi_domain::policy::SshPlace;
use hikeshi_domain::signature::ssh::PublicKey;
use tokio::process::{Child, Command};

pub(crate) use client::{Memory, look, perform, tail};
pub use far::hands;

use crate::Options;
use crate::host::spool::{make_private, write_durably};

/// How `ssh` says that it could not get there, or lost the way.
pub(crate) const SSH_FAILED: i32 = 255;
/// The name under which pinned host keys are kept; that of the destination does not matter then.
const PINNED: &str = "hikeshi-target";
/// The longest path of a control socket that every system takes, with what ssh adds to it while it is being made.
const SOCKET_CHARS_MAX: usize = 80;
const PROVE_WITHIN: Duration = Duration::from_secs(60);
const DETAIL_CHARS_MAX: usize = 300;
/// What the look before a terminal says by its exit code.
const NO_ROOT: i32 = 71;
const NO_BACKUP: i32 = 73;

/// Why nothing can be done on a target's host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error(
        "the host key of {destination} is not known, or is another one than it was ({detail}). Compare it with the host's own, then add it to \
         known_hosts of whoever connects, or to host_keys of the target in the policy"
    )]
    HostKey { destination: String, detail: String },
    #[error(
        "{destination} does not let us sign in ({detail}). Nobody is asked for a password: a key must do, from the agent or without passphrase"
    )]
    SignIn { destination: String, detail: String },
    #[error("{destination} cannot be reached, or the connection was lost ({detail})")]
    Unreachable { destination: String, detail: String },
    #[error(
        "our program cannot run on {destination} ({detail}). If that host has another processor or system, or its home allows no programs, install \
         a hikeshi of version {version} there, and name it in the policy: ssh.hands = \"/usr/local/bin/hikeshi\""
    )]
    CannotRun { destination: String, detail: String, version: &'static str },
    #[error("the hikeshi on {destination} is another one than the server ({theirs}, not {ours}). Install the same version there")]
    OtherVersion { destination: String, theirs: String, ours: &'static str },
    #[error("{root} is not on {destination}")]
    NoRoot { destination: String, root: String },
    #[error("the backup {backup} is not on {destination}: this is another host than the one that the server reaches")]
    NoBackup { destination: String, backup: String },
    #[error("this machine cannot begin: {0}")]
    Here(String),
}

impl Trouble {
    /// Whether the same may well work in a moment, without anybody doing anything.
    fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// One way to one host, for one user of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Way<'a> {
    pub(crate) place: &'a SshPlace,
    /// Instead of the configuration of the user.
    pub(crate) config: Option<&'a Path>,
    pub(crate) identity: Option<&'a Path>,
    /// A private directory for what ssh must be given as files.
    pub(crate) dir: &'a Path,
    /// The socket of the connection that several calls share.
    pub(crate) control: Option<PathBuf>,
}

impl Way<'_> {
    /// Everything before the remote command. What the user's own configuration says counts only where these are silent.
    pub(crate) fn arguments(&self) -> io::Result<Vec<OsString>> {
        let mut all: Vec<OsString> = Vec::new();
        if let Some(config) = self.config {
            all.extend(["-F".into(), config.into()]);
        }
        let mut set = |option: &str| all.extend(["-o".into(), option.into()]);
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            "ConnectTimeout=10",
            "ConnectionAttempts=1",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "ClearAllForwardings=yes",
            "ForwardAgent=no",
            "GSSAPIDelegateCredentials=no",
            "ForwardX11=no",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "EscapeChar=none",
            "LogLevel=INFO",
        ] {
            set(option);
        }
        match &self.control {
            Some(socket) => {
                set("ControlMaster=auto");
                set("ControlPersist=60");
                set(&format!("ControlPath=\"{}\"", percent(&socket.display().to_string())));
            }
            None => {
                set("ControlMaster=no");
                set("ControlPath=none");
            }
        }
        if let Some(known) = self.known_hosts()? {
            set(&format!("UserKnownHostsFile=\"{}\"", percent(&known.display().to_string())));
            set("GlobalKnownHostsFile=/dev/null");
            set(&format!("HostKeyAlias={PINNED}"));
            set("CheckHostIP=no");
            set("VerifyHostKeyDNS=no");
            // Older ones do not know it, and then have nothing that it could switch off.
            set("IgnoreUnknown=KnownHostsCommand,GSSAPIKeyExchange");
            set("KnownHostsCommand=none");
            // It would prove the host by Kerberos, without any host key.
            set("GSSAPIKeyExchange=no");
        }
        if self.identity.is_some() {
            set("IdentitiesOnly=yes");
        }
        if let Some(identity) = self.identity {
            all.extend(["-i".into(), identity.into()]);
        }
        if let Some(port) = self.place.port {
            all.extend(["-p".into(), port.to_string().into()]);
        }
        Ok(all)
    }

    /// The host keys of the policy as a file of ssh; `None`: the user's `known_hosts` must know the host.
    fn known_hosts(&self) -> io::Result<Option<PathBuf>> {
        if self.place.host_keys.is_empty() {
            return Ok(None);
        }
        let lines: Vec<String> = self
            .place
            .host_keys
            .iter()
            .filter_map(|key| PublicKey::parse(key).ok())
            .map(|key| format!("{PINNED} {}\n", key.line()))
            .collect();
        let text = lines.concat();
        let file = self.dir.join(format!("{}.known_hosts", Digest::of(text.as_bytes()).short()));
        make_private(self.dir)?;
        if std::fs::read_to_string(&file).ok().as_deref() != Some(&text) {
            write_durably(&file, text.as_bytes())?;
        }
        Ok(Some(file))
    }

    /// A command there, without a terminal. Its environment is what `ssh` itself needs.
    pub(crate) fn command(&self, env: &BTreeMap<OsString, OsString>, remote: &str) -> io::Result<Command> {
        let mut command = Command::new("ssh");
        command.arg("-T").args(self.arguments()?).arg("--").arg(&self.place.destination).arg(remote);
        command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        for name in ["PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"] {
            if let Some(value) = env.get(OsStr::new(name)) {
                command.env(name, value);
            }
        }
        Ok(command)
    }

    /// A program that cannot even be started.
    pub(crate) fn here(error: &io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::NotFound => Trouble::Here("ssh is not installed here".to_owned()),
            _ => Trouble::Here(error.to_string()),
        }
    }

    /// What it means that `ssh` could not do it.
    pub(crate) fn trouble(&self, said: &str) -> Trouble {
        let (destination, detail) = (self.place.label(), last_words(said));
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if says(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED", "no matching host key", "host key is known for"]) {
            Trouble::HostKey { destination, detail }
        } else if says(&["Permission denied", "Too many authentication failures", "bad permissions", "No supported authentication"]) {
            Trouble::SignIn { destination, detail }
        } else {
            Trouble::Unreachable { destination, detail }
        }
    }
}

/// The way of the server's own hands: with the key and the configuration that the policy names.
pub(crate) fn server_way<'a>(place: &'a SshPlace, dir: &'a Path, control: Option<PathBuf>) -> Way<'a> {
    let path = |file: &'a Option<String>| file.as_deref().map(Path::new);
    Way { place, config: path(&place.config_file), identity: path(&place.identity_file), dir, control }
}

/// Starts a command over there that is no work of an exception. Whoever waits for its end reads what it prints.
pub(crate) fn start(options: &Options, place: &SshPlace, remote: &str) -> Result<Child, Trouble> {
    let here = |error: io::Error| Trouble::Here(error.to_string());
    let dir = options.spool.join("ssh");
    let way = server_way(place, &dir, control_socket(&options.env, place, &options.ledger));
    way.command(&options.env, remote).map_err(here)?.spawn().map_err(|error| Way::here(&error))
}

/// A path where ssh would read `%h` and the like.
fn percent(path: &str) -> String {
    path.replace('%', "%%")
}

/// One word for the shell over there.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The end of what was said, on one line, without the frame that ssh draws around a warning.
pub(crate) fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.chars().all(|char| char == '@') && !line.starts_with("@ "))
        .collect();
    let from = lines.len().saturating_sub(3);
    let line = lines.get(from..).unwrap_or_default().join(" ");
    let visible: String = line.chars().filter(|char| !char.is_control()).take(DETAIL_CHARS_MAX).collect();
    if visible.is_empty() { "ssh said nothing".to_owned() } else { visible }
}

/// A private directory with a short path, for the sockets of shared connections. `None`: each call connects by itself.
fn sockets(env: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    let uid = rustix::process::getuid().as_raw();
    let runtime = env.get(OsStr::new("XDG_RUNTIME_DIR")).map(PathBuf::from).filter(|dir| dir.is_absolute());
    runtime.into_iter().map(|dir| dir.join("hikeshi-ssh")).chain([PathBuf::from(format!("/tmp/hikeshi-ssh-{uid}"))]).find(|dir| {
        let made = std::fs::DirBuilder::new().mode(0o700).create(dir);
        // Somebody else may have made it before: then it is not used.
        let private = std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid && meta.mode() & 0o077 == 0);
        made.is_ok() || private
    })
}

/// The socket of this way: another configuration, another key, or another ledger is another connection.
pub(crate) fn control_socket(env: &BTreeMap<OsString, OsString>, place: &SshPlace, ledger: &str) -> Option<PathBuf> {
    let way = serde_json::to_string(place).unwrap_or_default();
    let name = Digest::of(format!("{ledger}\n{way}").as_bytes()).short();
    sockets(env).map(|dir| dir.join(name)).filter(|socket| socket.as_os_str().len() <= SOCKET_CHARS_MAX)
}

/// Whether a terminal can begin there: the way is open, and root and backup are where the server's hands found them. Asks nobody anything.
pub async fn prove(
    place: &SshPlace,
    config: Option<&Path>,
    dir: &Path,
    env: &BTreeMap<OsString, OsString>,
    root: &str,
    backup: &str,
) -> Result<(), Trouble> {
    let here = |error: io::Error| Trouble::Here(error.to_string());
    let way = Way { place, config, identity: None, dir, control: None };
    let script = format!("[ -d \"$1\" ] || exit {NO_ROOT}; [ -e \"$2\" ] || exit {NO_BACKUP}; exit 0");
    let remote = format!("exec sh -c {} hikeshi {} {}", quoted(&script), quoted(root), quoted(backup));
    let child = way.command(env, &remote).map_err(here)?.spawn().map_err(|error| Way::here(&error))?;
    let destination = place.label();
    let done = match tokio::time::timeout(PROVE_WITHIN, child.wait_with_output()).await {
        Ok(done) => done.map_err(here)?,
        Err(_) => return Err(Trouble::Unreachable { destination, detail: "no answer in time".to_owned() }),
    };
    let said = String::from_utf8_lossy(&done.stderr);
    match done.status.code() {
        Some(0) => Ok(()),
        Some(NO_ROOT) => Err(Trouble::NoRoot { destination, root: root.to_owned() }),
        Some(NO_BACKUP) => Err(Trouble::NoBackup { destination, backup: backup.to_owned() }),
        Some(SSH_FAILED) | None => Err(way.trouble(&said)),
        Some(_) => Err(Trouble::Unreachable { destination, detail: last_words(&said) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_becomes_what_a_person_can_do() {
        let place = SshPlace::at("deploy@app1");
        let way = Way { place: &place, config: None, identity: None, dir: Path::new("/nowhere"), control: None };
        let unknown = "No ED25519 host key is known for app1 and you have requested strict checking.\r\nHost key verification failed.\r\n";
        assert!(matches!(way.trouble(unknown), Trouble::HostKey { .. }));
        assert!(matches!(way.trouble("deploy@app1: Permission denied (publickey).\r\n"), Trouble::SignIn { .. }));
        assert!(matches!(way.trouble("ssh: connect to host app1 port 22: Connection refused\r\n"), Trouble::Unreachable { .. }));
        assert!(!way.trouble(unknown).passes(), "waiting does not help");
        assert_eq!(last_words("@@@@@\n@  WARNING  @\n@@@@@\nIt has changed.\n\u{1b}[1mfailed.\n"), "It has changed. [1mfailed.");
    }

    #[test]
    fn arguments_never_ask_and_never_believe_a_new_key() {
        let mut place = SshPlace::at("deploy@app1");
        place.port = Some(2222);
        let way = Way { place: &place, config: None, identity: None, dir: Path::new("/nowhere"), control: Some("/run/a b/50%".into()) };
        let text: Vec<String> = way.arguments().expect("arguments").iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        for wanted in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "GSSAPIDelegateCredentials=no",
            "ControlPath=\"/run/a b/50%%\"",
            "ServerAliveInterval=5",
        ] {
            assert!(text.iter().any(|arg| arg == wanted), "{wanted}: {text:?}");
        }
        assert_eq!(text.last().map(String::as_str), Some("2222"));
    }

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("a'b c"), r"'a'\''b c'");
    }
}
