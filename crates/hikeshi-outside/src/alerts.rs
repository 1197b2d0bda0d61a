//! What other programs send when something is wrong, read into [`Signal`]s: bytes in, values out, without clock, disk or network.
//!
//! Each sender has a file: [`prometheus`] (and Alertmanager), [`grafana`], [`sentry`], [`datadog`], [`pagerduty`], and [`mail`] for mail, and
//! [`pointers`] for any other JSON. [`given`] reads what they have in common, [`proof`] says whether a sender is who it says. What becomes of a signal is decided in
//! `hikeshi_domain::alert`. An alert is never turned away because something optional is odd; only when it cannot be told from another.

mod datadog;
mod given;
mod grafana;
mod mail;
mod pagerduty;
mod pointers;
mod prometheus;
mod proof;
mod sentry;
#[cfg(test)]
mod tests;

use hikeshi_domain::alert::Signal;
use hikeshi_domain::policy::{Fields, Format};

pub use datadog::TEMPLATE as DATADOG_TEMPLATE;
pub use mail::read as read_mail;
pub use pagerduty::{
    PagerDuty, PagerDutyChange, accepted as pagerduty_accepted, change_accepted as pagerduty_change_accepted, read_pagerduty,
    read_pagerduty_change, refused as pagerduty_refused,
};
pub use proof::{sentry_signature_holds, token_matches};

/// A larger body is not parsed.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// More alerts in one body are no report any more, but a mistake.
pub const SIGNALS_IN_BODY_MAX: usize = 20_000;
/// What a sender is told fits in a line of its log.
const WHY_CHARS_MAX: usize = 500;

/// What a sender is answered when its message cannot be understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Of HTTP.
    pub status: u16,
    /// In English, with the place as a JSON pointer. Names places, and repeats nothing of what was sent.
    pub why: String,
    /// The other alerts of the same body. They are to be taken all the same, as the real Alertmanager does, for a sender may not send them again.
    pub understood: Vec<Signal>,
}

impl Refused {
    pub fn new(status: u16, why: &str) -> Self {
        Self { status, why: given::cut(why, WHY_CHARS_MAX), understood: Vec::new() }
    }

    fn invalid(why: &str) -> Self {
        Self::new(400, why)
    }

    fn too_large(why: &str) -> Self {
        Self::new(413, why)
    }
}

/// Reads a message in its sender's own format. `header` gives a header by its name, and nothing for one that was not sent.
///
/// PagerDuty's events prove who sends them within the body, so they are read by [`read_pagerduty`]; mail is no JSON: [`read_mail`].
pub fn read(format: Format, fields: Option<&Fields>, header: &dyn Fn(&str) -> String, body: &[u8]) -> Result<Vec<Signal>, Refused> {
    let document = given::parse(body, BODY_BYTES_MAX)?;
    match format {
        Format::Alertmanager => prometheus::webhook(&document),
        Format::Grafana => grafana::read(&document),
        Format::Sentry => sentry::read(&header(sentry::RESOURCE), &document),
        Format::Datadog => datadog::read(&document),
        Format::Json => match fields {
            Some(fields) => pointers::read(fields, &document),
            // Ours to put right, so the sender may try again.
            None => Err(Refused::new(500, "this source has no `fields`, which say where things are")),
        },
        Format::Mail => Err(Refused::invalid("a mail is no JSON")),
        Format::Pagerduty => Err(Refused::invalid("events in the format of PagerDuty are sent to /v2/enqueue")),
    }
}

/// Reads alerts as Prometheus sends them to Alertmanager's API v2.
///
/// An alert with an `endsAt` is a firing one that [lapses](Signal::lapses_at) then; when that is in the past already, it is over.
pub fn read_alertmanager_api(body: &[u8]) -> Result<Vec<Signal>, Refused> {
    prometheus::posted(&given::parse(body, BODY_BYTES_MAX)?)
}
