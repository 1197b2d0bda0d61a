//! The pty and the shell in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Child;

use hikeshi_domain::session::{SessionEnd, Shell};
use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process_group};

use super::order::{Order, Place};
use super::shell::{Integration, Nonce, ShellKind, Startup, remote_words};
use crate::host::spool::read_bounded;
use crate::ssh::{SSH_FAILED, Way, last_words, quoted};

/// Most that is read of what `ssh` said.
const SAID_BYTES_MAX: u64 = 1 << 20;

/// The end that is ours.
pub(super) struct Master {
    pub(super) file: File,
}

/// How a terminal takes keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Modes {
    /// They are not shown: a password is asked for.
    pub(super) hidden: bool,
    /// A program edits lines by itself, so that the screen shows what Enter would send.
    pub(super) edits: bool,
}

impl Master {
    pub(super) fn of(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self { file: File::from(fd.as_fd().try_clone_to_owned()?) })
    }

    pub(super) fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        let size = rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(&self.file, size)?)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&self.file).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
    }

    /// What becomes of typed keys at this moment.
    pub(super) fn modes(&self) -> Modes {
        let Ok(termios) = rustix::termios::tcgetattr(&self.file) else { return Modes { hidden: true, edits: false } };
        let (echo, canonical) = (rustix::termios::LocalModes::ECHO, rustix::termios::LocalModes::ICANON);
        // Line editors echo by themselves, in raw mode; a password prompt stays in line mode without echo.
        let edits = !termios.local_modes.contains(canonical);
        Modes { hidden: !edits && !termios.local_modes.contains(echo), edits }
    }

    /// As a terminal that goes away does: the shell and what it runs are hung up.
    pub(super) fn hang_up(&self) {
        for group in [rustix::termios::tcgetpgrp(&self.file), rustix::termios::tcgetsid(&self.file)] {
            if let Ok(group) = group
                && let Err(error) = kill_process_group(group, Signal::HUP)
            {
                tracing::debug!(%error, "nobody is left to hang up");
            }
        }
    }
}

/// Starts the shell of an order, told to mark its commands. `dir` is private.
pub(super) fn start(order: &Order, dir: &Path, columns: u16, rows: u16) -> io::Result<(Pty, Child)> {
    let (pty, pts) = pty_process::blocking::open().map_err(io::Error::other)?;
    pty.resize(Size::new(rows, columns)).map_err(io::Error::other)?;
    let command = match &order.place {
        Place::Here { root } => here(order, dir, root)?,
        Place::There { place, config, root } => {
            there(order, dir, &Way { place, config: config.as_deref(), identity: None, dir, control: None }, root)?
        }
    };
    let child = command.spawn(pts).map_err(io::Error::other)?;
    Ok((pty, child))
}

fn here(order: &Order, dir: &Path, root: &Path) -> io::Result<Command> {
    let kind = match order.shell {
        Shell::Bash => ShellKind::Bash,
        Shell::Zsh => ShellKind::Zsh,
    };
    let home = dir.join("shell");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&home)?;
    let integration = Integration::new(kind, Nonce::new(order.nonce));
    let launch = integration.launch(Path::new(order.shell.program()), Startup::Interactive, &home, zdotdir().as_deref());
    for (path, content) in &launch.files {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(content)?;
    }
    Ok(Command::new(&launch.program)
        .args(&launch.args)
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(root)
        .env_remove(Order::TOKEN)
        .env("HIKESHI_SESSION", name_of(order)))
}

fn name_of(order: &Order) -> String {
    format!("{}/{}", order.emergency, order.session)
}

/// By `sh`, whatever the login shell over there is: fish and csh write all this otherwise.
const BEGIN: &str = "cd -- \"$1\" || exit 72; HIKESHI_SESSION=$2 SHELL=$(command -v \"$3\" || printf %s \"$SHELL\"); \
     export HIKESHI_SESSION SHELL; shift 3; exec sh -c \"$@\"";

/// `ssh` in the pty, the shell at its other end. A connection of its own: when that ends, the session does.
fn there(order: &Order, dir: &Path, way: &Way<'_>, root: &str) -> io::Result<Command> {
    // What ssh itself says goes there, not between what the shell prints.
    let log = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(Order::ssh_log(dir))?;
    let shell = order.shell.program();
    // The planned shell, where it is there; the starter takes the one that `SHELL` names.
    let remote = format!(
        "exec sh -c '{BEGIN}' hikeshi {} {} {shell} {}",
        quoted(root),
        quoted(&name_of(order)),
        remote_words(&Nonce::new(order.nonce))
    );
    Ok(Command::new("ssh")
        .arg("-tt")
        .args(way.arguments()?)
        .arg("--")
        .arg(&way.place.destination)
        .arg(remote)
        .current_dir("/")
        .stderr(log)
        .env_remove(Order::TOKEN))
}

/// How it ended. What `ssh` says of a connection that was closed as it should is one line; anything else means that it broke.
pub(super) fn ended(order: &Order, dir: &Path, code: Option<i32>) -> SessionEnd {
    let Place::There { .. } = &order.place else { return SessionEnd::Exited { code } };
    let said = read_bounded(&Order::ssh_log(dir), SAID_BYTES_MAX).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let as_it_should = |line: &str| line.starts_with("Connection to ") && line.ends_with(" closed.");
    let lost = said.lines().map(str::trim).any(|line| !line.is_empty() && !as_it_should(line));
    match (code, lost) {
        (Some(SSH_FAILED) | None, true) => SessionEnd::ConnectionLost { detail: last_words(&said) },
        (code, _) => SessionEnd::Exited { code },
    }
}

#[expect(clippy::disallowed_methods, reason = "the user's own setting of their shell, handed on to it")]
fn zdotdir() -> Option<OsString> {
    std::env::var_os("ZDOTDIR")
}

/// Stops what is left of a shell that does not end.
pub(super) fn kill(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid
        && let Err(error) = kill_process_group(pid, Signal::KILL)
    {
        tracing::debug!(%error, "nobody is left to stop");
    }
}
