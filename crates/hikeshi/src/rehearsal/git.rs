//! The rehearsal's repository, with real git: a bare one that stands for the forge, and the acts of people in it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::workspace::{BAD_SETTINGS, GOOD_SETTINGS};

/// Runs git with its own identity and none of this user's settings.
pub fn git(dir: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "髙橋 美咲")
        .env("GIT_AUTHOR_EMAIL", "takahashi@example.jp")
        .env("GIT_COMMITTER_NAME", "髙橋 美咲")
        .env("GIT_COMMITTER_EMAIL", "takahashi@example.jp")
        .stdin(Stdio::null())
        .output()
        .context("git")?;
    anyhow::ensure!(output.status.success(), "git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub fn make_repository(dir: &Path) -> anyhow::Result<()> {
    git(dir, &["init", "--quiet", "--bare", "--initial-branch=main", "repository.git"])?;
    git(dir, &["clone", "--quiet", "repository.git", "work"])?;
    let work = dir.join("work");
    std::fs::create_dir_all(work.join("config"))?;
    std::fs::write(work.join("config/service.toml"), GOOD_SETTINGS)?;
    std::fs::write(work.join("config/CHANGES.log"), "2026-10-01 初版\n")?;
    git(&work, &["checkout", "--quiet", "-B", "main"])?;
    git(&work, &["add", "."])?;
    git(&work, &["commit", "--quiet", "-m", "Settings of the reservation service"])?;
    git(&work, &["push", "--quiet", "origin", "main"])?;
    Ok(())
}

/// The bad release comes through the normal flow: committed, pushed. Nothing is done when it is there already.
pub fn release_bad_settings(dir: &Path) -> anyhow::Result<()> {
    let work = dir.join("work");
    sync(&work)?;
    std::fs::write(work.join("config/service.toml"), BAD_SETTINGS)?;
    if git(&work, &["status", "--porcelain"])?.is_empty() {
        return Ok(());
    }
    git(&work, &["commit", "--quiet", "-am", "Rename the list of rooms"])?;
    git(&work, &["push", "--quiet", "origin", "main"])?;
    Ok(())
}

pub fn is_merged(dir: &Path, branch: &str, base: &str) -> anyhow::Result<bool> {
    let merged = git(&dir.join("repository.git"), &["branch", "--format=%(refname:short)", "--merged", base])?;
    Ok(merged.lines().any(|one| one == branch))
}

/// A person reviews and merges the request's branch. Nothing is done when it is merged already.
pub fn merge(dir: &Path, branch: &str, base: &str) -> anyhow::Result<()> {
    let work = dir.join("work");
    sync(&work)?;
    let remote = format!("origin/{branch}");
    git(&work, &["merge", "--quiet", "--no-ff", "-m", &format!("Merge {branch}"), &remote])?;
    git(&work, &["push", "--quiet", "origin", base])?;
    anyhow::ensure!(is_merged(dir, branch, base)?, "{branch} is not in {base} after it was merged");
    Ok(())
}

/// As the repository is now, whatever an interrupted run left behind.
fn sync(work: &Path) -> anyhow::Result<()> {
    let lock = work.join(".git/index.lock");
    if lock.exists() {
        std::fs::remove_file(lock)?;
    }
    git(work, &["fetch", "--quiet", "--prune", "origin"])?;
    git(work, &["checkout", "--quiet", "--force", "-B", "main", "origin/main"])?;
    Ok(())
}
