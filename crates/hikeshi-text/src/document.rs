//! Whole documents that the program writes: report (rule E11), change request (rule E10), invitation (rule E12); and the words with which a person is called (rule I4).
//!
//! Everything that the record knows is filled in; people write only judgement. Where it is still missing, the document says so in place.

mod case;
mod change_request;
mod invitation;
mod page;
mod postmortem;
mod postmortem_file;
mod report;
mod terminal;
mod timeline;

pub use change_request::{ChangeRequestText, change_request, change_request_link};
pub use invitation::{InvitationText, invitation};
pub use page::{PageText, page, page_push};
pub use postmortem::{Slug, postmortem, postmortem_template};
pub use postmortem_file::{Read, read_postmortem};
pub use report::report;
