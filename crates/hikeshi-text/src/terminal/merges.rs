//! What the command line says of incidents that became one, or two.

use hikeshi_domain::ids::IncidentId;

use super::two;
use crate::Lang;

pub fn word_merged(lang: Lang) -> String {
    two(lang, "統合先", "merged into")
}

pub fn word_absorbed(lang: Lang) -> String {
    two(lang, "統合した", "merged in")
}

pub fn word_split(lang: Lang) -> String {
    two(lang, "分割先", "split off")
}

pub fn word_split_from(lang: Lang) -> String {
    two(lang, "分割元", "split from")
}

/// The one that was taken in is the more serious one.
pub fn merged_worse(lang: Lang, (gone, was): (IncidentId, &str), (other, is): (IncidentId, &str)) -> String {
    two(
        lang,
        format!("{gone} は {was}、{other} は {is} です。必要なら優先度を上げてください: hikeshi incident triage {other} …"),
        format!("{gone} was {was}, and {other} is {is}. Raise it if need be: hikeshi incident triage {other} …"),
    )
}
