//! A page as a direct message in the chat: what calls, the buttons, and what the same message says when it calls nobody any more.

use hikeshi_domain::chat::{Over, Settled};
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident::Priority;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::Scheme;

use crate::Lang::{self, En, Ja};
use crate::document::PageText;
use crate::label::{self, both};
use crate::plain::{clipped, one_line};
use crate::{Names, time};

pub fn take_page(lang: Lang) -> &'static str {
    both(lang, ("対応を引き受ける", "Take it"))
}
pub fn page_arrived(lang: Lang) -> &'static str {
    both(lang, ("届いた", "It has arrived"))
}

/// What stands between the head line and the buttons.
pub fn page_body(order: &PageOrder) -> String {
    let lang = Lang::from(order.language);
    let name = one_line(&order.name);
    let twice = match (lang, order.repeated) {
        (Ja, true) => "\n前の送信の結果がわからないため、同じ呼び出しが二度届いているかもしれません。",
        (En, true) => "\nWhat became of the one before is not known, so this call may reach you twice.",
        (Ja | En, false) => "",
    };
    match &order.about {
        About::Incident { priority, scheme, service, environment, detected_at, .. } => {
            let (priority, meaning) = (label::priority(lang, *scheme, *priority), label::priority_meaning(lang, *scheme, *priority));
            let (service, environment) = (one_line(service), one_line(environment));
            let at = time::stamp(lang, &time::Zone::named(&order.time_zone), *detected_at);
            match lang {
                Ja => format!(
                    "{name}さん、対応をお願いします。\n優先度: {priority}（{meaning}）\n対象: {service}（{environment}）\n検知: {at}\n誰も引き受けないと、次の担当者を呼び出します。{twice}"
                ),
                En => format!(
                    "{name}, you are needed.\nPriority: {priority} ({meaning})\nAffected: {service} ({environment})\nDetected: {at}\nIf nobody takes it, the next person is called.{twice}"
                ),
            }
        }
        About::Test { by } => {
            let by = one_line(by);
            match lang {
                Ja => format!(
                    "{name}さん、これは呼び出しのテストです。障害は起きていません。\n障害のとき、ここに呼び出しが届くかを確かめています（依頼: {by}）。届いたら「届いた」を押してください。{twice}"
                ),
                En => format!(
                    "{name}, this is a test page. Nothing is broken.\n{by} wants to know whether a page would reach you here. Press the button when it did.{twice}"
                ),
            }
        }
    }
}

/// The message as it reads when nobody waits for its answer.
pub fn settled(lang: Lang, settled: &Settled, scheme: Scheme, names: &Names) -> PageText {
    let subject = |incident: &IncidentId, title: &str, priority: &Priority| {
        format!("[{}] {} ({incident})", label::priority(lang, scheme, *priority), clipped(title, 100))
    };
    let at = |at| time::stamp(lang, names.zone(), at);
    match &settled.over {
        Over::Taken { incident, title, priority, by, at: since } => {
            let (who, since) = (names.person(lang, by), at(*since));
            let body = match lang {
                Ja => format!("{who}が引き受けました（{since}）。この呼び出しへの対応は要りません。"),
                En => format!("{who} has taken it ({since}). Nothing is asked of you by this page."),
            };
            PageText { subject: subject(incident, title, priority), body }
        }
        Over::Restored { incident, title, priority } => {
            let body = both(
                lang,
                (
                    "サービスは復旧しています。この呼び出しへの対応は要りません。",
                    "Service is restored. Nothing is asked of you by this page.",
                ),
            );
            PageText { subject: subject(incident, title, priority), body: body.to_owned() }
        }
        Over::Merged { incident, title, priority, into } => {
            let body = match lang {
                Ja => format!("{into} に統合されました。続きはそちらで扱います。この呼び出しへの対応は要りません。"),
                En => format!("It has been merged into {into}, where it goes on. Nothing is asked of you by this page."),
            };
            PageText { subject: subject(incident, title, priority), body }
        }
        Over::Confirmed { at: confirmed } => {
            let confirmed = at(*confirmed);
            let (subject, body) = match lang {
                Ja => ("【テスト】呼び出しのテストです。障害は起きていません", format!("届いたことを記録しました（{confirmed}）。")),
                En => ("[test] A test page: nothing is broken", format!("It is recorded that this reached you ({confirmed}).")),
            };
            PageText { subject: subject.to_owned(), body }
        }
    }
}

/// Words for whoever pressed, when the incident is theirs already.
pub fn yours(lang: Lang, incident: IncidentId) -> String {
    match lang {
        Ja => format!("{incident} は、あなたが引き受けています。"),
        En => format!("You have taken {incident}."),
    }
}

/// Somebody else was quicker.
pub fn taken_by(lang: Lang, incident: IncidentId, who: &str) -> String {
    let who = clipped(who, 40);
    match lang {
        Ja => format!("{incident} は、すでに{who}さんが引き受けています。"),
        En => format!("{incident} has been taken by {who} already."),
    }
}
