//! One rotation of another product as layers of ours, which cover exactly the same times, or the reason why there are none.
//!
//! Turns keep their local time when the clocks change, as those of all three vendors do.

use std::collections::BTreeSet;

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::policy::{Days, Handover, Hours, Layer, LocalTime};
use hikeshi_text::import::Why;
use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::model::{Rotation, Window};

const DAY_MIN: u32 = 24 * 60;
const DAY_S: i64 = 24 * 60 * 60;
/// As many as a schedule may have.
pub(super) const LAYERS_MAX: usize = 10;
/// Days or weeks of one turn.
const EVERY_MAX: i64 = 52;

type Covered = Vec<(Days, Option<Hours>)>;

/// The layers, and what has to be said of them.
pub(super) fn layers(rotation: &Rotation, people: &[PersonId], zone: &TimeZone) -> Result<(Vec<Layer>, Vec<Why>), Why> {
    if people.is_empty() {
        return Err(Why::NobodyLeft);
    }
    let covered = covered(&rotation.windows)?;
    let local = zone.to_datetime(rotation.first_turn);
    let mut notes = Vec::new();
    if local.second() > 0 {
        notes.push(Why::Seconds);
    }
    let at_min = minutes(local.hour(), local.minute());
    // Whoever is alone has no turns.
    let turn_s = if people.len() == 1 { DAY_S } else { rotation.turn_s };
    let (base, early) = if turn_s % DAY_S == 0 {
        let (layer, early) = by_days(rotation, people, zone, local.date(), at_min, turn_s / DAY_S)?;
        (vec![layer], early)
    } else if rotation.windows.is_empty() {
        (within_a_day(rotation, people, zone, local.date(), at_min, turn_s)?, false)
    } else {
        return Err(Why::TurnAndHours);
    };
    if early {
        notes.push(Why::StartsEarlier);
    }
    if covered.is_empty() {
        return Ok((base, notes));
    }
    let with = |layer: &Layer| {
        let layer = layer.clone();
        covered.iter().map(move |(days, hours)| Layer { days: *days, hours: *hours, ..layer.clone() }).collect::<Vec<_>>()
    };
    Ok((base.iter().flat_map(with).collect(), notes))
}

fn minutes(hour: i8, minute: i8) -> u32 {
    u32::try_from(i32::from(hour) * 60 + i32::from(minute)).unwrap_or(0)
}

fn clock(min: u32) -> LocalTime {
    let min = min % DAY_MIN;
    format!("{:02}:{:02}", min / 60, min % 60).parse().unwrap_or_default()
}

fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_hours(days.saturating_mul(24)))
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// From when on it covers: the date there, and whether the turn of that date has begun by then.
fn effective(rotation: &Rotation, zone: &TimeZone, at_min: u32) -> Option<(Date, u32, bool)> {
    let local = zone.to_datetime(rotation.from.filter(|from| *from > rotation.first_turn)?);
    let min = minutes(local.hour(), local.minute());
    Some((local.date(), min, min >= at_min))
}

fn turned(people: &[PersonId], by: i64) -> Vec<PersonId> {
    let count = i64::try_from(people.len()).unwrap_or(1).max(1);
    let mut turned = people.to_vec();
    turned.rotate_left(usize::try_from(by.rem_euclid(count)).unwrap_or(0));
    turned
}

/// Turns of days or weeks: one layer. `true`: it begins before the rotation did, since that began in the middle of a turn.
fn by_days(rotation: &Rotation, people: &[PersonId], zone: &TimeZone, first: Date, at_min: u32, days: i64) -> Result<(Layer, bool), Why> {
    let (every, handover) = if days % 7 == 0 { (days / 7, by_weekday(first.weekday())) } else { (days, Handover::Daily) };
    if !(1..=EVERY_MAX).contains(&every) {
        return Err(Why::TurnLength { seconds: rotation.turn_s });
    }
    let (mut turn, mut early) = (0, false);
    if let Some((date, min, begun)) = effective(rotation, zone, at_min) {
        let passed = days_between(first, date) - i64::from(!begun);
        turn = passed.div_euclid(days).max(0);
        early = people.len() > 1 && (passed.rem_euclid(days) != 0 || min != at_min);
    }
    let layer = Layer {
        people: turned(people, turn),
        handover,
        at: clock(at_min),
        every: u32::try_from(every).unwrap_or(1),
        starts: plus(first, turn.saturating_mul(days)),
        hours: None,
        days: Days::All,
    };
    Ok((layer, early))
}

/// Turns that are an even part of a day: one layer for each part, in which the same people come in the order in which that part is theirs.
fn within_a_day(
    rotation: &Rotation,
    people: &[PersonId],
    zone: &TimeZone,
    first: Date,
    at_min: u32,
    turn_s: i64,
) -> Result<Vec<Layer>, Why> {
    let unfit = || Why::TurnLength { seconds: turn_s };
    let even = turn_s > 0 && DAY_S % turn_s == 0 && turn_s % 60 == 0;
    let parts = if even { DAY_S / turn_s } else { 0 };
    if !usize::try_from(parts).is_ok_and(|parts| (2..=LAYERS_MAX).contains(&parts)) {
        return Err(unfit());
    }
    let turn_min = u32::try_from(turn_s / 60).map_err(|_| unfit())?;
    let count = i64::try_from(people.len()).map_err(|_| unfit())?;
    let passed = effective(rotation, zone, at_min).map_or(0, |(date, _, begun)| days_between(first, date) - i64::from(!begun)).max(0);
    let mut layers = Vec::new();
    for (part, place) in (0_i64..parts).zip(0_u32..) {
        let begins = at_min + place * turn_min;
        let order: Vec<PersonId> = (0..count)
            .filter_map(|day| people.get(usize::try_from((part + parts * (passed + day)).rem_euclid(count)).ok()?).cloned())
            .collect();
        layers.push(Layer {
            people: order,
            handover: Handover::Daily,
            at: clock(begins),
            every: 1,
            starts: plus(first, passed + i64::from(begins / DAY_MIN)),
            hours: Some(Hours { from: clock(begins), until: clock(begins + turn_min) }),
            days: Days::All,
        });
    }
    Ok(layers)
}

fn by_weekday(weekday: Weekday) -> Handover {
    match weekday {
        Weekday::Monday => Handover::Monday,
        Weekday::Tuesday => Handover::Tuesday,
        Weekday::Wednesday => Handover::Wednesday,
        Weekday::Thursday => Handover::Thursday,
        Weekday::Friday => Handover::Friday,
        Weekday::Saturday => Handover::Saturday,
        Weekday::Sunday => Handover::Sunday,
    }
}

/// What the windows cover, as days and hours. Empty: at all times.
fn covered(windows: &[Window]) -> Result<Covered, Why> {
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    by_their_begin(windows).or_else(|| by_parts(windows)).ok_or(Why::Days)
}

fn hours(from_min: u32, minutes: u32) -> Option<Hours> {
    (minutes < DAY_MIN).then(|| Hours { from: clock(from_min), until: clock(from_min + minutes) })
}

/// Windows of the same hours on the days of the week that we have a word for. Hours over midnight belong to the day on which they begin.
fn by_their_begin(windows: &[Window]) -> Option<Covered> {
    let mut kinds: Vec<(u32, u32, BTreeSet<u8>)> = Vec::new();
    for window in windows {
        if window.minutes == 0 || window.minutes > DAY_MIN || (window.minutes == DAY_MIN && window.from_min > 0 && window.day.is_some()) {
            return None;
        }
        let days: BTreeSet<u8> = window.day.map_or_else(|| (0..7).collect(), |day| [day].into());
        match kinds.iter_mut().find(|(from, minutes, _)| (*from, *minutes) == (window.from_min, window.minutes)) {
            Some((.., known)) => known.extend(days),
            None => kinds.push((window.from_min, window.minutes, days)),
        }
    }
    kinds.into_iter().map(|(from, minutes, days)| Some((word(&days)?, hours(from, minutes)))).collect()
}

fn word(days: &BTreeSet<u8>) -> Option<Days> {
    let days: Vec<u8> = days.iter().copied().collect();
    match days.as_slice() {
        [0, 1, 2, 3, 4, 5, 6] => Some(Days::All),
        [0, 1, 2, 3, 4] => Some(Days::Workdays),
        [5, 6] => Some(Days::DaysOff),
        _ => None,
    }
}

/// Windows over several days, cut at each midnight: the pieces of Monday to Friday must be alike, and those of Saturday and Sunday.
fn by_parts(windows: &[Window]) -> Option<Covered> {
    let week_min = 7 * DAY_MIN;
    let mut days: [Vec<(u32, u32)>; 7] = Default::default();
    for window in windows {
        let begins: Vec<u32> = match window.day {
            Some(day) => vec![u32::from(day) * DAY_MIN + window.from_min],
            None => (0..7).map(|day| day * DAY_MIN + window.from_min).collect(),
        };
        for begin in begins {
            let (mut at, end) = (begin, begin + window.minutes.min(week_min));
            while at < end {
                let until = end.min((at / DAY_MIN + 1) * DAY_MIN);
                let base = at / DAY_MIN * DAY_MIN;
                days.get_mut(usize::try_from(at / DAY_MIN % 7).ok()?)?.push((at - base, until - base));
                at = until;
            }
        }
    }
    days.iter_mut().for_each(joined);
    let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = days;
    let work_alike = [&tuesday, &wednesday, &thursday, &friday].iter().all(|day| **day == monday);
    if !work_alike || saturday != sunday {
        return None;
    }
    let pieces = |days: Days, of: &[(u32, u32)]| of.iter().map(|(from, until)| (days, hours(*from, until - from))).collect::<Vec<_>>();
    if monday == saturday {
        return Some(pieces(Days::All, &monday));
    }
    Some([pieces(Days::Workdays, &monday), pieces(Days::DaysOff, &saturday)].concat())
}

/// Sorted, and without seams or overlaps.
fn joined(pieces: &mut Vec<(u32, u32)>) {
    pieces.sort_unstable();
    let mut whole: Vec<(u32, u32)> = Vec::new();
    for (from, until) in pieces.drain(..) {
        match whole.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => whole.push((from, until)),
        }
    }
    *pieces = whole;
}
