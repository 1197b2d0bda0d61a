//! `hikeshi contact …`: whether a page would arrive.

use clap::Subcommand;
use hikeshi_domain::command::Command;
use hikeshi_domain::contact;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::page::Means;
use hikeshi_engine::look::ContactsView;
use hikeshi_text::{Names, label, page, terminal};

use super::Caller;
use super::incident::code;
use crate::fail::Result;
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List,
    Test {
        people: Vec<PersonId>,
        #[arg(long, conflicts_with = "people")]
        all: bool,
        #[arg(long, value_parser = code::<Means>)]
        by: Option<Means>,
    },
    Confirm {
        #[arg(value_parser = code::<Means>)]
        by: Means,
    },
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::List => {
            let view = caller.reach.contacts().await?;
            let names = caller.names().await?;
            caller.out.data(&view, || text_of(&view, &names, caller));
        }
        Verb::Test { mut people, all, by } => {
            if people.is_empty() && !all {
                people.push(caller.reach.me().await?);
            }
            caller.submit_and_tell(Command::Contact(contact::Command::Test { people, means: by }), None).await?;
            caller.out.hint(&terminal::contact_next(caller.lang));
        }
        Verb::Confirm { by } => {
            let next = Some("hikeshi contact list".to_owned());
            caller.submit_and_tell(Command::Contact(contact::Command::Confirm { means: by, number: None }), next).await?;
        }
    }
    Ok(())
}

fn text_of(view: &ContactsView, names: &Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let mut text = format!("{}\n", show::paint(show::BOLD, &terminal::contacts_called(lang)));
    for step in &view.steps {
        let people: Vec<String> = step.people.iter().map(|person| names.person(lang, person)).collect();
        let people = if people.is_empty() { page::Words(lang).contacts_nobody().to_owned() } else { people.join(", ") };
        text.push_str(&format!("  {}. {}: {people}\n", step.step, page::contacts_after(lang, step.after_min)));
    }
    let mut rows = Vec::new();
    for person in view.people.iter().filter(|person| person.called || !person.ways.is_empty()) {
        let name = names.person(lang, &person.person);
        if person.ways.is_empty() {
            rows.push(vec![format!("! {name}"), String::new(), String::new(), page::Words(lang).contacts_no_way().to_owned()]);
        }
        for way in &person.ways {
            rows.push(vec![
                format!("{} {name}", if way.proven_at.is_some() { " " } else { "!" }),
                label::page_means(lang, way.means).to_owned(),
                terminal::contact_proven(lang, names.zone(), way.proven_at, view.at),
                page::contact_state(lang, way.contact.as_ref()),
            ]);
        }
    }
    text.push_str(&show::table(&[], &rows));
    text
}
