//! Announcements about the workspace itself: sign-in links and the policy.

use hikeshi_domain::ids::{Digest, PersonId};
use hikeshi_domain::people::Actor;

use crate::Lang::{self, En, Ja};
use crate::Names;

/// Public, so that nobody borrows a name unnoticed.
pub(super) fn link_issued(lang: Lang, person: &PersonId, by: &Actor, names: &Names) -> String {
    let (who, by) = (names.person(lang, person), crate::actor(lang, by, names));
    match lang {
        Ja => format!("{who}のサインイン用リンクが発行されました（発行: {by}）。心当たりがなければ、管理者に知らせてください。"),
        En => format!("A sign-in link for {who} was issued by {by}. If you did not expect it, tell an administrator."),
    }
}

pub(super) fn policy_awaits(lang: Lang, digest: Digest) -> String {
    let digest = digest.short();
    match lang {
        Ja => format!("守りを緩めるポリシーの変更（{digest}）が承認を待っています。変更した人以外の二人の承認が必要です。"),
        En => format!("A policy change that loosens safeguards ({digest}) waits for two people other than its author."),
    }
}

pub(super) fn policy_adopted(lang: Lang, digest: Digest) -> String {
    let digest = digest.short();
    match lang {
        Ja => format!("ポリシーの変更（{digest}）が適用されました。"),
        En => format!("The policy change ({digest}) is now in force."),
    }
}
