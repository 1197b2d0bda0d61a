//! Changes are found by their place and time, newest first, and come back with a rebuild.

use hikeshi_domain::change::{Change, ChangeEvent, What};
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::people::Actor;

use super::world::{Act, World, adopted, at, opened, person, silenced};
use crate::changes::Changes;
use crate::testing::{Scratch, execute};
use crate::{Deviation, Location, Store, on_both};

fn told(name: &str, seconds: i64, place: Option<(&str, &str)>) -> Act {
    let change = Change {
        key: format!("told/{name}").parse().unwrap(),
        at: at(seconds),
        by: Actor::person(person("tanaka")),
        service: place.map(|(service, _)| service.parse().unwrap()),
        environment: place.map(|(_, environment)| environment.parse().unwrap()),
        what: What::Told { title: name.to_owned(), details: String::new(), link: None },
    };
    let events = vec![Event::Change(ChangeEvent::Told { change: Box::new(change) })];
    Act { key: format!("change-{name}"), events, ..Act::default() }
}

const HERE: Option<(&str, &str)> = Some(("reservation", "production"));

fn between(store: &Store, from: i64, until: i64, limit: u32) -> Changes {
    let of = ("reservation".parse().unwrap(), "production".parse().unwrap());
    store.read(move |reader| reader.changes_between((&of.0, &of.1), (at(from), at(until)), limit)).unwrap()
}

fn names(changes: &[Change]) -> Vec<String> {
    let name = |change: &Change| match &change.what {
        What::Told { title, .. } => title.clone(),
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    };
    changes.iter().map(name).collect()
}

fn those_of_a_time_are_found(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.now = at(50);
    world.commit(vec![adopted("hikeshi")]);
    world.commit(vec![told("before", 9, HERE), told("first", 10, HERE), told("staging", 20, Some(("reservation", "staging")))]);
    world.commit(vec![told("last", 100, HERE), told("after", 101, HERE), told("nowhere", 60, None)]);
    world.now = at(70);
    world.commit(vec![silenced(1, "grafana/slow")]);
    let found = between(&world.store, 10, 100, 10);
    assert_eq!(names(&found.here), ["last", "first"]);
    assert_eq!(names(&found.elsewhere), ["Silence", "nowhere", "Policy", "staging"]);
    assert_eq!((found.here_total, found.elsewhere_total), (2, 4));
    let found = between(&world.store, 0, 1_000, 1);
    assert_eq!((names(&found.here), names(&found.elsewhere)), (vec!["after".to_owned()], vec!["Silence".to_owned()]));
    assert_eq!((found.here_total, found.elsewhere_total), (4, 4), "the others are counted");
    let latest = world.store.read(|reader| reader.changes(2)).unwrap();
    assert_eq!(names(&latest), ["after", "last"]);
}

fn one_that_was_told_is_known(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), told("deploy", 10, HERE)]);
    world.commit(vec![Act { key: "change-again".to_owned(), ..told("deploy", 10, HERE) }, opened(1)]);
    let needs = Needs { changes: ["told/deploy", "told/other"].map(|key| key.parse().unwrap()).into(), ..Needs::default() };
    let facts = world.store.read(move |reader| {
        let mut facts = Facts::default();
        reader.load(&needs, at(0), &mut facts).map(|()| facts)
    });
    let facts = facts.unwrap();
    assert!(facts.change(&"told/deploy".parse().unwrap()).is_some());
    assert_eq!((facts.changes.len(), facts.change(&"told/other".parse().unwrap())), (2, None));
    assert_eq!(between(&world.store, 0, 100, 10).here_total, 1, "the same key is the same row");
}

fn a_rebuild_puts_them_right(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), told("deploy", 10, HERE), told("flag", 20, None)]);
    drop(world);
    for wrong in ["DELETE FROM changes WHERE at_ns > 0", "UPDATE changes SET place = 'x'"] {
        match scratch.location() {
            Location::Sqlite(path) => drop(rusqlite::Connection::open(path).unwrap().execute(wrong, []).unwrap()),
            Location::Postgres(url) => execute(url, wrong).unwrap(),
        }
        let store = Store::open(scratch.location()).unwrap();
        let found = store.rebuild().unwrap();
        assert_eq!(found.differences.len(), 3, "{found:?}");
        assert!(found.differences.iter().all(|one| one.table == "changes"));
        let as_deleted = wrong.starts_with("DELETE");
        assert!(found.differences.iter().all(|one| (one.is == Deviation::Missing) == as_deleted));
        assert!(store.read(|reader| reader.compare()).unwrap().agrees());
        assert_eq!(between(&store, 0, 100, 10).here_total, 1);
    }
}

on_both!(those_of_a_time_are_found, one_that_was_told_is_known, a_rebuild_puts_them_right);
