//! The postmortem of an incident; and past incidents that are alike, as rows.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::obligation::{Kind, Status};
use hikeshi_engine::look::{IncidentView, Similar};
use hikeshi_text::page::Words;

use super::now::{Owed, owed_line};
use super::{Bar, Flash, Frame, Html, Query, act, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

/// Of a long text, what stands in a row.
const CLIP_CHARS: usize = 240;

/// A past incident, and what solved it.
pub struct PastRow {
    pub anchor: String,
    pub name: String,
    pub title: String,
    pub href: Option<String>,
    pub when: Option<Html>,
    pub share: u8,
    pub solved: String,
    pub cause: String,
}

pub fn past_rows(viewer: &Viewer, similar: &[Similar], now: Timestamp) -> Vec<PastRow> {
    let row = |similar: &Similar| {
        let past = &similar.past;
        let file = past.file.as_deref().and_then(|file| file.rsplit('/').next()).unwrap_or_default();
        PastRow {
            anchor: past.key.replace(':', "-"),
            name: past.incident.map_or_else(|| file.to_owned(), |id| id.to_string()),
            title: past.title.clone(),
            href: past.incident.map(|id| format!("/incidents/{id}")),
            when: past.at.map(|at| time_html(viewer, at, now)),
            share: similar.share,
            solved: clipped(&past.solved),
            cause: clipped(&past.cause),
        }
    };
    similar.iter().map(row).collect()
}

fn clipped(text: &str) -> String {
    let mut cut: String = text.chars().take(CLIP_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// What an incident's page says of it; nothing while the incident goes on.
pub fn standing(t: Words, incident: &Incident) -> Option<&'static str> {
    incident.resolved.as_ref()?;
    let known = incident.postmortem.as_deref();
    if known.is_some_and(|known| known.written.is_some()) {
        return Some("");
    }
    Some(if known.is_some_and(|known| known.owed.is_some()) { t.postmortem_owed() } else { t.postmortem_optional() })
}

struct Item {
    owed: Owed,
    text: String,
    done: bool,
}

#[derive(Template)]
#[template(path = "postmortem.html")]
struct PostmortemTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a IncidentView,
    missing: Option<&'static str>,
    parts: Vec<(&'static str, String)>,
    items: Vec<Item>,
    written: Option<(String, Html)>,
    file: Option<String>,
    trouble: Option<String>,
    bar: Bar,
}

pub async fn get(viewer: Viewer, Path(id): Path<String>, query: Query) -> Result<Response, Fail> {
    show(&viewer, id.parse()?, &query.flash()).await
}

pub async fn post(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    let id = id.parse()?;
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, id, &flash).await,
    }
}

async fn show(viewer: &Viewer, id: IncidentId, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().incident(id).await?;
    let (t, incident) = (Words(viewer.lang), &view.incident);
    let frame = Frame::new(viewer, format!("{} {}", t.postmortem(), incident.id), view.size, view.at, flash)?;
    let known = incident.postmortem.as_deref();
    let written = known.and_then(|known| known.written.as_ref());
    let parts = written.map(|written| {
        let content = &written.content;
        vec![
            (t.postmortem_impact(), content.impact.clone()),
            (t.postmortem_whys_short(), content.whys.join("\n")),
            (t.postmortem_cause(), content.cause.clone()),
            (t.postmortem_response(), content.response.clone()),
            (t.postmortem_lessons(), content.lessons.clone()),
        ]
    });
    let items = view.obligations.iter().filter(|owed| owed.kind == Kind::Prevention);
    let template = PostmortemTemplate {
        frame: &frame,
        t,
        missing: if written.is_none() { standing(t, incident) } else { None },
        parts: parts.unwrap_or_default(),
        items: items
            .map(|owed| Item { owed: owed_line(viewer, owed, view.at), text: owed.text.clone(), done: owed.status == Status::Done })
            .collect(),
        written: written.map(|written| (viewer.names.person(viewer.lang, &written.by), time_html(viewer, written.at, view.at))),
        file: known.and_then(|known| known.filed.as_ref()).map(|filed| filed.file.clone()),
        trouble: known.and_then(|known| known.trouble.clone()),
        bar: Bar::new(viewer, &acts::of_postmortem(viewer, &view).into_iter().collect::<Vec<_>>(), flash)?,
        view: &view,
    };
    html(&frame, &template)
}
