//! What the team's chat shows: the card of an exception, its buttons, the forms behind them, and why something could not be said there.
//!
//! Words only. How they become blocks, and how long a block may be, is known to the hands.

mod page;

use hikeshi_domain::chat::{Card, ChatOrder, ChatTrouble, Seal};
use hikeshi_domain::emergency::Status;
use hikeshi_domain::ids::{Digest, EmergencyId};

use crate::Lang::{self, En, Ja};
use crate::label::{self, both};
use crate::plain::{clipped, one_line};
use crate::{Names, Sentence, names, time};

pub use page::{page_arrived, page_body, settled, take_page, taken_by, yours};

/// The card of an exception, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardText {
    pub head: String,
    /// How it stands, with who and when.
    pub state: String,
    /// Name and value, in the order in which they are read.
    pub rows: Vec<(String, String)>,
    /// What is asked of those who are called; empty when nothing is.
    pub asks: String,
    /// Whether approving and declining are still offered.
    pub open: bool,
}

pub fn card(lang: Lang, card: &Card, names: &Names) -> CardText {
    let head = match lang {
        Ja => format!("緊急例外 {}: {}", card.emergency, one_line(&card.title)),
        En => format!("Emergency exception {}: {}", card.emergency, one_line(&card.title)),
    };
    CardText {
        head,
        state: state(lang, card, names),
        rows: rows(lang, card, names),
        asks: asks(lang, card),
        open: card.status == Status::Requested,
    }
}

fn rows(lang: Lang, card: &Card, names: &Names) -> Vec<(String, String)> {
    let row = |ja, en, value: String| (both(lang, (ja, en)).to_owned(), value);
    let target = format!("{} / {} / {}", one_line(&card.service), one_line(&card.environment), card.target);
    vec![
        row("起きていること", "What burns", format!("{} {}", card.incident, one_line(&card.title))),
        row("対象", "Target", target),
        row("必要な対応", "Response", one_line(&card.summary)),
        row("通常のデプロイを使えない理由", "Why not the normal flow", one_line(&card.reason)),
        row("申請者", "Requested by", names.person(lang, &card.requester)),
        row("実行者", "Executor", names.person(lang, &card.executor)),
        row("計画", "Plan", plan(lang, card.digest, card.revision)),
    ]
}

fn plan(lang: Lang, digest: Digest, revision: u32) -> String {
    let digest = digest.short();
    match lang {
        Ja => format!("{digest}（第{revision}版）"),
        En => format!("{digest} (revision {revision})"),
    }
}

fn asks(lang: Lang, card: &Card) -> String {
    if card.status != Status::Requested {
        return String::new();
    }
    let because = names::list(lang, card.requirement.because.iter().map(ToString::to_string));
    match (lang, card.requirement.every_role, because.is_empty()) {
        (Ja, false, _) => "計画を読んで、承認か却下をしてください。".to_owned(),
        (Ja, true, true) => "計画を読んで、承認か却下をしてください。すべての承認役割の承認が必要です。".to_owned(),
        (Ja, true, false) => {
            format!(
                "計画を読んで、承認か却下をしてください。以前の事後処理（{because}）が期限を過ぎているため、すべての承認役割の承認が必要です。"
            )
        }
        (En, false, _) => "Please read the plan, and approve or decline it.".to_owned(),
        (En, true, true) => "Please read the plan, and approve or decline it. Every approver role must approve.".to_owned(),
        (En, true, false) => {
            format!(
                "Please read the plan, and approve or decline it. Follow-up is overdue ({because}), so every approver role must approve."
            )
        }
    }
}

/// How it stands, and since when through whom.
fn state(lang: Lang, card: &Card, names: &Names) -> String {
    let at = |at| time::stamp(lang, names.zone(), at);
    let mut parts = vec![label::emergency_status(lang, card.status).to_owned()];
    for consent in &card.approvals {
        let (who, when) = (names.person(lang, &consent.by), at(consent.at));
        parts.push(match lang {
            Ja => format!("{who}が承認（{when}）"),
            En => format!("approved by {who} ({when})"),
        });
    }
    if let Some(started) = card.started_at {
        parts.push(match lang {
            Ja => format!("{} に開始", at(started)),
            En => format!("started {}", at(started)),
        });
    }
    if let Some(hold) = &card.hold {
        let (who, why) = (names.person(lang, &hold.by), clipped(&hold.reason, 200));
        parts.push(match lang {
            Ja => format!("{who}が停止中（{why}）"),
            En => format!("held by {who} ({why})"),
        });
    }
    if let Some(closed) = card.closed_at {
        parts.push(ended(lang, card, &at(closed), names));
    }
    parts.join(match lang {
        Ja => "／",
        En => " / ",
    })
}

fn ended(lang: Lang, card: &Card, at: &str, names: &Names) -> String {
    let who = card.ended_by.as_ref().map(|by| names.person(lang, by)).unwrap_or_default();
    let why = card.end_reason.as_deref().map(|reason| clipped(reason, 200)).unwrap_or_default();
    let ending = card.ending.map(|ending| label::ending(lang, ending)).unwrap_or_default();
    match (lang, who.is_empty(), ending.is_empty()) {
        (Ja, false, _) => format!("{at} {who}: {why}"),
        (En, false, _) => format!("{at}, {who}: {why}"),
        (Ja, true, false) => format!("{at} に終了（{ending}）"),
        (En, true, false) => format!("closed {at} ({ending})"),
        (_, true, true) => at.to_owned(),
    }
}

/// How far the ledger had come, so that many eyes keep it.
pub fn seal(lang: Lang, seal: &Seal) -> String {
    let (size, root) = (seal.size, seal.root.short());
    match lang {
        Ja => format!("台帳: {size}件、ルート {root}"),
        En => format!("ledger: {size} entries, root {root}"),
    }
}

/// A person's own words, with their name.
pub fn said(lang: Lang, order: &ChatOrder, words: &str, names: &Names) -> String {
    match (&order.by, lang) {
        (Some(by), Ja) => format!("{}: {words}", names.person(lang, by)),
        (Some(by), En) => format!("{}: {words}", names.person(lang, by)),
        (None, _) => words.to_owned(),
    }
}

pub fn to_approve(lang: Lang) -> &'static str {
    both(lang, ("承認へ進む", "Go on to approve"))
}
pub fn to_decline(lang: Lang) -> &'static str {
    both(lang, ("却下", "Decline"))
}
pub fn to_watch(lang: Lang) -> &'static str {
    both(lang, ("立ち会う", "Witness"))
}
pub fn read_plan(lang: Lang) -> &'static str {
    both(lang, ("計画を読む", "Read the plan"))
}
pub fn open_case(lang: Lang) -> &'static str {
    both(lang, ("画面で見る", "Open the page"))
}

/// The form in which an approver says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormText {
    pub title: &'static str,
    pub about: String,
    pub label: &'static str,
    pub submit: &'static str,
    pub close: &'static str,
}

pub fn approval_form(lang: Lang, emergency: EmergencyId, digest: Digest) -> FormText {
    let digest = digest.short();
    FormText {
        title: both(lang, ("緊急例外の承認", "Approve the exception")),
        about: match lang {
            Ja => format!("{emergency} の計画 {digest} を承認します。計画が変わると、この承認は無効になります。"),
            En => format!("You approve the plan {digest} of {emergency}. If the plan changes, the approval is void."),
        },
        label: both(lang, ("緊急と判断した理由", "Why you judge it an emergency")),
        submit: both(lang, ("承認する", "Approve")),
        close: both(lang, ("やめる", "Cancel")),
    }
}

pub fn decline_form(lang: Lang, emergency: EmergencyId, digest: Digest) -> FormText {
    let digest = digest.short();
    FormText {
        title: both(lang, ("緊急例外の却下", "Decline the exception")),
        about: match lang {
            Ja => format!("{emergency} の計画 {digest} を却下します。"),
            En => format!("You decline the plan {digest} of {emergency}."),
        },
        label: both(lang, ("理由", "Reason")),
        submit: both(lang, ("却下する", "Decline")),
        close: both(lang, ("やめる", "Cancel")),
    }
}

/// A refusal, as words that only the one who pressed sees. The rule stands at the end.
pub fn refused(rule: &str, sentence: &Sentence) -> String {
    let mut text = sentence.what.clone();
    for more in [&sentence.why, &sentence.next].into_iter().filter(|more| !more.is_empty()) {
        text.push('\n');
        text.push_str(more);
    }
    text.push_str(&format!(" [{rule}]"));
    text
}

/// Whoever pressed is nobody in the policy.
pub fn stranger(lang: Lang, user: &str) -> String {
    let user = clipped(user, 40);
    match lang {
        Ja => format!(
            "Slackのユーザー {user} は、ポリシーの誰とも結びついていません。\nポリシーの people に chat = \"{user}\" と書くと、この人として操作できます。 [A3]"
        ),
        En => format!(
            "The Slack user {user} is nobody of the policy.\nWith chat = \"{user}\" at a person of the policy, they act as that person. [A3]"
        ),
    }
}

/// The button belongs to a plan that is not the plan any more.
pub fn outdated(lang: Lang, emergency: EmergencyId) -> String {
    match lang {
        Ja => format!("このボタンの計画は、いまの計画と違います。{emergency} を画面で読み直してください。 [E3]"),
        En => format!("This button belongs to another plan than the present one. Please read {emergency} again on its page. [E3]"),
    }
}

pub fn not_now(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "いま受け付けられませんでした。もう一度押すか、画面で操作してください。",
            "It could not be taken just now. Press again, or use the page.",
        ),
    )
}

/// Why an announcement did not reach the chat, and what to do.
pub fn trouble(lang: Lang, trouble: &ChatTrouble) -> String {
    let (channel, code) = (clipped(&trouble.channel, 80), clipped(&trouble.code, 200));
    let (why, next) = remedy(lang, &code);
    match lang {
        Ja => format!("Slackの {channel} に投稿できませんでした: {why}（{code}）。{next}"),
        En => format!("It could not be posted to {channel} in Slack: {why} ({code}). {next}"),
    }
}

fn remedy(lang: Lang, code: &str) -> (&'static str, &'static str) {
    let words = match code {
        "channel_not_found" => (
            ("そのチャンネルがありません", "there is no such channel"),
            (
                "ポリシーの slack.channels を直してください。非公開なら、アプリを招待してください。",
                "Correct slack.channels of the policy; invite the app if the channel is private.",
            ),
        ),
        "not_in_channel" => (
            ("アプリがチャンネルに入っていません", "the app is not in the channel"),
            ("チャンネルで /invite を使い、アプリを招待してください。", "Invite the app with /invite in the channel."),
        ),
        "is_archived" => (
            ("チャンネルがアーカイブされています", "the channel is archived"),
            ("アーカイブを解除するか、slack.channels を変えてください。", "Unarchive it, or change slack.channels."),
        ),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" | "no_token" => (
            ("トークンが使えません", "the token is not accepted"),
            (
                "slack.bot_token_env の環境変数に新しいトークンを設定し、サーバーを再起動してください。",
                "Set a new token in the variable of slack.bot_token_env and start the server again.",
            ),
        ),
        "missing_scope" => (
            ("アプリの権限が足りません", "the app lacks a scope"),
            (
                "docs/slack/manifest.yaml のとおりに権限を加え、インストールし直してください。",
                "Add the scopes of docs/slack/manifest.yaml and install the app again.",
            ),
        ),
        "too_late" => (
            ("長い間Slackに届かなかったため、あきらめました", "Slack could not be reached for too long"),
            ("この画面の記録が正です。Slackには手で知らせてください。", "This page is the record; tell the people in Slack by hand."),
        ),
        _ => (
            ("Slackが受け付けませんでした", "Slack did not take it"),
            ("hikeshi slack check で設定を確かめてください。", "Check the settings with `hikeshi slack check`."),
        ),
    };
    (both(lang, words.0), both(lang, words.1))
}
