//! The web face: pages that work without a script, the JSON API, live news. It knows the door and the words, never the store.
//!
//! Start with [`app`]; a page is [`pages`], an act on it [`acts`], who asks [`viewer`], what holds for every answer [`guard`].

mod acts;
pub mod api;
mod assets;
pub mod calendar;
mod fail;
mod form;
mod guard;
mod inbound;
mod json;
mod live;
mod offline;
mod pages;
mod passkey;
mod push;
mod routes;
mod secret;
mod serve;
mod session;
mod state;
pub mod status;
mod viewer;

pub use inbound::{Inbound, Received};
pub use routes::app;
pub use serve::serve;
pub use state::{Receive, WebOptions};
