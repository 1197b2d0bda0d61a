//! The real process, real sockets, real clients.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that breaks has failed")]

mod conformance;
mod nights;
mod site;
mod switching;
mod tls;
mod world;
