//! Events of pages: who was called, by what, and what became of it (rules I4, I5).

use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::page::bundle::beside;
use hikeshi_domain::page::{Attempt, HowEnded, Page, PageEvent, Paged, Reported, Unreached};

use crate::Lang::{self, En, Ja};
use crate::label::both;
use crate::plain::one_line;
use crate::{Names, label};

/// Of the others in one message, so many are named.
const OTHERS_MAX: usize = 10;

pub(super) fn said(lang: Lang, event: &PageEvent, names: &Names) -> String {
    let PageEvent { person, what, incident, step: _ } = event;
    let who = names.person(lang, person);
    match what {
        Paged::Queued { means, number, effect: _ } => {
            let means = label::page_means(lang, *means);
            match (lang, *number) {
                (Ja, 1) => format!("{who}を呼び出します（{means}）"),
                (Ja, number) => format!("{who}を呼び出します（{means}、{number}回目）"),
                (En, 1) => format!("Paging {who} by {means}"),
                (En, number) => format!("Paging {who} by {means}, attempt {number}"),
            }
        }
        Paged::Ended { means, how, number: _ } => {
            let means = label::page_means(lang, *means);
            let said = ended(lang, &who, means, how);
            match how {
                HowEnded::Sent { bundle, .. } => format!("{said}{}", together(lang, &beside(bundle, *incident))),
                HowEnded::Failed { .. } => said,
            }
        }
        Paged::Reported { means, what, number: _ } => {
            let means = label::page_means(lang, *means);
            reported(lang, &who, means, what)
        }
        Paged::NoMeans => match lang {
            Ja => format!("{who}を呼び出す手段がポリシーにありません"),
            En => format!("The policy knows no way to page {who}"),
        },
    }
}

fn ended(lang: Lang, who: &str, means: &str, how: &HowEnded) -> String {
    match (lang, how) {
        (Ja, HowEnded::Sent { repeated: false, .. }) => format!("{who}への呼び出しが届け先に受け付けられました（{means}）"),
        (Ja, HowEnded::Sent { repeated: true, .. }) => format!("{who}への呼び出しを再送しました（{means}）。二度届いたかもしれません"),
        (En, HowEnded::Sent { repeated: false, .. }) => format!("The page to {who} was taken by its receiver ({means})"),
        (En, HowEnded::Sent { repeated: true, .. }) => format!("The page to {who} was sent again ({means}); it may have arrived twice"),
        (Ja, HowEnded::Failed { detail, permanent: false }) => format!("{who}を呼び出せませんでした（{means}）: {}", one_line(detail)),
        (Ja, HowEnded::Failed { detail, permanent: true }) => {
            format!("{who}を呼び出せません（{means}）。送り直しても届かないため、この手段は使いません: {}", one_line(detail))
        }
        (En, HowEnded::Failed { detail, permanent: false }) => format!("{who} could not be paged by {means}: {}", one_line(detail)),
        (En, HowEnded::Failed { detail, permanent: true }) => {
            format!("{who} cannot be paged by {means}, and trying again would not help: {}", one_line(detail))
        }
    }
}

/// What else went in the same message.
fn together(lang: Lang, others: &[IncidentId]) -> String {
    let list: Vec<String> = others.iter().take(OTHERS_MAX).map(IncidentId::to_string).collect();
    let cut = others.len() > list.len();
    match (lang, others.len()) {
        (Ja | En, 0) => String::new(),
        (Ja, count) => format!("。ほかの{count}件とまとめて一通（{}{}）", list.join("、"), if cut { " など" } else { "" }),
        (En, count) => format!(", in one message with {count} more ({}{})", list.join(", "), if cut { ", …" } else { "" }),
    }
}

pub(super) fn reported(lang: Lang, who: &str, means: &str, what: &Reported) -> String {
    match (lang, what) {
        (Ja, Reported::Delivered) => format!("{who}の電話に届きました（{means}）"),
        (En, Reported::Delivered) => format!("It has reached the telephone of {who} ({means})"),
        (Ja, Reported::Undelivered { why, code }) => {
            format!("{who}に届きませんでした（{means}）: {}", undelivered(lang, *why, code))
        }
        (En, Reported::Undelivered { why, code }) => format!("It did not reach {who} ({means}): {}", undelivered(lang, *why, code)),
        (Ja, Reported::Silent { within_s }) => {
            format!("{who}への呼び出し（{means}）が届いたという知らせが、{within_s}秒待っても来ません")
        }
        (En, Reported::Silent { within_s }) => format!("Nothing was heard within {within_s} s of the page to {who} ({means})"),
        (Ja, Reported::Acknowledged) => format!("{who}が呼び出しに応じ、引き受けました（{means}）"),
        (En, Reported::Acknowledged) => format!("{who} answered the page and took it ({means})"),
    }
}

fn undelivered(lang: Lang, why: Unreached, code: &str) -> String {
    let words = label::unreached(lang, why);
    let code = one_line(code);
    if code.is_empty() {
        return words.to_owned();
    }
    match lang {
        Ja => format!("{words}（{code}）"),
        En => format!("{words} ({code})"),
    }
}

/// Who was called, and how it stands by each means: the last attempt says it.
pub fn page_line(lang: Lang, page: &Page, names: &Names) -> String {
    let mut last: Vec<&Attempt> = Vec::new();
    for attempt in &page.attempts {
        match last.iter_mut().find(|other| other.means == attempt.means) {
            Some(other) => *other = attempt,
            None => last.push(attempt),
        }
    }
    let states: Vec<String> = last.into_iter().map(|attempt| state(lang, attempt)).collect();
    let who = names.person(lang, &page.person);
    match (lang, states.is_empty()) {
        (Ja, true) => format!("{who}: 呼び出す手段なし"),
        (En, true) => format!("{who}: no way to reach them"),
        (Ja, false) => format!("{who}: {}", states.join("、")),
        (En, false) => format!("{who}: {}", states.join(", ")),
    }
}

fn state(lang: Lang, attempt: &Attempt) -> String {
    let means = label::page_means(lang, attempt.means);
    let words = match (attempt.report.as_ref().map(|report| &report.what), attempt.end.as_ref().map(|end| &end.how)) {
        (Some(Reported::Acknowledged), _) => both(lang, ("引き受け済み", "taken")).to_owned(),
        (Some(Reported::Delivered), _) => both(lang, ("到達", "delivered")).to_owned(),
        (Some(Reported::Undelivered { why, code }), _) => undelivered(lang, *why, code),
        (Some(Reported::Silent { .. }), _) => both(lang, ("到達の知らせなし", "nothing heard")).to_owned(),
        (None, Some(HowEnded::Sent { .. })) => both(lang, ("受け付け済み", "sent")).to_owned(),
        (None, Some(HowEnded::Failed { .. })) => both(lang, ("失敗", "failed")).to_owned(),
        (None, None) => both(lang, ("送信待ち", "queued")).to_owned(),
    };
    match (lang, attempt.number) {
        (Ja | En, 1) => format!("{means} {words}"),
        (Ja, number) => format!("{means} {words}（{number}回目）"),
        (En, number) => format!("{means} {words} (attempt {number})"),
    }
}
