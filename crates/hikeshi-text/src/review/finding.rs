//! Findings: how each is called, and why it is one. The explanation says what was counted and against which number of the policy.

use hikeshi_domain::review::{FindingKind, FindingName, Sameness};

use crate::Lang::{self, En, Ja};
use crate::label::both;
use crate::names::list;
use crate::plain::one_line;
use crate::{Names, time};

pub fn finding_name(lang: Lang, name: FindingName) -> &'static str {
    both(
        lang,
        match name {
            FindingName::Repeated => ("同じ原因での再利用", "used again for the same cause"),
            FindingName::Waited => ("「待てない」とした対応が開始まで待っていた", "waited although it could not wait"),
            FindingName::ApprovalUnused => ("承認されたまま使われなかった", "approved and never begun"),
            FindingName::Avoidable => ("通常の手順で間に合った", "the normal flow would have done"),
            FindingName::Insisted => ("断られた操作の繰り返し", "tried again what was refused"),
            FindingName::RecorderLost => ("記録の途絶", "the recorder was lost"),
            FindingName::RecordGap => ("記録の欠落", "a gap in the recording"),
            FindingName::MarksForged => ("シェルの目印の偽装", "forged marks in the terminal"),
            FindingName::DangerUnconfirmed => ("立会人の確認なしに実行された危険な行", "dangerous lines without a witness's confirmation"),
            FindingName::LeftOpen => ("開始から終了まで長くかかった", "left open for long"),
        },
    )
}

/// Why this is a finding.
pub fn explanation(lang: Lang, kind: &FindingKind, names: &Names) -> String {
    match kind {
        FindingKind::Repeated { earlier, within_days, same } => {
            let ids = list(lang, earlier.iter().map(ToString::to_string));
            let same = sameness(lang, *same);
            match lang {
                Ja => format!(
                    "同じサービスで、{within_days}日以内に {ids} が使われています。{same}。再発防止策が効いているか確かめてください。"
                ),
                En => format!("For the same service, {ids} was used within {within_days} days; {same}. Look whether prevention works."),
            }
        }
        FindingKind::Waited { hours, limit_h } => match lang {
            Ja => format!("申請から開始まで{hours}時間かかりました。{limit_h}時間待てるなら、通常の手順を使えた可能性があります。"),
            En => format!("It took {hours} h from request to start. What can wait {limit_h} h may have gone through the normal flow."),
        },
        FindingKind::ApprovalUnused => match lang {
            Ja => "承認されましたが、期限までに開始されませんでした。緊急ではなかった可能性があります。".to_owned(),
            En => "It was approved and not begun before the approval ran out. It may not have been an emergency.".to_owned(),
        },
        FindingKind::Avoidable { by, reason } => {
            let (who, reason) = (names.person(lang, by), one_line(reason));
            match lang {
                Ja => format!("振り返りで、通常の手順で間に合ったと判断されました（記録: {who}）: {reason}"),
                En => format!("The retrospective came to see that the normal flow would have done (recorded by {who}): {reason}"),
            }
        }
        FindingKind::Insisted { person, rule, code, times } => {
            let (who, what) = (names.person(lang, person), tried(lang, code));
            match lang {
                Ja => format!("{who}が、規則 {rule} で断られる操作（{what}）を{times}回試みました。"),
                En => format!("{who} tried {times} times what rule {rule} refuses: {what}."),
            }
        }
        FindingKind::RecorderLost { session } => match lang {
            Ja => {
                format!("立会セッション{session}の記録プロセスからの応答が途絶えました。最後に何が行われたか、記録だけでは分かりません。")
            }
            En => format!("Nothing more was heard of the recorder of session {session}. The record does not say what happened last."),
        },
        FindingKind::RecordGap { session, gaps, seconds, bytes } => {
            let (long, size) = (time::seconds(lang, *seconds), time::bytes(*bytes));
            match lang {
                Ja => format!("立会セッション{session}の記録に欠落が{gaps}か所あります（合わせて{long}、出力 {size} 以上）。"),
                En => format!("The recording of session {session} has {gaps} gap(s): {long} together, at least {size} of output."),
            }
        }
        FindingKind::MarksForged { session, times } => match lang {
            Ja => format!("立会セッション{session}で、シェルの目印を装った出力が{times}回ありました。"),
            En => format!("In session {session}, {times} mark(s) claimed to be the shell's and were not."),
        },
        FindingKind::DangerUnconfirmed { session, times } => match lang {
            Ja => format!("立会セッション{session}で、計画で危険とされている行が、立会人の確認なしに{times}回実行されました。"),
            En => format!("In session {session}, {times} line(s) that the plan calls dangerous ran without a witness's confirmation."),
        },
        FindingKind::LeftOpen { limit_h } => match lang {
            Ja => format!("開始から{limit_h}時間を超えても、終了されていませんでした。"),
            En => format!("More than {limit_h} h after its start it was not closed."),
        },
    }
}

fn sameness(lang: Lang, same: Sameness) -> String {
    match (same, lang) {
        (Sameness::Incident, Ja) => "同じインシデントについてのものです".to_owned(),
        (Sameness::Incident, En) => "it is about the same incident".to_owned(),
        (Sameness::Cause(percent), Ja) => format!("報告書の原因の記述が{percent}%重なります"),
        (Sameness::Cause(percent), En) => format!("{percent}% of what the reports state as the cause is alike"),
        (Sameness::Reason(percent), Ja) => format!("通常の手順を使えない理由の記述が{percent}%重なります"),
        (Sameness::Reason(percent), En) => format!("{percent}% of the reasons given against the normal flow is alike"),
    }
}

/// What was tried, by the code of the refusal that guards against it. A code that this version does not know stands for itself.
pub fn tried(lang: Lang, code: &str) -> String {
    let words = match code {
        "emergency.self_approval" => ("自分の申請の承認", "to approve their own request"),
        "emergency.executor_approves" => ("自分が実行する計画の承認", "to approve what they carry out themselves"),
        "emergency.approver_not_entitled" => ("承認役割のない人による承認", "to approve without an approver's role"),
        "emergency.signer_not_entitled" => {
            ("承認役割のない人の署名による承認", "to approve by the signature of somebody without an approver's role")
        }
        "emergency.signature_key_unknown" => ("ポリシーにない鍵の署名による承認", "to approve by a key that the policy does not have"),
        "emergency.signature_key_invalid" => ("有効でない鍵の署名による承認", "to approve by a key that is not valid"),
        "emergency.signature_differs" => ("別の計画への署名による承認", "to approve by a signature of another plan"),
        "emergency.judge_not_entitled" => ("役割のない人の判断による申請", "to request on the judgement of somebody without the role"),
        "emergency.witness_is_executor" => ("実行者自身による立会い", "to witness what they carry out themselves"),
        "emergency.witness_not_entitled" => ("立会人の役割のない人による立会い", "to witness without the role"),
        "session.device_shared" => ("ほかの立会人の端末での立会い", "to witness with another witness's device"),
        "emergency.only_witness_resumes" => ("立会人が止めた実行の再開", "to resume what a witness had stopped"),
        "emergency.only_approver_accepts" => {
            ("範囲外の変更を承認者以外が認めること", "to accept a change outside the scope without having approved")
        }
        "obligation.drift_self_accepted" => ("自分が行った変更のずれを認めること", "to accept the drift of their own change"),
        "obligation.correction_self_finished" => {
            ("自分の緊急例外の是正措置の完了", "to finish a corrective action for their own exception")
        }
        "session.redaction_self_agreed" => {
            ("自分が提案した、または自分の画面の伏せ字への同意", "to agree to a redaction that they proposed, or of their own screen")
        }
        "obligation.self_review" => ("自分の記録の確認", "to look over their own record"),
        other => return other.to_owned(),
    };
    both(lang, words).to_owned()
}
