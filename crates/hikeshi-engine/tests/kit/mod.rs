//! A town to test in: a real store, a stopped clock, a policy, and commands as people would give them.

mod hands;
mod words;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::emergency::{self, Emergency};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{EmergencyId, IncidentId, PersonId, RequestKey};
use hikeshi_domain::incident::{self, Incident};
use hikeshi_domain::ledger::{Entry, LedgerKey};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::clock::{Clock, StoppedClock};
use hikeshi_engine::door::{Answer, Door, Fault, Receipt};
use hikeshi_engine::{Engine, Options, Probe};
use hikeshi_store::testing::Scratch;
use hikeshi_store::{KeptEntry, Reader, Store};
use jiff::SignedDuration;

pub use hands::{Act, Hands, Sight};
pub use words::*;

pub const BEGIN: &str = "2026-11-22T03:00:00Z";

pub struct Town {
    pub store: Store,
    pub clock: Arc<StoppedClock>,
    pub hands: Arc<Hands>,
    pub checkpoint_file: Option<std::path::PathBuf>,
    pub probe: Option<Arc<dyn Probe>>,
    pub background: bool,
}

/// Runs one test on its own runtime and store.
pub fn town<F: Future<Output = ()>>(scratch: &Scratch, test: impl FnOnce(Town) -> F) {
    town_within(Duration::from_secs(100), scratch, test);
}

pub fn town_within<F: Future<Output = ()>>(limit: Duration, scratch: &Scratch, test: impl FnOnce(Town) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let store = Store::open(scratch.location()).expect("the store opens");
    let last = store.clone();
    let clock = Arc::new(StoppedClock::new(BEGIN.parse().expect("a time")));
    let town = Town { store, clock, hands: Arc::default(), checkpoint_file: None, probe: None, background: true };
    runtime.block_on(async { tokio::time::timeout(limit, test(town)).await.expect("the test ends in time") });
    runtime.shutdown_timeout(Duration::from_secs(2));
    let verdict = last.read(|reader| reader.verify([])).expect("the ledger is readable");
    assert_eq!(verdict.fault, None, "whatever happened, the ledger is sound");
    let comparison = last.read(|reader| reader.compare()).expect("the tables are readable");
    assert!(comparison.agrees(), "whatever happened, the tables are what the ledger says: {comparison:?}");
}

impl Town {
    pub fn options(&self, node: &str) -> Options {
        Options {
            store: self.store.clone(),
            outside: Arc::clone(&self.hands) as Arc<_>,
            clock: Arc::clone(&self.clock) as Arc<_>,
            probe: self.probe.clone(),
            signer: LedgerKey::from_seed("test.example/ledger", &[7; 32]).expect("a key"),
            node: node.to_owned(),
            lease_s: 1,
            checkpoint_file: self.checkpoint_file.clone(),
            masked: vec!["hunter2-correct-horse".to_owned()],
            background: self.background,
        }
    }

    pub async fn start(&self, node: &str) -> Engine {
        Engine::start(self.options(node)).await.expect("the engine starts")
    }

    /// An engine in a workspace whose policy is adopted.
    pub async fn open(&self) -> Engine {
        let engine = self.start("one").await;
        adopt(&engine.door(), policy()).await;
        engine
    }

    pub fn pass(&self, minutes: i64) {
        self.clock.move_by(SignedDuration::from_mins(minutes));
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads on a thread of its own: the store blocks, which a thread of the runtime must not. A connection that a test has cut is
    /// noticed by the first read that meets it, so a passing error is asked again.
    pub fn read<T: Send>(&self, reads: impl Fn(&mut Reader<'_>) -> hikeshi_store::Result<T> + Send + Sync) -> T {
        let patient = || {
            for _ in 0..20 {
                match self.store.read(&reads) {
                    Ok(read) => return read,
                    Err(error) if error.passing => std::thread::sleep(Duration::from_millis(20)),
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("the store cannot be read");
        };
        std::thread::scope(|scope| scope.spawn(patient).join()).expect("the reading ends")
    }

    pub fn kept(&self) -> Vec<KeptEntry> {
        self.read(|reader| {
            let mut kept = Vec::new();
            reader.walk(0, &mut |entry| {
                kept.push(entry);
                std::ops::ControlFlow::Continue(())
            })?;
            Ok(kept)
        })
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.kept().iter().map(|kept| serde_json::from_slice(&kept.bytes).expect("an entry")).collect()
    }

    pub fn kinds(&self) -> Vec<String> {
        self.entries().into_iter().map(|entry| entry.kind).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|found| *found == kind).count()
    }

    fn facts(&self, needs: &Needs) -> Facts {
        self.read(|reader| {
            let mut facts = Facts::default();
            reader.load(needs, self.now(), &mut facts)?;
            Ok(facts)
        })
    }

    pub fn incident(&self, id: IncidentId) -> Incident {
        self.facts(&Needs { incidents: [id].into(), ..Needs::default() }).incident(id).cloned().expect("the incident is there")
    }

    pub fn emergency(&self, id: EmergencyId) -> Emergency {
        self.facts(&Needs { emergencies: [id].into(), ..Needs::default() }).emergency(id).cloned().expect("the exception is there")
    }

    /// Waits, in real time, until something has come about.
    pub async fn until(&self, what: &str, mut reached: impl FnMut(&Self) -> bool) {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(40) {
            if reached(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come about: {what}; the ledger says {:?}, the hands {:?}", self.kinds(), self.hands.calls());
    }

    /// Nothing more is going on: no effect is on its way.
    pub async fn settled(&self) {
        self.until("no effect is on its way", |town| town.read(|reader| reader.outbox()).is_empty()).await;
    }

    /// An exception that is approved and watched.
    pub async fn watched(&self, door: &Door) -> EmergencyId {
        self.watched_with(door, plan()).await
    }

    async fn watched_with(&self, door: &Door, plan: emergency::Plan) -> EmergencyId {
        let id = self.requested_with(door, plan).await;
        self.approved(door, id).await;
        for witness in ["suzuki", "takahashi"] {
            give(door, witness, emergency::Command::Join { emergency: id }).await;
        }
        id
    }

    pub async fn requested(&self, door: &Door) -> EmergencyId {
        self.requested_with(door, plan()).await
    }

    async fn requested_with(&self, door: &Door, plan: emergency::Plan) -> EmergencyId {
        let incident = open_incident(door, "tanaka").await;
        let request = emergency::Command::Request { incident, conditions: conditions(), plan };
        give(door, "tanaka", request).await.made.expect("an id").parse().expect("an id")
    }

    pub async fn approved(&self, door: &Door, id: EmergencyId) {
        let digest = self.emergency(id).digest;
        give(door, "sato", emergency::Command::Approve { emergency: id, digest, judgement: "予約が止まっている".to_owned() }).await;
    }

    /// An exception whose backup is taken.
    pub async fn executing(&self, door: &Door) -> EmergencyId {
        self.executing_with(door, plan()).await
    }

    pub async fn executing_with(&self, door: &Door, plan: emergency::Plan) -> EmergencyId {
        let id = self.watched_with(door, plan).await;
        give(door, "tanaka", emergency::Command::Start { emergency: id }).await;
        self.until("the backup is taken", |town| town.emergency(id).status == emergency::Status::Executing).await;
        id
    }
}

pub async fn adopt(door: &Door, policy: Policy) {
    let command = Command::Policy(PolicyCommand::Adopt { policy: Box::new(policy) });
    let envelope = Envelope { key: key(), actor: Actor::Startup, via: Via::Inside, command };
    let answer = door.submit(envelope).await.expect("the door answers");
    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
}

pub fn key() -> RequestKey {
    static COUNTER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    RequestKey::new(format!("test-key-{}", COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed))).expect("a key")
}

pub fn person(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

pub fn who(name: &str) -> Actor {
    Actor::person(person(name))
}

pub fn by(name: &str, command: Command) -> Envelope {
    Envelope { key: key(), actor: who(name), via: Via::Api, command }
}

pub async fn submit(door: &Door, name: &str, command: Command) -> Result<Answer, Fault> {
    door.submit(by(name, command)).await
}

pub async fn done(door: &Door, name: &str, command: Command) -> Receipt {
    match submit(door, name, command).await.expect("the door answers") {
        Answer::Done(receipt) => receipt,
        other => panic!("not done: {other:?}"),
    }
}

pub async fn refused(door: &Door, name: &str, command: Command) -> (Refusal, Option<u64>) {
    match submit(door, name, command).await.expect("the door answers") {
        Answer::Refused { refusal, seq } => (refusal, seq),
        other => panic!("not refused: {other:?}"),
    }
}

pub async fn give(door: &Door, name: &str, command: emergency::Command) -> Receipt {
    done(door, name, Command::Emergency(command)).await
}

pub async fn open_incident(door: &Door, name: &str) -> IncidentId {
    done(door, name, opening("予約ページが開かない")).await.case.expect("a case")
}

pub fn opening(title: &str) -> Command {
    Command::Incident(incident::Command::Open {
        title: title.to_owned(),
        summary: String::new(),
        service: "reservation".parse().expect("a name"),
        environment: "production".parse().expect("a name"),
        triage: serious(),
        detected_at: None,
    })
}

pub fn note(incident: IncidentId, text: &str) -> Command {
    Command::Incident(incident::Command::Note { incident, text: text.to_owned() })
}
