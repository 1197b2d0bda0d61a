//! Putting the whole backup of the scope back. Each file is replaced at once, by renaming; what lies outside the scope is not
//! touched, and no link is followed. Single files are [`super::revert`].

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use hikeshi_domain::emergency::Backup;
use hikeshi_domain::ids::Digest;

use super::backup::{BackupError, Entry, Place, finish_file, first_difference, pour, put_link, read_back, read_scope, take_after};
use super::names::{Scope, join, raw, split, written};
use super::tree::{DEPTH_MAX, Folder, Kind, Stat};
use super::watch::{Problem, digest_of};

/// Looks at a name that is about to give way.
type Since<'a> = dyn FnMut(&Folder, &OsStr, &str) -> Result<(), Problem> + 'a;

struct Putting<'a> {
    wanted: BTreeMap<&'a str, &'a Entry>,
    since: &'a mut Since<'a>,
}

/// Makes the scope equal to the backup, and proves it. Returns the number of files and the manifest as read afterwards. Whatever
/// is replaced is shown to `since` just before.
pub(crate) fn restore<'a>(
    root: &Path,
    scope: &Scope,
    backups: &Path,
    backup: &Backup,
    since: &'a mut Since<'a>,
) -> Result<(u64, Digest), BackupError> {
    let place = Place::of(backups, &backup.name)?;
    let manifest = place.manifest(backup.manifest)?;
    read_back(&place.dir, scope, &manifest).map_err(|error| BackupError::Damaged(error.to_string()))?;
    let wanted = manifest.entries.iter().map(|entry| (entry.path.as_str(), entry)).collect();
    let mut putting = Putting { wanted, since };
    for path in scope.paths() {
        let from = Folder::root(&place.dir)?;
        let to = Folder::root(root).map_err(BackupError::at("the root cannot be opened", "."))?;
        let Some((parent, name)) = split(path) else {
            putting.folder(&from, &to, "")?;
            continue;
        };
        let (from, to) = (from.down(&raw(parent))?, reach(to, parent)?);
        putting.name(&from, &to, &raw(name), path)?;
        to.sync()?;
    }
    let found = read_scope(&Folder::root(root)?, scope, false)?;
    if let Some((path, detail)) = first_difference(&manifest, &found) {
        return Err(BackupError::ReadBack { path, detail });
    }
    Ok((manifest.files(), found.digest()))
}

/// Goes to a parent inside the root; one that a step removed is made again.
fn reach(root: Folder, parent: &str) -> Result<Folder, BackupError> {
    let mut here = root;
    for part in parent.split('/').filter(|part| !part.is_empty()) {
        let name = raw(part);
        here = match here.folder(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                here.create_folder(&name).and_then(|made| made.set_permissions(0o755).map(|()| made))
            }
            other => other,
        }
        .map_err(|error| BackupError::Unreachable { path: parent.to_owned(), error })?;
    }
    Ok(here)
}

const FILE: &str = "the file cannot be put back";

impl Putting<'_> {
    fn name(&mut self, from: &Folder, to: &Folder, name: &OsStr, path: &str) -> Result<(), BackupError> {
        let cannot = |what| BackupError::at(what, path);
        let now = to.stat(name).map_err(cannot("cannot be looked at"))?;
        let Some(entry) = self.wanted.get(path).copied() else {
            return match now {
                // Pipes and sockets are not part of a backup; they are left to whoever made them.
                Some(stat) if stat.kind() != Kind::Pipe => {
                    self.gives_way(to, name, path)?;
                    to.remove_all(name, DEPTH_MAX).map_err(cannot("what was not in the backup cannot be removed"))
                }
                Some(_) | None => Ok(()),
            };
        };
        if let Some(stat) = &now
            && stat.kind() != entry.kind
        {
            self.gives_way(to, name, path)?;
            to.remove_all(name, DEPTH_MAX).map_err(cannot("what took its place cannot be removed"))?;
        }
        match entry.kind {
            Kind::Folder => {
                let inner = from.folder(name).map_err(cannot("the backup cannot be read"))?;
                let target = to.create_folder(name).map_err(cannot("the directory cannot be made"))?;
                self.folder(&inner, &target, path)
            }
            Kind::File => self.file(from, to, name, entry),
            Kind::Link => {
                let link = from.link_target(name).map_err(cannot("the backup cannot be read"))?;
                if to.link_target(name).ok().as_deref() == Some(link.as_slice()) {
                    return Ok(());
                }
                let stat = from.stat(name)?.ok_or_else(|| BackupError::Damaged(path.to_owned()))?;
                let beside = beside(name);
                to.unlink(&beside)?;
                put_link(to, &beside, &link, &stat).map_err(cannot("the link cannot be put back"))?;
                self.gives_way(to, name, path)?;
                to.rename(&beside, name).map_err(cannot("the link cannot be put back"))
            }
            Kind::Pipe | Kind::Device => Ok(()),
        }
    }

    fn folder(&mut self, from: &Folder, to: &Folder, path: &str) -> Result<(), BackupError> {
        let cannot = |what| BackupError::at(what, path);
        let like = from.own_stat()?;
        // Without the right to write, nothing inside could be put back; the mode is set at the end.
        to.set_permissions(like.permissions() | 0o700).map_err(cannot("the directory cannot be opened for writing"))?;
        let mut names = from.names()?;
        names.extend(to.names().map_err(cannot("the directory cannot be read"))?);
        names.sort();
        names.dedup();
        for name in names {
            self.name(from, to, &name, &join(path, &written(&name)))?;
        }
        take_after(to, &like).map_err(cannot("the directory cannot be finished"))
    }

    fn file(&mut self, from: &Folder, to: &Folder, name: &OsStr, entry: &Entry) -> Result<(), BackupError> {
        let cannot = |what| BackupError::at(what, &entry.path);
        let mut source = from.read(name).map_err(cannot("the backup cannot be read"))?;
        let like = Stat::of(&source.metadata()?);
        // A file that is as it was keeps its inode: whoever has it open keeps reading the right one.
        if let Ok(mut present) = to.read(name)
            && let Ok((digest, _)) = digest_of(&mut present, 0)
            && Some(digest) == entry.sha256
        {
            if is_like(&Stat::of(&present.metadata()?), &like) {
                return Ok(());
            }
            return finish_file(&present, &like).map_err(cannot("the mode cannot be put back"));
        }
        let beside = beside(name);
        to.unlink(&beside)?;
        let mut target = to.create(&beside).map_err(cannot("the file cannot be written"))?;
        let put = pour(&mut source, &mut target).and_then(|digest| {
            if Some(digest) != entry.sha256 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the backup changed while it was read"));
            }
            finish_file(&target, &like)
        });
        let put = match put {
            Ok(()) => self.gives_way(to, name, &entry.path).and_then(|()| to.rename(&beside, name).map_err(cannot(FILE))),
            Err(error) => Err(cannot(FILE)(error)),
        };
        if put.is_err() {
            to.unlink(&beside)?;
        }
        put
    }

    fn gives_way(&mut self, to: &Folder, name: &OsStr, path: &str) -> Result<(), BackupError> {
        (self.since)(to, name, path).map_err(|error| BackupError::at("what lies there now cannot be kept", path)(io::Error::other(error)))
    }
}

fn is_like(now: &Stat, like: &Stat) -> bool {
    now.permissions() == like.permissions() && (!super::tree::is_root() || (now.uid, now.gid) == (like.uid, like.gid))
}

/// The name under which a file waits to be renamed: the same in each run, so that a crash leaves at most one, which the next run removes.
pub(super) fn beside(name: &OsStr) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    format!(".hikeshi-{}.tmp", Digest::of(name.as_bytes()).short()).into()
}
