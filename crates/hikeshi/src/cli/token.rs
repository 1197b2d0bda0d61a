//! `hikeshi token …`: API tokens. The secret is made here, shown once, and known to the ledger only by its digest.

use clap::Subcommand;
use hikeshi_domain::account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{PersonId, RoleName, TokenId};
use hikeshi_text::terminal;
use serde_json::json;

use super::Caller;
use crate::fail::Result;
use crate::{secret, show};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Issue {
        label: String,
        #[arg(long, value_delimiter = ',')]
        only: Option<Vec<RoleName>>,
        #[arg(long, conflicts_with = "only")]
        calendar: bool,
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
        valid_days: u32,
    },
    List,
    Revoke {
        person: PersonId,
        token: TokenId,
    },
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    let lang = caller.lang;
    match verb {
        Verb::Issue { label, only, calendar, valid_days } => {
            let secret = secret::fresh()?;
            let command = account::Command::IssueToken { label, secret: secret::digest(&secret), only, calendar, valid_days };
            let done = caller.submit(Command::Account(command)).await?;
            caller.out.data(&json!({"already": done.already, "dry_run": done.dry_run, "receipt": done.receipt, "token": (!done.dry_run).then_some(&secret)}), || {
                terminal::token_issued(lang, &secret, valid_days, done.dry_run)
            });
        }
        Verb::List => {
            let people = caller.reach.people().await?;
            let names = caller.names().await?;
            let now = crate::now();
            let rows: Vec<_> = people.iter().flat_map(|view| view.tokens.iter().map(move |token| (view, token))).collect();
            let data: Vec<_> = rows.iter().map(|(view, token)| json!({"person": view.id, "token": token})).collect();
            caller.out.data(&data, || {
                if rows.is_empty() {
                    return terminal::no_tokens(lang);
                }
                let cells: Vec<Vec<String>> = rows
                    .iter()
                    .map(|(view, token)| {
                        let only = token.only.as_ref().map_or_else(|| terminal::all_roles(lang), |only| names.roles(lang, only));
                        vec![
                            token.token.to_string(),
                            view.id.to_string(),
                            only,
                            terminal::moment(lang, names.zone(), token.expires_at, now),
                            token.label.clone(),
                        ]
                    })
                    .collect();
                show::table(&terminal::token_headings(lang), &cells)
            });
        }
        Verb::Revoke { person, token } => {
            caller.submit_and_tell(Command::Account(account::Command::RevokeToken { person, token }), None).await?;
        }
    }
    Ok(())
}
