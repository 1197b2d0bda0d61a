//! Who reads the status page by mail. Addresses are people's own: they lie in a table beside the ledger, from which one can be deleted, and in
//! no entry. With them lies whom one post has reached, so that a crash in the middle of it repeats the one mail that was on its way.

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::policy::Language;
use jiff::SignedDuration;

use crate::error::Result;
use crate::sql::{Row, Session, Sql, Value};

/// Addresses that are kept at the same time, asked for and confirmed.
pub const SUBSCRIBERS_MAX: u64 = 20_000;
/// People who have been asked whether they want it, and have not answered.
const UNANSWERED_MAX: u64 = 2_000;
/// Of these, within one minute.
const ASKED_PER_MINUTE: u64 = 30;
/// One address is asked again only after this time, whoever types it.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// In one day, nobody gets more confirmations than this that they may never have asked for.
const ASKED_A_DAY_MAX: u32 = 3;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// For so long a confirmation is good; then the address is forgotten.
const CONFIRM_WITHIN: SignedDuration = DAY;
/// A mail server that refuses this recipient this often does not want it.
const TRIES_MAX: u32 = 5;
/// Whom a post has reached is remembered for this long: far longer than telling takes.
const TOLD_KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

static COUNT: Sql =
    Sql::one("SELECT COUNT(*), COUNT(CASE WHEN confirmed_ns = 0 THEN 1 END), COUNT(CASE WHEN asked_ns > ?1 THEN 1 END) FROM subscribers");
static FORGET_UNANSWERED: Sql = Sql::one("DELETE FROM subscribers WHERE confirmed_ns = 0 AND asked_ns < ?1");
/// When the first of a day was asked stays, whoever asks again.
static ASK: Sql = Sql::one(
    "INSERT INTO subscribers (id, address, mailbox, language, leave_key, secret, digest, asked_ns, first_asked_ns, asked_times, due_ns, tries, \
     confirmed_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1, ?8, 0, 0) ON CONFLICT (mailbox) DO UPDATE SET address = excluded.address, \
     language = excluded.language, secret = excluded.secret, digest = excluded.digest, asked_ns = excluded.asked_ns, \
     first_asked_ns = CASE WHEN subscribers.first_asked_ns < ?10 THEN excluded.first_asked_ns ELSE subscribers.first_asked_ns END, \
     asked_times = CASE WHEN subscribers.first_asked_ns < ?10 THEN 1 ELSE subscribers.asked_times + 1 END, \
     due_ns = excluded.due_ns, tries = 0 WHERE subscribers.confirmed_ns = 0 AND subscribers.asked_ns < ?9 \
     AND (subscribers.first_asked_ns < ?10 OR subscribers.asked_times < ?11)",
);
static UNASKED: Sql = Sql::one(
    "SELECT id, address, language, leave_key, secret FROM subscribers WHERE secret IS NOT NULL AND due_ns <= ?1 ORDER BY due_ns, id LIMIT ?2",
);
/// From here on only its digest is known.
static SENT: Sql = Sql::one("UPDATE subscribers SET secret = NULL WHERE id = ?1 AND secret = ?2");
static LATER: Sql = Sql::one("UPDATE subscribers SET due_ns = ?1 WHERE id = ?2 AND secret = ?3");
static REFUSED: Sql = Sql::one("UPDATE subscribers SET tries = tries + 1, due_ns = ?1 WHERE id = ?2 AND secret = ?3");
static GIVE_UP: Sql = Sql::one("DELETE FROM subscribers WHERE id = ?1 AND confirmed_ns = 0 AND tries >= ?2");
static CONFIRM: Sql = Sql::one(
    "UPDATE subscribers SET confirmed_ns = ?1, secret = NULL, digest = NULL WHERE id = ?2 AND digest = ?3 AND confirmed_ns = 0 AND asked_ns > ?4",
);
static LEAVE: Sql = Sql::one("DELETE FROM subscribers WHERE id = ?1 AND leave_key = ?2");
static FORGET: Sql = Sql::one("DELETE FROM subscribers WHERE id = ?1");
static LIST: Sql =
    Sql::one("SELECT id, address, confirmed_ns FROM subscribers WHERE confirmed_ns > 0 ORDER BY confirmed_ns, id LIMIT 20000");
static CONFIRMED: Sql = Sql::one("SELECT COUNT(*) FROM subscribers WHERE confirmed_ns > 0");
static UNTOLD: Sql = Sql::one(
    "SELECT id, address, language, leave_key FROM subscribers WHERE id > ?1 AND confirmed_ns > 0 AND confirmed_ns <= ?2 \
     AND NOT EXISTS (SELECT 1 FROM told WHERE post = ?3 AND recipient = 'mail/' || subscribers.id) ORDER BY id LIMIT ?4",
);
static TELL: Sql =
    Sql::one("INSERT INTO told (post, recipient, reached, at_ns) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (post, recipient) DO NOTHING");
static IS_TOLD: Sql = Sql::one("SELECT reached FROM told WHERE post = ?1 AND recipient = ?2");
static TOLD: Sql = Sql::one("SELECT COUNT(CASE WHEN reached = 1 THEN 1 END), COUNT(*) FROM told WHERE post = ?1");
static MAILED: Sql = Sql::one("SELECT COUNT(*) FROM told WHERE post = ?1 AND reached = 1 AND recipient LIKE 'mail/%'");
static FORGET_TOLD: Sql = Sql::one("DELETE FROM told WHERE at_ns < ?1");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[
    &COUNT,
    &FORGET_UNANSWERED,
    &ASK,
    &UNASKED,
    &SENT,
    &LATER,
    &REFUSED,
    &GIVE_UP,
    &CONFIRM,
    &LEAVE,
    &FORGET,
    &LIST,
    &CONFIRMED,
    &UNTOLD,
    &TELL,
    &IS_TOLD,
    &TOLD,
    &MAILED,
    &FORGET_TOLD,
];

/// Somebody types an address. The secrets are made by whoever asks.
#[derive(Debug, Clone)]
pub struct Asking {
    pub id: u64,
    pub address: String,
    pub language: Language,
    /// Confirms that the mail arrived; forgotten once it is sent, but for its digest.
    pub secret: String,
    /// Stands in every later mail, to leave.
    pub leave: String,
}

/// Somebody who reads by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    pub id: u64,
    pub address: String,
    pub language: Language,
    pub leave: String,
}

/// One of those who want it, for whoever looks after the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: u64,
    pub address: String,
    pub since: Timestamp,
}

fn before(now: Timestamp, length: SignedDuration) -> Timestamp {
    now.checked_sub(length).unwrap_or(Timestamp::MIN)
}

fn word(language: Language) -> &'static str {
    match language {
        Language::Ja => "ja",
        Language::En => "en",
    }
}

fn subscriber(row: &Row) -> Result<Subscriber> {
    let language = if row.text(2)? == "en" { Language::En } else { Language::Ja };
    Ok(Subscriber { id: row.count(0)?, address: row.text(1)?.to_owned(), language, leave: row.text(3)?.to_owned() })
}

/// What became of the mail that asks for a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Out,
    /// The mail server does not want it for this recipient.
    Refused {
        again_at: Timestamp,
    },
    /// No fault of the recipient's.
    NotYet {
        again_at: Timestamp,
    },
}

/// Addresses of the same reader, as far as can be told: in capitals or not, with or without a tag behind a plus.
fn mailbox(address: &str) -> String {
    let (name, host) = address.rsplit_once('@').unwrap_or((address, ""));
    let plain = name.split('+').next().filter(|plain| !plain.is_empty()).unwrap_or(name);
    format!("{plain}@{host}").to_ascii_lowercase()
}

/// Those who have not said yes in their time.
pub(crate) fn forget_unanswered(session: &mut dyn Session, now: Timestamp) -> Result<()> {
    session.change(&FORGET_UNANSWERED, &[before(now, CONFIRM_WITHIN).into()]).map(drop)
}

/// `false`: too many are asking. Whether the address was known already is nobody's to learn.
pub(crate) fn ask(session: &mut dyn Session, asking: &Asking, now: Timestamp) -> Result<bool> {
    forget_unanswered(session, now)?;
    let minute = before(now, SignedDuration::from_mins(1));
    let rows = session.query(&COUNT, &[minute.into()])?;
    if let Some(row) = rows.first()
        && (row.count(0)? >= SUBSCRIBERS_MAX || row.count(1)? >= UNANSWERED_MAX || row.count(2)? >= ASKED_PER_MINUTE)
    {
        return Ok(false);
    }
    let digest = Digest::of(asking.secret.as_bytes());
    let arguments = [
        asking.id.into(),
        asking.address.as_str().into(),
        mailbox(&asking.address).into(),
        word(asking.language).into(),
        asking.leave.as_str().into(),
        asking.secret.as_str().into(),
        (&digest).into(),
        now.into(),
        before(now, AGAIN_AFTER).into(),
        before(now, DAY).into(),
        ASKED_A_DAY_MAX.into(),
    ];
    session.change(&ASK, &arguments).map(|_| true)
}

/// Those whose confirmation is still to be mailed, with its secret.
pub(crate) fn unasked(session: &mut dyn Session, now: Timestamp, limit: u32) -> Result<Vec<(Subscriber, String)>> {
    let rows = session.query(&UNASKED, &[now.into(), limit.into()])?;
    rows.iter().map(|row| Ok((subscriber(row)?, row.text(4)?.to_owned()))).collect()
}

/// The mail with this secret is out, or is to be tried again later; an address that is refused again and again is forgotten.
pub(crate) fn asked(session: &mut dyn Session, id: u64, secret: &str, asked: Asked) -> Result<()> {
    match asked {
        Asked::Out => session.change(&SENT, &[id.into(), secret.into()]).map(drop),
        Asked::NotYet { again_at } => session.change(&LATER, &[again_at.into(), id.into(), secret.into()]).map(drop),
        Asked::Refused { again_at } => {
            session.change(&REFUSED, &[again_at.into(), id.into(), secret.into()])?;
            session.change(&GIVE_UP, &[id.into(), TRIES_MAX.into()]).map(drop)
        }
    }
}

pub(crate) fn confirm(session: &mut dyn Session, id: u64, secret: &str, now: Timestamp) -> Result<bool> {
    let digest = Digest::of(secret.as_bytes());
    let arguments = [now.into(), id.into(), (&digest).into(), before(now, CONFIRM_WITHIN).into()];
    Ok(session.change(&CONFIRM, &arguments)? == 1)
}

pub(crate) fn leave(session: &mut dyn Session, id: u64, key: &str) -> Result<bool> {
    Ok(session.change(&LEAVE, &[id.into(), key.into()])? == 1)
}

pub(crate) fn forget(session: &mut dyn Session, id: u64) -> Result<bool> {
    Ok(session.change(&FORGET, &[id.into()])? == 1)
}

pub(crate) fn list(session: &mut dyn Session) -> Result<Vec<Listed>> {
    let rows = session.query(&LIST, &[])?;
    rows.iter().map(|row| Ok(Listed { id: row.count(0)?, address: row.text(1)?.to_owned(), since: row.at(2)? })).collect()
}

pub(crate) fn count(session: &mut dyn Session) -> Result<u64> {
    session.query(&CONFIRMED, &[])?.first().map_or(Ok(0), |row| row.count(0))
}

/// The next of those who wanted it before the post was published, and have not been told of it.
pub(crate) fn untold(session: &mut dyn Session, post: &EffectKey, at: Timestamp, after: u64, limit: u32) -> Result<Vec<Subscriber>> {
    let arguments: [Value; 4] = [after.into(), at.into(), post.0.as_str().into(), limit.into()];
    session.query(&UNTOLD, &arguments)?.iter().map(subscriber).collect()
}

pub(crate) fn tell(session: &mut dyn Session, post: &EffectKey, recipient: &str, reached: bool, now: Timestamp) -> Result<()> {
    session.change(&TELL, &[post.0.as_str().into(), recipient.into(), reached.into(), now.into()]).map(drop)
}

pub(crate) fn is_told(session: &mut dyn Session, post: &EffectKey, recipient: &str) -> Result<bool> {
    Ok(!session.query(&IS_TOLD, &[post.0.as_str().into(), recipient.into()])?.is_empty())
}

/// How many were reached, and how many were not.
pub(crate) fn told(session: &mut dyn Session, post: &EffectKey, now: Timestamp) -> Result<(u32, u32)> {
    session.change(&FORGET_TOLD, &[before(now, TOLD_KEPT).into()])?;
    let rows = session.query(&TOLD, &[post.0.as_str().into()])?;
    let Some(row) = rows.first() else { return Ok((0, 0)) };
    let (reached, all) = (row.count(0)?, row.count(1)?);
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok((number(reached), number(all.saturating_sub(reached))))
}

/// How many of them by mail.
pub(crate) fn mailed(session: &mut dyn Session, post: &EffectKey) -> Result<u64> {
    session.query(&MAILED, &[post.0.as_str().into()])?.first().map_or(Ok(0), |row| row.count(0))
}
