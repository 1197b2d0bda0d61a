//! What a witness's own device signs: the head of the recording's chain that it has shown.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, EmergencyId, PersonId};

/// Public key of a device: the uncompressed P-256 point (65 bytes), lower case hex. What every browser can make and keep to itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeviceKey(String);

impl DeviceKey {
    /// Whether this can be a key at all: whatever it signs is checked with it later.
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 130 && self.0.starts_with("04") && unhex(&self.0).is_some()
    }

    pub fn of(point: &[u8]) -> Self {
        Self(point.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How people compare keys: the first twelve digits of its digest.
    pub fn short(&self) -> String {
        Digest::of(self.0.as_bytes()).short()
    }

    fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let (Some(point), Some(signature)) = (unhex(&self.0), unhex(signature)) else { return false };
        let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point);
        key.verify(message, &signature).is_ok()
    }
}

/// One signed word: "my screen, in front, has shown the recording from that block to this one without a break".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    pub person: PersonId,
    /// First block of the unbroken stretch; a page that was hidden or newly opened begins another.
    pub from: u64,
    pub block: u64,
    /// Head of that block, as the device computed it from what it was sent.
    pub head: Digest,
    /// By the device's clock.
    pub shown_at: Timestamp,
    /// ECDSA P-256 over SHA-256 of [`Ack::message`], `r ‖ s`, lower case hex.
    pub signature: String,
}

impl Ack {
    /// The signed bytes: eight lines, each ended.
    pub fn message(
        emergency: EmergencyId,
        session: u32,
        person: &PersonId,
        blocks: RangeInclusive<u64>,
        head: &Digest,
        shown_at: Timestamp,
    ) -> Vec<u8> {
        let (from, block) = blocks.into_inner();
        format!("hikeshi-ack-v1\n{emergency}\n{session}\n{person}\n{from}\n{block}\n{head}\n{shown_at}\n").into_bytes()
    }

    pub fn is_signed_by(&self, key: &DeviceKey, emergency: EmergencyId, session: u32) -> bool {
        key.verifies(&Self::message(emergency, session, &self.person, self.from..=self.block, &self.head, self.shown_at), &self.signature)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() > 200 || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect()
}
