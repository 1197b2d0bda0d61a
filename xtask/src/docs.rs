//! Documents: what they point at exists, what must be in them is in them.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use regex::Regex;

use crate::Findings;
use crate::tree::{File, Tree};

/// Every area and every command has its line in the glossary.
pub fn glossary(tree: &Tree) -> anyhow::Result<Findings> {
    let glossary = tree.text("docs/glossary.md")?;
    let commands = tree.text("crates/hikeshi-domain/src/command.rs")?;
    let kinds = kinds(commands)?;
    anyhow::ensure!(kinds.len() > 20, "only {} command kinds were found in command.rs", kinds.len());
    Ok(missing_words(glossary, &kinds))
}

/// The names in the `kinds!` table.
pub fn kinds(source: &str) -> anyhow::Result<Vec<String>> {
    let row = Regex::new(r#"(?m)^\s*Command::.*=>\s*"([a-z_]+\.[a-z_]+)","#)?;
    Ok(row.captures_iter(source).filter_map(|found| found.get(1)).map(|name| name.as_str().to_owned()).collect())
}

/// Kinds and areas that do not stand in the glossary in code type.
pub fn missing_words(glossary: &str, kinds: &[String]) -> Findings {
    let mut words: Vec<&str> = kinds.iter().map(String::as_str).collect();
    words.extend(kinds.iter().filter_map(|kind| kind.split_once('.').map(|(area, _)| area)));
    words.sort_unstable();
    words.dedup();
    words
        .into_iter()
        .filter(|word| !glossary.contains(&format!("`{word}`")))
        .map(|word| format!("docs/glossary.md: `{word}` is missing"))
        .collect()
}

fn markdown(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.is("md"))
}

/// Resolves `..` and `.` without asking the disk.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

fn target_of(file: &File, link: &str) -> PathBuf {
    let folder = Path::new(&file.path).parent().unwrap_or_else(|| Path::new(""));
    normal(&folder.join(link))
}

/// Text outside fenced blocks: what stands inside is an example.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

pub fn links(tree: &Tree) -> anyhow::Result<Findings> {
    let link = Regex::new(r"\]\(([^)\s]+)(?:\s+[^)]*)?\)")?;
    let mut findings = Findings::new();
    for file in markdown(tree) {
        for found in link.captures_iter(&prose(&file.text)) {
            let Some(target) = found.get(1).map(|target| target.as_str()) else { continue };
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let resolved = if path.is_empty() { PathBuf::from(&file.path) } else { target_of(file, path) };
            if !tree.root.join(&resolved).exists() {
                findings.push(format!("{}: {target} does not exist", file.path));
            } else if !anchor.is_empty() && resolved.extension().is_some_and(|end| end == "md") {
                let text = resolved.to_str().and_then(|path| tree.file(path)).map_or("", |file| file.text.as_str());
                if !anchors(text).iter().any(|known| known == anchor) {
                    findings.push(format!("{}: {target} names no heading", file.path));
                }
            }
        }
    }
    Ok(findings)
}

/// Anchors as GitHub makes them from headings.
fn anchors(text: &str) -> Vec<String> {
    let heading = |line: &str| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim().to_lowercase());
    prose(text)
        .lines()
        .filter_map(heading)
        .map(|title| {
            title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// ``[`Door::submit`](../crates/…/door.rs)``: the file defines the last part, and knows the parts before it.
pub fn symbols(tree: &Tree) -> anyhow::Result<Findings> {
    let link = Regex::new(r"\[`([A-Za-z0-9_:]+)(?:\(\))?`\]\(([^)\s]+\.rs)\)")?;
    let mut findings = Findings::new();
    for (path, wanted) in [("docs/tour.md", 9), ("ARCHITECTURE.md", 9)] {
        let file = tree.file(path).with_context(|| format!("{path} is missing"))?;
        let mut count = 0;
        for found in link.captures_iter(&file.text) {
            let (Some(symbol), Some(target)) = (found.get(1), found.get(2)) else { continue };
            count += 1;
            let resolved = target_of(file, target.as_str());
            let source = resolved.to_str().and_then(|path| tree.file(path)).map_or("", |file| file.text.as_str());
            if !defines(source, symbol.as_str())? {
                findings.push(format!("{path}: {} does not define {}", target.as_str(), symbol.as_str()));
            }
        }
        if count < wanted {
            findings.push(format!("{path}: only {count} links to symbols; a tour goes through the code"));
        }
    }
    Ok(findings)
}

pub fn defines(source: &str, symbol: &str) -> anyhow::Result<bool> {
    let mut parts = symbol.rsplit("::");
    let last = parts.next().unwrap_or(symbol);
    let definition = Regex::new(&format!(
        r"(?m)(?:\b(?:fn|struct|enum|trait|const|static|mod|type)\s+{last}\b|macro_rules!\s+{last}\b|^\s+{last}\s*(?:[,{{(=]|$)|^\s+(?:pub(?:\([a-z]+\))?\s+)?{last}\s*:)"
    ))?;
    Ok(definition.is_match(source) && parts.all(|part| source.contains(part)))
}

/// `docs/decisions/0001-…md`, without gaps, each with the same parts, and all listed in ARCHITECTURE.md.
pub fn decisions(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    let pages: Vec<&File> = markdown(tree).filter(|file| file.path.starts_with("docs/decisions/")).collect();
    anyhow::ensure!(!pages.is_empty(), "docs/decisions is empty");
    let map = tree.text("ARCHITECTURE.md")?;
    for (index, page) in pages.iter().enumerate() {
        let name = page.path.trim_start_matches("docs/decisions/");
        let number = format!("{:04}-", index + 1);
        if !name.starts_with(&number) {
            findings.push(format!("{}: the number {number} comes here", page.path));
        }
        for part in ["## Decision", "## Why", "## What it costs"] {
            if !page.text.contains(part) {
                findings.push(format!("{}: the part \"{part}\" is missing", page.path));
            }
        }
        if page.lines() > 80 {
            findings.push(format!("{}: {} lines; a decision is one page", page.path, page.lines()));
        }
        if !map.contains(name) {
            findings.push(format!("ARCHITECTURE.md: does not list {name}"));
        }
    }
    Ok(findings)
}

pub fn readme_pair(tree: &Tree) -> anyhow::Result<Findings> {
    let shape = |text: &str| -> Vec<usize> {
        prose(text).lines().filter(|line| line.starts_with('#')).map(|line| line.chars().take_while(|c| *c == '#').count()).collect()
    };
    let blocks = |text: &str| text.lines().filter(|line| line.starts_with("```")).count();
    let images = |text: &str| text.matches("](docs/images/").count();
    let (english, japanese) = (tree.text("README.md")?, tree.text("README.ja.md")?);
    let mut findings = Findings::new();
    if shape(english) != shape(japanese) {
        findings.push(format!("README.md and README.ja.md: headings {:?} and {:?}", shape(english), shape(japanese)));
    }
    if blocks(english) != blocks(japanese) || images(english) != images(japanese) {
        findings.push("README.md and README.ja.md: not the same number of code blocks or images".to_owned());
    }
    if !english.contains("](README.ja.md)") || !japanese.contains("](README.md)") {
        findings.push("README.md and README.ja.md: do not point at each other".to_owned());
    }
    Ok(findings)
}

pub fn lockfile(tree: &Tree) -> anyhow::Result<Findings> {
    let lock = tree.text("e2e/package-lock.json")?;
    Ok(if lock.contains("\"resolved\"") { vec!["e2e/package-lock.json: carries resolved addresses".to_owned()] } else { Findings::new() })
}

/// Every direct dependency has its row, and every row its dependency.
pub fn dependencies(tree: &Tree) -> anyhow::Result<Findings> {
    let manifest: toml::Table = toml::from_str(tree.text("Cargo.toml")?)?;
    let listed = manifest.get("workspace").and_then(|part| part.get("dependencies")?.as_table()).context("[workspace.dependencies]")?;
    let page = tree.text("docs/decisions/0011-dependencies.md")?;
    let rows: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('|').next())
        .flat_map(|cell| cell.split(',').map(|part| part.trim().trim_matches('`')))
        .collect();
    anyhow::ensure!(!rows.is_empty(), "the table of dependencies is empty");
    let wanted = listed.keys().filter(|key| !key.starts_with("hikeshi"));
    let mut findings: Findings = wanted
        .filter(|key| !rows.contains(&key.as_str()))
        .map(|key| format!("docs/decisions/0011-dependencies.md: {key} has no row"))
        .collect();
    findings.extend(
        rows.iter()
            .filter(|row| !listed.contains_key(**row))
            .map(|row| format!("docs/decisions/0011-dependencies.md: {row} is no dependency")),
    );
    Ok(findings)
}
