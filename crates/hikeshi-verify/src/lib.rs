//! Verifying a bundle with nothing but its file: no server, no database, no network. The small program and `hikeshi ledger verify` share this.
//!
//! Here: reading the zip within bounds, and unpacking blocks. What is right and wrong is `hikeshi_domain::ledger`; its words are `hikeshi_text`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hikeshi_domain::ledger::{CaseVerdict, Checkpoint, Files, VerifierKey, verify_case};

const BUNDLE_FILES_MAX: usize = 200_000;
const BUNDLE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
const CHECKPOINT_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why there is nothing to verify.
#[derive(Debug)]
pub enum Unread {
    /// The file is not there, or cannot be read.
    File { file: String, detail: String },
    /// The file is there, and is no bundle: cut off, or made to mislead.
    Bundle { file: String, detail: String },
    /// A key or an earlier checkpoint that was given cannot be used.
    Given { what: String, detail: String },
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, detail } | Self::Bundle { file, detail } => write!(f, "{file}: {detail}"),
            Self::Given { what, detail } => write!(f, "{what}: {detail}"),
        }
    }
}

impl std::error::Error for Unread {}

/// Reads a bundle and verifies everything that can be verified in it. `earlier` are checkpoint files from before, which need a trusted key.
pub fn verify_file(file: &Path, trust: Option<&str>, earlier: &[PathBuf]) -> Result<CaseVerdict, Unread> {
    let trusted = trust.map(VerifierKey::parse).transpose();
    let trusted = trusted.map_err(|error| Unread::Given { what: "key".to_owned(), detail: error.to_string() })?;
    if trusted.is_none() && !earlier.is_empty() {
        let detail = "an earlier checkpoint can only be compared with the key that you trust".to_owned();
        return Err(Unread::Given { what: "checkpoint".to_owned(), detail });
    }
    let mut known = Vec::new();
    if let Some(key) = &trusted {
        for file in earlier {
            known.extend(checkpoints_of(file, key)?);
        }
    }
    Ok(verify(&unpack(file)?, trusted.as_ref(), &known))
}

pub fn verify(files: &Files, trusted: Option<&VerifierKey>, earlier: &[Checkpoint]) -> CaseVerdict {
    verify_case(files, trusted, earlier, &|packed, max| zstd::bulk::decompress(packed, max).ok())
}

/// The files of a bundle as one zip file.
pub fn pack(files: &Files) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default())?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The files of a zip, with a limit on their number and on what they unpack to.
pub fn unpack(file: &Path) -> Result<Files, Unread> {
    let name = file.display().to_string();
    let opened = std::fs::File::open(file).map_err(|error| Unread::File { file: name.clone(), detail: error.to_string() })?;
    files_of(opened).map_err(|detail| Unread::Bundle { file: name, detail })
}

fn files_of(opened: std::fs::File) -> Result<Files, String> {
    let mut archive = zip::ZipArchive::new(opened).map_err(|error| error.to_string())?;
    if archive.len() > BUNDLE_FILES_MAX {
        return Err(format!("{} files; at most {BUNDLE_FILES_MAX}", archive.len()));
    }
    let mut files = BTreeMap::new();
    let mut left = BUNDLE_BYTES_MAX;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?.into_owned();
        let mut content = Vec::new();
        (&mut entry).take(left.saturating_add(1)).read_to_end(&mut content).map_err(|error| format!("{name}: {error}"))?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(size).ok_or_else(|| format!("more than {BUNDLE_BYTES_MAX} bytes"))?;
        // Another reader might take the other one.
        if files.insert(name.clone(), content).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(files)
}

/// The notes of a checkpoint file, each followed by an empty line. Every one must be signed by the key.
pub fn checkpoints_of(file: &Path, key: &VerifierKey) -> Result<Vec<Checkpoint>, Unread> {
    let name = file.display().to_string();
    let unread = |detail: String| Unread::Given { what: name.clone(), detail };
    let size = std::fs::metadata(file).map_err(|error| unread(error.to_string()))?.len();
    if size > CHECKPOINT_FILE_BYTES_MAX {
        return Err(unread(format!("{size} bytes; at most {CHECKPOINT_FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unread(error.to_string()))?;
    notes(&text).into_iter().map(|note| Checkpoint::open(note.as_bytes(), key).map_err(|error| unread(error.to_string()))).collect()
}

/// A note is a text, an empty line, and signatures; after the signatures comes the next note.
fn notes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = String::new();
    let mut signed = false;
    for line in text.lines() {
        let signature = line.starts_with('\u{2014}');
        if signed && !signature {
            found.push(std::mem::take(&mut note));
            signed = false;
        }
        if line.is_empty() && note.is_empty() {
            continue;
        }
        signed |= signature;
        note.push_str(line);
        note.push('\n');
    }
    if signed {
        found.push(note);
    }
    found
}
