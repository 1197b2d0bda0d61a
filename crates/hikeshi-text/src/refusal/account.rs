//! Refusals about sign-in, tokens and the policy (rule A3).

use hikeshi_domain::ids::{PersonId, RoleName};
use hikeshi_domain::policy::Flaw;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, flaw, label};

pub(super) fn policy_flawed(lang: Lang, flaws: &[Flaw]) -> Sentence {
    let count = flaws.len();
    let first = flaws.first().map(|first| flaw(lang, first).what).unwrap_or_default();
    match lang {
        Ja => say(
            format!("ポリシーに誤りが{count}件あります。{first}"),
            "誤りのあるポリシーは適用せず、これまでのものを使い続けます。",
            "hikeshi check で場所を確かめ、直してから保存し直してください。",
        ),
        En => say(
            format!("The policy has {count} mistake(s). {first}"),
            "A policy with mistakes is not adopted; the one in force stays.",
            "See where with `hikeshi check`, mend it and save it again.",
        ),
    }
}

pub(super) fn policy_unchanged(lang: Lang) -> Sentence {
    match lang {
        Ja => say("このポリシーはすでに適用されています。", "", "変更がファイルに保存されているか確かめてください。"),
        En => say("This policy is already in force.", "", "Check that your change has been saved to the file."),
    }
}

pub(super) fn no_policy_pending(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "承認待ちのポリシーの変更はありません。",
            "",
            "画面を読み込み直してください。すでに適用されたか、別の変更に置き換わっています。",
        ),
        En => say(
            "No policy change is waiting for approval.",
            "",
            "Reload: it has been adopted meanwhile, or another change has replaced it.",
        ),
    }
}

pub(super) fn policy_approved_twice(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、このポリシーの変更をすでに承認しています。"),
            "守りを緩める変更には、変更した人以外の、別々の二人の承認が必要です。",
            "ほかの責任者に承認を依頼してください。",
        ),
        En => say(
            format!("{who} has already approved this policy change."),
            "A change that loosens a safeguard takes two different people other than its author.",
            "Ask another responsible person to approve.",
        ),
    }
}

pub(super) fn link_invalid(lang: Lang) -> Sentence {
    let verb = label::command(lang, "account.invite");
    match lang {
        Ja => say(
            "このサインイン用リンクは使えません。",
            "リンクは一度だけ、期限まで使えます。",
            format!("管理者に「{verb}」を依頼してください。"),
        ),
        En => say("This sign-in link cannot be used.", "A link works once, until it expires.", "Ask an administrator for a new one."),
    }
}

pub(super) fn passkey_unknown(lang: Lang) -> Sentence {
    match lang {
        Ja => {
            say("このパスキーは登録されていません。", "", "登録した端末でやり直すか、管理者にサインイン用リンクの発行を依頼してください。")
        }
        En => say("This passkey is not registered.", "", "Try the device that you registered, or ask an administrator for a sign-in link."),
    }
}

pub(super) fn passkey_taken(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "このパスキーはすでに登録されています。",
            "一つのパスキーは一人のものです。",
            "そのままサインインに使えます。別の端末を加える場合は、その端末で登録してください。",
        ),
        En => say(
            "This passkey is already registered.",
            "One passkey belongs to one person.",
            "You can sign in with it. To add another device, register it there.",
        ),
    }
}

pub(super) fn token_unknown(lang: Lang) -> Sentence {
    match lang {
        Ja => say("そのAPIトークンはありません。", "すでに失効したか、番号が違います。", "トークンの一覧で番号を確かめてください。"),
        En => say("There is no such API token.", "It has been revoked, or the number is wrong.", "Check the number in the list of tokens."),
    }
}

pub(super) fn role_not_held(lang: Lang, role: &RoleName, names: &Names) -> Sentence {
    let role = names.role(lang, role);
    match lang {
        Ja => say(
            format!("役割「{role}」を持っていません。"),
            "トークンに持たせられるのは、自分が持つ役割だけです。",
            "自分の役割の中から選び直してください。",
        ),
        En => say(
            format!("You do not hold this role: {role}."),
            "A token can only narrow the roles that you hold.",
            "Choose among your own roles.",
        ),
    }
}

pub(super) fn not_yours(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "ほかの人のものなので、操作できません。",
            "サインインの手段は、本人か管理者だけが扱えます。",
            "本人か管理者に依頼してください。",
        ),
        En => say(
            "It belongs to somebody else.",
            "Means of signing in are handled by their owner or an administrator.",
            "Ask the owner or an administrator.",
        ),
    }
}

pub(super) fn session_unknown(lang: Lang) -> Sentence {
    match lang {
        Ja => say("サインインの有効期限が切れています。", "", "もう一度サインインしてください。"),
        En => say("This session has ended.", "", "Sign in again."),
    }
}
