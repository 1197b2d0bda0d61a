//! The page of monitors: what each one sees, and how its latest looks went.

use hikeshi_domain::monitor::Verdict;
use hikeshi_domain::policy::MonitorKind;

use super::words;
use crate::Lang::{self, En, Ja};
use crate::label;
use crate::review::Tick;

words! {
    monitors_lead: "図の棒は一回ずつの測定で、右が最新です。長い赤の棒は異常、下の短い橙の棒は測定できなかった回です。サーバーを再起動すると、図は最初からになります。", "Each bar is one look, the latest on the right. A long red bar is a failure; a short amber one at the bottom is a look that could not measure. The chart begins anew when the server is restarted.";
    monitors_link: "監視が見たもの", "What the monitors see";
    new_errors_heading: "変更のあとに初めて現れたエラー", "Errors that are new since a change";
    new_errors_lead: "数字や ID など、変わる部分を除いた型です。変更の前には一度も出ていません。", "Patterns: lines without numbers, ids and what else varies. None of them was seen before the change.";
    new_errors_sample: "例", "For example";
    monitor_seen: "最後の測定", "Last look";
}

/// How many lines have a pattern.
pub fn lines(lang: Lang, count: u32) -> String {
    match (lang, count) {
        (Ja, count) => format!("{count}行"),
        (En, 1) => "1 line".to_owned(),
        (En, count) => format!("{count} lines"),
    }
}

/// How the latest looks went, as a text beside the picture.
pub fn looks(lang: Lang, marks: &[Tick]) -> String {
    let count = |verdict| marks.iter().filter(|mark| mark.verdict == verdict).count();
    let (failed, unmeasured, all) = (count(Verdict::Failed), count(Verdict::Unmeasured), marks.len());
    match lang {
        Ja => format!("最近の測定 {all}回（異常 {failed}回、測定できず {unmeasured}回）"),
        En => format!("{all} latest looks: {failed} failed, {unmeasured} could not measure"),
    }
}

/// From the smallest to the largest number of the picture.
pub fn range(lang: Lang, kind: MonitorKind, marks: &[Tick]) -> Option<String> {
    let values = || marks.iter().filter_map(|mark| mark.value);
    let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let what = label::measured(lang, kind);
    Some(match lang {
        Ja => format!("{what} {least} 〜 {most}"),
        En => format!("{what} {least} to {most}"),
    })
}
