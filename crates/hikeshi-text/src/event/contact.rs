//! Events of test pages (rule M2).

use hikeshi_domain::contact::{BrowserChange, ContactEvent, ContactStep};
use hikeshi_domain::page::HowEnded;

use super::page::reported;
use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, label};

pub(super) fn said(lang: Lang, event: &ContactEvent, names: &Names) -> String {
    let (who, means) = (names.person(lang, &event.person), label::page_means(lang, event.means));
    match (lang, &event.step) {
        (Ja, ContactStep::Tested { by, .. }) => format!("{who}に呼び出しのテストを送ります（{means}、依頼: {}）", names.person(lang, by)),
        (En, ContactStep::Tested { by, .. }) => format!("A test page goes to {who} by {means}, asked for by {}", names.person(lang, by)),
        (Ja, ContactStep::Ended { how: HowEnded::Sent { .. } }) => format!("{who}へのテストが届け先に受け付けられました（{means}）"),
        (En, ContactStep::Ended { how: HowEnded::Sent { .. } }) => format!("The test page to {who} was taken by its receiver ({means})"),
        (Ja, ContactStep::Ended { how: HowEnded::Failed { detail, .. } }) => {
            format!("{who}へのテストを送れませんでした（{means}）: {}", one_line(detail))
        }
        (En, ContactStep::Ended { how: HowEnded::Failed { detail, .. } }) => {
            format!("The test page to {who} could not be sent by {means}: {}", one_line(detail))
        }
        (Ja | En, ContactStep::Reported { what }) => reported(lang, &who, means, what),
        (_, ContactStep::Browser { change, browser: _ }) => browser(lang, &who, change),
        (Ja, ContactStep::Confirmed) => format!("{who}が、呼び出しのテストが届いたと確認しました（{means}）"),
        (En, ContactStep::Confirmed) => format!("{who} confirmed that the test page arrived ({means})"),
    }
}

fn browser(lang: Lang, who: &str, change: &BrowserChange) -> String {
    match (lang, change) {
        (Ja, BrowserChange::Added { label, service }) => {
            format!("{who}がブラウザー「{}」で呼び出しを受け取るようにしました（{}）", one_line(label), one_line(service))
        }
        (En, BrowserChange::Added { label, service }) => {
            format!("{who} takes pages in the browser \"{}\" now ({})", one_line(label), one_line(service))
        }
        (Ja, BrowserChange::Removed { label, gone: false }) => {
            format!("{who}がブラウザー「{}」での呼び出しの受け取りをやめました", one_line(label))
        }
        (En, BrowserChange::Removed { label, gone: false }) => {
            format!("{who} takes no pages in the browser \"{}\" any more", one_line(label))
        }
        (Ja, BrowserChange::Removed { label, gone: true }) => {
            format!("{who}のブラウザー「{}」には届かなくなったため、呼び出し先から外しました", one_line(label))
        }
        (En, BrowserChange::Removed { label, gone: true }) => {
            format!("The browser \"{}\" of {who} is reached no more, and is no way to page them now", one_line(label))
        }
    }
}
