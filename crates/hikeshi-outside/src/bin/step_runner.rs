//! The supervisor as a program of its own, for this crate's tests. The product starts it as `hikeshi step-runner`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let dir = std::env::args_os().nth(1);
    match dir {
        Some(dir) => hikeshi_outside::step_runner(Path::new(&dir)),
        None => ExitCode::from(64),
    }
}
