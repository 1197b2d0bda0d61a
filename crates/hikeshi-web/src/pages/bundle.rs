//! The whole record of one case as a zip, to be verified offline by others.

use std::io::Write as _;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::ledger::Files;
use zip::write::SimpleFileOptions;

use super::changes;
use crate::fail::Fail;
use crate::viewer::Viewer;

pub async fn get(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Fail> {
    of_case(&viewer, id.parse()?).await
}

pub async fn of_case(viewer: &Viewer, id: IncidentId) -> Result<Response, Fail> {
    let mut documents = Files::default();
    for emergency in viewer.look().incident(id).await?.emergencies.iter().filter(|emergency| !emergency.changes.is_empty()) {
        documents.insert(format!("{}.changes.diff", emergency.id), changes::readable(viewer, emergency).await.into_bytes());
    }
    let files = viewer.look().bundle(id, documents).await?;
    let packed = pack(&files).map_err(|error| Fail::Broken { detail: error.to_string() })?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"hikeshi-{id}.zip\"")),
    ];
    Ok((headers, packed).into_response())
}

fn pack(files: &Files) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}
