//! Refusals about what is owed afterwards (rules E10 to E12).

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EmergencyId, ObligationId, PersonId};
use hikeshi_domain::obligation::Kind;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label, time};

pub(super) fn wrong_kind(lang: Lang, obligation: ObligationId, kind: Kind) -> Sentence {
    let kind = label::obligation_kind(lang, kind);
    match lang {
        Ja => say(
            format!("{obligation} は「{kind}」なので、この操作はできません。"),
            "",
            "事後処理の一覧から、目的の項目を選び直してください。",
        ),
        En => {
            say(format!("This cannot be done with {obligation}; it is: {kind}."), "", "Choose the right one from the list of obligations.")
        }
    }
}

pub(super) fn over(lang: Lang, obligation: ObligationId) -> Sentence {
    match lang {
        Ja => say(
            format!("{obligation} はすでに済んでいます。"),
            "済んだ事後処理の記録は変えません。",
            "付け加えることがあれば、インシデントにメモを残してください。",
        ),
        En => say(
            format!("{obligation} is already settled."),
            "Its record does not change any more.",
            "If something is to be added, write a note on the incident.",
        ),
    }
}

pub(super) fn busy(lang: Lang, obligation: ObligationId) -> Sentence {
    match lang {
        Ja => {
            say(format!("{obligation} は処理中です。"), "同じ処理を二重に始めることはありません。", "数秒待って、結果を確かめてください。")
        }
        En => say(
            format!("{obligation} is being worked on."),
            "The same work is not begun twice.",
            "Wait a few seconds and look at the result.",
        ),
    }
}

pub(super) fn request_not_open(lang: Lang, obligation: ObligationId) -> Sentence {
    let verb = label::command(lang, "obligation.propose");
    match lang {
        Ja => say(
            format!("{obligation} の反映リクエストは、まだ作成されていません。"),
            "照合する相手がありません。",
            format!("先に「{verb}」を行ってください。"),
        ),
        En => say(
            format!("The change request of {obligation} has not been opened yet."),
            "There is nothing to compare with.",
            format!("First {verb}."),
        ),
    }
}

pub(super) fn no_drift(lang: Lang, obligation: ObligationId) -> Sentence {
    let verb = label::command(lang, "obligation.compare");
    match lang {
        Ja => say(
            format!("{obligation} には、認める対象のずれがありません。"),
            "ずれは、マージされた内容と本番の変更を照合して初めて分かります。",
            format!("「{verb}」を行ってください。ずれがなければ、それで完了します。"),
        ),
        En => say(
            format!("{obligation} shows no drift that could be accepted."),
            "Drift is known only after what was merged is compared with what was done in production.",
            format!("First {verb}; without drift, that completes it."),
        ),
    }
}

pub(super) fn emergency_not_closed(lang: Lang, emergency: EmergencyId) -> Sentence {
    match lang {
        Ja => say(
            format!("{emergency} はまだ終了していません。"),
            "事後処理は、緊急例外を終了した後に行います。",
            format!("先に {emergency} を終了してください。"),
        ),
        En => say(
            format!("{emergency} is not closed yet."),
            "What is owed afterwards follows the close.",
            format!("Close {emergency} first."),
        ),
    }
}

pub(super) fn forge_missing(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "反映先のリポジトリがポリシーにありません。",
            "本番で行った変更は、リポジトリにも反映する必要があります。",
            "管理者に、hikeshi.toml の [forge] の設定を依頼してください。",
        ),
        En => say(
            "The policy names no repository.",
            "A change made in production must also be brought to the repository.",
            "Ask an administrator to fill in [forge] in hikeshi.toml.",
        ),
    }
}

pub(super) fn meeting_after_due(lang: Lang, due_at: Timestamp, names: &Names) -> Sentence {
    let due = time::stamp(lang, names.zone(), due_at);
    match lang {
        Ja => say(
            "振り返りの日時が期限より後です。",
            format!("記憶が確かなうちに行うため、期限は {due} です。"),
            "期限までの日時を選んでください。",
        ),
        En => say(
            "The retrospective would come after its due time.",
            format!("It is due by {due}, while memories are fresh."),
            "Choose a time before that.",
        ),
    }
}

pub(super) fn prevention_missing(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "再発防止策が一つも書かれていません。",
            "再発を防ぐために、誰が何をいつまでに行うかを決めます。",
            "内容・担当者・期限をそろえて、一つ以上書いてください。",
        ),
        En => say(
            "No prevention item is written.",
            "It is decided who does what by when, so that it does not happen again.",
            "Write at least one, with its owner and due time.",
        ),
    }
}

pub(super) fn drift_self_accepted(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、このずれを認めることができません。"),
            "本番を変更した本人は、その変更とリポジトリとのずれを認められません。",
            "別の人に確かめてもらうか、リポジトリを直してもう一度照合してください。",
        ),
        En => say(
            format!("{who} cannot accept this drift."),
            "Whoever made the change in production cannot accept that the repository differs from it.",
            "Ask somebody else to look, or mend the repository and compare again.",
        ),
    }
}

pub(super) fn correction_self_finished(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、この是正措置を完了にできません。"),
            "緊急例外を申請した人と実行した人は、自分の例外についての指摘を済んだことにできません。",
            "別の人に、行ったことを確かめて完了を記録してもらってください。",
        ),
        En => say(
            format!("{who} cannot finish this corrective action."),
            "Whoever asked for an exception or carried it out does not declare its correction done.",
            "Ask somebody else to look at what was done and to record it.",
        ),
    }
}
