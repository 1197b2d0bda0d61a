//! The team of the tests with an engine over a store that is measured: hands that do nothing, the system's clock, no background work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::ids::{IncidentId, PersonId, RequestKey};
use hikeshi_domain::incident::{self, Business, Impact, Triage, Urgency};
use hikeshi_domain::ledger::LedgerKey;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_engine::clock::{Clock, SystemClock};
use hikeshi_engine::door::{Answer, Door};
use hikeshi_engine::{Engine, Options};
use hikeshi_store::{Location, Store};
use hikeshi_testkit::{Hands, people};

pub const LEDGER: &str = "bench.example/ledger";

pub fn key() -> anyhow::Result<LedgerKey> {
    Ok(LedgerKey::from_seed(LEDGER, &[7; 32])?)
}

/// Each store that is measured has its own: an engine does not write to a ledger that is shorter than what it signed before.
static STARTS: AtomicU32 = AtomicU32::new(0);

pub async fn start(location: Location, dir: &Path) -> anyhow::Result<Engine> {
    let number = STARTS.fetch_add(1, Ordering::Relaxed);
    let store = tokio::task::spawn_blocking(move || Store::open(&location)).await??;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = Options {
        store,
        outside: Arc::new(Hands::new(Arc::clone(&clock))),
        clock,
        probe: None,
        signer: key()?,
        node: "bench".to_owned(),
        lease_s: 15,
        checkpoint_file: Some(dir.join(format!("checkpoints-{}-{number}", std::process::id()))),
        masked: Vec::new(),
        background: false,
    };
    let engine = Engine::start(options).await?;
    let adopt = Command::Policy(PolicyCommand::Adopt { policy: Box::new(people::policy()?) });
    match engine.door().submit(Envelope { key: request("policy", 0), actor: Actor::Startup, via: Via::Inside, command: adopt }).await? {
        Answer::Done(_) | Answer::Already(_) => Ok(engine),
        Answer::Refused { refusal, .. } => bail!("the policy was refused: {refusal:?}"),
    }
}

pub fn request(what: &str, number: u64) -> RequestKey {
    RequestKey::of(&["bench", what, &std::process::id().to_string(), &number.to_string()])
}

pub fn actor() -> anyhow::Result<Actor> {
    Ok(Actor::person(PersonId::new("tanaka")?))
}

pub fn triage() -> Triage {
    Triage { impact: Impact::SomeUsers, business: Business::LostTrust, urgency: Urgency::CanBePlanned, priority_override: None }
}

pub fn open_command(number: u64) -> anyhow::Result<Command> {
    Ok(Command::Incident(incident::Command::Open {
        title: format!("予約ページの応答が遅い（{number}）"),
        summary: "夜間の一括処理と重なっている。".to_owned(),
        service: hikeshi_domain::ids::ServiceName::new("reservation")?,
        environment: hikeshi_domain::ids::EnvironmentName::new("production")?,
        triage: triage(),
        detected_at: None,
    }))
}

/// A command of ordinary weight: it reads an incident, is decided, and is recorded in about 400 bytes.
pub fn note_command(incident: IncidentId) -> Command {
    let text = "接続数を確認した。上限 100 に対して 97。遅い問い合わせは予約一覧の集計だけで、ほかは正常。".to_owned();
    Command::Incident(incident::Command::Note { incident, text })
}

pub async fn submit(door: &Door, key: RequestKey, actor: Actor, command: Command) -> anyhow::Result<Option<IncidentId>> {
    match door.submit(Envelope { key, actor, via: Via::Api, command }).await.context("submit")? {
        Answer::Done(receipt) | Answer::Already(receipt) => Ok(receipt.case),
        Answer::Refused { refusal, .. } => bail!("refused: {refusal:?}"),
    }
}
