//! A recording read back: what the ledger tells of a session, and its blocks, one after the other, each checked before it is given.
//!
//! Memory holds one block at a time, however long the session was. What players and people are given is made in [`export`], what is taken out of it in [`redact`].

mod export;
pub(crate) mod redact;

use hikeshi_domain::ids::{Digest, EmergencyId, IncidentId};
use hikeshi_domain::ledger::{ENTRIES_FILE, Entry, EntryResult};
use hikeshi_domain::offline::{Offline, parcel};
use hikeshi_domain::session::record::{Block, RecordError, Reel};
use hikeshi_domain::session::told::Told;
use hikeshi_domain::session::{Encoding, RedactedBlock, SealedBlock};
use hikeshi_store::{Reader, Span, StoreError};

pub use export::{Export, Form};

use crate::door::{Door, Fault};

/// Entries that are read at once.
const ENTRIES_AT_ONCE: u32 = 200;

/// Why a recording cannot be read on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecordingError {
    #[error("block {block}: its file {file} is not there")]
    Missing { block: u64, file: Digest },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A recording from its beginning. Made by [`crate::look::Look::recording`].
pub struct Recording {
    door: Door,
    pub told: Told,
    pub encoding: Encoding,
    pub title: String,
    reel: Reel,
    next: usize,
}

impl Recording {
    pub(crate) fn new(door: Door, told: Told, encoding: Encoding, title: String) -> Self {
        Self { door, told, encoding, title, reel: Reel::default(), next: 0 }
    }

    /// The next block and its frames as they were recorded; `None` after the last. After an error there is no next.
    pub async fn next(&mut self) -> Result<Option<(Block, Vec<u8>)>, RecordingError> {
        let Some(sealed) = self.told.blocks.get(self.next).cloned() else { return Ok(None) };
        let block = u64::try_from(self.next).unwrap_or(u64::MAX);
        let redacted = self.told.redacted.get(&block).cloned();
        let (of, mut reel) = ((self.told.emergency, self.told.session), self.reel.clone());
        let taken = self
            .door
            .read(move |reader| {
                let file = redacted.as_ref().map_or(sealed.file, |redacted| redacted.now);
                Ok(take(reader, &mut reel, of, (&sealed, redacted.as_ref()), block)?.ok_or(file).map(|taken| (taken, reel)))
            })
            .await?;
        let (taken, reel) = taken.map_err(|file| RecordingError::Missing { block, file })?;
        let taken = taken?;
        self.reel = reel;
        self.next += 1;
        Ok(Some(taken))
    }

    pub fn export(self, form: Form) -> Export {
        Export::new(self, form)
    }
}

type Taken = Result<(Block, Vec<u8>), RecordError>;

fn take(
    reader: &mut Reader<'_>,
    reel: &mut Reel,
    of: (EmergencyId, u32),
    (sealed, redacted): (&SealedBlock, Option<&RedactedBlock>),
    block: u64,
) -> Result<Option<Taken>, StoreError> {
    let named = redacted.map_or(sealed.file, |redacted| redacted.now);
    let Some(file) = reader.content(&named)? else { return Ok(None) };
    if Digest::of(&file) != named {
        let detail = "its file is not the one that the ledger names".to_owned();
        return Ok(Some(Err(RecordError::Chain { block, detail })));
    }
    Ok(Some(reel.take(of, (sealed, redacted), &file, unpack)))
}

/// Unpacks frames, to at most so many bytes.
pub(crate) fn unpack(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    zstd::bulk::decompress(packed, max).ok()
}

/// Everything that the entries of its case tell of a session.
pub(crate) fn told(reader: &mut Reader<'_>, case: IncidentId, emergency: EmergencyId, session: u32) -> Result<Told, StoreError> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = reader.entries_of_case(case, Span { before, limit: ENTRIES_AT_ONCE })?;
        let Some(last) = page.last().map(|kept| kept.seq) else { break };
        before = Some(last);
        for kept in page {
            // One that cannot be read is named by whoever verifies the ledger; the chain of the blocks shows what it hid.
            let Ok(entry) = serde_json::from_slice::<Entry>(&kept.bytes) else { continue };
            let EntryResult::Done { events, .. } = entry.result else { continue };
            let about = events.into_iter().filter(|event| Told::about(event) == Some((emergency, session)));
            found.push((entry.seq, entry.at, about.collect::<Vec<_>>()));
        }
    }
    let mut told = Told::new(emergency, session);
    for (seq, at, events) in found.into_iter().rev() {
        events.iter().for_each(|event| told.hear(seq, at, event));
    }
    Ok(told)
}

/// The same of a session that came home: its entries are in the parcel, under the numbers that they have there.
pub(crate) fn told_there(reader: &mut Reader<'_>, offline: &Offline, session: u32) -> Result<Told, StoreError> {
    let mut told = Told::new(offline.emergency, session);
    let parcel = reader.content(&offline.parcel)?.and_then(|kept| parcel::unpack(&kept)).unwrap_or_default();
    let lines = parcel.get(ENTRIES_FILE).map_or(&[][..], Vec::as_slice).split(|byte| *byte == b'\n');
    for entry in lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok()) {
        let EntryResult::Done { events, .. } = &entry.result else { continue };
        events.iter().for_each(|event| told.hear(entry.seq, entry.at, event));
    }
    Ok(told)
}
