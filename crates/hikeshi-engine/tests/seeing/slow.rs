//! The pages of a workspace with a long history: 100,000 incidents, of which 200 still burn. Without optimisation writing and checking
//! such a history takes minutes, so there it is 30,000.

#![expect(clippy::print_stdout, clippy::cast_possible_truncation, reason = "the figures are for who runs it by hand")]

use std::time::{Duration, Instant};

use hikeshi_domain::apply::apply;
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::{IncidentId, RequestKey};
use hikeshi_domain::ledger::{Entry, EntryResult};
use hikeshi_domain::timer;
use hikeshi_engine::look::LookError;
use hikeshi_store::testing::Scratch;
use hikeshi_store::{NewEntry, PostRecord, Store, Writes};

use crate::kit::*;

hikeshi_store::on_both!(the_pages_stay_fast_with_a_long_history);

const INCIDENTS: u64 = if cfg!(debug_assertions) { 30_000 } else { 100_000 };
const BURNING_EVERY: u64 = 500;
const PER_COMMIT: u64 = 5_000;
/// The goal is 50 ms; without optimisation the program itself takes several times longer than the store.
const P99_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 50 });

/// Writes the history as the door would have, from the entry of the first incident.
fn write_history(store: &Store, first: &Entry) {
    let EntryResult::Done { events, .. } = &first.result else { panic!("the first incident opened") };
    let template = serde_json::to_string(events).expect("events");
    let mut writer = store.writer().expect("a writer");
    for from in (2..=INCIDENTS).step_by(PER_COMMIT as usize) {
        let batch = writer.begin().expect("a batch");
        let head = batch.head().clone();
        let (mut seq, mut prev) = (head.size, head.last_leaf);
        let mut facts = Facts { workspace: head.workspace.clone(), ..Facts::default() };
        let mut writes = Writes::default();
        for id in from..(from + PER_COMMIT).min(INCIDENTS + 1) {
            let incident = IncidentId(id);
            let mut events: Vec<Event> = serde_json::from_str(&template.replace("\"inc_1\"", &format!("\"{incident}\""))).expect("events");
            if id % BURNING_EVERY != 0 {
                events.push(Event::IncidentResolved { incident, by: first.actor.clone(), what: "直した".to_owned() });
            }
            for event in &events {
                apply(&mut facts, event, &first.actor, first.at);
            }
            let posts = events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(post.clone()) } else { None });
            for (part, post) in (0..).zip(posts) {
                writes.posts.push(PostRecord { seq, part, at: first.at, actor: first.actor.clone(), post });
            }
            let key = RequestKey::new(format!("history-{id}")).expect("a key");
            let result = EntryResult::Done { events, effects: Vec::new(), settles: None, made: Some(incident.to_string()) };
            let entry = Entry { seq, prev, key, case: Some(incident), result, ..first.clone() };
            let entry = NewEntry::new(&entry).expect("bytes");
            prev = entry.leaf();
            seq += 1;
            writes.entries.push(entry);
        }
        let policy = facts.workspace.policy.clone().expect("a policy");
        writes.timers = facts.incidents.values().flatten().flat_map(|incident| timer::of_incident(incident, &policy)).collect();
        writes.timers.extend(timer::of_workspace(&facts.workspace));
        writes.facts = facts;
        batch.commit(writes).expect("committed");
    }
}

async fn p99(what: &str, look: impl AsyncFn() -> Result<(), LookError>) -> Duration {
    let mut took = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        look().await.expect("seen");
        took.push(begin.elapsed());
    }
    took.sort();
    println!("{what}: p50 {:?}, p99 {:?}", took[100], took[197]);
    took[197]
}

fn the_pages_stay_fast_with_a_long_history(scratch: &Scratch) {
    town_within(Duration::from_secs(280), scratch, async |mut town| {
        town.background = false;
        let engine = town.open().await;
        open_incident(&engine.door(), "tanaka").await;
        let first = town.entries().pop().expect("an entry");
        let store = town.store.clone();
        tokio::task::spawn_blocking(move || write_history(&store, &first)).await.expect("written");
        let door = engine.door();
        let viewer = who("tanaka");
        let look = || door.look(&viewer);
        let channel = "incidents".parse().expect("a name");
        let now = look().now().await.expect("seen");
        assert_eq!((now.burning_total, now.burning.len()), (INCIDENTS / BURNING_EVERY + 1, 50));
        let measured = [
            p99("now", async || look().now().await.map(drop)).await,
            p99("incidents", async || look().incidents(false, Some(INCIDENTS / 2), 50).await.map(drop)).await,
            p99("open incidents", async || look().incidents(true, None, 50).await.map(drop)).await,
            p99("incident", async || look().incident(IncidentId(INCIDENTS - 500)).await.map(drop)).await,
            p99("timeline", async || look().timeline(IncidentId(INCIDENTS - 777), None, 50).await.map(drop)).await,
            p99("ledger", async || look().ledger(Some(INCIDENTS / 2), 50).await.map(drop)).await,
            p99("channel", async || look().channel(&channel, None, 50).await.map(drop)).await,
        ];
        assert!(measured.iter().all(|p99| *p99 < P99_MAX), "{measured:?}");
        engine.stop().await;
    });
}
