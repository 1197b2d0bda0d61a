//! Outputs and files that the record names by digest; and one case with everything that verifies it.

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use hikeshi_domain::ids::Digest;

use crate::fail::Fail;
use crate::viewer::Viewer;

/// Byte for byte, as a download: nobody knows its character set, and a browser must not guess a type.
pub async fn get(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Fail> {
    let digest = Digest::parse(&name).ok_or_else(|| Fail::NotFound { what: "content", given: name.chars().take(80).collect() })?;
    content(&viewer, digest).await
}

pub async fn content(viewer: &Viewer, digest: Digest) -> Result<Response, Fail> {
    let bytes = viewer.look().content(digest).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.txt\"", digest.short())),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // What a digest names never changes; it is still only for those who are signed in.
        (header::CACHE_CONTROL, "private, max-age=86400, immutable".to_owned()),
        (header::ETAG, format!("\"{digest}\"")),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}
