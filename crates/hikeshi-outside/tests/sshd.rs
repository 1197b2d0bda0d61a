//! A real OpenSSH server on loopback, with keys and configuration of its own: a target's host for tests. Also used by the tests of the binary.
//!
//! Whoever signs in there has a home of their own, so that it shows what is left on a host.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/sshd";

pub struct Sshd {
    pub dir: PathBuf,
    pub port: u16,
    child: Option<Child>,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            let _gone = fs::remove_dir_all(&self.dir);
        }
    }
}

fn key(file: &Path) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(file).status().expect("ssh-keygen");
    assert!(made.success());
}

impl Sshd {
    /// Makes everything anew in `dir` and starts.
    pub fn start(dir: &Path) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: `./test tools` installs it (Debian's openssh-server)");
        let _old = fs::remove_dir_all(dir);
        fs::create_dir_all(dir.join("home")).expect("a home");
        for name in ["host", "user", "other"] {
            key(&dir.join(name));
        }
        fs::copy(dir.join("user.pub"), dir.join("authorized_keys")).expect("copied");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
        let at = dir.display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized_keys\nPidFile none\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nStrictModes no\nPrintMotd no\n\
             SetEnv HOME={at}/home\n"
        );
        fs::write(dir.join("sshd_config"), config).expect("written");
        let mut made = Self { dir: dir.to_owned(), port, child: None };
        made.begin();
        made
    }

    /// Starts it, and waits until it listens.
    pub fn begin(&mut self) {
        if is_root() {
            // Where Debian's service would have made it.
            fs::create_dir_all("/run/sshd").expect("/run/sshd");
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("sshd.log")).expect("a log");
        let mut command = Command::new(PROGRAM);
        command.args(["-D", "-e", "-f"]).arg(self.dir.join("sshd_config")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("sshd"));
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "sshd does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("sshd.log")).unwrap_or_default()
    }

    /// As when the host loses its network: the server and every connection are gone. What was started there is not touched.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let mut sessions = Vec::new();
        descendants(child.id(), &mut sessions);
        let _killed = child.kill();
        let _ended = child.wait();
        for pid in sessions {
            let _killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }

    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub fn user() -> String {
        let id = Command::new("id").arg("-un").output().expect("id");
        String::from_utf8_lossy(&id.stdout).trim().to_owned()
    }

    pub fn destination() -> String {
        format!("{}@127.0.0.1", Self::user())
    }

    /// The host's public key, without its comment.
    pub fn host_key(&self) -> String {
        self.public("host")
    }

    pub fn public(&self, name: &str) -> String {
        let line = fs::read_to_string(self.dir.join(format!("{name}.pub"))).expect("a key");
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    pub fn identity(&self) -> String {
        self.dir.join("user").display().to_string()
    }

    /// A configuration of ssh that signs in with this key and believes this file of host keys.
    pub fn client_config(&self, name: &str, known: Option<&str>) -> PathBuf {
        let file = self.dir.join(name);
        let hosts = self.dir.join(format!("{name}.known"));
        fs::write(&hosts, known.map(|key| format!("[127.0.0.1]:{} {key}\n", self.port)).unwrap_or_default()).expect("written");
        let text = format!(
            "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n",
            self.identity(),
            hosts.display()
        );
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("private");
        file
    }
}

fn is_root() -> bool {
    Sshd::user() == "root"
}

/// The processes of this server that hold a connection; not what they have started.
fn descendants(parent: u32, found: &mut Vec<u32>) {
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state parent …`, and the name may hold anything.
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { continue };
        let of = rest.split_whitespace().nth(1).and_then(|word| word.parse::<u32>().ok());
        if of == Some(parent) && name.starts_with("sshd") {
            found.push(pid);
            descendants(pid, found);
        }
    }
}
