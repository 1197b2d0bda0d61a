//! The status page and what is published on it.

use super::words;

words! {
    status_title: "ステータスページ", "Status page";
    field_public_state: "外から見た状況", "State, as outsiders see it";
    field_public_ja: "公開する説明（日本語）", "Public words (Japanese)";
    field_public_en: "公開する説明（英語）", "Public words (English)";
    field_public_help: "社外の人がそのまま読みます。どちらか一方の言語は必ず書いてください。あとから書き換えられず、訂正は次の投稿で行います。", "People outside the team read this as it is. Write at least one language. It cannot be changed later; another post corrects it.";
    field_public_component: "部分", "Component";
    field_public_same: "これまでのとおり", "as before";
    field_public_work: "ステータスページに載せる説明（空なら載せません）", "What the status page says of the work (empty: nothing)";
    published_heading: "ステータスページへの投稿", "Published on the status page";
    published_by_program: "自動", "by the program";
    status_components: "サービスの状況", "Components";
    status_open: "発生中の障害", "Current incidents";
    status_none_open: "発生中の障害はありません。", "No current incidents.";
    status_works: "メンテナンス", "Maintenance";
    status_work_now: "実施中", "under way";
    status_work_planned: "予定", "planned";
    status_history: "過去90日の障害", "The last 90 days";
    status_no_history: "過去90日に障害はありません。", "No incidents in the last 90 days.";
    status_feed: "フィード（Atom）", "Feed (Atom)";
    status_json: "JSON", "JSON";
    status_back: "状況の一覧へ", "Back to the overview";
    status_old: "このページは更新が止まっています。今の状況とは違うおそれがあります。", "Updates of this page have stopped. What it says may no longer be true.";
    status_not_translated: "日本語の説明はまだありません。", "There is no English text yet.";
    status_subscribe: "メールで購読", "Subscribe by mail";
    status_subscribe_lead: "障害とその復旧をメールでお知らせします。", "We mail you when something breaks and when it is back.";
    status_address: "メールアドレス", "Mail address";
    status_subscribe_button: "確認のメールを送る", "Send me a confirmation";
    status_asked_title: "メールをご確認ください", "Check your mail";
    status_asked: "届いたメールのリンクから、24時間以内に購読を確定してください。すでに購読している場合や、少し前に申し込んだ場合は、メールは届きません。", "Confirm with the link in the mail within 24 hours. No mail is sent if you have subscribed already, or asked a moment ago.";
    status_confirm_title: "購読の確認", "Confirm your subscription";
    status_confirm_button: "購読する", "Subscribe";
    status_confirmed_title: "購読しました", "You have subscribed";
    status_confirmed: "これからの更新をメールでお知らせします。どのメールからでも停止できます。", "Updates are mailed to you from now on. Every mail has a link to leave.";
    status_leave_title: "配信の停止", "Unsubscribe";
    status_leave_button: "配信を停止する", "Unsubscribe";
    status_left_title: "配信を停止しました", "You have unsubscribed";
    status_left: "アドレスは消去しました。", "Your address is deleted.";
    status_link_over: "このリンクは使えません。期限が切れたか、すでに使われています。", "This link is no good: it has run out, or was used already.";
    status_bad_address: "メールアドレスとして読めません。", "That is no mail address.";
    status_busy: "いまは申し込みが多いため受け付けられません。しばらくしてからお試しください。", "Too many people are asking just now. Please try again in a while.";
}
