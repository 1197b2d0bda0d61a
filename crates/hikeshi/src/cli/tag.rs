//! `hikeshi tag`: versions by their own order, and the next one. Without a server; nothing is changed.

use clap::{Args, Subcommand};
use hikeshi_domain::release::version::{Tag, Tags, Version};
use hikeshi_outside::merge::{Repository, tags};
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::merge::{failed, place, repository};
use crate::fail::{Code, Failure, Result};
use crate::show::{self, Out};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(ListArgs),
    Next(NextArgs),
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    #[arg(long, value_name = "PATH|URL", default_value = ".")]
    pub repository: String,
}

#[derive(Debug, Args)]
pub struct NextArgs {
    #[arg(long, value_name = "VERSION")]
    pub from: Option<String>,
    #[arg(long, value_name = "PATH|URL", default_value = ".")]
    pub repository: String,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    pub version: String,
    pub commit: String,
    #[arg(long, value_name = "PATH|URL", default_value = ".")]
    pub repository: String,
}

pub async fn run(verb: &Verb, lang: Lang, out: &Out) -> Result<()> {
    match verb {
        Verb::List(args) => list(args, lang, out).await,
        Verb::Next(args) => next(args, lang, out).await,
        Verb::Check(args) => check(args, lang, out).await,
    }
}

async fn all(given: &str, lang: Lang, out: &Out) -> Result<Tags> {
    let found = tags(&place(), &repository(given)).await.map_err(|error| failed(lang, &error))?;
    if let Some(ignored) = terminal::tag_ignored(lang, &found) {
        out.hint(&ignored);
    }
    Ok(found)
}

fn version(text: &str) -> Result<Version> {
    Version::parse(text).map_err(|error| Failure::Usage(error.to_string()))
}

async fn list(args: &ListArgs, lang: Lang, out: &Out) -> Result<()> {
    let mut found = all(&args.repository, lang, out).await?;
    let total = found.versions.len();
    found.versions.truncate(args.limit);
    let data = json!({"versions": found.versions, "total": total, "ignored": found.ignored, "ignored_names": found.ignored_names});
    out.data(&data, || {
        if found.versions.is_empty() {
            return terminal::tag_none(lang);
        }
        let row = |tag: &Tag| {
            let kind = terminal::tag_kind(lang, tag.version.candidate().is_some(), tag.version.is_release(), tag.annotated);
            vec![tag.version.to_string(), tag.name.clone(), tag.commit.short().to_owned(), kind]
        };
        show::table(&terminal::tag_headings(lang), &found.versions.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

async fn next(args: &NextArgs, lang: Lang, out: &Out) -> Result<()> {
    let found = all(&args.repository, lang, out).await?;
    let from = match &args.from {
        Some(given) => version(given)?,
        None => found.newest_release().map(|tag| tag.version.clone()).ok_or_else(|| Failure::NotFound(terminal::tag_none(lang)))?,
    };
    let next = found.next(&from).map_err(|_| Failure::Failed(terminal::tag_no_next(lang)))?;
    let data = json!({
        "from": next.from.tag(), "version": next.version.tag(), "candidate": next.candidate.tag(),
        "last_candidate": next.last_candidate, "taken": next.taken, "prepared": next.prepared,
    });
    out.data(&data, || terminal::tag_next(lang, &next));
    Ok(())
}

async fn check(args: &CheckArgs, lang: Lang, out: &Out) -> Result<()> {
    let wanted = version(&args.version)?;
    let found = all(&args.repository, lang, out).await?;
    let opened = Repository::open(&place(), &repository(&args.repository), &[&args.commit]).await;
    let commit = opened.and_then(|repository| repository.tip(&args.commit)).map_err(|error| failed(lang, &error))?.commit;
    let answer = found.promotes(&wanted, &commit);
    let words = match &answer {
        Ok(()) => terminal::tag_promotes(lang, &wanted.tag(), commit.short()),
        Err(why) => terminal::tag_not_promoted(lang, &wanted.tag(), why),
    };
    let data =
        json!({"version": wanted.tag(), "commit": commit, "allowed": answer.is_ok(), "because": answer.as_ref().err(), "words": words});
    out.data(&data, || {
        format!("{} {words}", show::paint(if answer.is_ok() { show::GREEN } else { show::RED }, terminal::mark(answer.is_ok())))
    });
    if answer.is_ok() { Ok(()) } else { Err(Failure::Said(Code::Refused)) }
}
