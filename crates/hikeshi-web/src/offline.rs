//! Local ledgers over HTTP, for the command line alone: entering one that this server keeps, telling a server of one, bringing one home.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use hikeshi_domain::offline::Announced;
use hikeshi_engine::door::Answer;
use hikeshi_text::{Lang, Names};
use serde::Deserialize;

use crate::api::{Became, CommandAnswer, problem};
use crate::fail::Fail;
use crate::json::{JsonBody, respond};
use crate::state::App;
use crate::viewer::{ApiViewer, Proven, Viewer, guest_lang};

/// A night's recordings; longer ones come home in company of the administrator, by `hikeshi ledger export` and its verifier.
const PARCEL_BYTES_MAX: usize = 256 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entering {
    statement: String,
    signature: String,
    label: String,
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/local", get(name))
        .route("/api/v1/local/enter", post(enter))
        .route("/api/v1/offline/announce", post(announce))
        .route("/api/v1/offline/import", post(import).layer(DefaultBodyLimit::max(PARCEL_BYTES_MAX)))
}

/// Which ledger a statement must name. Open: nobody can have a token before.
async fn name(State(app): State<App>) -> Result<Response, Fail> {
    respond(StatusCode::OK, &serde_json::json!({ "ledger": app.door.local_ledger().await? }))
}

async fn enter(State(app): State<App>, headers: HeaderMap, JsonBody(entering): JsonBody<Entering>) -> Result<Response, Fail> {
    let Entering { statement, signature, label } = entering;
    let answer = app.door.enter(statement, signature, label).await?;
    answered(guest_lang(&headers), &Names::default(), answer)
}

async fn announce(ApiViewer(viewer): ApiViewer, JsonBody(case): JsonBody<Announced>) -> Result<Response, Fail> {
    by_program(&viewer)?;
    let answer = viewer.app.door.announce_offline(viewer.person.clone(), case).await?;
    answered(viewer.lang, &viewer.names, answer)
}

async fn import(ApiViewer(viewer): ApiViewer, body: axum::body::Bytes) -> Result<Response, Fail> {
    by_program(&viewer)?;
    let answer = viewer.app.door.reconcile(viewer.person.clone(), body.into()).await?;
    answered(viewer.lang, &viewer.names, answer)
}

/// A cookie that another site made a browser send must not do this.
fn by_program(viewer: &Viewer) -> Result<(), Fail> {
    match &viewer.proven {
        Proven::Token => Ok(()),
        Proven::Session(_) => Err(Fail::ForeignForm),
    }
}

fn answered(lang: Lang, names: &Names, answer: Answer) -> Result<Response, Fail> {
    match answer {
        Answer::Done(receipt) => respond(StatusCode::OK, &CommandAnswer { answer: Became::Done, receipt }),
        Answer::Already(receipt) => respond(StatusCode::OK, &CommandAnswer { answer: Became::Already, receipt }),
        Answer::Refused { refusal, seq } => Ok(problem::of_refusal(lang, names, &refusal, seq)),
    }
}
