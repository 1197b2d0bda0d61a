//! Refusals about approvals (rules E3 and E14).

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, ObligationId, PersonId, RoleName};

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, names, time};

/// Shown when somebody tries to approve their own request.
pub(super) fn self_approval(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            "自分の申請は承認できません。",
            format!("申請したのは{who}です。承認は、申請した人とは別の責任者が行います。"),
            format!("{who}以外の責任者に承認を依頼してください。"),
        ),
        En => say(
            "You cannot approve your own request.",
            format!("{who} requested it; another responsible person must approve."),
            format!("Ask a responsible person other than {who}."),
        ),
    }
}

pub(super) fn executor_approves(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            "実行者は、自分が実行する計画を承認できません。",
            format!("この計画の実行者は{who}です。"),
            "ほかの責任者に承認を依頼するか、実行者を変えて計画を改訂してください。",
        ),
        En => say(
            "The executor cannot approve the plan that they carry out.",
            format!("The executor of this plan is {who}."),
            "Ask another responsible person, or revise the plan with another executor.",
        ),
    }
}

pub(super) fn approver_not_entitled(lang: Lang, roles: &[RoleName], names: &Names) -> Sentence {
    let needed = names.roles(lang, roles);
    let people = names.who_can(lang, roles, &[]);
    match lang {
        Ja => say(
            "承認する役割がありません。",
            format!("承認できるのは次の役割の人です: {needed}。"),
            if people.is_empty() {
                "管理者に、承認できる人の登録を依頼してください。".to_owned()
            } else {
                format!("{people}に承認を依頼してください。")
            },
        ),
        En => say(
            "Your roles do not let you approve.",
            format!("It takes one of these roles: {needed}."),
            if people.is_empty() { "Ask an administrator to name an approver.".to_owned() } else { format!("Ask {people} to approve.") },
        ),
    }
}

pub(super) fn digest_differs(lang: Lang, given: Digest, current: Digest) -> Sentence {
    let (given, current) = (given.short(), current.short());
    match lang {
        Ja => say(
            "読んだ計画と、今の計画が違います。",
            format!("承認は一つの計画に対するものです。読んだ計画は {given}、今の計画は {current} です。"),
            "今の計画を読み直して、納得できれば改めて承認してください。",
        ),
        En => say(
            "The plan has changed since you read it.",
            format!("An approval is for one plan. You read {given}; the plan now is {current}."),
            "Read the plan as it is now, and approve it again if you agree.",
        ),
    }
}

pub(super) fn already_approved(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、この計画をすでに承認しています。"),
            "一人の承認は一件と数えます。",
            "もう一件必要な場合は、別の責任者に依頼してください。",
        ),
        En => say(
            format!("{who} has already approved this plan."),
            "One person counts as one approval.",
            "If another is needed, ask another responsible person.",
        ),
    }
}

pub(super) fn approval_missing(lang: Lang, missing: &[RoleName], every_role: bool, because: &[ObligationId], names: &Names) -> Sentence {
    let people = names.who_can(lang, missing, &[]);
    let overdue = names::list(lang, because.iter().map(ToString::to_string));
    let why = match (lang, every_role, overdue.is_empty()) {
        (Ja, false, _) => format!("次のいずれかの役割の承認が必要です: {}。", names.roles(lang, missing)),
        (Ja, true, true) => format!("次の役割それぞれの承認が必要です: {}。", names.roles(lang, missing)),
        (Ja, true, false) => {
            format!(
                "以前の緊急例外の事後処理（{overdue}）が期限を過ぎているため、次の役割それぞれの承認が必要です: {}。",
                names.roles(lang, missing)
            )
        }
        (En, false, _) => format!("It takes the approval of one of: {}.", names.roles(lang, missing)),
        (En, true, true) => format!("Each of these must approve: {}.", names.roles(lang, missing)),
        (En, true, false) => {
            format!(
                "Follow-up of an earlier exception is overdue ({overdue}), so each of these must approve: {}.",
                names.roles(lang, missing)
            )
        }
    };
    match lang {
        Ja => say(
            "必要な承認がそろっていません。",
            why,
            match (people.is_empty(), overdue.is_empty()) {
                (true, _) => "承認できる人に依頼してください。".to_owned(),
                (false, true) => format!("{people}に承認を依頼してください。"),
                (false, false) => format!("{people}に承認を依頼してください。{overdue} を済ませると、次からは一人の承認で足ります。"),
            },
        ),
        En => say(
            "The approvals are not complete.",
            why,
            match (people.is_empty(), overdue.is_empty()) {
                (true, _) => "Ask somebody who can approve.".to_owned(),
                (false, true) => format!("Ask {people} to approve."),
                (false, false) => format!("Ask {people} to approve. Once {overdue} is done, one approval suffices again."),
            },
        ),
    }
}

pub(super) fn approval_expired(lang: Lang, at: Timestamp, names: &Names) -> Sentence {
    let at = time::stamp(lang, names.zone(), at);
    match lang {
        Ja => say(
            format!("承認の期限が切れています（{at}）。"),
            "承認は、その時の状況に対する判断です。時間がたてば、改めて判断が必要です。",
            "まだ必要であれば、新しく申請してください。",
        ),
        En => say(
            format!("The approval has expired ({at})."),
            "An approval judges the situation of its time; later it must be judged again.",
            "If it is still needed, make a new request.",
        ),
    }
}
