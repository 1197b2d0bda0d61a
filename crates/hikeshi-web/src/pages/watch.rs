//! The witness's page: while it is open and in view, the witness is present.

use askama::Template;
use askama::filters::Safe;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::emergency::{Command as Emergency, Status};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::people::Via;
use hikeshi_engine::door::Answer;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Sentence, label, time};

use super::changes::Shown;
use super::emergency::{Banner, Flagged, banners};
use super::emergency_rows::{self as rows, StepRow, WitnessRow};
use super::perform::own_form;
use super::sessions::{self, CommandRow};
use super::{Bar, Flash, Frame, Html, Query, act, changes, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret;
use crate::viewer::Viewer;

/// How often a browser without scripts loads the page, and so is heard of.
const BEAT_S: u32 = 5;

#[derive(Template)]
#[template(path = "watch.html")]
struct WatchTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a EmergencyView,
    status: &'static str,
    present: bool,
    last_beat: Option<String>,
    refused: Option<Sentence>,
    banners: Vec<Banner>,
    quorum: String,
    witnesses: Vec<WitnessRow>,
    steps: Vec<StepRow>,
    line: Option<LineWaits>,
    terminal: Option<Terminal>,
    commands: Vec<CommandRow>,
    outside: Html,
    changes: Html,
    bar: Bar,
}

/// A dangerous line that waits, with what this witness may answer.
struct LineWaits {
    ask: u32,
    text: String,
    why: String,
    until: Html,
    forms: Vec<Safe<String>>,
}

/// An open terminal to be watched.
struct Terminal {
    session: u32,
    person: String,
    joined: bool,
    /// For browsers without scripts.
    text: String,
}

/// A browser without scripts loads this page again and again: that is its heartbeat. From another site it is not.
pub async fn get(viewer: Viewer, Path(id): Path<String>, headers: HeaderMap, query: Query) -> Result<Response, Fail> {
    let id: EmergencyId = id.parse()?;
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let refused = if matches!(site, None | Some("same-origin" | "none")) { beat_if_joined(&viewer, id).await? } else { None };
    show(&viewer, id, refused, &query.flash()).await
}

pub async fn post(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    let id: EmergencyId = id.parse()?;
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, id, None, &flash).await,
    }
}

/// The script's heartbeat. 204: heard. 409: no longer a witness.
pub async fn beat(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    own_form(&viewer, &fields)?;
    let id: EmergencyId = id.parse()?;
    Ok(match submit_beat(&viewer, id).await? {
        None => axum::http::StatusCode::NO_CONTENT.into_response(),
        Some(sentence) => (axum::http::StatusCode::CONFLICT, sentence.to_string()).into_response(),
    })
}

async fn beat_if_joined(viewer: &Viewer, id: EmergencyId) -> Result<Option<Sentence>, Fail> {
    let emergency = viewer.look().emergency(id).await?.emergency;
    let joined = emergency.witnesses.get(&viewer.person).is_some_and(|witness| witness.present);
    if joined && !emergency.status.is_over() { submit_beat(viewer, id).await } else { Ok(None) }
}

async fn submit_beat(viewer: &Viewer, id: EmergencyId) -> Result<Option<Sentence>, Fail> {
    let command = Command::Emergency(Emergency::Watch { emergency: id });
    let envelope = Envelope { key: secret::request_key()?, actor: viewer.actor.clone(), via: Via::Web, command };
    Ok(match viewer.app.door.submit(envelope).await? {
        Answer::Done(_) | Answer::Already(_) => None,
        Answer::Refused { refusal, .. } => Some(hikeshi_text::refusal(viewer.lang, &refusal, &viewer.names)),
    })
}

fn terminal(viewer: &Viewer, view: &EmergencyView) -> Option<Terminal> {
    let emergency = &view.emergency;
    let session = emergency.sessions.iter().find(|session| session.is_open())?.number;
    let joined = emergency.witnesses.get(&viewer.person).is_some_and(|witness| witness.present);
    let text = viewer.app.door.screen_text(emergency.id, session).unwrap_or_default();
    Some(Terminal { session, person: viewer.person.to_string(), joined, text })
}

fn line_waits(viewer: &Viewer, view: &EmergencyView, flash: &Flash) -> Result<Option<LineWaits>, Fail> {
    let Some(open) = view.emergency.sessions.iter().find(|session| session.is_open()) else { return Ok(None) };
    let Some(ask) = open.asked.as_ref().filter(|ask| ask.is_open(view.at)) else { return Ok(None) };
    let acts = acts::of_line(viewer, view, open.number, ask).into_iter().filter(acts::Act::is_open);
    let confirm = |act: &acts::Act| act.kind == "session.confirm";
    let forms = acts
        .map(|act| if confirm(&act) { acts::render_open(viewer, &act, flash) } else { acts::render(viewer, &act, flash) })
        .collect::<Result<Vec<_>, Fail>>()?;
    let (text, why, until) = (ask.line.clone(), ask.why.clone(), time_html(viewer, ask.until, view.at));
    Ok(Some(LineWaits { ask: ask.ask, text, why, until, forms }))
}

fn last_commands(viewer: &Viewer, view: &EmergencyView) -> Vec<CommandRow> {
    let open = view.emergency.sessions.iter().find(|session| session.is_open());
    open.map(|session| sessions::last_commands(viewer, &view.emergency, session, view.at)).unwrap_or_default()
}

async fn show(viewer: &Viewer, id: EmergencyId, refused: Option<Sentence>, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().emergency(id).await?;
    let lang = viewer.lang;
    let t = Words(lang);
    let mut frame = Frame::new(viewer, format!("{} {}", t.watch_title(), view.emergency.id), view.size, view.at, flash)?;
    let over = view.emergency.status.is_over();
    frame.refresh_s = (!over).then_some(BEAT_S);
    let wanted = ["emergency.hold", "emergency.resume", "emergency.join", "emergency.leave", "emergency.confirm"];
    let mut shown: Vec<acts::Act> =
        acts::of_emergency(viewer, &view, &[]).into_iter().filter(|act| wanted.contains(&act.kind.as_str()) && !act.is_link()).collect();
    shown.extend(acts::of_session(viewer, &view));
    for act in &mut shown {
        // Stopping is what a witness is there for: it is always within reach.
        act.weight = if act.kind == "emergency.hold" { acts::Weight::Danger } else { act.weight };
    }
    let quorum = &view.quorum;
    let heard = view.heard.iter().find(|heard| heard.person == viewer.person);
    let template = WatchTemplate {
        frame: &frame,
        t,
        status: label::emergency_status(lang, view.emergency.status),
        present: quorum.present.contains(&viewer.person) && view.emergency.status != Status::Closed,
        last_beat: heard.map(|heard| time::time_of_day(viewer.zone(), heard.at)),
        refused,
        banners: banners(viewer, &view.emergency, Flagged::Apart),
        quorum: page::witness_count(lang, quorum.present.len(), quorum.needed, quorum.seniors.len(), quorum.seniors_needed),
        witnesses: rows::witnesses(viewer, &view),
        steps: rows::steps(viewer, &view).await?,
        line: line_waits(viewer, &view, flash)?,
        terminal: terminal(viewer, &view),
        commands: last_commands(viewer, &view),
        outside: changes::outside(viewer, &view, flash)?,
        changes: changes::list(viewer, &view, flash, Shown::Beside, "").await?,
        bar: Bar::new(viewer, &shown, flash)?,
        view: &view,
    };
    html(&frame, &template)
}
