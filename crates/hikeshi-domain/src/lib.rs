//! The rules of hikeshi, and nothing else: no clock, no dice, no disk, no network.
//!
//! Reading order: [`command`] (everything that can be asked), [`permit`] (who may ask it), [`decide`] (what follows),
//! [`event`] (what happened), [`apply`] (what that changes), [`effect`] (what the world is told to do), [`ledger`] (how it is kept).
//!
//! Invariants:
//! - A decision is a pure function of permit, facts, command and time. Whatever is not in [`facts::Facts`] does not exist.
//! - Nothing here holds a sentence for people. Codes and data only; `hikeshi-text` speaks.
//! - The state that a table holds is the fold of [`apply::apply`] over the ledger, so tables can always be rebuilt.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod account;
pub mod alert;
pub mod apply;
pub mod change;
pub mod channel;
pub mod chat;
pub mod command;
pub mod contact;
pub mod decide;
pub mod deploy;
pub mod effect;
pub mod emergency;
pub mod event;
pub mod facts;
pub mod ids;
pub mod incident;
mod input;
pub mod ledger;
pub mod mask;
pub mod monitor;
pub mod obligation;
pub mod offline;
pub mod oncall;
pub mod page;
pub mod people;
pub mod permit;
pub mod policy;
pub mod postmortem;
pub mod refusal;
pub mod release;
pub mod review;
pub mod session;
pub mod signature;
pub mod similar;
#[cfg(test)]
mod simulation;
pub mod status;
#[cfg(test)]
mod testing;
pub mod timer;
pub mod trust;

pub use jiff::Timestamp;
