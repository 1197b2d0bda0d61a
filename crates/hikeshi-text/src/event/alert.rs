//! Events of alerts that other programs report (rule I10).

use hikeshi_domain::alert::{AlertEvent, AlertStep, Fired, HowOver, Severity, Waits};
use hikeshi_domain::ids::{IncidentId, SourceName};

use crate::Lang::{self, En, Ja};
use crate::label;
use crate::plain::one_line;

pub(super) fn said(lang: Lang, event: &AlertEvent) -> String {
    let AlertEvent { alert, title, incident, step } = event;
    let (source, title) = (&alert.source, one_line(title));
    match step {
        AlertStep::Fired(fired) => began(lang, source, &title, fired),
        AlertStep::Changed { severity, summary: _ } => {
            let title = with_severity(lang, &title, *severity);
            match lang {
                Ja => format!("{source} のアラートの内容が変わりました: {title}"),
                En => format!("The alert from {source} changed: {title}"),
            }
        }
        AlertStep::Again { said_at: _ } => match lang {
            Ja => format!("{source} のアラートが続いています（送信元から再び知らせがありました）: {title}"),
            En => format!("{source} says again that the alert goes on: {title}"),
        },
        AlertStep::Acknowledged => match lang {
            Ja => format!("{source} 側でアラートが確認済みになりました: {title}"),
            En => format!("{source} says that the alert is acknowledged there: {title}"),
        },
        AlertStep::Over { how, said_at: _ } => over(lang, source, &title, *how),
        AlertStep::Silenced { silence } => match lang {
            Ja => format!("{source} のアラートは、{silence} により呼び出しません: {title}"),
            En => format!("{silence} holds the alert from {source} back: {title}"),
        },
        AlertStep::Raised => raised(lang, source, &title, *incident),
    }
}

/// What is left out of an entry that tells of many.
pub(super) fn more(lang: Lang, more: usize) -> String {
    match lang {
        Ja => format!("ほかアラート{more}件"),
        En => format!("and {more} more alerts"),
    }
}

fn with_severity(lang: Lang, title: &str, severity: Option<Severity>) -> String {
    match severity {
        Some(severity) => format!("[{}] {title}", label::severity(lang, severity)),
        None => title.to_owned(),
    }
}

fn began(lang: Lang, source: &SourceName, title: &str, fired: &Fired) -> String {
    let title = with_severity(lang, title, fired.severity);
    match (lang, &fired.waits) {
        (Ja, None) => format!("{source} のアラート: {title}"),
        (En, None) => format!("Alert from {source}: {title}"),
        (Ja, Some(Waits::Flapping)) => format!("{source} のアラートが短時間に発生と解消を繰り返しています（呼び出しはしません）: {title}"),
        (En, Some(Waits::Flapping)) => format!("The alert from {source} comes and goes; nobody is paged: {title}"),
        (Ja, Some(Waits::Silenced { silence })) => format!("{source} のアラート（{silence} により呼び出しません）: {title}"),
        (En, Some(Waits::Silenced { silence })) => format!("Alert from {source}, held back by {silence}: {title}"),
    }
}

fn over(lang: Lang, source: &SourceName, title: &str, how: HowOver) -> String {
    match (lang, how) {
        (Ja, HowOver::Told) => format!("{source} のアラートが解消しました: {title}"),
        (En, HowOver::Told) => format!("The alert from {source} is over: {title}"),
        (Ja, HowOver::Lapsed) => format!("{source} からの連絡が途絶えたため、アラートを解消とみなしました: {title}"),
        (Ja, HowOver::Unwanted) => format!("{source} のアラートは、ポリシーの変更により対象外になりました: {title}"),
        (En, HowOver::Unwanted) => format!("The policy takes the alert from {source} no longer: {title}"),
        (En, HowOver::Lapsed) => format!("{source} fell silent, which for this source means that the alert is over: {title}"),
    }
}

fn raised(lang: Lang, source: &SourceName, title: &str, incident: Option<IncidentId>) -> String {
    let incident = incident.map(|id| id.to_string()).unwrap_or_default();
    match lang {
        Ja => format!("{source} のアラートが続いているため、{incident} に加えました: {title}"),
        En => format!("The alert from {source} goes on, and now belongs to {incident}: {title}"),
    }
}
