//! Events of incidents and monitors.

use hikeshi_domain::ids::{EnvironmentName, IncidentId, ServiceName};
use hikeshi_domain::incident::{Priority, Stage, Triage};

use crate::Lang::{self, En, Ja};
use crate::plain::{lines, one_line};
use crate::{Names, label};

pub(super) fn opened(
    lang: Lang,
    incident: IncidentId,
    title: &str,
    service: &ServiceName,
    environment: &EnvironmentName,
    priority: Priority,
    names: &Names,
) -> String {
    let (title, priority) = (one_line(title), names.priority(lang, priority));
    let (service, environment) = (names.service(service), names.environment(environment));
    match lang {
        Ja => format!("{incident} を登録しました: {title}（{priority}、{service}／{environment}）"),
        En => format!("Opened {incident}: {title} ({priority}, {service} in {environment})"),
    }
}

pub(super) fn triaged(lang: Lang, triage: &Triage, priority: Priority, names: &Names) -> String {
    let answers = [label::impact(lang, triage.impact), label::business(lang, triage.business), label::urgency(lang, triage.urgency)];
    let priority = names.priority(lang, priority);
    let reason = triage.priority_override.as_ref().map(|chosen| one_line(&chosen.reason));
    match (lang, reason) {
        (Ja, None) => format!("優先度を {priority} と判定しました（{}）", answers.join("、")),
        (Ja, Some(reason)) => format!("優先度を {priority} に決めました（{}）。判定表と違う理由: {reason}", answers.join("、")),
        (En, None) => format!("Triaged as {priority} ({})", answers.join(", ")),
        (En, Some(reason)) => format!("Decided on {priority} ({}). Why not the matrix: {reason}", answers.join(", ")),
    }
}

pub(super) fn acknowledged(lang: Lang, incident: IncidentId) -> String {
    match lang {
        Ja => format!("{incident} の対応を引き受けました"),
        En => format!("Acknowledged {incident}"),
    }
}

pub(super) fn moved(lang: Lang, from: Stage, to: Stage, reason: &str) -> String {
    let (from, to, reason) = (label::stage(lang, from), label::stage(lang, to), one_line(reason));
    match (lang, reason.is_empty()) {
        (Ja, true) => format!("段階を「{from}」から「{to}」に変えました"),
        (Ja, false) => format!("段階を「{from}」から「{to}」に変えました。理由: {reason}"),
        (En, true) => format!("Moved the stage from \"{from}\" to \"{to}\""),
        (En, false) => format!("Moved the stage from \"{from}\" to \"{to}\". Reason: {reason}"),
    }
}

pub(super) fn updated(lang: Lang, text: &str) -> String {
    let text = lines(text);
    match lang {
        Ja => format!("状況を知らせました: {text}"),
        En => format!("Status update: {text}"),
    }
}

pub(super) fn noted(lang: Lang, text: &str) -> String {
    let text = lines(text);
    match lang {
        Ja => format!("メモ: {text}"),
        En => format!("Note: {text}"),
    }
}

pub(super) fn resolved(lang: Lang, what: &str) -> String {
    let what = restored_by(lang, &one_line(what));
    match lang {
        Ja => format!("復旧しました: {what}"),
        En => format!("Resolved: {what}"),
    }
}

/// What restored the service. Only a sender of alerts says no word about it.
pub fn restored_by(lang: Lang, what: &str) -> String {
    match (lang, what.is_empty()) {
        (Ja | En, false) => what.to_owned(),
        (Ja, true) => "すべてのアラートが解消".to_owned(),
        (En, true) => "all its alerts are over".to_owned(),
    }
}

pub(super) fn update_due(lang: Lang) -> String {
    match lang {
        Ja => "状況を知らせる時刻を過ぎています",
        En => "A status update is due",
    }
    .to_owned()
}
