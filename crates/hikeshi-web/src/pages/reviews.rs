//! Looking back (rules E13 and E15): the months with their uses, and the report of one month or quarter.

use askama::Template;
use askama::filters::Safe;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::Timestamp;
use hikeshi_domain::obligation::{Obligation, Status};
use hikeshi_domain::review::{AsOf, Month, Period, Quarter};
use hikeshi_engine::look::{ReviewView, ReviewsView};
use hikeshi_text::page::Words;
use hikeshi_text::review;

use super::{Flash, Frame, Html, Query, due_html, html, time_html};
use crate::fail::Fail;
use crate::viewer::Viewer;

struct Row {
    href: String,
    name: String,
    uses: String,
    owed: Option<Owed>,
}

struct Owed {
    href: String,
    id: String,
    overdue: bool,
    open: bool,
    when: Html,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct ListTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    chart: Html,
    months: Vec<Row>,
    quarters: Vec<Row>,
}

pub async fn list(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let view = viewer.look().reviews().await?;
    let t = Words(viewer.lang);
    let frame = Frame::new(&viewer, t.reviews_title(), view.size, view.at, &query.flash())?;
    let this = view.months.last().map(|row| row.month);
    let bars: Vec<review::Bar> = view
        .months
        .iter()
        .map(|row| review::Bar { name: row.month.to_string().split_off(2), value: row.uses, marked: Some(row.month) == this })
        .collect();
    let said: Vec<String> = view.months.iter().map(|row| format!("{} {}", row.month, row.uses)).collect();
    let quarters: std::collections::BTreeSet<Quarter> = view.months.iter().map(|row| row.month.quarter()).collect();
    let template = ListTemplate {
        frame: &frame,
        t,
        chart: Safe(review::bars("uses", t.reviews_months(), &said.join(", "), &bars)),
        months: view.months.iter().rev().map(|row| line(&viewer, &view, Period::Month(row.month), row.uses)).collect(),
        quarters: quarters.into_iter().rev().map(|quarter| quarter_line(&viewer, &view, quarter)).collect(),
    };
    html(&frame, &template)
}

fn quarter_line(viewer: &Viewer, view: &ReviewsView, quarter: Quarter) -> Row {
    let own = quarter.months();
    let uses = view.months.iter().filter(|row| own.contains(&row.month)).map(|row| row.uses).sum();
    let mut row = line(viewer, view, Period::Quarter(quarter), uses);
    // The oldest quarter may begin before the months that were counted.
    if own.iter().any(|month: &Month| view.months.first().is_some_and(|first| *month < first.month)) {
        row.uses = String::new();
    }
    row
}

fn line(viewer: &Viewer, view: &ReviewsView, period: Period, uses: u64) -> Row {
    Row {
        href: format!("/reports/{period}"),
        name: review::period(viewer.lang, period),
        uses: hikeshi_text::page::uses(viewer.lang, uses),
        owed: view.reports.get(&period.to_string()).map(|owed| standing(viewer, owed, view.at)),
    }
}

fn standing(viewer: &Viewer, owed: &Obligation, now: Timestamp) -> Owed {
    Owed {
        href: format!("/obligations/{}", owed.id),
        id: owed.id.to_string(),
        overdue: owed.is_overdue(now),
        open: owed.status == Status::Owed,
        when: owed.done_at.map_or_else(|| due_html(viewer, owed.due_at, now), |at| time_html(viewer, at, now)),
    }
}

struct Section {
    id: &'static str,
    heading: String,
    paragraphs: Vec<String>,
    chart: Option<Html>,
    table: Option<review::Table>,
}

#[derive(Template)]
#[template(path = "review.html")]
struct OneTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    period: String,
    title: String,
    running: bool,
    owed: Option<Owed>,
    download: String,
    digest: String,
    sections: Vec<Section>,
}

pub async fn get(viewer: Viewer, Path(period): Path<String>, query: Query) -> Result<Response, Fail> {
    let (view, asked) = seen(&viewer, &period, &query).await?;
    let (t, report) = (Words(viewer.lang), &view.report);
    let title = review::title(viewer.lang, report.period);
    let frame = Frame::new(&viewer, title.clone(), view.size, view.at, &Flash::default())?;
    let template = OneTemplate {
        frame: &frame,
        t,
        period: report.period.to_string(),
        title,
        running: view.at < report.ends_at,
        owed: view.obligation.as_ref().map(|owed| standing(&viewer, owed, view.at)),
        download: format!("/reports/{}/markdown{asked}", report.period),
        digest: view.digest.to_string(),
        sections: review::sections(viewer.lang, report, &viewer.names).into_iter().map(section).collect(),
    };
    html(&frame, &template)
}

fn section(section: review::Section) -> Section {
    let review::Section { id, heading, paragraphs, chart, table } = section;
    let chart = chart.map(|chart| Safe(review::bars(&format!("{id}-chart"), &chart.title, &chart.description, &chart.bars)));
    Section { id, heading, paragraphs, chart, table }
}

pub async fn markdown(viewer: Viewer, Path(period): Path<String>, query: Query) -> Result<Response, Fail> {
    let (view, _) = seen(&viewer, &period, &query).await?;
    let text = review::markdown(viewer.lang, &view.report, &viewer.names);
    let name = format!("attachment; filename=\"emergency-exceptions-{}.md\"", view.report.period);
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// The report that is asked for, and how it was asked: as it is now, or as it was at a size and time.
async fn seen(viewer: &Viewer, period: &str, query: &Query) -> Result<(ReviewView, String), Fail> {
    let unknown = || Fail::NotFound { what: "report", given: period.chars().take(40).collect() };
    let period: Period = period.parse().map_err(|_| unknown())?;
    let (size, at) = (query.0.raw("size"), query.0.raw("at"));
    let as_of = if size.is_empty() && at.is_empty() {
        None
    } else {
        Some(AsOf { size: size.parse().map_err(|_| unknown())?, at: at.parse().map_err(|_| unknown())? })
    };
    let asked = as_of.map(|as_of| format!("?size={}&at={}", as_of.size, as_of.at)).unwrap_or_default();
    Ok((viewer.look().review(period, as_of).await?, asked))
}
