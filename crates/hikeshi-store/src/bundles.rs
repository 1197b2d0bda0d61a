//! Pages that wait for each other: which of those that were claimed go now, which go together, and which wait for their window to end.
//!
//! Nothing here is needed for a page to be sent: a page waits once, for as long as its own order says and no longer, and whatever is lost on the
//! way (a row, a commit, the process) makes it go at once.

use std::collections::BTreeMap;

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{Effect, Work};
use hikeshi_domain::page::{BUNDLE_MAX, Window};
use jiff::SignedDuration;

use crate::Claim;
use crate::error::Result;
use crate::outbox::{self, claimed};
use crate::sql::{Change, Kind, Row, Session, Sql, Value, timestamp};

/// Of one claim, the pages that are sent as one message.
pub type Bundle = Vec<Claim>;

/// A transaction begins with a question; this one locks nothing.
static NOBODY: Sql = Sql::one("SELECT at_ns FROM paged WHERE whom = ''");
static MARKS: Sql = Sql::keyed("SELECT whom, at_ns, rank FROM paged WHERE whom {in}", Kind::Text);
static MARK: Sql = Sql::rows(
    "paged",
    &[("whom", Kind::Text), ("at_ns", Kind::Int), ("rank", Kind::Int)],
    "ON CONFLICT (whom) DO UPDATE SET at_ns = excluded.at_ns, rank = excluded.rank",
);
/// Nothing has begun, so the claim is as if it had not been.
static WAIT: Sql = Sql::one("UPDATE outbox SET attempts = attempts - 1, node = NULL, lease_until_ns = ?1 WHERE key = ?2 AND fence = ?3");
static JOIN: Sql = Sql::one(
    "UPDATE outbox SET attempts = attempts + 1, fence = fence + 1, node = ?1, lease_until_ns = ?2 WHERE key IN \
     (SELECT key FROM outbox WHERE kind = ?3 AND joins = ?4 AND attempts = 0 ORDER BY queued_at_ns, key LIMIT ?5 {skip_locked}) \
     RETURNING key, effect, fence, attempts, queued_at_ns",
);

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&NOBODY, &MARKS, &MARK, &WAIT, &JOIN];

/// With whom an effect may be sent; `None`: it goes alone.
pub(crate) fn joins(effect: &Effect) -> Option<String> {
    let Work::Page(order) = &effect.work else { return None };
    order.window.as_ref().filter(|window| window.may_wait)?;
    Some(format!("{}/{}", order.person, order.address.means().code()))
}

/// Who was called, by what, about which place.
fn whom(effect: &Effect) -> Option<(String, &Window)> {
    let Work::Page(order) = &effect.work else { return None };
    let window = order.window.as_ref()?;
    Some((format!("{}/{}/{}", order.person, order.address.means().code(), window.place), window))
}

/// When somebody was last called about a place, and how serious the most serious of it was.
#[derive(Clone, Copy)]
struct Mark {
    at: Timestamp,
    rank: i64,
}

impl Mark {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self { at: timestamp(row.int(1)?)?, rank: row.int(2)? })
    }

    /// When the window ends that it has begun; `None`: it is over. A time that has not come yet was written by a clock that was set back.
    fn ends(self, window: &Window, now: Timestamp) -> Option<Timestamp> {
        let end = self.at.checked_add(SignedDuration::from_secs(i64::from(window.seconds))).ok()?;
        (self.at <= now && end > now).then_some(end)
    }
}

/// Claims pages of one kind, in one transaction. Each bundle is one message.
pub(crate) fn claim(session: &mut dyn Session, node: &str, kind: &str, limit: u32, lease_s: u32) -> Result<Vec<Bundle>> {
    session.begin_write(&NOBODY)?;
    let mut changes = Vec::new();
    let claimed = sorted(session, (node, kind), limit, lease_s, &mut changes);
    match claimed {
        Ok(bundles) => session.commit(&changes, None).map(|()| bundles),
        Err(error) => {
            session.roll_back();
            Err(error)
        }
    }
}

fn sorted(
    session: &mut dyn Session,
    (node, kind): (&str, &str),
    limit: u32,
    lease_s: u32,
    changes: &mut Vec<Change>,
) -> Result<Vec<Bundle>> {
    let claims = outbox::claim(session, node, Some(kind), limit, lease_s)?;
    if !claims.iter().any(|claim| whom(&claim.effect).is_some()) {
        return Ok(claims.into_iter().map(|claim| vec![claim]).collect());
    }
    let now = session.clock()?;
    let mut sorting = Sorting { now, marks: marks(session, &claims)?, marked: BTreeMap::new(), going: Vec::new(), waiting: Vec::new() };
    for claim in claims {
        sorting.take(claim);
    }
    let Sorting { marked, mut going, waiting, .. } = sorting;
    let mut wait = Change::new(&WAIT);
    for (claim, until) in waiting {
        match joins(&claim.effect).and_then(|joins| going.iter_mut().find(|group| group.takes(&joins, false))) {
            Some(group) => group.bundle.push(claim),
            None => wait.rows.push(vec![until.into(), claim.effect.key.0.as_str().into(), claim.fence.into()]),
        }
    }
    let mut mark = Change::new(&MARK);
    mark.rows.extend(marked.into_iter().map(|(whom, mark)| vec![whom.into(), mark.at.into(), mark.rank.into()]));
    for group in &mut going {
        group.join(session, (node, kind), now, lease_s)?;
    }
    changes.extend([mark, wait]);
    Ok(going.into_iter().map(|group| group.bundle).collect())
}

fn marks(session: &mut dyn Session, claims: &[Claim]) -> Result<BTreeMap<String, Mark>> {
    let mut keys: Vec<String> = claims.iter().filter_map(|claim| whom(&claim.effect)).map(|(whom, _)| whom).collect();
    keys.sort();
    keys.dedup();
    let keys: Vec<Value> = keys.into_iter().map(Value::from).collect();
    session.find(&MARKS, &keys)?.iter().map(|row| Ok((row.text(0)?.to_owned(), Mark::of(row)?))).collect()
}

struct Sorting {
    now: Timestamp,
    marks: BTreeMap<String, Mark>,
    marked: BTreeMap<String, Mark>,
    going: Vec<Group>,
    waiting: Vec<(Claim, Timestamp)>,
}

struct Group {
    /// `None`: nothing joins it.
    joins: Option<String>,
    taken_over: bool,
    bundle: Bundle,
}

impl Group {
    fn takes(&self, joins: &str, taken_over: bool) -> bool {
        self.joins.as_deref() == Some(joins) && self.taken_over == taken_over && self.bundle.len() < BUNDLE_MAX
    }

    /// Whatever waits for the same person is said with it.
    fn join(&mut self, session: &mut dyn Session, (node, kind): (&str, &str), now: Timestamp, lease_s: u32) -> Result<()> {
        let room = u32::try_from(BUNDLE_MAX.saturating_sub(self.bundle.len())).unwrap_or(0);
        let Some(joins) = self.joins.as_deref().filter(|_| !self.taken_over && room > 0) else { return Ok(()) };
        let until = outbox::after(now, lease_s);
        let arguments = [node.into(), until.into(), kind.into(), joins.into(), room.into()];
        let mut joined = claimed(session, &JOIN, &arguments)?;
        joined.sort_by(|(one_at, one), (other_at, other)| (one_at, &one.effect.key).cmp(&(other_at, &other.effect.key)));
        self.bundle.extend(joined.into_iter().map(|(_, claim)| claim));
        Ok(())
    }
}

impl Sorting {
    fn take(&mut self, claim: Claim) {
        let Some((whom, window)) = whom(&claim.effect) else {
            return self.going.push(Group { joins: None, taken_over: claim.taken_over, bundle: vec![claim] });
        };
        let rank = i64::from(window.rank);
        let known = self.marked.get(&whom).or_else(|| self.marks.get(&whom)).copied();
        let ends = known.and_then(|mark| mark.ends(window, self.now).map(|end| (mark, end)));
        // Its first claim has the first fence: one that has waited, or was begun before, goes now.
        if window.may_wait
            && claim.fence == 1
            && let Some((_, end)) = ends.filter(|(mark, _)| mark.rank <= rank)
        {
            return self.waiting.push((claim, end));
        }
        let rank = ends.map_or(rank, |(mark, _)| mark.rank.min(rank));
        self.marked.insert(whom, Mark { at: self.now, rank });
        // One of them may be what breaks whoever tries: from the third time on each goes alone.
        let joins = joins(&claim.effect).filter(|_| claim.attempts <= 2);
        let group = joins.as_deref().and_then(|joins| self.going.iter_mut().find(|group| group.takes(joins, claim.taken_over)));
        match group {
            Some(group) => group.bundle.push(claim),
            None => self.going.push(Group { joins, taken_over: claim.taken_over, bundle: vec![claim] }),
        }
    }
}
