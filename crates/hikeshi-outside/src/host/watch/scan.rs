//! Walking a tree and reading what is not yet known. Comparing two walks is [`super::changes`].

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use hikeshi_domain::ids::{Digest, Hash};

use super::{Known, Node, Snapshot};
use crate::clock::file_now_ns;
use crate::host::names::{join, written};
use crate::host::tree::{DEPTH_MAX, Folder, Kind, Stat, too_deep};

/// A file whose change time is this near to the scan may have been written again within the same tick; it is read again next time.
const RACY_NS: i64 = 1_000_000_000;
/// How often a file is read again because it changed while it was read.
const READS_MAX: u32 = 3;

/// How much may lie under a root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) files_max: u64,
    pub(crate) bytes_max: u64,
    /// Before the first step, too much is a reason not to start. Afterwards the step has run and must be told as well as possible.
    pub(crate) refuse: bool,
}

impl Limits {
    pub(crate) fn before(files_max: u64, bytes_max: u64) -> Self {
        Self { files_max, bytes_max, refuse: true }
    }
    pub(crate) fn after(files_max: u64, bytes_max: u64) -> Self {
        Self {
            files_max: files_max.saturating_mul(2).saturating_add(1000),
            bytes_max: bytes_max.saturating_mul(2).saturating_add(1 << 20),
            refuse: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(
        "more than {max} files lie under the root: a change could be missed. Raise `watch_files_max` of the target, or choose a narrower root"
    )]
    TooManyFiles { max: u64 },
    #[error(
        "more than {max} bytes lie under the root: a change could be missed. Raise `watch_bytes_max` of the target, or choose a narrower root"
    )]
    TooManyBytes { max: u64 },
    #[error("`{path}` cannot be read ({error}): a change in it could be missed")]
    Unreadable { path: String, error: io::Error },
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Keeps contents by digest, up to a size.
pub(crate) struct Keeper {
    pub(crate) dir: PathBuf,
    pub(crate) file_bytes_max: u64,
}

impl Keeper {
    fn keep(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(digest.to_string());
        if path.exists() {
            return Ok(());
        }
        let beside = self.dir.join(format!(".{digest}.tmp"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        std::fs::rename(&beside, &path)
    }
}

struct Walk<'a> {
    before: &'a Known<'a>,
    limits: Limits,
    keeper: &'a Keeper,
    out: Snapshot,
    bytes: u64,
}

pub(super) fn scan(root: &Folder, before: &Known<'_>, limits: Limits, keeper: &Keeper) -> Result<Snapshot, Problem> {
    let mut walk = Walk { before, limits, keeper, out: Snapshot { taken_at_ns: file_now_ns(), ..Snapshot::default() }, bytes: 0 };
    walk.folder(root, "", DEPTH_MAX)?;
    walk.out.nodes.insert(String::new(), Node { stat: root.own_stat()?, digest: None });
    Ok(walk.out)
}

/// One name, and all below it, as it is now.
pub(super) fn scan_name(folder: &Folder, name: &OsStr, path: &str, before: &Known<'_>, keeper: &Keeper) -> Result<Snapshot, Problem> {
    let out = Snapshot { taken_at_ns: file_now_ns(), ..Snapshot::default() };
    let mut walk = Walk { before, limits: Limits { files_max: u64::MAX, bytes_max: u64::MAX, refuse: false }, keeper, out, bytes: 0 };
    walk.name(folder, name, path.to_owned(), DEPTH_MAX)?;
    Ok(walk.out)
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Folder, path: &str, depth: usize) -> Result<(), Problem> {
        if depth == 0 {
            return Err(too_deep().into());
        }
        let names = match folder.names() {
            Ok(names) => names,
            Err(error) => return self.unreadable(path, error),
        };
        for name in names {
            let child = join(path, &written(&name));
            let full = u64::try_from(self.out.nodes.len()).unwrap_or(u64::MAX) >= self.limits.files_max;
            if full && self.limits.refuse {
                return Err(Problem::TooManyFiles { max: self.limits.files_max });
            }
            // What was known before is looked at all the same: left out, it would be told as removed.
            if full && self.before.get(&child).is_none() {
                self.out.unlisted += 1;
                continue;
            }
            self.name(folder, &name, child, depth)?;
        }
        Ok(())
    }

    fn name(&mut self, folder: &Folder, name: &OsStr, path: String, depth: usize) -> Result<(), Problem> {
        // A name may go while we look; then it is not there.
        let Some(stat) = folder.stat(name).map_err(|error| Problem::Unreadable { path: path.clone(), error })? else { return Ok(()) };
        if stat.kind() == Kind::Folder {
            match folder.folder(name) {
                Ok(inner) => self.folder(&inner, &path, depth - 1)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => self.unreadable(&path, error)?,
            }
            self.out.nodes.insert(path, Node { stat, digest: None });
        } else if let Some(node) = self.leaf(folder, name, &path, stat)? {
            self.out.nodes.insert(path, node);
        }
        Ok(())
    }

    /// What is in a directory that cannot be read any more is not known. It stays as it was last seen, and one uncounted change says
    /// that the list is not complete: nothing there is told as removed.
    fn unreadable(&mut self, path: &str, error: io::Error) -> Result<(), Problem> {
        if self.limits.refuse {
            return Err(Problem::Unreadable { path: path.to_owned(), error });
        }
        self.out.unlisted += 1;
        self.out.nodes.extend(self.before.below(path));
        Ok(())
    }

    fn leaf(&mut self, folder: &Folder, name: &OsStr, path: &str, stat: Stat) -> Result<Option<Node>, Problem> {
        match stat.kind() {
            Kind::File => self.file(folder, name, path, stat),
            Kind::Link => match folder.link_target(name) {
                Ok(target) => {
                    let digest = Digest::of(&target);
                    self.kept(digest, &target)?;
                    Ok(Some(Node { stat, digest: Some(digest) }))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Problem::Unreadable { path: path.to_owned(), error }),
            },
            Kind::Pipe | Kind::Device | Kind::Folder => Ok(Some(Node { stat, digest: None })),
        }
    }

    fn file(&mut self, folder: &Folder, name: &OsStr, path: &str, stat: Stat) -> Result<Option<Node>, Problem> {
        self.bytes = self.bytes.saturating_add(stat.bytes);
        let known = self.before.get(path).filter(|known| known.digest.is_some() && known.stat.same_version(&stat));
        if let Some(known) = known
            && stat.changed_ns.saturating_add(RACY_NS) < self.before.latest.taken_at_ns
        {
            return Ok(Some(Node { stat, digest: known.digest }));
        }
        // One that looks as it did is read whatever the limit: unread, it would be told as changed.
        if known.is_none() && self.bytes > self.limits.bytes_max {
            if self.limits.refuse {
                return Err(Problem::TooManyBytes { max: self.limits.bytes_max });
            }
            return Ok(Some(unread(stat)));
        }
        match self.read(folder, name) {
            Ok((stat, digest)) => Ok(Some(Node { stat, digest: Some(digest) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if self.limits.refuse => Err(Problem::Unreadable { path: path.to_owned(), error }),
            Err(_) => Ok(Some(unread(stat))),
        }
    }

    fn read(&self, folder: &Folder, name: &OsStr) -> io::Result<(Stat, Digest)> {
        let mut tries = 1;
        loop {
            let mut file = folder.read(name)?;
            let before = Stat::of(&file.metadata()?);
            let (digest, content) = digest_of(&mut file, self.keeper.file_bytes_max)?;
            let after = Stat::of(&file.metadata()?);
            if before.same_version(&after) || tries == READS_MAX {
                if let Some(content) = content {
                    self.kept(digest, &content)?;
                }
                return Ok((after, digest));
            }
            tries += 1;
        }
    }

    /// Before the first step a content that cannot be kept is a reason not to start; afterwards its digest is still told.
    fn kept(&self, digest: Digest, bytes: &[u8]) -> io::Result<()> {
        match self.keeper.keep(digest, bytes) {
            Err(error) if self.limits.refuse => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Stands for a file that could not be read: it differs whenever the file system says that it may have changed.
fn unread(stat: Stat) -> Node {
    let digest = Digest::of(format!("not read: {stat:?}").as_bytes());
    Node { stat, digest: Some(digest) }
}

/// Digest of a whole file, and its content when it is not larger than the limit.
pub(crate) fn digest_of(file: &mut File, keep_bytes_max: u64) -> io::Result<(Digest, Option<Vec<u8>>)> {
    let mut hasher = Hash::default();
    let mut content = Some(Vec::new());
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hasher.update(piece);
        if let Some(kept) = &mut content {
            if u64::try_from(kept.len() + count).unwrap_or(u64::MAX) > keep_bytes_max {
                content = None;
            } else {
                kept.extend_from_slice(piece);
            }
        }
    }
    Ok((hasher.finish(), content))
}
