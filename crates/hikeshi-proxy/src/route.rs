//! A route and who gets the next request of it.
//!
//! One lock holds what is live. A request enters its version under the lock, so that no request can enter a version after it was replaced.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue};
use serde::Serialize;
use tokio::sync::watch;

use crate::arm::{ArmShown, Flight, Tenure};
use crate::ask::{Percent, RouteAsked, RouteName};
use crate::share::{Sharer, Visitor};

pub struct Route {
    pub name: RouteName,
    asked: RwLock<Arc<RouteAsked>>,
    live: RwLock<Live>,
    /// Tells those who are held that something has changed.
    changed: watch::Sender<u64>,
    held: AtomicUsize,
    sharer: Sharer,
    /// One change at a time.
    pub changing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
pub struct Live {
    pub stable: Option<Arc<Tenure>>,
    pub candidate: Option<(Arc<Tenure>, Percent)>,
    /// What was stable before: one word, and it is again.
    pub previous: Option<Arc<Tenure>>,
    pub mode: Mode,
    /// How often somebody has gone back: whoever goes forward meanwhile was overtaken.
    pub backs: u64,
}

impl Live {
    pub fn tenures(&self) -> impl Iterator<Item = (&'static str, &Arc<Tenure>)> {
        let candidate = self.candidate.as_ref().map(|(arm, _)| arm);
        [("stable", self.stable.as_ref()), ("candidate", candidate), ("previous", self.previous.as_ref())]
            .into_iter()
            .filter_map(|(word, tenure)| tenure.map(|tenure| (word, tenure)))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Open,
    /// Requests wait.
    Held { wait_ms: u64 },
    /// The maintenance page.
    Stopped { message: Option<String> },
}

/// What becomes of a request.
pub enum Entered {
    Goes {
        flight: Flight,
        cookie: Option<HeaderValue>,
    },
    Stopped {
        message: Option<String>,
    },
    /// More wait than may.
    Crowded,
    /// Held for longer than one waits.
    WaitedTooLong,
    /// No version yet.
    Empty,
}

enum Now {
    Entered(Entered),
    Wait(Duration),
}

impl Route {
    pub fn new(name: RouteName, asked: RouteAsked, secret: &[u8]) -> Self {
        Self {
            sharer: Sharer::new(&name, secret),
            name,
            asked: RwLock::new(Arc::new(asked)),
            live: RwLock::default(),
            changed: watch::Sender::new(0),
            held: AtomicUsize::new(0),
            changing: tokio::sync::Mutex::new(()),
        }
    }

    pub fn asked(&self) -> Arc<RouteAsked> {
        Arc::clone(&self.asked.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn ask(&self, asked: RouteAsked) {
        *self.asked.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(asked);
    }

    pub fn live(&self) -> Live {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The switch. When it returns, nothing enters what was replaced.
    pub fn update<T>(&self, change: impl FnOnce(&mut Live) -> T) -> T {
        let made = change(&mut self.live.write().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|times| *times += 1);
        made
    }

    pub async fn enter(&self, headers: &HeaderMap, tls: bool) -> Entered {
        let since = tokio::time::Instant::now();
        let mut queued: Option<Queued<'_>> = None;
        loop {
            // Before the look, so that a change right after it is not missed.
            let mut changed = self.changed.subscribe();
            let wait = match self.look(headers, tls) {
                Now::Entered(entered) => return entered,
                Now::Wait(wait) => wait,
            };
            if queued.is_none() {
                let Some(place) = self.queue() else { return Entered::Crowded };
                queued = Some(place);
            }
            if tokio::time::timeout_at(since + wait, changed.changed()).await.is_err() {
                return Entered::WaitedTooLong;
            }
        }
    }

    fn look(&self, headers: &HeaderMap, tls: bool) -> Now {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        match &live.mode {
            Mode::Open => {}
            Mode::Held { wait_ms } => return Now::Wait(Duration::from_millis(*wait_ms)),
            Mode::Stopped { message } => return Now::Entered(Entered::Stopped { message: message.clone() }),
        }
        let Some(stable) = &live.stable else { return Now::Entered(Entered::Empty) };
        let Some((candidate, percent)) = &live.candidate else {
            return Now::Entered(Entered::Goes { flight: stable.enter(), cookie: None });
        };
        let visitor: Visitor = self.sharer.visitor(headers);
        let arm = if visitor.gets(*percent) { candidate } else { stable };
        let cookie = if visitor.is_new { self.sharer.cookie(visitor, tls) } else { None };
        Now::Entered(Entered::Goes { flight: arm.enter(), cookie })
    }

    fn queue(&self) -> Option<Queued<'_>> {
        let most = self.asked().limits.held;
        let place = Queued { route: self };
        // The place counts from here on; dropping it gives it back.
        (self.held.fetch_add(1, Ordering::AcqRel) < most).then_some(place)
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    pub fn shown(&self) -> RouteShown {
        let live = self.live();
        RouteShown {
            name: self.name.to_string(),
            asked: RouteAsked::clone(&self.asked()),
            stable: live.stable.as_ref().map(|arm| arm.shown()),
            candidate: live.candidate.as_ref().map(|(arm, _)| arm.shown()),
            percent: live.candidate.as_ref().map(|(_, percent)| *percent),
            previous: live.previous.as_ref().map(|arm| arm.shown()),
            mode: live.mode,
            held: self.held(),
        }
    }
}

struct Queued<'a> {
    route: &'a Route,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.route.held.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteShown {
    pub name: String,
    pub asked: RouteAsked,
    pub stable: Option<ArmShown>,
    pub candidate: Option<ArmShown>,
    pub percent: Option<Percent>,
    pub previous: Option<ArmShown>,
    #[serde(flatten)]
    pub mode: Mode,
    pub held: usize,
}
