//! When a postmortem is owed, and which words mean the same when past incidents are searched (rules I8, I9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::incident::Priority;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Postmortems {
    /// Priorities whose incidents owe one once they are resolved; for the others it is as needed.
    pub mandatory: Vec<Priority>,
    /// How long after the recovery.
    pub within_days: u32,
    /// Words of this team that mean the same: `[["予約", "ブッキング", "booking"]]`. They come beside those that are built in.
    pub same_words: Vec<Vec<String>>,
}

impl Default for Postmortems {
    fn default() -> Self {
        Self { mandatory: vec![Priority::P1, Priority::P2], within_days: 5, same_words: Vec::new() }
    }
}
