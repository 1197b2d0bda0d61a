//! Work on the record itself, without a door: verify the live store, rebuild the tables. Bundles are read by `hikeshi-verify`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context as _;
use hikeshi_domain::ledger::{Checkpoint, Verdict, VerifierKey};
use hikeshi_store::{Comparison, Store};
use hikeshi_verify::checkpoints_of;

use crate::config::Config;
use crate::fail::Result;

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
        known.extend(checkpoints_of(&own, &key).map_err(anyhow::Error::new)?);
    }
    for file in earlier {
        known.extend(checkpoints_of(file, &key).map_err(anyhow::Error::new)?);
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
