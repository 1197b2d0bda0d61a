//! Who asks, in which language: read from cookie or token, once per request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::people::Actor;
use hikeshi_domain::policy::Policy;
use hikeshi_engine::door::Credential;
use hikeshi_text::time::Zone;
use hikeshi_text::{Lang, Names};

use crate::fail::Fail;
use crate::secret;
use crate::state::App;

const LANG_COOKIE: &str = "hikeshi_lang";
const COOKIE_BYTES_MAX: usize = 4_096;

/// The name of the session cookie. `__Host-` makes the browser bind it to this very host, and needs https.
pub fn session_cookie_name(app: &App) -> &'static str {
    if app.secure { "__Host-hikeshi" } else { "hikeshi_session" }
}

pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).filter(|text| text.len() <= COOKIE_BYTES_MAX);
    pairs
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}

fn set_cookie(name: &str, value: &str, max_age_s: u64, app: &App, script_may_read: bool) -> Option<HeaderValue> {
    let secure = if app.secure { "; Secure" } else { "" };
    let http_only = if script_may_read { "" } else { "; HttpOnly" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={max_age_s}; SameSite=Lax{http_only}{secure}")).ok()
}

pub fn session_cookie(app: &App, secret: &str) -> Option<HeaderValue> {
    set_cookie(session_cookie_name(app), secret, u64::from(app.session_valid_min) * 60, app, false)
}

pub fn no_session_cookie(app: &App) -> Option<HeaderValue> {
    set_cookie(session_cookie_name(app), "", 0, app, false)
}

pub fn lang_cookie(app: &App, lang: Lang) -> Option<HeaderValue> {
    set_cookie(LANG_COOKIE, lang.tag(), 365 * 24 * 3600, app, false)
}

/// The language that this browser asked for: its choice on the page, else nothing said.
pub fn chosen_lang(headers: &HeaderMap) -> Option<Lang> {
    cookie(headers, LANG_COOKIE).and_then(Lang::parse)
}

pub fn accepted_lang(headers: &HeaderMap) -> Option<Lang> {
    headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(Lang::accept)
}

/// The best guess when nobody is signed in.
pub fn guest_lang(headers: &HeaderMap) -> Lang {
    chosen_lang(headers).or_else(|| accepted_lang(headers)).unwrap_or_default()
}

/// How the asker proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// By cookie; the secret is kept for form tokens.
    Session(String),
    Token,
}

/// Somebody of the policy, at a face.
#[derive(Clone)]
pub struct Viewer {
    pub app: App,
    pub actor: Actor,
    pub person: PersonId,
    pub proven: Proven,
    pub lang: Lang,
    pub policy: Arc<Policy>,
    pub names: Arc<Names>,
    pub path: String,
}

impl Viewer {
    pub fn zone(&self) -> &Zone {
        self.names.zone()
    }
    pub fn look(&self) -> hikeshi_engine::look::Look<'_> {
        self.app.door.look(&self.actor)
    }
    pub fn session(&self) -> Option<&str> {
        match &self.proven {
            Proven::Session(secret) => Some(secret),
            Proven::Token => None,
        }
    }
    pub async fn now(&self) -> Timestamp {
        self.look().at().await
    }

    async fn read(parts: &Parts, app: &App, face: Face) -> Result<Option<Self>, Fail> {
        let Some((secret, wanted)) = credential(&parts.headers, app, face) else { return Ok(None) };
        let Some((actor, found)) = app.door.authenticate(secret::digest(&secret)).await? else { return Ok(None) };
        if found != wanted {
            return Ok(None);
        }
        let Some(person) = actor.as_person().cloned() else { return Ok(None) };
        let policy = app.door.look(&actor).policy().await?;
        let known = policy.person(&person);
        if known.is_none() {
            return Ok(None);
        }
        let own = known.and_then(|known| known.language).map(Lang::from);
        let lang = chosen_lang(&parts.headers)
            .or(own)
            .or_else(|| accepted_lang(&parts.headers))
            .unwrap_or_else(|| Lang::from(policy.workspace.language));
        let proven = match found {
            Credential::Session => Proven::Session(secret),
            Credential::Token | Credential::Link | Credential::Calendar => Proven::Token,
        };
        let names = Arc::new(Names::of(&policy));
        let path = parts.uri.path().to_owned();
        Ok(Some(Self { app: app.clone(), actor, person, proven, lang, policy, names, path }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Face {
    Page,
    Api,
}

/// Pages take the cookie. The API takes a token, and the cookie only for reading from the same browser.
fn credential(headers: &HeaderMap, app: &App, face: Face) -> Option<(String, Credential)> {
    if face == Face::Api
        && let Some(given) = headers.get(AUTHORIZATION)
    {
        let (scheme, token) = given.to_str().ok()?.split_once(' ')?;
        return Some((token.trim().to_owned(), Credential::Token))
            .filter(|(token, _)| scheme.eq_ignore_ascii_case("bearer") && bounded(token));
    }
    cookie(headers, session_cookie_name(app)).filter(|secret| bounded(secret)).map(|secret| (secret.to_owned(), Credential::Session))
}

fn bounded(secret: &str) -> bool {
    (16..=200).contains(&secret.len())
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fail> {
        let back = || parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        Self::read(parts, app, Face::Page).await?.ok_or_else(|| Fail::NotSignedIn { back: back() })
    }
}

impl OptionalFromRequestParts<App> for Viewer {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Fail> {
        Self::read(parts, app, Face::Page).await
    }
}

/// The same for the API: by token, or by cookie from a page of ours.
pub struct ApiViewer(pub Viewer);

impl FromRequestParts<App> for ApiViewer {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fail> {
        Viewer::read(parts, app, Face::Api).await?.map(Self).ok_or(Fail::NotSignedIn { back: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; hikeshi_lang=en"));
        headers.append(COOKIE, HeaderValue::from_static("hikeshi_session=x=y"));
        assert_eq!(chosen_lang(&headers), Some(Lang::En));
        assert_eq!(cookie(&headers, "hikeshi_session"), Some("x=y"));
        assert_eq!(cookie(&headers, "hikeshi"), None);
    }
}
