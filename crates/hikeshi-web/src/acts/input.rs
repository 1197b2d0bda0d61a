//! Reading single fields, with an error that names the field as the page does.

use std::str::FromStr;

use hikeshi_domain::Timestamp;
use hikeshi_text::{Lang, Sentence, page};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::form::Fields;

/// A form together with what is needed to read it.
pub struct Input<'a> {
    pub fields: &'a Fields,
    pub lang: Lang,
    /// Times are typed in the workspace's zone.
    pub time_zone: &'a str,
}

impl Input<'_> {
    pub fn words(&self) -> page::Words {
        page::Words(self.lang)
    }
    pub fn text(&self, name: &str) -> String {
        self.fields.text(name)
    }
    pub fn unreadable(&self, label: &str, given: &str) -> Sentence {
        Sentence::new(page::field_unreadable(self.lang, label, given.chars().take(80).collect::<String>().as_str()))
    }
    pub fn unknown_kind(&self, kind: &str) -> Sentence {
        page::malformed(self.lang, &kind.chars().take(60).collect::<String>())
    }

    /// An id, a name, a number: anything that parses.
    pub fn parse<T: FromStr>(&self, name: &str, label: &str) -> Result<T, Sentence> {
        let given = self.text(name);
        given.parse().map_err(|_| self.unreadable(label, &given))
    }
    pub fn parse_optional<T: FromStr>(&self, name: &str, label: &str) -> Result<Option<T>, Sentence> {
        if self.text(name).is_empty() { Ok(None) } else { self.parse(name, label).map(Some) }
    }
    pub fn parse_all<T: FromStr>(&self, name: &str, label: &str) -> Result<Vec<T>, Sentence> {
        self.fields.all(name).iter().map(|given| given.parse().map_err(|_| self.unreadable(label, given))).collect()
    }
    /// One of an enum's codes, as the record writes it.
    pub fn code<T: serde::de::DeserializeOwned>(&self, name: &str, label: &str) -> Result<T, Sentence> {
        let given = self.text(name);
        serde_json::from_value(serde_json::Value::String(given.clone())).map_err(|_| self.unreadable(label, &given))
    }

    /// What `<input type="datetime-local">` sends, or RFC 3339.
    pub fn moment(&self, name: &str, label: &str) -> Result<Timestamp, Sentence> {
        let given = self.text(name);
        let zone = zone(self.time_zone);
        let read =
            given.parse::<Timestamp>().ok().or_else(|| given.parse::<DateTime>().ok()?.to_zoned(zone).ok().map(|zoned| zoned.timestamp()));
        read.ok_or_else(|| self.unreadable(label, &given))
    }
    pub fn moment_optional(&self, name: &str, label: &str) -> Result<Option<Timestamp>, Sentence> {
        if self.text(name).is_empty() { Ok(None) } else { self.moment(name, label).map(Some) }
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

/// A moment as `<input type="datetime-local">` wants it.
pub fn local(time_zone: &str, at: Timestamp) -> String {
    at.to_zoned(zone(time_zone)).strftime("%Y-%m-%dT%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_the_workspaces_zone() {
        let fields = Fields::of(&[("at", "2026-11-22T03:14"), ("bad", "きのう")]);
        let input = Input { fields: &fields, lang: Lang::Ja, time_zone: "Asia/Tokyo" };
        let at = input.moment("at", "時刻").expect("a time");
        assert_eq!(at.to_string(), "2026-11-21T18:14:00Z");
        assert_eq!(local("Asia/Tokyo", at), "2026-11-22T03:14");
        assert!(input.moment("bad", "時刻").expect_err("no time").what.contains("きのう"));
        assert_eq!(input.moment_optional("absent", "時刻"), Ok(None));
    }
}
