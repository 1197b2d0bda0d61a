//! Every address of the face.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::fail::Fail;
use crate::pages::{
    alerts, bundle, channel, contacts, content, emergencies, emergency, incidents, ledger, me, monitors, now, obligations, oncall, people,
    plan, postmortem, replay, reviews, signin, status, watch,
};
use crate::state::{App, WebOptions};
use crate::{api, assets, guard, inbound, live, offline, passkey, push, session};

/// A request that is not answered in this time is given up; what the door took stays taken, and the same request key finds it.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// The whole face.
pub fn app(options: WebOptions) -> Router {
    let app = App::new(options);
    Router::new()
        .merge(pages())
        .merge(signing_in())
        .merge(status_page())
        .merge(api::routes())
        .route("/api/v1/emergencies/{id}/sessions/{session}/record", get(session::record))
        .route("/api/v1/emergencies/{id}/sessions/{session}/stream", get(session::watch_by_token))
        .merge(offline::routes())
        .route("/inbound/{*to}", post(inbound::post).put(inbound::post))
        .route("/live", get(live::get))
        .route("/assets/{name}", get(assets::get))
        .fallback(nothing_here)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_WITHIN))
        .layer(from_fn_with_state(app.clone(), guard::finish))
        .layer(CompressionLayer::new().gzip(true))
        .with_state(app)
}

fn pages() -> Router<App> {
    Router::new()
        .route("/", get(now::get).post(now::post))
        .route("/incidents", get(incidents::list))
        .route("/incidents/new", get(incidents::new).post(incidents::post_new))
        .route("/incidents/{id}", get(incidents::get).post(incidents::post))
        .route("/incidents/{id}/postmortem", get(postmortem::get).post(postmortem::post))
        .route("/emergencies/new", get(plan::new).post(plan::post_new))
        .route("/emergencies/{id}", get(emergency::get).post(emergency::post))
        .route("/emergencies/{id}/revise", get(plan::revise).post(plan::post_revise))
        .route("/emergencies/{id}/watch", get(watch::get).post(watch::post))
        .route("/emergencies/{id}/beat", post(watch::beat))
        .route("/emergencies/{id}/sessions/{session}/stream", get(session::watch))
        .route("/emergencies/{id}/sessions/{session}", get(replay::get))
        .route("/emergencies/{id}/sessions/{session}/recording.cast", get(replay::cast))
        .route("/emergencies/{id}/sessions/{session}/recording.v2.cast", get(replay::cast2))
        .route("/emergencies/{id}/sessions/{session}/recording.raw", get(replay::raw))
        .route("/emergencies/{id}/sessions/{session}/recording.frames", get(replay::frames))
        .route("/alerts", get(alerts::get).post(alerts::post))
        .route("/monitors", get(monitors::get))
        .route("/approvals", get(emergencies::approvals))
        .route("/obligations", get(obligations::list))
        .route("/obligations/{id}", get(obligations::get).post(obligations::post))
        .route("/contacts", get(contacts::get).post(contacts::post))
        .route("/contacts/browsers", post(push::subscribe))
        .route("/push/worker.js", get(push::worker))
        .route("/manifest.webmanifest", get(push::manifest))
        .route("/oncall", get(oncall::get).post(oncall::post))
        .route("/oncall/{file}", get(oncall::ics))
        .route("/calendar/{secret}/{file}", get(oncall::subscribed))
        .route("/reports", get(reviews::list))
        .route("/reports/{period}", get(reviews::get))
        .route("/reports/{period}/markdown", get(reviews::markdown))
        .route("/channel", get(channel::first))
        .route("/channel/{name}", get(channel::get).post(channel::post))
        .route("/ledger", get(ledger::list))
        .route("/ledger/{seq}", get(ledger::entry))
        .route("/ledger/bundle/{incident}", get(bundle::get))
        .route("/content/{digest}", get(content::get))
        .route("/people", get(people::list))
        .route("/people/me", get(me::get).post(me::post))
        .route("/policy", get(people::policy).post(people::post_policy))
}

fn signing_in() -> Router<App> {
    Router::new()
        .route("/signin", get(signin::get))
        .route("/signin/link", post(signin::by_link))
        .route("/signout", post(me::sign_out))
        .route("/language", post(signin::language))
        .route("/passkey/register/start", post(passkey::register_start))
        .route("/passkey/register/finish", post(passkey::register_finish))
        .route("/passkey/signin/start", post(passkey::sign_in_start))
        .route("/passkey/signin/finish", post(passkey::sign_in_finish))
}

/// For people outside the team: without signing in, unless the policy says otherwise.
fn status_page() -> Router<App> {
    Router::new()
        .route("/status", get(status::home))
        .route("/status/", get(status::index))
        .route("/status/subscribe", get(status::subscribe).post(status::post_subscribe))
        .route("/status/confirm/{secret}", get(status::confirm).post(status::post_confirm))
        .route("/status/leave/{secret}", get(status::leave).post(status::post_leave))
        .route("/status/{*file}", get(status::file))
}

async fn nothing_here(uri: axum::http::Uri) -> Fail {
    Fail::NotFound { what: "page", given: uri.path().chars().take(100).collect() }
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    Fail::Broken { detail: words.unwrap_or_else(|| "a request broke".to_owned()) }.into_response()
}
