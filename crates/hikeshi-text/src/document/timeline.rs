//! What happened when, in the order of time, from the times that the record keeps.

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::StepState;

use super::case::Case;
use crate::Lang::{En, Ja};
use crate::markdown::inline;
use crate::{label, time};

/// Rows of date and time, and what happened.
pub(super) fn rows(case: &Case<'_>) -> Vec<Vec<String>> {
    let mut found: Vec<(Timestamp, String)> = Vec::new();
    incident(case, &mut found);
    agreement(case, &mut found);
    execution(case, &mut found);
    // A stable sort: what happened in the same moment keeps the order in which it is told.
    found.sort_by_key(|(at, _)| *at);
    let zone = case.names.zone();
    found.into_iter().map(|(at, what)| vec![format!("{} {}", time::day(zone, at), time::time_of_day(zone, at)), what]).collect()
}

fn incident(case: &Case<'_>, found: &mut Vec<(Timestamp, String)>) {
    let incident = &case.facts.incident;
    found.push((incident.detected_at, case.both("障害を検知", "The failure was detected").to_owned()));
    found.push((
        incident.opened_at,
        match case.lang {
            Ja => format!("{} を登録", incident.id),
            En => format!("{} was opened", incident.id),
        },
    ));
    if let Some(acknowledged) = &incident.acknowledged {
        let who = case.person(&acknowledged.by);
        found.push((
            acknowledged.at,
            match case.lang {
                Ja => format!("{who} が対応を引き受け"),
                En => format!("{who} acknowledged it"),
            },
        ));
    }
    if let Some(resolved) = &incident.resolved {
        let what = inline(&crate::restored_by(case.lang, &resolved.what));
        found.push((
            resolved.at,
            match case.lang {
                Ja => format!("復旧: {what}"),
                En => format!("Resolved: {what}"),
            },
        ));
    }
}

fn agreement(case: &Case<'_>, found: &mut Vec<(Timestamp, String)>) {
    let emergency = &case.facts.emergency;
    let requester = case.person(&emergency.requester);
    found.push((
        emergency.requested_at,
        match case.lang {
            Ja => format!("{requester} が緊急例外 {} を申請", emergency.id),
            En => format!("{requester} requested {}", emergency.id),
        },
    ));
    for approval in &emergency.approvals {
        let who = case.person(&approval.by);
        found.push((
            approval.at,
            match case.lang {
                Ja => format!("{who} が計画を承認"),
                En => format!("{who} approved the plan"),
            },
        ));
    }
    for (person, witness) in &emergency.witnesses {
        let who = case.person(person);
        found.push((
            witness.joined_at,
            match case.lang {
                Ja => format!("{who} が立会いを開始"),
                En => format!("{who} joined as a witness"),
            },
        ));
    }
}

fn execution(case: &Case<'_>, found: &mut Vec<(Timestamp, String)>) {
    let emergency = &case.facts.emergency;
    if let Some(at) = emergency.started_at {
        found.push((at, case.both("緊急例外を開始", "The exception was started").to_owned()));
    }
    if let Some(backup) = &emergency.backup {
        found.push((backup.at, case.both("バックアップを取り、読み戻して確認", "The backup was taken and read back").to_owned()));
    }
    for ((number, step), state) in (1_u32..).zip(&emergency.plan.steps).zip(&emergency.steps) {
        let title = inline(&step.title);
        if let StepState::Ended(end) = state {
            let result = inline(&label::result(case.lang, end));
            found.push((
                end.ended_at,
                match case.lang {
                    Ja => format!("手順{number}「{title}」が終了: {result}"),
                    En => format!("Step {number} \"{title}\" ended: {result}"),
                },
            ));
        }
    }
    let aspects = [
        (hikeshi_domain::emergency::Aspect::Solved, &emergency.solved),
        (hikeshi_domain::emergency::Aspect::Unaffected, &emergency.unaffected),
    ];
    for (aspect, verified) in aspects {
        if let Some(verified) = verified {
            let (aspect, result) = (label::aspect(case.lang, aspect), label::passed(case.lang, verified.passed));
            found.push((
                verified.at,
                match case.lang {
                    Ja => format!("検証「{aspect}」: {result}"),
                    En => format!("Verification \"{aspect}\": {result}"),
                },
            ));
        }
    }
    if let Some(at) = emergency.restored.as_ref().and_then(|restored| restored.finished_at) {
        found.push((at, case.both("バックアップから復元", "The backup was restored").to_owned()));
    }
    if let Some(at) = emergency.closed_at {
        found.push((at, case.both("緊急例外を終了", "The exception was closed").to_owned()));
    }
}
