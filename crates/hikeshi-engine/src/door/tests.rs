//! A decision that breaks costs its own command, and nothing else. The breaking is put in by the request key.

use std::sync::Arc;

use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::effect::{Contents, Doing, Effect, EffectKey, Outside, Performed, Seen};
use hikeshi_domain::ids::{IncidentId, PersonId, RequestKey};
use hikeshi_domain::incident;
use hikeshi_domain::ledger::LedgerKey;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_store::Store;
use hikeshi_store::testing::Scratch;

use super::{Answer, Door, Fault};
use crate::clock::SystemClock;
use crate::{Engine, Options};

/// Called by the code under test: breaks for keys that ask for it.
pub(super) fn break_at(place: &str, key: &RequestKey) {
    assert!(!key.as_str().starts_with(&format!("break-at-{place}")), "broken for a test");
}

struct Idle;

impl Outside for Idle {
    fn perform<'a>(&'a self, _effect: &'a Effect, _contents: &'a dyn Contents) -> Doing<'a, Performed> {
        Box::pin(std::future::pending())
    }
    fn look<'a>(&'a self, _effect: &'a Effect) -> Doing<'a, Seen> {
        Box::pin(std::future::pending())
    }
    fn tail(&self, _key: &EffectKey, _bytes_max: usize) -> Option<Vec<u8>> {
        None
    }
}

async fn opened(scratch: &Scratch) -> Engine {
    let location = scratch.location().clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&location)).await.expect("it ends").expect("the store opens");
    let options = Options {
        store,
        outside: Arc::new(Idle),
        clock: Arc::new(SystemClock),
        probe: None,
        signer: LedgerKey::from_seed("test.example/ledger", &[7; 32]).expect("a key"),
        node: "one".to_owned(),
        lease_s: 10,
        checkpoint_file: None,
        masked: Vec::new(),
        background: true,
    };
    let engine = Engine::start(options).await.expect("the engine starts");
    let policy = serde_json::from_str(include_str!("../../../hikeshi-domain/src/testing_policy.json")).expect("the test policy parses");
    let adopt = Command::Policy(PolicyCommand::Adopt { policy });
    let envelope = Envelope { key: RequestKey::of(&["the-first-policy"]), actor: Actor::Startup, via: Via::Inside, command: adopt };
    assert!(matches!(engine.door().submit(envelope).await, Ok(Answer::Done(_))));
    engine
}

fn note(key: &str) -> Envelope {
    let command = Command::Incident(incident::Command::Note { incident: IncidentId(1), text: key.to_owned() });
    let actor = Actor::person(PersonId::new("tanaka").expect("a handle"));
    Envelope { key: RequestKey::new(key).expect("a key"), actor, via: Via::Api, command }
}

async fn open_incident(door: &Door) {
    let command = Command::Incident(incident::Command::Open {
        title: "予約ページが開かない".to_owned(),
        summary: String::new(),
        service: "reservation".parse().expect("a name"),
        environment: "production".parse().expect("a name"),
        triage: incident::Triage {
            impact: incident::Impact::AllUsers,
            business: incident::Business::LostSales,
            urgency: incident::Urgency::Now,
            priority_override: None,
        },
        detected_at: None,
    });
    assert!(matches!(door.submit(Envelope { command, ..note("the-incident") }).await, Ok(Answer::Done(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_breaks_costs_only_its_own_command() {
    let scratch = Scratch::sqlite();
    let engine = opened(&scratch).await;
    let door = engine.door();
    open_incident(&door).await;
    for place in ["decide", "apply"] {
        let broken = format!("break-at-{place}-1");
        let (before, failed, after, again) = tokio::join!(
            door.submit(note(&format!("before-{place}"))),
            door.submit(note(&broken)),
            door.submit(note(&format!("after-{place}"))),
            door.submit(note(&format!("before-{place}"))),
        );
        assert!(matches!(before, Ok(Answer::Done(_))), "{before:?}");
        assert!(matches!(failed, Err(Fault::Broken { .. })), "{failed:?}");
        assert!(matches!(after, Ok(Answer::Done(_))), "{after:?}");
        assert!(matches!(again, Ok(Answer::Already(_))), "{again:?}");
        let rehearsed = door.rehearse(note(&format!("break-at-decide-{place}"))).await;
        assert!(matches!(rehearsed, Err(Fault::Broken { .. })), "{rehearsed:?}");
    }
    let timeline = door.look(&Actor::Startup).timeline(IncidentId(1), None, 50).await.expect("seen");
    let noted = timeline.rows.iter().filter(|entry| entry.kind == "incident.note").count();
    assert_eq!(noted, 4, "what broke left nothing behind");
    assert!(door.compare_tables().await.expect("compared").agrees());
    engine.stop().await;
}
