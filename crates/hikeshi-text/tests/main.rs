//! Was any sentence forgotten, in either language, and do the documents read as reviewed?
//!
//! `samples` holds one of every variant and does not compile when one is missing; `expected/` holds the reviewed texts
//! (`HIKESHI_BLESS=1` writes them anew; read the difference before committing it).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "samples and comparisons are helpers of tests"
)]

mod documents;
mod expected;
mod samples;
mod time;
mod words;
