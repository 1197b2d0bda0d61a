//! How a person proves who they are: one-time links, passkeys, browser sessions, API tokens. Only digests of secrets come here.

pub mod decide;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contact::Contact;
use crate::ids::{Digest, PersonId, RoleName, TokenId};
use crate::page::Means;
use crate::signature::passkey::RelyingParty;

/// The state of one person's credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    pub person: PersonId,
    #[serde(default)]
    pub links: Vec<Link>,
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
    #[serde(default)]
    pub sessions: Vec<Session>,
    #[serde(default)]
    pub tokens: BTreeMap<TokenId, Token>,
    /// Whether the ways to reach them were tried (rule M2).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts: BTreeMap<Means, Contact>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    pub secret: Digest,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passkey {
    /// base64url, as the browser gives it.
    pub credential_id: String,
    pub label: String,
    /// The public credential in the form of the WebAuthn library. No secret is in it.
    pub credential: serde_json::Value,
    pub added_at: Timestamp,
    /// Where it was made; without it an approval cannot be verified.
    #[serde(default)]
    pub place: Option<RelyingParty>,
    /// The highest counter seen with an approval.
    #[serde(default)]
    pub counter: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    pub secret: Digest,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    pub label: String,
    pub secret: Digest,
    /// Narrows the person's roles.
    #[serde(default)]
    pub only: Option<Vec<RoleName>>,
    /// It reads the calendars of the schedules, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub calendar: bool,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Proof {
    /// The one-time link's secret, digested. It is used up.
    Link { secret: Digest },
    /// A passkey that the face has verified; `credential` is its updated form, if the counter moved.
    Passkey {
        credential_id: String,
        #[serde(default)]
        credential: Option<serde_json::Value>,
    },
}

/// Everything that can be asked of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A one-time sign-in link for a person of the policy. The secret stays with who asked.
    Invite {
        person: PersonId,
        secret: Digest,
        valid_min: u32,
    },
    /// Opens a browser session. Given by the face on behalf of the person who proved themselves.
    SignIn {
        person: PersonId,
        proof: Proof,
        session: Digest,
        valid_min: u32,
    },
    SignOut {
        session: Digest,
    },
    AddPasskey {
        label: String,
        credential_id: String,
        credential: serde_json::Value,
        #[serde(default)]
        place: Option<RelyingParty>,
    },
    RemovePasskey {
        credential_id: String,
    },
    IssueToken {
        label: String,
        secret: Digest,
        #[serde(default)]
        only: Option<Vec<RoleName>>,
        /// For calendar programs, which cannot sign in: it reads the calendars of the schedules, and nothing else.
        #[serde(default)]
        calendar: bool,
        valid_days: u32,
    },
    RevokeToken {
        person: PersonId,
        token: TokenId,
    },
    /// Proves with an SSH key who somebody is, and gets a token: in a ledger that is kept while the server is away.
    Enter {
        statement: String,
        signature: String,
        label: String,
    },
}
