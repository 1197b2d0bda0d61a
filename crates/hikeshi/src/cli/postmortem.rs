//! `hikeshi incident postmortem`, `similar` and `import`: what an incident has taught, and finding it again.

use std::path::{Path, PathBuf};

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, IncidentId, RequestKey};
use hikeshi_domain::obligation::PreventionItem;
use hikeshi_domain::postmortem::{self, Content};
use hikeshi_engine::look::{IncidentView, Similar};
use hikeshi_text::page::Words;
use hikeshi_text::{Names, label, terminal, time};
use serde::{Deserialize, Serialize};

use super::Caller;
use super::obligation::item;
use crate::fail::{Failure, Result};
use crate::show;

const FILE_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Debug, Clone, clap::Args)]
pub struct PostmortemArgs {
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[arg(long, conflicts_with_all = ["file", "amend"])]
    template: bool,
    #[arg(long, value_name = "REASON")]
    amend: Option<String>,
    #[arg(long)]
    impact: Option<String>,
    #[arg(long = "why")]
    whys: Vec<String>,
    #[arg(long)]
    cause: Option<String>,
    #[arg(long)]
    response: Option<String>,
    #[arg(long)]
    lessons: Option<String>,
    #[arg(long = "item", value_parser = item)]
    items: Vec<PreventionItem>,
}

/// What a file says; `--template` prints one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PostmortemFile {
    impact: String,
    whys: Vec<String>,
    cause: String,
    response: String,
    lessons: String,
    items: Vec<PreventionItem>,
}

pub async fn run(id: IncidentId, args: PostmortemArgs, caller: &Caller<'_>) -> Result<()> {
    if args.template {
        let view = caller.reach.incident(id).await?;
        let names = caller.names().await?;
        let text = hikeshi_text::postmortem_template(caller.lang, &view.incident, &names);
        caller.out.data(&text, || text.clone());
        return Ok(());
    }
    let says = args.file.is_some() || args.impact.is_some() || args.cause.is_some() || args.response.is_some();
    if !says && args.lessons.is_none() && args.whys.is_empty() && args.items.is_empty() && args.amend.is_none() {
        return shown(id, caller).await;
    }
    let (content, items, reason) = given(args, &caller.names().await?)?;
    let command = match reason {
        Some(reason) => postmortem::Command::Amend { incident: id, content, items, reason },
        None => postmortem::Command::Write { incident: id, content, items },
    };
    let done = caller.submit(Command::Postmortem(command)).await?;
    if !done.dry_run {
        super::waiting::postmortem(id, caller).await?;
        let known = caller.reach.incident(id).await?.incident.postmortem;
        if let Some(trouble) = known.and_then(|known| known.trouble) {
            return Err(Failure::StepFailed(trouble));
        }
    }
    caller.tell(&done, Some(format!("hikeshi incident postmortem {id}")));
    Ok(())
}

/// A file, and the flags over it. A file without whys or items leaves those of the flags.
fn given(args: PostmortemArgs, names: &Names) -> Result<(Content, Vec<PreventionItem>, Option<String>)> {
    let file = match &args.file {
        Some(file) if file.extension().is_some_and(|ending| ending == "md") => {
            let content = hikeshi_text::read_postmortem(&text_of(file)?, names.zone()).content();
            let Content { impact, whys, cause, response, lessons } = content;
            PostmortemFile { impact, whys, cause, response, lessons, items: Vec::new() }
        }
        Some(file) => super::plan_file::read::<PostmortemFile>(file)?,
        None => PostmortemFile::default(),
    };
    let filled = |why: &String| !why.trim().is_empty();
    let whys = if args.whys.is_empty() { file.whys } else { args.whys };
    let content = Content {
        impact: args.impact.unwrap_or(file.impact),
        whys: whys.into_iter().filter(filled).collect(),
        cause: args.cause.unwrap_or(file.cause),
        response: args.response.unwrap_or(file.response),
        lessons: args.lessons.unwrap_or(file.lessons),
    };
    let items = if args.items.is_empty() { file.items } else { args.items };
    Ok((content, items, args.amend))
}

fn text_of(file: &Path) -> Result<String> {
    let name = file.display();
    let size = std::fs::metadata(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::Usage(format!("{name}: {size} bytes; at most {FILE_BYTES_MAX}")));
    }
    std::fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

async fn shown(id: IncidentId, caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.incident(id).await?;
    let names = caller.names().await?;
    let known = view.incident.postmortem.as_deref().cloned().unwrap_or_default();
    caller.out.data(&known, || match &known.written {
        Some(written) => words(&view, &written.content, &names, caller),
        None => terminal::no_postmortem(caller.lang, &id.to_string()),
    });
    Ok(())
}

fn words(view: &IncidentView, content: &Content, names: &Names, caller: &Caller<'_>) -> String {
    let (lang, t) = (caller.lang, Words(caller.lang));
    let mut rows = vec![
        (t.postmortem_impact().to_owned(), content.impact.clone()),
        (t.postmortem_whys_short().to_owned(), content.whys.first().cloned().unwrap_or_default()),
    ];
    rows.extend(content.whys.iter().skip(1).map(|why| (String::new(), why.clone())));
    rows.push((t.postmortem_cause().to_owned(), content.cause.clone()));
    rows.push((t.postmortem_response().to_owned(), content.response.clone()));
    rows.push((t.postmortem_lessons().to_owned(), content.lessons.clone()));
    for owed in view.obligations.iter().filter(|owed| owed.kind == hikeshi_domain::obligation::Kind::Prevention) {
        let (status, due) = (label::obligation_status(lang, owed.status), time::due(lang, owed.due_at, view.at));
        let who = names.person(lang, &owed.owner);
        rows.push((t.postmortem_items().to_owned(), format!("{} {status} {} ({who}, {due})", owed.id, owed.text)));
    }
    if let Some(filed) = view.incident.postmortem.as_ref().and_then(|known| known.filed.as_ref()) {
        rows.push((terminal::word_file(lang), filed.file.clone()));
    }
    format!("{}\n{}", show::paint(show::BOLD, &format!("{} {}", view.incident.id, view.incident.title)), show::pairs(&rows))
}

/// Past incidents that are like one of the workspace, or like some words.
pub async fn similar(id: Option<IncidentId>, text: Option<String>, caller: &Caller<'_>) -> Result<()> {
    let found = match (id, text) {
        (Some(id), None) => caller.reach.incident(id).await?.similar,
        (None, Some(text)) => caller.reach.similar(&text).await?,
        (Some(_), Some(_)) | (None, None) => return Err(Failure::Usage(terminal::similar_what(caller.lang))),
    };
    let names = caller.names().await?;
    caller.out.data(&found, || if found.is_empty() { terminal::no_similar(caller.lang) } else { similar_words(&found, &names, caller) });
    Ok(())
}

/// At the opening: what is there is told, silence costs nobody's attention.
pub async fn at_opening(made: Option<&str>, caller: &Caller<'_>) -> Result<()> {
    let Some(id) = made.and_then(|made| made.parse::<IncidentId>().ok()) else { return Ok(()) };
    let found = caller.reach.incident(id).await?.similar;
    if !found.is_empty() {
        caller.out.hint(&format!("{}\n{}", terminal::similar_heading(caller.lang), similar_words(&found, &caller.names().await?, caller)));
    }
    Ok(())
}

pub fn similar_words(found: &[Similar], names: &Names, caller: &Caller<'_>) -> String {
    let line = |similar: &Similar| {
        let past = &similar.past;
        let day = past.at.map(|at| time::day(names.zone(), at)).unwrap_or_default();
        let file = past.file.clone().unwrap_or_default();
        let name = past.incident.map_or(file, |id| id.to_string());
        format!("  {name} {day} {} ({}%)\n    {}", past.title, similar.share, terminal::solved_by(caller.lang, &past.solved))
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What became of one file.
#[derive(Debug, Serialize)]
struct Imported {
    file: String,
    title: String,
    digest: Digest,
    /// False: the same file was imported before.
    new: bool,
    /// Headings whose text was kept as it was.
    kept: Vec<String>,
}

pub async fn import(files: Vec<PathBuf>, caller: &Caller<'_>) -> Result<()> {
    let names = caller.names().await?;
    let mut done = Vec::with_capacity(files.len());
    for file in files {
        let text = text_of(&file)?;
        let digest = Digest::of(text.as_bytes());
        let mut read = hikeshi_text::read_postmortem(&text, names.zone());
        if read.found.title.trim().is_empty() {
            read.found.title = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        }
        let title = read.found.title.clone();
        let command = postmortem::Command::Import { file: file.display().to_string(), digest, found: Box::new(read.found) };
        // A key of its own each time: a document that was taken in is known by its digest.
        let key: RequestKey = crate::secret::request_key()?;
        let answer = caller.submit_as(Command::Postmortem(command), key).await?;
        let new = answer.receipt.seq.is_some() || answer.dry_run;
        done.push(Imported { file: file.display().to_string(), title, digest, new, kept: read.unknown });
    }
    caller.out.data(&done, || {
        let lines = done.iter().map(|one| terminal::imported(caller.lang, &one.file, &one.title, one.new, &one.kept));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(())
}
