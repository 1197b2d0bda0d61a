//! Who may depend on whom: the walls between the rooms, the crates that only one room may use, licences, and the lint settings of each room.

use anyhow::Context as _;

use crate::tree::Tree;
use crate::{Findings, spdx};

/// Every edge between our own crates. A new one needs a page in `docs/decisions`.
const EDGES: &[(&str, &[&str])] = &[
    ("hikeshi-domain", &[]),
    ("hikeshi-text", &["hikeshi-domain"]),
    ("hikeshi-store", &["hikeshi-domain"]),
    ("hikeshi-engine", &["hikeshi-domain", "hikeshi-store"]),
    ("hikeshi-outside", &["hikeshi-domain", "hikeshi-text"]),
    ("hikeshi-web", &["hikeshi-domain", "hikeshi-engine", "hikeshi-text"]),
    ("hikeshi-proxy", &["hikeshi-text"]),
    ("hikeshi-verify", &["hikeshi-domain", "hikeshi-text"]),
    ("hikeshi", &["hikeshi-domain", "hikeshi-engine", "hikeshi-outside", "hikeshi-store", "hikeshi-text", "hikeshi-verify", "hikeshi-web"]),
    ("hikeshi-testkit", &["hikeshi-domain", "hikeshi-engine", "hikeshi-store"]),
    ("hikeshi-bench", &["hikeshi-domain", "hikeshi-engine", "hikeshi-store", "hikeshi-testkit", "hikeshi-web"]),
    ("xtask", &[]),
];

/// Crates that only some rooms may use, and why.
const ONLY: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["hikeshi-store", "hikeshi-bench"], "only the store speaks SQL, and what it is measured against"),
    (
        "tokio-postgres",
        &["hikeshi-store", "hikeshi-outside", "hikeshi-bench"],
        "only the store speaks SQL to its own tables; the hands ask a watched database how it is",
    ),
    ("axum", &["hikeshi-web"], "only web speaks HTTP to people"),
    ("askama", &["hikeshi-web"], "only web makes pages"),
    ("webauthn-rs", &["hikeshi-web"], "a passkey is verified at the face, before the door"),
    ("reqwest", &["hikeshi-outside", "hikeshi"], "only the hands and the command line call out"),
    ("anyhow", &["hikeshi", "hikeshi-bench", "hikeshi-testkit", "xtask"], "a library says which error it is"),
    ("clap", &["hikeshi", "hikeshi-bench", "hikeshi-proxy"], "only programs have a command line"),
];

/// All that the domain may know of the rest of the world: data, digests, dates, versions.
const DOMAIN_MAY: &[&str] =
    &["base64", "ed25519-dalek", "jiff", "regex", "ring", "schemars", "semver", "serde", "serde_json", "strsim", "thiserror"];

/// The same list as in `deny.toml`; [`licences`] compares them.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn parsed(tree: &Tree) -> anyhow::Result<Vec<(String, toml::Table)>> {
    tree.manifests().map(|(folder, file)| Ok((folder.to_owned(), toml::from_str(&file.text).with_context(|| file.path.clone())?))).collect()
}

fn name_of(manifest: &toml::Table) -> &str {
    manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str).unwrap_or("")
}

fn dependencies(manifest: &toml::Table, sections: &[&str]) -> Vec<String> {
    sections.iter().filter_map(|section| manifest.get(*section)?.as_table()).flat_map(|table| table.keys().cloned()).collect()
}

const SHIPPED: &[&str] = &["dependencies", "build-dependencies"];

pub fn edges(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for (folder, manifest) in parsed(tree)? {
        let name = name_of(&manifest);
        if folder.starts_with("crates/") && folder != format!("crates/{name}") {
            findings.push(format!("{folder}: the folder is called like its crate, {name}"));
        }
        let Some((_, may)) = EDGES.iter().find(|(room, _)| *room == name) else {
            findings.push(format!("{name}: a room that xtask/src/graph.rs does not know"));
            continue;
        };
        let ours = |sections: &[&str]| dependencies(&manifest, sections).into_iter().filter(|dependency| dependency.starts_with("hikeshi"));
        findings.extend(ours(SHIPPED).filter(|to| !may.contains(&to.as_str())).map(|to| format!("{name} must not know {to}")));
        let for_tests = |to: &String| may.contains(&to.as_str()) || to == "hikeshi-testkit" || to == name || name == "hikeshi-testkit";
        findings.extend(
            ours(&["dev-dependencies"]).filter(|to| !for_tests(to)).map(|to| format!("{name} must not know {to}, not even in tests")),
        );
    }
    Ok(findings)
}

pub fn externals(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for (_, manifest) in parsed(tree)? {
        let name = name_of(&manifest);
        for dependency in dependencies(&manifest, SHIPPED) {
            if let Some((_, rooms, why)) = ONLY.iter().find(|(only, ..)| *only == dependency)
                && !rooms.contains(&name)
            {
                findings.push(format!("{name} must not use {dependency}: {why}"));
            }
            if name == "hikeshi-domain" && !DOMAIN_MAY.contains(&dependency.as_str()) {
                findings.push(format!(
                    "hikeshi-domain must not use {dependency}: it decides, and knows only data, digests, dates and versions"
                ));
            }
        }
    }
    Ok(findings)
}

pub fn licences(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    let deny: toml::Table = toml::from_str(tree.text("deny.toml")?)?;
    let listed: Vec<&str> =
        deny.get("licenses").and_then(|part| part.get("allow")?.as_array()).into_iter().flatten().filter_map(toml::Value::as_str).collect();
    if listed != LICENCES {
        findings.push("deny.toml and xtask/src/graph.rs do not list the same licences".to_owned());
    }
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = std::process::Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(&tree.root)
        .output()
        .context("cargo metadata")?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata.get("packages").and_then(serde_json::Value::as_array).context("cargo metadata without packages")?;
    anyhow::ensure!(packages.len() > 50, "cargo metadata names only {} packages", packages.len());
    for package in packages {
        let text = |key: &str| package.get(key).and_then(serde_json::Value::as_str).unwrap_or("none given");
        if !spdx::accepts(text("license"), LICENCES) {
            findings.push(format!("{} {}: licence {}", text("name"), text("version"), text("license")));
        }
        let from_elsewhere =
            package.get("source").and_then(serde_json::Value::as_str).is_some_and(|source| !source.starts_with("registry+"));
        if from_elsewhere {
            findings.push(format!("{} {}: comes from {}, not from a registry", text("name"), text("version"), text("source")));
        }
    }
    Ok(findings)
}

/// Every room takes the workspace's lints; the domain's own `clippy.toml` repeats the root's bans; no wildcard arm over our own enums.
pub fn lints(tree: &Tree) -> anyhow::Result<Findings> {
    let mut findings = Findings::new();
    for (folder, manifest) in parsed(tree)? {
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()).unwrap_or(false);
        if !inherits {
            findings.push(format!("{folder}/Cargo.toml: [lints] workspace = true is missing"));
        }
    }
    let root: toml::Table = toml::from_str(tree.text("clippy.toml")?)?;
    let domain: toml::Table = toml::from_str(tree.text("crates/hikeshi-domain/clippy.toml")?)?;
    findings.extend(missing_bans(&root, &domain));
    for crate_name in ["hikeshi-domain", "hikeshi-text"] {
        let path = format!("crates/{crate_name}/src/lib.rs");
        if !tree.text(&path)?.contains("clippy::wildcard_enum_match_arm") {
            findings.push(format!(
                "{path}: #![warn(clippy::wildcard_enum_match_arm)] is missing: tomorrow's variant must be seen by the compiler"
            ));
        }
    }
    Ok(findings)
}

/// Settings of the root that the domain's file lacks or has otherwise.
pub fn missing_bans(root: &toml::Table, domain: &toml::Table) -> Findings {
    let mut findings = Findings::new();
    for (key, value) in root {
        match (value.as_array(), domain.get(key)) {
            (Some(bans), Some(toml::Value::Array(kept))) => {
                findings.extend(
                    bans.iter()
                        .filter(|ban| !kept.contains(ban))
                        .map(|ban| format!("crates/hikeshi-domain/clippy.toml lacks the root's {key}: {ban}")),
                );
            }
            (None, Some(kept)) if kept == value => {}
            _ => findings.push(format!("crates/hikeshi-domain/clippy.toml: {key} is not as in the root")),
        }
    }
    findings
}
