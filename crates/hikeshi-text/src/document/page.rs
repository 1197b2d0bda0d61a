//! What a person reads who is called because of an incident: on a small screen, just woken. Plain text; the first line says it all.

use hikeshi_domain::page::{About, PageOrder};

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};
use crate::{label, time};

/// Texts of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageText {
    pub subject: String,
    pub body: String,
}

/// `url`: where the incident is shown and acknowledged.
pub fn page(order: &PageOrder, url: &str) -> PageText {
    let lang = Lang::from(order.language);
    let again = match (lang, order.repeated, order.number) {
        (Ja, true, _) => "【再送】",
        (En, true, _) => "[sent again] ",
        (Ja | En, false, _) => "",
    };
    let name = one_line(&order.name);
    let twice = match (lang, order.repeated) {
        (Ja, true) => "\n\n送信の途中でプログラムが止まったため、同じ呼び出しが二度届いているかもしれません。",
        (En, true) => "\n\nThe program was cut off while sending, so this call may reach you twice.",
        (Ja | En, false) => "",
    };
    let About::Incident { incident, title, priority, scheme, service, environment, detected_at, step: _, serious: _ } = &order.about else {
        return test(order, url, again, twice);
    };
    let (title, meaning) = (clipped(&one_line(title), 120), label::priority_meaning(lang, *scheme, *priority));
    let priority = label::priority(lang, *scheme, *priority);
    let (service, environment) = (one_line(service), one_line(environment));
    let subject = format!("{again}[{priority}] {title} ({incident})");
    let at = time::stamp(lang, &time::Zone::named(&order.time_zone), *detected_at);
    let body = match lang {
        Ja => format!(
            "{name}さん、対応をお願いします。\n\n{incident} {title}\n優先度: {priority}（{meaning}）\n対象: {service}（{environment}）\n検知: {at}\n\n引き受けるには、次のページで「対応を始める」を押してください。\n{url}\n\n誰も引き受けないと、次の担当者を呼び出します。{twice}\n"
        ),
        En => format!(
            "{name}, you are needed.\n\n{incident} {title}\nPriority: {priority} ({meaning})\nAffected: {service} ({environment})\nDetected: {at}\n\nTo take it, open this page and acknowledge:\n{url}\n\nIf nobody takes it, the next person is called.{twice}\n"
        ),
    };
    PageText { subject, body }
}

/// A notification of a browser: two lines on a locked screen. Tapping it opens the incident.
pub fn page_push(order: &PageOrder) -> PageText {
    let lang = Lang::from(order.language);
    let again = match (lang, order.repeated) {
        (Ja, true) => "【再送】",
        (En, true) => "[sent again] ",
        (Ja | En, false) => "",
    };
    match &order.about {
        About::Incident { incident, title, priority, scheme, service, environment, .. } => {
            let (title, priority) = (clipped(&one_line(title), 80), label::priority(lang, *scheme, *priority));
            let (service, environment) = (clipped(service, 40), clipped(environment, 40));
            let body = match lang {
                Ja => format!("{service}（{environment}）。タップして引き受けてください。"),
                En => format!("{service} ({environment}). Tap to take it."),
            };
            PageText { subject: format!("{again}[{priority}] {title} ({incident})"), body }
        }
        About::Test { by } => {
            let by = clipped(by, 40);
            let (subject, body) = match lang {
                Ja => (
                    format!("{again}【テスト】障害は起きていません"),
                    format!("呼び出しのテストです（依頼: {by}）。タップして「届いた」を押してください。"),
                ),
                En => (
                    format!("{again}[test] Nothing is broken"),
                    format!("A test page, asked for by {by}. Tap, and confirm that it arrived."),
                ),
            };
            PageText { subject, body }
        }
    }
}

/// A test page: nothing burns, and its owner says that it has arrived.
fn test(order: &PageOrder, url: &str, again: &str, twice: &str) -> PageText {
    let lang = Lang::from(order.language);
    let by = match &order.about {
        About::Test { by } => one_line(by),
        About::Incident { .. } => String::new(),
    };
    let name = one_line(&order.name);
    match lang {
        Ja => PageText {
            subject: format!("{again}【テスト】呼び出しのテストです。障害は起きていません"),
            body: format!(
                "{name}さん、これは呼び出しのテストです。障害は起きていません。\n\n障害のとき、この連絡先に呼び出しが届くかを確かめています（依頼: {by}）。\n届いたことを記録するには、次のページで「届いた」を押してください。\n{url}{twice}\n"
            ),
        },
        En => PageText {
            subject: format!("{again}[test] A test page: nothing is broken"),
            body: format!(
                "{name}, this is a test page. Nothing is broken.\n\n{by} wants to know whether a page would reach you here.\nTo record that it did, open this page and confirm:\n{url}{twice}\n"
            ),
        },
    }
}
