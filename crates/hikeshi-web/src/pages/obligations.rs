//! What is owed after an exception.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::ObligationId;
use hikeshi_domain::obligation::{Kind, Obligation, Status};
use hikeshi_domain::review::AsOf;
use hikeshi_engine::look::{LookError, ObligationView, ReviewView, Which};
use hikeshi_text::page::Words;
use hikeshi_text::{label, review, time};

use super::now::{Owed, owed_line};
use super::{Bar, Flash, Frame, Html, Query, act, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

const ROWS: u32 = 50;

struct Row {
    owed: Owed,
    status: &'static str,
    open: bool,
    done: Option<Html>,
}

#[derive(Template)]
#[template(path = "obligations.html")]
struct ListTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    rows: Vec<Row>,
    all: bool,
    older: Option<u64>,
}

pub async fn list(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let all = query.0.has("all");
    let which = if all { Which::All } else { Which::Owed };
    let found = viewer.look().obligations(which, query.number("before"), ROWS).await?;
    let now = viewer.now().await;
    let t = Words(viewer.lang);
    let row = |owed: &Obligation| Row {
        owed: owed_line(&viewer, owed, now),
        status: label::obligation_status(viewer.lang, owed.status),
        open: owed.status == Status::Owed,
        done: owed.done_at.map(|at| time_html(&viewer, at, now)),
    };
    let rows = found.rows.iter().map(row).collect();
    let size = *viewer.app.door.tip().borrow();
    let frame = Frame::new(&viewer, t.obligations_title(), size, now, &query.flash())?;
    html(&frame, &ListTemplate { frame: &frame, t, rows, all, older: found.older })
}

struct Request {
    branch: String,
    commit: String,
    base: String,
    label: String,
    request_file: String,
    patch_file: String,
    compared: Option<Compared>,
}

struct Compared {
    at: Html,
    merged: &'static str,
    is_merged: bool,
    drift: Vec<(String, String, String)>,
}

struct Meeting {
    starts: Html,
    lasts: String,
    invited: String,
    file: Option<String>,
    held: Option<(Html, String, String)>,
}

struct Finding {
    name: &'static str,
    why: String,
    entries: Vec<u64>,
}

/// What stood before the development meeting, beside what is computed now from the same entries.
struct Shown {
    when: Html,
    who: String,
    note: String,
    digest: String,
    href: String,
    same: bool,
}

#[derive(Template)]
#[template(path = "obligation.html")]
struct OneTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a ObligationView,
    kind: &'static str,
    status: &'static str,
    open: bool,
    overdue: bool,
    due: String,
    due_at: Html,
    owner: String,
    done: Option<Html>,
    waived: Option<&'static str>,
    trouble: Option<String>,
    request: Option<Request>,
    report: Option<Vec<(&'static str, String)>>,
    report_file: Option<String>,
    meeting: Option<Meeting>,
    avoidable: Option<String>,
    period: Option<(String, String)>,
    /// Where a postmortem is written, or what decided a prevention item.
    postmortem: Option<String>,
    finding: Option<Finding>,
    presented: Option<Shown>,
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

async fn show(viewer: &Viewer, id: ObligationId, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().obligation(id).await?;
    let (lang, now, owed) = (viewer.lang, view.at, &view.obligation);
    let t = Words(lang);
    let kind = label::obligation_kind(lang, owed.kind);
    let reported = reported(viewer, owed).await?;
    let frame = Frame::new(viewer, format!("{} {kind}", owed.id), view.size, now, flash)?;
    let template = OneTemplate {
        frame: &frame,
        t,
        kind,
        status: label::obligation_status(lang, owed.status),
        open: owed.status == Status::Owed,
        overdue: owed.is_overdue(now),
        due: time::due(lang, owed.due_at, now),
        due_at: time_html(viewer, owed.due_at, now),
        owner: viewer.names.person(lang, &owed.owner),
        done: owed.done_at.map(|at| time_html(viewer, at, now)),
        waived: owed.waived.map(|waiver| label::waiver(lang, waiver)),
        trouble: owed.trouble.as_ref().map(|trouble| format!("{}: {}", label::doing(lang, trouble.doing), trouble.detail)),
        request: request(viewer, &view),
        report: report(t, owed),
        report_file: owed.report.as_ref().and_then(|report| report.file.clone()),
        meeting: meeting(viewer, &view),
        avoidable: owed.meeting.as_ref().and_then(|meeting| meeting.held.as_ref()).and_then(|held| held.avoidable.clone()),
        period: owed.period.map(|period| (format!("/reports/{period}"), review::title(lang, period))),
        postmortem: owed
            .incident
            .filter(|_| owed.kind == Kind::Postmortem || (owed.kind == Kind::Prevention && owed.emergency.is_none()))
            .map(|id| format!("/incidents/{id}/postmortem")),
        finding: owed.finding.as_ref().map(|finding| Finding {
            name: review::finding_name(lang, finding.kind.name()),
            why: review::explanation(lang, &finding.kind, &viewer.names),
            entries: finding.entries.clone(),
        }),
        presented: shown(viewer, owed, reported.as_ref(), now),
        bar: Bar::new(viewer, &acts::of_obligation(viewer, &view, reported.as_ref()), flash)?,
        view: &view,
    };
    html(&frame, &template)
}

/// The report that this is about: as it was presented, or as it is now; `None` when somebody presented one of entries that are not there.
async fn reported(viewer: &Viewer, owed: &Obligation) -> Result<Option<ReviewView>, Fail> {
    let Some(period) = owed.period else { return Ok(None) };
    let as_of = owed.presented.as_ref().map(|presented| AsOf { size: presented.size, at: presented.at });
    match viewer.look().review(period, as_of).await {
        Err(LookError::NotFound { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}

fn shown(viewer: &Viewer, owed: &Obligation, reported: Option<&ReviewView>, now: Timestamp) -> Option<Shown> {
    let (presented, period) = owed.presented.as_ref().zip(owed.period)?;
    Some(Shown {
        when: time_html(viewer, presented.held_at, now),
        who: viewer.names.person(viewer.lang, &presented.by),
        note: presented.note.clone(),
        digest: presented.digest.short(),
        href: format!("/reports/{period}?size={}&at={}", presented.size, presented.at),
        same: reported.is_some_and(|reported| reported.digest == presented.digest),
    })
}

fn request(viewer: &Viewer, view: &ObligationView) -> Option<Request> {
    let t = Words(viewer.lang);
    let request = view.obligation.request.as_ref()?;
    let short = |digest: Option<hikeshi_domain::ids::Digest>| digest.map_or_else(|| t.change_absent().to_owned(), |digest| digest.short());
    let compared = request.compared.as_ref().map(|compared| Compared {
        at: time_html(viewer, compared.at, view.at),
        merged: if compared.merged { t.merged_yes() } else { t.merged_no() },
        is_merged: compared.merged,
        drift: compared.drift.iter().map(|drift| (drift.path.clone(), short(drift.production), short(drift.repository))).collect(),
    });
    Some(Request {
        branch: request.branch.clone(),
        commit: request.commit.clone(),
        base: request.base.clone(),
        label: request.label.clone(),
        request_file: request.request_file.clone(),
        patch_file: request.patch_file.clone(),
        compared,
    })
}

fn report(t: Words, owed: &Obligation) -> Option<Vec<(&'static str, String)>> {
    let judgement = &owed.report.as_ref()?.judgement;
    Some(vec![
        (t.report_problem(), judgement.problem.clone()),
        (t.report_impact(), judgement.impact.clone()),
        (t.report_cause(), judgement.cause.clone()),
        (t.report_response(), judgement.response.clone()),
        (t.report_prevention(), judgement.prevention.join("\n")),
    ])
}

fn meeting(viewer: &Viewer, view: &ObligationView) -> Option<Meeting> {
    let meeting = view.obligation.meeting.as_ref()?;
    let held = meeting.held.as_ref();
    Some(Meeting {
        starts: time_html(viewer, meeting.starts_at, view.at),
        lasts: time::minutes(viewer.lang, meeting.lasts_min),
        invited: viewer.names.people(viewer.lang, &meeting.invited),
        file: meeting.file.clone(),
        held: held
            .map(|held| (time_html(viewer, held.at, view.at), viewer.names.people(viewer.lang, &held.attended), held.lessons.clone())),
    })
}
