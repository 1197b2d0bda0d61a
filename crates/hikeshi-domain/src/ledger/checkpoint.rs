//! Signed checkpoints: what the ledger was at one size, in the note form that published tools verify (C2SP signed-note, tlog-checkpoint).
//!
//! Where the signing key is kept, and where checkpoints are sent, is not decided here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature as Ed25519Signature, Signer as _, SigningKey, VerifyingKey};

use crate::ids::{Digest, Hash};

/// Longest note that is read: a checkpoint has some hundred bytes, the manifest of a large case some hundred kilobytes.
pub const NOTE_BYTES_MAX: usize = 16 << 20;
/// More signatures than this have no reader.
const SIGNATURES_MAX: usize = 100;
const NAME_BYTES_MAX: usize = 200;
/// Signature type of the note format: Ed25519 over the text.
const ED25519: u8 = 1;
const SIGNATURE_START: &str = "\u{2014} ";
const PRIVATE: &str = "PRIVATE+KEY+";

/// What is wrong with a note, a checkpoint or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    TooLong,
    #[error("this is not a signed note")]
    NotANote,
    #[error("the note is not signed by this key")]
    NotSigned,
    #[error("the signature does not belong to this text")]
    WrongSignature,
    #[error("the note is not a checkpoint")]
    NotACheckpoint,
    #[error("the checkpoint is of another ledger")]
    OtherOrigin,
    #[error("this is not a key of a ledger")]
    NotAKey,
    #[error("a ledger's name takes 1 to {NAME_BYTES_MAX} bytes without spaces and `+`")]
    BadName,
}

/// The public key by which a ledger is verified: `name+hash+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// First four bytes of SHA-256 over name, newline, type and public key.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hash = Hash::default();
    hash.update(name.as_bytes());
    hash.update(&[b'\n', ED25519]);
    hash.update(key.as_bytes());
    let Digest([a, b, c, d, ..]) = hash.finish();
    [a, b, c, d]
}

fn checked_name(name: &str) -> Result<&str, NoteError> {
    let ok = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+');
    if ok { Ok(name) } else { Err(NoteError::BadName) }
}

/// `hash+base64` after the name: the hash must be the key's own.
fn checked_tail(name: &str, tail: &str) -> Result<([u8; 4], [u8; 32]), NoteError> {
    let (hash, encoded) = tail.split_once('+').ok_or(NoteError::NotAKey)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::NotAKey)?;
    let Some((&ED25519, key)) = bytes.split_first() else { return Err(NoteError::NotAKey) };
    let hash = u32::from_str_radix(hash, 16).ok().filter(|_| hash.len() == 8).ok_or(NoteError::NotAKey)?;
    checked_name(name)?;
    Ok((hash.to_be_bytes(), key.try_into().map_err(|_| NoteError::NotAKey)?))
}

impl VerifierKey {
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, tail) = text.trim().split_once('+').ok_or(NoteError::NotAKey)?;
        let (id, key) = checked_tail(name, tail)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::NotAKey)?;
        if key_id(name, &key) != id {
            return Err(NoteError::NotAKey);
        }
        Ok(Self { name: name.to_owned(), id, key })
    }

    /// The ledger that this key speaks for; also the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), STANDARD.encode(bytes))
    }
}

/// The key that signs a ledger. Never printed by accident: only [`LedgerKey::secret_text`] shows it.
#[derive(Clone)]
pub struct LedgerKey {
    signing: SigningKey,
    verifier: VerifierKey,
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerKey").field("verifier", &self.verifier.to_string()).finish_non_exhaustive()
    }
}

impl LedgerKey {
    /// `seed` are 32 bytes from the operating system's random source.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let name = checked_name(name)?.to_owned();
        let signing = SigningKey::from_bytes(seed);
        let key = signing.verifying_key();
        let id = key_id(&name, &key);
        Ok(Self { signing, verifier: VerifierKey { name, id, key } })
    }

    /// Reads what [`Self::secret_text`] wrote.
    pub fn parse_secret(text: &str) -> Result<Self, NoteError> {
        let (name, tail) = text.trim().strip_prefix(PRIVATE).and_then(|rest| rest.split_once('+')).ok_or(NoteError::NotAKey)?;
        let (id, seed) = checked_tail(name, tail)?;
        let key = Self::from_seed(name, &seed)?;
        if key.verifier.id == id { Ok(key) } else { Err(NoteError::NotAKey) }
    }

    /// The secret form, for the key file: `PRIVATE+KEY+name+hash+base64`.
    pub fn secret_text(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.signing.as_bytes());
        format!("{PRIVATE}{}+{:08x}+{}", self.verifier.name, u32::from_be_bytes(self.verifier.id), STANDARD.encode(bytes))
    }

    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text, which ends with a newline.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !is_note_text(text) {
            return Err(NoteError::NotANote);
        }
        let mut bytes = self.verifier.id.to_vec();
        bytes.extend_from_slice(&self.signing.sign(text.as_bytes()).to_bytes());
        Ok(format!("{text}\n{SIGNATURE_START}{} {}\n", self.verifier.name, STANDARD.encode(bytes)))
    }
}

fn is_note_text(text: &str) -> bool {
    text.len() <= NOTE_BYTES_MAX && text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

/// Verifies a signed note and gives its text. Signatures by other keys are passed over, as the format asks.
pub fn open_note<'a>(note: &'a [u8], key: &VerifierKey) -> Result<&'a str, NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLong);
    }
    let note = str::from_utf8(note).map_err(|_| NoteError::NotANote)?;
    let split = note.rfind("\n\n").ok_or(NoteError::NotANote)?;
    let (text, signatures) = note.split_at_checked(split + 1).ok_or(NoteError::NotANote)?;
    let signatures = signatures.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::NotANote)?;
    if !is_note_text(text) || signatures.split('\n').count() > SIGNATURES_MAX {
        return Err(NoteError::NotANote);
    }
    let mut signed = false;
    for line in signatures.split('\n') {
        let (name, encoded) = line.strip_prefix(SIGNATURE_START).and_then(|rest| rest.split_once(' ')).ok_or(NoteError::NotANote)?;
        checked_name(name).map_err(|_| NoteError::NotANote)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::NotANote)?;
        let (id, signature) = bytes.split_at_checked(4).ok_or(NoteError::NotANote)?;
        if name != key.name || id != key.id {
            continue;
        }
        let signature: &[u8; 64] = signature.try_into().map_err(|_| NoteError::WrongSignature)?;
        let signature = Ed25519Signature::from_bytes(signature);
        key.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::WrongSignature)?;
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::NotSigned) }
}

/// What the ledger was when it had `size` entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Signs the state of the ledger that the key speaks for.
    pub fn sign(size: u64, root: Digest, key: &LedgerKey) -> Result<String, NoteError> {
        let checkpoint = Self { origin: key.verifier.name.clone(), size, root };
        key.sign(&checkpoint.text())
    }

    /// Verifies a note and reads the checkpoint in it.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(open_note(note, key)?)?;
        if checkpoint.origin == key.name { Ok(checkpoint) } else { Err(NoteError::OtherOrigin) }
    }

    /// Reads the text of a checkpoint, without its signatures. Extension lines are signed, and mean nothing here.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteError::NotACheckpoint)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::NotACheckpoint);
        };
        let canonical = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        if origin.is_empty() || !canonical || lines.any(str::is_empty) {
            return Err(NoteError::NotACheckpoint);
        }
        let size = size.parse().map_err(|_| NoteError::NotACheckpoint)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(NoteError::NotACheckpoint)?;
        Ok(Self { origin: origin.to_owned(), size, root: Digest(root) })
    }
}
