//! Events of changes that somebody told of (rule I7).

use hikeshi_domain::change::{ChangeEvent, What};

use crate::Lang::{self, En, Ja};
use crate::{Names, label, plain, time};

pub(super) fn said(lang: Lang, event: &ChangeEvent, names: &Names) -> String {
    let ChangeEvent::Told { change } = event;
    let (title, place, when) =
        (label::change(lang, change, names), label::change_place(change, names), time::stamp(lang, names.zone(), change.at));
    let link = if let What::Told { link: Some(link), .. } = &change.what { format!(" {}", plain::one_line(link)) } else { String::new() };
    match (lang, place.is_empty()) {
        (Ja, false) => format!("変更の知らせ（{place}、{when}）: {title}{link}"),
        (Ja, true) => format!("変更の知らせ（{when}）: {title}{link}"),
        (En, false) => format!("Change ({place}, {when}): {title}{link}"),
        (En, true) => format!("Change ({when}): {title}{link}"),
    }
}
