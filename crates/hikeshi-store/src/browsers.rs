//! Where browsers take pages. Whoever knows such an address can send there, so it lies in a table beside the ledger, from which it can be
//! deleted, and in no entry: those name it by its digest.

use std::collections::BTreeSet;

use hikeshi_domain::Timestamp;
use hikeshi_domain::contact::Subscription;
use hikeshi_domain::facts::WorkspaceState;
use hikeshi_domain::ids::Digest;

use crate::error::Result;
use crate::sql::{Change, Session, Sql, Value};

/// Rows that are kept at the same time.
const ROWS_MAX: u64 = 10_000;

static COUNT: Sql = Sql::one("SELECT COUNT(*) FROM browsers");
static KEEP: Sql = Sql::one(
    "INSERT INTO browsers (id, endpoint, p256dh, auth, kept_ns) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (id) DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth, kept_ns = excluded.kept_ns",
);
static FIND: Sql = Sql::one("SELECT endpoint, p256dh, auth FROM browsers WHERE id = ?1");
static FORGET: Sql = Sql::one("DELETE FROM browsers WHERE id = ?1");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&COUNT, &KEEP, &FIND, &FORGET];

/// `false`: there are too many.
pub(crate) fn keep(session: &mut dyn Session, subscription: &Subscription, now: Timestamp) -> Result<bool> {
    let kept = session.query(&COUNT, &[])?.first().map_or(Ok(0), |row| row.count(0))?;
    if kept >= ROWS_MAX {
        return Ok(false);
    }
    let row: [Value; 5] = [
        (&subscription.id()).into(),
        subscription.endpoint.as_str().into(),
        subscription.p256dh.as_str().into(),
        subscription.auth.as_str().into(),
        now.into(),
    ];
    session.change(&KEEP, &row).map(|_| true)
}

/// Where a browser was reached is gone with the entry that removes it.
pub(crate) fn forget_removed(old: &WorkspaceState, new: &WorkspaceState) -> Change {
    let of = |state: &WorkspaceState| -> BTreeSet<Digest> {
        state.policy.iter().flat_map(|policy| policy.browsers.values().flatten()).map(|browser| browser.id).collect()
    };
    let stay = of(new);
    Change { sql: &FORGET, rows: of(old).iter().filter(|id| !stay.contains(id)).map(|id| vec![id.into()]).collect() }
}

pub(crate) fn find(session: &mut dyn Session, id: Digest) -> Result<Option<Subscription>> {
    let rows = session.query(&FIND, &[(&id).into()])?;
    let read = |row: &crate::sql::Row| {
        let text = |at| row.text(at).map(str::to_owned);
        Ok(Subscription { endpoint: text(0)?, p256dh: text(1)?, auth: text(2)? })
    };
    rows.first().map(read).transpose()
}

pub(crate) fn forget(session: &mut dyn Session, id: Digest) -> Result<()> {
    session.change(&FORGET, &[(&id).into()]).map(drop)
}
