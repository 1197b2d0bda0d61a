//! What a recorder is told: one file in its private directory. Values of secrets are not in it; the recorder gets those in its environment.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::policy::SshPlace;
use hikeshi_domain::session::{DangerousLine, Encoding, Shell};
use serde::{Deserialize, Serialize};

/// Where the shell runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Place {
    /// This host, beginning in this directory.
    Here { root: PathBuf },
    /// Another host: the pty is here, in it is `ssh`, and the shell is there.
    There {
        place: SshPlace,
        /// The executor's own configuration of ssh, instead of the usual one.
        config: Option<PathBuf>,
        root: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub format: String,
    pub emergency: EmergencyId,
    pub session: u32,
    /// The server, as this machine reaches it.
    pub url: String,
    pub place: Place,
    /// What people call the place.
    pub place_name: String,
    pub shell: Shell,
    pub encoding: Encoding,
    pub record_input: bool,
    /// Lines of the plan at which Enter waits for a witness, and for how long.
    #[serde(default)]
    pub dangerous: Vec<DangerousLine>,
    #[serde(default)]
    pub confirm_valid_s: u32,
    pub began_at: Timestamp,
    /// Patterns of the policy that are masked, and the variables whose values are.
    pub mask_patterns: Vec<String>,
    pub mask_env: Vec<String>,
    /// Room that is kept free for the recording.
    pub reserve_bytes: u64,
    /// What the shell's own marks carry; not a secret from the executor.
    pub nonce: [u8; 16],
}

impl Order {
    pub const FORMAT: &'static str = "hikeshi-session-v1";
    /// The variable that carries the executor's token to the recorder; the shell does not get it.
    pub const TOKEN: &'static str = "HIKESHI_SESSION_TOKEN";

    fn file(dir: &Path) -> PathBuf {
        dir.join("order.json")
    }

    pub(crate) fn socket(dir: &Path) -> PathBuf {
        dir.join("recorder.sock")
    }

    pub(crate) fn blocks(dir: &Path) -> PathBuf {
        dir.join("blocks")
    }

    pub(crate) fn log(dir: &Path) -> PathBuf {
        dir.join("recorder.log")
    }

    /// What `ssh` says of itself: apart from what the shell prints.
    pub(crate) fn ssh_log(dir: &Path) -> PathBuf {
        dir.join("ssh.log")
    }

    /// Makes the private directory with the order in it.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(Self::file(dir))?;
        serde_json::to_writer(&file, self)?;
        file.sync_all()
    }

    pub fn read(dir: &Path) -> io::Result<Self> {
        let order: Self = serde_json::from_slice(&fs::read(Self::file(dir))?)?;
        if order.format != Self::FORMAT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an order of the form {} is not known here", order.format)));
        }
        Ok(order)
    }
}
