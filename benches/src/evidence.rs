//! How often rules take a good canary back, and how soon a bad one: hikeshi's beside those of others, on the same simulated requests.
//!
//! [`traffic`] makes the counts, [`rules`] decide on them, [`table`] writes what came of it. Everything follows from one seed, so the figures are
//! the same on every machine.

mod rules;
mod table;
mod traffic;

use std::path::PathBuf;

use clap::Args;

use rules::{RULES, Rule};
use traffic::{Cell, Dice, Run};

#[derive(Args)]
pub struct Asked {
    /// Canaries for each cell of the table.
    #[arg(long, default_value_t = 3_000)]
    runs: u32,
    #[arg(long, default_value_t = 20_261_123)]
    seed: u64,
    #[arg(long)]
    markdown: PathBuf,
    #[arg(long)]
    plot: PathBuf,
}

/// What one rule did in one cell.
pub struct Outcome {
    pub rule: &'static Rule,
    pub runs: u32,
    /// Minutes until the canary was taken back, of those that were, sorted.
    pub minutes: Vec<u32>,
}

impl Outcome {
    pub fn percent(&self) -> f64 {
        100.0 * table::float(self.minutes.len()) / f64::from(self.runs.max(1))
    }

    /// Of all canaries: those that are never taken back count as later than all others.
    pub fn median(&self) -> Option<u32> {
        self.minutes.get(self.runs as usize / 2).copied()
    }
}

pub fn measure(asked: &Asked) -> anyhow::Result<()> {
    let cells = Cell::all();
    let count = cells.len();
    // Two at once; the cells that take long lie side by side, so every second one goes to each.
    let (even, odd): (Vec<_>, Vec<_>) = cells.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let mut measured = std::thread::scope(|scope| {
        let other = scope.spawn(|| many(&odd, asked));
        let mut measured = many(&even, asked);
        measured.extend(other.join().unwrap_or_default());
        measured
    });
    anyhow::ensure!(measured.len() == count, "a part of the simulation broke");
    measured.sort_by_key(|(index, ..)| *index);
    let cells: Vec<(Cell, Vec<Outcome>)> = measured.into_iter().map(|(_, cell, outcomes)| (cell, outcomes)).collect();
    std::fs::write(&asked.markdown, table::words(&cells, asked)?)?;
    std::fs::write(&asked.plot, table::plot(&cells)?)?;
    Ok(())
}

type Indexed = (usize, Cell, Vec<Outcome>);

fn many(cells: &[(usize, Cell)], asked: &Asked) -> Vec<Indexed> {
    cells.iter().map(|(index, cell)| (*index, *cell, outcomes(cell, asked, *index))).collect()
}

fn outcomes(cell: &Cell, asked: &Asked, index: usize) -> Vec<Outcome> {
    let mut dice = Dice::new(asked.seed.wrapping_add(index as u64));
    let mut outcomes: Vec<Outcome> = RULES.iter().map(|rule| Outcome { rule, runs: asked.runs, minutes: Vec::new() }).collect();
    for _ in 0..asked.runs {
        let run = Run::new(&mut dice, cell);
        for outcome in &mut outcomes {
            outcome.minutes.extend((outcome.rule.back)(&run));
        }
    }
    outcomes.iter_mut().for_each(|outcome| outcome.minutes.sort_unstable());
    outcomes
}
