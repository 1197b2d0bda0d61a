//! Contacts and test pages on the command line.

use hikeshi_domain::Timestamp;

use super::two;
use crate::Lang;
use crate::time::{self, Zone};

/// When somebody was last reached.
pub fn contact_proven(lang: Lang, zone: &Zone, proven_at: Option<Timestamp>, now: Timestamp) -> String {
    match proven_at {
        Some(at) => {
            let when = time::when(lang, zone, at, now);
            two(lang, format!("届いた {}（{}）", when.relative, when.exact), format!("arrived {} ({})", when.relative, when.exact))
        }
        None => two(lang, "未確認", "not proven"),
    }
}

pub fn contacts_called(lang: Lang) -> String {
    two(lang, "いまインシデントが起きたら呼び出される順", "Who would be called if an incident opened now")
}

/// What to do after tests were sent.
pub fn contact_next(lang: Lang) -> String {
    two(
        lang,
        "届いた人は、届いた先の案内どおりに確認してください。結果: hikeshi contact list",
        "Whoever it reaches confirms as the page says. How it stands: hikeshi contact list",
    )
}
