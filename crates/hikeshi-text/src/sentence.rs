//! The form of an answer to a person: what happened, why, and what to do next.

use serde::Serialize;

/// What happened, why (the rule in plain words), and what to do next. `why` and `next` may be empty; `what` never is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sentence {
    pub what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next: String,
}

impl Sentence {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }
}

/// All three on one line, for places that have only one.
impl std::fmt::Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        for part in [&self.why, &self.next] {
            if !part.is_empty() {
                // Japanese sentences end with a full stop of full width and need no space after it.
                if !self.what.ends_with('。') {
                    f.write_str(" ")?;
                }
                f.write_str(part)?;
            }
        }
        Ok(())
    }
}
