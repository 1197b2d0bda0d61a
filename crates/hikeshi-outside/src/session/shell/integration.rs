//! Starting a shell that marks its commands, without touching a file of the host: arguments, environment, and one file for a private
//! temporary directory; or one command line for the far end of `ssh -tt`. What the shells then do stands in `hikeshi.bash` and `hikeshi.zsh`.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What only our marks know. Anyone who reads the recorded bytes or the shell's variables knows it too: it stops programs and pasted text, not the operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// From dice of the caller.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellKind {
    Bash,
    Zsh,
}

impl ShellKind {
    /// By the name of the program; nothing for shells that are not integrated.
    pub fn of(program: &Path) -> Option<Self> {
        match program.file_name()?.to_str()? {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            _ => None,
        }
    }
}

/// How a shell begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Startup {
    /// As a new window of a terminal: `~/.bashrc`; `.zshenv`, `.zshrc`.
    Interactive,
    /// As after signing in: `/etc/profile` and `~/.bash_profile`; for zsh also `.zprofile` and `.zlogin`.
    Login,
}

/// What to start. The files belong into the directory that [`Integration::launch`] was given, writable and readable by their owner alone;
/// they can be removed when the first own mark was seen, and must be when the shell has ended (zsh removes its own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// One shell, one nonce.
#[derive(Debug, Clone)]
pub struct Integration {
    kind: ShellKind,
    nonce: Nonce,
}

const BASH: &str = include_str!("hikeshi.bash");
const ZSH: &str = include_str!("hikeshi.zsh");
const STARTER: &str = include_str!("starter.sh");

impl Integration {
    pub fn new(kind: ShellKind, nonce: Nonce) -> Self {
        Self { kind, nonce }
    }

    /// For this host. `zdotdir` is the user's own `ZDOTDIR`, if there is one.
    pub fn launch(&self, program: &Path, startup: Startup, dir: &Path, zdotdir: Option<&OsStr>) -> Launch {
        let login = match startup {
            Startup::Interactive => 0,
            Startup::Login => 1,
        };
        let (bash, zsh) = scripts(&self.nonce);
        let (packed_bash, packed_zsh) = (base64(&bash), base64(&zsh));
        let prelude = format!("__hk_depth=1 __hk_login={login} __hk_bash={packed_bash} __hk_zsh={packed_zsh}\n");
        let mut launch = Launch { program: program.to_owned(), args: Vec::new(), env: Vec::new(), files: Vec::new() };
        match self.kind {
            ShellKind::Bash => {
                let rc = dir.join("rc");
                launch.args = vec!["--rcfile".into(), rc.clone().into_os_string(), "-i".into()];
                launch.files.push((rc, format!("{prelude}{bash}").into_bytes()));
            }
            ShellKind::Zsh => {
                if startup == Startup::Login {
                    launch.args.push("-l".into());
                }
                launch.args.push("-i".into());
                launch.env.push(("ZDOTDIR".into(), dir.as_os_str().to_owned()));
                launch.env.push(("HIKESHI_ZDOTDIR".into(), zdotdir.unwrap_or_default().to_owned()));
                // Bytes of a path that are no text come through the environment, not through the script.
                let file = format!("{prelude}__hk_dir=$ZDOTDIR\n{zsh}");
                launch.files.push((dir.join(".zshenv"), file.into_bytes()));
            }
        }
        launch
    }
}

/// One argument for `ssh -tt host`: begins the user's shell there, integrated when it is a bash or zsh and `base64` exists, plain otherwise.
/// For any login shell that knows single quotes (sh, dash, bash, zsh, fish, csh). Nothing stays on the far host: bash reads a pipe, zsh a temporary
/// directory that it removes at its first prompt.
pub fn remote_command(nonce: &Nonce) -> String {
    format!("exec sh -c {}", remote_words(nonce))
}

/// What `sh -c` is given for that.
pub(crate) fn remote_words(nonce: &Nonce) -> String {
    let (bash, zsh) = scripts(nonce);
    format!("{} 1 {} {}", starter(), base64(&bash), base64(&zsh))
}

/// On one line: csh does not know quotes around several.
fn starter() -> String {
    format!("'{}'", STARTER.trim().replace("\n", " "))
}

fn scripts(nonce: &Nonce) -> (String, String) {
    let starter = format!("'{}'", format!("exec sh -c {}", starter()).replace('\'', r"'\''"));
    let fill = |script: &str| script.replace("@NONCE@", &nonce.0).replace("@STARTER@", &starter);
    (fill(BASH), fill(ZSH))
}

/// Standard alphabet with padding: what every `base64 -d` reads.
fn base64(script: &str) -> String {
    STANDARD.encode(script)
}

#[cfg(test)]
mod tests;
