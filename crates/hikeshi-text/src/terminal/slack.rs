//! `hikeshi slack check`: one line for each thing that was looked at, and what to do about it.

use super::two;
use crate::Lang;

pub fn slack_not_used(lang: Lang) -> String {
    two(
        lang,
        "ポリシーに [slack] がありません。docs/manual/slack.ja.md に始め方があります。",
        "The policy has no [slack]; docs/manual/slack.md says how to begin.",
    )
}
pub fn slack_token(lang: Lang, team: &str) -> String {
    two(lang, format!("ボットのトークンが使えます（{team}）"), format!("the bot's token works ({team})"))
}
pub fn slack_token_refused(lang: Lang, variable: &str, code: &str) -> String {
    two(
        lang,
        format!("ボットのトークンが使えません（{code}）。環境変数 {variable} を確かめてください。"),
        format!("the bot's token does not work ({code}); look at the variable {variable}"),
    )
}
pub fn slack_scope_missing(lang: Lang, scope: &str) -> String {
    two(
        lang,
        format!("権限 {scope} がありません。マニフェストを更新して、インストールし直してください。"),
        format!("the scope {scope} is missing; update the manifest and install the app again"),
    )
}
pub fn slack_way_in(lang: Lang) -> String {
    two(lang, "ボタンの操作を受け取れます", "presses of buttons can be received")
}
pub fn slack_way_in_refused(lang: Lang, variable: &str, code: &str) -> String {
    two(
        lang,
        format!("ボタンの操作を受け取れません（{code}）。環境変数 {variable} を確かめてください。"),
        format!("presses of buttons cannot be received ({code}); look at the variable {variable}"),
    )
}
pub fn slack_channel(lang: Lang, name: &str, given: &str) -> String {
    two(lang, format!("#{name} に投稿できます（{given}）"), format!("#{name} can be posted to ({given})"))
}
pub fn slack_channel_refused(lang: Lang, name: &str, given: &str, code: &str) -> String {
    two(
        lang,
        format!("#{name}（{given}）に投稿できません（{code}）。チャンネルでアプリを招待するか、slack.channels を直してください。"),
        format!("#{name} ({given}) cannot be posted to ({code}); invite the app there, or correct slack.channels"),
    )
}
pub fn slack_group(lang: Lang, role: &str, handle: &str) -> String {
    two(lang, format!("役割 {role} を {handle} で呼べます"), format!("the role {role} is called by {handle}"))
}
pub fn slack_group_missing(lang: Lang, role: &str, handle: &str) -> String {
    two(
        lang,
        format!("ユーザーグループ {handle}（役割 {role}）がありません。Slackで作るか、slack.groups を直してください。"),
        format!("there is no user group {handle} (role {role}); make it in Slack, or correct slack.groups"),
    )
}
pub fn slack_group_unset(lang: Lang, role: &str) -> String {
    two(
        lang,
        format!("承認する役割 {role} にユーザーグループがありません。slack.groups に書いてください。"),
        format!("the approving role {role} has no user group; add it to slack.groups"),
    )
}
pub fn slack_person(lang: Lang, person: &str, user: &str) -> String {
    two(lang, format!("{person} はSlackの {user} です"), format!("{person} is {user} in Slack"))
}
pub fn slack_person_unset(lang: Lang, person: &str, suggested: Option<&str>) -> String {
    match suggested {
        Some(user) => two(
            lang,
            format!("{person} のSlackユーザーがありません。メールアドレスが同じ人がいます: people.{person} に chat = \"{user}\""),
            format!("{person} has no Slack user; one has the same address: chat = \"{user}\" at people.{person}"),
        ),
        None => two(
            lang,
            format!("{person} のSlackユーザーがありません。people.{person} に chat = \"U…\" を書いてください。"),
            format!("{person} has no Slack user; add chat = \"U…\" at people.{person}"),
        ),
    }
}
pub fn slack_person_refused(lang: Lang, person: &str, user: &str, code: &str) -> String {
    two(
        lang,
        format!("{person} のSlackユーザー {user} が見つかりません（{code}）"),
        format!("the Slack user {user} of {person} is not there ({code})"),
    )
}
