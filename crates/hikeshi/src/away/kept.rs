//! Where local ledgers lie: one directory each, below the user's state, apart for each server. What was brought home stays, as evidence.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::offline;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::trust::Trust;
use hikeshi_store::{Span, Store};
use serde::{Deserialize, Serialize};

use crate::config::{Config, ServerConfig};
use crate::serve::ledger_key;

const NOTE_FILE: &str = "local.json";
const TRUST_FILE: &str = "trust.note";
const DATABASE_FILE: &str = "hikeshi.db";
const HOME_FILE: &str = "reconciled.json";
const TOLD_FILE: &str = "announced";
const EXCEPTIONS_MAX: u32 = 100;

/// What is written down beside the ledger, to find it again. The ledger itself says the same in its first entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    pub ledger: String,
    pub host: String,
    /// The server that is away.
    pub server: String,
    pub listen: String,
    /// Where this ledger's own server is.
    pub url: String,
}

pub struct Kept {
    pub dir: PathBuf,
    pub note: Note,
}

/// What stands in it.
pub struct Standing {
    pub incident: Option<Incident>,
    pub emergencies: Vec<Emergency>,
    pub requested_at: Option<Timestamp>,
    /// When it must have come home.
    pub due_at: Option<Timestamp>,
}

impl Standing {
    pub fn is_open(&self) -> bool {
        self.emergencies.iter().any(|emergency| !emergency.status.is_over())
    }
    pub fn is_late(&self) -> bool {
        self.due_at.is_some_and(|due_at| due_at < crate::now())
    }
}

fn root() -> Option<PathBuf> {
    Some(crate::settings::state_dir()?.join("hikeshi/local"))
}

fn directories(of: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(of) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Every one that has not come home, of all servers.
pub struct AllAway {
    pub kept: Vec<Kept>,
    /// Directories of which it cannot be said what they hold.
    pub unreadable: Vec<PathBuf>,
}

pub fn all_away() -> AllAway {
    let servers = root().map(|root| directories(&root)).unwrap_or_default();
    let mut all = AllAway { kept: Vec::new(), unreadable: Vec::new() };
    for dir in servers.iter().flat_map(|server| directories(server)) {
        match Kept::read(dir.clone()) {
            Ok(kept) if kept.is_home() => {}
            Ok(kept) => all.kept.push(kept),
            // Whoever died while it was made left a directory in which nothing was ever begun.
            Err(_) if !dir.join(NOTE_FILE).exists() && !dir.join(DATABASE_FILE).exists() => {}
            Err(error) => {
                tracing::debug!("{}: {error:#}", dir.display());
                all.unreadable.push(dir);
            }
        }
    }
    all
}

/// Those of one server, oldest first.
pub fn away_of(url: &str) -> Vec<Kept> {
    let url = url.trim_end_matches('/');
    all_away().kept.into_iter().filter(|kept| kept.note.server == url).collect()
}

/// The one that is worked in.
pub fn open(url: &str) -> anyhow::Result<Option<Kept>> {
    Ok(away_of(url).pop())
}

/// A new one, with a key of its own; nothing is in it yet.
pub fn create(server: &str, trust: &Trust, note: &[u8], listen: &str, url: String) -> anyhow::Result<Kept> {
    let host: String =
        crate::settings::host().to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let short: String = Digest::of(&crate::secret::random::<16>()?).to_string().chars().take(8).collect();
    let server_ledger = trust.ledger_key.split('+').next().unwrap_or_default();
    let ledger = format!("{server_ledger}/local/{host}-{short}");
    let server = server.trim_end_matches('/').to_owned();
    let name = crate::cli::named(&server).context("the server's address")?;
    let stamp = crate::now().strftime("%Y%m%dT%H%M%S");
    let dir = root().context("HOME is not set")?.join(name).join(format!("{stamp}-{short}"));
    crate::secret::make_private_dir(&dir)?;
    ledger_key(&dir, &ledger)?;
    std::fs::write(dir.join(TRUST_FILE), note)?;
    let kept = Kept { dir, note: Note { ledger, host, server, listen: listen.to_owned(), url } };
    kept.policy()?;
    kept.write_note()?;
    Ok(kept)
}

impl Kept {
    fn read(dir: PathBuf) -> anyhow::Result<Self> {
        let note = serde_json::from_slice(&std::fs::read(dir.join(NOTE_FILE))?)?;
        Ok(Self { dir, note })
    }

    pub fn write_note(&self) -> anyhow::Result<()> {
        crate::secret::write_private(&self.dir.join(NOTE_FILE), &serde_json::to_string_pretty(&self.note)?)
    }

    pub fn trust_note(&self) -> anyhow::Result<Vec<u8>> {
        let file = self.dir.join(TRUST_FILE);
        std::fs::read(&file).with_context(|| file.display().to_string())
    }

    /// The terms of the first entry: from the signed bundle, nothing else.
    pub fn policy(&self) -> anyhow::Result<Policy> {
        let note = self.trust_note()?;
        let (trust, _) = Trust::open_by_own_key(&note)?;
        let key = crate::serve::verifier(&self.dir)?.to_string();
        let policy = trust.beginning(&self.note.ledger, &key, &self.note.host, Digest::of(&note));
        policy.context("the trust bundle is of a server that does not know local ledgers yet")
    }

    pub fn config(&self) -> anyhow::Result<Config> {
        let server = ServerConfig {
            listen: self.note.listen.clone(),
            public_url: Some(self.note.url.clone()),
            data: ".".to_owned(),
            ledger_name: Some(self.note.ledger.clone()),
            ..ServerConfig::default()
        };
        Ok(Config { file: self.dir.join("local.toml"), server, policy: self.policy()? })
    }

    /// Read beside whoever has it open.
    pub fn standing(&self) -> anyhow::Result<Standing> {
        let mut standing = Standing { incident: None, emergencies: Vec::new(), requested_at: None, due_at: None };
        let location = self.config()?.location()?;
        if !self.has_begun() {
            return Ok(standing);
        }
        Store::open_to_read(&location)?.read(|reader| {
            let policy = reader.head()?.workspace.policy;
            standing.incident = reader.incidents(false, Span { before: None, limit: 1 })?.pop();
            standing.emergencies = reader.emergencies(false, Span { before: None, limit: EXCEPTIONS_MAX })?;
            standing.requested_at = standing.emergencies.iter().map(|emergency| emergency.requested_at).min();
            standing.due_at = standing.requested_at.zip(policy).map(|(at, policy)| offline::due_at(at, &policy));
            Ok(())
        })?;
        Ok(standing)
    }

    pub fn has_begun(&self) -> bool {
        self.dir.join(DATABASE_FILE).exists()
    }

    /// `false`: nothing more is done in it. Its bundle has ended and nothing is under way, or its incident is over.
    pub fn goes_on(&self) -> anyhow::Result<bool> {
        let standing = self.standing()?;
        let ended = self.policy()?.local.is_none_or(|local| local.valid_until <= crate::now());
        let over = standing.incident.as_ref().is_some_and(|incident| incident.resolved.is_some() || incident.closed_at.is_some());
        Ok(standing.is_open() || !(ended || over))
    }

    pub fn is_home(&self) -> bool {
        self.dir.join(HOME_FILE).exists()
    }

    pub fn came_home(&self, how: &serde_json::Value) -> anyhow::Result<()> {
        crate::secret::write_private(&self.dir.join(HOME_FILE), &serde_json::to_string_pretty(how)?)
    }

    pub fn is_told(&self) -> bool {
        self.dir.join(TOLD_FILE).exists()
    }

    pub fn told(&self) -> anyhow::Result<()> {
        crate::secret::write_private(&self.dir.join(TOLD_FILE), "")
    }
}
