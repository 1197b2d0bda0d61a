//! Looking back (rules E13, E15 and I11): the report of a month or quarter, computed from the ledger when it is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::review::{AsOf, Month, MonthCount, Period, Report, TIMES_MAX};
use hikeshi_store::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Look, LookError, Sight};
use crate::examine;

/// Rows of the obligations that are looked through for those of reports, at once.
const ROWS: u32 = 200;
/// And altogether: years of them.
const ROWS_ALL: usize = 20_000;

/// A report with what names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewView {
    /// Number of ledger entries there are now.
    pub size: u64,
    pub at: Timestamp,
    pub report: Report,
    /// SHA-256 of the report's JSON.
    pub digest: Digest,
    /// The newest signed checkpoint: the ledger from which it was computed can be verified against it.
    pub checkpoint: Option<String>,
    /// What is owed for it; `None` while the period is not over.
    pub obligation: Option<Obligation>,
}

/// The months with their uses, and the reports that are or were owed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewsView {
    pub size: u64,
    pub at: Timestamp,
    /// Oldest first, up to this month.
    pub months: Vec<MonthCount>,
    pub reports: BTreeMap<String, Obligation>,
}

impl Look<'_> {
    /// `as_of`: as it was computed then, for instance when it was presented.
    pub async fn review(&self, period: Period, as_of: Option<AsOf>) -> Result<ReviewView, LookError> {
        self.see(move |sight| {
            let as_of = as_of.unwrap_or(AsOf { size: sight.head.size, at: sight.now });
            if as_of.size > sight.head.size {
                return Err(LookError::NotFound { what: "ledger entry", given: as_of.size.to_string() });
            }
            let policy = policy(sight, as_of.size)?;
            let (from, ends) = (Report::looks_back_to(period, &policy), period.ends(&policy.zone()));
            let uses = examine::uses(sight.reader, from, ends, as_of)?;
            let incidents = sight.door.inside.measured.of(sight.reader, &policy, period, as_of)?;
            let report = Report::new(period, &policy, as_of, &uses, incidents);
            Ok(ReviewView {
                size: sight.head.size,
                at: sight.now,
                digest: report.digest(),
                report,
                checkpoint: sight.reader.checkpoint()?.map(|(_, note)| note),
                obligation: owed(sight)?.remove(&period.to_string()),
            })
        })
        .await
    }

    pub async fn reviews(&self) -> Result<ReviewsView, LookError> {
        self.see(|sight| {
            let zone = sight.policy.zone();
            let months = Month::of(sight.now, &zone).back(TIMES_MAX);
            let from = months.first().map_or(Timestamp::MIN, |first| first.begins(&zone));
            let all = examine::exceptions(sight.reader, from, Timestamp::MAX)?;
            let asked = all.iter().map(|state| (state.requested_at, state.status, state.started_at.is_some()));
            let months = MonthCount::count(&months, &zone, asked);
            Ok(ReviewsView { size: sight.head.size, at: sight.now, months, reports: owed(sight)? })
        })
        .await
    }
}

/// The policy of then: what was presented is computed again by the rules that it was presented by.
fn policy(sight: &mut Sight<'_, '_>, size: u64) -> Result<Arc<Policy>, LookError> {
    if size == sight.head.size {
        return Ok(Arc::clone(&sight.policy));
    }
    let adopted = examine::policy_at(sight.reader, size)?;
    adopted.map(Arc::new).ok_or_else(|| LookError::NotFound { what: "ledger entry", given: size.to_string() })
}

/// The obligations of reports, by the name of their period.
fn owed(sight: &mut Sight<'_, '_>) -> Result<BTreeMap<String, Obligation>, LookError> {
    let mut found = BTreeMap::new();
    let (mut before, mut seen) = (None, 0);
    while seen < ROWS_ALL {
        let rows = sight.reader.obligations(false, Span { before, limit: ROWS })?;
        let Some(last) = rows.last() else { break };
        before = Some(last.id.0);
        seen += rows.len();
        found.extend(rows.into_iter().filter_map(|owed| Some((owed.period?.to_string(), owed))));
    }
    Ok(found)
}
