//! The report as one Markdown file that a team can commit: its charts are a column of bars made of characters, so there is no second file
//! that could get lost, and a change of a number is a change of a line.

use hikeshi_domain::review::Report;

use super::sections::{Cell, Section, sections};
use crate::markdown::{Document, inline};
use crate::{Lang, Names};

/// Characters of the longest bar.
const BAR_CHARS: u64 = 20;

pub fn markdown(lang: Lang, report: &Report, names: &Names) -> String {
    let mut document = Document::default();
    document.heading(1, &inline(&super::title(lang, report.period)));
    for section in sections(lang, report, names) {
        write(lang, &section, &mut document);
    }
    document.finish()
}

fn write(lang: Lang, section: &Section, document: &mut Document) {
    if !section.heading.is_empty() {
        document.heading(2, &inline(&section.heading));
    }
    for paragraph in &section.paragraphs {
        document.block(&inline(paragraph));
    }
    let Some(table) = &section.table else { return };
    let mut head: Vec<&str> = table.head.iter().map(String::as_str).collect();
    let bars = section.chart.as_ref().map(|chart| chart.bars.iter().map(|bar| bar.value).collect::<Vec<u64>>());
    if bars.is_some() {
        head.push(super::both(lang, ("グラフ", "Chart")));
    }
    let highest = bars.iter().flatten().copied().max().unwrap_or(0).max(1);
    let rows = (0..).zip(&table.rows).map(|(at, row)| {
        let mut cells: Vec<String> = row.iter().map(|cell| inline(&cell.text)).collect();
        if let Some(value) = bars.as_ref().and_then(|bars| bars.get::<usize>(at)) {
            cells.push("█".repeat(usize::try_from(value.saturating_mul(BAR_CHARS).div_ceil(highest)).unwrap_or(0)));
        }
        cells
    });
    document.table(&head, &rows.collect::<Vec<_>>());
}

impl Cell {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), href: None }
    }
    pub fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: Some(href.into()) }
    }
}
