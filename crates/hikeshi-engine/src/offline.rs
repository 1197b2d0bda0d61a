//! Local ledgers at the door: entering one with an SSH key, telling the server of one, and taking one in.
//!
//! What is examined, and what follows, is `hikeshi_domain::offline`; here is only in which order: everything is verified, then its contents
//! are kept, then one command brings it in. Killed in between, the same parcel is sent again and comes in once.

use std::sync::Arc;

use hikeshi_domain::account;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::{Digest, IncidentId, PersonId, RequestKey};
use hikeshi_domain::ledger::Files;
use hikeshi_domain::offline::{self, Announced, Around, Home, LocalFlaw, entrant, examine, parcel};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::refusal::Refusal;
use hikeshi_store::StoreError;

use crate::door::{Answer, Door, Fault, Receipt, inside_key};
use crate::recording::unpack;

impl Door {
    /// The name of this ledger, if it is one that is kept while the server is away.
    pub async fn local_ledger(&self) -> Result<Option<String>, Fault> {
        let policy = self.read(|reader| Ok(reader.head()?.workspace.policy)).await?;
        Ok(policy.and_then(|policy| policy.local.as_ref().map(|local| local.ledger.clone())))
    }

    /// Gives a token to whoever has signed for it with a key of the trust bundle.
    pub async fn enter(&self, statement: String, signature: String, label: String) -> Result<Answer, Fault> {
        let policy = self.read(|reader| Ok(reader.head()?.workspace.policy)).await?;
        let Some(policy) = policy else { return Ok(Answer::Refused { refusal: Refusal::NotLocal, seq: None }) };
        let now = self.inside.clock.now();
        let person = match entrant(&policy, &statement, &signature, now) {
            Ok(entered) => entered.by.clone(),
            // Nobody is known who could be written down as having asked.
            Err(refusal) => return Ok(Answer::Refused { refusal, seq: None }),
        };
        let key = inside_key(&["enter", &Digest::of(statement.as_bytes()).to_string()]);
        let command = Command::Account(account::Command::Enter { statement, signature, label });
        self.submit(Envelope { key, actor: Actor::person(person), via: Via::Cli, command }).await
    }

    /// A machine tells of an exception that is kept there. The same one is told of once.
    pub async fn announce_offline(&self, by: PersonId, case: Announced) -> Result<Answer, Fault> {
        let key = inside_key(&["away", &Digest::of(case.ledger.as_bytes()).to_string()]);
        let told = of_recorder(key, offline::Command::Announce { by, case });
        // Under this key a refusal would stand for ever, and keep the ledger itself outside.
        match self.rehearse(told.clone()).await? {
            refused @ Answer::Refused { .. } => Ok(refused),
            Answer::Done(_) | Answer::Already(_) => self.submit(told).await,
        }
    }

    /// Takes in a local ledger, or says why not. Sent twice, it comes in once.
    pub async fn reconcile(&self, by: PersonId, sent: Vec<u8>) -> Result<Answer, Fault> {
        let sealer = Arc::clone(&self.inside.sealer);
        let (now, tried) = (self.inside.clock.now(), Digest::of(&sent));
        let examined = self.blocking(move |store| {
            let Some(policy) = store.read(|reader| reader.head())?.workspace.policy else { return Ok(None) };
            let Some(files) = parcel::unpack(&sent) else { return Ok(Some(Err(LocalFlaw::Unreadable { part: "parcel".to_owned() }))) };
            let around = Around { server: sealer.verifier(), policy: &policy, now, unpack: &unpack };
            Ok(Some(examine(&files, &around).map(|home| (files, home))))
        });
        let (files, home) = match examined.await? {
            None => return Ok(Answer::Refused { refusal: Refusal::UnknownActor, seq: None }),
            Some(Err(flaw)) => {
                let key = inside_key(&["turned-away", &tried.to_string(), &now.as_nanosecond().to_string()]);
                return self.submit(of_recorder(key, offline::Command::TurnAway { by, flaw })).await;
            }
            Some(Ok(examined)) => examined,
        };
        let told = self.announce_offline(by.clone(), home.announced()).await?;
        let (Answer::Done(Receipt { case: Some(incident), .. }) | Answer::Already(Receipt { case: Some(incident), .. })) = told else {
            return Ok(told);
        };
        self.keep(files).await?;
        self.bring_in(by, incident, home).await
    }

    async fn keep(&self, files: Files) -> Result<(), Fault> {
        self.blocking(move |store| {
            store.put_content(&parcel::kept(&files))?;
            for (digest, bytes) in parcel::contents(&files) {
                if store.put_content(bytes)? != digest {
                    return Err(StoreError { doing: "keep a content", detail: format!("{digest} is another"), passing: false });
                }
            }
            Ok(())
        })
        .await
    }

    async fn bring_in(&self, by: PersonId, incident: IncidentId, home: Home) -> Result<Answer, Fault> {
        let key = inside_key(&["home", &Digest::of(home.ledger.as_bytes()).to_string(), &home.root.to_string()]);
        self.submit(of_recorder(key, offline::Command::Import { by, incident, home: Box::new(home) })).await
    }
}

fn of_recorder(key: RequestKey, command: offline::Command) -> Envelope {
    Envelope { key, actor: Actor::Recorder, via: Via::Inside, command: Command::Offline(command) }
}
