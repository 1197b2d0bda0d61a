//! Labels of what the program does to the world, of a step's state, and of what a policy change loosens.

use hikeshi_domain::effect::Again;
use hikeshi_domain::emergency::{Means, StepEnd, StepState};
use hikeshi_domain::policy::Weakening;

use super::both;
use crate::plain::one_line;
use crate::{Lang, Names, time};

/// What a repeat after a crash means.
pub fn again(lang: Lang, again: Again) -> &'static str {
    both(
        lang,
        match again {
            Again::Safe => ("もう一度行っても安全", "safe to do again"),
            Again::LookFirst => ("済んでいるか確かめてから行う", "looked at before it is done again"),
            Again::AskHuman => ("人が結果を確かめる", "a person settles what happened"),
        },
    )
}

/// The name of an effect by its kind, as the table of waiting work shows it. A kind of a newer version is called by its code.
pub fn effect(lang: Lang, kind: &str) -> &str {
    let words = match kind {
        "take_backup" => ("バックアップの取得", "taking the backup"),
        "run_step" => ("手順の実行", "running a step"),
        "run_checks" => ("検証の実行", "running the checks"),
        "restore" => ("バックアップからの復元", "restoring the backup"),
        "revert_file" => ("ファイルを元に戻す処理", "putting files back"),
        "redact" => ("記録の一部を伏せる処理", "redacting a recording"),
        "open_change_request" => ("反映リクエストの作成", "opening the change request"),
        "compare_merged" => ("マージ内容の照合", "comparing with what was merged"),
        "write_report" => ("報告書の書き出し", "writing the report"),
        "chat_emergency" | "chat_other" => ("チャットへの投稿", "posting to the chat"),
        "write_invitation" => ("招待状の書き出し", "writing the invitation"),
        "tell" => ("購読者への通知", "telling subscribers"),
        "write_postmortem" => ("ポストモーテムの書き出し", "writing the postmortem"),
        _ => return kind,
    };
    both(lang, words)
}

/// Where one step stands, in a few words.
pub fn step_state(lang: Lang, state: &StepState) -> String {
    match state {
        StepState::Waiting => both(lang, ("未実行", "not run yet")).to_owned(),
        StepState::Running { .. } => both(lang, ("実行中", "running")).to_owned(),
        StepState::Ended(end) => seen(lang, end),
        StepState::InDoubt { .. } => both(lang, ("結果が不明（確認が必要）", "unknown; a person must settle it")).to_owned(),
    }
}

/// How a command ended and how long it took: `成功（終了コード 0）、1.2秒`.
pub fn seen(lang: Lang, end: &StepEnd) -> String {
    let took = time::took(lang, end.ended_at.duration_since(end.started_at));
    let how = result(lang, end);
    match lang {
        Lang::Ja => format!("{how}、{took}"),
        Lang::En => format!("{how}, {took}"),
    }
}

/// How a command ended: `失敗（終了コード 2）`.
pub fn result(lang: Lang, end: &StepEnd) -> String {
    match (end.exit_code, &end.killed) {
        (Some(0), _) => both(lang, ("成功（終了コード 0）", "succeeded (exit code 0)")).to_owned(),
        (Some(code), _) => match lang {
            Lang::Ja => format!("失敗（終了コード {code}）"),
            Lang::En => format!("failed (exit code {code})"),
        },
        (None, Some(killed)) => match lang {
            Lang::Ja => format!("失敗（{}）", super::killed(lang, killed)),
            Lang::En => format!("failed ({})", super::killed(lang, killed)),
        },
        (None, None) => both(lang, ("失敗（終了コードなし）", "failed (no exit code)")).to_owned(),
    }
}

/// How an approval was given.
pub fn means(lang: Lang, means: &Means, names: &Names) -> String {
    match (means, lang) {
        (Means::Session, _) => both(lang, ("署名なし", "unsigned")).to_owned(),
        (Means::Passkey { label }, Lang::Ja) => format!("パスキー「{}」で署名", one_line(label)),
        (Means::Passkey { label }, Lang::En) => format!("signed with the passkey \"{}\"", one_line(label)),
        (Means::Ssh { key, brought_by }, Lang::Ja) => format!("SSH 鍵 {key} で署名、届けた人は{}", names.person(lang, brought_by)),
        (Means::Ssh { key, brought_by }, Lang::En) => {
            format!("signed with the SSH key {key}, brought by {}", names.person(lang, brought_by))
        }
    }
}

/// What a change of the policy loosens (rule A3).
pub fn weakening(lang: Lang, weakening: &Weakening, names: &Names) -> String {
    match (weakening, lang) {
        (Weakening::Number { what, from, to }, _) => number(lang, what, *from, *to),
        (Weakening::RolesWidened { what, added }, Lang::Ja) => format!("{}に{}を加えます", setting(lang, what), names.roles(lang, added)),
        (Weakening::RolesWidened { what, added }, Lang::En) => format!("{} also take {}", setting(lang, what), names.roles(lang, added)),
        (Weakening::RoleGranted { person, role }, Lang::Ja) => {
            format!("{}に役割「{}」を与えます", names.person(lang, person), names.role(lang, role))
        }
        (Weakening::RoleGranted { person, role }, Lang::En) => {
            format!("{} is given the role: {}", names.person(lang, person), names.role(lang, role))
        }
        (Weakening::PermissionWidened { command }, Lang::Ja) => format!("「{}」を行える人が増えます", super::command(lang, command)),
        (Weakening::PermissionWidened { command }, Lang::En) => format!("more people may {}", super::command(lang, command)),
        (Weakening::EnvironmentOpened { environment }, Lang::Ja) => format!("環境 {environment} で緊急例外を使えるようにします"),
        (Weakening::EnvironmentOpened { environment }, Lang::En) => format!("emergency exceptions become possible in {environment}"),
        (Weakening::KeyAdded { person, fingerprint }, Lang::Ja) => {
            format!("{}の名で署名できる SSH 鍵を加えるか、有効な期間を広げます（{fingerprint}）", names.person(lang, person))
        }
        (Weakening::KeyAdded { person, fingerprint }, Lang::En) => {
            format!("an SSH key that signs in the name of {} is added, or valid for longer ({fingerprint})", names.person(lang, person))
        }
        (Weakening::SignatureDropped, Lang::Ja) => "署名のない承認も受け付けるようにします".to_owned(),
        (Weakening::SignatureDropped, Lang::En) => "approvals need not be signed any more".to_owned(),
        (Weakening::ChatIdentity { person }, Lang::Ja) => {
            format!("チャットで{}として操作できるユーザーが変わります", names.person(lang, person))
        }
        (Weakening::ChatIdentity { person }, Lang::En) => format!("another user of the chat acts as {}", names.person(lang, person)),
        (Weakening::RunsByItself { monitor }, Lang::Ja) => {
            format!("監視 {monitor} が、承認した計画なしに、これまでと違うプログラムを実行したりログを読んだりするようになります")
        }
        (Weakening::RunsByItself { monitor }, Lang::En) => {
            format!("the monitor {monitor} runs another program or reads another log than before, with no plan that anybody approves")
        }
        (Weakening::SecretSent { variable, to }, Lang::Ja) => {
            format!("環境変数 {variable} の秘密を、これまでと違う宛先 {to} に送るようになります")
        }
        (Weakening::SecretSent { variable, to }, Lang::En) => {
            format!("the secret in {variable} is sent to {to}, to which it was not sent before")
        }
        (Weakening::MaskRemoved { what }, Lang::Ja) => format!("伏せ字の設定 {what} を外します"),
        (Weakening::MaskRemoved { what }, Lang::En) => format!("{what} is no longer masked"),
    }
}

fn number(lang: Lang, what: &str, from: u64, to: u64) -> String {
    if let Some(priority) = what.strip_prefix("emergency.serious.") {
        return match lang {
            Lang::Ja => format!("優先度 {priority} でも緊急例外を使えるようにします"),
            Lang::En => format!("emergency exceptions become possible for priority {priority}"),
        };
    }
    let what = setting(lang, what);
    match lang {
        Lang::Ja => format!("{what}を {from} から {to} に変えます"),
        Lang::En => format!("{what}: {from} becomes {to}"),
    }
}

/// A setting of the policy that protects; one that is not listed is called by its key.
fn setting(lang: Lang, key: &str) -> &str {
    let words = match key {
        "emergency.approval_valid_min" => ("承認の有効時間（分）", "validity of an approval (minutes)"),
        "emergency.approver_roles" => ("承認できる役割", "approver roles"),
        "emergency.presence_timeout_s" => ("立会人を不在とみなすまでの時間（秒）", "time until a witness counts as absent (seconds)"),
        "emergency.confirm_valid_s" => ("立会人の確認の有効時間（秒）", "validity of a witness's confirmation (seconds)"),
        "emergency.trust_valid_h" => ("信頼情報の有効時間（時間）", "validity of the trust bundle (hours)"),
        "emergency.senior_roles" => ("シニアとみなす役割", "senior roles"),
        "emergency.seniors_min" => ("必要なシニアの人数", "seniors needed"),
        "emergency.witness_roles" => ("立会人になれる役割", "witness roles"),
        "emergency.witnesses_min" => ("必要な立会人の人数", "witnesses needed"),
        "obligations.change_request_within_h" => ("反映リクエストの期限（時間）", "due time of the change request (hours)"),
        "obligations.report_within_h" => ("報告書の期限（時間）", "due time of the report (hours)"),
        "obligations.retrospective_within_h" => ("振り返りの期限（時間）", "due time of the retrospective (hours)"),
        _ => return key,
    };
    both(lang, words)
}
