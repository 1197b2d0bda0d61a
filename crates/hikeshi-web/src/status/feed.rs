//! The posts as an Atom feed (RFC 4287), newest first.

use askama::Template;
use hikeshi_domain::status::PublicPost;
use hikeshi_domain::status::picture::PublicIncident;
use hikeshi_engine::look::StatusView;
use hikeshi_text::{Lang, label, status};

use super::{folder, title};
use crate::fail::Fail;

/// Posts of one feed; older ones stand on the pages.
const ENTRIES_MAX: usize = 50;

struct Entry {
    /// The post's own address, which never changes.
    link: String,
    title: String,
    updated: String,
    text: String,
}

#[derive(Template)]
#[template(path = "status_feed.xml", escape = "html")]
struct FeedTemplate<'a> {
    lang: &'static str,
    name: &'a str,
    home: String,
    own: String,
    /// Of the newest post: a feed that says nothing new has not changed.
    updated: String,
    entries: Vec<Entry>,
}

/// XML has no way to write the other control characters: one of them would make the whole feed unreadable.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

pub fn atom(view: &StatusView, lang: Lang) -> Result<String, Fail> {
    let base = format!("{}/{}", view.url.trim_end_matches('/'), folder(lang));
    let mut posts: Vec<(&PublicIncident, &PublicPost)> =
        view.incidents.iter().flat_map(|incident| incident.posts.iter().map(move |post| (incident, post))).collect();
    posts.sort_by_key(|(incident, post)| std::cmp::Reverse((post.at, incident.incident, post.number)));
    posts.truncate(ENTRIES_MAX);
    let entries = posts.iter().map(|(incident, post)| Entry {
        link: format!("{base}incidents/{}.html#post-{}", incident.incident, post.number),
        title: format!("{}: {}", label::public_state(lang, post.state), title(view, lang, incident)),
        updated: post.at.to_string(),
        text: printable(&status::words(lang, &post.text, post.state).0),
    });
    let never = "1970-01-01T00:00:00Z".to_owned();
    let template = FeedTemplate {
        lang: lang.tag(),
        name: label::page_name(lang, &view.title),
        own: format!("{base}feed.atom"),
        home: base.clone(),
        updated: posts.first().map_or(never, |(_, post)| post.at.to_string()),
        entries: entries.collect(),
    };
    template.render().map_err(|error| Fail::Broken { detail: error.to_string() })
}
