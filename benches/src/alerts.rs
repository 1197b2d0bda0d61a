//! From alerts to pages, beside Debian's Alertmanager, with one script for both: what is left of them when processes die ([`crash`]), and how
//! fast they are ([`speed`], [`many`]).

pub mod crash;
mod many;
mod peer;
mod receiver;
mod sender;
pub mod speed;
mod tally;

use std::path::Path;

pub fn report(dir: &Path, markdown: &Path, plot: &Path) -> anyhow::Result<()> {
    let words = format!("{}{}", tally::chapter(dir)?, speed::WORDS);
    crate::report::write(dir, &crate::report::ALERTS, &words, markdown, plot)
}
