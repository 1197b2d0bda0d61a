//! What a person reads who is called because of an incident: on a small screen, just woken. Plain text; the first line says it all.

use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::page::{About, Bundled, PageOrder, Stands};
use hikeshi_domain::policy::Scheme;

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
    if order.others() > 0 {
        return together(order, url, again, twice);
    }
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

/// Where another incident is shown, by where one is.
fn beside(url: &str, incident: IncidentId) -> String {
    let place = url.rsplit_once('/').map_or(url, |(place, _)| place);
    format!("{place}/{incident}")
}

/// Several incidents in one message, each with where it is taken.
fn together(order: &PageOrder, url: &str, again: &str, twice: &str) -> PageText {
    let (lang, zone) = (Lang::from(order.language), time::Zone::named(&order.time_zone));
    let scheme = match &order.about {
        About::Incident { scheme, .. } => *scheme,
        About::Test { .. } => Scheme::default(),
    };
    let (name, count, others) = (one_line(&order.name), order.bundle.len(), order.others());
    let subject = order.bundle.first().map_or_else(String::new, |first| {
        let (title, priority) = (clipped(&one_line(&first.title), 120), label::priority(lang, scheme, first.priority));
        match lang {
            Ja => format!("{again}[{priority}] {title} ({}) ほか{others}件", first.incident),
            En => format!("{again}[{priority}] {title} ({}) and {others} more", first.incident),
        }
    });
    let list: Vec<String> = order.bundle.iter().enumerate().map(|(index, one)| line(lang, &zone, scheme, (index + 1, one), url)).collect();
    let list = list.join("\n\n");
    let body = match lang {
        Ja => format!(
            "{name}さん、対応をお願いします。続けて起きた{count}件を、一通にまとめています。\n\n{list}\n\n引き受けるには、それぞれのページで「対応を始める」を押してください。\n誰も引き受けないものは、次の担当者を呼び出します。{twice}\n"
        ),
        En => format!(
            "{name}, you are needed. {count} incidents that came shortly after one another are in this one message.\n\n{list}\n\nTo take one, open its page and acknowledge.\nFor what nobody takes, the next person is called.{twice}\n"
        ),
    };
    PageText { subject, body }
}

fn line(lang: Lang, zone: &time::Zone, scheme: Scheme, (number, one): (usize, &Bundled), url: &str) -> String {
    let (title, service, environment) = (clipped(&one_line(&one.title), 120), one_line(&one.service), one_line(&one.environment));
    let (priority, meaning) = (label::priority(lang, scheme, one.priority), label::priority_meaning(lang, scheme, one.priority));
    let (at, stands, url) = (time::stamp(lang, zone, one.detected_at), stands(lang, &one.stands), beside(url, one.incident));
    let incident = one.incident;
    match lang {
        Ja => format!(
            "{number}. {incident} {title}\n優先度: {priority}（{meaning}）\n対象: {service}（{environment}）\n検知: {at}\n状態: {stands}\n{url}"
        ),
        En => format!(
            "{number}. {incident} {title}\nPriority: {priority} ({meaning})\nAffected: {service} ({environment})\nDetected: {at}\nState: {stands}\n{url}"
        ),
    }
}

fn stands(lang: Lang, stands: &Stands) -> String {
    match (lang, stands) {
        (Ja, Stands::Waiting) => "まだ誰も引き受けていません".to_owned(),
        (En, Stands::Waiting) => "nobody has it yet".to_owned(),
        (Ja, Stands::Acknowledged { by }) => format!("{}が引き受けています", one_line(by)),
        (En, Stands::Acknowledged { by }) => format!("{} has it", one_line(by)),
        (Ja, Stands::Over) => "復旧しています".to_owned(),
        (En, Stands::Over) => "service is back".to_owned(),
    }
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
