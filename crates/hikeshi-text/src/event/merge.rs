//! Events of incidents that become one, or two (rules I1, I10).

use hikeshi_domain::incident::MergeEvent;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, time};

/// Alerts that a line names; the rest is counted.
const NAMED: usize = 3;

pub(super) fn said(lang: Lang, event: &MergeEvent, names: &Names) -> String {
    match event {
        MergeEvent::Merged { incident, title, reason, opened_at, priority, into_priority, acknowledged, alerts, .. } => {
            let (title, reason, opened) = (one_line(title), one_line(reason), time::stamp(lang, names.zone(), *opened_at));
            let (was, is) = (names.priority(lang, *priority), names.priority(lang, *into_priority));
            let answered = acknowledged.as_ref().map(|(by, at)| (names.person(lang, by), time::stamp(lang, names.zone(), *at)));
            let answered = match (lang, answered) {
                (Ja, Some((who, when))) => format!("、{when} に{who}が引き受け"),
                (Ja, None) => "、誰も引き受けていません".to_owned(),
                (En, Some((who, when))) => format!(", acknowledged by {who} {when}"),
                (En, None) => ", acknowledged by nobody".to_owned(),
            };
            let worse = match (lang, priority < into_priority) {
                (Ja, true) => format!("。{was} のほうが重いので、優先度 {is} を見直してください"),
                (En, true) => format!(". {was} is worse than {is}: look at the priority"),
                (Ja | En, false) => String::new(),
            };
            let fired = alerts.fired;
            match lang {
                Ja => format!(
                    "{incident}「{title}」を統合しました（理由: {reason}。{was}、{opened} に登録{answered}、アラート{fired}件）{worse}"
                ),
                En => format!("Merged {incident}, \"{title}\" (why: {reason}; {was}, opened {opened}{answered}, alerts: {fired}){worse}"),
            }
        }
        MergeEvent::Split { from, into, alerts, reason, .. } => {
            let reason = one_line(reason);
            let listed: Vec<String> = alerts.iter().take(NAMED).map(|alert| one_line(&alert.to_string())).collect();
            let (listed, count) = (listed.join(", "), alerts.len());
            match lang {
                Ja => format!(
                    "{from} のアラート{count}件を {into} に分けました（{listed}{}理由: {reason}）",
                    if count > NAMED { " など。" } else { "。" }
                ),
                En => format!(
                    "Split {count} alerts of {from} off into {into} ({listed}{}; why: {reason})",
                    if count > NAMED { ", …" } else { "" }
                ),
            }
        }
    }
}
