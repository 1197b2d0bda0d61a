//! Runs the monitors of the policy: measures, or listens for heartbeats, counts in a row, and tells the door when one changes. What a change means is decided there.
//!
//! With several nodes only the holder of the `probes` duty measures. What was not measured lately is unknown, never green.

mod reports;
mod streak;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hikeshi_domain::change::What;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{MonitorName, RequestKey};
use hikeshi_domain::monitor::{self, Measured, Measuring, MonitorState, RecentChange};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{Heartbeat, Monitor, Policy};
use jiff::SignedDuration;
use tokio::task::{AbortHandle, JoinSet};

use crate::door::{Answer, Door, inside_key};
use crate::figures::count;
use crate::probe::Probe;
use streak::{News, Streak};

pub(crate) use reports::Reports;
pub use reports::{POINTS_MAX, Point};

const DUTY: &str = "probes";
/// How often the policy and the duty are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Whatever its interval, so that a restart does not leave a daily monitor blind for a day.
const FIRST_WITHIN: Duration = Duration::from_secs(60);
const SEEN_CHARS_MAX: usize = 300;
/// Of a change, in what a look says.
const TITLE_CHARS_MAX: usize = 60;
/// Changes of one place that are looked at; the first of more than that is no earlier one.
const CHANGES_MAX: u32 = 100;

pub(crate) struct Monitors {
    pub(crate) door: Door,
    pub(crate) probe: Arc<dyn Probe>,
    pub(crate) node: String,
    pub(crate) lease_s: u32,
}

impl Monitors {
    pub(crate) async fn run(self) {
        let holding = Arc::new(AtomicBool::new(false));
        let mut running: BTreeMap<MonitorName, Measuring> = BTreeMap::new();
        let mut watches = JoinSet::new();
        let mut handles: BTreeMap<MonitorName, AbortHandle> = BTreeMap::new();
        loop {
            let policy = self.policy().await;
            let wanted = policy.map_or_else(|| running.clone(), |policy| measurings(&policy));
            if wanted != running {
                self.expect(&wanted).await;
                let stays = |name: &MonitorName| wanted.get(name).is_some_and(|wanted| running.get(name) == Some(wanted));
                self.door.inside.reports.keep_only(stays);
                handles.iter().filter(|(name, _)| !stays(name)).for_each(|(_, handle)| handle.abort());
                handles.retain(|name, _| stays(name));
                for (name, measuring) in wanted.iter().filter(|(name, _)| !stays(name)) {
                    handles.insert(name.clone(), watches.spawn(self.watch(measuring, &holding).run()));
                }
                running = wanted;
            }
            let holds = !running.is_empty() && self.holds().await.unwrap_or_else(|| holding.load(Ordering::Relaxed));
            holding.store(holds, Ordering::Relaxed);
            tokio::select! {
                () = self.door.inside.stopped() => return,
                () = self.door.inside.policy_changed.notified() => {}
                Some(ended) = watches.join_next(), if !watches.is_empty() => {
                    if !ended.is_err_and(|error| error.is_cancelled()) {
                        tracing::error!("a monitor broke; all are started again");
                        watches = JoinSet::new();
                        handles.clear();
                        running.clear();
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Whoever is listened for has their time from now on, unless they had it already.
    async fn expect(&self, wanted: &BTreeMap<MonitorName, Measuring>) {
        let listened = wanted.iter().filter(|(_, measuring)| measuring.monitor.heartbeat.is_some());
        let names: Vec<MonitorName> = listened.map(|(name, _)| name.clone()).collect();
        if let Err(fault) = self.door.blocking(move |store| store.expect(&names)).await {
            tracing::warn!(%fault, "since when heartbeats are expected is not recorded; one that never comes is not missed");
        }
    }

    fn watch(&self, measuring: &Measuring, holding: &Arc<AtomicBool>) -> Watch {
        Watch {
            door: self.door.clone(),
            probe: Arc::clone(&self.probe),
            holding: Arc::clone(holding),
            measuring: measuring.clone(),
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

    /// `None`: nobody can say, so it stays as it was: without the store no one could be told anyway.
    async fn holds(&self) -> Option<bool> {
        let (node, lease_s) = (self.node.clone(), self.lease_s.max(10));
        self.door.blocking(move |store| store.lease(DUTY, &node, lease_s)).await.ok()
    }
}

fn measurings(policy: &Policy) -> BTreeMap<MonitorName, Measuring> {
    policy.monitors.iter().map(|(name, monitor)| (name.clone(), Measuring::of(policy, name, monitor))).collect()
}

/// One monitor being measured.
struct Watch {
    door: Door,
    probe: Arc<dyn Probe>,
    holding: Arc<AtomicBool>,
    measuring: Measuring,
    streak: Streak,
    began: Instant,
}

impl Watch {
    async fn run(mut self) {
        let interval = Duration::try_from_secs_f64(self.measuring.monitor.interval_s)
            .unwrap_or(Duration::from_secs(10))
            .max(Duration::from_millis(20));
        let limit = Duration::try_from_secs_f64(self.measuring.monitor.timeout_s)
            .unwrap_or(Duration::from_secs(5))
            .saturating_add(Duration::from_millis(500));
        let valid = interval.saturating_mul(3).saturating_add(limit);
        // Monitors that were started together must not all knock at the same instant.
        tokio::time::sleep(interval.min(FIRST_WITHIN).mul_f64(chance())).await;
        loop {
            if self.holding.load(Ordering::Relaxed) {
                let at = self.door.inside.clock.now();
                if let Some(mut measured) = self.measure(limit).await {
                    count(&self.door.inside.counters.probes);
                    let shown = |text: &str| self.door.inside.masks.text(text).chars().take(SEEN_CHARS_MAX).collect::<String>();
                    measured.seen = shown(&measured.seen);
                    for new in &mut measured.new {
                        (new.pattern, new.sample) = (shown(&new.pattern), shown(&new.sample));
                    }
                    self.door.inside.reports.note(&self.measuring.name, &measured, at, valid);
                    // What passes by itself is no news, and interrupts nothing.
                    if !measured.passing {
                        self.streak.add(measured.verdict, at);
                        self.tell(measured).await;
                    }
                } else {
                    self.streak = Streak::default();
                }
            } else {
                self.streak = Streak::default();
            }
            tokio::time::sleep(interval.mul_f64(0.9 + 0.2 * chance())).await;
        }
    }

    /// The first change of its place within the time in which errors are held against one.
    async fn change(&self) -> Option<RecentChange> {
        let monitor = &self.measuring.monitor;
        let rules = monitor.log.as_ref()?.new_errors.as_ref()?;
        let now = self.door.inside.clock.now();
        let from = now.checked_sub(SignedDuration::from_mins(i64::from(rules.within_min))).ok()?;
        let (service, environment) = (monitor.service.clone(), monitor.environment.clone());
        let found = self.door.read(move |reader| reader.changes_between((&service, &environment), (from, now), CHANGES_MAX)).await;
        let told = found.ok()?.here.into_iter().filter_map(|change| match change.what {
            What::Told { title, .. } => Some((change.at, title)),
            What::Step { .. }
            | What::Session { .. }
            | What::Reverted { .. }
            | What::Restored { .. }
            | What::Policy { .. }
            | What::Silence { .. } => None,
        });
        let (at, title) = told.min_by_key(|(at, _)| *at)?;
        let ago = Duration::try_from(now.duration_since(at)).ok()?;
        Some(RecentChange { ago, title: title.chars().take(TITLE_CHARS_MAX).collect() })
    }

    /// `None`: nobody can say, which is neither good nor bad.
    async fn measure(&mut self, limit: Duration) -> Option<Measured> {
        let Some(heartbeat) = &self.measuring.monitor.heartbeat else {
            let change = self.change().await;
            let measuring = Measuring { change, ..self.measuring.clone() };
            let measured = tokio::time::timeout(limit, self.probe.measure(&measuring)).await;
            return Some(measured.unwrap_or_else(|_| Measured::unmeasured("the look itself did not end in time")));
        };
        // Whoever beat while we were away had nobody to hear it: they get the time by which they may be late.
        if self.began.elapsed() < Duration::from_secs(u64::from(heartbeat.grace_s)) {
            return None;
        }
        let name = self.measuring.name.clone();
        let Ok(since) = self.door.blocking(move |store| store.since_beat(&name)).await else {
            // Beats that came meanwhile could not be kept either.
            self.began = Instant::now();
            return None;
        };
        heard(heartbeat, since)
    }

    /// Tells the door about a change, once the threshold is reached and as long as the door believes otherwise.
    async fn tell(&self, measured: Measured) {
        let Some((known, told)) = self.known().await else { return };
        let Monitor { failures, recoveries, .. } = &self.measuring.monitor;
        let Some(news) = self.streak.news(known.as_ref(), told, *failures, *recoveries) else { return };
        let (monitor, first_seen_at) = (self.measuring.name.clone(), news.since());
        let command = match news {
            News::Recovered { .. } => monitor::Command::Recover { monitor, seen: measured.seen },
            News::Fails { .. } => monitor::Command::Fire { monitor, first_seen_at, seen: measured.seen, unmeasured: false },
            News::Unmeasured { .. } => {
                let seen = format!("cannot be measured: {}", measured.seen);
                monitor::Command::Fire { monitor, first_seen_at, seen, unmeasured: true }
            }
        };
        let envelope = Envelope {
            key: self.key(known.as_ref(), &news),
            actor: Actor::Monitor { monitor: self.measuring.name.clone() },
            via: Via::Inside,
            command: Command::Monitor(command),
        };
        match self.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => {}
            Ok(Answer::Refused { refusal, .. }) => {
                tracing::warn!(monitor = %self.measuring.name, code = refusal.code(), "what the monitor saw was refused");
            }
            // The streak goes on, so the next measurement tells it again.
            Err(fault) => tracing::warn!(monitor = %self.measuring.name, %fault, "what the monitor saw is not recorded yet"),
        }
    }

    /// One key per transition: from the state that the door believes, through the streak that contradicts it.
    fn key(&self, known: Option<&MonitorState>, news: &News) -> RequestKey {
        let from = known.map_or_else(|| "first".to_owned(), |state| state.since.as_millisecond().to_string());
        let to = match news {
            News::Recovered { .. } => "recover",
            News::Fails { .. } => "fire",
            News::Unmeasured { .. } => "unmeasured",
        };
        inside_key(&["monitor", self.measuring.name.as_str(), to, &from, &news.since().as_millisecond().to_string()])
    }

    /// What the door believes, and whether somebody has it; `None`: it cannot be read now.
    async fn known(&self) -> Option<(Option<MonitorState>, bool)> {
        let name = self.measuring.name.clone();
        let now = self.door.inside.clock.now();
        let read = self.door.read(move |reader| {
            let needs = Needs { monitors: std::iter::once(name.clone()).collect(), ..Needs::default() };
            let mut facts = Facts { workspace: reader.head()?.workspace, ..Facts::default() };
            reader.load(&needs, now, &mut facts)?;
            let state = facts.monitor(&name).cloned();
            let Some(failing) = state.as_ref().filter(|state| !state.healthy) else { return Ok((state, true)) };
            let Some(incident) = failing.incident else { return Ok((state.clone(), monitor::is_told(&facts, failing, now))) };
            let one = |id| Needs { incidents: std::iter::once(id).collect(), ..Needs::default() };
            reader.load(&one(incident), now, &mut facts)?;
            // It may be part of another one by now.
            reader.load(&one(facts.home(incident)), now, &mut facts)?;
            let told = monitor::is_told(&facts, failing, now);
            Ok((state, told))
        });
        read.await.ok()
    }
}

/// What is to be said of a heartbeat, by when it was last heard and since when it is expected. `None`: it is neither well nor missed. One that the
/// policy has only now gets its time, whether it was never heard or was there long ago.
fn heard(heartbeat: &Heartbeat, (last, expected): (Option<SignedDuration>, Option<SignedDuration>)) -> Option<Measured> {
    let allowed = i64::from(heartbeat.every_s) + i64::from(heartbeat.grace_s);
    let (last, expected) = (last.map(|last| last.as_secs()), expected.map(|since| since.as_secs()));
    match (last, expected) {
        (Some(last), _) if last <= allowed => Some(Measured::passed(format!("a heartbeat {last} s ago"))),
        (_, Some(since)) if since <= allowed => None,
        (Some(last), _) => Some(Measured::failed(format!("no heartbeat for {last} s; one is due every {} s", heartbeat.every_s))),
        (None, Some(since)) => {
            Some(Measured::failed(format!("never heard, though expected for {since} s; a heartbeat is due every {} s", heartbeat.every_s)))
        }
        (None, None) => None,
    }
}

/// A number from 0 to 1. Spreads load; decides nothing.
fn chance() -> f64 {
    let drawn = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    f64::from(drawn) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_that_never_came_is_missed_once_its_time_is_over_and_not_before() {
        let heartbeat = Heartbeat { every_s: 60, grace_s: 30, token_env: "T".to_owned() };
        let seconds = |seconds: Option<i64>| seconds.map(SignedDuration::from_secs);
        let said = |last, expected| heard(&heartbeat, (seconds(last), seconds(expected))).map(|measured| (measured.verdict, measured.seen));
        use hikeshi_domain::monitor::Verdict::{Failed, Passed};
        assert_eq!(said(None, Some(90)), None, "a fresh policy calls nobody");
        let (verdict, seen) = said(None, Some(91)).expect("missed");
        assert_eq!((verdict, seen.starts_with("never heard")), (Failed, true), "{seen}");
        assert_eq!(said(Some(90), Some(500)).map(|said| said.0), Some(Passed));
        assert_eq!(said(Some(91), Some(500)).map(|said| said.0), Some(Failed));
        assert_eq!(said(Some(100_000), Some(10)), None, "back in the policy after a month: it has its time again");
        assert_eq!(said(Some(5), Some(10)).map(|said| said.0), Some(Passed));
        assert_eq!(said(None, None), None, "nobody could write down since when");
    }
}
