//! Bad nights: disk full, database gone, two servers, a foreign file, a newer schema.

use std::thread;
use std::time::{Duration, Instant};

use super::world::{World, adopted, opened};
use crate::database::Database;
use crate::testing::{Scratch, execute};
use crate::{Location, Store, on_both};

fn path(scratch: &Scratch) -> &std::path::Path {
    match scratch.location() {
        Location::Sqlite(path) => path,
        Location::Postgres(_) => panic!("an SQLite test"),
    }
}

fn url(scratch: &Scratch) -> &str {
    match scratch.location() {
        Location::Sqlite(_) => panic!("a PostgreSQL test"),
        Location::Postgres(url) => url,
    }
}

fn page_limit(world: &World, pages: i64) -> i64 {
    let Database::Sqlite { sqlite, .. } = &world.store.inner.database else { panic!("an SQLite test") };
    let session = sqlite.writer();
    session.connection().pragma_update_and_check(None, "max_page_count", pages, |row| row.get(0)).unwrap()
}

#[test]
fn a_full_disk_loses_nothing_and_is_said() {
    let scratch = Scratch::sqlite();
    let mut world = World::with_incidents(&scratch, 3);
    let pages = page_limit(&world, 1);
    let before = world.store.read(|reader| reader.head()).unwrap();
    let mut full = None;
    for number in 4..1_000 {
        if let Err(error) = world.try_commit((number * 50..number * 50 + 50).map(opened).collect()) {
            full = Some((number, error));
            break;
        }
    }
    let (number, error) = full.expect("the disk was never full");
    assert!(!error.passing && error.detail.contains("full"), "{error}");
    let after = world.store.read(|reader| reader.head()).unwrap();
    assert_eq!(after.size, before.size + (number - 4) * 50, "all that was answered, nothing else");
    assert!(world.store.read(|reader| reader.compare()).unwrap().agrees());
    // Somebody made room: the same writer goes on.
    page_limit(&world, pages * 1_000);
    assert_eq!(world.commit(vec![opened(number * 50)]).size, after.size + 1);
}

#[test]
fn a_second_process_cannot_write_the_same_file() {
    let scratch = Scratch::sqlite();
    let world = World::with_incidents(&scratch, 1);
    let refused = Store::open(scratch.location()).map(drop).unwrap_err();
    assert!(refused.passing && refused.detail.contains("another process"), "{refused}");
    // Looking is allowed meanwhile.
    let looking = Store::open_to_read(scratch.location()).unwrap();
    assert_eq!(looking.read(|reader| reader.verify([])).unwrap().entries, 2);
    drop(looking);
    drop(world);
    Store::open(scratch.location()).unwrap();
}

#[test]
fn a_foreign_file_is_left_alone() {
    let scratch = Scratch::sqlite();
    rusqlite::Connection::open(path(&scratch)).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(path(&scratch)).unwrap();
    let refused = Store::open(scratch.location()).map(drop).unwrap_err();
    assert!(!refused.passing && refused.detail.contains("not a hikeshi database"), "{refused}");
    assert_eq!(std::fs::read(path(&scratch)).unwrap(), before);
    std::fs::write(path(&scratch), "not a database at all, but long enough to look like one".repeat(200)).unwrap();
    assert!(!Store::open(scratch.location()).map(drop).unwrap_err().passing);
}

fn a_newer_schema_is_refused(scratch: &Scratch) {
    drop(World::with_incidents(scratch, 1));
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap(),
        Location::Postgres(url) => execute(url, "UPDATE schema_version SET version = 99").unwrap(),
    }
    for refused in [Store::open(scratch.location()), Store::open_to_read(scratch.location())] {
        let refused = refused.map(drop).unwrap_err();
        assert!(!refused.passing && refused.detail.contains("99"), "{refused}");
    }
}

#[test]
fn every_connection_is_durable() {
    let scratch = Scratch::sqlite();
    let store = Store::open(scratch.location()).unwrap();
    let Database::Sqlite { sqlite, .. } = &store.inner.database else { panic!("an SQLite test") };
    let reader = sqlite.connect_reader().unwrap();
    let writer = sqlite.writer();
    for connection in [writer.connection(), reader.connection()] {
        let ask = |pragma: &str| {
            connection
                .pragma_query_value(None, pragma, |row| row.get::<_, String>(0).or_else(|_| row.get::<_, i64>(0).map(|n| n.to_string())))
                .unwrap()
        };
        assert_eq!((ask("synchronous").as_str(), ask("journal_mode").as_str()), ("2", "wal"));
    }
    assert!(reader.connection().execute("DELETE FROM entries", []).is_err(), "a reader cannot write");
}

#[test]
fn a_server_that_may_lose_commits_is_refused() {
    let scratch = Scratch::postgres();
    let careless = format!("{}%20-c%20synchronous_commit%3Doff", url(&scratch));
    let refused = Store::open(&Location::Postgres(careless)).map(drop).unwrap_err();
    assert!(!refused.passing && refused.detail.contains("synchronous_commit"), "{refused}");
}

#[test]
fn two_servers_on_one_postgresql_share_one_ledger() {
    let scratch = Scratch::postgres();
    World::open(&scratch).commit(vec![adopted("hikeshi")]);
    let each = 40;
    let nodes: Vec<_> = (0..3_u64)
        .map(|node| {
            let location = scratch.location().clone();
            thread::spawn(move || {
                let store = Store::open(&location).unwrap();
                let mut world = World { writer: store.writer().unwrap(), store, now: super::world::at(0) };
                for number in 0..each {
                    world.commit(vec![opened(1 + node * 1_000 + number)]);
                }
            })
        })
        .collect();
    nodes.into_iter().for_each(|node| node.join().unwrap());
    let store = Store::open(scratch.location()).unwrap();
    let verdict = store.read(|reader| reader.verify([])).unwrap();
    assert_eq!((verdict.entries, verdict.fault), (1 + 3 * each, None));
    assert!(store.read(|reader| reader.compare()).unwrap().agrees());
}

#[test]
fn another_nodes_commit_is_news() {
    let scratch = Scratch::postgres();
    let mut one = World::with_incidents(&scratch, 1);
    let other = Store::open(scratch.location()).unwrap();
    assert_eq!(other.wait_for_news(2, 50).unwrap(), 2, "nothing new: the wait ends");
    let since = Instant::now();
    let waiting = thread::spawn(move || other.wait_for_news(2, 10_000).unwrap());
    thread::sleep(Duration::from_millis(30));
    one.commit(vec![opened(2)]);
    assert_eq!(waiting.join().unwrap(), 3);
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_lost_connection_passes_and_the_next_batch_goes_on() {
    let scratch = Scratch::postgres();
    let mut world = World::with_incidents(&scratch, 2);
    // In the middle of a batch: nothing of it stays.
    let mut batch = world.writer.begin().unwrap();
    let unlucky = super::world::writes(&mut batch, vec![opened(3)], super::world::at(0)).unwrap();
    cut(&scratch);
    let error = batch.commit(unlucky).unwrap_err();
    assert!(error.passing, "{error}");
    assert_eq!(world.commit(vec![opened(3)]).size, 4);
    // While nobody was using it: nobody notices.
    cut(&scratch);
    thread::sleep(Duration::from_millis(600));
    assert_eq!(world.commit(vec![opened(4)]).size, 5);
    assert_eq!(world.store.read(|reader| reader.head()).unwrap().size, 5);
}

/// Ends every connection of this store; other tests use the same server at the same time.
fn cut(scratch: &Scratch) {
    let schema = url(scratch).rsplit("%3D").next().unwrap();
    execute(url(scratch), &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hikeshi {schema}'"))
        .unwrap();
}

on_both!(a_newer_schema_is_refused);
