//! The engine against real stores: one list of tests, run on SQLite and on PostgreSQL, with a stopped clock and hands that write down
//! what they were asked to do.

mod deadlines;
mod door;
mod effects;
mod kit;
mod night;
mod seeing;
