//! The page of the on-call schedules.

use hikeshi_domain::Timestamp;
use hikeshi_domain::page::Means;

use super::words;
use crate::Lang::{self, En, Ja};
use crate::label;
use crate::time::{self, Zone};

words! {
    oncall_title: "当番", "On call";
    oncall_lead: "インシデントが起きたとき、いま誰が呼ばれるか。当番は、誰でも自分で代われます。", "Who is called when an incident opens now. Everybody may take over a shift themselves.";
    oncall_no_schedules: "当番表はまだありません。ポリシーの [schedules] に書くと、ここに表示されます。", "There are no schedules yet. Write them under [schedules] in the policy.";
    oncall_nobody: "当番がいません", "Nobody is on call";
    oncall_next: "次", "Next";
    oncall_gaps: "当番のいない時間（これから14日間）", "Gaps of the next 14 days";
    oncall_no_gaps: "これから14日間、当番のいない時間はありません。", "No gaps in the next 14 days.";
    oncall_table: "これから14日間", "The next 14 days";
    oncall_from: "始まり", "From";
    oncall_until: "終わり", "Until";
    oncall_who: "当番", "On call";
    oncall_overridden: "交代", "override";
    oncall_calendar: "カレンダー（.ics）", "Calendar (.ics)";
    calendar_heading: "カレンダーで購読する", "Subscribe in a calendar";
    calendar_lead: "カレンダーのアプリに登録できる、あなた専用のアドレスを作ります。読めるのは当番表だけで、有効期間は1年です。アドレスを知る人は誰でも読めるので、人に渡したら取り消してください。", "Makes an address of your own for a calendar program. It reads the on-call schedules and nothing else, for a year. Whoever knows the address can read them: revoke it when it got out.";
    calendar_once: "このアドレスは、いま一度だけ表示します。カレンダーのアプリに登録してください。", "These addresses are shown this once. Add them to your calendar program.";
    calendar_issue: "購読用のアドレスを作る", "Make an address";
    calendar_issued: "作成", "made";
    calendar_label: "カレンダーの購読", "Calendar subscription";
    oncall_person: "代わる人", "Who takes over";
    oncall_cancel_lead: "取り消すと、ここから先はもとの当番表に戻ります。", "From now on the schedule is as it was.";
    oncall_unreachable: "この人に連絡する手段が、ポリシーにありません。呼ばれても届きません。", "The policy knows no way to reach this person: a page would not arrive.";
}

/// `11/24(火) 09:00 まで`.
pub fn oncall_until(lang: Lang, zone: &Zone, until: Option<Timestamp>, now: Timestamp) -> String {
    let until = until.map(|until| time::when(lang, zone, until, now).exact);
    match (lang, until) {
        (Ja, Some(until)) => format!("{until} まで"),
        (En, Some(until)) => format!("until {until}"),
        (Ja, None) => "交代の予定はありません".to_owned(),
        (En, None) => "no handover in sight".to_owned(),
    }
}

/// A time without anybody.
pub fn oncall_gap(lang: Lang, zone: &Zone, from: Timestamp, until: Timestamp, now: Timestamp) -> String {
    let exact = |at| time::when(lang, zone, at, now).exact;
    let (begins, ends, length) = (exact(from), exact(until), time::duration(lang, until.duration_since(from)));
    match lang {
        Ja => format!("{begins} から {ends} まで（{length}）、当番がいません。"),
        En => format!("Nobody from {begins} until {ends} ({length})."),
    }
}

/// By what somebody can be reached.
pub fn oncall_reached(lang: Lang, means: &[Means]) -> String {
    let names: Vec<&str> = means.iter().map(|means| label::page_means(lang, *means)).collect();
    match lang {
        Ja => format!("連絡手段: {}", names.join("、")),
        En => format!("Reached by {}", names.join(", ")),
    }
}

/// The title of a shift in a calendar.
pub fn oncall_shift(lang: Lang, schedule: &str, person: &str) -> String {
    match lang {
        Ja => format!("{schedule}: {person}"),
        En => format!("{schedule}: {person}"),
    }
}
