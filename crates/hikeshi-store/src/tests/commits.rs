//! One transaction per batch: what it writes is there together, or not at all.

use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{ChannelName, IncidentId};
use hikeshi_domain::ledger::{Frontier, leaf_hash};

use super::world::{World, acknowledged, adopted, at, key, opened, policy, resolved, silenced, writes};
use crate::on_both;
use crate::testing::Scratch;
use crate::{Lease, Span, Store, Writes};

const ALL: Span = Span { before: None, limit: 100 };

fn a_new_store_is_empty(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    let head = store.read(|reader| reader.head()).unwrap();
    assert_eq!((head.size, head.frontier, head.last_leaf.0), (0, Vec::new(), [0; 32]));
    assert_eq!(head.workspace, hikeshi_domain::facts::WorkspaceState::default());
    assert!(store.read(|reader| reader.entries(ALL)).unwrap().is_empty());
}

fn what_a_batch_wrote_is_read_back(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi"), opened(1), opened(2)]);
    world.now = at(60);
    let head = world.commit(vec![acknowledged(2)]);

    let (incidents, head_read, entries) =
        world.store.read(|reader| Ok((reader.incidents(false, ALL)?, reader.head()?, reader.entries(ALL)?))).unwrap();
    assert_eq!(head_read, head);
    assert_eq!(head.workspace.policy.as_deref(), Some(&policy("hikeshi")));
    assert_eq!(incidents.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), [2, 1]);
    assert!(incidents[0].acknowledged.is_some() && incidents[1].acknowledged.is_none());
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 2, 1, 0]);

    let mut frontier = Frontier::new();
    for entry in entries.iter().rev() {
        frontier.append(leaf_hash(&entry.bytes));
    }
    assert_eq!(frontier.roots(), head.frontier);
    assert_eq!(leaf_hash(&entries[0].bytes), head.last_leaf);
}

fn a_dropped_batch_leaves_nothing(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 1);
    let before = world.store.read(|reader| reader.head()).unwrap();
    let mut batch = world.writer.begin().unwrap();
    let unwritten = writes(&mut batch, vec![opened(2)], at(5)).unwrap();
    assert_eq!(unwritten.entries.len(), 1);
    drop(batch);
    assert_eq!(world.store.read(|reader| reader.head()).unwrap(), before);
    assert_eq!(world.commit(vec![opened(2)]).size, before.size + 1);
}

fn a_failed_commit_leaves_nothing_and_the_writer_usable(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 2);
    let before = world.store.read(|reader| Ok((reader.head()?, reader.incidents(false, ALL)?, reader.next_due()?))).unwrap();
    // The key is taken: the row of the entry is refused after others were written.
    let mut twice = acknowledged(1);
    twice.key = "open-incident-1".to_owned();
    let error = world.try_commit(vec![opened(3), twice]).unwrap_err();
    assert!(!error.passing, "{error}");
    let after = world.store.read(|reader| Ok((reader.head()?, reader.incidents(false, ALL)?, reader.next_due()?))).unwrap();
    assert_eq!(after, before);
    assert_eq!(world.commit(vec![opened(3)]).size, 4);
}

fn an_entry_out_of_order_is_refused(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 1);
    let mut batch = world.writer.begin().unwrap();
    let mut wrong = writes(&mut batch, vec![opened(2)], at(5)).unwrap();
    wrong.entries[0].seq += 1;
    assert!(!batch.commit(wrong).unwrap_err().passing);
    assert_eq!(world.commit(vec![opened(2)]).size, 3);
}

fn a_request_key_is_found_again(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 3);
    let mut batch = world.writer.begin().unwrap();
    let seen = batch.seen(&[key("open-incident-2"), key("never-asked-for"), key("open-incident-3")]).unwrap();
    let found: Vec<(&str, u64)> = seen.iter().map(|(key, entry)| (key.as_str(), entry.seq)).collect();
    assert_eq!(found, [("open-incident-2", 2), ("open-incident-3", 3)]);
}

fn loading_says_what_is_not_there_and_keeps_what_is_newer(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 1);
    let mut batch = world.writer.begin().unwrap();
    let mut facts = Facts::default();
    let mut needs = Needs { overdue: true, ..Needs::default() };
    needs.incidents.extend([IncidentId(1), IncidentId(9)]);
    needs.presence.insert(hikeshi_domain::ids::EmergencyId(4));
    batch.load(&needs, at(0), &mut facts).unwrap();
    assert_eq!(facts.incidents.get(&IncidentId(9)), Some(&None));
    assert_eq!(facts.overdue.as_ref().map(|ids| ids.len()), Some(0));
    assert!(needs.missing(&facts).is_empty(), "everything asked for counts as loaded");

    let mut newer = facts.incident(IncidentId(1)).unwrap().clone();
    newer.title = "changed in this batch".to_owned();
    facts.incidents.insert(IncidentId(1), Some(newer.clone()));
    batch.load(&needs, at(0), &mut facts).unwrap();
    assert_eq!(facts.incident(IncidentId(1)), Some(&newer));
}

fn lists_are_ordered_as_they_say(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 5);
    world.commit(vec![resolved(3)]);
    let (burning, total) = world.store.read(|reader| reader.burning(3)).unwrap();
    // P1 is odd, opened in order; 3 is resolved.
    assert_eq!(burning.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), [1, 5, 2]);
    assert_eq!(total, 4);
    let open = world.store.read(|reader| reader.incidents(true, Span { before: Some(5), limit: 2 })).unwrap();
    assert_eq!(open.iter().map(|incident| incident.id.0).collect::<Vec<_>>(), [4, 2]);
    let case = world.store.read(|reader| reader.entries_of_case(IncidentId(3), ALL)).unwrap();
    assert_eq!(case.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [6, 3]);
}

fn a_page_of_posts_never_splits_an_entry(scratch: &Scratch) {
    let mut world = World::open(scratch);
    world.commit(vec![adopted("hikeshi")]);
    for number in 1..=3 {
        let mut act = opened(number);
        act.events.push(super::world::posted("incidents", "二つ目"));
        world.commit(vec![act]);
    }
    let channel: ChannelName = "incidents".parse().unwrap();
    let newest = world.store.read(|reader| reader.posts(&channel, Span { before: None, limit: 3 })).unwrap();
    let places: Vec<(u64, u32)> = newest.iter().map(|post| (post.seq, post.part)).collect();
    assert_eq!(places, [(3, 1), (3, 0), (2, 1), (2, 0)]);
    let rest = world.store.read(|reader| reader.posts(&channel, Span { before: Some(2), limit: 3 })).unwrap();
    assert_eq!(rest.iter().map(|post| post.seq).collect::<Vec<_>>(), [1, 1]);
}

fn a_new_policy_moves_the_deadlines_of_what_is_open(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 2);
    let before = world.store.read(|reader| reader.next_due()).unwrap().expect("an open incident has a deadline");
    let mut other = policy("other");
    for step in &mut other.incident.escalation {
        step.after_min = 7;
    }
    let digest = hikeshi_domain::ids::Digest::of(b"other");
    let event = hikeshi_domain::event::Event::PolicyAdopted { digest, policy: Box::new(other) };
    world.commit(vec![super::world::Act { key: "adopt-other".to_owned(), events: vec![event], ..Default::default() }]);
    let after = world.store.read(|reader| reader.next_due()).unwrap().unwrap();
    assert_eq!(after, at(420));
    assert_ne!(after, before);
    let due = world.store.read(|reader| reader.due(at(420), at(0), at(0), 10)).unwrap();
    assert_eq!(due.len(), 2, "{due:?}");
}

fn an_alert_lapses_only_when_its_sender_had_its_whole_time(scratch: &Scratch) {
    let world = World::with_incidents(scratch, 1);
    let alert: hikeshi_domain::alert::AlertRef = "prometheus/a".parse().unwrap();
    let mut writer = world.store.writer().unwrap();
    let lease = |heard, until| Lease { alert: alert.clone(), heard_at: at(heard), until: at(until) };
    let batch = writer.begin().unwrap();
    batch.commit(Writes { leased: vec![lease(0, 240), lease(60, 300)], ..Writes::default() }).unwrap();
    let due = |now, listening| {
        let due = world.store.read(|reader| reader.due(at(now), at(0), at(listening), 100)).unwrap();
        due.into_iter()
            .filter(|(wake, _)| matches!(wake, hikeshi_domain::timer::Wake::AlertLapses { .. }))
            .map(|(_, at)| at)
            .collect::<Vec<_>>()
    };
    assert_eq!(due(299, 0), [], "the later promise holds");
    assert_eq!(due(300, 0), [at(300)]);
    assert_eq!(due(400, 200), [], "we were away; its sender had 200 s of its 240");
    assert_eq!(due(440, 200), [at(300)]);
}

fn what_waits_for_a_silence_is_found_by_it(scratch: &Scratch) {
    let mut world = World::with_incidents(scratch, 1);
    world.commit(vec![silenced(1, "prometheus/a"), silenced(2, "prometheus/b")]);
    let held = |world: &World, number| {
        let id = hikeshi_domain::ids::SilenceId(number);
        let needs = Needs { silenced: [id].into(), ..Needs::default() };
        let mut facts = Facts::default();
        world.store.read(|reader| reader.load(&needs, at(0), &mut facts)).unwrap();
        let held = facts.silenced.remove(&id).expect("looked for");
        assert!(held.iter().all(|alert| facts.alert(alert).is_some()), "each is there itself");
        held.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!((held(&world, 1), held(&world, 2)), (vec!["prometheus/a".to_owned()], vec!["prometheus/b".to_owned()]));
    assert_eq!(held(&world, 3), Vec::<String>::new());
    assert_eq!(world.store.read(|reader| reader.alerts_held(10)).unwrap().1, 2);
    assert_eq!(world.store.read(|reader| reader.alerts_firing(1)).unwrap().1, 2);
    let silences = world.store.read(|reader| reader.head()).unwrap().workspace.silences;
    assert_eq!(silences.len(), 2);
    drop(world);
    let again = Store::open(scratch.location()).unwrap();
    assert_eq!(again.read(|reader| reader.head()).unwrap().workspace.silences, silences, "whoever opens it next reads the same");
}

fn a_heartbeat_is_heard_and_read_by_the_clock_of_the_database(scratch: &Scratch) {
    let world = World::open(scratch);
    let job: hikeshi_domain::ids::MonitorName = "nightly".parse().unwrap();
    assert_eq!(world.store.since_beat(&job).unwrap(), (None, None), "never");
    world.store.expect(std::slice::from_ref(&job)).unwrap();
    let expected = world.store.since_beat(&job).unwrap().1.expect("expected from now on");
    std::thread::sleep(std::time::Duration::from_millis(5));
    world.store.expect(std::slice::from_ref(&job)).unwrap();
    assert!(world.store.since_beat(&job).unwrap().1.is_some_and(|since| since > expected), "and not anew");
    world.store.beat(&job).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
    let first = world.store.since_beat(&job).unwrap().0.expect("heard");
    assert!((0.06..30.0).contains(&first.as_secs_f64()), "{first:?}");
    world.store.beat(&job).unwrap();
    assert!(world.store.since_beat(&job).unwrap().0.expect("heard again") < first);
    drop(world);
    let store = Store::open(scratch.location()).unwrap();
    assert!(matches!(store.since_beat(&job).unwrap(), (Some(_), Some(_))), "whoever opens it next knows");
    store.expect(&[]).unwrap();
    assert_eq!(store.since_beat(&job).unwrap().1, None, "what is not expected any more begins anew when it comes back");
}

on_both!(
    a_heartbeat_is_heard_and_read_by_the_clock_of_the_database,
    what_waits_for_a_silence_is_found_by_it,
    an_alert_lapses_only_when_its_sender_had_its_whole_time,
    a_new_store_is_empty,
    what_a_batch_wrote_is_read_back,
    a_dropped_batch_leaves_nothing,
    a_failed_commit_leaves_nothing_and_the_writer_usable,
    an_entry_out_of_order_is_refused,
    a_request_key_is_found_again,
    loading_says_what_is_not_there_and_keeps_what_is_newer,
    lists_are_ordered_as_they_say,
    a_page_of_posts_never_splits_an_entry,
    a_new_policy_moves_the_deadlines_of_what_is_open,
);
