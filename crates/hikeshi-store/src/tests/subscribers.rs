//! Who reads the status page by mail, and whom a post has reached.

use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::policy::Language;

use super::world::{Act, World, at, resolved};
use crate::testing::Scratch;
use crate::{Asked, Asking, Store, on_both};

fn asking(id: u64, address: &str) -> Asking {
    let (secret, leave) = (format!("secret-{id}"), format!("leave-{id}"));
    Asking { id, address: address.to_owned(), language: Language::Ja, secret, leave }
}

fn listed(store: &Store) -> Vec<u64> {
    let mut listed: Vec<u64> = store.read(|reader| reader.listed_subscribers()).unwrap().iter().map(|one| one.id).collect();
    listed.sort_unstable();
    listed
}

fn waiting(store: &Store, second: i64) -> Vec<(u64, String)> {
    store.unasked(at(second), 100).unwrap().into_iter().map(|(one, secret)| (one.id, secret)).collect()
}

fn a_yes_works_once_and_in_time(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    assert!(store.ask(&asking(1, "a@example.test"), at(100)).unwrap());
    assert_eq!(waiting(&store, 100), [(1, "secret-1".to_owned())]);
    store.asked(1, "secret-1", Asked::Out).unwrap();
    assert!(waiting(&store, 10_000).is_empty(), "its secret is forgotten");
    assert!(!store.confirm(1, "secret-2", at(200)).unwrap());
    assert!(listed(&store).is_empty(), "nobody is told who has not said yes");
    assert!(store.confirm(1, "secret-1", at(200)).unwrap());
    assert!(!store.confirm(1, "secret-1", at(201)).unwrap());
    assert_eq!((listed(&store), store.read(|reader| reader.subscribers()).unwrap()), (vec![1], 1));
    // Whoever has said yes is not asked again.
    assert!(store.ask(&asking(9, "a@example.test"), at(50_000)).unwrap());
    assert!(waiting(&store, 50_000).is_empty());
    // A day is the longest that anybody may take.
    assert!(store.ask(&asking(2, "b@example.test"), at(50_000)).unwrap());
    assert!(!store.confirm(2, "secret-2", at(50_000 + 24 * 3_600)).unwrap());
    assert!(!store.leave(1, "leave-2").unwrap());
    assert!(store.leave(1, "leave-1").unwrap() && !store.leave(1, "leave-1").unwrap());
    assert!(listed(&store).is_empty());
}

fn one_address_is_not_asked_all_the_time(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    assert!(store.ask(&asking(1, "a@example.test"), at(0)).unwrap());
    store.asked(1, "secret-1", Asked::Out).unwrap();
    assert!(store.ask(&asking(2, "a@example.test"), at(599)).unwrap());
    assert!(waiting(&store, 599).is_empty(), "ten minutes are not over");
    assert!(store.ask(&asking(2, "a@example.test"), at(601)).unwrap());
    assert_eq!(waiting(&store, 601), [(1, "secret-2".to_owned())], "a new secret for the same row");
    // Trouble that is not theirs costs them nothing; a mail server that refuses them again and again does not want them.
    for round in 0..20 {
        assert_eq!(waiting(&store, 1_000 + round).len(), 1);
        store.asked(1, "secret-2", Asked::NotYet { again_at: at(1_001 + round) }).unwrap();
    }
    for round in 0..5 {
        assert_eq!(waiting(&store, 1_100 + round).len(), 1);
        store.asked(1, "secret-2", Asked::Refused { again_at: at(1_101 + round) }).unwrap();
    }
    assert!(waiting(&store, 9_000).is_empty());
}

fn a_mailbox_is_asked_three_times_a_day_however_it_is_written(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    let mut id = 0;
    let mut mailed = |address: &str, second: i64| {
        id += 1;
        assert!(store.ask(&asking(id, address), at(second)).unwrap(), "who asks never learns whether a mail went out");
        let waiting = store.unasked(at(second), 100).unwrap();
        for (one, secret) in &waiting {
            store.asked(one.id, secret, Asked::Out).unwrap();
        }
        waiting.into_iter().map(|(one, _)| one.address).collect::<Vec<_>>()
    };
    assert_eq!(mailed("taro@x.test", 0), ["taro@x.test"]);
    for other in ["Taro@x.test", "taro+1@x.test", "TARO+a+b@x.test"] {
        assert_eq!(mailed(other, 100), [""; 0], "{other} is the same mailbox");
    }
    assert_eq!(
        (mailed("jiro@x.test", 100), mailed("+taro@x.test", 100)),
        (vec!["jiro@x.test".to_owned()], vec!["+taro@x.test".to_owned()])
    );
    assert_eq!(mailed("taro+1@x.test", 700), ["taro+1@x.test"]);
    assert_eq!(mailed("taro@x.test", 1_400).len(), 1);
    for second in [2_100, 40_000, 86_399] {
        assert_eq!(mailed("taro@x.test", second), [""; 0], "three in a day are enough");
    }
    assert_eq!(mailed("taro@x.test", 86_402).len(), 1, "the day begins with the first, and asking again does not move it");
}

fn those_who_never_said_yes_are_forgotten_by_themselves(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    assert!(store.ask(&asking(1, "a@example.test"), at(0)).unwrap() && store.ask(&asking(2, "b@example.test"), at(0)).unwrap());
    assert!(store.confirm(1, "secret-1", at(10)).unwrap());
    store.forget_unanswered(at(24 * 3_600 - 1)).unwrap();
    assert_eq!(waiting(&store, 100).len(), 1);
    store.forget_unanswered(at(24 * 3_600 + 1)).unwrap();
    assert_eq!((waiting(&store, 100).len(), listed(&store)), (0, vec![1]));
}

fn too_many_at_once_are_told_to_wait(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    let ask = |id: u64, second: i64| store.ask(&asking(id, &format!("{id}@example.test")), at(second)).unwrap();
    assert_eq!((0..40).filter(|id| ask(*id, 1_000)).count(), 30);
    assert!(!ask(100, 1_059) && ask(100, 1_061));
    // Those who never answered are forgotten.
    assert!(ask(101, 1_000 + 25 * 3_600));
    assert_eq!(waiting(&store, 1_000_000).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [101]);
}

fn each_is_told_of_a_post_once(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    for id in 1..=4 {
        assert!(store.ask(&asking(id, &format!("{id}@example.test")), at(100)).unwrap());
    }
    for (id, second) in [(1, 110), (2, 120), (3, 300)] {
        assert!(store.confirm(id, &format!("secret-{id}"), at(second)).unwrap());
    }
    let post = EffectKey("status/inc_1/1".to_owned());
    let untold = |after| store.untold(&post, at(200), after, 10).unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(untold(0), [1, 2], "neither who came later, nor who never said yes");
    assert_eq!(untold(1), [2]);
    store.tell(&post, "mail/1", true, at(201)).unwrap();
    store.tell(&post, "mail/1", true, at(202)).unwrap();
    assert_eq!(untold(0), [2]);
    store.tell(&post, "webhook/partner", false, at(203)).unwrap();
    assert!(store.is_told(&post, "webhook/partner").unwrap() && !store.is_told(&post, "webhook/other").unwrap());
    assert_eq!((store.told(&post, at(204)).unwrap(), store.mailed(&post).unwrap()), ((1, 1), 1));
    store.tell(&post, "webhook/other", true, at(204)).unwrap();
    assert_eq!((store.told(&post, at(204)).unwrap(), store.mailed(&post).unwrap()), ((2, 1), 1));
    assert_eq!(store.told(&EffectKey("status/inc_1/2".to_owned()), at(204)).unwrap(), (0, 0));
    assert_eq!(store.told(&post, at(204 + 8 * 24 * 3_600)).unwrap(), (0, 0), "not kept for ever");
}

fn published(number: u64, state: &str) -> Act {
    let published = serde_json::json!({
        "event": "status", "incident": format!("inc_{number}"), "status": "published",
        "post": { "number": 1, "at": at(i64::try_from(number).unwrap()), "state": state, "text": { "ja": "調べています" } },
    });
    Act { key: format!("publish-{number}"), case: Some(number), events: vec![serde_json::from_value(published).unwrap()], ..Act::default() }
}

fn what_is_open_is_never_left_off_the_page(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 3);
    world.commit(vec![published(1, "investigating")]);
    for number in [2, 3] {
        world.commit(vec![published(number, "resolved"), resolved(number)]);
    }
    let shown = |limit| {
        let found = world.store.read(|reader| reader.public_incidents(at(0), limit)).unwrap();
        found.into_iter().map(|incident| incident.id.0).collect::<Vec<_>>()
    };
    assert_eq!((shown(10), shown(1)), (vec![1, 3, 2], vec![1]), "however many are newer");
}

on_both!(
    a_yes_works_once_and_in_time,
    one_address_is_not_asked_all_the_time,
    a_mailbox_is_asked_three_times_a_day_however_it_is_written,
    those_who_never_said_yes_are_forgotten_by_themselves,
    what_is_open_is_never_left_off_the_page,
    too_many_at_once_are_told_to_wait,
    each_is_told_of_a_post_once
);
