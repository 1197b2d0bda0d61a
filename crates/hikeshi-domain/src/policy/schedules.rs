//! Who is on call when (rule I4): rotations in layers, as the team writes them down.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Policy, named};
use crate::ids::{PersonId, RoleName};

/// One schedule: at any moment one person is on call, or nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What people call it.
    pub name: String,
    /// IANA time zone of every local time here; left out: the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Which days beside Saturday and Sunday are days off.
    #[serde(default)]
    pub holidays: Holidays,
    /// Who may put others on call and take them off. Everybody may take over themselves.
    #[serde(default = "default_managed_by")]
    pub managed_by: Vec<RoleName>,
    /// The last one that covers a moment counts.
    pub layers: Vec<Layer>,
}

fn default_managed_by() -> Vec<RoleName> {
    named(&["lead", "manager", "dev-lead", "cto"])
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Holidays {
    /// The national holidays of Japan.
    #[default]
    Jp,
    None,
}

/// One rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// In the order of their turns.
    pub people: Vec<PersonId>,
    /// When the next one takes over: every day, or on this day of the week.
    pub handover: Handover,
    /// At this local time.
    #[serde(default)]
    pub at: LocalTime,
    /// Days or weeks of one turn.
    #[serde(default = "one")]
    pub every: u32,
    /// The first turn begins with the first handover on or after this local date; before that the layer covers nothing.
    pub starts: Date,
    /// Covers only these hours of the day. The rotation goes on regardless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Covers only these days. Hours over midnight belong to the day on which they begin.
    #[serde(default)]
    pub days: Days,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handover {
    Daily,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Handover {
    /// The day of the week; `None`: every day.
    pub(crate) fn weekday(self) -> Option<Weekday> {
        match self {
            Self::Daily => None,
            Self::Monday => Some(Weekday::Monday),
            Self::Tuesday => Some(Weekday::Tuesday),
            Self::Wednesday => Some(Weekday::Wednesday),
            Self::Thursday => Some(Weekday::Thursday),
            Self::Friday => Some(Weekday::Friday),
            Self::Saturday => Some(Weekday::Saturday),
            Self::Sunday => Some(Weekday::Sunday),
        }
    }
}

/// `from` = 18:00 and `until` = 09:00 is a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    pub from: LocalTime,
    pub until: LocalTime,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    #[default]
    All,
    /// Monday to Friday, but for holidays.
    Workdays,
    /// Saturday, Sunday and holidays.
    DaysOff,
}

/// A time of day, `09:00`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(Time);

impl LocalTime {
    pub fn time(self) -> Time {
        self.0
    }
}

/// It is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a time of day; write it like `09:00`")]
pub struct LocalTimeError {
    given: String,
}

impl FromStr for LocalTime {
    type Err = LocalTimeError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let bad = || LocalTimeError { given: given.chars().take(20).collect() };
        let (hour, minute) = given.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2).ok_or_else(bad)?;
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().ok_or_else(bad);
        Time::new(number(hour)?, number(minute)?, 0, 0).map(Self).map_err(|_| bad())
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Serialize for LocalTime {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for LocalTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LocalTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "local-time", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:00"]})
    }
}

impl Schedule {
    /// The time zone of its local times.
    pub fn zone(&self, policy: &Policy) -> TimeZone {
        self.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| policy.zone())
    }
}
