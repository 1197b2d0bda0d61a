//! The verifier against a real case: a night with a witnessed session, played on a real store, exported, and then tampered with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod case;
mod program;
mod tampered;
