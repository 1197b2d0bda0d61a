//! Refusals about test pages (rules I5, M2).

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::page::Means;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

/// Names that are told one by one.
const NAMED_MAX: usize = 10;

pub(super) fn no_paging(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "この環境からは、誰も呼び出されません。".to_owned(),
            "ポリシーに [paging] がないか、サーバーにつながらない間の控えの台帳です。",
            "呼び出しの手段を [paging] に書いてください。書き方: docs/manual/alerts.ja.md",
        ),
        En => say(
            "Nobody is called from here.".to_owned(),
            "The policy has no [paging], or this ledger is kept while the server is away.",
            "Write down under [paging] how people are reached: docs/manual/alerts.md",
        ),
    }
}

pub(super) fn no_way(lang: Lang, people: &[PersonId], names: &Names) -> Sentence {
    let who = listed(lang, people.iter().map(|person| names.person(lang, person)).collect());
    match lang {
        Ja => say(
            format!("{who}を、その手段で呼び出せません。"),
            "ポリシーに、その人の連絡先か、送るための設定がありません。",
            "[people.…] の連絡先と [paging] を確かめてください。いまの状態: hikeshi contact list",
        ),
        En => say(
            format!("There is no such way to reach {who}."),
            "The policy lacks their address, or what is needed to send to it.",
            "Look at [people.…] and [paging]. How it stands: hikeshi contact list",
        ),
    }
}

pub(super) fn just_now(lang: Lang, minutes: u64) -> Sentence {
    match lang {
        Ja => say(
            format!("テストを送ってから、まだ{minutes}分たっていません。"),
            "続けて何度も届くと、本当の呼び出しと取り違えます。",
            format!("{minutes}分待って、もう一度送ってください。結果: hikeshi contact list"),
        ),
        En => say(
            format!("They were tested less than {minutes} minutes ago."),
            "Several in a row would look like a real emergency.",
            format!("Wait {minutes} minutes and send it again. What became of the last one: hikeshi contact list"),
        ),
    }
}

pub(super) fn nothing_to_confirm(lang: Lang, means: Means) -> Sentence {
    let means = label::page_means(lang, means);
    match lang {
        Ja => say(
            format!("確認を待っている、あなた宛てのテスト（{means}）はありません。"),
            "届いたと言えるのは、送られていて、失敗しておらず、まだ確認されていない最後のテストだけです。",
            "テストを送るには: hikeshi contact test 自分のID",
        ),
        En => say(
            format!("No test page to you waits for a confirmation ({means})."),
            "Only the last one can be confirmed, once, and only if it did not fail.",
            "To send one: hikeshi contact test YOUR-ID",
        ),
    }
}

pub(super) fn no_web_push(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "ブラウザーでは呼び出しを受け取れません。".to_owned(),
            "ポリシーに [paging.web_push] がありません。",
            "管理者に、設定を頼んでください。書き方: docs/manual/web-push.ja.md",
        ),
        En => say(
            "Pages cannot be taken in a browser here.".to_owned(),
            "The policy has no [paging.web_push].",
            "Ask whoever looks after the policy. How: docs/manual/web-push.md",
        ),
    }
}

pub(super) fn push_service_unknown(lang: Lang, service: &str) -> Sentence {
    let service = crate::plain::clipped(service, 100);
    match lang {
        Ja => say(
            format!("このブラウザーのプッシュサービス（{service}）には送れません。"),
            "送り先は、知られているブラウザーのものと、ポリシーに書かれたものに限られています。",
            "使ってよいものなら、[paging.web_push] の allow に書いてください。",
        ),
        En => say(
            format!("Nothing is sent to the push service of this browser ({service})."),
            "Only those of known browsers, and those that the policy names, are sent to.",
            "If it is to be trusted, add it to allow under [paging.web_push].",
        ),
    }
}

pub(super) fn browser_unknown(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "そのブラウザーは、あなたの呼び出し先にありません。".to_owned(),
            "すでに外されたか、別の人のものです。",
            "いまの呼び出し先は /contacts にあります。",
        ),
        En => say(
            "That browser is none of yours that take pages.".to_owned(),
            "It was removed already, or belongs to somebody else.",
            "Those that do are on /contacts.",
        ),
    }
}

pub(super) fn unproven(lang: Lang, missing: &[(PersonId, Option<Means>)], names: &Names) -> Sentence {
    let one = |(person, means): &(PersonId, Option<Means>)| {
        let who = names.person(lang, person);
        match (lang, means) {
            (Ja, Some(means)) => format!("{who}（{}）", label::page_means(lang, *means)),
            (En, Some(means)) => format!("{who} ({})", label::page_means(lang, *means)),
            (Ja, None) => format!("{who}（手段なし）"),
            (En, None) => format!("{who} (no way at all)"),
        }
    };
    let who = listed(lang, missing.iter().map(one).collect());
    match lang {
        Ja => say(
            format!("呼び出しが届くと確かめられていない連絡先があります: {who}。"),
            "四半期ごとの確認は、呼び出されうる全員の、すべての連絡先について行います。",
            "テストを送り（hikeshi contact test）、本人に届いたことを確認してもらってください。使わない連絡先はポリシーから外せます。",
        ),
        En => say(
            format!("Nobody has said yet that these are reached: {who}."),
            "The quarterly check is of every contact of everybody whom an incident may call.",
            "Send a test (hikeshi contact test) and have its owner confirm it. A contact that is not used can leave the policy.",
        ),
    }
}

fn listed(lang: Lang, mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    match (lang, more) {
        (Ja, 0) => all.join("、"),
        (En, 0) => all.join(", "),
        (Ja, more) => format!("{}、ほか{more}件", all.join("、")),
        (En, more) => format!("{} and {more} more", all.join(", ")),
    }
}
