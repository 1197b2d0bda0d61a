//! Whole documents that the program writes: report (rule E11), change request (rule E10), invitation (rule E12).
//!
//! Everything that the record knows is filled in; people write only judgement. Where it is still missing, the document says so in place.

mod case;
mod change_request;
mod invitation;
mod report;
mod terminal;
mod timeline;

pub use change_request::{ChangeRequestText, change_request, change_request_link};
pub use invitation::{InvitationText, invitation};
pub use report::report;
