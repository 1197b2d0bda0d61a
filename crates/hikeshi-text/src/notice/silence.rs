//! Announcements of silences: whoever wonders why nobody is called finds it here.

use hikeshi_domain::alert::inhibit::By;
use hikeshi_domain::alert::silence::Silence;
use hikeshi_domain::ids::SilenceId;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, time};

pub(super) fn made(lang: Lang, silence: &Silence, names: &Names) -> String {
    let covers = label::covers(lang, &silence.covers, names);
    let (from, until) = (time::stamp(lang, names.zone(), silence.from), time::stamp(lang, names.zone(), silence.until));
    let (id, by, reason) = (silence.id, label::by(lang, &silence.by, names), one_line(&silence.reason));
    match (lang, &silence.by) {
        (Ja, By::Rule(_)) => {
            format!("「{reason}」が続くあいだ、{covers}のアラートでは誰も呼び出しません（{id}、{by}、最長 {until} まで）。")
        }
        (En, By::Rule(_)) => format!("Nobody is paged for {covers} while this goes on, until {until} at most: {reason} ({id}, {by})."),
        (Ja, By::Person(_)) => format!("{from} から {until} まで、{covers}のアラートでは誰も呼び出しません（{id}、{by}）。理由: {reason}"),
        (En, By::Person(_)) => format!("Nobody is paged for {covers} from {from} until {until} ({id}, {by}). Reason: {reason}"),
    }
}

pub(super) fn ended(lang: Lang, silence: SilenceId, lifted_by: Option<&By>, names: &Names) -> String {
    match (lang, lifted_by.map(|by| label::by(lang, by, names))) {
        (Ja, Some(_)) if matches!(lifted_by, Some(By::Rule(_))) => {
            format!("原因が解消したため、{silence} を終えました。続いているアラートがあれば呼び出します。")
        }
        (En, Some(_)) if matches!(lifted_by, Some(By::Rule(_))) => {
            format!("{silence} ends with its cause. Whatever still fires pages again.")
        }
        (Ja, None) => format!("{silence} の期限が来ました。続いているアラートがあれば呼び出します。"),
        (Ja, Some(by)) => format!("{by}が {silence} を解除しました。続いているアラートがあれば呼び出します。"),
        (En, None) => format!("{silence} has run out. Whatever still fires pages again."),
        (En, Some(by)) => format!("{by} ended {silence}. Whatever still fires pages again."),
    }
}
