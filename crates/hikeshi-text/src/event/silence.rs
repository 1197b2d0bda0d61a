//! Events of silences, and of monitors, which they may hold back (rule I10).

use hikeshi_domain::alert::inhibit::By;
use hikeshi_domain::alert::silence::{SilenceEvent, SilenceStep};
use hikeshi_domain::monitor::{MonitorEvent, MonitorStep};

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, time};

pub(super) fn said(lang: Lang, event: &SilenceEvent, names: &Names) -> String {
    let SilenceEvent { silence, step } = event;
    match step {
        SilenceStep::Made { made } => {
            let covers = label::covers(lang, &made.covers, names);
            let (from, until) = (time::stamp(lang, names.zone(), made.from), time::stamp(lang, names.zone(), made.until));
            let (by, reason) = (label::by(lang, &made.by, names), one_line(&made.reason));
            match (lang, &made.by) {
                (Ja, By::Rule(_)) => format!("{by}により {silence} を設定しました。「{reason}」が続くあいだ、{covers}では呼び出しません"),
                (En, By::Rule(_)) => format!("{silence} by {by}: nobody is paged for {covers} while this goes on: {reason}"),
                (Ja, By::Person(_)) => {
                    format!("{by}が {silence} を設定しました。{from} から {until} まで、{covers}では呼び出しません: {reason}")
                }
                (En, By::Person(_)) => format!("{by} made {silence}: nobody is paged for {covers} from {from} until {until}: {reason}"),
            }
        }
        SilenceStep::Lifted { by } => {
            let who = label::by(lang, by, names);
            match (lang, by) {
                (Ja, By::Person(_)) => format!("{who}が {silence} を期限前に解除しました"),
                (En, By::Person(_)) => format!("{who} ended {silence} before its time"),
                (Ja, By::Rule(_)) => format!("原因が解消したため、{who}の {silence} を終えました"),
                (En, By::Rule(_)) => format!("{silence} ends with its cause ({who})"),
            }
        }
        SilenceStep::Looked => match lang {
            Ja => format!("{silence} で止めていたものを確認しています"),
            En => format!("Looking at what {silence} has held back"),
        },
        SilenceStep::Ended => match lang {
            Ja => format!("{silence} は終わりました"),
            En => format!("{silence} is over"),
        },
    }
}

pub(super) fn monitor(lang: Lang, event: &MonitorEvent) -> String {
    let MonitorEvent { monitor, incident, seen, step } = event;
    let seen = one_line(seen);
    let incident = incident.map(|id| id.to_string()).unwrap_or_default();
    match (lang, step) {
        (Ja, MonitorStep::Fired { held: None, unmeasured: true }) => format!("監視 {monitor} が測定できなくなりました: {seen}"),
        (En, MonitorStep::Fired { held: None, unmeasured: true }) => format!("The monitor {monitor} cannot measure: {seen}"),
        (Ja, MonitorStep::Fired { held: Some(held), unmeasured: true }) => {
            format!("監視 {monitor} が測定できなくなりました（{held} により呼び出しません）: {seen}")
        }
        (En, MonitorStep::Fired { held: Some(held), unmeasured: true }) => {
            format!("The monitor {monitor} cannot measure; {held} holds it back: {seen}")
        }
        (Ja, MonitorStep::Fired { held: None, .. }) => format!("監視 {monitor} が異常を検知しました: {seen}"),
        (En, MonitorStep::Fired { held: None, .. }) => format!("The monitor {monitor} sees a failure: {seen}"),
        (Ja, MonitorStep::Fired { held: Some(held), .. }) => {
            format!("監視 {monitor} が異常を検知しました（{held} により呼び出しません）: {seen}")
        }
        (En, MonitorStep::Fired { held: Some(held), .. }) => format!("The monitor {monitor} sees a failure; {held} holds it back: {seen}"),
        (Ja, MonitorStep::Released { held: None }) => format!("監視 {monitor} の異常が続いているため、{incident} に加えました: {seen}"),
        (En, MonitorStep::Released { held: None }) => {
            format!("The monitor {monitor} goes on failing, and now belongs to {incident}: {seen}")
        }
        (Ja, MonitorStep::Released { held: Some(held) }) => format!("監視 {monitor} の異常は、引き続き {held} で止めています: {seen}"),
        (En, MonitorStep::Released { held: Some(held) }) => {
            format!("The monitor {monitor} goes on failing; now {held} holds it back: {seen}")
        }
        (Ja, MonitorStep::Recovered) => format!("監視 {monitor} が回復を確認しました: {seen}"),
        (En, MonitorStep::Recovered) => format!("The monitor {monitor} sees a recovery: {seen}"),
    }
}
