//! Two snapshots compared, and told as the record wants it. Pure but for reading kept contents.

use std::collections::BTreeMap;

use hikeshi_domain::emergency::{ChangeKind, FileChange, FileContent, Looked};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::mask::Masker;

use super::{Node, Snapshot, Watch, ancestors};
use crate::host::names::Scope;
use crate::host::tree::Kind;

/// A ledger entry holds the list, so it is bounded; what lies outside the scope comes first, because somebody must accept it.
const LISTED_MAX: usize = 200;
const LISTED_BYTES_MAX: usize = 40 * 1024;
/// Contents that go along with one outcome.
const CONTENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is not as it was.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) looked: Looked,
    pub(crate) contents: Vec<Vec<u8>>,
    /// Contents that were asked for, and whether they go along.
    taken: BTreeMap<Digest, bool>,
    bytes: u64,
}

pub(super) fn differing(baseline: &Snapshot, now: &Snapshot) -> BTreeMap<String, ChangeKind> {
    let mut found = BTreeMap::new();
    for (path, before) in &baseline.nodes {
        match now.nodes.get(path) {
            None => {
                found.insert(path.clone(), ChangeKind::Removed);
            }
            Some(after) => {
                if let Some(kind) = difference(before, after) {
                    found.insert(path.clone(), kind);
                }
            }
        }
    }
    for path in now.nodes.keys() {
        if !baseline.nodes.contains_key(path) {
            found.insert(path.clone(), ChangeKind::Added);
        }
    }
    quiet_folders(baseline, now, &mut found);
    found
}

/// A directory that came or went is told by what is in it; only an empty one needs its own line.
fn quiet_folders(baseline: &Snapshot, now: &Snapshot, found: &mut BTreeMap<String, ChangeKind>) {
    let told = ancestors(found.keys()).into_iter().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    found.retain(|path, kind| {
        let side = match kind {
            ChangeKind::Added => &now.nodes,
            ChangeKind::Removed => &baseline.nodes,
            ChangeKind::Modified | ChangeKind::Metadata => return true,
        };
        let is_folder = side.get(path).is_some_and(|node| node.stat.kind() == Kind::Folder);
        !(is_folder && told.contains(path))
    });
}

/// Whether one path is not as it was.
pub(crate) fn differs(before: Option<&Node>, after: Option<&Node>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => difference(before, after).is_some(),
        (None, None) => false,
        (None, Some(_)) | (Some(_), None) => true,
    }
}

fn difference(before: &Node, after: &Node) -> Option<ChangeKind> {
    let (was, is) = (before.stat.kind(), after.stat.kind());
    if was != is {
        return Some(ChangeKind::Modified);
    }
    let owner_differs = (before.stat.uid, before.stat.gid) != (after.stat.uid, after.stat.gid);
    match was {
        Kind::Link if before.digest != after.digest => Some(ChangeKind::Metadata),
        Kind::File if before.digest != after.digest => Some(ChangeKind::Modified),
        // The mode of a link says nothing.
        Kind::Link => owner_differs.then_some(ChangeKind::Metadata),
        Kind::File | Kind::Folder | Kind::Pipe | Kind::Device => {
            (before.stat.mode != after.stat.mode || owner_differs).then_some(ChangeKind::Metadata)
        }
    }
}

pub(super) fn tell(
    watch: &Watch,
    baseline: &Snapshot,
    now: &Snapshot,
    differing: &BTreeMap<String, ChangeKind>,
    scope: &Scope,
    first_seen: &BTreeMap<String, u32>,
) -> Changed {
    let side = |snapshot: &Snapshot, path: &str| snapshot.nodes.get(path).map(|node| content(watch, node));
    let mut changes: Vec<FileChange> = differing
        .iter()
        .map(|(path, kind)| FileChange {
            path: if path.is_empty() { ".".to_owned() } else { path.clone() },
            kind: *kind,
            before: side(baseline, path),
            after: side(now, path),
            in_scope: scope.contains(path),
            step: first_seen.get(path).copied().unwrap_or(0),
            command: None,
            accepted_by: None,
        })
        .collect();
    changes.sort_by(|a, b| (a.in_scope, &a.path).cmp(&(b.in_scope, &b.path)));
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let mut bytes = 0;
    let fitting = changes.iter().take(LISTED_MAX).take_while(|change| {
        bytes += serde_json::to_vec(change).map_or(0, |json| json.len());
        bytes <= LISTED_BYTES_MAX
    });
    let listed = fitting.count();
    let cut = changes.split_off(listed);
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    let changes_unlisted = count(cut.len()).saturating_add(now.unlisted);
    let outside_unlisted = count(cut.iter().filter(|change| !change.in_scope).count());
    Changed { looked: Looked { changes, changes_unlisted, outside_unlisted, unseen: false }, ..Changed::default() }
}

pub(crate) fn content(watch: &Watch, node: &Node) -> FileContent {
    match node.digest {
        Some(digest) => FileContent { digest, bytes: node.stat.bytes, mode: node.stat.mode, kept: watch.is_kept(digest, node.stat.bytes) },
        None => FileContent { digest: Digest::of(b""), bytes: 0, mode: node.stat.mode, kept: false },
    }
}

impl Changed {
    /// Collects the contents that the changes name. One that holds a secret stays out of the record (rule A4): its digest is told,
    /// its content remains in the spool, where a revert finds it.
    pub(crate) fn with_contents(mut self, watch: &Watch, masker: &Masker) -> Self {
        let mut changes = std::mem::take(&mut self.looked.changes);
        for change in &mut changes {
            for side in [&mut change.before, &mut change.after].into_iter().flatten() {
                self.take(watch, masker, side);
            }
        }
        self.looked.changes = changes;
        self
    }

    /// The same for one more side; gives it back as the record may have it.
    pub(crate) fn keep(&mut self, watch: &Watch, masker: &Masker, mut side: FileContent) -> FileContent {
        self.take(watch, masker, &mut side);
        side
    }

    fn take(&mut self, watch: &Watch, masker: &Masker, side: &mut FileContent) {
        if !side.kept {
            return;
        }
        if let Some(goes_along) = self.taken.get(&side.digest) {
            side.kept = *goes_along;
            return;
        }
        let fits = self.bytes.saturating_add(side.bytes) <= CONTENT_BYTES_MAX;
        let content = if fits { watch.content(side.digest).ok().filter(|bytes| masker.bytes(bytes) == *bytes) } else { None };
        side.kept = content.is_some();
        self.taken.insert(side.digest, side.kept);
        if let Some(bytes) = content {
            self.bytes = self.bytes.saturating_add(side.bytes);
            self.contents.push(bytes);
        }
    }
}
