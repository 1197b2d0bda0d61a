//! Listening sockets from one process to the next, over a unix socket: nobody is refused while the program is replaced.
//!
//! The one that leaves sends its sockets and stops taking connections; those that come meanwhile wait in the system's queue of the same socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

pub const SOCKETS_MAX: usize = 16;
const WAIT: Duration = Duration::from_secs(5);

/// Beside the control socket.
pub fn path(control: &Path) -> PathBuf {
    let mut name = control.as_os_str().to_owned();
    name.push(".take");
    name.into()
}

/// The sockets of the process that serves now, in the order in which it was told to listen. Empty: there is none.
pub fn over(control: &Path) -> io::Result<Vec<TcpListener>> {
    let stream = match UnixStream::connect(path(control)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(WAIT))?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut count = [0_u8; 1];
    recvmsg(&stream, &mut [IoSliceMut::new(&mut count)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            sockets.extend(rights);
        }
    }
    if sockets.len() != usize::from(count[0]) {
        return Err(io::Error::other(format!("{} of {} listening sockets were handed over", sockets.len(), count[0])));
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

/// Waits for the process that comes after, and gives it these. Ends when that has happened.
pub fn give(asked: &UnixListener, sockets: &[TcpListener]) -> io::Result<()> {
    loop {
        let (stream, _) = asked.accept()?;
        match send(&stream, sockets) {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(%error, "the listening sockets could not be handed over; this process goes on"),
        }
    }
}

fn send(stream: &UnixStream, sockets: &[TcpListener]) -> io::Result<()> {
    stream.set_write_timeout(Some(WAIT))?;
    let rights: Vec<BorrowedFd<'_>> = sockets.iter().map(std::os::fd::AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&rights)) {
        return Err(io::Error::other("too many listening sockets"));
    }
    let count = [u8::try_from(rights.len()).unwrap_or(u8::MAX)];
    sendmsg(stream.as_fd(), &[IoSlice::new(&count)], &mut ancillary, SendFlags::empty())?;
    Ok(())
}
