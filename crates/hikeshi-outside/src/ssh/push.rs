//! How the server's own program gets to a target's host: once per version, into the user's cache, checked there before it has its name.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hikeshi_domain::ids::Digest;

use super::{SSH_FAILED, Trouble, Way, last_words, quoted};
use crate::Options;

/// The hands are not there yet.
pub(super) const NOT_THERE: i32 = 72;
/// What arrived is not what was sent.
const DAMAGED: i32 = 74;
const PUSH_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Programs of earlier versions are kept this long: an older server may still use them.
const KEPT_DAYS: u32 = 30;

/// The digest of the program, computed once.
pub(super) fn digest(program: &Path, known: &Arc<OnceLock<Digest>>) -> io::Result<Digest> {
    if let Some(digest) = known.get() {
        return Ok(*digest);
    }
    let digest = Digest::of(&std::fs::read(program)?);
    Ok(*known.get_or_init(|| digest))
}

/// The command that starts the hands over there, for any login shell that knows single quotes.
pub(super) fn start(way: &Way<'_>, digest: Digest, ledger: &str) -> String {
    match &way.place.hands {
        Some(program) => format!("exec {} hands {}", quoted(program), quoted(ledger)),
        None => {
            let script = format!("f=$HOME/.cache/hikeshi/hands-$1; [ -f \"$f\" ] || exit {NOT_THERE}; exec \"$f\" hands \"$2\"");
            format!("exec sh -c {} hikeshi {} {}", quoted(&script), quoted(&digest.to_string()), quoted(ledger))
        }
    }
}

/// On one line, for any login shell: see [`start`]. What was just written is no old one, and stays.
fn receive(digest: Digest) -> String {
    let script = format!(
        "umask 077; d=$HOME/.cache/hikeshi; t=$d/.hands-$$; [ -f \"$d/hands-$1\" ] && exit 0; mkdir -p \"$d\" || exit 1; \
         trap \"rm -f \\\"$t\\\"\" EXIT; \
         cat >\"$t\" || exit 1; \
         s=$(sha256sum <\"$t\") || exit 1; \
         [ \"${{s%% *}}\" = \"$1\" ] || exit {DAMAGED}; \
         chmod 700 \"$t\" && mv -f \"$t\" \"$d/hands-$1\" || exit 1; \
         find \"$d\" -name \"hands-*\" -mtime +{KEPT_DAYS} -exec rm -f {{}} + 2>/dev/null; \
         exit 0"
    );
    format!("exec sh -c {} hikeshi {}", quoted(&script), quoted(&digest.to_string()))
}

/// Copies the program over. It has its name only when every byte of it is there.
pub(super) async fn push(way: &Way<'_>, options: &Options, digest: Digest) -> Result<(), Trouble> {
    let here = |error: io::Error| Trouble::Here(error.to_string());
    let program = std::fs::File::open(&options.program).map_err(here)?;
    let mut command = way.command(&options.env, &receive(digest)).map_err(here)?;
    let child = command.stdin(Stdio::from(program)).stdout(Stdio::null()).spawn().map_err(here)?;
    let destination = way.place.label();
    let done = match tokio::time::timeout(PUSH_WITHIN, child.wait_with_output()).await {
        Ok(done) => done.map_err(here)?,
        Err(_) => return Err(Trouble::Unreachable { destination, detail: "bringing our program there took too long".to_owned() }),
    };
    let said = String::from_utf8_lossy(&done.stderr);
    match done.status.code() {
        Some(0) => Ok(()),
        Some(SSH_FAILED) | None => Err(way.trouble(&said)),
        Some(DAMAGED) => Err(Trouble::Unreachable { destination, detail: "our program arrived damaged".to_owned() }),
        Some(_) => {
            let detail = format!("it cannot be kept in ~/.cache/hikeshi: {}", last_words(&said));
            Err(Trouble::CannotRun { destination, detail, version: env!("CARGO_PKG_VERSION") })
        }
    }
}
