//! Fetching what a command needs before it can be decided, from a batch or from a read.

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Envelope;
use hikeshi_domain::decide;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_store::{Batch, Reader, Result, StoreError};

/// An emergency names its incident, an incident its other exceptions: a few rounds reach everything.
const ROUNDS_MAX: u32 = 8;

/// Where facts are read from.
pub(crate) trait Shelf {
    fn fetch(&mut self, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()>;
}

impl Shelf for Batch<'_> {
    fn fetch(&mut self, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
        self.load(needs, now, facts)
    }
}

impl Shelf for Reader<'_> {
    fn fetch(&mut self, needs: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
        self.load(needs, now, facts)
    }
}

/// Loads for one envelope until nothing is missing.
pub(crate) fn fill(shelf: &mut impl Shelf, envelope: &Envelope, now: Timestamp, facts: &mut Facts) -> Result<()> {
    fill_all(shelf, std::iter::once(envelope), now, facts)
}

/// Loads for many commands together: one statement per table and round, however many they are.
pub(crate) fn fill_all<'a>(
    shelf: &mut impl Shelf,
    envelopes: impl Iterator<Item = &'a Envelope> + Clone,
    now: Timestamp,
    facts: &mut Facts,
) -> Result<()> {
    for _ in 0..ROUNDS_MAX {
        let mut needs = Needs::default();
        for envelope in envelopes.clone() {
            needs.add(decide::needs(&envelope.actor, &envelope.command, facts));
        }
        let missing = needs.missing(facts);
        if missing.is_empty() {
            return Ok(());
        }
        merge(shelf, &missing, now, facts)?;
    }
    Err(StoreError { doing: "load", detail: format!("still not complete after {ROUNDS_MAX} rounds"), passing: false })
}

/// Loads beside the facts and takes over only what they do not know: what a command of the same batch has changed stays.
fn merge(shelf: &mut impl Shelf, missing: &Needs, now: Timestamp, facts: &mut Facts) -> Result<()> {
    let mut fresh = Facts { workspace: facts.workspace.clone(), ..Facts::default() };
    shelf.fetch(missing, now, &mut fresh)?;
    // Whatever was asked for and did not come is not there.
    for id in &missing.incidents {
        facts.incidents.entry(*id).or_insert_with(|| fresh.incidents.remove(id).flatten());
    }
    for id in &missing.emergencies {
        facts.emergencies.entry(*id).or_insert_with(|| fresh.emergencies.remove(id).flatten());
    }
    for id in &missing.accounts {
        facts.accounts.entry(id.clone()).or_insert_with(|| fresh.accounts.remove(id).flatten());
    }
    for id in &missing.monitors {
        facts.monitors.entry(id.clone()).or_insert_with(|| fresh.monitors.remove(id).flatten());
    }
    for id in &missing.alerts {
        facts.alerts.entry(id.clone()).or_insert_with(|| fresh.alerts.remove(id).flatten());
        if let Some(until) = fresh.leases.remove(id) {
            facts.leases.entry(id.clone()).or_insert(until);
        }
    }
    for key in &missing.groups {
        facts.groups.entry(key.clone()).or_insert_with(|| fresh.groups.remove(key).flatten());
    }
    for id in &missing.silenced {
        facts.silenced.entry(*id).or_insert_with(|| fresh.silenced.remove(id).unwrap_or_default());
    }
    // Those that wait for a silence come beside the ones that were named.
    for (id, row) in fresh.alerts {
        facts.alerts.entry(id).or_insert(row);
    }
    for id in &missing.alerts_of {
        facts.alerts_of.entry(*id).or_insert_with(|| fresh.alerts_of.remove(id).unwrap_or_default());
    }
    for key in &missing.changes {
        facts.changes.entry(key.clone()).or_insert_with(|| fresh.changes.remove(key).flatten());
    }
    for digest in &missing.imports {
        facts.imports.entry(*digest).or_insert_with(|| fresh.imports.remove(digest).flatten());
    }
    for id in &missing.presence {
        facts.presence.entry(*id).or_insert_with(|| fresh.presence.remove(id).unwrap_or_default());
    }
    for id in &missing.obligations {
        facts.obligations.entry(*id).or_insert_with(|| fresh.obligations.remove(id).flatten());
    }
    // The overdue ones come beside those that were named.
    for (id, row) in fresh.obligations {
        facts.obligations.entry(id).or_insert(row);
    }
    if missing.overdue && facts.overdue.is_none() {
        facts.overdue = Some(fresh.overdue.unwrap_or_default());
    }
    Ok(())
}
