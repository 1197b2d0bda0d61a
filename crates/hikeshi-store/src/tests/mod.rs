//! What must hold of the store, on both engines: one list, each test run on SQLite and on PostgreSQL.

mod browsers;
mod changes;
mod commits;
mod effects;
mod nights;
mod oracle;
mod overrides;
mod rebuilt;
mod statements;
mod subscribers;
mod tamper;
mod world;
