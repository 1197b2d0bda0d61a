//! The checkout as text: every file that people wrote, read once. Generated and installed things are left out.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// One text file, with its path from the root, `/` between parts.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }
    /// Whether it only exists for tests.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/benches/")
            || self.path.starts_with("crates/hikeshi-testkit/")
    }
    /// The part before the tests that are written at the end of the same file.
    pub fn before_tests(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(&self.text)
    }
}

pub struct Tree {
    pub root: PathBuf,
    pub files: Vec<File>,
}

const TEXT: &[&str] = &["rs", "md", "toml", "json", "js", "css", "html", "svg", "sql", "sh", "txt", "yml", "yaml", "ics", ""];
/// `vendor` holds files of others, unchanged, with their licence beside them.
const LEFT_OUT: &[&str] = &[".git", "target", "node_modules", "vendor"];
const BYTES_MAX: u64 = 2 * 1024 * 1024;

impl Tree {
    pub fn read() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has a parent")?.to_path_buf();
        let mut files = Vec::new();
        let walk = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| !entry.file_name().to_str().is_some_and(|name| LEFT_OUT.contains(&name))) {
            let entry = entry.context("walking the checkout")?;
            let extension = entry.path().extension().and_then(|end| end.to_str()).unwrap_or("");
            if !entry.file_type().is_file() || !TEXT.contains(&extension) || entry.metadata()?.len() > BYTES_MAX {
                continue;
            }
            let path = entry.path().strip_prefix(&root)?.to_str().context("a file name that is not UTF-8")?.to_owned();
            // Files that vanish while others write, and files that are not text after all, are none of the checks' business.
            if let Ok(text) = std::fs::read_to_string(entry.path()) {
                files.push(File { path, text });
            }
        }
        Ok(Self { root, files })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub fn text(&self, path: &str) -> anyhow::Result<&str> {
        self.file(path).map(|file| file.text.as_str()).with_context(|| format!("{path} is missing"))
    }

    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is("rs"))
    }

    /// Files in which the module of this file may be declared, and the module's name.
    pub fn parents(path: &str) -> Option<(Vec<String>, String)> {
        let (folder, name) = path.rsplit_once('/')?;
        let (module, above) = match name.strip_suffix(".rs")? {
            "mod" => folder.rsplit_once('/').map(|(above, module)| (module, above))?,
            module => (module, folder),
        };
        Some((["{}.rs", "{}/mod.rs", "{}/lib.rs", "{}/main.rs"].iter().map(|form| form.replace("{}", above)).collect(), module.to_owned()))
    }

    /// Whether the file only exists for tests, by its place or because it, or a module above it, is declared so.
    pub fn is_test(&self, file: &File) -> bool {
        if file.is_test() {
            return true;
        }
        let Some((parents, module)) = Self::parents(&file.path) else { return false };
        parents.iter().filter_map(|parent| self.file(parent)).filter(|parent| parent.path != file.path).any(|parent| {
            let mut lines = parent.text.lines().map(str::trim).peekable();
            let mut declared_for_tests = false;
            while let Some(line) = lines.next() {
                let next = lines.peek().copied().unwrap_or("");
                declared_for_tests |= line.starts_with("#[cfg(") && line.contains("test") && next.ends_with(&format!("mod {module};"));
            }
            declared_for_tests || (parent.text.contains(&format!("mod {module};")) && self.is_test(parent))
        })
    }

    /// Product and tool crates: (folder, `Cargo.toml`).
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().filter_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?;
            (["benches", "xtask"].contains(&folder) || folder.strip_prefix("crates/").is_some_and(|rest| !rest.contains('/')))
                .then_some((folder, file))
        })
    }
}
