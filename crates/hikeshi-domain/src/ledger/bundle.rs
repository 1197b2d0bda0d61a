//! One case as files that anybody can verify offline: entries with inclusion proofs to a signed checkpoint, the contents they name, and
//! a signed manifest that says which entries the case has. Packing the files is the binary's work; verifying them is [`super::verify`].
//!
//! | file | what |
//! |---|---|
//! | `manifest.txt` | signed note: a line with the format, a line of JSON ([`Manifest`]) |
//! | `checkpoint.txt` | signed checkpoint |
//! | `entries.jsonl` | the entries as they were recorded, one per line |
//! | `proofs.jsonl` | an inclusion proof per entry |
//! | `consistency.jsonl` | proofs that earlier checkpoints are prefixes of this one |
//! | `contents/<digest>` | outputs, file contents, blocks of recordings |
//! | `key.txt` | the public key; whoever verifies should have it from elsewhere |
//! | `approvals/…` | signed approvals for stock tools, see [`super::approvals`] |
//! | anything else | documents, listed in the manifest with their digests |

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approvals::{APPROVALS_DIRECTORY, approval_files};
use super::{Checkpoint, Entry, EntryResult, LedgerKey, NoteError, leaf_hash, open_note};
use crate::event::Event;
use crate::ids::{Digest, IncidentId, PersonId};

pub const MANIFEST_FILE: &str = "manifest.txt";
pub const CHECKPOINT_FILE: &str = "checkpoint.txt";
pub const ENTRIES_FILE: &str = "entries.jsonl";
pub const PROOFS_FILE: &str = "proofs.jsonl";
pub const CONSISTENCY_FILE: &str = "consistency.jsonl";
pub const KEY_FILE: &str = "key.txt";
pub const CONTENTS_DIRECTORY: &str = "contents/";
/// First line of the manifest; never the first line of a checkpoint, so neither can be taken for the other.
pub const BUNDLE_FORMAT: &str = "hikeshi-bundle-v1";

/// A bundle: file names, `/` between parts, and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What the signed manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub origin: String,
    pub case: IncidentId,
    pub exported_at: Timestamp,
    /// The checkpoint to which everything is proven.
    pub size: u64,
    pub root: Digest,
    /// All entries of the case up to that size, in order.
    pub entries: Vec<u64>,
    /// All contents that these entries name.
    pub contents: BTreeSet<Digest>,
    /// Names of the people, as the policy wrote them.
    pub people: BTreeMap<PersonId, String>,
    /// Every other file.
    pub files: BTreeMap<String, Digest>,
}

/// One entry of the case with its path to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledEntry {
    pub seq: u64,
    pub bytes: Vec<u8>,
    pub path: Vec<Digest>,
}

/// That the tree of `from` entries is the beginning of the checkpoint's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    pub from: u64,
    pub path: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProofLine {
    pub(super) seq: u64,
    pub(super) path: Vec<Digest>,
}

/// What goes into a bundle. The store collects it.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleParts {
    pub case: IncidentId,
    pub exported_at: Timestamp,
    pub size: u64,
    pub root: Digest,
    pub entries: Vec<BundledEntry>,
    pub consistency: Vec<ConsistencyProof>,
    pub contents: BTreeMap<Digest, Vec<u8>>,
    pub people: BTreeMap<PersonId, String>,
    /// Further files, such as the report; names are relative, without `contents/` and the names above.
    pub documents: Files,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    #[error("the ledger holds no entry of {0}")]
    NothingToExport(IncidentId),
    #[error("entry {0} cannot be exported: it is not one line of JSON")]
    NotALine(u64),
    #[error("`{0}` cannot be the name of a document in a bundle")]
    BadName(String),
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// Contents that an entry names: outputs of commands, and files whose content was kept. Found by shape, so that an older program can
/// verify entries of a newer one.
pub fn named_contents(entry: &[u8]) -> BTreeSet<Digest> {
    let mut named = BTreeSet::new();
    if let Ok(value) = serde_json::from_slice::<Value>(entry) {
        collect_contents(&value, &mut named);
    }
    named
}

/// JSON that the parser accepts is at most 128 levels deep, so is this.
fn collect_contents(value: &Value, named: &mut BTreeSet<Digest>) {
    match value {
        Value::Object(fields) => {
            let digest = |name: &str| fields.get(name).and_then(Value::as_str).and_then(Digest::parse);
            // The output of a step, and what a capture has printed.
            if fields.contains_key("output_bytes") || fields.contains_key("title") && fields.contains_key("bytes") {
                named.extend(digest("output"));
            }
            // A block of a recording.
            if fields.contains_key("head") && fields.len() == 2 {
                named.extend(digest("file"));
            }
            // The same block, without what was taken out of it.
            if fields.contains_key("now") && fields.contains_key("was") && fields.contains_key("frames") {
                named.extend(digest("now"));
            }
            if fields.get("kept") == Some(&Value::Bool(true)) {
                named.extend(digest("digest"));
            }
            for inner in fields.values() {
                collect_contents(inner, named);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_contents(item, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// Contents that an entry says are deleted: blocks of recordings that were written anew without what was taken out of them. Not by shape:
/// nothing else that has this form may make a content disappear.
pub fn deleted_contents(entry: &[u8]) -> BTreeSet<Digest> {
    let Ok(Entry { result: EntryResult::Done { events, .. }, .. }) = serde_json::from_slice(entry) else { return BTreeSet::new() };
    events.iter().flat_map(Event::deletes).collect()
}

/// The file of a content.
pub fn content_file(digest: &Digest) -> String {
    format!("{CONTENTS_DIRECTORY}{digest}")
}

fn is_document_name(name: &str) -> bool {
    let own = [MANIFEST_FILE, CHECKPOINT_FILE, ENTRIES_FILE, PROOFS_FILE, CONSISTENCY_FILE, KEY_FILE];
    let plain = !name.contains(['\\', '\0']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    plain && name.len() <= 200 && !own.contains(&name) && !name.starts_with(CONTENTS_DIRECTORY) && !name.starts_with(APPROVALS_DIRECTORY)
}

/// Makes the files of a bundle, and signs.
pub fn make_bundle(parts: BundleParts, key: &LedgerKey) -> Result<Files, BundleError> {
    if parts.entries.is_empty() {
        return Err(BundleError::NothingToExport(parts.case));
    }
    let mut files = Files::new();
    for (name, bytes) in parts.documents {
        if !is_document_name(&name) {
            return Err(BundleError::BadName(name));
        }
        files.insert(name, bytes);
    }
    let (mut lines, mut proofs, mut named, mut deleted) = (Vec::new(), Vec::new(), BTreeSet::new(), BTreeSet::new());
    for entry in &parts.entries {
        if entry.bytes.contains(&b'\n') {
            return Err(BundleError::NotALine(entry.seq));
        }
        named.append(&mut named_contents(&entry.bytes));
        deleted.append(&mut deleted_contents(&entry.bytes));
        files.extend(approval_files(entry.seq, &entry.bytes));
        lines.extend_from_slice(&entry.bytes);
        lines.push(b'\n');
        append_line(&mut proofs, &ProofLine { seq: entry.seq, path: entry.path.clone() });
    }
    let mut consistency = Vec::new();
    for proof in &parts.consistency {
        append_line(&mut consistency, proof);
    }
    files.insert(ENTRIES_FILE.to_owned(), lines);
    files.insert(PROOFS_FILE.to_owned(), proofs);
    files.insert(CONSISTENCY_FILE.to_owned(), consistency);
    files.insert(CHECKPOINT_FILE.to_owned(), Checkpoint::sign(parts.size, parts.root, key)?.into_bytes());
    files.insert(KEY_FILE.to_owned(), format!("{}\n", key.verifier()).into_bytes());
    let manifest = Manifest {
        origin: key.verifier().name().to_owned(),
        case: parts.case,
        exported_at: parts.exported_at,
        size: parts.size,
        root: parts.root,
        entries: parts.entries.iter().map(|entry| entry.seq).collect(),
        contents: named.difference(&deleted).copied().collect(),
        people: parts.people,
        files: files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect(),
    };
    for (digest, bytes) in parts.contents {
        if manifest.contents.contains(&digest) {
            files.insert(content_file(&digest), bytes);
        }
    }
    files.insert(MANIFEST_FILE.to_owned(), key.sign(&manifest.text())?.into_bytes());
    Ok(files)
}

/// Plain data with string keys always serialises.
fn append_line<T: Serialize>(out: &mut Vec<u8>, line: &T) {
    out.extend(serde_json::to_vec(line).unwrap_or_default());
    out.push(b'\n');
}

impl Manifest {
    fn text(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        // A note holds no control characters; JSON escapes all but DEL, which a note allows.
        format!("{BUNDLE_FORMAT}\n{json}\n")
    }

    /// Verifies the signature and reads the manifest.
    pub fn open(note: &[u8], key: &super::VerifierKey) -> Result<Self, NoteError> {
        let text = open_note(note, key)?;
        let json = text.strip_prefix(BUNDLE_FORMAT).and_then(|rest| rest.strip_prefix('\n')).ok_or(NoteError::NotANote)?;
        let manifest: Self = serde_json::from_str(json).map_err(|_| NoteError::NotANote)?;
        if manifest.origin == key.name() { Ok(manifest) } else { Err(NoteError::OtherOrigin) }
    }
}

/// The leaf hash of an entry together with its place: what an inclusion proof starts from.
pub(super) fn proven(entry: &[u8], seq: u64, manifest: &Manifest, path: &[Digest]) -> bool {
    super::verify_inclusion(&leaf_hash(entry), seq, manifest.size, path, &manifest.root)
}
