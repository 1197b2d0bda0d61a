//! Which of the two engines it is, and how a connection of each is had.

use crate::error::Result;
use crate::pool::Pool;
use crate::postgres::{Postgres, PostgresSession};
use crate::sql::Session;
use crate::sqlite::{Sqlite, SqliteSession};
use crate::ticket::Held;

/// Reading connections of one node; a page needs one for some milliseconds.
const READERS_MAX: usize = 4;

pub(crate) enum Database {
    Sqlite { sqlite: Sqlite, readers: Pool<SqliteSession> },
    Postgres { postgres: Postgres, sessions: Pool<PostgresSession> },
}

/// The connection of a [`crate::Writer`]: its own on PostgreSQL, the one that all share on SQLite.
pub(crate) enum WriterSession {
    Shared,
    Own(Box<PostgresSession>),
}

/// A connection that may write, for as long as this lives.
pub(crate) enum Writing<'a> {
    Shared(Held<'a, SqliteSession>),
    Own(&'a mut PostgresSession),
}

impl Writing<'_> {
    pub fn session(&mut self) -> &mut dyn Session {
        match self {
            Self::Shared(held) => &mut **held,
            Self::Own(session) => *session,
        }
    }
}

impl Database {
    pub fn sqlite(sqlite: Sqlite) -> Self {
        Self::Sqlite { sqlite, readers: Pool::new(READERS_MAX) }
    }

    pub fn postgres(postgres: Postgres) -> Self {
        Self::Postgres { postgres, sessions: Pool::new(READERS_MAX) }
    }

    pub fn writer(&self) -> Result<WriterSession> {
        match self {
            Self::Sqlite { .. } => Ok(WriterSession::Shared),
            Self::Postgres { postgres, .. } => Ok(WriterSession::Own(Box::new(postgres.connect()?))),
        }
    }

    pub fn writing<'a>(&'a self, own: &'a mut WriterSession) -> Result<Writing<'a>> {
        match (self, own) {
            (Self::Sqlite { sqlite, .. }, _) => Ok(Writing::Shared(sqlite.writer())),
            (Self::Postgres { postgres, .. }, WriterSession::Own(session)) => {
                if session.is_gone() {
                    **session = postgres.connect()?;
                }
                Ok(Writing::Own(session))
            }
            (Self::Postgres { postgres, .. }, shared @ WriterSession::Shared) => {
                *shared = WriterSession::Own(Box::new(postgres.connect()?));
                self.writing(shared)
            }
        }
    }

    /// Runs statements that each are durable by themselves, or that begin their own transaction.
    pub fn write<T>(&self, work: impl FnOnce(&mut dyn Session) -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite { sqlite, .. } => {
                let mut session = sqlite.writer();
                // An abandoned batch may have left its transaction open.
                session.roll_back();
                let done = work(&mut *session);
                session.roll_back();
                done
            }
            Self::Postgres { postgres, sessions } => on_postgres(postgres, sessions, work),
        }
    }

    /// Runs reads in one read transaction.
    pub fn read<T>(&self, work: impl FnOnce(&mut dyn Session) -> Result<T>) -> Result<T> {
        match self {
            Self::Sqlite { sqlite, readers } => {
                let mut lent = readers.take(|| sqlite.connect_reader())?;
                let Some(session) = lent.get() else { return Err(nothing_lent()) };
                session.begin_read()?;
                let done = work(session);
                session.roll_back();
                done
            }
            Self::Postgres { postgres, sessions } => on_postgres(postgres, sessions, |session| {
                session.begin_read()?;
                work(session)
            }),
        }
    }
}

fn nothing_lent() -> crate::StoreError {
    crate::StoreError::passing("take a connection", "there is none")
}

fn on_postgres<T>(postgres: &Postgres, sessions: &Pool<PostgresSession>, work: impl FnOnce(&mut dyn Session) -> Result<T>) -> Result<T> {
    let mut lent = sessions.take(|| postgres.connect())?;
    let Some(session) = lent.get() else { return Err(nothing_lent()) };
    if session.is_gone() {
        *session = postgres.connect()?;
    }
    let done = work(session);
    session.roll_back();
    if session.is_gone() {
        lent.discard();
    }
    done
}
