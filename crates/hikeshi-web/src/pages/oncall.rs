//! Who is on call now, until when, who is next, and where nobody is.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hikeshi_domain::Timestamp;
use hikeshi_domain::account::Command as Account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{PersonId, RequestKey};
use hikeshi_domain::oncall::Shift;
use hikeshi_engine::door::Credential;
use hikeshi_engine::look::{Look, OncallSchedule, OncallView};
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Lang, Names, time};
use jiff::SignedDuration;

use super::perform::{own_form, submit};
use super::{Flash, Frame, Html, Performed, Query, act, html, time_html};
use crate::acts::{self, Act, Weight, render};
use crate::calendar;
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret;
use crate::state::App;
use crate::viewer::Viewer;

const DAYS: u32 = 14;
/// Calendar programs are set up once a year at most.
const CALENDAR_VALID_DAYS: u32 = 365;
const SECRET_BYTES_MAX: usize = 100;

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
    /// Names and addresses of calendars, shown this once.
    fresh: Option<Vec<(String, String)>>,
    /// When each was made, and how it is taken back.
    calendars: Vec<(Html, Html)>,
    issue: Html,
}

pub async fn get(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    show(&viewer, None, &query.flash()).await
}

pub async fn post(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    if fields.text("do") == "account.issue_token" {
        return subscribe(&viewer, fields).await;
    }
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, None, &flash).await,
    }
}

async fn show(viewer: &Viewer, fresh: Option<&str>, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().oncall(None, DAYS).await?;
    let t = Words(viewer.lang);
    let mut frame = Frame::new(viewer, t.oncall_title(), view.size, view.at, flash)?;
    // An address that is shown once must not be swept away by news.
    frame.live = fresh.is_none();
    let sections = view.schedules.iter().map(|schedule| section(viewer, &view, schedule, flash)).collect::<Result<_, Fail>>()?;
    let root = viewer.app.public_url.as_str().trim_end_matches('/');
    let address = |secret: &str, schedule: &OncallSchedule| format!("{root}/calendar/{secret}/{}.ics", schedule.schedule);
    let fresh = fresh.map(|secret| view.schedules.iter().map(|one| (one.name.clone(), address(secret, one))).collect());
    let issue = Act::new(viewer, "account.issue_token").label(t.calendar_issue()).weight(Weight::Normal);
    let issue = acts::render(viewer, &issue, flash)?;
    let calendars = calendars(viewer, view.at, flash).await?;
    html(&frame, &OncallTemplate { frame: &frame, t, sections, fresh, calendars, issue })
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
    file_of(viewer.look(), viewer.lang, &viewer.names, &file).await
}

/// `/calendar/<secret>/primary.ics`, for programs that cannot sign in. The secret is looked for by its digest, so the time that it takes says nothing
/// of it; a wrong one and one that was revoked are answered like a page that is not there.
pub async fn subscribed(State(app): State<App>, Path((given, file)): Path<(String, String)>) -> Result<Response, Fail> {
    let unknown = || Fail::NotFound { what: "page", given: file.chars().take(60).collect() };
    let Some(_inside) = app.calendars.enter() else { return Ok(StatusCode::TOO_MANY_REQUESTS.into_response()) };
    if given.len() > SECRET_BYTES_MAX {
        return Err(unknown());
    }
    let found = app.door.authenticate(secret::digest(&given)).await?;
    let Some((actor, Credential::Calendar)) = found else { return Err(unknown()) };
    let policy = app.door.look(&actor).policy().await?;
    let own = actor.as_person().and_then(|person| policy.person(person)).and_then(|person| person.language);
    let lang = Lang::from(own.unwrap_or(policy.workspace.language));
    let mut response = file_of(app.door.look(&actor), lang, &Names::of(&policy), &file).await?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    Ok(response)
}

async fn file_of(look: Look<'_>, lang: Lang, names: &Names, file: &str) -> Result<Response, Fail> {
    let unknown = || Fail::NotFound { what: "page", given: file.chars().take(60).collect() };
    let wanted = file.strip_suffix(".ics").ok_or_else(unknown)?;
    let back = SignedDuration::from_hours(24 * i64::from(calendar::DAYS_BACK));
    let from = look.at().await.saturating_sub(back).unwrap_or(Timestamp::MIN);
    let view = look.oncall(Some(from), calendar::DAYS).await?;
    let schedule = view.schedules.iter().find(|schedule| schedule.schedule.as_str() == wanted).ok_or_else(unknown)?;
    let text = calendar::calendar(lang, &view, schedule, names);
    let name = format!("attachment; filename=\"{}.ics\"", schedule.schedule);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// The secret is made here, shown once as part of the addresses, and known to the door by its digest only.
async fn subscribe(viewer: &Viewer, fields: Fields) -> Result<Response, Fail> {
    own_form(viewer, &fields)?;
    let key = RequestKey::new(fields.raw("key")).map_err(|error| Fail::Malformed(error.to_string()))?;
    let fresh = secret::new_secret()?;
    let label = Words(viewer.lang).calendar_label().to_owned();
    let secret = secret::digest(&fresh);
    let command = Command::Account(Account::IssueToken { label, secret, only: None, calendar: true, valid_days: CALENDAR_VALID_DAYS });
    match submit(viewer, key, command, fields).await? {
        Performed::Done(_, false) => show(viewer, Some(&fresh), &Flash::default()).await,
        // The first answer showed the addresses; they cannot be shown again.
        Performed::Done(receipt, true) => Ok(super::perform::receipt_redirect("/oncall", &receipt, true)),
        Performed::Refused(flash) => show(viewer, None, &flash).await,
    }
}

/// What somebody has handed to calendar programs, to be taken back.
async fn calendars(viewer: &Viewer, now: Timestamp, flash: &Flash) -> Result<Vec<(Html, Html)>, Fail> {
    let me = viewer.look().person(&viewer.person).await?;
    let own = me.tokens.iter().filter(|token| token.calendar && token.expires_at > now);
    own.map(|token| {
        let form = acts::render(viewer, &acts::revoke_token(viewer, token.token), flash)?;
        Ok((time_html(viewer, token.issued_at, now), form))
    })
    .collect()
}
