//! Incidents: the list, one of them, a new one.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::{Alert, Waits};
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident::Stage;
use hikeshi_domain::status::PublicPost;
use hikeshi_engine::look::{IncidentRow, IncidentView};
use hikeshi_text::page::{self, Words};
use hikeshi_text::{label, time};

use super::altered::{self, AlteredPart};
use super::frame::Line;
use super::monitors::{NewErrorRow, new_errors};
use super::now::{Exception, Owed, exception, owed_line};
use super::postmortem::{self, PastRow, past_rows};
use super::{Bar, Flash, Frame, Html, Query, act, html, time_html, timeline};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

const ROWS: u32 = 50;
const TIMELINE_ROWS: u32 = 60;
const ALERTS_SHOWN: usize = 5;

struct Row {
    id: String,
    title: String,
    priority: &'static str,
    stage: &'static str,
    open: bool,
    merged: Option<String>,
    opened: Html,
    hand: Option<String>,
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct ListTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    rows: Vec<Row>,
    all: bool,
    older: Option<u64>,
    first: bool,
}

pub async fn list(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let all = query.0.has("all");
    let before = query.number("before");
    let found = viewer.look().incidents(!all, before, ROWS).await?;
    let now = viewer.now().await;
    let t = Words(viewer.lang);
    let rows = found.rows.iter().map(|row| Row {
        id: row.id.to_string(),
        title: row.title.clone(),
        priority: viewer.names.priority(viewer.lang, row.priority),
        stage: label::stage(viewer.lang, row.stage),
        open: row.resolved_at.is_none() && row.merged_into.is_none(),
        merged: row.merged_into.map(|into| page::merged_into(viewer.lang, into)),
        opened: time_html(&viewer, row.opened_at, now),
        hand: row.acknowledged_by.as_ref().map(|person| viewer.names.person(viewer.lang, person)),
    });
    let size = *viewer.app.door.tip().borrow();
    let frame = Frame::new(&viewer, t.incidents_title(), size, now, &query.flash())?;
    html(&frame, &ListTemplate { frame: &frame, t, rows: rows.collect(), all, older: found.older, first: before.is_none() })
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormTemplate<'a> {
    frame: &'a Frame,
    form: Html,
}

pub async fn new(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    show_new(&viewer, &query.flash()).await
}

pub async fn post_new(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show_new(&viewer, &flash).await,
    }
}

async fn show_new(viewer: &Viewer, flash: &Flash) -> Result<Response, Fail> {
    let size = *viewer.app.door.tip().borrow();
    let frame = Frame::new(viewer, Words(viewer.lang).new_incident_title(), size, viewer.now().await, flash)?;
    let form = acts::render_open(viewer, &acts::open_form(viewer), flash)?;
    html(&frame, &FormTemplate { frame: &frame, form })
}

pub async fn get(viewer: Viewer, Path(id): Path<String>, query: Query) -> Result<Response, Fail> {
    show(&viewer, id.parse()?, query.number("before"), &query.flash()).await
}

pub async fn post(viewer: Viewer, Path(id): Path<String>, fields: Fields) -> Result<Response, Fail> {
    let id = id.parse()?;
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, id, None, &flash).await,
    }
}

pub(super) struct AlertRow {
    pub title: String,
    pub source: String,
    pub severity: Option<&'static str>,
    pub firing: bool,
    pub when: Html,
    pub summary: String,
    pub link: Option<String>,
    /// Why it belongs to no incident.
    pub waits: Option<String>,
    /// Set where the incident is not what the page is about.
    pub incident: Option<String>,
}

pub(super) fn alert_row(viewer: &Viewer, alert: &Alert, now: Timestamp) -> AlertRow {
    AlertRow {
        title: alert.title.clone(),
        source: alert.alert.source.to_string(),
        severity: alert.severity.map(|severity| label::severity(viewer.lang, severity)),
        firing: alert.firing,
        when: time_html(viewer, alert.over.map_or(alert.fired_at, |over| over.at), now),
        summary: alert.summary.clone(),
        link: alert.link.clone(),
        waits: alert.waits.as_ref().map(|waits| match waits {
            Waits::Flapping => Words(viewer.lang).alert_waits_flapping().to_owned(),
            Waits::Silenced { silence } => page::held_by(viewer.lang, *silence),
        }),
        incident: None,
    }
}

/// Alerts beside those that are listed. One that fired again is counted again, and listed once.
fn unlisted(view: &IncidentView) -> Option<u32> {
    let listed = u32::try_from(view.alerts.len()).unwrap_or(u32::MAX);
    let firing = u32::try_from(view.alerts.iter().filter(|alert| alert.firing).count()).unwrap_or(u32::MAX);
    let more = view.incident.alerts.firing.saturating_sub(firing);
    (more > 0 && listed > 0).then_some(more)
}

struct StageStep {
    name: &'static str,
    class: &'static str,
    word: &'static str,
}

struct Measure {
    name: &'static str,
    value: Option<String>,
    in_time: Option<bool>,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    view: &'a IncidentView,
    priority: &'static str,
    meaning: &'static str,
    service: String,
    stages: Vec<StageStep>,
    hand: Option<String>,
    duties: Vec<(&'static str, String)>,
    opened_by: String,
    detected: Html,
    resolved: Option<(Html, String)>,
    measures: Vec<Measure>,
    triage: String,
    /// Who was called, and how each call stands.
    paged: Vec<String>,
    similar: Vec<PastRow>,
    postmortem: Option<&'static str>,
    alerts: Vec<AlertRow>,
    /// Those behind the first ones, folded: what can be done and the timeline must stay within reach.
    more_alerts: Vec<AlertRow>,
    alert_count: String,
    /// What it has become part of, if that was less serious.
    merged: Option<Banner>,
    related: Vec<Related>,
    /// Of each monitor, what it sees that is new.
    new_errors: Vec<(String, Vec<NewErrorRow>)>,
    /// What changed before and during it.
    altered: Vec<AlteredPart>,
    alerts_unlisted: Option<String>,
    published: Vec<(String, String, Html)>,
    exceptions: Vec<Exception>,
    owed: Vec<Owed>,
    bar: Bar,
    lines: Vec<Line>,
    older: Option<u64>,
}

async fn show(viewer: &Viewer, id: IncidentId, before: Option<u64>, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().incident(id).await?;
    let entries = viewer.look().timeline(id, before, TIMELINE_ROWS).await?;
    let lang = viewer.lang;
    let t = Words(lang);
    let incident = &view.incident;
    let now = view.at;
    let frame = Frame::new(viewer, format!("{} {}", incident.id, incident.title), view.size, now, flash)?;
    let triage = &incident.triage;
    let template = IncidentTemplate {
        frame: &frame,
        t,
        priority: viewer.names.priority(lang, incident.priority),
        meaning: label::priority_meaning(lang, viewer.policy.incident.scheme, incident.priority),
        service: format!("{} · {}", viewer.names.service(&incident.service), viewer.names.environment(&incident.environment)),
        stages: stages(viewer, incident.stage),
        hand: match incident.away.as_ref().filter(|away| away.reconciled.is_none()) {
            Some(away) => Some(page::away(lang, away, away.due_at(&viewer.policy), &viewer.names)),
            None => incident.acknowledged.as_ref().map(|acknowledged| viewer.names.person(lang, &acknowledged.by)),
        },
        duties: incident.duties.iter().map(|(duty, person)| (label::duty(lang, *duty), viewer.names.person(lang, person))).collect(),
        opened_by: hikeshi_text::actor(lang, &incident.opened_by, &viewer.names),
        detected: time_html(viewer, incident.detected_at, now),
        resolved: incident
            .resolved
            .as_ref()
            .map(|resolved| (time_html(viewer, resolved.at, now), hikeshi_text::restored_by(lang, &resolved.what))),
        measures: measures(viewer, &view),
        triage: [label::impact(lang, triage.impact), label::business(lang, triage.business), label::urgency(lang, triage.urgency)]
            .join(" · "),
        paged: incident.pages.iter().map(|page| hikeshi_text::page_line(lang, page, &viewer.names)).collect(),
        similar: past_rows(viewer, &view.similar, now),
        postmortem: postmortem::standing(t, incident),
        alerts: view.alerts.iter().take(ALERTS_SHOWN).map(|alert| alert_row(viewer, alert, now)).collect(),
        more_alerts: view.alerts.iter().skip(ALERTS_SHOWN).map(|alert| alert_row(viewer, alert, now)).collect(),
        alert_count: t.alert_count(incident.alerts.firing, incident.alerts.fired),
        merged: merged(viewer, &view),
        related: related(viewer, &view),
        new_errors: view.new_errors.iter().map(|of| (of.monitor.to_string(), new_errors(viewer.lang, &of.patterns))).collect(),
        altered: altered::parts(viewer, &view.changes, now),
        alerts_unlisted: unlisted(&view).map(|more| t.alerts_unlisted(more)),
        published: incident.public.iter().rev().map(|post| published(viewer, post, now)).collect(),
        exceptions: view.emergencies.iter().map(|emergency| exception(viewer, emergency, now)).collect(),
        owed: view.obligations.iter().map(|owed| owed_line(viewer, owed, now)).collect(),
        bar: Bar::new(viewer, &acts::of_incident(viewer, &view), flash)?,
        lines: timeline(viewer, &entries.rows, Some(id), now),
        older: entries.older,
        view: &view,
    };
    html(&frame, &template)
}

struct Banner {
    into: IncidentId,
    who: String,
    when: Html,
    reason: String,
    worse: Option<String>,
}

/// It ended as a part of another one.
fn merged(viewer: &Viewer, view: &IncidentView) -> Option<Banner> {
    let merged = view.incident.merged.as_ref()?;
    let other = view.related.iter().find(|row| row.id == merged.into);
    let worse = other.filter(|other| view.incident.priority < other.priority);
    Some(Banner {
        into: merged.into,
        who: viewer.names.person(viewer.lang, &merged.by),
        when: time_html(viewer, merged.at, view.at),
        reason: merged.reason.clone(),
        worse: worse.map(|other| {
            let priority = |priority| viewer.names.priority(viewer.lang, priority);
            Words(viewer.lang).merged_worse(priority(view.incident.priority), priority(other.priority))
        }),
    })
}

struct Related {
    id: IncidentId,
    how: &'static str,
    title: String,
    priority: &'static str,
    opened: Html,
    hand: Option<String>,
}

/// What was merged into it, what was split off, and of which it is a part.
fn related(viewer: &Viewer, view: &IncidentView) -> Vec<Related> {
    let (t, incident) = (Words(viewer.lang), &view.incident);
    let rows = view.related.iter().filter(|row| incident.merged.as_ref().is_none_or(|merged| merged.into != row.id));
    let related = |row: &IncidentRow| Related {
        id: row.id,
        how: if incident.absorbed.contains(&row.id) {
            t.related_merged()
        } else if incident.split_from == Some(row.id) {
            t.related_split_from()
        } else {
            t.related_split()
        },
        title: row.title.clone(),
        priority: viewer.names.priority(viewer.lang, row.priority),
        opened: time_html(viewer, row.opened_at, view.at),
        hand: row.acknowledged_by.as_ref().map(|person| viewer.names.person(viewer.lang, person)),
    };
    rows.map(related).collect()
}

/// One post of the status page: state and by whom, words, time.
fn published(viewer: &Viewer, post: &PublicPost, now: Timestamp) -> (String, String, Html) {
    let lang = viewer.lang;
    let who = post.by.as_ref().map_or_else(|| Words(lang).published_by_program().to_owned(), |by| viewer.names.person(lang, by));
    let (words, _) = hikeshi_text::status::words(lang, &post.text, post.state);
    (format!("{} · {who}", label::public_state(lang, post.state)), words, time_html(viewer, post.at, now))
}

fn stages(viewer: &Viewer, now: Stage) -> Vec<StageStep> {
    let t = Words(viewer.lang);
    let step = |stage: &Stage| {
        let (class, word) = match stage.cmp(&now) {
            std::cmp::Ordering::Less => ("past", t.stage_done()),
            std::cmp::Ordering::Equal => ("here", t.stage_current()),
            std::cmp::Ordering::Greater => ("ahead", t.stage_coming()),
        };
        StageStep { name: label::stage(viewer.lang, *stage), class, word }
    };
    Stage::ALL.iter().map(step).collect()
}

fn measures(viewer: &Viewer, view: &IncidentView) -> Vec<Measure> {
    let measures = &view.measures;
    let t = Words(viewer.lang);
    let value = |seconds: Option<i64>| seconds.map(|seconds| time::seconds(viewer.lang, seconds));
    let mut all = vec![
        Measure { name: t.to_acknowledge(), value: value(measures.acknowledged_s), in_time: measures.acknowledged_in_time },
        Measure { name: t.to_mitigate(), value: value(measures.mitigated_s), in_time: None },
        Measure { name: t.to_resolve(), value: value(measures.resolved_s), in_time: measures.resolved_in_time },
    ];
    // What has not come to a merged one comes to the one that has it now.
    all.retain(|measure| measure.value.is_some() || view.incident.merged.is_none());
    all
}
