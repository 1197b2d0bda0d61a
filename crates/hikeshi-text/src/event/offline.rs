//! Events of ledgers that are kept while the server is away.

use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::incident::Incident;
use hikeshi_domain::offline::OfflineEvent;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, time};

pub(super) fn entered(lang: Lang, person: &PersonId, key: &str, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}が SSH 鍵 {key} で本人確認をしました"),
        En => format!("{who} proved who they are with the SSH key {key}"),
    }
}

pub(super) fn said(lang: Lang, event: &OfflineEvent, names: &Names) -> String {
    match event {
        OfflineEvent::Announced { incident } => announced(lang, incident, names),
        OfflineEvent::Late { incident } => late(lang, *incident),
        OfflineEvent::Reconciled { incident, emergencies: _, contents: _ } => reconciled(lang, incident, names),
    }
}

fn announced(lang: Lang, incident: &Incident, names: &Names) -> String {
    let Some(away) = &incident.away else { return one_line(&incident.title) };
    let (host, since) = (one_line(&away.host), time::stamp(lang, names.zone(), away.requested_at));
    match lang {
        Ja => format!("{host} の手元の台帳で緊急例外が進んでいます（{since}に申請）: {}", one_line(&incident.title)),
        En => format!("An exception is kept in a local ledger on {host} (requested {since}): {}", one_line(&incident.title)),
    }
}

fn late(lang: Lang, incident: IncidentId) -> String {
    match lang {
        Ja => format!("{incident} の手元の台帳が、期限までに照合されていません"),
        En => format!("The local ledger of {incident} has not come home in time"),
    }
}

fn reconciled(lang: Lang, incident: &Incident, names: &Names) -> String {
    let Some((away, reconciled)) = incident.away.as_ref().and_then(|away| Some((away, away.reconciled.as_ref()?))) else {
        return one_line(&incident.title);
    };
    let (host, by) = (one_line(&away.host), names.person(lang, &reconciled.by));
    let numbers: Vec<String> = reconciled.emergencies.iter().map(|(there, here)| format!("{there} → {here}")).collect();
    // Each is a sentence with commas of its own.
    let between = match lang {
        Ja => "／",
        En => "; ",
    };
    let degraded: Vec<String> = reconciled.degraded.iter().map(|one| label::degraded(lang, one, names)).collect();
    let degraded = degraded.join(between);
    match (lang, reconciled.degraded.is_empty()) {
        (Ja, true) => format!("{host} の手元の台帳（{} 件）を照合し、取り込みました（{}、{by}）", reconciled.size, numbers.join("、")),
        (Ja, false) => {
            format!(
                "{host} の手元の台帳（{} 件）を照合し、取り込みました（{}、{by}）。確認が必要です: {degraded}",
                reconciled.size,
                numbers.join("、")
            )
        }
        (En, true) => format!("The local ledger of {host} ({} entries) came home ({}, by {by})", reconciled.size, numbers.join(", ")),
        (En, false) => {
            format!(
                "The local ledger of {host} ({} entries) came home ({}, by {by}). To be looked over: {degraded}",
                reconciled.size,
                numbers.join(", ")
            )
        }
    }
}
