//! Signing in, passkeys, tokens.

use super::words;
use crate::Lang;

words! {
    signin_title: "サインイン", "Sign in";
    signin_with_passkey: "パスキーでサインインする", "Sign in with a passkey";
    signin_handle: "ハンドル", "Handle";
    signin_handle_help: "ポリシーに書かれている自分の名前（例: tanaka）", "Your name in the policy, such as tanaka";
    signin_needs_script: "パスキーには JavaScript が必要です。使えないときは、管理者に一回限りのリンクを発行してもらってください。", "A passkey needs JavaScript. Without it, ask the administrator for a one-time link.";
    signin_by_link: "一回限りのリンクでサインインする", "Sign in by one-time link";
    signin_link_ready: "このボタンを押すと、サインインが完了し、リンクは使えなくなります。", "Pressing the button signs you in and uses the link up.";
    signin_link_go: "サインインする", "Sign in";
    signin_link_how: "リンクがないときは、サーバーの管理者に発行を頼んでください。", "If you have no link, ask the administrator of the server for one.";
    signin_link_bad: "このリンクは使えません。", "This link cannot be used.";
    signin_link_bad_why: "すでに使われたか、期限が切れています。", "It was used before, or it has expired.";
    signin_link_bad_next: "管理者に新しいリンクを発行してもらってください。", "Ask the administrator for a new one.";
    signin_no_passkeys_here: "このアドレスではパスキーを使えません。名前のあるアドレス（例: http://localhost:7410）で開いてください。", "Passkeys do not work at this address. Use one with a name, such as http://localhost:7410.";
    me_title: "自分の設定", "My settings";
    passkeys: "パスキー", "Passkeys";
    passkeys_none: "まだ登録されていません。登録すると、次からリンクなしでサインインできます。", "None yet. With one, you can sign in without a link.";
    passkey_add: "パスキーを登録する", "Add a passkey";
    passkey_label: "パスキーの名前", "Name of the passkey";
    passkey_label_default: "この端末", "This device";
    passkey_remove: "削除する", "Remove";
    passkey_added_at: "登録", "Added";
    passkey_failed: "パスキーを使えませんでした。もう一度試すか、一回限りのリンクを使ってください。", "The passkey did not work. Try again, or use a one-time link.";
    passkey_done: "パスキーを登録しました。", "The passkey was added.";
    tokens: "API トークン", "API tokens";
    tokens_none: "まだ発行されていません。", "None yet.";
    token_issue: "トークンを発行する", "Issue a token";
    token_label: "用途", "What it is for";
    token_days: "有効日数", "Valid for days";
    token_only: "使わせる役割（選ばなければ自分の役割すべて）", "Roles it may use (none chosen: all of yours)";
    token_revoke: "失効させる", "Revoke";
    token_once: "トークンは、いま一度だけ表示します。安全な場所に控えてください。", "The token is shown only once. Keep it somewhere safe.";
    token_expires: "期限", "Expires";
    sessions: "開いているサインイン", "Open sign-ins";
}

/// Who is signed in.
pub fn signed_in_as(lang: Lang, name: &str) -> String {
    match lang {
        Lang::Ja => format!("{name}さんとしてサインイン中"),
        Lang::En => format!("Signed in as {name}"),
    }
}
