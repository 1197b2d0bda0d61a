//! A world for tests: a real SQLite store in a folder of its own, a clock that stands still, a small team, and hands that do as they are told.
//!
//! Only for tests; no release contains it. Reading order: [`World`] (what a test does), [`people`] (who is in it), [`hands`] (what can go wrong).
//! Not here: rules. A test that needs one asks the door.

mod folder;
pub mod hands;
pub mod people;
mod tape;
#[cfg(test)]
mod tests;
mod verbs;
mod world;

pub use folder::Folder;
pub use hands::{Deed, Fault, Hands};
pub use tape::{Eyes, Tape};
pub use verbs::Plans;
pub use world::World;
