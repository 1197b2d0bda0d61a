//! Refusals about ledgers that are kept while the server is away (rules A1, A3, E3).

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::offline::{LocalFlaw, StatementFlaw};

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, time};

pub(super) fn not_local(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "このサーバーには、SSH 鍵だけでは入れません。",
            "SSH 鍵で本人確認をするのは、サーバーにつながらない間に開いた手元の台帳でだけです。",
            "一度きりのリンクかパスキーでサインインしてください。",
        ),
        En => say(
            "An SSH key alone does not open this server.",
            "It does so only in a ledger that is kept while the server is away.",
            "Sign in with a one-time link or a passkey.",
        ),
    }
}

pub(super) fn policy(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "手元の台帳では、ポリシーを変えられません。",
            "サーバーが署名した内容のまま行うことで、あとから確かめられます。",
            "変更が必要なら、照合のあとにサーバーのポリシーで行ってください。",
        ),
        En => say(
            "The policy of a local ledger cannot be changed.",
            "It is what the server has signed, so that it can be checked afterwards.",
            "Change the server's policy after the ledger has come home.",
        ),
    }
}

pub(super) fn invite(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "ほかの人のサインイン用リンクは、手元の台帳では作れません。",
            "手元の台帳では、一人ひとりが自分の SSH 鍵で本人確認をします。",
            "本人に hikeshi login --ssh-key で入ってもらってください。",
        ),
        En => say(
            "In a local ledger no sign-in link is made for somebody else.",
            "Everyone proves with their own SSH key who they are.",
            "Let them enter with `hikeshi login --ssh-key`.",
        ),
    }
}

pub(super) fn one_case(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("この手元の台帳は {incident} のものです。"),
            "一つの手元の台帳で扱うインシデントは一つです。",
            format!("続きは {incident} に記録してください。別の障害なら、これを終えて照合してから行ってください。"),
        ),
        En => say(
            format!("This local ledger is of {incident}."),
            "One local ledger holds one incident.",
            format!("Go on with {incident}; for another failure, finish and reconcile this one first."),
        ),
    }
}

pub(super) fn trust_ended(lang: Lang, until: Timestamp, names: &Names) -> Sentence {
    let until = time::stamp(lang, names.zone(), until);
    match lang {
        Ja => say(
            format!("信頼情報の期限（{until}）を過ぎたため、署名を確かめられません。"),
            "その後に失効した鍵があるかもしれません。",
            "サーバーにつながるマシンで hikeshi trust export を実行し、新しい信頼情報から手元の台帳を開き直してください。",
        ),
        En => say(
            format!("The trust bundle ended at {until}; no signature is believed any more."),
            "Keys may have been revoked since.",
            "Run `hikeshi trust export` where the server can be reached, and open a local ledger from the newer bundle.",
        ),
    }
}

pub(super) fn statement(lang: Lang, flaw: &StatementFlaw) -> Sentence {
    let (ja, en) = match flaw {
        StatementFlaw::Malformed => {
            ("署名された申告の形が違います。".to_owned(), "The signed statement has not the right form.".to_owned())
        }
        StatementFlaw::OtherLedger { given } => {
            (format!("別の台帳（{given}）のための申告です。"), format!("The statement was made for another ledger ({given})."))
        }
        StatementFlaw::OtherTime { at } => {
            (format!("申告の時刻（{at}）が、今から離れています。"), format!("The statement's time ({at}) is too far from now."))
        }
        StatementFlaw::Used => ("この申告はもう使われています。".to_owned(), "This statement was used before.".to_owned()),
    };
    match lang {
        Ja => say(ja, "申告は、この台帳で、今、一度だけ使えます。", "時計を確かめて、hikeshi login --ssh-key をもう一度実行してください。"),
        En => say(en, "A statement is good in this ledger, now, and once.", "Check the clocks and run `hikeshi login --ssh-key` again."),
    }
}

pub(super) fn flawed(lang: Lang, flaw: &LocalFlaw, names: &Names) -> Sentence {
    let what = why(lang, flaw, names);
    match lang {
        Ja => say(
            format!("手元の台帳を取り込めません。{what}"),
            "書き込む前にすべてを確かめ、一つでも合わなければ取り込みません。",
            "手元の台帳はそのまま残っています。承認者に知らせ、hikeshi ledger verify の結果を添えて確認してください。",
        ),
        En => say(
            format!("The local ledger does not come in. {what}"),
            "Everything is verified before anything is written.",
            "The local ledger is left as it is. Tell the approvers, and look at it with `hikeshi ledger verify`.",
        ),
    }
}

fn why(lang: Lang, flaw: &LocalFlaw, names: &Names) -> String {
    let (ja, en) = match flaw {
        LocalFlaw::Unreadable { part } => (format!("{part} を読めません。"), format!("{part} cannot be read.")),
        LocalFlaw::TrustNotOurs => (
            "もとになった信頼情報は、このサーバーが署名したものではありません。".to_owned(),
            "It rests on a trust bundle that this server has not signed.".to_owned(),
        ),
        LocalFlaw::BeginningDiffers { part } => (
            format!("最初の記録が信頼情報と違います（{part}）。"),
            format!("Its first entry does not say what the trust bundle says ({part})."),
        ),
        LocalFlaw::BundleFlawed { first, count } => (
            format!("検証で {count} 件の不一致が見つかりました（最初: {first}）。"),
            format!("Verification found {count} thing(s) that do not hold (first: {first})."),
        ),
        LocalFlaw::ChainBroken { seq } => (format!("記録 {seq} で鎖が切れています。"), format!("The chain is broken at entry {seq}.")),
        LocalFlaw::RootDiffers => {
            ("記録が、署名されたチェックポイントに至りません。".to_owned(), "The entries do not lead to the signed checkpoint.".to_owned())
        }
        LocalFlaw::TimeBackwards { seq } => (format!("記録 {seq} の時刻が戻っています。"), format!("Time goes back at entry {seq}.")),
        LocalFlaw::TimeAhead { seq } => (format!("記録 {seq} の時刻が今より先です。"), format!("Entry {seq} is later than now.")),
        LocalFlaw::TrustExpired { seq, until } => (
            format!("記録 {seq} は、信頼情報の期限（{until}）の後です。"),
            format!("Entry {seq} is later than the trust bundle was good ({until})."),
        ),
        LocalFlaw::ActorUnproven { seq, person } => {
            let who = names.person(lang, person);
            (format!("記録 {seq} の{who}は、SSH 鍵で名乗っていません。"), format!("{who}, in entry {seq}, has not proven who they are."))
        }
        LocalFlaw::RuleBroken { seq, refusal } => {
            let said = super::refusal(lang, refusal, names).what;
            let rule = refusal.rule();
            (format!("記録 {seq} は規則 {rule} に反します: {said}"), format!("Entry {seq} goes against rule {rule}: {said}"))
        }
        LocalFlaw::Rewritten { seq } => {
            (format!("記録 {seq} は、規則から導かれる内容と違います。"), format!("Entry {seq} is not what follows from the rules."))
        }
        LocalFlaw::NoException => ("緊急例外がありません。".to_owned(), "There is no exception in it.".to_owned()),
        LocalFlaw::StillOpen { emergency } => (
            format!("手元の {emergency} がまだ終わっていません。終了してから照合してください。"),
            format!("{emergency} is still open there. Close it first."),
        ),
    };
    match lang {
        Ja => ja,
        En => en,
    }
}

pub(super) fn used(lang: Lang, ledger: &str, incident: IncidentId, by: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, by);
    match lang {
        Ja => say(
            format!("手元の台帳 {ledger} は、すでに {incident} として取り込まれています。{who}から届いたものは、それと内容が違います。"),
            "一つの計画の承認は一度しか使えません。同じ台帳から二つの経過が生まれたことは、不正の疑いとして記録しました。",
            "承認者に知らせ、二つの記録を比べてください。",
        ),
        En => say(
            format!("The local ledger {ledger} came home as {incident} before. What {who} has sent is another history of it."),
            "An approval is good for one plan, once. That one ledger has two histories is recorded as a possible abuse.",
            "Tell the approvers, and compare the two.",
        ),
    }
}

pub(super) fn self_review(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、この緊急例外を申請または実行した本人です。"),
            "記録の確認は、ほかの人が行います。",
            "承認者か立会人に依頼してください。",
        ),
        En => say(
            format!("{who} asked for this exception or carried it out."),
            "The record is looked over by somebody else.",
            "Ask the approver or a witness.",
        ),
    }
}
