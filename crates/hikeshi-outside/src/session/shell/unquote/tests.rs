//! Against the two shells that write it.

use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::*;

fn quoted_by(shell: &str, script: &str, text: &[u8]) -> Vec<u8> {
    let out = Command::new(shell).args(["-c", script, shell]).arg(std::ffi::OsStr::from_bytes(text)).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    out.stdout
}

#[test]
fn what_the_shells_quote_comes_back() {
    let every: Vec<u8> = (1..=255).collect();
    let twice: Vec<u8> = (1..=255).flat_map(|byte| [byte, b'7', byte]).collect();
    let texts: [&[u8]; 9] =
        [b"", b" ", b"'", b"$'a'", b"~/x #!{a,b};", "火消し\n\t\x1b[0m".as_bytes(), b"\x93\xfa\x96\x7b", &every, &twice];
    for text in texts {
        for (shell, script) in [("bash", "LC_ALL=C; printf %q \"$1\""), ("zsh", "LC_ALL=C; print -rn -- ${(qqqq)1}")] {
            let quoted = quoted_by(shell, script, text);
            assert!(quoted.iter().all(|byte| (0x20..0x7f).contains(byte)), "{shell} {quoted:?}");
            assert_eq!(unquote(&quoted, 10_000).as_deref(), Some(text), "{shell} {}", String::from_utf8_lossy(&quoted));
        }
    }
}

#[test]
fn what_no_shell_quotes_is_refused() {
    for broken in ["$", "$x", "'a'", "''x", "$'a", "$'a'b", "$'\\", "$'\\q'", "$'\\400'", "a\\"] {
        assert_eq!(unquote(broken.as_bytes(), 100), None, "{broken}");
    }
}

#[test]
fn a_long_text_is_counted_and_kept_to_the_bound() {
    let mut reader = Unquote::new(3);
    reader.push(b"$'ab\\30");
    reader.push(b"3\\nx'");
    assert_eq!(reader.finish(), Some((b"ab\xc3".to_vec(), 5)));
}
