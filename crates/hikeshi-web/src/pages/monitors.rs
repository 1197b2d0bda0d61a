//! What each monitor sees now, and how its latest looks went.

use askama::Template;
use askama::filters::Safe;
use axum::response::Response;
use hikeshi_domain::Timestamp;
use hikeshi_domain::monitor::NewPattern;
use hikeshi_engine::look::MonitorView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::review::{Tick, ticks};
use hikeshi_text::{Lang, label};

use super::now::{MonitorLine, monitor_line};
use super::{Flash, Frame, Html, html};
use crate::fail::Fail;
use crate::viewer::Viewer;

struct Row {
    line: MonitorLine,
    kind: &'static str,
    place: String,
    seen: Option<String>,
    new_errors: Vec<NewErrorRow>,
    /// How many looks, and how they went.
    looks: String,
    range: Option<String>,
    chart: Option<Html>,
}

/// A pattern of errors that came only after a change.
pub struct NewErrorRow {
    pub count: String,
    pub pattern: String,
    pub sample: String,
}

pub fn new_errors(lang: Lang, patterns: &[NewPattern]) -> Vec<NewErrorRow> {
    let row =
        |new: &NewPattern| NewErrorRow { count: page::lines(lang, new.count), pattern: new.pattern.clone(), sample: new.sample.clone() };
    patterns.iter().map(row).collect()
}

#[derive(Template)]
#[template(path = "monitors.html")]
struct MonitorsTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    rows: Vec<Row>,
}

pub async fn get(viewer: Viewer) -> Result<Response, Fail> {
    let view = viewer.look().monitors().await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(&viewer, t.monitors(), view.size, view.at, &Flash::default())?;
    let rows = view.monitors.iter().map(|monitor| row(&viewer, monitor, view.at)).collect();
    html(&frame, &MonitorsTemplate { frame: &frame, t, rows })
}

fn row(viewer: &Viewer, monitor: &MonitorView, now: Timestamp) -> Row {
    let lang = viewer.lang;
    let marks: Vec<Tick> = monitor.points.iter().map(|point| Tick { verdict: point.verdict, value: point.value }).collect();
    let looks = page::looks(lang, &marks);
    let title = format!("{}: {}", monitor.row.monitor, label::measured(lang, monitor.kind));
    let id = format!("looks-{}", monitor.row.monitor);
    Row {
        line: monitor_line(viewer, &monitor.row, now),
        kind: label::monitor_kind(lang, monitor.kind),
        place: format!("{} · {}", viewer.names.service(&monitor.service), viewer.names.environment(&monitor.environment)),
        seen: monitor.seen.clone().or_else(|| monitor.row.unmeasured.clone()),
        new_errors: new_errors(lang, &monitor.new_errors),
        range: page::range(lang, monitor.kind, &marks),
        chart: (!marks.is_empty()).then(|| Safe(ticks(&id, &title, &looks, &marks))),
        looks,
    }
}
