//! The backup of rule E7: a copy of the declared scope beside the target, read back from the copy before it counts.
//!
//! `<backups>/<name>/` holds the files as they were, `<name>.manifest.json` every path with type, mode, size and SHA-256.
//! While it is being made it is called `<name>.partial`; a copy under its own name is complete. Putting it back is [`super::restore`].

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use hikeshi_domain::emergency::Backup;
use hikeshi_domain::ids::{Digest, Hash};
use serde::{Deserialize, Serialize};

use super::names::{Scope, join, raw, split, written};
use super::spool::{make_private, read_bounded, remove_if_there, sync_dir, write_durably};
use super::tree::{DEPTH_MAX, Folder, Kind, Stat, is_root, set_file_permissions, too_deep};
use super::watch::{Node, Snapshot};
use crate::clock;

const COPIES_MAX: u32 = 3;
const MANIFEST_BYTES_MAX: u64 = 512 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("the backup directory {0} must be an absolute path outside the root")]
    BackupsInside(PathBuf),
    #[error("`{0}` is not a name for a backup: no `/`, not empty, not `.` or `..`")]
    BadName(String),
    #[error("{what} `{path}`: {error}")]
    At { what: &'static str, path: String, error: io::Error },
    #[error("the disk of the backups is full: {needed} bytes are needed, {free} are free in {dir}. Make room, then start again")]
    Full { needed: u64, free: u64, dir: PathBuf },
    #[error("`{0}` keeps changing while it is copied: no consistent backup is possible. Stop what writes it, or leave it out of the scope")]
    KeepsChanging(String),
    #[error("`{0}` lies in the scope and is a device: it cannot be backed up")]
    Device(String),
    #[error("`{path}` cannot be reached below the root without following a link, or its directory is missing: {error}")]
    Unreachable { path: String, error: io::Error },
    #[error("read back, `{path}` is not what was copied: {detail}. The backup does not count")]
    ReadBack { path: String, detail: &'static str },
    #[error("the backup {0} is there already and differs from the present state; it was left alone")]
    OtherBackup(PathBuf),
    #[error("the backup is damaged: {0}. Nothing was touched")]
    Damaged(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl BackupError {
    pub(super) fn at(what: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                let words = format!("{error}. The disk is full or a limit is reached: make room, then try again");
                Self::At { what, path: path.to_owned(), error: io::Error::new(error.kind(), words) }
            }
            _ => Self::At { what, path: path.to_owned(), error },
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Written form, relative to the root; `` is the root itself.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<Digest>,
}

/// Every path in a copied scope. Its canonical form is compact JSON, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) entries: Vec<Entry>,
}

impl Manifest {
    const FORMAT: &'static str = "hikeshi-backup-v1";

    pub(super) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Self { format: Self::FORMAT.to_owned(), entries }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        // Plain data with string keys always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    pub(crate) fn files(&self) -> u64 {
        u64::try_from(self.entries.iter().filter(|entry| entry.kind != Kind::Folder).count()).unwrap_or(u64::MAX)
    }

    fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }
}

/// Where a backup lies.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    manifest: PathBuf,
    partial: PathBuf,
}

impl Place {
    pub(crate) fn of(backups: &Path, name: &str) -> Result<Self, BackupError> {
        let plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']) && name.len() <= 200;
        if !plain {
            return Err(BackupError::BadName(name.chars().take(200).collect()));
        }
        Ok(Self {
            dir: backups.join(name),
            manifest: backups.join(format!("{name}.manifest.json")),
            partial: backups.join(format!("{name}.partial")),
        })
    }

    /// The manifest, which must be the one whose digest the record has.
    pub(super) fn manifest(&self, wanted: Digest) -> Result<Manifest, BackupError> {
        let bytes = read_bounded(&self.manifest, MANIFEST_BYTES_MAX)
            .map_err(|error| BackupError::Damaged(format!("{}: {error}", self.manifest.display())))?;
        if Digest::of(&bytes) != wanted {
            return Err(BackupError::Damaged(format!("{} is not the manifest that was recorded", self.manifest.display())));
        }
        serde_json::from_slice(&bytes).map_err(|error| BackupError::Damaged(format!("{}: {error}", self.manifest.display())))
    }
}

/// Refuses a directory that a step could change, or whose writing would look like a change.
pub(crate) fn must_be_outside(dir: &Path, root: &Path) -> Result<(), BackupError> {
    let inside = || BackupError::BackupsInside(dir.to_owned());
    if !dir.is_absolute() {
        return Err(inside());
    }
    let root = root.canonicalize().map_err(BackupError::at("the root cannot be reached", &root.display().to_string()))?;
    let mut nearest = dir;
    // The directory itself may still have to be created.
    let real = loop {
        match nearest.canonicalize() {
            Ok(real) => break real,
            Err(_) => nearest = nearest.parent().ok_or_else(inside)?,
        }
    };
    if real.starts_with(&root) { Err(inside()) } else { Ok(()) }
}

/// Copies, reads back, compares with what was scanned, and only then gives the backup its name.
pub(crate) fn take(root: &Path, scope: &Scope, backups: &Path, name: &str, baseline: &Snapshot) -> Result<Backup, BackupError> {
    let place = Place::of(backups, name)?;
    must_be_outside(backups, root)?;
    make_private(backups).map_err(BackupError::at("the backup directory cannot be created", &backups.display().to_string()))?;
    if place.dir.exists() {
        return adopt(&place, name, scope, baseline);
    }
    if place.partial.exists() {
        std::fs::remove_dir_all(&place.partial).map_err(BackupError::at("an unfinished backup cannot be removed", name))?;
    }
    enough_room(backups, scope, baseline)?;
    make_private(&place.partial)?;
    let source = copy(root, scope, &place.partial)?;
    // One call for all of them: a sync of each file would take longer than everything else together.
    Folder::root(&place.partial)?.sync_file_system()?;
    agree_with(&source, scope, baseline)?;
    read_back(&place.partial, scope, &source)?;
    write_durably(&place.manifest, &source.bytes()).map_err(BackupError::at("the manifest cannot be written", name))?;
    std::fs::rename(&place.partial, &place.dir).map_err(BackupError::at("the backup cannot be named", name))?;
    sync_dir(backups)?;
    Ok(told(&place, name, &source))
}

fn told(place: &Place, name: &str, manifest: &Manifest) -> Backup {
    Backup {
        name: name.to_owned(),
        path: place.dir.display().to_string(),
        files: manifest.files(),
        bytes: manifest.size(),
        manifest: manifest.digest(),
        at: clock::now(),
    }
}

/// A complete copy of that name is there: an earlier run made it and could not tell. It counts when it is the present state.
fn adopt(place: &Place, name: &str, scope: &Scope, baseline: &Snapshot) -> Result<Backup, BackupError> {
    let other = || BackupError::OtherBackup(place.dir.clone());
    let bytes = read_bounded(&place.manifest, MANIFEST_BYTES_MAX).map_err(|_| other())?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| other())?;
    agree_with(&manifest, scope, baseline).map_err(|_| other())?;
    read_back(&place.dir, scope, &manifest)?;
    remove_if_there(&place.partial)?;
    Ok(told(place, name, &manifest))
}

fn enough_room(backups: &Path, scope: &Scope, baseline: &Snapshot) -> Result<(), BackupError> {
    let needed: u64 =
        baseline.nodes.iter().filter(|(path, _)| scope.contains(path)).map(|(_, node)| node.stat.bytes.saturating_add(4096)).sum();
    let free = Folder::root(backups)?.bytes_free()?;
    if needed > free { Err(BackupError::Full { needed, free, dir: backups.to_owned() }) } else { Ok(()) }
}

/// What was copied must be what was scanned: then one set of digests describes both, and nothing changed in between.
fn agree_with(manifest: &Manifest, scope: &Scope, baseline: &Snapshot) -> Result<(), BackupError> {
    let wanted = Manifest::new(
        baseline.nodes.iter().filter(|(path, _)| scope.contains(path)).filter_map(|(path, node)| entry_of(path, node)).collect(),
    );
    match first_difference(&wanted, manifest) {
        None => Ok(()),
        Some((path, _)) => Err(BackupError::KeepsChanging(path)),
    }
}

fn entry_of(path: &str, node: &Node) -> Option<Entry> {
    let kind = node.stat.kind();
    match kind {
        Kind::File | Kind::Link | Kind::Folder => Some(Entry {
            path: path.to_owned(),
            kind,
            mode: if kind == Kind::Link { 0o777 } else { node.stat.permissions() },
            bytes: if kind == Kind::Folder { 0 } else { node.stat.bytes },
            sha256: node.digest,
        }),
        Kind::Pipe | Kind::Device => None,
    }
}

/// The first path on which two manifests disagree, and how.
pub(super) fn first_difference(wanted: &Manifest, found: &Manifest) -> Option<(String, &'static str)> {
    let mut found = found.entries.iter().peekable();
    for entry in &wanted.entries {
        match found.next() {
            None => return Some((entry.path.clone(), "it is missing")),
            Some(other) if other.path < entry.path => return Some((other.path.clone(), "it should not be there")),
            Some(other) if other.path > entry.path => return Some((entry.path.clone(), "it is missing")),
            Some(other) if other.kind != entry.kind => return Some((entry.path.clone(), "it is another kind of file")),
            Some(other) if other.sha256 != entry.sha256 || other.bytes != entry.bytes => {
                return Some((entry.path.clone(), "its content differs"));
            }
            Some(other) if other.mode != entry.mode => return Some((entry.path.clone(), "its mode differs")),
            Some(_) => {}
        }
    }
    found.next().map(|extra| (extra.path.clone(), "it should not be there"))
}

/// Copies the scope into an empty directory and says what was read from the source.
pub(super) fn copy(root: &Path, scope: &Scope, into: &Path) -> Result<Manifest, BackupError> {
    let mut entries = Vec::new();
    for path in scope.paths() {
        let target = Folder::root(into)?;
        let Some((parent, name)) = split(path) else {
            let source = Folder::root(root).map_err(BackupError::at("the root cannot be opened", "."))?;
            copy_folder(&source, &target, "", DEPTH_MAX, &mut entries)?;
            continue;
        };
        let unreachable = |error| BackupError::Unreachable { path: path.clone(), error };
        let from = Folder::root(root).and_then(|folder| folder.down(&raw(parent))).map_err(unreachable)?;
        let mut to = target;
        for part in parent.split('/').filter(|part| !part.is_empty()) {
            to = to.create_folder(&raw(part)).map_err(BackupError::at("a directory of the backup cannot be created", path))?;
        }
        // A file that a step will create is not there yet; its directory must be.
        let name = raw(name);
        if let Some(stat) = from.stat(&name).map_err(BackupError::at("cannot be looked at", path))? {
            copy_name(&from, &to, &name, path, stat, DEPTH_MAX, &mut entries)?;
        }
        to.sync()?;
    }
    Ok(Manifest::new(entries))
}

fn copy_folder(from: &Folder, to: &Folder, path: &str, depth: usize, entries: &mut Vec<Entry>) -> Result<(), BackupError> {
    if depth == 0 {
        return Err(too_deep().into());
    }
    let stat = from.own_stat()?;
    for name in from.names().map_err(BackupError::at("the directory cannot be read", path))? {
        let child = join(path, &written(&name));
        let Some(inner) = from.stat(&name).map_err(BackupError::at("cannot be looked at", &child))? else {
            return Err(BackupError::KeepsChanging(child));
        };
        copy_name(from, to, &name, &child, inner, depth - 1, entries)?;
    }
    dress(to, &stat).map_err(BackupError::at("the directory of the backup cannot be finished", path))?;
    entries.push(Entry { path: path.to_owned(), kind: Kind::Folder, mode: stat.permissions(), bytes: 0, sha256: None });
    Ok(())
}

pub(super) fn take_after(folder: &Folder, stat: &Stat) -> io::Result<()> {
    dress(folder, stat)?;
    folder.sync()
}

fn dress(folder: &Folder, stat: &Stat) -> io::Result<()> {
    if is_root() {
        folder.set_owner(stat.uid, stat.gid)?;
    }
    folder.set_permissions(stat.permissions())?;
    folder.set_modified(stat.modified())
}

fn copy_name(
    from: &Folder,
    to: &Folder,
    name: &OsStr,
    path: &str,
    stat: Stat,
    depth: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), BackupError> {
    match stat.kind() {
        Kind::Folder => {
            let source = from.folder(name).map_err(BackupError::at("the directory cannot be opened", path))?;
            let target = to.create_folder(name).map_err(BackupError::at("a directory of the backup cannot be created", path))?;
            copy_folder(&source, &target, path, depth, entries)
        }
        Kind::File => {
            let (stat, digest) = copy_file(from, to, name, path)?;
            entries.push(Entry {
                path: path.to_owned(),
                kind: Kind::File,
                mode: stat.permissions(),
                bytes: stat.bytes,
                sha256: Some(digest),
            });
            Ok(())
        }
        Kind::Link => {
            let link = from.link_target(name).map_err(BackupError::at("the link cannot be read", path))?;
            put_link(to, name, &link, &stat).map_err(BackupError::at("the link cannot be written", path))?;
            entries.push(Entry {
                path: path.to_owned(),
                kind: Kind::Link,
                mode: 0o777,
                bytes: stat.bytes,
                sha256: Some(Digest::of(&link)),
            });
            Ok(())
        }
        // Pipes and sockets have no content; whoever opened them makes them again.
        Kind::Pipe => Ok(()),
        Kind::Device => Err(BackupError::Device(path.to_owned())),
    }
}

pub(super) fn put_link(to: &Folder, name: &OsStr, target: &[u8], stat: &Stat) -> io::Result<()> {
    to.create_link(name, target)?;
    if is_root() {
        to.set_link_owner(name, stat.uid, stat.gid)?;
    }
    Ok(())
}

fn copy_file(from: &Folder, to: &Folder, name: &OsStr, path: &str) -> Result<(Stat, Digest), BackupError> {
    for _ in 0..COPIES_MAX {
        let mut source = from.read(name).map_err(BackupError::at("the file cannot be read", path))?;
        let before = Stat::of(&source.metadata()?);
        let mut target = to.create(name).map_err(BackupError::at("the copy cannot be created", path))?;
        let digest = pour(&mut source, &mut target).map_err(BackupError::at("the copy cannot be written", path))?;
        if Stat::of(&source.metadata()?).same_version(&before) {
            dress_file(&target, &before).map_err(BackupError::at("the copy cannot be finished", path))?;
            return Ok((before, digest));
        }
        drop(target);
        to.unlink(name)?;
    }
    Err(BackupError::KeepsChanging(path.to_owned()))
}

/// Copies bytes and says their digest.
pub(super) fn pour(source: &mut File, target: &mut File) -> io::Result<Digest> {
    let mut hasher = Hash::default();
    let mut buffer = vec![0_u8; 128 * 1024];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hasher.update(piece);
        target.write_all(piece)?;
    }
    Ok(hasher.finish())
}

/// Owner, mode and time of the original, then the disk.
pub(super) fn finish_file(target: &File, like: &Stat) -> io::Result<()> {
    dress_file(target, like)?;
    target.sync_all()
}

fn dress_file(target: &File, like: &Stat) -> io::Result<()> {
    if is_root() {
        std::os::unix::fs::fchown(target, Some(like.uid), Some(like.gid))?;
    }
    set_file_permissions(target, like.mode)?;
    target.set_modified(like.modified())
}

/// Reads every file of a copy and compares it with what it must be.
pub(super) fn read_back(copy: &Path, scope: &Scope, wanted: &Manifest) -> Result<(), BackupError> {
    let found = read_scope(&Folder::root(copy)?, scope, true)?;
    match first_difference(wanted, &found) {
        None => Ok(()),
        Some((path, detail)) => Err(BackupError::ReadBack { path, detail }),
    }
}

/// The manifest of a scope as it lies on the disk now. `from_disk` asks the kernel to forget what it remembers of each file first.
pub(super) fn read_scope(root: &Folder, scope: &Scope, from_disk: bool) -> Result<Manifest, BackupError> {
    let mut entries = Vec::new();
    for path in scope.paths() {
        let here = root.folder(OsStr::new("."))?;
        let Some((parent, name)) = split(path) else {
            read_folder(&here, "", DEPTH_MAX, from_disk, &mut entries)?;
            continue;
        };
        let parent = match here.down(&raw(parent)) {
            Ok(parent) => parent,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(BackupError::Unreachable { path: path.clone(), error }),
        };
        read_name(&parent, &raw(name), path, DEPTH_MAX, from_disk, &mut entries)?;
    }
    Ok(Manifest::new(entries))
}

fn read_folder(folder: &Folder, path: &str, depth: usize, from_disk: bool, entries: &mut Vec<Entry>) -> Result<(), BackupError> {
    if depth == 0 {
        return Err(too_deep().into());
    }
    for name in folder.names().map_err(BackupError::at("the directory cannot be read", path))? {
        read_name(folder, &name, &join(path, &written(&name)), depth - 1, from_disk, entries)?;
    }
    entries.push(Entry { path: path.to_owned(), kind: Kind::Folder, mode: folder.own_stat()?.permissions(), bytes: 0, sha256: None });
    Ok(())
}

fn read_name(
    folder: &Folder,
    name: &OsString,
    path: &str,
    depth: usize,
    from_disk: bool,
    entries: &mut Vec<Entry>,
) -> Result<(), BackupError> {
    let cannot = BackupError::at("cannot be read", path);
    let Some(stat) = folder.stat(name)? else { return Ok(()) };
    let (digest, mode) = match stat.kind() {
        Kind::Folder => return read_folder(&folder.folder(name)?, path, depth, from_disk, entries),
        Kind::Pipe | Kind::Device => return Ok(()),
        Kind::Link => (Digest::of(&folder.link_target(name).map_err(cannot)?), 0o777),
        Kind::File => {
            let mut file = folder.read(name).map_err(cannot)?;
            if from_disk && let Err(error) = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed) {
                tracing::debug!(%error, path, "the kernel keeps its cache of this file");
            }
            let (digest, _) = super::watch::digest_of(&mut file, 0).map_err(BackupError::at("cannot be read", path))?;
            (digest, stat.permissions())
        }
    };
    entries.push(Entry { path: path.to_owned(), kind: stat.kind(), mode, bytes: stat.bytes, sha256: Some(digest) });
    Ok(())
}

#[cfg(test)]
mod tests;
