//! Refusals of a request for an emergency exception: its conditions and its plan (rules E1, E3, E4, E8).

use hikeshi_domain::emergency::{ConditionName, Status};
use hikeshi_domain::ids::{EmergencyId, EnvironmentName, IncidentId, PersonId, RoleName, ServiceName, TargetName};
use hikeshi_domain::incident::Priority;

use super::{say, thing};
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label, time};

pub(super) fn condition_missing(lang: Lang, condition: ConditionName, evidence_missing: bool) -> Sentence {
    let name = label::condition(lang, condition);
    let next = match (condition, evidence_missing, lang) {
        (ConditionName::Judged, false, Ja) => "緊急と判断した責任者を選んでください。まだ判断を得ていなければ、先に連絡を取ってください。",
        (ConditionName::Judged, false, En) => "Name the responsible person who judged it. If nobody has yet, call them first.",
        (ConditionName::Judged, true, Ja) => "その判断をいつ、どのように聞いたか（電話、メッセージなど）を書いてください。",
        (ConditionName::Judged, true, En) => "Write when and how they said so: a call, a message.",
        (ConditionName::SeriousFailure, false, Ja) => "何が重大なのかを一文で書いてください。",
        (ConditionName::SeriousFailure, false, En) => "Write in one sentence what makes it serious.",
        (ConditionName::NormalFlowCannot, false, Ja) => {
            "通常のデプロイで解決できない技術的な理由を書いてください。解決できるなら、通常のデプロイを使ってください。"
        }
        (ConditionName::NormalFlowCannot, false, En) => {
            "Write the technical reason why the normal flow cannot solve it. If it can, use the normal flow."
        }
        (ConditionName::CannotWait, false, Ja) => {
            "24時間待てない業務上の理由を書いてください。待てるなら、通常の変更として進めてください。"
        }
        (ConditionName::CannotWait, false, En) => "Write the business reason why it cannot wait 24 hours. If it can, plan a normal change.",
        (ConditionName::SeriousFailure | ConditionName::NormalFlowCannot | ConditionName::CannotWait, true, Ja) => {
            "ほかの人が確かめられるもの（リンク、ログの行、数値）を書いてください。"
        }
        (ConditionName::SeriousFailure | ConditionName::NormalFlowCannot | ConditionName::CannotWait, true, En) => {
            "Add what somebody else can look at: a link, a log line, a figure."
        }
    };
    match lang {
        Ja => say(
            format!("条件「{name}」の{}がありません。", if evidence_missing { "根拠" } else { "説明" }),
            "緊急例外には、四つの条件すべてと、それぞれの根拠が必要です。",
            next,
        ),
        En => say(
            format!("The {} is missing for the condition \"{name}\".", if evidence_missing { "evidence" } else { "statement" }),
            "An emergency exception takes all four conditions, each with its evidence.",
            next,
        ),
    }
}

/// The priority comes as its code and is shown as the workspace counts it.
pub(super) fn not_serious(lang: Lang, incident: IncidentId, priority: &str, names: &Names) -> Sentence {
    let known = Priority::ALL.into_iter().find(|known| known.code() == priority);
    let priority = known.map_or(priority, |known| names.priority(lang, known));
    match lang {
        Ja => say(
            format!("{incident} の優先度は {priority} で、重大な障害に当たりません。"),
            "緊急例外を使えるのは、ポリシーが重大と定めた優先度の障害だけです。",
            "通常のデプロイで直してください。影響が広がっていれば、優先度を判定し直してください。",
        ),
        En => say(
            format!("{incident} has priority {priority}, which does not count as a serious failure."),
            "An emergency exception is only for priorities that the policy calls serious.",
            "Fix it through the normal flow. If the impact has grown, triage the incident again.",
        ),
    }
}

pub(super) fn wrong_environment(lang: Lang, environment: &str, names: &Names) -> Sentence {
    let shown = EnvironmentName::new(environment).map_or_else(|_| environment.to_owned(), |name| names.environment(&name).to_owned());
    match lang {
        Ja => say(
            format!("環境「{shown}」では緊急例外を使えません。"),
            "緊急例外は、本番など、ポリシーが認めた環境の重大な障害のためのものです。",
            "この環境では、通常の手順で変更してください。",
        ),
        En => say(
            format!("Emergency exceptions are not allowed in the environment \"{shown}\"."),
            "They are for serious failures where the policy allows them, such as production.",
            "Change this environment through the normal flow.",
        ),
    }
}

pub(super) fn judge_not_entitled(lang: Lang, person: &PersonId, roles: &[RoleName], names: &Names) -> Sentence {
    let who = names.person(lang, person);
    let needed = names.roles(lang, roles);
    let people = names.who_can(lang, roles, &[person]);
    match lang {
        Ja => say(
            format!("{who}は、緊急事態と判断する役割を持っていません。"),
            format!("判断できるのは次の役割の人です: {needed}。"),
            if people.is_empty() {
                "管理者に、判断できる人の登録を依頼してください。".to_owned()
            } else {
                format!("{people}の判断を得てください。")
            },
        ),
        En => say(
            format!("{who} holds no role that judges an emergency."),
            format!("It takes one of these roles: {needed}."),
            if people.is_empty() {
                "Ask an administrator to name somebody who can judge.".to_owned()
            } else {
                format!("Get the judgement of {people}.")
            },
        ),
    }
}

pub(super) fn plan_empty(lang: Lang, part: &str) -> Sentence {
    let part = thing(lang, part);
    match lang {
        Ja => say(
            format!("計画に「{part}」がありません。"),
            "承認する人は、何をどこに行い、どう確かめるかを読んで判断します。",
            format!("計画に「{part}」を書いて、もう一度送ってください。"),
        ),
        En => say(
            format!("The plan lacks: {part}."),
            "An approver judges by what is done, where, and how it is verified.",
            format!("Add {part} to the plan and send it again."),
        ),
    }
}

pub(super) fn scope_outside(lang: Lang, path: &str) -> Sentence {
    match lang {
        Ja => say(
            format!("変更範囲「{path}」は、実行先のディレクトリの中を指していません。"),
            "変更範囲は、実行先のディレクトリからの相対パスで書きます。先頭の「/」や「..」は使えません。",
            "例のように書き直してください: config/app.toml",
        ),
        En => say(
            format!("The scope `{path}` does not lie inside the target's directory."),
            "A scope is a path relative to that directory, without a leading `/` and without `..`.",
            "Write it like this: config/app.toml",
        ),
    }
}

pub(super) fn timeout_too_long(lang: Lang, step: u32, max_s: u32) -> Sentence {
    let longest = time::seconds(lang, i64::from(max_s));
    match lang {
        Ja => say(
            format!("手順{step}の制限時間が範囲外です。"),
            format!("制限時間は1秒以上、{longest}以内です。止まったコマンドが立会人を待たせないためです。"),
            format!("timeout_s を 1〜{max_s} にするか、手順を分けてください。"),
        ),
        En => say(
            format!("The time limit of step {step} is out of bounds."),
            format!("It is between 1 s and {longest}, so that a hung command does not keep the witnesses waiting."),
            format!("Set timeout_s to 1 to {max_s}, or split the step."),
        ),
    }
}

pub(super) fn target_elsewhere(lang: Lang, target: &TargetName, service: &str, environment: &str, names: &Names) -> Sentence {
    let shown_service = ServiceName::new(service).map_or_else(|_| service.to_owned(), |name| names.service(&name).to_owned());
    let shown_environment =
        EnvironmentName::new(environment).map_or_else(|_| environment.to_owned(), |name| names.environment(&name).to_owned());
    match lang {
        Ja => say(
            format!("実行先 {target} は、このインシデントのものではありません。"),
            format!("インシデントは「{shown_service}」の「{shown_environment}」で起きています。別の場所は変更できません。"),
            "その環境の実行先を選んでください。別の場所も壊れている場合は、そちらのインシデントを登録してください。",
        ),
        En => say(
            format!("The target {target} does not belong to this incident."),
            format!("The incident is about {shown_service} in {shown_environment}; nothing else may be changed for it."),
            "Choose a target of that environment. If another place is broken too, open an incident for it.",
        ),
    }
}

pub(super) fn executor_not_entitled(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は実行者になれません。"),
            "実行者は、緊急例外を申請できる役割を持つ、ポリシーに名前のある人です。",
            "別の実行者を計画に書いてください。",
        ),
        En => say(
            format!("{who} cannot be the executor."),
            "The executor is somebody whom the policy names and who may request an exception.",
            "Name another executor in the plan.",
        ),
    }
}

pub(super) fn wrong_status(lang: Lang, emergency: EmergencyId, status: Status) -> Sentence {
    let shown = label::emergency_status(lang, status);
    let next = match (status, lang) {
        (Status::Requested, Ja) => "承認を待ってください。",
        (Status::Requested, En) => "Wait for the approval.",
        (Status::Approved, Ja) => "立会人がそろったら、実行者が開始してください。",
        (Status::Approved, En) => "Once the witnesses are present, the executor starts it.",
        (Status::BackingUp | Status::Verifying | Status::Restoring, Ja) => "終わるまで待って、もう一度行ってください。",
        (Status::BackingUp | Status::Verifying | Status::Restoring, En) => "Wait until that has ended and try again.",
        (Status::Executing, Ja) => "実行が始まっています。終了させてから、まだ必要なら新しく申請してください。",
        (Status::Executing, En) => "It is being carried out. Close it first, and make a new request if more is needed.",
        (Status::Closed | Status::Declined | Status::Cancelled | Status::Expired, Ja) => "まだ必要なら、新しく申請してください。",
        (Status::Closed | Status::Declined | Status::Cancelled | Status::Expired, En) => "If it is still needed, make a new request.",
    };
    match lang {
        Ja => say(format!("{emergency} は「{shown}」なので、この操作はできません。"), "", next),
        En => say(format!("This cannot be done now; {emergency} stands at: {shown}."), "", next),
    }
}
