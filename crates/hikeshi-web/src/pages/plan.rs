//! The form that requests an exception or revises its plan. Works without a script: rows are added by a button that sends the form back.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_domain::ids::{EmergencyId, IncidentId};
use hikeshi_text::page::{self, Words};

use super::perform::own_form;
use super::{Flash, Frame, Query, act, html};
use crate::acts::{self, PlanForm};
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    form: &'a PlanForm,
    incident: String,
    incident_title: String,
    /// Set for a revision.
    emergency: Option<String>,
    judged_label: &'static str,
    conditions: [(&'static str, &'static str, String, String); 3],
    step_names: Vec<String>,
    check_names: Vec<String>,
    aspects: [&'static str; 2],
    capture_names: Vec<String>,
}

pub async fn new(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let mut flash = query.flash();
    flash.kept = Fields::of(&[("incident", &query.0.text("incident"))]);
    show(&viewer, None, &flash).await
}

pub async fn post_new(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    post_any(&viewer, None, fields).await
}

pub async fn revise(viewer: Viewer, Path(id): Path<String>, query: Query) -> Result<Response, Fail> {
    let id: EmergencyId = id.parse()?;
    let emergency = viewer.look().emergency(id).await?.emergency;
    let mut flash = query.flash();
    flash.kept = acts::fields_of(&emergency.plan);
    show(&viewer, Some(id), &flash).await
}

pub async fn post_revise(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    post_any(&viewer, Some(id.parse()?), fields).await
}

async fn post_any(viewer: &Viewer, id: Option<EmergencyId>, fields: Fields) -> Result<Response, Fail> {
    if fields.has("more") {
        own_form(viewer, &fields)?;
        let flash = Flash { kept: fields, ..Flash::default() };
        return show(viewer, id, &flash).await;
    }
    let mut viewer = viewer.clone();
    let here = viewer.path.clone();
    if let Some(id) = id {
        // A revision leads back to the exception, not to its form.
        viewer.path = format!("/emergencies/{id}");
    }
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => {
            viewer.path = here;
            show(&viewer, id, &flash).await
        }
    }
}

async fn show(viewer: &Viewer, id: Option<EmergencyId>, flash: &Flash) -> Result<Response, Fail> {
    use hikeshi_domain::emergency::{Aspect, ConditionName};
    let lang = viewer.lang;
    let t = Words(lang);
    let incident: IncidentId = match id {
        Some(id) => viewer.look().emergency(id).await?.emergency.incident,
        None => flash.kept.text("incident").parse()?,
    };
    let seen = viewer.look().incident(incident).await?;
    let title = if id.is_some() { t.revise_title() } else { t.request_title() };
    let mut frame = Frame::new(viewer, title, seen.size, seen.at, flash)?;
    // Nobody wants a long form to change under their fingers.
    frame.live = false;
    let form = acts::plan_form(viewer, flash.kept.clone());
    let label = |condition| hikeshi_text::label::condition(lang, condition);
    let kept = |name: &str, part: &str| flash.kept.raw(&format!("{name}.{part}")).to_owned();
    let condition = |name: &'static str, which| (name, label(which), kept(name, "statement"), kept(name, "evidence"));
    let rows = form.steps.len().max(form.solved.len()).max(form.unaffected.len());
    let captures = form.captures.len();
    let template = PlanTemplate {
        frame: &frame,
        t,
        form: &form,
        incident: incident.to_string(),
        incident_title: seen.incident.title.clone(),
        emergency: id.map(|id| id.to_string()),
        judged_label: label(ConditionName::Judged),
        conditions: [
            condition("serious_failure", ConditionName::SeriousFailure),
            condition("normal_flow_cannot", ConditionName::NormalFlowCannot),
            condition("cannot_wait", ConditionName::CannotWait),
        ],
        step_names: (0..=rows).map(|number| page::step_number(lang, number)).collect(),
        check_names: (0..=rows).map(|number| page::check_number(lang, number)).collect(),
        capture_names: (0..=captures).map(|number| page::capture_number(lang, number)).collect(),
        aspects: [hikeshi_text::label::aspect(lang, Aspect::Solved), hikeshi_text::label::aspect(lang, Aspect::Unaffected)],
    };
    html(&frame, &template)
}
