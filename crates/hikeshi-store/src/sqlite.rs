//! SQLite: one file, one writing connection, a few reading ones. Every connection is asserted to be durable before it is used.
//!
//! Not here: what is written ([`crate::write`]) and the tables ([`crate::schema`]).

use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hikeshi_domain::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ToSql};

use crate::error::{Result, StoreError};
use crate::schema::{APPLICATION_ID, FIRST_HEAD, MIGRATIONS};
use crate::sql::{Change, EntryRow, Row, Session, Sql, Value, sqlite_text};
use crate::ticket::{Held, Ticket};

/// Versions before 3.51.3 can corrupt a database when a write-ahead log is reset.
const OLDEST_VERSION: i32 = 3_051_003;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENTS_CACHED: usize = 128;

/// One SQLite database, opened by this process alone.
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Ticket<SqliteSession>,
    /// Held for as long as the store is open. `None` when it was opened only for reading.
    _lock: Option<File>,
}

impl Sqlite {
    pub fn open(path: &Path) -> Result<Self> {
        check_library()?;
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)
                .map_err(|error| StoreError::lasting("make the data directory", format!("{}: {error}", directory.display())))?;
        }
        let lock = lock(path)?;
        let mut session = SqliteSession::open(path, Access::Write)?;
        session.migrate()?;
        Ok(Self { path: path.to_owned(), writer: Ticket::new(session), _lock: Some(lock) })
    }

    /// Without the lock and without migrating: for looking at a store that a server may have open.
    pub fn open_to_read(path: &Path) -> Result<Self> {
        check_library()?;
        let session = SqliteSession::open(path, Access::Read)?;
        session.check_schema()?;
        Ok(Self { path: path.to_owned(), writer: Ticket::new(session), _lock: None })
    }

    pub fn connect_reader(&self) -> Result<SqliteSession> {
        SqliteSession::open(&self.path, Access::Read)
    }

    /// Waits for the writing connection, in order of arrival.
    pub fn writer(&self) -> Held<'_, SqliteSession> {
        self.writer.take()
    }
}

fn check_library() -> Result<()> {
    let version = rusqlite::version_number();
    if version < OLDEST_VERSION {
        let found = rusqlite::version();
        return Err(StoreError::lasting("open the database", format!("SQLite {found} can corrupt its log; 3.51.3 or newer is needed")));
    }
    Ok(())
}

/// The kernel gives the lock back when the process ends, however it ends.
fn lock(path: &Path) -> Result<File> {
    const DOING: &str = "lock the database for this process";
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| StoreError::lasting(DOING, format!("{}: {error}", name.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::passing(DOING, format!("another process has {} open", path.display()))),
        Err(TryLockError::Error(error)) => Err(StoreError::lasting(DOING, format!("{}: {error}", name.display()))),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

/// One connection.
pub(crate) struct SqliteSession {
    connection: Connection,
}

impl SqliteSession {
    fn open(path: &Path, access: Access) -> Result<Self> {
        const DOING: &str = "open the database";
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
            | match access {
                Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
                // A read-only file handle could not recover the log of a killed process; `query_only` keeps this one from writing.
                Access::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
            };
        let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(DOING, &error))?;
        let session = Self { connection };
        session.settle(access).map_err(|error| match error {
            Settling::Engine(error) => failed(DOING, &error),
            Settling::Refused(detail) => StoreError::lasting(DOING, format!("{}: {detail}", path.display())),
        })?;
        Ok(session)
    }

    /// Sets what each connection forgets, and reads back what a lost commit would hang on.
    fn settle(&self, access: Access) -> std::result::Result<(), Settling> {
        let connection = &self.connection;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0))?;
        if application != APPLICATION_ID && (tables > 0 || application != 0 || access == Access::Read) {
            return Err(Settling::Refused("this is not a hikeshi database".to_owned()));
        }
        let journal: String = match access {
            Access::Write => connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?,
            Access::Read => connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
        };
        if journal != "wal" {
            return Err(Settling::Refused(format!("the journal mode is `{journal}`, not `wal`; is this a network file system?")));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        if synchronous != 2 {
            return Err(Settling::Refused(format!("`synchronous` stays at {synchronous}, so a commit could be lost with the power")));
        }
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        match access {
            Access::Write => {
                connection.pragma_update(None, "cache_size", -16_384)?;
                // A checkpoint writes each page once, however often it was committed: fewer of them means less to write.
                connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
                // What is deleted is overwritten: a content goes because it must not be read any more.
                connection.pragma_update_and_check(None, "secure_delete", "ON", |row| row.get::<_, i64>(0))?;
            }
            Access::Read => {
                connection.pragma_update(None, "cache_size", -4_096)?;
                connection.pragma_update(None, "query_only", true)?;
            }
        }
        Ok(())
    }

    fn version(&self) -> Result<usize> {
        let version: i64 = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|error| failed("read the schema version", &error))?;
        usize::try_from(version).map_err(|_| StoreError::damaged(format!("the schema version is {version}")))
    }

    fn check_schema(&self) -> Result<()> {
        let version = self.version()?;
        if version == MIGRATIONS.len() {
            return Ok(());
        }
        Err(wrong_schema(version))
    }

    fn migrate(&mut self) -> Result<()> {
        const DOING: &str = "migrate the database";
        let version = self.version()?;
        if version > MIGRATIONS.len() {
            return Err(wrong_schema(version));
        }
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
            let step = || -> rusqlite::Result<()> {
                self.connection.execute_batch("BEGIN IMMEDIATE")?;
                self.connection.execute_batch(&sqlite_text(migration))?;
                if index == 0 {
                    let [frontier, last_leaf, counters] = crate::ledger::first_head();
                    self.connection.execute(FIRST_HEAD.sqlite(), rusqlite::params![frontier, last_leaf, counters])?;
                    self.connection.pragma_update(None, "application_id", APPLICATION_ID)?;
                }
                self.connection.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
                self.connection.execute_batch("COMMIT")
            };
            if let Err(error) = step() {
                let error = failed(DOING, &error);
                self.roll_back();
                return Err(error);
            }
        }
        Ok(())
    }

    fn rows(&self, sql: &str, arguments: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        bind(&mut statement, arguments)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|column| row.get_ref(column).map(owned)).collect::<rusqlite::Result<_>>()?;
            found.push(Row(cells));
        }
        Ok(found)
    }

    fn execute(&self, change: &Change) -> rusqlite::Result<()> {
        if change.rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(change.sql.sqlite())?;
        for row in &change.rows {
            bind(&mut statement, row)?;
            statement.raw_execute()?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether every statement can be prepared; the error names the text.
    #[cfg(test)]
    pub fn prepare(&self, sql: &Sql) -> std::result::Result<(), String> {
        self.connection.prepare(sql.sqlite()).map(drop).map_err(|error| format!("{}: {error}", sql.sqlite()))
    }
}

enum Settling {
    Engine(rusqlite::Error),
    Refused(String),
}

impl From<rusqlite::Error> for Settling {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
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

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn bind(statement: &mut Statement<'_>, arguments: &[Value]) -> rusqlite::Result<()> {
    for (index, argument) in arguments.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, argument)?;
    }
    Ok(())
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        // No column of ours holds one; reading it as text makes the caller say which column is wrong.
        ValueRef::Real(value) => Value::Text(value.to_string()),
        ValueRef::Text(value) => match str::from_utf8(value) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(value.to_vec()),
        },
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    }
}

fn failed(doing: &'static str, error: &rusqlite::Error) -> StoreError {
    let passing =
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted));
    StoreError { doing, detail: error.to_string(), passing }
}

impl Session for SqliteSession {
    fn begin_write(&mut self, head: &'static Sql) -> Result<Vec<Row>> {
        // A transaction that an error left open would make the next one fail for no reason of its own.
        self.roll_back();
        let begin = || {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
            self.rows(head.sqlite(), &[])
        };
        let found = begin().map_err(|error| failed("lock the ledger", &error));
        if found.is_err() {
            self.roll_back();
        }
        found
    }

    fn begin_read(&mut self) -> Result<()> {
        self.roll_back();
        self.connection
            .prepare_cached("BEGIN")
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|error| failed("begin to read", &error))
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // It fails only when the engine has rolled back by itself, as after a full disk.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }

    fn query(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<Vec<Row>> {
        self.rows(sql.sqlite(), arguments).map_err(|error| failed("read", &error))
    }

    fn find(&mut self, sql: &'static Sql, keys: &[Value]) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.rows(sql.sqlite(), std::slice::from_ref(key)).map_err(|error| failed("read", &error))?);
        }
        Ok(found)
    }

    fn change(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<u64> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql.sqlite())?;
            bind(&mut statement, arguments)?;
            statement.raw_execute()
        };
        run().map(|rows| rows as u64).map_err(|error| failed("write", &error))
    }

    fn commit(&mut self, changes: &[Change], _news: Option<u64>) -> Result<()> {
        let written = changes
            .iter()
            .try_for_each(|change| self.execute(change))
            .and_then(|()| self.connection.prepare_cached("COMMIT")?.raw_execute().map(drop))
            .map_err(|error| failed("commit", &error));
        if written.is_err() {
            self.roll_back();
        }
        written
    }

    fn walk(&mut self, from: u64, each: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<()> {
        let mut run = || -> rusqlite::Result<Result<()>> {
            let mut statement =
                self.connection.prepare_cached("SELECT seq, key, case_id, bytes FROM entries WHERE seq >= ?1 ORDER BY seq")?;
            statement.raw_bind_parameter(1, i64::try_from(from).unwrap_or(i64::MAX))?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let entry = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?);
                let Some(entry) = entry_row(entry) else {
                    return Ok(Err(StoreError::damaged("a row of the ledger has no number")));
                };
                if each(entry).is_break() {
                    break;
                }
            }
            Ok(Ok(()))
        };
        run().map_err(|error| failed("walk the ledger", &error))?
    }

    #[expect(clippy::disallowed_methods, reason = "stands for the database's own clock, which measures claims; decisions never see it")]
    fn clock(&mut self) -> Result<Timestamp> {
        Ok(Timestamp::now())
    }
}

/// `None`: the row has no number. Whatever else is wrong with it, the verifier shall say where.
fn entry_row<'a>(columns: (ValueRef<'a>, ValueRef<'a>, ValueRef<'a>, ValueRef<'a>)) -> Option<EntryRow<'a>> {
    let (ValueRef::Integer(seq), key, case, bytes) = columns else { return None };
    let seq = u64::try_from(seq).ok()?;
    let case = match case {
        ValueRef::Null => Some(None),
        ValueRef::Integer(case) => u64::try_from(case).ok().map(Some),
        ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    };
    let key = if let ValueRef::Text(key) = key { str::from_utf8(key).ok() } else { None };
    let bytes = if let ValueRef::Blob(bytes) = bytes { bytes } else { &[] };
    Some(EntryRow { seq, key: key.unwrap_or_default(), case: case.unwrap_or(Some(u64::MAX)), bytes })
}
