//! Who is on call now, until when, who is next, and where nobody is.

use askama::Template;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::oncall::Shift;
use hikeshi_engine::look::{OncallSchedule, OncallView};
use hikeshi_text::page::{self, Words};
use hikeshi_text::time;
use jiff::SignedDuration;

use super::{Flash, Frame, Html, Query, act, html};
use crate::acts::{self, render};
use crate::calendar;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

const DAYS: u32 = 14;

struct Row {
    from: String,
    until: String,
    who: Option<String>,
    by_override: bool,
}

const GAPS_SHOWN: usize = 3;

struct Section {
    id: String,
    name: String,
    /// Empty: nobody.
    who: String,
    until: String,
    /// By what they are reached; empty: by nothing.
    reached: String,
    next: Option<String>,
    gaps: Vec<String>,
    /// A schedule of nights has one for every day: these are folded.
    more_gaps: Vec<String>,
    rows: Vec<Row>,
    forms: Vec<Html>,
}

#[derive(Template)]
#[template(path = "oncall.html")]
struct OncallTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    sections: Vec<Section>,
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
    let view = viewer.look().oncall(None, DAYS).await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(viewer, t.oncall_title(), view.size, view.at, flash)?;
    let sections = view.schedules.iter().map(|schedule| section(viewer, &view, schedule, flash)).collect::<Result<_, Fail>>()?;
    html(&frame, &OncallTemplate { frame: &frame, t, sections })
}

fn section(viewer: &Viewer, view: &OncallView, schedule: &OncallSchedule, flash: &Flash) -> Result<Section, Fail> {
    let (lang, zone, now) = (viewer.lang, viewer.zone(), view.at);
    let name = |person: &PersonId| viewer.names.written(person).to_owned();
    let exact = |at: Timestamp| time::when(lang, zone, at, now).exact;
    let gap = |shift: &Shift| page::oncall_gap(lang, zone, shift.from, shift.until, now);
    let mut gaps: Vec<String> = schedule.shifts.iter().filter(|shift| shift.person.is_none()).map(gap).collect();
    let more_gaps = gaps.split_off(gaps.len().min(GAPS_SHOWN));
    let acts = std::iter::once(acts::take_over(viewer, schedule, now));
    let acts = acts.chain(schedule.overrides.iter().filter_map(|row| acts::give_back(viewer, schedule, row)));
    Ok(Section {
        id: schedule.schedule.to_string(),
        name: schedule.name.clone(),
        who: schedule.person.as_ref().map(name).unwrap_or_default(),
        until: page::oncall_until(lang, zone, schedule.until, now),
        reached: match schedule.reached_by.as_slice() {
            [] => String::new(),
            means => page::oncall_reached(lang, means),
        },
        next: schedule.next.as_ref().map(|next| {
            let who = next.person.as_ref().map_or_else(|| Words(lang).oncall_nobody().to_owned(), name);
            format!("{who} ({})", exact(next.from))
        }),
        gaps,
        more_gaps,
        rows: schedule
            .shifts
            .iter()
            .map(|shift| Row {
                from: exact(shift.from),
                until: exact(shift.until),
                who: shift.person.as_ref().map(name),
                by_override: shift.by_override.is_some(),
            })
            .collect(),
        forms: acts.map(|act| render(viewer, &act, flash)).collect::<Result<_, Fail>>()?,
    })
}

/// `/oncall/primary.ics`
pub async fn ics(viewer: Viewer, Path(file): Path<String>) -> Result<Response, Fail> {
    let unknown = || Fail::NotFound { what: "page", given: file.chars().take(60).collect() };
    let wanted = file.strip_suffix(".ics").ok_or_else(unknown)?;
    let back = SignedDuration::from_hours(24 * i64::from(calendar::DAYS_BACK));
    let from = viewer.look().at().await.saturating_sub(back).unwrap_or(Timestamp::MIN);
    let view = viewer.look().oncall(Some(from), calendar::DAYS).await?;
    let schedule = view.schedules.iter().find(|schedule| schedule.schedule.as_str() == wanted).ok_or_else(unknown)?;
    let text = calendar::calendar(viewer.lang, &view, schedule, &viewer.names);
    let name = format!("attachment; filename=\"{}.ics\"", schedule.schedule);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}
