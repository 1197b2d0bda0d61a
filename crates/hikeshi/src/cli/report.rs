//! `hikeshi report …`: the report of a month or quarter, computed from the ledger, as text, JSON or Markdown.

use clap::{Args, Subcommand};
use hikeshi_domain::Timestamp;
use hikeshi_domain::review::{AsOf, Period};
use hikeshi_engine::look::ReviewView;
use hikeshi_text::{Lang, Names, review, terminal, time};

use super::Caller;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List,
    Month(OneArgs),
    Quarter(OneArgs),
}

#[derive(Debug, Args)]
pub struct OneArgs {
    period: Period,
    #[arg(long)]
    markdown: bool,
    #[arg(long, requires = "at")]
    size: Option<u64>,
    #[arg(long, requires = "size")]
    at: Option<Timestamp>,
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::List => list(caller).await,
        Verb::Month(args) => one(args, false, caller).await,
        Verb::Quarter(args) => one(args, true, caller).await,
    }
}

async fn one(args: OneArgs, quarter: bool, caller: &Caller<'_>) -> Result<()> {
    if matches!(args.period, Period::Quarter(_)) != quarter {
        return Err(Failure::Usage(terminal::wrong_period(caller.lang, quarter)));
    }
    let as_of = args.size.zip(args.at).map(|(size, at)| AsOf { size, at });
    let view = caller.reach.review(args.period, as_of).await?;
    let names = caller.names().await?;
    caller.out.data(&view, || {
        if args.markdown {
            review::markdown(caller.lang, &view.report, &names).trim_end().to_owned()
        } else {
            text_of(&view, &names, caller.lang)
        }
    });
    Ok(())
}

fn text_of(view: &ReviewView, names: &Names, lang: Lang) -> String {
    let mut text = show::paint(show::BOLD, &review::title(lang, view.report.period));
    for section in review::sections(lang, &view.report, names) {
        if !section.heading.is_empty() {
            text.push_str(&format!("\n\n{}", show::paint(show::BOLD, &section.heading)));
        }
        for paragraph in &section.paragraphs {
            text.push_str(&format!("\n{paragraph}"));
        }
        if let Some(table) = &section.table {
            let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()).collect();
            text.push_str(&format!("\n{}", show::table(&table.head, &rows)));
        }
    }
    format!("{text}\nSHA-256 {}", view.digest)
}

async fn list(caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.reviews().await?;
    let lang = caller.lang;
    caller.out.data(&view, || {
        let rows = view.months.iter().rev().map(|row| {
            let owed = view.reports.get(&row.month.to_string());
            let due = owed.map(|owed| match owed.done_at {
                Some(_) => hikeshi_text::label::obligation_status(lang, owed.status).to_owned(),
                None => time::due(lang, owed.due_at, view.at),
            });
            vec![
                row.month.to_string(),
                row.uses.to_string(),
                row.carried_out.to_string(),
                owed.map(|owed| owed.id.to_string()).unwrap_or_default(),
                due.unwrap_or_default(),
            ]
        });
        show::table(&terminal::report_headings(lang), &rows.collect::<Vec<_>>())
    });
    Ok(())
}
