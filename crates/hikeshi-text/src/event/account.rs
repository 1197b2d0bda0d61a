//! Events of the policy, of accounts, and messages in a channel.

use hikeshi_domain::Timestamp;
use hikeshi_domain::account::{Proof, Token};
use hikeshi_domain::channel::Post;
use hikeshi_domain::chat::Place;
use hikeshi_domain::ids::{Digest, PersonId, TokenId};
use hikeshi_domain::policy::Weakening;

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};
use crate::{Names, label, names, time};

pub(super) fn policy_adopted(lang: Lang, digest: Digest) -> String {
    match lang {
        Ja => format!("ポリシーを適用しました（{}）", digest.short()),
        En => format!("The policy came into force ({})", digest.short()),
    }
}

pub(super) fn policy_proposed(lang: Lang, digest: Digest, weakenings: &[Weakening], known: &Names) -> String {
    let loosens = names::list(lang, weakenings.iter().map(|weakening| label::weakening(lang, weakening, known)));
    match lang {
        Ja => format!("守りを緩めるポリシーの変更が出されました。二人の承認を待ちます（{}）: {loosens}", digest.short()),
        En => format!("A policy change that loosens safeguards was proposed and waits for two approvals ({}): {loosens}", digest.short()),
    }
}

pub(super) fn policy_approved(lang: Lang, digest: Digest) -> String {
    match lang {
        Ja => format!("ポリシーの変更を承認しました（{}）", digest.short()),
        En => format!("Approved the policy change ({})", digest.short()),
    }
}

pub(super) fn policy_rejected(lang: Lang, digest: Digest, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("ポリシーの変更を却下しました（{}）。理由: {reason}", digest.short()),
        En => format!("Rejected the policy change ({}). Reason: {reason}", digest.short()),
    }
}

pub(super) fn link_issued(lang: Lang, person: &PersonId, expires_at: Timestamp, names: &Names) -> String {
    let (who, until) = (names.person(lang, person), time::stamp(lang, names.zone(), expires_at));
    match lang {
        Ja => format!("{who}のサインイン用リンクを発行しました（{until} まで有効）"),
        En => format!("Issued a sign-in link for {who} (valid until {until})"),
    }
}

pub(super) fn signed_in(lang: Lang, person: &PersonId, proof: &Proof, names: &Names) -> String {
    let who = names.person(lang, person);
    match (lang, proof) {
        (Ja, Proof::Link { .. }) => format!("{who}がリンクでサインインしました"),
        (Ja, Proof::Passkey { .. }) => format!("{who}がパスキーでサインインしました"),
        (En, Proof::Link { .. }) => format!("{who} signed in with a link"),
        (En, Proof::Passkey { .. }) => format!("{who} signed in with a passkey"),
    }
}

pub(super) fn signed_out(lang: Lang, person: &PersonId, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}がサインアウトしました"),
        En => format!("{who} signed out"),
    }
}

pub(super) fn passkey_added(lang: Lang, person: &PersonId, label: &str, names: &Names) -> String {
    let (who, label) = (names.person(lang, person), clipped(label, 60));
    match lang {
        Ja => format!("{who}のパスキー「{label}」を登録しました"),
        En => format!("Added the passkey \"{label}\" of {who}"),
    }
}

pub(super) fn passkey_removed(lang: Lang, person: &PersonId, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}のパスキーを削除しました"),
        En => format!("Removed a passkey of {who}"),
    }
}

pub(super) fn token_issued(lang: Lang, person: &PersonId, token: TokenId, record: &Token, names: &Names) -> String {
    let (who, label, until) = (names.person(lang, person), clipped(&record.label, 60), time::stamp(lang, names.zone(), record.expires_at));
    match lang {
        Ja => format!("{who}のAPIトークン {token}「{label}」を発行しました（{until} まで有効）"),
        En => format!("Issued the API token {token} \"{label}\" of {who} (valid until {until})"),
    }
}

pub(super) fn token_revoked(lang: Lang, person: &PersonId, token: TokenId, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}のAPIトークン {token} を失効させました"),
        En => format!("Revoked the API token {token} of {who}"),
    }
}

pub(super) fn posted(lang: Lang, post: &Post, names: &Names) -> String {
    let (channel, words) = (names.channel(&post.channel), crate::post(lang, post, names));
    match lang {
        Ja => format!("{channel} に投稿しました: {words}"),
        En => format!("Posted to {channel}: {words}"),
    }
}

pub(super) fn post_delivered(lang: Lang, place: &Place, names: &Names) -> String {
    let channel = names.channel(&place.channel);
    match lang {
        Ja => format!("{channel} の投稿をチャットに届けました"),
        En => format!("The post of {channel} reached the chat"),
    }
}
