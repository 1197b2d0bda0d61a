//! Comparison with reviewed files.

use std::fs;
use std::path::PathBuf;

/// Compares with `tests/expected/<name>`, or writes it when `HIKESHI_BLESS` is set.
pub fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(name);
    #[expect(clippy::disallowed_methods, reason = "whether the reviewer wants the files written anew")]
    let bless = std::env::var_os("HIKESHI_BLESS").is_some();
    if bless {
        fs::write(&path, text).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    if wanted != text {
        let line = wanted
            .lines()
            .zip(text.lines())
            .position(|(wanted, given)| wanted != given)
            .unwrap_or(wanted.lines().count().min(text.lines().count()));
        panic!(
            "{} differs from line {}:\n  reviewed: {}\n  now:      {}\nHIKESHI_BLESS=1 writes it anew.",
            path.display(),
            line + 1,
            wanted.lines().nth(line).unwrap_or("(end)"),
            text.lines().nth(line).unwrap_or("(end)")
        );
    }
}
