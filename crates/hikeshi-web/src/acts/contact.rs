//! Acts on the ways to reach people: sending a test page, and saying that one arrived.

use hikeshi_domain::command::Command;
use hikeshi_domain::contact;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::page::Means;
use hikeshi_text::page::Words;
use hikeshi_text::{Sentence, label};

use super::Input;
use super::show::{Act, Field, FieldKind, Weight};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    Ok(Command::Contact(match kind {
        "contact.test" => {
            let people: Vec<PersonId> = input.parse_all("person", t.oncall_who())?;
            let typed = input.text("typed");
            // Nobody wakes a whole team with one careless tap.
            if people.is_empty() && typed.trim() != t.contacts_all_word() {
                return Err(input.unreadable(t.contacts_all_typed(), &typed));
            }
            contact::Command::Test { people, means: None }
        }
        "contact.confirm" => contact::Command::Confirm { means: input.code("means", t.contacts_means())?, number: None },
        "contact.remove_browser" => contact::Command::RemoveBrowser { browser: input.code("browser", t.browsers_title())? },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

pub fn test(viewer: &Viewer, person: &PersonId) -> Act {
    Act::new(viewer, "contact.test").id_part(person).hidden("person", person).cli(format!("hikeshi contact test {person}"))
}

pub fn test_everybody(viewer: &Viewer) -> Act {
    let t = Words(viewer.lang);
    Act::new(viewer, "contact.test")
        .label(t.contacts_test_all())
        .lead(t.contacts_test_all_lead())
        .weight(Weight::Danger)
        .cli("hikeshi contact test --all")
        .with(Field::new(FieldKind::Typed, "typed", t.contacts_all_typed()))
}

pub fn confirm(viewer: &Viewer, means: Means) -> Act {
    let by = label::page_means(viewer.lang, means);
    Act::new(viewer, "contact.confirm")
        .id_part(means.code())
        .label(format!("{} ({by})", label::command(viewer.lang, "contact.confirm")))
        .hidden("means", means.code())
        .weight(Weight::Primary)
        .cli(format!("hikeshi contact confirm {}", means.code()))
}

pub fn remove_browser(viewer: &Viewer, browser: &contact::Browser) -> Act {
    Act::new(viewer, "contact.remove_browser").id_part(browser.id.short()).hidden("browser", browser.id)
}
