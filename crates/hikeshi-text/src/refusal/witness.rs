//! Refusals about witnesses (rule E4).

use hikeshi_domain::emergency::Quorum;
use hikeshi_domain::ids::{PersonId, RoleName};

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

pub(super) fn is_executor(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は実行者なので、立会人になれません。"),
            "立会人は、実行する人とは別の目で見ます。",
            "ほかの開発者に立会いを依頼してください。",
        ),
        En => say(
            format!("{who} is the executor and cannot witness."),
            "A witness is another pair of eyes.",
            "Ask another developer to witness.",
        ),
    }
}

pub(super) fn not_entitled(lang: Lang, person: &PersonId, roles: &[RoleName], names: &Names) -> Sentence {
    let who = names.person(lang, person);
    let needed = names.roles(lang, roles);
    let people = names.who_can(lang, roles, &[person]);
    match lang {
        Ja => say(
            format!("{who}は立会人になる役割を持っていません。"),
            format!("立会人は次の役割の人です: {needed}。"),
            if people.is_empty() {
                "管理者に、立会人になれる人の登録を依頼してください。".to_owned()
            } else {
                format!("{people}に立会いを依頼してください。")
            },
        ),
        En => say(
            format!("{who} holds no role that witnesses."),
            format!("A witness is one of: {needed}."),
            if people.is_empty() { "Ask an administrator to name witnesses.".to_owned() } else { format!("Ask {people} to witness.") },
        ),
    }
}

pub(super) fn not_a_witness(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    let verb = label::command(lang, "emergency.join");
    match lang {
        Ja => say(
            format!("{who}は、今この緊急例外に立ち会っていません。"),
            "この操作は、立ち会っている人が行います。",
            format!("先に「{verb}」を行ってください。"),
        ),
        En => say(format!("{who} is not witnessing this exception now."), "Only those who witness can do this.", format!("First {verb}.")),
    }
}

pub(super) fn quorum_missing(lang: Lang, quorum: &Quorum, names: &Names) -> Sentence {
    let (have, needed) = (quorum.present.len(), quorum.needed);
    let (seniors, seniors_needed) = (quorum.seniors.len(), quorum.seniors_needed);
    let present = names.people(lang, &quorum.present);
    let verb = label::command(lang, "emergency.join");
    match lang {
        Ja => say(
            if present.is_empty() {
                format!("立会人がいません（0/{needed}名）。")
            } else {
                format!("立会人がそろっていません（今は{present}、{have}/{needed}名）。")
            },
            format!("実行者以外の{needed}名の立会いが必要です。うち{seniors_needed}名は、承認した人ではないシニアです（今 {seniors}名）。"),
            format!("立会人になる人に、この画面を開いて「{verb}」を行うよう依頼してください。"),
        ),
        En => say(
            if present.is_empty() {
                format!("Nobody is witnessing (0 of {needed}).")
            } else {
                format!("The witnesses are not complete (now {present}; {have} of {needed}).")
            },
            format!("It takes {needed} besides the executor, {seniors_needed} of them senior and not an approver (now {seniors})."),
            format!("Ask them to open this page and {verb}."),
        ),
    }
}

pub(super) fn held(lang: Lang, by: &PersonId, reason: &str, names: &Names) -> Sentence {
    let who = names.person(lang, by);
    let verb = label::command(lang, "emergency.resume");
    match lang {
        Ja => say(
            format!("{who}が実行を止めています（理由: {reason}）。"),
            "立会人が止めている間は、何も実行しません。",
            format!("{who}と話し、疑問が解けたら立会人が「{verb}」を行ってください。"),
        ),
        En => say(
            format!("{who} holds the execution (reason: {reason})."),
            "Nothing runs while a witness holds it.",
            format!("Talk to {who}; once it is settled, a witness can {verb}."),
        ),
    }
}

pub(super) fn not_held(lang: Lang) -> Sentence {
    match lang {
        Ja => say("実行は止められていません。", "", "そのまま続けられます。"),
        En => say("The execution is not held.", "", "You can go on."),
    }
}

pub(super) fn only_witness_resumes(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "実行を再開できるのは立会人だけです。",
            "止めたのは立会人の判断です。実行者が自分で解くことはできません。",
            "立ち会っている人に再開を依頼してください。",
        ),
        En => say(
            "Only a witness can resume the execution.",
            "A witness held it; the executor cannot lift that alone.",
            "Ask somebody who is witnessing to resume it.",
        ),
    }
}

pub(super) fn step_unconfirmed(lang: Lang, step: u32, title: &str) -> Sentence {
    let verb = label::command(lang, "emergency.confirm");
    match lang {
        Ja => say(
            format!("危険な手順{step}「{title}」は、まだ立会人に確認されていません。"),
            "計画で危険とした手順は、実行者のほかに、立ち会っている一人が手順名を入力して確認します。確認は一回の実行に限り、数分で切れます。",
            format!("立会人に、立会いの画面で「{verb}」を依頼してください（hikeshi emergency confirm … --step {step}）。"),
        ),
        En => say(
            format!("The dangerous step {step}, {title}, has not been confirmed by a witness."),
            "A step that the plan calls dangerous is confirmed by one who witnesses, who types its title. It holds for one run, and for some minutes.",
            format!("Ask a witness to {verb}, on the page of the witnesses or by command (hikeshi emergency confirm … --step {step})."),
        ),
    }
}

pub(super) fn step_not_dangerous(lang: Lang, step: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("手順{step}は、計画で危険とされていません。"),
            "確認が要るのは、計画で危険とした手順だけです。",
            "そのまま実行できます。見ていて心配なら、実行を止めてください。",
        ),
        En => say(
            format!("The plan does not call step {step} dangerous."),
            "Only dangerous steps take a confirmation.",
            "It can be run as it is. If you are worried, hold the execution.",
        ),
    }
}
