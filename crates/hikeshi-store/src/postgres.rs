//! PostgreSQL: a connection per session, driven only while a call waits for it, so that the API stays blocking and quick.
//!
//! Not here: what is written ([`crate::write`]) and the tables ([`crate::schema`]). Waiting for other nodes is in [`crate::listen`].

mod values;

use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use values::{Answer, Argument, array, boxed, describe, failed, in_order, rows_of};

use crate::error::{Result, StoreError};
use crate::listen::Listener;
use crate::news::News;
use crate::schema::{FIRST_HEAD, MIGRATIONS};
use crate::sql::{Change, EntryRow, Row, Session, Shape, Sql, Value, postgres_text, timestamp};

const OLDEST_VERSION: i64 = 150_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A node that is frozen inside a transaction loses it, so that it cannot hold the head against all others.
const LIMITS: &str = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'; SET statement_timeout = '60s'";
/// A connection that was idle longer than this is asked whether it is still there before it is trusted.
const IDLE_TRUSTED: Duration = Duration::from_millis(500);
const WALK_ROWS: i64 = 2_000;

static WALK: Sql = Sql::one("SELECT seq, key, case_id, bytes FROM entries WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
static CLOCK: Sql = Sql::one("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&WALK, &CLOCK];

/// One PostgreSQL database and the schema in it that is ours.
pub(crate) struct Postgres {
    config: Config,
    schema: String,
    listener: Option<Listener>,
}

impl Postgres {
    pub fn open(url: &str, news: &Arc<News>) -> Result<Self> {
        let mut postgres = Self::at(url)?;
        let mut session = postgres.connect()?;
        session.check_server()?;
        session.migrate(&postgres.schema)?;
        postgres.listener = Some(Listener::start(postgres.config.clone(), channel(&postgres.schema), Arc::clone(news))?);
        Ok(postgres)
    }

    pub fn open_to_read(url: &str) -> Result<Self> {
        let postgres = Self::at(url)?;
        let mut session = postgres.connect()?;
        session.check_server()?;
        session.check_schema(&postgres.schema)?;
        Ok(postgres)
    }

    fn at(url: &str) -> Result<Self> {
        // The text of the URL may hold a password: no error repeats it.
        let mut config: Config =
            url.parse().map_err(|error: tokio_postgres::Error| StoreError::lasting("read the database URL", describe(&error)))?;
        let schema = schema_of(config.get_options())?;
        config.application_name(format!("hikeshi {schema}")).connect_timeout(CONNECT_TIMEOUT).keepalives_idle(Duration::from_secs(30));
        Ok(Self { config, schema, listener: None })
    }

    pub fn connect(&self) -> Result<PostgresSession> {
        PostgresSession::connect(&self.config, &self.schema)
    }
}

fn channel(schema: &str) -> String {
    format!("{schema}_ledger")
}

/// The first schema of `options=-c search_path=…`, or `hikeshi`.
fn schema_of(options: Option<&str>) -> Result<String> {
    let Some((_, rest)) = options.and_then(|options| options.split_once("search_path=")) else { return Ok("hikeshi".to_owned()) };
    let name = rest.split([' ', ',']).next().unwrap_or_default();
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain && (1..=50).contains(&name.len()) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    Err(StoreError::lasting("read the database URL", "the schema in `search_path` takes up to 50 of a-z 0-9 _, not starting with a digit"))
}

/// One connection with the runtime that drives it.
pub(crate) struct PostgresSession {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    client: Client,
    /// Prepared statements by the address of the `static` that they are made of.
    statements: HashMap<usize, Statement>,
    channel: String,
    in_transaction: bool,
    gone: bool,
    used: Instant,
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime that is dropped where an asynchronous caller runs would panic.
            runtime.shutdown_background();
        }
    }
}

impl PostgresSession {
    #[expect(clippy::disallowed_methods, reason = "drives this connection on its own runtime, and ends with it")]
    fn connect(config: &Config, schema: &str) -> Result<Self> {
        const DOING: &str = "connect to PostgreSQL";
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| StoreError::passing(DOING, error.to_string()))?;
        let client = runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await.map_err(|error| failed(DOING, &error))?;
            tokio::spawn(connection);
            client.batch_execute(LIMITS).await.map_err(|error| failed(DOING, &error))?;
            client.batch_execute(&format!("SET search_path = {schema}")).await.map_err(|error| failed(DOING, &error))?;
            Ok::<_, StoreError>(client)
        })?;
        Ok(Self {
            runtime: Some(runtime),
            client,
            statements: HashMap::new(),
            channel: channel(schema),
            in_transaction: false,
            gone: false,
            used: Instant::now(),
        })
    }

    /// Whether the connection is known to be over, after asking when it was idle for a while.
    pub fn is_gone(&mut self) -> bool {
        if !self.gone && self.used.elapsed() > IDLE_TRUSTED {
            self.used = Instant::now();
            if self.wait("look for the connection", |client| async move { client.batch_execute("").await }).is_err() {
                self.gone = true;
            }
        }
        self.gone || self.client.is_closed()
    }

    /// Runs one conversation with the server to its end.
    fn wait<'a, T, F>(&'a mut self, doing: &'static str, talk: impl FnOnce(&'a Client) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    {
        let Some(runtime) = &self.runtime else { return Err(StoreError::passing(doing, "the connection is being closed")) };
        let done = runtime.block_on(talk(&self.client));
        self.used = Instant::now();
        done.map_err(|error| {
            if error.is_closed() || error.code().is_none() {
                self.gone = true;
            }
            failed(doing, &error)
        })
    }

    fn prepared(&mut self, sql: &'static Sql) -> Result<Statement> {
        let address = std::ptr::from_ref(sql).addr();
        if let Some(statement) = self.statements.get(&address) {
            return Ok(statement.clone());
        }
        let statement = self.wait("prepare a statement", |client| client.prepare(sql.postgres()))?;
        self.statements.insert(address, statement.clone());
        Ok(statement)
    }

    fn text(&mut self, question: &'static str) -> Result<String> {
        self.wait("ask the server", |client| async move { client.query_one(question, &[]).await?.try_get(0) })
    }

    /// Refuses a server that is too old, writes another encoding, or may forget a commit.
    fn check_server(&mut self) -> Result<()> {
        const DOING: &str = "open the database";
        let version = self.text("SELECT current_setting('server_version_num')")?;
        if version.parse::<i64>().is_ok_and(|version| version < OLDEST_VERSION) {
            return Err(StoreError::lasting(DOING, format!("PostgreSQL 15 or newer is needed; the server says {version}")));
        }
        let encoding = self.text("SELECT current_setting('server_encoding')")?;
        if encoding != "UTF8" {
            return Err(StoreError::lasting(DOING, format!("the database is encoded in {encoding}; UTF8 is needed")));
        }
        for (question, setting) in
            [("SELECT current_setting('fsync')", "fsync"), ("SELECT current_setting('synchronous_commit')", "synchronous_commit")]
        {
            if self.text(question)? == "off" {
                return Err(StoreError::lasting(DOING, format!("`{setting}` is off, so a commit could be lost")));
            }
        }
        Ok(())
    }

    fn version(&mut self, schema: &str) -> Result<Option<usize>> {
        let table = format!("{schema}.schema_version");
        let version: Option<i64> = self.wait("read the schema version", |client| async move {
            let known: bool = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.try_get(0)?;
            if !known {
                return Ok(None);
            }
            client.query_one("SELECT version FROM schema_version", &[]).await?.try_get(0).map(Some)
        })?;
        version
            .map(|version| usize::try_from(version).map_err(|_| StoreError::damaged(format!("the schema version is {version}"))))
            .transpose()
    }

    fn check_schema(&mut self, schema: &str) -> Result<()> {
        match self.version(schema)? {
            Some(version) if version == MIGRATIONS.len() => Ok(()),
            Some(version) => Err(wrong_schema(version)),
            None => Err(StoreError::lasting("open the database", format!("the schema `{schema}` holds no hikeshi store"))),
        }
    }

    /// Several nodes may start at once: one migrates, the others wait for its lock and find nothing left to do.
    fn migrate(&mut self, schema: &str) -> Result<()> {
        const DOING: &str = "migrate the database";
        let known = schema.to_owned();
        self.wait(DOING, |client| async move {
            let there = client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&known]).await?;
            if there.is_empty() {
                client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {known}")).await?;
            }
            client.batch_execute("BEGIN").await?;
            client.query("SELECT pg_advisory_xact_lock(hashtext($1))", &[&format!("hikeshi migrate {known}")]).await.map(drop)
        })?;
        self.in_transaction = true;
        let version = self.version(schema)?.unwrap_or(0);
        if version > MIGRATIONS.len() {
            return Err(wrong_schema(version));
        }
        self.wait(DOING, |client| async move {
            if version == 0 {
                client
                    .batch_execute("CREATE TABLE schema_version (version BIGINT NOT NULL); INSERT INTO schema_version VALUES (0)")
                    .await?;
            }
            for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
                client.batch_execute(&postgres_text(migration)).await?;
                if index == 0 {
                    let head = crate::ledger::first_head();
                    let arguments: Vec<&(dyn ToSql + Sync)> = head.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
                    client.execute(FIRST_HEAD.postgres(), &arguments).await?;
                }
            }
            let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
            client.execute("UPDATE schema_version SET version = $1", &[&newest]).await?;
            client.batch_execute("COMMIT").await
        })?;
        self.in_transaction = false;
        Ok(())
    }

    /// Sends all changes without waiting in between, then waits for all answers.
    fn send(&mut self, changes: &[Change], last: Option<String>) -> Result<()> {
        let mut prepared = Vec::with_capacity(changes.len());
        for change in changes.iter().filter(|change| !change.rows.is_empty()) {
            prepared.push((self.prepared(change.sql)?, change));
        }
        let mut calls: Vec<(&Statement, Vec<Argument<'_>>)> = Vec::new();
        for (statement, change) in &prepared {
            match &change.sql.shape {
                Shape::One(_) => calls.extend(change.rows.iter().map(|row| (statement, row.iter().map(boxed).collect()))),
                Shape::Keyed { key, .. } => calls.push((statement, vec![array(&change.rows, 0, *key)])),
                Shape::Rows { columns, .. } => {
                    let arrays = columns.iter().enumerate().map(|(index, (_, kind))| array(&change.rows, index, *kind)).collect();
                    calls.push((statement, arrays));
                }
            }
        }
        self.wait("commit", |client| async move {
            let mut answers: Vec<Answer<'_>> = Vec::with_capacity(calls.len() + 1);
            for (statement, arguments) in &calls {
                answers.push(Box::pin(async move {
                    let arguments: Vec<&(dyn ToSql + Sync)> = arguments.iter().map(|argument| &**argument).collect();
                    client.execute(*statement, &arguments).await.map(drop)
                }));
            }
            if let Some(last) = last {
                answers.push(Box::pin(async move { client.batch_execute(&last).await }));
            }
            in_order(answers).await
        })
    }

    /// Whether every statement can be prepared; the error names the text.
    #[cfg(test)]
    pub fn prepare(&mut self, sql: &'static Sql) -> std::result::Result<(), String> {
        self.prepared(sql).map(drop).map_err(|error| format!("{}: {error}", sql.postgres()))
    }
}

fn wrong_schema(version: usize) -> StoreError {
    StoreError::lasting(
        "open the database",
        format!(
            "its schema has version {version} and this program knows {}; use the program that wrote it, or a newer one",
            MIGRATIONS.len()
        ),
    )
}

impl Session for PostgresSession {
    fn begin_write(&mut self, head: &'static Sql) -> Result<Vec<Row>> {
        self.roll_back();
        let lock = self.prepared(head)?;
        self.in_transaction = true;
        let rows = self.wait("lock the ledger", |client| async move {
            // Both leave in this order without waiting for each other's answer.
            let (begun, rows) = tokio::join!(biased; client.batch_execute("BEGIN"), client.query(&lock, &[]));
            begun.and(rows)
        })?;
        rows_of(&rows)
    }

    fn begin_read(&mut self) -> Result<()> {
        self.roll_back();
        self.wait("begin to read", |client| client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))?;
        self.in_transaction = true;
        Ok(())
    }

    fn roll_back(&mut self) {
        if self.in_transaction {
            self.in_transaction = false;
            // When this fails the connection is gone, and the server rolls back by itself.
            if !self.gone && self.wait("roll back", |client| client.batch_execute("ROLLBACK")).is_err() {
                self.gone = true;
            }
        }
    }

    fn query(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql)?;
        let arguments: Vec<&(dyn ToSql + Sync)> = arguments.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.wait("read", |client| async move { client.query(&statement, &arguments).await })?;
        rows_of(&rows)
    }

    fn find(&mut self, sql: &'static Sql, keys: &[Value]) -> Result<Vec<Row>> {
        let Shape::Keyed { key, .. } = &sql.shape else { return Err(StoreError::misuse("a statement without a key was given keys")) };
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.prepared(sql)?;
        let rows: Vec<Vec<Value>> = keys.iter().map(|key| vec![key.clone()]).collect();
        let keys = array(&rows, 0, *key);
        let rows = self.wait("read", |client| async move { client.query(&statement, &[&*keys]).await })?;
        rows_of(&rows)
    }

    fn change(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<u64> {
        let statement = self.prepared(sql)?;
        let arguments: Vec<&(dyn ToSql + Sync)> = arguments.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.wait("write", |client| async move { client.execute(&statement, &arguments).await })
    }

    fn commit(&mut self, changes: &[Change], news: Option<u64>) -> Result<()> {
        // In one message: in a transaction that has failed the first statement is an error, so the commit cannot pass for one.
        let last = match news {
            Some(size) => format!("NOTIFY {}, '{size}'; COMMIT", self.channel),
            None => "SELECT 1; COMMIT".to_owned(),
        };
        let committed = self.send(changes, Some(last));
        match committed {
            Ok(()) => self.in_transaction = false,
            Err(_) => self.roll_back(),
        }
        committed
    }

    fn walk(&mut self, from: u64, each: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<()> {
        let statement = self.prepared(&WALK)?;
        let mut next = i64::try_from(from).unwrap_or(i64::MAX);
        loop {
            let asked = statement.clone();
            let rows = self.wait("walk the ledger", |client| async move { client.query(&asked, &[&next, &WALK_ROWS]).await })?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                let columns = (|| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get::<_, Option<i64>>(2)?, row.try_get(3)?)))();
                let (seq, key, case, bytes): (i64, &str, _, &[u8]) = columns.map_err(|error| failed("walk the ledger", &error))?;
                let negative = |_| StoreError::damaged("a row of the ledger has a negative number");
                let case = case.map(u64::try_from).transpose().map_err(negative)?;
                next = seq.saturating_add(1);
                if each(EntryRow { seq: u64::try_from(seq).map_err(negative)?, key, case, bytes }).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn clock(&mut self) -> Result<Timestamp> {
        let rows = self.query(&CLOCK, &[])?;
        let microseconds = rows.first().ok_or_else(|| StoreError::damaged("the server has no clock"))?.int(0)?;
        timestamp(microseconds.saturating_mul(1_000))
    }
}
