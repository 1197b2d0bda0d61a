//! The invitation to a retrospective as an iCalendar request (RFC 5545, RFC 5546). Times are UTC, which every calendar shows in its own zone.

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{InvitationOrder, Invitee};
use icalendar::{Calendar, Component, Event, Property};
use jiff::{SignedDuration, tz::TimeZone};

pub(crate) fn calendar(order: &InvitationOrder, now: Timestamp) -> String {
    let text = hikeshi_text::invitation(order);
    let ends_at = order.starts_at.checked_add(SignedDuration::from_mins(i64::from(order.lasts_min))).unwrap_or(order.starts_at);
    let mut event = Event::new();
    event
        // The same meeting keeps its name; a moved one has a higher sequence.
        .uid(&format!("{}-{}@{}", order.obligation, order.facts.emergency.id, host_part(order)))
        .sequence(order.sequence)
        .summary(&plain(&text.summary))
        .description(&text.description.replace('\r', ""))
        .add_property("DTSTAMP", utc(now))
        .add_property("DTSTART", utc(order.starts_at))
        .add_property("DTEND", utc(ends_at))
        .add_property("STATUS", "CONFIRMED")
        .add_property("TRANSP", "OPAQUE");
    if let Some(organizer) = order.invited.iter().find(|invitee| address(invitee).is_some()).or(order.invited.first()) {
        event.append_property(person("ORGANIZER", organizer));
    }
    for invitee in &order.invited {
        let mut attendee = person("ATTENDEE", invitee);
        attendee
            .add_parameter("CUTYPE", "INDIVIDUAL")
            .add_parameter("ROLE", "REQ-PARTICIPANT")
            .add_parameter("PARTSTAT", "NEEDS-ACTION")
            .add_parameter("RSVP", "TRUE");
        event.append_multi_property(attendee);
    }
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", "-//hikeshi//hikeshi//JA"))
        .append_property(Property::new("CALSCALE", "GREGORIAN"))
        .append_property(Property::new("METHOD", "REQUEST"))
        .push(event.done());
    calendar.to_string()
}

/// Makes the name of a meeting unique between workspaces: digits of the workspace's name, since a name may be in any script.
fn host_part(order: &InvitationOrder) -> String {
    format!("{}.hikeshi.invalid", hikeshi_domain::ids::Digest::of(order.facts.workspace.as_bytes()).short())
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn address(invitee: &Invitee) -> Option<&str> {
    let good = |email: &&str| {
        email.contains('@') && !email.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | ';' | ','))
    };
    invitee.email.as_deref().filter(good)
}

fn person(key: &str, invitee: &Invitee) -> Property {
    // An address is required; this one says that there is none, as calendars do among themselves.
    let target = address(invitee).map_or_else(|| "invalid:nomail".to_owned(), |email| format!("mailto:{email}"));
    Property::new(key, target).add_parameter("CN", &plain(&invitee.name)).done()
}

/// A parameter cannot hold quotes or line ends; a summary is one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| *c != '"').collect()
}
