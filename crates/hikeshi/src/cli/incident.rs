//! `hikeshi incident …`.

use clap::Subcommand;
use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::AlertRef;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{EnvironmentName, IncidentId, PersonId, ServiceName};
use hikeshi_domain::incident::{self, Business, Duty, Impact, Override, Priority, Stage, Triage, Urgency};
use hikeshi_domain::status::PublicState;
use hikeshi_engine::look::IncidentView;
use hikeshi_text::{label, page, terminal, time};

use super::Caller;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Open {
        title: String,
        #[arg(long)]
        service: ServiceName,
        #[arg(long)]
        environment: EnvironmentName,
        #[command(flatten)]
        triage: TriageArgs,
        #[arg(long, default_value = "")]
        summary: String,
        #[arg(long, value_name = "TIME")]
        detected_at: Option<Timestamp>,
    },
    List {
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    Show {
        id: IncidentId,
    },
    Triage {
        id: IncidentId,
        #[command(flatten)]
        triage: TriageArgs,
    },
    Ack {
        id: IncidentId,
    },
    Escalate {
        id: IncidentId,
        reason: String,
    },
    Assign {
        id: IncidentId,
        #[arg(value_parser = code::<Duty>)]
        duty: Duty,
        #[arg(required_unless_present = "nobody", conflicts_with = "nobody")]
        person: Option<PersonId>,
        #[arg(long)]
        nobody: bool,
    },
    HandOver {
        id: IncidentId,
        to: PersonId,
        note: String,
    },
    Move {
        id: IncidentId,
        #[arg(value_parser = code::<Stage>)]
        stage: Stage,
        #[arg(long, default_value = "")]
        reason: String,
    },
    Update {
        id: IncidentId,
        text: String,
    },
    Publish {
        id: IncidentId,
        #[arg(long, value_parser = code::<PublicState>)]
        state: PublicState,
        #[command(flatten)]
        public: super::status::PublicArgs,
    },
    Note {
        id: IncidentId,
        text: String,
    },
    Resolve {
        id: IncidentId,
        what: String,
    },
    Merge {
        id: IncidentId,
        #[arg(long, value_name = "ID")]
        into: IncidentId,
        #[arg(long)]
        reason: String,
    },
    Split {
        id: IncidentId,
        #[arg(long, value_delimiter = ',', required = true, value_name = "SOURCE/KEY")]
        alerts: Vec<AlertRef>,
        #[arg(long)]
        title: String,
        #[arg(long)]
        reason: String,
    },
    Postmortem {
        id: IncidentId,
        #[command(flatten)]
        given: super::postmortem::PostmortemArgs,
    },
    Similar {
        id: Option<IncidentId>,
        #[arg(long, conflicts_with = "id")]
        text: Option<String>,
    },
    Import {
        #[arg(required = true)]
        files: Vec<std::path::PathBuf>,
    },
    Timeline {
        id: IncidentId,
        #[command(flatten)]
        page: PageArgs,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub struct TriageArgs {
    #[arg(long, value_parser = code::<Impact>)]
    impact: Impact,
    #[arg(long, value_parser = code::<Business>)]
    business: Business,
    #[arg(long, value_parser = code::<Urgency>, default_value = "now")]
    urgency: Urgency,
    #[arg(long, value_parser = code::<Priority>, requires = "override_reason")]
    priority: Option<Priority>,
    #[arg(long, requires = "priority")]
    override_reason: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct PageArgs {
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
    #[arg(long)]
    pub before: Option<u64>,
}

/// Reads a code such as `all_users` or `all-users`; the error lists what there is.
pub fn code<T: serde::de::DeserializeOwned>(given: &str) -> std::result::Result<T, String> {
    let try_as = |text: String| serde_json::from_value(serde_json::Value::String(text));
    try_as(given.replace('-', "_"))
        .or_else(|_| try_as(given.to_uppercase()))
        .or_else(|_| try_as(given.replace('-', "_").to_lowercase()))
        .map_err(|error: serde_json::Error| error.to_string())
}

impl From<TriageArgs> for Triage {
    fn from(args: TriageArgs) -> Self {
        let priority_override = args.priority.map(|priority| Override { priority, reason: args.override_reason.unwrap_or_default() });
        Self { impact: args.impact, business: args.business, urgency: args.urgency, priority_override }
    }
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    let incident = |command: incident::Command| Command::Incident(command);
    match verb {
        Verb::Open { title, service, environment, triage, summary, detected_at } => {
            let command = incident::Command::Open { title, summary, service, environment, triage: triage.into(), detected_at };
            let done = caller.submit(incident(command)).await?;
            let next = done.receipt.made.as_ref().map(|made| format!("hikeshi incident ack {made}"));
            caller.tell(&done, next);
            super::postmortem::at_opening(done.receipt.made.as_deref().filter(|_| !done.dry_run), caller).await?;
        }
        Verb::List { all, page } => list(all, page, caller).await?,
        Verb::Show { id } => show(id, caller).await?,
        Verb::Triage { id, triage } => {
            caller.submit_and_tell(incident(incident::Command::Triage { incident: id, triage: triage.into() }), None).await?;
        }
        Verb::Ack { id } => {
            let next = format!("hikeshi incident move {id} {}", code_of(Stage::Impact));
            caller.submit_and_tell(incident(incident::Command::Acknowledge { incident: id }), Some(next)).await?;
        }
        Verb::Escalate { id, reason } => {
            caller.submit_and_tell(incident(incident::Command::Escalate { incident: id, reason }), None).await?;
        }
        Verb::Assign { id, duty, person, nobody: _ } => {
            caller.submit_and_tell(incident(incident::Command::Assign { incident: id, duty, person }), None).await?;
        }
        Verb::HandOver { id, to, note } => {
            caller.submit_and_tell(incident(incident::Command::HandOver { incident: id, to, note }), None).await?;
        }
        Verb::Move { id, stage, reason } => {
            caller.submit_and_tell(incident(incident::Command::Move { incident: id, stage, reason }), None).await?;
        }
        Verb::Update { id, text } => {
            caller.submit_and_tell(incident(incident::Command::Update { incident: id, text }), None).await?;
        }
        Verb::Publish { id, state, public } => {
            let (text, components) = public.read(caller)?;
            let command = incident::Command::Publish { incident: id, state, text, components };
            caller.submit_and_tell(incident(command), Some("hikeshi status show".to_owned())).await?;
        }
        Verb::Note { id, text } => {
            caller.submit_and_tell(incident(incident::Command::Note { incident: id, text }), None).await?;
        }
        Verb::Resolve { id, what } => {
            caller
                .submit_and_tell(incident(incident::Command::Resolve { incident: id, what }), Some(format!("hikeshi ledger export {id}")))
                .await?;
        }
        Verb::Merge { id, into, reason } => merge(id, into, reason, caller).await?,
        Verb::Split { id, alerts, title, reason } => {
            let done = caller.submit(incident(incident::Command::Split { incident: id, alerts, title, reason })).await?;
            let next = done.receipt.made.as_ref().map(|made| format!("hikeshi incident show {made}"));
            caller.tell(&done, next);
        }
        Verb::Postmortem { id, given } => super::postmortem::run(id, given, caller).await?,
        Verb::Similar { id, text } => super::postmortem::similar(id, text, caller).await?,
        Verb::Import { files } => super::postmortem::import(files, caller).await?,
        Verb::Timeline { id, page } => timeline(id, page, caller).await?,
    }
    Ok(())
}

/// The other one keeps its priority; when it is the less serious one, somebody has to look.
async fn merge(id: IncidentId, into: IncidentId, reason: String, caller: &Caller<'_>) -> Result<()> {
    let command = Command::Incident(incident::Command::Merge { incident: id, into, reason });
    let done = caller.submit_and_tell(command, Some(format!("hikeshi incident show {into}"))).await?;
    if done.dry_run {
        return Ok(());
    }
    let (gone, other) = (caller.reach.incident(id).await?.incident, caller.reach.incident(into).await?.incident);
    if gone.priority < other.priority {
        let names = caller.names().await?;
        let priority = |priority| names.priority(caller.lang, priority);
        caller.out.hint(&terminal::merged_worse(caller.lang, (id, priority(gone.priority)), (into, priority(other.priority))));
    }
    Ok(())
}

/// The code of a value as it is typed.
pub fn code_of<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn list(all: bool, page: PageArgs, caller: &Caller<'_>) -> Result<()> {
    let found = caller.reach.incidents(!all, page.before, page.limit).await?;
    let names = caller.names().await?;
    let lang = caller.lang;
    let now = crate::now();
    caller.out.data(&found, || {
        if found.rows.is_empty() {
            return terminal::no_incidents(lang);
        }
        let rows: Vec<Vec<String>> = found
            .rows
            .iter()
            .map(|row| {
                vec![
                    row.id.to_string(),
                    names.priority(lang, row.priority).to_owned(),
                    row.merged_into
                        .map_or_else(|| label::stage(lang, row.stage).to_owned(), |into| hikeshi_text::page::merged_into(lang, into)),
                    terminal::moment(lang, names.zone(), row.opened_at, now),
                    row.acknowledged_by.as_ref().map(|by| names.person(lang, by)).unwrap_or_default(),
                    row.title.clone(),
                ]
            })
            .collect();
        show::table(&terminal::incident_headings(lang), &rows)
    });
    if let Some(older) = found.older {
        caller.out.hint(&terminal::more_with(lang, &format!("--before {older}")));
    }
    Ok(())
}

async fn show(id: IncidentId, caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.incident(id).await?;
    let names = caller.names().await?;
    caller.out.data(&view, || text_of(&view, &names, caller));
    Ok(())
}

/// The first that fire; the rest is in `--json` and on the page.
const ALERTS_SHOWN: usize = 10;

/// What it was merged with, and what was split off.
fn related(view: &IncidentView, names: &hikeshi_text::Names, caller: &Caller<'_>) -> Vec<(String, String)> {
    let (lang, incident) = (caller.lang, &view.incident);
    let merged = incident.merged.as_ref().map(|merged| {
        let when = terminal::moment(lang, names.zone(), merged.at, view.at);
        (terminal::word_merged(lang), format!("{} {} {when}: {}", merged.into, names.person(lang, &merged.by), merged.reason))
    });
    let others = view.related.iter().filter(|row| incident.merged.as_ref().is_none_or(|merged| merged.into != row.id));
    let others = others.map(|row| {
        let how = if incident.absorbed.contains(&row.id) {
            terminal::word_absorbed(lang)
        } else if incident.split_from == Some(row.id) {
            terminal::word_split_from(lang)
        } else {
            terminal::word_split(lang)
        };
        (how, format!("{} {} {}", row.id, names.priority(lang, row.priority), row.title))
    });
    merged.into_iter().chain(others).collect()
}

fn text_of(view: &IncidentView, names: &hikeshi_text::Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let incident = &view.incident;
    let moment = |at: Timestamp| terminal::moment(lang, names.zone(), at, view.at);
    let mut rows = vec![
        (terminal::word_priority(lang), names.priority(lang, incident.priority).to_owned()),
        (terminal::word_stage(lang), label::stage(lang, incident.stage).to_owned()),
        (terminal::word_service(lang), format!("{} / {}", names.service(&incident.service), names.environment(&incident.environment))),
        (terminal::word_detected(lang), moment(incident.detected_at)),
    ];
    if let Some(acknowledged) = &incident.acknowledged {
        rows.push((terminal::word_acknowledged(lang), format!("{} {}", names.person(lang, &acknowledged.by), moment(acknowledged.since))));
    }
    rows.extend(incident.duties.iter().map(|(duty, person)| (label::duty(lang, *duty).to_owned(), names.person(lang, person))));
    if let Some(resolved) = &incident.resolved {
        rows.push((terminal::word_resolved(lang), format!("{} {}", moment(resolved.at), hikeshi_text::restored_by(lang, &resolved.what))));
    }
    rows.extend(related(view, names, caller));
    if let Some(seconds) = view.measures.resolved_s {
        rows.push((terminal::word_took(lang), time::seconds(lang, seconds)));
    }
    if !incident.summary.is_empty() {
        rows.push((terminal::word_summary(lang), incident.summary.clone()));
    }
    let pages = incident.pages.iter().map(|page| hikeshi_text::page_line(lang, page, names));
    rows.extend(pages.enumerate().map(|(index, line)| (if index == 0 { terminal::word_pages(lang) } else { String::new() }, line)));
    if incident.alerts.fired > 0 {
        rows.push((
            terminal::word_alerts(lang),
            hikeshi_text::page::Words(lang).alert_count(incident.alerts.firing, incident.alerts.fired),
        ));
        let firing = view.alerts.iter().filter(|alert| alert.firing).take(ALERTS_SHOWN);
        rows.extend(firing.map(|alert| (String::new(), format!("{} {} {}", alert.alert.source, moment(alert.fired_at), alert.title))));
    }
    for emergency in &view.emergencies {
        rows.push((
            terminal::word_emergency(lang),
            format!("{} {} {}", emergency.id, label::emergency_status(lang, emergency.status), emergency.plan.summary),
        ));
    }
    for obligation in &view.obligations {
        let due = time::due(lang, obligation.due_at, view.at);
        rows.push((
            terminal::word_obligation(lang),
            format!(
                "{} {} {} {due}",
                obligation.id,
                label::obligation_kind(lang, obligation.kind),
                label::obligation_status(lang, obligation.status)
            ),
        ));
    }
    let mut text = format!("{}\n{}", show::paint(show::BOLD, &format!("{} {}", incident.id, incident.title)), show::pairs(&rows));
    for of in &view.new_errors {
        text = format!(
            "{}\n{}: {}\n{}",
            text.trim_end(),
            page::Words(caller.lang).monitors(),
            of.monitor,
            super::monitor::new_errors(&of.patterns, caller.lang)
        );
    }
    if let Some(changes) = super::change::around(&view.changes, names, view.at, caller) {
        text = format!("{}\n{changes}", text.trim_end());
    }
    if !view.similar.is_empty() {
        let similar = super::postmortem::similar_words(&view.similar, names, caller);
        text = format!("{}\n{}\n{similar}", text.trim_end(), terminal::similar_heading(lang));
    }
    text
}

async fn timeline(id: IncidentId, page: PageArgs, caller: &Caller<'_>) -> Result<()> {
    let found = caller.reach.timeline(id, page.before, page.limit).await?;
    if found.rows.is_empty() {
        return Err(Failure::NotFound(terminal::not_found(caller.lang, &id.to_string())));
    }
    let names = caller.names().await?;
    caller.out.data(&found, || super::ledger::lines(&found.rows, Some(id), &names, caller.lang));
    if let Some(older) = found.older {
        caller.out.hint(&terminal::more_with(caller.lang, &format!("--before {older}")));
    }
    Ok(())
}
