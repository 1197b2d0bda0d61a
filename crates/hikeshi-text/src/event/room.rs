//! Events of the people around an incident: further calls, duties, the handover.

use hikeshi_domain::ids::ScheduleName;
use hikeshi_domain::incident::{Escalated, RoomEvent, RoomStep, WhyEscalated};

use crate::Lang::{self, En, Ja};
use crate::plain::{lines, one_line};
use crate::{Names, label, time};

/// The first step is nobody's failure to answer.
pub(super) fn escalated(lang: Lang, escalated: &Escalated, names: &Names) -> String {
    let (to, step) = (names.people(lang, &escalated.to), label::step(lang, escalated.level));
    let why = match &escalated.why {
        WhyEscalated::Unanswered { minutes: 0 } => String::new(),
        WhyEscalated::Unanswered { minutes } => match lang {
            Ja => format!("{}たっても応答がないため、", time::minutes(lang, *minutes)),
            En => format!("Nobody acknowledged it for {}; ", time::minutes(lang, *minutes)),
        },
        WhyEscalated::Unreachable => match lang {
            Ja => "前の段階の誰にも連絡がつかないため、".to_owned(),
            En => "Nobody of the step before can be reached; ".to_owned(),
        },
        WhyEscalated::NobodyOnCall => match lang {
            Ja => "前の段階に当番がいないため、".to_owned(),
            En => "Nobody is on call for the step before; ".to_owned(),
        },
        WhyEscalated::NotRestored { minutes } => match lang {
            Ja => format!("対応を引き受けてから{}たっても復旧していないため、", time::minutes(lang, *minutes)),
            En => format!("Not restored {} after somebody took it; ", time::minutes(lang, *minutes)),
        },
        WhyEscalated::Asked { by, reason } => match lang {
            Ja => format!("{}の求め（{}）により、", names.person(lang, by), one_line(reason)),
            En => format!("{} asked for it ({}); ", names.person(lang, by), one_line(reason)),
        },
    };
    if escalated.to.is_empty() && !escalated.gaps.is_empty() {
        return nobody_on_call(lang, &why, &step, &escalated.gaps, names);
    }
    match (lang, escalated.to.is_empty()) {
        (Ja, false) => format!("{why}{to}に連絡しました（{step}）"),
        (Ja, true) => format!("{why}{step}になりましたが、該当する役割の人がいません"),
        (En, false) if why.is_empty() => format!("Told {to} ({step})"),
        (En, false) => format!("{why}told {to} ({step})"),
        (En, true) => format!("{why}nobody holds the roles of the next one ({step})"),
    }
}

fn nobody_on_call(lang: Lang, why: &str, step: &str, gaps: &[ScheduleName], names: &Names) -> String {
    let schedules: Vec<&str> = gaps.iter().map(|schedule| names.schedule(schedule)).collect();
    match (lang, why.is_empty()) {
        (Ja, _) => format!("{why}{step}になりましたが、「{}」に当番がいません", schedules.join("」「")),
        (En, true) => format!("Nobody is on call: {} ({step})", schedules.join(", ")),
        (En, false) => format!("{why}nobody is on call: {} ({step})", schedules.join(", ")),
    }
}

pub(super) fn said(lang: Lang, event: &RoomEvent, names: &Names) -> String {
    match &event.what {
        RoomStep::Assigned { duty, person, by: _ } => {
            let duty = label::duty(lang, *duty);
            match (lang, person.as_ref().map(|person| names.person(lang, person))) {
                (Ja, Some(who)) => format!("{duty}を{who}に任せました"),
                (Ja, None) => format!("{duty}の担当を外しました"),
                (En, Some(who)) => format!("{duty}: given to {who}"),
                (En, None) => format!("{duty}: nobody any more"),
            }
        }
        RoomStep::HandedOver { from, to, note } => {
            let (from, to, note) = (names.person(lang, from), names.person(lang, to), lines(note));
            match lang {
                Ja => format!("{from}から{to}に対応を引き継ぎました: {note}"),
                En => format!("Handed over from {from} to {to}: {note}"),
            }
        }
    }
}
