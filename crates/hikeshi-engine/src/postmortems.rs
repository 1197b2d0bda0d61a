//! What postmortems take from the record: the timeline of the one that is written, and those of the past that are alike (rules I8, I9).
//!
//! The ranking is made in memory, so that it is the same on every database; a table holds what it is made from. Before each search the index
//! reads what has changed since it last looked, so nothing runs behind the ledger, and the door writes one row for each incident that is over.

use std::sync::{Mutex, PoisonError};

use hikeshi_domain::effect::{Effect, PostmortemOrder, Work};
use hikeshi_domain::ledger::Entry;
use hikeshi_domain::similar::{Index, Past, Query};
use hikeshi_store::{Reader, StoreError, Upto};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::door::Door;

/// The order with the case as the ledger has it now. A case that cannot be read leaves the timeline empty, and the rest is written all the same.
pub(crate) async fn with_timeline(door: &Door, effect: &Effect, order: &PostmortemOrder) -> Effect {
    let incident = order.incident.id;
    // What happened in those that became part of it before they did is part of it, too.
    let cases: Vec<_> = std::iter::once(incident).chain(order.incident.absorbed.iter().copied()).collect();
    let read = door.read(move |reader| {
        let mut kept = Vec::new();
        for case in cases {
            kept.extend(reader.all_of_case(case)?);
        }
        kept.sort_by_key(|entry| entry.seq);
        Ok(kept)
    });
    let read = read.await;
    let kept = match read {
        Ok(kept) => kept,
        Err(fault) => {
            tracing::warn!(%incident, %fault, "the case cannot be read for its postmortem");
            Vec::new()
        }
    };
    let entries: Vec<Entry> = kept.iter().filter_map(|entry| serde_json::from_slice(&entry.bytes).ok()).collect();
    Effect { key: effect.key.clone(), work: Work::WritePostmortem(Box::new(PostmortemOrder { entries, ..order.clone() })) }
}

/// A past incident that is like the one that is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Similar {
    pub past: Past,
    /// How much of what was asked stands there, by what it says: 0 to 100.
    pub share: u8,
}

/// The index of this node.
#[derive(Default)]
pub(crate) struct Pasts {
    known: Mutex<Option<Known>>,
}

struct Known {
    index: Index,
    /// The team's own words, as they were when the index was made.
    same_words: Vec<Vec<String>>,
    /// Up to where changes are taken in.
    upto: Upto,
}

impl Pasts {
    /// The most alike first. Reads what has changed since the last search.
    pub(crate) fn search(
        &self,
        reader: &mut Reader<'_>,
        same_words: &[Vec<String>],
        query: &Query<'_>,
        limit: usize,
    ) -> Result<Vec<Similar>, StoreError> {
        let hits = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.as_ref().is_none_or(|known| known.same_words != same_words) {
                *known = None;
            }
            let fresh = || Known { index: Index::new(same_words), same_words: same_words.to_vec(), upto: Upto::default() };
            let known = known.get_or_insert_with(fresh);
            let index = &mut known.index;
            known.upto = reader.pasts_since(&known.upto, &mut |past| index.put(&past))?;
            known.index.search(query, limit)
        };
        let keys: Vec<&str> = hits.iter().map(|hit| hit.key.as_str()).collect();
        let mut pasts = reader.pasts(&keys)?;
        let found = hits.into_iter().filter_map(|hit| {
            // Another reader may have taken in what this one does not see yet.
            let past = pasts.remove(&hit.key)?;
            Some(Similar { past, share: hit.share })
        });
        Ok(found.collect())
    }
}
