//! The page of alerts: what fires, what is held back, and by what.

use super::words;
use crate::Lang;

words! {
    alerts_title: "アラート", "Alerts";
    alerts_link: "アラートと停止中の呼び出し", "Alerts and silences";
    silences_heading: "呼び出しの停止", "Silences";
    silences_lead: "計画した作業や、わかっている故障のあいだだけ呼び出しを止めます。アラートは記録され、終わっても続いていれば呼び出します。", "For planned work, or a fault that is being mended. Alerts are recorded all the same, and whatever still fires at the end pages then.";
    silences_none: "止めている呼び出しはありません。すべてのアラートで呼び出します。", "Nothing is silenced. Every alert pages.";
    silence_holds: "停止中", "Holds";
    silence_planned: "予定", "Planned";
    silence_ending: "終了処理中", "Ending";
    silence_until: "まで", "until";
    silence_from: "から", "from";
    held_heading: "止めているアラート", "Held back";
    held_none: "止めているアラートはありません。", "No alert is held back.";
    firing_heading: "発生中のアラート", "Firing";
    firing_none: "発生中のアラートはありません。", "No alert is firing.";
    alert_waits_flapping: "短時間に繰り返しているため、様子を見ています", "comes and goes: waits to see whether it stays";
    field_covers_service: "サービス", "Service";
    field_covers_environment: "環境", "Environment";
    field_covers_source: "送信元", "Sender";
    field_covers_monitor: "監視", "Monitor";
    field_covers_any: "指定しない", "Any";
    field_labels: "ラベル", "Labels";
    field_labels_help: "一行に一つ。例: alertname=HighLatency（|で区切ると、いずれか）", "One to a line. For example: alertname=HighLatency (several values: a|b)";
    field_silence_minutes: "何分間", "For how many minutes";
    field_silence_from: "いつから", "From when";
    field_silence_from_help: "いまからなら空のままで構いません。", "Leave it empty to begin now.";
    field_silence_reason: "理由（何の作業か）", "Why: what is being done";
    monitor_held: "異常（呼び出し停止中）", "Failing, held back";
    monitor_unmeasured_held: "測定できません（呼び出し停止中）", "Cannot be measured, held back";
}

/// What is not listed.
pub fn alerts_unlisted(lang: Lang, more: u64) -> String {
    match lang {
        Lang::Ja => format!("ほか{more}件"),
        Lang::En => format!("and {more} more"),
    }
}

/// Why an alert belongs to no incident.
pub fn held_by(lang: Lang, silence: hikeshi_domain::ids::SilenceId) -> String {
    match lang {
        Lang::Ja => format!("{silence} により停止中"),
        Lang::En => format!("held back by {silence}"),
    }
}

/// For the first page: whoever wonders why it is so quiet.
pub fn silenced_now(lang: Lang, silences: usize, held: u64) -> String {
    match (lang, held) {
        (Lang::Ja, 0) => format!("呼び出しを{silences}件止めています"),
        (Lang::Ja, held) => format!("呼び出しを{silences}件止めています。そのあいだに{held}件のアラートが発生中です"),
        (Lang::En, 0) => format!("Silences in force: {silences}"),
        (Lang::En, held) => format!("Silences in force: {silences}; they hold back alerts that fire now: {held}"),
    }
}
