//! A directory tree reached by handles, one name at a time: no symbolic link below the root is ever followed, also not one that
//! appears between two looks. Whoever reads or writes under a target's root goes through here.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Statx, StatxFlags, StatxTimestamp, Uid};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Deeper trees are refused: each level holds one open handle.
pub(crate) const DEPTH_MAX: usize = 200;

const TYPE: u32 = 0o170_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// Pipe or socket: it has no content of its own.
    Pipe,
    Device,
}

pub(crate) fn kind_of(mode: u32) -> Kind {
    match mode & TYPE {
        0o100_000 | 0 => Kind::File,
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Link,
        0o010_000 | 0o140_000 => Kind::Pipe,
        _ => Kind::Device,
    }
}

/// What the file system says of one name, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat {
    /// Type and permission bits, as `st_mode` has them.
    pub(crate) mode: u32,
    pub(crate) bytes: u64,
    pub(crate) modified_ns: i64,
    pub(crate) changed_ns: i64,
    pub(crate) inode: u64,
    pub(crate) device: u64,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Stat {
    pub(crate) fn of(meta: &std::fs::Metadata) -> Self {
        let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            mode: meta.mode(),
            bytes: meta.size(),
            modified_ns: ns(meta.mtime(), meta.mtime_nsec()),
            changed_ns: ns(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
            uid: meta.uid(),
            gid: meta.gid(),
        }
    }

    fn told(found: &Statx) -> Self {
        let ns = |time: &StatxTimestamp| time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec));
        Self {
            mode: u32::from(found.stx_mode),
            bytes: found.stx_size,
            modified_ns: ns(&found.stx_mtime),
            changed_ns: ns(&found.stx_ctime),
            inode: found.stx_ino,
            device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
            uid: found.stx_uid,
            gid: found.stx_gid,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        kind_of(self.mode)
    }

    /// A named pipe, not a socket.
    pub(crate) fn is_fifo(&self) -> bool {
        self.mode & TYPE == 0o010_000
    }

    /// Two names with the same are one file.
    pub(crate) fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    pub(crate) fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    /// Whether nothing can have been written between the two looks.
    pub(crate) fn same_version(&self, other: &Self) -> bool {
        self.mode == other.mode
            && self.bytes == other.bytes
            && self.modified_ns == other.modified_ns
            && self.changed_ns == other.changed_ns
            && self.inode == other.inode
            && self.device == other.device
    }

    pub(crate) fn modified(&self) -> SystemTime {
        match u64::try_from(self.modified_ns) {
            Ok(after) => UNIX_EPOCH + Duration::from_nanos(after),
            Err(_) => UNIX_EPOCH - Duration::from_nanos(self.modified_ns.unsigned_abs()),
        }
    }
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: File,
}

fn opened(fd: OwnedFd) -> File {
    File::from(fd)
}

impl Folder {
    /// Opens a root. The root itself may be reached through links; nothing below it.
    pub(crate) fn root(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { handle: opened(fd) })
    }

    pub(crate) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.handle, name, flags, Mode::empty())?;
        Ok(Self { handle: opened(fd) })
    }

    /// Goes down a relative path. `path` has no `.`, `..` or empty parts.
    pub(crate) fn down(self, path: &OsStr) -> io::Result<Self> {
        let mut here = self;
        for part in path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            here = here.folder(OsStr::from_bytes(part))?;
        }
        Ok(here)
    }

    /// The names inside, sorted by their bytes.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort();
        Ok(names)
    }

    /// `None` when there is no such name.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::statx(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS) {
            Ok(found) => Ok(Some(Stat::told(&found))),
            Err(Errno::NOENT) => Ok(None),
            // Where the call is forbidden (old containers), the longer way.
            Err(Errno::NOSYS | Errno::PERM) => self.stat_by_handle(name),
            Err(other) => Err(other.into()),
        }
    }

    fn stat_by_handle(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::openat(&self.handle, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => Ok(Some(Stat::of(&opened(fd).metadata()?))),
            Err(Errno::NOENT) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    pub(crate) fn own_stat(&self) -> io::Result<Stat> {
        Ok(Stat::of(&self.handle.metadata()?))
    }

    /// Opens a regular file for reading; anything else is an error, and a pipe does not block.
    pub(crate) fn read(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = opened(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")) }
    }

    pub(crate) fn link_target(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.handle, name, Vec::new())?.into_bytes())
    }

    /// Creates a regular file that did not exist.
    pub(crate) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(opened(rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    pub(crate) fn create_folder(&self, name: &OsStr) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => self.folder(name),
            Err(other) => Err(other.into()),
        }
    }

    pub(crate) fn create_link(&self, name: &OsStr, target: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(OsStr::from_bytes(target), &self.handle, name)?)
    }

    pub(crate) fn create_fifo(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        rustix::fs::mknodat(&self.handle, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // What the umask took away is given back.
        Ok(rustix::fs::chmodat(&self.handle, name, Mode::from_raw_mode(mode & 0o7777), AtFlags::empty())?)
    }

    /// Another name for the same file, in a directory on the same file system.
    pub(crate) fn link(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.handle, name, &to.handle, new, AtFlags::empty())?)
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a name that is not a directory; one that is not there is fine.
    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    pub(crate) fn remove_empty_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes a name with all that is below it; links are removed, never followed.
    pub(crate) fn remove_all(&self, name: &OsStr, depth: usize) -> io::Result<()> {
        let Some(stat) = self.stat(name)? else { return Ok(()) };
        if stat.kind() != Kind::Folder {
            return self.unlink(name);
        }
        if depth == 0 {
            return Err(too_deep());
        }
        let inner = self.folder(name)?;
        for child in inner.names()? {
            inner.remove_all(&child, depth - 1)?;
        }
        self.remove_empty_folder(name)
    }

    pub(crate) fn set_permissions(&self, mode: u32) -> io::Result<()> {
        self.handle.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777))
    }

    pub(crate) fn set_modified(&self, at: SystemTime) -> io::Result<()> {
        self.handle.set_modified(at)
    }

    pub(crate) fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        std::os::unix::fs::fchown(&self.handle, Some(uid), Some(gid))
    }

    pub(crate) fn set_link_owner(&self, name: &OsStr, uid: u32, gid: u32) -> io::Result<()> {
        Ok(rustix::fs::chownat(&self.handle, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Makes the names in this directory durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    /// Makes everything on this file system durable; one call instead of thousands.
    pub(crate) fn sync_file_system(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.handle)?)
    }

    pub(crate) fn bytes_free(&self) -> io::Result<u64> {
        let space = rustix::fs::fstatvfs(&self.handle)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

pub(crate) fn too_deep() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("more than {DEPTH_MAX} directories inside each other"))
}

/// Whether this process may give files to others.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn set_file_permissions(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777))
}
