//! Refusals while a plan is carried out (rules E3, E4, E6, E7, E9).

use hikeshi_domain::ids::PersonId;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

pub(super) fn not_executor(lang: Lang, executor: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, executor);
    match lang {
        Ja => say(
            "実行者ではないため、この操作はできません。",
            format!("承認された計画の実行者は{who}です。"),
            format!("{who}に依頼してください。実行者を変えるには、計画を改訂して承認を取り直します。"),
        ),
        En => say(
            "You are not the executor.",
            format!("The approved plan names {who} as the executor."),
            format!("Ask {who}. Another executor takes a revised plan and new approvals."),
        ),
    }
}

pub(super) fn backup_missing(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "バックアップがまだありません。",
            "変更範囲のバックアップを取り、読み戻して確かめてから、最初の変更を行います。",
            "「開始する」でバックアップを取ってください。失敗している場合は、表示された原因を直してからもう一度開始してください。",
        ),
        En => say(
            "There is no backup yet.",
            "The scope is backed up, and the copy read back, before the first change.",
            "Start the exception to take it. If it failed, remove the cause that is shown and start again.",
        ),
    }
}

pub(super) fn no_such_step(lang: Lang, step: u32, steps: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}はありません。"),
            format!("承認された計画の手順は1から{steps}までです。"),
            "番号を確かめてください。計画にない作業は、計画を改訂して承認を受けてから行います。",
        ),
        En => say(
            format!("There is no step {step}."),
            format!("The approved plan has steps 1 to {steps}."),
            "Check the number. Work that is not in the plan takes a revised plan and an approval.",
        ),
    }
}

pub(super) fn step_out_of_order(lang: Lang, step: u32, next: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}は、まだ実行できません。"),
            "手順は、承認された順に一つずつ実行します。",
            format!("次は手順{next}です。"),
        ),
        En => say(
            format!("Step {step} cannot run yet."),
            "Steps run one by one, in the order that was approved.",
            format!("The next one is step {next}."),
        ),
    }
}

pub(super) fn step_already_done(lang: Lang, step: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}は、すでに成功しています。"),
            "成功した手順は繰り返しません。",
            "次の手順に進むか、検証を実行してください。",
        ),
        En => say(
            format!("Step {step} has already succeeded."),
            "A step that succeeded is not repeated.",
            "Go on with the next step, or run the verification.",
        ),
    }
}

pub(super) fn step_running(lang: Lang, step: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}を実行しています。"),
            "一度に実行する手順は一つだけです。",
            "終わるまで出力を見守ってください。制限時間を過ぎると自動で停止します。",
        ),
        En => say(
            format!("Step {step} is running."),
            "Only one step runs at a time.",
            "Watch its output until it ends; it is stopped at its time limit.",
        ),
    }
}

pub(super) fn step_unsettled(lang: Lang, step: u32) -> Sentence {
    let verb = label::command(lang, "emergency.settle");
    match lang {
        Ja => say(
            format!("手順{step}が実行されたかどうか、分かっていません。"),
            "二重に実行しないため、人が確かめるまで先に進みません。",
            format!("実行先を確かめ、「{verb}」で「実行された」か「実行されていない」を選んでください。"),
        ),
        En => say(
            format!("Nobody knows yet whether step {step} ran."),
            "Nothing goes on before a person has settled it, so that it never runs twice.",
            format!("Look at the target, then {verb}: it ran, or it did not."),
        ),
    }
}

pub(super) fn not_in_doubt(lang: Lang, step: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}の結果は、すでに分かっています。"),
            "結果を人が確定するのは、プログラムに分からないときだけです。",
            "記録された結果を確かめてください。",
        ),
        En => say(
            format!("What became of step {step} is known."),
            "A person settles a step only when the program cannot tell.",
            "Look at the recorded result.",
        ),
    }
}

pub(super) fn earlier_step_failed(lang: Lang, step: u32) -> Sentence {
    let restore = label::command(lang, "emergency.restore");
    match lang {
        Ja => say(
            format!("手順{step}が失敗したままです。"),
            "失敗した手順を飛ばして先に進むことはできません。",
            format!("手順{step}をもう一度実行するか、「{restore}」を行ってください。"),
        ),
        En => say(format!("Step {step} has failed."), "A failed step cannot be skipped.", format!("Run step {step} again, or {restore}.")),
    }
}

pub(super) fn confirmation_differs(lang: Lang, expected: &str) -> Sentence {
    match lang {
        Ja => say(
            "確認の文字列が一致しません。",
            "取り返しのつかない操作では、決められた文字列の入力を求めます。",
            format!("次のとおりに入力してください: {expected}"),
        ),
        En => say(
            "The confirmation does not match.",
            "An act that is hard to undo takes the exact words.",
            format!("Type exactly this: {expected}"),
        ),
    }
}

pub(super) fn nothing_run(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "まだ手順を一つも実行していません。",
            "検証は、変更した後に行います。",
            "手順を実行するか、変更が不要になったなら終了してください。",
        ),
        En => say(
            "No step has run yet.",
            "The verification follows a change.",
            "Run the steps, or close the exception if no change is needed any more.",
        ),
    }
}

pub(super) fn already_restored(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "バックアップからの復元は、すでに済んでいます。",
            "復元した後は、手順の実行も二度目の復元も行いません。",
            "検証を行い、緊急例外を終了してください。まだ対応が必要なら、新しく申請してください。",
        ),
        En => say(
            "The backup has already been restored.",
            "After a restore, neither steps nor another restore follow.",
            "Verify and close the exception. If more must be done, make a new request.",
        ),
    }
}

pub(super) fn not_involved(lang: Lang, who: &[PersonId], names: &Names) -> Sentence {
    let people = names.people(lang, who);
    match lang {
        Ja => say(
            "この案件の当事者ではないため、この操作はできません。",
            "この操作は、案件に名前のある人だけが行えます。",
            if people.is_empty() {
                "案件の画面で、誰が行えるかを確かめてください。".to_owned()
            } else {
                format!("{people}に依頼してください。")
            },
        ),
        En => say(
            "You have no part in this case that allows it.",
            "Only people of the case can do this.",
            if people.is_empty() { "See on the page of the case who can.".to_owned() } else { format!("Ask {people}.") },
        ),
    }
}
