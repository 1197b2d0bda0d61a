//! Signed checkpoints: the size and root of the ledger, signed and kept outside of it, so that a rewritten history cannot go unnoticed.
//!
//! Sealed at the start, after every batch that approves, starts or closes an exception or changes the policy, otherwise at most every ten
//! seconds while entries are coming. Each goes to the store and is appended to the checkpoint file, which never goes back to a smaller size.

mod file;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::chat::Seal;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::ledger::{BundleError, BundleParts, Checkpoint, Files, Frontier, LedgerKey, NoteError, VerifierKey, make_bundle};
use hikeshi_domain::policy::{Owed, Policy};
use hikeshi_domain::trust::Trust;
use hikeshi_store::{Head, Reader, Store};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use self::file::CheckpointFile;
use crate::StartError;
use crate::clock::Clock;
use crate::door::Door;
use crate::figures::count;

const SEAL_EVERY: Duration = Duration::from_secs(10);
const TROUBLE_WAIT: Duration = Duration::from_secs(1);

/// Signs, and remembers what is waiting to be signed.
pub(crate) struct Sealer {
    key: LedgerKey,
    file: Option<Mutex<CheckpointFile>>,
    waiting: Mutex<Waiting>,
    offered: Notify,
    sealed: watch::Sender<u64>,
}

#[derive(Default)]
struct Waiting {
    newest: Option<Frontier>,
    /// Must not wait for the ten seconds.
    at_once: bool,
}

impl Sealer {
    pub(crate) fn open(key: LedgerKey, file: Option<PathBuf>) -> Result<Self, StartError> {
        let file = match file {
            Some(path) => {
                let broken = |error: std::io::Error| StartError::CheckpointFile { path: path.clone(), detail: error.to_string() };
                Some(Mutex::new(CheckpointFile::open(&path).map_err(broken)?))
            }
            None => None,
        };
        Ok(Self { key, file, waiting: Mutex::default(), offered: Notify::new(), sealed: watch::Sender::new(0) })
    }

    /// The key that verifies the checkpoints, as a C2SP verifier key.
    pub(crate) fn verifier_key(&self) -> String {
        self.key.verifier().to_string()
    }

    /// Who may approve with which key, for those who must judge while the server is down.
    pub(crate) fn trust(&self, policy: &Policy, seal: Option<Seal>, owed: Vec<Owed>, now: Timestamp) -> Result<String, NoteError> {
        Trust::of(policy, self.key.verifier(), now).knowing(seal, owed).sign(&self.key)
    }

    /// The key by which everything that this ledger has signed is verified.
    pub(crate) fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// One case as files that anybody can verify offline.
    pub(crate) fn bundle(&self, parts: BundleParts) -> Result<Files, BundleError> {
        make_bundle(parts, &self.key)
    }

    /// The ledger has come this far.
    pub(crate) fn offer(&self, head: &Head, at_once: bool) {
        let Some(frontier) = Frontier::from_parts(head.size, head.frontier.clone()) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.newest.as_ref().is_none_or(|newest| newest.size() <= frontier.size()) {
            waiting.newest = Some(frontier);
        }
        waiting.at_once |= at_once;
        drop(waiting);
        self.offered.notify_one();
    }

    fn is_waiting(&self) -> (bool, bool) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = waiting.newest.as_ref().is_some_and(|newest| newest.size() > *self.sealed.borrow());
        (newer, newer && waiting.at_once)
    }

    /// What could not be sealed is tried again soon.
    fn again(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).at_once = true;
    }

    /// Signs what is waiting; the size that is sealed now.
    fn seal(&self, store: &Store, clock: &dyn Clock) -> Result<Option<u64>, String> {
        let frontier = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.at_once = false;
            waiting.newest.clone()
        };
        let Some(frontier) = frontier.filter(|frontier| frontier.size() > *self.sealed.borrow()) else { return Ok(None) };
        let size = frontier.size();
        let note = Checkpoint::sign(size, frontier.root(), &self.key).map_err(|error| error.to_string())?;
        store.put_checkpoint(size, &note, clock.now()).map_err(|error| error.to_string())?;
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).append(size, &note).map_err(|error| error.to_string())?;
        }
        self.sealed.send_replace(size);
        Ok(Some(size))
    }

    /// What is wrong between the ledger and the newest checkpoint of the file, if anything is: it must be a prefix of the ledger.
    pub(crate) fn contradiction(&self, store: &Store) -> Result<Option<String>, StartError> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = file.newest();
        let newest = newest.map_err(|error| StartError::CheckpointFile { path: file.path.clone(), detail: error.to_string() })?;
        let Some(note) = newest else { return Ok(None) };
        let signed = match Checkpoint::open(note.as_bytes(), self.key.verifier()) {
            Ok(signed) => signed,
            Err(error) => return Ok(Some(format!("the newest checkpoint of {} cannot be verified: {error}", file.path.display()))),
        };
        file.size = signed.size;
        drop(file);
        let wrong = store.read(|reader| contradicts(reader, signed.size, signed.root))?;
        // With a contradiction nothing is signed any more.
        self.sealed.send_replace(if wrong.is_none() { signed.size } else { u64::MAX });
        Ok(wrong)
    }

    /// Everything that was ever signed, as far as it can be verified, and how many notes cannot.
    pub(crate) fn signed(&self, kept: &[(u64, String)]) -> std::io::Result<(Vec<(u64, Digest)>, u64)> {
        let mut signed = std::collections::BTreeSet::new();
        let mut unverifiable = 0;
        let mut open = |note: &str| match Checkpoint::open(note.as_bytes(), self.key.verifier()) {
            Ok(checkpoint) => {
                signed.insert((checkpoint.size, checkpoint.root));
            }
            Err(_) => unverifiable += 1,
        };
        kept.iter().for_each(|(_, note)| open(note));
        if let Some(file) = &self.file {
            file::each_note(&file.lock().unwrap_or_else(PoisonError::into_inner).path, open)?;
        }
        Ok((signed.into_iter().collect(), unverifiable))
    }
}

/// Compares a signed prefix with the ledger as it is.
fn contradicts(reader: &mut Reader<'_>, size: u64, root: Digest) -> hikeshi_store::Result<Option<String>> {
    let head = reader.head()?;
    if head.size < size {
        return Ok(Some(format!("the ledger has {} entries, but {size} were signed before", head.size)));
    }
    let found = if head.size == size {
        Frontier::from_parts(head.size, head.frontier).map(|frontier| frontier.root())
    } else {
        Some(reader.root_at(size)?)
    };
    let wrong = format!("the first {size} entries of the ledger are not those that were signed before");
    Ok((found != Some(root)).then_some(wrong))
}

/// Signs whatever is offered, soon enough and not too often, until the engine stops.
pub(crate) async fn run(door: Door) {
    let mut last = None::<Instant>;
    loop {
        let (newer, at_once) = door.inside.sealer.is_waiting();
        let pause = last.map_or(Duration::ZERO, |last| SEAL_EVERY.saturating_sub(last.elapsed()));
        if at_once || (newer && pause.is_zero()) {
            let sealer = Arc::clone(&door.inside.sealer);
            let clock = Arc::clone(&door.inside.clock);
            let sealed = door.blocking(move |store| Ok(sealer.seal(store, clock.as_ref()))).await;
            match sealed {
                Ok(Ok(sealed)) => {
                    if sealed.is_some() {
                        count(&door.inside.counters.checkpoints);
                    }
                    last = Some(Instant::now());
                    continue;
                }
                Ok(Err(detail)) => tracing::error!(detail, "the ledger could not be sealed"),
                Err(fault) => tracing::error!(%fault, "the ledger could not be sealed"),
            }
            tokio::time::sleep(TROUBLE_WAIT).await;
            door.inside.sealer.again();
        }
        tokio::select! {
            () = door.inside.stopped() => return,
            () = door.inside.sealer.offered.notified() => {}
            () = tokio::time::sleep(pause), if newer => {}
        }
    }
}

/// The last checkpoint of an orderly stop: the next start then needs to compare nothing but the newest root.
pub(crate) fn seal_last(door: &Door) {
    if door.halted().is_some() {
        return;
    }
    match door.inside.sealer.seal(&door.inside.store, door.inside.clock.as_ref()) {
        Ok(_) => {}
        Err(detail) => tracing::error!(detail, "the ledger could not be sealed at the stop"),
    }
}
