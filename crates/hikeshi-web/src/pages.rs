//! Pages: one file per area. Each shows a view of the door; acts are forms that come back to the page's own address.

pub mod alerts;
mod altered;
pub mod bundle;
pub mod changes;
pub mod channel;
pub mod contacts;
pub mod content;
pub mod emergencies;
pub mod emergency;
pub mod emergency_rows;
pub mod incidents;
pub mod ledger;
pub mod me;
pub mod monitors;
pub mod now;
pub mod obligations;
pub mod oncall;
pub mod people;
pub mod plan;
pub mod postmortem;
mod redactions;
pub mod replay;
pub mod reviews;
pub mod sessions;
pub mod signin;
pub mod status;
pub mod watch;

mod frame;
mod perform;

pub use frame::{Bar, Frame, Html, due_html, failure, html, time_html, timeline};
pub use perform::{Flash, Performed, Query, act, status_of};
