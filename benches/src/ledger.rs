//! How fast a large ledger is verified: entries that are already in memory, and the same from the store.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use hikeshi_domain::ledger::{Columns, Frontier, Laid, Verifier, leaf_hash};
use hikeshi_store::{Location, Store};

use crate::{Row, pages};

pub fn measure(dir: &Path, entries: u64) -> anyhow::Result<Vec<Row>> {
    let location = Location::Sqlite(dir.join("ledger.db"));
    pages::fill(&location, dir, 1_000, entries)?;
    let store = Store::open(&location)?;
    let mut kept = Vec::new();
    store.read(|reader| {
        reader.walk(0, &mut |entry| {
            kept.push(entry);
            ControlFlow::Continue(())
        })
    })?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let count = kept.len() as f64;

    let began = Instant::now();
    let mut frontier = Frontier::new();
    for entry in &kept {
        frontier.append(leaf_hash(&entry.bytes));
    }
    let root = frontier.root();
    let hashing = count / began.elapsed().as_secs_f64();

    let began = Instant::now();
    let mut verifier = Verifier::new([(frontier.size(), root)]);
    for entry in &kept {
        if verifier.feed(Laid { seq: entry.seq, bytes: &entry.bytes, columns: None::<Columns<'_>> }).is_break() {
            break;
        }
    }
    let verdict = verifier.finish(None);
    let in_memory = count / began.elapsed().as_secs_f64();
    ensure!(verdict.fault.is_none(), "the ledger that was just written does not verify: {:?}", verdict.fault);

    let began = Instant::now();
    let mut verifier = Verifier::new([(frontier.size(), root)]);
    store.read(|reader| {
        reader.walk(0, &mut |entry| verifier.feed(Laid { seq: entry.seq, bytes: &entry.bytes, columns: None::<Columns<'_>> }))
    })?;
    let verdict = verifier.finish(None);
    let from_store = count / began.elapsed().as_secs_f64();
    ensure!(verdict.fault.is_none(), "the ledger does not verify from the store: {:?}", verdict.fault);

    let group = "Ledger verification";
    Ok(vec![
        Row::new(group, "hashing alone", hashing, "entries/s"),
        Row::new(group, "verifying, entries in memory", in_memory, "entries/s").goal("≥ 1,000,000 entries/s on one core", in_memory >= 1e6),
        Row::new(group, "verifying, read from SQLite", from_store, "entries/s"),
    ])
}
