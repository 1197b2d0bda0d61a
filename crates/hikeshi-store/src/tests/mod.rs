//! What must hold of the store, on both engines: one list, each test run on SQLite and on PostgreSQL.

mod commits;
mod statements;
mod world;
