//! Refusals about changed files and verification, before an exception can be closed (rules E8 and E9).

use hikeshi_domain::ids::PersonId;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label, names};

/// The aspect comes as its code; a code of a newer version is shown as it is.
pub(super) fn checks_declared(lang: Lang, aspect: &str) -> Sentence {
    use hikeshi_domain::emergency::Aspect;
    let shown = match aspect {
        "solved" => label::aspect(lang, Aspect::Solved),
        "unaffected" => label::aspect(lang, Aspect::Unaffected),
        _ => aspect,
    };
    let verb = label::command(lang, "emergency.verify");
    match lang {
        Ja => say(
            format!("「{shown}」は、計画に書かれた項目で検証します。"),
            "承認された検証項目を、目視で置き換えることはできません。",
            format!("「{verb}」を行ってください。"),
        ),
        En => say(
            format!("The plan declares checks for this: {shown}."),
            "An approved check cannot be replaced by looking.",
            format!("{} instead.", capital(verb)),
        ),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

pub(super) fn not_attestable(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、目視の検証結果を記録できません。"),
            "目視の検証は、実行者以外の当事者（立ち会っている人、申請者、承認者）が行います。",
            "その誰かに、確かめて記録するよう依頼してください。",
        ),
        En => say(
            format!("{who} cannot record this verification."),
            "Somebody of the case other than the executor looks: a present witness, the requester or an approver.",
            "Ask one of them to look and to record it.",
        ),
    }
}

pub(super) fn verification_missing(lang: Lang, solved: bool, unaffected: bool) -> Sentence {
    use hikeshi_domain::emergency::Aspect;
    let missing = [(solved, Aspect::Solved), (unaffected, Aspect::Unaffected)].into_iter().filter(|(missing, _)| *missing);
    let missing: Vec<&str> = missing.map(|(_, aspect)| label::aspect(lang, aspect)).collect();
    let (verify, restore) = (label::command(lang, "emergency.verify"), label::command(lang, "emergency.restore"));
    match lang {
        Ja => say(
            format!("検証が済んでいません: {}。", missing.join("、")),
            "終了するには、問題が解決したことと、他の機能に影響がないことの、両方の検証が必要です。",
            format!("「{verify}」か目視の記録を行ってください。うまくいかない場合は「{restore}」で元に戻せます。"),
        ),
        En => say(
            format!("Not verified yet: {}.", missing.join("; ")),
            "To close, both must be verified: the problem is solved, and other functions are unaffected.",
            format!("{}, or record it by eye. If it does not pass, you can {restore}.", capital(verify)),
        ),
    }
}

pub(super) fn changes_unaccepted(lang: Lang, paths: &[String], unlisted: u64) -> Sentence {
    const SHOWN: usize = 5;
    if unlisted > 0 {
        return too_many_outside(lang, unlisted);
    }
    let mut shown: Vec<String> = paths.iter().take(SHOWN).cloned().collect();
    if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(match lang {
            Ja => format!("ほか{more}件"),
            En => format!("{more} more"),
        });
    }
    let shown = names::list(lang, shown);
    match lang {
        Ja => say(
            format!("変更範囲の外のファイルが変わっています: {shown}。"),
            "承認されたのは、計画に書かれた範囲の変更だけです。",
            "承認した人がそれぞれを認めるか、ファイルを元に戻してください。",
        ),
        En => say(
            format!("Files outside the scope have changed: {shown}."),
            "Only changes inside the plan's scope were approved.",
            "An approver accepts each of them, or they are put back.",
        ),
    }
}

/// What no list names cannot be accepted: the list is made short enough first.
fn too_many_outside(lang: Lang, unlisted: u64) -> Sentence {
    let verify = label::command(lang, "emergency.verify");
    match lang {
        Ja => say(
            format!("変更範囲の外のファイルが、一覧に載りきらないほど変わっています（一覧の外に{unlisted}件）。"),
            "どのファイルか記録に残らない変更は、承認した人も認められません。",
            format!("ファイルを元に戻すか、実行先で片付けてください。そのあと「{verify}」で、もう一度調べます。"),
        ),
        En => say(
            format!("More files outside the scope have changed than the list can name ({unlisted} beyond it)."),
            "A change that the record does not name cannot be accepted.",
            format!("Put files back, or tidy up on the target; then {verify}, which looks again."),
        ),
    }
}

pub(super) fn no_such_change(lang: Lang, path: &str) -> Sentence {
    match lang {
        Ja => say(format!("「{path}」の変更は記録されていません。"), "", "変更されたファイルの一覧から選んでください。"),
        En => say(format!("No change of `{path}` is recorded."), "", "Choose one from the list of changed files."),
    }
}

pub(super) fn not_out_of_scope(lang: Lang, path: &str) -> Sentence {
    match lang {
        Ja => say(
            format!("「{path}」は承認された変更範囲の中にあります。"),
            "認める手続きが必要なのは、範囲の外の変更だけです。",
            "そのまま続けられます。",
        ),
        En => say(format!("`{path}` lies inside the approved scope."), "Only changes outside it need to be accepted.", "You can go on."),
    }
}

pub(super) fn content_not_kept(lang: Lang, path: &str) -> Sentence {
    let restore = label::command(lang, "emergency.restore");
    match lang {
        Ja => say(
            format!("「{path}」は大きいため、変更前の内容を保存していません。"),
            "保存しているのはダイジェストだけなので、このファイルだけを元に戻すことはできません。",
            format!(
                "変更範囲の中のファイルなら「{restore}」で戻せます。範囲の外なら、承認した人が変更を認めるか、実行先で直接直してください。"
            ),
        ),
        En => say(
            format!("The earlier content of `{path}` was too large to keep."),
            "Only its digest is recorded, so this one file cannot be put back.",
            format!(
                "Inside the scope, you can {restore}. Outside it, an approver accepts the change, or it is mended on the target by hand."
            ),
        ),
    }
}

pub(super) fn only_approver_accepts(lang: Lang, approvers: &[PersonId], names: &Names) -> Sentence {
    let people = names.people(lang, approvers);
    match lang {
        Ja => say(
            "範囲外の変更を認められるのは、この計画を承認した人だけです。",
            "何を認めたかについて、承認した人が責任を持ちます。",
            if people.is_empty() {
                "計画の承認を待ってください。".to_owned()
            } else {
                format!("{people}に依頼するか、ファイルを元に戻してください。")
            },
        ),
        En => say(
            "Only somebody who approved this plan can accept a change outside its scope.",
            "Approvers answer for what was agreed.",
            if people.is_empty() { "Wait for the approval.".to_owned() } else { format!("Ask {people}, or put the file back.") },
        ),
    }
}
