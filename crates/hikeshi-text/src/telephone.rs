//! What is said to somebody by telephone: the message on a small screen, the words of a call, and the answers to a key or a message.
//!
//! A machine reads the words of a call aloud: short sentences, one thing each, letters and numbers as they are spoken.

use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident::Priority;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::Scheme;

use crate::Lang::{self, En, Ja};
use crate::label::{self, both};
use crate::plain::{clipped, one_line};

const TITLE_CHARS_MAX: usize = 80;
const NAME_CHARS_MAX: usize = 40;

/// One message: what burns, how to take it, where to look.
pub fn sms(order: &PageOrder, url: &str) -> String {
    let lang = Lang::from(order.language);
    let (incident, title, priority, scheme, service, environment) = match &order.about {
        About::Incident { incident, title, priority, scheme, service, environment, .. } => {
            (*incident, title, *priority, *scheme, service, environment)
        }
        About::Test { by } => return sms_test(lang, &clipped(by, NAME_CHARS_MAX), url),
    };
    let priority = label::priority(lang, scheme, priority);
    let title = clipped(title, TITLE_CHARS_MAX);
    let service = clipped(service, NAME_CHARS_MAX);
    let environment = clipped(environment, NAME_CHARS_MAX);
    let list = url.rsplit_once('/').map_or(url, |(list, _)| list);
    let more = match (lang, order.others()) {
        (Ja | En, 0) => String::new(),
        (Ja, others) => format!("\nほかに{others}件: {list}"),
        (En, others) => format!("\n{others} more: {list}"),
    };
    match (lang, order.repeated) {
        (Ja, false) => format!("[{priority}] {title} ({incident}) {service}/{environment}。引き受けるには 1 と返信\n{url}{more}"),
        (Ja, true) => format!("【再送】[{priority}] {title} ({incident}) {service}/{environment}。引き受けるには 1 と返信\n{url}{more}"),
        (En, false) => format!("[{priority}] {title} ({incident}) {service}/{environment}. Reply 1 to take it\n{url}{more}"),
        (En, true) => format!("[sent again] [{priority}] {title} ({incident}) {service}/{environment}. Reply 1 to take it\n{url}{more}"),
    }
}

/// A test page by message. One that comes twice does no harm.
fn sms_test(lang: Lang, by: &str, url: &str) -> String {
    match lang {
        Ja => format!("【テスト】呼び出しのテストです。障害は起きていません（依頼: {by}）。届いたら 1 と返信\n{url}"),
        En => format!("[test] A test page: nothing is broken (asked for by {by}). Reply 1 when it arrived\n{url}"),
    }
}

/// The call of a test page.
pub fn speech_of_test(lang: Lang, workspace: &str, name: &str) -> Vec<String> {
    let (workspace, name) = (clipped(workspace, NAME_CHARS_MAX), clipped(name, NAME_CHARS_MAX));
    match lang {
        Ja => vec![
            format!("{workspace}の障害対応システム、ひけし、からの、呼び出しのテストです。"),
            format!("{name}さん、障害は起きていません。"),
            "この電話に呼び出しが届くかを、確かめています。".to_owned(),
        ],
        En => vec![
            format!("This is a test call from hikeshi, the incident system of {workspace}."),
            format!("{name}, nothing is broken."),
            "We want to know whether a page would reach you on this telephone.".to_owned(),
        ],
    }
}

/// Which keys a test has.
pub fn keys_of_test(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "届いたことを記録するときは、1番を押してください。もう一度聞くときは、2番を押してください。",
            "To record that it reached you, press 1. To hear this again, press 2.",
        ),
    )
}

pub fn no_key_of_test(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "番号が押されなかったので、電話を切ります。届いたことは、記録されていません。",
            "No key was pressed, so this call ends. Nothing is recorded.",
        ),
    )
}

/// The test has been confirmed, or was over already.
pub fn confirmed(lang: Lang) -> &'static str {
    both(lang, ("届いたことを記録しました。ありがとうございました。", "It is recorded that this reached you. Thank you."))
}

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken<'a> {
    /// Who calls: the workspace.
    pub workspace: &'a str,
    pub name: &'a str,
    pub incident: IncidentId,
    pub title: &'a str,
    pub service: &'a str,
    pub environment: &'a str,
    pub priority: Priority,
    pub scheme: Scheme,
}

/// The call: who calls, how bad it is, what it is.
pub fn speech(lang: Lang, call: &Spoken<'_>) -> Vec<String> {
    let workspace = clipped(call.workspace, NAME_CHARS_MAX);
    let (name, title) = (clipped(call.name, NAME_CHARS_MAX), clipped(call.title, TITLE_CHARS_MAX));
    let (service, environment) = (clipped(call.service, NAME_CHARS_MAX), clipped(call.environment, NAME_CHARS_MAX));
    let (priority, meaning) =
        (spoken_priority(lang, call.scheme, call.priority), label::priority_meaning(lang, call.scheme, call.priority));
    let number = call.incident.0;
    match lang {
        Ja => vec![
            format!("{workspace}の障害対応システム、ひけし、からの緊急の呼び出しです。"),
            format!("{name}さん、対応をお願いします。"),
            format!("{priority}、{meaning}です。"),
            format!("対象は、{service}、{environment}です。"),
            format!("インシデント{number}番。{title}。"),
        ],
        En => vec![
            format!("This is an emergency call from hikeshi, the incident system of {workspace}."),
            format!("{name}, you are needed."),
            format!("{priority}: {meaning}."),
            format!("Affected: {service}, {environment}."),
            format!("Incident number {number}. {title}."),
        ],
    }
}

/// How many are called for beside the one that is spoken of.
pub fn others_wait(lang: Lang, others: usize) -> String {
    match (lang, others) {
        (Ja, others) => format!("ほかに、{others}件が待っています。画面で、確かめてください。"),
        (En, 1) => "1 more waits for you on the page.".to_owned(),
        (En, others) => format!("{others} more wait for you on the page."),
    }
}

/// Which keys there are.
pub fn keys(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "対応を引き受けるときは、1番を押してください。もう一度聞くときは、2番を押してください。",
            "To take it, press 1. To hear this again, press 2.",
        ),
    )
}

/// A letter before a digit is read as a word, or not at all.
fn spoken_priority(lang: Lang, scheme: Scheme, priority: Priority) -> &'static str {
    match scheme {
        Scheme::FourPriorities => both(
            lang,
            match priority {
                Priority::P1 => ("優先度ピーワン", "Priority P one"),
                Priority::P2 => ("優先度ピーツー", "Priority P two"),
                Priority::P3 => ("優先度ピースリー", "Priority P three"),
                Priority::P4 => ("優先度ピーフォー", "Priority P four"),
            },
        ),
        Scheme::ThreeLevels => label::priority(lang, scheme, priority),
    }
}

pub fn other_key(lang: Lang) -> &'static str {
    both(lang, ("その番号は使えません。", "That key does nothing."))
}

/// No key was pressed; the call ends.
pub fn no_key(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "番号が押されなかったので、電話を切ります。誰も引き受けないと、次の担当者を呼び出します。",
            "No key was pressed, so this call ends. If nobody takes it, the next person is called.",
        ),
    )
}

pub fn taken(lang: Lang, incident: IncidentId) -> String {
    match lang {
        Ja => format!("対応を引き受けたことを記録しました。インシデント{}番を、お願いします。", incident.0),
        En => format!("It is recorded that you have taken it. Incident number {} is yours.", incident.0),
    }
}

/// It goes on under another number.
pub fn merged(lang: Lang, from: IncidentId, into: IncidentId) -> String {
    match lang {
        Ja => format!("インシデント{}番は、インシデント{}番に統合されました。", from.0, into.0),
        En => format!("Incident number {} is part of incident number {} now.", from.0, into.0),
    }
}

/// Nothing is to be taken any more.
pub fn over(lang: Lang, incident: IncidentId) -> String {
    match lang {
        Ja => format!("インシデント{}番は、すでに解決しています。対応は要りません。", incident.0),
        En => format!("Incident number {} is resolved already. Nothing is left to do.", incident.0),
    }
}

pub fn taken_by(lang: Lang, incident: IncidentId, who: &str) -> String {
    let who = clipped(who, NAME_CHARS_MAX);
    match lang {
        Ja => format!("インシデント{}番は、すでに{who}さんが引き受けています。", incident.0),
        En => format!("Incident number {} has been taken by {who} already.", incident.0),
    }
}

/// The door said no; why.
pub fn refused(lang: Lang, why: &str) -> String {
    let why = one_line(why);
    match lang {
        Ja => format!("引き受けを記録できませんでした。{why}"),
        En => format!("It could not be recorded. {why}"),
    }
}

pub fn not_now(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "いま、記録できませんでした。少し待って、もう一度お試しください。急ぐときは、画面から引き受けてください。",
            "It cannot be recorded right now. Try again in a moment, or take it on the page.",
        ),
    )
}

/// The answer to a message that took the incident.
pub fn sms_taken(lang: Lang, incident: IncidentId, url: &str) -> String {
    match lang {
        Ja => format!("{incident} を引き受けたことを記録しました。\n{url}"),
        En => format!("Recorded: you have taken {incident}.\n{url}"),
    }
}

/// The answer to any other message.
pub fn sms_help(lang: Lang) -> &'static str {
    both(
        lang,
        (
            "呼び出しを引き受けるには「1」「OK」「対応」のどれかだけを返信してください。ほかの操作は画面でお願いします。",
            "To take what you were called for, reply only 1 or OK. Everything else is done on the page.",
        ),
    )
}

pub fn sms_nothing(lang: Lang) -> &'static str {
    both(lang, ("いま、あなたが引き受けられる呼び出しはありません。", "There is no page that you could take right now."))
}

/// Whether a message says that its sender takes it. In either language, whatever the keyboard makes of the letters.
pub fn takes(message: &str) -> bool {
    let word: String = message.trim().trim_end_matches(['。', '.', '！', '!']).chars().map(narrow).collect();
    matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "ok" | "ack" | "対応" | "対応します" | "了解")
}

/// Letters of full width as plain ones.
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(title: &str, scheme: Scheme) -> Spoken<'_> {
        Spoken {
            workspace: "ゆのや",
            name: "田中 太郎",
            incident: IncidentId(12),
            title,
            service: "予約",
            environment: "本番",
            priority: Priority::P1,
            scheme,
        }
    }

    #[test]
    fn a_call_says_who_how_bad_and_what_in_words_that_can_be_read_aloud() {
        let said = speech(Ja, &call("予約が止まった\u{1b}[31m", Scheme::FourPriorities)).concat();
        assert_eq!(
            said,
            "ゆのやの障害対応システム、ひけし、からの緊急の呼び出しです。田中 太郎さん、対応をお願いします。優先度ピーワン、サービス全体が停止です。\
             対象は、予約、本番です。インシデント12番。予約が止まった[31m。"
        );
        let english = speech(En, &call("Bookings are down", Scheme::ThreeLevels)).join(" ");
        assert!(english.contains("Level 3: everything down") && english.contains("Incident number 12. Bookings are down."), "{english}");
        for lang in Lang::ALL {
            // Twilio takes 4,500 bytes of one sentence, percent-encoded: nine for a kanji.
            let long = "長".repeat(5_000);
            let longest = speech(lang, &call(&long, Scheme::ThreeLevels)).iter().map(|line| line.chars().count()).max();
            assert!(longest.is_some_and(|chars| chars < 450), "{longest:?}");
            assert!(keys(lang).contains('1') && keys(lang).contains('2'));
        }
    }

    #[test]
    fn only_a_plain_yes_takes_it() {
        for yes in ["1", " １ ", "ok", "ＯＫ", "Ok.", "対応", "対応します。", "ACK", "了解！"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "2", "11", "1 2", "対応できません", "not ok", "STOP", "?"] {
            assert!(!takes(no), "{no}");
        }
    }
}
