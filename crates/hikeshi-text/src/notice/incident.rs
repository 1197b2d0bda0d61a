//! Announcements about an incident.

use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::incident::{Priority, Stage};

use crate::Lang::{self, En, Ja};
use crate::plain::{lines, one_line};
use crate::{Names, label};

pub(super) fn opened(lang: Lang, title: &str, priority: Priority, names: &Names) -> String {
    let (title, priority) = (one_line(title), names.priority(lang, priority));
    match lang {
        Ja => format!("インシデントが登録されました（{priority}）: {title}"),
        En => format!("An incident was opened ({priority}): {title}"),
    }
}

pub(super) fn acknowledged(lang: Lang, by: &PersonId, names: &Names) -> String {
    let who = names.person(lang, by);
    match lang {
        Ja => format!("{who}が対応を引き受けました。"),
        En => format!("{who} has acknowledged it."),
    }
}

pub(super) fn priority_changed(lang: Lang, priority: Priority, names: &Names) -> String {
    let priority = names.priority(lang, priority);
    match lang {
        Ja => format!("優先度が {priority} になりました。"),
        En => format!("The priority is now {priority}."),
    }
}

pub(super) fn stage_moved(lang: Lang, stage: Stage) -> String {
    let stage = label::stage(lang, stage);
    match lang {
        Ja => format!("段階が「{stage}」になりました。"),
        En => format!("The stage is now: {stage}."),
    }
}

pub(super) fn status_update(lang: Lang, text: &str) -> String {
    let text = lines(text);
    match lang {
        Ja => format!("【状況】{text}"),
        En => format!("Status: {text}"),
    }
}

pub(super) fn update_due(lang: Lang, priority: Priority, names: &Names) -> String {
    let priority = names.priority(lang, priority);
    match lang {
        Ja => format!("状況を知らせる時刻を過ぎています（{priority}）。分かっていることだけで構いません。状況を知らせてください。"),
        En => format!("A status update is due ({priority}). Say what is known so far; that is enough."),
    }
}

pub(super) fn resolved(lang: Lang, what: &str) -> String {
    let what = one_line(what);
    match lang {
        Ja => format!("【復旧】復旧しました: {what}"),
        En => format!("Resolved: {what}"),
    }
}

pub(super) fn alerts_grow(lang: Lang, fired: u32) -> String {
    match lang {
        Ja => format!("このインシデントのアラートが{fired}件に達しました。"),
        En => format!("{fired} alerts have fired for this incident."),
    }
}

pub(super) fn alerts_clear(lang: Lang, resolved: bool) -> String {
    match (lang, resolved) {
        (Ja, true) => "すべてのアラートが解消したため、復旧としました。",
        (Ja, false) => "すべてのアラートが解消しました。復旧を確かめて、担当者が解決を記録してください。",
        (En, true) => "All alerts are over; the incident is resolved.",
        (En, false) => "All alerts are over. Check that the service is back, then resolve the incident.",
    }
    .to_owned()
}

pub(super) fn postmortem_written(lang: Lang, by: &PersonId, items: u32, names: &Names) -> String {
    let who = names.person(lang, by);
    match (lang, items) {
        (Ja, 0) => format!("{who}がポストモーテムを書きました。"),
        (Ja, items) => format!("{who}がポストモーテムを書きました。再発防止策は{items}件です。"),
        (En, 0) => format!("{who} has written the postmortem."),
        (En, items) => format!("{who} has written the postmortem, with {items} prevention item(s)."),
    }
}

/// The other one keeps its priority: somebody has to judge it anew.
pub(super) fn merged(lang: Lang, incident: IncidentId, worse: Option<Priority>, names: &Names) -> String {
    match (lang, worse.map(|worse| names.priority(lang, worse))) {
        (Ja, None) => format!("{incident} をこのインシデントに統合しました。"),
        (En, None) => format!("{incident} is now part of this incident."),
        (Ja, Some(worse)) => format!("{incident}（{worse}）をこのインシデントに統合しました。優先度を見直してください。"),
        (En, Some(worse)) => format!("{incident} ({worse}) is now part of this incident. Please look at the priority."),
    }
}

pub(super) fn merged_into(lang: Lang, into: IncidentId) -> String {
    match lang {
        Ja => format!("このインシデントを {into} に統合しました。対応は {into} で続けてください。"),
        En => format!("This incident is now part of {into}. Please go on there."),
    }
}

pub(super) fn split(lang: Lang, from: IncidentId, into: IncidentId) -> String {
    match lang {
        Ja => format!("{from} のアラートの一部を {into} に分けました。"),
        En => format!("Some of the alerts of {from} are {into} from now on."),
    }
}
