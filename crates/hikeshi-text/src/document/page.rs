//! What a person reads who is called because of an incident: on a small screen, just woken. Plain text; the first line says it all.

use hikeshi_domain::page::PageOrder;

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
    let (title, meaning) = (clipped(&one_line(&order.title), 120), label::priority_meaning(lang, order.scheme, order.priority));
    let priority = label::priority(lang, order.scheme, order.priority);
    let again = match (lang, order.repeated, order.number) {
        (Ja, true, _) => "【再送】",
        (En, true, _) => "[sent again] ",
        (Ja | En, false, _) => "",
    };
    let (service, environment) = (one_line(&order.service), one_line(&order.environment));
    let subject = format!("{again}[{priority}] {title} ({})", order.incident);
    let name = one_line(&order.name);
    let at = time::stamp(lang, &time::Zone::named(&order.time_zone), order.detected_at);
    let twice = match (lang, order.repeated) {
        (Ja, true) => "\n\n送信の途中でプログラムが止まったため、同じ呼び出しが二度届いているかもしれません。",
        (En, true) => "\n\nThe program was cut off while sending, so this call may reach you twice.",
        (Ja | En, false) => "",
    };
    let body = match lang {
        Ja => format!(
            "{name}さん、対応をお願いします。\n\n{} {title}\n優先度: {priority}（{meaning}）\n対象: {service}（{environment}）\n検知: {at}\n\n引き受けるには、次のページで「対応を始める」を押してください。\n{url}\n\n誰も引き受けないと、次の担当者を呼び出します。{twice}\n",
            order.incident
        ),
        En => format!(
            "{name}, you are needed.\n\n{} {title}\nPriority: {priority} ({meaning})\nAffected: {service} ({environment})\nDetected: {at}\n\nTo take it, open this page and acknowledge:\n{url}\n\nIf nobody takes it, the next person is called.{twice}\n",
            order.incident
        ),
    };
    PageText { subject, body }
}
