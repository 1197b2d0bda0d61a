//! The national holidays of Japan, calculated from the law (国民の祝日に関する法律) as it stands, from 2020 to 2099.
//!
//! The day of an equinox is announced each February for the following year; until 2099 the astronomical formula is known to give it.

use jiff::civil::{Date, Weekday};

/// Whether the law makes it a day off: a holiday, its substitute (振替休日), or a day between two holidays (国民の休日).
pub(crate) fn is_holiday(date: Date) -> bool {
    is_named(date) || is_substitute(date) || is_between(date)
}

/// A day that the law names (article 2, and the exceptions of the Olympic years).
fn is_named(date: Date) -> bool {
    if let Some(moved) = olympic(date) {
        return moved;
    }
    let (year, month, day) = (date.year(), date.month(), date.day());
    match month {
        1 => day == 1 || is_monday(date, 2),
        2 => day == 11 || day == 23,
        3 => day == equinox(year, VERNAL),
        4 => day == 29,
        5 => (3..=5).contains(&day),
        7 => is_monday(date, 3),
        8 => day == 11,
        9 => is_monday(date, 3) || day == equinox(year, AUTUMNAL),
        10 => is_monday(date, 2),
        11 => day == 3 || day == 23,
        _ => false,
    }
}

/// In 2020 and 2021 three holidays were moved to the games. `None`: an ordinary day of an ordinary year.
fn olympic(date: Date) -> Option<bool> {
    let moved: &[(i8, i8)] = match date.year() {
        2020 => &[(7, 23), (7, 24), (8, 10)],
        2021 => &[(7, 22), (7, 23), (8, 8)],
        _ => return None,
    };
    matches!(date.month(), 7 | 8 | 10).then(|| moved.contains(&(date.month(), date.day())))
}

/// The n-th Monday of its month.
fn is_monday(date: Date, nth: i8) -> bool {
    date.weekday() == Weekday::Monday && (date.day() - 1) / 7 + 1 == nth
}

/// In millionths of a day of the month, in 1980.
const VERNAL: i64 = 20_843_100;
const AUTUMNAL: i64 = 23_248_800;

fn equinox(year: i16, in_1980: i64) -> i8 {
    let years = i64::from(year) - 1980;
    let day = (in_1980 + 242_194 * years).div_euclid(1_000_000) - years.div_euclid(4);
    i8::try_from(day).unwrap_or_default()
}

/// The first day after a holiday on a Sunday that is no holiday itself (article 3, paragraph 2).
fn is_substitute(date: Date) -> bool {
    if is_named(date) {
        return false;
    }
    let mut before = date.yesterday().ok();
    while let Some(day) = before.filter(|day| is_named(*day)) {
        if day.weekday() == Weekday::Sunday {
            return true;
        }
        before = day.yesterday().ok();
    }
    false
}

/// Article 3, paragraph 3.
fn is_between(date: Date) -> bool {
    let named = |day: Result<Date, _>| day.is_ok_and(is_named);
    !is_named(date) && named(date.yesterday()) && named(date.tomorrow())
}
