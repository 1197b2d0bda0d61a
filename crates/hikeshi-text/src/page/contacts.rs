//! The page of contacts and test pages.

use hikeshi_domain::contact::Contact;
use hikeshi_domain::page::{HowEnded, Reported};

use super::words;
use crate::Lang::{self, En, Ja};
use crate::label;

words! {
    contacts_title: "連絡先の確認", "Contacts";
    contacts_lead: "障害のときに呼び出しが本当に届くかを、テストで確かめます。届いたと言えるのは本人だけです。", "Whether a page would really arrive, tried beforehand. Only its owner can say that it did.";
    contacts_no_paging: "ポリシーに [paging] がないので、誰も呼び出されません。", "The policy has no [paging]: nobody is called.";
    contacts_now: "いまインシデントが起きたら", "If an incident opened now";
    contacts_at_once: "重大なとき、すぐに", "At once, when it is serious";
    contacts_nobody: "誰もいません", "nobody";
    contacts_mine: "あなたに届いていますか", "Has it reached you?";
    contacts_people: "連絡先", "Ways to reach people";
    contacts_no_way: "呼び出す手段がありません。呼ばれても届きません。", "There is no way to reach them: a page would not arrive.";
    contacts_others: "インシデントでは呼び出されない人", "People whom no incident calls";
    contacts_means: "手段", "Means";
    contacts_proven: "届いた", "arrived";
    contacts_never: "未確認", "not proven";
    contacts_test_all: "全員にテストを送る", "Test everybody who may be called";
    contacts_test_all_lead: "呼び出されうる全員の、すべての連絡先に届きます。深夜を避け、先に知らせておいてください。", "Goes to every contact of everybody who may be called. Tell them first, and not at night.";
    contacts_all_typed: "「全員」と入力して送る", "Type all to send it";
    contacts_all_word: "全員", "all";
    browsers_title: "このブラウザーで受け取る", "Pages in this browser";
    browsers_lead: "呼び出しを、このブラウザーの通知で受け取れます。通知をタップするとインシデントが開きます。画面を閉じていても届きますが、端末の省電力や通知の設定によって遅れることがあるので、ほかの手段と組み合わせてください。", "Pages can come as notifications of this browser; tapping one opens the incident. They come with this page closed, too, but a device that saves power or mutes notifications may show them late: have another means beside it.";
    browsers_ios: "iPhone と iPad では、先に共有メニューの「ホーム画面に追加」を選び、そこから開いてください。", "On an iPhone or iPad, first choose Add to Home Screen in the share menu, and open it from there.";
    browsers_none: "受け取るブラウザーはまだありません。", "No browser takes your pages yet.";
    browsers_needs_script: "登録には JavaScript が要ります。", "Subscribing needs JavaScript.";
    browsers_unfit: "このブラウザーでは通知を受け取れません。", "This browser cannot take notifications.";
    browsers_denied: "通知が許可されていません。ブラウザーの設定で、このサイトの通知を許可してください。", "Notifications are not allowed. Allow them for this site in the settings of the browser.";
    browsers_failed: "登録できませんでした。もう一度お試しください。", "It could not be subscribed. Please try again.";
    browsers_label: "このブラウザーの名前", "Name of this browser";
    browsers_label_default: "私の端末", "my device";
    browsers_add: "このブラウザーで受け取る", "Take pages in this browser";
    browsers_added: "登録", "added";
}

/// After how many minutes a step is taken.
pub fn contacts_after(lang: Lang, minutes: u32) -> String {
    match (lang, minutes) {
        (Ja, 0) => "すぐに".to_owned(),
        (En, 0) => "at once".to_owned(),
        (Ja, minutes) => format!("{minutes}分後、誰も引き受けていなければ"),
        (En, minutes) => format!("after {minutes} minutes, if nobody has it"),
    }
}

/// What became of the last test, in a word or two.
pub fn contact_state(lang: Lang, contact: Option<&Contact>) -> String {
    let Some(contact) = contact else { return label::both(lang, ("試していません", "never tried")).to_owned() };
    let reported = contact.report.as_ref().map(|report| &report.what);
    let words = match (contact.confirmed_at, reported, contact.end.as_ref().map(|end| &end.how)) {
        (Some(_), _, _) => ("本人が確認", "confirmed by its owner"),
        (None, Some(Reported::Undelivered { why, .. }), _) => return label::unreached(lang, *why).to_owned(),
        (None, Some(Reported::Delivered), _) => ("電話に届いた。本人の確認待ち", "on the telephone; waits for its owner"),
        (None, _, Some(HowEnded::Failed { detail, .. })) => {
            let detail = crate::plain::clipped(&crate::plain::one_line(detail), 120);
            return match lang {
                Ja => format!("送れませんでした: {detail}"),
                En => format!("could not be sent: {detail}"),
            };
        }
        (None, _, Some(HowEnded::Sent { .. })) => ("送信済み。本人の確認待ち", "sent; waits for its owner"),
        (None, _, None) => ("送信待ち", "queued"),
    };
    label::both(lang, words).to_owned()
}
