//! What the command line says, in both languages. Re-exported flat: callers write `terminal::unknown_key(lang, …)`.
//!
//! By subject: [`mod@file`] (mistakes of `hikeshi.toml`), [`help`] (`--help`), [`answer`] (results, errors, next steps),
//! [`mod@serving`] (the server's own lines), [`verdict`] (what a verification found), [`mod@trust`] (the trust bundle), [`rehearsal`] (`hikeshi try`), [`mod@shell`] (a witnessed terminal), [`mod@slack`] (`hikeshi slack`), [`guard`] and [`mod@settings`] (`hikeshi merge`, `hikeshi tag`). What the door and the record say is in the other modules of this crate.

mod alerts;
mod answer;
mod changes;
mod contacts;
mod file;
mod guard;
mod help;
mod local;
mod merges;
mod oncall;
mod postmortem;
mod rehearsal;
mod review;
mod serving;
mod settings;
mod shell;
mod slack;
mod status;
mod trust;
mod verdict;

pub use alerts::*;
pub use answer::*;
pub use changes::*;
pub use contacts::*;
pub use file::*;
pub use guard::*;
pub use help::*;
pub use local::*;
pub use merges::*;
pub use oncall::*;
pub use postmortem::*;
pub use rehearsal::*;
pub use review::*;
pub use serving::*;
pub use settings::*;
pub use shell::*;
pub use slack::*;
pub use status::*;
pub use trust::*;
pub use verdict::*;

use crate::Lang;

/// One of two texts.
pub(crate) fn two(lang: Lang, ja: impl Into<String>, en: impl Into<String>) -> String {
    match lang {
        Lang::Ja => ja.into(),
        Lang::En => en.into(),
    }
}
