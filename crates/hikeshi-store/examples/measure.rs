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
use hikeshi_store::{Batch, Location, NewEntry, PostRecord, Store, Writer, Writes};

const SLICE: Duration = Duration::from_millis(100);
const SLICES: u32 = 30;

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

fn slice(counted: &mut f64, spent: &mut Duration, mut one: impl FnMut() -> u64) {
    let start = Instant::now();
    while start.elapsed() < SLICE {
        *counted += f64::from(u32::try_from(one()).unwrap());
    }
    *spent += start.elapsed();
}
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
fn beside(name: &str, mut limit: impl FnMut() -> u64, mut ours: impl FnMut() -> u64) {
    let (mut limits, mut limit_spent, mut counted, mut spent) = (0.0, Duration::ZERO, 0.0, Duration::ZERO);
    let mut cpu = Duration::ZERO;
    for _ in 0..SLICES {
        slice(&mut limits, &mut limit_spent, &mut limit);
        let c = processor();
        slice(&mut counted, &mut spent, &mut ours);
        cpu += processor() - c;
    }
    let (limit, ours, percpu) = (limits / limit_spent.as_secs_f64(), counted / spent.as_secs_f64(), counted / cpu.as_secs_f64());
    println!("{name}: {ours:.0}/s beside {limit:.0}/s = {:.2}  (per cpu second {percpu:.0})", ours / limit);
}
fn commit(writer: &mut Writer, batch_size: u64) -> u64 {
    let batch = writer.begin().unwrap();
    let first = batch.head().size;
    let writes = writes(&batch, (first..first + batch_size).map(opened).collect());
    batch.commit(writes).unwrap();
    batch_size
}
fn adopt(store: &Store) {
    let mut writer = store.writer().unwrap();
    let batch = writer.begin().unwrap();
    let adopted = writes(&batch, vec![vec![policy()]]);
    batch.commit(adopted).unwrap();
}

fn raw_sqlite(path: &std::path::Path) -> rusqlite::Connection {
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.pragma_update(None, "journal_mode", "WAL").unwrap();
    raw.pragma_update(None, "synchronous", "FULL").unwrap();
    raw.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
    raw
}
fn raw_insert(raw: &rusqlite::Connection) -> u64 {
    let bytes = [7_u8; 600];
    u64::try_from(raw.prepare_cached("INSERT INTO t (bytes) VALUES (?1)").unwrap().execute([&bytes[..]]).unwrap()).unwrap()
}
fn per_second(entries: u64, since: Duration) -> f64 {
    f64::from(u32::try_from(entries).unwrap()) / processor().saturating_sub(since).as_secs_f64()
}
fn verify_store(store: &Store) {
    store
        .read(|reader| {
            let since = processor();
            let mut bytes = 0_usize;
            reader.walk(0, &mut |entry| {
                bytes += entry.bytes.len();
                std::ops::ControlFlow::Continue(())
            })?;
            let entries = reader.head()?.size;
            println!(
                "walk: {:.0} entries per processor second, {} bytes each",
                per_second(entries, since),
                bytes / usize::try_from(entries).unwrap()
            );
            let since = processor();
            let verdict = reader.verify([])?;
            println!("verify from the store: {:.0} entries per processor second", per_second(verdict.entries, since));
            assert_eq!(verdict.fault, None);
            Ok(())
        })
        .unwrap();
}
fn verify_memory(copies: u64) {
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
    let since = processor();
    let mut verifier = Verifier::new([]);
    for (seq, bytes) in (0..).zip(&chain) {
        assert!(verifier.feed(Laid { seq, bytes, columns: None }).is_continue());
    }
    let verdict = verifier.finish(None);
    let rate = per_second(copies, since);
    assert_eq!((verdict.entries, verdict.fault), (copies, None));
    println!("verify from memory, {} bytes each: {rate:.0} entries per processor second", chain.first().map_or(0, Vec::len));
    let since = processor();
    let mut frontier = hikeshi_domain::ledger::Frontier::new();
    chain.iter().for_each(|bytes| frontier.append(leaf_hash(bytes)));
    println!("its hashes alone: {:.0} entries per processor second", per_second(frontier.size(), since));
}
fn main() {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let directory = directory.join(format!("hikeshi-measure-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let raw = raw_sqlite(&directory.join("raw.db"));
    let store = Store::open(&Location::Sqlite(directory.join("store.db"))).unwrap();
    adopt(&store);
    let mut writer = store.writer().unwrap();
    for size in [1, 16, 64, 256] {
        beside(&format!("SQLite, batches of {size}, beside raw inserts"), || raw_insert(&raw), || commit(&mut writer, size));
    }
    verify_store(&store);
    drop((writer, store, raw));
    drop(std::fs::remove_dir_all(&directory));
    verify_memory(300_000);
    let scratch = Scratch::postgres();
    let store = Store::open(scratch.location()).unwrap();
    adopt(&store);
    let (mut writer, mut single) = (store.writer().unwrap(), store.writer().unwrap());
    for size in [16, 64, 256] {
        beside(
            &format!("PostgreSQL (data in memory), batches of {size}, beside one by one"),
            || commit(&mut single, 1),
            || commit(&mut writer, size),
        );
    }
}
