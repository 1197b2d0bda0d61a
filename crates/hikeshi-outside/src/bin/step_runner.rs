//! The supervisor, and the hands on another host, as a program of their own, for this crate's tests. The product starts them as `hikeshi
//! step-runner` and `hikeshi hands`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(word) if word == "hands" => match args.next().and_then(|ledger| ledger.into_string().ok()) {
            Some(ledger) => hikeshi_outside::ssh::hands(&ledger, Vec::new()),
            None => ExitCode::from(64),
        },
        Some(dir) => hikeshi_outside::step_runner(Path::new(&dir)),
        None => ExitCode::from(64),
    }
}
