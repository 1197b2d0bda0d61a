//! Announcements of what was published.

use hikeshi_domain::status::PublicState;

use crate::Lang::{self, En, Ja};
use crate::label;

pub(super) fn published(lang: Lang, state: PublicState, by_hand: bool) -> String {
    let state = label::public_state(lang, state);
    match (lang, by_hand) {
        (Ja, true) => format!("ステータスページに公開しました（{state}）。"),
        (En, true) => format!("Published on the status page ({state})."),
        (Ja, false) => format!("ステータスページに、復旧したことを自動で公開しました（{state}）。詳しい説明は、続けて公開できます。"),
        (En, false) => format!("The status page now says that service is back ({state}). More can be published after it."),
    }
}
