//! Proving who somebody is, where neither account nor passkey is: a short statement, signed by their SSH key as the trust bundle has it.
//!
//! It names the ledger, the digest of a token that only whoever signs knows, and the key of the device with which they will watch. So it
//! is worth nothing in another ledger and to nobody else, and what the device signs later is answered for by the person's own key.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emergency::signer_of;
use crate::ids::{Digest, PersonId};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::session::DeviceKey;

/// What `ssh-keygen -Y sign -n` is given.
pub const ENTER_NAMESPACE: &str = "hikeshi-enter-v1";
const STATEMENT_CHARS_MAX: usize = 2_000;
/// A statement is carried at once; clocks differ a little.
const VALID: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub format: String,
    pub ledger: String,
    pub token: Digest,
    pub device: DeviceKey,
    pub at: Timestamp,
}

/// Why a statement proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum StatementFlaw {
    Malformed,
    /// It was made for another ledger.
    OtherLedger {
        given: String,
    },
    /// It was made at another time; or one of the clocks is wrong.
    OtherTime {
        at: Timestamp,
    },
    Used,
}

/// Somebody who has proven themselves.
pub struct Entered<'a> {
    pub by: &'a PersonId,
    pub fingerprint: String,
    pub statement: Statement,
}

impl Statement {
    pub const FORMAT: &'static str = "hikeshi-enter-v1";

    pub fn new(ledger: &str, token: Digest, device: DeviceKey, at: Timestamp) -> Self {
        Self { format: Self::FORMAT.to_owned(), ledger: ledger.to_owned(), token, device, at }
    }

    /// What is signed. Plain data always serialises.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whose statement it is, if it is one for this ledger and this time.
pub fn entrant<'a>(policy: &'a Policy, text: &str, armour: &str, now: Timestamp) -> Result<Entered<'a>, Refusal> {
    let local = policy.local.as_ref().ok_or(Refusal::NotLocal)?;
    let flawed = |flaw| Refusal::StatementFlawed { flaw };
    local.at(now)?;
    if text.len() > STATEMENT_CHARS_MAX {
        return Err(flawed(StatementFlaw::Malformed));
    }
    let statement: Statement = serde_json::from_str(text).map_err(|_| flawed(StatementFlaw::Malformed))?;
    if statement.format != Statement::FORMAT || !statement.device.is_well_formed() {
        return Err(flawed(StatementFlaw::Malformed));
    }
    if statement.ledger != local.ledger {
        return Err(flawed(StatementFlaw::OtherLedger { given: statement.ledger.chars().take(200).collect() }));
    }
    let (least, most) = (now.checked_sub(VALID).unwrap_or(Timestamp::MIN), now.checked_add(VALID).unwrap_or(Timestamp::MAX));
    if statement.at < least || statement.at > most {
        return Err(flawed(StatementFlaw::OtherTime { at: statement.at }));
    }
    let keys = policy.people.iter().flat_map(|(id, person)| person.ssh_keys.iter().map(move |key| (id, key)));
    let signed = signer_of(keys, armour, ENTER_NAMESPACE, now)?;
    signed.signature.verify(text.as_bytes()).map_err(|flaw| Refusal::SignatureFlawed { flaw })?;
    Ok(Entered { by: signed.by, fingerprint: signed.fingerprint, statement })
}
