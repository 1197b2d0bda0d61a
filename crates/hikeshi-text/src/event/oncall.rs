//! Events of the on-call schedules.

use hikeshi_domain::oncall::OncallEvent;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, time};

pub(super) fn said(lang: Lang, event: &OncallEvent, names: &Names) -> String {
    match event {
        OncallEvent::Overridden { row } => {
            let (schedule, person, reason) = (names.schedule(&row.schedule), names.person(lang, &row.person), one_line(&row.reason));
            let time = |at| time::stamp(lang, names.zone(), at);
            let (id, from, until) = (row.id, time(row.from), time(row.until));
            match lang {
                Ja => format!("{from} から {until} まで、「{schedule}」の当番を{person}にしました（{id}、理由: {reason}）"),
                En => format!("{schedule}: {person} is on call from {from} until {until} ({id}; why: {reason})"),
            }
        }
        OncallEvent::Cancelled { id, schedule, person, by: _, reason } => {
            let (schedule, person, reason) = (names.schedule(schedule), names.person(lang, person), one_line(reason));
            match lang {
                Ja => format!("「{schedule}」の当番の交代（{id}、{person}）を取り消しました。理由: {reason}"),
                En => format!("{schedule}: took back the override {id} of {person}. Why: {reason}"),
            }
        }
    }
}
