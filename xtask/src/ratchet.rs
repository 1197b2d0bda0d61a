//! Numbers that may only go down. They stand in `ratchet.toml`, and a change that makes one smaller changes it there too.

use anyhow::Context as _;

use crate::Findings;
use crate::tree::{File, Tree};

const WANTED: usize = 500;
const HARD: usize = 800;

struct Ratchet {
    packages_max: usize,
    lines: toml::Table,
    long_functions: toml::Table,
}

fn read(tree: &Tree) -> anyhow::Result<Ratchet> {
    let table: toml::Table = toml::from_str(tree.text("xtask/ratchet.toml")?)?;
    let number = |name: &str| table.get(name).and_then(toml::Value::as_integer).and_then(|n| usize::try_from(n).ok());
    let part = |name: &str| table.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    Ok(Ratchet {
        packages_max: number("packages_max").context("xtask/ratchet.toml: packages_max")?,
        lines: part("lines"),
        long_functions: part("long_functions"),
    })
}

fn allowed(table: &toml::Table, path: &str) -> Option<usize> {
    table.get(path).and_then(toml::Value::as_integer).and_then(|n| usize::try_from(n).ok())
}

fn measured(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.is("rs") || file.is("js") || file.is("css"))
}

/// Compares a measure per file with the ratchet: what grew past it, and what is listed without need.
pub fn compare(found: &[(String, usize)], free: usize, table: &toml::Table, unit: &str) -> Findings {
    let mut findings = Findings::new();
    for (path, count) in found {
        match allowed(table, path) {
            None if *count > free => findings.push(format!("{path}: {count} {unit}, at most {free}")),
            Some(max) if *count > max => findings.push(format!("{path}: {count} {unit}, the ratchet stands at {max}")),
            _ => {}
        }
    }
    for path in table.keys() {
        let count = found.iter().find(|(name, _)| name == path).map_or(0, |(_, count)| *count);
        if count <= free {
            findings.push(format!("{path}: {count} {unit}; its line in xtask/ratchet.toml is no longer needed"));
        }
    }
    findings
}

fn lines_of(tree: &Tree) -> Vec<(String, usize)> {
    measured(tree).map(|file| (file.path.clone(), file.lines())).collect()
}

fn long_functions_of(tree: &Tree) -> Vec<(String, usize)> {
    // Only in an attribute: this file itself talks about the lint. A test may be a long table.
    tree.rust()
        .filter(|file| !tree.is_test(file))
        .map(|file| {
            (
                file.path.clone(),
                file.text.lines().filter(|line| line.trim_start().starts_with("#[") && line.contains("too_many_lines")).count(),
            )
        })
        .collect()
}

pub fn sizes(tree: &Tree) -> anyhow::Result<Findings> {
    let found = lines_of(tree);
    let mut findings = compare(&found, WANTED, &read(tree)?.lines, "lines");
    findings.extend(
        found.iter().filter(|(_, lines)| *lines > HARD).map(|(path, lines)| format!("{path}: {lines} lines, {HARD} is the hard limit")),
    );
    Ok(findings)
}

pub fn long_functions(tree: &Tree) -> anyhow::Result<Findings> {
    Ok(compare(&long_functions_of(tree), 0, &read(tree)?.long_functions, "exceptions to too_many_lines"))
}

pub fn packages(tree: &Tree) -> anyhow::Result<Findings> {
    let count = count_packages(tree)?;
    let max = read(tree)?.packages_max;
    Ok(if count > max { vec![format!("Cargo.lock: {count} packages, the budget is {max}")] } else { Findings::new() })
}

fn count_packages(tree: &Tree) -> anyhow::Result<usize> {
    let lock = std::fs::read_to_string(tree.root.join("Cargo.lock")).context("Cargo.lock")?;
    Ok(lock.lines().filter(|line| *line == "[[package]]").count())
}

/// The ratchet as tight as the tree allows.
pub fn tighten(tree: &Tree) -> anyhow::Result<String> {
    let mut out = format!(
        "# Numbers that may only go down: `cargo xtask ratchet` prints this file as tight as it can be.\npackages_max = {}\n\n[lines]\n",
        count_packages(tree)?
    );
    for (path, lines) in lines_of(tree).into_iter().filter(|(_, lines)| *lines > WANTED) {
        out.push_str(&format!("\"{path}\" = {lines}\n"));
    }
    out.push_str("\n[long_functions]\n");
    for (path, count) in long_functions_of(tree).into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!("\"{path}\" = {count}\n"));
    }
    Ok(out)
}
