//! The directory in which one effect is carried out, and what its files say after a crash.
//!
//! `order.json` what is to be done · `lock` held by the living supervisor · `begun` written before anything is touched ·
//! `output.raw` what was printed, masked · `contents/` bytes by digest · `outcome.json` how it ended.
//! Values of secrets are in none of them: the supervisor gets those in its environment.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hikeshi_domain::effect::{Effect, EffectKey, Outcome, Performed};
use hikeshi_domain::ids::{Digest, EmergencyId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Largest file of our own that is read back: a snapshot of very many files.
const OWN_FILE_BYTES_MAX: u64 = 1 << 30;

/// What the supervisor is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) format: String,
    pub(crate) effect: Effect,
    /// Where the baseline of this emergency is kept.
    pub(crate) watch: PathBuf,
    /// Names of environment variables that scripts receive and of those whose values are masked.
    pub(crate) pass_env: Vec<String>,
    pub(crate) mask_env: Vec<String>,
}

impl Order {
    pub(crate) const FORMAT: &'static str = "hikeshi-order-v1";
}

#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    outcome: Outcome,
    contents: Vec<Digest>,
}

#[derive(Debug, Clone)]
pub(crate) struct Spool {
    dir: PathBuf,
}

impl Spool {
    /// The spool of an effect below the spool root.
    pub(crate) fn of(root: &Path, key: &EffectKey) -> Self {
        Self { dir: root.join("effects").join(safe(&key.0)) }
    }

    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path("output.raw")
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.path("script")
    }

    /// Says that nobody carries on what was begun: the next supervisor only finds out what is left of it.
    pub(crate) fn abandon(&self) -> io::Result<()> {
        write_durably(&self.path("abandoned"), b"")
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.path("abandoned").exists()
    }

    /// When the claim was made.
    pub(crate) fn begun_at(&self) -> io::Result<SystemTime> {
        fs::metadata(self.path("begun"))?.modified()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// Writes the order durably. The same effect has the same order; an order that is there stays.
    pub(crate) fn prepare(&self, order: &Order) -> io::Result<()> {
        make_private(&self.dir)?;
        if !self.path("order.json").try_exists()? {
            write_json(&self.path("order.json"), order)?;
        }
        Ok(())
    }

    pub(crate) fn order(&self) -> io::Result<Order> {
        read_json(&self.path("order.json"))
    }

    /// The claim that work is now starting: it can be made once. Durable when this returns `true`.
    pub(crate) fn begin(&self) -> io::Result<bool> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path("begun")) {
            Ok(file) => {
                file.sync_all()?;
                sync_dir(&self.dir)?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the claim back, for work whose repeat is as good as one run.
    pub(crate) fn begin_again(&self) -> io::Result<()> {
        remove_if_there(&self.path("begun"))?;
        remove_if_there(&self.output())?;
        sync_dir(&self.dir)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.path("begun").exists()
    }

    pub(crate) fn has_order(&self) -> bool {
        self.path("order.json").exists()
    }

    /// The supervisor's lock; `None` when another one holds it. It goes when the process does, however it goes.
    pub(crate) fn lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a supervisor lives.
    pub(crate) fn is_locked(&self) -> bool {
        if !self.path("lock").exists() {
            return false;
        }
        matches!(self.lock(), Ok(None))
    }

    /// Keeps contents and outcome, the outcome last: where it is, everything that it names is.
    pub(crate) fn end(&self, performed: &Performed) -> io::Result<()> {
        let contents = self.path("contents");
        make_private(&contents)?;
        let mut digests = Vec::new();
        for bytes in &performed.contents {
            let digest = Digest::of(bytes);
            write_durably(&contents.join(digest.to_string()), bytes)?;
            digests.push(digest);
        }
        sync_dir(&contents)?;
        write_json(&self.path("outcome.json"), &Ended { outcome: performed.outcome.clone(), contents: digests })
    }

    pub(crate) fn outcome(&self) -> io::Result<Option<Performed>> {
        let path = self.path("outcome.json");
        if !path.try_exists()? {
            return Ok(None);
        }
        let ended: Ended = read_json(&path)?;
        let mut contents = Vec::new();
        for digest in ended.contents {
            let bytes = read_bounded(&self.path("contents").join(digest.to_string()), OWN_FILE_BYTES_MAX)?;
            if Digest::of(&bytes) != digest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("the kept content {digest} is damaged")));
            }
            contents.push(bytes);
        }
        Ok(Some(Performed { outcome: ended.outcome, contents }))
    }
}

/// The directory of what is known about the files of one emergency.
pub(crate) fn watch_dir(root: &Path, emergency: EmergencyId) -> PathBuf {
    root.join("watch").join(emergency.to_string())
}

/// A key as one directory name: `/` becomes `.`, everything unusual is escaped, so no two keys share a name.
fn safe(key: &str) -> String {
    let mut out = String::new();
    for byte in key.bytes() {
        match byte {
            b'/' => out.push('.'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            other => out.push_str(&format!("~{other:02x}")),
        }
    }
    out
}

/// Creates a directory that only this user can enter, with its parents.
pub(crate) fn make_private(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    dir.parent().map_or(Ok(()), sync_dir)
}

pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes beside, makes durable, renames: a reader sees the old file or the new one.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with_mode(path, bytes, 0o600)
}

pub(crate) fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let parent = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file needs a directory"))?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    let beside = parent.join(name);
    remove_if_there(&beside)?;
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if let Err(error) = written {
        remove_if_there(&beside)?;
        return Err(error);
    }
    sync_dir(parent)
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_durably(path, &serde_json::to_vec(value)?)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&read_bounded(path, OWN_FILE_BYTES_MAX)?)?)
}

pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > bytes_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{} is larger than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_becomes_one_name_that_no_other_key_has() {
        assert_eq!(safe("emg_3/step/2/1"), "emg_3.step.2.1");
        assert_eq!(safe("../.."), "~2e~2e.~2e~2e");
        assert_ne!(safe("a.b"), safe("a/b"));
    }
}
