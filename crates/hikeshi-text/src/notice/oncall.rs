//! Announcements about who is on call.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::incident::Level;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, time};

pub(super) fn nobody(lang: Lang, level: Level, schedules: &[String]) -> String {
    let step = label::step(lang, level);
    let quoted: Vec<String> = schedules.iter().map(|name| one_line(name)).collect();
    match lang {
        Ja => format!("「{}」は、いま当番がいません（{step}）。", quoted.join("」「")),
        En => format!("Nobody is on call now: {} ({step}).", quoted.join(", ")),
    }
}

/// From here to there.
fn period(lang: Lang, from: Timestamp, until: Timestamp, names: &Names) -> String {
    let (from, until) = (time::stamp(lang, names.zone(), from), time::stamp(lang, names.zone(), until));
    match lang {
        Ja => format!("{from} から {until} まで"),
        En => format!("from {from} until {until}"),
    }
}

pub(super) fn taken(lang: Lang, schedule: &str, person: &PersonId, from: Timestamp, until: Timestamp, names: &Names) -> String {
    let (schedule, who, period) = (one_line(schedule), names.person(lang, person), period(lang, from, until, names));
    match lang {
        Ja => format!("{period}、「{schedule}」の当番は{who}です。"),
        En => format!("{schedule}: {who} is on call {period}."),
    }
}

pub(super) fn given_back(lang: Lang, schedule: &str, person: &PersonId, from: Timestamp, until: Timestamp, names: &Names) -> String {
    let (schedule, who, period) = (one_line(schedule), names.person(lang, person), period(lang, from, until, names));
    match lang {
        Ja => format!("{who}が「{schedule}」の当番を代わる予定（{period}）は取り消されました。ここから先は、もとの当番表のとおりです。"),
        En => format!("{schedule}: {who} no longer takes over {period}. From here on the schedule is as it was."),
    }
}
