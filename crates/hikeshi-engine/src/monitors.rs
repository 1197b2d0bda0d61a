//! Runs the monitors of the policy: measures, or listens for heartbeats, counts in a row, and tells the door when one changes. What a change means is decided there.
//!
//! With several nodes only the holder of the `probes` duty measures. What was not measured lately is unknown, never green.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{MonitorName, RequestKey};
use hikeshi_domain::monitor::{self, MonitorState};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{Monitor, Policy};
use tokio::task::JoinSet;

use crate::door::{Answer, Door, inside_key};
use crate::figures::count;
use crate::probe::{Probe, Probing};

const DUTY: &str = "probes";
/// How often the policy and the duty are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const SEEN_CHARS_MAX: usize = 300;

/// What this node measured last. Kept in memory only: after a restart nothing is known until it is measured again.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    last: Mutex<BTreeMap<MonitorName, Report>>,
}

#[derive(Debug, Clone, Copy)]
struct Report {
    healthy: bool,
    since: Timestamp,
    measured: Instant,
    /// After this long it says nothing about now.
    valid: Duration,
}

impl Reports {
    /// `None`: not measured lately by this node.
    pub(crate) fn of(&self, monitor: &MonitorName) -> Option<(bool, Timestamp)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(monitor).filter(|report| report.measured.elapsed() <= report.valid).map(|report| (report.healthy, report.since))
    }

    fn note(&self, monitor: &MonitorName, healthy: bool, at: Timestamp, valid: Duration) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last.get(monitor).filter(|report| report.healthy == healthy).map_or(at, |report| report.since);
        last.insert(monitor.clone(), Report { healthy, since, measured: Instant::now(), valid });
    }

    fn keep_only(&self, monitors: &BTreeMap<MonitorName, Monitor>) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| monitors.contains_key(name));
    }
}

pub(crate) struct Monitors {
    pub(crate) door: Door,
    pub(crate) probe: Arc<dyn Probe>,
    pub(crate) node: String,
    pub(crate) lease_s: u32,
}

impl Monitors {
    pub(crate) async fn run(self) {
        let holding = Arc::new(AtomicBool::new(false));
        let mut running: BTreeMap<MonitorName, Monitor> = BTreeMap::new();
        let mut watches = JoinSet::new();
        loop {
            let policy = self.policy().await;
            let wanted = policy.map_or_else(|| running.clone(), |policy| policy.monitors.clone());
            if wanted != running {
                // A reload starts every monitor's count anew; only those that changed would be finer, and not worth the state.
                watches = JoinSet::new();
                self.door.inside.reports.keep_only(&wanted);
                for (name, monitor) in &wanted {
                    watches.spawn(self.watch(name, monitor, &holding).run());
                }
                running = wanted;
            }
            holding.store(!running.is_empty() && self.holds().await, Ordering::Relaxed);
            tokio::select! {
                () = self.door.inside.stopped() => return,
                () = self.door.inside.policy_changed.notified() => {}
                Some(ended) = watches.join_next(), if !watches.is_empty() => {
                    tracing::error!(?ended, "a monitor broke; all are started again");
                    running.clear();
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn watch(&self, name: &MonitorName, monitor: &Monitor, holding: &Arc<AtomicBool>) -> Watch {
        Watch {
            door: self.door.clone(),
            probe: Arc::clone(&self.probe),
            holding: Arc::clone(holding),
            name: name.clone(),
            probing: Probing::of(monitor),
            monitor: monitor.clone(),
            streak: Streak::default(),
            began: Instant::now(),
        }
    }

    /// `None`: it cannot be read now.
    async fn policy(&self) -> Option<Arc<Policy>> {
        match self.door.read(|reader| Ok(reader.head()?.workspace.policy)).await {
            Ok(policy) => policy,
            Err(fault) => {
                tracing::warn!(%fault, "the monitors of the policy cannot be read");
                None
            }
        }
    }

    async fn holds(&self) -> bool {
        let (node, lease_s) = (self.node.clone(), self.lease_s.max(10));
        // Without the store no one could be told anyway; measuring goes on where it was.
        self.door.blocking(move |store| store.lease(DUTY, &node, lease_s)).await.unwrap_or(false)
    }
}

/// One monitor being measured.
struct Watch {
    door: Door,
    probe: Arc<dyn Probe>,
    holding: Arc<AtomicBool>,
    name: MonitorName,
    monitor: Monitor,
    /// `None`: a heartbeat is listened for.
    probing: Option<Probing>,
    streak: Streak,
    began: Instant,
}

/// Equal results in a row.
#[derive(Debug, Default)]
struct Streak {
    healthy: bool,
    length: u32,
    since: Option<Timestamp>,
}

impl Streak {
    fn add(&mut self, healthy: bool, at: Timestamp) {
        if self.healthy == healthy && self.length > 0 {
            self.length = self.length.saturating_add(1);
        } else {
            *self = Self { healthy, length: 1, since: Some(at) };
        }
    }
}

impl Watch {
    async fn run(mut self) {
        let interval =
            Duration::try_from_secs_f64(self.monitor.interval_s).unwrap_or(Duration::from_secs(10)).max(Duration::from_millis(20));
        let limit = Duration::try_from_secs_f64(self.monitor.timeout_s)
            .unwrap_or(Duration::from_secs(5))
            .saturating_add(Duration::from_millis(500));
        let valid = interval.saturating_mul(3).saturating_add(limit);
        // Monitors that were started together must not all knock at the same instant.
        tokio::time::sleep(interval.mul_f64(chance())).await;
        loop {
            if self.holding.load(Ordering::Relaxed) {
                let at = self.door.inside.clock.now();
                if let Some(seen) = self.measure(limit).await {
                    count(&self.door.inside.counters.probes);
                    self.door.inside.reports.note(&self.name, seen.is_ok(), at, valid);
                    self.streak.add(seen.is_ok(), at);
                    self.tell(seen.err().unwrap_or_default(), at).await;
                } else {
                    self.streak = Streak::default();
                }
            } else {
                self.streak = Streak::default();
            }
            tokio::time::sleep(interval.mul_f64(0.9 + 0.2 * chance())).await;
        }
    }

    /// `None`: nobody can say, which is neither good nor bad.
    async fn measure(&self, limit: Duration) -> Option<Result<(), String>> {
        if let Some(probing) = &self.probing {
            let measured = tokio::time::timeout(limit, self.probe.probe(probing)).await;
            return Some(measured.unwrap_or_else(|_| Err("timeout".to_owned())));
        }
        let heartbeat = self.monitor.heartbeat.as_ref()?;
        // Whoever beat while we were away had nobody to hear it: they get the time by which they may be late.
        if self.began.elapsed() < Duration::from_secs(u64::from(heartbeat.grace_s)) {
            return None;
        }
        let name = self.name.clone();
        let since = self.door.blocking(move |store| store.since_beat(&name)).await.ok()??.as_secs();
        let allowed = i64::from(heartbeat.every_s) + i64::from(heartbeat.grace_s);
        let late = || format!("no heartbeat for {since} s; one is due every {} s", heartbeat.every_s);
        Some(if since <= allowed { Ok(()) } else { Err(late()) })
    }

    /// Tells the door about a change, once the threshold is reached and as long as the door believes otherwise.
    async fn tell(&self, seen: String, at: Timestamp) {
        let needed = if self.streak.healthy { self.monitor.recoveries } else { self.monitor.failures };
        if self.streak.length < needed.max(1) {
            return;
        }
        let Some(known) = self.known().await else { return };
        let believed = known.as_ref().is_none_or(|state| state.healthy);
        if believed == self.streak.healthy {
            return;
        }
        let monitor = self.name.clone();
        let first_seen_at = self.streak.since.unwrap_or(at);
        let seen: String = seen.chars().take(SEEN_CHARS_MAX).collect();
        let command = if self.streak.healthy {
            monitor::Command::Recover { monitor, seen }
        } else {
            monitor::Command::Fire { monitor, first_seen_at, seen }
        };
        let envelope = Envelope {
            key: self.key(known.as_ref(), first_seen_at),
            actor: Actor::Monitor { monitor: self.name.clone() },
            via: Via::Inside,
            command: Command::Monitor(command),
        };
        match self.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => {}
            Ok(Answer::Refused { refusal, .. }) => {
                tracing::warn!(monitor = %self.name, code = refusal.code(), "what the monitor saw was refused");
            }
            // The streak goes on, so the next measurement tells it again.
            Err(fault) => tracing::warn!(monitor = %self.name, %fault, "what the monitor saw is not recorded yet"),
        }
    }

    /// One key per transition: from the state that the door believes, through the streak that contradicts it.
    fn key(&self, known: Option<&MonitorState>, first_seen_at: Timestamp) -> RequestKey {
        let from = known.map_or_else(|| "first".to_owned(), |state| state.since.as_millisecond().to_string());
        let to = if self.streak.healthy { "recover" } else { "fire" };
        inside_key(&["monitor", self.name.as_str(), to, &from, &first_seen_at.as_millisecond().to_string()])
    }

    /// What the door believes; `None`: it cannot be read now.
    async fn known(&self) -> Option<Option<MonitorState>> {
        let name = self.name.clone();
        let now = self.door.inside.clock.now();
        let read = self.door.read(move |reader| {
            let needs = Needs { monitors: std::iter::once(name.clone()).collect(), ..Needs::default() };
            let mut facts = Facts::default();
            reader.load(&needs, now, &mut facts)?;
            Ok(facts.monitor(&name).cloned())
        });
        read.await.ok()
    }
}

/// A number from 0 to 1. Spreads load; decides nothing.
fn chance() -> f64 {
    let drawn = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    f64::from(drawn) / f64::from(u32::MAX)
}
