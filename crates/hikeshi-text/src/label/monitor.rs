//! Kinds of monitors, and what their numbers are.

use hikeshi_domain::policy::MonitorKind;

use super::both;
use crate::Lang;

pub fn monitor_kind(lang: Lang, kind: MonitorKind) -> &'static str {
    both(
        lang,
        match kind {
            MonitorKind::Url => ("URL", "URL"),
            MonitorKind::Tcp => ("ポート", "port"),
            MonitorKind::Heartbeat => ("ハートビート", "heartbeat"),
            MonitorKind::Command => ("コマンド", "command"),
            MonitorKind::Prometheus => ("Prometheus", "Prometheus"),
            MonitorKind::Postgres => ("PostgreSQL", "PostgreSQL"),
            MonitorKind::Host => ("ホスト", "host"),
            MonitorKind::Log => ("ログ", "log"),
        },
    )
}

/// What the numbers of a kind are, as the picture of its looks is called.
pub fn measured(lang: Lang, kind: MonitorKind) -> &'static str {
    both(
        lang,
        match kind {
            MonitorKind::Url | MonitorKind::Tcp => ("応答時間（ミリ秒）", "answer time in ms"),
            MonitorKind::Log => ("数えた行", "lines counted"),
            MonitorKind::Heartbeat | MonitorKind::Command | MonitorKind::Prometheus | MonitorKind::Postgres | MonitorKind::Host => {
                ("測定値", "value")
            }
        },
    )
}
