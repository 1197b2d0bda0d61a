//! Words that mean the same to those who run services, in Japanese and English: a small list, and the team's own beside it.
//!
//! Each row is one meaning; the rows are in `same_words.txt`.

use std::collections::{BTreeMap, BTreeSet};

use super::words::folded;

/// Built in. Written before there was any incident to find, and changed for the vocabulary's sake only.
const ROWS: &str = include_str!("same_words.txt");

#[derive(Debug)]
struct Spelling {
    chars: Vec<char>,
    meaning: usize,
}

/// All rows, to be found in a text in one pass.
#[derive(Debug)]
pub(super) struct SameWords {
    /// By first character, longest first.
    by_first: BTreeMap<char, Vec<Spelling>>,
}

impl SameWords {
    pub(super) fn new(own: &[Vec<String>]) -> Self {
        let rows = ROWS.lines().filter(|line| !line.starts_with('#'));
        let built_in = rows.map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>());
        let mut by_first: BTreeMap<char, Vec<Spelling>> = BTreeMap::new();
        for (meaning, row) in built_in.chain(own.iter().cloned()).enumerate() {
            for chars in row.iter().map(|word| folded(word.trim())) {
                if let Some(first) = chars.first() {
                    by_first.entry(*first).or_default().push(Spelling { chars, meaning });
                }
            }
        }
        for list in by_first.values_mut() {
            list.sort_by_key(|spelling| std::cmp::Reverse(spelling.chars.len()));
        }
        Self { by_first }
    }

    /// The meanings in a folded text, each once.
    pub(super) fn meanings(&self, text: &[char]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for (at, first) in text.iter().enumerate() {
            let Some(list) = self.by_first.get(first) else { continue };
            let rest = text.get(at..).unwrap_or_default();
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            // Of words with one beginning the longest is meant: ログイン is no ログ.
            let mut here = list.iter().filter(|spelling| stands(spelling, before, rest)).peekable();
            let longest = here.peek().map(|spelling| spelling.chars.len()).unwrap_or_default();
            found.extend(here.take_while(|spelling| spelling.chars.len() == longest).map(|spelling| spelling.meaning));
        }
        found
    }
}

/// A Latin word only as a whole, or with an ending; a short katakana word only where one begins: プログラム is no ログ.
fn stands(spelling: &Spelling, before: Option<&char>, rest: &[char]) -> bool {
    let Some(after) = rest.strip_prefix(spelling.chars.as_slice()) else { return false };
    let is_latin = |c: &char| c.is_ascii_alphanumeric();
    if !spelling.chars.iter().all(char::is_ascii) {
        let is_katakana = |c: &char| ('\u{30a1}'..='\u{30fc}').contains(c);
        let short = spelling.chars.len() <= 3 && spelling.chars.iter().all(is_katakana);
        return !short || before.is_none_or(|before| !is_katakana(before));
    }
    let tail: String = after.iter().take_while(|c| is_latin(c)).collect();
    before.is_none_or(|before| !is_latin(before)) && ["", "s", "es", "d", "ed", "ing"].contains(&tail.as_str())
}
