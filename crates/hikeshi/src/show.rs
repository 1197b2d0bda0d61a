//! How answers are printed: data on stdout, hints and errors on stderr, colour only on a terminal, one versioned envelope for `--json`.

use hikeshi_text::{Lang, Names, Sentence, terminal};
use serde::Serialize;
use serde_json::json;

use crate::fail::Failure;

/// Version of the `--json` envelope.
pub const JSON_VERSION: u8 = 1;

pub struct Out {
    pub lang: Lang,
    pub json: bool,
}

impl Out {
    pub fn new(lang: Lang, json: bool) -> Self {
        Self { lang, json }
    }

    /// The answer: `{"v":1,"data":…}`, or the words of `human`.
    pub fn data<T: Serialize>(&self, data: &T, human: impl FnOnce() -> String) {
        if self.json {
            line(&json!({"v": JSON_VERSION, "data": data}).to_string());
        } else {
            line(human().trim_end_matches('\n'));
        }
    }

    /// Something for the reader beside the answer. Silent with `--json`.
    pub fn hint(&self, text: &str) {
        if !self.json {
            anstream::eprintln!("{text}");
        }
    }

    /// What nobody may overlook, also beside JSON: it is on stderr.
    pub fn warn(&self, text: &str) {
        anstream::eprintln!("{} {text}", paint(RED, terminal::mark_bad()));
    }

    pub fn failure(&self, failure: &Failure) {
        let code = failure.code();
        if let Failure::Said(_) = failure {
            return;
        }
        let (sentence, refusal) = self.words(failure);
        if self.json {
            let mut error =
                json!({"exit": code as u8, "name": code.name(), "what": sentence.what, "why": sentence.why, "next": sentence.next});
            if let (Some((refusal, seq)), Some(error)) = (refusal, error.as_object_mut()) {
                error.insert("rule".to_owned(), json!(refusal.rule()));
                error.insert("code".to_owned(), json!(refusal.code()));
                error.insert("refusal".to_owned(), json!(refusal));
                error.insert("seq".to_owned(), json!(seq));
            }
            line(&json!({"v": JSON_VERSION, "error": error}).to_string());
            return;
        }
        let mut text = format!("{} {}", paint(RED, terminal::mark_bad()), sentence.what);
        for part in [&sentence.why, &sentence.next] {
            if !part.is_empty() {
                text.push_str(&format!("\n  {part}"));
            }
        }
        if let Some((refusal, seq)) = refusal {
            text.push_str(&format!("\n  {}", paint(DIM, &terminal::refused_by(self.lang, refusal.rule(), refusal.code(), seq))));
        }
        anstream::eprintln!("{text}");
    }

    fn words<'f>(&self, failure: &'f Failure) -> (Sentence, Option<(&'f hikeshi_domain::refusal::Refusal, Option<u64>)>) {
        let sentence = match failure {
            Failure::Refused { refusal, seq } => {
                return (hikeshi_text::refusal(self.lang, refusal, &Names::default()), Some((refusal, *seq)));
            }
            Failure::Interrupted => Sentence::new(terminal::interrupted(self.lang)),
            Failure::SignIn(text) => Sentence::new(text).next(terminal::sign_in_how(self.lang)),
            Failure::Unreachable(text) => Sentence::new(text).next(terminal::unreachable_how(self.lang)),
            Failure::Failed(text)
            | Failure::Usage(text)
            | Failure::NotFound(text)
            | Failure::Waiting(text)
            | Failure::StepFailed(text)
            | Failure::TimedOut(text) => Sentence::new(text),
            Failure::Said(_) => Sentence::default(),
        };
        (sentence, None)
    }
}

/// A closed pipe is the reader's choice, so it ends nothing.
pub fn line(text: &str) {
    use std::io::Write as _;
    if let Err(error) = writeln!(anstream::stdout(), "{text}") {
        tracing::debug!("the answer was not read to its end: {error}");
    }
}

pub const RED: &str = "\x1b[31m";
pub const GREEN: &str = "\x1b[32m";
pub const BOLD: &str = "\x1b[1m";
pub const DIM: &str = "\x1b[2m";

/// Colours a text; the stream takes the colour out again where there is no terminal or `NO_COLOR` is set.
pub fn paint(style: &str, text: &str) -> String {
    format!("{style}{text}\x1b[0m")
}

/// Width in columns: what is not ASCII or half-width counts two, as terminals draw Japanese.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { usize::from(!c.is_control()) }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

/// Rows under their headings, each column as wide as its widest cell.
pub fn table(headings: &[String], rows: &[Vec<String>]) -> String {
    let most = rows.iter().map(Vec::len).chain([headings.len()]).max().unwrap_or_default();
    let mut widths = vec![0; most];
    for row in rows.iter().map(Vec::as_slice).chain([headings]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let mut out = String::new();
    let mut push = |cells: &[String], style: Option<&str>| {
        let mut text = String::new();
        for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            text.push_str(cell);
            if index + 1 < cells.len() {
                text.push_str(&" ".repeat(width.saturating_sub(columns(cell)) + 2));
            }
        }
        match style {
            Some(style) => out.push_str(&paint(style, text.trim_end())),
            None => out.push_str(text.trim_end()),
        }
        out.push('\n');
    };
    if !headings.is_empty() {
        push(headings, Some(DIM));
    }
    for row in rows {
        push(row, None);
    }
    out
}

/// Names and values, the values in one column.
pub fn pairs(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in rows {
        let pad = " ".repeat(width.saturating_sub(columns(name)) + 2);
        let mut lines = value.lines();
        out.push_str(&format!("{}{pad}{}\n", paint(DIM, name), lines.next().unwrap_or_default()));
        for line in lines {
            out.push_str(&format!("{}{line}\n", " ".repeat(width + 2)));
        }
    }
    out
}
