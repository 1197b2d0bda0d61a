//! Work on the record itself, without a door: verify the live store or a bundle, export a case, rebuild the tables.

use std::io::{Cursor, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hikeshi_domain::ledger::{self, BundleVerdict, Checkpoint, Files, Verdict, VerifierKey};
use hikeshi_store::{Comparison, Store};

use crate::config::Config;
use crate::fail::Result;

const BUNDLE_FILES_MAX: usize = 200_000;
const BUNDLE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
const CHECKPOINT_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Walks the whole ledger of the store, also while a server has it open, and compares it with head and signed checkpoints.
pub fn verify_live(config: &Config, earlier: &[PathBuf], trust: Option<&str>) -> Result<Verdict> {
    let store = Store::open_to_read(&config.location()?)?;
    let key = match trust {
        Some(text) => VerifierKey::parse(text).context("--trust")?,
        None => crate::serve::verifier(&config.data_dir())?,
    };
    let mut known = Vec::new();
    let own = config.data_dir().join("checkpoints.txt");
    if own.exists() {
        known.extend(checkpoints_of(&own, &key)?);
    }
    for file in earlier {
        known.extend(checkpoints_of(file, &key)?);
    }
    Ok(verify_store(&store, &key, known)?)
}

/// The same for a store that is open already.
pub fn verify_store(store: &Store, key: &VerifierKey, mut known: Vec<Checkpoint>) -> anyhow::Result<Verdict> {
    let verdict = store.read(|reader| {
        for (_, note) in reader.checkpoints()? {
            // One that cannot be verified says nothing; the entries themselves are compared all the same.
            known.extend(Checkpoint::open(note.as_bytes(), key).ok());
        }
        reader.verify(known.iter().map(|checkpoint| (checkpoint.size, checkpoint.root)))
    })?;
    Ok(verdict)
}

/// Folds the whole ledger and compares the tables with it; `apply` puts right what differs, and needs the store for itself.
pub fn rebuild(config: &Config, apply: bool) -> Result<Comparison> {
    let location = config.location()?;
    if apply {
        return Ok(Store::open(&location)?.rebuild()?);
    }
    Ok(compare(&Store::open_to_read(&location)?)?)
}

/// The tables against the ledger; nothing is written.
pub fn compare(store: &Store) -> anyhow::Result<Comparison> {
    let mut found = None;
    store.read(|reader| {
        found = Some(reader.compare()?);
        Ok(())
    })?;
    found.context("the comparison gave nothing")
}

/// The files of a bundle as one zip file.
pub fn pack(files: &Files) -> anyhow::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default())?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Reads a bundle, bounded, and verifies it. `earlier` are checkpoint files from before.
pub fn verify_bundle(file: &Path, trust: Option<&str>, earlier: &[PathBuf]) -> anyhow::Result<BundleVerdict> {
    let trusted = trust.map(VerifierKey::parse).transpose().context("--trust")?;
    let files = unpack(file)?;
    let mut known = Vec::new();
    if let (Some(key), false) = (&trusted, earlier.is_empty()) {
        for file in earlier {
            known.extend(checkpoints_of(file, key)?);
        }
    }
    anyhow::ensure!(
        earlier.is_empty() || trusted.is_some(),
        "an earlier checkpoint can only be compared with the key that you trust: give --trust"
    );
    Ok(ledger::verify_bundle(&files, trusted.as_ref(), &known))
}

/// The files of a zip, with a limit on their number and on what they unpack to.
fn unpack(file: &Path) -> anyhow::Result<Files> {
    let opened = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    let mut archive = zip::ZipArchive::new(opened).with_context(|| file.display().to_string())?;
    anyhow::ensure!(archive.len() <= BUNDLE_FILES_MAX, "{}: {} files; at most {BUNDLE_FILES_MAX}", file.display(), archive.len());
    let mut files = Files::new();
    let mut left = BUNDLE_BYTES_MAX;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(|| file.display().to_string())?;
        let name = entry.name().with_context(|| file.display().to_string())?.into_owned();
        let mut content = Vec::new();
        (&mut entry).take(left + 1).read_to_end(&mut content).with_context(|| format!("{}: {name}", file.display()))?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(size).with_context(|| format!("{}: more than {BUNDLE_BYTES_MAX} bytes", file.display()))?;
        files.insert(name, content);
    }
    Ok(files)
}

/// Whether any of these texts stands anywhere in the ledger.
pub fn holds_any(store: &Store, texts: &[String]) -> anyhow::Result<bool> {
    let mut found = false;
    store.read(|reader| {
        reader.walk(0, &mut |kept| {
            let text = String::from_utf8_lossy(&kept.bytes);
            found = texts.iter().any(|secret| text.contains(secret.as_str()));
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    })?;
    Ok(found)
}

/// The notes of a checkpoint file, each followed by an empty line. Every one must be signed by the key.
pub fn checkpoints_of(file: &Path, key: &VerifierKey) -> anyhow::Result<Vec<Checkpoint>> {
    let size = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    anyhow::ensure!(size <= CHECKPOINT_FILE_BYTES_MAX, "{}: {size} bytes; at most {CHECKPOINT_FILE_BYTES_MAX}", file.display());
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    notes(&text).into_iter().map(|note| Checkpoint::open(note.as_bytes(), key).with_context(|| file.display().to_string())).collect()
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
