//! Working while the server is away: a ledger of its own on this machine, made from the trust bundle, with the same program and the same rules;
//! and bringing it home.
//!
//! [`kept`] is where such ledgers lie, [`serving`] opens one, [`entering`] is how people come in, [`home`] brings it back.

mod entering;
mod home;
mod kept;
mod serving;

use hikeshi_text::{Lang, terminal};

pub use entering::enter;
pub use home::{ReconcileArgs, announce, reconcile, warn};
pub use serving::serve;

use crate::cli::Global;
use crate::fail::{Failure, Result};

/// Where the server of this machine's open local ledger is.
pub fn url(global: &Global, lang: Lang) -> Result<String> {
    let open = kept::open(&global.url)?.ok_or_else(|| Failure::NotFound(terminal::no_local_ledger(lang)))?;
    Ok(open.note.url)
}
