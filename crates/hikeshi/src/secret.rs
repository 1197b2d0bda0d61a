//! Secrets that this program makes or keeps for its user: tokens, request keys, the token file. Readable by its owner alone.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hikeshi_domain::ids::{Digest, RequestKey};

/// 32 random bytes as base64url.
pub fn fresh() -> anyhow::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Dice, for what need not be written down by people.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}

/// What the door knows of a secret: the digest of its text.
pub fn digest(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// A key for one command typed once.
pub fn request_key() -> anyhow::Result<RequestKey> {
    Ok(RequestKey::of(&["cli", &fresh()?]))
}

/// Makes a directory that only its owner can look into; one that is there already keeps what its owner chose.
pub fn make_private_dir(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| path.display().to_string())
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| temporary.display().to_string())?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path).with_context(|| path.display().to_string())?;
    Ok(())
}

/// Reads such a file; refuses one that others can read.
pub fn read_private(path: &Path) -> anyhow::Result<Option<String>> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    anyhow::ensure!(meta.permissions().mode() & 0o077 == 0, "{}: others can read it; run `chmod 600` on it", path.display());
    Ok(Some(std::fs::read_to_string(path)?.trim().to_owned()))
}

/// The token for a local ledger that is reached by this address; apart from the server's.
pub fn token_file_of(url: &str) -> Option<PathBuf> {
    Some(token_file()?.with_file_name(format!("token.{}", crate::cli::named(url)?)))
}

/// Where the key of the device lies that was named together with this token.
pub fn device_file(token: &Path) -> PathBuf {
    let name = token.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    token.with_file_name(format!("{name}.device"))
}

/// `~/.config/hikeshi/token`, or beside it for another server.
pub fn token_file() -> Option<PathBuf> {
    let config = crate::settings::text("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| crate::settings::text("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(config.join("hikeshi").join("token"))
}
