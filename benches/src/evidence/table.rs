//! What the rules did, as tables and as a plot.

use std::fmt::Write as _;

use super::rules::RULES;
use super::traffic::{Cell, MINUTES, Scatter};
use super::{Asked, Outcome};
use crate::report::{Bar, bars};

#[expect(clippy::cast_precision_loss, reason = "a small count")]
pub fn float(count: usize) -> f64 {
    count as f64
}

fn title(scatter: Scatter) -> &'static str {
    match scatter {
        Scatter::Alone => "Errors that come alone",
        Scatter::ClumpsToNine => "Errors that come in clumps of one to nine",
        Scatter::ClumpsOfAnyLength => "Errors that come in clumps of any length, five in the mean",
    }
}

type Measured = (Cell, Vec<Outcome>);

pub fn words(cells: &[Measured], asked: &Asked) -> anyhow::Result<String> {
    let mut out = format!(
        "# Canaries: good ones taken back, bad ones found\n\nMade by `benches/evidence.sh`, which anyone can run; never edited by hand. It is a simulation, {} \
         canaries for each cell, and follows\nfrom one seed ({}): the figures are the same on every machine. Each canary runs for {MINUTES} minutes beside the \
         stable version, all rules see\nthe same requests, and each looks once a minute. hikeshi leaves out the canary's first minute, which counts in its \
         times all the same.\nPeers are their rules as this program understands them, not their programs.\n\n",
        asked.runs, asked.seed
    );
    for rule in &RULES {
        writeln!(out, "- **{}**: {}.", rule.name, rule.words)?;
    }
    let (ours, others) = summary(cells);
    writeln!(
        out,
        "\nOver all cells, hikeshi takes at most {ours:.2} % of the good canaries back; the same evidence without the division up to {others:.1} %.\n\n\
         ![Good canaries taken back in the worst cell, percent](images/benchmarks-evidence.svg)"
    )?;
    for scatter in Scatter::ALL {
        writeln!(out, "\n## {}\n\nGood canaries taken back within {MINUTES} minutes; less is better.\n", title(scatter))?;
        rows(&mut out, cells, scatter, true, |outcome| format!("{:.2} %", outcome.percent()))?;
        writeln!(out, "\nBad canaries taken back, and after how many minutes in the median of all of them.\n")?;
        rows(&mut out, cells, scatter, false, |outcome| {
            let median = outcome.median().map_or("—".to_owned(), |median| format!("{median} min"));
            format!("{:.1} %, {median}", outcome.percent())
        })?;
    }
    Ok(out)
}

fn rows(out: &mut String, cells: &[Measured], scatter: Scatter, good: bool, show: impl Fn(&Outcome) -> String) -> anyhow::Result<()> {
    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    writeln!(out, "| errors, requests a second, canary | {} |\n|---|{}", names.join(" | "), "---:|".repeat(names.len()))?;
    for (cell, outcomes) in cells.iter().filter(|(cell, _)| cell.scatter == scatter && cell.is_good() == good) {
        let errors =
            if good { format!("{} %", percent(cell.stable)) } else { format!("{} % → {} %", percent(cell.stable), percent(cell.canary)) };
        let shown: Vec<String> = outcomes.iter().map(&show).collect();
        writeln!(out, "| {errors}, {}, {} % | {} |", cell.per_second, percent(cell.canary_share), shown.join(" | "))?;
    }
    Ok(())
}

/// Without what a product of binary fractions leaves behind.
fn percent(share: f64) -> f64 {
    (share * 1_000.0).round() / 10.0
}

fn worst(cells: &[Measured], name: &str) -> f64 {
    let good = cells.iter().filter(|(cell, _)| cell.is_good()).flat_map(|(_, outcomes)| outcomes);
    good.filter(|outcome| outcome.rule.name == name).map(Outcome::percent).fold(0.0, f64::max)
}

fn summary(cells: &[Measured]) -> (f64, f64) {
    let [ours, undivided, ..] = &RULES;
    (worst(cells, ours.name), worst(cells, undivided.name))
}

pub fn plot(cells: &[Measured]) -> anyhow::Result<String> {
    let of = RULES.iter().map(|rule| Bar {
        name: rule.name.to_owned(),
        value: worst(cells, rule.name),
        shown: format!("{:.1} %", worst(cells, rule.name)),
        is_ours: rule.is_ours,
    });
    bars("Good canaries taken back in the worst cell, percent", &of.collect::<Vec<_>>())
}
