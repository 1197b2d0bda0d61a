//! Events of an emergency exception around its execution: request, approval, witnesses, close.

use hikeshi_domain::emergency::{Approval, Ending, Means, Plan, Requirement};
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, names, time};

pub(super) fn requested(
    lang: Lang,
    emergency: EmergencyId,
    plan: &Plan,
    digest: Digest,
    requirement: &Requirement,
    names: &Names,
) -> String {
    let (summary, target, executor) = (one_line(&plan.summary), &plan.target, names.person(lang, &plan.executor));
    let line = match lang {
        Ja => format!("緊急例外 {emergency} を申請しました: {summary}（実行先 {target}、実行者 {executor}、計画 {}）", digest.short()),
        En => format!(
            "Requested the emergency exception {emergency}: {summary} (target {target}, executor {executor}, plan {})",
            digest.short()
        ),
    };
    if requirement.every_role { format!("{line}{}", harder(lang, requirement)) } else { line }
}

fn harder(lang: Lang, requirement: &Requirement) -> String {
    let because = names::list(lang, requirement.because.iter().map(ToString::to_string));
    match (lang, because.is_empty()) {
        (Ja, true) => "。すべての承認役割の承認が必要です".to_owned(),
        (Ja, false) => format!("。期限を過ぎた事後処理（{because}）があるため、すべての承認役割の承認が必要です"),
        (En, true) => ". Every approver role must approve".to_owned(),
        (En, false) => format!(". Every approver role must approve, because follow-up is overdue: {because}"),
    }
}

pub(super) fn revised(lang: Lang, emergency: EmergencyId, revision: u32, digest: Digest) -> String {
    match lang {
        Ja => format!("{emergency} の計画を改訂しました（第{revision}版、計画 {}）。それまでの承認は無効です", digest.short()),
        En => format!("Revised the plan of {emergency} (revision {revision}, plan {}). Earlier approvals are void", digest.short()),
    }
}

pub(super) fn approved(lang: Lang, approval: &Approval, complete: bool, names: &Names) -> String {
    let (judgement, digest) = (one_line(&approval.judgement), approval.digest.short());
    let until = time::stamp(lang, names.zone(), approval.expires_at);
    let means = label::means(lang, &approval.means, names);
    // Elsewhere the line begins with who acted; a signature may be brought by somebody else.
    let who = match (lang, &approval.means) {
        (Ja, Means::Ssh { .. }) => format!("{}が", names.person(lang, &approval.by)),
        (En, Means::Ssh { .. }) => format!("{} approved", names.person(lang, &approval.by)),
        (Ja, Means::Session | Means::Passkey { .. }) => String::new(),
        (En, Means::Session | Means::Passkey { .. }) => "Approved".to_owned(),
    };
    match (lang, complete) {
        (Ja, true) => format!("{who}計画 {digest} を承認しました（{until} まで有効。{means}）。判断: {judgement}"),
        (Ja, false) => format!("{who}計画 {digest} を承認しました（{until} まで有効、ほかの承認を待ちます。{means}）。判断: {judgement}"),
        (En, true) => format!("{who} the plan {digest} (valid until {until}; {means}). Judgement: {judgement}"),
        (En, false) => {
            format!("{who} the plan {digest} (valid until {until}; another approval is needed; {means}). Judgement: {judgement}")
        }
    }
}

pub(super) fn requirement_raised(lang: Lang, requirement: &Requirement) -> String {
    let because = names::list(lang, requirement.because.iter().map(ToString::to_string));
    match lang {
        Ja => format!("事後処理（{because}）が期限を過ぎたため、すべての承認役割の承認が必要になりました"),
        En => format!("Follow-up became overdue ({because}), so every approver role must now approve"),
    }
}

pub(super) fn declined(lang: Lang, emergency: EmergencyId, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("{emergency} を却下しました。理由: {reason}"),
        En => format!("Declined {emergency}. Reason: {reason}"),
    }
}

pub(super) fn cancelled(lang: Lang, emergency: EmergencyId, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("{emergency} を取り下げました。理由: {reason}"),
        En => format!("Cancelled {emergency}. Reason: {reason}"),
    }
}

pub(super) fn expired(lang: Lang, emergency: EmergencyId) -> String {
    match lang {
        Ja => format!("{emergency} は、開始しないまま承認の期限が切れました"),
        En => format!("The approval of {emergency} expired before the start"),
    }
}

pub(super) fn witness_joined(lang: Lang, person: &PersonId, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}が立会いを始めました"),
        En => format!("{who} joined as a witness"),
    }
}

pub(super) fn witness_left(lang: Lang, person: &PersonId, lost: bool, names: &Names) -> String {
    let who = names.person(lang, person);
    match (lang, lost) {
        (Ja, false) => format!("{who}が立会いを抜けました"),
        (Ja, true) => format!("立会人の{who}から応答がなくなりました"),
        (En, false) => format!("{who} left as a witness"),
        (En, true) => format!("The witness {who} is no longer heard of"),
    }
}

pub(super) fn held(lang: Lang, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("実行を止めました。理由: {reason}"),
        En => format!("Held the execution. Reason: {reason}"),
    }
}

pub(super) fn resumed(lang: Lang) -> String {
    match lang {
        Ja => "実行を再開しました",
        En => "Resumed the execution",
    }
    .to_owned()
}

pub(super) fn ran_long(lang: Lang, emergency: EmergencyId) -> String {
    match lang {
        Ja => format!("{emergency} の実行が長引いています"),
        En => format!("The execution of {emergency} is running long"),
    }
}

pub(super) fn closed(lang: Lang, emergency: EmergencyId, ending: Ending) -> String {
    let ending = label::ending(lang, ending);
    match lang {
        Ja => format!("{emergency} を終了しました（{ending}）"),
        En => format!("Closed {emergency} ({ending})"),
    }
}
