//! An approval by passkey: a WebAuthn assertion whose challenge is bound to the digest of one plan.
//!
//! What the browser and the authenticator say is kept whole, so that anybody can verify it later: the signature is over
//! `authenticatorData ‖ SHA-256(clientDataJSON)`, and the challenge in the client data is `SHA-256("hikeshi-approve-v1" ‖ digest)`.
//! Signing in is another matter: its challenges are random, and `hikeshi-web` verifies them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature as algorithms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NAMESPACE;
use crate::ids::{Digest, Hash};

/// Longest part of an assertion in base64url; a real one has some hundred characters.
const PART_CHARS_MAX: usize = 8_000;
const TOUCHED: u8 = 1;
const PROVEN: u8 = 4;

/// What `navigator.credentials.get` gave, each part in base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    pub credential_id: String,
    pub authenticator_data: String,
    pub client_data: String,
    pub signature: String,
}

/// Where a passkey was made, and so the only place where it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    pub id: String,
    pub origin: String,
}

/// Why an assertion does not approve the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum AssertionFlaw {
    Malformed,
    /// It was made for something else than signing in or approving.
    OtherCeremony,
    /// Its challenge is not this plan's: the plan is another one, or it was a sign-in.
    OtherChallenge,
    OtherOrigin {
        given: String,
        expected: String,
    },
    /// The passkey was made before the place was kept with it.
    PlaceUnknown,
    Untouched,
    /// Neither PIN nor finger was asked for.
    Unproven,
    Differs,
    /// The counter of the authenticator went back: the passkey may have been copied.
    CounterBack {
        last: u32,
        given: u32,
    },
    Unsupported,
}

/// The challenge that approves the plan of this digest and nothing else.
pub fn challenge(plan: &Digest) -> Digest {
    let mut hash = Hash::default();
    hash.update(NAMESPACE.as_bytes());
    hash.update(&plan.0);
    hash.finish()
}

/// The same as a browser takes it.
pub fn challenge_text(plan: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(challenge(plan).0)
}

/// A passkey's public key, in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
pub enum PasskeyKey {
    /// An uncompressed point of P-256.
    Es256 {
        point: String,
    },
    /// An uncompressed point of P-384.
    Es384 {
        point: String,
    },
    Ed25519 {
        key: String,
    },
    Rs256 {
        modulus: String,
        exponent: String,
    },
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() > PART_CHARS_MAX { None } else { URL_SAFE_NO_PAD.decode(text).ok() }
}

/// The counter that the WebAuthn library kept with the credential.
pub fn counter_of(credential: &Value) -> u32 {
    credential.pointer("/cred/counter").and_then(Value::as_u64).and_then(|counter| u32::try_from(counter).ok()).unwrap_or(0)
}

impl PasskeyKey {
    /// Reads the credential as the WebAuthn library serialises it. `None`: a kind of key that is not accepted here.
    pub fn of_credential(credential: &Value) -> Option<Self> {
        let cose = credential.pointer("/cred/cred")?;
        let key = cose.get("key")?;
        let part = |pointer: &str| key.pointer(pointer).and_then(Value::as_str).and_then(bytes);
        let point = |side: usize| {
            let (x, y) = (part("/EC_EC2/x")?, part("/EC_EC2/y")?);
            let whole = [&[4_u8][..], &x, &y].concat();
            (x.len() == side && y.len() == side).then(|| URL_SAFE_NO_PAD.encode(whole))
        };
        match cose.get("type_")?.as_str()? {
            "ES256" => Some(Self::Es256 { point: point(32)? }),
            "ES384" => Some(Self::Es384 { point: point(48)? }),
            "EDDSA" => part("/EC_OKP/x").filter(|key| key.len() == 32).map(|key| Self::Ed25519 { key: URL_SAFE_NO_PAD.encode(key) }),
            "RS256" => {
                let exponent: Vec<u8> = serde_json::from_value(key.pointer("/RSA/e")?.clone()).ok()?;
                Some(Self::Rs256 { modulus: URL_SAFE_NO_PAD.encode(part("/RSA/n")?), exponent: URL_SAFE_NO_PAD.encode(exponent) })
            }
            _ => None,
        }
    }

    fn holds(&self, data: &[u8], signature: &[u8]) -> bool {
        let verify = |algorithm: &'static dyn algorithms::VerificationAlgorithm, key: &str| {
            bytes(key).is_some_and(|key| algorithms::UnparsedPublicKey::new(algorithm, key).verify(data, signature).is_ok())
        };
        match self {
            Self::Es256 { point } => verify(&algorithms::ECDSA_P256_SHA256_ASN1, point),
            Self::Es384 { point } => verify(&algorithms::ECDSA_P384_SHA384_ASN1, point),
            Self::Ed25519 { key } => verify(&algorithms::ED25519, key),
            Self::Rs256 { modulus, exponent } => {
                let (Some(n), Some(e)) = (bytes(modulus), bytes(exponent)) else { return false };
                let n = n.get(n.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
                let e = e.get(e.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
                algorithms::RsaPublicKeyComponents { n, e }.verify(&algorithms::RSA_PKCS1_2048_8192_SHA256, data, signature).is_ok()
            }
        }
    }

    /// The key as OpenSSL reads it: `openssl dgst -sha256 -verify key.pem -signature … …`.
    pub fn pem(&self) -> Option<String> {
        let (algorithm, key): (Vec<u8>, Vec<u8>) = match self {
            Self::Es256 { point } => (der(0x30, &[EC, &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]].concat()), bytes(point)?),
            Self::Es384 { point } => (der(0x30, &[EC, &[0x06, 5, 0x2b, 0x81, 0x04, 0, 0x22]].concat()), bytes(point)?),
            Self::Ed25519 { key } => (der(0x30, &[0x06, 3, 0x2b, 0x65, 0x70]), bytes(key)?),
            Self::Rs256 { modulus, exponent } => {
                let number = |text: &str| bytes(text).map(|value| der(0x02, &[&[0_u8][..], &value].concat()));
                (der(0x30, &[RSA, &[0x05, 0]].concat()), der(0x30, &[number(modulus)?, number(exponent)?].concat()))
            }
        };
        let whole = der(0x30, &[algorithm, der(0x03, &[&[0_u8][..], &key].concat())].concat());
        let mut text = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        let encoded = STANDARD.encode(whole);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
            text.push_str(line);
            text.push('\n');
            rest = more;
        }
        text.push_str("-----END PUBLIC KEY-----\n");
        Some(text)
    }
}

const EC: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// One value of ASN.1: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 128 => out.push(short),
        _ => {
            let length: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
            out.extend_from_slice(&length);
        }
    }
    out.extend_from_slice(content);
    out
}

impl Assertion {
    /// The bytes over which the authenticator signed, and its signature.
    pub fn signed(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut data = bytes(&self.authenticator_data)?;
        data.extend_from_slice(&Digest::of(&bytes(&self.client_data)?).0);
        Some((data, bytes(&self.signature)?))
    }

    /// How often the authenticator has signed, as it says.
    pub fn counter(&self) -> Option<u32> {
        let data = bytes(&self.authenticator_data)?;
        Some(u32::from_be_bytes(data.get(33..37)?.try_into().ok()?))
    }

    pub fn client_data_json(&self) -> Option<Vec<u8>> {
        bytes(&self.client_data)
    }

    /// Verifies that this passkey, at this place, approved the plan of this digest; gives the authenticator's counter.
    pub fn verify(&self, plan: &Digest, key: &PasskeyKey, place: &RelyingParty) -> Result<u32, AssertionFlaw> {
        let client: ClientData =
            self.client_data_json().and_then(|json| serde_json::from_slice(&json).ok()).ok_or(AssertionFlaw::Malformed)?;
        let (data, signature) = self.signed().ok_or(AssertionFlaw::Malformed)?;
        if client.ceremony != "webauthn.get" {
            return Err(AssertionFlaw::OtherCeremony);
        }
        if client.challenge != challenge_text(plan) {
            return Err(AssertionFlaw::OtherChallenge);
        }
        if client.origin != place.origin || client.cross_origin {
            let given = client.origin.chars().take(200).collect();
            return Err(AssertionFlaw::OtherOrigin { given, expected: place.origin.clone() });
        }
        let (Some(site), Some([flags, a, b, c, d])) = (data.get(..32), data.get(32..37)) else { return Err(AssertionFlaw::Malformed) };
        // The digest of the client data stands behind; without it a shorter part would be taken for authenticator data.
        if data.len() < 37 + 32 {
            return Err(AssertionFlaw::Malformed);
        }
        if site != Digest::of(place.id.as_bytes()).0 {
            return Err(AssertionFlaw::OtherOrigin { given: client.origin, expected: place.origin.clone() });
        }
        if !key.holds(&data, &signature) {
            return Err(AssertionFlaw::Differs);
        }
        if flags & TOUCHED == 0 {
            return Err(AssertionFlaw::Untouched);
        }
        if flags & PROVEN == 0 {
            return Err(AssertionFlaw::Unproven);
        }
        Ok(u32::from_be_bytes([*a, *b, *c, *d]))
    }
}
