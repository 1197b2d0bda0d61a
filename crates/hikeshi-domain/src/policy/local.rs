//! What a ledger that is kept while the server is away says of itself: in its first entry, as a part of the policy that binds there.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chat::Seal;
use crate::ids::{Digest, ObligationId};
use crate::refusal::Refusal;

/// Where it comes from, and what the server last knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Its own name: the server's, `/local/`, the host and a few random letters.
    pub ledger: String,
    /// Its own public key, as `name+hash+base64`.
    pub key: String,
    /// The server's.
    pub server_key: String,
    /// Digest of the trust bundle from which everything else here was taken.
    pub trust: Digest,
    /// How far the server's ledger had come then.
    pub seal: Option<Seal>,
    pub made_at: Timestamp,
    pub valid_until: Timestamp,
    pub host: String,
    /// What was owed to the server then: overdue, it hardens an approval here too (rule E14).
    #[serde(default)]
    pub owed: Vec<Owed>,
}

impl Local {
    /// After the end of the trust bundle nobody's key is believed any more.
    pub fn at(&self, now: Timestamp) -> Result<(), Refusal> {
        if now < self.valid_until { Ok(()) } else { Err(Refusal::TrustEnded { until: self.valid_until }) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    pub obligation: ObligationId,
    pub due_at: Timestamp,
}
