//! The pty and the shell in it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Child;

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::process::{Pid, Signal, kill_process_group};

use super::order::{Order, Place};

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

    /// Whether typed keys are shown: a password prompt turns that off.
    pub(super) fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&self.file).is_ok_and(|termios| {
            // Line editors echo by themselves, in raw mode; a password prompt stays in line mode without echo.
            let modes = termios.local_modes;
            modes.contains(rustix::termios::LocalModes::ECHO) || !modes.contains(rustix::termios::LocalModes::ICANON)
        })
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

/// Starts the shell of an order.
pub(super) fn start(order: &Order, columns: u16, rows: u16) -> io::Result<(Pty, Child)> {
    let (pty, pts) = pty_process::blocking::open().map_err(io::Error::other)?;
    pty.resize(Size::new(rows, columns)).map_err(io::Error::other)?;
    let Place::Here { root } = &order.place;
    let child = shell(order, root).spawn(pts).map_err(io::Error::other)?;
    Ok((pty, child))
}

fn shell(order: &Order, root: &Path) -> Command {
    Command::new(order.shell.program())
        .arg("-i")
        .current_dir(root)
        .env_remove(Order::TOKEN)
        .env("HIKESHI_SESSION", format!("{}/{}", order.emergency, order.session))
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
