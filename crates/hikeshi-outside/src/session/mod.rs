//! The witnessed terminal's hands: a recorder process that owns the pty, and what a terminal needs to attach to it.
//!
//! [`recorder`] is the life of that process; [`writer`] turns what comes out of the pty into blocks, [`spool`] keeps them on disk,
//! [`sink`] sends them to the server, [`outlet`] shows it to the terminal, [`valve`] says whether keys may pass,
//! [`guard`] whether this line may. [`wire`] is what recorder and terminal say to each other.
//! [`shell`] knows where each command begins and ends. Not here: what a person is told (the binary's terminal), who may open a session (the door).

mod commands;
mod guard;
mod order;
mod outlet;
mod pty;
mod recorder;
pub mod shell;
mod sink;
mod spool;
mod valve;
pub mod wire;
mod writer;

pub use order::{Order, Place};
pub use recorder::{run, start};
pub use sink::{Socket, dial};
