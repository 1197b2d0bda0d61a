//! How a text becomes terms: one way for what is remembered and for what is asked.
//!
//! Widths and cases are folded (what NFKC does to the characters that people type), a long vowel at the end of a katakana word is dropped
//! (サーバー is サーバ), Latin words stand whole and beside their neighbour, Japanese stands as pairs of characters: no dictionary has to know it.

use std::collections::BTreeMap;

use super::same::SameWords;

/// Of one term, in tenths: how much its being there says.
const PAIR: u32 = 10;
const KANJI: u32 = 3;
const WORD: u32 = 12;
const NEIGHBOURS: u32 = 6;
const MEANING: u32 = 30;

/// The mark of a long vowel.
const LONG: char = '\u{30fc}';

/// Five lines: half-width katakana from U+FF66 on as they are written in full; characters that take the mark of voice, and with it;
/// those that take the ring, and with it.
const KANA: &str = include_str!("kana.txt");

fn kana(line: usize) -> &'static str {
    KANA.lines().nth(line).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Kanji,
    Katakana,
    Hiragana,
    Other,
}

fn script(c: char) -> Script {
    match c {
        'a'..='z' | '0'..='9' => Script::Latin,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{3005}' => Script::Kanji,
        '\u{30a1}'..='\u{30fa}' | LONG => Script::Katakana,
        '\u{3041}'..='\u{309f}' => Script::Hiragana,
        _ => Script::Other,
    }
}

fn counterpart(c: char, from: &str, to: &str) -> Option<char> {
    from.chars().zip(to.chars()).find(|(known, _)| *known == c).map(|(_, other)| other)
}

/// Full width, half width and capitals are one.
pub(super) fn folded(text: &str) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars() {
        let number = u32::from(c);
        match c {
            '\u{ff01}'..='\u{ff5e}' => out.extend(char::from_u32(number - 0xfee0).unwrap_or(c).to_lowercase()),
            '\u{3000}' => out.push(' '),
            '\u{ff66}'..='\u{ff9d}' => {
                let at = usize::try_from(number - 0xff66).unwrap_or(usize::MAX);
                out.push(kana(0).chars().nth(at).unwrap_or(c));
            }
            '\u{ff9e}' | '\u{309b}' | '\u{3099}' => mark(&mut out, kana(1), kana(2)),
            '\u{ff9f}' | '\u{309c}' | '\u{309a}' => mark(&mut out, kana(3), kana(4)),
            _ => out.extend(c.to_lowercase()),
        }
    }
    let mut kept = Vec::with_capacity(out.len());
    for (at, c) in out.iter().enumerate() {
        let ends_word = *c == LONG && out.get(at + 1).is_none_or(|next| script(*next) != Script::Katakana);
        if !ends_word {
            kept.push(*c);
        }
    }
    kept
}

/// A sound mark that follows its character becomes one with it.
fn mark(out: &mut [char], from: &str, to: &str) {
    if let Some(last) = out.last_mut() {
        *last = counterpart(*last, from, to).unwrap_or(*last);
    }
}

/// `restarted`, `restarts` and `restart` are one word.
fn stem(word: &str) -> &str {
    for (end, left) in [("ing", 4), ("ied", 3), ("ies", 3), ("ed", 4), ("es", 4), ("s", 3)] {
        if let Some(stem) = word.strip_suffix(end).filter(|stem| stem.len() >= left && !stem.ends_with('s')) {
            return stem;
        }
    }
    word
}

/// The terms of a text with their weights in tenths.
pub(super) fn terms(text: &str, same: &SameWords) -> BTreeMap<String, u32> {
    let chars = folded(text);
    let mut terms = BTreeMap::new();
    let mut add = |term: String, weight: u32| {
        let sum: &mut u32 = terms.entry(term).or_default();
        *sum = sum.saturating_add(weight);
    };
    latin(&chars, &mut add);
    for pair in chars.windows(2) {
        let &[left, right] = pair else { continue };
        let scripts = [script(left), script(right)];
        let japanese = scripts.iter().all(|script| !matches!(script, Script::Latin | Script::Other));
        // Two hiragana are grammar nearly always.
        if japanese && scripts != [Script::Hiragana, Script::Hiragana] {
            add([left, right].iter().collect(), PAIR);
        }
    }
    for c in chars.iter().filter(|c| script(**c) == Script::Kanji) {
        add(c.to_string(), KANJI);
    }
    for meaning in same.meanings(&chars) {
        add(format!("={meaning}"), MEANING);
    }
    terms
}

fn latin(chars: &[char], add: &mut impl FnMut(String, u32)) {
    let text: String = chars.iter().map(|c| if script(*c) == Script::Latin { *c } else { ' ' }).collect();
    let mut before: Option<&str> = None;
    for word in text.split_whitespace().map(stem) {
        if is_filler(word) {
            continue;
        }
        add(word.to_owned(), WORD);
        if let Some(before) = before {
            add(format!("{before} {word}"), NEIGHBOURS);
        }
        before = Some(word);
    }
}

/// English words that carry nothing, and single letters.
fn is_filler(word: &str) -> bool {
    const FILLERS: [&str; 32] = [
        "a", "an", "and", "are", "at", "be", "been", "by", "do", "for", "from", "had", "has", "have", "in", "is", "it", "its", "not", "of",
        "on", "or", "that", "the", "their", "then", "this", "to", "was", "were", "when", "with",
    ];
    FILLERS.contains(&word) || (word.len() == 1 && !word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str) -> String {
        folded(given).into_iter().collect()
    }

    #[test]
    fn widths_cases_and_long_vowels_are_one() {
        assert_eq!(text("ＡＰＩサーバー"), "apiサーバ");
        assert_eq!(text("ｻｰﾊﾞｰ ﾊﾟｽﾜｰﾄﾞ"), "サーバ パスワード");
        assert_eq!(text("データベース"), "データベース");
    }

    #[test]
    fn japanese_stands_as_pairs_and_grammar_does_not() {
        let terms = terms("予約できない API timeouts", &SameWords::new(&[]));
        assert!(terms.contains_key("予約") && terms.contains_key("api") && terms.contains_key("timeout"), "{terms:?}");
        assert!(!terms.contains_key("でき") && !terms.contains_key("ない"), "{terms:?}");
    }
}
