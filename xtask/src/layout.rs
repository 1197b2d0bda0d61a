//! Where things may lie and what they may be called.

use regex::Regex;

use crate::Findings;
use crate::tree::Tree;

const BANNED: &[&str] = &[
    "base", "bases", "common", "commons", "core", "helper", "helpers", "manager", "managers", "misc", "service", "services", "shared",
    "types", "util", "utils",
];

pub fn openings(tree: &Tree) -> anyhow::Result<Findings> {
    Ok(tree.rust().filter(|file| !file.text.starts_with("//! ")).map(|file| format!("{}: does not open with //!", file.path)).collect())
}

pub fn names(tree: &Tree) -> anyhow::Result<Findings> {
    let module = Regex::new(r"(?m)^\s*(?:pub(?:\([a-z]+\))? )?mod ([a-z_0-9]+)\b")?;
    let mut findings = Findings::new();
    for file in tree.rust() {
        let parts = file.path.trim_end_matches(".rs").split('/');
        findings.extend(parts.filter(|part| BANNED.contains(part)).map(|part| format!("{}: nothing is called `{part}`", file.path)));
        let declared = module.captures_iter(&file.text).filter_map(|found| found.get(1)).map(|name| name.as_str());
        findings.extend(declared.filter(|name| BANNED.contains(name)).map(|name| format!("{}: nothing is called `{name}`", file.path)));
    }
    Ok(findings)
}

/// Every file is declared by the file above it.
pub fn orphans(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for file in tree.rust() {
        let Some((folder, name)) = file.path.rsplit_once('/') else { continue };
        let is_root = ["lib.rs", "main.rs", "build.rs"].contains(&name)
            || folder.ends_with("/bin")
            || folder.ends_with("/examples")
            || folder.ends_with("/benches");
        if is_root {
            continue;
        }
        let Some((parents, module)) = Tree::parents(&file.path) else { continue };
        let declares = Regex::new(&format!(r"(?m)^\s*(?:pub(?:\([a-z ]+\))? )?mod {module}\b"))?;
        // Declared by its path from a file in a folder above.
        let by_path = tree.rust().any(|other| {
            let folder = other.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            file.path
                .strip_prefix(folder)
                .is_some_and(|below| other.text.contains(&format!("#[path = \"{}\"]", below.trim_start_matches('/'))))
        });
        if !by_path && !parents.iter().filter_map(|parent| tree.file(parent)).any(|parent| declares.is_match(&parent.text)) {
            findings.push(format!("{}: no file above declares `mod {module}`", file.path));
        }
    }
    Ok(findings)
}

pub fn test_binaries(tree: &Tree) -> anyhow::Result<Findings> {
    let binary = Regex::new(r"^(?:crates/[^/]+|xtask)/tests/([^/]+\.rs)$")?;
    Ok(tree
        .rust()
        .filter(|file| binary.captures(&file.path).and_then(|found| found.get(1)).is_some_and(|name| name.as_str() != "main.rs"))
        .filter(|file| {
            // A module of the one binary lies beside main.rs; it is declared there, which `orphans` checks.
            let main = file.path.rsplit_once('/').map(|(folder, _)| format!("{folder}/main.rs"));
            let autotests_off = file
                .path
                .split("/tests/")
                .next()
                .and_then(|folder| tree.file(&format!("{folder}/Cargo.toml")))
                .is_some_and(|manifest| manifest.text.contains("autotests = false"));
            main.and_then(|main| tree.file(&main)).is_none() || !autotests_off
        })
        .map(|file| format!("{}: a second test binary; make it a folder module of tests/main.rs", file.path))
        .collect())
}

pub fn executables(tree: &Tree) -> anyhow::Result<Findings> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut findings = Findings::new();
    for path in ["test", "try", ".ci/run"] {
        match std::fs::metadata(tree.root.join(path)) {
            Ok(found) if found.permissions().mode() & 0o111 == 0o111 => {}
            Ok(_) => findings.push(format!("{path}: is not executable")),
            Err(error) => findings.push(format!("{path}: {error}")),
        }
    }
    let ci = tree.text(".ci/run")?;
    let commands: Vec<&str> = ci.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if !matches!(commands.as_slice(), [only] if only.contains("/../test\"")) {
        findings.push(".ci/run: calls ./test and nothing else".to_owned());
    }
    Ok(findings)
}
