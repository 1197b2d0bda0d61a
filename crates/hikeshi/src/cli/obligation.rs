//! `hikeshi obligation …`: what is owed after an exception.

use std::path::PathBuf;

use clap::Subcommand;
use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{ObligationId, PersonId};
use hikeshi_domain::obligation::{self, Judgement, PreventionItem};
use hikeshi_engine::look::{ObligationView, Which};
use hikeshi_text::{Names, label, terminal, time};

use super::Caller;
use super::incident::PageArgs;
use crate::fail::{Failure, Result};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List {
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    Show {
        id: ObligationId,
    },
    Propose {
        id: ObligationId,
    },
    Compare {
        id: ObligationId,
    },
    AcceptDrift {
        id: ObligationId,
        #[arg(long)]
        reason: String,
    },
    Report {
        id: ObligationId,
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        judgement: JudgementArgs,
    },
    Schedule {
        id: ObligationId,
        starts_at: Timestamp,
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=480))]
        lasts_min: u32,
        #[arg(long, value_delimiter = ',')]
        invited: Vec<PersonId>,
    },
    Hold {
        id: ObligationId,
        #[arg(long)]
        held_at: Option<Timestamp>,
        #[arg(long, value_delimiter = ',', required = true)]
        attended: Vec<PersonId>,
        #[arg(long)]
        lessons: String,
        #[arg(long)]
        avoidable: Option<String>,
        #[arg(long = "item", value_parser = item)]
        items: Vec<PreventionItem>,
    },
    Finish {
        id: ObligationId,
        #[arg(long)]
        evidence: String,
    },
    Present {
        id: ObligationId,
        #[arg(long)]
        held_at: Option<Timestamp>,
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Clone, clap::Args)]
pub struct JudgementArgs {
    #[arg(long)]
    problem: Option<String>,
    #[arg(long)]
    impact: Option<String>,
    #[arg(long)]
    cause: Option<String>,
    #[arg(long)]
    response: Option<String>,
    #[arg(long)]
    prevention: Vec<String>,
}

/// `tanaka|2026-12-01T09:00:00+09:00|監視を追加する`
pub(super) fn item(given: &str) -> std::result::Result<PreventionItem, String> {
    let mut parts = given.splitn(3, '|').map(str::trim);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(owner), Some(due_at), Some(text)) => Ok(PreventionItem {
            owner: owner.parse().map_err(|error: hikeshi_domain::ids::IdError| error.to_string())?,
            due_at: due_at.parse().map_err(|error: jiff::Error| error.to_string())?,
            text: text.to_owned(),
        }),
        _ => Err("OWNER|DUE|TEXT, such as `tanaka|2026-12-01T09:00:00+09:00|add a monitor`".to_owned()),
    }
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::List { all, page } => list(all, page, caller).await,
        Verb::Show { id } => {
            let view = caller.reach.obligation(id).await?;
            let names = caller.names().await?;
            caller.out.data(&view, || text_of(&view, &names, caller));
            Ok(())
        }
        Verb::Propose { id } => act(id, obligation::Command::Propose { obligation: id }, caller).await,
        Verb::Compare { id } => act(id, obligation::Command::Compare { obligation: id }, caller).await,
        Verb::AcceptDrift { id, reason } => act(id, obligation::Command::AcceptDrift { obligation: id, reason }, caller).await,
        Verb::Report { id, file, judgement } => {
            let judgement = judgement_of(file, judgement)?;
            act(id, obligation::Command::Report { obligation: id, judgement }, caller).await
        }
        Verb::Schedule { id, starts_at, lasts_min, invited } => {
            act(id, obligation::Command::Schedule { obligation: id, starts_at, lasts_min, invited }, caller).await
        }
        Verb::Hold { id, held_at, attended, lessons, avoidable, items } => {
            let held_at = held_at.unwrap_or_else(crate::now);
            act(id, obligation::Command::Hold { obligation: id, held_at, attended, lessons, avoidable, items }, caller).await
        }
        Verb::Present { id, held_at, note } => present(id, held_at, note, caller).await,
        Verb::Finish { id, evidence } => act(id, obligation::Command::Finish { obligation: id, evidence }, caller).await,
    }
}

/// The numbers that were presented are named by size, time and digest: those of the report as it is now.
async fn present(id: ObligationId, held_at: Option<Timestamp>, note: String, caller: &Caller<'_>) -> Result<()> {
    let owed = caller.reach.obligation(id).await?.obligation;
    let (size, at, digest) = match owed.period {
        Some(period) => {
            let view = caller.reach.review(period, None).await?;
            (view.report.as_of.size, view.report.as_of.at, view.digest)
        }
        // The door says why it cannot be presented.
        None => (0, crate::now(), hikeshi_domain::ids::Digest::of(b"")),
    };
    let held_at = held_at.unwrap_or(at);
    act(id, obligation::Command::Present { obligation: id, held_at, size, at, digest, note }, caller).await
}

/// Submits, waits for the effect that follows (a branch, a file), and says what came of it.
async fn act(id: ObligationId, command: obligation::Command, caller: &Caller<'_>) -> Result<()> {
    let done = caller.submit(Command::Obligation(command)).await?;
    if !done.dry_run {
        super::waiting::obligation(id, caller).await?;
        let view = caller.reach.obligation(id).await?;
        if let Some(trouble) = &view.obligation.trouble {
            return Err(Failure::StepFailed(terminal::trouble(caller.lang, label::doing(caller.lang, trouble.doing), &trouble.detail)));
        }
    }
    caller.tell(&done, Some(format!("hikeshi obligation show {id}")));
    Ok(())
}

fn judgement_of(file: Option<PathBuf>, args: JudgementArgs) -> Result<Judgement> {
    let mut judgement = match file {
        Some(file) => super::plan_file::read::<Judgement>(&file)?,
        None => Judgement {
            problem: String::new(),
            impact: String::new(),
            cause: String::new(),
            response: String::new(),
            prevention: Vec::new(),
        },
    };
    let JudgementArgs { problem, impact, cause, response, prevention } = args;
    for (slot, given) in [
        (&mut judgement.problem, problem),
        (&mut judgement.impact, impact),
        (&mut judgement.cause, cause),
        (&mut judgement.response, response),
    ] {
        if let Some(given) = given {
            *slot = given;
        }
    }
    if !prevention.is_empty() {
        judgement.prevention = prevention;
    }
    Ok(judgement)
}

async fn list(all: bool, page: PageArgs, caller: &Caller<'_>) -> Result<()> {
    let which = if all { Which::All } else { Which::Owed };
    let found = caller.reach.obligations(which, page.before, page.limit).await?;
    let names = caller.names().await?;
    let lang = caller.lang;
    let now = crate::now();
    caller.out.data(&found, || {
        if found.rows.is_empty() {
            return terminal::nothing_owed(lang);
        }
        let rows: Vec<Vec<String>> = found
            .rows
            .iter()
            .map(|row| {
                let due = if row.status == obligation::Status::Owed { time::due(lang, row.due_at, now) } else { String::new() };
                vec![
                    row.id.to_string(),
                    label::obligation_kind(lang, row.kind).to_owned(),
                    label::obligation_status(lang, row.status).to_owned(),
                    due,
                    names.person(lang, &row.owner),
                    row.emergency.map(|id| id.to_string()).or_else(|| row.period.map(|period| period.to_string())).unwrap_or_default(),
                ]
            })
            .collect();
        show::table(&terminal::obligation_headings(lang), &rows)
    });
    if let Some(older) = found.older {
        caller.out.hint(&terminal::more_with(lang, &format!("--before {older}")));
    }
    Ok(())
}

/// What is to be reported or corrected, and what the meeting was shown.
fn looking_back(owed: &obligation::Obligation, names: &Names, lang: hikeshi_text::Lang) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    if let Some(period) = owed.period {
        rows.push((terminal::word_report(lang), hikeshi_text::review::title(lang, period)));
    }
    if let Some(finding) = &owed.finding {
        let entries: Vec<String> = finding.entries.iter().map(|seq| format!("#{seq}")).collect();
        let name = hikeshi_text::review::finding_name(lang, finding.kind.name());
        rows.push((terminal::word_finding(lang), format!("{name} ({})", entries.join(" "))));
        rows.push((String::new(), hikeshi_text::review::explanation(lang, &finding.kind, names)));
    }
    if let Some(presented) = &owed.presented {
        let (when, who) = (time::stamp(lang, names.zone(), presented.held_at), names.person(lang, &presented.by));
        rows.push((terminal::word_presented(lang), format!("{when} {who}: {}", presented.note)));
        rows.push((String::new(), format!("--size {} --at {} sha256:{}", presented.size, presented.at, presented.digest)));
    }
    rows
}

fn text_of(view: &ObligationView, names: &Names, caller: &Caller<'_>) -> String {
    let lang = caller.lang;
    let owed = &view.obligation;
    let moment = |at: Timestamp| terminal::moment(lang, names.zone(), at, view.at);
    let mut rows = vec![
        (terminal::word_status(lang), label::obligation_status(lang, owed.status).to_owned()),
        (terminal::word_due(lang), format!("{} ({})", moment(owed.due_at), time::due(lang, owed.due_at, view.at))),
        (terminal::word_owner(lang), names.person(lang, &owed.owner)),
    ];
    if let Some(emergency) = &view.emergency {
        rows.push((terminal::word_emergency(lang), format!("{} {}", emergency.id, emergency.plan.summary)));
    }
    rows.extend(looking_back(owed, names, lang));
    if !owed.text.is_empty() {
        rows.push((terminal::word_summary(lang), owed.text.clone()));
    }
    if let Some(request) = &owed.request {
        rows.push((terminal::word_branch(lang), format!("{} → {} [{}]", request.branch, request.base, request.label)));
        rows.push((terminal::word_file(lang), request.request_file.clone()));
        if let Some(compared) = &request.compared {
            rows.push((
                terminal::word_compared(lang),
                terminal::comparison(lang, compared.merged, compared.drift.len(), &moment(compared.at)),
            ));
            for drift in &compared.drift {
                rows.push((String::new(), format!("≠ {}", drift.path)));
            }
        }
    }
    if let Some(file) = owed.report.as_ref().and_then(|report| report.file.as_ref()) {
        rows.push((terminal::word_file(lang), file.clone()));
    }
    if let Some(meeting) = &owed.meeting {
        rows.push((terminal::word_meeting(lang), format!("{} {}", moment(meeting.starts_at), names.people(lang, &meeting.invited))));
        if let Some(file) = &meeting.file {
            rows.push((terminal::word_file(lang), file.clone()));
        }
    }
    if let Some(trouble) = &owed.trouble {
        rows.push((terminal::word_trouble(lang), terminal::trouble(lang, label::doing(lang, trouble.doing), &trouble.detail)));
    }
    format!("{}\n{}", show::paint(show::BOLD, &format!("{} {}", owed.id, label::obligation_kind(lang, owed.kind))), show::pairs(&rows))
}
