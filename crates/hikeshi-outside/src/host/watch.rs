//! Every file under a target's root, before the first step and after each: which ones are not as they were (rules E6, E8).
//!
//! A scan asks the file system for type, mode, size, times and inode of every name and reads only what differs from the scan before.
//! The change time cannot be set by a program, so a forged modification time does not hide an edit.
//! Differences are always told against the baseline; the contents on both sides are kept by digest beside it.

mod changes;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hikeshi_domain::ids::Digest;
use serde::{Deserialize, Serialize};

pub(crate) use changes::{Changed, content, differs};
pub(crate) use scan::{Limits, Problem, digest_of};

use super::names::Scope;
use super::spool::{make_private, read_bounded, read_json, write_json};
use super::tree::{Folder, Stat};

/// One name under the root. `digest` is of a file's content or a link's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) stat: Stat,
    pub(crate) digest: Option<Digest>,
}

/// All names under the root at one time, by their written path.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) taken_at_ns: i64,
    pub(crate) nodes: BTreeMap<String, Node>,
    /// Names that were beyond the limits and only counted.
    pub(crate) unlisted: u64,
}

/// The last look, as far as it differs from the baseline: most of a large tree does not, and is not written anew after each command.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Latest {
    taken_at_ns: i64,
    unlisted: u64,
    /// `None`: it is gone.
    nodes: BTreeMap<String, Option<Node>>,
    /// After which step each difference was first seen.
    first_seen: BTreeMap<String, u32>,
    step: u32,
}

impl Latest {
    fn of(baseline: &Snapshot, now: &Snapshot, first_seen: BTreeMap<String, u32>, step: u32) -> Self {
        let mut nodes = BTreeMap::new();
        for path in baseline.nodes.keys().filter(|path| !now.nodes.contains_key(*path)) {
            nodes.insert(path.clone(), None);
        }
        for (path, node) in now.nodes.iter().filter(|(path, node)| baseline.nodes.get(*path) != Some(*node)) {
            nodes.insert(path.clone(), Some(node.clone()));
        }
        Self { taken_at_ns: now.taken_at_ns, unlisted: now.unlisted, nodes, first_seen, step }
    }
}

/// What is known of the tree from the look before.
#[derive(Default)]
struct Known<'a> {
    baseline: Option<&'a Snapshot>,
    latest: Latest,
}

impl Known<'_> {
    fn get(&self, path: &str) -> Option<&Node> {
        match self.latest.nodes.get(path) {
            Some(node) => node.as_ref(),
            None => self.baseline.and_then(|baseline| baseline.nodes.get(path)),
        }
    }

    /// Everything below a directory.
    fn below(&self, path: &str) -> BTreeMap<String, Node> {
        let inside = format!("{path}/");
        let begins = |found: &&String| found.starts_with(&inside);
        let baseline =
            self.baseline.into_iter().flat_map(|baseline| baseline.nodes.range(inside.clone()..).map(|(path, _)| path).take_while(begins));
        let latest = self.latest.nodes.range(inside.clone()..).map(|(path, _)| path).take_while(begins);
        baseline.chain(latest).filter_map(|path| self.get(path).map(|node| (path.clone(), node.clone()))).collect()
    }
}

/// Nobody else looks at these files, or puts any back, while this lives.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: File,
}

/// What is remembered about one emergency's files.
pub(crate) struct Watch {
    dir: PathBuf,
    file_bytes_max: u64,
}

impl Watch {
    pub(crate) fn open(dir: &Path, file_bytes_max: u64) -> Self {
        Self { dir: dir.to_owned(), file_bytes_max }
    }

    fn contents(&self) -> PathBuf {
        self.dir.join("contents")
    }

    pub(crate) fn has_baseline(&self) -> bool {
        self.dir.join("baseline.json").exists()
    }

    pub(crate) fn baseline(&self) -> io::Result<Snapshot> {
        read_json(&self.dir.join("baseline.json"))
    }

    /// Waits for its turn: looks follow typed commands, and files are put back beside them.
    pub(crate) fn hold(&self) -> io::Result<Held> {
        make_private(&self.dir)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.dir.join("lock"))?;
        lock.lock()?;
        Ok(Held { _lock: lock })
    }

    fn last(&self) -> io::Result<Latest> {
        read_json(&self.dir.join("latest.json"))
    }

    /// The tree as the last look has it.
    pub(crate) fn latest(&self, baseline: &Snapshot) -> io::Result<Snapshot> {
        let latest = self.last()?;
        let mut now = Snapshot { taken_at_ns: latest.taken_at_ns, nodes: baseline.nodes.clone(), unlisted: latest.unlisted };
        for (path, node) in latest.nodes {
            match node {
                Some(node) => now.nodes.insert(path, node),
                None => now.nodes.remove(&path),
            };
        }
        Ok(now)
    }

    /// A content that was small enough to keep.
    pub(crate) fn content(&self, digest: Digest) -> io::Result<Vec<u8>> {
        let bytes = read_bounded(&self.contents().join(digest.to_string()), self.file_bytes_max)?;
        if Digest::of(&bytes) == digest {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the kept content is damaged"))
        }
    }

    /// Reads everything under the root and remembers it as the state before the first step.
    pub(crate) fn take_baseline(&self, root: &Path, limits: Limits) -> Result<Snapshot, Problem> {
        make_private(&self.contents())?;
        let snapshot = scan::scan(&Folder::root(root)?, &Known::default(), limits, &self.keeper())?;
        Folder::root(&self.contents())?.sync_file_system()?;
        Ok(snapshot)
    }

    /// Makes a snapshot the baseline. Apart from taking it, because the backup must agree with it first.
    pub(crate) fn adopt(&self, snapshot: &Snapshot) -> io::Result<()> {
        write_json(&self.dir.join("latest.json"), &Latest { taken_at_ns: snapshot.taken_at_ns, ..Latest::default() })?;
        write_json(&self.dir.join("baseline.json"), snapshot)
    }

    /// Looks again, and tells what is not as it was at the baseline. `step` is the step that has just run, `None` after anything else.
    pub(crate) fn rescan(&self, _held: &Held, root: &Path, limits: Limits, scope: &Scope, step: Option<u32>) -> Result<Changed, Problem> {
        let baseline = self.baseline()?;
        let mut known = Known { baseline: Some(&baseline), latest: self.last()? };
        let step = step.unwrap_or(known.latest.step);
        let now = match Folder::root(root) {
            Ok(folder) => scan::scan(&folder, &known, limits, &self.keeper())?,
            // The whole root is gone: then every file of the baseline is.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Snapshot { taken_at_ns: crate::clock::file_now_ns(), ..Snapshot::default() }
            }
            Err(error) => return Err(error.into()),
        };
        let differing = changes::differing(&baseline, &now);
        let mut first_seen = std::mem::take(&mut known.latest.first_seen);
        first_seen.retain(|path, _| differing.contains_key(path));
        for path in differing.keys() {
            first_seen.entry(path.clone()).or_insert(step);
        }
        let latest = Latest::of(&baseline, &now, first_seen, step);
        write_json(&self.dir.join("latest.json"), &latest)?;
        Ok(changes::tell(self, &baseline, &now, &differing, scope, &latest.first_seen))
    }

    /// What a snapshot has of the scope alone, listed by itself: what lies outside would come first.
    pub(crate) fn in_scope(&self, baseline: &Snapshot, found: &Snapshot, scope: &Scope) -> io::Result<Changed> {
        let mut differing = changes::differing(baseline, found);
        differing.retain(|path, _| scope.contains(path));
        Ok(changes::tell(self, baseline, found, &differing, scope, &self.last()?.first_seen))
    }

    /// Looks once more at a name that is about to give way, and at all below it: what was written since the look is kept, too.
    pub(crate) fn look_again(&self, folder: &Folder, name: &OsStr, path: &str, found: &mut Snapshot) -> Result<(), Problem> {
        let latest = Latest { taken_at_ns: found.taken_at_ns, ..Latest::default() };
        let now = scan::scan_name(folder, name, path, &Known { baseline: Some(found), latest }, &self.keeper())?;
        // It has given way already, or is gone: what was found stays found.
        if now.nodes.is_empty() {
            return Ok(());
        }
        let inside = format!("{path}/");
        let below: Vec<String> =
            found.nodes.range(inside.clone()..).map(|(known, _)| known.clone()).take_while(|known| known.starts_with(&inside)).collect();
        for known in below {
            found.nodes.remove(&known);
        }
        found.nodes.extend(now.nodes);
        Ok(())
    }

    fn keeper(&self) -> scan::Keeper {
        scan::Keeper { dir: self.contents(), file_bytes_max: self.file_bytes_max }
    }

    pub(crate) fn is_kept(&self, digest: Digest, bytes: u64) -> bool {
        bytes <= self.file_bytes_max && self.contents().join(digest.to_string()).exists()
    }
}

/// The directories that hold a path of the set somewhere below them.
fn ancestors<'a>(paths: impl Iterator<Item = &'a String>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for path in paths {
        let mut here = path.as_str();
        while let Some((parent, _)) = super::names::split(here) {
            if !found.insert(parent) {
                break;
            }
            here = parent;
        }
    }
    found
}
