//! Settings from the environment: the only place of the binary that reads it, so that it can be said where each value came from.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "this is the binary's configuration")]
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Where this user's programs keep what they must not forget: `~/.local/state`.
pub fn state_dir() -> Option<std::path::PathBuf> {
    text("XDG_STATE_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| text("HOME").map(|home| std::path::Path::new(&home).join(".local/state")))
}

/// The whole environment, from which the hands take what the policy names.
#[expect(clippy::disallowed_methods, reason = "this is the binary's configuration")]
pub fn all() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}

/// The name of this machine, for labels; nothing depends on it being right.
pub fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.chars().take(40).collect() }
}

/// What time it is, for relative times on the terminal. Nothing is decided with it.
#[expect(clippy::disallowed_methods, reason = "the one place of the command line that asks for the time")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
