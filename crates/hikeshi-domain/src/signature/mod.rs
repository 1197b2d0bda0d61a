//! What an approver signs, and whether the signature holds: by an SSH key ([`ssh`]) or by a passkey ([`passkey`]).
//!
//! Pure: bytes in, verdict out. Whether the signer may approve is [`crate::emergency::decide`]; what is kept of it is [`crate::emergency::Evidence`].

pub mod passkey;
pub mod ssh;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names what is signed, so that a signature made for anything else is worth nothing here, and one made here nothing elsewhere.
pub const NAMESPACE: &str = "hikeshi-approve-v1";

/// Why a signature is none. Codes only; the words are elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum SignatureFlaw {
    /// It has not the form of a signature: cut, or something else was pasted.
    Malformed,
    /// It was made for another purpose.
    OtherNamespace { given: String },
    /// An algorithm that is not accepted: SHA-1, short RSA, a certificate, another curve.
    Unsupported { algorithm: String },
    /// It does not belong to this plan: the plan is another one, or either was altered.
    Differs,
    /// The security key was not touched.
    Untouched,
}
