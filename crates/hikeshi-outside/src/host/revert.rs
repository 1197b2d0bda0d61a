//! Putting single files back as the baseline has them. Each is replaced at once, by renaming; no link is followed. What lay there is
//! kept by digest before, and what lies there afterwards is read by another look: that, not the writing, is what is told.
//!
//! Not here: the whole backup ([`super::restore`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use hikeshi_domain::emergency::{Backup, FileContent, PutBack, PuttingBack};
use hikeshi_domain::mask::Masker;

use super::backup::{BackupError, Place, finish_file, pour, put_link, take_after};
use super::names::{Scope, join, raw, split};
use super::restore::beside;
use super::tree::{DEPTH_MAX, Folder, Kind, Stat};
use super::watch::{Changed, Held, Limits, Node, Problem, Snapshot, Watch, content, differs, digest_of};

/// What was replaced along with what was asked for (a directory that took a file's place), as far as it is told one by one.
const ALONG_BYTES_MAX: usize = 4 * 1024;

pub(crate) struct Reverting<'a> {
    pub(crate) root: &'a Path,
    pub(crate) watch: &'a Watch,
    pub(crate) scope: &'a Scope,
    pub(crate) limits: Limits,
    /// Where the backup of this exception lies, for what was too large to keep by digest.
    pub(crate) backup: Option<(&'a Path, &'a Backup)>,
    pub(crate) masker: &'a Masker,
}

impl Reverting<'_> {
    /// Puts them back, directories before what is in them. One that fails does not keep the others from being put back.
    pub(crate) fn all(&self, held: &Held, asked: &[PuttingBack]) -> Result<(Vec<PutBack>, Changed), Problem> {
        let baseline = self.watch.baseline()?;
        self.watch.rescan(held, self.root, self.limits, self.scope, None)?;
        let mut found = self.watch.latest(&baseline)?;
        let mut asked: Vec<&PuttingBack> = asked.iter().collect();
        asked.sort_by(|a, b| a.path.cmp(&b.path));
        let mut failed = BTreeMap::new();
        for file in &asked {
            if let Err(error) = self.one(&baseline, &mut found, written(&file.path)) {
                failed.insert(file.path.as_str(), self.masker.text(&error.to_string()));
            }
        }
        let names: Vec<&str> = asked.iter().map(|file| written(&file.path)).collect();
        relink(self.root, &baseline, &names)?;
        let mut changed = self.watch.rescan(held, self.root, self.limits, self.scope, None)?.with_contents(self.watch, self.masker);
        let now = self.watch.latest(&baseline)?;
        let mut told = Vec::new();
        for file in asked {
            let path = written(&file.path);
            let mut row = self.row(&file.path, found.nodes.get(path), now.nodes.get(path), &mut changed);
            row.changed_since = !same(row.found.as_ref(), file.seen.as_ref());
            row.failed = failed.remove(file.path.as_str());
            if row.failed.is_none() && differs(baseline.nodes.get(path), now.nodes.get(path)) {
                row.failed = Some("it is not as it was: something has written it again, or its right could not be set".to_owned());
            }
            told.push(row);
        }
        self.along(&found, &now, &mut told, &mut changed);
        Ok((told, changed))
    }

    fn row(&self, path: &str, found: Option<&Node>, now: Option<&Node>, changed: &mut Changed) -> PutBack {
        let mut side = |node: &Node| changed.keep(self.watch, self.masker, content(self.watch, node));
        let (found, now) = (found.map(&mut side), now.map(side));
        PutBack { path: path.to_owned(), found, now, changed_since: false, failed: None }
    }

    /// What lay below something that was replaced is gone with it, and is told too.
    fn along(&self, found: &Snapshot, now: &Snapshot, told: &mut Vec<PutBack>, changed: &mut Changed) {
        let asked: Vec<String> = told.iter().filter(|row| row.failed.is_none()).map(|row| format!("{}/", row.path)).collect();
        let mut bytes = 0;
        for below in &asked {
            let inside = found.nodes.range(below.clone()..).take_while(|(path, _)| path.starts_with(below.as_str()));
            for (path, node) in inside.filter(|(path, node)| node.stat.kind() != Kind::Folder && !now.nodes.contains_key(*path)) {
                bytes += path.len() + 300;
                if bytes > ALONG_BYTES_MAX || told.iter().any(|row| row.path == *path) {
                    continue;
                }
                told.push(self.row(path, Some(node), None, changed));
            }
        }
    }

    fn one(&self, baseline: &Snapshot, found: &mut Snapshot, path: &str) -> Result<(), BackupError> {
        let folder = Folder::root(self.root).map_err(BackupError::at("the root cannot be opened", "."))?;
        let Some((parent, name)) = split(path) else {
            let node = baseline.nodes.get("").ok_or_else(|| BackupError::Damaged("the baseline does not know the root".to_owned()))?;
            return folder.set_permissions(node.stat.mode).map_err(BackupError::at("the mode of the root cannot be put back", "."));
        };
        if raw(path).to_string_lossy().split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(BackupError::Unreachable { path: path.to_owned(), error: io::ErrorKind::InvalidInput.into() });
        }
        let Some(node) = baseline.nodes.get(path) else { return self.remove(baseline, found, path) };
        let parent = reach_as_before(folder, parent, baseline)?;
        self.put(&parent, &raw(name), path, node, found)?;
        parent.sync().map_err(BackupError::from)
    }

    /// It was not there: it goes, and with it the directories that were made for it, once they are empty.
    fn remove(&self, baseline: &Snapshot, found: &mut Snapshot, path: &str) -> Result<(), BackupError> {
        let mut path = path;
        let mut asked = true;
        while let Some((parent, name)) = split(path) {
            let here = match Folder::root(self.root)?.down(&raw(parent)) {
                Ok(here) => here,
                // What holds it is no directory any more: then it is not there either.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
                Err(error) => return Err(BackupError::Unreachable { path: path.to_owned(), error }),
            };
            if asked {
                self.gives_way(&here, &raw(name), path, found)?;
                here.remove_all(&raw(name), DEPTH_MAX).map_err(BackupError::at("cannot be removed", path))?;
            } else if here.remove_empty_folder(&raw(name)).is_err() {
                return Ok(());
            }
            here.sync()?;
            if parent.is_empty() || baseline.nodes.contains_key(parent) {
                return Ok(());
            }
            (path, asked) = (parent, false);
        }
        Ok(())
    }

    fn put(&self, to: &Folder, name: &OsStr, path: &str, node: &Node, found: &mut Snapshot) -> Result<(), BackupError> {
        let cannot = |what| BackupError::at(what, path);
        let kind = node.stat.kind();
        // Before anything is removed it must be certain that something can take its place.
        let source = self.source(path, node)?;
        let now = to.stat(name)?;
        if now.as_ref().is_some_and(|now| now.kind() != kind && (now.kind() == Kind::Folder || kind == Kind::Folder)) {
            self.gives_way(to, name, path, found)?;
            to.remove_all(name, DEPTH_MAX).map_err(cannot("what took its place cannot be removed"))?;
        }
        let beside = beside(name);
        to.unlink(&beside)?;
        let put = match source {
            Source::Nothing => match kind {
                Kind::Folder => return to.create_folder(name).and_then(|made| take_after(&made, &node.stat)).map_err(cannot(FOLDER)),
                Kind::Pipe if node.stat.is_fifo() => to.create_fifo(&beside, node.stat.mode),
                Kind::File | Kind::Link | Kind::Pipe | Kind::Device => Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a socket or device comes back when the program that made it makes it again",
                )),
            },
            Source::Link(target) => put_link(to, &beside, &target, &node.stat),
            Source::Bytes(_) | Source::Copy(_) if is_there(to, name, node) => return dressed(to, name, node).map_err(cannot(RIGHTS)),
            Source::Bytes(bytes) => Self::file(to, &beside, node, |file| file.write_all(&bytes)),
            Source::Copy(mut copy) => Self::file(to, &beside, node, |file| match pour(&mut copy, file)? {
                digest if Some(digest) == node.digest => Ok(()),
                _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the backup has another content")),
            }),
        };
        let put = put.map_err(cannot(BACK)).and_then(|()| {
            self.gives_way(to, name, path, found)?;
            to.rename(&beside, name).map_err(cannot(BACK))
        });
        if put.is_err() {
            to.unlink(&beside)?;
        }
        put
    }

    /// What somebody has written since the look is kept before it is replaced.
    fn gives_way(&self, to: &Folder, name: &OsStr, path: &str, found: &mut Snapshot) -> Result<(), BackupError> {
        let again = self.watch.look_again(to, name, path, found);
        again.map_err(|error| BackupError::at("what lies there now cannot be kept", path)(io::Error::other(error)))
    }

    fn file(to: &Folder, beside: &OsStr, node: &Node, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let mut file = to.create(beside)?;
        write(&mut file)?;
        finish_file(&file, &node.stat)
    }

    /// Where the content is: kept by digest, or in the backup, which has the whole scope.
    fn source(&self, path: &str, node: &Node) -> Result<Source, BackupError> {
        let Some(digest) = node.digest else { return Ok(Source::Nothing) };
        let too_large = match (self.watch.content(digest), node.stat.kind()) {
            (Ok(target), Kind::Link) => return Ok(Source::Link(target)),
            (Ok(bytes), _) => return Ok(Source::Bytes(bytes)),
            (Err(error), _) => error,
        };
        let Some((backups, backup)) = self.backup.filter(|_| self.scope.contains(path)) else {
            return Err(BackupError::at("the content before the start was too large to keep, and lies outside the backup. It was", path)(
                too_large,
            ));
        };
        let place = Place::of(backups, &backup.name)?;
        let (parent, name) = split(path).unwrap_or_default();
        let copy = Folder::root(&place.dir).and_then(|dir| dir.down(&raw(parent))).and_then(|dir| dir.read(&raw(name)));
        copy.map(Source::Copy).map_err(BackupError::at("the backup of it cannot be read", path))
    }
}

const BACK: &str = "it cannot be put back";
const FOLDER: &str = "the directory cannot be put back";
const RIGHTS: &str = "its rights cannot be put back";

enum Source {
    Link(Vec<u8>),
    Bytes(Vec<u8>),
    Copy(File),
    /// It has no content: a directory, a pipe.
    Nothing,
}

/// The record calls the root `.`.
fn written(path: &str) -> &str {
    if path == "." { "" } else { path }
}

fn same(found: Option<&FileContent>, seen: Option<&FileContent>) -> bool {
    let what = |side: &FileContent| (side.digest, side.mode);
    found.map(what) == seen.map(what)
}

fn is_there(to: &Folder, name: &OsStr, node: &Node) -> bool {
    let digest = to.read(name).and_then(|mut file| digest_of(&mut file, 0));
    digest.is_ok_and(|(digest, _)| Some(digest) == node.digest)
}

/// The content is right already: the file stays the one that others have open or linked, and only its rights are set.
fn dressed(to: &Folder, name: &OsStr, node: &Node) -> io::Result<()> {
    finish_file(&to.read(name)?, &node.stat)
}

fn reach_as_before(root: Folder, parent: &str, baseline: &Snapshot) -> Result<Folder, BackupError> {
    let (mut here, mut path) = (root, String::new());
    for part in parent.split('/').filter(|part| !part.is_empty()) {
        path = join(&path, part);
        let name = raw(part);
        let unreachable = |error| BackupError::Unreachable { path: path.clone(), error };
        here = match here.folder(&name) {
            Ok(inner) => inner,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = here.create_folder(&name).map_err(unreachable)?;
                if let Some(node) = baseline.nodes.get(&path) {
                    take_after(&made, &node.stat).map_err(unreachable)?;
                }
                made
            }
            Err(error) => return Err(unreachable(error)),
        };
    }
    Ok(here)
}

/// Names that were one file at the baseline become one file again, where each is as it was. Their content is right already: one
/// that cannot be linked stays a file of its own. Names other than `paths` are left as they are.
pub(crate) fn relink(root: &Path, baseline: &Snapshot, paths: &[&str]) -> io::Result<()> {
    let mut inodes: BTreeMap<(u64, u64), Vec<&str>> = BTreeMap::new();
    let identity = |path: &str| baseline.nodes.get(path).filter(|node| node.stat.kind() == Kind::File).map(|node| node.stat.identity());
    for identity in paths.iter().filter_map(|path| identity(path)) {
        inodes.insert(identity, Vec::new());
    }
    for (path, node) in baseline.nodes.iter().filter(|(_, node)| node.stat.kind() == Kind::File) {
        if let Some(names) = inodes.get_mut(&node.stat.identity()) {
            names.push(path);
        }
    }
    let asked: BTreeSet<&str> = paths.iter().copied().collect();
    let root = Folder::root(root)?;
    for names in inodes.into_values().filter(|names| names.len() > 1) {
        let present: Vec<(&str, Stat)> =
            names.iter().filter_map(|path| as_before(&root, baseline, path).map(|stat| (*path, stat))).collect();
        // The one that was never replaced; else one that must not be touched. Only what was asked for is made a link.
        let original = |path: &str, stat: &Stat| identity(path) == Some(stat.identity());
        let kept =
            present.iter().find(|(path, stat)| original(path, stat)).or_else(|| present.iter().find(|(path, _)| !asked.contains(path)));
        let Some((first, kept)) = kept.or(present.first()) else { continue };
        for (other, _) in present.iter().filter(|(path, stat)| asked.contains(path) && stat.identity() != kept.identity()) {
            if let Err(error) = link(&root, first, other) {
                tracing::warn!(%error, first, other, "they were one file, and are two now");
            }
        }
    }
    Ok(())
}

fn place<'a>(root: &Folder, path: &'a str) -> io::Result<(Folder, &'a str)> {
    let (parent, name) = split(path).unwrap_or_default();
    Ok((root.folder(OsStr::new("."))?.down(&raw(parent))?, name))
}

fn as_before(root: &Folder, baseline: &Snapshot, path: &str) -> Option<Stat> {
    let node = baseline.nodes.get(path)?;
    let (parent, name) = place(root, path).ok()?;
    let stat = parent.stat(&raw(name)).ok()??;
    let right = stat.kind() == Kind::File && stat.permissions() == node.stat.permissions() && is_there(&parent, &raw(name), node);
    right.then_some(stat)
}

fn link(root: &Folder, first: &str, other: &str) -> io::Result<()> {
    let ((from, name), (to, new)) = (place(root, first)?, place(root, other)?);
    let beside = beside(&raw(new));
    to.unlink(&beside)?;
    from.link(&raw(name), &to, &beside)?;
    to.rename(&beside, &raw(new))?;
    to.sync()
}

/// The same for everything in a scope.
pub(crate) fn relink_scope(root: &Path, baseline: &Snapshot, scope: &Scope) -> io::Result<()> {
    let paths: Vec<&str> = baseline.nodes.keys().map(String::as_str).filter(|path| scope.contains(path)).collect();
    relink(root, baseline, &paths)
}
