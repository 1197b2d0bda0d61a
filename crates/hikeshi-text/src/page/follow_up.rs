//! Pages of what is owed afterwards.

use super::words;

words! {
    obligations_title: "事後処理", "Obligations";
    obligations_lead: "緊急例外のあとに必ず行うことです。期限を過ぎると、次の承認が厳しくなります。", "What must follow an exception. While it is overdue, the next approval is harder.";
    obligations_owed: "残っているもの", "Owed";
    obligations_all: "すべて", "All";
    due_label: "期限", "Due";
    owner_label: "担当", "Owner";
    done_label: "完了", "Done";
    overdue_word: "期限超過", "Overdue";
    for_exception: "もとの緊急例外", "Exception";
    change_request: "反映リクエスト", "Change request";
    request_branch: "ブランチ", "Branch";
    request_commit: "コミット", "Commit";
    request_base: "反映先", "Base";
    request_label: "ラベル", "Label";
    request_file: "リクエストの文書", "Request file";
    request_patch: "パッチ", "Patch";
    request_none: "まだ作成されていません。", "Not opened yet.";
    compared: "照合の結果", "Comparison";
    compared_none: "まだ照合していません。", "Not compared yet.";
    merged_yes: "マージ済み", "merged";
    merged_no: "まだマージされていません", "not merged yet";
    drift_none: "本番で行った変更と一致しています。", "Equal to what was done in production.";
    drift_some: "本番で行った変更と異なるファイルがあります。", "These files differ from what was done in production.";
    report_known: "いつ、誰が、何をしたかは記録から埋まります。ここでは判断だけを書きます。", "When, who and what come from the record. Only judgement is written here.";
    report_problem: "問題", "Problem";
    report_impact: "影響", "Impact";
    report_cause: "原因", "Cause";
    report_response: "対応", "Response";
    report_prevention: "再発防止策（1行に1つ）", "Prevention (one per line)";
    report_file: "報告書のファイル", "Report file";
    meeting: "振り返りの予定", "Retrospective";
    meeting_when: "開始日時", "Starts";
    meeting_lasts: "長さ（分）", "Length (min)";
    meeting_invited: "招待する人", "Invited";
    meeting_file: "招待状（.ics）", "Invitation (.ics)";
    held_when: "実施した日時", "Held at";
    held_attended: "出席した人", "Attended";
    held_lessons: "学んだこと", "Lessons";
    held_avoidable: "通常の手順で間に合ったと判断した場合、その理由", "If the normal flow would have done: why";
    held_avoidable_help: "書くと、乱用の指摘として是正措置が求められます。", "Written, it is a finding and asks for a corrective action.";
    item: "再発防止策", "Prevention item";
    item_text: "内容", "What";
    item_owner: "担当", "Owner";
    item_due: "期限", "Due";
    items_help: "空欄の行は使われません。担当と期限は必ず決めます。", "Empty rows are not used. Each item needs an owner and a due date.";
    finish_evidence: "完了を示すもの（リンクなど）", "What shows that it is done (such as a link)";
    local_time_help: "ワークスペースの時刻で入力します。", "In the workspace's time zone.";
}
