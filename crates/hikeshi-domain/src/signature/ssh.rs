//! SSH keys and the signatures that `ssh-keygen -Y sign` makes with them (OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f).
//!
//! Ed25519, ECDSA on P-256, RSA from 2048 bits with SHA-2, and the two kinds that live in a security key. Certificates are not read:
//! who may sign is in the policy, key by key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::Timestamp;
use ring::signature as algorithms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SignatureFlaw;
use super::wire::{Reader, put};
use crate::ids::Digest;

/// Longest key line and longest armour that are read. RSA with 8192 bits needs some 1,500 and 3,200 characters.
pub const KEY_CHARS_MAX: usize = 3_000;
pub const SIGNATURE_CHARS_MAX: u32 = 8_000;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8; 6] = b"SSHSIG";
const LINE_CHARS: usize = 70;
/// A modulus of 2048 bits, in bytes.
const MODULUS_BYTES_MIN: usize = 256;
const MODULUS_BYTES_MAX: usize = 1_024;
/// Flags of a security key: it was touched; whoever touched it proved themselves to it.
const TOUCHED: u8 = 1;
const PROVEN: u8 = 4;

/// A person's key in the policy, and for how long it speaks for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshKey {
    /// The line of a `.pub` file: `ssh-ed25519 AAAA… sato@laptop`.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// From then on nothing is accepted that it signs, whenever it was signed: a signature does not say when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// Why a key does not speak for its owner now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum KeyStanding {
    NotYet { from: Timestamp },
    Expired { until: Timestamp },
    Revoked { at: Timestamp },
}

impl SshKey {
    /// `Err`: it does not count at this time.
    pub fn standing(&self, now: Timestamp) -> Result<(), KeyStanding> {
        match (self.revoked_at, self.valid_from, self.valid_until) {
            (Some(at), _, _) if at <= now => Err(KeyStanding::Revoked { at }),
            (_, Some(from), _) if now < from => Err(KeyStanding::NotYet { from }),
            (_, _, Some(until)) if until <= now => Err(KeyStanding::Expired { until }),
            _ => Ok(()),
        }
    }

    /// The line of an `allowed_signers` file by which `ssh-keygen -Y verify` comes to the same verdict.
    pub fn allowed_signer(&self, principal: &str) -> Option<String> {
        let key = PublicKey::parse(&self.key).ok()?;
        let stamp = |at: Timestamp| at.strftime("%Y%m%d%H%M%SZ").to_string();
        let mut options = format!("namespaces=\"{}\"", super::NAMESPACE);
        if let Some(from) = self.valid_from {
            options.push_str(&format!(",valid-after=\"{}\"", stamp(from)));
        }
        if let Some(until) = self.valid_until.into_iter().chain(self.revoked_at).min() {
            options.push_str(&format!(",valid-before=\"{}\"", stamp(until)));
        }
        Some(format!("{principal} {options} {}", key.line()))
    }
}

/// Why a text is no key that can be used here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFlaw {
    NotAKey,
    Unsupported { algorithm: String },
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// As it travels: the same in a `.pub` file and in a signature.
    blob: Vec<u8>,
    algorithm: &'static str,
    material: Material,
    /// Set for a key that lives in a security key: what it was made for, usually `ssh:`.
    application: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Ed25519 {
        key: Vec<u8>,
    },
    /// An uncompressed point.
    P256 {
        point: Vec<u8>,
    },
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const RSA: &str = "ssh-rsa";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com";
const SK_P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

impl PublicKey {
    /// Reads a line of a `.pub` file; the comment is passed over.
    pub fn parse(line: &str) -> Result<Self, KeyFlaw> {
        let line = line.trim();
        if line.len() > KEY_CHARS_MAX || line.contains('\n') {
            return Err(KeyFlaw::NotAKey);
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(named), Some(encoded)) = (words.next(), words.next()) else { return Err(KeyFlaw::NotAKey) };
        let blob = STANDARD.decode(encoded).map_err(|_| KeyFlaw::NotAKey)?;
        let key = Self::of_blob(&blob)?;
        if key.algorithm == named { Ok(key) } else { Err(KeyFlaw::NotAKey) }
    }

    fn of_blob(blob: &[u8]) -> Result<Self, KeyFlaw> {
        let mut reader = Reader(blob);
        let named = reader.text().ok_or(KeyFlaw::NotAKey)?;
        let known = [ED25519, P256, RSA, SK_ED25519, SK_P256].into_iter().find(|known| *known == named);
        let algorithm = known.ok_or_else(|| KeyFlaw::Unsupported { algorithm: named.chars().take(60).collect() })?;
        let material = Self::material(algorithm, &mut reader)?;
        let in_security_key = algorithm == SK_ED25519 || algorithm == SK_P256;
        let application = if in_security_key { Some(reader.string().ok_or(KeyFlaw::NotAKey)?.to_vec()) } else { None };
        if !reader.is_done() {
            return Err(KeyFlaw::NotAKey);
        }
        Ok(Self { blob: blob.to_vec(), algorithm, material, application })
    }

    fn material(algorithm: &str, reader: &mut Reader<'_>) -> Result<Material, KeyFlaw> {
        let short = || KeyFlaw::NotAKey;
        match algorithm {
            ED25519 | SK_ED25519 => {
                let key = reader.string().filter(|key| key.len() == 32).ok_or_else(short)?;
                Ok(Material::Ed25519 { key: key.to_vec() })
            }
            P256 | SK_P256 => {
                let curve = reader.text().ok_or_else(short)?;
                let point = reader.string().filter(|point| curve == "nistp256" && point.len() == 65).ok_or_else(short)?;
                Ok(Material::P256 { point: point.to_vec() })
            }
            _ => {
                let exponent = reader.positive().ok_or_else(short)?.to_vec();
                let modulus = reader.positive().ok_or_else(short)?.to_vec();
                if (MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX).contains(&modulus.len()) {
                    Ok(Material::Rsa { modulus, exponent })
                } else {
                    Err(KeyFlaw::Unsupported { algorithm: format!("{RSA}-{}", modulus.len().saturating_mul(8)) })
                }
            }
        }
    }

    /// As `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }

    /// The key as a line, without a comment.
    pub fn line(&self) -> String {
        format!("{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }

    /// Whether a signature of this algorithm may be by this key.
    fn signs_with(&self, algorithm: &str) -> bool {
        match self.material {
            Material::Rsa { .. } => matches!(algorithm, "rsa-sha2-256" | "rsa-sha2-512"),
            Material::Ed25519 { .. } | Material::P256 { .. } => algorithm == self.algorithm,
        }
    }

    fn holds(&self, algorithm: &str, data: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Ed25519 { key } => algorithms::UnparsedPublicKey::new(&algorithms::ED25519, key).verify(data, signature).is_ok(),
            Material::P256 { point } => {
                let Some(fixed) = fixed_pair(signature) else { return false };
                algorithms::UnparsedPublicKey::new(&algorithms::ECDSA_P256_SHA256_FIXED, point).verify(data, &fixed).is_ok()
            }
            Material::Rsa { modulus, exponent } => {
                let scheme = if algorithm == "rsa-sha2-256" {
                    &algorithms::RSA_PKCS1_2048_8192_SHA256
                } else {
                    &algorithms::RSA_PKCS1_2048_8192_SHA512
                };
                let mut padded = vec![0; modulus.len().saturating_sub(signature.len())];
                padded.extend_from_slice(signature);
                algorithms::RsaPublicKeyComponents { n: modulus, e: exponent }.verify(scheme, data, &padded).is_ok()
            }
        }
    }
}

fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(blob).0))
}

/// The two numbers of an ECDSA signature, each in 32 bytes.
fn fixed_pair(signature: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(signature);
    let mut fixed = Vec::with_capacity(64);
    for _ in 0..2 {
        let number = reader.positive()?;
        fixed.resize(fixed.len() + 32_usize.checked_sub(number.len())?, 0);
        fixed.extend_from_slice(number);
    }
    reader.is_done().then_some(fixed)
}

/// How the owner was there when a security key signed. An ordinary key says nothing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence {
    /// Whether the key asked for PIN or finger, too.
    pub proven: bool,
    pub security_key: bool,
}

/// A detached signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    blob: Vec<u8>,
    key: Vec<u8>,
    namespace: String,
    reserved: Vec<u8>,
    hash: HashName,
    algorithm: String,
    signature: Vec<u8>,
    /// Flags and counter of a security key.
    touch: Option<(u8, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HashName {
    Sha256,
    Sha512,
}

impl HashName {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"sha256",
            Self::Sha512 => b"sha512",
        }
    }
    fn of(self, message: &[u8]) -> ring::digest::Digest {
        match self {
            Self::Sha256 => ring::digest::digest(&ring::digest::SHA256, message),
            Self::Sha512 => ring::digest::digest(&ring::digest::SHA512, message),
        }
    }
}

impl Signature {
    /// Reads the armour, also out of the middle of a chat message with indented lines.
    pub fn parse(text: &str) -> Result<Self, SignatureFlaw> {
        if text.chars().count() > usize::try_from(SIGNATURE_CHARS_MAX).unwrap_or(usize::MAX) {
            return Err(SignatureFlaw::Malformed);
        }
        let body = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(body, _)| body);
        let encoded: String = body.ok_or(SignatureFlaw::Malformed)?.chars().filter(|c| !c.is_whitespace()).collect();
        let blob = STANDARD.decode(encoded).map_err(|_| SignatureFlaw::Malformed)?;
        Self::of_blob(blob).ok_or(SignatureFlaw::Malformed)
    }

    fn of_blob(blob: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(&blob);
        if reader.take(MAGIC.len())? != MAGIC || reader.number()? != 1 {
            return None;
        }
        let key = reader.string()?.to_vec();
        let namespace = reader.text().filter(|namespace| !namespace.is_empty())?.to_owned();
        let reserved = reader.string()?.to_vec();
        let hash = match reader.string()? {
            b"sha256" => HashName::Sha256,
            b"sha512" => HashName::Sha512,
            _ => return None,
        };
        let mut inner = Reader(reader.string()?);
        let algorithm = inner.text()?.to_owned();
        let signature = inner.string()?.to_vec();
        let touch = if inner.is_done() { None } else { Some((inner.byte()?, inner.number()?)) };
        if !inner.is_done() || !reader.is_done() {
            return None;
        }
        Some(Self { key, namespace, reserved, hash, algorithm, signature, touch, blob })
    }

    /// The fingerprint of the key that is said to have signed.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// Whether this very key is said to have signed.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        self.key == key.blob
    }

    /// The armour as `ssh-keygen` writes it.
    pub fn armour(&self) -> String {
        let encoded = STANDARD.encode(&self.blob);
        let mut text = format!("{BEGIN}\n");
        let mut rest = encoded.as_str();
        while let Some((line, more)) = rest.split_at_checked(LINE_CHARS) {
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        if !rest.is_empty() {
            text.push_str(rest);
            text.push('\n');
        }
        format!("{text}{END}\n")
    }

    /// For which purpose it was made.
    pub fn of_namespace(&self, expected: &str) -> Result<(), SignatureFlaw> {
        if self.namespace == expected {
            Ok(())
        } else {
            Err(SignatureFlaw::OtherNamespace { given: self.namespace.chars().take(100).collect() })
        }
    }

    /// Whether the key that it names has signed this message.
    pub fn verify(&self, message: &[u8]) -> Result<Presence, SignatureFlaw> {
        let key = PublicKey::of_blob(&self.key).map_err(|flaw| match flaw {
            KeyFlaw::NotAKey => SignatureFlaw::Malformed,
            KeyFlaw::Unsupported { algorithm } => SignatureFlaw::Unsupported { algorithm },
        })?;
        if !key.signs_with(&self.algorithm) {
            return Err(SignatureFlaw::Unsupported { algorithm: self.algorithm.chars().take(60).collect() });
        }
        let mut signed = MAGIC.to_vec();
        for piece in [self.namespace.as_bytes(), &self.reserved, self.hash.name(), self.hash.of(message).as_ref()] {
            put(&mut signed, piece);
        }
        match (&key.application, self.touch) {
            (None, None) => {
                if key.holds(&self.algorithm, &signed, &self.signature) {
                    Ok(Presence::default())
                } else {
                    Err(SignatureFlaw::Differs)
                }
            }
            (Some(application), Some((flags, counter))) => {
                let mut data = Digest::of(application).0.to_vec();
                data.push(flags);
                data.extend_from_slice(&counter.to_be_bytes());
                data.extend_from_slice(&Digest::of(&signed).0);
                if !key.holds(&self.algorithm, &data, &self.signature) {
                    return Err(SignatureFlaw::Differs);
                }
                if flags & TOUCHED == 0 {
                    return Err(SignatureFlaw::Untouched);
                }
                Ok(Presence { proven: flags & PROVEN != 0, security_key: true })
            }
            (None, Some(_)) | (Some(_), None) => Err(SignatureFlaw::Malformed),
        }
    }
}
