//! One's own passkeys and tokens.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use hikeshi_domain::account::Command as Account;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::RequestKey;
use hikeshi_domain::people::Via;
use hikeshi_engine::door::Answer;
use hikeshi_text::page::{self, Words};

use super::perform::{own_form, submit};
use super::{Flash, Frame, Html, Performed, Query, act, html, time_html};
use crate::acts::{self, Act, Field, FieldKind, Input, Weight};
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret;
use crate::state::App;
use crate::viewer::{self, Viewer};

#[derive(Template)]
#[template(path = "me.html")]
struct MeTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    signed_in: String,
    roles: String,
    sessions: u64,
    passkeys: Vec<(String, Html, Html)>,
    passkeys_work: bool,
    tokens: Vec<(String, String, String, Html, Html)>,
    issue: Html,
    sign_out: Html,
    /// A token that was just issued; it is shown this once.
    fresh: Option<String>,
}

pub async fn get(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    show(&viewer, None, &query.flash()).await
}

pub async fn post(viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    let kind = fields.text("do");
    if kind == "account.issue_token" {
        return issue(&viewer, fields).await;
    }
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, None, &flash).await,
    }
}

/// The secret is made here, shown once, and known to the door by its digest only.
async fn issue(viewer: &Viewer, fields: Fields) -> Result<Response, Fail> {
    own_form(viewer, &fields)?;
    let key = RequestKey::new(fields.raw("key")).map_err(|error| Fail::Malformed(error.to_string()))?;
    let t = Words(viewer.lang);
    let fresh = secret::new_secret()?;
    let input = Input { fields: &fields, lang: viewer.lang, time_zone: &viewer.policy.workspace.time_zone };
    let read = input.parse::<u32>("valid_days", t.token_days()).and_then(|days| Ok((days, input.parse_all("only", t.token_only())?)));
    let (valid_days, only) = match read {
        Ok(read) => read,
        Err(sentence) => return Err(Fail::Malformed(sentence.what)),
    };
    let command = Command::Account(Account::IssueToken {
        label: fields.text("label"),
        secret: secret::digest(&fresh),
        only: Some(only).filter(|only| !only.is_empty()),
        calendar: false,
        valid_days,
    });
    match submit(viewer, key, command, fields).await? {
        Performed::Done(_, false) => show(viewer, Some(fresh), &Flash::default()).await,
        // The first answer showed the secret; it cannot be shown again.
        Performed::Done(receipt, true) => Ok(super::perform::receipt_redirect("/people/me", &receipt, true)),
        Performed::Refused(flash) => show(viewer, None, &flash).await,
    }
}

fn issue_form(viewer: &Viewer) -> Act {
    let t = Words(viewer.lang);
    Act::new(viewer, "account.issue_token")
        .label(t.token_issue())
        .weight(Weight::Normal)
        .with(Field::new(FieldKind::Line, "label", t.token_label()))
        .with(Field::new(FieldKind::Number, "valid_days", t.token_days()).value("90"))
        .with(Field::new(FieldKind::Boxes(acts::role_choices(viewer)), "only", t.token_only()).optional())
        .cli("hikeshi token issue --help")
}

async fn show(viewer: &Viewer, fresh: Option<String>, flash: &Flash) -> Result<Response, Fail> {
    let me = viewer.look().person(&viewer.person).await?;
    let now = viewer.now().await;
    let (lang, t) = (viewer.lang, Words(viewer.lang));
    let mut passkeys = Vec::new();
    for (index, passkey) in me.passkeys.iter().enumerate() {
        let form = acts::render(viewer, &acts::remove_passkey(viewer, index, &passkey.credential_id), flash)?;
        passkeys.push((passkey.label.clone(), time_html(viewer, passkey.added_at, now), form));
    }
    let mut tokens = Vec::new();
    for token in &me.tokens {
        let only = token.only.as_ref().map(|roles| viewer.names.roles(lang, roles)).unwrap_or_default();
        let form = acts::render(viewer, &acts::revoke_token(viewer, token.token), flash)?;
        tokens.push((token.token.to_string(), token.label.clone(), only, time_html(viewer, token.expires_at, now), form));
    }
    let size = *viewer.app.door.tip().borrow();
    let mut frame = Frame::new(viewer, t.me_title(), size, now, flash)?;
    // A token that is shown once must not be swept away by news.
    frame.live = fresh.is_none();
    let mut sign_out = acts::sign_out(viewer);
    sign_out.weight = Weight::Normal;
    let template = MeTemplate {
        frame: &frame,
        t,
        signed_in: page::signed_in_as(lang, viewer.names.written(&viewer.person)),
        roles: viewer.names.roles(lang, &me.person.roles),
        sessions: me.sessions,
        passkeys,
        passkeys_work: viewer.app.webauthn.is_some(),
        tokens,
        issue: acts::render(viewer, &issue_form(viewer), flash)?,
        sign_out: acts::render_to(viewer, &sign_out, flash, "/signout")?,
        fresh,
    };
    html(&frame, &template)
}

pub async fn sign_out(State(app): State<App>, viewer: Viewer, fields: Fields) -> Result<Response, Fail> {
    own_form(&viewer, &fields)?;
    let session = viewer.session().map(secret::digest).ok_or(Fail::ForeignForm)?;
    let command = Command::Account(Account::SignOut { session });
    let envelope = Envelope { key: secret::request_key()?, actor: viewer.actor.clone(), via: Via::Web, command };
    if let Answer::Refused { refusal, .. } = app.door.submit(envelope).await? {
        tracing::info!(code = refusal.code(), "the session was already gone");
    }
    let mut response = Redirect::to("/signin").into_response();
    if let Some(cookie) = viewer::no_session_cookie(&app) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}
