//! What fires, what is held back, and by which silence.

use askama::Template;
use axum::response::Response;
use hikeshi_domain::alert::silence::Silence;
use hikeshi_engine::look::AlertsView;
use hikeshi_text::label;
use hikeshi_text::page::{self, Words};

use super::incidents::{AlertRow, alert_row};
use super::now::{MonitorLine, monitor_lines};
use super::{Flash, Frame, Html, Query, act, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

struct SilenceRow {
    id: String,
    covers: String,
    /// Whether it holds, will, or is being ended.
    word: &'static str,
    class: &'static str,
    from: Option<Html>,
    until: Html,
    by: String,
    reason: String,
    form: Option<Html>,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    silences: Vec<SilenceRow>,
    form: Html,
    held: Vec<AlertRow>,
    held_total: u64,
    held_unlisted: Option<String>,
    firing: Vec<AlertRow>,
    firing_total: u64,
    firing_unlisted: Option<String>,
    monitors: Vec<MonitorLine>,
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
    let view = viewer.look().alerts().await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(viewer, t.alerts_title(), view.size, view.at, flash)?;
    let unlisted = |total: u64, shown: usize| {
        let more = total.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        (more > 0).then(|| page::alerts_unlisted(viewer.lang, more))
    };
    let silences = view.silences.iter().map(|silence| row(viewer, &view, silence, flash)).collect::<Result<_, Fail>>()?;
    let loose = view.firing.iter().filter(|alert| !view.held.contains(alert));
    let firing: Vec<AlertRow> =
        loose.map(|alert| AlertRow { incident: alert.incident.map(|id| id.to_string()), ..alert_row(viewer, alert, view.at) }).collect();
    let loose_total = view.firing_total.saturating_sub(view.held_total);
    let template = AlertsTemplate {
        frame: &frame,
        t,
        silences,
        form: acts::render(viewer, &acts::silence(viewer, &view), flash)?,
        held: view.held.iter().map(|alert| alert_row(viewer, alert, view.at)).collect(),
        held_total: view.held_total,
        held_unlisted: unlisted(view.held_total, view.held.len()),
        firing_unlisted: unlisted(loose_total, firing.len()),
        firing,
        firing_total: loose_total,
        monitors: monitor_lines(viewer, &view.monitors, view.at),
    };
    html(&frame, &template)
}

fn row(viewer: &Viewer, view: &AlertsView, silence: &Silence, flash: &Flash) -> Result<SilenceRow, Fail> {
    let t = Words(viewer.lang);
    let planned = silence.from > view.at;
    let ending = silence.until <= view.at;
    let (word, class) = match (ending, planned) {
        (true, _) => (t.silence_ending(), "silent"),
        (false, true) => (t.silence_planned(), "silent"),
        (false, false) => (t.silence_holds(), "bad"),
    };
    let form = (!ending).then(|| acts::render(viewer, &acts::unsilence(viewer, view, silence), flash)).transpose()?;
    Ok(SilenceRow {
        id: silence.id.to_string(),
        covers: label::covers(viewer.lang, &silence.covers, &viewer.names),
        word,
        class,
        from: planned.then(|| time_html(viewer, silence.from, view.at)),
        until: time_html(viewer, silence.until, view.at),
        by: label::by(viewer.lang, &silence.by, &viewer.names),
        reason: silence.reason.clone(),
        form,
    })
}
