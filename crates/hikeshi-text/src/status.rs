//! The status page: everything that people outside the team read, in their own language.

use hikeshi_domain::Timestamp;
use hikeshi_domain::policy::PageName;
use hikeshi_domain::status::order::{TellOrder, Telling};
use hikeshi_domain::status::{Health, PublicState, PublicText};

use crate::Lang::{self, En, Ja};
use crate::label::{self, page_name};
use crate::plain::one_line;
use crate::time::{self, Zone};
use crate::{PageText, terminal};

/// What a post says, in the reader's language, or in the other one where this is missing (`true` then).
pub fn words(lang: Lang, text: &PublicText, state: PublicState) -> (String, bool) {
    let (own, other) = match lang {
        Ja => (&text.ja, &text.en),
        En => (&text.en, &text.ja),
    };
    match (own, other) {
        (Some(own), _) => (own.clone(), false),
        (None, Some(other)) => (other.clone(), true),
        (None, None) => (fixed(lang, state).to_owned(), false),
    }
}

/// The program's own sentence.
fn fixed(lang: Lang, state: PublicState) -> &'static str {
    match (lang, state) {
        (Ja, PublicState::Resolved) => "復旧しました。ご不便をおかけしました。",
        (En, PublicState::Resolved) => "Service is back. We are sorry for the trouble.",
        (Ja, PublicState::Investigating | PublicState::Identified | PublicState::Monitoring) => "対応しています。",
        (En, PublicState::Investigating | PublicState::Identified | PublicState::Monitoring) => "We are working on it.",
    }
}

/// What an incident is called outside: by what it hits, never by its internal title.
pub fn title(lang: Lang, components: &[&PageName]) -> String {
    let names: Vec<&str> = components.iter().map(|name| page_name(lang, name)).collect();
    match lang {
        Ja => format!("{}の障害", names.join("、")),
        En => format!("Trouble with {}", names.join(", ")),
    }
}

/// The name of the other language, in that language.
pub fn other_language(lang: Lang) -> &'static str {
    match lang {
        Ja => "English",
        En => "日本語",
    }
}

/// The page in one sentence.
pub fn overall(lang: Lang, worst: Health) -> &'static str {
    match (lang, worst) {
        (Ja, Health::Operational) => "すべて正常です",
        (En, Health::Operational) => "All systems operational",
        (Ja, Health::Maintenance) => "メンテナンス中です",
        (En, Health::Maintenance) => "Maintenance is under way",
        (Ja, Health::Degraded) => "一部で性能が低下しています",
        (En, Health::Degraded) => "Performance is degraded",
        (Ja, Health::PartialOutage) => "一部が停止しています",
        (En, Health::PartialOutage) => "Partial outage",
        (Ja, Health::MajorOutage) => "停止しているサービスがあります",
        (En, Health::MajorOutage) => "Major outage",
    }
}

/// When it was written, and how old it may get.
pub fn as_of(lang: Lang, zone: &Zone, at: Timestamp, minutes: u32) -> String {
    let (stamp, minutes) = (time::stamp(lang, zone, at), time::minutes(lang, minutes));
    match lang {
        Ja => format!(
            "{stamp} 時点の情報です。このページは1分ごとに書き換えられます。この時刻から{minutes}以上たっているときは、更新が止まっており、今の状況とは違うおそれがあります。"
        ),
        En => format!(
            "As of {stamp}. This page is rewritten every minute. If that is more than {minutes} ago, updates have stopped and this may no longer be true."
        ),
    }
}

/// A period of planned work.
pub fn period(lang: Lang, zone: &Zone, from: Timestamp, until: Timestamp) -> String {
    let (from, until) = (time::stamp(lang, zone, from), time::stamp(lang, zone, until));
    match lang {
        Ja => format!("{from} から {until} まで"),
        En => format!("from {from} until {until}"),
    }
}

/// The mail to one subscriber. `leave`: the address with which they unsubscribe, or with which they confirm.
pub fn mail(lang: Lang, order: &TellOrder, link: &str) -> PageText {
    let page = one_line(page_name(lang, &order.title));
    match &order.what {
        Telling::Confirm { .. } => confirm(lang, &page, link),
        Telling::Post { at, state, text, components, .. } => {
            let names: Vec<&PageName> = components.iter().map(|(name, _)| name).collect();
            let (title, state_word) = (one_line(&title(lang, &names)), label::public_state(lang, *state));
            let stamp = time::stamp(lang, &Zone::named(&order.time_zone), *at);
            let (said, other) = words(lang, text, *state);
            let note = if other {
                terminal::two(lang, "（日本語の説明はまだありません）\n", "(There is no English text yet.)\n")
            } else {
                String::new()
            };
            let healths: String = components
                .iter()
                .map(|(name, health)| format!("  {}: {}\n", one_line(page_name(lang, name)), label::health(lang, *health)))
                .collect();
            let url = &order.url;
            let body = match lang {
                Ja => format!(
                    "{title}\n{state_word}（{stamp}）\n\n{note}{said}\n\n{healths}\n詳しくはステータスページをご覧ください。\n{url}\n\n――\n{page}の更新を購読している方にお送りしています。\n配信を停止する: {link}\n"
                ),
                En => format!(
                    "{title}\n{state_word} ({stamp})\n\n{note}{said}\n\n{healths}\nMore on the status page:\n{url}\n\n-- \nYou receive this because you subscribed to updates of {page}.\nUnsubscribe: {link}\n"
                ),
            };
            let subject = match lang {
                Ja => format!("【{page}】{state_word}: {title}"),
                En => format!("[{page}] {state_word}: {title}"),
            };
            PageText { subject, body }
        }
    }
}

fn confirm(lang: Lang, page: &str, link: &str) -> PageText {
    match lang {
        Ja => PageText {
            subject: format!("【{page}】購読の確認"),
            body: format!(
                "{page}の更新をこのアドレスで受け取る申し込みがありました。\n\n受け取るには、24時間以内に次のページを開いて「購読する」を押してください。\n{link}\n\n心当たりがなければ、何もしなくてかまいません。このアドレスは24時間後に消えます。\n"
            ),
        },
        En => PageText {
            subject: format!("[{page}] Confirm your subscription"),
            body: format!(
                "Somebody asked for updates of {page} to be sent to this address.\n\nTo receive them, open this page within 24 hours and press \"Subscribe\":\n{link}\n\nIf that was not you, there is nothing to do: the address is forgotten after 24 hours.\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: PublicText) -> TellOrder {
        let name = |ja: &str, en: &str| PageName { ja: ja.to_owned(), en: en.to_owned() };
        TellOrder {
            title: name("予約\r\nBcc: everybody@example.test", "Booking"),
            url: "https://status.example.test".to_owned(),
            time_zone: "Asia/Tokyo".to_owned(),
            mail: None,
            mails_per_min: 300,
            webhooks: Vec::new(),
            what: Telling::Post {
                incident: hikeshi_domain::ids::IncidentId(3),
                number: 1,
                at: "2026-11-22T03:10:00Z".parse().expect("a time"),
                state: PublicState::Investigating,
                text,
                components: vec![(name("予約", "Booking"), Health::MajorOutage)],
            },
            to: None,
        }
    }

    #[test]
    fn a_mail_says_all_in_its_own_language_and_what_is_not_translated_says_so() {
        let both = PublicText { ja: Some("調べています。".to_owned()), en: Some("We are looking.".to_owned()) };
        let ja = mail(Ja, &order(both.clone()), "https://hikeshi.test/status/leave/1.x");
        assert!(!ja.subject.contains(['\r', '\n']) && ja.subject.ends_with("調査中: 予約の障害"), "{}", ja.subject);
        for words in ["調べています。", "予約: 停止", "12:10", "https://hikeshi.test/status/leave/1.x", "https://status.example.test"]
        {
            assert!(ja.body.contains(words), "{words}: {}", ja.body);
        }
        let en = mail(En, &order(both), "");
        assert!(en.subject.ends_with("Investigating: Trouble with Booking") && en.body.contains("Booking: Major outage"), "{en:?}");
        assert!(en.body.contains("We are looking.") && !en.body.contains("no English text"));
        let only = mail(En, &order(PublicText { ja: Some("調べています。".to_owned()), en: None }), "");
        assert!(only.body.contains("(There is no English text yet.)\n調べています。"), "{}", only.body);
    }

    #[test]
    fn the_last_word_says_that_service_is_back_and_nothing_else() {
        assert_eq!(words(Ja, &PublicText::default(), PublicState::Resolved), ("復旧しました。ご不便をおかけしました。".to_owned(), false));
        assert_eq!(words(En, &PublicText::default(), PublicState::Resolved).0, "Service is back. We are sorry for the trouble.");
    }
}
