//! A session that is over, played back: the recording, its commands, who watched which blocks, and the files to save.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream::{self, StreamExt as _};
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::record::{Frame, Word};
use hikeshi_domain::session::told::{Told, short_of};
use hikeshi_engine::look::EmergencyView;
use hikeshi_engine::recording::{Export, Form, Recording, RecordingError};
use hikeshi_text::page::{self, Words};
use hikeshi_text::session as words;

use super::changes::Shown;
use super::redactions::{self, RedactionRow};
use super::sessions::{self, CommandRow, SessionRow, WatchedRow};
use super::{Flash, Frame as PageFrame, Html, Query, changes, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::viewer::Viewer;

/// A longer recording is not read through to make a page; its whole length is then judged as if keys could always pass.
const BLOCKS_READ_MAX: u64 = 3_000;

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayTemplate<'a> {
    frame: &'a PageFrame,
    t: Words,
    e: &'a Emergency,
    row: SessionRow,
    files: [(&'static str, String); 4],
    cast: String,
    damaged: Option<String>,
    watched: Option<String>,
    watched_rows: Vec<WatchedRow>,
    short: Option<String>,
    commands: Vec<CommandRow>,
    changes: Html,
    restore: Vec<Html>,
    held: Vec<(Html, Option<Html>, String)>,
    redactions: Vec<RedactionRow>,
    redact: Html,
    gaps: Vec<(Html, String)>,
    notes: Vec<(Html, String, String)>,
}

/// Reads the number of a session in an address.
pub fn number_of(given: &str) -> Result<u32, Fail> {
    given.parse().map_err(|_| Fail::NotFound { what: "session", given: given.chars().take(20).collect() })
}

pub async fn get(viewer: Viewer, Path((id, session)): Path<(String, String)>, query: Query) -> Result<Response, Fail> {
    let (id, number): (EmergencyId, u32) = (id.parse()?, number_of(&session)?);
    let view = viewer.look().emergency(id).await?;
    let recording = viewer.look().recording(id, number).await?;
    let e = &view.emergency;
    let row = sessions::rows(&viewer, e, view.at).into_iter().find(|row| row.number == number);
    let row = row.ok_or(Fail::NotFound { what: "session", given: session })?;
    if row.open {
        return Ok(Redirect::to(&row.href).into_response());
    }
    let told = recording.told.clone();
    let (open, damaged) = open_blocks(recording).await;
    let flash = query.flash();
    let mut frame = PageFrame::new(&viewer, format!("{} {id}", sessions::title(&viewer, number)), view.size, view.at, &flash)?;
    // What is over does not change under the reader.
    frame.live = false;
    let t = Words(viewer.lang);
    let watched = told.watched();
    let at = |at| time_html(&viewer, at, view.at);
    // What is done here is answered on the page that shows how it ends.
    let place = format!("/emergencies/{id}");
    let here = row.href.clone();
    let session =
        e.sessions.iter().find(|known| known.number == number).ok_or(Fail::NotFound { what: "session", given: number.to_string() })?;
    let template = ReplayTemplate {
        frame: &frame,
        t,
        files: [
            (t.replay_cast(), address(id, number, Form::Cast)),
            (t.replay_cast2(), address(id, number, Form::Cast2)),
            (t.replay_raw(), address(id, number, Form::Raw)),
            (t.replay_frames(), address(id, number, Form::Frames)),
        ],
        cast: address(id, number, Form::Cast),
        damaged,
        watched: sessions::watched_line(&viewer, e, &watched),
        watched_rows: sessions::watched_rows(&viewer, e, &watched),
        short: short(&viewer, e, &told, &open),
        changes: changes::list(&viewer, &view, &flash, Shown::Of(number), &place).await?,
        restore: restore(&viewer, &view, &flash, &place)?,
        commands: told.commands.values().map(|typed| sessions::command(&viewer, e, number, typed, view.at)).collect(),
        held: told
            .held
            .iter()
            .map(|period| (at(period.from), period.to.map(at), words::held_all(viewer.lang, &period.why, &viewer.names)))
            .collect(),
        redactions: redactions::rows(&viewer, &view, session, &flash, &here)?,
        redact: acts::render_to(&viewer, &acts::redact(&viewer, &view, number), &flash, &here)?,
        gaps: told.gaps.iter().map(|gap| (at(gap.from), words::gap(viewer.lang, gap))).collect(),
        notes: told.notes.iter().map(|note| (at(note.at), viewer.names.person(viewer.lang, &note.by), note.text.clone())).collect(),
        row,
        e,
    };
    html(&frame, &template)
}

/// Everything back as it was, for those who may.
fn restore(viewer: &Viewer, view: &EmergencyView, flash: &Flash, place: &str) -> Result<Vec<Html>, Fail> {
    let all = acts::of_emergency(viewer, view, &[]).into_iter().filter(|act| act.kind == "emergency.restore" && act.is_open());
    all.map(|act| acts::render_to(viewer, &act, flash, place)).collect()
}

fn address(id: EmergencyId, session: u32, form: Form) -> String {
    format!("/emergencies/{id}/sessions/{session}/{}", form.file())
}

/// Blocks in which keys could pass, and what is wrong with the recording, if something is.
async fn open_blocks(mut recording: Recording) -> (Vec<u64>, Option<String>) {
    let (mut open, mut blocks, mut number) = (false, Vec::new(), 0_u64);
    let all = u64::try_from(recording.told.blocks.len()).unwrap_or(u64::MAX);
    if all > BLOCKS_READ_MAX {
        return ((0..all).collect(), None);
    }
    loop {
        match recording.next().await {
            Ok(Some((block, _))) => {
                let mut was_open = open;
                for (_, frame) in &block.frames {
                    match frame {
                        Frame::Word(Word::Released) => open = true,
                        Frame::Word(Word::Held { .. }) => open = false,
                        Frame::Word(_) | Frame::Output(_) | Frame::Input(_) | Frame::Hidden(_) | Frame::Resize { .. } | Frame::Salt(_) => {}
                    }
                    was_open |= open;
                }
                if was_open {
                    blocks.push(number);
                }
                number += 1;
            }
            Ok(None) => return (blocks, None),
            Err(error) => {
                tracing::error!(%error, "a recording is damaged");
                return (blocks, Some(error.to_string()));
            }
        }
    }
}

fn short(viewer: &Viewer, e: &Emergency, told: &Told, open: &[u64]) -> Option<String> {
    let (rules, watched) = (&viewer.policy.emergency, told.watched());
    let seniors = sessions::seniors(viewer, e, &watched);
    let needed = (rules.witnesses_min, rules.seniors_min);
    let short = short_of(open, &watched, |person| *person != e.plan.executor, |person| seniors.contains(person), needed);
    (!short.is_empty()).then(|| page::watched_short(viewer.lang, &sessions::ranges(&short), needed.0, needed.1))
}

/// The recording in one of its forms, sent while it is read. When it turns out to be damaged, the answer breaks off.
pub async fn recording(viewer: &Viewer, id: &str, session: &str, form: Form) -> Result<Response, Fail> {
    let (id, number): (EmergencyId, u32) = (id.parse()?, number_of(session)?);
    let mut export = viewer.look().recording(id, number).await?.export(form);
    // A recording that is damaged at its very beginning is said so in words.
    let first = match export.piece().await {
        Some(Ok(piece)) => piece,
        Some(Err(error)) => return Err(Fail::Broken { detail: error.to_string() }),
        None => Vec::new(),
    };
    // Compression asks once more after the end.
    let pieces = stream::unfold((Some(first), export), next).fuse();
    let headers = [
        (header::CONTENT_TYPE, form.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}-{number}-{}\"", form.file())),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

type Piece = Result<Bytes, RecordingError>;

async fn next((first, mut export): (Option<Vec<u8>>, Export)) -> Option<(Piece, (Option<Vec<u8>>, Export))> {
    let piece = match first {
        Some(first) => Ok(first),
        None => export.piece().await?,
    };
    Some((piece.map(Bytes::from), (None, export)))
}

pub async fn cast(viewer: Viewer, Path((id, session)): Path<(String, String)>) -> Result<Response, Fail> {
    recording(&viewer, &id, &session, Form::Cast).await
}

pub async fn cast2(viewer: Viewer, Path((id, session)): Path<(String, String)>) -> Result<Response, Fail> {
    recording(&viewer, &id, &session, Form::Cast2).await
}

pub async fn raw(viewer: Viewer, Path((id, session)): Path<(String, String)>) -> Result<Response, Fail> {
    recording(&viewer, &id, &session, Form::Raw).await
}

pub async fn frames(viewer: Viewer, Path((id, session)): Path<(String, String)>) -> Result<Response, Fail> {
    recording(&viewer, &id, &session, Form::Frames).await
}
