//! What can be seen: the same views as the pages, as data.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::people::Actor;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::review::Period;
use hikeshi_engine::look::{EntryView, LedgerView, PendingPolicyView, PersonView, Which};
use hikeshi_engine::recording::Form;
use schemars::JsonSchema;
use serde::Serialize;

use super::table::Params;
use crate::fail::Fail;
use crate::json::respond;
use crate::pages::{bundle, content, replay};
use crate::state::App;
use crate::status::StatusAnswer;
use crate::viewer::ApiViewer;

const OK: StatusCode = StatusCode::OK;

#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// `true`: the door can be read. `writing` says whether it takes commands.
    pub ok: bool,
    pub writing: bool,
    /// Number of ledger entries.
    pub size: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    pub actor: Actor,
    pub person: PersonView,
    pub language: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyAnswer {
    pub digest: Digest,
    pub policy: Policy,
    pub pending: Option<PendingPolicyView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryAnswer {
    pub entry: EntryView,
    /// The canonical bytes, as text: what the leaf hash is of.
    pub bytes: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckpointAnswer {
    pub size: u64,
    pub root: Digest,
    /// The newest signed checkpoint, as a C2SP note.
    pub checkpoint: Option<String>,
    pub verifier_key: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Forgotten {
    pub forgotten: u64,
}

pub async fn health(State(app): State<App>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let writing = app.door.halted().is_none() && !app.door.is_stopping();
    respond(OK, &Health { ok: true, writing, size: *app.door.tip().borrow() })
}

pub async fn now(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().now().await?)
}

pub async fn me(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let person = viewer.look().person(&viewer.person).await?;
    respond(OK, &Me { actor: viewer.actor.clone(), person, language: viewer.lang.tag().to_owned() })
}

pub async fn incidents(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    let (open, before, limit) = (params.flag("open")?, params.before()?, params.limit()?);
    respond(OK, &viewer.look().incidents(open, before, limit).await?)
}

pub async fn incident(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().incident(id.parse()?).await?)
}

pub async fn alerts(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().alerts().await?)
}

pub async fn changes(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    respond(OK, &viewer.look().changes(params.limit()?).await?)
}

pub async fn similar(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    respond(OK, &viewer.look().similar(params.text()).await?)
}

pub async fn timeline(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    let (before, limit, id) = (params.before()?, params.limit()?, id.parse()?);
    viewer.look().incident(id).await?;
    respond(OK, &viewer.look().timeline(id, before, limit).await?)
}

pub async fn emergencies(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    let (open, before, limit) = (params.flag("open")?, params.before()?, params.limit()?);
    respond(OK, &viewer.look().emergencies(open, before, limit).await?)
}

pub async fn emergency(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().emergency(id.parse()?).await?)
}

/// The very bytes that the plan's digest is of.
pub async fn plan(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let view = viewer.look().emergency(id.parse()?).await?;
    let mut response = (OK, view.plan_document.into_bytes()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.emergency.digest)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

pub async fn obligations(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    let (open, before, limit) = (params.flag("open")?, params.before()?, params.limit()?);
    let which = if open { Which::Owed } else { Which::All };
    respond(OK, &viewer.look().obligations(which, before, limit).await?)
}

pub async fn obligation(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().obligation(id.parse()?).await?)
}

pub async fn contacts(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().contacts().await?)
}

pub async fn status(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let page = viewer.look().status().await?;
    respond(OK, &StatusAnswer { page, files_trouble: viewer.app.status.trouble() })
}

pub async fn subscribers(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().subscribers().await?)
}

pub async fn forget_subscriber(
    ApiViewer(viewer): ApiViewer,
    Path(given): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Fail> {
    params.none()?;
    super::commands::from_our_page(&viewer, &Method::DELETE, &headers)?;
    let unknown = || Fail::NotFound { what: "subscriber", given: given.chars().take(60).collect() };
    let id: u64 = given.parse().map_err(|_| unknown())?;
    viewer.look().forget_subscriber(id).await?;
    respond(OK, &Forgotten { forgotten: id })
}

pub async fn oncall(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    respond(OK, &viewer.look().oncall(params.from()?, params.days()?).await?)
}

pub async fn monitors(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().monitors().await?)
}

pub async fn reviews(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().reviews().await?)
}

pub async fn review(ApiViewer(viewer): ApiViewer, Path(period): Path<String>, params: Params) -> Result<Response, Fail> {
    let as_of = params.as_of()?;
    let period: Period = period.parse().map_err(|_| Fail::NotFound { what: "report", given: period.chars().take(40).collect() })?;
    respond(OK, &viewer.look().review(period, as_of).await?)
}

pub async fn channel(ApiViewer(viewer): ApiViewer, Path(name): Path<String>, params: Params) -> Result<Response, Fail> {
    let (before, limit) = (params.before()?, params.limit()?);
    respond(OK, &viewer.look().channel(&name.parse()?, before, limit).await?)
}

pub async fn ledger(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    let (before, limit) = (params.before()?, params.limit()?);
    respond(OK, &viewer.look().ledger(before, limit).await?)
}

/// Kept by executors, for the time when this server is down.
pub async fn trust(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    Ok((OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], viewer.look().trust().await?).into_response())
}

pub async fn checkpoint(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let LedgerView { size, root, checkpoint, verifier_key, .. } = viewer.look().ledger(None, 1).await?;
    respond(OK, &CheckpointAnswer { size, root, checkpoint, verifier_key })
}

pub async fn entry(ApiViewer(viewer): ApiViewer, Path(seq): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let number: u64 = seq.parse().map_err(|_| Fail::NotFound { what: "ledger entry", given: seq.chars().take(40).collect() })?;
    let (entry, bytes) = viewer.look().entry(number).await?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", entry.hash)).ok();
    let bytes = String::from_utf8_lossy(&bytes).into_owned();
    let mut response = respond(OK, &EntryAnswer { entry, bytes })?;
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

pub async fn bundle(ApiViewer(viewer): ApiViewer, Path(id): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    bundle::of_case(&viewer, id.parse()?).await
}

/// Emergency and session in an address.
type Session = Path<(String, String)>;

pub async fn cast(ApiViewer(viewer): ApiViewer, Path((id, session)): Session, params: Params) -> Result<Response, Fail> {
    params.none()?;
    replay::recording(&viewer, &id, &session, Form::Cast).await
}

pub async fn cast2(ApiViewer(viewer): ApiViewer, Path((id, session)): Session, params: Params) -> Result<Response, Fail> {
    params.none()?;
    replay::recording(&viewer, &id, &session, Form::Cast2).await
}

pub async fn raw(ApiViewer(viewer): ApiViewer, Path((id, session)): Session, params: Params) -> Result<Response, Fail> {
    params.none()?;
    replay::recording(&viewer, &id, &session, Form::Raw).await
}

pub async fn frames(ApiViewer(viewer): ApiViewer, Path((id, session)): Session, params: Params) -> Result<Response, Fail> {
    params.none()?;
    replay::recording(&viewer, &id, &session, Form::Frames).await
}

pub async fn people(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &viewer.look().people().await?)
}

pub async fn policy(ApiViewer(viewer): ApiViewer, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let pending = viewer.look().now().await?.pending_policy;
    respond(OK, &PolicyAnswer { digest: viewer.policy.digest(), policy: viewer.policy.as_ref().clone(), pending })
}

pub async fn contents(ApiViewer(viewer): ApiViewer, Path(name): Path<String>, params: Params) -> Result<Response, Fail> {
    params.none()?;
    let digest = Digest::parse(&name).ok_or_else(|| Fail::NotFound { what: "content", given: name.chars().take(80).collect() })?;
    content::content(&viewer, digest).await
}

pub async fn openapi(params: Params) -> Result<Response, Fail> {
    params.none()?;
    respond(OK, &*super::document::DOCUMENT)
}
