//! The status page on the command line.

use hikeshi_domain::status::Health;

use super::two;
use crate::plain::one_line;
use crate::time;
use crate::{Lang, status};

pub fn no_status_page(lang: Lang) -> String {
    two(
        lang,
        "ステータスページはまだありません。hikeshi.toml の [status] に書いてください。",
        "There is no status page yet. Write [status] in hikeshi.toml.",
    )
}

/// The page in one line.
pub fn status_line(lang: Lang, title: &str, worst: Health, url: &str) -> String {
    format!("{}: {} ({})", one_line(title), status::overall(lang, worst), one_line(url))
}

pub fn status_subscribers(lang: Lang, count: u64) -> String {
    two(lang, format!("購読者: {count}件"), format!("subscribers: {count}"))
}

/// Whether the static files are as they should be.
pub fn status_files(lang: Lang, directory: &str, trouble: Option<&str>) -> String {
    let directory = one_line(directory);
    match trouble {
        None => two(lang, format!("静的ファイル: {directory}"), format!("static files: {directory}")),
        Some(trouble) => {
            let trouble = one_line(trouble);
            two(
                lang,
                format!(
                    "静的ファイルを {directory} に書けません（{trouble}）。古いまま表示されています。ディレクトリと空き容量を確かめてください。"
                ),
                format!(
                    "The static files cannot be written to {directory} ({trouble}): what is shown there is old. Check the directory and the disk."
                ),
            )
        }
    }
}

/// `--component` that cannot be read.
pub fn bad_component(lang: Lang, given: &str) -> String {
    let given = one_line(given);
    two(
        lang,
        format!(
            "「{given}」を読めません。--component は 名前=状態 の形で書いてください。状態: operational / degraded / partial_outage / major_outage / maintenance"
        ),
        format!(
            "`{given}` cannot be read. --component takes NAME=HEALTH; health: operational / degraded / partial_outage / major_outage / maintenance"
        ),
    )
}

/// One subscriber, the address cut short.
pub fn subscriber_line(lang: Lang, id: u64, address: &str, since: hikeshi_domain::Timestamp, zone: &time::Zone) -> String {
    let (address, since) = (one_line(address), time::stamp(lang, zone, since));
    two(lang, format!("{id}  {address}  {since} から"), format!("{id}  {address}  since {since}"))
}

pub fn subscriber_forgotten(lang: Lang, id: u64) -> String {
    two(lang, format!("購読者 {id} のアドレスを消去しました。"), format!("The address of subscriber {id} is deleted."))
}
