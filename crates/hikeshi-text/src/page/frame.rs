//! What every page shows: navigation, freshness, receipts, acts.

use super::words;
use crate::Lang;

words! {
    skip_to_content: "本文へ移動", "Skip to the content";
    navigation: "画面の一覧", "Pages";
    nav_now: "いま", "Now";
    nav_incidents: "インシデント", "Incidents";
    nav_alerts: "アラート", "Alerts";
    nav_oncall: "当番", "On call";
    nav_approvals: "承認", "Approvals";
    nav_obligations: "事後処理", "Obligations";
    nav_channels: "チャンネル", "Channels";
    nav_ledger: "台帳", "Ledger";
    nav_people: "メンバー", "People";
    nav_policy: "ポリシー", "Policy";
    language: "表示言語", "Language";
    sign_out: "サインアウト", "Sign out";
    my_page: "自分の設定", "My settings";
    /// Shown until the script says otherwise, and for ever without it.
    not_live: "自動では更新されません。表示時刻", "Does not refresh by itself. Shown at";
    live_connecting: "接続中", "Connecting";
    live_fresh: "ライブ", "Live";
    live_cut: "切断: 最終更新", "Cut off: last update";
    live_waiting: "新しい記録があります。入力中の欄を残したまま更新しました。", "There is news. The page was refreshed; what you are typing was kept.";
    now_shown: "表示時刻", "Shown at";
    next_page: "さらに古い記録", "Older entries";
    newest_page: "最新に戻る", "Back to the newest";
    none_yet: "まだありません。", "None yet.";
    required: "必須", "required";
    optional: "任意", "optional";
    same_by_command: "同じ操作", "Same by command";
    why_not_heading: "いまはできない操作", "Not possible now";
    rule: "規則", "Rule";
    receipt_heading: "記録しました", "Recorded";
    receipt_again: "この操作はすでに記録されています。もう一度行われてはいません。", "This was recorded before. It was not done again.";
    receipt_entry: "台帳の記録", "Ledger entry";
    refused_heading: "受け付けられませんでした", "Not accepted";
    refused_recorded: "この拒否も台帳に記録されました。", "This refusal was recorded, too.";
    your_input_kept: "入力した内容は下に残っています。", "What you typed is kept below.";
    choose: "選んでください", "Choose";
    yes: "はい", "Yes";
    no: "いいえ", "No";
    people_none: "なし", "nobody";
    copy_digest: "ダイジェスト", "Digest";
    back: "戻る", "Back";
    more: "詳しく", "Details";
    minutes_unit: "分", "min";
}

/// The label of a field in which a phrase must be typed to confirm.
pub fn type_to_confirm(lang: Lang, phrase: &str) -> String {
    match lang {
        Lang::Ja => format!("確認のため「{phrase}」と入力してください"),
        Lang::En => format!("To confirm, type “{phrase}”"),
    }
}

/// The title of the browser's tab.
pub fn tab_title(lang: Lang, page: &str, workspace: &str) -> String {
    match lang {
        Lang::Ja => format!("{page}｜{workspace}"),
        Lang::En => format!("{page} – {workspace}"),
    }
}

/// How many there are, for a heading.
pub fn count(lang: Lang, number: u64) -> String {
    match lang {
        Lang::Ja => format!("{number}件"),
        Lang::En => number.to_string(),
    }
}

/// That more exist than are shown.
pub fn and_more(lang: Lang, number: u64) -> String {
    match lang {
        Lang::Ja => format!("ほかに{number}件あります"),
        Lang::En => format!("and {number} more"),
    }
}

/// A field that must be filled in is empty, or cannot be read as what it should be.
pub fn field_unreadable(lang: Lang, label: &str, given: &str) -> String {
    match (lang, given.is_empty()) {
        (Lang::Ja, true) => format!("「{label}」が空です。入力してください。"),
        (Lang::Ja, false) => format!("「{label}」の「{given}」は読み取れません。書き方を確かめてください。"),
        (Lang::En, true) => format!("“{label}” is empty. Please fill it in."),
        (Lang::En, false) => format!("“{given}” in “{label}” cannot be read. Please check how it is written."),
    }
}
