//! What is sent when a local ledger comes home: the files of a bundle in one piece. And the same without its contents, which is what is
//! kept of it as one content beside the ledger.
//!
//! A line of JSON that says how long each file is, then the files one after the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Kept;
use crate::ids::Digest;
use crate::ledger::{CONTENTS_DIRECTORY, Files, content_file};

/// Every entry of the local ledger, one per line, exactly as it was recorded.
pub const LEDGER_FILE: &str = "local/ledger.jsonl";
/// The trust bundle on which it rested, as the server had signed it.
pub const TRUST_FILE: &str = "local/trust.note";
const FORMAT: &str = "hikeshi-parcel-v1";
const FILES_MAX: usize = 100_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    files: BTreeMap<String, usize>,
}

/// All files in one piece.
pub fn pack<'a>(files: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Vec<u8> {
    let files: BTreeMap<&String, &Vec<u8>> = files.into_iter().collect();
    let lengths = files.iter().map(|(name, bytes)| ((*name).clone(), bytes.len())).collect();
    let header = Header { format: FORMAT.to_owned(), files: lengths };
    // Plain data with string keys always serialises.
    let mut packed = serde_json::to_vec(&header).unwrap_or_default();
    packed.push(b'\n');
    files.values().for_each(|bytes| packed.extend_from_slice(bytes));
    packed
}

/// `None`: it is not one, or was cut.
pub fn unpack(packed: &[u8]) -> Option<Files> {
    let end = packed.iter().position(|byte| *byte == b'\n')?;
    let (head, mut rest) = packed.split_at_checked(end)?;
    let header: Header = serde_json::from_slice(head).ok()?;
    rest = rest.strip_prefix(b"\n")?;
    if header.format != FORMAT || header.files.len() > FILES_MAX {
        return None;
    }
    let mut files = Files::new();
    for (name, length) in header.files {
        let (bytes, after) = rest.split_at_checked(length)?;
        files.insert(name, bytes.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(files)
}

/// What is kept as one content: everything that is not a content of its own.
pub fn kept(files: &Files) -> Vec<u8> {
    pack(files.iter().filter(|(name, _)| !name.starts_with(CONTENTS_DIRECTORY)))
}

/// The contents that travel with it.
pub fn contents(files: &Files) -> impl Iterator<Item = (Digest, &Vec<u8>)> {
    files.iter().filter_map(|(name, bytes)| Some((Digest::parse(name.strip_prefix(CONTENTS_DIRECTORY)?)?, bytes)))
}

/// The whole again, from what was kept of it and the contents that came with it.
pub fn restored(kept: &[u8], came: &[Kept], outer: &Files) -> Option<Files> {
    let mut files = unpack(kept)?;
    for name in came.iter().map(|kept| content_file(&kept.digest)) {
        if let Some(bytes) = outer.get(&name) {
            files.insert(name, bytes.clone());
        }
    }
    Some(files)
}
