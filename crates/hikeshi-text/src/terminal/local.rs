//! What is said of ledgers that are kept while the server is away.

use hikeshi_domain::Timestamp;

use super::two;
use crate::{Lang, time};

pub fn local_serving(lang: Lang, url: &str, ledger: &str, directory: &str) -> String {
    two(
        lang,
        format!(
            "✓ 手元の台帳 {ledger} を {url} で開きました。記録は {directory} にあります。Ctrl-C で止まり、もう一度実行すると続きから始まります。"
        ),
        format!("✓ The local ledger {ledger} is open at {url}; it is kept in {directory}. Ctrl-C stops; the same command goes on with it."),
    )
}

/// What comes next, for the executor and for witnesses elsewhere.
pub fn local_next(lang: Lang, url: &str) -> Vec<String> {
    let port = url.rsplit(':').next().unwrap_or("7411");
    vec![
        two(lang, "次: hikeshi --local login --ssh-key ~/.ssh/id_ed25519", "next: hikeshi --local login --ssh-key ~/.ssh/id_ed25519"),
        two(
            lang,
            format!(
                "立会人は自分のマシンで: ssh -N -L {port}:localhost:{port} このマシン、そして hikeshi --url {url} login --ssh-key 自分の鍵"
            ),
            format!(
                "witnesses, on their own machine: ssh -N -L {port}:localhost:{port} THIS_HOST, then hikeshi --url {url} login --ssh-key THEIR_KEY"
            ),
        ),
        two(
            lang,
            "サーバーにつながるようになったら: hikeshi reconcile（24 時間以内）",
            "when the server is back: hikeshi reconcile (within 24 h)",
        ),
    ]
}

pub fn local_running(lang: Lang, directory: &str) -> String {
    two(
        lang,
        format!("手元の台帳 {directory} は、いま開かれています。照合する前に hikeshi --local serve を止めてください。"),
        format!("The local ledger in {directory} is being served. Stop `hikeshi --local serve` before it is brought home."),
    )
}

pub fn local_in_file(lang: Lang) -> String {
    two(lang, "[local] は hikeshi.toml には書けません。", "[local] does not belong into hikeshi.toml.")
}

pub fn no_local_ledger(lang: Lang) -> String {
    two(
        lang,
        "このマシンに、開いている手元の台帳がありません。hikeshi --local serve で開いてください（サーバーのデータがあるマシンでは --config で hikeshi.toml を指定します）。",
        "There is no open local ledger on this machine. Open one with `hikeshi --local serve`; where the server's own data is, name its hikeshi.toml with --config.",
    )
}

pub fn not_a_local_ledger(lang: Lang, url: &str) -> String {
    two(
        lang,
        format!("{url} は手元の台帳ではありません。SSH 鍵で名乗れるのは、サーバーにつながらない間の手元の台帳でだけです。"),
        format!("{url} is no local ledger. An SSH key opens only a ledger that is kept while the server is away."),
    )
}

pub fn nothing_away(lang: Lang) -> String {
    two(lang, "照合を待っている手元の台帳はありません。", "No local ledger waits to be brought home.")
}

pub fn nothing_in_it(lang: Lang, ledger: &str) -> String {
    two(
        lang,
        format!("手元の台帳 {ledger} に緊急例外はありません。照合は不要です。"),
        format!("Nothing was asked for in the local ledger {ledger}; there is nothing to bring home."),
    )
}

/// No local ledger is of the address that was given; this one is of another.
pub fn away_elsewhere(lang: Lang, ledger: &str, server: &str) -> String {
    two(
        lang,
        format!("手元の台帳 {ledger} は {server} のものです。照合するには hikeshi --url {server} reconcile を実行してください。"),
        format!("The local ledger {ledger} is of {server}. Bring it home with `hikeshi --url {server} reconcile`."),
    )
}

pub fn away_unreadable(lang: Lang, directory: &str) -> String {
    two(
        lang,
        format!(
            "警報: 手元の台帳 {directory} を読めません。緊急例外の記録が入っている可能性があります。消さずに、承認者へ知らせてください。"
        ),
        format!(
            "ALARM: the local ledger in {directory} cannot be read. It may hold the record of an exception: keep it, and tell the approvers."
        ),
    )
}

pub fn told_and_gone(lang: Lang, ledger: &str, directory: &str) -> String {
    two(
        lang,
        format!(
            "手元の台帳 {ledger} の緊急例外はサーバーに知らせてありますが、その記録が {directory} にありません。承認者に知らせ、バックアップから戻してから照合してください。"
        ),
        format!(
            "The server was told of an exception in the local ledger {ledger}, and its record is not in {directory} any more. Tell the approvers, put it back from a backup, and reconcile then."
        ),
    )
}

pub fn still_open_there(lang: Lang, emergency: &str) -> String {
    two(
        lang,
        format!("手元の {emergency} がまだ終わっていません。終了（または取り下げ）してから照合してください。"),
        format!("{emergency} of the local ledger is still open. Close or cancel it first."),
    )
}

pub fn would_bring(lang: Lang, ledger: &str, bytes: usize) -> String {
    two(lang, format!("{ledger} を {bytes} バイトで送ります。"), format!("{ledger} would be sent, {bytes} bytes."))
}

pub fn brought_home(lang: Lang, ledger: &str, there: &str, here: &str, already: bool) -> String {
    match already {
        false => two(
            lang,
            format!("✓ {ledger} を照合しました。手元の {there} は、サーバーでは {here} です。"),
            format!("✓ {ledger} came home. {there} there is {here} here."),
        ),
        true => two(
            lang,
            format!("✓ {ledger} は、すでに照合されています。手元の {there} は、サーバーでは {here} です。"),
            format!("✓ {ledger} had come home before. {there} there is {here} here."),
        ),
    }
}

pub fn away_row(lang: Lang, ledger: &str, due_at: Option<Timestamp>, open: bool, now: Timestamp) -> String {
    let Some(due_at) = due_at else {
        return two(lang, format!("{ledger}: 緊急例外はまだありません"), format!("{ledger}: nothing was asked for yet"));
    };
    let due = time::due(lang, due_at, now);
    match open {
        true => two(lang, format!("{ledger}: 進行中。照合の期限 {due}"), format!("{ledger}: under way; to come home {due}")),
        false => two(lang, format!("{ledger}: 終了。照合の期限 {due}"), format!("{ledger}: over; to come home {due}")),
    }
}

pub fn away_late(lang: Lang, ledger: &str, server: &str, due_at: Timestamp, now: Timestamp) -> String {
    let due = time::due(lang, due_at, now);
    two(
        lang,
        format!("警報: 手元の台帳 {ledger} が照合されていません（{due}）。hikeshi --url {server} reconcile を実行してください。"),
        format!("ALARM: the local ledger {ledger} has not come home ({due}). Run `hikeshi --url {server} reconcile`."),
    )
}

pub fn away_told(lang: Lang, ledger: &str) -> String {
    two(
        lang,
        format!("手元の台帳 {ledger} があることをサーバーに知らせました。終わったら hikeshi reconcile で照合してください。"),
        format!("The server now knows of the local ledger {ledger}. When it is over, bring it home with `hikeshi reconcile`."),
    )
}
