//! `hikeshi status …`: what people outside the team see, and who reads it by mail.

use clap::Subcommand;
use hikeshi_domain::ids::ComponentName;
use hikeshi_domain::status::{Health, PublicText};
use hikeshi_text::time::Zone;
use hikeshi_text::{label, terminal};
use hikeshi_web::status::StatusAnswer;

use super::Caller;
use super::incident::code;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show,
    Subscribers,
    Forget { subscriber: u64 },
}

pub async fn run(verb: Option<Verb>, caller: &Caller<'_>) -> Result<()> {
    match verb {
        None | Some(Verb::Show) => show_page(caller).await,
        Some(Verb::Subscribers) => subscribers(caller).await,
        Some(Verb::Forget { subscriber }) => {
            caller.reach.forget_subscriber(subscriber).await?;
            caller.out.data(&serde_json::json!({"forgotten": subscriber}), || terminal::subscriber_forgotten(caller.lang, subscriber));
            Ok(())
        }
    }
}

async fn show_page(caller: &Caller<'_>) -> Result<()> {
    let answer = caller.reach.status().await?;
    caller.out.data(&answer, || text_of(&answer, caller));
    Ok(())
}

fn text_of(answer: &StatusAnswer, caller: &Caller<'_>) -> String {
    let (lang, page) = (caller.lang, &answer.page);
    let mut text = format!("{}\n", terminal::status_line(lang, label::page_name(lang, &page.title), page.worst, &page.url));
    let rows =
        page.components.iter().map(|one| vec![label::page_name(lang, &one.name).to_owned(), label::health(lang, one.health).to_owned()]);
    text.push_str(&show::table(&[], &rows.collect::<Vec<_>>()));
    for incident in page.incidents.iter().filter(|incident| incident.is_open()) {
        text.push_str(&format!("\n{}: {}", incident.incident, label::public_state(lang, incident.state)));
    }
    if let Some(directory) = &page.directory {
        text.push_str(&format!("\n{}", terminal::status_files(lang, directory, answer.files_trouble.as_deref())));
    }
    if page.mail {
        text.push_str(&format!("\n{}", terminal::status_subscribers(lang, page.subscribers)));
    }
    text
}

async fn subscribers(caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.subscribers().await?;
    let zone = Zone::named(&caller.reach.policy().await?.workspace.time_zone);
    caller.out.data(&view, || {
        if view.subscribers.is_empty() {
            return terminal::status_subscribers(caller.lang, 0);
        }
        let line =
            |one: &hikeshi_engine::look::SubscriberView| terminal::subscriber_line(caller.lang, one.id, &one.address, one.since, &zone);
        view.subscribers.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

/// What outsiders read.
#[derive(Debug, Clone, clap::Args)]
pub struct PublicArgs {
    #[arg(long, required_unless_present = "message_en")]
    message: Option<String>,
    #[arg(long)]
    message_en: Option<String>,
    #[arg(long = "component", value_name = "NAME=HEALTH")]
    components: Vec<String>,
}

impl PublicArgs {
    pub fn read(self, caller: &Caller<'_>) -> Result<(PublicText, std::collections::BTreeMap<ComponentName, Health>)> {
        let one = |given: &String| -> Option<(ComponentName, Health)> {
            let (name, health) = given.split_once('=')?;
            Some((name.trim().parse().ok()?, code(health.trim()).ok()?))
        };
        let bad = |given: &String| Failure::Usage(terminal::bad_component(caller.lang, given));
        let components = self.components.iter().map(|given| one(given).ok_or_else(|| bad(given))).collect::<Result<_>>()?;
        Ok((PublicText { ja: self.message, en: self.message_en }, components))
    }
}
