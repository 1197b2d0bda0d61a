//! One version as it runs: its targets and what it has answered ([`Arm`]), and the times in which it has traffic ([`Tenure`]).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use tokio::sync::{Notify, watch};

use crate::ask::{ArmAsked, Drain, Target, ms};
use crate::body::Sent;
use crate::counts::{Counts, Shown};
use crate::health::Probe;

/// A listener that does not answer a connection within this is as good as none.
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than what servers commonly wait before they close a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(4);
const IDLE_MAX: usize = 512;

pub struct Arm {
    pub asked: ArmAsked,
    pub at: Vec<At>,
    pub client: Client<HttpConnector, Sent>,
    pub counts: Counts,
    turn: AtomicUsize,
}

/// One time in which a version has traffic. It ends when the version is taken out; a version that comes back begins another, so that what was
/// cut then is nothing to those who come now.
pub struct Tenure {
    pub arm: Arc<Arm>,
    under_way: AtomicUsize,
    upgraded: AtomicUsize,
    fewer: Notify,
    /// Set when what is under way has had its time.
    cut: watch::Sender<bool>,
    cut_upgraded: watch::Sender<bool>,
}

/// A target and how it was last seen.
pub struct At {
    pub target: Target,
    well: AtomicBool,
    seen: Mutex<Option<Probe>>,
}

impl At {
    pub fn note(&self, probe: Probe) {
        self.well.store(probe.is_well(), Ordering::Relaxed);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(probe);
    }

    /// There was no connection: others are asked first until a look finds it well.
    pub fn doubt(&self) {
        self.well.store(false, Ordering::Relaxed);
    }

    pub fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }
}

/// What ended how, when a version was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Requests that were cut because their time was over. 0: nothing was lost.
    pub cut: usize,
    /// Upgraded connections that go on for now.
    pub upgraded: usize,
    pub took_ms: u64,
}

/// What the state shows of a version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmShown {
    pub version: String,
    pub targets: Vec<TargetShown>,
    pub under_way: usize,
    pub upgraded: usize,
    pub counts: Shown,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetShown {
    pub address: Target,
    pub well: bool,
    pub seen: Option<Probe>,
}

impl Arm {
    pub fn new(asked: ArmAsked) -> Arc<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .set_host(false)
            .build(connector);
        let at = asked.targets.iter().map(|target| At { target: target.clone(), well: AtomicBool::new(true), seen: Mutex::default() });
        Arc::new(Self { at: at.collect(), asked, client, counts: Counts::default(), turn: AtomicUsize::new(0) })
    }

    /// By turns, of those that are well and have not failed this request. When none is, all: a health check that is wrong must not be an outage of
    /// its own.
    pub fn pick(&self, failed: &[SocketAddr]) -> Option<&At> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = || {
            let from = turn % self.at.len().max(1);
            self.at.iter().cycle().skip(from).take(self.at.len()).filter(|at| !failed.contains(&at.target.0))
        };
        in_turn().find(|at| at.is_well()).or_else(|| in_turn().next())
    }

    pub fn version(&self) -> String {
        self.asked.version.to_string()
    }
}

impl Tenure {
    pub fn of(arm: Arc<Arm>) -> Arc<Self> {
        Arc::new(Self {
            arm,
            under_way: AtomicUsize::new(0),
            upgraded: AtomicUsize::new(0),
            fewer: Notify::new(),
            cut: watch::Sender::new(false),
            cut_upgraded: watch::Sender::new(false),
        })
    }

    pub fn enter(self: &Arc<Self>) -> Flight {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Flight { tenure: Arc::clone(self) }
    }

    /// Resolves when requests on this version have had their time.
    pub async fn cut(&self) {
        wait(self.cut.subscribe()).await;
    }

    pub async fn cut_upgraded(&self) {
        wait(self.cut_upgraded.subscribe()).await;
    }

    /// It gets no new requests any more: waits for those under way, and cuts what is left. Upgraded connections have longer, and nobody waits for them.
    pub async fn drain(self: &Arc<Self>, drain: Drain) -> Drained {
        let began = tokio::time::Instant::now();
        let left = tokio::time::timeout(ms(drain.requests_ms), self.none_under_way()).await;
        let cut = if left.is_err() { self.under_way.load(Ordering::Acquire) } else { 0 };
        if cut > 0 {
            self.cut.send_replace(true);
        }
        let upgraded = self.upgraded.load(Ordering::Acquire);
        if upgraded > 0 {
            let tenure = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(ms(drain.upgraded_ms)).await;
                tenure.cut_upgraded.send_replace(true);
            });
        }
        Drained { cut, upgraded, took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    async fn none_under_way(&self) {
        loop {
            let fewer = self.fewer.notified();
            let mut fewer = std::pin::pin!(fewer);
            fewer.as_mut().enable();
            if self.under_way.load(Ordering::Acquire) == 0 {
                return;
            }
            fewer.await;
        }
    }

    pub fn shown(&self) -> ArmShown {
        let target = |at: &At| TargetShown {
            address: at.target.clone(),
            well: at.is_well(),
            seen: at.seen.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        ArmShown {
            version: self.arm.version(),
            targets: self.arm.at.iter().map(target).collect(),
            under_way: self.under_way.load(Ordering::Acquire),
            upgraded: self.upgraded.load(Ordering::Acquire),
            counts: self.arm.counts.read().shown(),
        }
    }
}

async fn wait(mut told: watch::Receiver<bool>) {
    // The sender lives as long as the version.
    if told.wait_for(|cut| *cut).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// One request under way. While it is there, its version is not drained.
pub struct Flight {
    tenure: Arc<Tenure>,
}

impl Flight {
    pub fn tenure(&self) -> &Arc<Tenure> {
        &self.tenure
    }

    /// From now on it is a connection of its own kind, which has its own time.
    pub fn upgrade(self) -> Upgraded {
        self.tenure.upgraded.fetch_add(1, Ordering::AcqRel);
        self.tenure.arm.counts.upgraded();
        Upgraded { tenure: Arc::clone(&self.tenure) }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.tenure.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.tenure.fewer.notify_waiters();
        }
    }
}

pub struct Upgraded {
    pub tenure: Arc<Tenure>,
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        self.tenure.upgraded.fetch_sub(1, Ordering::AcqRel);
    }
}
