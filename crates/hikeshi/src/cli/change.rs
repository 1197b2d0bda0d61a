//! `hikeshi change …`: telling of a change, and what changed lately.

use clap::{Args, Subcommand};
use hikeshi_domain::Timestamp;
use hikeshi_domain::change::{self, Change};
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{EnvironmentName, ServiceName};
use hikeshi_engine::look::ChangesAround;
use hikeshi_text::{Names, terminal};

use super::Caller;
use crate::fail::Result;
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Record(RecordArgs),
    List {
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    title: String,
    #[arg(long)]
    service: Option<ServiceName>,
    #[arg(long)]
    environment: Option<EnvironmentName>,
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[arg(long, default_value = "")]
    details: String,
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::Record(RecordArgs { title, service, environment, link, at, details }) => {
            let command = change::Command::Record { title, details, service, environment, link, at };
            caller.submit_and_tell(Command::Change(command), Some("hikeshi change list".to_owned())).await.map(drop)
        }
        Verb::List { limit } => {
            let view = caller.reach.changes(limit).await?;
            let names = caller.names().await?;
            caller.out.data(&view, || {
                if view.changes.is_empty() { terminal::no_changes(caller.lang) } else { rows(&view.changes, &names, view.at, caller) }
            });
            Ok(())
        }
    }
}

fn rows(changes: &[Change], names: &Names, now: Timestamp, caller: &Caller<'_>) -> String {
    let rows: Vec<Vec<String>> = changes.iter().map(|change| terminal::change_cells(caller.lang, change, names, now)).collect();
    show::table(&[], &rows)
}

/// The first of what changed around an incident, its own place first; the rest is in `--json` and on the page.
const SHOWN: usize = 10;

pub fn around(view: &ChangesAround, names: &Names, now: Timestamp, caller: &Caller<'_>) -> Option<String> {
    let total = view.here_total.saturating_add(view.elsewhere_total);
    if total == 0 {
        return None;
    }
    let listed: Vec<Change> = view.here.iter().chain(&view.elsewhere).take(SHOWN).cloned().collect();
    let mut text = format!("{}\n{}", terminal::changes_heading(caller.lang), rows(&listed, names, now, caller));
    let more = total.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
    if more > 0 {
        text = format!("{}\n{}\n", text.trim_end(), terminal::changes_unlisted(caller.lang, more));
    }
    Some(text)
}
