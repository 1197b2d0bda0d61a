//! Shifts as an iCalendar file (RFC 5545), for the calendars of people who are on call.

use hikeshi_domain::Timestamp;
use hikeshi_engine::look::{OncallSchedule, OncallView};
use hikeshi_text::{Lang, Names, page};
use icalendar::{Calendar, Component, Event, Property};
use jiff::tz::TimeZone;

/// Days before now: a calendar that is read again must not lose what was.
pub const DAYS_BACK: u32 = 31;
pub const DAYS: u32 = DAYS_BACK + 92;

/// The shifts that begin within the view; one that began before has no beginning here, and so no name of its own.
pub fn calendar(lang: Lang, view: &OncallView, schedule: &OncallSchedule, names: &Names) -> String {
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", "-//hikeshi//hikeshi//JA"))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .append_property(Property::new("METHOD", "PUBLISH"))
        .append_property(Property::new("X-WR-CALNAME", plain(&schedule.name)));
    for shift in schedule.shifts.iter().filter(|shift| shift.from > view.from) {
        let Some(person) = &shift.person else { continue };
        let mut event = Event::new();
        event
            // The same shift keeps its name, whoever takes it.
            .uid(&format!("oncall-{}-{}@hikeshi", schedule.schedule, shift.from.as_second()))
            .summary(&page::oncall_shift(lang, &plain(&schedule.name), &plain(names.written(person))))
            .add_property("DTSTAMP", utc(view.at))
            .add_property("DTSTART", utc(shift.from))
            .add_property("DTEND", utc(shift.until))
            .add_property("STATUS", "CONFIRMED")
            // Whoever is on call may still be invited to something.
            .add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    calendar.to_string()
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A line break in a name would begin a new property.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
