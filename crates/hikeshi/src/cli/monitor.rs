//! `hikeshi monitor …`: what the monitors see.

use clap::Subcommand;
use hikeshi_domain::monitor::NewPattern;
use hikeshi_engine::look::{MonitorView, MonitorsView};
use hikeshi_text::{Lang, Names, label, page, review, terminal};

use super::Caller;
use crate::fail::Result;
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List,
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::List => {
            let view = caller.reach.monitors().await?;
            let names = caller.names().await?;
            caller.out.data(&view, || text_of(&view, &names, caller));
        }
    }
    Ok(())
}

fn text_of(view: &MonitorsView, names: &Names, caller: &Caller<'_>) -> String {
    if view.monitors.is_empty() {
        return page::Words(caller.lang).monitors_none().to_owned();
    }
    view.monitors.iter().map(|monitor| lines(monitor, view, names, caller)).collect()
}

fn lines(monitor: &MonitorView, view: &MonitorsView, names: &Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let row = &monitor.row;
    let health = terminal::health(lang, row.healthy, row.unmeasured.is_some());
    let mut head = vec![health, row.monitor.to_string(), format!("({})", label::monitor_kind(lang, monitor.kind))];
    head.extend(row.since.map(|since| terminal::moment(lang, names.zone(), since, view.at)));
    let shown = row.incident.filter(|_| row.healthy == Some(false) || row.unmeasured.is_some());
    head.extend(shown.map(|incident| incident.to_string()));
    let mut text = format!("{}\n", head.join(" "));
    if let Some(seen) = monitor.seen.as_ref().or(row.unmeasured.as_ref()) {
        text.push_str(&format!("  {seen}\n"));
    }
    text.push_str(&new_errors(&monitor.new_errors, lang));
    if !monitor.points.is_empty() {
        let marks: Vec<review::Tick> =
            monitor.points.iter().map(|point| review::Tick { verdict: point.verdict, value: point.value }).collect();
        text.push_str(&format!("  {}\n", show::paint(show::DIM, &page::looks(lang, &marks))));
    }
    text
}

/// What came only after a change.
pub fn new_errors(patterns: &[NewPattern], lang: Lang) -> String {
    if patterns.is_empty() {
        return String::new();
    }
    let words = page::Words(lang);
    let rows = patterns
        .iter()
        .map(|new| format!("  {} {}\n    {}: {}\n", page::lines(lang, new.count), new.pattern, words.new_errors_sample(), new.sample));
    format!("  {}\n{}", show::paint(show::BOLD, words.new_errors_heading()), rows.collect::<String>())
}
