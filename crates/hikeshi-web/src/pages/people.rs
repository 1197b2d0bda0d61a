//! Who is in the workspace, and the policy that says what they may do.

use askama::Template;
use axum::response::Response;
use hikeshi_domain::permit;
use hikeshi_text::page::Words;
use hikeshi_text::{label, time};

use super::{Bar, Flash, Frame, Html, Query, act, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

struct Row {
    id: String,
    name: String,
    roles: String,
    contacts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeopleTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    rows: Vec<Row>,
}

pub async fn list(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let t = Words(viewer.lang);
    let people = viewer.look().people().await?;
    let rows = people.into_iter().map(|view| {
        let contacts = [(t.person_phone(), view.person.phone), (t.person_mail(), view.person.email), (t.person_chat(), view.person.chat)];
        Row {
            id: view.id.to_string(),
            name: view.person.name,
            roles: viewer.names.roles(viewer.lang, &view.person.roles),
            contacts: contacts.into_iter().filter_map(|(label, value)| value.map(|value| (label, value))).collect(),
        }
    });
    let rows = rows.collect();
    let size = *viewer.app.door.tip().borrow();
    let frame = Frame::new(&viewer, t.people_title(), size, viewer.now().await, &query.flash())?;
    html(&frame, &PeopleTemplate { frame: &frame, t, rows })
}

struct Pending {
    digest: String,
    proposed: Html,
    by: String,
    weakenings: Vec<String>,
    approved: String,
    bar: Bar,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    digest: String,
    facts: Vec<(&'static str, String)>,
    permissions: Vec<(String, String, String)>,
    targets: Vec<(String, String)>,
    pending: Option<Pending>,
    full: String,
}

pub async fn policy(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    show_policy(&viewer, &query.flash()).await
}

pub async fn post_policy(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show_policy(&viewer, &flash).await,
    }
}

async fn show_policy(viewer: &Viewer, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().now().await?;
    let (lang, t, policy) = (viewer.lang, Words(viewer.lang), &viewer.policy);
    let pending = match &view.pending_policy {
        None => None,
        Some(pending) => Some(Pending {
            digest: pending.digest.to_string(),
            proposed: time_html(viewer, pending.proposed_at, view.at),
            by: pending.proposed_by.as_ref().map(|person| viewer.names.person(lang, person)).unwrap_or_default(),
            weakenings: pending.weakenings.iter().map(|weakening| label::weakening(lang, weakening, &viewer.names)).collect(),
            approved: viewer.names.people(lang, &pending.approved_by),
            bar: Bar::new(viewer, &acts::policy_acts(viewer, pending), flash)?,
        }),
    };
    let rules = &policy.emergency;
    let owed = &policy.obligations;
    let hours = |hours: u32| time::minutes(lang, hours.saturating_mul(60));
    let facts = vec![
        (t.policy_approvers(), viewer.names.roles(lang, &rules.approver_roles)),
        (t.policy_witness_min(), format!("{} ({} {})", rules.witnesses_min, t.witness_senior(), rules.seniors_min)),
        (t.policy_valid(), time::minutes(lang, rules.approval_valid_min)),
        (t.policy_deadlines(), [owed.change_request_within_h, owed.report_within_h, owed.retrospective_within_h].map(hours).join(" / ")),
    ];
    let permissions = hikeshi_domain::command::KINDS.iter().filter(|kind| permit::row(kind) != permit::Row::Inside);
    let permissions = permissions.map(|kind| {
        let who = match policy.permissions.get(*kind) {
            Some(roles) => viewer.names.roles(lang, roles),
            None => label::row(lang, permit::row(kind), &viewer.names),
        };
        (label::command(lang, kind).to_owned(), (*kind).to_owned(), who)
    });
    let permissions = permissions.collect();
    let targets = policy.targets.iter().map(|(name, target)| {
        (
            name.to_string(),
            format!("{} · {} · {}", viewer.names.service(&target.service), viewer.names.environment(&target.environment), target.place()),
        )
    });
    let targets = targets.collect();
    let frame = Frame::new(viewer, t.policy_title(), view.size, view.at, flash)?;
    let full = serde_json::to_string_pretty(policy.as_ref()).map_err(|error| Fail::Broken { detail: error.to_string() })?;
    html(&frame, &PolicyTemplate { frame: &frame, t, digest: policy.digest().to_string(), facts, permissions, targets, pending, full })
}
