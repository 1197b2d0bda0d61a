//! Refusals of the input itself: who asks, and what they wrote.

use hikeshi_domain::ids::RoleName;

use super::{say, thing};
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

pub(super) fn unknown_actor(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "この操作をできる人として登録されていません。",
            "操作できるのは、ポリシーに名前のある人だけです。",
            "管理者に、hikeshi.toml の people への追加を依頼してください。",
        ),
        En => say(
            "You are not known as somebody who may do this.",
            "Only people whom the policy names can act.",
            "Ask an administrator to add you under people in hikeshi.toml.",
        ),
    }
}

pub(super) fn role_missing(lang: Lang, command: &str, roles: &[RoleName], names: &Names) -> Sentence {
    let verb = label::command(lang, command);
    let needed = names.roles(lang, roles);
    let people = names.who_can(lang, roles, &[]);
    match lang {
        Ja => say(
            format!("「{verb}」を行う役割がありません。"),
            format!("この操作には次のいずれかの役割が必要です: {needed}。"),
            if people.is_empty() {
                "管理者に役割の追加を相談してください。".to_owned()
            } else {
                format!("{people}に依頼してください。")
            },
        ),
        En => say(
            format!("Your roles do not allow this: {verb}."),
            format!("It takes one of these roles: {needed}."),
            if people.is_empty() { "Ask an administrator for the role.".to_owned() } else { format!("Ask {people}.") },
        ),
    }
}

pub(super) fn text_missing(lang: Lang, field: &str) -> Sentence {
    let field = thing(lang, field);
    match lang {
        Ja => say(
            format!("「{field}」が空です。"),
            "後から読む人のために、記入が必要です。",
            format!("「{field}」を書いて、もう一度送ってください。"),
        ),
        En => say(
            format!("Nothing is written for: {field}."),
            "Those who read the record later need it.",
            format!("Fill in {field} and send it again."),
        ),
    }
}

pub(super) fn text_too_long(lang: Lang, field: &str, chars_max: u32, chars: u32) -> Sentence {
    let field = thing(lang, field);
    match lang {
        Ja => say(
            format!("「{field}」が長すぎます（{chars}文字）。"),
            format!("{chars_max}文字まで書けます。"),
            "要点に絞るか、詳しい資料へのリンクに置き換えてください。",
        ),
        En => say(
            format!("This is too long: {field} ({chars} characters)."),
            format!("At most {chars_max} characters are kept."),
            "Shorten it, or link to a longer text.",
        ),
    }
}

pub(super) fn too_many(lang: Lang, field: &str, max: u32, given: u32) -> Sentence {
    let number = field.ends_with("_min") || field.ends_with("_days") || field.ends_with("_s");
    let field = thing(lang, field);
    if number {
        return out_of_bounds(lang, field, max, given);
    }
    match lang {
        Ja => say(
            format!("「{field}」が多すぎます（{given}件）。"),
            format!("上限は{max}件です。"),
            format!("{max}件以内に減らして、もう一度送ってください。"),
        ),
        En => say(
            format!("Too many: {field} ({given})."),
            format!("At most {max} are allowed."),
            format!("Reduce them to {max} or fewer and send it again."),
        ),
    }
}

pub(super) fn link_unfit(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "リンクとして使えないアドレスです。",
            "画面からたどれるのは、https:// か http:// で始まるアドレスだけです。",
            "アドレスを確かめるか、リンクなしで送ってください。",
        ),
        En => say(
            "This address cannot be a link.",
            "Pages link only to addresses that begin with https:// or http://.",
            "Check the address, or send it without a link.",
        ),
    }
}

/// A number rather than a list: a duration or a validity.
fn out_of_bounds(lang: Lang, field: &str, max: u32, given: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("「{field}」に {given} は使えません。"),
            format!("1から{max}までの数を使えます。"),
            "範囲の中の数にして、もう一度送ってください。",
        ),
        En => say(
            format!("{given} cannot be used for: {field}."),
            format!("It is a number from 1 to {max}."),
            "Choose a number in that range and send it again.",
        ),
    }
}

pub(super) fn not_in_policy(lang: Lang, what: &str, given: &str, nearest: Option<&str>) -> Sentence {
    let what = thing(lang, what);
    match lang {
        Ja => say(
            format!("{what}「{given}」はポリシーに登録されていません。"),
            "使えるのは、hikeshi.toml に書かれた名前だけです。",
            nearest.map_or_else(
                || "名前を確かめるか、管理者に登録を依頼してください。".to_owned(),
                |near| format!("もしかして「{near}」ですか。そうであれば、その名前で送り直してください。"),
            ),
        ),
        En => say(
            format!("The policy does not name this {what}: `{given}`."),
            "Only names written in hikeshi.toml can be used.",
            nearest.map_or_else(
                || "Check the name, or ask an administrator to declare it.".to_owned(),
                |near| format!("Did you mean `{near}`? If so, send it again with that name."),
            ),
        ),
    }
}

pub(super) fn not_found(lang: Lang, what: &str, given: &str) -> Sentence {
    let what = thing(lang, what);
    match lang {
        Ja => say(format!("{what}「{given}」は見つかりません。"), "", "番号や名前を確かめてください。一覧から選ぶと確実です。"),
        En => say(format!("Not found: {what} `{given}`."), "", "Check the number or name, or choose it from the list."),
    }
}

pub(super) fn time_in_future(lang: Lang, field: &str) -> Sentence {
    let field = thing(lang, field);
    match lang {
        Ja => say(
            format!("「{field}」が未来の時刻です。"),
            "すでに起きたことの時刻だけを記録できます。",
            "時刻と時差（例: +09:00）を確かめて、送り直してください。",
        ),
        En => say(
            format!("This time lies in the future: {field}."),
            "Only times of what has already happened can be recorded.",
            "Check the time and its offset (such as +09:00) and send it again.",
        ),
    }
}

pub(super) fn time_in_past(lang: Lang, field: &str) -> Sentence {
    let field = thing(lang, field);
    match lang {
        Ja => say(
            format!("「{field}」が過去の時刻です。"),
            "これから行うことの時刻を指定してください。",
            "時刻と時差（例: +09:00）を確かめて、送り直してください。",
        ),
        En => say(
            format!("This time lies in the past: {field}."),
            "It must be a time that is still to come.",
            "Check the time and its offset (such as +09:00) and send it again.",
        ),
    }
}

pub(super) fn secret_in_text(lang: Lang, field: &str) -> Sentence {
    let field = thing(lang, field);
    match lang {
        Ja => say(
            format!("「{field}」にパスワードやトークンのような文字列が含まれています。"),
            "台帳は消せません。秘密の値を書き込むことはできません。",
            "その値を取り除いて送り直してください。すでにどこかへ貼った場合は、値を無効にして作り直してください。",
        ),
        En => say(
            format!("This looks like it holds a password or token: {field}."),
            "The ledger cannot be erased, so no secret may enter it.",
            "Remove the value and send it again. If it was pasted elsewhere, revoke it and make a new one.",
        ),
    }
}

pub(super) fn stale(lang: Lang) -> Sentence {
    match lang {
        Ja => say("状況が先に変わったため、この操作は不要になりました。", "", "画面を読み込み直して、今の状態を確かめてください。"),
        En => say("This no longer applies: things have moved on meanwhile.", "", "Reload and look at the state as it is now."),
    }
}

pub(super) fn silence_length(lang: Lang, minutes_max: u32) -> Sentence {
    let max = crate::time::minutes(lang, minutes_max);
    match lang {
        Ja => say(
            format!("呼び出しを止める長さは、1分から{max}までです。"),
            "期限のない停止は、障害を見えなくします。",
            "短くして、必要なら終わる前に設定し直してください。",
        ),
        En => say(
            format!("A silence lasts from 1 min to {max}."),
            "One without an end would hide an outage.",
            "Make it shorter, and make another one before it ends if it is still needed.",
        ),
    }
}

pub(super) fn silence_of_nothing(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "何の呼び出しを止めるのかが決まりません。",
            "すべてを止めることはできません。また、監視の名前は、送信元やラベルと一緒には指定できません。",
            "サービス、環境、送信元、ラベル、または監視の名前を指定してください。",
        ),
        En => say(
            "It names nothing that could be silenced.",
            "Everything at once cannot be silenced, and a monitor has neither a source nor labels.",
            "Name a service, an environment, a source and labels, or a monitor.",
        ),
    }
}
