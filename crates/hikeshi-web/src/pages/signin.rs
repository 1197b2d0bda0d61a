//! Signing in: by one-time link, which needs no script, or by passkey. And the choice of language.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use hikeshi_domain::account::{Command as Account, Proof};
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_engine::door::{Answer, Credential};
use hikeshi_text::page::Words;
use hikeshi_text::{Lang, Sentence};

use super::{Frame, Query, html};
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret;
use crate::state::App;
use crate::viewer;

#[derive(Template)]
#[template(path = "signin.html")]
struct SigninTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    /// The secret of a link that is still good.
    link: Option<String>,
    bad: Option<Sentence>,
    next: String,
    passkeys_work: bool,
}

pub async fn get(State(app): State<App>, headers: HeaderMap, query: Query) -> Result<Response, Fail> {
    let lang = viewer::guest_lang(&headers);
    let given = query.0.text("link");
    let good = !given.is_empty() && owner(&app, &given).await?.is_some();
    let bad = (!given.is_empty() && !good).then(|| bad_link(lang));
    show(&app, lang, good.then_some(given), bad, &query.0.text("next"))
}

fn bad_link(lang: Lang) -> Sentence {
    let t = Words(lang);
    Sentence::new(t.signin_link_bad()).why(t.signin_link_bad_why()).next(t.signin_link_bad_next())
}

fn show(app: &App, lang: Lang, link: Option<String>, bad: Option<Sentence>, next: &str) -> Result<Response, Fail> {
    let t = Words(lang);
    let frame = Frame::guest(lang, t.signin_title(), "/signin");
    let refused = bad.is_some();
    let template = SigninTemplate { frame: &frame, t, link, bad, next: local_path(next).to_owned(), passkeys_work: app.webauthn.is_some() };
    let mut response = html(&frame, &template)?;
    if refused {
        *response.status_mut() = axum::http::StatusCode::FORBIDDEN;
    }
    Ok(response)
}

/// Whose one-time link this is, if it can still be used.
async fn owner(app: &App, link: &str) -> Result<Option<PersonId>, Fail> {
    let found = app.door.authenticate(secret::digest(link)).await?;
    Ok(found.filter(|(_, kind)| *kind == Credential::Link).and_then(|(actor, _)| actor.as_person().cloned()))
}

/// Uses the link up. Only by POST, so that a preview of the link in a chat does not.
pub async fn by_link(State(app): State<App>, headers: HeaderMap, fields: Fields) -> Result<Response, Fail> {
    let lang = viewer::guest_lang(&headers);
    let link = fields.text("link");
    let next = fields.text("next");
    let Some(person) = owner(&app, &link).await? else { return show(&app, lang, None, Some(bad_link(lang)), &next) };
    let actor = Actor::person(person.clone());
    let session = open_session(&app, person.clone(), Proof::Link { secret: secret::digest(&link) }).await?;
    let Some(session) = session else { return show(&app, lang, None, Some(bad_link(lang)), &next) };
    // Somebody without a passkey is offered one first: the link will not work again.
    let has_passkey = app.door.look(&actor).person(&person).await.is_ok_and(|view| !view.passkeys.is_empty());
    let to = if has_passkey || local_path(&next) != "/" { local_path(&next) } else { "/people/me" };
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = viewer::session_cookie(&app, &session) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Opens a session at the door; `None` when the proof no longer holds.
pub async fn open_session(app: &App, person: PersonId, proof: Proof) -> Result<Option<String>, Fail> {
    let session = secret::new_secret()?;
    let command = Command::Account(Account::SignIn {
        person: person.clone(),
        proof,
        session: secret::digest(&session),
        valid_min: app.session_valid_min,
    });
    let envelope = Envelope { key: secret::request_key()?, actor: Actor::person(person), via: Via::Web, command };
    Ok(match app.door.submit(envelope).await? {
        Answer::Done(_) | Answer::Already(_) => Some(session),
        Answer::Refused { .. } => None,
    })
}

/// An address of this server, or the first page: nobody is sent elsewhere after signing in.
pub fn local_path(given: &str) -> &str {
    let local = given.starts_with('/') && !given.starts_with("//") && !given.starts_with("/\\") && given.len() <= 500;
    if local && given.bytes().all(|byte| byte.is_ascii_graphic()) { given } else { "/" }
}

/// The choice of language, kept in a cookie.
pub async fn language(State(app): State<App>, fields: Fields) -> Response {
    let back = fields.text("back");
    let mut response = Redirect::to(local_path(&back)).into_response();
    let chosen = Lang::parse(&fields.text("lang")).unwrap_or_default();
    if let Some(cookie) = viewer::lang_cookie(&app, chosen) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(local_path("/emergencies/emg_3?receipt=1"), "/emergencies/emg_3?receipt=1");
        for given in ["", "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(local_path(given), "/", "{given}");
        }
    }
}
