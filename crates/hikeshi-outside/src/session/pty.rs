//! The pty and the shell in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Child;

use hikeshi_domain::session::Shell;
use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process_group};

use super::order::{Order, Place};
use super::shell::{Integration, Nonce, ShellKind, Startup};

/// The end that is ours.
pub(super) struct Master {
    pub(super) file: File,
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

    /// Whether typed keys are shown: a password prompt turns that off.
    pub(super) fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&self.file).is_ok_and(|termios| {
            // Line editors echo by themselves, in raw mode; a password prompt stays in line mode without echo.
            let modes = termios.local_modes;
            modes.contains(rustix::termios::LocalModes::ECHO) || !modes.contains(rustix::termios::LocalModes::ICANON)
        })
    }

    /// Whether a program edits lines by itself, so that the screen shows what Enter would send.
    pub(super) fn edits(&self) -> bool {
        rustix::termios::tcgetattr(&self.file).is_ok_and(|termios| !termios.local_modes.contains(rustix::termios::LocalModes::ICANON))
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
    let Place::Here { root } = &order.place;
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
    let command = Command::new(&launch.program)
        .args(&launch.args)
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(root)
        .env_remove(Order::TOKEN)
        .env("HIKESHI_SESSION", format!("{}/{}", order.emergency, order.session));
    let child = command.spawn(pts).map_err(io::Error::other)?;
    Ok((pty, child))
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
