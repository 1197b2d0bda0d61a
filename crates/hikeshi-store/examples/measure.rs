//! Durable commits per second and the verifier's rate, each beside its limit in the same run.
//!
//! `cargo run --release -p hikeshi-store --features testing --example measure -- [directory]`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that fails should stop and say so")]

use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::apply::apply;
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::{IncidentId, PersonId, RequestKey};
use hikeshi_domain::ledger::{Entry, EntryResult, Laid, Verifier, leaf_hash};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::timer::of_incident;
use hikeshi_store::testing::Scratch;
use hikeshi_store::{Batch, Location, NewEntry, PostRecord, Store, Writes};

const RUN: Duration = Duration::from_secs(4);

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).unwrap()
}

fn actor() -> Actor {
    Actor::person(PersonId::new("tanaka").unwrap())
}

fn opened(number: u64) -> Vec<Event> {
    let opened = serde_json::json!({
        "event": "incident_opened", "incident": format!("inc_{number}"), "title": "予約ができない", "summary": "画面が白い",
        "service": "reservation", "environment": "production",
        "triage": { "impact": "all_users", "business": "lost_sales", "urgency": "now" },
        "priority": "P1", "opened_by": { "who": "person", "person": "tanaka" }, "detected_at": now(),
    });
    let posted = serde_json::json!({
        "event": "posted",
        "post": {
            "channel": "incidents", "incident": format!("inc_{number}"),
            "body": { "is": "notice", "notice": { "code": "incident_opened", "title": "予約ができない", "priority": "P1" } },
        },
    });
    vec![serde_json::from_value(opened).unwrap(), serde_json::from_value(posted).unwrap()]
}

fn policy() -> Event {
    let policy = serde_json::json!({ "workspace": { "name": "測定" }, "people": { "tanaka": { "name": "田中", "roles": ["developer"] } } });
    Event::PolicyAdopted { digest: hikeshi_domain::ids::Digest::of(b"policy"), policy: serde_json::from_value(policy).unwrap() }
}

/// What the engine writes for opened incidents: entry, incident, timer, post, head.
fn writes(batch: &Batch<'_>, acts: Vec<Vec<Event>>) -> Writes {
    let head = batch.head();
    let mut facts = Facts { workspace: head.workspace.clone(), ..Facts::default() };
    let (mut seq, mut prev) = (head.size, head.last_leaf);
    let mut writes = Writes::default();
    for events in acts {
        for event in &events {
            apply(&mut facts, event, &actor(), now());
            if let Event::Posted { post } = event {
                writes.posts.push(PostRecord { seq, part: 0, at: now(), actor: actor(), post: post.clone() });
            }
        }
        let case = (seq > 0).then_some(IncidentId(seq));
        let key = RequestKey::new(format!("{seq:x}-4f1c9a5e-open-incident")).unwrap();
        let result = EntryResult::Done { events, effects: Vec::new(), settles: None, made: None };
        let entry =
            Entry { v: 1, seq, at: now(), actor: actor(), via: Via::Api, key, kind: "incident.open".to_owned(), case, prev, result };
        let bytes = entry.bytes().unwrap();
        prev = leaf_hash(&bytes);
        writes.entries.push(NewEntry { seq, at: now(), key: entry.key, kind: entry.kind, case, refused: false, bytes });
        seq += 1;
    }
    if let Some(policy) = facts.workspace.policy.clone() {
        for id in &facts.touched.incidents {
            writes.timers.extend(of_incident(facts.incident(*id).unwrap(), &policy));
        }
    }
    writes.facts = facts;
    writes
}

fn rate(mut one: impl FnMut() -> u64) -> f64 {
    let (start, mut done) = (Instant::now(), 0_u32);
    while start.elapsed() < RUN {
        done += u32::try_from(one()).unwrap();
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn commits(store: &Store, batch_size: u64) -> f64 {
    let mut writer = store.writer().unwrap();
    rate(|| {
        let batch = writer.begin().unwrap();
        let first = batch.head().size;
        let writes = writes(&batch, (first..first + batch_size).map(opened).collect());
        batch.commit(writes).unwrap();
        batch_size
    })
}

fn adopt(store: &Store) {
    let mut writer = store.writer().unwrap();
    let batch = writer.begin().unwrap();
    let adopted = writes(&batch, vec![vec![policy()]]);
    batch.commit(adopted).unwrap();
}

fn raw_sqlite(path: &std::path::Path) -> f64 {
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.pragma_update(None, "journal_mode", "WAL").unwrap();
    raw.pragma_update(None, "synchronous", "FULL").unwrap();
    raw.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
    let bytes = vec![7_u8; 600];
    rate(|| u64::try_from(raw.prepare_cached("INSERT INTO t (bytes) VALUES (?1)").unwrap().execute([&bytes]).unwrap()).unwrap())
}

fn raw_disk(path: &std::path::Path) -> f64 {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    let page = vec![7_u8; 4096];
    rate(|| {
        file.write_all(&page).unwrap();
        file.sync_data().unwrap();
        1
    })
}

fn verify(store: &Store, copies: u64) {
    // One file of entries as the door would chain them, walked from the store and from memory.
    let start = Instant::now();
    let (verdict, bytes) = store
        .read(|reader| {
            let mut bytes = 0_usize;
            reader.walk(0, &mut |entry| {
                bytes += entry.bytes.len();
                std::ops::ControlFlow::Continue(())
            })?;
            let walked = start.elapsed();
            let start = Instant::now();
            let verdict = reader.verify([])?;
            println!("walk only: {:?}; verify: {:?}", walked, start.elapsed());
            println!(
                "verify from the store: {:.0} entries/s",
                f64::from(u32::try_from(verdict.entries).unwrap()) / start.elapsed().as_secs_f64()
            );
            Ok((verdict, bytes))
        })
        .unwrap();
    assert_eq!(verdict.fault, None);
    println!("entries: {}, {} bytes each", verdict.entries, bytes / usize::try_from(verdict.entries).unwrap());
    let mut prev = hikeshi_domain::ids::Digest([0; 32]);
    let chain: Vec<Vec<u8>> = (0..copies)
        .map(|seq| {
            let key = RequestKey::new(format!("{seq:x}-4f1c9a5e-note-incident")).unwrap();
            let events =
                vec![Event::IncidentNoted { incident: IncidentId(7), text: "再起動しました。様子を見ます。".to_owned() }];
            let result = EntryResult::Done { events, effects: Vec::new(), settles: None, made: None };
            let kind = "incident.note".to_owned();
            let entry = Entry { v: 1, seq, at: now(), actor: actor(), via: Via::Api, key, kind, case: Some(IncidentId(7)), prev, result };
            let bytes = entry.bytes().unwrap();
            prev = leaf_hash(&bytes);
            bytes
        })
        .collect();
    let start = Instant::now();
    let mut verifier = Verifier::new([]);
    for (seq, bytes) in (0..).zip(&chain) {
        assert!(verifier.feed(Laid { seq, bytes, columns: None }).is_continue());
    }
    let verdict = verifier.finish(None);
    let took = start.elapsed();
    assert_eq!((verdict.entries, verdict.fault), (copies, None));
    let rate = f64::from(u32::try_from(copies).unwrap()) / took.as_secs_f64();
    println!("verify from memory, notes of {} bytes: {rate:.0} entries/s", chain.first().map_or(0, Vec::len));
    let start = Instant::now();
    let mut last = [0_u8; 32];
    for bytes in &chain {
        last = leaf_hash(bytes).0;
    }
    println!("hashing alone: {:.0} entries/s {}", f64::from(u32::try_from(copies).unwrap()) / start.elapsed().as_secs_f64(), last.len());
}

fn main() {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let directory = directory.join(format!("hikeshi-measure-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    println!("4 KiB append + fdatasync: {:.0}/s", raw_disk(&directory.join("raw.bin")));
    let raw = raw_sqlite(&directory.join("raw.db"));
    println!("raw SQLite insert, FULL: {raw:.0}/s");
    let store = Store::open(&Location::Sqlite(directory.join("store.db"))).unwrap();
    adopt(&store);
    for batch in [1, 16, 64, 256] {
        let rate = commits(&store, batch);
        println!("SQLite, batches of {batch}: {rate:.0} commands/s = {:.2} of raw", rate / raw);
    }
    verify(&store, 300_000);
    drop(store);
    let _ = std::fs::remove_dir_all(&directory);
    let scratch = Scratch::postgres();
    let store = Store::open(scratch.location()).unwrap();
    adopt(&store);
    for batch in [1, 16, 64, 256] {
        println!("PostgreSQL (data in memory), batches of {batch}: {:.0} commands/s", commits(&store, batch));
    }
}
