//! Rounds: every variant once, in an order that turns, and what was measured kept line by line, so that a measurement can be continued.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What earlier runs of the same directory have measured.
pub fn kept<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Vec<T>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    std::fs::read_to_string(file)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

pub fn keep<T: Serialize>(file: &Path, run: &T) -> anyhow::Result<()> {
    let mut out = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(out, "{}", serde_json::to_string(run)?)?)
}

/// The same in another order each round, so that whoever comes first or after a noisy neighbour is not always the same.
pub fn turned<T>(all: &[T], round: u32) -> impl Iterator<Item = &T> {
    let from = usize::try_from(round).unwrap_or(0) % all.len().max(1);
    all.iter().cycle().skip(from).take(all.len())
}

pub trait Median {
    fn median(&self) -> Option<f64>;
}

impl Median for [f64] {
    fn median(&self) -> Option<f64> {
        let mut sorted = self.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len().checked_sub(1)? / 2;
        match (sorted.get(middle), sorted.get(sorted.len() / 2)) {
            (Some(low), Some(high)) => Some(f64::midpoint(*low, *high)),
            _ => None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
