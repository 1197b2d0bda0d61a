//! Announcements about an incident.

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::incident::{Priority, Stage};

use crate::Lang::{self, En, Ja};
use crate::plain::{lines, one_line};
use crate::{Names, label, time};

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

pub(super) fn escalated(lang: Lang, step: u32, minutes: u32) -> String {
    let (step, after) = (step.saturating_add(1), time::minutes(lang, minutes));
    match (lang, minutes) {
        (Ja, 0) => format!("担当の方は対応を引き受けてください（エスカレーション第{step}段階）。"),
        (Ja, _) => format!("{after}たっても誰も対応を引き受けていません（エスカレーション第{step}段階）。確認してください。"),
        (En, 0) => format!("Please acknowledge this incident (escalation step {step})."),
        (En, _) => format!("Nobody has acknowledged this for {after} (escalation step {step}). Please look at it."),
    }
}

pub(super) fn resolved(lang: Lang, what: &str) -> String {
    let what = one_line(what);
    match lang {
        Ja => format!("【復旧】復旧しました: {what}"),
        En => format!("Resolved: {what}"),
    }
}
