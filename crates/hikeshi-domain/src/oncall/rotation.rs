//! Whose turn it is in one layer, and when the layer covers. Everything is reckoned in local dates and only then turned into moments, so that
//! a handover at 09:00 stays at 09:00 when the clocks change.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::holidays::is_holiday;
use crate::ids::PersonId;
use crate::policy::{Days, Holidays, Layer};

pub(super) struct Rotation<'a> {
    layer: &'a Layer,
    zone: &'a TimeZone,
    holidays: Holidays,
    /// The day of the first handover.
    first: Date,
    period_days: i64,
}

impl<'a> Rotation<'a> {
    pub(super) fn of(layer: &'a Layer, zone: &'a TimeZone, holidays: Holidays) -> Self {
        let wait = layer.handover.weekday().map_or(0, |weekday| i64::from(layer.starts.weekday().until(weekday)));
        let length = if layer.handover.weekday().is_some() { 7 } else { 1 };
        let period_days = i64::from(layer.every).max(1) * length;
        Self { layer, zone, holidays, first: plus(layer.starts, wait), period_days }
    }

    pub(super) fn on_call(&self, at: Timestamp) -> Option<&'a PersonId> {
        let turn = self.turn(at).filter(|_| self.covers(at))?;
        let people = i64::try_from(self.layer.people.len()).ok()?;
        self.layer.people.get(usize::try_from(turn.checked_rem(people)?).ok()?)
    }

    /// Moments between `from` and `until` at which who is on call may change.
    pub(super) fn edges(&self, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let mut edges = Vec::new();
        let mut turn = self.turn(from).map_or(0, |turn| turn + 1);
        let mut begins = self.begins(turn);
        while begins < until {
            edges.push(begins);
            turn += 1;
            // At the end of the calendar no turn comes after the last one.
            begins = Some(self.begins(turn)).filter(|next| *next > begins).unwrap_or(Timestamp::MAX);
        }
        if self.is_restricted() {
            let (first, last) = (plus(self.day(from), -1), self.day(until));
            let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(|date| *date <= last);
            edges.extend(days.filter_map(|date| self.window(date)).flatten());
        }
        edges
    }

    /// Counted from 0; `None`: before the first one.
    fn turn(&self, at: Timestamp) -> Option<i64> {
        let days = self.day(at).duration_since(self.first).as_hours() / 24;
        let turn = days.div_euclid(self.period_days);
        // The date alone does not know the time of the handover.
        let turn = if at < self.begins(turn) { turn - 1 } else { turn };
        (turn >= 0).then_some(turn)
    }

    fn begins(&self, turn: i64) -> Timestamp {
        self.moment(plus(self.first, turn.saturating_mul(self.period_days)), self.layer.at.time())
    }

    fn is_restricted(&self) -> bool {
        self.layer.hours.is_some() || self.layer.days != Days::All
    }

    fn covers(&self, at: Timestamp) -> bool {
        let today = self.day(at);
        let within = |date| self.window(date).is_some_and(|[from, until]| from <= at && at < until);
        !self.is_restricted() || within(today) || within(plus(today, -1))
    }

    /// What of this day, and of the night that begins on it, the layer covers.
    fn window(&self, date: Date) -> Option<[Timestamp; 2]> {
        let off = date.weekday().to_monday_zero_offset() >= 5 || (self.holidays == Holidays::Jp && is_holiday(date));
        let counts = match self.layer.days {
            Days::All => true,
            Days::Workdays => !off,
            Days::DaysOff => off,
        };
        let (from, until) = self.layer.hours.map_or((Time::midnight(), Time::midnight()), |hours| (hours.from.time(), hours.until.time()));
        let ends = if from < until { date } else { plus(date, 1) };
        counts.then(|| [self.moment(date, from), self.moment(ends, until)])
    }

    fn day(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// A local time that is skipped when the clocks go forward is taken that much later; of one that comes twice, the first.
    fn moment(&self, date: Date, time: Time) -> Timestamp {
        self.zone.to_timestamp(date.to_datetime(time)).unwrap_or(Timestamp::MAX)
    }
}

fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(SignedDuration::from_hours(days.saturating_mul(24)))
}
