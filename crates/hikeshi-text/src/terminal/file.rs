//! Mistakes of `hikeshi.toml`, as `hikeshi check` says them: a title, the words beside the caret, what is allowed.

use super::two;
use crate::Lang;

pub fn file_unreadable(lang: Lang, file: &str, detail: &str) -> String {
    two(lang, format!("{file} を読めません: {detail}\n"), format!("{file} cannot be read: {detail}\n"))
}

pub fn toml_syntax(lang: Lang) -> String {
    two(lang, "TOML の書き方に誤りがあります", "this is not valid TOML")
}

pub fn unknown_key(lang: Lang, key: &str) -> String {
    two(lang, format!("「{key}」という項目はありません"), format!("there is no key `{key}`"))
}

pub fn missing_key(lang: Lang, key: &str) -> String {
    two(lang, format!("「{key}」がありません"), format!("`{key}` is missing"))
}

pub fn add_here(lang: Lang, key: &str) -> String {
    two(lang, format!("ここに {key} を書いてください"), format!("write `{key}` here"))
}

pub fn did_you_mean(lang: Lang, nearest: &str) -> String {
    two(lang, format!("「{nearest}」ではありませんか"), format!("did you mean `{nearest}`?"))
}

pub fn not_known_here(lang: Lang) -> String {
    two(lang, "ここでは使えません", "not known here")
}

pub fn here(lang: Lang) -> String {
    two(lang, "ここです", "here")
}

pub fn allowed_are(lang: Lang, allowed: &[String]) -> String {
    two(lang, format!("使えるもの: {}", allowed.join("、")), format!("allowed here: {}", allowed.join(", ")))
}

pub fn wrong_type(lang: Lang) -> String {
    two(lang, "値の種類が違います", "this value has the wrong type")
}

fn type_name(lang: Lang, name: &str) -> String {
    let (ja, en) = match name {
        "string" => ("文字列（\"…\"）", "a text (\"…\")"),
        "integer" => ("整数", "a whole number"),
        "number" => ("数", "a number"),
        "boolean" => ("true か false", "true or false"),
        "array" => ("並び（[ … ]）", "a list ([ … ])"),
        "object" => ("表（[section] または { … }）", "a table ([section] or { … })"),
        "datetime" => ("日時", "a date or time"),
        other => (other, other),
    };
    two(lang, ja, en)
}

pub fn wanted_given(lang: Lang, wanted: &str, given: &str) -> String {
    let (wanted, given) = (type_name(lang, wanted), type_name(lang, given));
    two(lang, format!("{wanted}を書いてください（今は{given}）"), format!("write {wanted}; this is {given}"))
}

pub fn not_one_of(lang: Lang, given: &str) -> String {
    two(lang, format!("「{given}」は選べません"), format!("`{given}` is not one of the choices"))
}

pub fn bad_name(lang: Lang, given: &str) -> String {
    two(lang, format!("「{given}」は名前に使えません"), format!("`{given}` cannot be used as a name"))
}

pub fn name_form(lang: Lang) -> String {
    two(
        lang,
        "英小文字・数字・- _ . で 40 文字まで、先頭は英小文字か数字です",
        "lower case letters, digits, - _ . ; at most 40; the first one a letter or digit",
    )
}

/// A date or a time of day that is none.
pub fn bad_form(lang: Lang, given: &str) -> String {
    two(lang, format!("「{given}」を読み取れません"), format!("`{given}` cannot be read"))
}

pub fn written_like(lang: Lang, like: &str) -> String {
    two(lang, format!("次のように書いてください: {like}"), format!("write it like this: {like}"))
}

pub fn out_of_range(lang: Lang, given: &str) -> String {
    two(lang, format!("{given} は範囲の外です"), format!("{given} is out of range"))
}

pub fn range(lang: Lang, min: Option<&str>, max: Option<&str>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => two(lang, format!("{min} から {max} までです"), format!("from {min} to {max}")),
        (Some(min), None) => two(lang, format!("{min} 以上です"), format!("at least {min}")),
        (None, Some(max)) => two(lang, format!("{max} 以下です"), format!("at most {max}")),
        (None, None) => here(lang),
    }
}

pub fn not_readable(lang: Lang) -> String {
    two(lang, "この部分を読み取れません", "this part cannot be understood")
}

pub fn bad_listen(lang: Lang) -> String {
    two(lang, "アドレスとポートです（例 127.0.0.1:7410）", "an address and a port, such as 127.0.0.1:7410")
}

pub fn bad_public_url(lang: Lang) -> String {
    two(lang, "https:// から始まる完全な URL です（例 https://hikeshi.example.jp）", "a whole address, such as https://hikeshi.example.jp")
}

pub fn bad_database(lang: Lang) -> String {
    two(lang, "sqlite:ファイル名 か postgres://… です", "`sqlite:path` or `postgres://…`")
}

pub fn mistakes_total(lang: Lang, count: usize, file: &str) -> String {
    two(
        lang,
        format!("{file}: 誤りが {count} 件あります。"),
        format!("{file}: {count} {} to correct.", if count == 1 { "mistake" } else { "mistakes" }),
    )
}

pub fn file_good(lang: Lang, file: &str, people: usize, targets: usize) -> String {
    two(
        lang,
        format!("{file}: 誤りはありません（{people} 人、対象 {targets} 件）。"),
        format!("{file}: no mistakes ({people} people, {targets} targets)."),
    )
}
