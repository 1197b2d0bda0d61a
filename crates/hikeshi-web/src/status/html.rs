//! The pages of outsiders. Style and script stand in the page itself; without the script everything is there all the same.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{ComponentName, Digest};
use hikeshi_domain::status::picture::{PlannedWork, PublicIncident};
use hikeshi_domain::status::{Health, PublicPost};
use hikeshi_engine::look::StatusView;
use hikeshi_text::page::Words;
use hikeshi_text::time::{self, Zone};
use hikeshi_text::{Lang, label, status};

use super::title;
use crate::fail::Fail;

/// A page that is older than this says that it may be old.
pub const STALE_S: u32 = 300;

const STYLE: &str = include_str!("../../assets/status.css");
const SCRIPT: &str = include_str!("../../assets/status.js");

/// For the pages as this server shows them: nothing but their own style and script.
pub fn content_security_policy() -> &'static str {
    static CSP: LazyLock<String> = LazyLock::new(|| {
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Digest::of(text.as_bytes()).0));
        format!(
            "default-src 'none'; script-src {}; style-src {}; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            hash(SCRIPT),
            hash(STYLE)
        )
    });
    &CSP
}

/// What every page has.
struct Head<'a> {
    lang: &'static str,
    other_lang: &'static str,
    other_name: &'static str,
    /// The same page in the other language.
    other: String,
    /// The way to the folder of this language.
    root: &'static str,
    name: &'a str,
    title: String,
    style: &'static str,
    script: &'static str,
    /// Seconds since 1970; 0: it does not get old.
    written: i64,
    stale_s: u32,
}

struct ComponentRow<'a> {
    name: &'a str,
    word: &'static str,
    class: &'static str,
}

struct IncidentRow {
    href: String,
    title: String,
    state: &'static str,
    class: &'static str,
    at: String,
    machine: String,
    /// The newest words.
    text: String,
    text_lang: &'static str,
}

struct WorkRow {
    word: &'static str,
    period: String,
    text: String,
    text_lang: &'static str,
    components: String,
}

struct PostRow {
    number: u32,
    state: &'static str,
    class: &'static str,
    at: String,
    machine: String,
    text: String,
    text_lang: &'static str,
    /// The words are of the other language.
    foreign: bool,
    components: Vec<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "status_index.html")]
struct IndexTemplate<'a> {
    t: Words,
    head: Head<'a>,
    overall: &'static str,
    overall_class: &'static str,
    as_of: String,
    components: Vec<ComponentRow<'a>>,
    open: Vec<IncidentRow>,
    works: Vec<WorkRow>,
    past: Vec<IncidentRow>,
    /// Empty: nobody can subscribe.
    subscribe: &'a str,
}

#[derive(Template)]
#[template(path = "status_incident.html")]
struct IncidentTemplate<'a> {
    t: Words,
    head: Head<'a>,
    state: &'static str,
    class: &'static str,
    components: Vec<ComponentRow<'a>>,
    /// Newest first.
    posts: Vec<PostRow>,
    /// Empty once nothing of it changes any more.
    as_of: String,
}

/// A page with a form, or with the answer to one.
pub struct Form<'a> {
    pub name: &'a str,
    pub title: &'a str,
    pub lead: &'a str,
    /// Where the form goes; empty: there is none.
    pub action: &'a str,
    pub button: &'a str,
    /// Whether an address is typed.
    pub asks: bool,
    /// What was wrong with it.
    pub bad: &'a str,
}

#[derive(Template)]
#[template(path = "status_form.html")]
struct FormTemplate<'a> {
    t: Words,
    head: Head<'a>,
    form: &'a Form<'a>,
}

pub fn form(lang: Lang, form: &Form<'_>, other: &str) -> Result<String, Fail> {
    let head = Head { title: format!("{} – {}", form.title, form.name), other: other.to_owned(), ..head(lang, form.name, "/status/") };
    rendered(&FormTemplate { t: Words(lang), head, form })
}

fn head<'a>(lang: Lang, name: &'a str, root: &'static str) -> Head<'a> {
    Head {
        lang: lang.tag(),
        other_lang: other(lang).tag(),
        other_name: status::other_language(lang),
        other: String::new(),
        root,
        name,
        title: name.to_owned(),
        style: STYLE,
        script: SCRIPT,
        written: 0,
        stale_s: STALE_S,
    }
}

fn other(lang: Lang) -> Lang {
    match lang {
        Lang::Ja => Lang::En,
        Lang::En => Lang::Ja,
    }
}

fn rendered(template: &impl Template) -> Result<String, Fail> {
    template.render().map_err(|error| Fail::Broken { detail: error.to_string() })
}

fn class(health: Health) -> &'static str {
    match health {
        Health::Operational => "good",
        Health::Maintenance => "work",
        Health::Degraded => "slow",
        Health::PartialOutage | Health::MajorOutage => "bad",
    }
}

/// One page in the making.
pub struct Page<'a> {
    pub view: &'a StatusView,
    pub lang: Lang,
    pub subscribe: &'a str,
}

impl<'a> Page<'a> {
    fn name(&self) -> &'a str {
        label::page_name(self.lang, &self.view.title)
    }

    fn zone(&self) -> Zone {
        Zone::named(&self.view.time_zone)
    }

    fn stamp(&self, at: Timestamp) -> String {
        time::stamp(self.lang, &self.zone(), at)
    }

    fn as_of(&self) -> String {
        status::as_of(self.lang, &self.zone(), self.view.at, STALE_S / 60)
    }

    fn component(&self, id: &ComponentName) -> Option<&'a str> {
        let found = self.view.components.iter().find(|component| component.component == *id);
        found.map(|component| label::page_name(self.lang, &component.name))
    }

    /// Words with the language in which they are written.
    fn said(&self, post: &PublicPost) -> (String, &'static str, bool) {
        let (text, foreign) = status::words(self.lang, &post.text, post.state);
        (text, if foreign { other(self.lang).tag() } else { self.lang.tag() }, foreign)
    }

    pub fn index(&self) -> Result<String, Fail> {
        let view = self.view;
        let other = match self.lang {
            Lang::Ja => "en/index.html",
            Lang::En => "../index.html",
        };
        let (open, past): (Vec<_>, Vec<_>) = view.incidents.iter().partition(|incident| incident.is_open());
        let components = view.components.iter().map(|one| ComponentRow {
            name: label::page_name(self.lang, &one.name),
            word: label::health(self.lang, one.health),
            class: class(one.health),
        });
        rendered(&IndexTemplate {
            t: Words(self.lang),
            head: Head { other: other.to_owned(), written: view.at.as_second(), ..head(self.lang, self.name(), "") },
            overall: status::overall(self.lang, view.worst),
            overall_class: class(view.worst),
            as_of: self.as_of(),
            components: components.collect(),
            open: open.into_iter().map(|incident| self.row(incident)).collect(),
            works: view.works.iter().map(|work| self.work(work)).collect(),
            past: past.into_iter().map(|incident| self.row(incident)).collect(),
            subscribe: if view.mail { self.subscribe } else { "" },
        })
    }

    fn row(&self, incident: &PublicIncident) -> IncidentRow {
        let (first, last) = (incident.posts.first(), incident.posts.last());
        let at = if incident.is_open() { last } else { first }.map(|post| post.at).unwrap_or_default();
        let (text, text_lang, _) = last.map(|post| self.said(post)).unwrap_or_default();
        IncidentRow {
            href: format!("incidents/{}.html", incident.incident),
            title: title(self.view, self.lang, incident),
            state: label::public_state(self.lang, incident.state),
            class: if incident.is_open() { "bad" } else { "good" },
            at: self.stamp(at),
            machine: at.to_string(),
            text,
            text_lang,
        }
    }

    fn work(&self, work: &PlannedWork) -> WorkRow {
        let t = Words(self.lang);
        let (own, foreign) = match self.lang {
            Lang::Ja => (&work.text.ja, &work.text.en),
            Lang::En => (&work.text.en, &work.text.ja),
        };
        let text_lang = if own.is_some() { self.lang } else { other(self.lang) };
        let names: Vec<&str> = work.components.iter().filter_map(|id| self.component(id)).collect();
        WorkRow {
            word: if work.is_under_way(self.view.at) { t.status_work_now() } else { t.status_work_planned() },
            period: status::period(self.lang, &self.zone(), work.from, work.until),
            text: own.as_ref().or(foreign.as_ref()).cloned().unwrap_or_default(),
            text_lang: text_lang.tag(),
            components: names.join(match self.lang {
                Lang::Ja => "、",
                Lang::En => ", ",
            }),
        }
    }

    pub fn incident(&self, incident: &PublicIncident) -> Result<String, Fail> {
        let name = format!("{}.html", incident.incident);
        let other = match self.lang {
            Lang::Ja => format!("../en/incidents/{name}"),
            Lang::En => format!("../../incidents/{name}"),
        };
        let components = incident.components.iter().filter_map(|(id, health)| {
            let (word, class) = (label::health(self.lang, *health), class(*health));
            Some(ComponentRow { name: self.component(id)?, word, class })
        });
        let title = title(self.view, self.lang, incident);
        rendered(&IncidentTemplate {
            t: Words(self.lang),
            head: Head {
                other,
                title,
                // What is over does not change with the time, and its file is left alone.
                written: if incident.is_open() { self.view.at.as_second() } else { 0 },
                ..head(self.lang, self.name(), "../")
            },
            state: label::public_state(self.lang, incident.state),
            class: if incident.is_open() { "bad" } else { "good" },
            components: components.collect(),
            posts: incident.posts.iter().rev().map(|post| self.post(post)).collect(),
            as_of: if incident.is_open() { self.as_of() } else { String::new() },
        })
    }

    fn post(&self, post: &PublicPost) -> PostRow {
        let (text, text_lang, foreign) = self.said(post);
        let named = |(id, health): (&ComponentName, &Health)| Some((self.component(id)?.to_owned(), label::health(self.lang, *health)));
        PostRow {
            number: post.number,
            state: label::public_state(self.lang, post.state),
            class: if post.state == hikeshi_domain::status::PublicState::Resolved { "good" } else { "bad" },
            at: self.stamp(post.at),
            machine: post.at.to_string(),
            text,
            text_lang,
            foreign,
            components: post.components.iter().filter_map(named).collect(),
        }
    }
}
