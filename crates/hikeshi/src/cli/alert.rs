//! `hikeshi alert …`.

use std::collections::BTreeMap;

use clap::Subcommand;
use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::silence::Covers;
use hikeshi_domain::alert::{self, Alert};
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{EnvironmentName, MonitorName, ServiceName, SilenceId, SourceName};
use hikeshi_domain::policy::OneOf;
use hikeshi_domain::status::PublicText;
use hikeshi_engine::look::AlertsView;
use hikeshi_text::{Names, label, page, terminal};
use jiff::SignedDuration;

use super::Caller;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one command line, once")]
pub enum Verb {
    List,
    Silence {
        #[arg(long)]
        service: Option<ServiceName>,
        #[arg(long)]
        environment: Option<EnvironmentName>,
        #[arg(long)]
        source: Option<SourceName>,
        #[arg(long)]
        monitor: Option<MonitorName>,
        #[arg(long = "label", value_name = "NAME=VALUE")]
        labels: Vec<String>,
        #[arg(long = "for", value_name = "2h")]
        lasts: String,
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        public_message: Option<String>,
        #[arg(long)]
        public_message_en: Option<String>,
    },
    Unsilence {
        silence: SilenceId,
    },
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::List => {
            let view = caller.reach.alerts().await?;
            let names = caller.names().await?;
            caller.out.data(&view, || text_of(&view, &names, caller));
        }
        Verb::Silence { service, environment, source, monitor, labels, lasts, from, reason, public_message: ja, public_message_en: en } => {
            let minutes = minutes(&lasts).ok_or_else(|| Failure::Usage(terminal::not_a_length(caller.lang, &lasts)))?;
            let labels = labels.iter().map(|given| read(given, caller)).collect::<Result<BTreeMap<_, _>>>()?;
            let covers = Covers { service, environment, source, monitor, labels };
            let public = Some(PublicText { ja, en }).filter(|text| !text.is_empty());
            let done = caller.submit(Command::Alert(alert::Command::Silence { covers, from, minutes, reason, public })).await?;
            let next = done.receipt.made.as_ref().map(|made| format!("hikeshi alert unsilence {made}"));
            caller.tell(&done, next);
        }
        Verb::Unsilence { silence } => {
            caller.submit_and_tell(Command::Alert(alert::Command::Unsilence { silence }), Some("hikeshi alert list".to_owned())).await?;
        }
    }
    Ok(())
}

/// `90m`, `2h`, `1h 30m`, `1d`: whole minutes, the rest of one is given up.
fn minutes(given: &str) -> Option<u32> {
    let given = given.trim();
    let length = match given.strip_suffix('d') {
        Some(days) => SignedDuration::from_hours(days.trim().parse::<i64>().ok().filter(|days| (0..=365).contains(days))? * 24),
        None => given.parse().ok()?,
    };
    u32::try_from(length.as_mins()).ok()
}

fn read(given: &str, caller: &Caller<'_>) -> Result<(String, OneOf)> {
    let (name, value) = given.split_once('=').ok_or_else(|| Failure::Usage(terminal::not_a_label(caller.lang, given)))?;
    Ok((name.trim().to_owned(), OneOf::read(value)))
}

fn text_of(view: &AlertsView, names: &Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let heading = |text: String| format!("{}\n", show::paint(show::BOLD, &text));
    let mut text = heading(terminal::silences_in_force(lang, view.silences.len(), view.held_total));
    for silence in &view.silences {
        text.push_str(&format!("  {}\n", terminal::silence(lang, silence, names, view.at)));
    }
    for row in view.monitors.iter().filter(|row| row.healthy == Some(false) || row.unmeasured.is_some()) {
        let held = row.held.map(|silence| terminal::waits(lang, &alert::Waits::Silenced { silence }));
        let place = held.or_else(|| row.incident.map(|id| id.to_string())).unwrap_or_default();
        text.push_str(&format!("{} {} {place}\n", terminal::health(lang, row.healthy, row.unmeasured.is_some()), row.monitor));
    }
    text.push_str(&heading(terminal::alerts_firing(lang, view.firing_total)));
    let rows: Vec<Vec<String>> = view.firing.iter().map(|alert| row(alert, names, view.at, caller)).collect();
    text.push_str(&show::table(&[], &rows));
    let more = view.firing_total.saturating_sub(u64::try_from(view.firing.len()).unwrap_or(u64::MAX));
    if more > 0 {
        text.push_str(&format!("\n{}", page::alerts_unlisted(lang, more)));
    }
    text
}

fn row(alert: &Alert, names: &Names, now: Timestamp, caller: &Caller<'_>) -> Vec<String> {
    let lang = caller.lang;
    let place = alert.waits.as_ref().map(|waits| terminal::waits(lang, waits)).or_else(|| alert.incident.map(|id| id.to_string()));
    vec![
        alert.severity.map(|severity| label::severity(lang, severity).to_owned()).unwrap_or_default(),
        place.unwrap_or_default(),
        alert.alert.source.to_string(),
        terminal::moment(lang, names.zone(), alert.fired_at, now),
        alert.title.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_read_the_way_people_write_it() {
        let read: Vec<Option<u32>> = ["90m", "2h", "1h 30m", "1d", " 7d ", "30s"].map(minutes).to_vec();
        assert_eq!(read, [Some(90), Some(120), Some(90), Some(1_440), Some(10_080), Some(0)]);
        for given in ["", "2", "h", "-2h", "xd", "9999999999999d", "二時間"] {
            assert_eq!(minutes(given), None, "{given}");
        }
    }
}
