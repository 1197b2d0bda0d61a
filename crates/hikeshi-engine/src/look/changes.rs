//! What was altered: around an incident, and lately.

use hikeshi_domain::Timestamp;
use hikeshi_domain::change::{Change, span_of};
use hikeshi_domain::incident::Incident;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Look, LookError, Sight, limited};

/// Of an incident's own place, and of all others.
const SHOWN: u32 = 30;

/// What changed before and during an incident, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangesAround {
    /// A day before it was noticed.
    pub from: Timestamp,
    pub until: Timestamp,
    /// Of the incident's own service and environment; at most 30.
    pub here: Vec<Change>,
    pub here_total: u64,
    /// Of every other place and of none; at most 30.
    pub elsewhere: Vec<Change>,
    pub elsewhere_total: u64,
}

/// The latest changes, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangesView {
    pub size: u64,
    pub at: Timestamp,
    pub changes: Vec<Change>,
}

impl Look<'_> {
    pub async fn changes(&self, limit: u32) -> Result<ChangesView, LookError> {
        self.see(move |sight| {
            let changes = sight.reader.changes(limited(limit))?;
            Ok(ChangesView { size: sight.head.size, at: sight.now, changes })
        })
        .await
    }
}

impl Sight<'_, '_> {
    pub(super) fn changes_around(&mut self, incident: &Incident) -> Result<ChangesAround, LookError> {
        let (from, until) = span_of(incident, self.now);
        let found = self.reader.changes_between((&incident.service, &incident.environment), (from, until), SHOWN)?;
        let hikeshi_store::Changes { here, here_total, elsewhere, elsewhere_total } = found;
        Ok(ChangesAround { from, until, here, here_total, elsewhere, elsewhere_total })
    }
}
