//! Overrides of the on-call schedules lie with the policy, and come back with it.

use hikeshi_domain::event::Event;
use hikeshi_domain::ids::{OverrideId, ScheduleName};
use hikeshi_domain::oncall::{OncallEvent, Override};

use super::world::{Act, World, acknowledged, adopted, at, opened, person};
use crate::testing::{Scratch, execute};
use crate::{Deviation, Location, Store, on_both};

fn row(number: u64, until: i64) -> Override {
    Override {
        id: OverrideId(number),
        schedule: ScheduleName::new("primary").unwrap(),
        person: person("tanaka"),
        from: at(100),
        until: at(until),
        reason: "通院".to_owned(),
        by: person("tanaka"),
    }
}

fn overridden(number: u64, until: i64) -> Act {
    let event = Event::Oncall(OncallEvent::Overridden { row: row(number, until) });
    Act { key: format!("override-{number}"), events: vec![event], ..Act::default() }
}

fn cancelled(number: u64) -> Act {
    let (schedule, person) = (ScheduleName::new("primary").unwrap(), person("tanaka"));
    let event = OncallEvent::Cancelled { id: OverrideId(number), schedule, by: person.clone(), person, reason: "戻った".to_owned() };
    Act { key: format!("cancel-{number}"), events: vec![Event::Oncall(event)], ..Act::default() }
}

fn known(store: &Store) -> Vec<(u64, i64)> {
    let head = store.read(|reader| reader.head()).unwrap();
    head.workspace.overrides.values().map(|row| (row.id.0, row.until.duration_since(at(0)).as_secs())).collect()
}

/// Seen by whoever wrote it, by a store that is opened anew, and after other entries.
fn what_was_agreed_is_read_back(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), overridden(1, 900), overridden(2, 800)]);
    assert_eq!(known(&world.store), [(1, 900), (2, 800)]);
    world.commit(vec![opened(1)]);
    world.now = at(200);
    let head = world.commit(vec![acknowledged(1), cancelled(1), overridden(3, 700)]);
    assert_eq!(head.workspace.counters.overrides, 3);
    world.commit(vec![adopted("renamed")]);
    assert_eq!(known(&world.store), [(1, 200), (2, 800), (3, 700)], "a new policy keeps them");
    drop(world);
    let store = Store::open(scratch.location()).unwrap();
    assert_eq!(known(&store), [(1, 200), (2, 800), (3, 700)]);
    assert!(store.read(|reader| reader.compare()).unwrap().agrees());
}

fn a_rebuild_puts_them_right(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), overridden(1, 900)]);
    drop(world);
    let wrong = "UPDATE workspace SET overrides = NULL";
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(wrong).unwrap(),
        Location::Postgres(url) => execute(url, wrong).unwrap(),
    }
    let store = Store::open(scratch.location()).unwrap();
    let found = store.rebuild().unwrap();
    let columns: Vec<(&str, &Deviation)> = found.differences.iter().map(|difference| (difference.table, &difference.is)).collect();
    assert_eq!(columns, [("workspace", &Deviation::Differs { column: "overrides" })]);
    assert_eq!(known(&store), [(1, 900)]);
}

on_both!(what_was_agreed_is_read_back, a_rebuild_puts_them_right);
