//! The server's own keys. The ledger's signing key: made at the first start, readable by this user alone, kept beside the data. Losing it loses no record;
//! it only ends the line of checkpoints that it signed.

use std::path::Path;

use anyhow::Context as _;
use hikeshi_domain::ledger::{LedgerKey, VerifierKey};
use hikeshi_outside::PushKey;

use crate::secret;

const SECRET_FILE: &str = "ledger.key";
const PUBLIC_FILE: &str = "ledger.pub";
const PUSH_FILE: &str = "push.key";

/// Finds the key, or makes it. The public one lies beside it, to be given to whoever verifies.
pub fn key(data_dir: &Path, name: &str) -> anyhow::Result<LedgerKey> {
    let file = data_dir.join(SECRET_FILE);
    let key = match secret::read_private(&file)? {
        Some(text) => LedgerKey::parse_secret(&text).with_context(|| file.display().to_string())?,
        None => {
            let mut seed = [0_u8; 32];
            getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
            let key = LedgerKey::from_seed(name, &seed).with_context(|| name.to_owned())?;
            secret::write_private(&file, &format!("{}\n", key.secret_text()))?;
            key
        }
    };
    let public = format!("{}\n", key.verifier());
    let public_file = data_dir.join(PUBLIC_FILE);
    if std::fs::read_to_string(&public_file).ok().as_deref() != Some(&public) {
        std::fs::write(&public_file, public).with_context(|| public_file.display().to_string())?;
    }
    Ok(key)
}

/// The public key beside the data, for verifying on this machine.
pub fn verifier(data_dir: &Path) -> anyhow::Result<VerifierKey> {
    let file = data_dir.join(PUBLIC_FILE);
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    VerifierKey::parse(&text).with_context(|| file.display().to_string())
}

/// The key by which push services and browsers know this server. Made once: browsers that are subscribed with one take pages of no other.
pub fn push_key(data_dir: &Path) -> anyhow::Result<PushKey> {
    let file = data_dir.join(PUSH_FILE);
    let said = |error: String| anyhow::anyhow!("{}: {error}", file.display());
    match secret::read_private(&file)? {
        Some(text) => PushKey::parse(&text).map_err(said),
        None => {
            let key = PushKey::generate().map_err(said)?;
            secret::write_private(&file, &format!("{}\n", key.secret_text()))?;
            Ok(key)
        }
    }
}
