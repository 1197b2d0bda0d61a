//! What changes who gets the traffic. Each change is whole when it returns: the new version was seen to be well, the switch is made, and what was
//! under way on the old one has ended or was cut.
//!
//! Going forward wants the state on the disk first. Going back wants nothing: it switches, and says afterwards what could not be written.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::arm::{Arm, Drained, Tenure};
use crate::ask::{ArmAsked, DeployAsked, Drain, Flaw, HoldAsked, Percent, RouteAsked, RouteName, StopAsked};
use crate::health::{self, Unwell};
use crate::remember::{RouteKept, State, Unread};
use crate::route::{Live, Mode, Route};
use crate::table::Table;

/// Everything that lives in this process.
pub struct Proxy {
    pub table: Table,
    /// Set when another process has taken over: whoever asks again shall ask that one.
    pub leaving: AtomicBool,
    secret: Vec<u8>,
    file: PathBuf,
    /// One writer of the file at a time.
    writing: Mutex<()>,
}

/// Why it cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum NoStart {
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error("the state file is of no use: {0}")]
    Flaw(#[from] Flaw),
    #[error("this machine gives no random numbers: {0}")]
    Dice(#[from] getrandom::Error),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error, Serialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum Refused {
    #[error("{flaw}")]
    Flaw {
        #[serde(serialize_with = "said")]
        flaw: Flaw,
    },
    #[error("there is no route `{name}`: `hikeshi-proxy tell GET v1/state` names those that are there")]
    NoRoute { name: String },
    #[error("`{version}` did not become well within {within_ms} ms, so nothing was changed")]
    Unwell { version: String, within_ms: u64, targets: Vec<Unwell> },
    #[error("another change of this route is under way; wait for it, or go back with `rollback`, which does not wait")]
    Busy,
    #[error("somebody went back while `{version}` was being tried, so it got no traffic")]
    Overtaken { version: String },
    #[error("the route has no {what}: {next}")]
    Nothing { what: &'static str, next: &'static str },
    #[error("the state could not be written, so nothing was changed: {detail}")]
    Unwritten { detail: String },
}

fn said<S: serde::Serializer>(flaw: &Flaw, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(&flaw.to_string())
}

impl From<Flaw> for Refused {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw { flaw }
    }
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Done {
    pub route: String,
    /// Which version has the traffic now.
    pub stable: Option<String>,
    pub candidate: Option<String>,
    pub percent: Option<Percent>,
    pub previous: Option<String>,
    /// Which version was taken out, and what became of its requests.
    pub taken_out: Option<String>,
    pub drained: Option<Drained>,
    /// The change is made, and a restart would not know of it.
    pub unwritten: Option<String>,
}

impl Proxy {
    /// As it was told last. Targets are asked how they are, and get their traffic meanwhile: waiting would be an outage.
    pub fn restore(file: PathBuf) -> Result<Arc<Self>, NoStart> {
        let state = match State::read(&file)? {
            Some(state) => state,
            None => State::fresh()?,
        };
        let proxy =
            Self { table: Table::default(), leaving: AtomicBool::new(false), secret: state.secret(), file, writing: Mutex::new(()) };
        for (name, kept) in state.routes {
            let route = proxy.table.put(name, kept.asked, &proxy.secret)?;
            let tenure = |asked: Option<ArmAsked>| asked.map(|asked| Tenure::of(watched(&route, Arm::new(asked))));
            let (stable, candidate, previous) = (tenure(kept.stable), tenure(kept.candidate).zip(kept.percent), tenure(kept.previous));
            let mode = kept.stopped.map_or(Mode::Open, |stop| Mode::Stopped { message: stop.message });
            route.update(|live| *live = Live { stable, candidate, previous, mode, backs: 0 });
        }
        Ok(Arc::new(proxy))
    }

    pub fn route(&self, name: &RouteName) -> Result<Arc<Route>, Refused> {
        self.table.named(name).ok_or_else(|| Refused::NoRoute { name: name.to_string() })
    }

    pub fn put(&self, name: RouteName, asked: RouteAsked) -> Result<Done, Refused> {
        asked.check()?;
        let route = self.table.put(name, asked, &self.secret)?;
        Ok(self.done(&route, None, self.write().err()))
    }

    pub async fn remove(&self, name: &RouteName, drain: Drain) -> Result<Done, Refused> {
        drain.check()?;
        let route = self.route(name)?;
        let _turn = turn(&route)?;
        self.table.remove(name);
        let unwritten = self.write().err();
        let before = route.update(std::mem::take);
        let mut taken = None;
        for (_, tenure) in before.tenures() {
            let drained = tenure.drain(drain).await;
            taken = taken.or(Some((Arc::clone(tenure), drained)));
        }
        Ok(self.done(&route, taken, unwritten))
    }

    /// The health gate, the switch, the drain.
    pub async fn deploy(&self, name: &RouteName, asked: DeployAsked) -> Result<Done, Refused> {
        asked.arm.check()?;
        asked.drain.check()?;
        let route = self.route(name)?;
        let _turn = turn(&route)?;
        let version = asked.arm.version.to_string();
        let before = route.live();
        let arm = Arm::new(asked.arm);
        let settings = route.asked();
        if let Err(targets) = health::gate(&arm, &settings).await {
            return Err(Refused::Unwell { version, within_ms: settings.health.within_ms, targets });
        }
        let tenure = Tenure::of(watched(&route, arm));
        let now = route.live();
        let (live, out) = match asked.percent {
            // The first version has nothing beside which it could be tried.
            Some(percent) if now.stable.is_some() => {
                let out = now.candidate.clone().map(|(tenure, _)| tenure);
                (Live { candidate: Some((tenure, percent)), ..now }, vec![out])
            }
            _ => (replaced(&now, tenure), vec![now.stable.clone(), now.candidate.clone().map(|(tenure, _)| tenure)]),
        };
        self.forward(&route, live, before.backs, &version)?;
        Ok(self.drained(&route, out, asked.drain, None).await)
    }

    pub fn share(&self, name: &RouteName, percent: Percent) -> Result<Done, Refused> {
        let route = self.route(name)?;
        let _turn = turn(&route)?;
        let now = route.live();
        let Some((tenure, _)) = now.candidate.clone() else { return Err(no_candidate()) };
        let version = tenure.arm.version();
        self.forward(&route, Live { candidate: Some((tenure, percent)), ..now.clone() }, now.backs, &version)?;
        Ok(self.done(&route, None, None))
    }

    /// The candidate gets everything.
    pub async fn promote(&self, name: &RouteName, drain: Drain) -> Result<Done, Refused> {
        drain.check()?;
        let route = self.route(name)?;
        let _turn = turn(&route)?;
        let now = route.live();
        let Some((tenure, _)) = now.candidate.clone() else { return Err(no_candidate()) };
        let version = tenure.arm.version();
        self.forward(&route, replaced(&now, tenure), now.backs, &version)?;
        Ok(self.drained(&route, vec![now.stable], drain, None).await)
    }

    /// Back, with no argument: a candidate is taken out; without one, the version before has everything again. Waits for nobody and for no disk.
    pub async fn rollback(&self, name: &RouteName, drain: Drain) -> Result<Done, Refused> {
        drain.check()?;
        let route = self.route(name)?;
        let out = route.update(|live| {
            live.backs += 1;
            if let Some((candidate, _)) = live.candidate.take() {
                return Ok(candidate);
            }
            let Some(previous) = live.previous.take() else {
                return Err(Refused::Nothing {
                    what: "version before",
                    next: "it may have been taken back already, see `v1/state`; or deploy one that is known to work",
                });
            };
            // Whoever goes back wants the traffic there, also when it was held or stopped before.
            live.mode = Mode::Open;
            // What was taken back is no way back: two people who do this at once must not bring it in again.
            let out = live.stable.replace(Tenure::of(Arc::clone(&previous.arm)));
            out.ok_or(Refused::Nothing { what: "version", next: "deploy one" })
        })?;
        let unwritten = self.write().err();
        Ok(self.drained(&route, vec![Some(out)], drain, unwritten).await)
    }

    pub fn hold(&self, name: &RouteName, asked: HoldAsked) -> Result<Done, Refused> {
        asked.check()?;
        self.mode(name, Mode::Held { wait_ms: asked.wait_ms })
    }

    pub fn stop(&self, name: &RouteName, asked: StopAsked) -> Result<Done, Refused> {
        asked.check()?;
        self.mode(name, Mode::Stopped { message: asked.message })
    }

    pub fn resume(&self, name: &RouteName) -> Result<Done, Refused> {
        self.mode(name, Mode::Open)
    }

    fn mode(&self, name: &RouteName, mode: Mode) -> Result<Done, Refused> {
        let route = self.route(name)?;
        route.update(|live| live.mode = mode);
        let unwritten = self.write().err();
        Ok(self.done(&route, None, unwritten))
    }

    /// First on the disk, then live, unless somebody went back meanwhile.
    fn forward(&self, route: &Route, next: Live, backs: u64, version: &str) -> Result<(), Refused> {
        self.write_with(Some((route, &next))).map_err(|detail| Refused::Unwritten { detail })?;
        let overtaken = route.update(|live| {
            let overtaken = live.backs != backs;
            if !overtaken {
                // Held or stopped since: that was said by somebody, too.
                *live = Live { mode: live.mode.clone(), ..next };
            }
            overtaken
        });
        if overtaken {
            if let Err(detail) = self.write() {
                tracing::error!(%detail, "the state on the disk is not what is live");
            }
            return Err(Refused::Overtaken { version: version.to_owned() });
        }
        Ok(())
    }

    async fn drained(&self, route: &Route, out: Vec<Option<Arc<Tenure>>>, drain: Drain, unwritten: Option<String>) -> Done {
        let mut taken = None;
        for tenure in out.into_iter().flatten() {
            let drained = tenure.drain(drain).await;
            taken = taken.or(Some((tenure, drained)));
        }
        self.done(route, taken, unwritten)
    }

    fn done(&self, route: &Route, taken: Option<(Arc<Tenure>, Drained)>, unwritten: Option<String>) -> Done {
        let live = route.live();
        let version = |tenure: &Arc<Tenure>| tenure.arm.version();
        Done {
            route: route.name.to_string(),
            stable: live.stable.as_ref().map(version),
            candidate: live.candidate.as_ref().map(|(tenure, _)| version(tenure)),
            percent: live.candidate.as_ref().map(|(_, percent)| *percent),
            previous: live.previous.as_ref().map(version),
            taken_out: taken.as_ref().map(|(tenure, _)| version(tenure)),
            drained: taken.map(|(_, drained)| drained),
            unwritten,
        }
    }

    fn write(&self) -> Result<(), String> {
        self.write_with(None)
    }

    fn write_with(&self, next: Option<(&Route, &Live)>) -> Result<(), String> {
        if self.leaving.load(Ordering::Acquire) {
            return Err("another process has taken over; ask that one".to_owned());
        }
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::with(&self.secret);
        for route in self.table.all() {
            let live = match next {
                Some((changed, live)) if changed.name == route.name => live.clone(),
                _ => route.live(),
            };
            state.routes.insert(route.name.clone(), kept(&route, &live));
        }
        state.write(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))
    }
}

/// The same version once more, as after an answer that was lost, leaves the way back as it was.
fn replaced(now: &Live, next: Arc<Tenure>) -> Live {
    let other = now.stable.clone().filter(|stable| stable.arm.asked.version != next.arm.asked.version);
    Live { stable: Some(next), candidate: None, previous: other.or_else(|| now.previous.clone()), ..now.clone() }
}

fn kept(route: &Route, live: &Live) -> RouteKept {
    let asked = |tenure: &Arc<Tenure>| tenure.arm.asked.clone();
    RouteKept {
        asked: RouteAsked::clone(&route.asked()),
        stable: live.stable.as_ref().map(asked),
        candidate: live.candidate.as_ref().map(|(tenure, _)| asked(tenure)),
        percent: live.candidate.as_ref().map(|(_, percent)| *percent),
        previous: live.previous.as_ref().map(asked),
        stopped: match &live.mode {
            Mode::Stopped { message } => Some(StopAsked { message: message.clone() }),
            Mode::Open | Mode::Held { .. } => None,
        },
    }
}

fn watched(route: &Arc<Route>, arm: Arc<Arm>) -> Arc<Arm> {
    let route = Arc::downgrade(route);
    health::watch(&arm, move || route.upgrade().map_or_else(Arc::default, |route| route.asked()));
    arm
}

fn turn(route: &Route) -> Result<tokio::sync::MutexGuard<'_, ()>, Refused> {
    route.changing.try_lock().map_err(|_| Refused::Busy)
}

fn no_candidate() -> Refused {
    Refused::Nothing { what: "candidate", next: "deploy one with a percentage first" }
}
