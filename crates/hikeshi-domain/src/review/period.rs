//! Months and quarters of the calendar, and where they begin in a time zone. A quarter is one of the calendar: Q1 is January to March.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const YEAR_MIN: u32 = 1970;
const YEAR_MAX: u32 = 9990;

/// What was wrong with a month or quarter that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no month or quarter; write it like `2026-11` or `2026-Q4`")]
pub struct PeriodError {
    pub given: String,
}

/// A month, counted from January of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

/// A quarter of a year, counted from the first of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter(u32);

impl Month {
    /// `month` counts from 1.
    pub fn new(year: u32, month: u32) -> Option<Self> {
        let fits = (YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=12).contains(&month);
        fits.then(|| Self(year * 12 + month - 1))
    }

    /// The month in which this moment lies, there.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let date = at.to_zoned(zone.clone()).date();
        let year = u32::try_from(date.year()).unwrap_or(YEAR_MIN).clamp(YEAR_MIN, YEAR_MAX);
        let month = u32::try_from(date.month()).unwrap_or(1).clamp(1, 12);
        Self(year * 12 + month - 1)
    }

    pub fn year(self) -> u32 {
        self.0 / 12
    }
    /// From 1 to 12.
    pub fn number(self) -> u32 {
        self.0 % 12 + 1
    }
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(YEAR_MAX * 12 + 11))
    }
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1).max(YEAR_MIN * 12))
    }
    pub fn quarter(self) -> Quarter {
        Quarter(self.0 / 3)
    }

    /// The first moment of the month there; where midnight is skipped by a change of clocks, the first moment that there is.
    pub fn begins(self, zone: &TimeZone) -> Timestamp {
        let (year, month) = (i16::try_from(self.year()).ok(), i8::try_from(self.number()).ok());
        let first = year.zip(month).and_then(|(year, month)| Date::new(year, month, 1).ok());
        first.and_then(|first| first.to_zoned(zone.clone()).ok()).map_or(Timestamp::MAX, |first| first.timestamp())
    }

    /// This month and those before it, oldest first.
    pub fn back(self, months: u32) -> Vec<Self> {
        let first = self.0.saturating_sub(months.saturating_sub(1)).max(YEAR_MIN * 12);
        (first..=self.0).map(Self).collect()
    }
}

impl Quarter {
    /// `quarter` counts from 1.
    pub fn new(year: u32, quarter: u32) -> Option<Self> {
        let fits = (YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=4).contains(&quarter);
        fits.then(|| Self(year * 4 + quarter - 1))
    }
    pub fn year(self) -> u32 {
        self.0 / 4
    }
    /// From 1 to 4.
    pub fn number(self) -> u32 {
        self.0 % 4 + 1
    }
    pub fn months(self) -> [Month; 3] {
        let first = self.0 * 3;
        [Month(first), Month(first + 1), Month(first + 2)]
    }
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Month(Month),
    Quarter(Quarter),
}

impl Period {
    pub fn months(self) -> Vec<Month> {
        match self {
            Self::Month(month) => vec![month],
            Self::Quarter(quarter) => quarter.months().to_vec(),
        }
    }
    pub fn last_month(self) -> Month {
        match self {
            Self::Month(month) => month,
            Self::Quarter(quarter) => {
                let [_, _, last] = quarter.months();
                last
            }
        }
    }
    pub fn first_month(self) -> Month {
        match self {
            Self::Month(month) => month,
            Self::Quarter(quarter) => {
                let [first, _, _] = quarter.months();
                first
            }
        }
    }
    pub fn begins(self, zone: &TimeZone) -> Timestamp {
        self.first_month().begins(zone)
    }
    /// The first moment that no longer belongs to it.
    pub fn ends(self, zone: &TimeZone) -> Timestamp {
        self.last_month().next().begins(zone)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => month.fmt(f),
            Self::Quarter(quarter) => write!(f, "{:04}-Q{}", quarter.year(), quarter.number()),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(given: &str) -> Result<Self, PeriodError> {
        let parsed = || {
            let (year, rest) = given.trim().split_once('-')?;
            let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            let year: u32 = year.parse().ok().filter(|_| digits(year, 4))?;
            if let Some(quarter) = rest.strip_prefix(['Q', 'q']) {
                return Quarter::new(year, quarter.parse().ok().filter(|_| digits(quarter, 1))?).map(Self::Quarter);
            }
            Month::new(year, rest.parse().ok().filter(|_| digits(rest, 2))?).map(Self::Month)
        };
        parsed().ok_or_else(|| PeriodError { given: given.chars().take(40).collect() })
    }
}

impl FromStr for Month {
    type Err = PeriodError;

    fn from_str(given: &str) -> Result<Self, PeriodError> {
        match given.parse()? {
            Period::Month(month) => Ok(month),
            Period::Quarter(_) => Err(PeriodError { given: given.chars().take(40).collect() }),
        }
    }
}

macro_rules! as_text {
    ($($name:ident, $example:literal, $pattern:literal);*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    )*};
}

as_text!(Month, "2026-11", r"^\d{4}-\d{2}$"; Period, "2026-Q4", r"^\d{4}-(\d{2}|Q[1-4])$");
