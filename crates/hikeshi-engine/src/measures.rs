//! The measures of incidents (rule I11), for reports. They are a fold of the whole ledger, so what was folded for one look is kept, and the
//! next one reads only what was added since.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use hikeshi_domain::policy::Policy;
use hikeshi_domain::review::{AsOf, Measured, Measures, Period};
use hikeshi_store::{KeptEntry, Reader, StoreError};
use serde::Deserialize;

use crate::examine::entry;

/// What this node has folded.
#[derive(Default)]
pub(crate) struct Folded {
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    time_zone: String,
    /// Number of entries that are in it.
    size: u64,
    fold: Measured,
}

impl Folded {
    /// By the first entries of the ledger.
    pub(crate) fn of(&self, reader: &mut Reader<'_>, policy: &Policy, period: Period, as_of: AsOf) -> Result<Measures, StoreError> {
        let time_zone = &policy.workspace.time_zone;
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fits = |known: &Known| known.time_zone == *time_zone && known.size <= as_of.size;
        let (known, later) = match kept {
            Some(known) if fits(&known) => (Some(known), None),
            // Asked for as it was: what is newer stays for the next look.
            other => (None, other),
        };
        let mut known = known.unwrap_or_else(|| Known { time_zone: time_zone.clone(), size: 0, fold: Measured::new(policy.zone()) });
        advance(reader, &mut known, as_of.size)?;
        let measures = known.fold.of(period, as_of.at);
        let keep = later.filter(|later| later.time_zone == *time_zone).unwrap_or(known);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(keep);
        Ok(measures)
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
}

/// Terminals write an entry every second, and tell nothing of what is measured here.
fn is_of_terminal(kept: &KeptEntry) -> bool {
    serde_json::from_slice::<Kind<'_>>(&kept.bytes).is_ok_and(|entry| entry.kind.starts_with("session."))
}

fn advance(reader: &mut Reader<'_>, known: &mut Known, size: u64) -> Result<(), StoreError> {
    if known.size >= size {
        return Ok(());
    }
    let mut broken = None;
    reader.walk(known.size, &mut |kept| {
        if kept.seq >= size {
            return ControlFlow::Break(());
        }
        if !is_of_terminal(&kept) {
            match entry(&kept) {
                Ok(entry) => known.fold.add(&entry),
                Err(error) => {
                    broken = Some(error);
                    return ControlFlow::Break(());
                }
            }
        }
        known.size = kept.seq + 1;
        ControlFlow::Continue(())
    })?;
    broken.map_or(Ok(()), Err)
}
