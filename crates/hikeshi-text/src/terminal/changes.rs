//! What the command line says of changes.

use hikeshi_domain::change::{Change, What};

use super::two;
use crate::{Lang, Names, label};

pub fn changes_heading(lang: Lang) -> String {
    two(lang, "直前の変更（検知の24時間前から）:", "What changed (from 24 hours before detection):")
}

pub fn no_changes(lang: Lang) -> String {
    two(lang, "記録された変更はありません。", "No change is on record.")
}

pub fn changes_unlisted(lang: Lang, more: u64) -> String {
    two(lang, format!("  ほか{more}件"), format!("  {more} more"))
}

/// When, what, where, who and the link of one change.
pub fn change_cells(lang: Lang, change: &Change, names: &Names, now: hikeshi_domain::Timestamp) -> Vec<String> {
    let link = if let What::Told { link: Some(link), .. } = &change.what { crate::plain::one_line(link) } else { String::new() };
    vec![
        super::moment(lang, names.zone(), change.at, now),
        label::change(lang, change, names),
        label::change_place(change, names),
        crate::actor(lang, &change.by, names),
        link,
    ]
}
