//! Values, rows and statements: one text for both engines, and the few words in which they differ.
//!
//! Rules of the dialect: parameters are `?1`; arithmetic on parameters is done in Rust (PostgreSQL would guess `int4`);
//! integers are `BIGINT`, digests and entry bytes are `{bytes}`. The engines are in [`crate::sqlite`] and [`crate::postgres`].

use std::sync::OnceLock;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&Digest> for Value {
    fn from(value: &Digest) -> Self {
        Self::Bytes(value.0.to_vec())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(nanoseconds(value))
    }
}

/// Numbers of entries and cases; the ledger cannot grow past what the engines count.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// Times that the database compares. Beyond the year 2262 they are all the same, which no deadline notices.
pub(crate) fn nanoseconds(at: Timestamp) -> i64 {
    let value = at.as_nanosecond();
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn timestamp(nanoseconds: i64) -> Result<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).map_err(|error| StoreError::damaged(error.to_string()))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| StoreError::misuse(error.to_string()))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::damaged(format!("a stored document cannot be read: {error}")))
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub Vec<Value>);

impl Row {
    pub fn int(&self, column: usize) -> Result<i64> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            other => Err(wrong_column(column, "a number", other)),
        }
    }

    pub fn count(&self, column: usize) -> Result<u64> {
        let value = self.int(column)?;
        u64::try_from(value).map_err(|_| StoreError::damaged(format!("column {column} holds {value}, which counts nothing")))
    }

    pub fn text(&self, column: usize) -> Result<&str> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value),
            other => Err(wrong_column(column, "text", other)),
        }
    }

    pub fn maybe_text(&self, column: usize) -> Result<Option<&str>> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(_) | None => self.text(column).map(Some),
        }
    }

    pub fn bytes(&self, column: usize) -> Result<&[u8]> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value),
            other => Err(wrong_column(column, "bytes", other)),
        }
    }

    pub fn digest(&self, column: usize) -> Result<Digest> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map(Digest).map_err(|_| StoreError::damaged(format!("column {column} holds {} bytes, not a digest", bytes.len())))
    }

    pub fn at(&self, column: usize) -> Result<Timestamp> {
        timestamp(self.int(column)?)
    }

    pub fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        from_json(self.text(column)?)
    }

    pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, column: usize) -> Result<T> {
        self.text(column)?.parse().map_err(|error| StoreError::damaged(format!("column {column}: {error}")))
    }
}

fn wrong_column(column: usize, wanted: &str, found: Option<&Value>) -> StoreError {
    let found = match found {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Int(_)) => "a number",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
    };
    StoreError::damaged(format!("column {column} should hold {wanted} and holds {found}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    fn postgres(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Text => "text",
            Self::Bytes => "bytea",
        }
    }
}

#[derive(Debug)]
pub(crate) enum Shape {
    /// Runs once per row of arguments.
    One(&'static str),
    /// `{in}` in the text: equal to the key on SQLite (run per key), any of the keys on PostgreSQL (run once).
    Keyed { text: &'static str, key: Kind },
    /// Inserts rows: a prepared insert per row on SQLite, arrays on PostgreSQL. The rows' conflict keys must differ.
    Rows { table: &'static str, columns: &'static [(&'static str, Kind)], conflict: &'static str },
}

/// One statement of the product. All are `static` and listed, so that a test can prepare each on both engines.
#[derive(Debug)]
pub(crate) struct Sql {
    pub shape: Shape,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Sql {
    pub const fn one(text: &'static str) -> Self {
        Self::of(Shape::One(text))
    }

    pub const fn keyed(text: &'static str, key: Kind) -> Self {
        Self::of(Shape::Keyed { text, key })
    }

    pub const fn rows(table: &'static str, columns: &'static [(&'static str, Kind)], conflict: &'static str) -> Self {
        Self::of(Shape::Rows { table, columns, conflict })
    }

    const fn of(shape: Shape) -> Self {
        Self { shape, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    pub fn sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| match &self.shape {
            Shape::One(text) => sqlite_text(text),
            Shape::Keyed { text, .. } => sqlite_text(&text.replace("{in}", "= ?1")),
            Shape::Rows { table, columns, conflict } => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                let marks: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
                format!("INSERT INTO {table} ({}) VALUES ({}) {conflict}", names.join(", "), marks.join(", "))
            }
        })
    }

    pub fn postgres(&self) -> &str {
        self.postgres.get_or_init(|| match &self.shape {
            Shape::One(text) => postgres_text(text),
            Shape::Keyed { text, key } => postgres_text(&text.replace("{in}", &format!("= ANY(?1::{}[])", key.postgres()))),
            Shape::Rows { table, columns, conflict } => {
                let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
                let arrays: Vec<String> =
                    columns.iter().enumerate().map(|(index, (_, kind))| format!("${}::{}[]", index + 1, kind.postgres())).collect();
                format!("INSERT INTO {table} ({}) SELECT * FROM unnest({}) {conflict}", names.join(", "), arrays.join(", "))
            }
        })
    }
}

/// `BIGINT` as a key would be a second tree beside the rows on SQLite; `INTEGER` is the row's own number.
pub(crate) fn sqlite_text(text: &str) -> String {
    text.replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")
        .replace("{bytes}", "BLOB")
        .replace("{clustered}", "WITHOUT ROWID")
        .replace("{busy_table}", "")
        .replace("{skip_locked}", "")
}

pub(crate) fn postgres_text(text: &str) -> String {
    text.replace('?', "$")
        .replace("{bytes}", "BYTEA")
        .replace("{clustered}", "")
        // Rows of these tables are rewritten all the time: room on the page keeps the updates off the indexes.
        .replace("{busy_table}", "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)")
        .replace("{skip_locked}", "FOR UPDATE SKIP LOCKED")
}

/// A statement with the rows of arguments that it runs for.
#[derive(Debug)]
pub(crate) struct Change {
    pub sql: &'static Sql,
    pub rows: Vec<Vec<Value>>,
}

impl Change {
    pub fn new(sql: &'static Sql) -> Self {
        Self { sql, rows: Vec::new() }
    }

    pub fn one(sql: &'static Sql, row: Vec<Value>) -> Self {
        Self { sql, rows: vec![row] }
    }
}

/// One connection. A failed call leaves the transaction to be rolled back by whoever began it.
pub(crate) trait Session {
    /// Begins a write transaction and takes the lock under which entries are numbered; answers the head row.
    fn begin_write(&mut self, head: &'static Sql) -> Result<Vec<Row>>;
    /// Begins a read transaction that sees one state.
    fn begin_read(&mut self) -> Result<()>;
    /// Ends whatever transaction there is, keeping nothing.
    fn roll_back(&mut self);
    fn query(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<Vec<Row>>;
    fn find(&mut self, sql: &'static Sql, keys: &[Value]) -> Result<Vec<Row>>;
    fn change(&mut self, sql: &'static Sql, arguments: &[Value]) -> Result<u64>;
    /// Runs the changes and commits durably; `news` is the new size for nodes that wait for one.
    fn commit(&mut self, changes: &[Change], news: Option<u64>) -> Result<()>;
    /// Gives entries in order from `from`, in bounded memory: number, key, case, bytes.
    fn walk(&mut self, from: u64, each: &mut dyn FnMut(EntryRow<'_>) -> std::ops::ControlFlow<()>) -> Result<()>;
    /// The clock by which claims are measured: the database's own where there is more than one node.
    fn clock(&mut self) -> Result<Timestamp>;
}

/// A ledger row as the verifier wants it, without a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryRow<'a> {
    pub seq: u64,
    pub key: &'a str,
    pub case: Option<u64>,
    pub bytes: &'a [u8],
}
