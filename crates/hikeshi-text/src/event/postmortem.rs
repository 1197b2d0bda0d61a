//! Events of postmortems (rule I8).

use hikeshi_domain::postmortem::PostmortemEvent;

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};

pub(super) fn said(lang: Lang, event: &PostmortemEvent) -> String {
    match event {
        PostmortemEvent::Written { items, reason, incident: _, content: _, by: _, effect: _ } => written(lang, items.len(), reason),
        PostmortemEvent::Filed { file, incident: _, digest: _ } => match lang {
            Ja => format!("ポストモーテムを書き出しました（{}）", one_line(file)),
            En => format!("Filed the postmortem ({})", one_line(file)),
        },
        PostmortemEvent::Unfiled { detail, incident: _ } => match lang {
            Ja => format!("ポストモーテムを書き出せませんでした: {}", clipped(detail, 300)),
            En => format!("The postmortem could not be filed: {}", clipped(detail, 300)),
        },
        PostmortemEvent::Imported { file, found, digest: _ } => {
            let (file, title) = (one_line(file), one_line(&found.title));
            match lang {
                Ja => format!("過去のポストモーテム「{title}」を取り込みました（{file}）"),
                En => format!("Imported the past postmortem \"{title}\" ({file})"),
            }
        }
    }
}

fn written(lang: Lang, items: usize, reason: &str) -> String {
    let reason = one_line(reason);
    match (lang, reason.is_empty()) {
        (Ja, true) => format!("ポストモーテムを書きました（再発防止策 {items}件）"),
        (Ja, false) => format!("ポストモーテムを書き直しました（加えた再発防止策 {items}件）。理由: {reason}"),
        (En, true) => format!("Wrote the postmortem ({items} prevention item(s))"),
        (En, false) => format!("Amended the postmortem ({items} prevention item(s) added). Reason: {reason}"),
    }
}
