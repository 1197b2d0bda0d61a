//! The state as a file: what the proxy was told last is what it does after a restart. Written whole, beside the old one, and put in its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ask::{ArmAsked, Percent, RouteAsked, RouteName, StopAsked};

const FORM: u32 = 1;
const BYTES_MAX: u64 = 16 * 1024 * 1024;
const SECRET_BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    form: u32,
    /// Signs the numbers of visitors.
    secret: String,
    pub routes: BTreeMap<RouteName, RouteKept>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteKept {
    pub asked: RouteAsked,
    pub stable: Option<ArmAsked>,
    pub candidate: Option<ArmAsked>,
    pub percent: Option<Percent>,
    pub previous: Option<ArmAsked>,
    /// A stop outlives a restart. A hold does not: nobody waits any more.
    pub stopped: Option<StopAsked>,
}

#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("{path} cannot be read: {error}", path = .path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{path} is not a state of this program: {detail}. Move it away to begin with no routes", path = .path.display())]
    Form { path: PathBuf, detail: String },
}

impl State {
    pub fn fresh() -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self::with(&secret))
    }

    pub fn with(secret: &[u8]) -> Self {
        Self { form: FORM, secret: STANDARD.encode(secret), routes: BTreeMap::new() }
    }

    pub fn secret(&self) -> Vec<u8> {
        STANDARD.decode(&self.secret).unwrap_or_default()
    }

    /// `None`: there is none yet.
    pub fn read(path: &Path) -> Result<Option<Self>, Unread> {
        let form = |detail: String| Unread::Form { path: path.to_owned(), detail };
        let text = match fs::metadata(path)
            .and_then(|found| if found.len() > BYTES_MAX { Ok(None) } else { fs::read_to_string(path).map(Some) })
        {
            Ok(Some(text)) => text,
            Ok(None) => return Err(form(format!("it is longer than {BYTES_MAX} bytes"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unread::File { path: path.to_owned(), error }),
        };
        let state: Self = serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
        if state.form != FORM {
            return Err(form(format!("it has form {}, and this program reads {FORM}", state.form)));
        }
        if state.secret().len() != SECRET_BYTES {
            return Err(form("its secret is not whole".to_owned()));
        }
        Ok(Some(state))
    }

    pub fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}
