//! What must not be written, and where what people read must be written.

use regex::Regex;

use crate::Findings;
use crate::tree::{File, Tree};

/// Pieces, so that this file does not contain what it forbids.
const UNFINISHED: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("unimplemented", "!("), ("todo", "!("), ("lorem", " ipsum")];
/// Places of one machine.
const MACHINE: &[(&str, &str)] =
    &[("/ro", "ot/"), ("/wo", "rk/"), ("/ho", "me/"), ("/var/tmp", "/h"), ("registry.", "npmjs.org"), ("index.", "crates.io")];

pub fn forbidden(tree: &Tree) -> anyhow::Result<Findings> {
    let words: Vec<String> = UNFINISHED.iter().chain(MACHINE).map(|(a, b)| format!("{a}{b}")).collect();
    let mut findings = Findings::new();
    for file in tree.files.iter().filter(|file| file.path != "LICENSE") {
        for (number, line) in file.text.lines().enumerate() {
            findings
                .extend(words.iter().filter(|word| contains_word(line, word)).map(|word| format!("{}:{}: {word}", file.path, number + 1)));
        }
    }
    Ok(findings)
}

/// Whether `word` stands in the line by itself: a longer identifier that contains it, or a longer path around it, is another word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let joined = before
            .is_some_and(|c| c.is_alphanumeric() || c == '_' || (word.starts_with('/') && matches!(c, '.' | '}' | '$' | '-' | '>' | '*')));
        !joined
    })
}

/// Japanese belongs to `hikeshi-text`. Elsewhere it may stand in comments and tests.
pub fn voice(tree: &Tree) -> anyhow::Result<Findings> {
    let japanese = Regex::new(r"[\p{Hiragana}\p{Katakana}\p{Han}]")?;
    let speaks = |file: &&File| {
        // The rehearsal is a stage and the API document shows examples: their people and files are data, not words of the program.
        let apart = ["crates/hikeshi-text/", "crates/hikeshi/src/rehearsal/", "crates/hikeshi-web/src/api/document.rs"]
            .iter()
            .any(|room| file.path.starts_with(room));
        let product = file.path.starts_with("crates/") && !apart;
        product && (file.is("rs") || file.is("html") || (file.is("js") && file.path.contains("/src/")))
    };
    let mut findings = Findings::new();
    for file in tree.files.iter().filter(speaks).filter(|file| !tree.is_test(file)) {
        for (number, line) in file.before_tests().lines().enumerate() {
            if japanese.is_match(line) && !line.trim_start().starts_with("//") {
                findings.push(format!("{}:{}: a sentence outside hikeshi-text: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    Ok(findings)
}
