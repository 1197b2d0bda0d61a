//! The engine against real stores: one list of tests, run on SQLite and on PostgreSQL, with a stopped clock and hands that write down
//! what they were asked to do.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it did not expect has failed")]

mod deadlines;
mod door;
mod effects;
mod kit;
mod night;
mod reviews;
mod seeing;
mod sessions;
mod similar;
