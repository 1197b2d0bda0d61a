//! The start-up's own acts at the door: adopting the policy of the file, and the first administrator's one-time link.

use hikeshi_domain::account;
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::ids::{Digest, PersonId, RoleName};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::Answer;
use hikeshi_text::Lang;

use super::{Running, blocking};
use crate::config::Config;
use crate::fail::{Failure, Result};
use crate::secret;

/// What became of the file's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    Same,
    Now(Digest),
    /// It loosens a four-eyes rule and waits for two other people (rule A3).
    Waiting(Digest),
}

pub async fn adopt(running: &Running, config: &Config, lang: Lang) -> Result<Adopted> {
    let policy = config.adopted_policy();
    let digest = policy.digest();
    let workspace = head(running).await?;
    if workspace.policy.as_ref().is_some_and(|held| held.digest() == digest) {
        return Ok(Adopted::Same);
    }
    if workspace.pending.is_some_and(|pending| pending.digest == digest) {
        return Ok(Adopted::Waiting(digest));
    }
    match submit(running, Command::Policy(PolicyCommand::Adopt { policy: Box::new(policy) }), lang).await {
        Err(Failure::Refused { refusal, .. }) if *refusal == Refusal::PolicyUnchanged => return Ok(Adopted::Same),
        other => other?,
    }
    let in_force = head(running).await?.policy.is_some_and(|held| held.digest() == digest);
    Ok(if in_force { Adopted::Now(digest) } else { Adopted::Waiting(digest) })
}

async fn head(running: &Running) -> Result<hikeshi_domain::facts::WorkspaceState> {
    let store = running.store().clone();
    blocking(move || Ok(store.read(|reader| Ok(reader.head()?.workspace))?)).await
}

async fn submit(running: &Running, command: Command, lang: Lang) -> Result<()> {
    let envelope = Envelope { key: secret::request_key()?, actor: Actor::Startup, via: Via::Inside, command };
    match running.door().submit(envelope).await.map_err(|fault| crate::reach::fault_failure(&fault, lang))? {
        Answer::Done(_) | Answer::Already(_) => Ok(()),
        Answer::Refused { refusal, seq } => Err(Failure::Refused { refusal: Box::new(refusal), seq }),
    }
}

pub enum FirstLink {
    Made { person: PersonId, secret: String },
    NotNeeded,
    NoAdmin,
}

/// When no administrator can sign in by any means, one gets a link. Links that were never used do not count as means: they may be lost.
pub async fn first_link(running: &Running, valid_min: u32, lang: Lang) -> Result<FirstLink> {
    let Some(policy) = head(running).await?.policy else { return Ok(FirstLink::NoAdmin) };
    let admins = policy.people_with(&[RoleName::new("admin")?]);
    let Some(person) = admins.first().cloned() else { return Ok(FirstLink::NoAdmin) };
    let store = running.store().clone();
    let now = crate::now();
    let means = move |account: &account::Account| {
        !account.passkeys.is_empty()
            || account.tokens.values().any(|token| token.expires_at > now)
            || account.sessions.iter().any(|session| session.expires_at > now)
    };
    let can_sign_in =
        move || Ok(store.read(|reader| Ok(reader.accounts()?.iter().filter(|account| admins.contains(&account.person)).any(means)))?);
    if blocking(can_sign_in).await? {
        return Ok(FirstLink::NotNeeded);
    }
    let secret = secret::fresh()?;
    let invite = account::Command::Invite { person: person.clone(), secret: secret::digest(&secret), valid_min };
    submit(running, Command::Account(invite), lang).await?;
    Ok(FirstLink::Made { person, secret })
}
