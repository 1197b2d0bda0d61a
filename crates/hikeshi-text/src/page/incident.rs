//! Pages of incidents.

use super::words;

words! {
    incidents_title: "インシデント", "Incidents";
    only_open: "対応中だけ", "Only those under way";
    show_all: "すべて", "All";
    new_incident_title: "インシデントを登録する", "Open an incident";
    field_title: "件名", "Title";
    field_title_help: "何が使えないかを一行で。例: 予約画面が開けない", "What does not work, in one line. For example: the booking page does not open";
    field_summary: "状況", "Summary";
    field_service: "サービス", "Service";
    field_environment: "環境", "Environment";
    field_impact: "影響を受けている人", "Who is hit";
    field_business: "事業への影響", "Effect on the business";
    field_urgency: "緊急度", "Urgency";
    field_detected_at: "最初に気づいた時刻", "First noticed";
    field_detected_help: "いまなら空のままで構いません。", "Leave it empty if that is now.";
    field_override: "優先度を自分で決める", "Set the priority yourself";
    field_override_none: "上の3つから自動で決める", "Computed from the three answers";
    field_override_reason: "自分で決める理由", "Reason for setting it yourself";
    field_stage: "段階", "Stage";
    field_stage_reason: "理由（前の段階に戻すときは必須）", "Reason (needed when going back)";
    field_update: "知らせる内容", "What to tell";
    field_escalate_reason: "呼ぶ理由（影響の広がり、必要な判断など）", "Why: the impact grows, a decision is needed";
    field_hand_over_to: "引き継ぐ相手", "To whom";
    field_hand_over_note: "申し送り（済んだこと、いま分かっていること、次にすること）", "What they need to know: done, known, next";
    field_duty: "役割", "Duty";
    field_person: "担当する人", "Person";
    field_nobody: "誰もいない", "Nobody";
    field_note: "メモ", "Note";
    field_what_restored: "何によって復旧したか", "What restored the service";
    stage_path: "対応の段階", "Stages";
    stage_done: "済", "done";
    stage_current: "現在", "current";
    stage_coming: "未", "to come";
    measured: "計測した時間", "Measured times";
    detected_at: "検知", "Detected";
    to_acknowledge: "検知から対応開始まで", "From detection to acknowledgement";
    to_mitigate: "検知から一時対応まで", "From detection to mitigation";
    to_resolve: "検知から復旧まで", "From detection to recovery";
    not_yet: "まだ", "not yet";
    in_time: "目標内", "within target";
    late: "目標超過", "target missed";
    timeline: "タイムライン", "Timeline";
    acts: "できること", "What can be done";
    service_label: "対象", "Affected";
    opened_by: "登録", "Opened by";
    acknowledged_by: "対応", "In hand of";
    resolved_how: "復旧", "Recovered";
    firing: "異常を検知している監視", "Monitors that fail now";
    paged: "呼び出し", "Paged";
    alerts_heading: "アラート", "Alerts";
    alert_firing: "発生中", "firing";
    alert_over: "解消", "over";
    alert_link: "送信元で見る", "see it there";
    request_exception: "緊急例外を申請する", "Request an emergency exception";
    bundle_download: "この案件の記録一式（検証用の zip）", "The whole record of this case (zip, can be verified)";
    column_id: "番号", "Number";
    column_state: "状態", "State";
    column_when: "時刻", "When";
    column_who: "誰が", "Who";
    exceptions_of_case: "この件の緊急例外", "Exceptions of this case";
    obligations_of_case: "この件の事後処理", "Obligations of this case";
    resolved_word: "復旧済み", "Recovered";
}

impl super::Words {
    /// How many alerts fire, of how many that have fired.
    pub fn alert_count(self, firing: u32, fired: u32) -> String {
        match self.0 {
            crate::Lang::Ja => format!("発生中 {firing}件（これまでに{fired}件）"),
            crate::Lang::En => format!("{firing} firing ({fired} so far)"),
        }
    }

    /// Those that are folded.
    pub fn alerts_more(self, more: usize) -> String {
        match self.0 {
            crate::Lang::Ja => format!("続き {more}件"),
            crate::Lang::En => format!("{more} more"),
        }
    }

    /// Only the first are listed.
    pub fn alerts_unlisted(self, more: u32) -> String {
        match self.0 {
            crate::Lang::Ja => format!("ほか{more}件はタイムラインにあります"),
            crate::Lang::En => format!("{more} more are in the timeline"),
        }
    }
}
