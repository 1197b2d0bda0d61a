//! How much two texts have in common. Plain on purpose: whoever reads a finding can follow the count.

use std::collections::BTreeSet;

/// Characters of a text that are compared.
const CHARS_MAX: usize = 2_000;
/// Shorter texts say too little to be alike: they are the same or they are not.
const PAIRS_MIN: usize = 6;

/// In percent: pairs of neighbouring letters that both have, twice, by the pairs of both (Dice). Case, width, spaces and signs do not count.
pub fn likeness(one: &str, other: &str) -> u32 {
    let (one, other) = (letters(one), letters(other));
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    if one == other {
        return 100;
    }
    let (one, other) = (pairs(&one), pairs(&other));
    if one.len() < PAIRS_MIN || other.len() < PAIRS_MIN {
        return 0;
    }
    let shared = one.intersection(&other).count();
    u32::try_from(shared * 200 / (one.len() + other.len())).unwrap_or(100)
}

fn letters(text: &str) -> Vec<char> {
    let narrow = |c: char| match u32::from(c) {
        // Full-width forms of ASCII.
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(narrow).flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).take(CHARS_MAX).collect()
}

fn pairs(letters: &[char]) -> BTreeSet<(char, char)> {
    letters.iter().copied().zip(letters.iter().copied().skip(1)).collect()
}
