//! Which patterns the error lines of a log have, and which of them came only after a change (rule D2).
//!
//! A pattern is a line without what varies in it: numbers, ids, what stands in quotes. So many are kept and no more; what cannot be told any more is
//! said to be unknown, and is never well.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hikeshi_domain::mask::Masker;
use hikeshi_domain::monitor::{Measured, NewPattern, RecentChange, Verdict};
use hikeshi_domain::policy::NewErrors;

use super::super::shown;

/// Of a line, what its pattern is made from.
pub(super) const LINE_BYTES_MAX: usize = 4 * 1024;
/// Of a line, what is kept as a sample.
const SAMPLE_BYTES_MAX: usize = 1_024;
const PATTERN_CHARS_MAX: usize = 400;
const PATTERNS_MAX: usize = 1_000;
/// Lines of one look whose patterns are learnt.
pub(super) const LINES_MAX: usize = 20_000;
/// Shown of one monitor.
const SHOWN_MAX: usize = 10;
/// What stands in quotes is at most so long; a quote that is never closed is no quote.
const QUOTED_CHARS_MAX: usize = 400;
/// A word of so many letters that are all hexadecimal digits is no word.
const HEX_CHARS_MIN: usize = 8;

/// Behind a number, these say what it is a number of.
const UNITS: &[&str] = &["ns", "us", "ms", "s", "sec", "m", "min", "h", "d", "B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "k", "M", "G"];

#[derive(Debug)]
struct Known {
    first: Instant,
    last: Instant,
    count: u32,
    sample: Vec<u8>,
}

/// What a log has said since it is followed.
#[derive(Debug)]
pub(super) struct Patterns {
    /// Since when; nothing is known of before.
    since: Instant,
    known: BTreeMap<String, Known>,
    /// When something could not be learnt: more patterns, or more lines, than are kept.
    overflowed: Option<Instant>,
}

impl Patterns {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, known: BTreeMap::new(), overflowed: None }
    }

    /// Lines as they were masked: what is secret is in no pattern either.
    pub(super) fn learn(&mut self, lines: &[Vec<u8>], masker: &Masker, now: Instant) {
        if lines.len() > LINES_MAX {
            self.overflowed = Some(now);
        }
        for line in lines.iter().take(LINES_MAX) {
            let line = masker.bytes(line);
            let pattern = pattern_of(&String::from_utf8_lossy(&line));
            match self.known.get_mut(&pattern) {
                Some(known) => (known.last, known.count) = (now, known.count.saturating_add(1)),
                None => self.add(pattern, &line, now),
            }
        }
    }

    fn add(&mut self, pattern: String, line: &[u8], now: Instant) {
        if self.known.len() >= PATTERNS_MAX {
            // Whatever goes may come back and would look new.
            self.overflowed = Some(now);
            let oldest = self.known.iter().min_by_key(|(_, known)| known.last).map(|(pattern, _)| pattern.clone());
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
        let sample = line.get(..line.len().min(SAMPLE_BYTES_MAX)).unwrap_or_default().to_vec();
        self.known.insert(pattern, Known { first: now, last: now, count: 1, sample });
    }

    /// What came only after the change, the most frequent first.
    fn new_since(&self, changed: Instant) -> Vec<NewPattern> {
        let mut new: Vec<(&String, &Known)> = self.known.iter().filter(|(_, known)| known.first >= changed).collect();
        new.sort_by_key(|(_, known)| std::cmp::Reverse(known.count));
        let shown_of = |(pattern, known): &(&String, &Known)| NewPattern {
            pattern: shown(pattern),
            count: known.count,
            sample: shown(&String::from_utf8_lossy(&known.sample)),
        };
        new.iter().take(SHOWN_MAX).map(shown_of).collect()
    }

    /// What is to be said beside the count of lines. `measured` is what the count alone says.
    pub(super) fn judged(&self, rules: &NewErrors, change: Option<&RecentChange>, measured: Measured, now: Instant) -> Measured {
        let learnt = now.duration_since(self.since).as_secs() / 60;
        let Some(change) = change else {
            let seen = format!("{}; {} patterns learnt in {learnt} min, no change to compare with", measured.seen, self.known.len());
            return Measured { seen, ..measured };
        };
        let Some(changed) = now.checked_sub(change.ago) else { return self.unlearnt(rules, change, measured, learnt) };
        let ago = change.ago.as_secs() / 60;
        let new = self.new_since(changed);
        let worst = new.first().filter(|worst| worst.count >= rules.at_least);
        let learn = Duration::from_secs(u64::from(rules.learn_min) * 60);
        if changed.checked_duration_since(self.since).is_none_or(|before| before < learn) {
            return self.unlearnt(rules, change, measured, learnt);
        }
        // What was let go earlier than that would be new by now anyway.
        let overflowed = self.overflowed.is_some_and(|at| changed.checked_sub(learn).is_none_or(|from| at >= from));
        let measured = match (worst, overflowed) {
            _ if measured.verdict != Verdict::Passed => measured,
            (Some(worst), _) => Measured {
                value: measured.value,
                ..Measured::failed(format!(
                    "{} lines of a pattern that is new since \"{}\" {ago} min ago: {}; for example: {}",
                    worst.count, change.title, worst.pattern, worst.sample
                ))
            },
            (None, true) => Measured {
                value: measured.value,
                ..Measured::unmeasured(format!("more than {PATTERNS_MAX} patterns of errors: which of them are new cannot be told"))
            },
            (None, false) => {
                let seen = format!("{}; {} new patterns since \"{}\" {ago} min ago", measured.seen, new.len(), change.title);
                Measured { seen, ..measured }
            }
        };
        Measured { new, ..measured }
    }

    /// A change came before enough was learnt to compare with. It passes by itself, so it is shown and opens nothing.
    fn unlearnt(&self, rules: &NewErrors, change: &RecentChange, measured: Measured, learnt: u64) -> Measured {
        if measured.verdict != Verdict::Passed {
            return measured;
        }
        let why = format!(
            "whether the errors after \"{}\" are new cannot be told: patterns are learnt since {learnt} min ago, and {} min before a change are needed",
            change.title, rules.learn_min
        );
        Measured { value: measured.value, passing: true, ..Measured::unmeasured(why) }
    }
}

/// The line without what varies in it.
pub(super) fn pattern_of(line: &str) -> String {
    let mut pattern = String::new();
    let mut rest = line.trim();
    let mut before = ' ';
    // In JSON everything stands in quotes, also what says what happened.
    let json = rest.starts_with('{');
    while let Some(first) = rest.chars().next() {
        let taken = if let Some(end) = quoted(rest, first, before).filter(|_| !json) {
            pattern.push_str("<text>");
            end
        } else if is_word(first) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            pattern.push_str(&word(rest.get(..end).unwrap_or_default()));
            end
        } else {
            // One blank is as good as many.
            if first.is_whitespace() {
                pattern.extend((!before.is_whitespace()).then_some(' '));
            } else if !first.is_control() {
                pattern.push(first);
            }
            first.len_utf8()
        };
        before = rest.get(..taken).and_then(|taken| taken.chars().next_back()).unwrap_or(first);
        rest = rest.get(taken..).unwrap_or_default();
    }
    // Numbers and ids that stand together are one: 192.0.2.7, 2026-11-23T09:00:00, /a/17/b is /a/<n>/b all the same.
    let mut joined = pattern;
    let pairs = [("<n>.<n>", "<n>"), ("<n>:<n>", "<n>"), ("<n>,<n>", "<n>"), ("<n>-<n>", "<n>")];
    let pairs = pairs.into_iter().chain([("<id>-<id>", "<id>"), ("<id>-<n>", "<id>"), ("<n>-<id>", "<id>")]);
    // What was joined may stand beside what another pair has left: each time it becomes shorter, so this ends.
    while let Some((pair, one)) = pairs.clone().find(|(pair, _)| joined.contains(pair)) {
        joined = joined.replace(pair, one);
    }
    joined.chars().take(PATTERN_CHARS_MAX).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c.is_numeric()
}

/// Where what stands in quotes ends. A `'` after a letter is an apostrophe.
fn quoted(rest: &str, first: char, before: char) -> Option<usize> {
    let close = match first {
        '"' | '`' => first,
        '\'' if !before.is_alphanumeric() => first,
        '「' => '」',
        _ => return None,
    };
    let inside = rest.get(first.len_utf8()..)?;
    let mut escaped = false;
    for (count, (at, c)) in inside.char_indices().enumerate() {
        if count > QUOTED_CHARS_MAX {
            return None;
        }
        if c == close && !escaped {
            return Some(first.len_utf8() + at + c.len_utf8());
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// A word with a digit in it names one thing among many, and so does a long one of hexadecimal digits.
fn word(word: &str) -> String {
    let digits = word.chars().filter(|c| c.is_numeric()).count();
    let hexadecimal = word.len() >= HEX_CHARS_MIN && word.chars().all(|c| c.is_ascii_hexdigit());
    if digits == word.chars().count() {
        return "<n>".to_owned();
    }
    if digits == 0 && !hexadecimal {
        return word.to_owned();
    }
    let unit = word.trim_start_matches(char::is_numeric);
    // 23T09 and 123Z stand in times.
    if matches!(unit, "Z" | "z") || word.split_once(['T', 't']).is_some_and(|(date, hour)| is_number(date) && is_number(hour)) {
        "<n>".to_owned()
    } else if UNITS.contains(&unit) {
        format!("<n>{unit}")
    } else {
        "<id>".to_owned()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_taken_out_and_what_says_something_stays() {
        for (line, pattern) in [
            ("2026-11-23T09:00:00.123Z ERROR payment 17 failed", "<n> ERROR payment <n> failed"),
            ("ERROR user=inc_12 took 300ms from 192.0.2.7:8080", "ERROR user=<id> took <n>ms from <n>"),
            ("ERROR  can't open \"/srv/a b/x.txt\"\t(errno 2)", "ERROR can't open <text> (errno <n>)"),
            ("FATAL key 'tanaka' not in deadbeefcafe", "FATAL key <text> not in <id>"),
            ("ERROR GET /users/4711/orders/9b2d7c1e-11aa-4f00-8a00-0123456789ab", "ERROR GET /users/<n>/orders/<id>"),
            ("ERROR 9b2d7c1e-1111-4f00-8a00-012345678901 and 11111111-2222-3333-4444-55555555555a", "ERROR <id> and <id>"),
            ("ERROR 予約「特別室」の登録に失敗 番号１２３", "ERROR 予約<text>の登録に失敗 番号<n>"),
            ("ERROR a quote that \"never ends 1", "ERROR a quote that \"never ends <n>"),
            (r#"{"level":"error","msg":"payment 17 failed","at":1700000000}"#, r#"{"level":"error","msg":"payment <n> failed","at":<n>}"#),
            ("", ""),
        ] {
            assert_eq!(pattern_of(line), pattern, "{line}");
        }
        assert!(pattern_of(&"あ".repeat(5_000)).chars().count() <= PATTERN_CHARS_MAX);
        assert_eq!(pattern_of("ERROR \u{1b}[0mred"), "ERROR [<id>", "what would colour a screen is gone");
    }
}
