//! The world itself: how it begins, how it is spoken to, how it dies and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId, RequestKey};
use hikeshi_domain::ledger;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::clock::{Clock, StoppedClock};
use hikeshi_engine::door::{Answer, Door, Receipt};
use hikeshi_engine::look::{EmergencyView, IncidentView, ObligationView};
use hikeshi_engine::{Engine, Options};
use hikeshi_store::{Location, Store};
use jiff::SignedDuration;

use crate::folder::Folder;
use crate::hands::Hands;
use crate::people;

/// 02:58 in Tokyo: the night on which every test plays.
const BEGINS_AT: &str = "2026-11-20T17:58:00Z";
/// How long a test waits in real time for the engine to become idle.
const PATIENCE: Duration = Duration::from_secs(20);

/// One workspace with everything around it.
pub struct World {
    engine: Option<Engine>,
    pub clock: Arc<StoppedClock>,
    pub hands: Hands,
    location: Location,
    lives: u32,
    requests: AtomicU64,
    /// Dropped last: the store is in it.
    _folder: Folder,
}

impl World {
    /// The team of [`people`] on SQLite, with its policy adopted.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(people::policy()?).await
    }

    pub async fn with(policy: Policy) -> anyhow::Result<Self> {
        let folder = Folder::new()?;
        let location = Location::Sqlite(folder.join("hikeshi.db"));
        Self::at(folder, location, policy).await
    }

    /// On a PostgreSQL database that is empty.
    pub async fn on_postgres(url: &str, policy: Policy) -> anyhow::Result<Self> {
        Self::at(Folder::new()?, Location::Postgres(url.to_owned()), policy).await
    }

    async fn at(folder: Folder, location: Location, policy: Policy) -> anyhow::Result<Self> {
        let clock = Arc::new(StoppedClock::new(BEGINS_AT.parse()?));
        let hands = Hands::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let mut world = Self { engine: None, clock, hands, location, lives: 0, requests: AtomicU64::new(0), _folder: folder };
        world.start().await?;
        let adopt = Command::Policy(PolicyCommand::Adopt { policy: Box::new(policy) });
        match world.say(Actor::Startup, Via::Inside, adopt).await? {
            Answer::Done(_) => Ok(world),
            other => bail!("the policy was not adopted: {other:?}"),
        }
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.engine.is_none(), "the engine is running");
        self.lives += 1;
        let store = open(&self.location).await?;
        let options = Options {
            store,
            outside: Arc::new(self.hands.clone()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            probe: None,
            signer: key()?,
            node: format!("life-{}", self.lives),
            lease_s: 1,
            checkpoint_file: Some(self._folder.join("checkpoints")),
            masked: Vec::new(),
            background: true,
        };
        self.engine = Some(Engine::start(options).await?);
        Ok(())
    }

    /// The program dies, as by kill -9: nothing is finished, nothing is told.
    pub fn die(&mut self) {
        drop(self.engine.take());
    }

    /// The program starts again.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        self.die();
        self.start().await
    }

    pub fn door(&self) -> anyhow::Result<Door> {
        Ok(self.engine.as_ref().context("the engine is not running")?.door())
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn minutes_pass(&self, minutes: i64) {
        self.clock.move_by(SignedDuration::from_mins(minutes));
    }

    pub fn seconds_pass(&self, seconds: i64) {
        self.clock.move_by(SignedDuration::from_secs(seconds));
    }

    /// A request key that nothing else in this world has.
    pub fn key(&self) -> RequestKey {
        RequestKey::of(&["test", "request", &self.requests.fetch_add(1, Ordering::Relaxed).to_string()])
    }

    pub async fn say(&self, actor: Actor, via: Via, command: Command) -> anyhow::Result<Answer> {
        Ok(self.door()?.submit(Envelope { key: self.key(), actor, via, command }).await?)
    }

    /// What the door answers to a person.
    pub async fn ask(&self, who: &str, command: Command) -> anyhow::Result<Answer> {
        self.say(Actor::person(people::person(who)?), Via::Cli, command).await
    }

    /// A person does something that is allowed.
    pub async fn does(&self, who: &str, command: Command) -> anyhow::Result<Receipt> {
        let kind = command.kind();
        match self.ask(who, command).await? {
            Answer::Done(receipt) => Ok(receipt),
            Answer::Already(receipt) => bail!("{who} {kind}: was answered before: {receipt:?}"),
            Answer::Refused { refusal, .. } => bail!("{who} {kind}: refused by {} {}: {refusal:?}", refusal.rule(), refusal.code()),
        }
    }

    /// A person tries something that is not allowed.
    pub async fn may_not(&self, who: &str, command: Command) -> anyhow::Result<Refusal> {
        let kind = command.kind();
        match self.ask(who, command).await? {
            Answer::Refused { refusal, .. } => Ok(refusal),
            other => bail!("{who} {kind}: was not refused: {other:?}"),
        }
    }

    pub async fn incident(&self, id: IncidentId) -> anyhow::Result<IncidentView> {
        Ok(self.door()?.look(&viewer()?).incident(id).await?)
    }

    pub async fn emergency(&self, id: EmergencyId) -> anyhow::Result<EmergencyView> {
        Ok(self.door()?.look(&viewer()?).emergency(id).await?)
    }

    pub async fn obligation(&self, id: ObligationId) -> anyhow::Result<ObligationView> {
        Ok(self.door()?.look(&viewer()?).obligation(id).await?)
    }

    /// Waits until no effect is on its way.
    pub async fn idle(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let open = self.door()?.look(&viewer()?).effects().await?;
            if open.is_empty() {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "still on their way after {PATIENCE:?}: {open:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until what is looked at is as wished.
    pub async fn until<F, Fut>(&self, what: &str, mut is_so: F) -> anyhow::Result<()>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = anyhow::Result<bool>>,
    {
        let began = Instant::now();
        while !is_so().await? {
            ensure!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Ends the world in order, and checks what must hold at the end of every test: no effect left over, and a ledger whose entries
    /// follow from each other up to its head.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if self.engine.is_none() {
            self.start().await?;
        }
        self.idle().await?;
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
        let store = open(&self.location).await?;
        tokio::task::spawn_blocking(move || check_ledger(&store)).await?
    }
}

/// Opens the store. The threads of an engine that was dropped let go of it a moment later; a process that dies lets go at once.
async fn open(location: &Location) -> anyhow::Result<Store> {
    let began = Instant::now();
    loop {
        let location = location.clone();
        // Opening blocks, as everything of the store does.
        match tokio::task::spawn_blocking(move || Store::open(&location)).await? {
            Ok(store) => return Ok(store),
            Err(error) if began.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn viewer() -> anyhow::Result<Actor> {
    Ok(Actor::person(people::person("takahashi")?))
}

fn check_ledger(store: &Store) -> anyhow::Result<()> {
    let mut frontier = ledger::Frontier::new();
    let mut last = None;
    let mut wrong = None;
    let head = store.read(|reader| {
        reader.walk(0, &mut |kept| {
            let entry: Result<ledger::Entry, _> = serde_json::from_slice(&kept.bytes);
            match entry {
                Ok(entry) if entry.seq == frontier.size() && last.is_none_or(|leaf| leaf == entry.prev) => {
                    let leaf = ledger::leaf_hash(&kept.bytes);
                    frontier.append(leaf);
                    last = Some(leaf);
                    std::ops::ControlFlow::Continue(())
                }
                Ok(entry) => {
                    wrong = Some(format!("entry {} does not follow from the one before", entry.seq));
                    std::ops::ControlFlow::Break(())
                }
                Err(error) => {
                    wrong = Some(format!("entry {}: {error}", kept.seq));
                    std::ops::ControlFlow::Break(())
                }
            }
        })?;
        reader.head()
    })?;
    if let Some(wrong) = wrong {
        bail!("the ledger is damaged: {wrong}");
    }
    ensure!(head.size == frontier.size() && head.frontier == frontier.roots(), "the head is not that of the entries");
    Ok(())
}

/// The ledger's key of every world: nothing is kept secret from a test.
fn key() -> anyhow::Result<ledger::LedgerKey> {
    Ok(ledger::LedgerKey::from_seed("test.example/hikeshi", &[7; 32])?)
}
