//! Names of files as the record writes them, and the plan's scope. No file is touched here.
//!
//! A path is written as UTF-8 with `/` between parts. A byte that is not UTF-8, a control character and `%` itself are written
//! as `%XX`, so that each written form means exactly one path and can be turned back.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn push_escaped(out: &mut String, byte: u8) {
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
    }
}

/// The written form of one name or a whole relative path.
pub(crate) fn written(raw: &OsStr) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '%' || character.is_control() {
                let mut buffer = [0_u8; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    push_escaped(&mut out, byte);
                }
            } else {
                out.push(character);
            }
        }
        for byte in chunk.invalid() {
            push_escaped(&mut out, *byte);
        }
    }
    out
}

/// The path that a written form means. A `%` that is not followed by two hex digits is itself.
pub(crate) fn raw(written: &str) -> OsString {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut out = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%'
            && let [high, low, tail @ ..] = after
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            out.push(high << 4 | low);
            rest = tail;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    OsString::from_vec(out)
}

/// Joins written forms; `parent` is empty for the root itself.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// Parent and last part of a written path; `None` for the root.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    if path.is_empty() {
        return None;
    }
    Some(path.rsplit_once('/').unwrap_or(("", path)))
}

/// The declared scope of a plan, in written form, without what another entry already covers. The whole root is `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    paths: Vec<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ScopeError {
    #[error("the scope is empty: name at least one file or directory, or `.`")]
    Empty,
    #[error("scope entry `{0}` is not a path below the root: no leading `/`, no `..`, no empty name")]
    NotBelow(String),
}

impl Scope {
    pub(crate) fn parse(given: &[String]) -> Result<Self, ScopeError> {
        let mut paths = given.iter().map(|entry| Self::one(entry)).collect::<Result<Vec<_>, _>>()?;
        if paths.is_empty() {
            return Err(ScopeError::Empty);
        }
        paths.sort();
        let mut kept: Vec<String> = Vec::new();
        for path in paths {
            if !kept.iter().any(|wider| covers(wider, &path)) {
                kept.push(path);
            }
        }
        Ok(Self { paths: kept })
    }

    fn one(entry: &str) -> Result<String, ScopeError> {
        let bad = || ScopeError::NotBelow(entry.chars().take(200).collect());
        if entry.trim().is_empty() || entry.starts_with('/') || entry.contains('\0') || entry.len() > 4096 {
            return Err(bad());
        }
        let mut parts = Vec::new();
        for part in entry.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(bad()),
                name => parts.push(written(OsStr::new(name))),
            }
        }
        Ok(parts.join("/"))
    }

    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.iter().any(|entry| covers(entry, path))
    }
}

fn covers(entry: &str, path: &str) -> bool {
    entry.is_empty() || path == entry || path.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_so_that_it_can_be_turned_back() {
        for name in [&b"plain.toml"[..], "設定/予約.toml".as_bytes(), b"100%", b"%41", b"\x93\xfa.txt", b"a\nb", b"caf\xc3\xa9 \xff"] {
            let text = written(OsStr::from_bytes(name));
            assert_eq!(raw(&text).as_bytes(), name, "{text}");
        }
        assert_eq!(written(OsStr::from_bytes(b"\x93\xfa.txt")), "%93%FA.txt");
        assert_eq!(written(OsStr::new("設定.toml")), "設定.toml");
        assert_ne!(written(OsStr::new("%41")), written(OsStr::new("A")));
    }

    #[test]
    fn a_scope_stays_below_the_root() {
        let scope = |entries: &[&str]| Scope::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>());
        for bad in ["/etc", "..", "a/../../b", "", " ", "a\0b"] {
            assert!(scope(&[bad]).is_err(), "{bad:?}");
        }
        assert_eq!(scope(&[]), Err(ScopeError::Empty));
        let narrow = scope(&["./conf/", "app.toml", "conf/deep"]).expect("valid");
        assert_eq!(narrow.paths(), ["app.toml", "conf"]);
        assert!(narrow.contains("conf/x") && narrow.contains("conf") && narrow.contains("app.toml"));
        assert!(!narrow.contains("conf.bak") && !narrow.contains("app.tomlx") && !narrow.contains("other"));
        assert!(scope(&["."]).expect("valid").contains("anything/at/all"));
    }
}
