//! The recorders that are measured side by side, and how each of them is started as its own manual says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::window::Window;

/// Who relays and records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The shell alone, without a recorder: what everything is added to.
    Direct,
    Script,
    Tlog,
    Asciinema,
    Hikeshi,
}

#[derive(Debug, Clone)]
pub struct Recorder {
    pub kind: Kind,
    pub name: String,
    /// `None`: not on this machine.
    pub program: Option<PathBuf>,
}

/// All of them, with those that are missing. `asciinema`: programs, of any version.
pub fn all(asciinema: &[PathBuf]) -> Vec<Recorder> {
    let mut found = vec![
        Recorder { kind: Kind::Direct, name: "no recorder".to_owned(), program: Some("/bin/bash".into()) },
        peer(Kind::Script, "script -q", Path::new("/usr/bin/script")),
        peer(Kind::Tlog, "tlog-rec", Path::new("/usr/bin/tlog-rec")),
    ];
    found.extend(asciinema.iter().map(|program| peer(Kind::Asciinema, "asciinema", program)));
    if asciinema.is_empty() {
        found.push(Recorder { kind: Kind::Asciinema, name: "asciinema".to_owned(), program: None });
    }
    found.push(Recorder { kind: Kind::Hikeshi, name: "hikeshi".to_owned(), program: None });
    found
}

/// With its version, as it tells it.
fn peer(kind: Kind, name: &str, program: &Path) -> Recorder {
    let told = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let version = told.ok().filter(|told| told.status.success()).map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
    let number = version.as_deref().and_then(|text| text.lines().next()?.split_whitespace().last().map(str::to_owned));
    match number {
        Some(number) => Recorder { kind, name: format!("{name} ({number})"), program: Some(program.to_owned()) },
        None => Recorder { kind, name: name.to_owned(), program: None },
    }
}

impl Recorder {
    pub fn is_here(&self) -> bool {
        self.program.is_some() || self.kind == Kind::Hikeshi
    }

    /// Opens a window on a shell that is recorded into `file`. For hikeshi see [`super::night::Night::shell`].
    pub fn open(&self, home: &Path, file: &Path) -> anyhow::Result<Window> {
        let program = self.program.as_deref().context("it is not on this machine")?;
        let file_text = file.display().to_string();
        let args: Vec<String> = match self.kind {
            Kind::Direct | Kind::Hikeshi => vec!["-i".to_owned()],
            Kind::Script => vec!["-q".to_owned(), file_text],
            Kind::Tlog => vec!["--writer=file".to_owned(), format!("--file-path={file_text}"), "/bin/bash".to_owned()],
            Kind::Asciinema => ["rec", "-q", "--overwrite", "-c", "/bin/bash", &file_text].map(str::to_owned).to_vec(),
        };
        let command = pty_process::blocking::Command::new(program)
            .args(args)
            .current_dir(home)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home)
            .env("SHELL", "/bin/bash")
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8");
        Window::open(command)
    }
}
