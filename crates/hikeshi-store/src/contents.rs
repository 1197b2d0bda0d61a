//! Outputs and file contents by digest, and signed checkpoints: kept beside the ledger, which names them.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::Digest;

use crate::error::{Result, StoreError};
use crate::sql::{Change, Session, Sql, Value};

/// Larger contents are not kept; the policy's own limits lie far below.
pub(crate) const CONTENT_BYTES_MAX: usize = 64 << 20;

static PUT: Sql = Sql::one("INSERT INTO contents (digest, bytes) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING");
static GET: Sql = Sql::one("SELECT bytes FROM contents WHERE digest = ?1");
static DELETE: Sql = Sql::one("DELETE FROM contents WHERE digest = ?1");
static PUT_CHECKPOINT: Sql = Sql::one("INSERT INTO checkpoints (size, note, at_ns) VALUES (?1, ?2, ?3) ON CONFLICT (size) DO NOTHING");
static LAST_CHECKPOINT: Sql = Sql::one("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1");
static CHECKPOINTS: Sql = Sql::one("SELECT size, note FROM checkpoints ORDER BY size");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&PUT, &GET, &DELETE, &PUT_CHECKPOINT, &LAST_CHECKPOINT, &CHECKPOINTS];

pub(crate) fn put(session: &mut dyn Session, content: &[u8]) -> Result<Digest> {
    if content.len() > CONTENT_BYTES_MAX {
        return Err(StoreError::misuse(format!("a content of {} bytes; at most {CONTENT_BYTES_MAX} are kept", content.len())));
    }
    let digest = Digest::of(content);
    session.change(&PUT, &[(&digest).into(), Value::Bytes(content.to_vec())])?;
    Ok(digest)
}

pub(crate) fn get(session: &mut dyn Session, digest: &Digest) -> Result<Option<Vec<u8>>> {
    let rows = session.query(&GET, &[digest.into()])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let bytes = row.bytes(0)?;
    if Digest::of(bytes) != *digest {
        return Err(StoreError::damaged(format!("the content {} is not what its digest says", digest.short())));
    }
    Ok(Some(bytes.to_vec()))
}

pub(crate) fn delete(digests: &[Digest]) -> Change {
    Change { sql: &DELETE, rows: digests.iter().map(|digest| vec![digest.into()]).collect() }
}

pub(crate) fn put_checkpoint(session: &mut dyn Session, size: u64, note: &str, at: Timestamp) -> Result<()> {
    session.change(&PUT_CHECKPOINT, &[size.into(), note.into(), at.into()]).map(drop)
}

pub(crate) fn last_checkpoint(session: &mut dyn Session) -> Result<Option<(u64, String)>> {
    let rows = session.query(&LAST_CHECKPOINT, &[])?;
    rows.first().map(|row| Ok((row.count(0)?, row.text(1)?.to_owned()))).transpose()
}

pub(crate) fn checkpoints(session: &mut dyn Session) -> Result<Vec<(u64, String)>> {
    session.query(&CHECKPOINTS, &[])?.iter().map(|row| Ok((row.count(0)?, row.text(1)?.to_owned()))).collect()
}
