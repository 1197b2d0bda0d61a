//! `hikeshi policy …`: the policy in force, one that waits, and reloading the file.

use clap::Subcommand;
use hikeshi_domain::command::{Command, PolicyCommand};
use hikeshi_domain::ids::Digest;
use hikeshi_text::{label, terminal};
use serde_json::json;

use super::Caller;
use crate::fail::{Failure, Result};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show,
    Reload,
    Approve {
        #[arg(long, value_parser = digest)]
        digest: Option<Digest>,
    },
    Reject {
        reason: String,
        #[arg(long, value_parser = digest)]
        digest: Option<Digest>,
    },
}

pub fn digest(given: &str) -> std::result::Result<Digest, String> {
    Digest::parse(given.trim()).ok_or_else(|| "a digest is 64 lower case hex digits".to_owned())
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::Show => show(caller).await,
        Verb::Reload => {
            // The file is read where the command is typed: only somebody who may adopt a policy can, and the door checks that.
            let config =
                crate::config::read(&caller.global.config).map_err(|error| super::check::mistakes(&error, caller.lang, caller.out))?;
            let policy = Box::new(config.adopted_policy());
            caller.submit_and_tell(Command::Policy(PolicyCommand::Adopt { policy }), Some("hikeshi policy show".to_owned())).await?;
            Ok(())
        }
        Verb::Approve { digest } => {
            let digest = waiting_digest(digest, caller).await?;
            caller.submit_and_tell(Command::Policy(PolicyCommand::Approve { digest }), None).await?;
            Ok(())
        }
        Verb::Reject { reason, digest } => {
            let digest = waiting_digest(digest, caller).await?;
            caller.submit_and_tell(Command::Policy(PolicyCommand::Reject { digest, reason }), None).await?;
            Ok(())
        }
    }
}

async fn show(caller: &Caller<'_>) -> Result<()> {
    let lang = caller.lang;
    let policy = caller.reach.policy().await?;
    let pending = caller.reach.now().await?.pending_policy;
    let names = hikeshi_text::Names::of(&policy);
    caller.out.data(&json!({"digest": policy.digest(), "policy": &*policy, "pending": pending}), || {
        let mut text = terminal::policy_in_force(lang, &policy.workspace.name, &policy.digest().to_string(), policy.people.len());
        if let Some(pending) = &pending {
            text.push('\n');
            text.push_str(&terminal::policy_waits(lang, &pending.digest.to_string(), pending.approved_by.len()));
            for weakening in &pending.weakenings {
                text.push_str(&format!("\n  - {}", label::weakening(lang, weakening, &names)));
            }
        }
        text
    });
    Ok(())
}

/// The digest that the person read: given, or typed after the change was shown.
async fn waiting_digest(given: Option<Digest>, caller: &Caller<'_>) -> Result<Digest> {
    if let Some(digest) = given {
        return Ok(digest);
    }
    show(caller).await?;
    let pending = caller.reach.now().await?.pending_policy;
    let Some(pending) = pending else { return Err(Failure::NotFound(terminal::no_policy_waits(caller.lang))) };
    let expected = pending.digest.short();
    let typed = caller.confirmation(&terminal::type_digest(caller.lang), &expected).await?;
    typed_digest(&typed, pending.digest, caller)
}

/// Accepts the whole digest or at least its first 12 digits.
pub fn typed_digest(typed: &str, current: Digest, caller: &Caller<'_>) -> Result<Digest> {
    let typed = typed.trim();
    if typed.len() >= 12 && current.to_string().starts_with(typed) {
        return Ok(current);
    }
    Digest::parse(typed).ok_or_else(|| Failure::Usage(terminal::digest_differs(caller.lang)))
}
