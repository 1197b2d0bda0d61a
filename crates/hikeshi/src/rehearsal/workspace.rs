//! The rehearsal's own workspace on disk: policy, reservation service with its data, bare repository, secrets. Made once, found again by `--resume`.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::git;
use crate::secret;

/// Who plays what. The same handles as in the policy text.
pub const REQUESTER: &str = "tanaka";
pub const APPROVER: &str = "sato";
pub const SENIOR_WITNESS: &str = "takahashi";
pub const WITNESS: &str = "ito";
pub const OPERATOR: &str = "watanabe";
pub const LEAD: &str = "suzuki";
pub const ADMIN: &str = "yamamoto";
pub const EVERYONE: [&str; 7] = [REQUESTER, APPROVER, SENIOR_WITNESS, WITNESS, OPERATOR, LEAD, ADMIN];

const POLICY: &str = include_str!("policy.toml");
pub const GOOD_SETTINGS: &str = "# 予約サービスの設定\nrooms_file = \"data/rooms.csv\"\nrates_file = \"data/rates.csv\"\n";
/// What the bad release brings: a file name with a slip.
pub const BAD_SETTINGS: &str = "# 予約サービスの設定\nrooms_file = \"data/room.csv\"\nrates_file = \"data/rates.csv\"\n";

/// What must survive a killed rehearsal beside the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    pub service_port: u16,
    pub server_port: u16,
    pub phone_port: u16,
    /// API token of each person; issued as soon as the person has signed in.
    pub tokens: std::collections::BTreeMap<String, String>,
    pub with_database: bool,
}

#[derive(Debug, Clone)]
pub struct Workspace {
    pub dir: PathBuf,
    pub kept: Kept,
}

impl Workspace {
    pub fn make(dir: &Path, database: Option<&str>) -> anyhow::Result<Self> {
        let dir = &std::path::absolute(dir)?;
        std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let empty = std::fs::read_dir(dir)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty; use `--resume` to continue a rehearsal", dir.display());
        crate::secret::make_private_dir(&dir.join("data"))?;
        for part in ["docs", "requests", "backups", "reservation/config", "reservation/data"] {
            std::fs::create_dir_all(dir.join(part))?;
        }
        let root = dir.join("reservation");
        std::fs::write(root.join("config/service.toml"), GOOD_SETTINGS)?;
        std::fs::write(root.join("config/CHANGES.log"), "2026-10-01 初版\n")?;
        std::fs::write(root.join("data/rooms.csv"), "room,floor\n101,1\n102,1\n201,2\n202,2\n301,3\n")?;
        std::fs::write(root.join("data/rates.csv"), "plan,yen\n素泊まり,8000\n朝食付き,9500\n二食付き,13000\n")?;
        git::make_repository(dir)?;
        let mut tokens = std::collections::BTreeMap::new();
        for person in EVERYONE {
            tokens.insert(person.to_owned(), secret::fresh()?);
        }
        let kept = Kept {
            service_port: free_port()?,
            server_port: free_port()?,
            phone_port: free_port()?,
            tokens,
            with_database: database.is_some(),
        };
        if let Some(database) = database {
            secret::write_private(&dir.join("database-url"), database)?;
        }
        let workspace = Self { dir: dir.clone(), kept };
        std::fs::write(workspace.policy_file(), workspace.policy_text())?;
        // Last: a workspace with this file is whole.
        secret::write_private(&dir.join("rehearsal.json"), &serde_json::to_string_pretty(&workspace.kept)?)?;
        Ok(workspace)
    }

    pub fn find(dir: &Path) -> anyhow::Result<Self> {
        let dir = std::path::absolute(dir)?;
        let text =
            secret::read_private(&dir.join("rehearsal.json"))?.with_context(|| format!("{}: no rehearsal lies here", dir.display()))?;
        let kept = serde_json::from_str(&text).context("rehearsal.json")?;
        Ok(Self { dir, kept })
    }

    pub fn policy_file(&self) -> PathBuf {
        self.dir.join("hikeshi.toml")
    }
    pub fn root(&self) -> PathBuf {
        self.dir.join("reservation")
    }
    pub fn settings_file(&self) -> PathBuf {
        self.root().join("config/service.toml")
    }
    pub fn changes_file(&self) -> PathBuf {
        self.root().join("config/CHANGES.log")
    }
    /// When whose telephone rang.
    pub fn phones_file(&self) -> PathBuf {
        self.dir.join("phones.jsonl")
    }
    pub fn bundle_file(&self) -> PathBuf {
        self.dir.join("case.zip")
    }
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.kept.server_port)
    }
    pub fn token(&self, person: &str) -> String {
        self.kept.tokens.get(person).cloned().unwrap_or_default()
    }

    fn policy_text(&self) -> String {
        let database = if self.kept.with_database { "database_file = \"database-url\"" } else { "database = \"sqlite:hikeshi.db\"" };
        POLICY
            .replace("{database}", database)
            .replace("{server_port}", &self.kept.server_port.to_string())
            .replace("{service_port}", &self.kept.service_port.to_string())
            .replace("{phone_port}", &self.kept.phone_port.to_string())
            .replace("{dir}", &toml_text(&self.dir))
    }
}

/// A path inside a quoted TOML string.
fn toml_text(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

/// A port that was free a moment ago. Kept for the life of the rehearsal, so that addresses in the record stay true.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_rehearsal_has_no_mistake() {
        let workspace = Workspace {
            dir: PathBuf::from("/srv/予約 訓練"),
            kept: Kept {
                service_port: 7411,
                server_port: 7410,
                phone_port: 7412,
                tokens: std::collections::BTreeMap::new(),
                with_database: false,
            },
        };
        let config = crate::config::parse(Path::new("hikeshi.toml"), &workspace.policy_text());
        let config = config
            .map_err(|error| error.render(hikeshi_text::Lang::En, crate::config::diagnose::Look { colour: false, width: 120 }))
            .expect("no mistakes");
        for person in EVERYONE {
            assert!(config.policy.people.keys().any(|id| id.as_str() == person), "{person}");
        }
    }
}
