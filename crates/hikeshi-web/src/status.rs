//! The status page as files: complete, without anything from elsewhere, so that any web server can show them when this one is down.
//!
//! The same bytes are served under `/status` from memory: readers cost the database nothing, however many come when something breaks.

mod feed;
mod html;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{ComponentName, Digest};
use hikeshi_domain::policy::{PageName, Visibility};
use hikeshi_domain::status::picture::PublicIncident;
use hikeshi_engine::look::StatusView;
use hikeshi_text::status::words;
use hikeshi_text::{Lang, label};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fail::Fail;

pub use html::{Form, STALE_S, content_security_policy, form};

/// The files are written anew at least this often, whatever happened.
pub const EVERY_S: u64 = 30;

/// One file of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFile {
    pub kind: &'static str,
    /// Shared with every reader who is just being answered.
    pub bytes: Bytes,
    pub digest: Digest,
}

/// The whole page at one moment, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub at: Timestamp,
    pub title: PageName,
    pub visibility: Visibility,
    pub mail: bool,
    /// Where the files belong.
    pub directory: Option<String>,
    pub files: BTreeMap<String, StatusFile>,
}

/// What is shown now, shared between whoever makes it and whoever serves it.
#[derive(Clone, Default)]
pub struct Shelf(Arc<RwLock<Shown>>);

#[derive(Default)]
struct Shown {
    site: Option<Arc<Site>>,
    trouble: Option<String>,
}

impl Shelf {
    /// `None`: the policy has no status page.
    pub fn put(&self, site: Option<Arc<Site>>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).site = site;
    }
    /// Why the files are not as they should be.
    pub fn put_trouble(&self, trouble: Option<String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).trouble = trouble;
    }
    pub fn site(&self) -> Option<Arc<Site>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).site.clone()
    }
    pub fn trouble(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}

/// What the API says of the page: what outsiders see, and whether its files are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StatusAnswer {
    pub page: StatusView,
    /// Why the static files could not be written the last time.
    pub files_trouble: Option<String>,
}

/// Every file of the page. `subscribe`: the address of the form, where people can subscribe.
pub fn site(view: &StatusView, subscribe: &str) -> Result<Site, Fail> {
    let mut files = BTreeMap::new();
    for lang in [Lang::Ja, Lang::En] {
        let folder = folder(lang);
        let page = html::Page { view, lang, subscribe };
        put(&mut files, format!("{folder}index.html"), HTML, page.index()?);
        put(&mut files, format!("{folder}feed.atom"), "application/atom+xml; charset=utf-8", feed::atom(view, lang)?);
        for incident in &view.incidents {
            put(&mut files, format!("{folder}incidents/{}.html", incident.incident), HTML, page.incident(incident)?);
        }
    }
    put(&mut files, "status.json".to_owned(), "application/json", data(view));
    let (title, directory) = (view.title.clone(), view.directory.clone());
    Ok(Site { at: view.at, title, visibility: view.visibility, mail: view.mail, directory, files })
}

const HTML: &str = "text/html; charset=utf-8";

fn put(files: &mut BTreeMap<String, StatusFile>, path: String, kind: &'static str, text: String) {
    let bytes = Bytes::from(text);
    files.insert(path, StatusFile { kind, digest: Digest::of(&bytes), bytes });
}

/// Japanese lies at the top, English beside it.
fn folder(lang: Lang) -> &'static str {
    match lang {
        Lang::Ja => "",
        Lang::En => "en/",
    }
}

/// What an incident hits, as outsiders call it. What the policy does not name any more has no name.
fn title(view: &StatusView, lang: Lang, incident: &PublicIncident) -> String {
    let named = |id: &ComponentName| view.components.iter().find(|component| component.component == *id).map(|component| &component.name);
    let names: Vec<&PageName> = incident.components.keys().filter_map(named).collect();
    if names.is_empty() { label::page_name(lang, &view.title).to_owned() } else { hikeshi_text::status::title(lang, &names) }
}

/// `status.json`; the shape is described in the manual, and only grows.
fn data(view: &StatusView) -> String {
    let both = |name: &PageName| json!({"ja": name.ja, "en": name.en});
    let components: Vec<_> =
        view.components.iter().map(|one| json!({"id": one.component, "name": both(&one.name), "health": one.health})).collect();
    let incidents = view.incidents.iter().map(|incident| {
        let posts = incident.posts.iter().map(|post| {
            let (ja, en) = (words(Lang::Ja, &post.text, post.state).0, words(Lang::En, &post.text, post.state).0);
            json!({"number": post.number, "at": post.at, "state": post.state, "text": {"ja": ja, "en": en}, "components": post.components})
        });
        json!({
            "id": incident.incident,
            "title": {"ja": title(view, Lang::Ja, incident), "en": title(view, Lang::En, incident)},
            "state": incident.state,
            "components": incident.components,
            "posts": posts.collect::<Vec<_>>(),
        })
    });
    let works = view.works.iter().map(|work| {
        json!({"id": work.silence, "from": work.from, "until": work.until, "under_way": work.is_under_way(view.at), "text": work.text, "components": work.components})
    });
    let all = json!({
        "v": 1,
        "title": both(&view.title),
        "url": view.url,
        "written_at": view.at,
        "stale_after_s": STALE_S,
        "health": view.worst,
        "components": components,
        "incidents": incidents.collect::<Vec<_>>(),
        "maintenance": works.collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}
