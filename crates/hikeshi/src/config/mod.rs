//! `hikeshi.toml`: the workspace policy and, beside it, where the server listens and keeps its data.
//!
//! Here: reading the file and telling the two apart. What is wrong with it, with line and caret, is in [`diagnose`]; what must hold
//! between the parts of a policy is `hikeshi_domain::policy::Policy::check`.

pub mod diagnose;
pub mod init;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use hikeshi_domain::policy::{ForgeKind, Policy};
use hikeshi_store::Location;
use hikeshi_text::Lang;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use schema::policy_schema;

/// Largest file that is read: a policy of a thousand people is well below it.
pub const FILE_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// What the server itself needs to know. None of it is policy: a change of it is no ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port on which pages and API are served.
    pub listen: String,
    /// How people reach it. Passkeys are bound to this name, so decide it before the first one is registered.
    pub public_url: Option<String>,
    /// Directory of database, ledger key and checkpoints. A relative path is beside this file.
    pub data: String,
    /// `sqlite:hikeshi.db` (relative to `data`) or `postgres://…`. The environment variable `HIKESHI_DATABASE` comes first.
    pub database: Option<String>,
    /// File that holds the database address, for addresses with a password. `HIKESHI_DATABASE_FILE` comes first.
    pub database_file: Option<String>,
    /// Name of the ledger in its signed checkpoints, such as `example.jp/hikeshi`.
    pub ledger_name: Option<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7410".to_owned(),
            public_url: None,
            data: "data".to_owned(),
            database: None,
            database_file: None,
            ledger_name: None,
        }
    }
}

/// A file that was read without a mistake.
#[derive(Debug, Clone)]
pub struct Config {
    pub file: PathBuf,
    pub server: ServerConfig,
    pub policy: Policy,
}

impl Config {
    /// Directory of the file; relative paths in it start here.
    pub fn directory(&self) -> PathBuf {
        self.file.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory().join(&self.server.data)
    }

    pub fn public_url(&self) -> String {
        self.server.public_url.clone().unwrap_or_else(|| format!("http://{}", self.server.listen)).trim_end_matches('/').to_owned()
    }

    pub fn ledger_name(&self) -> String {
        if let Some(name) = &self.server.ledger_name {
            return name.clone();
        }
        let host = url::Url::parse(&self.public_url())
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "localhost".to_owned());
        format!("{host}/hikeshi")
    }

    /// Where the store is: the environment first, then the file that holds the address, then the file's own word.
    pub fn location(&self) -> anyhow::Result<Location> {
        if self.policy.local.is_some() {
            // Whatever this machine's environment says of the server's database: this ledger is its own.
            return Ok(Location::Sqlite(self.data_dir().join("hikeshi.db")));
        }
        let of_env = crate::settings::text("HIKESHI_DATABASE");
        let secret_file = crate::settings::text("HIKESHI_DATABASE_FILE").or_else(|| self.server.database_file.clone());
        let text = match (of_env, secret_file) {
            (Some(text), _) => Some(text),
            (None, Some(file)) => {
                let path = self.directory().join(&file);
                let text = std::fs::read_to_string(&path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
                Some(text.trim().to_owned())
            }
            (None, None) => self.server.database.clone(),
        };
        parse_location(text.as_deref().unwrap_or("sqlite:hikeshi.db"), &self.data_dir())
    }

    /// The policy as it is adopted: relative paths of it are made absolute, since the ledger and the hands know nothing of this file's place.
    pub fn adopted_policy(&self) -> Policy {
        let mut policy = self.policy.clone();
        if policy.local.is_some() {
            // Byte for byte what the server has signed.
            return policy;
        }
        let directory = std::path::absolute(self.directory()).unwrap_or_else(|_| self.directory());
        let absolute = |given: &str| directory.join(given).display().to_string();
        policy.documents.root = absolute(&policy.documents.root);
        if let Some(forge) = &mut policy.forge {
            if forge.kind == ForgeKind::Git {
                forge.requests = absolute(&forge.requests);
            }
            if forge.kind == ForgeKind::Git && !forge.repository.contains(':') {
                forge.repository = absolute(&forge.repository);
            }
        }
        policy
    }
}

/// Understands a database address.
pub fn parse_location(text: &str, data_dir: &Path) -> anyhow::Result<Location> {
    let text = text.trim();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Location::Postgres(text.to_owned()));
    }
    match text.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(Location::Sqlite(data_dir.join(path))),
        // The address may carry a password, so it is not repeated.
        Some(_) | None => anyhow::bail!("the database address is neither `sqlite:path` nor `postgres://…`"),
    }
}

/// Why there is no config.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read at all.
    Unreadable { file: PathBuf, detail: String },
    /// Everything that is wrong in it, ready to be shown.
    Mistakes(Box<diagnose::Mistakes>),
}

impl ConfigError {
    pub fn render(&self, lang: Lang, look: diagnose::Look) -> String {
        match self {
            Self::Unreadable { file, detail } => hikeshi_text::terminal::file_unreadable(lang, &file.display().to_string(), detail),
            Self::Mistakes(mistakes) => mistakes.render(lang, look),
        }
    }
}

/// Reads and checks the file.
pub fn read(file: &Path) -> Result<Config, ConfigError> {
    let unreadable = |detail: String| ConfigError::Unreadable { file: file.to_path_buf(), detail };
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("{size} bytes; at most {FILE_BYTES_MAX}")));
    }
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| unreadable(format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())))?;
    parse(file, &text)
}

/// Checks the text of a file.
pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    diagnose::examine(file, text).map_err(|mistakes| ConfigError::Mistakes(Box::new(mistakes)))
}
