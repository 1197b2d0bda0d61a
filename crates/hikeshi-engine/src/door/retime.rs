//! Timers depend on the policy: when it changes, those of everything that is still open are made anew, a few hundred cases to a commit.

use hikeshi_domain::Timestamp;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_store::{Batch, Result, Span, Store, Writes};

use super::draft;

const CASES_PER_COMMIT: u32 = 256;

/// How far the renewal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retiming {
    Incidents { before: Option<u64> },
    Emergencies { before: Option<u64> },
    Obligations { before: Option<u64> },
}

impl Retiming {
    pub(super) const START: Self = Self::Incidents { before: None };

    /// Which cases are next, and what comes after them; `None`: it is complete.
    pub(super) fn next(self, store: &Store) -> Result<(Needs, Option<Self>)> {
        let mut needs = Needs::default();
        let span = |before| Span { before, limit: CASES_PER_COMMIT };
        let full = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX) >= CASES_PER_COMMIT;
        let after = match self {
            Self::Incidents { before } => {
                let rows = store.read(|reader| reader.incidents(true, span(before)))?;
                needs.incidents.extend(rows.iter().map(|row| row.id));
                let last = rows.last().filter(|_| full(rows.len())).map(|row| row.id.0);
                Some(last.map_or(Self::Emergencies { before: None }, |id| Self::Incidents { before: Some(id) }))
            }
            Self::Emergencies { before } => {
                let rows = store.read(|reader| reader.emergencies(true, span(before)))?;
                needs.emergencies.extend(rows.iter().map(|row| row.id));
                let last = rows.last().filter(|_| full(rows.len())).map(|row| row.id.0);
                Some(last.map_or(Self::Obligations { before: None }, |id| Self::Emergencies { before: Some(id) }))
            }
            Self::Obligations { before } => {
                let rows = store.read(|reader| reader.obligations(true, span(before)))?;
                needs.obligations.extend(rows.iter().map(|row| row.id));
                let last = rows.last().filter(|_| full(rows.len())).map(|row| row.id.0);
                last.map(|id| Self::Obligations { before: Some(id) })
            }
        };
        Ok((needs, after))
    }
}

/// The writes that renew the timers of these cases. They leave no entry: timers are a function of the record.
pub(super) fn renewed(batch: &mut Batch<'_>, needs: &Needs, now: Timestamp) -> Result<Writes> {
    let mut facts = Facts { workspace: batch.head().workspace.clone(), ..Facts::default() };
    batch.load(needs, now, &mut facts)?;
    facts.touched.incidents = needs.incidents.iter().filter(|id| facts.incident(**id).is_some()).copied().collect();
    facts.touched.emergencies = needs.emergencies.iter().filter(|id| facts.emergency(**id).is_some()).copied().collect();
    facts.touched.obligations = needs.obligations.iter().filter(|id| facts.obligation(**id).is_some()).copied().collect();
    let timers = draft::timers_of(&facts);
    Ok(Writes { facts, timers, ..Writes::default() })
}
