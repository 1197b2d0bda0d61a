//! Browsers that take pages lie with the policy; where they are reached lies beside the ledger, and is gone with them.

use hikeshi_domain::contact::{BrowserChange, ContactEvent, ContactStep, Subscription};
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::page::Means;

use super::world::{Act, World, acknowledged, adopted, at, opened, person};
use crate::testing::{Scratch, execute};
use crate::{Deviation, Location, Store, on_both};

fn subscription(number: u8) -> Subscription {
    Subscription { endpoint: format!("https://push.example.jp/{number}"), p256dh: "key".to_owned(), auth: "secret".to_owned() }
}

fn changed(number: u8, who: &str, key: &str, change: BrowserChange) -> Act {
    let step = ContactStep::Browser { browser: subscription(number).id(), change };
    let event = ContactEvent { person: person(who), means: Means::WebPush, number: 0, step };
    Act { key: format!("{key}-{number}-{who}"), events: vec![Event::Contact(event)], ..Act::default() }
}

fn added(number: u8, who: &str) -> Act {
    changed(number, who, "add", BrowserChange::Added { service: "https://push.example.jp".to_owned(), label: format!("端末{number}") })
}

fn removed(number: u8, who: &str) -> Act {
    changed(number, who, "remove", BrowserChange::Removed { label: format!("端末{number}"), gone: true })
}

fn known(store: &Store) -> Vec<(String, Vec<Digest>)> {
    let head = store.read(|reader| reader.head()).unwrap();
    let policy = head.workspace.policy.expect("a policy");
    policy.browsers.iter().map(|(person, known)| (person.to_string(), known.iter().map(|one| one.id).collect())).collect()
}

fn of(numbers: &[u8]) -> Vec<Digest> {
    numbers.iter().map(|number| subscription(*number).id()).collect()
}

fn what_is_subscribed_is_read_back_and_what_is_removed_is_gone(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi")]);
    for number in 1..=3 {
        assert!(world.store.keep_browser(&subscription(number), at(1)).unwrap());
    }
    world.commit(vec![added(1, "tanaka"), added(2, "tanaka"), added(3, "suzuki")]);
    assert_eq!(known(&world.store), [("suzuki".to_owned(), of(&[3])), ("tanaka".to_owned(), of(&[1, 2]))]);
    assert_eq!(world.store.find_browser(subscription(1).id()).unwrap(), Some(subscription(1)));
    // Whoever subscribes last has it.
    world.commit(vec![added(2, "suzuki")]);
    assert_eq!(known(&world.store), [("suzuki".to_owned(), of(&[3, 2])), ("tanaka".to_owned(), of(&[1]))]);
    assert!(world.store.find_browser(subscription(2).id()).unwrap().is_some(), "it stays reachable");
    world.commit(vec![removed(1, "tanaka"), opened(1)]);
    assert_eq!(world.store.find_browser(subscription(1).id()).unwrap(), None, "gone with the entry");
    world.commit(vec![acknowledged(1), adopted("renamed")]);
    assert_eq!(known(&world.store), [("suzuki".to_owned(), of(&[3, 2]))], "a new policy keeps them");
    drop(world);
    let store = Store::open(scratch.location()).unwrap();
    assert_eq!(known(&store), [("suzuki".to_owned(), of(&[3, 2]))]);
    assert!(store.read(|reader| reader.compare()).unwrap().agrees());
}

fn a_rebuild_finds_what_was_lost(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), added(1, "tanaka")]);
    drop(world);
    let wrong = "UPDATE workspace SET browsers = NULL";
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(wrong).unwrap(),
        Location::Postgres(url) => execute(url, wrong).unwrap(),
    }
    let store = Store::open(scratch.location()).unwrap();
    assert_eq!(known(&store), []);
    let found = store.rebuild().unwrap();
    let columns: Vec<(&str, &Deviation)> = found.differences.iter().map(|difference| (difference.table, &difference.is)).collect();
    assert_eq!(columns, [("workspace", &Deviation::Differs { column: "policy" })]);
    assert_eq!(known(&store), [("tanaka".to_owned(), of(&[1]))]);
}

on_both!(what_is_subscribed_is_read_back_and_what_is_removed_is_gone, a_rebuild_finds_what_was_lost);
