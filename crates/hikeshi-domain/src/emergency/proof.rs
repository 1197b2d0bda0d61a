//! An approval, how it was given, and what is kept of it so that an auditor can verify it without hikeshi.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, PersonId, RoleName};
use crate::input;
use crate::refusal::Refusal;
use crate::signature::passkey::{Assertion, PasskeyKey, RelyingParty};
use crate::signature::ssh::{PublicKey, SIGNATURE_CHARS_MAX, Signature, SshKey};
use crate::signature::{NAMESPACE, passkey};

/// One explicit approval of one plan (rule E3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    pub by: PersonId,
    /// The approver roles that this person held then.
    pub roles: Vec<RoleName>,
    pub digest: Digest,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    /// Why they judge it an emergency, in their words.
    pub judgement: String,
    #[serde(default)]
    pub means: Means,
}

/// What the approval rests on, in short. The whole of it is [`Evidence`], in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Means {
    /// The approver was signed in at a page or used a token. Nothing but the ledger says so.
    #[default]
    Session,
    Passkey {
        label: String,
    },
    /// An SSH signature, brought by somebody who was signed in; that need not be the approver.
    Ssh {
        key: String,
        brought_by: PersonId,
    },
}

impl Means {
    pub fn is_signed(&self) -> bool {
        match self {
            Self::Session => false,
            Self::Passkey { .. } | Self::Ssh { .. } => true,
        }
    }
}

/// Which approvals count, as the policy says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalProof {
    /// Whoever is signed in can approve; a signature is welcome.
    #[default]
    Any,
    /// Only with a passkey or an SSH key, so that the approval can be verified without trusting the server.
    Signed,
}

/// A signed approval, complete: what was signed, the signature, and the public key as it was known then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The canonical bytes of the plan; its digest is the approval's.
    pub plan: String,
    pub signed: Signed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Signed {
    Ssh { signature: String, key: SshKey },
    Passkey { assertion: Assertion, key: PasskeyKey, place: RelyingParty },
}

/// A signature whose owner is known and whose key counts now. What it was made over is not looked at yet.
pub struct Signer<'a> {
    pub by: &'a PersonId,
    pub key: &'a SshKey,
    pub fingerprint: String,
    pub signature: Signature,
}

/// Whose key has made this signature. The same question for the server and for whoever must judge without it.
pub fn signer<'a>(keys: impl IntoIterator<Item = (&'a PersonId, &'a SshKey)>, armour: &str, now: Timestamp) -> Result<Signer<'a>, Refusal> {
    signer_of(keys, armour, NAMESPACE, now)
}

/// The same for what was signed for another purpose.
pub(crate) fn signer_of<'a>(
    keys: impl IntoIterator<Item = (&'a PersonId, &'a SshKey)>,
    armour: &str,
    namespace: &str,
    now: Timestamp,
) -> Result<Signer<'a>, Refusal> {
    input::required("signature", armour, SIGNATURE_CHARS_MAX)?;
    let flawed = |flaw| Refusal::SignatureFlawed { flaw };
    let signature = Signature::parse(armour).map_err(flawed)?;
    signature.of_namespace(namespace).map_err(flawed)?;
    let fingerprint = signature.fingerprint();
    let mut keys = keys.into_iter();
    let found = keys.find(|(_, key)| PublicKey::parse(&key.key).is_ok_and(|key| signature.is_by(&key)));
    let (by, key) = found.ok_or_else(|| Refusal::SignatureKeyUnknown { fingerprint: fingerprint.clone() })?;
    if let Err(standing) = key.standing(now) {
        return Err(Refusal::SignatureKeyInvalid { person: by.clone(), fingerprint, standing });
    }
    Ok(Signer { by, key, fingerprint, signature })
}

impl Evidence {
    /// Whether it proves this approval, as far as that can be seen without any policy.
    pub fn proves(&self, approval: &Approval) -> bool {
        if Digest::of(self.plan.as_bytes()) != approval.digest {
            return false;
        }
        match &self.signed {
            Signed::Ssh { signature, key } => {
                let (Ok(signature), Ok(public)) = (Signature::parse(signature), PublicKey::parse(&key.key)) else { return false };
                let for_this = signature.is_by(&public) && signature.of_namespace(NAMESPACE).is_ok();
                for_this && key.standing(approval.at).is_ok() && signature.verify(self.plan.as_bytes()).is_ok()
            }
            Signed::Passkey { assertion, key, place } => assertion.verify(&approval.digest, key, place).is_ok(),
        }
    }

    /// The files by which OpenSSH or OpenSSL verify it, under names that begin with `stem`.
    pub fn documents(&self, stem: &str, by: &PersonId) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![(format!("{stem}.plan.json"), self.plan.clone().into_bytes())];
        match &self.signed {
            Signed::Ssh { signature, key } => {
                files.push((format!("{stem}.plan.json.sig"), signature.clone().into_bytes()));
                let line = key.allowed_signer(by.as_str()).unwrap_or_default();
                files.push((format!("{stem}.allowed_signers"), format!("{line}\n").into_bytes()));
            }
            Signed::Passkey { assertion, key, .. } => {
                if let (Some((data, signature)), Some(pem)) = (assertion.signed(), key.pem()) {
                    files.push((format!("{stem}.passkey.pem"), pem.into_bytes()));
                    files.push((format!("{stem}.passkey.signed"), data));
                    files.push((format!("{stem}.passkey.sig"), signature));
                }
                files.push((format!("{stem}.passkey.client.json"), assertion.client_data_json().unwrap_or_default()));
                let challenge = passkey::challenge_text(&Digest::of(self.plan.as_bytes()));
                files.push((format!("{stem}.passkey.challenge.txt"), format!("{challenge}\n").into_bytes()));
            }
        }
        files
    }
}
