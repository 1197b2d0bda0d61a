//! `hikeshi merge`: what a merge would do, whether a fix is in a branch, what GitHub permits. Without a server; nothing is changed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hikeshi_domain::policy::MergePolicy;
use hikeshi_domain::release::contained::Finding;
use hikeshi_domain::release::merge::{Method, Obstacle, obstacles};
use hikeshi_outside::github::settings;
use hikeshi_outside::merge::{MergeError, Place, Repository};
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::Global;
use crate::fail::{Code, Failure, Result};
use crate::show::{self, Out};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Check(CheckArgs),
    Contained(ContainedArgs),
    Settings,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    pub from: String,
    #[arg(long, required = true, num_args = 1.., value_name = "BRANCH")]
    pub into: Vec<String>,
    #[arg(long, value_name = "METHOD")]
    pub method: Option<String>,
    #[arg(long, value_name = "PATH|URL", default_value = ".")]
    pub repository: String,
}

#[derive(Debug, Args)]
pub struct ContainedArgs {
    pub fix: String,
    #[arg(long = "in", required = true, num_args = 1.., value_name = "BRANCH")]
    pub branches: Vec<String>,
    #[arg(long, value_name = "TAG")]
    pub base: Option<String>,
    #[arg(long, value_name = "PATH|URL", default_value = ".")]
    pub repository: String,
}

pub async fn run(verb: &Verb, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    match verb {
        Verb::Check(args) => check(args, global, lang, out).await,
        Verb::Contained(args) => contained(args, lang, out).await,
        Verb::Settings => at_github(global, lang, out).await,
    }
}

/// Where the throw-away clones go: beside what this user's other programs keep, never in the repository.
pub(super) fn place() -> Place {
    let spool = crate::settings::state_dir().unwrap_or_else(std::env::temp_dir).join("hikeshi");
    Place { spool, base: PathBuf::from("/"), env: crate::settings::all() }
}

/// A path as git finds it from anywhere; whatever is no path here is left to git.
pub(super) fn repository(given: &str) -> String {
    std::fs::canonicalize(given).map_or_else(|_| given.to_owned(), |path| path.display().to_string())
}

pub(super) fn failed(lang: Lang, error: &MergeError) -> Failure {
    let words = terminal::merge_failed(lang, &error.to_string());
    match error {
        MergeError::NoSuch(_) => Failure::NotFound(words),
        MergeError::BadName(_) | MergeError::TooManyNames(_) => Failure::Usage(words),
        MergeError::Git(_) | MergeError::Shallow | MergeError::TooLong(_) | MergeError::NotUnderstood(_) | MergeError::TooManyTags(_) => {
            Failure::Failed(words)
        }
    }
}

fn policy(global: &Global, lang: Lang, out: &Out) -> Result<MergePolicy> {
    if !global.config.exists() {
        out.hint(&terminal::merge_default_policy(lang, &global.config.display().to_string()));
        return Ok(MergePolicy::default());
    }
    let config = crate::config::read(&global.config).map_err(|error| super::mistakes(&error, lang, out))?;
    Ok(config.policy.merge)
}

fn marked(good: bool, words: &str) -> String {
    format!("{} {words}", show::paint(if good { show::GREEN } else { show::RED }, terminal::mark(good)))
}

async fn check(args: &CheckArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let policy = policy(global, lang, out)?;
    let method = match &args.method {
        Some(given) => Some(Method::parse(given).ok_or_else(|| Failure::Usage(terminal::merge_unknown_method(lang, given)))?),
        None => None,
    };
    let names: Vec<&str> = std::iter::once(&args.from).chain(&args.into).map(String::as_str).collect();
    let opened = Repository::open(&place(), &repository(&args.repository), &names).await;
    let repository = opened.map_err(|error| failed(lang, &error))?;
    let (mut data, mut text, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for into in &args.into {
        let tried = async { repository.attempt(&repository.tip(&args.from)?, &repository.tip(into)?).await };
        let attempt = tried.await.map_err(|error| failed(lang, &error))?;
        let found = obstacles(&policy, &attempt, method);
        let allowed = policy.allowed(&attempt.from, &attempt.into);
        text.push(terminal::merge_tried(lang, &attempt, allowed));
        if found.is_empty() {
            text.push(marked(true, &terminal::merge_clear(lang)));
        }
        let mut listed = Vec::new();
        for obstacle in &found {
            let words = terminal::merge_obstacle(lang, &attempt, obstacle);
            text.push(marked(false, &words));
            if matches!(obstacle, Obstacle::Conflicts { .. }) {
                text.extend(attempt.conflicts.iter().map(|path| format!("    {path}")));
            }
            listed.push(json!({"what": obstacle, "words": words}));
        }
        data.push(json!({"attempt": attempt, "allowed": allowed, "obstacles": listed}));
        all.extend(found);
    }
    out.data(&json!({"merges": data}), || text.join("\n"));
    match all.iter().any(Obstacle::is_refusal) {
        true => Err(Failure::Said(Code::Refused)),
        false if all.is_empty() => Ok(()),
        false => Err(Failure::Said(Code::Failed)),
    }
}

async fn contained(args: &ContainedArgs, lang: Lang, out: &Out) -> Result<()> {
    let names: Vec<&str> = std::iter::once(&args.fix).chain(&args.base).chain(&args.branches).map(String::as_str).collect();
    let opened = Repository::open(&place(), &repository(&args.repository), &names).await;
    let repository = opened.map_err(|error| failed(lang, &error))?;
    let looked = async {
        let fix = repository.tip(&args.fix)?;
        let base = args.base.as_deref().map(|base| repository.tip(base)).transpose()?;
        let mut findings = Vec::new();
        for branch in &args.branches {
            findings.push(repository.contained(&fix, &repository.tip(branch)?, base.as_ref()).await?);
        }
        Ok::<_, MergeError>(findings)
    };
    let findings: Vec<Finding> = looked.await.map_err(|error| failed(lang, &error))?;
    out.data(&json!({"findings": findings}), || findings.iter().map(|finding| words(lang, finding)).collect::<Vec<_>>().join("\n"));
    if findings.iter().all(|finding| finding.containment.is_proven()) { Ok(()) } else { Err(Failure::Said(Code::Failed)) }
}

fn words(lang: Lang, finding: &Finding) -> String {
    let proven = finding.containment.is_proven();
    let mut text = marked(proven, &terminal::merge_containment(lang, finding));
    if let Some(difference) = terminal::merge_difference(lang, finding).filter(|_| !proven) {
        text.push_str(&format!("\n  {difference}"));
        text.extend(finding.files.iter().map(|file| format!("\n    {file}")));
    }
    text
}

async fn at_github(global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let config = crate::config::read(&global.config).map_err(|error| super::mistakes(&error, lang, out))?;
    let no_github = || Failure::Failed(terminal::merge_no_github(lang));
    let forge = config.policy.forge.as_ref().ok_or_else(no_github)?;
    let looked = settings::check(&crate::settings::all(), forge, &config.policy.merge).await;
    let found = looked.map_err(|error| Failure::Failed(error.to_string()))?.ok_or_else(no_github)?;
    let rows: Vec<(&settings::Finding, String)> = found.iter().map(|finding| (finding, setting(lang, finding))).collect();
    let data: Vec<_> =
        rows.iter().map(|(finding, words)| json!({"good": finding.good(), "code": finding.code(), "words": words})).collect();
    out.data(&json!({"findings": data}), || {
        rows.iter().map(|(finding, words)| marked(finding.good(), words)).collect::<Vec<_>>().join("\n")
    });
    if found.iter().all(settings::Finding::good) { Ok(()) } else { Err(Failure::Said(Code::Failed)) }
}

fn setting(lang: Lang, finding: &settings::Finding) -> String {
    use settings::Finding as F;
    match finding {
        F::BranchMissing { branch } => terminal::settings_branch_missing(lang, branch),
        F::MethodsHidden => terminal::settings_methods_hidden(lang),
        F::MethodsFit { branch, methods } => terminal::settings_methods_fit(lang, branch, methods),
        F::MethodOpen { branch, from, method, wanted } => terminal::settings_method_open(lang, branch, from, *method, wanted),
        F::MethodShared { branch, from, method } => terminal::settings_method_shared(lang, branch, from, *method),
        F::NoMethod { branch, from, wanted } => terminal::settings_no_method(lang, branch, from, wanted),
        F::Protected { branch } => terminal::settings_protected(lang, branch),
        F::ForcePushOpen { branch } => terminal::settings_force_push_open(lang, branch),
        F::DeletionOpen { branch } => terminal::settings_deletion_open(lang, branch),
        F::PushOpen { branch } => terminal::settings_push_open(lang, branch),
        F::AdminsExempt { branch } => terminal::settings_admins_exempt(lang, branch),
        F::ProtectionHidden { branch } => terminal::settings_protection_hidden(lang, branch),
    }
}
