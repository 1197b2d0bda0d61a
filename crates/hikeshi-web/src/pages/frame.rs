//! What surrounds every page: head, navigation, freshness, receipt or refusal.

use askama::Template;
use askama::filters::Safe;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::IncidentId;
use hikeshi_engine::look::EntryView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Lang, Sentence, time};

use super::perform::{Flash, Refused};
use crate::acts::{self, Act, Weight};
use crate::assets::{ASSETS, Assets};
use crate::fail::Fail;
use crate::secret;
use crate::state::App;
use crate::viewer::Viewer;

/// Markup made by a template of this crate.
pub type Html = Safe<String>;

pub struct Receipt {
    pub seq: Option<u64>,
    pub again: bool,
}

/// Everything that `base.html` shows.
pub struct Frame {
    pub t: Words,
    pub lang: Lang,
    pub title: String,
    pub tab: String,
    pub workspace: String,
    pub who: Option<(String, String)>,
    pub path: String,
    pub size: u64,
    pub clock: String,
    /// IANA name, for the clock that the script moves on.
    pub zone: String,
    pub token: String,
    pub key: String,
    pub receipt: Option<Receipt>,
    pub refused: Option<Refused>,
    pub assets: &'static Assets,
    /// Whether the page follows the ledger by itself.
    pub live: bool,
    /// Seconds after which a browser without scripts loads the page again.
    pub refresh_s: Option<u32>,
}

impl Frame {
    pub fn new(viewer: &Viewer, title: impl Into<String>, size: u64, at: Timestamp, flash: &Flash) -> Result<Self, Fail> {
        let title = title.into();
        let workspace = viewer.policy.workspace.name.clone();
        Ok(Self {
            t: Words(viewer.lang),
            lang: viewer.lang,
            tab: page::tab_title(viewer.lang, &title, &workspace),
            title,
            workspace,
            who: Some((viewer.person.to_string(), viewer.names.written(&viewer.person).to_owned())),
            path: viewer.path.clone(),
            size,
            clock: time::time_of_day(viewer.zone(), at),
            zone: viewer.policy.workspace.time_zone.clone(),
            token: acts::token(viewer)?,
            key: secret::request_key()?.to_string(),
            receipt: flash.receipt.as_ref().map(|done| Receipt { seq: done.seq, again: done.again }),
            refused: flash.refused.clone(),
            assets: &ASSETS,
            live: true,
            refresh_s: None,
        })
    }

    /// For somebody who is not signed in, or when even the door is out of reach.
    pub fn guest(lang: Lang, title: impl Into<String>, path: &str) -> Self {
        let title = title.into();
        Self {
            t: Words(lang),
            lang,
            tab: page::tab_title(lang, &title, "hikeshi"),
            title,
            workspace: "hikeshi".to_owned(),
            who: None,
            path: path.to_owned(),
            size: 0,
            clock: String::new(),
            zone: String::new(),
            token: String::new(),
            key: String::new(),
            receipt: None,
            refused: None,
            assets: &ASSETS,
            live: false,
            refresh_s: None,
        }
    }

    pub fn nav(&self) -> [(&'static str, &'static str, bool); 9] {
        let t = self.t;
        let on = |prefix: &str| self.path == prefix || self.path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        [
            ("/", t.nav_now(), self.path == "/"),
            ("/incidents", t.nav_incidents(), on("/incidents") || on("/emergencies")),
            ("/alerts", t.nav_alerts(), on("/alerts") || on("/monitors")),
            ("/oncall", t.nav_oncall(), on("/oncall") || on("/contacts")),
            ("/approvals", t.nav_approvals(), on("/approvals")),
            ("/obligations", t.nav_obligations(), on("/obligations")),
            ("/channel", t.nav_channels(), on("/channel")),
            ("/ledger", t.nav_ledger(), on("/ledger")),
            ("/people", t.nav_people(), on("/people") || on("/policy")),
        ]
    }
    pub fn status(&self) -> StatusCode {
        self.refused.as_ref().map_or(StatusCode::OK, |refused| refused.status)
    }
}

/// A page as a response.
pub fn html(frame: &Frame, template: &impl Template) -> Result<Response, Fail> {
    let body = template.render()?;
    let mut response = (frame.status(), body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(frame.lang.tag()));
    headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    Ok(response)
}

/// How long ago, and exactly beside it.
pub fn time_html(viewer: &Viewer, at: Timestamp, now: Timestamp) -> Html {
    let when = time::when(viewer.lang, viewer.zone(), at, now);
    Safe(format!("<time datetime=\"{}\">{} <small>{}</small></time>", time::machine(viewer.zone(), at), when.relative, when.exact))
}

/// How long is left until then, or how long it is late, with the exact time beside it.
pub fn due_html(viewer: &Viewer, due_at: Timestamp, now: Timestamp) -> Html {
    let (left, when) = (time::due(viewer.lang, due_at, now), time::when(viewer.lang, viewer.zone(), due_at, now));
    Safe(format!("<time datetime=\"{}\">{left} <small>{}</small></time>", time::machine(viewer.zone(), due_at), when.exact))
}

/// Acts of a page, sorted into what is wanted now, what else is open, and what is not possible with its reason.
#[derive(Default)]
pub struct Bar {
    pub primary: Vec<Html>,
    pub normal: Vec<Html>,
    pub danger: Vec<Html>,
    pub closed: Vec<Closed>,
}

pub struct Closed {
    pub label: String,
    pub sentence: Sentence,
    pub rule: String,
}

impl Bar {
    /// Nothing can be done here: then the reasons are what the reader came for.
    pub fn is_shut(&self) -> bool {
        self.primary.is_empty() && self.normal.is_empty() && self.danger.is_empty()
    }

    pub fn new(viewer: &Viewer, all: &[Act], flash: &Flash) -> Result<Self, Fail> {
        let mut bar = Self::default();
        for act in all {
            if let Some((sentence, rule)) = &act.closed
                && flash.kept_by(&act.id).is_none()
            {
                bar.closed.push(Closed { label: act.label.clone(), sentence: sentence.clone(), rule: rule.clone() });
                continue;
            }
            let form = acts::render(viewer, act, flash)?;
            match act.weight {
                Weight::Primary => bar.primary.push(form),
                Weight::Normal => bar.normal.push(form),
                Weight::Danger => bar.danger.push(form),
            }
        }
        Ok(bar)
    }
}

/// One entry of a timeline.
pub struct Line {
    pub seq: u64,
    pub when: Html,
    pub who: String,
    pub lines: Vec<String>,
    pub refused: bool,
}

/// `of`: the incident whose timeline it is. What is of one that became part of it says so.
pub fn timeline(viewer: &Viewer, entries: &[EntryView], of: Option<IncidentId>, now: Timestamp) -> Vec<Line> {
    let lang = viewer.lang;
    let line = |entry: &EntryView| {
        let said = hikeshi_text::entry_lines(lang, &entry.kind, &entry.events, entry.refusal.as_ref(), &viewer.names);
        Line {
            seq: entry.seq,
            when: time_html(viewer, entry.at, now),
            who: hikeshi_text::actor(lang, &entry.actor, &viewer.names),
            lines: hikeshi_text::lines_of(said, entry.case, of),
            refused: entry.refusal.is_some(),
        }
    };
    entries.iter().map(line).collect()
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailureTemplate<'a> {
    frame: &'a Frame,
    sentence: Sentence,
    code: &'a str,
}

/// A request that got no answer from the door, in words.
pub fn failure(_app: &App, lang: Lang, fail: &Fail) -> Response {
    let sentence = fail.sentence(lang);
    let frame = Frame::guest(lang, sentence.what.clone(), "");
    let template = FailureTemplate { frame: &frame, sentence, code: fail.code() };
    let mut response = html(&frame, &template).unwrap_or_else(|_| fail.status().into_response());
    *response.status_mut() = fail.status();
    if matches!(fail.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
