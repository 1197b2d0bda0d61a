//! Lines that the plan calls dangerous: how they are recognised, what is asked about one, and what a witness's answer is bound to.
//!
//! Recognised is text, as words in a row, not what a shell makes of it: an alias, a script, a line in an editor's file say nothing here.
//! Whether Enter is let through is the recorder's (`hikeshi-outside`); what follows from an answer is in [`super::ask`].

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, EmergencyId, PersonId};

/// Dangerous lines that one plan may name.
pub const DANGEROUS_MAX: u32 = 50;
pub const MATCH_CHARS_MAX: u32 = 200;
/// Longest line that is asked about; of a longer one, [`excerpt`].
pub const LINE_CHARS_MAX: usize = 2_000;
/// Text that is searched; a command is no longer than this anyway.
const SEARCHED_CHARS_MAX: usize = 70_000;

/// A plan's word about the terminal: a line with these words takes a witness's confirmation before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DangerousLine {
    /// Words in a row, as they would be typed. Upper and lower case, the number and the width of spaces, and quotes make no difference.
    #[serde(rename = "match")]
    pub words: String,
    /// What the witness is to think about.
    pub why: String,
}

/// How a witness answered, or why nobody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LineAnswer {
    Confirmed {
        by: PersonId,
    },
    Denied {
        by: PersonId,
        reason: String,
    },
    /// The line was edited, left, or nobody answered in time.
    Withdrawn,
}

/// A line that waits for a witness, or waited. The last one of a session is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineAsk {
    /// From 1 within the session.
    pub ask: u32,
    /// As the executor's terminal shows it, masked.
    pub line: String,
    /// Of this line, asked at this moment: see [`line_digest`].
    pub digest: Digest,
    /// The words of the plan that were found in it, and why they are dangerous.
    pub words: String,
    pub why: String,
    /// By the recorder's clock: its name for this question.
    pub asked_at: Timestamp,
    /// Nobody answers after this.
    pub until: Timestamp,
    #[serde(default)]
    pub answer: Option<LineAnswer>,
}

impl LineAsk {
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.answer.is_none() && now < self.until
    }
}

/// A line that a witness has confirmed and that no command has accounted for yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmedLine {
    pub line: String,
    pub asked_at: Timestamp,
    pub by: PersonId,
}

/// What a confirmation is bound to: this line, asked at this moment in this session. The same line asked again has another one.
pub fn line_digest(emergency: EmergencyId, session: u32, asked_at: Timestamp, line: &str) -> Digest {
    Digest::of(format!("hikeshi-line-v1\n{emergency}\n{session}\n{asked_at}\n{line}\n").as_bytes())
}

/// The first of these that the text has, with its place in the plan.
pub fn find<'a>(dangerous: &'a [DangerousLine], text: &str) -> Option<(usize, &'a DangerousLine)> {
    let (plain, bare) = (folded(text), bare(text));
    dangerous.iter().enumerate().find(|(_, one)| {
        let (words, bare_words) = (folded(&one.words), self::bare(&one.words));
        (!words.is_empty() && plain.contains(&words)) || (!bare_words.is_empty() && bare.contains(&bare_words))
    })
}

/// What a longer line has before or behind the part that is asked about.
const LEFT_OUT: char = '…';
/// So much behind the dangerous words is shown at least.
const BEHIND_CHARS: usize = 200;

/// What is asked about a line: all of it, or of a longer one the part that has the words.
pub fn excerpt(one: &DangerousLine, line: &str) -> String {
    let signs: Vec<char> = line.chars().collect();
    if signs.len() <= LINE_CHARS_MAX {
        return line.to_owned();
    }
    let part = |from: usize, to: usize| signs.iter().skip(from).take(to.saturating_sub(from)).collect::<String>();
    // As few signs from the beginning as have the words.
    let (mut without, mut with) = (0, signs.len());
    while with - without > 1 {
        let middle = without.midpoint(with);
        match find(std::slice::from_ref(one), &part(0, middle)) {
            Some(_) => with = middle,
            None => without = middle,
        }
    }
    let room = LINE_CHARS_MAX - 2;
    let to = with.saturating_add(BEHIND_CHARS).clamp(room, signs.len());
    let from = to.saturating_sub(room);
    let mark = |left_out: bool| left_out.then_some(LEFT_OUT).into_iter();
    mark(from > 0).chain(part(from, to).chars()).chain(mark(to < signs.len())).collect()
}

/// A line that was asked about, as it is found in the text of a command.
pub(super) fn asked_about(line: &str) -> String {
    folded(line.trim_matches(LEFT_OUT))
}

/// The first of these that the text of a command has beyond the lines that were confirmed.
pub fn unconfirmed<'a, 'l>(
    dangerous: &'a [DangerousLine],
    text: &str,
    confirmed: impl IntoIterator<Item = &'l str>,
) -> Option<&'a DangerousLine> {
    find(dangerous, text)?;
    let mut left = folded(text);
    for line in confirmed {
        let line = asked_about(line);
        // What was on screen may have the prompt before it.
        if line.contains(&left) {
            return None;
        }
        if !line.is_empty() {
            left = left.replacen(&line, " ; ", 1);
        }
    }
    find(dangerous, &left).map(|(_, one)| one)
}

/// One writing for what looks or means the same to a hurried reader: lower case, full-width letters and spaces as plain ones, spaces and
/// line ends as one space, a line that is continued by a backslash as one.
pub fn folded(text: &str) -> String {
    let mut out = String::new();
    let mut signs = text.chars().take(SEARCHED_CHARS_MAX).filter(|sign| !is_unseen(*sign)).peekable();
    while let Some(sign) = signs.next() {
        if sign == '\\' && matches!(signs.peek(), Some('\n' | '\r')) {
            while matches!(signs.peek(), Some('\n' | '\r')) {
                signs.next();
            }
            continue;
        }
        let plain = plain_width(sign);
        if plain.is_whitespace() || plain.is_control() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.extend(plain.to_lowercase());
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The same without what a shell takes away from words: `dr''op` is `drop`.
fn bare(text: &str) -> String {
    let without: String = folded(text).chars().filter(|sign| !matches!(sign, '\'' | '"' | '\\' | '`')).collect();
    folded(&without)
}

fn is_unseen(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// `ＤＲＯＰ` is `DROP`.
fn plain_width(sign: char) -> char {
    match sign {
        '\u{ff01}'..='\u{ff5e}' => u32::from(sign).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(sign),
        _ => sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dangerous() -> Vec<DangerousLine> {
        ["drop table", "rm -rf", "システム 停止"]
            .into_iter()
            .map(|words| DangerousLine { words: words.to_owned(), why: "元に戻せない".to_owned() })
            .collect()
    }

    #[test]
    fn the_words_are_found_however_they_are_spaced_and_written() {
        for text in [
            "drop table rooms",
            "   drop   table rooms",
            "psql -c 'DROP\tTable rooms'",
            "drop\u{3000}table rooms",
            "ＤＲＯＰ ＴＡＢＬＥ rooms",
            "dr\\\nop table rooms",
            "drop \\\n  table rooms",
            "drop\ntable rooms",
            "dr''op \"table\" rooms",
            "dr\\op table rooms",
            "dro\u{200b}p table rooms",
            "bash -c 'rm  -RF /srv'",
            "システム　停止",
        ] {
            assert!(find(&dangerous(), text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn other_lines_are_left_alone() {
        for text in ["", "droptable", "drop the table", "rm -r -f /srv", "ls -la", "table drop"] {
            assert_eq!(find(&dangerous(), text), None, "{text:?}");
        }
        assert_eq!(find(&[DangerousLine { words: " ".to_owned(), why: String::new() }], "anything"), None, "empty words find nothing");
    }

    #[test]
    fn a_confirmed_line_accounts_for_itself_and_for_nothing_else() {
        let dangerous = dangerous();
        let left = |text: &str, confirmed: &[&str]| unconfirmed(&dangerous, text, confirmed.iter().copied()).is_some();
        assert!(left("drop table a", &[]));
        assert!(!left("drop table a", &["drop table a"]));
        assert!(!left("drop table a", &["root@app:~# drop table a"]), "the screen has the prompt before it");
        assert!(left("drop table b", &["drop table a"]));
        assert!(left("drop table a; drop table a", &["drop table a"]), "each confirmation is used once");
        assert!(!left("psql <<E\ndrop table a;\ndrop table b;\nE", &["drop table a;", "drop table b;"]));
    }

    #[test]
    fn of_a_long_line_the_part_with_the_words_is_asked_about_wherever_it_is() {
        let dangerous = dangerous();
        let one = &dangerous[0];
        assert_eq!(excerpt(one, "drop table a"), "drop table a");
        let most = "x".repeat(LINE_CHARS_MAX);
        assert_eq!(excerpt(one, &most), most);
        for (before, behind) in [(0, 5_000), (1_700, 5_000), (5_000, 5_000), (60_000, 0), (3_000, 100)] {
            let line = format!("{} drop table a {}", "あ ".repeat(before / 2), "z".repeat(behind));
            let part = excerpt(one, &line);
            assert!(part.chars().count() <= LINE_CHARS_MAX && part.chars().count() > LINE_CHARS_MAX - 3, "{before} {behind}");
            assert!(find(&dangerous, &part).is_some(), "{before} {behind}: {part}");
            assert_eq!(unconfirmed(&dangerous, &line, [part.as_str()]), None, "it is known again in the whole text");
        }
    }

    #[test]
    fn the_digest_is_of_one_line_at_one_moment_in_one_session() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (id, first, later) = (EmergencyId(3), at("2026-11-22T03:00:00Z"), at("2026-11-22T03:00:01Z"));
        let digest = line_digest(id, 1, first, "drop table a");
        for other in [
            line_digest(EmergencyId(4), 1, first, "drop table a"),
            line_digest(id, 2, first, "drop table a"),
            line_digest(id, 1, later, "drop table a"),
            line_digest(id, 1, first, "drop table b"),
        ] {
            assert_ne!(digest, other);
        }
    }
}
