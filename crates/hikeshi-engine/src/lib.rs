//! The door of hikeshi: `submit` to change something, `look` to see something. And the runner, timers, monitors and checkpoints behind it.
//!
//! Nothing else writes to the store, and nothing else runs in the background. Reading order: [`door`] (what a face sees), `door/thread.rs`
//! (how a batch is decided and committed), [`runner`], [`timers`], [`monitors`], [`checkpoints`], [`look`].

pub mod browsers;
mod checkpoints;
pub mod clock;
pub mod door;
mod examine;
mod figures;
pub mod look;
mod measures;
mod monitors;
mod offline;
mod postmortems;
mod probe;
pub mod recording;
mod runner;
pub mod sessions;
pub mod status;
mod timers;
mod verify;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use hikeshi_domain::effect::Outside;
use hikeshi_domain::ledger::LedgerKey;
use hikeshi_store::{Store, StoreError};

pub use hikeshi_store::Comparison;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use figures::Figures;
pub use monitors::{POINTS_MAX, Point};
pub use probe::Probe;
pub use verify::LiveVerdict;

use checkpoints::Sealer;
use clock::Clock;
use door::{Door, DoorThread, Inside, Job, Masks};

/// Commands that may wait at the door; more are told to come back.
const WAITING_MAX: usize = 4096;
/// How long the news of other nodes may wait, and the stop of the thread that brings them.
const NEWS_WAIT_MS: u32 = 500;
/// Commits of other nodes are heard of at most this much later.
const NEWS_APART: Duration = Duration::from_millis(20);

/// What an engine is made of.
pub struct Options {
    pub store: Store,
    pub outside: Arc<dyn Outside>,
    pub clock: Arc<dyn Clock>,
    /// `None`: this engine measures nothing.
    pub probe: Option<Arc<dyn Probe>>,
    /// Signs the checkpoints.
    pub signer: LedgerKey,
    /// Name of this node, different from that of every other node on the same store.
    pub node: String,
    /// How long a claimed effect stays ours without a word: after a crash it waits this long to be looked at.
    pub lease_s: u32,
    /// Where checkpoints are appended, beside the store. `None`: only in the store, where whoever alters the one can alter the other.
    pub checkpoint_file: Option<PathBuf>,
    /// Secrets that this process knows, masked wherever they appear.
    pub masked: Vec<String>,
    /// Whether this engine carries out effects, fires deadlines and measures. Without, it is only a door.
    pub background: bool,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    #[error("the checkpoint file {path} cannot be used: {detail}")]
    CheckpointFile { path: PathBuf, detail: String },
    #[error("secrets cannot be masked: {detail}")]
    Mask { detail: String },
    #[error("a thread cannot be started: {detail}")]
    Thread { detail: String },
}

/// A running engine. Dropping it stops everything at once, as a crash would; [`Engine::stop`] lets go in order.
pub struct Engine {
    door: Door,
    tasks: JoinSet<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Opens the door. Must be called on a tokio runtime.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Handle::current();
        let prepared = runtime.spawn_blocking(move || prepare(options)).await;
        let Prepared { options, sealer, masks, size, halted } =
            prepared.map_err(|broken| StartError::Thread { detail: broken.to_string() })??;
        let (queue, jobs) = sync_channel(WAITING_MAX);
        let inside = Arc::new(Inside {
            queue,
            store: options.store,
            clock: options.clock,
            outside: options.outside,
            runtime,
            tip: watch::Sender::new(size),
            counters: figures::Counters::default(),
            masks,
            effects_queued: Notify::new(),
            in_order_queued: Notify::new(),
            subscribers_asked: Notify::new(),
            timers_changed: Notify::new(),
            policy_changed: Notify::new(),
            stopping: watch::Sender::new(false),
            halted,
            reports: monitors::Reports::default(),
            sealer: Arc::new(sealer),
            sessions: sessions::Sessions::default(),
            pasts: postmortems::Pasts::default(),
            measured: measures::Folded::default(),
        });
        let door = Door { inside: Arc::clone(&inside) };
        let writing = DoorThread::new(Arc::clone(&inside), jobs);
        let threads = vec![thread("door", move || writing.run())?, thread("news", move || bring_news(&inside))?];
        let mut tasks = JoinSet::new();
        tasks.spawn(checkpoints::run(door.clone()));
        if options.background && door.halted().is_none() {
            // What the policy says now must hold for what was open before, also if a change of it was cut off by a crash.
            hand_over(&door.inside.queue, Job::Retime);
            let runner = runner::Runner::new(door.clone(), options.node.clone(), options.lease_s);
            tasks.spawn(runner.clone().confirmations());
            tasks.spawn(runner.run());
            tasks.spawn(sessions::run(door.clone()));
            tasks.spawn(timers::Timers::new(door.clone()).run());
            if let Some(probe) = options.probe {
                tasks.spawn(monitors::Monitors { door: door.clone(), probe, node: options.node, lease_s: options.lease_s }.run());
            }
        }
        Ok(Self { door, tasks, threads })
    }

    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Stops in order: no new deadlines and effects, running effects may bring their outcome in, the door answers what it has
    /// taken, a last checkpoint is signed.
    pub async fn stop(mut self) {
        self.door.inside.stopping.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        let door = self.door.clone();
        let threads = std::mem::take(&mut self.threads);
        let ended = self.door.inside.runtime.spawn_blocking(move || {
            // Commands that wait are still answered; this one is behind them.
            if door.inside.queue.send(Job::Stop).is_err() {
                tracing::debug!("the door's thread had ended already");
            }
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the engine broke");
                }
            }
            checkpoints::seal_last(&door);
        });
        if let Err(broken) = ended.await {
            tracing::error!(%broken, "stopping broke");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.door.inside.stopping.send_replace(true);
        if let Err(TrySendError::Full(job)) = self.door.inside.queue.try_send(Job::Stop) {
            // The thread must learn of the end all the same, behind everything that waits.
            let queue = self.door.inside.queue.clone();
            if let Err(error) = thread("stop", move || drop(queue.send(job))) {
                tracing::error!(%error, "the door's thread could not be told to stop");
            }
        }
    }
}

struct Prepared {
    options: Options,
    sealer: Sealer,
    masks: Masks,
    size: u64,
    halted: OnceLock<String>,
}

fn prepare(options: Options) -> Result<Prepared, StartError> {
    let head = options.store.read(|reader| reader.head())?;
    let masks = Masks::new(options.masked.clone(), head.workspace.policy.as_deref()).map_err(|detail| StartError::Mask { detail })?;
    let sealer = Sealer::open(options.signer.clone(), options.checkpoint_file.clone())?;
    let halted = OnceLock::new();
    if let Some(detail) = sealer.contradiction(&options.store)? {
        tracing::error!(detail, "the ledger does not agree with a signed checkpoint; writing is stopped, reading goes on");
        halted.get_or_init(|| detail);
    }
    sealer.offer(&head, true);
    Ok(Prepared { options, sealer, masks, size: head.size, halted })
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|broken| StartError::Thread { detail: broken.to_string() })
}

/// A job that may be left out when the door is full or gone.
fn hand_over(queue: &SyncSender<Job>, job: Job) {
    match queue.try_send(job) {
        Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        Err(TrySendError::Full(_)) => tracing::warn!("the door was full at the start or the end of the engine"),
    }
}

/// Waits for commits of any node and moves the tip.
fn bring_news(inside: &Inside) {
    while !*inside.stopping.borrow() {
        let known = *inside.tip.borrow();
        match inside.store.wait_for_news(known, NEWS_WAIT_MS) {
            Ok(size) => {
                inside.announce(size);
                // This node's own commits are announced by the door; waking up for each of them would only slow them down.
                std::thread::sleep(NEWS_APART);
            }
            Err(error) => {
                tracing::debug!(%error, "no news from the store");
                std::thread::sleep(Duration::from_millis(u64::from(NEWS_WAIT_MS)));
            }
        }
    }
}
