//! The first page: one glance says what burns, who has it, what is owed, what I may do.

use askama::Template;
use askama::filters::Safe;
use axum::response::Response;
use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{Emergency, Status as EmergencyStatus};
use hikeshi_domain::incident::{Incident, Priority};
use hikeshi_domain::obligation::{Obligation, Status};
use hikeshi_engine::look::{EmergencyView, MonitorRow, NowView};
use hikeshi_text::page::{self, Words};
use hikeshi_text::{label, review, time};

use super::{Flash, Frame, Html, Query, act, due_html, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

/// Exceptions whose open acts are looked up for "your turn".
const LOOKED_AT_MAX: usize = 5;

/// Something that waits for this viewer.
pub struct Turn {
    pub href: String,
    pub what: String,
    pub why: &'static str,
    pub form: Option<Html>,
}

pub struct Burning {
    pub href: String,
    pub id: String,
    pub title: String,
    pub priority: &'static str,
    pub meaning: &'static str,
    pub worst: bool,
    pub stage: &'static str,
    pub service: String,
    pub hand: Option<String>,
    pub since: Html,
}

pub struct Exception {
    pub href: String,
    pub id: String,
    pub summary: String,
    pub status: &'static str,
    pub running: bool,
    pub held: bool,
    pub since: Html,
    pub executor: String,
}

pub struct Owed {
    pub href: String,
    pub id: String,
    pub kind: &'static str,
    pub text: String,
    pub owner: String,
    pub due: Html,
    pub overdue: bool,
}

pub struct MonitorLine {
    pub name: String,
    pub word: &'static str,
    /// `ok`, `bad`, `silent`: a silent monitor never looks healthy.
    pub class: &'static str,
    pub since: Option<Html>,
    pub incident: Option<String>,
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    turns: Vec<Turn>,
    burning: Vec<Burning>,
    burning_total: String,
    burning_more: Option<String>,
    exceptions: Vec<Exception>,
    owed: Vec<Owed>,
    owed_total: String,
    owed_overdue: Option<String>,
    monitors: Vec<MonitorLine>,
    silenced: Option<String>,
    in_doubt: Vec<String>,
    uses_this: String,
    uses_last: String,
    uses_compared: String,
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
    let view = viewer.look().now().await?;
    let lang = viewer.lang;
    let t = Words(lang);
    let turns = turns(viewer, &view, flash).await?;
    let frame = Frame::new(viewer, t.now_title(), view.size, view.at, flash)?;
    let more = view.burning_total.saturating_sub(u64::try_from(view.burning.len()).unwrap_or(u64::MAX));
    let template = NowTemplate {
        frame: &frame,
        t,
        turns,
        burning: view.burning.iter().map(|incident| burning(viewer, incident, view.at)).collect(),
        burning_total: page::count(lang, view.burning_total),
        burning_more: (more > 0).then(|| page::and_more(lang, more)),
        exceptions: view.exceptions.iter().map(|emergency| exception(viewer, emergency, view.at)).collect(),
        owed: view.owed.iter().take(10).map(|owed| owed_line(viewer, owed, view.at)).collect(),
        owed_total: page::count(lang, view.owed_total),
        owed_overdue: (view.overdue_total > 0).then(|| page::overdue_count(lang, view.overdue_total)),
        monitors: monitor_lines(viewer, &view.monitors, view.at),
        silenced: (!view.silences.is_empty()).then(|| page::silenced_now(lang, view.silences.len(), view.held_total)),
        in_doubt: view.in_doubt.iter().map(ToString::to_string).collect(),
        uses_this: page::uses(lang, view.exceptions_this_month),
        uses_last: page::uses(lang, view.exceptions_last_month),
        uses_compared: page::compared_with_last_month(lang, view.exceptions_this_month, view.exceptions_last_month),
    };
    html(&frame, &template)
}

pub fn burning(viewer: &Viewer, incident: &Incident, now: Timestamp) -> Burning {
    Burning {
        href: format!("/incidents/{}", incident.id),
        id: incident.id.to_string(),
        title: incident.title.clone(),
        priority: viewer.names.priority(viewer.lang, incident.priority),
        meaning: label::priority_meaning(viewer.lang, viewer.policy.incident.scheme, incident.priority),
        worst: matches!(incident.priority, Priority::P1 | Priority::P2),
        stage: label::stage(viewer.lang, incident.stage),
        service: format!("{} · {}", viewer.names.service(&incident.service), viewer.names.environment(&incident.environment)),
        hand: match incident.away.as_ref().filter(|away| away.reconciled.is_none()) {
            Some(away) => Some(page::away(viewer.lang, away, away.due_at(&viewer.policy), &viewer.names)),
            None => incident.acknowledged.as_ref().map(|acknowledged| viewer.names.person(viewer.lang, &acknowledged.by)),
        },
        since: time_html(viewer, incident.detected_at, now),
    }
}

pub fn exception(viewer: &Viewer, emergency: &Emergency, now: Timestamp) -> Exception {
    Exception {
        href: format!("/emergencies/{}", emergency.id),
        id: emergency.id.to_string(),
        summary: emergency.plan.summary.clone(),
        status: label::emergency_status(viewer.lang, emergency.status),
        running: emergency.status.is_running(),
        held: emergency.hold.is_some(),
        since: time_html(viewer, emergency.started_at.unwrap_or(emergency.requested_at), now),
        executor: viewer.names.person(viewer.lang, &emergency.plan.executor),
    }
}

pub fn owed_line(viewer: &Viewer, owed: &Obligation, now: Timestamp) -> Owed {
    Owed {
        href: format!("/obligations/{}", owed.id),
        id: owed.id.to_string(),
        kind: label::obligation_kind(viewer.lang, owed.kind),
        text: owed_text(viewer, owed),
        owner: viewer.names.person(viewer.lang, &owed.owner),
        due: match owed.status {
            Status::Owed => due_html(viewer, owed.due_at, now),
            Status::Done | Status::Waived => Safe(label::obligation_status(viewer.lang, owed.status).to_owned()),
        },
        overdue: owed.is_overdue(now),
    }
}

/// What tells this one from others of its kind: a text, a period, a finding, or the exception.
fn owed_text(viewer: &Viewer, owed: &Obligation) -> String {
    let finding = owed.finding.as_ref().map(|finding| review::finding_name(viewer.lang, finding.kind.name()).to_owned());
    let period = owed.period.map(|period| review::period(viewer.lang, period));
    let text = (!owed.text.is_empty()).then(|| owed.text.clone());
    text.or(finding).or(period).or_else(|| owed.emergency.map(|id| id.to_string())).unwrap_or_default()
}

pub fn monitor_lines(viewer: &Viewer, rows: &[MonitorRow], now: Timestamp) -> Vec<MonitorLine> {
    rows.iter().map(|row| monitor_line(viewer, row, now)).collect()
}

pub fn monitor_line(viewer: &Viewer, row: &MonitorRow, now: Timestamp) -> MonitorLine {
    let t = Words(viewer.lang);
    let (word, class) = match row.healthy {
        _ if row.unmeasured.is_some() && row.held.is_some() => (t.monitor_unmeasured_held(), "silent"),
        _ if row.unmeasured.is_some() => (t.monitor_unmeasured(), "silent"),
        Some(true) => (t.monitor_healthy(), "ok"),
        Some(false) if row.held.is_some() => (t.monitor_held(), "silent"),
        Some(false) => (t.monitor_failing(), "bad"),
        None => (t.monitor_silent(), "silent"),
    };
    MonitorLine {
        name: row.monitor.to_string(),
        word,
        class,
        since: row.since.map(|since| time_html(viewer, since, now)),
        incident: row.incident.filter(|_| row.healthy == Some(false) || row.unmeasured.is_some()).map(|id| id.to_string()),
    }
}

/// What waits for this viewer: asked of the door, which tries the very rules.
async fn turns(viewer: &Viewer, view: &NowView, flash: &Flash) -> Result<Vec<Turn>, Fail> {
    let t = Words(viewer.lang);
    let mut turns = Vec::new();
    for incident in view.burning.iter().filter(|incident| incident.acknowledged.is_none()).take(LOOKED_AT_MAX) {
        let offers = viewer.look().incident(incident.id).await?.offers;
        if offers.iter().any(|offer| offer.kind == "incident.acknowledge" && offer.allowed) {
            turns.push(Turn {
                href: format!("/incidents/{}", incident.id),
                what: format!("{} {}", incident.id, incident.title),
                why: t.turn_acknowledge(),
                form: Some(acts::render(viewer, &acts::acknowledge(viewer, incident.id), flash)?),
            });
        }
    }
    for emergency in view.exceptions.iter().take(LOOKED_AT_MAX) {
        let seen = viewer.look().emergency(emergency.id).await?;
        if let Some((why, place)) = turn_of(viewer, &seen) {
            let what = format!("{} {}", emergency.id, emergency.plan.summary);
            turns.push(Turn { href: format!("/emergencies/{}{place}", emergency.id), what, why, form: None });
        }
    }
    if let Some(pending) =
        view.pending_policy.as_ref().filter(|pending| pending.offers.iter().any(|offer| offer.kind == "policy.approve" && offer.allowed))
    {
        turns.push(Turn { href: "/policy".to_owned(), what: pending.digest.short(), why: t.turn_policy(), form: None });
    }
    for owed in view.owed.iter().filter(|owed| owed.owner == viewer.person).take(LOOKED_AT_MAX) {
        let what =
            format!("{} {}（{}）", owed.id, label::obligation_kind(viewer.lang, owed.kind), time::due(viewer.lang, owed.due_at, view.at));
        turns.push(Turn { href: format!("/obligations/{}", owed.id), what, why: t.turn_owed(), form: None });
    }
    Ok(turns)
}

/// The one thing of an exception that this viewer should do next, if any.
fn turn_of(viewer: &Viewer, view: &EmergencyView) -> Option<(&'static str, &'static str)> {
    let t = Words(viewer.lang);
    let emergency = &view.emergency;
    let may = |kind: &str| view.offers.iter().any(|offer| offer.kind == kind && offer.allowed);
    let joined = emergency.witnesses.get(&viewer.person).is_some_and(|witness| witness.present);
    let asked = emergency.plan.witnesses.contains(&viewer.person) && !joined;
    if may("emergency.settle") {
        return Some((t.turn_settle(), "#bar"));
    }
    if may("emergency.approve") && emergency.status == EmergencyStatus::Requested {
        return Some((t.turn_approve(), "#bar"));
    }
    if may("emergency.accept") {
        return Some((t.turn_accept(), "#changes"));
    }
    if may("emergency.start") {
        return Some((t.turn_start(), "#bar"));
    }
    if may("emergency.step") {
        return Some((t.turn_step(), "#bar"));
    }
    if may("emergency.close") {
        return Some((t.turn_close(), "#bar"));
    }
    if may("emergency.verify") {
        return Some((t.turn_verify(), "#bar"));
    }
    ((asked || !view.quorum.met) && !joined && may("emergency.join")).then(|| (t.turn_join(), "#acts"))
}
