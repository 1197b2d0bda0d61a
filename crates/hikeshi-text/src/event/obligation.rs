//! Events of what is owed afterwards.

use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::emergency::Trouble;
use hikeshi_domain::ids::ObligationId;
use hikeshi_domain::ids::{EmergencyId, PersonId};
use hikeshi_domain::obligation::{ChangeRequest, Comparison, Held, Kind, Meeting, Obligation, Waiver};
use hikeshi_domain::review::{Finding, Presented};

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};
use crate::{Names, label, review, time};

pub(super) fn raised(lang: Lang, obligation: &Obligation, names: &Names) -> String {
    let (id, owner, due) = (obligation.id, names.person(lang, &obligation.owner), time::stamp(lang, names.zone(), obligation.due_at));
    let what = match obligation.kind {
        Kind::ChangeRequest | Kind::Report | Kind::Retrospective | Kind::Review | Kind::Postmortem | Kind::ContactTest => {
            label::obligation_kind(lang, obligation.kind).to_owned()
        }
        Kind::Prevention => match lang {
            Ja => format!("再発防止策「{}」", one_line(&obligation.text)),
            En => format!("prevention item \"{}\"", one_line(&obligation.text)),
        },
        Kind::MonthlyReport | Kind::QuarterlyReport => {
            let period = obligation.period.map(|period| review::period(lang, period)).unwrap_or_default();
            let kind = label::obligation_kind(lang, obligation.kind);
            match lang {
                Ja => format!("{period}の{kind}"),
                En => format!("{kind} of {period}"),
            }
        }
        Kind::Corrective => {
            let kind = label::obligation_kind(lang, obligation.kind);
            let name = obligation.finding.as_ref().map(|finding| review::finding_name(lang, finding.kind.name())).unwrap_or_default();
            match lang {
                Ja => format!("{kind}「{name}」"),
                En => format!("{kind} for \"{name}\""),
            }
        }
    };
    match lang {
        Ja => format!("事後処理 {id} が発生しました: {what}（担当 {owner}、期限 {due}）"),
        En => format!("{id} is now owed: {what} (owner {owner}, due {due})"),
    }
}

/// The work is told by its key: `obl_7/report/1`.
pub(super) fn started(lang: Lang, obligation: ObligationId, effect: &EffectKey) -> String {
    match lang {
        Ja => format!("{obligation} の処理を始めました（{effect}）"),
        En => format!("Began work on {obligation} ({effect})"),
    }
}

pub(super) fn troubled(lang: Lang, obligation: ObligationId, trouble: &Trouble) -> String {
    let (doing, detail) = (label::doing(lang, trouble.doing), clipped(&trouble.detail, 300));
    match lang {
        Ja => format!("{obligation}: {doing}に失敗しました: {detail}"),
        En => format!("{obligation}: {doing} failed: {detail}"),
    }
}

pub(super) fn request_opened(lang: Lang, request: &ChangeRequest) -> String {
    let (branch, label, file) = (one_line(&request.branch), one_line(&request.label), one_line(&request.request_file));
    match lang {
        Ja => format!("反映リクエストを作成しました（ブランチ {branch}、ラベル {label}、{file}）"),
        En => format!("Opened the change request (branch {branch}, label {label}, {file})"),
    }
}

pub(super) fn compared(lang: Lang, comparison: &Comparison) -> String {
    let drift = comparison.drift.len();
    match (lang, comparison.merged, drift) {
        (Ja, false, 0) => "マージ内容を照合しました: まだマージされていません".to_owned(),
        (Ja, false, _) => format!("マージ内容を照合しました: まだマージされていません（本番と違うファイル {drift}件）"),
        (Ja, true, 0) => "マージ内容を照合しました: 本番の変更と一致しています".to_owned(),
        (Ja, true, _) => format!("マージ内容を照合しました: 本番とのずれが{drift}件あります"),
        (En, false, 0) => "Compared with what was merged: not merged yet".to_owned(),
        (En, false, _) => format!("Compared with what was merged: not merged yet ({drift} file(s) differ from production)"),
        (En, true, 0) => "Compared with what was merged: it equals the change in production".to_owned(),
        (En, true, _) => format!("Compared with what was merged: drift in {drift} file(s)"),
    }
}

pub(super) fn report_given(lang: Lang) -> String {
    match lang {
        Ja => "報告書の判断を記入しました",
        En => "Wrote the judgement of the report",
    }
    .to_owned()
}

pub(super) fn report_filed(lang: Lang, file: &str) -> String {
    let file = one_line(file);
    match lang {
        Ja => format!("報告書を書き出しました: {file}"),
        En => format!("Filed the report: {file}"),
    }
}

pub(super) fn meeting_scheduled(lang: Lang, meeting: &Meeting, names: &Names) -> String {
    let (at, lasts) = (time::stamp(lang, names.zone(), meeting.starts_at), time::minutes(lang, meeting.lasts_min));
    let people = names.people(lang, &meeting.invited);
    match lang {
        Ja => format!("振り返りの日時を {at} から{lasts}に決めました（{people}）"),
        En => format!("Set the retrospective for {at}, {lasts} ({people})"),
    }
}

pub(super) fn invitation_filed(lang: Lang, file: &str) -> String {
    let file = one_line(file);
    match lang {
        Ja => format!("振り返りの招待状を書き出しました: {file}"),
        En => format!("Filed the invitation to the retrospective: {file}"),
    }
}

pub(super) fn meeting_held(lang: Lang, held: &Held, names: &Names) -> String {
    let (people, lessons) = (names.people(lang, &held.attended), one_line(&held.lessons));
    let held_it = match lang {
        Ja => format!("振り返りを行いました（出席: {people}）。得られた教訓: {lessons}"),
        En => format!("Held the retrospective (attended by {people}). Lessons: {lessons}"),
    };
    match (held.avoidable.as_ref().map(|reason| one_line(reason)), lang) {
        (None, _) => held_it,
        (Some(reason), Ja) => format!("{held_it}。通常の手順で間に合ったと判断しました: {reason}"),
        (Some(reason), En) => format!("{held_it}. The normal flow would have done: {reason}"),
    }
}

pub(super) fn reminded(lang: Lang, obligation: ObligationId, before_min: u32) -> String {
    let left = time::minutes(lang, before_min);
    match lang {
        Ja => format!("{obligation} の期限まで{left}です"),
        En => format!("{obligation} is due in {left}"),
    }
}

pub(super) fn overdue(lang: Lang, obligation: ObligationId) -> String {
    match lang {
        Ja => format!("{obligation} が期限を過ぎました"),
        En => format!("{obligation} is overdue"),
    }
}

pub(super) fn done(lang: Lang, obligation: ObligationId, evidence: &str) -> String {
    let evidence = one_line(evidence);
    match (lang, evidence.is_empty()) {
        (Ja, true) => format!("{obligation} が完了しました"),
        (Ja, false) => format!("{obligation} が完了しました。根拠: {evidence}"),
        (En, true) => format!("{obligation} is done"),
        (En, false) => format!("{obligation} is done. Grounds: {evidence}"),
    }
}

pub(super) fn waived(lang: Lang, obligation: ObligationId, waiver: Waiver) -> String {
    let why = label::waiver(lang, waiver);
    match lang {
        Ja => format!("{obligation} は対応不要です: {why}"),
        En => format!("{obligation} is not needed: {why}"),
    }
}

pub(super) fn escalated(lang: Lang, obligation: ObligationId, step: u32, to: &[PersonId], names: &Names) -> String {
    let (people, step) = (names.people(lang, to), step + 1);
    match lang {
        Ja => format!("{obligation} の遅れを知らせました（{step}段階目: {people}）"),
        En => format!("Escalated that {obligation} is overdue (step {step}: {people})"),
    }
}

pub(super) fn presented(lang: Lang, obligation: ObligationId, presented: &Presented, names: &Names) -> String {
    let (at, who, note) =
        (time::stamp(lang, names.zone(), presented.held_at), names.person(lang, &presented.by), one_line(&presented.note));
    let (size, digest) = (presented.size, presented.digest.short());
    match lang {
        Ja => format!("{obligation}: {at} の開発会議で報告しました（報告者 {who}、台帳 {size}件時点、{digest}）: {note}"),
        En => format!("{obligation}: presented at the development meeting on {at} by {who} (ledger of {size} entries, {digest}): {note}"),
    }
}

pub(super) fn examined(lang: Lang, emergency: EmergencyId, size: u64, findings: &[Finding]) -> String {
    let mut names: Vec<&str> = findings.iter().map(|finding| review::finding_name(lang, finding.kind.name())).collect();
    names.dedup();
    match (lang, findings.is_empty()) {
        (Ja, true) => format!("{emergency} の記録を調べました（台帳 {size}件時点）。乱用の疑いはありません"),
        (Ja, false) => format!("{emergency} の記録を調べました（台帳 {size}件時点）。指摘: {}", names.join("、")),
        (En, true) => format!("Searched the record of {emergency} (ledger of {size} entries): no sign of abuse"),
        (En, false) => format!("Searched the record of {emergency} (ledger of {size} entries): {}", names.join("; ")),
    }
}
