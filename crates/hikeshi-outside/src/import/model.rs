//! What the vendors have in common, in one form.

use std::collections::BTreeSet;

use hikeshi_domain::Timestamp;
use hikeshi_domain::page::Means;
use hikeshi_domain::policy::Format;
use hikeshi_text::import::{Note, Of, Why};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Broken, Document};

#[derive(Debug, Default)]
pub(super) struct Export {
    pub people: Vec<User>,
    pub schedules: Vec<Plan>,
    pub escalations: Vec<Steps>,
    pub services: Vec<Sender>,
    pub notes: Vec<Note>,
    /// What was read already, by kind and the vendor's id: pages overlap, and the same thing stands in several files.
    pub seen: BTreeSet<(&'static str, String)>,
}

#[derive(Debug, Default)]
pub(super) struct User {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    /// As they were given; the first that is a number is taken.
    pub phones: Vec<String>,
    /// Minutes after the page began, and by what.
    pub rules: Vec<(u32, Means)>,
    pub role: Option<String>,
    /// They only look on there, and are called for nothing.
    pub looks_on: bool,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub id: String,
    pub name: String,
    pub zone: String,
    /// Whoever comes later counts more, or all of them are on call at once.
    pub rotations: Vec<Rotation>,
    pub at_once: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Rotation {
    pub name: String,
    /// Of the vendor's users, in the order of their turns.
    pub people: Vec<String>,
    /// When the turn of the first one begins, or has begun.
    pub first_turn: Timestamp,
    pub turn_s: i64,
    /// From when on it covers anything.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub windows: Vec<Window>,
}

/// When it covers: from a minute of each day, or of one day of the week (0 = Monday).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub day: Option<u8>,
    pub from_min: u32,
    pub minutes: u32,
}

#[derive(Debug)]
pub(super) struct Steps {
    pub name: String,
    /// Minutes after the opening, and whom.
    pub steps: Vec<(u32, Vec<Target>)>,
    pub times: u32,
    pub every_min: Option<u32>,
    /// How many services call by it.
    pub used_by: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Person(String),
    Schedule(String),
}

#[derive(Debug)]
pub(super) struct Sender {
    pub name: String,
    pub formats: Vec<Format>,
}

impl Export {
    /// Whether this is the first of its id.
    pub fn is_first(&mut self, kind: &'static str, id: &str) -> bool {
        self.seen.insert((kind, id.to_owned()))
    }

    pub fn note(&mut self, of: Of, name: &str, why: Why) {
        let note = Note { of, name: name.to_owned(), why };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Reads a part of a document; what is wrong names the file.
pub(super) fn parse<T: DeserializeOwned>(document: &Document, part: &Value) -> Result<T, Broken> {
    T::deserialize(part).map_err(|error| Broken::Shape { file: document.name.clone(), detail: error.to_string() })
}

/// A moment as vendors write it: RFC 3339, an offset without a colon, or milliseconds since 1970.
pub(super) fn moment(document: &Document, given: &Value) -> Result<Option<Timestamp>, Broken> {
    let bad = || Broken::Shape { file: document.name.clone(), detail: format!("`{given}` is no time") };
    match given {
        Value::Null => Ok(None),
        Value::Number(number) => {
            let millis = number.as_i64().ok_or_else(bad)?;
            Timestamp::from_millisecond(millis).map(Some).map_err(|_| bad())
        }
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.parse().or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text)).map(Some).map_err(|_| bad()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(bad()),
    }
}

/// `09:00:00` or `09:00`: minutes of the day, and whether seconds were cut off.
pub(super) fn clock(document: &Document, given: &str) -> Result<(u32, bool), Broken> {
    let bad = || Broken::Shape { file: document.name.clone(), detail: format!("`{given}` is no time of day") };
    let mut parts = given.trim().trim_end_matches('Z').split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (parts.next().flatten().ok_or_else(bad)?, parts.next().flatten().ok_or_else(bad)?);
    let second = parts.next().flatten().unwrap_or(0);
    if hour > 23 || minute > 59 {
        return Err(bad());
    }
    Ok((hour * 60 + minute, second > 0))
}
