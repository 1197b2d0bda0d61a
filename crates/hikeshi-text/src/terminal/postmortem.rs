//! Postmortems and past incidents on the command line.

use super::two;
use crate::Lang;
use crate::plain::one_line;

pub fn no_postmortem(lang: Lang, id: &str) -> String {
    two(
        lang,
        format!("{id} のポストモーテムはまだ書かれていません。ひな形: hikeshi incident postmortem {id} --template > postmortem.toml"),
        format!("The postmortem of {id} is not written yet. A template: hikeshi incident postmortem {id} --template > postmortem.toml"),
    )
}

pub fn similar_heading(lang: Lang) -> String {
    two(lang, "似た過去のインシデント:", "Similar past incidents:")
}

pub fn no_similar(lang: Lang) -> String {
    two(lang, "似た過去のインシデントは見つかりませんでした。", "No similar past incident was found.")
}

pub fn similar_what(lang: Lang) -> String {
    two(lang, "番号か --text のどちらかを指定してください。", "Give a number or --text.")
}

/// What solved it, on its own line.
pub fn solved_by(lang: Lang, how: &str) -> String {
    let how = crate::plain::clipped(how, 200);
    match (lang, how.is_empty()) {
        (Lang::Ja, true) => "復旧の方法: 記録がありません".to_owned(),
        (Lang::Ja, false) => format!("復旧の方法: {how}"),
        (Lang::En, true) => "What solved it: not on record".to_owned(),
        (Lang::En, false) => format!("What solved it: {how}"),
    }
}

/// One imported file; `kept` are headings whose text was kept as it was.
pub fn imported(lang: Lang, file: &str, title: &str, new: bool, kept: &[String]) -> String {
    let (file, title) = (one_line(file), one_line(title));
    let kept = kept.iter().map(|heading| one_line(heading)).collect::<Vec<_>>().join(", ");
    let done = match (lang, new) {
        (Lang::Ja, true) => format!("{file}: 「{title}」を取り込みました"),
        (Lang::Ja, false) => format!("{file}: 「{title}」はすでに取り込まれています"),
        (Lang::En, true) => format!("{file}: imported \"{title}\""),
        (Lang::En, false) => format!("{file}: \"{title}\" was imported before"),
    };
    match (lang, kept.is_empty()) {
        (_, true) => done,
        (Lang::Ja, false) => format!("{done}\n  見出しを解釈できず、本文としてそのまま残した部分: {kept}"),
        (Lang::En, false) => format!("{done}\n  Kept as plain text, under headings that are not understood: {kept}"),
    }
}
