//! The hands at real work: bash, git, files and processes. One module per room of the crate; `ground` prepares a place for each test.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot prepare its place fails; helpers are not marked as tests")]

mod backup;
mod checks;
mod crash;
mod documents;
mod forge;
mod ground;
mod merge;
mod over_ssh;
mod revert;
mod shell;
mod sshd;
mod step;
mod watch;
