//! JSON bodies: bounded, strictly read, with an error that says where.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fail::Fail;
use crate::form::read_body;

/// A body read as `T`; anything else is 400, 413, 415 or 422.
pub struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Fail;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fail> {
        let (parts, body) = request.into_parts();
        let bytes = read_json(&parts.headers, body).await?;
        parse(&bytes).map(Self)
    }
}

pub async fn read_json(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Fail> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Fail::WrongType { wanted: "application/json" });
    }
    let bytes = read_body(headers, body).await?;
    if std::str::from_utf8(&bytes).is_err() {
        return Err(Fail::BadEncoding);
    }
    Ok(bytes)
}

pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fail> {
    serde_json::from_slice(bytes)
        .map_err(|error| if error.is_data() { Fail::Unfit(error.to_string()) } else { Fail::Malformed(error.to_string()) })
}

/// A JSON answer.
pub fn respond(status: StatusCode, value: &impl Serialize) -> Result<Response, Fail> {
    let body = serde_json::to_vec(value).map_err(|error| Fail::Broken { detail: error.to_string() })?;
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
