//! Secrets out of texts and bytes, before they are written (rule A4). Never after: what has been written has leaked.

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// What replaces a secret.
pub const MASK: &str = "[masked]";

/// Patterns that are larger together are tried one by one.
const SET_BYTES_MAX: usize = 1 << 24;

/// Shorter values would mask ordinary words.
const VALUE_BYTES_MIN: usize = 6;

/// In ASCII mode: bytes of any encoding may stand around a secret, and a word boundary that knew kanji could neither be found fast nor
/// stand between kanji and a key. Each pattern masks its group `s`, or the whole match when it has none.
const PATTERNS: &[&str] = &[
    // key = value, key: value, "key": "value"; the key ends in a word that names a secret
    r#"(?i)\b[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)s?["']?\s*[=:]\s*["']?(?P<s>[^\s"',;&]{6,})"#,
    // --key value
    r#"(?i)--?[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)\s+["']?(?P<s>[^\s"',;&]{6,})"#,
    r"(?i)\bauthorization\s*:\s*(?:bearer|basic|token)\s+(?P<s>[^\s,;]{6,})",
    r"(?i)\bbearer\s+(?P<s>[a-z0-9._~+/=-]{12,})",
    // user:password@ in URLs
    r"(?i)[a-z][a-z0-9+.-]*://[^\s/:@]+:(?P<s>[^\s/@]+)@",
    r"\b(?P<s>AKIA[0-9A-Z]{16})\b",
    r"\b(?P<s>gh[pousr]_[A-Za-z0-9]{30,})\b",
    r"\b(?P<s>github_pat_[A-Za-z0-9_]{30,})\b",
    r"\b(?P<s>xox[abeoprs]-[A-Za-z0-9-]{10,})",
    r"\b(?P<s>sk_(?:live|test)_[A-Za-z0-9]{16,})\b",
    r"\b(?P<s>sbp_[a-f0-9]{30,})\b",
    r"\b(?P<s>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<s>.*?)-----END [A-Z ]*PRIVATE KEY-----",
];

/// What to mask. Made once per policy and set of values.
#[derive(Debug, Clone)]
pub struct Masker {
    patterns: Vec<Regex>,
    /// All patterns at once: most texts hold no secret, and are passed over only once. `None`: together they are too large, so each is tried.
    any: Option<RegexSet>,
    /// Longest first, so that a value that contains another goes whole.
    values: Vec<Vec<u8>>,
}

impl Masker {
    /// `patterns` are the policy's own; `values` the secrets themselves, as the environment holds them.
    /// Values shorter than six bytes are ignored, since they would mask ordinary words.
    pub fn new(patterns: &[String], values: &[String]) -> Result<Self, regex::Error> {
        let compile = |text: &str, unicode: bool| RegexBuilder::new(text).unicode(unicode).size_limit(1 << 20).build();
        let built_in = PATTERNS.iter().map(|text| compile(text, false));
        let own = patterns.iter().map(|text| compile(text, true));
        let patterns: Vec<Regex> = built_in.chain(own).collect::<Result<_, _>>()?;
        let all = patterns.iter().enumerate().map(|(index, pattern)| {
            // A set has one mode; what is not Unicode says so itself.
            if index < PATTERNS.len() { format!("(?-u:{})", pattern.as_str()) } else { pattern.as_str().to_owned() }
        });
        let any = RegexSetBuilder::new(all).size_limit(SET_BYTES_MAX).build().ok();
        let mut values: Vec<Vec<u8>> =
            values.iter().map(|value| value.trim().as_bytes().to_vec()).filter(|value| value.len() >= VALUE_BYTES_MIN).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Ok(Self { patterns, any, values })
    }

    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// Works on any bytes; everything that is not a secret stays byte for byte.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for value in &self.values {
            out = replace_all(&out, value);
        }
        if self.any.as_ref().is_some_and(|any| !any.is_match(&out)) {
            return out;
        }
        for pattern in &self.patterns {
            if !pattern.is_match(&out) {
                continue;
            }
            out = pattern
                .replace_all(&out, |found: &Captures<'_>| {
                    let Some(whole) = found.get(0) else { return Vec::new() };
                    let secret = found.name("s").unwrap_or(whole);
                    if secret.as_bytes() == MASK.as_bytes() {
                        return whole.as_bytes().to_vec();
                    }
                    let whole_bytes = whole.as_bytes();
                    let mut kept = whole_bytes.get(..secret.start() - whole.start()).unwrap_or_default().to_vec();
                    kept.extend_from_slice(MASK.as_bytes());
                    kept.extend_from_slice(whole_bytes.get(secret.end() - whole.start()..).unwrap_or_default());
                    kept
                })
                .into_owned();
        }
        out
    }
}

fn replace_all(bytes: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, value) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.extend_from_slice(MASK.as_bytes());
        rest = rest.get(at + value.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masker(values: &[&str]) -> Masker {
        Masker::new(&[], &values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()).expect("built-in patterns compile")
    }

    #[test]
    fn secrets_are_masked_and_their_surroundings_stay() {
        let masker = masker(&["hunter2-correct-horse"]);
        for (given, wanted) in [
            ("DB_PASSWORD=swordfish99 next", "DB_PASSWORD=[masked] next"),
            ("{\"api_key\": \"abcdef123456\"}", "{\"api_key\": \"[masked]\"}"),
            ("postgres://app:s3cretpw@db/x", "postgres://app:[masked]@db/x"),
            ("Authorization: Bearer abc.def-ghi123", "Authorization: Bearer [masked]"),
            ("key AKIAABCDEFGHIJKLMNOP end", "key [masked] end"),
            ("見た値は hunter2-correct-horse です", "見た値は [masked] です"),
            ("設定はpassword=swordfish99でした", "設定はpassword=[masked]"),
            ("mysql --password swordfish99", "mysql --password [masked]"),
        ] {
            assert_eq!(masker.text(given), wanted);
        }
    }

    #[test]
    fn patterns_too_large_for_one_set_still_mask() {
        let own: Vec<String> = (0..60).map(|number| format!("geheim{number}-[\\w]{{10}}")).collect();
        let masker = Masker::new(&own, &[]).expect("each is small enough");
        assert!(masker.any.is_none(), "together they are not");
        assert_eq!(masker.text("a geheim59-0123456789 b, DB_PASSWORD=swordfish99"), "a [masked] b, DB_PASSWORD=[masked]");
    }

    #[test]
    fn ordinary_text_and_foreign_bytes_are_left_alone() {
        let masker = masker(&["abc"]);
        let shift_jis = b"\x93\xfa\x96\x7b \xff\x00 abc";
        assert_eq!(masker.bytes(shift_jis), shift_jis, "a three-byte value would mask ordinary words");
        for text in ["予約ページが 500 を返す", "git checkout v1.8.0 && systemctl restart app", "the token bucket is full"] {
            assert_eq!(masker.text(text), text);
        }
    }

    #[test]
    fn masking_twice_changes_nothing() {
        let masker = masker(&[]);
        let once = masker.text("TOKEN=abcdefghijk password: hunter2222");
        assert_eq!(masker.text(&once), once);
    }
}
