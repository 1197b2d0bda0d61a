//! The JSON API under `/api/v1`: one address takes every command, the others show what the pages show.
//!
//! [`table`] couples each address with its description, so that the document cannot forget one.

mod commands;
mod document;
pub mod problem;
mod read;
mod schemas;
mod strict;
mod table;

pub use commands::{Became, CommandAnswer};
pub use table::routes;
