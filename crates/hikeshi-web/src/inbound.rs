//! Requests from the team's chat, from the forge and from senders of alerts: taken raw, since their signature is over every byte, and handed on. Nothing is decided here.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::fail::Fail;
use crate::state::App;

/// A report of alerts is the largest; whoever reads one decides how much of this it takes.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

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

pub async fn post(
    State(app): State<App>,
    Path(to): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Fail> {
    let nothing = || Fail::NotFound { what: "page", given: to.chars().take(100).collect() };
    let receive = app.inbound.clone().ok_or_else(nothing)?;
    let received = receive(Inbound {
        to: to.clone(),
        uri: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers,
        body: body.to_vec(),
    })
    .await;
    if received.status == 404 {
        return Err(nothing());
    }
    let status = StatusCode::from_u16(received.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, [(header::CONTENT_TYPE, received.kind)], received.body).into_response())
}
