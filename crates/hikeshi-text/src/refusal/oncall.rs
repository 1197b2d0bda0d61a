//! Refusals about on-call schedules (rule I4).

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{OverrideId, PersonId, RoleName};

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, time};

pub(super) fn backwards(lang: Lang, from: Timestamp, until: Timestamp, names: &Names) -> Sentence {
    let (from, until) = (time::stamp(lang, names.zone(), from), time::stamp(lang, names.zone(), until));
    match lang {
        Ja => say(
            format!("終わり（{until}）が、始まり（{from}）より後になっていません。"),
            "長さのない当番では、誰も呼べません。",
            "始まりと終わりを確かめて、もう一度送ってください。",
        ),
        En => say(
            format!("The end ({until}) does not come after the beginning ({from})."),
            "A shift without length calls nobody.",
            "Check both times and send it again.",
        ),
    }
}

pub(super) fn too_far(lang: Lang, days_max: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("当番の交代は、{days_max}日先までです。"),
            "それより先まで続く決めごとは、当番表そのものに書きます。",
            "期間を短くするか、ポリシーの [schedules] を変えてください。",
        ),
        En => say(
            format!("Overrides reach {days_max} days ahead at most."),
            "What holds for longer belongs into the schedule itself.",
            "Shorten it, or change [schedules] in the policy.",
        ),
    }
}

pub(super) fn of_others(lang: Lang, person: &PersonId, roles: &[RoleName], names: &Names) -> Sentence {
    let (who, roles) = (names.person(lang, person), names.roles(lang, roles));
    match lang {
        Ja => say(
            format!("{who}の当番は、あなたには決められません。"),
            "自分が代わることは誰でもできます。ほかの人の当番を変えられるのは、当番表を管理する役割の人だけです。",
            format!("{who}に自分で登録してもらうか、{roles}の役割の人に頼んでください。"),
        ),
        En => say(
            format!("You cannot decide when {who} is on call."),
            "Everybody may take over themselves; others are arranged for by whoever manages the schedule.",
            format!("Ask {who} to do it, or somebody with one of the roles: {roles}."),
        ),
    }
}

pub(super) fn over(lang: Lang, id: OverrideId) -> Sentence {
    match lang {
        Ja => say(
            format!("{id} の当番は、すでに終わっています。"),
            "過ぎた時間に誰が当番だったかは、記録として変わりません。",
            "これからの当番: hikeshi oncall",
        ),
        En => say(
            format!("{id} is over already."),
            "Who was on call in the past is on record and does not change.",
            "Who is on call from now on: hikeshi oncall",
        ),
    }
}
