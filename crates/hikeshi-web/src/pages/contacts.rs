//! Whether a page would arrive: whom an incident calls now, by what, and when that was last proven.

use askama::Template;
use axum::response::Response;
use hikeshi_domain::contact::Browser;
use hikeshi_domain::ids::PersonId;
use hikeshi_engine::look::{ContactsView, PersonContacts, Way};
use hikeshi_text::label;
use hikeshi_text::page::{self, Words};

use super::{Flash, Frame, Html, Query, act, html, time_html};
use crate::acts::{self, render};
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

struct WayRow {
    means: &'static str,
    class: &'static str,
    proven: Option<Html>,
    tested: Option<Html>,
    state: String,
}

struct Card {
    id: String,
    name: String,
    ways: Vec<WayRow>,
    form: Option<Html>,
}

struct BrowserRow {
    label: String,
    service: String,
    added: Html,
    form: Html,
}

struct Step {
    when: String,
    /// Each with whether anything reaches them.
    people: Vec<(String, bool)>,
}

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    paging: bool,
    confirm: Vec<Html>,
    steps: Vec<Step>,
    called: Vec<Card>,
    others: Vec<Card>,
    test_all: Option<Html>,
    /// Browsers of whoever looks; `None`: none can be subscribed.
    browsers: Option<Vec<BrowserRow>>,
    push_key: &'a str,
}

pub async fn get(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    show(&viewer, &query.flash()).await
}

pub async fn post(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, &flash).await,
    }
}

async fn show(viewer: &Viewer, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().contacts().await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(viewer, t.contacts_title(), view.size, view.at, flash)?;
    let waits = |way: &&Way| way.contact.as_ref().is_some_and(hikeshi_domain::contact::Contact::waits);
    let mine = view.people.iter().filter(|person| person.person == viewer.person).flat_map(|person| &person.ways).filter(waits);
    let confirm = mine.map(|way| render(viewer, &acts::confirm(viewer, way.means), flash)).collect::<Result<_, Fail>>()?;
    let cards = |called: bool| -> Result<Vec<Card>, Fail> {
        view.people.iter().filter(|person| person.called == called).map(|person| card(viewer, &view, person, flash)).collect()
    };
    let test_all = (view.may_test && view.paging).then(|| render(viewer, &acts::test_everybody(viewer), flash)).transpose()?;
    let row = |browser: &Browser| -> Result<BrowserRow, Fail> {
        Ok(BrowserRow {
            label: browser.label.clone(),
            service: browser.service.trim_start_matches("https://").to_owned(),
            added: time_html(viewer, browser.added_at, view.at),
            form: render(viewer, &acts::remove_browser(viewer, browser), flash)?,
        })
    };
    let push_key = viewer.app.push_key.as_deref().unwrap_or_default();
    let browsers = view.browsers.as_ref().filter(|_| !push_key.is_empty());
    let browsers = browsers.map(|browsers| browsers.iter().map(row).collect::<Result<_, Fail>>()).transpose()?;
    let template = ContactsTemplate {
        frame: &frame,
        t,
        paging: view.paging,
        confirm,
        steps: steps(viewer, &view),
        called: cards(true)?,
        others: cards(false)?,
        test_all,
        browsers,
        push_key,
    };
    html(&frame, &template)
}

fn steps(viewer: &Viewer, view: &ContactsView) -> Vec<Step> {
    let reached = |person: &PersonId| view.people.iter().any(|known| known.person == *person && !known.ways.is_empty());
    let named = |people: &[PersonId]| people.iter().map(|person| (viewer.names.person(viewer.lang, person), reached(person))).collect();
    let at_once = Step { when: Words(viewer.lang).contacts_at_once().to_owned(), people: named(&view.at_once) };
    let steps = view.steps.iter().map(|step| Step { when: page::contacts_after(viewer.lang, step.after_min), people: named(&step.people) });
    steps.chain((!view.at_once.is_empty()).then_some(at_once)).collect()
}

fn card(viewer: &Viewer, view: &ContactsView, person: &PersonContacts, flash: &Flash) -> Result<Card, Fail> {
    let row = |way: &Way| WayRow {
        means: label::page_means(viewer.lang, way.means),
        class: if way.proven_at.is_some() { "ok" } else { "unknown" },
        proven: way.proven_at.map(|at| time_html(viewer, at, view.at)),
        tested: way.contact.as_ref().map(|contact| time_html(viewer, contact.tested_at, view.at)),
        state: page::contact_state(viewer.lang, way.contact.as_ref()),
    };
    let may_test = view.may_test && !person.ways.is_empty();
    Ok(Card {
        id: person.person.to_string(),
        name: viewer.names.person(viewer.lang, &person.person),
        ways: person.ways.iter().map(row).collect(),
        form: may_test.then(|| render(viewer, &acts::test(viewer, &person.person), flash)).transpose()?,
    })
}
