//! The ledger: its size and root, the checkpoint that signs them, and every entry with its very bytes.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_engine::look::LedgerView;
use hikeshi_text::page::Words;
use hikeshi_text::time;

use super::frame::Line;
use super::{Frame, Query, html, timeline};
use crate::fail::Fail;
use crate::viewer::Viewer;

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "ledger.html")]
struct LedgerTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a LedgerView,
    lines: Vec<Line>,
    older: Option<u64>,
    first: bool,
}

pub async fn list(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let before = query.number("before");
    let view = viewer.look().ledger(before, ROWS).await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(&viewer, t.ledger_title(), view.size, view.at, &query.flash())?;
    let lines = timeline(&viewer, &view.entries.rows, None, view.at);
    html(&frame, &LedgerTemplate { frame: &frame, t, view: &view, lines, older: view.entries.older, first: before.is_none() })
}

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    seq: u64,
    exact: String,
    who: String,
    via: &'static str,
    kind: String,
    case: Option<String>,
    lines: Vec<String>,
    refused: bool,
    hash: String,
    bytes: String,
    newest: bool,
}

pub async fn entry(viewer: Viewer, Path(seq): Path<String>, query: Query) -> Result<Response, Fail> {
    let number: u64 = seq.parse().map_err(|_| Fail::NotFound { what: "ledger entry", given: seq.chars().take(40).collect() })?;
    let (entry, bytes) = viewer.look().entry(number).await?;
    let (lang, t) = (viewer.lang, Words(viewer.lang));
    let size = *viewer.app.door.tip().borrow();
    let mut frame = Frame::new(&viewer, format!("{} #{number}", t.entry_title()), size, viewer.now().await, &query.flash())?;
    // An entry never changes.
    frame.live = false;
    let template = EntryTemplate {
        frame: &frame,
        t,
        seq: number,
        exact: time::stamp(lang, viewer.zone(), entry.at),
        who: hikeshi_text::actor(lang, &entry.actor, &viewer.names),
        via: hikeshi_text::via(lang, entry.via),
        case: entry.case.map(|case| case.to_string()),
        lines: hikeshi_text::entry_lines(lang, &entry.kind, &entry.events, entry.refusal.as_ref(), &viewer.names),
        refused: entry.refusal.is_some(),
        hash: entry.hash.to_string(),
        bytes: String::from_utf8_lossy(&bytes).into_owned(),
        newest: number + 1 >= size,
        kind: entry.kind,
    };
    html(&frame, &template)
}
