//! The server's own lines: started, stopped, policy adopted or kept, the first administrator's link.

use super::two;
use crate::Lang;

pub fn serving(lang: Lang, url: &str, entries: u64, took_ms: u128) -> String {
    two(
        lang,
        format!("✓ {url} で動いています（台帳 {entries} 件、起動 {took_ms} ms）。Ctrl-C で止まります。"),
        format!("✓ Serving {url} ({entries} ledger entries, started in {took_ms} ms). Ctrl-C stops."),
    )
}

pub fn first_link(lang: Lang, person: &str, link: &str, minutes: u32) -> String {
    two(
        lang,
        format!("最初の管理者 {person} さんのサインイン用リンクです。一度だけ、{minutes} 分以内に使えます:\n  {link}"),
        format!("Sign-in link of the first administrator, {person}. It works once, within {minutes} min:\n  {link}"),
    )
}

pub fn no_admin(lang: Lang) -> String {
    two(
        lang,
        "役割 admin を持つ人がいないため、最初のリンクを作れません。hikeshi.toml の people に admin を一人決めてください。",
        "Nobody holds the role `admin`, so no first link can be made. Give it to one of the people in hikeshi.toml.",
    )
}

pub fn stopping(lang: Lang) -> String {
    two(lang, "止めています。実行中の手順は続きます。", "Stopping. A step that runs goes on.")
}

pub fn stopped(lang: Lang) -> String {
    two(lang, "止まりました。", "Stopped.")
}

pub fn policy_adopted(lang: Lang, digest: &str) -> String {
    two(lang, format!("ポリシーを採用しました: {digest}"), format!("Policy adopted: {digest}"))
}

pub fn policy_waiting(lang: Lang, digest: &str) -> String {
    two(
        lang,
        format!("ポリシー {digest} は相互確認の規則を緩めるため、ほかの二人の承認を待っています。それまでは今のポリシーのままです。"),
        format!("Policy {digest} loosens a four-eyes rule and waits for two other people. Until then the old one holds."),
    )
}

pub fn policy_kept(lang: Lang) -> String {
    two(lang, "ファイルに誤りがあるため、今のポリシーのまま動きます。", "The file has mistakes; the old policy stays in force.")
}

pub fn already_running(lang: Lang, directory: &str) -> String {
    two(
        lang,
        format!("{directory} はすでに別の hikeshi が使っています。サーバーが動いているなら `--local` は要りません。"),
        format!("Another hikeshi uses {directory}. If the server runs, `--local` is not needed."),
    )
}

pub fn unknown_token(lang: Lang) -> String {
    two(lang, "このトークンは有効ではありません。", "This token is not valid.")
}

pub fn token_needed(lang: Lang) -> String {
    two(lang, "誰の操作かを示すトークンがありません。", "There is no token that says who you are.")
}
