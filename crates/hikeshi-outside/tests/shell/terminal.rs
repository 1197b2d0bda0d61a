//! A home directory with dotfiles, and a shell on a pty that somebody types into.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot prepare its place fails; helpers are not marked as tests"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hikeshi_outside::session::shell::{CommandTracker, Forged, Integration, Marks, Nonce, Record, Seen, ShellKind, Startup, Told};
use jiff::{Timestamp, ToSpan};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

static HOMES: AtomicU32 = AtomicU32::new(0);

const BASHRC: &str = r#"
PS1='\[\e[1;32m\]o \w\[\e[0m\]\n\$ '
PS2='> '
alias ll='ls -d'
HISTCONTROL=ignoreboth HISTFILE=~/.bash_history
first() { printf '[first %s]' "$?"; }
second() { printf '[second %s]' "$?"; }
PROMPT_COMMAND=(first second)
FROM_DOTFILE=yes
"#;

const ZSHRC: &str = r#"
PS1=$'%{\e[1;32m%}o %~%{\e[0m%}\n%# '
alias ll='ls -d'
HISTFILE=~/.zsh_history HISTSIZE=100 SAVEHIST=100
setopt hist_ignore_space inc_append_history interactive_comments
first() { printf '[first %s]' "$?"; }
precmd_functions=(first)
second() { printf '[second %s]' "$?"; }
precmd_functions+=(second)
FROM_DOTFILE=yes
"#;

const MISSING_NEWLINE: &[u8] = b"\x1b[1m\x1b[7m#\x1b[27m\x1b[1m\x1b[0m ";

/// Where the user lives: dotfiles, `work` in which the shell begins, and an empty `tmp`.
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Self {
        let number = HOMES.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("hikeshi-shell-{}-{number}", std::process::id()));
        for part in ["work", "tmp", "private"] {
            fs::create_dir_all(dir.join(part)).unwrap();
        }
        fs::write(dir.join(".bashrc"), BASHRC).unwrap();
        fs::write(dir.join(".bash_profile"), ". ~/.bashrc\n").unwrap();
        fs::write(dir.join(".zshrc"), ZSHRC).unwrap();
        fs::write(dir.join(".bash_history"), "echo before\n").unwrap();
        fs::write(dir.join(".inputrc"), "set editing-mode emacs\n").unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Every file that is the user's, with its contents.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    pub fn temporary_is_empty(&self) -> bool {
        fs::read_dir(self.0.join("tmp")).unwrap().next().is_none()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    pieces: Receiver<Vec<u8>>,
    home: PathBuf,
}

/// What came of it.
pub struct Typed {
    pub bytes: Vec<u8>,
    pub told: Vec<Told>,
}

impl Typed {
    pub fn records(&self) -> Vec<&Record> {
        self.told.iter().filter_map(|told| if let Told::Finished(record) = told { Some(record) } else { None }).collect()
    }

    pub fn forged(&self) -> Vec<Forged> {
        self.told.iter().filter_map(|told| if let Told::Forged { forged, .. } = told { Some(*forged) } else { None }).collect()
    }

    pub fn output(&self, record: &Record) -> &[u8] {
        let at = |offset: u64| usize::try_from(offset).unwrap();
        let output = &self.bytes[at(record.output_from)..at(record.output_to)];
        // zsh's own sign for a missing newline.
        match output.windows(MISSING_NEWLINE.len()).rposition(|window| window == MISSING_NEWLINE) {
            Some(at) if output[at + MISSING_NEWLINE.len()..].iter().all(|byte| b" \r".contains(byte)) => &output[..at],
            _ => output,
        }
    }

    pub fn shown(&self) -> String {
        let end = &self.bytes[self.bytes.len().saturating_sub(6000)..];
        String::from_utf8_lossy(end).replace('\x1b', "␛")
    }

    /// The same bytes again, with another bound for texts.
    pub fn replay(bytes: &[u8], text_bytes_max: usize) -> Self {
        let (mut marks, mut seen, mut told) = (Marks::new(Nonce::new([7; 16]), text_bytes_max), Vec::new(), Vec::new());
        marks.feed(bytes, &mut seen);
        let mut tracker = CommandTracker::new(Timestamp::UNIX_EPOCH);
        for one in seen {
            tracker.take(one, Timestamp::UNIX_EPOCH, &mut told);
        }
        Self { bytes: bytes.to_vec(), told }
    }
}

struct Reader {
    marks: Marks,
    tracker: CommandTracker,
    seen: Vec<Seen>,
    typed: Typed,
    prompts: usize,
    clock: Timestamp,
    ended: bool,
}

impl Reader {
    fn take(&mut self, piece: &[u8]) {
        self.typed.bytes.extend_from_slice(piece);
        self.clock = self.clock.checked_add(1.millisecond()).unwrap();
        self.marks.feed(piece, &mut self.seen);
        for seen in self.seen.drain(..) {
            self.tracker.take(seen, self.clock, &mut self.typed.told);
        }
        self.prompts = self.typed.told.iter().filter(|told| matches!(told, Told::Prompt { .. })).count();
    }

    /// A prompt is the last that was told.
    fn at_prompt(&self) -> bool {
        matches!(self.typed.told.last(), Some(Told::Prompt { .. }))
    }
}

impl Terminal {
    pub fn start(kind: ShellKind, home: &Home) -> Self {
        Self::start_in(kind, home, None)
    }

    pub fn start_in(kind: ShellKind, home: &Home, zdotdir: Option<&Path>) -> Self {
        let program = match kind {
            ShellKind::Bash => "/bin/bash",
            ShellKind::Zsh => "/usr/bin/zsh",
        };
        let integration = Integration::new(kind, Nonce::new([7; 16]));
        let private = home.path().join("private");
        let launch = integration.launch(Path::new(program), Startup::Interactive, &private, zdotdir.map(Path::as_os_str));
        for (path, content) in &launch.files {
            fs::write(path, content).unwrap();
        }
        Self::spawn(home, launch.program.to_str().unwrap(), &launch.args, &launch.env, program)
    }

    pub fn command(home: &Home, program: &str, args: &[OsString], shell: &str) -> Self {
        Self::spawn(home, program, args, &[], shell)
    }

    fn spawn(home: &Home, program: &str, args: &[OsString], env: &[(OsString, OsString)], shell: &str) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .env("HOME", home.path())
            .env("TMPDIR", home.path().join("tmp"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("SHELL", shell)
            .envs(env.iter().cloned())
            .current_dir(home.path().join("work"))
            .spawn(pts)
            .unwrap();
        let pty = Arc::new(pty);
        let (send, pieces) = channel();
        let reading = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = (&*reading).read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { pty, child, pieces, home: home.path().to_owned() }
    }

    /// Types each step when the prompt is back, or when nothing more comes; ends when so many commands have ended.
    pub fn play(mut self, steps: &[String], commands: usize) -> Typed {
        let mut reader = Reader {
            marks: Marks::new(Nonce::new([7; 16]), 1 << 20),
            tracker: CommandTracker::new(Timestamp::UNIX_EPOCH),
            seen: Vec::new(),
            typed: Typed { bytes: Vec::new(), told: Vec::new() },
            prompts: 0,
            clock: Timestamp::UNIX_EPOCH,
            ended: false,
        };
        self.wait(&mut reader, Duration::from_secs(10), Reader::at_prompt);
        for (index, step) in steps.iter().enumerate() {
            // Nobody types before the prompt is drawn; and until it is, the terminal is not yet the line editor's.
            self.wait(&mut reader, Duration::from_millis(25), |_| false);
            let (before, bytes) = (reader.prompts, reader.typed.bytes.len());
            self.write(&mut reader, step);
            let last = index + 1 == steps.len();
            self.wait(&mut reader, Duration::from_millis(if last { 0 } else { 400 }), |reader| {
                reader.prompts > before && reader.at_prompt() && reader.typed.bytes.len() > bytes
            });
        }
        self.wait(&mut reader, Duration::from_secs(10), |reader| reader.typed.records().len() >= commands && reader.at_prompt());
        // What should not come would come now.
        self.wait(&mut reader, Duration::from_millis(60), |_| false);
        if reader.ended {
            reader.tracker.finish(reader.marks.offset(), reader.clock, &mut reader.typed.told);
        }
        let _killed = self.child.kill();
        let _waited = self.child.wait();
        reader.typed
    }

    fn write(&self, reader: &mut Reader, step: &str) {
        let file = self.home.join("private/so-far");
        if step.contains("{so far}") {
            fs::write(&file, &reader.typed.bytes).unwrap();
        }
        let text = step.replace("{so far}", file.to_str().unwrap());
        // As a person's paste comes through a terminal: in pieces, while its echo is read.
        for piece in text.as_bytes().chunks(512) {
            if (&*self.pty).write_all(piece).is_err() {
                return;
            }
            while let Ok(piece) = self.pieces.try_recv() {
                reader.take(&piece);
            }
        }
    }

    /// Until it is done, the stream ends, or nothing has come for so long.
    fn wait(&self, reader: &mut Reader, quiet: Duration, done: impl Fn(&Reader) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !reader.ended && !done(reader) && Instant::now() < end {
            match self.pieces.recv_timeout(quiet) {
                Ok(piece) => reader.take(&piece),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => reader.ended = true,
            }
        }
    }
}
