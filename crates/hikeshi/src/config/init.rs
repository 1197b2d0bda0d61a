//! `hikeshi init`: a commented `hikeshi.toml` for a small team, and the directories that it names. No account, no password.

use std::path::Path;

use anyhow::Context as _;
use hikeshi_text::Lang;

const FILE: &str = "hikeshi.toml";

/// What a new workspace starts with.
pub fn template(lang: Lang) -> &'static str {
    match lang {
        Lang::Ja => include_str!("template.ja.toml"),
        Lang::En => include_str!("template.en.toml"),
    }
}

/// Makes it; nothing that is there already is touched.
pub fn make(directory: &Path, lang: Lang) -> anyhow::Result<Vec<String>> {
    let file = directory.join(FILE);
    anyhow::ensure!(!file.exists(), "{} is there already; nothing was changed", file.display());
    let mut made = Vec::new();
    for part in ["data", "docs", "requests"] {
        let path = directory.join(part);
        if !path.exists() {
            if part == "data" {
                crate::secret::make_private_dir(&path)?;
            } else {
                std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
            }
            made.push(format!("{part}/"));
        }
    }
    std::fs::write(&file, template(lang)).with_context(|| file.display().to_string())?;
    let schema = serde_json::to_string_pretty(&super::policy_schema())?;
    let schema_file = directory.join("hikeshi.schema.json");
    std::fs::write(&schema_file, schema + "\n").with_context(|| schema_file.display().to_string())?;
    made.extend([FILE.to_owned(), "hikeshi.schema.json".to_owned()]);
    Ok(made)
}
