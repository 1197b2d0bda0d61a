//! Monitors: a threshold in a row opens one incident, also across a restart; what is not measured is unknown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use hikeshi_domain::command::Command;
use hikeshi_domain::effect::Doing;
use hikeshi_domain::ids::{IncidentId, MonitorName};
use hikeshi_domain::incident;
use hikeshi_domain::monitor::{Measured, Measuring, Verdict};
use hikeshi_domain::policy::{Heartbeat, Policy};
use hikeshi_engine::Probe;
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(
    a_monitor_tells_changes_only,
    what_cannot_be_measured_is_never_green_and_opens_an_incident_of_its_own,
    two_nodes_measure_once,
    a_reload_starts_and_ends_monitors,
    a_heartbeat_that_stops_opens_an_incident_and_its_return_is_recorded,
    a_heartbeat_that_never_came_is_missed_also_across_a_restart,
);

#[derive(Default)]
struct Place {
    broken: AtomicBool,
    /// Nobody can tell.
    hidden: AtomicBool,
    asked: AtomicU32,
}

impl Probe for Place {
    fn measure<'a>(&'a self, measuring: &'a Measuring) -> Doing<'a, Measured> {
        assert_eq!(measuring.monitor.url.as_deref(), Some("http://127.0.0.1:1/"), "{measuring:?}");
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (broken, hidden) = (self.broken.load(Ordering::Relaxed), self.hidden.load(Ordering::Relaxed));
        Box::pin(async move {
            match (hidden, broken) {
                (true, _) => Measured::unmeasured("no such file, token hunter2-correct-horse"),
                (false, true) => Measured::failed("HTTP 500"),
                (false, false) => Measured::passed("HTTP 200").with(12.0),
            }
        })
    }
}

fn watching() -> Policy {
    let text = include_str!("../../../hikeshi-domain/src/testing_policy.json");
    let mut policy: Policy = serde_json::from_str(text).expect("the test policy parses");
    for monitor in policy.monitors.values_mut() {
        monitor.interval_s = FASTEST_S;
    }
    policy
}

const FASTEST_S: f64 = 0.1;

fn placed(town: &mut Town) -> Arc<Place> {
    let place = Arc::new(Place::default());
    town.probe = Some(Arc::clone(&place) as Arc<_>);
    place
}

fn a_monitor_tells_changes_only(scratch: &Scratch) {
    town(scratch, async |mut town| {
        let place = placed(&mut town);
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, watching()).await;
        let viewer = who("kansa");
        let row = async |door: &hikeshi_engine::door::Door| door.look(&viewer).now().await.expect("seen").monitors.remove(0);
        let first = row(&door).await.healthy;
        assert!(first.is_none() || place.asked.load(Ordering::Relaxed) > 0, "not measured yet, so not green");
        town.until("it is measured", |_| place.asked.load(Ordering::Relaxed) >= 2).await;
        assert_eq!(row(&door).await.healthy, Some(true));
        assert_eq!(town.count("monitor.fire"), 0);
        place.broken.store(true, Ordering::Relaxed);
        town.until("it fires", |town| town.count("monitor.fire") == 1).await;
        let seen = row(&door).await;
        assert_eq!((seen.healthy, seen.incident), (Some(false), Some(IncidentId(1))));
        engine.stop().await;

        let asked = place.asked.load(Ordering::Relaxed);
        let engine = town.start("one").await;
        assert_eq!(row(&engine.door()).await.healthy, Some(false), "what was red stays red until it is measured");
        town.until("the threshold is reached again", |_| place.asked.load(Ordering::Relaxed) >= asked + 4).await;
        assert_eq!(town.count("monitor.fire"), 1, "the same failure is not told twice");
        place.broken.store(false, Ordering::Relaxed);
        town.until("it recovers", |town| town.count("monitor.recover") == 1).await;
        assert_eq!(row(&engine.door()).await.healthy, Some(true));
        assert_eq!(town.count("incident.open"), 0, "the incident came with the fire");
        let (engine_door, into) = (engine.door(), open_incident(&engine.door(), "tanaka").await);
        let merge = incident::Command::Merge { incident: IncidentId(1), into, reason: "同じ".to_owned() };
        done(&engine_door, "tanaka", Command::Incident(merge)).await;
        assert_eq!(row(&engine_door).await.incident, Some(into), "where it is worked on now");
        engine.stop().await;
    });
}

fn what_cannot_be_measured_is_never_green_and_opens_an_incident_of_its_own(scratch: &Scratch) {
    town(scratch, async |mut town| {
        let place = placed(&mut town);
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, watching()).await;
        let viewer = who("kansa");
        let row = async || door.look(&viewer).monitors().await.expect("seen").monitors.remove(0);
        town.until("it is measured", |_| place.asked.load(Ordering::Relaxed) >= 2).await;
        assert_eq!(row().await.row.healthy, Some(true));
        place.hidden.store(true, Ordering::Relaxed);
        town.until("it is told", |town| town.count("monitor.fire") == 1).await;
        let seen = row().await;
        assert_eq!((seen.row.healthy, seen.row.incident), (None, Some(IncidentId(1))), "neither good nor bad");
        assert_eq!(seen.row.unmeasured.as_deref(), Some("no such file, token [masked]"));
        assert_eq!(seen.seen.as_deref(), Some("no such file, token [masked]"));
        let title = town.incident(IncidentId(1)).title;
        assert!(title.ends_with("cannot be measured: no such file, token [masked]"), "{title}");
        let (first, last) = (seen.points.first().expect("a look"), seen.points.last().expect("a look"));
        assert_eq!((first.verdict, first.value), (Verdict::Passed, Some(12.0)));
        assert_eq!((last.verdict, last.value), (Verdict::Unmeasured, None));

        place.hidden.store(false, Ordering::Relaxed);
        place.broken.store(true, Ordering::Relaxed);
        town.until("that it fails is other news", |town| town.count("monitor.fire") == 2).await;
        let seen = row().await;
        assert_eq!(
            (seen.row.healthy, seen.row.unmeasured.clone(), seen.row.incident),
            (Some(false), None, Some(IncidentId(1))),
            "{seen:?}"
        );
        place.hidden.store(true, Ordering::Relaxed);
        town.until("and so is that nobody can tell any more", |town| town.count("monitor.fire") == 3).await;
        place.hidden.store(false, Ordering::Relaxed);
        place.broken.store(false, Ordering::Relaxed);
        town.until("it recovers", |town| town.count("monitor.recover") == 1).await;
        assert_eq!(row().await.row.healthy, Some(true));
        engine.stop().await;
    });
}

fn two_nodes_measure_once(scratch: &Scratch) {
    town(scratch, async |mut town| {
        let (first, engine) = (placed(&mut town), town.start("one").await);
        adopt(&engine.door(), watching()).await;
        town.until("the first measures", |_| first.asked.load(Ordering::Relaxed) >= 1).await;
        let (second, other) = (placed(&mut town), town.start("two").await);
        town.until("the first goes on", |_| first.asked.load(Ordering::Relaxed) >= 4).await;
        assert_eq!(second.asked.load(Ordering::Relaxed), 0, "one node has the duty");
        let seen = other.door().look(&who("kansa")).now().await.expect("seen").monitors.remove(0);
        assert_eq!(seen.healthy, None, "the other does not know, and does not say green");
        engine.stop().await;
        other.stop().await;
    });
}

fn a_reload_starts_and_ends_monitors(scratch: &Scratch) {
    town(scratch, async |mut town| {
        let place = placed(&mut town);
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, Policy { monitors: BTreeMap::new(), ..watching() }).await;
        adopt(&door, watching()).await;
        town.until("it is measured", |_| place.asked.load(Ordering::Relaxed) >= 1).await;
        adopt(&door, Policy { monitors: BTreeMap::new(), ..watching() }).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let asked = place.asked.load(Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(place.asked.load(Ordering::Relaxed), asked, "it is gone from the policy");
        engine.stop().await;
    });
}

/// A job that is due every second, and may not be late.
fn expecting() -> Policy {
    let mut policy = watching();
    for monitor in policy.monitors.values_mut() {
        monitor.url = None;
        monitor.heartbeat = Some(Heartbeat { every_s: 1, grace_s: 0, token_env: "JOB_TOKEN".to_owned() });
        monitor.failures = 1;
        monitor.recoveries = 1;
    }
    policy
}

fn a_heartbeat_that_stops_opens_an_incident_and_its_return_is_recorded(scratch: &Scratch) {
    town(scratch, async |mut town| {
        let place = placed(&mut town);
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, expecting()).await;
        let name: MonitorName = "reservation-http".parse().expect("a name");
        let viewer = who("kansa");
        let healthy = async || door.look(&viewer).now().await.expect("seen").monitors.remove(0).healthy;
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert_eq!((healthy().await, town.count("monitor.fire")), (None, 0), "whoever was never heard is neither well nor missed");
        door.beat(name.clone()).await.expect("heard");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!((healthy().await, town.count("monitor.fire")), (Some(true), 0));
        let size = door.look(&viewer).ledger(None, 1).await.expect("seen").size;
        door.beat(name.clone()).await.expect("heard");
        assert_eq!(door.look(&viewer).ledger(None, 1).await.expect("seen").size, size, "that it beats is no news");
        town.until("it is missed", |town| town.count("monitor.fire") == 1).await;
        assert_eq!(healthy().await, Some(false));
        assert!(town.incident(IncidentId(1)).title.contains("no heartbeat for"), "{}", town.incident(IncidentId(1)).title);
        door.beat(name).await.expect("heard");
        town.until("it is back", |town| town.count("monitor.recover") == 1).await;
        assert_eq!(place.asked.load(Ordering::Relaxed), 0, "nobody is asked");
        engine.stop().await;
    });
}

fn a_heartbeat_that_never_came_is_missed_also_across_a_restart(scratch: &Scratch) {
    town(scratch, async |mut town| {
        placed(&mut town);
        let mut policy = expecting();
        for heartbeat in policy.monitors.values_mut().filter_map(|monitor| monitor.heartbeat.as_mut()) {
            heartbeat.every_s = 3;
        }
        let engine = town.start("one").await;
        adopt(&engine.door(), policy).await;
        tokio::time::sleep(std::time::Duration::from_millis(2_000)).await;
        assert_eq!(town.count("monitor.fire"), 0, "a fresh policy calls nobody");
        engine.stop().await;
        let began = std::time::Instant::now();
        let engine = town.start("one").await;
        town.until("it is missed", |town| town.count("monitor.fire") == 1).await;
        assert!(began.elapsed() < std::time::Duration::from_millis(3_500), "since it was expected, not since the restart");
        let title = town.incident(IncidentId(1)).title;
        assert!(title.contains("never heard"), "{title}");
        engine.stop().await;
    });
}
