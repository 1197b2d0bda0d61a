//! The voice of hikeshi: every sentence that a person reads, Japanese beside English, one function per sentence.
//!
//! Data comes in as the domain's types; words go out. No decision is taken here, and no other crate holds a sentence.
//! Start with [`refusal()`] (why the door said no), [`event()`] (what happened) and [`label`] (how each code is called);
//! [`report()`], [`change_request()`] and [`invitation()`] write whole documents. Strings of one face are in [`page`] and [`terminal`].

#![warn(clippy::wildcard_enum_match_arm)]

mod actor;
pub mod chat;
mod document;
mod event;
mod flaw;
mod id;
pub mod import;
pub mod label;
mod lang;
mod markdown;
mod names;
mod notice;
pub mod page;
mod plain;
pub mod proxy;
mod refusal;
pub mod review;
mod sentence;
pub mod session;
pub mod status;
pub mod subject;
pub mod telephone;
pub mod terminal;
pub mod time;

pub use actor::{actor, via};
pub use document::{
    ChangeRequestText, InvitationText, PageText, Read, Slug, change_request, change_request_link, invitation, page as page_text,
    page_push as push, postmortem, postmortem_template, read_postmortem, report,
};
pub use event::{entry_line, entry_lines, event, lines_of, page_line, restored_by};
pub use flaw::{busy, fault, flaw, stopping};
pub use id::id_error;
pub use lang::Lang;
pub use names::Names;
pub use notice::{mentions, notice, post};
pub use refusal::refusal;
pub use sentence::Sentence;
