//! What the command line says of alerts and silences.

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::silence::Silence;

use super::two;
use crate::{Lang, Names, label};

pub fn alerts_firing(lang: Lang, total: u64) -> String {
    two(lang, format!("発生中のアラート: {total}件"), format!("Alerts firing: {total}"))
}

pub fn silences_in_force(lang: Lang, total: usize, held: u64) -> String {
    two(lang, format!("呼び出しの停止: {total}件（止めているアラート {held}件）"), format!("Silences: {total} (alerts held back: {held})"))
}

/// One line of a silence.
pub fn silence(lang: Lang, silence: &Silence, names: &Names, now: Timestamp) -> String {
    let covers = label::covers(lang, &silence.covers, names);
    let by = label::by(lang, &silence.by, names);
    let when = if silence.from > now {
        let from = super::moment(lang, names.zone(), silence.from, now);
        two(lang, format!("{from} から"), format!("from {from}"))
    } else {
        let until = super::moment(lang, names.zone(), silence.until, now);
        two(lang, format!("{until} まで"), format!("until {until}"))
    };
    format!("{} {covers} {when} {by}: {}", silence.id, crate::plain::one_line(&silence.reason))
}

/// A length that cannot be read.
pub fn not_a_length(lang: Lang, given: &str) -> String {
    two(
        lang,
        format!("「{given}」は長さとして読めません。90m、2h、1d のように書いてください。"),
        format!("'{given}' is no length of time. Write it like 90m, 2h or 1d."),
    )
}

/// A label that cannot be read.
pub fn not_a_label(lang: Lang, given: &str) -> String {
    two(
        lang,
        format!("「{given}」はラベルとして読めません。alertname=HighLatency のように書いてください。"),
        format!("'{given}' is no label. Write it like alertname=HighLatency."),
    )
}

/// What waits, for a list.
pub fn waits(lang: Lang, waits: &hikeshi_domain::alert::Waits) -> String {
    use hikeshi_domain::alert::Waits;
    match waits {
        Waits::Flapping => two(lang, "様子見", "settling"),
        Waits::Silenced { silence } => crate::page::held_by(lang, *silence),
    }
}
