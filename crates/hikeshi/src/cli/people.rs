//! `hikeshi people …`: who is in the policy, and one-time sign-in links for them.

use clap::Subcommand;
use hikeshi_domain::account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::PersonId;
use hikeshi_text::terminal;
use serde_json::json;

use super::Caller;
use crate::fail::Result;
use crate::{secret, show};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List,
    Invite {
        person: PersonId,
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=10_080))]
        valid_min: u32,
    },
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    let lang = caller.lang;
    match verb {
        Verb::List => {
            let people = caller.reach.people().await?;
            let names = caller.names().await?;
            caller.out.data(&people, || {
                let rows: Vec<Vec<String>> = people
                    .iter()
                    .map(|view| {
                        vec![
                            view.id.to_string(),
                            view.person.name.clone(),
                            names.roles(lang, &view.person.roles),
                            terminal::credentials(lang, view.passkeys.len(), view.tokens.len()),
                        ]
                    })
                    .collect();
                show::table(&terminal::people_headings(lang), &rows)
            });
        }
        Verb::Invite { person, valid_min } => {
            let secret = secret::fresh()?;
            let command = account::Command::Invite { person: person.clone(), secret: secret::digest(&secret), valid_min };
            let done = caller.submit(Command::Account(command)).await?;
            let link = crate::reach::sign_in_link(&caller.reach.public_url(), &secret);
            // The link is shown once and kept nowhere.
            caller.out.data(&json!({"already": done.already, "dry_run": done.dry_run, "receipt": done.receipt, "link": (!done.dry_run).then_some(&link)}), || {
                terminal::invited(lang, person.as_str(), &link, valid_min, done.dry_run)
            });
        }
    }
    Ok(())
}
