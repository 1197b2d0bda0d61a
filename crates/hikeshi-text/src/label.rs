//! How each code is called: one word per concept, the same on every face (`docs/glossary.md`).
//!
//! Words of a command are in [`mod@command`]; sentences about what happened are in [`crate::event()`].

mod change;
mod code;
mod command;
mod monitor;
mod offline;
mod silence;
mod status;
mod work;

pub use change::{change, change_place};
pub use code::*;
pub use command::{command, commands, row};
pub use monitor::{measured, monitor_kind};
pub use offline::degraded;
pub use silence::{by, covers};
pub use status::{health, page_name, public_state};
pub use work::{again, effect, means, result, seen, step_state, weakening};

use crate::Lang;

/// One word in the reader's language.
pub(crate) fn both(lang: Lang, (ja, en): (&'static str, &'static str)) -> &'static str {
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}
