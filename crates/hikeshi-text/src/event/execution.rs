//! Events while a plan is carried out: backup, steps, changed files, verification, restore.

use hikeshi_domain::emergency::{Aspect, Backup, Looked, PutBack, PuttingBack, StepEnd, Trouble, Verified};
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};

use super::session;
use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};
use crate::{Names, label, time};

pub(super) fn started(lang: Lang, emergency: EmergencyId) -> String {
    match lang {
        Ja => format!("{emergency} を開始し、バックアップを取り始めました"),
        En => format!("Started {emergency} and began the backup"),
    }
}

pub(super) fn backup_taken(lang: Lang, backup: &Backup) -> String {
    let (name, files, size) = (&backup.name, backup.files, time::bytes(backup.bytes));
    match lang {
        Ja => format!("バックアップ {name} を取り、読み戻して確かめました（{files}ファイル、{size}）"),
        En => format!("Took the backup {name} and read it back ({files} files, {size})"),
    }
}

pub(super) fn step_confirmed(lang: Lang, step: u32, digest: Digest) -> String {
    let digest = digest.short();
    match lang {
        Ja => format!("危険な手順{step}を立会人として確認しました（計画 {digest}、一回の実行に限る）"),
        En => format!("Confirmed the dangerous step {step} as a witness (plan {digest}, for one run)"),
    }
}

/// `people`: who witnessed, and who had confirmed a dangerous one.
pub(super) fn step_started(
    lang: Lang,
    step: u32,
    attempt: u32,
    digest: Digest,
    people: (&[PersonId], Option<&PersonId>),
    names: &Names,
) -> String {
    let (witnesses, digest) = (names.people(lang, people.0), digest.short());
    let confirmed = people.1.map(|by| names.person(lang, by));
    let confirmed = match (lang, confirmed) {
        (_, None) => String::new(),
        (Ja, Some(by)) => format!("、確認 {by}"),
        (En, Some(by)) => format!(", confirmed by {by}"),
    };
    match (lang, attempt > 1) {
        (Ja, false) => format!("手順{step}を開始しました（計画 {digest}、立会人 {witnesses}{confirmed}）"),
        (Ja, true) => format!("手順{step}を開始しました（{attempt}回目、計画 {digest}、立会人 {witnesses}{confirmed}）"),
        (En, false) => format!("Started step {step} (plan {digest}, witnessed by {witnesses}{confirmed})"),
        (En, true) => format!("Started step {step} (attempt {attempt}, plan {digest}, witnessed by {witnesses}{confirmed})"),
    }
}

pub(super) fn step_ended(lang: Lang, step: u32, end: &StepEnd, looked: &Looked) -> String {
    let how = label::seen(lang, end);
    let files = session::files(lang, looked);
    match lang {
        Ja => format!("手順{step}が終わりました: {how}。{files}"),
        En => format!("Step {step} ended: {how}; {files}"),
    }
}

pub(super) fn step_in_doubt(lang: Lang, step: u32) -> String {
    match lang {
        Ja => format!("手順{step}が実行されたかどうか分かりません。人の確認が必要です"),
        En => format!("Nobody can tell whether step {step} ran; a person must settle it"),
    }
}

pub(super) fn settled_not_run(lang: Lang, step: u32, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("手順{step}は実行されていないと確定しました。根拠: {reason}"),
        En => format!("Settled that step {step} did not run. Grounds: {reason}"),
    }
}

pub(super) fn settled_ran(lang: Lang, step: u32, reason: &str, end: &StepEnd) -> String {
    let reason = one_line(reason);
    let code = end.exit_code.map_or_else(|| "—".to_owned(), |code| code.to_string());
    match lang {
        Ja => format!("手順{step}は実行されたと確定しました（終了コード {code}）。根拠: {reason}"),
        En => format!("Settled that step {step} ran (exit code {code}). Grounds: {reason}"),
    }
}

pub(super) fn verification_started(lang: Lang) -> String {
    match lang {
        Ja => "検証を始めました",
        En => "Began the verification",
    }
    .to_owned()
}

pub(super) fn verified(lang: Lang, aspect: Aspect, verified: &Verified) -> String {
    let aspect = label::aspect(lang, aspect);
    let result = label::passed(lang, verified.passed);
    let detail = match (&verified.attested, lang) {
        (Some(attested), Ja) => format!("目視: {}", one_line(&attested.note)),
        (Some(attested), En) => format!("by eye: {}", one_line(&attested.note)),
        (None, _) => {
            let passed = verified.checks.iter().filter(|check| check.passed).count();
            match lang {
                Ja => format!("{passed}/{}項目が合格", verified.checks.len()),
                En => format!("{passed} of {} checks passed", verified.checks.len()),
            }
        }
    };
    match lang {
        Ja => format!("検証「{aspect}」: {result}（{detail}）"),
        En => format!("Verification \"{aspect}\": {result} ({detail})"),
    }
}

pub(super) fn change_accepted(lang: Lang, path: &str, reason: &str) -> String {
    let (path, reason) = (one_line(path), one_line(reason));
    match lang {
        Ja => format!("範囲外の変更 {path} を認めました。理由: {reason}"),
        En => format!("Accepted the change of {path} outside the scope. Reason: {reason}"),
    }
}

pub(super) fn revert_started(lang: Lang, files: &[PuttingBack], reason: &str) -> String {
    let (paths, reason) = (paths(lang, files.iter().map(|file| file.path.as_str())), one_line(reason));
    match lang {
        Ja => format!("{paths} を元に戻し始めました。理由: {reason}"),
        En => format!("Began to put {paths} back. Reason: {reason}"),
    }
}

/// What was found changed in between, and what failed, is said by name.
pub(super) fn files_reverted(lang: Lang, files: &[PutBack], remaining: usize) -> String {
    let back = files.iter().filter(|file| file.failed.is_none()).count();
    let mut text = match lang {
        Ja => format!("{back}件を元に戻し、もう一度調べて確かめました（残る変更 {remaining}件）"),
        En => format!("Put {back} file(s) back and looked again ({remaining} change(s) remain)"),
    };
    let named = |wanted: fn(&&PutBack) -> bool| files.iter().filter(wanted).map(|file| file.path.as_str()).collect::<Vec<_>>();
    let (since, failed) = (named(|file| file.changed_since), named(|file| file.failed.is_some()));
    if !since.is_empty() {
        let paths = paths(lang, since.into_iter());
        text.push_str(&match lang {
            Ja => format!("。記録した後に別の変更があり、その内容を残したもの: {paths}"),
            En => format!(". Changed since they were last seen, and kept as found: {paths}"),
        });
    }
    if !failed.is_empty() {
        let paths = paths(lang, failed.into_iter());
        text.push_str(&match lang {
            Ja => format!("。戻せなかったもの: {paths}"),
            En => format!(". Not put back: {paths}"),
        });
    }
    text
}

/// The first few by name, the others counted.
fn paths<'a>(lang: Lang, all: impl Iterator<Item = &'a str>) -> String {
    const NAMED_MAX: usize = 5;
    let all: Vec<String> = all.map(one_line).collect();
    let named = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match (all.len().saturating_sub(NAMED_MAX), lang) {
        (0, _) => named,
        (more, Ja) => format!("{named} ほか{more}件"),
        (more, En) => format!("{named} and {more} more"),
    }
}

pub(super) fn restore_started(lang: Lang, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("バックアップからの復元を始めました。理由: {reason}"),
        En => format!("Began to restore the backup. Reason: {reason}"),
    }
}

pub(super) fn backup_restored(lang: Lang, files: u64) -> String {
    match lang {
        Ja => format!("バックアップから復元し、内容が一致することを確かめました（{files}ファイル）"),
        En => format!("Restored the backup and checked that it matches ({files} files)"),
    }
}

pub(super) fn troubled(lang: Lang, trouble: &Trouble) -> String {
    let (doing, detail) = (label::doing(lang, trouble.doing), clipped(&trouble.detail, 300));
    match lang {
        Ja => format!("{doing}に失敗しました: {detail}"),
        En => format!("{doing} failed: {detail}"),
    }
}
