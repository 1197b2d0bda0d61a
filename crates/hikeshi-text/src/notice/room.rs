//! Announcements about the people around an incident.

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::incident::{Duty, Level, WhyEscalated};

use crate::Lang::{self, En, Ja};
use crate::plain::{lines, one_line};
use crate::{Names, label, time};

pub(super) fn escalated(lang: Lang, level: Level, why: &WhyEscalated, names: &Names) -> String {
    let step = label::step(lang, level);
    match (lang, why) {
        (Ja, WhyEscalated::Unanswered { minutes: 0 }) => format!("担当の方は対応を引き受けてください（{step}）。"),
        (En, WhyEscalated::Unanswered { minutes: 0 }) => format!("Please acknowledge this incident ({step})."),
        (Ja, WhyEscalated::Unanswered { minutes }) => {
            format!("{}たっても誰も対応を引き受けていません（{step}）。確認してください。", time::minutes(lang, *minutes))
        }
        (En, WhyEscalated::Unanswered { minutes }) => {
            format!("Nobody has acknowledged this for {} ({step}). Please look at it.", time::minutes(lang, *minutes))
        }
        (Ja, WhyEscalated::Unreachable) => format!("前の段階の誰にも連絡がつきません（{step}）。対応を引き受けてください。"),
        (En, WhyEscalated::Unreachable) => format!("Nobody of the step before can be reached ({step}). Please acknowledge this incident."),
        (Ja, WhyEscalated::NobodyOnCall) => format!("前の段階に当番がいません（{step}）。対応を引き受けてください。"),
        (En, WhyEscalated::NobodyOnCall) => format!("Nobody is on call for the step before ({step}). Please acknowledge this incident."),
        (Ja, WhyEscalated::NotRestored { minutes }) => {
            format!(
                "対応を引き受けてから{}たっても復旧していません（{step}）。応援に入れる方は引き受けてください。",
                time::minutes(lang, *minutes)
            )
        }
        (En, WhyEscalated::NotRestored { minutes }) => {
            format!("Not restored {} after somebody took it ({step}). Whoever can help, please acknowledge.", time::minutes(lang, *minutes))
        }
        (Ja, WhyEscalated::Asked { by, reason }) => {
            format!("{}が応援を求めています（{step}）: {}", names.person(lang, by), one_line(reason))
        }
        (En, WhyEscalated::Asked { by, reason }) => {
            format!("{} asks for help ({step}): {}", names.person(lang, by), one_line(reason))
        }
    }
}

pub(super) fn assigned(lang: Lang, duty: Duty, person: Option<&PersonId>, names: &Names) -> String {
    let duty = label::duty(lang, duty);
    match (lang, person.map(|person| names.person(lang, person))) {
        (Ja, Some(who)) => format!("{duty}は{who}が担当します。"),
        (Ja, None) => format!("{duty}の担当はいなくなりました。"),
        (En, Some(who)) => format!("{duty}: {who} from now on."),
        (En, None) => format!("{duty}: nobody any more."),
    }
}

pub(super) fn handed_over(lang: Lang, from: &PersonId, to: &PersonId, note: &str, names: &Names) -> String {
    let (from, to, note) = (names.person(lang, from), names.person(lang, to), lines(note));
    match lang {
        Ja => format!("{from}から{to}に対応を引き継ぎました。申し送り: {note}"),
        En => format!("{to} has it from now on, handed over by {from}: {note}"),
    }
}
