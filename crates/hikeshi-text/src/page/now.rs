//! The first page: what burns, who has it, what is owed, what may I do.

use super::words;
use crate::Lang;

words! {
    now_title: "いま", "Now";
    your_turn: "あなたの番", "Your turn";
    your_turn_none: "いま、あなたを待っている操作はありません。", "Nothing waits for you now.";
    burning: "対応中のインシデント", "Incidents under way";
    burning_none: "対応中のインシデントはありません。", "No incident is under way.";
    nobody_has_it: "まだ誰も引き受けていません", "Nobody has taken it yet";
    in_hand_of: "対応", "In hand of";
    exceptions: "緊急例外", "Emergency exceptions";
    exceptions_none: "進行中の緊急例外はありません。", "No exception is under way.";
    owed: "残っている事後処理", "Owed";
    owed_none: "残っている事後処理はありません。", "Nothing is owed.";
    monitors: "監視", "Monitors";
    monitor_healthy: "正常", "Healthy";
    monitor_failing: "異常", "Failing";
    monitor_silent: "まだ報告がありません", "Has not reported yet";
    monitor_unmeasured: "測定できません", "Cannot be measured";
    monitors_none: "監視は設定されていません。", "No monitor is declared.";
    uses: "緊急例外の利用", "Uses of the exception";
    this_month: "今月", "This month";
    last_month: "先月", "Last month";
    uses_goal: "少ないほどよい数字です。通常のデプロイで済むようにする余地を探します。", "The fewer the better. Each use is a gap in the normal flow.";
    open_incident: "インシデントを登録する", "Open an incident";
    all_incidents: "すべてのインシデント", "All incidents";
    turn_acknowledge: "引き受ける人を待っています", "waits for somebody to take it";
    turn_approve: "あなたの承認を待っています", "waits for your approval";
    turn_join: "立会人を待っています", "waits for you as a witness";
    turn_start: "開始できます", "can be started";
    turn_step: "次の手順を実行できます", "the next step can be run";
    turn_verify: "検証を待っています", "waits for verification";
    turn_settle: "結果が不明な手順があります", "has a step in doubt";
    turn_close: "終了できます", "can be closed";
    turn_accept: "範囲外の変更の判断を待っています", "waits for a decision on a change outside the scope";
    turn_owed: "あなたが担当する事後処理です", "is owed by you";
    turn_policy: "ポリシーの変更が承認を待っています", "A policy change waits for approval";
    in_doubt: "結果が不明な処理があります", "Something may or may not have happened";
}

/// More or fewer than last month, in words.
pub fn compared_with_last_month(lang: Lang, this: u64, last: u64) -> String {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match (this.cmp(&last), lang) {
        (Greater, Lang::Ja) => format!("先月より{}回多い", this - last),
        (Greater, Lang::En) => format!("{} more than last month", this - last),
        (Less, Lang::Ja) => format!("先月より{}回少ない", last - this),
        (Less, Lang::En) => format!("{} fewer than last month", last - this),
        (Equal, Lang::Ja) => "先月と同じ".to_owned(),
        (Equal, Lang::En) => "as many as last month".to_owned(),
    }
}

/// A number of uses.
pub fn uses(lang: Lang, number: u64) -> String {
    match lang {
        Lang::Ja => format!("{number}回"),
        Lang::En => number.to_string(),
    }
}

/// How many of the owed are late.
pub fn overdue_count(lang: Lang, number: u64) -> String {
    match lang {
        Lang::Ja => format!("うち期限超過 {number}件"),
        Lang::En => format!("{number} of them overdue"),
    }
}
