//! Announcements about an emergency exception (rules E2 to E9).

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{Ending, Means, Requirement};
use hikeshi_domain::ids::{Digest, PersonId};

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label, names, time};

/// Rule E2: what is needed, why the normal flow is not used, and what is asked of those who are called.
pub(super) fn requested(lang: Lang, summary: &str, reason: &str, digest: Digest, requirement: &Requirement) -> String {
    let (summary, reason, digest) = (one_line(summary), one_line(reason), digest.short());
    let because = names::list(lang, requirement.because.iter().map(ToString::to_string));
    let more = match (lang, requirement.every_role, because.is_empty()) {
        (_, false, _) => String::new(),
        (Ja, true, true) => "すべての承認役割の承認が必要です。".to_owned(),
        (Ja, true, false) => format!("以前の事後処理（{because}）が期限を過ぎているため、すべての承認役割の承認が必要です。"),
        (En, true, true) => " Every approver role must approve.".to_owned(),
        (En, true, false) => format!(" Every approver role must approve, because follow-up is overdue ({because})."),
    };
    match lang {
        Ja => format!(
            "緊急例外の承認をお願いします。\n必要な対応: {summary}\n通常のデプロイを使えない理由: {reason}\n計画（{digest}）を読んで、承認か却下をしてください。{more}"
        ),
        En => format!(
            "An emergency exception needs approval.\nResponse: {summary}\nWhy not the normal flow: {reason}\nPlease read the plan ({digest}) and approve or decline it.{more}"
        ),
    }
}

pub(super) fn revised(lang: Lang, digest: Digest, revision: u32) -> String {
    let digest = digest.short();
    match lang {
        Ja => format!("計画が改訂されました（第{revision}版、{digest}）。それまでの承認は無効です。読み直して、改めて承認してください。"),
        En => {
            format!("The plan was revised (revision {revision}, {digest}). Earlier approvals are void: please read it and approve again.")
        }
    }
}

pub(super) fn approved(lang: Lang, given: &Approved<'_>, names: &Names) -> String {
    let (who, judgement, digest) = (names.person(lang, given.by), one_line(given.judgement), given.digest.short());
    let (until, means) = (time::stamp(lang, names.zone(), given.expires_at), label::means(lang, given.means, names));
    match lang {
        Ja => {
            let next =
                if given.complete { "立会人がそろえば開始できます。" } else { "ほかの役割の承認も必要です。" };
            format!("{who}が計画 {digest} を承認しました（{until} まで有効。{means}）。判断: {judgement}\n{next}")
        }
        En => {
            let next = if given.complete { "It can start once the witnesses are present." } else { "Another role must approve too." };
            format!("{who} approved the plan {digest} (valid until {until}; {means}). Judgement: {judgement}\n{next}")
        }
    }
}

/// What the channel is told of an approval.
pub(super) struct Approved<'a> {
    pub by: &'a PersonId,
    pub judgement: &'a str,
    pub digest: Digest,
    pub complete: bool,
    pub expires_at: Timestamp,
    pub means: &'a Means,
}

pub(super) fn declined(lang: Lang, by: &PersonId, reason: &str, names: &Names) -> String {
    let (who, reason) = (names.person(lang, by), one_line(reason));
    match lang {
        Ja => format!("{who}が緊急例外を却下しました。理由: {reason}"),
        En => format!("{who} declined the emergency exception. Reason: {reason}"),
    }
}

pub(super) fn cancelled(lang: Lang, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("緊急例外の申請が取り下げられました。理由: {reason}"),
        En => format!("The emergency exception was cancelled. Reason: {reason}"),
    }
}

pub(super) fn expired(lang: Lang) -> String {
    match lang {
        Ja => "開始しないまま承認の期限が切れました。まだ必要なら、新しく申請してください。",
        En => "The approval expired before the start. If it is still needed, make a new request.",
    }
    .to_owned()
}

/// Rule E5: that it began, who acts, and that everyone can watch.
pub(super) fn session_started(lang: Lang, executor: &PersonId, names: &Names) -> String {
    let who = names.person(lang, executor);
    match lang {
        Ja => format!("{who}が緊急例外を開始しました。操作はすべて記録され、緊急例外の画面で誰でも見られます。"),
        En => format!("{who} has started the emergency exception. Everything is recorded, and everyone can watch on its page."),
    }
}

pub(super) fn session_long(lang: Lang, minutes: u32) -> String {
    let since = time::minutes(lang, minutes);
    match lang {
        Ja => format!("開始から{since}たちました。続けるか、バックアップから復元して仕切り直すかを判断してください。"),
        En => format!("It has been running for {since}. Decide whether to go on, or to restore the backup and start afresh."),
    }
}

pub(super) fn witness_joined(lang: Lang, person: &PersonId, names: &Names) -> String {
    let who = names.person(lang, person);
    match lang {
        Ja => format!("{who}が立会いを始めました。"),
        En => format!("{who} joined as a witness."),
    }
}

pub(super) fn witness_left(lang: Lang, person: &PersonId, lost: bool, names: &Names) -> String {
    let who = names.person(lang, person);
    match (lang, lost) {
        (Ja, false) => format!("{who}が立会いを抜けました。立会人がそろうまで、次の手順は実行できません。"),
        (Ja, true) => format!("立会人の{who}から応答がありません。立会人がそろうまで、次の手順は実行できません。"),
        (En, false) => format!("{who} left as a witness. No step runs until the witnesses are complete."),
        (En, true) => format!("The witness {who} is not heard of. No step runs until the witnesses are complete."),
    }
}

pub(super) fn held(lang: Lang, by: &PersonId, reason: &str, names: &Names) -> String {
    let (who, reason) = (names.person(lang, by), one_line(reason));
    match lang {
        Ja => format!("{who}が実行を止めました。理由: {reason}"),
        En => format!("{who} holds the execution. Reason: {reason}"),
    }
}

pub(super) fn resumed(lang: Lang, by: &PersonId, names: &Names) -> String {
    let who = names.person(lang, by);
    match lang {
        Ja => format!("{who}が実行を再開しました。"),
        En => format!("{who} resumed the execution."),
    }
}

pub(super) fn out_of_scope(lang: Lang, path: &str) -> String {
    let path = one_line(path);
    match lang {
        Ja => format!("【範囲外の変更】{path} が変わりました。承認した人が認めるか、元に戻すまで、終了できません。"),
        En => format!(
            "Outside the scope: {path} has changed. An approver accepts it, or it is put back; until then the exception cannot be closed."
        ),
    }
}

pub(super) fn step_failed(lang: Lang, step: u32, title: &str) -> String {
    let title = one_line(title);
    match lang {
        Ja => format!("手順{step}「{title}」が失敗しました。出力を確かめて、もう一度実行するか、復元してください。"),
        En => format!("Step {step} \"{title}\" failed. Look at its output, then run it again or restore the backup."),
    }
}

pub(super) fn step_in_doubt(lang: Lang, step: u32, title: &str) -> String {
    let title = one_line(title);
    match lang {
        Ja => format!("手順{step}「{title}」が実行されたかどうか分かりません。実行先を確かめて、結果を確定してください。"),
        En => format!("Nobody can tell whether step {step} \"{title}\" ran. Look at the target and settle it."),
    }
}

pub(super) fn verification_failed(lang: Lang) -> String {
    match lang {
        Ja => "検証に合格しませんでした。バックアップから復元できます。",
        En => "The verification did not pass. The backup can be restored.",
    }
    .to_owned()
}

pub(super) fn restored(lang: Lang, by: &PersonId, names: &Names) -> String {
    let who = names.person(lang, by);
    match lang {
        Ja => format!("{who}がバックアップから復元しました。変更範囲は開始前の状態に戻っています。"),
        En => format!("{who} restored the backup. The scope is as it was before the start."),
    }
}

pub(super) fn closed(lang: Lang, ending: Ending) -> String {
    let ending = label::ending(lang, ending);
    match lang {
        Ja => format!("緊急例外が終了しました（{ending}）。"),
        En => format!("The emergency exception is closed ({ending})."),
    }
}
