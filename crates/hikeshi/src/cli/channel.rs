//! `hikeshi channel …`: the workspace's own public channel.

use clap::Subcommand;
use hikeshi_domain::channel;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{ChannelName, IncidentId};
use hikeshi_text::terminal;

use super::Caller;
use super::incident::PageArgs;
use crate::fail::Result;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show {
        channel: ChannelName,
        #[command(flatten)]
        page: PageArgs,
    },
    Post {
        channel: ChannelName,
        text: String,
        #[arg(long)]
        incident: Option<IncidentId>,
    },
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::Post { channel, text, incident } => {
            caller.submit_and_tell(Command::Channel(channel::Command::Post { channel, text, incident }), None).await?;
        }
        Verb::Show { channel, page } => {
            let view = caller.reach.channel(&channel, page.before, page.limit).await?;
            let names = caller.names().await?;
            let lang = caller.lang;
            let now = crate::now();
            caller.out.data(&view, || {
                if view.posts.rows.is_empty() {
                    return terminal::channel_empty(lang, channel.as_str());
                }
                let mut text = String::new();
                for row in view.posts.rows.iter().rev() {
                    let at = terminal::moment(lang, names.zone(), row.at, now);
                    let who = hikeshi_text::actor(lang, &row.actor, &names);
                    text.push_str(&format!("{at}  {who}\n  {}\n", hikeshi_text::post(lang, &row.post, &names).replace('\n', "\n  ")));
                }
                text
            });
            if let Some(older) = view.posts.older {
                caller.out.hint(&terminal::more_with(lang, &format!("--before {older}")));
            }
        }
    }
    Ok(())
}
