//! The face against a real engine on a real SQLite store: what a browser and a program send, and what they get.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod acts;
mod api;
mod edges;
mod face;
mod postmortems;
mod recording;
mod reviews;
mod signin;
mod status;
