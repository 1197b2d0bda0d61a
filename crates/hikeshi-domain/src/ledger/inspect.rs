//! Verifying a bundle offline: with nothing but its files, a public key, and checkpoints from earlier days if there are any.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::approvals::approvals_hold;
use super::bundle::{ProofLine, proven};
use super::verify::Thin;
use super::{
    CHECKPOINT_FILE, CONSISTENCY_FILE, CONTENTS_DIRECTORY, Checkpoint, ConsistencyProof, ENTRIES_FILE, Files, KEY_FILE, MANIFEST_FILE,
    Manifest, NoteError, PROOFS_FILE, VerifierKey, content_file, deleted_contents, named_contents, verify_consistency,
};
use crate::ids::{Digest, IncidentId};

/// More faults than this are counted and not listed.
const FAULTS_MAX: usize = 200;

/// What is wrong with a bundle. Codes only; the words are elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum BundleFault {
    FileMissing {
        file: String,
    },
    KeyUnreadable,
    /// The bundle was signed by another key than the trusted one.
    KeyDiffers,
    ManifestUnreadable,
    ManifestSignatureWrong,
    CheckpointUnreadable,
    CheckpointSignatureWrong,
    /// The manifest speaks of another checkpoint.
    CheckpointDiffers,
    /// A line, from 1, that is no entry.
    EntryUnreadable {
        line: u64,
    },
    /// An entry of the case is not there.
    EntryRemoved {
        seq: u64,
    },
    /// An entry that the manifest does not list, or lists once.
    EntryInserted {
        seq: u64,
    },
    EntryOutOfOrder {
        seq: u64,
    },
    /// The entry's bytes are not in the tree at its place.
    EntryAltered {
        seq: u64,
    },
    EntryOfOtherCase {
        seq: u64,
    },
    ProofMissing {
        seq: u64,
    },
    ContentMissing {
        digest: Digest,
    },
    ContentAltered {
        digest: Digest,
    },
    /// An entry names a content that the manifest does not list.
    ContentUnlisted {
        seq: u64,
        digest: Digest,
    },
    /// The tree of this earlier size is not the beginning of this one: history was written again.
    EarlierDiffers {
        size: u64,
    },
    /// The earlier checkpoint is of another ledger.
    EarlierOfOther {
        size: u64,
    },
    /// A signed approval in this entry is not proven by the signature that is kept with it.
    ApprovalUnproven {
        seq: u64,
    },
    FileAltered {
        file: String,
    },
    FileUnexpected {
        file: String,
    },
}

/// What a bundle's files have shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BundleVerdict {
    /// Whether the key was given by whoever verifies, and not only by the bundle itself.
    pub key_trusted: bool,
    /// The key by which it was verified.
    pub key: Option<String>,
    pub origin: Option<String>,
    pub case: Option<IncidentId>,
    pub size: Option<u64>,
    pub root: Option<Digest>,
    pub entries: u64,
    pub contents: u64,
    /// Earlier checkpoints that are prefixes of this one.
    pub earlier_agreed: Vec<u64>,
    /// Earlier checkpoints of which the bundle holds no proof, or that are later than it.
    pub earlier_unproven: Vec<u64>,
    /// The first wrong thing first. Empty: everything holds.
    pub faults: Vec<BundleFault>,
    pub faults_unlisted: u64,
}

impl BundleVerdict {
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    fn say(&mut self, fault: BundleFault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.faults_unlisted += 1;
        }
    }
}

/// Verifies a bundle. Without a trusted key the bundle's own is used, and the verdict says so: it then only shows that the bundle agrees
/// with itself. `earlier` are checkpoints that the caller has verified.
pub fn verify_bundle(files: &Files, trusted: Option<&VerifierKey>, earlier: &[Checkpoint]) -> BundleVerdict {
    let mut verdict = BundleVerdict { key_trusted: trusted.is_some(), ..BundleVerdict::default() };
    let Some(key) = key(files, trusted, &mut verdict) else { return verdict };
    verdict.key = Some(key.to_string());
    let Some(manifest) = manifest(files, &key, &mut verdict) else { return verdict };
    verdict.origin = Some(manifest.origin.clone());
    verdict.case = Some(manifest.case);
    verdict.size = Some(manifest.size);
    verdict.root = Some(manifest.root);
    checkpoint(files, &key, &manifest, &mut verdict);
    entries(files, &manifest, &mut verdict);
    contents(files, &manifest, &mut verdict);
    for checkpoint in earlier {
        compare_earlier(files, checkpoint, &manifest, &mut verdict);
    }
    other_files(files, &manifest, &mut verdict);
    verdict
}

fn key(files: &Files, trusted: Option<&VerifierKey>, verdict: &mut BundleVerdict) -> Option<VerifierKey> {
    let own = files.get(KEY_FILE).map(|bytes| str::from_utf8(bytes).ok().and_then(|text| VerifierKey::parse(text).ok()));
    match (&own, trusted) {
        (None, _) => verdict.say(BundleFault::FileMissing { file: KEY_FILE.to_owned() }),
        (Some(None), _) => verdict.say(BundleFault::KeyUnreadable),
        (Some(Some(own)), Some(trusted)) if own != trusted => verdict.say(BundleFault::KeyDiffers),
        (Some(Some(_)), _) => (),
    }
    trusted.cloned().or(own.flatten())
}

fn manifest(files: &Files, key: &VerifierKey, verdict: &mut BundleVerdict) -> Option<Manifest> {
    let Some(note) = files.get(MANIFEST_FILE) else {
        verdict.say(BundleFault::FileMissing { file: MANIFEST_FILE.to_owned() });
        return None;
    };
    match Manifest::open(note, key) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            verdict.say(if is_signature(error) { BundleFault::ManifestSignatureWrong } else { BundleFault::ManifestUnreadable });
            None
        }
    }
}

fn is_signature(error: NoteError) -> bool {
    match error {
        NoteError::NotSigned | NoteError::WrongSignature | NoteError::OtherOrigin => true,
        NoteError::TooLong | NoteError::NotANote | NoteError::NotACheckpoint | NoteError::NotAKey | NoteError::BadName => false,
    }
}

fn checkpoint(files: &Files, key: &VerifierKey, manifest: &Manifest, verdict: &mut BundleVerdict) {
    let Some(note) = files.get(CHECKPOINT_FILE) else { return verdict.say(BundleFault::FileMissing { file: CHECKPOINT_FILE.to_owned() }) };
    match Checkpoint::open(note, key) {
        Ok(checkpoint) if checkpoint.size == manifest.size && checkpoint.root == manifest.root => (),
        Ok(_) => verdict.say(BundleFault::CheckpointDiffers),
        Err(error) if is_signature(error) => verdict.say(BundleFault::CheckpointSignatureWrong),
        Err(_) => verdict.say(BundleFault::CheckpointUnreadable),
    }
}

/// Lines of a file, without the newline that ends each.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if whole.is_empty() { Vec::new() } else { whole.split(|byte| *byte == b'\n').collect() }
}

fn is_intact(files: &Files, name: &str, manifest: &Manifest) -> bool {
    files.get(name).map(|bytes| Digest::of(bytes)).as_ref() == manifest.files.get(name)
}

fn entries(files: &Files, manifest: &Manifest, verdict: &mut BundleVerdict) {
    let mut proofs = BTreeMap::new();
    for line in files.get(PROOFS_FILE).map(|bytes| lines(bytes)).unwrap_or_default() {
        if let Ok(proof) = serde_json::from_slice::<ProofLine>(line) {
            proofs.insert(proof.seq, proof.path);
        }
    }
    let listed: BTreeSet<u64> = manifest.entries.iter().copied().collect();
    // When the entries are as the manifest says, a proof that fails was itself changed.
    let intact = is_intact(files, ENTRIES_FILE, manifest);
    let lines = lines(files.get(ENTRIES_FILE).map_or(&[][..], Vec::as_slice));
    let deleted: BTreeSet<Digest> = lines.iter().flat_map(|line| deleted_contents(line)).collect();
    let (mut seen, mut last) = (BTreeSet::new(), None);
    // Faults by the entry they are about, so that the first wrong entry comes first.
    let mut faults: Vec<(u64, BundleFault)> = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let Some(thin) = Thin::read(line) else {
            let number = u64::try_from(index).unwrap_or(u64::MAX);
            let place = manifest.entries.get(index).copied().unwrap_or(u64::MAX);
            faults.push((place, BundleFault::EntryUnreadable { line: number.saturating_add(1) }));
            continue;
        };
        let seq = thin.seq;
        if !listed.contains(&seq) || !seen.insert(seq) {
            faults.push((seq, BundleFault::EntryInserted { seq }));
            continue;
        }
        if last.is_some_and(|last| seq < last) {
            faults.push((seq, BundleFault::EntryOutOfOrder { seq }));
        }
        last = Some(seq);
        verdict.entries += 1;
        one_entry(line, &thin, (manifest, &deleted), proofs.get(&seq), &mut faults);
        if intact {
            for (_, fault) in faults.iter_mut().filter(|(_, fault)| *fault == BundleFault::EntryAltered { seq }) {
                *fault = BundleFault::ProofMissing { seq };
            }
        }
    }
    faults.extend(listed.difference(&seen).map(|seq| (*seq, BundleFault::EntryRemoved { seq: *seq })));
    faults.sort();
    for (_, fault) in faults {
        verdict.say(fault);
    }
}

fn one_entry(
    line: &[u8],
    thin: &Thin<'_>,
    (manifest, deleted): (&Manifest, &BTreeSet<Digest>),
    path: Option<&Vec<Digest>>,
    faults: &mut Vec<(u64, BundleFault)>,
) {
    let seq = thin.seq;
    match path {
        None => faults.push((seq, BundleFault::ProofMissing { seq })),
        Some(path) if !proven(line, seq, manifest, path) => faults.push((seq, BundleFault::EntryAltered { seq })),
        Some(_) => (),
    }
    if thin.case.and_then(|case| case.parse().ok()) != Some(manifest.case) {
        faults.push((seq, BundleFault::EntryOfOtherCase { seq }));
    }
    if !approvals_hold(line) {
        faults.push((seq, BundleFault::ApprovalUnproven { seq }));
    }
    for digest in named_contents(line) {
        if !manifest.contents.contains(&digest) && !deleted.contains(&digest) {
            faults.push((seq, BundleFault::ContentUnlisted { seq, digest }));
        }
    }
}

fn contents(files: &Files, manifest: &Manifest, verdict: &mut BundleVerdict) {
    for digest in &manifest.contents {
        match files.get(&content_file(digest)) {
            None => verdict.say(BundleFault::ContentMissing { digest: *digest }),
            Some(bytes) if Digest::of(bytes) != *digest => verdict.say(BundleFault::ContentAltered { digest: *digest }),
            Some(_) => verdict.contents += 1,
        }
    }
}

fn compare_earlier(files: &Files, earlier: &Checkpoint, manifest: &Manifest, verdict: &mut BundleVerdict) {
    let size = earlier.size;
    if earlier.origin != manifest.origin {
        return verdict.say(BundleFault::EarlierOfOther { size });
    }
    // A proof that somebody has touched proves nothing, and accuses nobody.
    let proofs =
        files.get(CONSISTENCY_FILE).filter(|_| is_intact(files, CONSISTENCY_FILE, manifest)).map(|bytes| lines(bytes)).unwrap_or_default();
    let mut proofs = proofs.into_iter().filter_map(|line| serde_json::from_slice::<ConsistencyProof>(line).ok());
    let path =
        if size == 0 || size == manifest.size { Some(Vec::new()) } else { proofs.find(|proof| proof.from == size).map(|proof| proof.path) };
    match path {
        Some(path) if size <= manifest.size => {
            if verify_consistency(size, &earlier.root, manifest.size, &manifest.root, &path) {
                verdict.earlier_agreed.push(size);
            } else {
                verdict.say(BundleFault::EarlierDiffers { size });
            }
        }
        Some(_) | None => verdict.earlier_unproven.push(size),
    }
}

fn other_files(files: &Files, manifest: &Manifest, verdict: &mut BundleVerdict) {
    for (name, digest) in &manifest.files {
        match files.get(name) {
            None => verdict.say(BundleFault::FileMissing { file: name.clone() }),
            Some(bytes) if Digest::of(bytes) != *digest => verdict.say(BundleFault::FileAltered { file: name.clone() }),
            Some(_) => (),
        }
    }
    for name in files.keys() {
        let content =
            name.strip_prefix(CONTENTS_DIRECTORY).and_then(Digest::parse).is_some_and(|digest| manifest.contents.contains(&digest));
        if !content && name != MANIFEST_FILE && !manifest.files.contains_key(name) {
            verdict.say(BundleFault::FileUnexpected { file: name.clone() });
        }
    }
}
