//! Passkeys: the two ceremonies, each a question and an answer. Challenges wait in memory, briefly and once.

mod known;

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hikeshi_domain::account::{Command as Account, Proof};
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::{Digest, PersonId};
use hikeshi_domain::people::Via;
use hikeshi_domain::signature::passkey::RelyingParty;
use hikeshi_engine::door::Answer;
use serde::{Deserialize, Serialize};
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    CreationChallengeResponse, CredentialID, PublicKeyCredential, RegisterPublicKeyCredential, RequestChallengeResponse, Uuid,
};

use crate::fail::Fail;
use crate::json::{JsonBody, respond};
use crate::state::App;
use crate::viewer::{self, Viewer};
use crate::{pages, secret};
use known::known;

/// The header in which a script repeats the form token of its page.
const TOKEN_HEADER: &str = "x-hikeshi-token";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[derive(Serialize)]
struct Creation {
    ceremony: String,
    options: CreationChallengeResponse,
}

#[derive(Deserialize)]
pub struct Created {
    ceremony: String,
    label: String,
    credential: RegisterPublicKeyCredential,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    handle: String,
}

#[derive(Serialize)]
struct Request {
    ceremony: String,
    options: RequestChallengeResponse,
}

#[derive(Deserialize)]
pub struct Answered {
    ceremony: String,
    #[serde(default)]
    next: String,
    credential: PublicKeyCredential,
}

#[derive(Serialize)]
struct Go {
    to: String,
}

fn webauthn(app: &App) -> Result<&Webauthn, Fail> {
    app.webauthn.as_ref().ok_or_else(|| Fail::NotFound { what: "passkeys at this address", given: app.public_url.to_string() })
}

pub(crate) fn own_script(viewer: &Viewer, headers: &HeaderMap) -> Result<(), Fail> {
    let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = viewer.session().ok_or(Fail::ForeignForm)?;
    if secret::form_token_holds(token, session) { Ok(()) } else { Err(Fail::ForeignForm) }
}

/// Where passkeys of this server sign, as the library has just verified it: the record keeps it, so that approvals can be verified later.
pub fn place(app: &App) -> Option<RelyingParty> {
    let id = app.public_url.domain()?.to_owned();
    Some(RelyingParty { id, origin: app.public_url.origin().ascii_serialization() })
}

/// The same person has the same id at every authenticator, and it says nothing about them.
fn user_id(person: &PersonId) -> Uuid {
    let Digest(bytes) = Digest::of(format!("hikeshi-user\0{person}").as_bytes());
    let mut id = [0_u8; 16];
    id.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    Uuid::from_bytes(id)
}

pub async fn register_start(State(app): State<App>, viewer: Viewer, headers: HeaderMap, _: JsonBody<Nothing>) -> Result<Response, Fail> {
    own_script(&viewer, &headers)?;
    let already: Vec<CredentialID> = known(&app, &viewer.person).await?.iter().map(|passkey| passkey.cred_id().clone()).collect();
    let name = viewer.names.written(&viewer.person);
    let started = webauthn(&app)?.start_passkey_registration(user_id(&viewer.person), viewer.person.as_str(), name, Some(already));
    let (options, waiting) = started.map_err(|error| Fail::Broken { detail: error.to_string() })?;
    let ceremony = secret::new_secret()?;
    app.registrations.put(format!("{}\0{ceremony}", viewer.person), waiting);
    respond(StatusCode::OK, &Creation { ceremony, options })
}

pub async fn register_finish(
    State(app): State<App>,
    viewer: Viewer,
    headers: HeaderMap,
    JsonBody(given): JsonBody<Created>,
) -> Result<Response, Fail> {
    own_script(&viewer, &headers)?;
    let failed = || Fail::Passkey;
    let waiting = app.registrations.take(&format!("{}\0{}", viewer.person, given.ceremony)).ok_or_else(failed)?;
    let passkey = webauthn(&app)?.finish_passkey_registration(&given.credential, &waiting).map_err(|error| {
        tracing::info!(person = %viewer.person, "a passkey could not be registered: {error}");
        failed()
    })?;
    let command = Command::Account(Account::AddPasskey {
        label: given.label.trim().to_owned(),
        credential_id: URL_SAFE_NO_PAD.encode(passkey.cred_id()),
        credential: serde_json::to_value(&passkey).map_err(|error| Fail::Broken { detail: error.to_string() })?,
        place: place(&app),
    });
    let envelope = Envelope { key: secret::request_key()?, actor: viewer.actor.clone(), via: Via::Web, command };
    match app.door.submit(envelope).await? {
        Answer::Done(receipt) | Answer::Already(receipt) => {
            let number = receipt.seq.map(|seq| seq.to_string()).unwrap_or_default();
            respond(StatusCode::OK, &Go { to: format!("/people/me?receipt={number}") })
        }
        Answer::Refused { refusal, seq } => Ok(crate::api::problem::of_refusal(viewer.lang, &viewer.names, &refusal, seq)),
    }
}

pub async fn sign_in_start(State(app): State<App>, JsonBody(who): JsonBody<Who>) -> Result<Response, Fail> {
    let failed = || Fail::Passkey;
    let person: PersonId = who.handle.parse().map_err(|_| failed())?;
    let theirs = known(&app, &person).await?;
    if theirs.is_empty() {
        return Err(failed());
    }
    let (options, waiting) =
        webauthn(&app)?.start_passkey_authentication(&theirs).map_err(|error| Fail::Broken { detail: error.to_string() })?;
    let ceremony = secret::new_secret()?;
    app.authentications.put(ceremony.clone(), (person, waiting));
    respond(StatusCode::OK, &Request { ceremony, options })
}

pub async fn sign_in_finish(State(app): State<App>, JsonBody(given): JsonBody<Answered>) -> Result<Response, Fail> {
    let failed = || Fail::Passkey;
    let (person, waiting) = app.authentications.take(&given.ceremony).ok_or_else(failed)?;
    let result = webauthn(&app)?.finish_passkey_authentication(&given.credential, &waiting).map_err(|error| {
        tracing::info!(%person, "a passkey did not prove its owner: {error}");
        failed()
    })?;
    let mut used = known(&app, &person).await?.into_iter().find(|passkey| passkey.cred_id() == result.cred_id()).ok_or_else(failed)?;
    let moved = used.update_credential(&result) == Some(true);
    let credential =
        if moved { Some(serde_json::to_value(&used).map_err(|error| Fail::Broken { detail: error.to_string() })?) } else { None };
    let proof = Proof::Passkey { credential_id: URL_SAFE_NO_PAD.encode(used.cred_id()), credential };
    let session = pages::signin::open_session(&app, person, proof).await?;
    let Some(session) = session else { return Err(failed()) };
    let mut response = respond(StatusCode::OK, &Go { to: pages::signin::local_path(&given.next).to_owned() })?;
    if let Some(cookie) = viewer::session_cookie(&app, &session) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
