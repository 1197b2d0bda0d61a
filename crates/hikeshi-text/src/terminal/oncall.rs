//! On-call schedules on the command line.

use hikeshi_domain::Timestamp;

use super::two;
use crate::Lang;
use crate::plain::one_line;
use crate::time::{self, Zone};

pub fn no_schedules(lang: Lang) -> String {
    two(
        lang,
        "当番表はまだありません。hikeshi.toml の [schedules] に書いてください。",
        "There are no schedules yet. Write them under [schedules] in hikeshi.toml.",
    )
}

pub fn nobody_on_call(lang: Lang) -> String {
    two(lang, "当番がいません", "nobody is on call")
}

pub fn word_next(lang: Lang) -> String {
    two(lang, "次", "next")
}

/// Marks a shift that an override has made.
pub fn word_override(lang: Lang, id: &str) -> String {
    two(lang, format!("（交代 {id}）"), format!(" (override {id})"))
}

/// `11/24(火) 09:00 JST`.
pub fn shift_time(lang: Lang, zone: &Zone, at: Timestamp, now: Timestamp) -> String {
    time::when(lang, zone, at, now).exact
}

/// A time that cannot be read.
pub fn no_moment(lang: Lang, given: &str) -> String {
    let given = one_line(given);
    two(
        lang,
        format!("「{given}」を日時として読めません。例: 2026-11-24T09:00（当番表のタイムゾーン）、2026-11-24T09:00:00+09:00"),
        format!("`{given}` is not a time. Such as 2026-11-24T09:00 (of the schedule's zone) or 2026-11-24T09:00:00+09:00"),
    )
}

/// What `--swap` wants.
pub fn swap_form(lang: Lang) -> String {
    two(lang, "--swap は PERSON|FROM|UNTIL の形で書いてください。", "--swap takes PERSON|FROM|UNTIL.")
}
