//! Between our values and the driver's: arguments, arrays, rows, errors; and statements sent without waiting for each other.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::error::{Result, StoreError};
use crate::sql::{Kind, Row, Value};

/// One argument of a statement, borrowed from a change.
pub(super) type Argument<'a> = Box<dyn ToSql + Sync + 'a>;
/// The end of one statement.
pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = std::result::Result<(), tokio_postgres::Error>> + 'a>>;

/// Polls all from first to last, so that what they send goes out in this order, and ends when all have ended. The first failure is the
/// cause of those after it.
pub(super) async fn in_order(mut answers: Vec<Answer<'_>>) -> std::result::Result<(), tokio_postgres::Error> {
    let mut done: Vec<Option<std::result::Result<(), tokio_postgres::Error>>> = answers.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (answer, done) in answers.iter_mut().zip(&mut done) {
            if done.is_none() {
                match answer.as_mut().poll(context) {
                    Poll::Ready(end) => *done = Some(end),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}

pub(super) fn boxed(value: &Value) -> Argument<'_> {
    Box::new(value)
}

/// One column of the rows as an array.
pub(super) fn array(rows: &[Vec<Value>], column: usize, kind: Kind) -> Argument<'_> {
    let cells = rows.iter().map(|row| row.get(column));
    match kind {
        Kind::Int => Box::new(cells.map(|cell| if let Some(Value::Int(value)) = cell { Some(*value) } else { None }).collect::<Vec<_>>()),
        Kind::Text => {
            Box::new(cells.map(|cell| if let Some(Value::Text(value)) = cell { Some(value.as_str()) } else { None }).collect::<Vec<_>>())
        }
        Kind::Bytes => {
            Box::new(cells.map(|cell| if let Some(Value::Bytes(value)) = cell { Some(value.as_slice()) } else { None }).collect::<Vec<_>>())
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.to_sql(kind, out),
        }
    }
    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::BYTEA => Ok(Self::Bytes(raw.to_vec())),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }
    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }
    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }
}

pub(super) fn rows_of(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>> {
    let cell = |row: &tokio_postgres::Row, column| row.try_get(column).map_err(|error| failed("read", &error));
    rows.iter().map(|row| Ok(Row((0..row.len()).map(|column| cell(row, column)).collect::<Result<_>>()?))).collect()
}

/// With the server's own words; the driver's error alone says only "db error".
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(words) => format!("{} ({})", words.message(), words.code().code()),
        None => std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    }
}

pub(super) fn failed(doing: &'static str, error: &tokio_postgres::Error) -> StoreError {
    StoreError { doing, detail: describe(error), passing: passes(error) }
}

fn passes(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // No words from the server: the connection failed, unless we built a message that cannot be sent.
        return error.is_closed() || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
    };
    const PASSING: [SqlState; 9] = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::QUERY_CANCELED,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    code.code().starts_with("08") || PASSING.contains(code)
}
