//! One emergency exception: everything that an approver, a witness and an executor need, on one page.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_domain::emergency::{Emergency, Status, StepState, unaccepted};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{label, time};

use super::changes::Shown;
use super::emergency_rows::{self as rows, ApprovalRow, ConditionRow, StepRow, VerificationRow, WitnessRow};
use super::frame::Line;
use super::now::{Owed, owed_line};
use super::sessions::{self, SessionRow};
use super::{Bar, Flash, Frame, Html, Query, act, changes, html, time_html, timeline};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

const TIMELINE_ROWS: u32 = 30;

pub struct Banner {
    pub title: &'static str,
    pub text: String,
}

#[derive(Template)]
#[template(path = "emergency.html")]
struct EmergencyTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a EmergencyView,
    e: &'a Emergency,
    status: &'static str,
    running: bool,
    /// Something may have happened in production: results come before reasons then, and after them before.
    touched: bool,
    next: &'static str,
    harder: Option<String>,
    banners: Vec<Banner>,
    requester: String,
    executor: String,
    target: String,
    requested: Html,
    started: Option<Html>,
    closed: Option<Html>,
    ending: Option<&'static str>,
    conditions: Vec<ConditionRow>,
    approvals: Vec<ApprovalRow>,
    witnesses: Vec<WitnessRow>,
    quorum: String,
    steps: Vec<StepRow>,
    sessions: Vec<SessionRow>,
    backup: Option<(String, String, String)>,
    changes: Html,
    verifications: Vec<VerificationRow>,
    restored: Option<(String, String)>,
    owed: Vec<Owed>,
    bar: Bar,
    lines: Vec<Line>,
}

pub async fn get(viewer: Viewer, Path(id): Path<String>, query: Query) -> Result<Response, Fail> {
    show(&viewer, id.parse()?, &query.flash()).await
}

pub async fn post(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    let id: EmergencyId = id.parse()?;
    let joins = fields.text("do") == "emergency.join";
    let mut acting = viewer.clone();
    if joins {
        // Whoever joins wants the page that keeps them present.
        acting.path = format!("/emergencies/{id}/watch");
    }
    match act(&acting, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, id, &flash).await,
    }
}

async fn show(viewer: &Viewer, id: EmergencyId, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().emergency(id).await?;
    let entries = viewer.look().timeline(view.emergency.incident, None, TIMELINE_ROWS).await?;
    let passkeys: Vec<String> =
        viewer.look().person(&viewer.person).await?.passkeys.into_iter().map(|passkey| passkey.credential_id).collect();
    let (lang, now) = (viewer.lang, view.at);
    let t = Words(lang);
    let e = &view.emergency;
    let frame = Frame::new(viewer, format!("{} {}", e.id, e.plan.summary), view.size, now, flash)?;
    let quorum = &view.quorum;
    let template = EmergencyTemplate {
        frame: &frame,
        t,
        e,
        status: label::emergency_status(lang, e.status),
        running: e.status.is_running(),
        touched: e.started_at.is_some(),
        next: next(t, e.status),
        harder: e.requirement.every_role.then(|| e.requirement.because.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        banners: banners(viewer, e, Flagged::Here),
        requester: viewer.names.person(lang, &e.requester),
        executor: viewer.names.person(lang, &e.plan.executor),
        target: target(viewer, &view),
        requested: time_html(viewer, e.requested_at, now),
        started: e.started_at.map(|at| time_html(viewer, at, now)),
        closed: e.closed_at.map(|at| time_html(viewer, at, now)),
        ending: e.ending.map(|ending| label::ending(lang, ending)),
        conditions: rows::conditions(viewer, &view),
        approvals: rows::approvals(viewer, &view),
        witnesses: rows::witnesses(viewer, &view),
        quorum: page::witness_count(lang, quorum.present.len(), quorum.needed, quorum.seniors.len(), quorum.seniors_needed),
        steps: rows::steps(viewer, &view).await?,
        sessions: sessions::rows(viewer, e, now),
        backup: e.backup.as_ref().map(|backup| {
            (
                backup.name.clone(),
                format!("{} {} · {}", backup.files, t.files_backed_up(), time::bytes(backup.bytes)),
                backup.manifest.short(),
            )
        }),
        changes: changes::list(viewer, &view, flash, Shown::All, "").await?,
        verifications: rows::verifications(viewer, &view),
        restored: e.restored.as_ref().map(|restored| (viewer.names.person(lang, &restored.by), restored.reason.clone())),
        owed: view.obligations.iter().map(|owed| owed_line(viewer, owed, now)).collect(),
        bar: Bar::new(viewer, &acts::of_emergency(viewer, &view, &passkeys), flash)?,
        lines: timeline(viewer, &entries.rows, Some(view.emergency.incident), now),
        view: &view,
    };
    html(&frame, &template)
}

fn target(viewer: &Viewer, view: &EmergencyView) -> String {
    let name = &view.emergency.plan.target;
    match &view.target {
        Some(target) => {
            format!(
                "{name} · {} · {} · {}",
                viewer.names.service(&target.service),
                viewer.names.environment(&target.environment),
                target.place()
            )
        }
        None => name.to_string(),
    }
}

fn next(t: Words, status: Status) -> &'static str {
    match status {
        Status::Requested => t.next_requested(),
        Status::Approved => t.next_approved(),
        Status::BackingUp => t.next_backing_up(),
        Status::Executing => t.next_executing(),
        Status::Verifying => t.next_verifying(),
        Status::Restoring => t.next_restoring(),
        Status::Closed => t.next_closed(),
        Status::Declined | Status::Cancelled | Status::Expired => t.next_over(),
    }
}

/// Whether what lies outside the scope is said among the banners, or has its own place on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flagged {
    Here,
    Apart,
}

/// What nobody may overlook.
pub fn banners(viewer: &Viewer, e: &Emergency, flagged: Flagged) -> Vec<Banner> {
    let t = Words(viewer.lang);
    let mut banners = Vec::new();
    if let Some(ledger) = &e.ledger {
        banners.push(match &e.offline {
            Some(offline) => Banner { title: t.offline_banner(), text: page::offline(viewer.lang, offline, ledger, &viewer.names) },
            None => Banner { title: t.local_banner(), text: format!("{ledger} — {}", t.local_banner_text()) },
        });
    }
    if let Some(hold) = &e.hold {
        banners.push(Banner {
            title: t.hold_banner(),
            text: format!("{}: {} — {}", t.hold_by(), viewer.names.person(viewer.lang, &hold.by), hold.reason),
        });
    }
    for (index, _) in e.steps.iter().enumerate().filter(|(_, state)| matches!(state, StepState::InDoubt { .. })) {
        let title = e.plan.steps.get(index).map(|step| step.title.clone()).unwrap_or_default();
        banners.push(Banner {
            title: t.doubt_banner(),
            text: page::step_heading(viewer.lang, u32::try_from(index + 1).unwrap_or(u32::MAX), &title),
        });
    }
    let outside: Vec<&str> = unaccepted(e).map(|change| change.path.as_str()).collect();
    if !outside.is_empty() && flagged == Flagged::Here {
        banners.push(Banner { title: t.scope_banner(), text: outside.join(", ") });
    }
    for session in e.sessions.iter().filter(|session| !session.unconfirmed.is_empty()) {
        let text = page::unconfirmed(viewer.lang, session.number, &session.unconfirmed);
        banners.push(Banner { title: t.unconfirmed_banner(), text });
    }
    if let Some(trouble) = &e.trouble {
        banners
            .push(Banner { title: t.trouble_banner(), text: format!("{}: {}", label::doing(viewer.lang, trouble.doing), trouble.detail) });
    }
    banners
}
