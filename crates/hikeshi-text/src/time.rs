//! Times, durations and sizes as people read them. Dates are written here and nowhere else.

use hikeshi_domain::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Zoned};

use crate::Lang;

/// A time zone by its IANA name. An unknown name is UTC, and every time written with it says so.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// From the time zones inside the program, so that the same record gives the same document on every host;
    /// a zone newer than the program is looked for on the host.
    pub fn named(name: &str) -> Self {
        let zone = TimeZoneDatabase::bundled().get(name).or_else(|_| jiff::tz::db().get(name));
        Self(zone.unwrap_or(TimeZone::UTC))
    }

    /// A time as somebody wrote it; `None` when there is no such day.
    pub fn moment(&self, year: i16, month: i8, day: i8, hour: i8, minute: i8) -> Option<Timestamp> {
        let written = jiff::civil::Date::new(year, month, day).ok()?.at(hour, minute, 0, 0);
        written.to_zoned(self.0.clone()).ok().map(|zoned| zoned.timestamp())
    }

    fn at(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.0.clone())
    }
}

/// Tokyo: where the policy puts a workspace that names no zone.
impl Default for Zone {
    fn default() -> Self {
        Self::named("Asia/Tokyo")
    }
}

impl From<&str> for Zone {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// One moment, said twice: how long ago, and exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// `3分前`, `in 2 h`.
    pub relative: String,
    /// `11/22(日) 03:14 JST`; with the year when that is not this year's.
    pub exact: String,
}

/// A moment as seen at `now`.
pub fn when(lang: Lang, zone: &Zone, at: Timestamp, now: Timestamp) -> When {
    let shown = zone.at(at);
    let this_year = zone.at(now).year() == shown.year();
    let weekday = weekday(lang, &shown);
    let exact = match (lang, this_year) {
        (Lang::Ja, true) => shown.strftime("%-m/%-d").to_string() + &format!("({weekday}) ") + &clock(&shown),
        (Lang::Ja, false) => shown.strftime("%Y/%-m/%-d").to_string() + &format!("({weekday}) ") + &clock(&shown),
        (Lang::En, true) => format!("{weekday} ") + &shown.strftime("%-d %b ").to_string() + &clock(&shown),
        (Lang::En, false) => format!("{weekday} ") + &shown.strftime("%-d %b %Y ").to_string() + &clock(&shown),
    };
    When { relative: relative(lang, at, now), exact }
}

fn clock(shown: &Zoned) -> String {
    shown.strftime("%H:%M %Z").to_string()
}

fn weekday(lang: Lang, shown: &Zoned) -> &'static str {
    use jiff::civil::Weekday;
    let (ja, en) = match shown.weekday() {
        Weekday::Monday => ("月", "Mon"),
        Weekday::Tuesday => ("火", "Tue"),
        Weekday::Wednesday => ("水", "Wed"),
        Weekday::Thursday => ("木", "Thu"),
        Weekday::Friday => ("金", "Fri"),
        Weekday::Saturday => ("土", "Sat"),
        Weekday::Sunday => ("日", "Sun"),
    };
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

/// `3分前`, `2時間後`, `たった今`.
pub fn relative(lang: Lang, at: Timestamp, now: Timestamp) -> String {
    let apart = now.duration_since(at);
    if apart.unsigned_abs().as_secs() < 5 {
        return match lang {
            Lang::Ja => "たった今",
            Lang::En => "just now",
        }
        .to_owned();
    }
    let long = duration(lang, apart);
    match (lang, apart.is_negative()) {
        (Lang::Ja, false) => format!("{long}前"),
        (Lang::Ja, true) => format!("{long}後"),
        (Lang::En, false) => format!("{long} ago"),
        (Lang::En, true) => format!("in {long}"),
    }
}

/// The largest two units, without sign: `1時間20分`, `45秒`, `2日3時間`; a fraction of a second as `0.4秒`.
pub fn duration(lang: Lang, length: SignedDuration) -> String {
    let length = length.unsigned_abs();
    let total = length.as_secs();
    if total == 0 && !length.is_zero() {
        let tenths = (length.subsec_millis() / 100).max(1);
        return match lang {
            Lang::Ja => format!("0.{tenths}秒"),
            Lang::En => format!("0.{tenths} s"),
        };
    }
    let (days, hours, minutes, seconds) = (total / 86_400, total % 86_400 / 3600, total % 3600 / 60, total % 60);
    let (first, second) = if days > 0 {
        ((days, 0), (hours, 1))
    } else if hours > 0 {
        ((hours, 1), (minutes, 2))
    } else if minutes >= 10 {
        // From ten minutes on nobody counts seconds.
        ((minutes, 2), (0, 3))
    } else if minutes > 0 {
        ((minutes, 2), (seconds, 3))
    } else {
        ((seconds, 3), (0, 3))
    };
    let unit = |(count, unit): (u64, usize)| match lang {
        Lang::Ja => format!("{count}{}", ["日", "時間", "分", "秒"].get(unit).copied().unwrap_or_default()),
        Lang::En => format!("{count} {}", ["d", "h", "min", "s"].get(unit).copied().unwrap_or_default()),
    };
    match (second.0, lang) {
        (0, _) => unit(first),
        (_, Lang::Ja) => format!("{}{}", unit(first), unit(second)),
        (_, Lang::En) => format!("{} {}", unit(first), unit(second)),
    }
}

/// How long a command took: as [`duration`], with tenths of a second below ten seconds.
pub fn took(lang: Lang, length: SignedDuration) -> String {
    let length = length.unsigned_abs();
    let tenths = length.subsec_millis() / 100;
    if length.as_secs() == 0 || length.as_secs() >= 10 || tenths == 0 {
        return duration(lang, SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX));
    }
    match lang {
        Lang::Ja => format!("{}.{tenths}秒", length.as_secs()),
        Lang::En => format!("{}.{tenths} s", length.as_secs()),
    }
}

pub fn minutes(lang: Lang, count: u32) -> String {
    duration(lang, SignedDuration::from_mins(i64::from(count)))
}

pub fn seconds(lang: Lang, count: i64) -> String {
    duration(lang, SignedDuration::from_secs(count))
}

pub fn millis(lang: Lang, count: u64) -> String {
    duration(lang, SignedDuration::from_millis(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// How long is left, or how long it is late: `あと3時間`, `2時間超過`.
pub fn due(lang: Lang, due_at: Timestamp, now: Timestamp) -> String {
    let left = due_at.duration_since(now);
    let long = duration(lang, left);
    match (lang, left.is_negative()) {
        (Lang::Ja, false) => format!("あと{long}"),
        (Lang::Ja, true) => format!("{long}超過"),
        (Lang::En, false) => format!("{long} left"),
        (Lang::En, true) => format!("{long} overdue"),
    }
}

/// For documents, which are read years later: `2026年11月22日(日) 03:14 JST`.
pub fn stamp(lang: Lang, zone: &Zone, at: Timestamp) -> String {
    let shown = zone.at(at);
    match lang {
        Lang::Ja => shown.strftime("%Y年%-m月%-d日").to_string() + &format!("({}) ", weekday(lang, &shown)) + &clock(&shown),
        Lang::En => format!("{} ", weekday(lang, &shown)) + &shown.strftime("%-d %b %Y ").to_string() + &clock(&shown),
    }
}

/// Time of day with seconds, for lines of one day: `03:14:05`.
pub fn time_of_day(zone: &Zone, at: Timestamp) -> String {
    zone.at(at).strftime("%H:%M:%S").to_string()
}

/// `2026-11-22`: for file names and headings.
pub fn day(zone: &Zone, at: Timestamp) -> String {
    zone.at(at).strftime("%Y-%m-%d").to_string()
}

/// RFC 3339 with the zone's offset, for `<time datetime>` and for machines: `2026-11-22T03:14:05+09:00`.
pub fn machine(zone: &Zone, at: Timestamp) -> String {
    zone.at(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `512 B`, `1.5 KiB`, `4.0 MiB`. The same in both languages.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10;
    let mut unit = "B";
    for larger in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths = (tenths + 512) / 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}
