//! Browsers that take pages: the script of a notification, and the one question with which a browser is subscribed.
//!
//! What is sent to them, and where they are reached, is known to the engine and the hands.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hikeshi_domain::contact::Subscription;
use hikeshi_engine::browsers::Subscribing;
use hikeshi_engine::door::Answer;
use serde::{Deserialize, Serialize};

use crate::fail::Fail;
use crate::json::{JsonBody, respond};
use crate::passkey::own_script;
use crate::secret;
use crate::state::App;
use crate::viewer::Viewer;

const ENDPOINT_CHARS_MAX: usize = 1_000;
const KEY_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;

/// Its name never changes, so that a new one replaces the old one; its scope holds no page.
pub async fn worker() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("../assets/push-worker.js")).into_response()
}

#[derive(Serialize)]
struct Manifest {
    name: String,
    short_name: &'static str,
    start_url: &'static str,
    scope: &'static str,
    /// Some browsers take notifications only for what stands on the home screen by itself.
    display: &'static str,
    icons: [Icon; 1],
}

#[derive(Serialize)]
struct Icon {
    src: String,
    sizes: &'static str,
    r#type: &'static str,
}

/// What a home screen shows. Says nothing of the workspace: a browser asks for it without signing in.
pub async fn manifest() -> Result<Response, Fail> {
    let icon = Icon { src: format!("/assets/{}", crate::assets::ASSETS.icon.name), sizes: "any", r#type: "image/svg+xml" };
    let manifest =
        Manifest { name: "hikeshi".to_owned(), short_name: "hikeshi", start_url: "/", scope: "/", display: "standalone", icons: [icon] };
    let mut response = respond(StatusCode::OK, &manifest)?;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/manifest+json"));
    Ok(response)
}

/// What a browser gives for a subscription (RFC 8030, RFC 8291).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    label: String,
    endpoint: String,
    p256dh: String,
    auth: String,
}

#[derive(Serialize)]
struct Go {
    to: String,
}

/// The push service, and where it is reached there.
fn read(given: &Given) -> Result<(String, Subscription), Fail> {
    let unfit = |what: &str| Fail::Unfit(format!("{what} is none that a browser gives"));
    let url = url::Url::parse(&given.endpoint).ok().filter(|_| given.endpoint.len() <= ENDPOINT_CHARS_MAX);
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.has_host() && url.fragment().is_none());
    let url = url.ok_or_else(|| unfit("endpoint"))?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let key = bytes(&given.p256dh);
    if key.len() != KEY_BYTES || key.first() != Some(&4) {
        return Err(unfit("p256dh"));
    }
    if bytes(&given.auth).len() != AUTH_BYTES {
        return Err(unfit("auth"));
    }
    let subscription = Subscription { endpoint: given.endpoint.clone(), p256dh: given.p256dh.clone(), auth: given.auth.clone() };
    Ok((url.origin().ascii_serialization(), subscription))
}

pub async fn subscribe(
    State(app): State<App>,
    viewer: Viewer,
    headers: HeaderMap,
    JsonBody(given): JsonBody<Given>,
) -> Result<Response, Fail> {
    own_script(&viewer, &headers)?;
    let (service, subscription) = read(&given)?;
    let (key, actor, label) = (secret::request_key()?, viewer.actor.clone(), given.label.trim().to_owned());
    match app.door.subscribe_browser(Subscribing { key, actor, service, label, subscription }).await? {
        Answer::Done(receipt) | Answer::Already(receipt) => {
            let number = receipt.seq.map(|seq| format!("?receipt={seq}")).unwrap_or_default();
            respond(StatusCode::OK, &Go { to: format!("/contacts{number}") })
        }
        Answer::Refused { refusal, seq } => Ok(crate::api::problem::of_refusal(viewer.lang, &viewer.names, &refusal, seq)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(endpoint: &str, key: &[u8], auth: &[u8]) -> Given {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Given { label: "x".to_owned(), endpoint: endpoint.to_owned(), p256dh: text(key), auth: text(auth) }
    }

    #[test]
    fn what_no_browser_gives_is_not_taken() {
        let mut key = [7; KEY_BYTES];
        key[0] = 4;
        let Ok(good) = read(&given("https://push.example.jp:8443/send/abc?x=1", &key, &[1; AUTH_BYTES])) else { panic!("taken") };
        assert_eq!(good.0, "https://push.example.jp:8443");
        let long = format!("https://push.example.jp/{}", "x".repeat(ENDPOINT_CHARS_MAX));
        for (endpoint, key, auth) in [
            ("not an address", key.as_slice(), [1; AUTH_BYTES].as_slice()),
            ("https://me@push.example.jp/a", &key, &[1; AUTH_BYTES]),
            ("data:text/plain,x", &key, &[1; AUTH_BYTES]),
            (&long, &key, &[1; AUTH_BYTES]),
            ("https://push.example.jp/a", &[7; KEY_BYTES], &[1; AUTH_BYTES]),
            ("https://push.example.jp/a", &key[1..], &[1; AUTH_BYTES]),
            ("https://push.example.jp/a", &key, &[1; AUTH_BYTES - 1]),
        ] {
            assert!(read(&given(endpoint, key, auth)).is_err(), "{endpoint}");
        }
    }
}
