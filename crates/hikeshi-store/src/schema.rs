//! The tables, and how an older schema becomes this one. Append migrations; never change one that was released.
//!
//! `entries` is the record. `checkpoints`, `contents`, `presence`, `alert_leases`, `beats`, `expected`, `paged`, `subscribers`, `told` and `browsers` are kept beside it. Everything else is a projection that
//! [`crate::rebuild`] can make again.

/// Marks an SQLite file as hikeshi's.
pub(crate) const APPLICATION_ID: i64 = 0x484b_5348;

/// The schema version is the number of migrations.
pub(crate) const MIGRATIONS: &[&str] =
    &[FIRST, ENTRIES_OF_NO_CASE, ALERTS, PASTS, SILENCES, BEATS, OVERRIDES, STATUS, CHANGES, MAILBOXES, BUNDLES, BROWSERS, EXPECTED];

const FIRST: &str = "
CREATE TABLE entries (
    seq BIGINT PRIMARY KEY,
    key TEXT NOT NULL,
    case_id BIGINT,
    bytes {bytes} NOT NULL
);
CREATE UNIQUE INDEX entries_key ON entries (key);
CREATE INDEX entries_case ON entries (case_id, seq) WHERE case_id IS NOT NULL;

CREATE TABLE ledger_head (
    id BIGINT PRIMARY KEY,
    size BIGINT NOT NULL,
    frontier {bytes} NOT NULL,
    last_leaf {bytes} NOT NULL,
    counters TEXT NOT NULL,
    policy_version BIGINT NOT NULL
) {busy_table};

CREATE TABLE nodes (
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hash {bytes} NOT NULL,
    PRIMARY KEY (level, idx)
) {clustered};

CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    note TEXT NOT NULL,
    at_ns BIGINT NOT NULL
);

CREATE TABLE contents (
    digest {bytes} PRIMARY KEY,
    bytes {bytes} NOT NULL
);

CREATE TABLE workspace (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    policy TEXT,
    pending TEXT
);

CREATE TABLE incidents (
    id BIGINT PRIMARY KEY,
    open BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    opened_at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL
) {busy_table};
CREATE INDEX incidents_open ON incidents (id) WHERE open = 1;
CREATE INDEX incidents_burning ON incidents (priority, opened_at_ns, id) WHERE open = 1;

CREATE TABLE emergencies (
    id BIGINT PRIMARY KEY,
    open BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    requested_at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL
) {busy_table};
CREATE INDEX emergencies_open ON emergencies (id) WHERE open = 1;
CREATE INDEX emergencies_counted ON emergencies (requested_at_ns) WHERE counted = 1;

CREATE TABLE obligations (
    id BIGINT PRIMARY KEY,
    owed BIGINT NOT NULL,
    hardens BIGINT NOT NULL,
    due_at_ns BIGINT NOT NULL,
    emergency_id BIGINT NOT NULL,
    incident_id BIGINT NOT NULL,
    doc TEXT NOT NULL
) {busy_table};
CREATE INDEX obligations_open ON obligations (id) WHERE owed = 1;
CREATE INDEX obligations_due ON obligations (due_at_ns, id) WHERE owed = 1;
CREATE INDEX obligations_emergency ON obligations (emergency_id, id);
CREATE INDEX obligations_incident ON obligations (incident_id, id);

CREATE TABLE monitors (
    name TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) {clustered};

CREATE TABLE accounts (
    person TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) {clustered};

CREATE TABLE credentials (
    digest {bytes} PRIMARY KEY,
    person TEXT NOT NULL
) {clustered};
CREATE INDEX credentials_person ON credentials (person);

CREATE TABLE witnesses (
    emergency_id BIGINT NOT NULL,
    person TEXT NOT NULL,
    joined_at_ns BIGINT NOT NULL,
    PRIMARY KEY (emergency_id, person)
) {clustered};

CREATE TABLE presence (
    emergency_id BIGINT NOT NULL,
    person TEXT NOT NULL,
    heard_at_ns BIGINT NOT NULL,
    PRIMARY KEY (emergency_id, person)
) {clustered};

CREATE TABLE posts (
    channel TEXT NOT NULL,
    seq BIGINT NOT NULL,
    part BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (channel, seq, part)
) {clustered};

CREATE TABLE timers (
    owner TEXT PRIMARY KEY,
    due_at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL
) {clustered};
CREATE INDEX timers_due ON timers (due_at_ns);

CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    effect TEXT NOT NULL,
    queued_at_ns BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    node TEXT,
    lease_until_ns BIGINT NOT NULL
) {busy_table};

CREATE TABLE duties (
    duty TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    lease_until_ns BIGINT NOT NULL
) {busy_table};

INSERT INTO workspace (id, version, policy, pending) VALUES (1, 0, NULL, NULL);
";

/// Policies are entries of no case; looking for an old one must not read the cases of all years.
const ENTRIES_OF_NO_CASE: &str = "CREATE INDEX entries_no_case ON entries (seq) WHERE case_id IS NULL;";

const ALERTS: &str = "
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    firing BIGINT NOT NULL,
    waits BIGINT NOT NULL,
    incident_id BIGINT NOT NULL,
    fired_at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL
) {busy_table};
CREATE INDEX alerts_incident ON alerts (incident_id, firing, fired_at_ns) WHERE incident_id > 0;
CREATE INDEX alerts_waiting ON alerts (fired_at_ns) WHERE waits = 1;

CREATE TABLE alert_groups (
    key TEXT PRIMARY KEY,
    incident_id BIGINT NOT NULL
) {clustered};

CREATE TABLE alert_leases (
    id TEXT PRIMARY KEY,
    heard_ns BIGINT NOT NULL,
    until_ns BIGINT NOT NULL
) {clustered};
CREATE INDEX alert_leases_until ON alert_leases (until_ns);

CREATE INDEX outbox_kind ON outbox (kind, queued_at_ns, key);
";

/// Incidents that were over before this table came are put in by a rebuild.
const PASTS: &str = "
CREATE TABLE pasts (
    key TEXT PRIMARY KEY,
    changed BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX pasts_changed ON pasts (changed, key);
";

/// `waits` of an alert: 0 nothing, 1 that it stays, else the number of the silence and one.
const SILENCES: &str = "
ALTER TABLE workspace ADD COLUMN silences TEXT;
CREATE INDEX alerts_silenced ON alerts (waits, id) WHERE waits > 1;
CREATE INDEX alerts_firing ON alerts (fired_at_ns) WHERE firing = 1;
";

/// When each heartbeat was last heard.
const BEATS: &str = "
CREATE TABLE beats (
    monitor TEXT PRIMARY KEY,
    heard_ns BIGINT NOT NULL
) {clustered};
";

/// Agreed changes of the on-call schedules. Every command may need them, so they lie with the policy and not in a table of their own.
const OVERRIDES: &str = "ALTER TABLE workspace ADD COLUMN overrides TEXT;";

/// When something was last published of an incident (0: never), and who reads the status page by mail.
const STATUS: &str = "
ALTER TABLE incidents ADD COLUMN public_ns BIGINT NOT NULL DEFAULT 0;
CREATE INDEX incidents_public ON incidents (public_ns) WHERE public_ns > 0;

CREATE TABLE subscribers (
    id BIGINT PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    leave_key TEXT NOT NULL,
    secret TEXT,
    digest {bytes},
    asked_ns BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    confirmed_ns BIGINT NOT NULL
);
CREATE INDEX subscribers_unasked ON subscribers (due_ns, id) WHERE secret IS NOT NULL;

CREATE TABLE told (
    post TEXT NOT NULL,
    recipient TEXT NOT NULL,
    reached BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    PRIMARY KEY (post, recipient)
) {clustered};
CREATE INDEX told_at ON told (at_ns);
";

/// What was altered, by its place and time. Changes of before this table came are put in by a rebuild.
const CHANGES: &str = "
CREATE TABLE changes (
    key TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    at_ns BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX changes_at ON changes (at_ns);
CREATE INDEX changes_place ON changes (place, at_ns);
";

/// One row for each mailbox, however its address is written, and how often it was asked since when. Of those who differ only in capitals the
/// first stays.
const MAILBOXES: &str = "
ALTER TABLE subscribers RENAME TO subscribers_before;
CREATE TABLE subscribers (
    id BIGINT PRIMARY KEY,
    address TEXT NOT NULL,
    mailbox TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    leave_key TEXT NOT NULL,
    secret TEXT,
    digest {bytes},
    asked_ns BIGINT NOT NULL,
    first_asked_ns BIGINT NOT NULL,
    asked_times BIGINT NOT NULL,
    due_ns BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    confirmed_ns BIGINT NOT NULL
);
INSERT INTO subscribers
    SELECT id, address, lower(address), language, leave_key, secret, digest, asked_ns, asked_ns, 1, due_ns, tries, confirmed_ns
    FROM subscribers_before WHERE id IN (SELECT MIN(id) FROM subscribers_before GROUP BY lower(address));
DROP TABLE subscribers_before;
CREATE INDEX subscribers_unasked ON subscribers (due_ns, id) WHERE secret IS NOT NULL;
";

/// With whom a page may be sent, and when somebody was last called by what about which place.
const BUNDLES: &str = "
ALTER TABLE outbox ADD COLUMN joins TEXT;
CREATE INDEX outbox_joins ON outbox (kind, joins) WHERE joins IS NOT NULL;

CREATE TABLE paged (
    whom TEXT PRIMARY KEY,
    at_ns BIGINT NOT NULL,
    rank BIGINT NOT NULL
) {clustered};
";

/// Which browsers people have subscribed lies with the policy, where they are reached in a table of its own.
const BROWSERS: &str = "
ALTER TABLE workspace ADD COLUMN browsers TEXT;
CREATE TABLE browsers (
    id {bytes} PRIMARY KEY,
    endpoint TEXT NOT NULL,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    kept_ns BIGINT NOT NULL
);
";

/// Since when each heartbeat is expected, so that one that never came is missed, too.
const EXPECTED: &str = "
CREATE TABLE expected (
    monitor TEXT PRIMARY KEY,
    since_ns BIGINT NOT NULL
) {clustered};
";

/// The head of an empty ledger, written once after the first migration.
pub(crate) static FIRST_HEAD: crate::sql::Sql =
    crate::sql::Sql::one("INSERT INTO ledger_head (id, size, frontier, last_leaf, counters, policy_version) VALUES (1, 0, ?1, ?2, ?3, 0)");
