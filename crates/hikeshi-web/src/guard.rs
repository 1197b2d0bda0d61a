//! What holds for every answer: security headers, words for failures, no forms from elsewhere.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::fail::{Fail, Failed};
use crate::state::App;
use crate::viewer;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                   worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// For the pages with a terminal: its player is WebAssembly of our own origin.
const CSP_PLAYER: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          form-action 'self'; worker-src 'none'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Same-origin, not `no-referrer`: with the latter a browser sends `Origin: null` with our own forms.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Outermost but for compression: finishes every response.
pub async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let mut response = if let Some(fail) = refuse_early(&request) { fail.into_response() } else { next.run(request).await };
    let failed = response.extensions().get::<Failed>().cloned();
    if let Some(Failed(fail)) = failed {
        response = asked.words(&app, &fail);
    } else if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(header::ALLOW).cloned();
        response = asked.words(&app, &Fail::WrongMethod { method: asked.method.to_string() });
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if asked.has_it_already(&response) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
            response.headers_mut().remove(name);
        }
    }
    let headers = response.headers_mut();
    if has_player(&asked.path) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP_PLAYER));
    }
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.secure {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// `/emergencies/emg_3/watch`, `/emergencies/emg_3/sessions/1`
fn has_player(path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/');
    parts.next() == Some("emergencies") && matches!(parts.nth(1), Some("watch" | "sessions"))
}

/// What must be known of a request after it was handed on.
struct Asked {
    method: Method,
    path: String,
    api: bool,
    headers: HeaderMap,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let path = request.uri().path().to_owned();
        let api = path == "/api"
            || path.starts_with("/api/")
            || path.starts_with("/passkey/")
            || path.starts_with("/inbound/")
            || path == "/live";
        let mut headers = HeaderMap::new();
        for name in [header::COOKIE, header::ACCEPT_LANGUAGE, header::IF_NONE_MATCH] {
            for value in request.headers().get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
        Self { method: request.method().clone(), path, api, headers }
    }

    /// Whether the asker named the tag of this very content.
    fn has_it_already(&self, response: &Response) -> bool {
        let Some(tag) = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
        let given = self.headers.get(header::IF_NONE_MATCH).and_then(|given| given.to_str().ok()).unwrap_or_default();
        let bare = |text: &str| text.trim().trim_start_matches("W/").to_owned();
        response.status() == StatusCode::OK && given.split(',').any(|given| bare(given) == bare(tag))
    }

    fn words(&self, app: &App, fail: &Fail) -> Response {
        let lang = viewer::guest_lang(&self.headers);
        if self.api {
            return crate::api::problem::of_fail(lang, fail, &self.path);
        }
        if let Fail::NotSignedIn { back } = fail {
            let back = if self.method == Method::GET { back.as_str() } else { self.path.as_str() };
            let next: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
            return Redirect::to(&format!("/signin?next={next}")).into_response();
        }
        crate::pages::failure(app, lang, fail)
    }
}

/// A changing request that a browser says comes from another site is refused before anything is read.
/// Together with `SameSite=Lax` and the token in each form.
fn refuse_early(request: &Request) -> Option<Fail> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return None;
    }
    let headers = request.headers();
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(&HeaderName::from_static("sec-fetch-site"));
    let foreign_site = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let foreign_origin = text(&header::ORIGIN).is_some_and(|origin| !same_host(origin, text(&header::HOST).unwrap_or_default()));
    (foreign_site || foreign_origin).then_some(Fail::ForeignForm)
}

/// Whether an `Origin` names the host that was asked. Behind a proxy the scheme may differ, so only host and port are compared.
pub fn same_host(origin: &str, host: &str) -> bool {
    let bare = |text: &str| text.trim_end_matches(":80").trim_end_matches(":443").to_ascii_lowercase();
    origin.split_once("://").is_some_and(|(_, named)| bare(named) == bare(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_ours_by_host_and_port() {
        assert!(same_host("http://127.0.0.1:7410", "127.0.0.1:7410"));
        assert!(same_host("https://hikeshi.example", "hikeshi.example"));
        assert!(!same_host("https://hikeshi.example.evil", "hikeshi.example"));
        assert!(!same_host("http://127.0.0.1:7411", "127.0.0.1:7410"));
        assert!(!same_host("null", "127.0.0.1:7410"));
    }
}
