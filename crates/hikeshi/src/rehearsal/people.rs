//! The people of the rehearsal, each with their own token, each over HTTP like a real user.

use std::collections::BTreeMap;

use hikeshi_domain::account;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_engine::door::{Answer, Door};
use hikeshi_text::{Lang, terminal};

use super::workspace::{EVERYONE, Workspace};
use crate::fail::{Failure, Result};
use crate::reach::{Reach, Remote, sign_in_link};
use crate::secret;

pub struct People {
    reach: BTreeMap<&'static str, Reach>,
    lang: Lang,
    url: String,
    door: Door,
}

impl People {
    /// Signs everyone in who has no valid token yet: a one-time link, used over HTTP, and with it a token of their own.
    pub async fn sign_in(workspace: &Workspace, door: &Door, lang: Lang) -> Result<Self> {
        let mut reach = BTreeMap::new();
        for person in EVERYONE {
            reach.insert(person, Reach::remote(&workspace.url(), Some(workspace.token(person)), lang)?);
        }
        let people = Self { reach, lang, url: workspace.url(), door: door.clone() };
        for person in EVERYONE {
            if people.of(person)?.now().await.is_ok() {
                continue;
            }
            let secret = secret::fresh()?;
            invite(&people.door, person, &secret, lang).await?;
            let session = Remote::by_link(&sign_in_link(&people.url, &secret), lang).await?;
            let token = workspace.token(person);
            let command = account::Command::IssueToken {
                label: terminal::rehearsal_token(lang),
                secret: secret::digest(&token),
                only: None,
                calendar: false,
                valid_days: 7,
            };
            session.submit(&Command::Account(command), &secret::request_key()?, false).await?;
        }
        Ok(people)
    }

    pub fn of(&self, person: &str) -> Result<&Reach> {
        self.reach.get(person).ok_or_else(|| Failure::Failed(terminal::not_found(self.lang, person)))
    }

    /// A fresh one-time link, for the browser of whoever looks around.
    pub async fn link(&self, person: &str) -> Result<String> {
        let secret = secret::fresh()?;
        invite(&self.door, person, &secret, self.lang).await?;
        Ok(sign_in_link(&self.url, &secret))
    }
}

pub fn id(person: &str) -> Result<PersonId> {
    Ok(PersonId::new(person)?)
}

/// The one act that is not done over HTTP: sign-in links come from the server itself.
async fn invite(door: &Door, person: &str, secret: &str, lang: Lang) -> Result<()> {
    let command = account::Command::Invite { person: id(person)?, secret: secret::digest(secret), valid_min: 240 };
    let envelope = Envelope { key: secret::request_key()?, actor: Actor::Startup, via: Via::Inside, command: Command::Account(command) };
    match door.submit(envelope).await.map_err(|fault| crate::reach::fault_failure(&fault, lang))? {
        Answer::Done(_) | Answer::Already(_) => Ok(()),
        Answer::Refused { refusal, seq } => Err(Failure::Refused { refusal: Box::new(refusal), seq }),
    }
}
