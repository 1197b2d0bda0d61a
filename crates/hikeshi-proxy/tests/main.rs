//! The real process, real sockets, real clients.

#![expect(clippy::disallowed_methods, reason = "clients and sites run beside each other")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the tools of the tests are tests, too"
)]

mod conformance;
mod nights;
mod site;
mod switching;
mod tls;
mod world;
