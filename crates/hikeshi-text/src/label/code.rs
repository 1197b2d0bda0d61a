//! Labels of plain codes: priority, stages, statuses, answers of a triage.

use hikeshi_domain::alert::Severity;
use hikeshi_domain::emergency::{Aspect, ChangeKind, ConditionName, Doing, Ending, Killed, Status, Verdict};
use hikeshi_domain::incident::{Business, Duty, Impact, Level, Priority, Stage, Urgency};
use hikeshi_domain::obligation::{self, Kind, Waiver};
use hikeshi_domain::policy::Scheme;

use super::both;
use crate::Lang;

/// `P1`, or `レベル3` when the workspace counts three levels.
pub fn priority(lang: Lang, scheme: Scheme, priority: Priority) -> &'static str {
    match scheme {
        Scheme::FourPriorities => priority.code(),
        Scheme::ThreeLevels => level(lang, priority),
    }
}

fn level(lang: Lang, priority: Priority) -> &'static str {
    both(
        lang,
        match priority {
            Priority::P1 => ("レベル3", "Level 3"),
            Priority::P2 => ("レベル2", "Level 2"),
            Priority::P3 | Priority::P4 => ("レベル1", "Level 1"),
        },
    )
}

/// What the priority means (rule I2).
pub fn priority_meaning(lang: Lang, scheme: Scheme, priority: Priority) -> &'static str {
    both(
        lang,
        match (scheme, priority) {
            (Scheme::FourPriorities, Priority::P1) => ("サービス全体が停止", "the whole service is down"),
            (Scheme::FourPriorities, Priority::P2) => ("主要な機能が停止", "a main function is down"),
            (Scheme::FourPriorities, Priority::P3) => ("一部の機能が停止", "part of the service is down"),
            (Scheme::FourPriorities, Priority::P4) => ("軽微な不具合", "a slight fault"),
            (Scheme::ThreeLevels, Priority::P1) => {
                ("全体停止、データ消失のおそれ、または情報漏えい", "everything down, data at risk, or a security breach")
            }
            (Scheme::ThreeLevels, Priority::P2) => ("多くの利用者または主要な機能に影響", "many users or a main function"),
            (Scheme::ThreeLevels, Priority::P3 | Priority::P4) => ("影響は限定的", "limited impact"),
        },
    )
}

/// How the workspace counts severity.
pub fn scheme(lang: Lang, scheme: Scheme) -> &'static str {
    both(
        lang,
        match scheme {
            Scheme::FourPriorities => ("優先度 P1〜P4", "priorities P1 to P4"),
            Scheme::ThreeLevels => ("レベル1〜3", "levels 1 to 3"),
        },
    )
}

/// Where the work on an incident stands (rule I1).
pub fn stage(lang: Lang, stage: Stage) -> &'static str {
    both(
        lang,
        match stage {
            Stage::Reported => ("検知・報告", "Detected and reported"),
            Stage::Impact => ("影響範囲の特定", "Finding the impact"),
            Stage::Mitigation => ("一時対応", "Mitigation"),
            Stage::Cause => ("原因調査", "Root cause"),
            Stage::PermanentFix => ("恒久対応", "Permanent fix"),
            Stage::Postmortem => ("ポストモーテム", "Postmortem"),
            Stage::Closed => ("完了", "Closed"),
        },
    )
}

/// Where an emergency exception stands.
pub fn emergency_status(lang: Lang, status: Status) -> &'static str {
    both(
        lang,
        match status {
            Status::Requested => ("承認待ち", "Waiting for approval"),
            Status::Approved => ("承認済み（開始待ち）", "Approved, not started"),
            Status::BackingUp => ("バックアップ中", "Backing up"),
            Status::Executing => ("実行中", "Executing"),
            Status::Verifying => ("検証中", "Verifying"),
            Status::Restoring => ("復元中", "Restoring"),
            Status::Closed => ("終了", "Closed"),
            Status::Declined => ("却下", "Declined"),
            Status::Cancelled => ("取り下げ", "Cancelled"),
            Status::Expired => ("承認の期限切れ", "Approval expired"),
        },
    )
}

/// What is owed afterwards.
pub fn obligation_kind(lang: Lang, kind: Kind) -> &'static str {
    both(
        lang,
        match kind {
            Kind::ChangeRequest => ("反映リクエスト", "Change request"),
            Kind::Report => ("緊急対応報告書", "Emergency report"),
            Kind::Retrospective => ("振り返り", "Retrospective"),
            Kind::Prevention => ("再発防止策", "Prevention item"),
            Kind::MonthlyReport => ("月次報告", "Monthly report"),
            Kind::QuarterlyReport => ("四半期分析", "Quarterly analysis"),
            Kind::Corrective => ("是正措置", "Corrective action"),
            Kind::Postmortem => ("ポストモーテム", "Postmortem"),
            Kind::Review => ("記録の確認", "Review of the record"),
            Kind::ContactTest => ("連絡先の確認", "Test of the contacts"),
        },
    )
}

pub fn obligation_status(lang: Lang, status: obligation::Status) -> &'static str {
    both(
        lang,
        match status {
            obligation::Status::Owed => ("未完了", "Owed"),
            obligation::Status::Done => ("完了", "Done"),
            obligation::Status::Waived => ("対応不要", "Not needed"),
        },
    )
}

/// Why nothing is owed.
pub fn waiver(lang: Lang, waiver: Waiver) -> &'static str {
    both(
        lang,
        match waiver {
            Waiver::NothingChanged => (
                "残った変更がないため、リポジトリに反映するものがありません",
                "no change remains, so there is nothing to bring back to the repository",
            ),
        },
    )
}

/// By what a person is reached.
pub fn page_means(lang: Lang, means: hikeshi_domain::page::Means) -> &'static str {
    both(
        lang,
        match means {
            hikeshi_domain::page::Means::Webhook => ("Webhook", "webhook"),
            hikeshi_domain::page::Means::Mail => ("メール", "mail"),
            hikeshi_domain::page::Means::Sms => ("SMS", "SMS"),
            hikeshi_domain::page::Means::Voice => ("電話", "telephone"),
            hikeshi_domain::page::Means::Slack => ("Slack", "Slack"),
            hikeshi_domain::page::Means::WebPush => ("ブラウザー通知", "browser push"),
        },
    )
}

/// Why a telephone did not bring a page to its owner.
pub fn unreached(lang: Lang, why: hikeshi_domain::page::Unreached) -> &'static str {
    both(
        lang,
        match why {
            hikeshi_domain::page::Unreached::Busy => ("話し中", "busy"),
            hikeshi_domain::page::Unreached::NoAnswer => ("応答なし", "no answer"),
            hikeshi_domain::page::Unreached::NotTaken => {
                ("電話はつながったが、引き受けの操作なし", "answered, and ended without being taken")
            }
            hikeshi_domain::page::Unreached::Canceled => ("取り消し", "canceled"),
            hikeshi_domain::page::Unreached::Failed => ("届けられない", "cannot be delivered"),
        },
    )
}

/// How bad the sender of an alert says it is.
pub fn severity(lang: Lang, severity: Severity) -> &'static str {
    both(
        lang,
        match severity {
            Severity::Critical => ("重大", "critical"),
            Severity::Error => ("エラー", "error"),
            Severity::Warning => ("警告", "warning"),
            Severity::Info => ("情報", "info"),
        },
    )
}

/// Who is hit (rule I3).
pub fn impact(lang: Lang, impact: Impact) -> &'static str {
    both(
        lang,
        match impact {
            Impact::AllUsers => ("全利用者", "All users"),
            Impact::SomeUsers => ("一部の利用者", "Some users"),
            Impact::OneFunction => ("一つの機能", "One function"),
        },
    )
}

pub fn business(lang: Lang, business: Business) -> &'static str {
    both(
        lang,
        match business {
            Business::LostSales => ("売上の損失", "Lost sales"),
            Business::LostTrust => ("信用の低下", "Lost trust"),
            Business::Slight => ("軽微", "Slight"),
        },
    )
}

pub fn urgency(lang: Lang, urgency: Urgency) -> &'static str {
    both(
        lang,
        match urgency {
            Urgency::Now => ("今すぐ対応が必要", "Must be handled now"),
            Urgency::CanBePlanned => ("計画して対応できる", "Can be planned"),
        },
    )
}

/// Who does what while an incident burns.
pub fn duty(lang: Lang, duty: Duty) -> &'static str {
    both(
        lang,
        match duty {
            Duty::Commander => ("指揮", "Commander"),
            Duty::Communications => ("連絡", "Communications"),
            Duty::Scribe => ("記録", "Scribe"),
            Duty::Operations => ("作業", "Operations"),
        },
    )
}

/// A step of the escalation, and which time it is gone through.
pub fn step(lang: Lang, at: Level) -> String {
    let Level { level, round } = at;
    match (lang, round) {
        (Lang::Ja, 0 | 1) => format!("エスカレーション第{level}段階"),
        (Lang::Ja, _) => format!("エスカレーション第{level}段階、{round}巡目"),
        (Lang::En, 0 | 1) => format!("escalation step {level}"),
        (Lang::En, _) => format!("escalation step {level}, round {round}"),
    }
}

/// How an exception ended.
pub fn ending(lang: Lang, ending: Ending) -> &'static str {
    both(
        lang,
        match ending {
            Ending::Solved => ("解決", "Solved"),
            Ending::Undone => ("バックアップから復元", "Undone from the backup"),
            Ending::NothingDone => ("変更なしで終了", "Ended without a change"),
        },
    )
}

pub fn change_kind(lang: Lang, kind: ChangeKind) -> &'static str {
    both(
        lang,
        match kind {
            ChangeKind::Added => ("追加", "Added"),
            ChangeKind::Modified => ("変更", "Modified"),
            ChangeKind::Removed => ("削除", "Removed"),
            ChangeKind::Metadata => ("権限またはリンク先のみ", "Mode or link target only"),
        },
    )
}

/// The four conditions of rule E1, as the form asks for them.
pub fn condition(lang: Lang, condition: ConditionName) -> &'static str {
    both(
        lang,
        match condition {
            ConditionName::SeriousFailure => ("本番またはデモ環境で重大な障害が起きている", "A serious failure in production or demo"),
            ConditionName::NormalFlowCannot => ("通常のデプロイでは解決できない", "The normal deploy flow cannot solve it"),
            ConditionName::CannotWait => ("業務上、24時間待てない", "The business cannot wait 24 hours"),
            ConditionName::Judged => ("責任者が緊急事態と判断している", "A responsible person judges it an emergency"),
        },
    )
}

/// The two verifications of rule E9.
pub fn aspect(lang: Lang, aspect: Aspect) -> &'static str {
    both(
        lang,
        match aspect {
            Aspect::Solved => ("問題が解決した", "The problem is solved"),
            Aspect::Unaffected => ("他の機能に影響がない", "Other functions are unaffected"),
        },
    )
}

/// The result of a verification or of one of its checks.
pub fn passed(lang: Lang, passed: bool) -> &'static str {
    both(lang, if passed { ("合格", "passed") } else { ("不合格", "not passed") })
}

/// What the program was doing when it failed.
pub fn doing(lang: Lang, doing: Doing) -> &'static str {
    both(
        lang,
        match doing {
            Doing::Backup => ("バックアップ", "The backup"),
            Doing::Verify => ("検証", "The verification"),
            Doing::Restore => ("バックアップからの復元", "The restore"),
            Doing::Revert => ("ファイルを元に戻す処理", "Putting files back"),
            Doing::Look => ("変更の確認", "Looking at what has changed"),
            Doing::ChangeRequest => ("反映リクエストの作成", "Opening the change request"),
            Doing::Compare => ("マージ内容の照合", "The comparison with what was merged"),
            Doing::Report => ("報告書の書き出し", "Writing the report"),
            Doing::Invitation => ("招待状の書き出し", "Writing the invitation"),
        },
    )
}

/// Why a command has no exit code.
pub fn killed(lang: Lang, killed: &Killed) -> String {
    match (killed, lang) {
        (Killed::Timeout, Lang::Ja) => "制限時間を超えたため停止しました".to_owned(),
        (Killed::Timeout, Lang::En) => "stopped after its time limit".to_owned(),
        (Killed::Signal(number), Lang::Ja) => format!("シグナル {number} で終了しました"),
        (Killed::Signal(number), Lang::En) => format!("ended by signal {number}"),
        (Killed::NotStarted(words), Lang::Ja) => format!("起動できませんでした（{words}）"),
        (Killed::NotStarted(words), Lang::En) => format!("could not be started ({words})"),
    }
}

/// What a person says about a step in doubt.
pub fn verdict(lang: Lang, verdict: Verdict) -> String {
    match (verdict, lang) {
        (Verdict::Ran { exit_code }, Lang::Ja) => format!("実行された（終了コード {exit_code}）"),
        (Verdict::Ran { exit_code }, Lang::En) => format!("it ran (exit code {exit_code})"),
        (Verdict::DidNotRun, Lang::Ja) => "実行されていない".to_owned(),
        (Verdict::DidNotRun, Lang::En) => "it did not run".to_owned(),
    }
}
