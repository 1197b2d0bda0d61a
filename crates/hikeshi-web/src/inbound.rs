//! Requests from the team's chat, from the forge and from senders of alerts: taken raw, since their signature is over every byte, and handed on. Nothing is decided here.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::fail::Fail;
use crate::form::{announced, read_up_to};
use crate::state::App;

/// A report of alerts is the largest; whoever reads one decides how much of this it takes.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Who sends it is known only once it is read, so that anybody may fill the memory with it. What is larger than this waits for a seat.
const SMALL_BYTES_MAX: usize = 64 * 1024;
/// Large ones that are read or handled at the same time.
pub const LARGE_MAX: usize = 32;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// The address behind `/inbound/`.
    pub to: String,
    /// Path and query as they were sent: what a signature is over.
    pub uri: String,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Inbound {
    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
}

impl Received {
    pub fn empty(status: u16) -> Self {
        Self { status, kind: "text/plain", body: String::new() }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self { status, kind: "application/json", body: body.to_string() }
    }
}

pub async fn post(State(app): State<App>, Path(to): Path<String>, request: Request) -> Result<Response, Fail> {
    let nothing = || Fail::NotFound { what: "page", given: to.chars().take(100).collect() };
    let receive = app.inbound.clone().ok_or_else(nothing)?;
    let (head, body) = request.into_parts();
    let small = announced(&head.headers).is_some_and(|bytes| bytes <= SMALL_BYTES_MAX);
    let _seat = if small { None } else { app.large_bodies.acquire().await.ok() };
    let body = read_up_to(BODY_BYTES_MAX, &head.headers, body).await?;
    let uri = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let received = receive(Inbound { to: to.clone(), uri, headers: head.headers, body }).await;
    if received.status == 404 {
        return Err(nothing());
    }
    let status = StatusCode::from_u16(received.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, [(header::CONTENT_TYPE, received.kind)], received.body).into_response())
}
