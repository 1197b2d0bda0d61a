//! Bytes taken out of a recording: the blocks that hold them are written anew under the headers that were signed (rule A4).
//!
//! Deterministic: done twice it is as good as once. What was there is deleted with the outcome's commit, in [`crate::door`].

use hikeshi_domain::effect::{Outcome, Performed};
use hikeshi_domain::ids::{Digest, EmergencyId, IncidentId};
use hikeshi_domain::session::record::redact;
use hikeshi_domain::session::{Encoding, REDACTED_BLOCKS_MAX, RedactedBlock};

use super::{Recording, told};
use crate::door::Door;

/// What is taken out: bytes of output from the beginning of the session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

pub(crate) async fn perform(door: &Door, case: IncidentId, (emergency, session): (EmergencyId, u32), range: Range) -> Performed {
    match rewritten(door, case, (emergency, session), range).await {
        Ok((blocks, contents)) => Performed { outcome: Outcome::Redacted { blocks }, contents },
        Err(detail) => Performed { outcome: Outcome::Failed { detail }, contents: Vec::new() },
    }
}

type Rewritten = (Vec<RedactedBlock>, Vec<Vec<u8>>);

async fn rewritten(door: &Door, case: IncidentId, (emergency, session): (EmergencyId, u32), range: Range) -> Result<Rewritten, String> {
    let told = door.read(move |reader| told(reader, case, emergency, session)).await.map_err(|fault| fault.to_string())?;
    let mut recording = Recording::new(door.clone(), told, Encoding::default(), String::new());
    let (mut blocks, mut contents, mut at) = (Vec::new(), Vec::new(), 0_u64);
    while at < range.to {
        let Some((block, frames)) = recording.next().await.map_err(|error| error.to_string())? else {
            return Err(format!("the recording has {at} bytes of output; {}-{} lies outside of it", range.from, range.to));
        };
        let within = (range.from.saturating_sub(at), range.to.saturating_sub(at));
        let (redacted, bytes) = redact(&frames, within.0, within.1).map_err(|error| error.to_string())?;
        let touched = within.0 < bytes;
        at = at.saturating_add(bytes);
        if !touched || redacted == frames {
            continue;
        }
        if blocks.len() == REDACTED_BLOCKS_MAX {
            return Err(format!("the bytes lie in more than {REDACTED_BLOCKS_MAX} blocks of the recording; name a shorter range"));
        }
        let number = block.header.block;
        let was = recording.told.file(number).ok_or_else(|| format!("block {number} is not in the ledger"))?;
        let mut file = block.header.bytes();
        file.push(b'\n');
        file.extend(zstd::bulk::compress(&redacted, 1).map_err(|error| error.to_string())?);
        blocks.push(RedactedBlock { block: number, was, now: Digest::of(&file), frames: Digest::of(&redacted) });
        contents.push(file);
    }
    Ok((blocks, contents))
}
