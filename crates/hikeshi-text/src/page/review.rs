//! Pages that look back: reports of months and quarters.

use super::words;
use crate::{Lang, review};
use hikeshi_domain::review::Period;

words! {
    reviews_title: "緊急例外の報告", "Reports on exceptions";
    reviews_lead: "緊急例外は少ないほどよい、最後の手段です。毎月の件数を前月と比べ、使われ方を開発会議で確かめます。", "The exception is the last resort: the fewer the better. Every month is compared with those before it, and looked at in the development meeting.";
    reviews_months: "月ごとの利用", "Uses per month";
    reviews_quarters: "四半期", "Quarters";
    review_due: "報告の期限", "To be presented";
    review_presented: "報告済み", "Presented";
    review_running: "期間の途中です。数はまだ変わります。", "This period is not over; the numbers still change.";
    review_not_due: "期間が終わると、報告の期限が決まります。", "It falls due when the period ends.";
    review_download: "Markdown を保存", "Save as Markdown";
    review_all: "すべての報告", "All reports";
    review_link: "月ごとの報告と傾向", "Monthly reports and trends";
    review_presented_when: "開発会議の日時", "Development meeting at";
    review_presented_note: "会議で決まったこと", "What the meeting decided";
    review_same: "いま計算し直しても、報告した数と一致します。", "Computed again now, the numbers are those that were presented.";
    review_differs: "いま計算し直すと、報告した数と一致しません。プログラムの版が報告のときから変わっていないか確かめ、変わっていなければ台帳を検証してください。", "Computed again now, the numbers differ from those that were presented. Look whether the program is of another version than then; if it is not, verify the ledger.";
    review_finding: "指摘", "Finding";
    review_finding_entries: "もとになった記録", "Made of these entries";
    review_corrective_help: "確かめた結果、対応が要らない場合も、その理由を書いて完了にします。", "If nothing needs to be done after looking, say why, and finish it.";
    review_report: "報告", "Report";
}

/// The heading of a report's page.
pub fn review_title(lang: Lang, period: Period) -> String {
    review::title(lang, period)
}
