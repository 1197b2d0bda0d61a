//! Somebody with the rights of a database administrator changes rows. Every way is detected, live and against an earlier checkpoint.

use hikeshi_domain::ids::{Digest, IncidentId};
use hikeshi_domain::ledger::{
    BundleFault, Checkpoint, Entry, Fault, Files, Frontier, LedgerKey, Wrong, leaf_hash, make_bundle, verify_bundle,
};

use super::world::{World, acknowledged, at, opened, resolved};
use crate::testing::{Scratch, execute};
use crate::{Head, Location, Store, on_both};

/// Statements of an intruder, past everything that this crate would refuse.
fn intrude(scratch: &Scratch, statements: &str) {
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap(),
        Location::Postgres(url) => execute(url, statements).unwrap(),
    }
}

/// Bytes as a literal of the engine.
fn literal(scratch: &Scratch, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match scratch.location() {
        Location::Sqlite(_) => format!("X'{hex}'"),
        Location::Postgres(_) => format!("'\\x{hex}'::bytea"),
    }
}

/// Ten entries; the checkpoint is of the first seven.
fn ledger(scratch: &Scratch) -> (Head, (u64, Digest)) {
    let mut world = World::with_incidents(scratch, 6);
    let seven = world.store.read(|reader| reader.head()).unwrap();
    assert_eq!(seven.size, 7);
    let root = Frontier::from_parts(7, seven.frontier).unwrap().root();
    let head = world.commit(vec![acknowledged(1), acknowledged(2), resolved(1)]);
    (head, (7, root))
}

fn fault(scratch: &Scratch, checkpoints: &[(u64, Digest)]) -> Option<Fault> {
    let store = Store::open(scratch.location()).unwrap();
    let verdict = store.read(|reader| reader.verify(checkpoints.iter().copied())).unwrap();
    verdict.fault
}

fn exactly(seq: u64, wrong: Wrong) -> Option<Fault> {
    Some(Fault { earliest: seq, latest: seq, wrong })
}

fn an_untouched_ledger_holds(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    let store = Store::open(scratch.location()).unwrap();
    let verdict = store.read(|reader| reader.verify([checkpoint])).unwrap();
    assert_eq!((verdict.entries, verdict.fault, verdict.agreed), (10, None, vec![7]));
}

fn a_changed_byte_is_found_where_it_is(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    for seq in [0, 3, 6, 8, 9_u64] {
        let store = Store::open(scratch.location()).unwrap();
        let kept = store.read(|reader| reader.entry(seq)).unwrap().unwrap().bytes;
        drop(store);
        let at = kept.windows(6).position(|window| window == b"tanaka").unwrap();
        let mut changed = kept.clone();
        changed[at] = b'T';
        let put = |bytes: &[u8]| intrude(scratch, &format!("UPDATE entries SET bytes = {} WHERE seq = {seq}", literal(scratch, bytes)));
        put(&changed);
        assert_eq!(fault(scratch, &[checkpoint]), exactly(seq, Wrong::Altered), "entry {seq}");
        put(&kept);
    }
    assert_eq!(fault(scratch, &[checkpoint]), None);
}

fn a_removed_entry_is_missed(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    intrude(scratch, "DELETE FROM entries WHERE seq = 4");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(4, Wrong::Removed));
}

fn a_removed_entry_is_missed_when_the_rest_moves_up(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    intrude(scratch, "DELETE FROM entries WHERE seq = 4");
    for seq in 5..10 {
        intrude(scratch, &format!("UPDATE entries SET seq = {} WHERE seq = {seq}", seq - 1));
    }
    assert_eq!(fault(scratch, &[checkpoint]), exactly(4, Wrong::SeqDiffers { says: 5 }));
}

fn an_inserted_entry_is_found(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    for seq in (4..10).rev() {
        intrude(scratch, &format!("UPDATE entries SET seq = {} WHERE seq = {seq}", seq + 1));
    }
    intrude(scratch, "INSERT INTO entries (seq, key, bytes) SELECT 4, 'inserted-by-somebody', bytes FROM entries WHERE seq = 3");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(4, Wrong::SeqDiffers { says: 3 }));
}

fn an_entry_appended_behind_the_head_is_found(scratch: &Scratch) {
    let (head, checkpoint) = ledger(scratch);
    let store = Store::open(scratch.location()).unwrap();
    let kept = store.read(|reader| reader.entry(9)).unwrap().unwrap().bytes;
    drop(store);
    let mut entry: Entry = serde_json::from_slice(&kept).unwrap();
    (entry.seq, entry.prev) = (10, head.last_leaf);
    let bytes = literal(scratch, &entry.bytes().unwrap());
    intrude(
        scratch,
        &format!("INSERT INTO entries (seq, key, case_id, bytes) SELECT 10, 'appended', case_id, {bytes} FROM entries WHERE seq = 9"),
    );
    intrude(scratch, &format!("UPDATE entries SET key = 'gone' WHERE seq = 9; UPDATE entries SET key = '{}' WHERE seq = 10", entry.key));
    intrude(scratch, "UPDATE entries SET key = 'resolve-1' WHERE seq = 10");
    // The last true entry lost its key to the new one: that is the first thing wrong.
    assert_eq!(fault(scratch, &[checkpoint]), exactly(9, Wrong::ColumnsDiffer));
    intrude(scratch, "UPDATE entries SET key = 'other' WHERE seq = 10; UPDATE entries SET key = 'resolve-1' WHERE seq = 9");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(10, Wrong::ColumnsDiffer));
}

fn reordered_entries_are_found(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    intrude(
        scratch,
        "UPDATE entries SET seq = 100 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 5; UPDATE entries SET seq = 5 WHERE seq = 100",
    );
    assert_eq!(fault(scratch, &[checkpoint]), exactly(3, Wrong::SeqDiffers { says: 5 }));
}

fn a_cut_tail_is_missed(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    intrude(scratch, "DELETE FROM entries WHERE seq >= 8");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(8, Wrong::TailCut { size: 10 }));
}

/// The head was moved back too: only the checkpoint still knows.
fn a_cut_tail_is_missed_when_the_head_goes_along(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    let store = Store::open(scratch.location()).unwrap();
    let mut frontier = Frontier::new();
    let mut last = Digest([0; 32]);
    for seq in 0..5 {
        last = leaf_hash(&store.read(|reader| reader.entry(seq)).unwrap().unwrap().bytes);
        frontier.append(last);
    }
    drop(store);
    let roots: Vec<u8> = frontier.roots().iter().flat_map(|digest| digest.0).collect();
    let (roots, last) = (literal(scratch, &roots), literal(scratch, &last.0));
    intrude(scratch, "DELETE FROM entries WHERE seq >= 5");
    intrude(scratch, &format!("UPDATE ledger_head SET size = 5, frontier = {roots}, last_leaf = {last}"));
    assert_eq!(fault(scratch, &[]), None, "without a checkpoint nobody can know");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(5, Wrong::TailCut { size: 7 }));
}

/// Entry 5 and everything after it was made again, consistently, with a head to match.
fn a_ledger_written_again_contradicts_the_checkpoint(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    let store = Store::open(scratch.location()).unwrap();
    let (mut frontier, mut prev) = (Frontier::new(), Digest([0; 32]));
    let mut statements = String::new();
    for seq in 0..10 {
        let kept = store.read(|reader| reader.entry(seq)).unwrap().unwrap().bytes;
        let mut entry: Entry = serde_json::from_slice(&kept).unwrap();
        entry.prev = prev;
        if seq == 5 {
            entry.at = at(-86_400);
        }
        let bytes = entry.bytes().unwrap();
        prev = leaf_hash(&bytes);
        frontier.append(prev);
        statements.push_str(&format!("UPDATE entries SET bytes = {} WHERE seq = {seq};", literal(scratch, &bytes)));
    }
    drop(store);
    let roots: Vec<u8> = frontier.roots().iter().flat_map(|digest| digest.0).collect();
    statements.push_str(&format!(
        "UPDATE ledger_head SET frontier = {}, last_leaf = {}",
        literal(scratch, &roots),
        literal(scratch, &prev.0)
    ));
    intrude(scratch, &statements);
    assert_eq!(fault(scratch, &[]), None, "without a checkpoint nobody can know");
    let found = fault(scratch, &[checkpoint]).unwrap();
    assert_eq!(found, Fault { earliest: 0, latest: 6, wrong: Wrong::CheckpointDiffers { size: 7 } });
}

fn columns_beside_an_entry_are_compared(scratch: &Scratch) {
    let (_, checkpoint) = ledger(scratch);
    intrude(scratch, "UPDATE entries SET case_id = NULL WHERE seq = 6");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(6, Wrong::ColumnsDiffer));
    intrude(scratch, "UPDATE entries SET case_id = 6, key = 'somebody-elses-key' WHERE seq = 6");
    assert_eq!(fault(scratch, &[checkpoint]), exactly(6, Wrong::ColumnsDiffer));
}

/// The offline half of the same: a bundle of one case, and an earlier checkpoint.
fn a_bundle_of_a_case_is_verified_offline(scratch: &Scratch) {
    let key = LedgerKey::from_seed("hikeshi.example", &[3; 32]).unwrap();
    let mut world = World::with_incidents(scratch, 3);
    let early = world.store.read(|reader| reader.head()).unwrap();
    let early_root = Frontier::from_parts(early.size, early.frontier).unwrap().root();
    let note = Checkpoint::sign(early.size, early_root, &key).unwrap();
    world.store.put_checkpoint(early.size, &note, at(1)).unwrap();
    world.commit(vec![acknowledged(2), opened(4), resolved(2)]);
    let documents = Files::from([("report.md".to_owned(), b"# report".to_vec())]);
    let parts = world.store.read(|reader| reader.case_parts(IncidentId(2), at(100), documents)).unwrap();
    assert_eq!(parts.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 4, 6]);
    let files = make_bundle(parts, &key).unwrap();
    let earlier = [Checkpoint::open(note.as_bytes(), key.verifier()).unwrap()];

    let verdict = verify_bundle(&files, Some(key.verifier()), &earlier);
    assert_eq!(verdict.faults, []);
    assert_eq!((verdict.entries, verdict.earlier_agreed, verdict.earlier_unproven), (3, vec![4], Vec::new()));

    let other = Checkpoint { root: Digest::of(b"another history"), ..earlier[0].clone() };
    assert_eq!(verify_bundle(&files, Some(key.verifier()), &[other]).faults, [BundleFault::EarlierDiffers { size: 4 }]);
}

on_both!(
    an_untouched_ledger_holds,
    a_changed_byte_is_found_where_it_is,
    a_removed_entry_is_missed,
    a_removed_entry_is_missed_when_the_rest_moves_up,
    an_inserted_entry_is_found,
    an_entry_appended_behind_the_head_is_found,
    reordered_entries_are_found,
    a_cut_tail_is_missed,
    a_cut_tail_is_missed_when_the_head_goes_along,
    a_ledger_written_again_contradicts_the_checkpoint,
    columns_beside_an_entry_are_compared,
    a_bundle_of_a_case_is_verified_offline,
);
