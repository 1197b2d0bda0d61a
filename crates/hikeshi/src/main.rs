//! The binary: joins domain, store, engine, outside and web, and is the command line.
//!
//! Start with [`cli`] (every command), [`serve`] (the server), [`rehearsal`] (`hikeshi try`). No rule lives here.

mod away;
mod cli;
mod config;
mod fail;
mod local;
mod reach;
mod record;
mod rehearsal;
mod secret;
mod serve;
mod settings;
mod show;

use settings::now;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os().collect())
}
