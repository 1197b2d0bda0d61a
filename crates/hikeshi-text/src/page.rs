//! Strings of the web pages. Words of codes are in [`crate::label`], sentences of refusals in [`crate::refusal()`].
//!
//! Templates call `t.…()` on a [`Words`]; whole sentences about failed requests are functions of [`fail`].

mod account;
mod alerts;
mod change;
mod contacts;
mod emergency;
mod fail;
mod follow_up;
mod frame;
mod incident;
mod merge;
mod monitors;
mod now;
mod offline;
mod oncall;
mod postmortem;
mod record;
mod review;
mod session;
mod status;

pub use account::*;
pub use alerts::{alerts_unlisted, held_by, silenced_now};
pub use contacts::*;
pub use emergency::*;
pub use fail::*;
pub use frame::*;
pub use merge::merged_into;
pub use monitors::{lines, looks, range};
pub use now::*;
pub use offline::{away, offline};
pub use oncall::*;
pub use review::*;
pub use session::*;

use crate::Lang;

/// The fixed words of the pages in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words(pub Lang);

/// One line per string: the name, Japanese, English.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $ja:literal, $en:literal;)*) => {
        impl crate::page::Words {
            $($(#[$doc])* pub fn $name(self) -> &'static str {
                match self.0 {
                    crate::Lang::Ja => $ja,
                    crate::Lang::En => $en,
                }
            })*
        }
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $ja, $en)),*];
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_there_in_both_languages() {
        let all = [
            frame::ALL,
            monitors::ALL,
            now::ALL,
            alerts::ALL,
            change::ALL,
            incident::ALL,
            merge::ALL,
            emergency::ALL,
            follow_up::ALL,
            record::ALL,
            review::ALL,
            account::ALL,
            session::ALL,
            offline::ALL,
            postmortem::ALL,
            contacts::ALL,
            oncall::ALL,
            status::ALL,
        ];
        for (name, ja, en) in all.into_iter().flatten() {
            assert!(!ja.trim().is_empty() && !en.trim().is_empty(), "{name}");
            assert!(en.is_ascii() || en.contains(['·', '–', '…', '→', '×', '↑', '“']), "{name}: {en}");
            assert!(!ja.is_ascii() || ja == en, "{name} is not Japanese: {ja}");
        }
    }
}
